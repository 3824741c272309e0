"""Adverse effects as pairs of dots: the share of people on naltrexone and on the comparator, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import SLIM, WIDE, Drawing, ticks
from ldn_evidence.publish.plugin.pages.numbers import stored

_TOP = 30


@dataclass(frozen=True, slots=True)
class Pair:
    """One effect in one study; shares in percent."""

    effect: str
    study: str
    percent: float
    comparator_percent: float
    total: int | None = None
    comparator_total: int | None = None


def draw(name: str, pairs: Sequence[Pair]) -> Markup:
    """The dot plot. Whiskers are 95% score intervals where the number of people is known.

    Drawn twice: with the names beside the dots, and for narrow screens above them.
    """
    return _draw(name, pairs, WIDE) + _draw(f"{name}-slim", pairs, SLIM)


def _draw(name: str, pairs: Sequence[Pair], style: str) -> Markup:
    slim = style == SLIM
    width, left, right, high = (350, 12, 330, 44) if slim else (920, 404, 734, 30)
    bottom = _TOP + len(pairs) * high + 4
    most = max([max(pair.percent, pair.comparator_percent) for pair in pairs] + [10.0])
    end = min(100.0, 1.25 * most)
    drawing = Drawing(
        name, width, bottom + 52, "Adverse effects on low-dose naltrexone and on the comparator",
        " ".join(f"{pair.effect}, {pair.study}: {stored(pair.percent)}% against {stored(pair.comparator_percent)}%."
                 for pair in pairs),
        style=style,
    )  # fmt: skip

    def x(percent: float) -> float:
        return left + min(max(percent, 0.0), end) / end * (right - left)

    drawing.text(0, 14, "Effect, study", style="head")
    numbers_at, anchor = (width, "end") if slim else (right + 16, "start")
    drawing.text(numbers_at, 14, "naltrexone / comparator", anchor, "head")
    for tick in ticks(0, end):
        drawing.line(x(tick), _TOP - 8, x(tick), bottom, "grid")
        drawing.text(x(tick), bottom + 18, f"{stored(tick)}%", "middle", "figure small")
    y = _TOP + (28 if slim else high / 2 - 4)
    for pair in pairs:
        label = f"{pair.effect}, {pair.study}"
        text_at = y - 16 if slim else y + 5
        drawing.text(0, text_at, shorten(label, 38 if slim else 54), style="small" if slim else "")
        for percent, total, offset, mark in (
            (pair.percent, pair.total, -5, "dot"),
            (pair.comparator_percent, pair.comparator_total, 5, "hollow"),
        ):
            if total:
                low, top = score_interval(percent / 100, total)
                drawing.line(x(100 * low), y + offset, x(100 * top), y + offset, "whisker")
            drawing.circle(x(percent), y + offset, 4.5, mark)
        drawing.text(
            numbers_at, text_at, f"{stored(pair.percent)}% / {stored(pair.comparator_percent)}%", anchor,
            "figure small" if slim else "figure",
        )  # fmt: skip
        y += high
    drawing.line(left, bottom, right, bottom)
    drawing.circle(left + 6, bottom + 40, 4.5, "dot")
    drawing.text(left + 16, bottom + 44, "naltrexone, low dose", style="small")
    drawing.circle(left + 156, bottom + 40, 4.5, "hollow")
    drawing.text(left + 166, bottom + 44, "comparator, mostly placebo", style="small")
    return drawing.markup()


def score_interval(share: float, total: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share (Wilson 1927; Newcombe 1998, method 3), without continuity correction."""
    z = 1.959964
    centre = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    below = 1 + z * z / total
    return max((centre - reach) / below, 0.0), min((centre + reach) / below, 1.0)

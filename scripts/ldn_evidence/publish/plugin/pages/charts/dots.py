"""Adverse effects as pairs of dots: the share of people on naltrexone and on the comparator, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, shorten, ticks
from ldn_evidence.publish.plugin.pages.numbers import stored

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 860, 370, 700, 30, 30


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
    """The dot plot. Whiskers are 95% score intervals where the number of people is known."""
    bottom = _TOP + len(pairs) * _ROW + 4
    most = max([max(pair.percent, pair.comparator_percent) for pair in pairs] + [10.0])
    end = min(100.0, 1.25 * most)
    drawing = Drawing(
        name, _WIDTH, bottom + 52, "Adverse effects on low-dose naltrexone and on the comparator",
        " ".join(f"{pair.effect}, {pair.study}: {stored(pair.percent)}% against {stored(pair.comparator_percent)}%."
                 for pair in pairs),
    )  # fmt: skip

    def x(percent: float) -> float:
        return _LEFT + min(max(percent, 0.0), end) / end * (_RIGHT - _LEFT)

    drawing.text(0, 14, "Effect, study", style="head")
    drawing.text(_RIGHT + 16, 14, "naltrexone / comparator", style="head")
    for tick in ticks(0, end):
        drawing.line(x(tick), _TOP - 8, x(tick), bottom, "grid")
        drawing.text(x(tick), bottom + 18, f"{stored(tick)}%", "middle", "figure small")
    y = _TOP + _ROW / 2 - 4
    for pair in pairs:
        drawing.text(0, y + 5, shorten(f"{pair.effect}, {pair.study}", 54))
        for percent, total, offset, style in (
            (pair.percent, pair.total, -5, "dot"),
            (pair.comparator_percent, pair.comparator_total, 5, "hollow"),
        ):
            if total:
                low, high = score_interval(percent / 100, total)
                drawing.line(x(100 * low), y + offset, x(100 * high), y + offset, "whisker")
            drawing.circle(x(percent), y + offset, 4.5, style)
        drawing.text(
            _RIGHT + 16,
            y + 5,
            f"{stored(pair.percent)}% / {stored(pair.comparator_percent)}%",
            style="figure",
        )
        y += _ROW
    drawing.line(_LEFT, bottom, _RIGHT, bottom)
    drawing.circle(_LEFT + 6, bottom + 40, 4.5, "dot")
    drawing.text(_LEFT + 16, bottom + 44, "naltrexone, low dose", style="small")
    drawing.circle(_LEFT + 166, bottom + 40, 4.5, "hollow")
    drawing.text(_LEFT + 176, bottom + 44, "comparator, mostly placebo", style="small")
    return drawing.markup()


def score_interval(share: float, total: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share (Wilson 1927; Newcombe 1998, method 3), without continuity correction."""
    z = 1.959964
    centre = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    below = 1 + z * z / total
    return max((centre - reach) / below, 0.0), min((centre + reach) / below, 1.0)

"""Doses tried in each condition: a mark an arm, on one axis of milligrams a day."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import SLIM, WIDE, Drawing, link_name
from ldn_evidence.publish.plugin.pages.reader import Row

_TOP = 40
_HIGHEST = 10.0


def draw(name: str, conditions: Mapping[str, Sequence[Row]], url: Callable[[str], str]) -> Markup:
    """Filled: randomised; hollow: not. Area by people. A line is a range or a titration.

    Drawn twice: with the names beside the lines, and for narrow screens above them.
    """
    return _draw(name, conditions, url, WIDE) + _draw(f"{name}-slim", conditions, url, SLIM)


def _draw(
    name: str, conditions: Mapping[str, Sequence[Row]], url: Callable[[str], str], style: str
) -> Markup:
    slim = style == SLIM
    width, left, right, high = (350, 12, 338, 36) if slim else (820, 250, 800, 24)
    bottom = _TOP + len(conditions) * high
    drawing = Drawing(
        name, width, bottom + 50, "Low doses as tried, by condition",
        f"Milligrams a day in the arms of studies of {len(conditions)} conditions; the table has every number.",
        has_links=True, style=style,
    )  # fmt: skip

    def x(dose: float) -> float:
        return left + min(dose, _HIGHEST) / _HIGHEST * (right - left)

    first = _TOP + (24 if slim else high / 2 - 2)
    drawing.lines(
        [(x(tick), _TOP - 8, x(tick), bottom) for tick in range(0, 11)]
        + [(left, first + number * high, right, first + number * high) for number in range(len(conditions))],
        "grid",
    )
    with drawing.group("middle", "figure small"):
        for tick in range(0, 11):
            for y in (_TOP - 14, bottom + 16):
                drawing.text(x(tick), y, str(tick))
    with drawing.group("start" if slim else "end", "small"):
        for number, (condition, arms) in enumerate(conditions.items()):
            level = first + number * high
            visible = shorten(condition, 52 if slim else 36)
            arms_in_words = f"{len(arms)} arm{'s' if len(arms) > 1 else ''}"
            # A name that stands there in full names the link too.
            with drawing.link(
                url(f"/conditions/{arms[0]['condition_id']}"),
                link_name(visible, condition, arms_in_words) if visible != condition else "",
            ):
                if slim:
                    drawing.text(0, level - 12, visible)
                else:
                    drawing.text(left - 14, level + 4, visible)
            _arms(drawing, arms, level, x)
    drawing.text((left + right) / 2, bottom + 38, "naltrexone, mg a day", "middle", "small quiet")
    return drawing.markup()


def _arms(drawing: Drawing, arms: Sequence[Row], level: float, x: Callable[[float], float]) -> None:
    """The arms of one condition, on its line."""
    spans: dict[tuple[float, float], None] = {}
    marks: dict[tuple[float, float, str], None] = {}  # what would lie on the very same spot is drawn once
    for arm in sorted(arms, key=lambda arm: -(arm["participants"] or 0)):
        low, high = arm["dose_low_mg_per_day"], arm["dose_high_mg_per_day"]
        if low is not None and high is not None:
            spans[low, high] = None
        dose = arm["dose_mg_per_day"] or high
        if dose is not None:
            radius = round(min(2.5 + 0.45 * math.sqrt(arm["participants"] or 1), 9), 1)
            marks[dose, radius, "dot" if arm["is_randomized"] else "hollow"] = None
    for low, high in spans:
        drawing.line(x(low), level, x(high), level, "whisker")
    for dose, radius, style in marks:
        drawing.circle(x(dose), level, radius, style)

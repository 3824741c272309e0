"""Doses tried in each condition: a mark an arm, on one axis of milligrams a day."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, link_name, shorten
from ldn_evidence.publish.plugin.pages.reader import Row

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 820, 250, 800, 24, 40
_HIGHEST = 10.0


def draw(name: str, conditions: Mapping[str, Sequence[Row]], url: Callable[[str], str]) -> Markup:
    """Filled: randomised; hollow: not. Area by people. A line is a range or a titration."""
    bottom = _TOP + len(conditions) * _ROW
    drawing = Drawing(
        name, _WIDTH, bottom + 50, "Low doses as tried, by condition",
        f"Milligrams a day in the arms of studies of {len(conditions)} conditions; the table has every number.",
        has_links=True,
    )  # fmt: skip

    def x(dose: float) -> float:
        return _LEFT + min(dose, _HIGHEST) / _HIGHEST * (_RIGHT - _LEFT)

    for tick in range(0, 11):
        drawing.line(x(tick), _TOP - 8, x(tick), bottom, "grid")
        for y in (_TOP - 14, bottom + 16):
            drawing.text(x(tick), y, str(tick), "middle", "figure small")
    level = _TOP + _ROW / 2 - 2
    for condition, arms in conditions.items():
        visible = shorten(condition, 36)
        arms_in_words = f"{len(arms)} arm{'s' if len(arms) > 1 else ''}"
        with drawing.link(
            url(f"/conditions/{arms[0]['condition_id']}"), link_name(visible, condition, arms_in_words)
        ):
            drawing.text(_LEFT - 14, level + 4, visible, "end", "small")
        drawing.line(_LEFT, level, _RIGHT, level, "grid")
        for arm in sorted(arms, key=lambda arm: -(arm["participants"] or 0)):
            low, high = arm["dose_low_mg_per_day"], arm["dose_high_mg_per_day"]
            if low is not None and high is not None:
                drawing.line(x(low), level, x(high), level, "whisker")
            dose = arm["dose_mg_per_day"] or high
            if dose is not None:
                radius = min(2.5 + 0.45 * math.sqrt(arm["participants"] or 1), 9)
                drawing.circle(x(dose), level, radius, "dot" if arm["is_randomized"] else "hollow")
        level += _ROW
    drawing.text((_LEFT + _RIGHT) / 2, bottom + 38, "naltrexone, mg a day", "middle", "small quiet")
    return drawing.markup()

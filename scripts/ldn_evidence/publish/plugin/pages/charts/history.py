"""The tier of a condition over the years, as steps with a sign for the direction at each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.charts.drawing import SLIM, WIDE, Drawing

_TOP, _STEP = 26, 40


@dataclass(frozen=True, slots=True)
class Step:
    """What the rule gives from `year` on. `level` counts tiers from the weakest, 0."""

    year: int
    level: int
    sign: str
    words: str
    changed: bool


def draw(name: str, title: str, steps: Sequence[Step], tiers: Sequence[str], until: int) -> Markup:
    """Steps through the years, for wide and for narrow screens. `tiers` are the names of the levels, weakest first."""
    return _draw(name, title, steps, tiers, until, WIDE) + _draw(
        f"{name}-slim", title, steps, tiers, until, SLIM
    )


def _draw(
    name: str, title: str, steps: Sequence[Step], tiers: Sequence[str], until: int, style: str
) -> Markup:
    width, left, right = (350, 76, 332) if style == SLIM else (720, 90, 690)
    first, last = steps[0].year, max(until, steps[-1].year)
    height = _TOP + _STEP * len(tiers) + 10
    drawing = Drawing(
        name,
        width,
        height + 14,
        title,
        " ".join(f"{step.year}: {step.words}." for step in steps if step.changed),
        style=style,
    )

    def x(year: float) -> float:
        return left + (year - first) / max(last - first, 1) * (right - left)

    def y(level: int) -> float:
        return _TOP + (len(tiers) - 1 - level) * _STEP

    for level, tier in enumerate(tiers):
        drawing.line(left, y(level), right, y(level), "grid")
        drawing.text(0, y(level) + 5, tier, style="small")
    points: list[tuple[float, float]] = []
    for step in steps:
        if points:
            points.append((x(step.year), points[-1][1]))
        points.append((x(step.year), y(step.level)))
    points.append((x(last), y(steps[-1].level)))
    drawing.polyline(points, "steps")
    for step in steps:
        if step.changed:
            drawing.circle(x(step.year), y(step.level), 10, "knot")
            drawing.text(x(step.year), y(step.level) + 4.5, step.sign, "middle", "small strong")
    base = y(0) + 26
    drawing.line(left, base, right, base)
    labelled = -100.0
    for year in dict.fromkeys([step.year for step in steps if step.changed] + [last]):
        if x(year) - labelled >= 38:
            drawing.text(x(year), base + 18, str(year), "middle", "figure small")
            labelled = x(year)
    return drawing.markup()

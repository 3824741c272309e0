"""Forest plots as the field draws them: squares by weight, a diamond for the pooled estimate, a line of no effect.

Conventions follow the Cochrane Handbook, chapter 10 (forest plots) and 10.10.4.3 (prediction intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import SLIM, WIDE, Drawing, log_ticks, ticks
from ldn_evidence.publish.plugin.pages.numbers import estimate, stored

RATIOS = frozenset({"RR", "OR", "HR", "IRR", "ratio_of_means"})

_TOP = 34


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison. `weight` in percent of the pooled estimate; None where it is shown and not pooled."""

    label: str
    value: float
    low: float | None
    high: float | None
    weight: float | None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Pooled:
    """The diamond, and where known the interval in which the next trial is expected."""

    label: str
    value: float
    low: float
    high: float
    prediction_low: float | None = None
    prediction_high: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How the axis is to be read."""

    measure: str
    label: str
    lower_is_better: bool | None
    minimal_important_difference: float | None = None

    @property
    def is_ratio(self) -> bool:
        """Whether the axis is logarithmic and 1 means no effect."""
        return self.measure in RATIOS

    @property
    def no_effect(self) -> float:
        """Where nothing differs."""
        return 1.0 if self.is_ratio else 0.0


def draw(name: str, title: str, lines: Sequence[Line], pooled: Pooled | None, scale: Scale) -> Markup:
    """A forest plot. Intervals that leave the axis end in an arrow; the table beside it has every number.

    Drawn twice: as the field does it, and for narrow screens with the names above the intervals.
    """
    return _draw(name, title, lines, pooled, scale, WIDE) + small(
        f"{name}-slim", title, lines, pooled, scale, SLIM
    )


def small(
    name: str, title: str, lines: Sequence[Line], pooled: Pooled | None, scale: Scale, style: str = "chart"
) -> Markup:
    """The plot with the names above the intervals, which fits a telephone or a column of a page."""
    return _draw(name, title, lines, pooled, scale, style, slim=True)


def _draw(
    name: str,
    title: str,
    lines: Sequence[Line],
    pooled: Pooled | None,
    scale: Scale,
    style: str,
    *,
    slim: bool = False,
) -> Markup:
    low, high = _extent(lines, pooled, scale)
    rows = len(lines) + (2 if pooled and pooled.prediction_low is not None else 1 if pooled else 0)
    width, left, right, row = (350, 10, 340, 42) if slim else (780, 250, 560, 28)
    bottom = _TOP + rows * row + (8 if slim else 4)
    drawing = Drawing(name, width, bottom + 66, title, _describe(lines, pooled, scale), style=style)
    letters, numbers_at, anchor = (30, width, "end") if slim else (36, right + 14, "start")
    size = "small" if slim else ""

    def place(value: float) -> float:
        if scale.is_ratio:
            value, start, end = math.log(max(value, 1e-9)), math.log(low), math.log(high)
        else:
            start, end = low, high
        return left + (value - start) / (end - start) * (right - left)

    def inside(value: float) -> float:
        return min(max(place(value), left), right)

    def texts(y: float, label: str, numbers: str, emphasis: str = "") -> None:
        at = y - 14 if slim else y + 5
        name = label.replace(" et al.", "") if slim else label
        drawing.text(0, at, shorten(name, letters), style=f"{size} {emphasis}".strip())
        drawing.text(numbers_at, at, numbers, anchor, f"figure {size} {emphasis}".strip().replace("  ", " "))

    drawing.text(0, 16, "Study (n: people compared)", style="head")
    drawing.text(numbers_at, 16, f"{scale.measure} (95% CI)", anchor, "head")
    if not slim:
        drawing.text(width, 16, "Weight", "end", "head")
    drawing.line(0, 24, width, 24, "rule")

    mid = scale.minimal_important_difference
    if mid and not scale.is_ratio:
        start, end = inside(-mid), inside(mid)
        drawing.rectangle(start, _TOP - 8, end - start, bottom - _TOP + 8, "trivial")
    drawing.line(place(scale.no_effect), _TOP - 8, place(scale.no_effect), bottom, "no-effect")

    def whisker(y: float, start: float | None, end: float | None, kind: str) -> None:
        if start is None or end is None:
            return
        drawing.line(inside(start), y, inside(end), y, kind)
        if place(start) < left:
            drawing.polygon([(left, y), (left + 7, y - 4), (left + 7, y + 4)], "arrow")
        if place(end) > right:
            drawing.polygon([(right, y), (right - 7, y - 4), (right - 7, y + 4)], "arrow")

    y = _TOP + (26 if slim else row / 2 - 4)
    for line in lines:
        texts(y, line.label, _numbers(line.value, line.low, line.high))
        whisker(y, line.low, line.high, "whisker")
        half = 3.5 if line.weight is None else 3 + 6 * math.sqrt(line.weight / 100)
        if left <= place(line.value) <= right:
            square = "square" if line.weight is not None else "square open"
            drawing.rectangle(place(line.value) - half, y - half, 2 * half, 2 * half, square)
        if not slim:
            weight = f"{line.weight:.0f}%" if line.weight is not None else "–"
            drawing.text(width, y + 5, weight, "end", "figure")
        y += row
    if pooled:
        texts(y, pooled.label, _numbers(pooled.value, pooled.low, pooled.high), "strong")
        middle = inside(pooled.value)
        start, end = inside(pooled.low), inside(pooled.high)
        drawing.polygon([(start, y), (middle, y - 8), (end, y), (middle, y + 8)], "diamond")
        if place(pooled.low) < left:
            drawing.polygon([(left - 8, y), (left, y - 5), (left, y + 5)], "arrow")
        if place(pooled.high) > right:
            drawing.polygon([(right + 8, y), (right, y - 5), (right, y + 5)], "arrow")
        y += row
        if pooled.prediction_low is not None and pooled.prediction_high is not None:
            text = f"{estimate(pooled.prediction_low)} to {estimate(pooled.prediction_high)}"
            texts(y, "Prediction interval", text, "quiet")
            whisker(y, pooled.prediction_low, pooled.prediction_high, "prediction")

    drawing.line(left, bottom, right, bottom)
    for tick in log_ticks(low, high) if scale.is_ratio else ticks(low, high):
        drawing.line(place(tick), bottom, place(tick), bottom + 5)
        drawing.text(place(tick), bottom + 19, stored(tick), "middle", "figure small")
    if scale.lower_is_better is not None:
        sides = ("← favours naltrexone", "favours comparator →")
        if not scale.lower_is_better:
            sides = ("← favours comparator", "favours naltrexone →")
        centre = place(scale.no_effect)
        drawing.text(min(centre - 8, right - 170), bottom + 38, sides[0], "end", "small strong")
        drawing.text(max(centre + 8, left + 170), bottom + 38, sides[1], "start", "small strong")
    if slim:
        drawing.text(width / 2, bottom + 58, shorten(scale.label.split(";")[0], 58), "middle", "small quiet")
    else:
        drawing.text((left + right) / 2, bottom + 58, shorten(scale.label, 80), "middle", "small quiet")
    return drawing.markup()


def _extent(lines: Sequence[Line], pooled: Pooled | None, scale: Scale) -> tuple[float, float]:
    """Ends of the axis: the studies decide; a very wide pooled interval may triple them and then ends in an arrow."""
    convert = (lambda value: math.log(max(value, 1e-3))) if scale.is_ratio else float
    centre = convert(scale.no_effect)
    reach = [
        abs(convert(value) - centre)
        for line in lines
        for value in (line.value, line.low, line.high)
        if value is not None
    ]
    widest = max(reach, default=0.0)
    if pooled:
        ends = max(abs(convert(end) - centre) for end in (pooled.low, pooled.high))
        widest = max(widest, min(ends, 3 * widest) if lines else ends)
    mid = scale.minimal_important_difference
    if mid and not scale.is_ratio:
        widest = max(widest, 1.15 * mid)
    widest = (widest or 1.0) * 1.08
    if scale.is_ratio:
        widest = min(max(widest, math.log(2)), math.log(100))
        return math.exp(-widest), math.exp(widest)
    return -widest, widest


def _numbers(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{estimate(value)} (not known)"
    return f"{estimate(value)} ({estimate(low)} to {estimate(high)})"


def _describe(lines: Sequence[Line], pooled: Pooled | None, scale: Scale) -> str:
    parts = [f"{line.label}: {_numbers(line.value, line.low, line.high)}." for line in lines]
    if pooled:
        parts.append(f"{pooled.label}: {_numbers(pooled.value, pooled.low, pooled.high)}.")
    if scale.minimal_important_difference and not scale.is_ratio:
        parts.append(
            f"Shaded: less than the difference that matters, {stored(scale.minimal_important_difference)}."
        )
    return " ".join(parts)

"""Forest plots as the field draws them: squares by weight, a diamond for the pooled estimate, a line of no effect.

Conventions follow the Cochrane Handbook, chapter 10 (forest plots) and 10.10.4.3 (prediction intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, log_ticks, shorten, ticks
from ldn_evidence.publish.plugin.pages.numbers import estimate, stored

RATIOS = frozenset({"RR", "OR", "HR", "IRR", "ratio_of_means"})

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 780, 250, 560, 28, 34


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
    """A forest plot. Intervals that leave the axis end in an arrow; the table beside it has every number."""
    low, high = _extent(lines, pooled, scale)
    rows = len(lines) + (2 if pooled and pooled.prediction_low is not None else 1 if pooled else 0)
    bottom = _TOP + rows * _ROW + 4
    drawing = Drawing(name, _WIDTH, bottom + 66, title, _describe(lines, pooled, scale))

    def place(value: float) -> float:
        if scale.is_ratio:
            value, start, end = math.log(max(value, 1e-9)), math.log(low), math.log(high)
        else:
            start, end = low, high
        return _LEFT + (value - start) / (end - start) * (_RIGHT - _LEFT)

    def inside(value: float) -> float:
        return min(max(place(value), _LEFT), _RIGHT)

    drawing.text(0, 16, "Study", style="head")
    drawing.text(_RIGHT + 14, 16, f"{scale.measure} (95% CI)", style="head")
    drawing.text(_WIDTH, 16, "Weight", "end", "head")
    drawing.line(0, 24, _WIDTH, 24, "rule")

    mid = scale.minimal_important_difference
    if mid and not scale.is_ratio:
        start, end = inside(-mid), inside(mid)
        drawing.rectangle(start, _TOP - 8, end - start, bottom - _TOP + 8, "trivial")
    drawing.line(place(scale.no_effect), _TOP - 8, place(scale.no_effect), bottom, "no-effect")

    def whisker(y: float, start: float | None, end: float | None, style: str) -> None:
        if start is None or end is None:
            return
        left, right = place(start), place(end)
        drawing.line(inside(start), y, inside(end), y, style)
        if left < _LEFT:
            drawing.polygon([(_LEFT, y), (_LEFT + 7, y - 4), (_LEFT + 7, y + 4)], "arrow")
        if right > _RIGHT:
            drawing.polygon([(_RIGHT, y), (_RIGHT - 7, y - 4), (_RIGHT - 7, y + 4)], "arrow")

    y = _TOP + _ROW / 2 - 4
    for line in lines:
        drawing.text(0, y + 5, shorten(line.label, 36))
        whisker(y, line.low, line.high, "whisker")
        half = 3.5 if line.weight is None else 3 + 6 * math.sqrt(line.weight / 100)
        if _LEFT <= place(line.value) <= _RIGHT:
            style = "square" if line.weight is not None else "square open"
            drawing.rectangle(place(line.value) - half, y - half, 2 * half, 2 * half, style)
        drawing.text(_RIGHT + 14, y + 5, _numbers(line.value, line.low, line.high), style="figure")
        weight = f"{line.weight:.0f}%" if line.weight is not None else "–"
        drawing.text(_WIDTH, y + 5, weight, "end", "figure")
        y += _ROW
    if pooled:
        drawing.text(0, y + 5, shorten(pooled.label, 30), style="strong")
        middle = inside(pooled.value)
        left, right = inside(pooled.low), inside(pooled.high)
        drawing.polygon([(left, y), (middle, y - 8), (right, y), (middle, y + 8)], "diamond")
        if place(pooled.low) < _LEFT:
            drawing.polygon([(_LEFT - 8, y), (_LEFT, y - 5), (_LEFT, y + 5)], "arrow")
        if place(pooled.high) > _RIGHT:
            drawing.polygon([(_RIGHT + 8, y), (_RIGHT, y - 5), (_RIGHT, y + 5)], "arrow")
        drawing.text(
            _RIGHT + 14, y + 5, _numbers(pooled.value, pooled.low, pooled.high), style="figure strong"
        )
        y += _ROW
        if pooled.prediction_low is not None and pooled.prediction_high is not None:
            drawing.text(0, y + 5, "Prediction interval", style="quiet")
            whisker(y, pooled.prediction_low, pooled.prediction_high, "prediction")
            text = f"{estimate(pooled.prediction_low)} to {estimate(pooled.prediction_high)}"
            drawing.text(_RIGHT + 14, y + 5, text, style="figure quiet")

    drawing.line(_LEFT, bottom, _RIGHT, bottom)
    for tick in log_ticks(low, high) if scale.is_ratio else ticks(low, high):
        drawing.line(place(tick), bottom, place(tick), bottom + 5)
        drawing.text(place(tick), bottom + 19, stored(tick), "middle", "figure small")
    if scale.lower_is_better is not None:
        sides = ("← favours naltrexone", "favours comparator →")
        if not scale.lower_is_better:
            sides = ("← favours comparator", "favours naltrexone →")
        centre = place(scale.no_effect)
        drawing.text(min(centre - 8, _RIGHT - 170), bottom + 38, sides[0], "end", "small strong")
        drawing.text(max(centre + 8, _LEFT + 170), bottom + 38, sides[1], "start", "small strong")
    drawing.text((_LEFT + _RIGHT) / 2, bottom + 58, shorten(scale.label, 80), "middle", "small quiet")
    return drawing.markup()


def gauge(name: str, title: str, pooled: Pooled, scale: Scale) -> Markup:
    """One estimate with its interval against no effect and the smallest difference that matters."""
    width, left, right, y = 360, 14, 346, 34
    low, high = _extent([], pooled, scale)
    drawing = Drawing(name, width, 84, title, _describe([], pooled, scale))

    def place(value: float) -> float:
        if scale.is_ratio:
            part = (math.log(max(value, 1e-9)) - math.log(low)) / (math.log(high) - math.log(low))
        else:
            part = (value - low) / (high - low)
        return min(max(left + part * (right - left), left), right)

    mid = scale.minimal_important_difference
    if mid and not scale.is_ratio:
        drawing.rectangle(place(-mid), 12, place(mid) - place(-mid), 42, "trivial")
    drawing.line(place(scale.no_effect), 8, place(scale.no_effect), 58, "no-effect")
    middle = place(pooled.value)
    drawing.polygon(
        [(place(pooled.low), y), (middle, y - 9), (place(pooled.high), y), (middle, y + 9)], "diamond"
    )
    drawing.line(left, 58, right, 58)
    if scale.lower_is_better is not None:
        sides = ("favours naltrexone", "favours comparator")
        first, second = sides if scale.lower_is_better else (sides[1], sides[0])
        drawing.text(left, 76, f"← {first}", "start", "small")
        drawing.text(right, 76, f"{second} →", "end", "small")
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

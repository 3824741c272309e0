"""Effect measures and the scale on which each is analysed (Handbook 6.1.2)."""

from __future__ import annotations

import math

RATIO_MEASURES = frozenset({"RR", "OR", "HR", "IRR", "ratio_of_means"})
"""Measures analysed on the natural-log scale, with no effect at 1 (Handbook 6.1.2, 6.3.2)."""

DIFFERENCE_MEASURES = frozenset(
    {"MD", "SMD", "RD", "median_difference", "percent_change_difference", "difference_in_differences"}
)
"""Comparisons analysed as they stand, with no effect at 0. An RD is a fraction here, from -1 to 1."""


def is_ratio(measure: str) -> bool:
    """Whether a measure is analysed on the log scale. Raises ValueError for a measure not known here."""
    if measure in DIFFERENCE_MEASURES:
        return False
    if measure in RATIO_MEASURES:
        return True
    known = ", ".join(sorted(RATIO_MEASURES | DIFFERENCE_MEASURES))
    raise ValueError(f"the scale of the effect measure {measure!r} is not known; known are {known}")


def no_effect(measure: str) -> float:
    """The value of no effect: 1 for ratio measures, 0 for differences."""
    return 1.0 if is_ratio(measure) else 0.0


def to_analysis_scale(measure: str, value: float) -> float:
    """The value on the analysis scale: the natural logarithm for ratios, which must be above 0."""
    if measure in DIFFERENCE_MEASURES or not is_ratio(measure):
        return value
    if value <= 0:
        raise ValueError(f"a ratio ({measure}) must be above 0, found {value}")
    return math.log(value)


def from_analysis_scale(measure: str, value: float) -> float:
    """The way back from the analysis scale: the exponential for ratios, infinite where it overflows."""
    if measure in DIFFERENCE_MEASURES or not is_ratio(measure):
        return value
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf

"""What goes into the formulas and what comes out: results of arms, printed effects, effects, and why there is none."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ldn_evidence.appraise.distributions import normal_quantile, t_quantile
from ldn_evidence.appraise.scales import from_analysis_scale, no_effect, to_analysis_scale

Better = Literal["lower", "higher"]
Kind = Literal["endpoint", "change", "percent_change", "baseline", "count", "other"]
Favours = Literal["intervention", "comparator", "neither", "unclear"]
MidReading = Literal[
    "clearly_favourable",
    "favourable_possibly_trivial",
    "inconclusive",
    "null_within_mid",
    "unfavourable",
]


class NotComputed(Struct, frozen=True):
    """Why an effect was not computed. Falsy, so that ``if effect:`` reads naturally."""

    reason: str

    def __bool__(self) -> bool:
        return False


class ArmResult(Struct, frozen=True):
    """The result of one arm as stored.

    ``None`` means not known; ``percent`` runs from 0 to 100, ``ci_level`` from 0 to 1.
    """

    n: int | None = None
    mean: float | None = None
    sd: float | None = None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    median: float | None = None
    iqr_low: float | None = None
    iqr_high: float | None = None
    events: int | None = None
    total: int | None = None
    percent: float | None = None
    kind: Kind | None = None
    """What the numbers describe. A percentage counts participants only where this says "count"."""
    ci_level: float = 0.95
    derivation: str = ""
    """How mean and SD came about when they are not the printed ones (see :func:`median_to_mean`)."""


class PairedResult(Struct, frozen=True):
    """The within-person difference of a crossover trial, intervention minus comparator, over ``n`` people."""

    n: int | None = None
    mean_difference: float | None = None
    sd: float | None = None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float = 0.95
    p: str | None = None


class PrintedEffect(Struct, frozen=True):
    """An effect as printed in a publication. ``p`` is the text as printed: "<0.001", "0.03", "NS".

    ``decimals`` is the number of digits printed after the point. Where it is not given it is read off each
    number, so a lost trailing zero (0.50 kept as 0.5) only makes comparisons more lenient.
    """

    measure: str
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float = 0.95
    p: str | None = None
    decimals: int | None = None
    standard_error: float | None = None


class Effect(Struct, frozen=True):
    """One effect: value and interval on the measure's own scale, ``standard_error`` on the analysis scale.

    The analysis scale is the natural logarithm for ratio measures and the measure itself otherwise.
    ``computed_from`` names inputs and method. ``value_rounding`` says how far the value on the analysis scale
    can be off because its inputs were printed rounded, ``error_rounding`` the same for the standard error.
    """

    measure: str
    value: float
    standard_error: float | None
    ci_low: float | None
    ci_high: float | None
    computed_from: str
    printed: bool
    note: str = ""
    ci_level: float = 0.95
    degrees_of_freedom: float | None = None
    t_interval: bool = False
    """Whether interval and p use Student's t with these degrees of freedom; else the normal distribution."""
    value_rounding: float = 0.0
    error_rounding: float = 0.0

    @property
    def analysis_value(self) -> float:
        """The value on the scale on which effects are pooled: its logarithm for ratios."""
        return to_analysis_scale(self.measure, self.value)

    @property
    def no_effect(self) -> float:
        """The value that means no effect: 1 for ratios, 0 for differences."""
        return no_effect(self.measure)


class StandardDeviation(Struct, frozen=True):
    """A standard deviation with what it was taken from and how far rounding of the source can move it."""

    value: float
    source: str
    rounding: float


def interval_about(
    measure: str, centre: float, standard_error: float, quantile: float
) -> tuple[float, float]:
    """The interval about a value on the analysis scale, on the measure's own scale."""
    reach = quantile * standard_error
    return from_analysis_scale(measure, centre - reach), from_analysis_scale(measure, centre + reach)


def effect_with_error(
    measure: str,
    centre: float,
    standard_error: float,
    computed_from: str,
    *,
    note: str = "",
    value: float | None = None,
    printed: bool = False,
    ci_level: float = 0.95,
    degrees_of_freedom: float | None = None,
    t_interval: bool = False,
    value_rounding: float = 0.0,
    error_rounding: float = 0.0,
) -> Effect:
    """An effect from its value and standard error on the analysis scale, with a normal (or t) interval."""
    if t_interval and degrees_of_freedom is not None:
        quantile = t_quantile(ci_level, degrees_of_freedom)
    else:
        quantile = normal_quantile(ci_level)
    low, high = interval_about(measure, centre, standard_error, quantile)
    return Effect(
        measure,
        from_analysis_scale(measure, centre) if value is None else value,
        standard_error,
        low,
        high,
        computed_from,
        printed,
        note,
        ci_level,
        degrees_of_freedom,
        t_interval,
        value_rounding,
        error_rounding,
    )

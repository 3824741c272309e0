"""What is pooled and what comes of it, with the sums that every method needs."""

from __future__ import annotations

import math
from operator import mul
from typing import Literal, Protocol

from msgspec import Struct

from ldn_evidence.appraise.distributions import chi_squared_p, normal_p, normal_quantile, t_p, t_quantile
from ldn_evidence.appraise.effects import Effect, NotComputed
from ldn_evidence.appraise.scales import from_analysis_scale

Method = Literal["REML", "DL", "PM"]
METHODS: tuple[Method, ...] = ("REML", "DL", "PM")


class PoolInput(Struct, frozen=True):
    """One study's effect on the analysis scale (log for ratios) with its standard error."""

    id: str
    value: float
    standard_error: float


class Estimate(Struct, frozen=True):
    """An estimate with its interval on the analysis scale; by Student's t where it has degrees of freedom."""

    value: float
    standard_error: float
    ci_low: float
    ci_high: float
    degrees_of_freedom: int | None = None

    @property
    def p(self) -> float | None:
        """The two-sided p; None where the SE is 0."""
        if self.standard_error <= 0:
            return None
        statistic = self.value / self.standard_error
        if self.degrees_of_freedom is None:
            return normal_p(statistic)
        return t_p(statistic, self.degrees_of_freedom)

    def natural(self, measure: str) -> tuple[float, float, float]:
        """Value and interval on the measure's own scale: exponentiated for ratios."""
        return (
            from_analysis_scale(measure, self.value),
            from_analysis_scale(measure, self.ci_low),
            from_analysis_scale(measure, self.ci_high),
        )

    def excludes_no_effect(self) -> bool:
        """Whether the interval lies wholly on one side of no effect (0 on the analysis scale)."""
        return self.ci_low > 0 or self.ci_high < 0


def heterogeneity(q: float, degrees_of_freedom: int) -> tuple[float, float]:
    """The p of Cochran's Q and I² in per cent (Cochrane Handbook, 10.10.2)."""
    i_squared = 100 * max(0.0, (q - degrees_of_freedom) / q) if q > 0 else 0.0
    return chi_squared_p(q, degrees_of_freedom), i_squared


class Pooled(Struct, frozen=True):
    """What a set of effects says together. Intervals are on the analysis scale.

    ``random`` has the classic (Wald) interval. ``hartung_knapp`` is the Hartung-Knapp-Sidik-Jonkman interval
    as published, *without* truncation: it can be narrower than the classic one, and has no width at all when
    the studies happen to agree. ``hartung_knapp_truncated`` never lets its factor fall below 1 (the ad hoc
    modification of Knapp and Hartung 2003): use it to draw conclusions. ``prediction`` is the interval for
    the effect in a new study with t, k - 2 degrees of freedom (Handbook 10.10.4.3, Higgins 2009);
    ``prediction_hartung_knapp`` the one with the Hartung-Knapp SE and k - 1 (metafor). ``i_squared`` and
    ``h_squared`` follow from Q: 100 (Q - df) / Q, at least 0, and Q / df (Handbook 10.10.2);
    ``i_squared_tau`` and ``h_squared_tau`` from tau2 and the typical within-study variance s2, 100 tau2 /
    (tau2 + s2) and (tau2 + s2) / s2, as metafor prints. None: not defined for so few studies.
    """

    measure: str
    method: Method
    ids: tuple[str, ...]
    ci_level: float
    fixed: Estimate
    random: Estimate
    hartung_knapp: Estimate | None
    hartung_knapp_truncated: Estimate | None
    q: float
    degrees_of_freedom: int
    q_p: float | None
    i_squared: float | None
    h_squared: float | None
    i_squared_tau: float | None
    h_squared_tau: float | None
    tau_squared: float | None
    prediction: tuple[float, float] | None
    prediction_hartung_knapp: tuple[float, float] | None
    fixed_weights: tuple[float, ...]
    """Percent, in the order of ``ids``."""
    random_weights: tuple[float, ...]
    """Percent, in the order of ``ids``."""

    @property
    def k(self) -> int:
        """The number of studies."""
        return len(self.ids)


class Weighable(Protocol):
    """What pooling needs of an effect."""

    @property
    def analysis_value(self) -> float:
        """The value on the analysis scale."""

    @property
    def standard_error(self) -> float | None:
        """Its standard error there; None where it is not known."""


def pool_input(id: str, effect: Weighable, *, mirrored: bool = False) -> PoolInput | NotComputed:
    """An effect made ready for pooling, or why it cannot be: without a standard error it has no weight.

    ``mirrored`` turns the sign (inverts a ratio), for an outcome on which the opposite direction is better.
    """
    if effect.standard_error is None:
        return NotComputed("the precision of the effect is not known")
    if not math.isfinite(effect.standard_error) or effect.standard_error <= 0:
        return NotComputed(f"the standard error must be above 0, found {effect.standard_error:g}")
    value = effect.analysis_value
    return PoolInput(id, -value if mirrored else value, effect.standard_error)


def pooled_effect(pooled: Pooled) -> Effect:
    """The random-effects result as an :class:`Effect`, to be read like any other (``favours``, MID).

    Its interval is the truncated Hartung-Knapp one; for a single study the study's own.
    """
    line, interval = pooled.random, "normal interval of the only study"
    if pooled.hartung_knapp_truncated is not None:
        line = pooled.hartung_knapp_truncated
        interval = "Hartung-Knapp interval, truncated"
    value, low, high = line.natural(pooled.measure)
    return Effect(
        measure=pooled.measure,
        value=value,
        standard_error=line.standard_error,
        ci_low=low,
        ci_high=high,
        computed_from=f"{pooled.k} studies, random effects ({pooled.method}), {interval}",
        printed=False,
        ci_level=pooled.ci_level,
        degrees_of_freedom=pooled.degrees_of_freedom or None,
        t_interval=pooled.k > 1,
    )


def weighted_mean(values: list[float], weights: list[float], total: float) -> float:
    """The mean by weights whose sum is the total."""
    return within(math.fsum(map(mul, weights, values)) / total, (min(values), max(values)))


def within(mean: float, bounds: tuple[float, float]) -> float:
    """The mean; rounding must not carry it out of the range of what it averages."""
    lowest, highest = bounds
    return lowest if mean < lowest else highest if mean > highest else mean


def weighted_squares(values: list[float], weights: list[float], mean: float) -> float:
    """The sum of the weighted squares of the deviations from the mean."""
    deviations = [value - mean for value in values]
    return math.fsum(map(mul, weights, map(mul, deviations, deviations)))


def normal_estimate(value: float, standard_error: float, ci_level: float) -> Estimate:
    """An estimate with the interval of the normal distribution."""
    reach = normal_quantile(ci_level) * standard_error
    return Estimate(value, standard_error, value - reach, value + reach)


def t_estimate(value: float, standard_error: float, degrees_of_freedom: int, ci_level: float) -> Estimate:
    """An estimate with the interval of Student's t."""
    reach = t_quantile(ci_level, degrees_of_freedom) * standard_error
    return Estimate(value, standard_error, value - reach, value + reach, degrees_of_freedom)

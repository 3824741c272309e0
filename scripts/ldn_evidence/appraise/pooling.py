"""Pooling of independent effects: fixed and random effects, heterogeneity, and methods for rare events.

Why not a package: statsmodels has no REML, and it and PyMARE bring pandas and take 1 to 2 seconds to import.
So the sums stand here over SciPy's distributions, and the tests hold them to the digits that metafor prints.

Everything is on the analysis scale (the logarithm for ratios); :meth:`Estimate.natural` leads back. All sums
use ``math.fsum``, so the order of the inputs cannot change a digit. What may be pooled is not decided here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import Literal, NamedTuple, Protocol

from ldn_evidence.appraise.distributions import chi_squared_p, normal_p, normal_quantile, t_p, t_quantile
from ldn_evidence.appraise.effects import Effect, NotComputed
from ldn_evidence.appraise.scales import from_analysis_scale, is_ratio

Method = Literal["REML", "DL", "PM"]
METHODS: tuple[Method, ...] = ("REML", "DL", "PM")


class PoolInput(NamedTuple):
    """One study's effect on the analysis scale (log for ratios) with its standard error."""

    id: str
    value: float
    standard_error: float


class Estimate(NamedTuple):
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


class Pooled(NamedTuple):
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


def pool(
    inputs: Sequence[PoolInput], measure: str, method: Method = "REML", *, ci_level: float = 0.95
) -> Pooled:
    """Pool independent effects by inverse variance (Handbook 10.3, 10.10.4).

    tau2 by restricted maximum likelihood (``REML``), DerSimonian and Laird (``DL``) or Paule
    and Mandel (``PM``); never below 0. A single input is returned as it is, with no heterogeneity,
    Hartung-Knapp or prediction interval. Raises ValueError for no inputs, ids that repeat, numbers that are
    not finite, standard errors not above 0, and an unknown measure or method.
    """
    is_ratio(measure)  # raises for a measure whose scale is not known
    if method not in METHODS:
        raise ValueError(f"the method {method!r} is not known; known are {', '.join(METHODS)}")
    _check(inputs)
    values = [item.value for item in inputs]
    variances = [item.standard_error**2 for item in inputs]
    k = len(values)
    degrees_of_freedom = k - 1
    fixed_weights = [1 / variance for variance in variances]
    fixed_total = math.fsum(fixed_weights)
    fixed_mean = _weighted_mean(values, fixed_weights, fixed_total)
    q = _weighted_squares(values, fixed_weights, fixed_mean)
    fixed = _normal_estimate(fixed_mean, 1 / math.sqrt(fixed_total), ci_level)
    if k == 1:
        tau_squared = None
        random, random_weights, random_total = fixed, fixed_weights, fixed_total
    else:
        tau_squared = _tau_squared(values, variances, method)
        random_weights = [1 / (variance + tau_squared) for variance in variances]
        random_total = math.fsum(random_weights)
        random_mean = _weighted_mean(values, random_weights, random_total)
        random = _normal_estimate(random_mean, 1 / math.sqrt(random_total), ci_level)
    i_squared = h_squared = i_squared_tau = h_squared_tau = q_p = None
    hartung_knapp = hartung_knapp_truncated = prediction = prediction_hartung_knapp = None
    if tau_squared is not None:
        q_p = chi_squared_p(q, degrees_of_freedom)
        h_squared = q / degrees_of_freedom
        i_squared = 100 * max(0.0, (q - degrees_of_freedom) / q) if q > 0 else 0.0
        squares = math.fsum(weight * weight for weight in fixed_weights)
        typical_variance = degrees_of_freedom * fixed_total / (fixed_total**2 - squares)
        i_squared_tau = 100 * tau_squared / (tau_squared + typical_variance)
        h_squared_tau = (tau_squared + typical_variance) / typical_variance
        factor = _weighted_squares(values, random_weights, random.value) / degrees_of_freedom
        hartung_knapp = _t_estimate(
            random.value, random.standard_error * math.sqrt(factor), degrees_of_freedom, ci_level
        )
        hartung_knapp_truncated = (
            hartung_knapp
            if factor >= 1
            else _t_estimate(random.value, random.standard_error, degrees_of_freedom, ci_level)
        )
        prediction_hartung_knapp = _prediction(
            hartung_knapp.value, hartung_knapp.standard_error, tau_squared, degrees_of_freedom, ci_level
        )
        if k > 2:
            prediction = _prediction(random.value, random.standard_error, tau_squared, k - 2, ci_level)
    return Pooled(
        measure=measure,
        method=method,
        ids=tuple(item.id for item in inputs),
        ci_level=ci_level,
        fixed=fixed,
        random=random,
        hartung_knapp=hartung_knapp,
        hartung_knapp_truncated=hartung_knapp_truncated,
        q=q,
        degrees_of_freedom=degrees_of_freedom,
        q_p=q_p,
        i_squared=i_squared,
        h_squared=h_squared,
        i_squared_tau=i_squared_tau,
        h_squared_tau=h_squared_tau,
        tau_squared=tau_squared,
        prediction=prediction,
        prediction_hartung_knapp=prediction_hartung_knapp,
        fixed_weights=tuple(100 * weight / fixed_total for weight in fixed_weights),
        random_weights=tuple(100 * weight / random_total for weight in random_weights),
    )


def leave_one_out(
    inputs: Sequence[PoolInput], measure: str, method: Method = "REML", *, ci_level: float = 0.95
) -> tuple[tuple[str, Pooled], ...]:
    """The result without each study in turn, as (id left out, result); empty for fewer than two inputs."""
    if len(inputs) < 2:
        return ()
    return tuple(
        (
            left_out.id,
            pool([item for item in inputs if item is not left_out], measure, method, ci_level=ci_level),
        )
        for left_out in inputs
    )


def values_without_each(inputs: Sequence[PoolInput], pooled: Pooled) -> tuple[tuple[str, float], ...]:
    """The random-effects value without each study in turn, as (id left out, value on the analysis scale).

    The values of `leave_one_out` without their intervals and tests, at a small part of the cost. Empty for fewer than
    two inputs.

    Args:
        inputs: The studies.
        pooled: What they give together; its method is used.
    """
    if len(inputs) < 2:
        return ()
    values = [item.value for item in inputs]
    variances = [item.standard_error**2 for item in inputs]
    found = []
    for position, left_out in enumerate(inputs):
        others = values[:position] + values[position + 1 :]
        spreads = variances[:position] + variances[position + 1 :]
        found.append((left_out.id, _random_mean(others, spreads, pooled.method)))
    return tuple(found)


def _random_mean(values: list[float], variances: list[float], method: Method) -> float:
    if len(values) == 1:
        return values[0]
    tau_squared = _tau_squared(values, variances, method)
    weights = [1 / (variance + tau_squared) for variance in variances]
    return _weighted_mean(values, weights, math.fsum(weights))


# --- the sums -------------------------------------------------------------------------------------


def _check(inputs: Sequence[PoolInput]) -> None:
    if not inputs:
        raise ValueError("there is nothing to pool")
    if len({item.id for item in inputs}) < len(inputs):
        raise ValueError("the same id occurs twice: studies must be counted once")
    for item in inputs:
        if not math.isfinite(item.value):
            raise ValueError(f"{item.id}: the value must be a finite number, found {item.value}")
        if not math.isfinite(item.standard_error) or item.standard_error <= 0:
            raise ValueError(f"{item.id}: the standard error must be above 0, found {item.standard_error}")


def _weighted_mean(values: list[float], weights: list[float], total: float) -> float:
    return _within(math.fsum(map(mul, weights, values)) / total, (min(values), max(values)))


def _within(mean: float, bounds: tuple[float, float]) -> float:
    """The mean; rounding must not carry it out of the range of what it averages."""
    lowest, highest = bounds
    return lowest if mean < lowest else highest if mean > highest else mean


def _weighted_squares(values: list[float], weights: list[float], mean: float) -> float:
    deviations = [value - mean for value in values]
    return math.fsum(map(mul, weights, map(mul, deviations, deviations)))


def _normal_estimate(value: float, standard_error: float, ci_level: float) -> Estimate:
    reach = normal_quantile(ci_level) * standard_error
    return Estimate(value, standard_error, value - reach, value + reach)


def _t_estimate(value: float, standard_error: float, degrees_of_freedom: int, ci_level: float) -> Estimate:
    reach = t_quantile(ci_level, degrees_of_freedom) * standard_error
    return Estimate(value, standard_error, value - reach, value + reach, degrees_of_freedom)


def _prediction(
    value: float, standard_error: float, tau_squared: float, degrees_of_freedom: int, ci_level: float
) -> tuple[float, float]:
    reach = t_quantile(ci_level, degrees_of_freedom) * math.sqrt(tau_squared + standard_error**2)
    return value - reach, value + reach


def _tau_squared(values: list[float], variances: list[float], method: Method) -> float:
    """The variance between studies, at least 0.

    Two studies have a closed form in which all three methods agree.
    """
    degrees_of_freedom = len(values) - 1
    if degrees_of_freedom == 1:
        return max(0.0, ((values[0] - values[1]) ** 2 - (variances[0] + variances[1])) / 2)
    if method == "DL":
        # DerSimonian and Laird 1986: method of moments.
        weights = [1 / variance for variance in variances]
        total = math.fsum(weights)
        q = _weighted_squares(values, weights, _weighted_mean(values, weights, total))
        squares = math.fsum(map(mul, weights, weights))
        return max(0.0, (q - degrees_of_freedom) / (total - squares / total))
    if method == "PM":
        return _paule_mandel(values, variances)
    return _restricted_maximum_likelihood(values, variances)


_MAX_STEPS = 200
_TOLERANCE = 1e-12


def _paule_mandel(values: list[float], variances: list[float]) -> float:
    """tau2 at which the generalised Q equals its expectation k - 1 (Paule and Mandel 1982).

    Newton's method from 0: Q falls and is convex in tau2, so the steps rise to the root and never pass it.
    """
    degrees_of_freedom = len(values) - 1
    tau_squared = 0.0
    for _ in range(_MAX_STEPS):
        weights = [1 / (variance + tau_squared) for variance in variances]
        mean = _weighted_mean(values, weights, math.fsum(weights))
        excess = _weighted_squares(values, weights, mean) - degrees_of_freedom
        if excess <= 0:
            break
        step = excess / _weighted_squares(values, [weight * weight for weight in weights], mean)
        tau_squared += step
        if step <= _TOLERANCE * tau_squared:
            break
    return tau_squared


def _likelihood_slope(
    values: list[float], variances: list[float], bounds: tuple[float, float], tau_squared: float
) -> tuple[float, float, float]:
    """Slope, expected and observed curvature of the restricted log-likelihood in tau2, each times 2.

    With P the projection of Viechtbauer 2005: y'PPy - tr P, tr PP, and 2 y'PPPy - tr PP. Pooling spends most of its
    time here, so one pass over the studies gives the terms of all sums. ``bounds`` are the least and largest value.
    """
    weights = [1 / (variance + tau_squared) for variance in variances]
    total = math.fsum(weights)
    mean = _within(math.fsum(map(mul, weights, values)) / total, bounds)
    squares: list[float] = []
    cubes: list[float] = []
    tilts: list[float] = []
    misfits: list[float] = []
    curvatures: list[float] = []
    for value, weight in zip(values, weights, strict=True):
        deviation = value - mean
        squared_deviation = deviation * deviation
        square = weight * weight
        cube = square * weight
        squares.append(square)
        cubes.append(cube)
        tilts.append(square * deviation)
        misfits.append(square * squared_deviation)
        curvatures.append(cube * squared_deviation)
    total_squares = math.fsum(squares)
    ratio = total_squares / total
    tilt = math.fsum(tilts)
    slope = math.fsum(misfits) - (total - ratio)
    expected = total_squares - 2 * math.fsum(cubes) / total + ratio * ratio
    observed = 2 * (math.fsum(curvatures) - tilt * tilt / total) - expected
    return slope, expected, observed


def _restricted_maximum_likelihood(values: list[float], variances: list[float]) -> float:
    """tau2 that maximises the restricted likelihood, by steps from Hedges' estimate as in metafor.

    A step divides the slope by the observed curvature where that is at least half of the expected one
    (Newton: few steps near the maximum), else by the expected one (Fisher scoring: safe far from it). Should
    the steps not settle, the slope's sign change is found by bisection: the slope is negative for large tau2.
    """
    k = len(values)
    bounds = min(values), max(values)
    mean = math.fsum(values) / k
    deviations = [value - mean for value in values]
    spread = math.fsum(map(mul, deviations, deviations)) / (k - 1)
    typical = math.fsum(variances) / k
    tau_squared = max(0.0, spread - typical)
    for _ in range(_MAX_STEPS):
        slope, expected, observed = _likelihood_slope(values, variances, bounds, tau_squared)
        following = max(0.0, tau_squared + slope / (observed if observed > expected / 2 else expected))
        settled = abs(following - tau_squared) <= _TOLERANCE * (following + typical)
        tau_squared = following
        if settled:
            return tau_squared
    low, high = 0.0, spread + typical
    if _likelihood_slope(values, variances, bounds, low)[0] <= 0:
        return 0.0
    while _likelihood_slope(values, variances, bounds, high)[0] > 0:
        low, high = high, 2 * high
    for _ in range(_MAX_STEPS):
        middle = (low + high) / 2
        if _likelihood_slope(values, variances, bounds, middle)[0] > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


# --- events ---------------------------------------------------------------------------------------


class EventsInput(NamedTuple):
    """Events and totals of one study: arm 1 is the intervention, arm 2 the comparator."""

    id: str
    events_1: int
    total_1: int
    events_2: int
    total_2: int


class PooledEvents(NamedTuple):
    """Pooled events; estimate on the analysis scale. ``uninformative`` lists studies that add nothing."""

    measure: str
    method: Literal["Mantel-Haenszel", "Peto"]
    ids: tuple[str, ...]
    estimate: Estimate
    q: float
    degrees_of_freedom: int
    q_p: float | None
    i_squared: float | None
    uninformative: tuple[str, ...]
    note: str


def pool_events(
    inputs: Sequence[EventsInput],
    measure: Literal["RR", "OR", "RD"],
    method: Literal["Mantel-Haenszel", "Peto"] = "Mantel-Haenszel",
    *,
    ci_level: float = 0.95,
) -> PooledEvents | NotComputed:
    """Fixed-effect pooling of events, no continuity correction in the sums (Handbook 10.4.1 to 10.4.4).

    Mantel-Haenszel: variances of Robins, Breslow and Greenland 1986 (OR), Greenland and Robins 1985 (RR), and
    Sato, Greenland and Robins 1989 (RD); studies with a zero in one arm count as they are. Peto (odds ratio
    only): observed minus expected, meant for rare events and arms of similar size. Studies in which nobody or
    everybody had the event say nothing about a ratio and are listed in ``uninformative``; for an RD they
    count. In Q alone, tables with a zero cell get 0.5 in all cells under Mantel-Haenszel. Refused with the
    reason where the estimate is not defined. Raises ValueError for impossible counts, repeated ids, no
    inputs, or Peto with another measure than OR.
    """
    if method == "Peto" and measure != "OR":
        raise ValueError(f"Peto's method gives an odds ratio, not {measure}")
    _check_events(inputs)
    uninformative = tuple(item.id for item in inputs if _says_nothing(item)) if measure != "RD" else ()
    used = [item for item in inputs if item.id not in uninformative]
    if not used:
        return NotComputed("in no study did some but not all participants have the event")
    if method == "Peto":
        return _peto(used, inputs, uninformative, ci_level)
    return _mantel_haenszel(used, inputs, measure, uninformative, ci_level)


def _check_events(inputs: Sequence[EventsInput]) -> None:
    if not inputs:
        raise ValueError("there is nothing to pool")
    if len({item.id for item in inputs}) < len(inputs):
        raise ValueError("the same id occurs twice: studies must be counted once")
    for item in inputs:
        for events, total in ((item.events_1, item.total_1), (item.events_2, item.total_2)):
            if total < 1 or not 0 <= events <= total:
                raise ValueError(f"{item.id}: {events} events among {total} participants")


def _says_nothing(item: EventsInput) -> bool:
    events = item.events_1 + item.events_2
    return events in (0, item.total_1 + item.total_2)


def _peto(
    used: list[EventsInput], inputs: Sequence[EventsInput], uninformative: tuple[str, ...], ci_level: float
) -> PooledEvents:
    """Peto's one-step odds ratio (Yusuf and others 1985; Handbook 10.4.2)."""
    excesses, variances = [], []
    for item in used:
        total, events = item.total_1 + item.total_2, item.events_1 + item.events_2
        excesses.append(item.events_1 - item.total_1 * events / total)
        variances.append(item.total_1 * item.total_2 * events * (total - events) / (total**2 * (total - 1)))
    precision = math.fsum(variances)
    log_ratio = math.fsum(excesses) / precision
    values = [excess / variance for excess, variance in zip(excesses, variances, strict=True)]
    q = _weighted_squares(values, variances, log_ratio)
    estimate = _normal_estimate(log_ratio, 1 / math.sqrt(precision), ci_level)
    return _pooled_events("OR", "Peto", inputs, used, estimate, q, uninformative, "no continuity correction")


def _mantel_haenszel(
    used: list[EventsInput],
    inputs: Sequence[EventsInput],
    measure: Literal["RR", "OR", "RD"],
    uninformative: tuple[str, ...],
    ci_level: float,
) -> PooledEvents | NotComputed:
    tables = [
        (
            float(item.events_1),
            float(item.total_1 - item.events_1),
            float(item.events_2),
            float(item.total_2 - item.events_2),
        )
        for item in used
    ]
    moments = {"OR": _mantel_haenszel_or, "RR": _mantel_haenszel_rr, "RD": _mantel_haenszel_rd}[measure](
        tables
    )
    if isinstance(moments, NotComputed):
        return moments
    value, variance = moments
    if variance <= 0:
        return NotComputed("the pooled estimate has no variance")
    weights, values = [], []
    corrected = False
    for table in tables:
        a, b, c, d = table
        if min(table) == 0:
            a, b, c, d = (cell + 0.5 for cell in table)
            corrected = True
        n_1, n_2 = a + b, c + d
        if measure == "OR":
            values.append(math.log(a * d / (b * c)))
            weights.append(1 / (1 / a + 1 / b + 1 / c + 1 / d))
        elif measure == "RR":
            values.append(math.log((a / n_1) / (c / n_2)))
            weights.append(1 / (1 / a - 1 / n_1 + 1 / c - 1 / n_2))
        else:
            values.append(a / n_1 - c / n_2)
            weights.append(1 / (a * b / n_1**3 + c * d / n_2**3))
    q = _weighted_squares(values, weights, value)
    estimate = _normal_estimate(value, math.sqrt(variance), ci_level)
    note = "no continuity correction" + (
        "; in Q, 0.5 in all cells of tables with a zero" if corrected else ""
    )
    return _pooled_events(measure, "Mantel-Haenszel", inputs, used, estimate, q, uninformative, note)


def _pooled_events(
    measure: str,
    method: Literal["Mantel-Haenszel", "Peto"],
    inputs: Sequence[EventsInput],
    used: list[EventsInput],
    estimate: Estimate,
    q: float,
    uninformative: tuple[str, ...],
    note: str,
) -> PooledEvents:
    degrees_of_freedom = len(used) - 1
    q_p = i_squared = None
    if degrees_of_freedom > 0:
        q_p = chi_squared_p(q, degrees_of_freedom)
        i_squared = 100 * max(0.0, (q - degrees_of_freedom) / q) if q > 0 else 0.0
    return PooledEvents(
        measure=measure,
        method=method,
        ids=tuple(item.id for item in inputs),
        estimate=estimate,
        q=q,
        degrees_of_freedom=degrees_of_freedom,
        q_p=q_p,
        i_squared=i_squared,
        uninformative=uninformative,
        note=note,
    )


_Cells = tuple[float, float, float, float]


def _mantel_haenszel_or(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Log odds ratio and its variance (Robins, Breslow and Greenland 1986)."""
    sizes = [sum(table) for table in tables]
    r = [a * d / n for (a, _, _, d), n in zip(tables, sizes, strict=True)]
    s = [b * c / n for (_, b, c, _), n in zip(tables, sizes, strict=True)]
    p = [(a + d) / n for (a, _, _, d), n in zip(tables, sizes, strict=True)]
    total_r, total_s = math.fsum(r), math.fsum(s)
    if total_r == 0 or total_s == 0:
        return NotComputed(
            "the Mantel-Haenszel odds ratio is not defined: one arm has no events, or nothing but events"
        )
    shares = list(zip(p, r, s, strict=True))
    variance = (
        math.fsum(share * x for share, x, _ in shares) / (2 * total_r**2)
        + math.fsum(share * y + (1 - share) * x for share, x, y in shares) / (2 * total_r * total_s)
        + math.fsum((1 - share) * y for share, _, y in shares) / (2 * total_s**2)
    )
    return math.log(total_r / total_s), variance


def _mantel_haenszel_rr(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Log risk ratio and its variance (Greenland and Robins 1985)."""
    r = math.fsum(a * (c + d) / (a + b + c + d) for a, b, c, d in tables)
    s = math.fsum(c * (a + b) / (a + b + c + d) for a, b, c, d in tables)
    if r == 0 or s == 0:
        return NotComputed(
            "the Mantel-Haenszel risk ratio is not defined: one arm has no events in any study"
        )
    spread = math.fsum(
        ((a + b) * (c + d) * (a + c) - a * c * (a + b + c + d)) / (a + b + c + d) ** 2
        for a, b, c, d in tables
    )
    return math.log(r / s), spread / (r * s)


def _mantel_haenszel_rd(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Risk difference and its variance (Sato, Greenland and Robins 1989)."""
    weight = math.fsum((a + b) * (c + d) / (a + b + c + d) for a, b, c, d in tables)
    difference = math.fsum((a * (c + d) - c * (a + b)) / (a + b + c + d) for a, b, c, d in tables) / weight
    slope = math.fsum(
        c * ((a + b) / (a + b + c + d)) ** 2
        - a * ((c + d) / (a + b + c + d)) ** 2
        + ((a + b) * (c + d) / (a + b + c + d) ** 2) * ((c + d) - (a + b)) / 2
        for a, b, c, d in tables
    )
    level = math.fsum((a * d + c * b) / (a + b + c + d) for a, b, c, d in tables) / 2
    return difference, (difference * slope + level) / weight**2

"""Pooling by inverse variance: fixed and random effects, and each study left out in turn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ldn_evidence.appraise.distributions import t_quantile
from ldn_evidence.appraise.pooling.between_studies import variance_between
from ldn_evidence.appraise.pooling.estimates import (
    METHODS,
    Method,
    Pooled,
    PoolInput,
    heterogeneity,
    normal_estimate,
    t_estimate,
    weighted_mean,
    weighted_squares,
)
from ldn_evidence.appraise.scales import is_ratio


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
    fixed_mean = weighted_mean(values, fixed_weights, fixed_total)
    q = weighted_squares(values, fixed_weights, fixed_mean)
    fixed = normal_estimate(fixed_mean, 1 / math.sqrt(fixed_total), ci_level)
    if k == 1:
        tau_squared = None
        random, random_weights, random_total = fixed, fixed_weights, fixed_total
    else:
        tau_squared = variance_between(values, variances, method)
        random_weights = [1 / (variance + tau_squared) for variance in variances]
        random_total = math.fsum(random_weights)
        random_mean = weighted_mean(values, random_weights, random_total)
        random = normal_estimate(random_mean, 1 / math.sqrt(random_total), ci_level)
    i_squared = h_squared = i_squared_tau = h_squared_tau = q_p = None
    hartung_knapp = hartung_knapp_truncated = prediction = prediction_hartung_knapp = None
    if tau_squared is not None:
        q_p, i_squared = heterogeneity(q, degrees_of_freedom)
        h_squared = q / degrees_of_freedom
        squares = math.fsum(weight * weight for weight in fixed_weights)
        typical_variance = degrees_of_freedom * fixed_total / (fixed_total**2 - squares)
        i_squared_tau = 100 * tau_squared / (tau_squared + typical_variance)
        h_squared_tau = (tau_squared + typical_variance) / typical_variance
        factor = weighted_squares(values, random_weights, random.value) / degrees_of_freedom
        hartung_knapp = t_estimate(
            random.value, random.standard_error * math.sqrt(factor), degrees_of_freedom, ci_level
        )
        hartung_knapp_truncated = (
            hartung_knapp
            if factor >= 1
            else t_estimate(random.value, random.standard_error, degrees_of_freedom, ci_level)
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
    tau_squared = variance_between(values, variances, method)
    weights = [1 / (variance + tau_squared) for variance in variances]
    return weighted_mean(values, weights, math.fsum(weights))


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


def _prediction(
    value: float, standard_error: float, tau_squared: float, degrees_of_freedom: int, ci_level: float
) -> tuple[float, float]:
    reach = t_quantile(ci_level, degrees_of_freedom) * math.sqrt(tau_squared + standard_error**2)
    return value - reach, value + reach

"""The variance between studies, tau2: REML, DerSimonian and Laird, Paule and Mandel."""

from __future__ import annotations

import math
from operator import mul

from ldn_evidence.appraise.pooling.estimates import Method, weighted_mean, weighted_squares, within


def variance_between(values: list[float], variances: list[float], method: Method) -> float:
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
        q = weighted_squares(values, weights, weighted_mean(values, weights, total))
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
        mean = weighted_mean(values, weights, math.fsum(weights))
        excess = weighted_squares(values, weights, mean) - degrees_of_freedom
        if excess <= 0:
            break
        step = excess / weighted_squares(values, [weight * weight for weight in weights], mean)
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
    mean = within(math.fsum(map(mul, weights, values)) / total, bounds)
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

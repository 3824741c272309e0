"""Effects of crossover trials, whose arms hold the same people."""

from __future__ import annotations

import math
from typing import Literal

from ldn_evidence.appraise.distributions import t_quantile
from ldn_evidence.appraise.effects.arms import standard_error_from_p
from ldn_evidence.appraise.effects.model import (
    ArmResult,
    Effect,
    NotComputed,
    PairedResult,
    effect_with_error,
)
from ldn_evidence.appraise.effects.two_arms import two_continuous
from ldn_evidence.printed_numbers import half_unit, parse_p


def paired_difference(result: PairedResult, *, ci_level: float = 0.95) -> Effect | NotComputed:
    """Mean difference of a crossover trial from its paired result (Handbook 23.2.7.1).

    The SE is taken from what is printed, in this order: SE; SD of the differences / sqrt(n); confidence
    interval; exact p of a paired t test. Interval and p use t with n - 1 degrees of freedom, and so does the
    interval returned.
    """
    if result.mean_difference is None:
        return NotComputed("no mean within-person difference")
    if result.n is None or result.n < 2:
        return NotComputed("a paired result needs the number of people, at least 2")
    degrees_of_freedom = result.n - 1
    if result.se is not None:
        error, source, rounding = result.se, "SE", half_unit(result.se)
    elif result.sd is not None:
        root = math.sqrt(result.n)
        error, source, rounding = result.sd / root, "SD of the differences", half_unit(result.sd) / root
    elif result.ci_low is not None and result.ci_high is not None:
        quantile = t_quantile(result.ci_level, degrees_of_freedom)
        error = (result.ci_high - result.ci_low) / (2 * quantile)
        rounding = (half_unit(result.ci_low) + half_unit(result.ci_high)) / (2 * quantile)
        source = f"{100 * result.ci_level:g}% CI"
    else:
        p = parse_p(result.p)
        if p is None or p.relation != "=":
            return NotComputed("no SE, SD of the differences, interval or exact p of the paired difference")
        derived = standard_error_from_p(
            result.mean_difference, p.value, degrees_of_freedom=degrees_of_freedom
        )
        if isinstance(derived, NotComputed):
            return derived
        error, source, rounding = derived, f"p = {p.value:g}, paired t test", 0.0
    if error <= 0:
        return NotComputed("the paired difference has no spread")
    return effect_with_error(
        "MD",
        result.mean_difference,
        error,
        f"paired mean difference, n, {source}",
        ci_level=ci_level,
        degrees_of_freedom=degrees_of_freedom,
        t_interval=True,
        value_rounding=half_unit(result.mean_difference),
        error_rounding=rounding,
    )


def crossover_with_imputed_correlation(
    measure: Literal["MD", "SMD"], intervention: ArmResult, comparator: ArmResult, correlation: float
) -> Effect | NotComputed:
    """A crossover effect with an *imputed* correlation, for sensitivity analyses only.

    SD of the differences = sqrt(s1^2 + s2^2 - 2 r s1 s2); the SMD divides by sqrt((s1^2 + s2^2) / 2) and has
    SE = sqrt(1/n + d^2 / (2 n)) sqrt(2 (1 - r)) (Handbook 23.2.7.2 to 23.2.7.4). Never called by
    :func:`compare_arms`.
    """
    if not -1 < correlation < 1:
        return NotComputed(f"a correlation must lie between -1 and 1, found {correlation:g}")
    pair = two_continuous(intervention, comparator)
    if isinstance(pair, NotComputed):
        return pair
    first, second, inputs = pair
    if first.n != second.n:
        return NotComputed("both periods must be of the same people")
    difference, sd_1, sd_2 = first.mean - second.mean, first.sd.value, second.sd.value
    if measure == "MD":
        centre = difference
        sd_difference = math.sqrt(sd_1**2 + sd_2**2 - 2 * correlation * sd_1 * sd_2)
        error = sd_difference / math.sqrt(first.n)
    else:
        centre = difference / math.sqrt((sd_1**2 + sd_2**2) / 2)
        error = math.sqrt(1 / first.n + centre**2 / (2 * first.n)) * math.sqrt(2 * (1 - correlation))
    return effect_with_error(
        measure,
        centre,
        error,
        f"{inputs}; crossover, correlation {correlation:g} imputed",
        note="rests on an imputed correlation",
        value_rounding=first.mean_rounding + second.mean_rounding,
    )

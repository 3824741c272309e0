"""Effects between two independent arms, from means or from events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from msgspec import Struct

from ldn_evidence.appraise.effects.arms import Continuous, continuous, event_count, median_to_mean
from ldn_evidence.appraise.effects.model import ArmResult, Effect, NotComputed, effect_with_error


class Means(NamedTuple):
    """Two groups whose means can be compared, and where their numbers come from."""

    first: Continuous
    second: Continuous
    inputs: str


def two_continuous(intervention: ArmResult, comparator: ArmResult) -> Means | NotComputed:
    """Both arms, where their means are of the same kind and can be compared."""
    if intervention.kind != comparator.kind:
        kinds = " and ".join(str(arm.kind or "unknown") for arm in (intervention, comparator))
        return NotComputed(f"the arms do not report the same kind of number: {kinds}")
    if intervention.kind not in (None, "endpoint", "change", "percent_change"):
        return NotComputed(f"numbers of the kind {intervention.kind} are no means to compare")
    first = continuous(intervention, "intervention")
    if isinstance(first, NotComputed):
        return first
    second = continuous(comparator, "comparator")
    if isinstance(second, NotComputed):
        return second
    inputs = _inputs_of_means(first.sd.source, second.sd.source, first.derivation, second.derivation)
    return Means(first, second, inputs)


@lru_cache(maxsize=256)
def _inputs_of_means(source_1: str, source_2: str, derivation_1: str, derivation_2: str) -> str:
    inputs = "means, n, " + " and ".join(sorted({source_1, source_2}))
    derivations = sorted({derivation_1, derivation_2} - {""})
    return "; ".join([inputs, *derivations])


def mean_difference(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Mean difference of two independent arms, in the outcome's unit (Handbook 6.5.1.1).

    SE = sqrt(sd1^2 / n1 + sd2^2 / n2), without assuming equal variances; the interval is the normal one, as
    in RevMan.
    """
    means = two_continuous(intervention, comparator)
    return means if isinstance(means, NotComputed) else _mean_difference(means, ci_level)


def _mean_difference(means: Means, ci_level: float) -> Effect:
    first, second, inputs = means
    root_1, root_2 = math.sqrt(first.n), math.sqrt(second.n)
    return effect_with_error(
        "MD",
        first.mean - second.mean,
        math.hypot(first.sd.value / root_1, second.sd.value / root_2),
        f"{inputs}; mean difference",
        ci_level=ci_level,
        degrees_of_freedom=first.n + second.n - 2,
        value_rounding=first.mean_rounding + second.mean_rounding,
        error_rounding=math.hypot(first.sd.rounding / root_1, second.sd.rounding / root_2),
    )


@lru_cache(maxsize=1024)
def small_sample_correction(degrees_of_freedom: float) -> float:
    """Hedges' factor J in its exact form, by the gamma function (Hedges 1981), not its approximation."""
    half = degrees_of_freedom / 2
    return math.exp(math.lgamma(half) - math.lgamma(half - 0.5)) / math.sqrt(half)


def standardised_mean_difference(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Hedges' g of two independent arms, in units of the pooled SD (Handbook 6.5.1.2).

    g = J (m1 - m2) / s with s the pooled SD and J the exact correction (:func:`small_sample_correction`);
    variance 1/n1 + 1/n2 + g^2 / (2 (n1 + n2)), the large-sample form that metafor uses (RevMan divides by 2
    (N - 3.94)).
    """
    means = two_continuous(intervention, comparator)
    return means if isinstance(means, NotComputed) else _standardised_mean_difference(means, ci_level)


def _standardised_mean_difference(means: Means, ci_level: float) -> Effect:
    first, second, inputs = means
    degrees_of_freedom = first.n + second.n - 2
    pooled_variance = (
        (first.n - 1) * first.sd.value**2 + (second.n - 1) * second.sd.value**2
    ) / degrees_of_freedom
    pooled_sd = math.sqrt(pooled_variance)
    correction = small_sample_correction(degrees_of_freedom)
    g = correction * (first.mean - second.mean) / pooled_sd
    variance = 1 / first.n + 1 / second.n + g * g / (2 * (first.n + second.n))
    mean_rounding = (first.mean_rounding + second.mean_rounding) / pooled_sd
    sd_rounding = abs(g) * max(first.sd.rounding, second.sd.rounding) / pooled_sd
    return effect_with_error(
        "SMD",
        g,
        math.sqrt(variance),
        f"{inputs}; Hedges g, pooled SD, exact small-sample correction",
        ci_level=ci_level,
        degrees_of_freedom=degrees_of_freedom,
        value_rounding=correction * mean_rounding + sd_rounding,
        error_rounding=sd_rounding / max(1, degrees_of_freedom),
    )


class _Table(Struct, frozen=True):
    """A 2 x 2 table: events and non-events of both arms, and what was done to get it."""

    a: float
    b: float
    c: float
    d: float
    inputs: str

    @property
    def n_1(self) -> float:
        return self.a + self.b

    @property
    def n_2(self) -> float:
        return self.c + self.d

    @property
    def has_zero(self) -> bool:
        return min(self.a, self.b, self.c, self.d) == 0

    @property
    def says_nothing_relative(self) -> bool:
        return self.a + self.c == 0 or self.b + self.d == 0

    def corrected(self) -> _Table:
        return _Table(self.a + 0.5, self.b + 0.5, self.c + 0.5, self.d + 0.5, self.inputs)


CONTINUITY_CORRECTION = "0.5 added to all four cells because one is zero"


def _table(intervention: ArmResult, comparator: ArmResult) -> _Table | NotComputed:
    first = event_count(intervention)
    if isinstance(first, NotComputed):
        return NotComputed(f"intervention: {first.reason}")
    second = event_count(comparator)
    if isinstance(second, NotComputed):
        return NotComputed(f"comparator: {second.reason}")
    notes = sorted(
        {note for note in (first[2], second[2], intervention.derivation, comparator.derivation) if note}
    )
    inputs = "; ".join(["events and totals", *notes])
    return _Table(first[0], first[1] - first[0], second[0], second[1] - second[0], inputs)


def _ratio_from_table(measure: Literal["RR", "OR"], table: _Table, ci_level: float) -> Effect | NotComputed:
    if table.says_nothing_relative:
        return NotComputed(
            "no participant, or every participant, had the event in both arms: no information on a ratio"
        )
    note = ""
    if table.has_zero:
        table, note = table.corrected(), CONTINUITY_CORRECTION
    if measure == "RR":
        log_ratio = math.log((table.a / table.n_1) / (table.c / table.n_2))
        variance = 1 / table.a - 1 / table.n_1 + 1 / table.c - 1 / table.n_2
        name = "risk ratio"
    else:
        log_ratio = math.log(table.a * table.d / (table.b * table.c))
        variance = 1 / table.a + 1 / table.b + 1 / table.c + 1 / table.d
        name = "odds ratio"
    return effect_with_error(
        measure, log_ratio, math.sqrt(variance), f"{table.inputs}; {name}", note=note, ci_level=ci_level
    )


def risk_ratio(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Risk ratio of two independent arms; SE of its logarithm (Handbook 6.4.1).

    A table with a zero cell gets 0.5 in all four cells, and says so in ``note`` (Handbook 10.4.4.1); one
    without events, or with nothing but events, in both arms says nothing about a ratio and is refused.
    """
    table = _table(intervention, comparator)
    return table if isinstance(table, NotComputed) else _ratio_from_table("RR", table, ci_level)


def odds_ratio(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Odds ratio of two independent arms (Handbook 6.4.1). Zero cells as in :func:`risk_ratio`."""
    table = _table(intervention, comparator)
    return table if isinstance(table, NotComputed) else _ratio_from_table("OR", table, ci_level)


def risk_difference(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Risk difference of two independent arms, as a fraction from -1 to 1 (Handbook 6.4.1).

    With a zero cell the value stays as observed and only the SE is computed from the table with 0.5 in all
    cells: the plain formula would give an arm without events (or without non-events) no uncertainty at all.
    """
    table = _table(intervention, comparator)
    return table if isinstance(table, NotComputed) else _risk_difference(table, ci_level)


def _risk_difference(table: _Table, ci_level: float) -> Effect:
    difference = table.a / table.n_1 - table.c / table.n_2
    note, cells = "", table
    if table.has_zero:
        cells, note = table.corrected(), f"SE only: {CONTINUITY_CORRECTION}"
    variance = cells.a * cells.b / cells.n_1**3 + cells.c * cells.d / cells.n_2**3
    return effect_with_error(
        "RD",
        difference,
        math.sqrt(variance),
        f"{table.inputs}; risk difference",
        note=note,
        ci_level=ci_level,
    )


_FROM_MEANS: dict[str, Callable[[Means, float], Effect]] = {
    "MD": _mean_difference,
    "SMD": _standardised_mean_difference,
}
_FROM_TABLE: dict[str, Callable[[_Table, float], Effect | NotComputed]] = {
    "RR": partial(_ratio_from_table, "RR"),
    "OR": partial(_ratio_from_table, "OR"),
    "RD": _risk_difference,
}


def compare_arms(
    measure: str,
    intervention: ArmResult,
    comparator: ArmResult,
    *,
    design: str,
    convert_medians: bool = False,
    ci_level: float = 0.95,
) -> Effect | NotComputed:
    """The effect between two arms, if the design lets them be compared as independent groups.

    The arms of a crossover trial hold the same people: taking them as independent is a unit-of-analysis error
    (Handbook 23.2), as is ignoring clusters (23.1), so ``design`` "crossover" and "cluster" are refused
    with the reason. Use :func:`paired_difference` or :func:`effect_from_printed` for them. Medians are
    converted only on request (:func:`median_to_mean`), and the effect then says so.
    """
    if convert_medians and measure in _FROM_MEANS and refuse_design(design) is None:
        arms = []
        for arm in (intervention, comparator):
            converted = median_to_mean(arm) if arm.mean is None else arm
            if isinstance(converted, NotComputed):
                return converted
            arms.append(converted)
        intervention, comparator = arms
    return compare_arms_by([measure], intervention, comparator, design=design, ci_level=ci_level)[measure]


def compare_arms_by(
    measures: Iterable[str],
    intervention: ArmResult,
    comparator: ArmResult,
    *,
    design: str,
    ci_level: float = 0.95,
) -> dict[str, Effect | NotComputed]:
    """The effects between two arms by several measures, for which the numbers of the arms are read once.

    What is refused is refused as in :func:`compare_arms`.
    """
    refusal = refuse_design(design)
    if refusal is not None:
        return dict.fromkeys(measures, refusal)
    means: Means | NotComputed | None = None
    table: _Table | NotComputed | None = None
    effects: dict[str, Effect | NotComputed] = {}
    for measure in measures:
        if measure in _FROM_MEANS:
            if means is None:
                means = two_continuous(intervention, comparator)
            effects[measure] = (
                means if isinstance(means, NotComputed) else _FROM_MEANS[measure](means, ci_level)
            )
        elif measure in _FROM_TABLE:
            if table is None:
                table = _table(intervention, comparator)
            effects[measure] = (
                table if isinstance(table, NotComputed) else _FROM_TABLE[measure](table, ci_level)
            )
        else:
            effects[measure] = NotComputed(f"{measure} cannot be computed from two arms")
    return effects


@lru_cache(maxsize=256)
def refuse_design(design: str) -> NotComputed | None:
    """Why arms of this design are not independent groups (Handbook 23.1, 23.2); None if they are."""
    if "crossover" in design.lower().replace("-", ""):
        return NotComputed(
            "crossover trial: its arms hold the same people; only a paired result or a printed effect counts"
        )
    if "cluster" in design.lower():
        return NotComputed("cluster-randomised trial: participants are not independent; use a printed effect")
    return None

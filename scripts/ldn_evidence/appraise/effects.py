"""Effects of single comparisons: from the arms as stored, or from an effect as printed.

Pure functions over small value classes; nothing here knows of records, databases or a particular drug.
An effect is always *intervention compared with comparator*: a difference is intervention minus comparator, a
ratio is intervention over comparator. Which way is better belongs to the outcome and never changes the stored
value; see :func:`favours`.

A function that cannot compute returns :class:`NotComputed` with the reason, in words for the person who reads
it. An unknown value (``None``) is never replaced by a number. ``Handbook`` is the Cochrane Handbook for
Systematic Reviews of Interventions, version 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from ldn_evidence.appraise.distributions import (
    normal_p,
    normal_quantile,
    normal_quantile_of_p,
    t_p,
    t_quantile,
    t_quantile_of_p,
)
from ldn_evidence.appraise.scales import (
    DIFFERENCE_MEASURES,
    RATIO_MEASURES,
    from_analysis_scale,
    is_ratio,
    no_effect,
    to_analysis_scale,
)
from ldn_evidence.appraise.values import value_class
from ldn_evidence.printed_numbers import ROUNDING_SLACK, half_unit, printed_decimals
from ldn_evidence.printed_numbers import parse_p as parse_p

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


@value_class
class NotComputed:
    """Why an effect was not computed. Falsy, so that ``if effect:`` reads naturally."""

    reason: str

    def __bool__(self) -> bool:
        return False


@value_class
class ArmResult:
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


@value_class
class PairedResult:
    """The within-person difference of a crossover trial, intervention minus comparator, over ``n`` people."""

    n: int | None = None
    mean_difference: float | None = None
    sd: float | None = None
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float = 0.95
    p: str | None = None


@value_class
class PrintedEffect:
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


@value_class
class Effect:
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


@value_class
class StandardDeviation:
    """A standard deviation with what it was taken from and how far rounding of the source can move it."""

    value: float
    source: str
    rounding: float


# --- from value and standard error to an effect ----------------------------------------------------


def _interval(measure: str, centre: float, standard_error: float, quantile: float) -> tuple[float, float]:
    reach = quantile * standard_error
    return from_analysis_scale(measure, centre - reach), from_analysis_scale(measure, centre + reach)


def _effect(
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
    low, high = _interval(measure, centre, standard_error, quantile)
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


# --- what an arm says -----------------------------------------------------------------------------


def standard_deviation(arm: ArmResult) -> StandardDeviation | NotComputed:
    """The SD of an arm: printed, or from the SE or the confidence interval (Handbook 6.5.2.1, 6.5.2.2).

    From the SE it is SE x sqrt(n). From the interval it is sqrt(n) x width / (2 t) with n - 1 degrees of
    freedom, at every n: the t distribution is right for small samples and becomes the normal one for large.
    An interval that does not lie symmetrically about the printed mean was computed otherwise and is refused.
    An interquartile range is never used here.
    """
    if arm.sd is not None:
        if arm.sd <= 0:
            return NotComputed(f"the SD must be above 0, found {arm.sd}")
        return StandardDeviation(arm.sd, "SD", 0.0 if arm.derivation else half_unit(arm.sd))
    if arm.n is None:
        return NotComputed("no SD, and without the number of participants none can be derived")
    if arm.n < 2:
        return NotComputed(f"an SD needs at least 2 participants, found {arm.n}")
    root = math.sqrt(arm.n)
    if arm.se is not None:
        if arm.se <= 0:
            return NotComputed(f"the SE must be above 0, found {arm.se}")
        return StandardDeviation(arm.se * root, "SE", half_unit(arm.se) * root)
    if arm.ci_low is not None and arm.ci_high is not None:
        if arm.ci_high <= arm.ci_low:
            return NotComputed("the confidence interval of the mean has no width")
        slack = half_unit(arm.ci_low) + half_unit(arm.ci_high)
        if arm.mean is not None:
            off_centre = abs((arm.ci_low + arm.ci_high) / 2 - arm.mean)
            if off_centre > slack / 2 + half_unit(arm.mean) + ROUNDING_SLACK * abs(arm.mean):
                return NotComputed("the confidence interval does not lie symmetrically about the mean")
        factor = root / (2 * t_quantile(arm.ci_level, arm.n - 1))
        source = f"{100 * arm.ci_level:g}% CI of the mean, t with {arm.n - 1} degrees of freedom"
        return StandardDeviation((arm.ci_high - arm.ci_low) * factor, source, slack * factor)
    return NotComputed("no SD, SE or confidence interval of the mean")


def pooled_standard_deviation_from_p(difference: float, p: float, n_1: int, n_2: int) -> float | NotComputed:
    """The within-arm SD implied by a difference in means and its exact t-test p (Handbook 6.5.2.3)."""
    if n_1 < 1 or n_2 < 1 or n_1 + n_2 < 3:
        return NotComputed("a two-sample t test needs at least 3 participants")
    error = standard_error_from_p(difference, p, degrees_of_freedom=n_1 + n_2 - 2)
    if isinstance(error, NotComputed):
        return error
    return error / math.sqrt(1 / n_1 + 1 / n_2)


def standard_error_from_p(
    difference: float, p: float, *, degrees_of_freedom: float | None = None
) -> float | NotComputed:
    """The SE of a difference (or log ratio) from its exact two-sided p (Handbook 6.3.2, 6.5.2.3).

    With degrees of freedom the test is taken to be a t test, without them a z test. A difference of exactly 0
    or a p of 1 says nothing about the SE.
    """
    if not 0 < p < 1:
        return NotComputed(f"p must lie between 0 and 1 for an SE, found {p:g}")
    if difference == 0:
        return NotComputed("a difference of 0 with a p says nothing about its SE")
    quantile = (
        normal_quantile_of_p(p) if degrees_of_freedom is None else t_quantile_of_p(p, degrees_of_freedom)
    )
    return abs(difference) / quantile


def events_from_percent(percent: float, total: int, decimals: int | None = None) -> int | NotComputed:
    """The number of events behind a printed percentage, only where exactly one whole number rounds to it.

    Raises nothing; a percentage outside 0 to 100, one that no whole number gives, or one that several give,
    is refused.
    """
    if total < 1:
        return NotComputed(f"a percentage needs a total of at least 1, found {total}")
    if not 0 <= percent <= 100:
        return NotComputed(f"a percentage must lie between 0 and 100, found {percent:g}")
    slack = half_unit(percent, decimals) + ROUNDING_SLACK
    lowest = max(0, math.ceil((percent - slack) * total / 100 - ROUNDING_SLACK))
    highest = min(total, math.floor((percent + slack) * total / 100 + ROUNDING_SLACK))
    if lowest > highest:
        return NotComputed(f"no whole number of {total} is {percent:g}%")
    if lowest < highest:
        return NotComputed(f"{percent:g}% of {total} could be {lowest} to {highest} events")
    return lowest


def event_count(arm: ArmResult) -> tuple[int, int, str] | NotComputed:
    """Events, total and their source: as printed, or from the percentage where that leaves no choice.

    The percentage is used only where the arm's kind is "count": it could be a percent change as well.
    """
    total, source = arm.total, ""
    if total is None and arm.n is not None:
        total, source = arm.n, "total taken from n"
    if total is None:
        return NotComputed("the number of participants at risk is not known")
    if total < 1:
        return NotComputed(f"the number of participants at risk must be at least 1, found {total}")
    if arm.events is not None:
        if not 0 <= arm.events <= total:
            return NotComputed(f"{arm.events} events among {total} participants")
        return arm.events, total, source
    if arm.percent is None:
        return NotComputed("neither events nor a percentage")
    if arm.kind != "count":
        return NotComputed("a percentage, but not one that is known to count participants")
    events = events_from_percent(arm.percent, total)
    if isinstance(events, NotComputed):
        return events
    return events, total, "; ".join(filter(None, (f"events from {arm.percent:g}% of {total}", source)))


def median_to_mean(arm: ArmResult) -> ArmResult | NotComputed:
    """Mean and SD estimated from median and interquartile range; never applied unless a caller asks for it.

    Wan, Wang, Liu and Tong 2014 (BMC Medical Research Methodology 14:135), scenario C3: mean = (q1 + median +
    q3) / 3, SD = (q3 - q1) / (2 z) with z the normal quantile of (0.75 n - 0.125) / (n + 0.25). It presumes a
    roughly normal distribution, which a reported median often argues against (Handbook 6.5.2.5).
    """
    if arm.n is None or arm.median is None or arm.iqr_low is None or arm.iqr_high is None:
        return NotComputed("the conversion needs n, median and both quartiles")
    if arm.n < 2 or not arm.iqr_low <= arm.median <= arm.iqr_high or arm.iqr_low == arm.iqr_high:
        return NotComputed("median and quartiles are not in order, have no width, or n is below 2")
    # normal_quantile takes a two-sided level; the formula's one-sided probability p is the level 2p - 1.
    spread = normal_quantile(2 * (0.75 * arm.n - 0.125) / (arm.n + 0.25) - 1)
    return replace(
        arm,
        mean=(arm.iqr_low + arm.median + arm.iqr_high) / 3,
        sd=(arm.iqr_high - arm.iqr_low) / (2 * spread),
        derivation="mean and SD estimated from median and interquartile range (Wan 2014)",
    )


# --- several arms against one ---------------------------------------------------------------------


def combine_arms(arms: Sequence[ArmResult]) -> ArmResult | NotComputed:
    """Several arms as one group, so that their common comparator is counted once (Handbook 6.5.2.10, 23.3.4).

    Participants and events are added; mean and SD are those of all people together, which is exact. Numbers that not
    every arm has are left out. Refused for no arms, for arms that report different kinds of number, and where neither
    means nor events of all arms are known.
    """
    if not arms:
        return NotComputed("there are no arms to combine")
    if len(arms) == 1:
        return arms[0]
    if len({arm.kind for arm in arms}) > 1:
        return NotComputed("the arms do not report the same kind of number")
    derivation = f"{len(arms)} arms combined"
    combined = ArmResult(kind=arms[0].kind, derivation=derivation)
    counts = [event_count(arm) for arm in arms]
    known = [count for count in counts if not isinstance(count, NotComputed)]
    if len(known) == len(arms):
        return replace(
            combined, events=sum(count[0] for count in known), total=sum(count[1] for count in known)
        )
    groups = [_continuous(arm, f"arm {number}") for number, arm in enumerate(arms, 1)]
    total: _Continuous | None = None
    for group in groups:
        if isinstance(group, NotComputed):
            return group
        total = group if total is None else _two_groups_as_one(total, group)
    assert total is not None
    return replace(combined, n=total.n, mean=total.mean, sd=total.sd.value)


def _two_groups_as_one(one: _Continuous, other: _Continuous) -> _Continuous:
    """Mean and SD of two groups taken together (Handbook table 6.5.a)."""
    n = one.n + other.n
    mean = (one.n * one.mean + other.n * other.mean) / n
    squares = (
        (one.n - 1) * one.sd.value**2
        + (other.n - 1) * other.sd.value**2
        + one.n * other.n / n * (one.mean - other.mean) ** 2
    )
    return _Continuous(n, mean, StandardDeviation(math.sqrt(squares / (n - 1)), "SD", 0.0), 0.0, "")


# --- two independent arms -------------------------------------------------------------------------


@value_class
class _Continuous:
    n: int
    mean: float
    sd: StandardDeviation
    mean_rounding: float
    derivation: str


def _continuous(arm: ArmResult, name: str) -> _Continuous | NotComputed:
    if arm.mean is None:
        return NotComputed(f"{name}: no mean")
    if arm.n is None:
        return NotComputed(f"{name}: the number of participants is not known")
    if arm.n < 2:
        return NotComputed(f"{name}: at least 2 participants are needed, found {arm.n}")
    sd = standard_deviation(arm)
    if isinstance(sd, NotComputed):
        return NotComputed(f"{name}: {sd.reason}")
    return _Continuous(arm.n, arm.mean, sd, 0.0 if arm.derivation else half_unit(arm.mean), arm.derivation)


class _Means(NamedTuple):
    """Two groups whose means can be compared, and where their numbers come from."""

    first: _Continuous
    second: _Continuous
    inputs: str


def _two_continuous(intervention: ArmResult, comparator: ArmResult) -> _Means | NotComputed:
    if intervention.kind != comparator.kind:
        kinds = " and ".join(str(arm.kind or "unknown") for arm in (intervention, comparator))
        return NotComputed(f"the arms do not report the same kind of number: {kinds}")
    if intervention.kind not in (None, "endpoint", "change", "percent_change"):
        return NotComputed(f"numbers of the kind {intervention.kind} are no means to compare")
    first = _continuous(intervention, "intervention")
    if isinstance(first, NotComputed):
        return first
    second = _continuous(comparator, "comparator")
    if isinstance(second, NotComputed):
        return second
    inputs = _inputs_of_means(first.sd.source, second.sd.source, first.derivation, second.derivation)
    return _Means(first, second, inputs)


@lru_cache(maxsize=256)
def _inputs_of_means(source_1: str, source_2: str, derivation_1: str, derivation_2: str) -> str:
    inputs = "means, n, " + " and ".join(sorted({source_1, source_2}))
    derivations = sorted({derivation_1, derivation_2} - {""})
    return "; ".join([inputs, *derivations])


def mean_difference(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Mean difference of two independent arms, in the outcome's unit (Handbook 6.5.1.1, 10.5.2).

    SE = sqrt(sd1^2 / n1 + sd2^2 / n2), without assuming equal variances; the interval is the normal one, as
    in RevMan.
    """
    means = _two_continuous(intervention, comparator)
    return means if isinstance(means, NotComputed) else _mean_difference(means, ci_level)


def _mean_difference(means: _Means, ci_level: float) -> Effect:
    first, second, inputs = means
    root_1, root_2 = math.sqrt(first.n), math.sqrt(second.n)
    return _effect(
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
    means = _two_continuous(intervention, comparator)
    return means if isinstance(means, NotComputed) else _standardised_mean_difference(means, ci_level)


def _standardised_mean_difference(means: _Means, ci_level: float) -> Effect:
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
    return _effect(
        "SMD",
        g,
        math.sqrt(variance),
        f"{inputs}; Hedges g, pooled SD, exact small-sample correction",
        ci_level=ci_level,
        degrees_of_freedom=degrees_of_freedom,
        value_rounding=correction * mean_rounding + sd_rounding,
        error_rounding=sd_rounding / max(1, degrees_of_freedom),
    )


@value_class
class _Table:
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
    return _effect(
        measure, log_ratio, math.sqrt(variance), f"{table.inputs}; {name}", note=note, ci_level=ci_level
    )


def risk_ratio(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Risk ratio of two independent arms; SE of its logarithm (Handbook 6.4.1.1, 10.4.1).

    A table with a zero cell gets 0.5 in all four cells, and says so in ``note`` (Handbook 10.4.4.1); one
    without events, or with nothing but events, in both arms says nothing about a ratio and is refused.
    """
    table = _table(intervention, comparator)
    return table if isinstance(table, NotComputed) else _ratio_from_table("RR", table, ci_level)


def odds_ratio(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Odds ratio of two independent arms (Handbook 6.4.1.1). Zero cells as in :func:`risk_ratio`."""
    table = _table(intervention, comparator)
    return table if isinstance(table, NotComputed) else _ratio_from_table("OR", table, ci_level)


def risk_difference(
    intervention: ArmResult, comparator: ArmResult, *, ci_level: float = 0.95
) -> Effect | NotComputed:
    """Risk difference of two independent arms, as a fraction from -1 to 1 (Handbook 6.4.1.2).

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
    return _effect(
        "RD",
        difference,
        math.sqrt(variance),
        f"{table.inputs}; risk difference",
        note=note,
        ci_level=ci_level,
    )


_FROM_MEANS: dict[str, Callable[[_Means, float], Effect]] = {
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
    (Handbook 23.2.7), as is ignoring clusters (23.1.2), so ``design`` "crossover" and "cluster" are refused
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
    means: _Means | NotComputed | None = None
    table: _Table | NotComputed | None = None
    effects: dict[str, Effect | NotComputed] = {}
    for measure in measures:
        if measure in _FROM_MEANS:
            if means is None:
                means = _two_continuous(intervention, comparator)
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
    """Why arms of this design are not independent groups (Handbook 23.1.2, 23.2.7); None if they are."""
    if "crossover" in design.lower().replace("-", ""):
        return NotComputed(
            "crossover trial: its arms hold the same people; only a paired result or a printed effect counts"
        )
    if "cluster" in design.lower():
        return NotComputed("cluster-randomised trial: participants are not independent; use a printed effect")
    return None


# --- paired results (crossover trials) ------------------------------------------------------------


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
    return _effect(
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
    pair = _two_continuous(intervention, comparator)
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
    return _effect(
        measure,
        centre,
        error,
        f"{inputs}; crossover, correlation {correlation:g} imputed",
        note="rests on an imputed correlation",
        value_rounding=first.mean_rounding + second.mean_rounding,
    )


# --- printed effects ------------------------------------------------------------------------------


def as_fraction(printed: PrintedEffect) -> PrintedEffect:
    """The same risk difference as a fraction, where it can only have been printed in percentage points.

    A value beyond -1 to 1 is in percentage points. One within it is taken to be a fraction.
    """
    if printed.measure != "RD" or printed.value is None or abs(printed.value) <= 1:
        return printed
    decimals = printed.decimals
    if decimals is None:
        numbers = (printed.value, printed.ci_low, printed.ci_high)
        decimals = max(printed_decimals(number) for number in numbers if number is not None)

    def hundredth(number: float | None) -> float | None:
        return None if number is None else number / 100

    return replace(
        printed,
        value=hundredth(printed.value),
        ci_low=hundredth(printed.ci_low),
        ci_high=hundredth(printed.ci_high),
        standard_error=hundredth(printed.standard_error),
        decimals=decimals + 2,
    )


def effect_from_printed(
    printed: PrintedEffect,
    *,
    degrees_of_freedom: float | None = None,
    accept_bounded_p: bool = False,
) -> Effect | NotComputed:
    """An effect with its SE from what is printed: generic inverse variance (Handbook 6.3.1 to 6.3.3).

    With an interval, SE = width / (2 quantile) on the analysis scale; else the printed SE of a difference
    (that of a ratio is not used: its scale is not known); else SE = value / quantile of an exact p. The
    quantile is normal, or Student's t where ``degrees_of_freedom`` are given (Handbook 6.5.2.3).
    A bounded p ("<0.001") gives only an upper bound of the SE: the Handbook calls its use conservative; it is
    off unless ``accept_bounded_p``. "NS" and "p > ..." are never used. A value with none of these, and a
    difference of medians, is returned without an SE, to be shown and not pooled. A value outside its own
    interval is refused. A risk difference in percentage points becomes a fraction (:func:`as_fraction`).
    """
    measure = printed.measure
    if measure not in RATIO_MEASURES and measure not in DIFFERENCE_MEASURES:
        return NotComputed(f"the scale of the printed measure {measure!r} is not known")
    if printed.value is None:
        return NotComputed("no value printed")
    fraction = as_fraction(printed)
    if fraction is not printed:
        effect = effect_from_printed(
            fraction, degrees_of_freedom=degrees_of_freedom, accept_bounded_p=accept_bounded_p
        )
        if isinstance(effect, NotComputed):
            return effect
        return replace(effect, note="; ".join(filter(None, ("printed in percentage points", effect.note))))
    refusal = _beyond_the_scale(printed)
    if refusal is not None:
        return refusal
    centre = to_analysis_scale(measure, printed.value)
    if printed.ci_low is not None and printed.ci_high is not None:
        return _effect_from_interval(
            printed, centre, printed.value, printed.ci_low, printed.ci_high, degrees_of_freedom
        )
    rounding = _analysis_rounding(measure, printed.value, printed.decimals)
    error, source, note = _printed_error(printed, centre, degrees_of_freedom, accept_bounded_p)
    if error is None:
        return Effect(
            measure=measure,
            value=printed.value,
            standard_error=None,
            ci_low=None,
            ci_high=None,
            computed_from=f"printed {measure}",
            printed=True,
            note=note,
            value_rounding=rounding,
        )
    return _effect(
        measure,
        centre,
        error,
        f"printed {measure} and {source}",
        value=printed.value,
        printed=True,
        note=note,
        degrees_of_freedom=degrees_of_freedom,
        t_interval=degrees_of_freedom is not None,
        value_rounding=rounding,
    )


def _beyond_the_scale(printed: PrintedEffect) -> NotComputed | None:
    """Why the printed numbers cannot be of their measure; None where they can."""
    if printed.measure in RATIO_MEASURES:
        for number in (printed.value, printed.ci_low, printed.ci_high):
            if number is not None and number <= 0:
                return NotComputed(f"a ratio ({printed.measure}) must be above 0, found {number:g}")
    elif printed.measure == "RD":
        for number in (printed.value, printed.ci_low, printed.ci_high):
            if number is not None and abs(number) > 1:
                return NotComputed("it cannot be told whether the risk difference is in percentage points")
    return None


def _printed_error(
    printed: PrintedEffect, centre: float, degrees_of_freedom: float | None, accept_bounded_p: bool
) -> tuple[float | None, str, str]:
    """The SE of an effect printed without an interval, its source, and what must be said of it."""
    if printed.measure == "median_difference":
        return None, "", MEDIANS_GIVE_NO_ERROR
    if printed.standard_error is not None and printed.standard_error > 0 and not is_ratio(printed.measure):
        return printed.standard_error, "its SE", ""
    p = parse_p(printed.p)
    if p is not None and (p.relation == "=" or (accept_bounded_p and p.relation in ("<", "<="))):
        error = standard_error_from_p(centre, p.value, degrees_of_freedom=degrees_of_freedom)
        if not isinstance(error, NotComputed):
            test = "z test"
            if degrees_of_freedom is not None:
                test = f"t test with {degrees_of_freedom:g} degrees of freedom"
            bound = "" if p.relation == "=" else "the SE is an upper bound, from a bounded p"
            return error, f"p {p.relation} {p.value:g}, {test}", bound
    return None, "", "printed without an interval, SE or exact p: its precision is not known"


MEDIANS_GIVE_NO_ERROR = "a difference of medians has no SE with which it could be pooled"


def _analysis_rounding(measure: str, value: float, decimals: int | None) -> float:
    rounding = half_unit(value, decimals)
    return rounding / value if measure in RATIO_MEASURES else rounding


def _effect_from_interval(
    printed: PrintedEffect,
    centre: float,
    value: float,
    low: float,
    high: float,
    degrees_of_freedom: float | None,
) -> Effect | NotComputed:
    measure = printed.measure
    if not low <= value <= high:
        # Numbers rounded to the same digit keep their order; only a coarser digit can carry one past another.
        same_digits = len({printed_decimals(number) for number in (value, low, high)}) == 1
        leeway = (
            0.0 if same_digits else max(half_unit(number, printed.decimals) for number in (value, low, high))
        )
        if not low - leeway <= value <= high + leeway:
            return NotComputed(
                f"the printed value {value:g} lies outside its own interval {low:g} to {high:g}"
            )
    lower, upper = to_analysis_scale(measure, low), to_analysis_scale(measure, high)
    if upper <= lower:
        return NotComputed("the printed interval has no width")
    if degrees_of_freedom is None:
        quantile = normal_quantile(printed.ci_level)
        kind = "normal"
    else:
        quantile = t_quantile(printed.ci_level, degrees_of_freedom)
        kind = f"t with {degrees_of_freedom:g} degrees of freedom"
    slack = (
        _analysis_rounding(measure, low, printed.decimals)
        + _analysis_rounding(measure, high, printed.decimals)
    ) / 2
    value_rounding = _analysis_rounding(measure, value, printed.decimals)
    lopsided = abs((lower + upper) / 2 - centre) > slack + value_rounding + ROUNDING_SLACK
    medians = measure == "median_difference"
    note = MEDIANS_GIVE_NO_ERROR if medians else ""
    if lopsided and not medians:
        note = "the printed interval is not symmetric about the value on the analysis scale"
    return Effect(
        measure=measure,
        value=value,
        standard_error=None if medians else (upper - lower) / (2 * quantile),
        ci_low=low,
        ci_high=high,
        computed_from=f"printed {measure} and {100 * printed.ci_level:g}% CI, {kind}",
        printed=True,
        note=note,
        ci_level=printed.ci_level,
        degrees_of_freedom=degrees_of_freedom,
        t_interval=degrees_of_freedom is not None,
        value_rounding=value_rounding,
        error_rounding=slack / quantile,
    )


# --- reading an effect ----------------------------------------------------------------------------


def favours(effect: Effect, better: Better | None) -> Favours:
    """Which arm the interval favours.

    "intervention" or "comparator" if the whole interval lies on that side of no effect; "neither" if it
    contains or touches no effect; "unclear" if there is no interval or it is not known which way is better.
    The p plays no part.
    """
    if better is None or effect.ci_low is None or effect.ci_high is None:
        return "unclear"
    none = effect.no_effect
    if effect.ci_low <= none <= effect.ci_high:
        return "neither"
    return "intervention" if (effect.ci_low > none) == (better == "higher") else "comparator"


def read_against_mid(effect: Effect, better: Better | None, mid: float | None) -> MidReading | None:
    """The effect's interval read against no effect and the minimal important difference (MID).

    With low and high the interval's ends turned so that benefit is positive (analysis scale):

    - ``unfavourable``: high < 0; the whole interval lies on the worse side, whatever the MID.
    - ``clearly_favourable``: low >= MID; every value in the interval is a benefit that matters.
    - ``favourable_possibly_trivial``: 0 < low < MID; a benefit, but one too small to matter is not excluded
      (it may even be certain). Also every low > 0 when the MID is not known.
    - ``null_within_mid``: the interval contains 0 and lies within (-MID, MID); an effect that matters is
      excluded both ways.
    - ``inconclusive``: the interval contains 0 and reaches the MID on at least one side, or the MID is not
      known.

    ``mid`` is positive and in the unit of the measure: SD units for an SMD, a fraction for an RD, and for a
    ratio the factor above 1 by which it must change (1.25: to 1.25 or to 1/1.25). Returns None without an
    interval or a known direction. Raises ValueError for an MID that is not positive (not above 1 for a
    ratio). Handbook 15.5.3.
    """
    if mid is not None:
        if mid <= effect.no_effect:
            raise ValueError(
                f"a minimal important difference must exceed {effect.no_effect:g}, found {mid:g}"
            )
        mid = to_analysis_scale(effect.measure, mid)
    if better is None or effect.ci_low is None or effect.ci_high is None:
        return None
    low = _log_or_same(effect.measure, effect.ci_low)
    high = _log_or_same(effect.measure, effect.ci_high)
    if better == "lower":
        low, high = -high, -low
    if high < 0:
        return "unfavourable"
    if low > 0:
        return "clearly_favourable" if mid is not None and low >= mid else "favourable_possibly_trivial"
    if mid is not None and -mid < low and high < mid:
        return "null_within_mid"
    return "inconclusive"


def _log_or_same(measure: str, value: float) -> float:
    """Like to_analysis_scale, for interval ends that may have reached 0 or infinity."""
    if not is_ratio(measure):
        return value
    return math.log(value) if value > 0 else -math.inf


def p_of(effect: Effect) -> float | None:
    """The two-sided p that value and SE imply, from the interval's distribution; None without an SE."""
    if effect.standard_error is None or effect.standard_error <= 0:
        return None
    statistic = effect.analysis_value / effect.standard_error
    if effect.t_interval and effect.degrees_of_freedom is not None:
        return t_p(statistic, effect.degrees_of_freedom)
    return normal_p(statistic)


def with_ci_level(effect: Effect, ci_level: float) -> Effect:
    """The effect with its interval at another confidence level; without an SE, with no interval."""
    if effect.ci_level == ci_level:
        return effect
    if effect.standard_error is None:
        return replace(effect, ci_low=None, ci_high=None, ci_level=ci_level)
    quantile = normal_quantile(ci_level)
    if effect.t_interval and effect.degrees_of_freedom is not None:
        quantile = t_quantile(ci_level, effect.degrees_of_freedom)
    low, high = _interval(effect.measure, effect.analysis_value, effect.standard_error, quantile)
    return replace(effect, ci_low=low, ci_high=high, ci_level=ci_level)

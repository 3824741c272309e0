"""What one arm says: its mean with SD, its events; and several arms taken together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ldn_evidence.appraise.distributions import (
    normal_quantile,
    normal_quantile_of_p,
    t_quantile,
    t_quantile_of_p,
)
from ldn_evidence.appraise.effects.model import ArmResult, NotComputed, StandardDeviation
from ldn_evidence.printed_numbers import ROUNDING_SLACK, half_unit


def standard_deviation(arm: ArmResult) -> StandardDeviation | NotComputed:
    """The SD of an arm: printed, or from the SE or the confidence interval (Handbook 6.5.2.2).

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
    """The SE of a difference (or log ratio) from its exact two-sided p (Handbook 6.3.1, 6.3.2, 6.5.2.3).

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
    groups = [continuous(arm, f"arm {number}") for number, arm in enumerate(arms, 1)]
    total: Continuous | None = None
    for group in groups:
        if isinstance(group, NotComputed):
            return group
        total = group if total is None else _two_groups_as_one(total, group)
    assert total is not None
    return replace(combined, n=total.n, mean=total.mean, sd=total.sd.value)


def _two_groups_as_one(one: Continuous, other: Continuous) -> Continuous:
    """Mean and SD of two groups taken together (Handbook table 6.5.a)."""
    n = one.n + other.n
    mean = (one.n * one.mean + other.n * other.mean) / n
    squares = (
        (one.n - 1) * one.sd.value**2
        + (other.n - 1) * other.sd.value**2
        + one.n * other.n / n * (one.mean - other.mean) ** 2
    )
    return Continuous(n, mean, StandardDeviation(math.sqrt(squares / (n - 1)), "SD", 0.0), 0.0, "")


class Continuous(Struct, frozen=True):
    """Mean and SD of one group, and how far rounding of the print can move the mean."""

    n: int
    mean: float
    sd: StandardDeviation
    mean_rounding: float
    derivation: str


def continuous(arm: ArmResult, name: str) -> Continuous | NotComputed:
    """Mean and SD of an arm that is called so in the reason why there are none."""
    if arm.mean is None:
        return NotComputed(f"{name}: no mean")
    if arm.n is None:
        return NotComputed(f"{name}: the number of participants is not known")
    if arm.n < 2:
        return NotComputed(f"{name}: at least 2 participants are needed, found {arm.n}")
    sd = standard_deviation(arm)
    if isinstance(sd, NotComputed):
        return NotComputed(f"{name}: {sd.reason}")
    return Continuous(arm.n, arm.mean, sd, 0.0 if arm.derivation else half_unit(arm.mean), arm.derivation)

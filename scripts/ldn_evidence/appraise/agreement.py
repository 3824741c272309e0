"""Whether numbers printed side by side agree: effect and arms, p and interval, percentage, SE and SD.

Each function reports only what rounding of the printed digits cannot explain. That need not be an error.
"""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

from ldn_evidence.appraise.distributions import normal_p, normal_quantile, t_p, t_quantile
from ldn_evidence.appraise.effects import ArmResult, Effect, PrintedEffect, as_fraction
from ldn_evidence.appraise.scales import (
    DIFFERENCE_MEASURES,
    RATIO_MEASURES,
    from_analysis_scale,
    no_effect,
)
from ldn_evidence.printed_numbers import ROUNDING_SLACK, PValue, half_unit, parse_p, printed_decimals

Field = Literal["value", "ci_low", "ci_high"]
_IN_WORDS: dict[Field, str] = {"value": "value", "ci_low": "lower limit", "ci_high": "upper limit"}
# Times the other side of an interval.
_LONGEST_SIDE = 2


class Disagreement(Struct, frozen=True):
    """One number of a printed effect that the arms do not bear out; ``allowed`` is what rounding explains."""

    field: Field
    printed: float
    computed: float
    allowed: float
    opposite_direction: bool
    message: str


def disagreement(printed: PrintedEffect, computed: Effect) -> tuple[Disagreement, ...]:
    """Where a printed effect and the one computed from the arms differ beyond rounding; empty if nowhere.

    Allowed is half a unit of the printed digit plus what the rounding of the arms' own numbers can do. A
    printed limit may agree with a normal or a t interval. Different measures are not compared. A disagreement
    need not be an error: an adjusted analysis differs from the raw arms, and the record should then say so.
    """
    if printed.measure != computed.measure:
        return ()
    printed = as_fraction(printed)
    centre = computed.analysis_value
    normal = normal_quantile(printed.ci_level)
    found = []
    if printed.value is not None and _is_beyond_rounding(
        printed, printed.value, centre, computed.value_rounding
    ):
        found.append(
            _disagreement("value", printed, printed.value, computed, centre, computed.value_rounding)
        )
    limits: tuple[tuple[Field, float | None, int], ...] = (
        ("ci_low", printed.ci_low, -1),
        ("ci_high", printed.ci_high, 1),
    )
    for field, shown, side in limits:
        if shown is None or computed.standard_error is None:
            continue
        expected, slack = _limit(centre, computed.standard_error, computed, side * normal)
        if not _is_beyond_rounding(printed, shown, expected, slack):
            continue
        if computed.degrees_of_freedom is not None:
            student = t_quantile(printed.ci_level, computed.degrees_of_freedom)
            of_student = _limit(centre, computed.standard_error, computed, side * student)
            if not _is_beyond_rounding(printed, shown, *of_student):
                continue
        found.append(_disagreement(field, printed, shown, computed, expected, slack))
    return tuple(found)


def _limit(centre: float, error: float, computed: Effect, quantile: float) -> tuple[float, float]:
    """The limit of an interval on the analysis scale, and how far rounding of the arms' numbers can move it."""
    return centre + quantile * error, computed.value_rounding + abs(quantile) * computed.error_rounding


def _is_beyond_rounding(printed: PrintedEffect, shown: float, expected: float, slack: float) -> bool:
    """Whether a printed number is another than the computed one, whatever the rounding of both."""
    lowest = from_analysis_scale(printed.measure, expected - slack)
    highest = from_analysis_scale(printed.measure, expected + slack)
    rounding = half_unit(shown, printed.decimals)
    tiny = ROUNDING_SLACK * max(1.0, abs(shown))
    return not lowest - rounding - tiny <= shown <= highest + rounding + tiny


def _disagreement(
    field: Field, printed: PrintedEffect, shown: float, computed: Effect, expected: float, slack: float
) -> Disagreement:
    middle = from_analysis_scale(printed.measure, expected)
    lowest = from_analysis_scale(printed.measure, expected - slack)
    highest = from_analysis_scale(printed.measure, expected + slack)
    allowed = half_unit(shown, printed.decimals) + max(highest - middle, middle - lowest)
    null = computed.no_effect
    opposite = field == "value" and (shown - null) * (middle - null) < 0
    return Disagreement(
        field=field,
        printed=shown,
        computed=middle,
        allowed=allowed,
        opposite_direction=opposite,
        message=(
            f"{computed.measure} {_IN_WORDS[field]}: printed {shown:g}, computed {middle:.4g} from "
            f"{computed.computed_from}; rounding explains up to {allowed:.2g}"
            + ("; the direction is opposite" if opposite else "")
        ),
    )


def p_contradicts_interval(printed: PrintedEffect) -> str | None:
    """What is wrong where a printed p cannot belong to the printed effect and interval; else None.

    Two things are compared. The verdict: an interval of level 1 - alpha excludes no effect exactly when p < alpha. And
    the size: the interval's width gives the standard error, and with it a p (Handbook 6.3.1, 6.3.2). Each is asked only
    beyond what rounding of all printed digits explains, and the size for every number of degrees of freedom from 1 to
    the normal distribution and for either side of the interval. P and interval may still come from different tests.
    """
    if printed.ci_low is None or printed.ci_high is None:
        return None
    p = parse_p(printed.p)
    if p is None:
        return None
    if printed.measure not in RATIO_MEASURES and printed.measure not in DIFFERENCE_MEASURES:
        return None
    return _verdict_contradicts(printed, printed.ci_low, printed.ci_high, p) or _size_contradicts(
        printed, printed.ci_low, printed.ci_high, p
    )


def _verdict_contradicts(printed: PrintedEffect, ci_low: float, ci_high: float, p: PValue) -> str | None:
    """Where p and interval do not agree on no effect; limits and p within rounding of it decide nothing."""
    null = no_effect(printed.measure)
    alpha = 1 - printed.ci_level
    low_slack = half_unit(ci_low, printed.decimals) + ROUNDING_SLACK
    high_slack = half_unit(ci_high, printed.decimals) + ROUNDING_SLACK
    if ci_low - low_slack > null or ci_high + high_slack < null:
        excludes = True
    elif ci_low + low_slack < null < ci_high - high_slack:
        excludes = False
    else:
        return None
    p_slack = half_unit(p.value)
    if p.relation == "=":
        below, above = p.value + p_slack < alpha, p.value - p_slack > alpha
    else:
        below = p.relation in ("<", "<=") and p.value <= alpha + ROUNDING_SLACK
        above = p.relation in (">", ">=") and p.value >= alpha - ROUNDING_SLACK
    if excludes and above:
        verdict = "excludes"
    elif not excludes and below:
        verdict = "contains"
    else:
        return None
    return f"the {_interval_text(printed)} {verdict} no effect ({null:g}), but p {p.relation} {p.value:g}"


def _size_contradicts(printed: PrintedEffect, ci_low: float, ci_high: float, p: PValue) -> str | None:
    """Where no p that value and interval allow is the printed one."""
    distances = _distances(printed, ci_low, ci_high)
    if distances is None:
        return None
    slack = half_unit(p.value) + ROUNDING_SLACK if p.relation == "=" else ROUNDING_SLACK
    normal = normal_quantile(printed.ci_level)
    ps = [normal_p(normal * distance) for distance in distances]
    if _is_allowed(p, slack, ps):
        return None
    student = t_quantile(printed.ci_level, 1)
    ps += [t_p(student * distance, 1) for distance in distances]
    if _is_allowed(p, slack, ps):
        return None
    return (
        f"the effect {printed.value:g} with the {_interval_text(printed)} gives a p between {min(ps):.2g} and {max(ps):.2g}, "
        f"but p {p.relation} {p.value:g}; they may come from different analyses"
    )


def _is_allowed(p: PValue, slack: float, ps: list[float]) -> bool:
    """Whether the printed p can be one between the least and the largest of these."""
    if p.relation in ("<", "<="):
        return min(ps) <= p.value + slack
    if p.relation in (">", ">="):
        return max(ps) >= p.value - slack
    return min(ps) - slack <= p.value <= max(ps) + slack


def _distances(printed: PrintedEffect, ci_low: float, ci_high: float) -> tuple[float, float] | None:
    """How far the value lies from no effect, in half widths of the interval: the least and the most that rounding allows.

    None where there is no value, or rounding leaves no width or no logarithm.
    """
    if printed.value is None:
        return None
    value, low, high = (_reach(printed, number) for number in (printed.value, ci_low, ci_high))
    if value is None or low is None or high is None:
        return None
    value_low, value_high = value
    low_low, low_high = low
    high_low, high_high = high
    # Bootstrapped and profile intervals have sides of different length.
    narrow = min(value_low - low_high, high_low - value_high)
    wide = max(value_high - low_low, high_high - value_low)
    if narrow <= 0:
        return None
    nearest = 0.0 if value_low <= 0 <= value_high else min(abs(value_low), abs(value_high))
    return nearest / wide, max(abs(value_low), abs(value_high)) / narrow


def _reach(printed: PrintedEffect, number: float) -> tuple[float, float] | None:
    """The least and the largest value, on the analysis scale, that can have been printed so; None without logarithm."""
    slack = half_unit(number, printed.decimals)
    if printed.measure in DIFFERENCE_MEASURES:
        return number - slack, number + slack
    if number - slack <= 0:
        return None
    return math.log(number - slack), math.log(number + slack)


def value_off_centre(printed: PrintedEffect) -> str | None:
    """What is wrong where a printed value lies far from the middle of its interval on the analysis scale; else None.

    An interval by the normal or Student's distribution reaches as far to either side (Handbook 6.3.1). One that is exact,
    bootstrapped or profiled need not, so only a side more than twice as long as the other is told, and only where rounding
    of the printed digits cannot explain it.
    """
    if printed.value is None or printed.ci_low is None or printed.ci_high is None:
        return None
    if printed.measure not in RATIO_MEASURES and printed.measure not in DIFFERENCE_MEASURES:
        return None
    numbers = (printed.value, printed.ci_low, printed.ci_high)
    value, low, high = (_reach(printed, number) for number in numbers)
    if value is None or low is None or high is None:
        return None
    below = value[0] - low[1], value[1] - low[0]
    above = high[0] - value[1], high[1] - value[0]
    if below[0] <= _LONGEST_SIDE * above[1] and above[0] <= _LONGEST_SIDE * below[1]:
        return None
    scale = ", on the log scale" if printed.measure in RATIO_MEASURES else ""
    return (
        f"the effect {printed.value:g} lies far from the middle of the {_interval_text(printed)}{scale}; they may come from "
        "different analyses"
    )


def _interval_text(printed: PrintedEffect) -> str:
    return f"{100 * printed.ci_level:g}% CI {printed.ci_low:g} to {printed.ci_high:g}"


def percent_contradicts_events(arm: ArmResult, decimals: int | None = None) -> str | None:
    """What is wrong where a percentage is not the events over the total, beyond rounding; else None."""
    total = arm.total if arm.total is not None else arm.n
    if arm.kind not in (None, "count"):
        return None
    if arm.percent is None or arm.events is None or total is None or total < 1:
        return None
    true_percent = 100 * arm.events / total
    if abs(true_percent - arm.percent) <= half_unit(arm.percent, decimals) + ROUNDING_SLACK:
        return None
    shown = max(printed_decimals(arm.percent) if decimals is None else decimals, 1)
    return f"{arm.events} of {total} is {true_percent:.{shown}f}%, printed {arm.percent:g}%"


def standard_error_contradicts_sd(arm: ArmResult) -> str | None:
    """What is wrong where a printed SE is not the printed SD over sqrt(n), beyond rounding; else None."""
    if arm.se is None or arm.sd is None or arm.n is None or arm.n < 1:
        return None
    root = math.sqrt(arm.n)
    expected = arm.sd / root
    if abs(expected - arm.se) <= half_unit(arm.se) + half_unit(arm.sd) / root + ROUNDING_SLACK:
        return None
    return f"an SD of {arm.sd:g} among {arm.n} gives an SE of {expected:.3g}, printed {arm.se:g}"

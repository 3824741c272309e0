"""Effects as printed, with the standard error that interval, SE or p imply."""

from __future__ import annotations

from msgspec.structs import replace

from ldn_evidence.appraise.distributions import normal_quantile, t_quantile
from ldn_evidence.appraise.effects.arms import standard_error_from_p
from ldn_evidence.appraise.effects.model import Effect, NotComputed, PrintedEffect, effect_with_error
from ldn_evidence.appraise.scales import DIFFERENCE_MEASURES, RATIO_MEASURES, is_ratio, to_analysis_scale
from ldn_evidence.printed_numbers import ROUNDING_SLACK, half_unit, parse_p, printed_decimals


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
    """An effect with its SE from what is printed: generic inverse variance (Handbook 6.3.1, 6.3.2).

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
    return effect_with_error(
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

"""What an effect says: whom it favours, whether it matters, how sure it is."""

from __future__ import annotations

import math

from msgspec.structs import replace

from ldn_evidence.appraise.distributions import normal_p, normal_quantile, t_p, t_quantile
from ldn_evidence.appraise.effects.model import Better, Effect, Favours, MidReading, interval_about
from ldn_evidence.appraise.scales import is_ratio, to_analysis_scale


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
    low, high = interval_about(effect.measure, effect.analysis_value, effect.standard_error, quantile)
    return replace(effect, ci_low=low, ci_high=high, ci_level=ci_level)

"""The distribution functions that effects and pooling need, as plain floats.

The sums come from the standard library (normal) and from ``scipy.special`` (Student's t, chi-squared). SciPy
is imported at the first call that needs it, so that a build which appraises nothing does not pay for it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _special() -> Any:
    import scipy.special

    return scipy.special


def load_statistics() -> None:
    """Import SciPy now: before other processes are made that would each import it."""
    _special()


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level must lie between 0 and 1 (0.95, not 95), found {level:g}")


@lru_cache(maxsize=64)
def normal_quantile(level: float) -> float:
    """The two-sided normal quantile of a confidence level between 0 and 1: 1.96 for 0.95."""
    _check_level(level)
    return normal_quantile_of_p(1 - level)


def normal_quantile_of_p(p: float) -> float:
    """The size of a standard normal statistic with this two-sided p."""
    from statistics import NormalDist

    return -NormalDist().inv_cdf(p / 2)


@lru_cache(maxsize=4096)
def t_quantile(level: float, degrees_of_freedom: float) -> float:
    """The two-sided quantile of Student's t: 2.07 for the level 0.95 and 22 degrees of freedom."""
    _check_level(level)
    return t_quantile_of_p(1 - level, degrees_of_freedom)


def t_quantile_of_p(p: float, degrees_of_freedom: float) -> float:
    """The size of a t statistic with this two-sided p."""
    return -float(_special().stdtrit(degrees_of_freedom, p / 2))


def normal_p(statistic: float) -> float:
    """The two-sided p of a standard normal statistic."""
    return math.erfc(abs(statistic) / math.sqrt(2))


def t_p(statistic: float, degrees_of_freedom: float) -> float:
    """The two-sided p of a t statistic."""
    return 2 * float(_special().stdtr(degrees_of_freedom, -abs(statistic)))


def chi_squared_p(statistic: float, degrees_of_freedom: float) -> float:
    """The upper tail of the chi-squared distribution: the p of Cochran's Q."""
    return float(_special().chdtrc(degrees_of_freedom, max(statistic, 0.0)))

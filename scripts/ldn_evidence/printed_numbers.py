"""Numbers as publications print them: how exact they are, and what a printed p says.

Shared by the stages that check records and by those that appraise them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

Relation = Literal["=", "<", "<=", ">", ">="]

ROUNDING_SLACK = 1e-9
"""Binary floating point must not turn "equal at the printed digits" into "different"."""


class PValue(NamedTuple):
    """A two-sided p as printed: ``relation`` "<" and ``value`` 0.001 for "<0.001"."""

    relation: Relation
    value: float


@lru_cache(maxsize=4096)
def printed_decimals(number: float | str) -> int:
    """How many digits after the point a printed number shows: 2 for "0.50" and 0.25, 0 for 12 and 12.0."""
    text = number.lower() if isinstance(number, str) else format(number, ".12g")
    mantissa, _, exponent = text.partition("e")
    _, _, fraction = mantissa.partition(".")
    return max(0, len(fraction) - int(exponent)) if exponent else len(fraction)


def half_unit(number: float | None, decimals: int | None = None) -> float:
    """How far a number can be from the one it was rounded from: half a unit of its last printed digit."""
    if number is None:
        return 0.0
    return 0.5 * 10.0 ** -(printed_decimals(number) if decimals is None else decimals)


_P_TEXT = re.compile(
    r"(?:p(?:[- ]?value)?\s*)?(?P<relation><=|>=|=<|=>|[<>=≤≥])?\s*(?P<number>\d*[.,·]?\d+(?:e-?\d+)?)"
)
_NOT_SIGNIFICANT = re.compile(r"(?:p\s*=?\s*)?(?:n\.?\s?s\.?|not significant|non-?significant)")
_RELATIONS: dict[str, Relation] = {
    "": "=",
    "=": "=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    "=<": "<=",
    "≤": "<=",
    ">=": ">=",
    "=>": ">=",
    "≥": ">=",
}


@lru_cache(maxsize=4096, typed=True)
def parse_p(text: str | float | None) -> PValue | None:
    """A p as printed, read as (relation, value); None for what is not a plain two-sided p.

    "0.03", ".03", "P = 0.03", "<0.001" and "≤ .05" are read. "NS" is read as p > 0.05, the usual convention.
    A p printed as 0.000 is one that rounds to it: p < 0.0005. Anything with further words ("one-sided", "for
    trend") is not read.
    """
    if text is None:
        return None
    cleaned = str(text).strip().lower()
    if _NOT_SIGNIFICANT.fullmatch(cleaned):
        return PValue(">", 0.05)
    match = _P_TEXT.fullmatch(cleaned)
    if match is None:
        return None
    number = match["number"].replace(",", ".").replace("·", ".")
    value = float(number)
    relation = _RELATIONS[match["relation"] or ""]
    if value > 1:
        return None
    if value == 0:
        decimals = printed_decimals(number)
        if relation in (">", ">=") or decimals < 2:
            return None
        return PValue("<", 0.5 * 10.0**-decimals)
    return PValue(relation, value)

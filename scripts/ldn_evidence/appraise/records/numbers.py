"""Which numbers of an outcome are compared: those of two arms, and the printed effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec.structs import fields, replace

from ldn_evidence.appraise.effects import (
    ArmResult,
    Effect,
    NotComputed,
    PrintedEffect,
    combine_arms,
    event_count,
    refuse_design,
)
from ldn_evidence.appraise.records.record import Record
from ldn_evidence.appraise.scales import DIFFERENCE_MEASURES, RATIO_MEASURES
from ldn_evidence.printed_numbers import printed_decimals

MEASURES_OF_COMPARISON = RATIO_MEASURES | DIFFERENCE_MEASURES
# Where an arm has several kinds of numbers, the first kind that both arms have is compared.
_KINDS = ("change", "endpoint", "percent_change", "count", None)
# A result says of these what an arm does, under the same names; the last two fields it does not have.
_NUMBERS_OF_ARM = tuple(field.name for field in fields(ArmResult))[:-2]


def arm_result(result: Record) -> ArmResult:
    """The numbers of one arm as the effects module takes them."""
    if result.get("se") == 0:
        result = {**result, "se": None}
    numbers: Iterable[Any] = map(result.get, _NUMBERS_OF_ARM)
    return ArmResult(*numbers)


def printed_effect(effect: Record) -> PrintedEffect | None:
    """The printed effect, where it is a comparison with a value."""
    if effect.get("measure") not in MEASURES_OF_COMPARISON or "value" not in effect:
        return None
    shown = {**effect, **effect["printed"]} if "printed" in effect else effect
    return PrintedEffect(
        measure=effect["measure"],
        value=effect["value"],
        ci_low=effect.get("ci_low"),
        ci_high=effect.get("ci_high"),
        ci_level=effect.get("ci_level", 95) / 100,
        p=effect.get("p"),
        decimals=min(
            [printed_decimals(shown[name]) for name in ("value", "ci_low", "ci_high") if name in effect]
        ),
        standard_error=effect.get("standard_error"),
    )


def with_certain_sign(effect: Effect | NotComputed, printed: PrintedEffect) -> Effect | NotComputed:
    """The effect without a spread where its sign is not certain.

    Standardised differences are often printed as a size alone (Cohen's d = 0.62), whichever side was better. Only an
    interval shows that the sign was kept.
    """
    if isinstance(effect, NotComputed) or printed.measure != "SMD" or printed.ci_low is not None:
        return effect
    note = "printed without an interval: it may be a size without its sign"
    return replace(
        effect, standard_error=None, ci_low=None, ci_high=None, computed_from="printed SMD", note=note
    )


def decimals_of(container: Record, name: str) -> int:
    """Digits after the point as printed, where the value alone does not show them."""
    return printed_decimals(container.get("printed", {}).get(name, container[name]))


_UNITS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 30.4, "year": 365.25}
_TIME = re.compile(
    r"(\d+(?:\.\d+)?)[\s-]*(minute|hour|day|week|month|year)s?|(week|month|day|year)\s+(\d+)", re.IGNORECASE
)


@lru_cache(maxsize=1024)
def days(timepoint: str | None) -> float | None:
    """The longest time that a timepoint names, in days; None where it names none."""
    found = [
        float(number or count) * _UNITS[(unit or name).lower()]
        for number, unit, name, count in _TIME.findall(timepoint or "")
    ]
    return max(found, default=None)


def arms_compared(
    effect: Record, results: Sequence[Record], arms: Mapping[str, Record]
) -> tuple[str | None, str | None]:
    """Codes of the two arms: as the effect names them, else the only ones of their role with results."""
    intervention, comparator = effect.get("intervention"), effect.get("comparator")
    if intervention is None:
        intervention = _only_arm("intervention", results, arms)
    if comparator is None:
        comparator = _only_arm("comparator", results, arms)
    return intervention, comparator


def _only_arm(role: str, results: Sequence[Record], arms: Mapping[str, Record]) -> str | None:
    """Code of the only arm of a role, or of several the only one with results."""
    candidates = [code for code, arm in arms.items() if arm["role"] == role]
    if len(candidates) > 1:
        named = {result["arm"] for result in results}
        candidates = [code for code in candidates if code in named]
    return candidates[0] if len(candidates) == 1 else None


def pair_of(
    results: Sequence[Record], intervention: str | None, comparator: str | None
) -> tuple[ArmResult | None, ArmResult | None, str | None]:
    """One result of each arm of the same kind; none where an arm has several of a kind."""
    if intervention is None or comparator is None:
        return None, None, None
    ours, theirs = _by_kind(results, intervention), _by_kind(results, comparator)
    for kind in _KINDS if ours and theirs else ():
        left, right = ours.get(kind), theirs.get(kind)
        if left is not None and right is not None:
            return arm_result(left), arm_result(right), kind
    return None, None, None


def _by_kind(results: Sequence[Record], arm: str) -> dict[str | None, Record | None]:
    """The result of an arm by kind of number; None where it has several of a kind."""
    found: dict[str | None, Record | None] = {}
    for result in results:
        if result["arm"] == arm:
            kind = result.get("kind")
            found[kind] = None if kind in found else result
    return found


def several_arms(
    results: Sequence[Record], arms: Mapping[str, Record], intervention: str | None, comparator: str | None
) -> list[str]:
    """Codes of the intervention arms with results, where there are several and none is named as the one compared."""
    if intervention is not None or comparator is None:
        return []
    named = {result["arm"] for result in results}
    several = [code for code, arm in arms.items() if arm["role"] == "intervention" and code in named]
    return several if len(several) > 1 else []


def combined_pair(
    results: Sequence[Record], several: Sequence[str], comparator: str
) -> tuple[ArmResult | None, ArmResult | None, str | None]:
    """All intervention arms as one group, and the comparator, of the first kind of number that all have."""
    for wanted in _KINDS:
        pairs = [
            pair_of([r for r in results if r.get("kind") == wanted], code, comparator) for code in several
        ]
        left = [pair[0] for pair in pairs if pair[0] is not None]
        if len(left) == len(several):
            together = combine_arms(left)
            if not isinstance(together, NotComputed):
                return together, pairs[0][1], wanted
    return None, None, None


def counts_of(
    left: ArmResult | None, right: ArmResult | None, design: str
) -> tuple[int, int, int, int] | None:
    """Events and totals of two independent arms."""
    if left is None or right is None or refuse_design(design) is not None:
        return None
    one = event_count(left)
    if isinstance(one, NotComputed):
        return None
    other = event_count(right)
    if isinstance(other, NotComputed):
        return None
    return one[0], one[1], other[0], other[1]


def participants_of(
    left: ArmResult | None,
    right: ArmResult | None,
    arms: Mapping[str, Record],
    intervention: str | None,
    comparator: str | None,
    design: str,
) -> int | None:
    """People in a comparison; in a crossover trial the same people are in both arms."""
    sizes: list[int] = []
    for result, code in ((left, intervention), (right, comparator)):
        size = None if result is None else result.total if result.total is not None else result.n
        if size is None and code is not None:
            size = arms.get(code, {}).get("n")
        if size is None:
            return None
        sizes.append(size)
    return max(sizes) if refuse_design(design) is not None else sum(sizes)

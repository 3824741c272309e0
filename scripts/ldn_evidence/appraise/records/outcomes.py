"""One outcome: its comparison with the effects, their rows, and what contradicts itself in print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ldn_evidence.appraise.agreement import (
    disagreement,
    p_contradicts_interval,
    percent_contradicts_events,
    standard_error_contradicts_sd,
    value_off_centre,
)
from ldn_evidence.appraise.effects import (
    ArmResult,
    Better,
    Effect,
    NotComputed,
    compare_arms_by,
    effect_from_printed,
    favours,
    read_against_mid,
)
from ldn_evidence.appraise.records.facts import Comparison, NumberConflict, PoolableEffect
from ldn_evidence.appraise.records.numbers import (
    arm_result,
    arms_compared,
    combined_pair,
    counts_of,
    days,
    decimals_of,
    pair_of,
    participants_of,
    printed_effect,
    several_arms,
    with_certain_sign,
)
from ldn_evidence.appraise.records.record import DIRECTIONS, Record, Study

_FROM_MEANS = ("MD", "SMD")
_FROM_EVENTS = ("RR", "OR", "RD")
_SIDES = {"intervention": "favourable", "comparator": "unfavourable", "neither": "null"}


class _Found(Struct):
    """What a comparison gave: effects by measure, what contradicts itself in print, and why there is none."""

    effects: dict[str, Effect] = field(default_factory=dict)
    printed: Effect | None = None
    disagreement: str = ""
    contradiction: str = ""
    without: str = "the text that was read gives no comparison"
    conflicts: list[tuple[str, str]] = field(default_factory=list)


class OutcomeReader:
    """Reads outcomes: the comparison, the rows of its effects, and what contradicts itself in print.

    Args:
        instruments: The vocabulary of instruments.
    """

    def __init__(self, instruments: Mapping[str, Mapping[str, Any]]) -> None:
        self._instruments = instruments

    def compare(
        self, study: Study, outcome: Record
    ) -> tuple[Comparison, list[dict[str, Any]], list[NumberConflict]]:
        """The comparison of an outcome, the rows of its effects, and its numbers that cannot all be right."""
        arms = study.arms
        is_comparable = outcome["direction"] != "not_comparable"
        better: Better | None = outcome.get("better")
        printed_record = outcome.get("effect", {})
        results = outcome.get("results", ())
        intervention, comparator = arms_compared(printed_record, results, arms)
        left, right, kind = pair_of(results, intervention, comparator)
        several = several_arms(results, arms, intervention, comparator)
        compared = several if intervention is None else [intervention]
        dose_classes = {study.dose_classes[code] for code in compared if code in arms}
        # Arms of one dose class are one group against their comparator; a printed effect that names none of them
        # may belong to any.
        if comparator is not None and len(dose_classes) == 1 and several and "value" not in printed_record:
            left, right, kind = combined_pair(results, several, comparator)
        percent = kind == "percent_change" or "percent" in outcome.get("unit", "").lower()
        contradictions = list(_result_conflicts(results))
        found = _Found()
        if is_comparable:
            found = self._find(study.design, printed_record, left, right, kind)
            contradictions += found.conflicts
        comparison = Comparison(
            outcome=f"{study.id}--{outcome['id']}",
            condition=outcome.get("condition"),
            domain=outcome["domain"],
            role=outcome["role"],
            instrument=outcome.get("instrument"),
            better=better,
            days=days(outcome.get("timepoint")),
            intervention=intervention,
            comparator=comparator,
            dose_class=dose_classes.pop() if len(dose_classes) == 1 else "unknown",
            direction=_direction(outcome, found, better),
            effects={
                measure: PoolableEffect(effect.analysis_value, effect.standard_error, effect.computed_from)
                for measure, effect in found.effects.items()
                if effect.standard_error is not None
            },
            without="its precision is not known" if found.effects else found.without,
            participants=participants_of(left, right, arms, intervention, comparator, study.design),
            percent=percent,
            counts=counts_of(left, right, study.design),
        )
        rows = [self._row(study, comparison, effect, found) for effect in found.effects.values()]
        if is_comparable and several:
            rows += self._rows_of_several_arms(study, comparison, results, several)
        conflicts = [
            NumberConflict(conflict, study.id, comparison.outcome, comparison.domain, reason)
            for conflict, reason in contradictions
        ]
        return comparison, rows, conflicts

    def _find(
        self,
        design: str,
        printed_record: Record,
        left: ArmResult | None,
        right: ArmResult | None,
        kind: str | None,
    ) -> _Found:
        """The effects of a comparison: the printed one, and those that the arms give."""
        found = _Found()
        computed, reason = _computed(design, left, right, kind)
        found.without = reason or found.without
        printed = printed_effect(printed_record)
        if printed is not None:
            found.contradiction = p_contradicts_interval(printed) or ""
            if found.contradiction:
                found.conflicts.append(("p_against_interval", found.contradiction))
            if off_centre := value_off_centre(printed):
                found.conflicts.append(("value_against_interval", off_centre))
            effect = with_certain_sign(effect_from_printed(printed), printed)
            if isinstance(effect, NotComputed):
                found.without = effect.reason
            else:
                found.printed = found.effects[effect.measure] = effect
                if printed.measure in computed:
                    disagreements = disagreement(printed, computed[printed.measure])
                    found.disagreement = "; ".join([one.message for one in disagreements])
                # Adjusted analyses, and the several kinds of standardised differences, may rightly differ.
                if found.disagreement and printed.measure != "SMD" and not printed_record.get("adjusted"):
                    found.conflicts.append(("printed_against_computed", found.disagreement))
        for measure, effect in computed.items():
            # A printed value without a spread gives way to arms that have one.
            if measure not in found.effects or found.effects[measure].standard_error is None:
                found.effects[measure] = effect
        return found

    def _rows_of_several_arms(
        self, study: Study, comparison: Comparison, results: Sequence[Record], several: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Effects of each of several arms against the one comparator; shown, never pooled side by side."""
        rows = []
        for code in several:
            left, right, kind = pair_of(results, code, comparison.comparator)
            effects, _ = _computed(study.design, left, right, kind)
            for effect in effects.values():
                row = self._row(study, comparison, effect, _Found())
                row["id"] = f"{comparison.outcome}--{code}--{_slug(effect.measure)}"
                row["intervention_id"] = f"{study.id}--{code}"
                rows.append(row)
        return rows

    def _row(self, study: Study, comparison: Comparison, effect: Effect, found: _Found) -> dict[str, Any]:
        intervention, comparator = comparison.intervention, comparison.comparator
        of_printed = found.printed is not None and effect.measure == found.printed.measure
        difference, note = None, effect.note
        if effect.measure == "MD" and not comparison.percent and effect.ci_low is not None:
            difference, remark = self.important_difference(comparison.instrument)
            note = "; ".join(filter(None, (note, remark)))
        return {
            "id": f"{comparison.outcome}--{_slug(effect.measure)}",
            "study_id": study.id,
            "trial_unit_id": study.trial,
            "outcome_id": comparison.outcome,
            "intervention_id": f"{study.id}--{intervention}" if intervention else None,
            "comparator_id": f"{study.id}--{comparator}" if comparator else None,
            "domain": comparison.domain,
            "measure": effect.measure,
            "value": effect.value,
            "standard_error": effect.standard_error,
            "ci_low": effect.ci_low,
            "ci_high": effect.ci_high,
            "ci_level": 100 * effect.ci_level if effect.ci_low is not None else None,
            "favours": favours(effect, comparison.better),
            "reading": read_against_mid(effect, comparison.better, difference),
            "minimal_important_difference": difference,
            "computed_from": effect.computed_from,
            "is_printed": effect.printed,
            "disagreement": (found.disagreement if of_printed else "") or None,
            "p_contradiction": (found.contradiction if of_printed else "") or None,
            "note": note or None,
        }

    def important_difference(self, instrument: str | None) -> tuple[float | None, str]:
        """The minimal important difference of an instrument in its own points, and a remark on it."""
        if not instrument:
            return None, ""
        known = self._instruments.get(instrument, {}).get("minimal_important_difference", {})
        value = known.get("value")
        if not isinstance(value, int | float) or value <= 0:
            return None, ""
        if known.get("kind") == "within_person":
            return (
                value,
                "read against a difference that matters within one person; between groups smaller ones may matter",
            )
        return value, ""


def _slug(measure: str) -> str:
    """A measure as part of an id."""
    return measure.lower().replace("_", "-")


def _direction(outcome: Record, found: _Found, better: Better | None) -> str | None:
    """What an outcome says: its printed interval, else the report's own verdict, else the interval from its arms.

    The report's verdict comes before an interval from the arms, for it rests on the analysis that was planned.
    """
    recorded = outcome["direction"]
    if recorded == "not_comparable":
        return None
    if found.printed is not None and "ci_low" in outcome["effect"]:
        side = favours(found.printed, better)
        if side != "unclear":
            return _SIDES[side]
    if recorded in DIRECTIONS:
        return DIRECTIONS[recorded]
    for effect in found.effects.values():
        side = favours(effect, better)
        if side != "unclear":
            return _SIDES[side]
    return "unknown"


def _computed(
    design: str, left: ArmResult | None, right: ArmResult | None, kind: str | None
) -> tuple[dict[str, Effect], str]:
    """Effects from two arms, and why there are none."""
    if left is None or right is None:
        return {}, "no results of two arms"
    measures = _FROM_EVENTS if kind == "count" or left.events is not None else _FROM_MEANS
    effects: dict[str, Effect] = {}
    reason = ""
    for measure, effect in compare_arms_by(measures, left, right, design=design).items():
        if isinstance(effect, NotComputed):
            reason = effect.reason
        else:
            effects[measure] = effect
    return effects, reason


def _result_conflicts(results: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Numbers of one arm that cannot all be right."""
    for result in results:
        if "percent" in result and "events" in result:
            reason = percent_contradicts_events(arm_result(result), decimals_of(result, "percent"))
            if reason is not None:
                yield "percent_against_count", reason
        if "se" in result and "sd" in result:
            reason = standard_error_contradicts_sd(arm_result(result))
            if reason is not None:
                yield "printed_against_computed", reason


def adverse_event_conflicts(record: Record) -> Iterator[NumberConflict]:
    """Counts and percentages of adverse events that do not agree."""
    for row in record.get("adverse_events", {}).get("by_arm", ()):
        if "percent" not in row or "events" not in row:
            continue
        arm = ArmResult(events=row["events"], total=row.get("total"), percent=row["percent"], kind="count")
        reason = percent_contradicts_events(arm, decimals_of(row, "percent"))
        if reason is not None:
            yield NumberConflict(
                "percent_against_count", record["id"], None, "adverse_events", f"{row['term']}: {reason}"
            )

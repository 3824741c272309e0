"""One study: its outcomes, and what each of its conditions is told by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.records.facts import Comparison, NumberConflict, StudyFacts, StudyReading
from ldn_evidence.appraise.records.outcomes import OutcomeReader, adverse_event_conflicts
from ldn_evidence.appraise.records.record import Record, Study, dose_class_of, name_of
from ldn_evidence.appraise.records.reviews import review_facts
from ldn_evidence.appraise.records.told import EvidenceReader

_REVIEWS = frozenset({"meta_analysis", "systematic_review"})


class StudyReader:
    """Reads study records; knows the vocabularies and which outcomes can decide.

    Args:
        terms: The vocabularies.
        silent_domains: Outcome domains that cannot decide a direction (`outcomes` in `schema/tiers.yml`).
        sizes: The numbers by which a study is sized (`counting` there).
        units: Study -> study that stands for its trial.
    """

    def __init__(
        self,
        terms: Mapping[str, Mapping[str, Mapping[str, Any]]],
        silent_domains: frozenset[str],
        sizes: Sequence[str],
        units: Mapping[str, str],
    ) -> None:
        self._designs = terms.get("designs", {})
        self._units = units
        self._outcomes = OutcomeReader(terms.get("instruments", {}))
        self._told = EvidenceReader(self._designs, silent_domains, sizes)

    def important_difference(self, instrument: str | None) -> tuple[float | None, str]:
        """The minimal important difference of an instrument in its own points, and a remark on it."""
        return self._outcomes.important_difference(instrument)

    def read(self, record: Record) -> StudyReading:
        """Everything that the appraisal takes from a record."""
        identifier = record["id"]
        design = self._designs.get(record["design"], {})
        facts = StudyFacts(
            id=identifier,
            trial=self._units.get(identifier, identifier),
            year=record.get("year"),
            design=record["design"],
            name=name_of(record),
            conditions=tuple(record.get("conditions", ())),
            is_randomised=bool(design.get("randomized")),
            is_corrected=record.get("retraction", {}).get("status") == "corrected",
            is_mixed=record.get("mixed_population", False),
        )
        arms = {arm["id"]: arm for arm in record.get("arms", ())}
        study = Study(
            record=record,
            id=identifier,
            design=record["design"],
            trial=facts.trial,
            arms=arms,
            dose_classes={code: dose_class_of(arm) for code, arm in arms.items()},
        )
        comparisons: list[Comparison] = []
        effects: list[dict[str, Any]] = []
        conflicts: list[NumberConflict] = []
        for outcome in record.get("outcomes", ()):
            comparison, rows, found = self._outcomes.compare(study, outcome)
            comparisons.append(comparison)
            effects.extend(rows)
            conflicts.extend(found)
        conflicts.extend(adverse_event_conflicts(record))
        if design.get("human") and record["design"] in _REVIEWS:
            facts.review = review_facts(record, comparisons, self._units)
            facts.concludes_on = self._told.concludes_on(facts.conditions, comparisons)
        if design.get("human"):
            # What no outcome tells apart is the same for all conditions.
            told_apart = {comparison.condition for comparison in comparisons}
            same: tuple[StudyEvidence, dict[str, str]] | None = None
            for condition in facts.conditions:
                if condition in told_apart:
                    evidence = self._told.evidence(study, condition, facts, comparisons)
                else:
                    evidence = same = same or self._told.evidence(study, condition, facts, comparisons)
                facts.evidence[condition], facts.decided_by[condition] = evidence
        if facts.is_randomised and design.get("evidence_kind") == "trial":
            facts.comparisons = tuple(comparisons)
        return StudyReading(facts, effects, conflicts)

"""From a study's record to what the appraisal needs of it: comparisons with their effects, and what the rule is told.

A record is read once; only small objects are kept. Nothing here decides a tier or a pool: this module says what a
record means, in the words of `schema/tiers.yml`. An unknown value stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

from ldn_evidence.appraise.agreement import (
    disagreement,
    p_contradicts_interval,
    percent_contradicts_events,
    standard_error_contradicts_sd,
)
from ldn_evidence.appraise.effects import (
    ArmResult,
    Better,
    Effect,
    NotComputed,
    PrintedEffect,
    combine_arms,
    compare_arms_by,
    effect_from_printed,
    event_count,
    favours,
    read_against_mid,
    refuse_design,
)
from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.scales import DIFFERENCE_MEASURES, RATIO_MEASURES
from ldn_evidence.appraise.values import value_class
from ldn_evidence.printed_numbers import printed_decimals

Record = Mapping[str, Any]

_MEASURES_OF_COMPARISON = RATIO_MEASURES | DIFFERENCE_MEASURES
_FROM_MEANS = ("MD", "SMD")
_FROM_EVENTS = ("RR", "OR", "RD")
# Where an arm has several kinds of numbers, the first kind that both arms have is compared.
_KINDS = ("change", "endpoint", "percent_change", "count", None)

_DIRECTIONS = {"favours_ldn": "favourable", "no_difference": "null", "favours_comparator": "unfavourable"}
_SIDES = {"intervention": "favourable", "comparator": "unfavourable", "neither": "null"}

_ROLE_OF_RELATION = {
    "protocol_of": "protocol",
    "corrects": "correction",
    "registration_of": "registration",
    "secondary_analysis_of": "secondary",
    "duplicate_of": "secondary",
    "preprint_of": "preprint",
    "conference_version_of": "conference_abstract",
}
_ROLE_OF_STATUS = {
    "preprint": "preprint",
    "conference_abstract": "conference_abstract",
    "registry_results": "registration",
}
_WITHOUT_RESULTS = frozenset(
    {"planned", "ongoing", "completed", "terminated", "withdrawn", "unpublished", "unknown"}
)
_UNCONTROLLED_RESULTS = {"improved": "improvement_reported", "unchanged": "null", "worsened": "unfavourable"}
_REVIEWS = frozenset({"meta_analysis", "systematic_review"})
_TOPICAL = frozenset({"topical", "ophthalmic"})


class PoolableEffect(NamedTuple):
    """What pooling needs of an effect: value and standard error on the analysis scale, and whence they come."""

    analysis_value: float
    standard_error: float
    computed_from: str


@value_class
class Comparison:
    """One outcome of one study, as naltrexone compares with something else.

    Attributes:
        outcome: The outcome's key, `<study>--<code>`.
        condition: Condition to which it belongs; None where it belongs to all of the study's.
        domain: Outcome domain.
        role: Rank in the study's plan.
        instrument: Instrument, or None.
        better: Which way is better, or None.
        days: Timepoint in days, or None.
        intervention: Code of the arm on the left, or None.
        comparator: Code of the arm on the right, or None.
        dose_class: Dose class of the arm on the left.
        direction: What the outcome says: `favourable`, `null`, `unfavourable`, `unknown`; None without comparison.
        without: Why no effect could be had, where there is none.
        participants: People in the two arms, where known.
        percent: Whether the numbers are percentages of change and not points of the instrument.
        counts: Events and total of the left arm, then of the right one, where both are known and independent.
        effects: What pooling needs of the effects that have a standard error, by measure; of the printed one where
            there are both.
    """

    outcome: str
    condition: str | None
    domain: str
    role: str
    instrument: str | None
    better: Better | None
    days: float | None
    intervention: str | None
    comparator: str | None
    dose_class: str
    direction: str | None
    without: str
    participants: int | None
    percent: bool
    counts: tuple[int, int, int, int] | None
    effects: Mapping[str, PoolableEffect]


@value_class
class PooledOutcome:
    """A pooled outcome of a published review; `says_controlled` where its own words name placebo or chance."""

    outcome: str
    condition: str | None
    domain: str
    role: str
    direction: str | None
    measure: str | None
    value: float | None
    ci_low: float | None
    ci_high: float | None
    trials: int | None
    participants: int | None
    says_controlled: bool


@value_class
class ReviewFacts:
    """What a published review pooled."""

    outcomes: tuple[PooledOutcome, ...]
    included: tuple[str, ...] | None
    is_pooled: bool
    says_low_dose: bool
    says_randomised: bool
    trials: int | None
    participants: int | None


@dataclass(slots=True)
class StudyFacts:
    """What is kept of a study.

    Attributes:
        id: The record's id.
        trial: Id of the study that stands for its trial.
        year: Year, or None.
        design: Design as the record says.
        name: How a sentence calls it: surname and year.
        conditions: Conditions it bears on.
        is_randomised: Whether chance decided.
        is_corrected: Whether a correction of the paper was published.
        is_mixed: Whether people of its several conditions took part and are not reported apart.
        concludes_on: Conditions on whose benefit a review states a result of its own, pooled or in words.
        review: What it pooled, for a review.
        decided_by: Condition -> domain -> what the deciding outcomes of that domain say.
        evidence: Condition -> what the rule is told; reviews are added later, when what they pooled is known.
        comparisons: Comparisons that may be pooled (randomised trials only).
    """

    id: str
    trial: str
    year: int | None
    design: str
    name: str
    conditions: tuple[str, ...]
    is_randomised: bool
    is_corrected: bool = False
    is_mixed: bool = False
    concludes_on: frozenset[str] = frozenset()
    review: ReviewFacts | None = None
    decided_by: dict[str, dict[str, str]] = field(default_factory=dict)
    evidence: dict[str, StudyEvidence] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()

    @property
    def bears_on(self) -> tuple[str, ...]:
        """Conditions of which it says something that counts or could; none for a study of no people."""
        return self.conditions if self.evidence or self.comparisons or self.review is not None else ()


@value_class
class NumberConflict:
    """Printed numbers of one outcome (or of adverse events) that cannot all be right."""

    kind: str
    study: str
    outcome: str | None
    domain: str | None
    reason: str


@dataclass(slots=True)
class StudyReading:
    """All that one reading of a record gives: facts to keep, rows to write."""

    facts: StudyFacts
    effects: list[dict[str, Any]]
    conflicts: list[NumberConflict]


@dataclass(slots=True)
class _Found:
    """What a comparison gave: effects by measure, what contradicts itself in print, and why there is none."""

    effects: dict[str, Effect] = field(default_factory=dict)
    printed: Effect | None = None
    disagreement: str = ""
    contradiction: str = ""
    without: str = "the text that was read gives no comparison"
    conflicts: list[tuple[str, str]] = field(default_factory=list)


@value_class
class _Study:
    """A record with what each of its outcomes and conditions asks of it.

    Attributes:
        record: The record.
        id: Its id.
        design: Its design.
        trial: Id of the study that stands for its trial.
        arms: Its arms by code.
        dose_classes: Code of an arm -> its dose class.
    """

    record: Record
    id: str
    design: str
    trial: str
    arms: Mapping[str, Record]
    dose_classes: Mapping[str, str]


class StudyReader:
    """Reads study records; knows the vocabularies and which outcomes can decide.

    Args:
        terms: The vocabularies.
        silent_domains: Outcome domains that cannot decide a direction (`outcomes` in `schema/tiers.yml`).
        units: Study -> study that stands for its trial.
    """

    def __init__(
        self,
        terms: Mapping[str, Mapping[str, Mapping[str, Any]]],
        silent_domains: frozenset[str],
        units: Mapping[str, str],
    ) -> None:
        self._designs = terms.get("designs", {})
        self._instruments = terms.get("instruments", {})
        self._silent = silent_domains
        self._units = units

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
        study = _Study(
            record=record,
            id=identifier,
            design=record["design"],
            trial=facts.trial,
            arms=arms,
            dose_classes={code: _dose_class(arm) for code, arm in arms.items()},
        )
        comparisons: list[Comparison] = []
        effects: list[dict[str, Any]] = []
        conflicts: list[NumberConflict] = []
        for outcome in record.get("outcomes", ()):
            comparison, rows, found = self._compare(study, outcome)
            comparisons.append(comparison)
            effects.extend(rows)
            conflicts.extend(found)
        conflicts.extend(_adverse_event_conflicts(record))
        if design.get("human") and record["design"] in _REVIEWS:
            facts.review = _review(record, comparisons)
            facts.concludes_on = self._concludes_on(facts.conditions, comparisons)
        if design.get("human"):
            # What no outcome tells apart is the same for all conditions.
            told_apart = {comparison.condition for comparison in comparisons}
            same: tuple[StudyEvidence, dict[str, str]] | None = None
            for condition in facts.conditions:
                if condition in told_apart:
                    evidence = self._evidence(study, condition, facts, comparisons)
                else:
                    evidence = same = same or self._evidence(study, condition, facts, comparisons)
                facts.evidence[condition], facts.decided_by[condition] = evidence
        if facts.is_randomised and design.get("evidence_kind") == "trial":
            facts.comparisons = tuple(comparisons)
        return StudyReading(facts, effects, conflicts)

    # --- one outcome --------------------------------------------------------------------------

    def _compare(
        self, study: _Study, outcome: Record
    ) -> tuple[Comparison, list[dict[str, Any]], list[NumberConflict]]:
        arms = study.arms
        is_comparable = outcome["direction"] != "not_comparable"
        better: Better | None = outcome.get("better")
        printed_record = outcome.get("effect", {})
        results = outcome.get("results", ())
        intervention, comparator = _arms_compared(printed_record, results, arms)
        left, right, kind = _pair(results, intervention, comparator)
        several = _several_arms(results, arms, intervention, comparator)
        compared = several if intervention is None else [intervention]
        dose_classes = {study.dose_classes[code] for code in compared if code in arms}
        # Arms of one dose class are one group against their comparator; a printed effect that names none of them
        # may belong to any.
        if comparator is not None and len(dose_classes) == 1 and several and "value" not in printed_record:
            left, right, kind = _combined_pair(results, several, comparator)
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
            participants=_participants(left, right, arms, intervention, comparator, study.design),
            percent=percent,
            counts=_counts(left, right, study.design),
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
            effect = _with_certain_sign(effect_from_printed(printed), printed)
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
        self, study: _Study, comparison: Comparison, results: Sequence[Record], several: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Effects of each of several arms against the one comparator; shown, never pooled side by side."""
        rows = []
        for code in several:
            left, right, kind = _pair(results, code, comparison.comparator)
            effects, _ = _computed(study.design, left, right, kind)
            for effect in effects.values():
                row = self._row(study, comparison, effect, _Found())
                row["id"] = f"{comparison.outcome}--{code}--{_slug(effect.measure)}"
                row["intervention_id"] = f"{study.id}--{code}"
                rows.append(row)
        return rows

    def _row(self, study: _Study, comparison: Comparison, effect: Effect, found: _Found) -> dict[str, Any]:
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

    # --- one study for one condition ----------------------------------------------------------

    def _evidence(
        self, study: _Study, condition: str, facts: StudyFacts, comparisons: Sequence[Comparison]
    ) -> tuple[StudyEvidence, dict[str, str]]:
        record, arms, dose_classes = study.record, study.arms, study.dose_classes
        deciding = self.deciding(comparisons, condition) if comparisons else []
        interventions = [code for code, arm in arms.items() if arm["role"] == "intervention"]
        classes = {dose_classes[code] for code in interventions}
        if len(classes) > 1 and deciding:
            # Arms of several classes: only the comparison of the low dose speaks for it.
            low = [comparison for comparison in deciding if comparison.dose_class == "low"]
            deciding = low or deciding
            classes = {comparison.dose_class for comparison in deciding}
        dose_class = classes.pop() if len(classes) == 1 else "unknown"
        routes = {
            arms[code].get("route", "unknown") for code in interventions if dose_classes[code] == dose_class
        }
        design = self._design_class(record, comparisons)
        unranked = [c for c in comparisons if c.role == "unspecified" and c.condition in (None, condition)]
        direction, domains = self._primary_direction(record, design, deciding, unranked)
        return (
            StudyEvidence(
                id=facts.id,
                trial=facts.trial,
                role=_role(record),
                year=facts.year,
                design=design,
                blinding=record.get("blinding", "unknown"),
                comparator=_comparator(record, deciding, arms, design),
                primary_direction=direction,
                participants=self._people(record, condition, arms, comparisons, domains),
                dose_class=dose_class,
                route=routes.pop() if len(routes) == 1 else "unknown" if not routes else min(routes),
                verification_depth=record["verification"]["depth"],
                retracted=record.get("retraction", {}).get("status") == "retracted",
                attributable=record.get("isolates_naltrexone", True),
                group=record.get("research_group"),
            ),
            domains,
        )

    def _concludes_on(self, conditions: Sequence[str], comparisons: Sequence[Comparison]) -> frozenset[str]:
        """Conditions on which a review says what naltrexone does: its only one, or of several those it names one by one."""
        named = {
            comparison.condition
            for comparison in comparisons
            if comparison.direction in _DIRECTIONS.values() and comparison.domain not in self._silent
        }
        if len(conditions) == 1:
            return frozenset(conditions)
        return frozenset(condition for condition in conditions if condition in named)

    def _people(
        self,
        record: Record,
        condition: str,
        arms: Mapping[str, Record],
        comparisons: Sequence[Comparison],
        decided_by: Mapping[str, str],
    ) -> int | None:
        """People of a study who have the condition; None where a study of several does not say how many."""
        if len(record.get("conditions", ())) > 1:
            own = [outcome for outcome in record.get("outcomes", ()) if outcome.get("condition") == condition]
            # A randomised trial recruits one population, in which it may look at several complaints.
            if own and not self._designs.get(record["design"], {}).get("randomized"):
                return _counted_in(own, arms, record["design"])
            is_split = any(comparison.condition is not None for comparison in comparisons)
            if is_split and not decided_by:
                return None
        return _people(record, arms)

    def _design_class(self, record: Record, comparisons: Sequence[Comparison]) -> str:
        """The design in the words of the rule."""
        code = record["design"]
        design = self._designs.get(code, {})
        kind = design.get("evidence_kind")
        if code in ("case_report", "case_series"):
            return str(code)
        if kind == "trial" and design.get("randomized"):
            return "randomised"
        if kind in ("trial", "observational") and code != "pharmacovigilance":
            compared = any(comparison.direction is not None for comparison in comparisons)
            return "nonrandomised_controlled" if compared else "uncontrolled"
        return {"synthesis": "review", "preclinical": "preclinical"}.get(str(kind), str(kind))

    def deciding(self, comparisons: Sequence[Comparison], condition: str) -> list[Comparison]:
        """The outcomes by which a study is judged for a condition: its primary ones, else those of unknown rank."""
        for role in ("primary", "unspecified"):
            ranked = [comparison for comparison in comparisons if comparison.role == role]
            own = [comparison for comparison in ranked if comparison.condition == condition]
            chosen = own or [comparison for comparison in ranked if comparison.condition is None]
            if chosen:
                return chosen
        return []

    def _primary_direction(
        self, record: Record, design: str, deciding: Sequence[Comparison], others: Sequence[Comparison]
    ) -> tuple[str, dict[str, str]]:
        """What a study says, and what it says in each domain of the outcomes that decide.

        Args:
            record: The study.
            design: Its design in the words of the rule.
            deciding: The outcomes by which it is judged.
            others: Outcomes of unknown rank beside primary ones.
        """
        felt = [comparison for comparison in deciding if comparison.domain not in self._silent]
        domains = _by_domain(felt)
        if design in ("uncontrolled", "case_report", "case_series"):
            return _UNCONTROLLED_RESULTS.get(record.get("uncontrolled_result", "unclear"), "unclear"), domains
        directions = [comparison.direction for comparison in felt]
        if "unknown" in directions:
            partly = [
                c for c in (*felt, *others) if c.direction == "favourable" and c.domain not in self._silent
            ]
            if partly:
                known = [
                    c for c in (*felt, *others) if c.direction != "unknown" and c.domain not in self._silent
                ]
                return "mixed", _by_domain(known)
        return combined(directions), domains


def _slug(measure: str) -> str:
    """A measure as part of an id."""
    return measure.lower().replace("_", "-")


def _by_domain(comparisons: Sequence[Comparison]) -> dict[str, str]:
    directions: dict[str, list[str | None]] = {}
    for comparison in comparisons:
        directions.setdefault(comparison.domain, []).append(comparison.direction)
    return {domain: combined(found) for domain, found in directions.items()}


def combined(directions: Sequence[str | None]) -> str:
    """What several deciding outcomes say together.

    Where one of them has no known result, the whole has none: the missing one might say the opposite.
    """
    found = {direction for direction in directions if direction is not None}
    if not found:
        return "not_comparable" if directions else "unclear"
    if "unknown" in found:
        return "unclear"
    if "favourable" in found:
        return "favourable" if len(found) == 1 else "mixed"
    return "null" if "null" in found else "unfavourable"


_INITIALS = re.compile(r"\s+[A-Z-]{1,4}$")


def name_of(record: Record) -> str:
    """How a sentence calls a study: first author and year, else its id."""
    authors = record.get("authors", ())
    year = record.get("year")
    if not authors:
        return str(record["id"])
    surname = _INITIALS.sub("", authors[0])
    return f"{surname} {year}" if year else surname


# --- numbers --------------------------------------------------------------------------------------


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
    if effect.get("measure") not in _MEASURES_OF_COMPARISON or "value" not in effect:
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


def _with_certain_sign(effect: Effect | NotComputed, printed: PrintedEffect) -> Effect | NotComputed:
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


def _decimals(container: Record, name: str) -> int:
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


def _arms_compared(
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


def _pair(
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


def _several_arms(
    results: Sequence[Record], arms: Mapping[str, Record], intervention: str | None, comparator: str | None
) -> list[str]:
    """Codes of the intervention arms with results, where there are several and none is named as the one compared."""
    if intervention is not None or comparator is None:
        return []
    named = {result["arm"] for result in results}
    several = [code for code, arm in arms.items() if arm["role"] == "intervention" and code in named]
    return several if len(several) > 1 else []


def _combined_pair(
    results: Sequence[Record], several: Sequence[str], comparator: str
) -> tuple[ArmResult | None, ArmResult | None, str | None]:
    """All intervention arms as one group, and the comparator, of the first kind of number that all have."""
    for wanted in _KINDS:
        pairs = [_pair([r for r in results if r.get("kind") == wanted], code, comparator) for code in several]
        left = [pair[0] for pair in pairs if pair[0] is not None]
        if len(left) == len(several):
            together = combine_arms(left)
            if not isinstance(together, NotComputed):
                return together, pairs[0][1], wanted
    return None, None, None


def _counts(left: ArmResult | None, right: ArmResult | None, design: str) -> tuple[int, int, int, int] | None:
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


def _participants(
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
    if recorded in _DIRECTIONS:
        return _DIRECTIONS[recorded]
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
            reason = percent_contradicts_events(arm_result(result), _decimals(result, "percent"))
            if reason is not None:
                yield "percent_against_count", reason
        if "se" in result and "sd" in result:
            reason = standard_error_contradicts_sd(arm_result(result))
            if reason is not None:
                yield "printed_against_computed", reason


def _adverse_event_conflicts(record: Record) -> Iterator[NumberConflict]:
    for row in record.get("adverse_events", {}).get("by_arm", ()):
        if "percent" not in row or "events" not in row:
            continue
        arm = ArmResult(events=row["events"], total=row.get("total"), percent=row["percent"], kind="count")
        reason = percent_contradicts_events(arm, _decimals(row, "percent"))
        if reason is not None:
            yield NumberConflict(
                "percent_against_count", record["id"], None, "adverse_events", f"{row['term']}: {reason}"
            )


# --- what the rule is told ------------------------------------------------------------------------


def _role(record: Record) -> str:
    if "relations" in record:
        relations = {relation["type"] for relation in record["relations"]}
        for relation, role in _ROLE_OF_RELATION.items():
            if relation in relations:
                return role
    if record["design"] == "protocol":
        return "protocol"
    status = record["status"]
    if status in _ROLE_OF_STATUS:
        return _ROLE_OF_STATUS[status]
    if status in _WITHOUT_RESULTS and not _has_result(record):
        return "protocol"
    return "registration" if record["design"] == "registration" else "report"


def _has_result(record: Record) -> bool:
    return "uncontrolled_result" in record or any(
        outcome["direction"] in _DIRECTIONS for outcome in record.get("outcomes", ())
    )


def _dose_class(arm: Record) -> str:
    if arm.get("route") in _TOPICAL:
        return "topical"
    return str(arm.get("dose_class", "unknown"))


def _people(record: Record, arms: Mapping[str, Record]) -> int | None:
    """People analysed, else randomised, else enrolled, else in the arms."""
    enrolment = record.get("enrolment", {})
    for stage in ("analyzed", "randomized", "enrolled"):
        if stage in enrolment:
            return int(enrolment[stage])
    sizes: list[int | None] = [arm.get("n") for arm in arms.values() if arm["role"] != "other"]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return None
    if refuse_design(record["design"]) is not None:
        return max(known)
    controlled = any(arm["role"] == "comparator" for arm in arms.values())
    return sum(known) if controlled or len(known) == 1 else None


def _counted_in(outcomes: Sequence[Record], arms: Mapping[str, Record], design: str) -> int | None:
    """People in the results of outcomes, from the largest number of each arm."""
    sizes: dict[str, int] = {}
    for outcome in outcomes:
        for result in outcome.get("results", ()):
            size = result.get("total", result.get("n"))
            if size is not None and arms.get(result["arm"], {}).get("role") != "other":
                sizes[result["arm"]] = max(size, sizes.get(result["arm"], 0))
    if not sizes:
        return None
    return max(sizes.values()) if refuse_design(design) is not None else sum(sizes.values())


def _comparator(
    record: Record, deciding: Sequence[Comparison], arms: Mapping[str, Record], design: str
) -> str:
    """What naltrexone was compared with, in the words of the rule."""
    if design in ("uncontrolled", "case_report", "case_series"):
        return "none"
    named = [arms[c.comparator] for c in deciding if c.comparator is not None and c.comparator in arms]
    candidates = named or [arm for arm in arms.values() if arm["role"] == "comparator"]
    kinds = [kind for arm in candidates if (kind := _control_kind(arm)) not in ("before", "healthy")]
    if "placebo" in kinds:
        return "placebo"
    if kinds:
        return kinds[0]
    doses = [arm for arm in arms.values() if arm["role"] == "intervention"]
    if len(doses) > 1:
        return "other_dose"
    return "placebo" if record.get("comparator_note", "").lower().startswith("placebo") else "unknown"


def _control_kind(arm: Record) -> str:
    if "control_kind" in arm:
        return str(arm["control_kind"])
    text = " ".join((*arm.get("components", ()), arm["label"])).lower()
    for words, kind in (
        (("placebo",), "placebo"),
        (("no treatment", "nothing", "untreated"), "no_treatment"),
        (("usual care", "standard care"), "usual_care"),
        (("naltrexone",), "other_dose"),
    ):
        if any(word in text for word in words):
            return kind
    return "unknown"


_LOW_DOSE = re.compile(r"\blow[- ]dose(?:d)? naltrexone|\bLDN\b", re.IGNORECASE)
_OTHER_DOSE = re.compile(r"\b(?:ultra|very)[- ]low[- ]dose", re.IGNORECASE)
_RANDOMISED = re.compile(r"\brandomi[sz]ed\b|\bRCTs?\b", re.IGNORECASE)
_CONTROLLED = re.compile(r"\bplacebo\b|\brandomi[sz]ed\b", re.IGNORECASE)
_NOT_RANDOMISED = re.compile(
    r"\bno RCTs?\b|\bno randomi[sz]ed\b|\bnon-?randomi[sz]ed\b|\bobservational\b", re.IGNORECASE
)


def _review(record: Record, comparisons: Sequence[Comparison]) -> ReviewFacts:
    review = record.get("review", {})
    outcomes = tuple(
        PooledOutcome(
            outcome=comparison.outcome,
            condition=comparison.condition,
            domain=comparison.domain,
            role=comparison.role,
            direction=comparison.direction,
            measure=outcome["effect"]["measure"],
            value=outcome["effect"].get("value"),
            ci_low=outcome["effect"].get("ci_low"),
            ci_high=outcome["effect"].get("ci_high"),
            trials=outcome["effect"].get("studies"),
            participants=outcome["effect"].get("participants"),
            says_controlled=bool(_CONTROLLED.search(f"{outcome['name']} {outcome.get('note', '')}")),
        )
        for outcome, comparison in zip(record.get("outcomes", ()), comparisons, strict=True)
        if outcome.get("effect", {}).get("measure") in _MEASURES_OF_COMPARISON
        and "value" in outcome["effect"]
    )
    text = f"{record['title']} {review.get('scope', '')} {record.get('design_note', '')}"
    included = review.get("included")
    return ReviewFacts(
        outcomes=outcomes,
        included=None if included is None else tuple(included),
        is_pooled=bool(outcomes),
        says_low_dose=bool(_LOW_DOSE.search(text)) and not _OTHER_DOSE.search(text),
        says_randomised=bool(_RANDOMISED.search(text)) and not _NOT_RANDOMISED.search(text),
        trials=review.get("studies_included"),
        participants=review.get("participants"),
    )

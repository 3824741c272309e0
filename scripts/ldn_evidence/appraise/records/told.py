"""What the rule is told of a study for a condition: design, comparator, direction, people, dose, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ldn_evidence.appraise.effects import refuse_design
from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.records.facts import Comparison, StudyFacts
from ldn_evidence.appraise.records.record import DIRECTIONS, Record, Study

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
_WITHOUT_COMPARISON = frozenset({"uncontrolled", "case_report", "case_series"})
_UNCONTROLLED_RESULTS = {"improved": "improvement_reported", "unchanged": "null", "worsened": "unfavourable"}


class EvidenceReader:
    """Says what a study tells the rule about a condition.

    Args:
        designs: The vocabulary of designs.
        silent_domains: Outcome domains that cannot decide a direction.
        sizes: The numbers of an enrolment by which a study is sized; the first that it has.
    """

    def __init__(
        self,
        designs: Mapping[str, Mapping[str, Any]],
        silent_domains: frozenset[str],
        sizes: Sequence[str],
    ) -> None:
        self._designs = designs
        self._silent = silent_domains
        self._sizes = tuple(sizes)

    def evidence(
        self, study: Study, condition: str, facts: StudyFacts, comparisons: Sequence[Comparison]
    ) -> tuple[StudyEvidence, dict[str, str]]:
        """What the rule is told, and what the deciding outcomes say in each domain."""
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
        if design in _WITHOUT_COMPARISON and self._tells_of_others_only(comparisons, condition):
            direction = "unclear"
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

    def concludes_on(self, conditions: Sequence[str], comparisons: Sequence[Comparison]) -> frozenset[str]:
        """Conditions on which a review says what naltrexone does: its only one, or of several those it names one by one."""
        named = {
            comparison.condition
            for comparison in comparisons
            if comparison.direction in DIRECTIONS.values() and comparison.domain not in self._silent
        }
        if len(conditions) == 1:
            return frozenset(conditions)
        return frozenset(condition for condition in conditions if condition in named)

    def _tells_of_others_only(self, comparisons: Sequence[Comparison], condition: str) -> bool:
        """Whether a study of several conditions gives what people felt for others of them, but not for this one."""
        felt = {comparison.condition for comparison in comparisons if comparison.domain not in self._silent}
        return bool(felt) and felt.isdisjoint({condition, None})

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
        return _people(record, arms, self._sizes)

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
        if design in _WITHOUT_COMPARISON:
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
        outcome["direction"] in DIRECTIONS for outcome in record.get("outcomes", ())
    )


def _people(record: Record, arms: Mapping[str, Record], stages: Sequence[str]) -> int | None:
    """People of the first of these stages that is known, else in the arms."""
    enrolment = record.get("enrolment", {})
    for stage in stages:
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

"""How records are appraised: the rules with everything compiled, and what they make of studies and conditions.

Nothing here holds a catalogue, so that each of several processes can have a method of its own and work on a part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from msgspec import Struct
from msgspec.structs import replace

from ldn_evidence.appraise import contradictions
from ldn_evidence.appraise.contradictions import Verdict
from ldn_evidence.appraise.in_words import reason
from ldn_evidence.appraise.kept import decode, encode
from ldn_evidence.appraise.meta import PoolingRule, pool_condition
from ldn_evidence.appraise.records import StudyFacts, StudyReader, combined
from ldn_evidence.appraise.result import ConditionResult
from ldn_evidence.appraise.tables import (
    Row,
    appraisal_row,
    estimate_row,
    history_rows,
    input_rows,
    outlook_rows,
    trace_rows,
)
from ldn_evidence.appraise.tiers import RuleError, TierRule, assess
from ldn_evidence.check.terms import Terms
from ldn_evidence.read.strict_yaml import parse

Pack = Callable[[str, Iterable[Row]], Sequence[Any]]
"""Makes (table, rows) small and ready for who asked; it is called where the rows are made, in other processes too."""

Tables = list[tuple[str, Sequence[Any]]]


class StudyEntry(NamedTuple):
    """What is kept of a study: on what it bears, and its facts, encoded until a condition asks for them."""

    id: str
    conditions: tuple[str, ...]
    is_pooled_review: bool
    encoded: bytes

    def facts(self) -> StudyFacts:
        """The facts."""
        return decode(self.encoded)

    def with_facts(self, facts: StudyFacts) -> StudyEntry:
        """The entry with other facts."""
        return self._replace(encoded=encode(facts))


class ConditionTask(NamedTuple):
    """One condition's record, encoded, and its studies."""

    encoded: bytes
    studies: tuple[bytes, ...]


class AppraisalMethod(Struct, frozen=True):
    """The rules, compiled.

    Attributes:
        rule: The tier rule.
        pooling: What may be pooled.
        reader: Reads study records.
        differences: Instrument -> minimal important difference in its points.
    """

    rule: TierRule
    pooling: PoolingRule
    reader: StudyReader
    differences: Mapping[str, float]

    @classmethod
    def read(cls, rule_file: Path, terms: Terms, units: Mapping[str, str]) -> AppraisalMethod:
        """The method that the rule files describe.

        Args:
            rule_file: `schema/tiers.yml`; `pooling.yml` stands beside it.
            terms: The vocabularies.
            units: Study -> study that stands for its trial; itself where it is not named.

        Raises:
            RuleError: One of them cannot be used.
        """
        document = _read_rule(rule_file)
        try:
            rule = TierRule(document)
            cannot_decide = frozenset(document["outcomes"]["cannot_decide"])
            sizes = document["counting"]["participants"]
        except RuleError as error:
            raise RuleError(f"schema/{rule_file.name}: {error}") from error
        except (KeyError, TypeError) as error:
            raise RuleError(
                f"schema/{rule_file.name}: part missing or of the wrong shape: {error}"
            ) from error
        pooling = PoolingRule(
            _read_rule(rule_file.with_name("pooling.yml")),
            rule.dose_classes,
            rule.routes,
            frozenset(rule.depths),
        )
        reader = StudyReader(terms, cannot_decide, sizes, units)
        differences = {
            instrument: difference
            for instrument in terms.get("instruments", {})
            if (difference := reader.important_difference(instrument)[0]) is not None
        }
        return cls(rule, pooling, reader, differences)

    def study_entries(
        self, records: Iterable[Mapping[str, Any]], pack: Pack
    ) -> tuple[Tables, list[StudyEntry]]:
        """Rows of single studies, and what is kept of each."""
        effects: list[Any] = []
        conflicts: list[Row] = []
        entries: list[StudyEntry] = []
        for record in records:
            reading = self.reader.read(record)
            effects += pack("effects", reading.effects)
            if reading.conflicts:
                conflicts += contradictions.number_conflicts(reading.conflicts)
            facts = reading.facts
            pooled = facts.review is not None and facts.review.is_pooled
            entries.append(StudyEntry(facts.id, facts.bears_on, pooled, encode(facts)))
        each_once = {row["id"]: row for row in conflicts}.values()
        return [
            ("effects", effects),
            ("contradictions", pack("contradictions", each_once)),
        ], entries

    def with_trials(self, facts: StudyFacts, facts_of: Callable[[str], StudyFacts | None]) -> StudyFacts:
        """The facts of a review with what the rule is told of its estimate, now that the trials it pooled are known.

        It is one of randomised trials, and of a low dose, when all trials that it lists are; where it has no list,
        when its title or scope says so; and of controlled ones when the pooled outcome itself is named so. Otherwise it
        is a review that counts for nothing.
        """
        review = facts.review
        assert review is not None
        listed = [found for study in review.included or () if (found := facts_of(study)) is not None]
        for condition, evidence in facts.evidence.items():
            outcomes = [
                o for o in review.outcomes if o.condition in (None, condition) and o.direction is not None
            ]
            own = [o for o in outcomes if o.condition == condition]
            # A review has no plan for one condition among several: its estimate for it is what it says on it.
            chosen = [o for o in own or outcomes if o.role in ("primary", "unspecified")]
            chosen = chosen or [o for o in own if o.role == "secondary"]
            if not chosen:
                continue
            doses = {e.dose_class for study in listed for e in study.evidence.values()}
            low = doses <= self.rule.dose_classes if doses else review.says_low_dose
            randomised = all(study.is_randomised for study in listed) if listed else review.says_randomised
            randomised = randomised or all(outcome.says_controlled for outcome in chosen)
            domains = {outcome.domain for outcome in chosen}
            trials = {outcome.trials for outcome in chosen}
            people = {outcome.participants for outcome in chosen}
            facts.evidence[condition] = replace(
                evidence,
                is_pooled=True,
                design="randomised" if randomised else "review",
                dose_class="low" if low else "unknown",
                comparator="placebo",
                primary_direction=combined([outcome.direction for outcome in chosen]),
                domain=domains.pop() if len(domains) == 1 else None,
                # What is told of the estimate: all that the review includes need not be in it.
                pooled_trials=_one(trials),
                participants=_one(people),
                included=review.included,
            )
        return facts

    def condition(self, record: Mapping[str, Any], studies: Sequence[StudyFacts]) -> ConditionResult:
        """Everything computed for one condition's record from its studies."""
        condition = record["id"]
        pools = pool_condition(condition, studies, self.pooling, self.differences)
        evidence = [facts.evidence[condition] for facts in studies if condition in facts.evidence]
        deciding = [estimate.evidence() for estimate in pools.estimates if estimate.is_primary]
        assessment = assess(evidence, deciding, self.rule)
        aside = {entry.study for entry in assessment.appraisal.set_aside}
        counted = frozenset(entry.id for entry in evidence if entry.id not in aside)
        return ConditionResult(
            condition=condition,
            recorded_tier=record["evidence_tier"],
            recorded_direction=record["direction"],
            overridden="tier_override" in record,
            studies=tuple(studies),
            pools=pools,
            assessment=assessment,
            counted=counted,
            reason=reason(condition, studies, pools, assessment, counted, self.rule),
        )

    def rows_of(self, result: ConditionResult) -> Iterator[tuple[str, Iterable[Row]]]:
        """The rows of one condition, by table."""
        condition = result.condition
        yield "condition_appraisals", [appraisal_row(result, self.rule)]
        yield "tier_trace", trace_rows(result)
        yield "tier_history", history_rows(result)
        yield "tier_outlook", outlook_rows(result, self.rule)
        yield "meta_analyses", [estimate_row(condition, estimate) for estimate in result.pools.estimates]
        yield "meta_analysis_inputs", input_rows(condition, result.pools)
        yield "contradictions", contradictions.disagreeing_trials(condition, result.studies, result.counted)
        yield (
            "contradictions",
            contradictions.reviews(condition, result.studies, result.pools, result.counted),
        )

    def condition_tables(
        self, tasks: Iterable[ConditionTask], pack: Pack
    ) -> tuple[Tables, dict[str, Verdict]]:
        """Rows of conditions, and the verdict on each."""
        tables: dict[str, list[Any]] = defaultdict(list)
        verdicts: dict[str, Verdict] = {}
        for task in tasks:
            studies = [decode(encoded) for encoded in task.studies]
            result = self.condition(orjson.loads(task.encoded), studies)
            appraisal = result.assessment.appraisal
            verdicts[result.condition] = Verdict(appraisal.tier, appraisal.direction)
            for table, rows in self.rows_of(result):
                # Packed one by one as they are made: what lives so short a time costs less.
                tables[table].extend(pack(table, rows))
        return list(tables.items()), verdicts


def _read_rule(path: Path) -> Any:
    """A rule file with whole numbers typed: it is data, read as strictly as a record."""
    return _typed(parse(path.read_bytes(), f"schema/{path.name}"))


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_typed(child) for child in value]
    if isinstance(value, str):
        if value in ("true", "false"):
            return value == "true"
        if value.isdigit():
            return int(value)
    return value


def _one(values: set[int | None]) -> int | None:
    return next(iter(values)) if len(values) == 1 else None

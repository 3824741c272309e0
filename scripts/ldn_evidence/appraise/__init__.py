"""Appraisal: effects from stored results, pooled effects, tiers with their trace, and contradictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ldn_evidence.appraise import contradictions
from ldn_evidence.appraise.contradictions import Verdict
from ldn_evidence.appraise.distributions import load_statistics
from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.method import AppraisalMethod, ConditionTask, Pack, StudyEntry, Tables
from ldn_evidence.appraise.records import StudyFacts
from ldn_evidence.appraise.tables import ConditionResult, Row
from ldn_evidence.appraise.tiers import RuleError
from ldn_evidence.link import Catalogue
from ldn_evidence.link.catalogue import trial_units
from ldn_evidence.processes import Crew, cores

__all__ = ["Appraiser", "ConditionResult", "appraise", "tier_problems"]

# Pieces of work. The order of the rows, and with it every byte of the database, hangs on them and on nothing else.
_STUDIES_AT_ONCE = 100
_STUDIES_OF_CONDITIONS_AT_ONCE = 400
# Fewer studies are done sooner than other processes are started.
_STUDIES_IN_ONE_PROCESS = 1000
# So many pieces are begun, for each process, so that there is work while who asked writes or indexes what came before.
_PIECES_AHEAD = 24

Alongside = Callable[[Sequence[Mapping[str, Any]]], Tables]
"""What else is to be made of studies' records while they are decoded: tables of its own."""


class Tools(NamedTuple):
    """What each process works with."""

    method: AppraisalMethod
    alongside: Alongside


def _as_they_are(table: str, rows: Iterable[Row]) -> Sequence[Any]:
    return list(rows)


def appraise(
    catalogue: Catalogue, rule_file: Path, *, pack: Pack = _as_they_are, processes: int | None = None
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Compute every table of the appraisal.

    Args:
        catalogue: Checked records.
        rule_file: `schema/tiers.yml`; `pooling.yml` stands beside it.
        pack: What is made of (table, rows) where they are computed; a function of a module's top level or a
            `functools.partial` of one. Rows are column -> value.
        processes: How many processes work; by default one for each core when there are many studies.

    Returns:
        (table, what `pack` makes of its rows), a table several times, so that nobody has to hold all rows.

    Raises:
        RuleError: The rule cannot be used.
    """
    return Appraiser(catalogue, rule_file).tables(pack, processes)


class Appraiser:
    """Reads each study once and appraises conditions from what it kept.

    Args:
        catalogue: Checked records.
        rule_file: `schema/tiers.yml`.
        hypothetical: Study records that are not in the catalogue, to see what they would change.
    """

    def __init__(
        self, catalogue: Catalogue, rule_file: Path, hypothetical: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self._catalogue = catalogue
        self._hypothetical = [orjson.dumps(record) for record in hypothetical]
        self._make_method = partial(
            AppraisalMethod.read, rule_file, catalogue.terms, trial_units(self._relations())
        )
        self._method = self._make_method()
        self.rule = self._method.rule
        self._entries: dict[str, StudyEntry] = {}
        self._by_condition: dict[str, list[str]] = defaultdict(list)
        self._verdicts: dict[str, Verdict] = {}

    def _relations(self) -> dict[str, list[tuple[str, str]]]:
        relations: dict[str, list[tuple[str, str]]] = {study: [] for study in self._catalogue.ids("studies")}
        hypothetical = map(orjson.loads, self._hypothetical)
        for record in (*self._catalogue.records_with("studies", "relations"), *hypothetical):
            relations[record["id"]] = [(row["type"], row["study"]) for row in record.get("relations", ())]
        return relations

    def tables(
        self, pack: Pack = _as_they_are, processes: int | None = None
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        """Every table, studies before conditions; see `appraise`."""
        with self.crew(processes) as crew:
            yield from self.study_tables(crew, pack)
            yield from self.condition_tables(crew, pack)

    def crew(
        self, processes: int | None = None, make_alongside: Callable[[], Alongside] | None = None
    ) -> Crew[Tools]:
        """Who does the work.

        Args:
            processes: How many processes; by default one for each core when there are many studies.
            make_alongside: Makes what makes more tables of the studies' records; called where there is none yet.
        """
        if processes is None:
            many = len(self._catalogue.ids("studies")) > _STUDIES_IN_ONE_PROCESS
            processes = cores() if many else 1
        if processes > 1:
            # Once, and not in each of the processes.
            load_statistics()
        make_tools = partial(_make_tools, self._make_method, make_alongside)
        return Crew(make_tools, processes, _make_tools(lambda: self._method, make_alongside))

    def condition(self, record: Mapping[str, Any]) -> ConditionResult:
        """Everything computed for one condition's record."""
        if not self._entries:
            for _ in self.study_tables(self.crew(1), _as_they_are):
                pass
        studies = [self._entries[study].facts() for study in self._by_condition.get(record["id"], ())]
        return self._method.condition(record, studies)

    def study_tables(self, crew: Crew[Tools], pack: Pack) -> Iterator[tuple[str, Sequence[Any]]]:
        """Tables of single studies; after the last of them everything about studies is known."""
        records = iter((*self._catalogue.encoded("studies"), *self._hypothetical))
        pieces = iter(lambda: list(islice(records, _STUDIES_AT_ONCE)), [])
        for tables, entries in crew.map(partial(_read_studies, pack), pieces, _PIECES_AHEAD):
            yield from tables
            for entry in entries:
                self._entries[entry.id] = entry
                for condition in entry.conditions:
                    self._by_condition[condition].append(entry.id)
        for entry in [entry for entry in self._entries.values() if entry.is_pooled_review]:
            self._entries[entry.id] = entry.with_facts(
                self._method.with_trials(entry.facts(), self._facts_of)
            )

    def _facts_of(self, study: str) -> StudyFacts | None:
        entry = self._entries.get(study)
        return None if entry is None else entry.facts()

    def condition_tables(self, crew: Crew[Tools], pack: Pack) -> Iterator[tuple[str, Sequence[Any]]]:
        """Tables of conditions, and what hangs on their verdicts; after all tables of studies."""
        pieces = self._condition_tasks()
        for tables, verdicts in crew.map(partial(_appraise_conditions, pack), pieces, _PIECES_AHEAD):
            self._verdicts |= verdicts
            yield from tables
        yield "contradictions", pack("contradictions", self._claim_rows())
        yield "contradictions", pack("contradictions", self._mechanism_rows())

    def _condition_tasks(self) -> Iterator[list[ConditionTask]]:
        """Conditions, some at a time, so that each piece is about as much work as the next."""
        piece: list[ConditionTask] = []
        studies = 0
        for condition, encoded in zip(
            self._catalogue.ids("conditions"), self._catalogue.encoded("conditions"), strict=True
        ):
            of_condition = [self._entries[study].encoded for study in self._by_condition.get(condition, ())]
            piece.append(ConditionTask(encoded, tuple(of_condition)))
            # A condition without studies is some work too.
            studies += len(of_condition) + 1
            if studies >= _STUDIES_OF_CONDITIONS_AT_ONCE:
                yield piece
                piece, studies = [], 0
        if piece:
            yield piece

    def _claim_rows(self) -> list[Row]:
        """Claims that the evidence speaks against; after the conditions."""
        if not self._catalogue.ids("claims"):
            return []
        names = {record["id"]: record["name"] for record in self._catalogue.records("conditions")}
        return list(
            contradictions.claims(self._catalogue.records("claims"), self._verdicts, names, self.rule)
        )

    def _mechanism_rows(self) -> list[Row]:
        """Mechanisms shown only in vitro, above what people reach."""
        reached = contradictions.highest_concentration(self._catalogue.records("pharmacology"))
        return list(
            contradictions.mechanisms_out_of_reach(
                self._catalogue.records("mechanisms"), reached, self._entries.keys()
            )
        )


def _make_tools(
    make_method: Callable[[], AppraisalMethod], make_alongside: Callable[[], Alongside] | None
) -> Tools:
    return Tools(make_method(), make_alongside() if make_alongside else lambda records: [])


def _read_studies(pack: Pack, tools: Tools, encoded: list[bytes]) -> tuple[Tables, list[StudyEntry]]:
    records = [orjson.loads(record) for record in encoded]
    tables, entries = tools.method.study_entries(records, pack)
    return [*tools.alongside(records), *tables], entries


def _appraise_conditions(
    pack: Pack, tools: Tools, tasks: list[ConditionTask]
) -> tuple[Tables, dict[str, Verdict]]:
    return tools.method.condition_tables(tasks, pack)


def tier_problems(catalogue: Catalogue, results: Iterable[Row]) -> list[tuple[str, str, str]]:
    """Where a condition's tier or direction is not the computed one and no override gives the reason.

    Args:
        catalogue: Checked records.
        results: Rows of `condition_appraisals`.

    Returns:
        (condition, field, message), in the order of the rows.
    """
    problems = []
    for row in results:
        record = catalogue.record("conditions", row["condition_id"])
        if "tier_override" in record:
            continue
        for name, computed in (
            ("evidence_tier", row["computed_tier"]),
            ("direction", row["computed_direction"]),
        ):
            if record[name] != computed:
                message = (
                    f"found {record[name]!r}; the rule gives {computed!r} ({row['reason'].rstrip('.')}); "
                    "mend the record, or give tier_override with the reason"
                )
                problems.append((record["id"], name, message))
    return problems


__all__ += ["RuleError", "StudyEvidence"]

"""The stages of one file: parse, shape, record. They run in whatever process has time."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ldn_evidence.check.context import Context
from ldn_evidence.check.facts import FactFinder
from ldn_evidence.check.finding import locate
from ldn_evidence.check.record_rules import check_record, latest_day
from ldn_evidence.check.shape import ShapeChecker
from ldn_evidence.check.terms import read_terms
from ldn_evidence.check.typing import Typer, apply_types, compile_typer, keep_printed_forms
from ldn_evidence.problems import Problem
from ldn_evidence.read.strict_yaml import ReadProblems, parse
from ldn_evidence.schemas import Schemas


class _Kind(NamedTuple):
    """What is compiled for a kind of records: the conversion to typed values, and what gathers facts."""

    typer: Typer | None
    facts: FactFinder


class FileStages:
    """Everything that one file goes through, compiled once a process for each kind that there is."""

    def __init__(self, root: Path, today: date) -> None:
        self._schemas = Schemas(root / "schema")
        self._terms = read_terms(root / "data" / "vocabularies", self._schemas)
        self._today = today
        self._shape = ShapeChecker(self._schemas)
        self._kinds: dict[str, _Kind] = {}
        fields = self._schemas.record("conditions")["properties"]["identifiers"]["items"]["properties"]
        self._codes = fields["scheme"]["x-codes"]

    def run(
        self, file: str, kind: str, stem: str, data: bytes
    ) -> tuple[dict[str, Any] | None, list[Problem]]:
        """The typed record, or None with what is wrong in the file."""
        try:
            record = parse(data, file)
        except ReadProblems as error:
            return None, list(error.problems)
        printed = apply_types(record, self._kind(kind).typer)
        findings = self._shape.findings(kind, record)
        if not findings and kind != "retired":
            keep_printed_forms(printed)
            findings = check_record(record, Context(kind, stem, self._today, self._terms, self._codes))
        if findings:
            return None, locate(findings, file, data)
        return record, []

    def facts(self, kind: str) -> FactFinder:
        """What gathers the facts of a kind's records."""
        return self._kind(kind).facts

    def _kind(self, kind: str) -> _Kind:
        compiled = self._kinds.get(kind)
        if compiled is None:
            schema = self._schemas.record(kind)
            compiled = self._kinds[kind] = _Kind(compile_typer(schema), FactFinder(kind, schema))
        return compiled


@cache
def stages(root: Path, today: date) -> FileStages:
    """The stages of a project on a day."""
    return FileStages(root, today)


def check_file(root: Path, today: date, file: str, kind: str, stem: str, data: bytes) -> bytes:
    """Check one file; the answer is compact, so that it travels between processes and into the cache.

    Returns:
        A line with what the rest of the catalogue needs to know and the latest day in the record, as JSON, and then
        the record; or "!" and the problems.
    """
    record, problems = stages(root, today).run(file, kind, stem, data)
    if record is None:
        rows = [[p.file, p.line, p.column, p.path, p.message, p.rule] for p in problems]
        return b"!" + orjson.dumps(rows)
    facts = stages(root, today).facts(kind).facts(record)
    return orjson.dumps([*facts, latest_day(record)]) + b"\n" + orjson.dumps(record)

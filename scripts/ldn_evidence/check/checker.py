"""Run the stages over a project: per file on all cores, then over the whole catalogue."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, partial
from importlib.metadata import version as version_of
from pathlib import Path as FilePath
from typing import Any

import orjson

from ldn_evidence.check.catalogue_rules import Facts, Index, check_catalogue
from ldn_evidence.check.facts import FactFinder
from ldn_evidence.check.record_rules import Context, check_record, latest_day
from ldn_evidence.check.shape import Finding, ShapeChecker
from ldn_evidence.check.terms import Terms, read_terms
from ldn_evidence.check.typing import Typer, apply_types, compile_typer, keep_printed_forms
from ldn_evidence.problems import Format, Problem, format_path, sort_problems
from ldn_evidence.project import Project
from ldn_evidence.read.cache import ResultCache, fingerprint
from ldn_evidence.read.contents import UNREADABLE, Contents
from ldn_evidence.read.files import Discovery, discover, process_files
from ldn_evidence.read.strict_yaml import ReadProblems, key_positions, parse, positions
from ldn_evidence.read.strict_yaml import locate as nearest
from ldn_evidence.schemas import Schemas

_PACKAGE = FilePath(__file__).parent.parent
# Code on which the result for a file depends, beside the schemas and the vocabularies.
_CODE = (_PACKAGE / "read", _PACKAGE / "check", _PACKAGE / "schemas.py", _PACKAGE / "printed_numbers.py")


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """One record that passed the stages of its own file.

    Attributes:
        kind: Kind of the record.
        id: Identifier.
        file: Path relative to the project.
        encoded: The typed record as JSON; `decode` gives it back.
    """

    kind: str
    id: str
    file: str
    encoded: bytes

    def decode(self) -> dict[str, Any]:
        """The typed record."""
        record: dict[str, Any] = orjson.loads(self.encoded)
        return record


@dataclass(frozen=True)
class CheckedCatalogue:
    """What a check found.

    Attributes:
        records: Records without a problem of their own, sorted by kind and id.
        problems: Everything that is wrong, sorted.
        terms: The vocabularies.
        retired: Rows of `data/retired.yml`.
        digest: Changes whenever a record, a schema or the checking code changes.
    """

    records: Sequence[CheckedRecord]
    problems: Sequence[Problem]
    terms: Terms
    retired: Sequence[dict[str, Any]]
    digest: str
    schemas: Schemas = field(repr=False)


class _FileStages:
    """Parse, shape and record stages with everything compiled once a process."""

    def __init__(self, root: FilePath, today: date) -> None:
        self.schemas = Schemas(root / "schema")
        self.terms = read_terms(root / "data" / "vocabularies", self.schemas)
        self.today = today
        self._shape = ShapeChecker(self.schemas)
        self._typers: dict[str, Typer | None] = {}
        self._fact_finders: dict[str, FactFinder] = {}
        for kind in (*self.schemas.kinds, "retired"):
            schema = self.schemas.record(kind)
            self._typers[kind] = compile_typer(schema)
            self._fact_finders[kind] = FactFinder(kind, schema)

    def run(
        self, file: str, kind: str, stem: str, data: bytes
    ) -> tuple[dict[str, Any] | None, Facts | None, list[Problem]]:
        try:
            record = parse(data, file)
        except ReadProblems as error:
            return None, None, list(error.problems)
        printed = apply_types(record, self._typers[kind])
        findings = self._shape.findings(kind, record)
        if not findings and kind != "retired":
            keep_printed_forms(printed)
            findings = check_record(record, Context(kind, stem, self.today, self.terms))
        if findings:
            return None, None, locate(findings, file, data)
        facts = None if kind == "retired" else self._fact_finders[kind].facts(file, record)
        return record, facts, []


def locate(findings: Sequence[Finding], file: str, data: bytes) -> list[Problem]:
    """Give findings their line and column; only now are positions looked up."""
    values = positions(data)
    keys = key_positions(data) if any(finding.at_key for finding in findings) else values
    problems = []
    for finding in findings:
        line, column = nearest(keys if finding.at_key else values, finding.path)
        problems.append(Problem(file, line, column, format_path(finding.path), finding.message, finding.rule))
    return problems


@cache
def _stages(root: FilePath, today: date) -> _FileStages:
    return _FileStages(root, today)


def _check_file(root: FilePath, today: date, path: str, kind: str, stem: str, data: bytes) -> bytes:
    """Check one file; the answer is compact, so that it travels between processes and into the cache."""
    record, facts, problems = _stages(root, today).run(path, kind, stem, data)
    if record is None or facts is None:
        rows = [[p.file, p.line, p.column, p.path, p.message, p.rule] for p in problems]
        return b"!" + orjson.dumps(rows)
    head = [facts.references, facts.identifiers, facts.sentences, facts.traits, latest_day(record)]
    return orjson.dumps(head) + b"\n" + orjson.dumps(record)


def check_alone(project: Project, kind: str, path: FilePath) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Check one record that is not in the catalogue, such as a hypothetical study, wherever its file lies.

    Args:
        project: The project whose schemas and vocabularies hold.
        kind: Kind of the record.
        path: The file; its name need not be the record's id.

    Returns:
        The typed record, or None with the problems.

    Raises:
        OSError: The file cannot be read.
    """
    data = path.read_bytes()
    try:
        stem = str(parse(data, path.name).get("id", path.stem))
    except ReadProblems as error:
        return None, sort_problems(error.problems)
    record, _, problems = _stages(project.root, datetime.now(UTC).date()).run(path.name, kind, stem, data)
    return record, sort_problems(problems)


def check_project(
    project: Project, progress: Callable[[int, int], None] | None = None, today: date | None = None
) -> CheckedCatalogue:
    """Check every record of a project.

    Args:
        project: The project.
        progress: Called with (files done, files in all).
        today: The day against which dates are checked; the current day in UTC by default.

    Returns:
        The records that passed and all problems found.
    """
    today = today or datetime.now(UTC).date()
    schemas = Schemas(project.schema)
    found = discover(project, schemas.kinds)
    problems: list[Problem] = list(found.problems)
    try:
        terms = read_terms(project.data / "vocabularies", schemas)
    except ReadProblems as error:
        # Without vocabularies every record would seem wrong.
        return CheckedCatalogue((), sort_problems(error.problems), {}, (), "", schemas)
    version = _version(project)
    contents = Contents(project.root, project.cache / "index")
    results = process_files(
        project,
        found.files,
        partial(_check_file, project.root, today),
        cache=ResultCache(project.cache / "checked", version),
        contents=contents,
    )
    records: list[CheckedRecord] = []
    all_facts: list[Facts] = []
    broken: set[tuple[str, str]] = set()
    for number, (file, answer) in enumerate(zip(found.files, results, strict=True), start=1):
        if progress is not None:
            progress(number, len(found.files))
        if isinstance(answer, Problem):
            problems.append(answer)
            broken.add((file.kind, file.id))
            continue
        if _hangs_on_another_day(answer, today):
            answer = _check_file(project.root, today, *file, (project.root / file.path).read_bytes())
        if answer.startswith(b"!"):
            problems += [Problem(*row) for row in orjson.loads(answer[1:])]
            broken.add((file.kind, file.id))
            continue
        head, _, encoded = answer.partition(b"\n")
        references, identifiers, sentences, traits, _ = orjson.loads(head)
        all_facts.append(Facts(file.path, file.kind, file.id, references, identifiers, sentences, traits))
        records.append(CheckedRecord(file.kind, file.id, file.path, encoded))
    retired, retired_problems = _read_retired(project, today)
    problems += retired_problems
    index = Index(
        all_facts, _ids(all_facts, terms), broken, {(r["kind"], r["id"]): r.get("successor") for r in retired}
    )
    problems += _locate_catalogue_findings(project, check_catalogue(index))
    digest = _digest_of_all(contents, found, version)
    return CheckedCatalogue(records, sort_problems(problems), terms, retired, digest, schemas)


def content_of(project: Project) -> str:
    """The digest that `check_project` gives to what the files hold now, without checking anything."""
    found = discover(project, Schemas(project.schema).kinds)
    with Contents(project.root, project.cache / "index") as contents:
        for file in found.files:
            _look_at(contents, file.path)
        return _digest_of_all(contents, found, _version(project))


def _digest_of_all(contents: Contents, found: Discovery, version: str) -> str:
    """The digest of everything, when all records' files have been looked at."""
    if found.retired is not None:
        _look_at(contents, found.retired)
    contents.add("version", version)
    contents.add("strays", repr(found.problems))
    contents.save()
    return contents.digest


def _look_at(contents: Contents, file: str) -> None:
    try:
        contents.add(file, contents.look(file).digest)
    except OSError:
        contents.add(file, UNREADABLE)


def _version(project: Project) -> str:
    """Changes with everything on which results depend besides the records and the day."""
    basis = (*_CODE, project.schema, project.data / "vocabularies")
    return fingerprint(basis, version_of("jsonschema-rs"), version_of("pyyaml"), sys.version)


def _hangs_on_another_day(answer: bytes, today: date) -> bool:
    """Whether an answer from the cache may be another one today: results are kept whatever the day."""
    if answer.startswith(b"!"):
        return b'"date-not-in-future"' in answer
    # The latest day stands last in the head.
    latest = answer[: answer.index(b"\n")].rpartition(b",")[2].strip(b'"]').decode()
    return latest > today.isoformat()[: len(latest)]


def run_check(project: Project, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """All problems of a project, sorted; empty when it is clean."""
    return list(check_project(project, progress).problems)


def _ids(facts: Sequence[Facts], terms: Terms) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {name: set(rows) for name, rows in terms.items()}
    for one in facts:
        ids.setdefault(one.kind, set()).add(one.id)
    return ids


def _read_retired(project: Project, today: date) -> tuple[list[dict[str, Any]], list[Problem]]:
    path = project.data / "retired.yml"
    if not path.is_file():
        return [], []
    record, _, problems = _stages(project.root, today).run(
        "data/retired.yml", "retired", "retired", path.read_bytes()
    )
    return (record or {}).get("retired", []), problems


def _locate_catalogue_findings(project: Project, found: Sequence[tuple[Facts, Finding]]) -> list[Problem]:
    by_file: dict[str, list[Finding]] = {}
    for facts, finding in found:
        path = tuple(finding.path)
        by_file.setdefault(facts.file, []).append(
            Finding(path, finding.message, finding.rule, finding.at_key)
        )
    problems: list[Problem] = []
    for file, findings in by_file.items():
        problems += locate(findings, file, (project.root / file).read_bytes())
    return problems


__all__ = [
    "CheckedCatalogue",
    "CheckedRecord",
    "Format",
    "check_project",
    "content_of",
    "locate",
    "run_check",
]

"""Run the stages over a project: per file on all cores, then over the whole catalogue.

What only a check needs is imported where it begins, for most often nothing has changed and a `Look` is all that is
taken.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ldn_evidence.check.finding import Finding, locate
from ldn_evidence.check.results import CheckedCatalogue, CheckedRecord
from ldn_evidence.problems import Problem, sort_problems
from ldn_evidence.project import Project
from ldn_evidence.read.cache import ResultCache, fingerprint
from ldn_evidence.read.contents import Contents, read_files
from ldn_evidence.read.files import Discovery, FolderResults, RecordFile, as_id, discover, process_files
from ldn_evidence.schemas import Schemas

if TYPE_CHECKING:
    from ldn_evidence.check.catalogue_rules import Facts, Index
    from ldn_evidence.check.facts import Places
    from ldn_evidence.check.terms import Terms

_PACKAGE = FilePath(__file__).parent.parent
# Code on which the result for a file depends, beside the schemas and the vocabularies.
_CODE = (_PACKAGE / "read", _PACKAGE / "check", _PACKAGE / "schemas.py", _PACKAGE / "printed_numbers.py")
_RETIRED = "retired.yml"


class CheckedDraft(NamedTuple):
    """A record that is not in the catalogue.

    Attributes:
        record: The typed record; None where its own file is not clean.
        problems: What is wrong in it, by itself or beside the records of the catalogue.
    """

    record: dict[str, Any] | None
    problems: Sequence[Problem]


def check_draft(project: Project, kind: str, path: FilePath) -> tuple[CheckedCatalogue, CheckedDraft]:
    """Check a project, and a record that is not in it, such as a hypothetical study, wherever its file lies.

    Args:
        project: The project.
        kind: Kind of the record.
        path: The file; its name need not be the record's id.

    Raises:
        OSError: The file cannot be read.
    """
    from ldn_evidence.read.strict_yaml import ReadProblems, parse

    data = path.read_bytes()
    today = datetime.now(UTC).date()
    checked, index = _check(project, today)
    if index is None:
        return checked, CheckedDraft(None, checked.problems)
    try:
        stem = str(parse(data, path.name).get("id", path.stem))
    except ReadProblems as error:
        return checked, CheckedDraft(None, sort_problems(error.problems))
    return checked, _check_draft(project, today, index, RecordFile(path.name, kind, stem), data)


def _check_draft(project: Project, today: date, index: Index, file: RecordFile, data: bytes) -> CheckedDraft:
    from ldn_evidence.check.catalogue_rules import Facts, check_catalogue
    from ldn_evidence.check.stages import stages

    staged = stages(project.root, today)
    record, problems = staged.run(*file, data)
    if record is None:
        return CheckedDraft(None, sort_problems(problems))
    finder = staged.facts(file.kind)
    draft = Facts(file.path, file.kind, file.id, *finder.facts(record))
    with_draft = replace(
        index,
        facts=[*index.facts, draft],
        ids={**index.ids, file.kind: {*index.ids.get(file.kind, ()), file.id}},
        places=lambda facts: finder.places(record) if facts is draft else index.places(facts),
    )
    findings = [finding for facts, finding in check_catalogue(with_draft) if facts is draft]
    return CheckedDraft(record, sort_problems(locate(findings, file.path, data)))


class Look:
    """A look at the files of a project, without checking anything.

    Attributes:
        schemas: The project's schemas.
        found: Which files there are.
        contents: What they hold.
    """

    def __init__(self, project: Project) -> None:
        self.schemas = Schemas(project.schema)
        self.found = discover(project, self.schemas.kinds)
        self.contents = Contents(project.root, project.cache / "index")
        self._rules = fingerprint((*_CODE, project.schema, project.data / "vocabularies"))
        # Changes with everything on which results depend besides the records and the day.
        self.version = fingerprint((), self._rules, *_installed("jsonschema_rs", "pyyaml"), sys.version)

    def digest(self) -> str:
        """Changes whenever a record, a schema or the checking code changes; it is the same with every Python."""
        for folder in self.found.folders:
            self.contents.read_changed(folder.path, folder.names)
        if self.found.retired is not None:
            self.contents.read_changed("data", [_RETIRED])
        self.contents.save()
        return self.contents.digest(self._rules, repr(self.found.problems))


def check_project(
    project: Project,
    progress: Callable[[int, int], None] | None = None,
    today: date | None = None,
    look: Look | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> CheckedCatalogue:
    """Check every record of a project.

    Args:
        project: The project.
        progress: Called now and then with (files done, files in all).
        today: The day against which dates are checked; the current day in UTC by default.
        look: A look at the files that was taken just before, so that it need not be taken again.
        meanwhile: Called once while other processes check, if there is so much to check that others do.

    Returns:
        The records that passed and all problems found.
    """
    return _check(project, today, progress, look, meanwhile)[0]


def _check(
    project: Project,
    today: date | None,
    progress: Callable[[int, int], None] | None = None,
    look: Look | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> tuple[CheckedCatalogue, Index | None]:
    """The checked records, and what the rules across records knew of them; None where nothing could be checked."""
    from ldn_evidence.check.catalogue_rules import Index, check_catalogue, check_retired
    from ldn_evidence.check.stages import check_file
    from ldn_evidence.check.terms import lost_terms, read_terms, stale_terms
    from ldn_evidence.read.strict_yaml import ReadProblems

    today = today or datetime.now(UTC).date()
    schemas = Schemas(project.schema) if look is None else look.schemas
    try:
        terms = read_terms(project.data / "vocabularies", schemas)
    except ReadProblems as error:
        # Without vocabularies every record would seem wrong.
        return CheckedCatalogue((), sort_problems(error.problems), {}, (), "", schemas), None
    look = look or Look(project)
    found = look.found
    in_all = sum(len(folder.names) for folder in found.folders)
    gathered = _Gathered(project, today)
    for results in process_files(
        project,
        found.folders,
        partial(check_file, project.root, today),
        cache=ResultCache(project.cache / "checked", look.version),
        contents=look.contents,
        meanwhile=meanwhile,
    ):
        gathered.add(results)
        if progress is not None:
            progress(gathered.files, in_all)
    retired, retired_problems = _read_retired(project, today)
    index = Index(
        gathered.facts,
        _ids(gathered.facts, terms),
        gathered.broken.union(_ids_of_misplaced(project, found), lost_terms(terms, schemas)),
        {(row["kind"], row["id"]): row.get("successor") for row in retired},
        gathered.places,
    )
    problems = [*found.problems, *gathered.problems, *retired_problems]
    problems += _locate_catalogue_findings(project, check_catalogue(index))
    if retired:
        data = (project.data / _RETIRED).read_bytes()
        problems += locate([*check_retired(index, retired, schemas.kinds, today)], f"data/{_RETIRED}", data)
    # Not where a misplaced file or a vocabulary itself is what is wrong.
    if not found.problems and not any(p.file.startswith("data/vocabularies/") for p in problems):
        problems += list(stale_terms(terms, schemas))
    problems = sort_problems(problems)
    return CheckedCatalogue(gathered.records, problems, terms, retired, look.digest(), look.schemas), index


class _Gathered:
    """What the files' stages gave.

    Attributes:
        records: Records without a problem.
        facts: What the rest of the catalogue needs to know of each.
        broken: Ids of the others.
        problems: What is wrong with them.
        files: How many there were in all.
    """

    def __init__(self, project: Project, today: date) -> None:
        self.records: list[CheckedRecord] = []
        self.facts: list[Facts] = []
        self.broken: set[str] = set()
        self.problems: list[Problem] = []
        self.files = 0
        self._project = project
        self._today = today

    def add(self, results: FolderResults) -> None:
        """Take the results for some files apart."""
        from ldn_evidence.check.catalogue_rules import Facts

        folder, kind = results.folder, results.folder.kind
        passed: list[str] = []
        heads: list[bytes] = []
        records: list[bytes] = []
        for name, result in zip(results.names, results.results, strict=True):
            if isinstance(result, Problem) or result.startswith(b"!"):
                if isinstance(result, bytes) and b'"date-not-in-future"' in result:
                    result = self._check_today(folder.file(name))
                if isinstance(result, Problem) or result.startswith(b"!"):
                    self._refuse(folder.file(name), result)
                    continue
            head, _, record = result.partition(b"\n")
            passed.append(name)
            heads.append(head)
            records.append(record)
        self.files += len(results.names)
        # One list of all is decoded in half the time.
        decoded = orjson.loads(b"[%b]" % b",".join(heads))
        today = self._today.isoformat()
        for name, encoded, (*facts, latest) in zip(passed, records, decoded, strict=True):
            file, _, identifier = folder.file(name)
            if latest > today[: len(latest)]:
                again = self._check_today(folder.file(name))
                if again.startswith(b"!"):
                    self._refuse(folder.file(name), again)
                    continue
            self.facts.append(Facts(file, kind, identifier, *facts))
            self.records.append(CheckedRecord(kind, identifier, file, encoded))

    def places(self, facts: Facts) -> Places:
        """Where references and sentences of a record stand."""
        from ldn_evidence.check.stages import stages

        record = self._record_of[facts.file].decode()
        return stages(self._project.root, self._today).facts(facts.kind).places(record)

    @cached_property
    def _record_of(self) -> dict[str, CheckedRecord]:
        return {record.file: record for record in self.records}

    def _check_today(self, file: RecordFile) -> bytes:
        """Results are kept whatever the day, and one in which a date may lie in the future is of its day only."""
        from ldn_evidence.check.stages import check_file

        data = (self._project.root / file.path).read_bytes()
        return check_file(self._project.root, self._today, *file, data)

    def _refuse(self, file: RecordFile, result: bytes | Problem) -> None:
        found = (
            [result] if isinstance(result, Problem) else [Problem(*row) for row in orjson.loads(result[1:])]
        )
        self.problems += found
        self.broken.add(file.id)
        if any(problem.rule == "id-equals-stem" for problem in found):
            self.broken.update(_id_inside(self._project.root / file.path))


def _installed(*distributions: str) -> list[str]:
    """Distributions with their versions, by the folders that installers make for them: "pyyaml-6.0.3.dist-info".

    To import `importlib.metadata` takes longer than all of this.
    """
    wanted = tuple(f"{distribution}-" for distribution in distributions)
    folders = {folder for folder in sys.path if os.path.isdir(folder)}
    names = {name.lower() for folder in folders for name in os.listdir(folder) if name.endswith(".dist-info")}
    return sorted(name for name in names if name.startswith(wanted))


def _ids_of_misplaced(project: Project, found: Discovery) -> Iterator[str]:
    """Ids of the records that are there under a wrong name or in a wrong place."""
    for path in found.misplaced(project.root):
        yield as_id(path.name.partition(".")[0])
        yield from _id_inside(path)


def _id_inside(path: FilePath) -> Iterator[str]:
    """The id that a record gives itself, if the file can be read."""
    from ldn_evidence.read.strict_yaml import ReadProblems, parse

    for content in read_files(path.parent, [path.name]):
        with suppress(ReadProblems):
            yield str(parse(content.data, path.name).get("id", ""))


def _ids(facts: Sequence[Facts], terms: Terms) -> Mapping[str, set[str]]:
    ids: dict[str, set[str]] = defaultdict(set, {name: set(rows) for name, rows in terms.items()})
    for one in facts:
        ids[one.kind].add(one.id)
    return ids


def _read_retired(project: Project, today: date) -> tuple[list[dict[str, Any]], list[Problem]]:
    path = project.data / _RETIRED
    if not path.is_file():
        return [], []
    from ldn_evidence.check.stages import stages

    record, problems = stages(project.root, today).run(
        f"data/{_RETIRED}", "retired", "retired", path.read_bytes()
    )
    return (record or {}).get("retired", []), problems


def _locate_catalogue_findings(project: Project, found: Iterable[tuple[Facts, Finding]]) -> list[Problem]:
    by_file: dict[str, list[Finding]] = defaultdict(list)
    for facts, finding in found:
        by_file[facts.file].append(finding)
    problems: list[Problem] = []
    for file, findings in by_file.items():
        problems += locate(findings, file, (project.root / file).read_bytes())
    return problems

"""The tables of a build, from checked records: what they say, what is computed from them, what is told of the whole."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ldn_evidence import __version__
from ldn_evidence.appraise import Alongside, Appraiser, Tools, appraise, tier_problems
from ldn_evidence.basis import Basis
from ldn_evidence.check import CheckedCatalogue
from ldn_evidence.check.finding import Finding, locate
from ldn_evidence.check.terms import Terms
from ldn_evidence.coverage import StudyCounts, count_studies, coverage_rows
from ldn_evidence.link import Catalogue
from ldn_evidence.notice import NOTICE
from ldn_evidence.problems import Problem, RecordsHaveProblems, show, sort_problems
from ldn_evidence.processes import Crew, begun
from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import SchemaError, Schemas
from ldn_evidence.store import pack_rows, record_tables, write_database
from ldn_evidence.store.layout import Layout
from ldn_evidence.store.rows import RowMaker

if TYPE_CHECKING:
    from ldn_evidence.build import Progress

# What stands in schema/version.yml, where it is said what each counts.
VERSIONS = ("data_version", "schema_version")
_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")
# Under this name what was counted of some studies comes with their tables.
_COUNTS = "(counts)"


def assemble(
    project: Project, basis: Basis, checked: CheckedCatalogue, progress: Progress | None = None
) -> None:
    """Write the database of records without problems.

    Raises:
        RecordsHaveProblems: A condition's tier or direction is not the computed one.
        BrokenBuild: The file cannot be finished.
        SchemaError: `schema/version.yml` lacks a version.
    """
    appraiser = Appraiser(Catalogue(checked), project.schema / "tiers.yml")
    with appraiser.crew(make_alongside=partial(_alongside, checked.schemas, checked.terms)) as crew:
        tables = _Tables(project, basis, checked, appraiser, crew, progress)
        records, results = tables.of_records(), tables.of_results()
        write_database(tables.layout, records, results, project.database, project.schema)


def departures(project: Project, checked: CheckedCatalogue) -> list[Problem]:
    """Where a condition's tier or direction is not the computed one, with the line of the field."""
    catalogue = Catalogue(checked)
    tables = appraise(catalogue, project.schema / "tiers.yml", pack=_only_appraisals)
    return _located(project, checked, tier_problems(catalogue, (row for _, rows in tables for row in rows)))


def _only_appraisals(table: str, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list(rows) if table == "condition_appraisals" else []


def _alongside(schemas: Schemas, terms: Terms) -> Alongside:
    """What else is made of studies' records where they are decoded: their rows, and what is counted of them."""
    maker = RowMaker(Layout(schemas))

    def tables(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, Sequence[Any]]]:
        return [(_COUNTS, [count_studies(records, terms)]), *maker.rows("studies", records).items()]

    return tables


class _Tables:
    """The tables of a build, in the order in which they can be made.

    Attributes:
        layout: What tables there are.
    """

    def __init__(
        self,
        project: Project,
        basis: Basis,
        checked: CheckedCatalogue,
        appraiser: Appraiser,
        crew: Crew[Tools],
        progress: Progress | None,
    ) -> None:
        self.layout = Layout(checked.schemas)
        self._project = project
        self._basis = basis
        # Now, for what is wrong in there is better said before than after the work.
        self._versions = read_versions(project)
        self._checked = checked
        self._catalogue = Catalogue(checked)
        self._appraiser = appraiser
        self._crew = crew
        self._progress = progress
        self._pack = partial(pack_rows, self.layout.column_names)
        self._counts = StudyCounts()
        self._with_effect: set[str] = set()

    def of_records(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """What the records say, and what single studies show."""
        studies = begun(self._appraiser.study_tables(self._crew, self._pack))
        yield from record_tables(self._checked, self.layout, but={"studies"})
        study = self.layout.column_names["effects"].index("study_id")
        total, done = len(self._catalogue.ids("studies")), 0
        for table, rows in studies:
            if table == _COUNTS:
                for counts in rows:
                    self._counts.add(counts)
                continue
            if table == "effects":
                self._with_effect.update(row[study] for row in rows)
            if table == "studies" and self._progress is not None:
                done += len(rows)
                self._progress("studies", done, total)
            yield table, rows

    def of_results(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """What follows from all studies together, and what is told of the whole; after the records.

        Raises:
            RecordsHaveProblems: A condition's tier or direction is not the computed one.
        """
        columns = self.layout.column_names["condition_appraisals"]
        total, done = len(self._catalogue.ids("conditions")), 0
        for table, rows in self._appraiser.condition_tables(self._crew, self._pack):
            if table == "condition_appraisals":
                self._compare(dict(zip(columns, row, strict=True)) for row in rows)
                done += len(rows)
                if self._progress is not None:
                    self._progress("conditions", done, total)
            yield table, rows
        coverage = list(coverage_rows(self._catalogue, self._counts, self._with_effect))
        yield "coverage", self._pack("coverage", coverage)
        yield "generated_text", self._pack("generated_text", self._basis.texts)
        yield "build_info", [*_information(self._versions, self._basis, self._checked), *_shares(coverage)]

    def _compare(self, appraisals: Iterable[dict[str, Any]]) -> None:
        different = list(tier_problems(self._catalogue, appraisals))
        if different:
            raise RecordsHaveProblems(_located(self._project, self._checked, different))


def _located(
    project: Project, checked: CheckedCatalogue, different: Iterable[tuple[str, str, str]]
) -> list[Problem]:
    """Problems for (condition, field, message), with file and line."""
    files = {record.id: record.file for record in checked.records if record.kind == "conditions"}
    problems: list[Problem] = []
    for condition, field, message in different:
        finding = Finding((field,), message, "tier-as-computed")
        problems += locate([finding], files[condition], (project.root / files[condition]).read_bytes())
    return sort_problems(problems)


def _shares(coverage: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """How complete the file is, for whoever has only the file: "coverage: records, studies" -> "395"."""
    for row in coverage:
        of = f" of {row['total']}" if row.get("total") is not None else ""
        yield f"coverage: {row['section']}, {row['measure']}", f"{row['count']}{of}"


def _information(
    versions: Mapping[str, str], basis: Basis, checked: CheckedCatalogue
) -> list[tuple[str, str]]:
    """What `build_info` says, sorted by key."""
    commit = basis.commit
    counts = Counter(record.kind for record in checked.records)
    facts = {
        "commit": commit.id + (" with uncommitted changes" if commit.is_changed else ""),
        # To the second: tells two builds of one day apart, which is what HTTP's Last-Modified is for.
        "committed_at": commit.time,
        "committed_on": commit.day,
        "data_as_of": _latest_search(checked),
        "data_licence": "CC0-1.0",
        "digest": basis.digest(checked.digest),
        "notice": NOTICE,
        "software_version": __version__,
        "sqlite_version": sqlite3.sqlite_version,
        "title": "LDN Evidence",
        **versions,
        **{f"count_{kind.replace('-', '_')}": str(count) for kind, count in counts.items()},
    }
    return sorted(facts.items())


def read_versions(project: Project) -> dict[str, str]:
    """The versions of data and schema in `schema/version.yml`.

    Raises:
        SchemaError: One of them is missing or is no version.
    """
    file = "schema/version.yml"
    written = parse((project.root / file).read_bytes(), file)
    for name in VERSIONS:
        if not _VERSION.fullmatch(str(written.get(name, ""))):
            found = f"found {show(written[name])}" if name in written else "it is missing"
            raise SchemaError(f"{file}: {name}: {found}; write a version such as {name}: 1.2.0")
    return {name: written[name] for name in VERSIONS}


def _latest_search(checked: CheckedCatalogue) -> str:
    days = [record.decode()["last_searched"] for record in checked.records if record.kind == "conditions"]
    return max(days, default="")

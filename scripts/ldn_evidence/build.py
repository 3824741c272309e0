"""The whole way from records to database: check, link, appraise, store."""

from __future__ import annotations

import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldn_evidence import __version__
from ldn_evidence.check import CheckedCatalogue, check_project, content_of
from ldn_evidence.check.terms import Terms
from ldn_evidence.coverage import StudyCounts, count_studies, coverage_rows
from ldn_evidence.link import Catalogue
from ldn_evidence.notice import NOTICE
from ldn_evidence.problems import Problem, sort_problems
from ldn_evidence.processes import Crew, begun
from ldn_evidence.project import Project
from ldn_evidence.read.cache import fingerprint
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import Schemas
from ldn_evidence.store import RecordsHaveProblems, pack_rows, record_tables, write_database
from ldn_evidence.store.layout import Layout
from ldn_evidence.store.rows import RowMaker
from ldn_evidence.worked_example import without_example

if TYPE_CHECKING:
    from ldn_evidence.appraise import Alongside, Appraiser, Tools

_PACKAGE = Path(__file__).parent
# Code that shapes the database, beside what a check depends on already.
_CODE = (
    _PACKAGE / "link",
    _PACKAGE / "appraise",
    _PACKAGE / "store",
    _PACKAGE / "coverage.py",
    _PACKAGE / "processes.py",
    _PACKAGE / "build.py",
)

# Under this name what was counted of some studies comes with their tables.
_COUNTS = "(counts)"

Progress = Callable[[str, int, int], None]


def build(project: Project, progress: Progress | None = None, *, force: bool = False) -> Path:
    """Check the records and build `ldn.db` where it is not up to date.

    Args:
        project: The project.
        progress: Called with (step, done, in all).
        force: Build even where the file is up to date.

    Returns:
        The database file.

    Raises:
        RecordsHaveProblems: The records are not clean; the last good file stays as it is.
        BrokenBuild: SQLite found the finished file broken; the last good file stays as it is.
    """
    stored = None if force else stored_digest(project.database)
    if stored is not None and stored == _digest(project, content_of(project)):
        # Only from clean records is a database made, and days that pass make no clean record unclean.
        return project.database
    checked = check_project(
        project, (lambda done, total: progress("check", done, total)) if progress else None
    )
    if checked.problems:
        raise RecordsHaveProblems(list(checked.problems))
    # Statistics are loaded only when something is built.
    from ldn_evidence.appraise import Appraiser

    appraiser = Appraiser(Catalogue(checked), project.schema / "tiers.yml")
    with appraiser.crew(make_alongside=partial(_alongside, checked.schemas, checked.terms)) as crew:
        tables = _Tables(project, checked, appraiser, crew, progress)
        records, results = tables.of_records(), tables.of_results()
        return write_database(tables.layout, records, results, project.database, project.schema)


def tiers_as_computed(project: Project, checked: CheckedCatalogue) -> list[Problem]:
    """Where a condition's tier or direction is not the computed one, and no override says why.

    Args:
        project: The project.
        checked: Its checked records; those with problems stay out of account.

    Returns:
        Problems of the rule `tier-as-computed`, sorted, with the line of the field.
    """
    from ldn_evidence.appraise import appraise, tier_problems

    catalogue = Catalogue(checked)
    tables = appraise(catalogue, project.schema / "tiers.yml", pack=_only_appraisals)
    return _located(project, checked, tier_problems(catalogue, (row for _, rows in tables for row in rows)))


def _only_appraisals(table: str, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list(rows) if table == "condition_appraisals" else []


def _located(
    project: Project, checked: CheckedCatalogue, departures: Iterable[tuple[str, str, str]]
) -> list[Problem]:
    """Problems for (condition, field, message), with file and line."""
    from ldn_evidence.check.checker import locate
    from ldn_evidence.check.shape import Finding

    files = {record.id: record.file for record in checked.records if record.kind == "conditions"}
    problems: list[Problem] = []
    for condition, field, message in departures:
        finding = Finding((field,), message, "tier-as-computed")
        problems += locate([finding], files[condition], (project.root / files[condition]).read_bytes())
    return sort_problems(problems)


def stored_digest(database: Path) -> str | None:
    """The digest of what a database was built from; None where there is no readable database."""
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT value FROM build_info WHERE key = 'digest'").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _alongside(schemas: Schemas, terms: Terms) -> Alongside:
    """What else is made of studies' records where they are decoded: their rows, and what is counted of them."""
    maker = RowMaker(Layout(schemas))

    def tables(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, Sequence[Any]]]:
        return [(_COUNTS, [count_studies(records, terms)]), *maker.rows_of_all("studies", records).items()]

    return tables


class _Tables:
    """The tables of a build, in the order in which they can be made.

    Attributes:
        layout: What tables there are.
    """

    def __init__(
        self,
        project: Project,
        checked: CheckedCatalogue,
        appraiser: Appraiser,
        crew: Crew[Tools],
        progress: Progress | None,
    ) -> None:
        self.layout = Layout(checked.schemas)
        self._project = project
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
        yield "generated_text", self._pack("generated_text", _texts(self._project))
        information = [*_information(self._project, self._checked), *_shares(coverage)]
        yield "build_info", information

    def _compare(self, appraisals: Iterable[dict[str, Any]]) -> None:
        from ldn_evidence.appraise import tier_problems

        departures = list(tier_problems(self._catalogue, appraisals))
        if departures:
            raise RecordsHaveProblems(_located(self._project, self._checked, departures))


def _shares(coverage: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """How complete the file is, for whoever has only the file: "coverage: records, studies" -> "395"."""
    for row in coverage:
        of = f" of {row['total']}" if row.get("total") is not None else ""
        yield f"coverage: {row['section']}, {row['measure']}", f"{row['count']}{of}"


def _texts(project: Project) -> list[dict[str, str]]:
    """Texts that pages show and that stand outside the records; a file that is not there is left out."""
    files = (
        ("changes", "Changelog, in Markdown", project.root / "CHANGELOG.md"),
        ("citation", "How to cite, in the Citation File Format", project.root / "CITATION.cff"),
        ("tier-rule", "The tier rule, in YAML", project.schema / "tiers.yml"),
        ("method", "How tiers and estimates are made, in Markdown", project.root / "docs" / "method.md"),
    )
    return [
        {"id": name, "title": title, "text": without_example(path.read_text("utf-8"))}
        for name, title, path in files
        if path.is_file()
    ]


def _information(project: Project, checked: CheckedCatalogue) -> list[tuple[str, str]]:
    """What `build_info` says, sorted by key."""
    commit, committed_on, modified = _commit(project.root)
    version = parse((project.schema / "version.yml").read_bytes(), "schema/version.yml")
    counts = Counter(record.kind for record in checked.records)
    facts = {
        "commit": commit + (" with uncommitted changes" if modified else ""),
        # To the second: tells two builds of one day apart, which is what HTTP's Last-Modified is for.
        "committed_at": _git(project.root, "log", "-1", "--format=%cI"),
        "committed_on": committed_on,
        "data_as_of": _latest_search(checked),
        "data_licence": "CC0-1.0",
        "data_version": version["data_version"],
        "digest": _digest(project, checked.digest),
        "notice": NOTICE,
        "software_version": __version__,
        "sqlite_version": sqlite3.sqlite_version,
        "title": "LDN Evidence",
        **{f"count_{kind.replace('-', '_')}": str(count) for kind, count in counts.items()},
    }
    return sorted(facts.items())


def _digest(project: Project, content: str) -> str:
    """Stands for everything that a database is made from."""
    commit, _, modified = _commit(project.root)
    texts = repr(_texts(project))
    return fingerprint(_CODE, content, commit, str(modified), sqlite3.sqlite_version, texts)


def _latest_search(checked: CheckedCatalogue) -> str:
    days = [record.decode()["last_searched"] for record in checked.records if record.kind == "conditions"]
    return max(days, default="")


def _commit(root: Path) -> tuple[str, str, bool]:
    """Commit, its day, and whether files that are built from differ from it; "unknown" outside git."""
    commit = _git(root, "log", "-1", "--format=%H %cs")
    if not commit:
        return "unknown", "", False
    changed = _git(root, "status", "--porcelain", "--", "data", "schema", "scripts")
    identifier, _, day = commit.partition(" ")
    return identifier, day, bool(changed)


def _git(root: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


__all__ = ["NOTICE", "RecordsHaveProblems", "build", "stored_digest", "tiers_as_computed"]

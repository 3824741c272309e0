"""Build ldn.db: into a temporary file, checked, then put in place with one rename.

The same records give the same bytes: into a new file, rows go in sorted by id, and nothing depends on the clock or on
the machine.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.check import CheckedCatalogue
from ldn_evidence.problems import Problem
from ldn_evidence.project import Project
from ldn_evidence.store.layout import Layout
from ldn_evidence.store.rows import Row, RowMaker
from ldn_evidence.store.search import fill_search

_ROWS_AT_ONCE = 5000
_RECORDS_AT_ONCE = 100
_TABLES_AT_ONCE = 2
_NESTED = frozenset({list, tuple, dict})

Progress = Callable[[str, int, int], None]
ComputedRows = Iterable[tuple[str, Iterable[Mapping[str, Any] | Row]]]


class RecordsHaveProblems(Exception):
    """The records are not clean, so nothing was built; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class BrokenBuild(Exception):
    """The finished file failed SQLite's own checks; the last good file stays."""


def write_database(
    checked: CheckedCatalogue,
    computed: ComputedRows,
    target: Path,
    project: Project,
    progress: Progress | None = None,
) -> Path:
    """Write the database of a checked catalogue.

    Args:
        checked: A catalogue without problems.
        computed: Table name and rows of what the appraisal computed, in any order; rows are column -> value, or
            all as `pack_rows` makes them.
        target: The file to replace.
        project: Where `schema/views.sql` stands.
        progress: Called with (what is written, records done, records in all).

    Returns:
        The target.

    Raises:
        BrokenBuild: SQLite found a broken foreign key or page.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        _write(checked, computed, temporary, project, progress)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _write(
    checked: CheckedCatalogue,
    computed: ComputedRows,
    path: Path,
    project: Project,
    progress: Progress | None,
) -> None:
    # Here, for it brings numpy along, which a build with nothing to do need not wait for.
    from sqlite_utils import Database

    connection = sqlite3.connect(path, isolation_level=None)
    database = Database(connection)
    try:
        # The file is written once and thrown away on any error: no journal, no waiting for the disk.
        connection.executescript(
            "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE;"
            # The integrity check at the end evaluates every CHECK once, at a third of the cost.
            "PRAGMA ignore_check_constraints = ON;"
        )
        layout = Layout(checked.schemas)
        tables, indexes = _split(project.schema.joinpath("tables.sql").read_text("utf-8"))
        connection.executescript(tables)
        connection.execute("BEGIN")
        writer = _Writer(connection, layout)
        total = len(checked.records)
        computed = iter(computed)
        for number, record in enumerate(checked.records, start=1):
            writer.add(record.kind, record.decode())
            if number % _RECORDS_AT_ONCE == 0:
                # Other processes may be computing; taking what they have keeps them at work.
                for table, rows in islice(computed, _TABLES_AT_ONCE):
                    writer.add_rows(table, rows)
                if progress is not None:
                    progress("records", number, total)
        for row in checked.retired:
            writer.add("retired", row)
        writer.add_rows("instruments", _instruments(checked))
        for table, rows in computed:
            writer.add_rows(table, rows)
        writer.flush()
        connection.execute("COMMIT")
        connection.executescript(indexes)
        connection.executescript(project.schema.joinpath("views.sql").read_text("utf-8"))
        fill_search(database)
        connection.execute("PRAGMA optimize")
    finally:
        connection.close()
    _verify(path)


def _split(script: str) -> tuple[str, str]:
    """Tables, and the indexes that are quicker made when the rows are in."""
    indexes = [line for line in script.splitlines() if line.startswith("CREATE INDEX")]
    tables = [line for line in script.splitlines() if not line.startswith("CREATE INDEX")]
    return "\n".join(tables), "\n".join(indexes)


class _Writer:
    """Collects rows by table and hands them to SQLite in batches."""

    def __init__(self, connection: sqlite3.Connection, layout: Layout) -> None:
        self._connection = connection
        self._maker = RowMaker(layout)
        self._pending: dict[str, list[Row]] = defaultdict(list)
        self._statements = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
            for table, columns in self._maker.columns.items()
        }

    def add(self, kind: str, record: dict[str, Any]) -> None:
        for table, rows in self._maker.rows(kind, record).items():
            self._extend(table, rows)

    def add_rows(self, table: str, rows: Iterable[Mapping[str, Any] | Row]) -> None:
        columns = self._maker.columns[table]
        self._extend(table, [row if isinstance(row, tuple) else _packed(columns, row) for row in rows])

    def flush(self) -> None:
        for table in list(self._pending):
            self._insert(table)

    def _extend(self, table: str, rows: list[Row]) -> None:
        pending = self._pending[table]
        pending.extend(rows)
        if len(pending) >= _ROWS_AT_ONCE:
            self._insert(table)

    def _insert(self, table: str) -> None:
        rows = self._pending.pop(table, [])
        self._connection.executemany(self._statements[table], rows)


def pack_rows(
    columns: Mapping[str, Sequence[str]], table: str, rows: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """Rows of a table as SQLite takes them, from column -> value.

    Args:
        columns: Table -> names of its columns in order.
        table: The table.
        rows: Its rows; a column that is not named is NULL.
    """
    return [_packed(columns[table], row) for row in rows]


def _packed(columns: Sequence[str], row: Mapping[str, Any]) -> Row:
    values = tuple(map(row.get, columns))
    # Most rows have nothing to convert, and to see that is quicker than to try each value.
    return values if _NESTED.isdisjoint(map(type, values)) else tuple(map(_plain, values))


def _plain(value: Any) -> Any:
    """Lists and mappings as JSON text, everything else as it is."""
    if type(value) in _NESTED:
        return orjson.dumps(value).decode()
    return value


def _instruments(checked: CheckedCatalogue) -> Iterator[dict[str, Any]]:
    for identifier, term in checked.terms.get("instruments", {}).items():
        difference = term.get("minimal_important_difference", {})
        yield {
            "id": identifier,
            "name": term["label"],
            **{
                name: term.get(name)
                for name in ("description", "synonyms", "domain", "range_low", "range_high", "better", "note")
            },
            "minimal_important_difference": difference.get("value"),
            "minimal_important_difference_kind": difference.get("kind"),
            "minimal_important_difference_population": difference.get("population"),
            "minimal_important_difference_pmid": difference.get("source", {}).get("pmid"),
            "minimal_important_difference_doi": difference.get("source", {}).get("doi"),
            "minimal_important_difference_note": difference.get("note"),
        }


def _verify(path: Path) -> None:
    """SQLite's own checks of the finished file, side by side: SQLite works outside Python's lock.

    Raises:
        BrokenBuild: A foreign key points to nothing, a CHECK does not hold, or a page is broken.
    """
    with ThreadPoolExecutor(2) as threads:
        dangling = threads.submit(_answers, path, "PRAGMA foreign_key_check")
        verdicts = threads.submit(_answers, path, "PRAGMA integrity_check")
    if dangling.result():
        table, _, parent, _ = dangling.result()[0]
        raise BrokenBuild(
            f"{len(dangling.result())} rows point to nothing; the first is in {table} and points to {parent}"
        )
    ((verdict,), *_) = verdicts.result()
    if verdict != "ok":
        raise BrokenBuild(f"SQLite's integrity check says: {verdict}")


def _answers(path: Path, question: str) -> list[Row]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        answers: list[Row] = connection.execute(question).fetchall()
        return answers

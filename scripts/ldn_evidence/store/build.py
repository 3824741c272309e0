"""Build ldn.db: into a temporary file, checked, then put in place with one rename.

The same records give the same bytes: into a new file, rows go in sorted by id, and nothing depends on the clock or on
the machine.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.check import CheckedCatalogue
from ldn_evidence.databases import load_sqlite_utils, open_read_only
from ldn_evidence.problems import BrokenBuild
from ldn_evidence.processes import begun
from ldn_evidence.store.layout import Layout
from ldn_evidence.store.rows import Row, RowMaker
from ldn_evidence.store.search import fill_search

_ROWS_AT_ONCE = 1000
# Most columns of most rows are NULL, and Python before 3.12 looks long for what adapts None, unless it is told: to insert
# the rows takes two thirds of the time.
_NULL: dict[None, None] = {}
sqlite3.register_adapter(type(None), _NULL.get)
_INDEX = re.compile(r"^(CREATE INDEX \w+ ON (\w+) .*;\n)", re.MULTILINE)

Tables = Iterable[tuple[str, Sequence[Row]]]
"""(table, some of its rows), a table any number of times."""


def write_database(layout: Layout, records: Tables, results: Tables, target: Path, schema: Path) -> Path:
    """Write a database.

    Args:
        layout: Its tables.
        records: What the records say: all that is searched.
        results: What was computed from it. It is asked for its first rows before what the records say is indexed, so
            that other processes can compute meanwhile.
        target: The file to replace.
        schema: Where `tables.sql` and `views.sql` stand.

    Returns:
        The target.

    Raises:
        BrokenBuild: The file cannot be finished.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        _write(layout, records, results, temporary, schema)
        os.replace(temporary, target)
    except sqlite3.OperationalError as error:
        raise BrokenBuild(f"{target} cannot be written: {error}{_cure(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _cure(error: sqlite3.OperationalError) -> str:
    match error.sqlite_errorcode & 0xFF:  # what stands above says more of the same
        case sqlite3.SQLITE_ERROR:
            return "; `make generated` writes schema/tables.sql anew"
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return "; look for space there and where temporary files lie"
    return ""


def _remove_leftovers(target: Path) -> None:
    """Remove what builds left that were killed; another one that runs now keeps its file."""
    for path in target.parent.glob(f".{target.name}.*.tmp"):
        process = path.name.removeprefix(f".{target.name}.").removesuffix(".tmp")
        if process.isascii() and process.isdigit() and not _is_running(int(process)):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def record_tables(
    checked: CheckedCatalogue, layout: Layout, but: Collection[str] = ()
) -> Iterator[tuple[str, Sequence[Row]]]:
    """The rows of a catalogue without problems.

    Args:
        checked: The catalogue.
        layout: The tables.
        but: Kinds whose rows are made elsewhere.
    """
    maker = RowMaker(layout)
    for record in checked.records:
        if record.kind not in but:
            yield from maker.rows(record.kind, [record.decode()]).items()
    yield from maker.rows("retired", checked.retired).items()
    yield "instruments", pack_rows(maker.columns, "instruments", _instruments(checked))


def _write(layout: Layout, records: Tables, results: Tables, path: Path, schema: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    database = load_sqlite_utils()(connection)
    try:
        # The file is written once and thrown away on any error: no journal, no waiting for the disk. Half of the rows of
        # studies would not fit into a quarter of a page of 4 KiB, which is what a clustered table wants.
        connection.executescript(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE;"
            # The integrity check at the end evaluates every CHECK once, at a third of the cost.
            "PRAGMA ignore_check_constraints = ON;"
        )
        tables, indexes = _tables_and_indexes(schema.joinpath("tables.sql").read_text("utf-8"))
        _run(connection, tables, "tables.sql")
        writer = _Writer(connection, layout)
        filled = writer.write(records)
        results = begun(results)
        _run(connection, "".join(index for table, index in indexes if table in filled), "tables.sql")
        fill_search(database)
        writer.write(results)
        _run(connection, "".join(index for table, index in indexes if table not in filled), "tables.sql")
        _run(connection, schema.joinpath("views.sql").read_text("utf-8"), "views.sql")
        connection.execute("PRAGMA optimize")
    finally:
        connection.close()
    _verify(path)


def _tables_and_indexes(script: str) -> tuple[str, list[tuple[str, str]]]:
    """What makes the tables, and (table, what makes an index of it): those are quicker made when the rows are in."""
    indexes = _INDEX.findall(script)
    return _INDEX.sub("", script), [(table, statement) for statement, table in indexes]


def _run(connection: sqlite3.Connection, script: str, file: str) -> None:
    """Run a script of the schema.

    Raises:
        BrokenBuild: A statement of it is wrong.
    """
    for statement in _statements(script):
        try:
            connection.executescript(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            lines = (line for line in statement.splitlines() if line.strip() and not line.startswith("--"))
            raise BrokenBuild(f"schema/{file}: {next(lines, '')!r}: {error}") from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; what is left at its end is one too, though perhaps not whole."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if ";" in line and sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


class _Writer:
    """Collects rows by table and hands them to SQLite in batches."""

    def __init__(self, connection: sqlite3.Connection, layout: Layout) -> None:
        self._connection = connection
        self._pending: dict[str, list[Row]] = defaultdict(list)
        self._statements = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
            for table, columns in layout.column_names.items()
        }

    def write(self, tables: Tables) -> set[str]:
        """Write rows of tables; the names of those tables."""
        written: set[str] = set()
        self._connection.execute("BEGIN")
        for table, rows in tables:
            written.add(table)
            pending = self._pending[table]
            pending.extend(rows)
            if len(pending) >= _ROWS_AT_ONCE:
                self._insert(table)
        for table in list(self._pending):
            self._insert(table)
        self._connection.execute("COMMIT")
        return written

    def _insert(self, table: str) -> None:
        self._connection.executemany(self._statements[table], self._pending.pop(table))


def pack_rows(
    columns: Mapping[str, Sequence[str]], table: str, rows: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """Rows of a table as SQLite takes them, from column -> value.

    Args:
        columns: Table -> names of its columns in order.
        table: The table.
        rows: Its rows; a column that is not named is NULL.
    """
    names, rows = columns[table], list(rows)
    try:
        # Most rows name every column, and these are taken out at a third of the cost.
        return list(map(itemgetter(*names), rows))
    except KeyError:
        return [tuple(map(row.get, names)) for row in rows]


def _instruments(checked: CheckedCatalogue) -> Iterator[dict[str, Any]]:
    for identifier, term in checked.terms.get("instruments", {}).items():
        difference = term.get("minimal_important_difference", {})
        yield {
            "id": identifier,
            "name": term["label"],
            "synonyms": orjson.dumps(term["synonyms"]).decode() if "synonyms" in term else None,
            **{
                name: term.get(name)
                for name in ("description", "domain", "range_low", "range_high", "better", "note")
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
        BrokenBuild: A view names what is not there, a foreign key points to nothing, a CHECK does not hold, or a page
            is broken.
    """
    _ask_views(path)
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


def _ask_views(path: Path) -> None:
    """Ask each view for nothing: only then does SQLite look up what it names."""
    with closing(open_read_only(path)) as connection:
        views = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name")
        for (view,) in views.fetchall():
            try:
                connection.execute(f'SELECT * FROM "{view}" LIMIT 0')
            except sqlite3.OperationalError as error:
                raise BrokenBuild(f"schema/views.sql: the view {view} cannot be asked: {error}") from error


def _answers(path: Path, question: str) -> list[Row]:
    with closing(open_read_only(path)) as connection:
        answers: list[Row] = connection.execute(question).fetchall()
        return answers

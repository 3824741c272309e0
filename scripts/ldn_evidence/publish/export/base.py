"""The built database as the writers of exports see it: tables and views with their columns, rows and provenance."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import yaml

from ldn_evidence.databases import open_read_only
from ldn_evidence.project import Project
from ldn_evidence.publish.api.tables import is_object
from ldn_evidence.publish.metadata import DATABASE, ORIGIN
from ldn_evidence.schemas import Schemas
from ldn_evidence.store.layout import Column, Layout, Table

Meaning = Literal["text", "integer", "number", "boolean", "array", "object"]
Row = tuple[Any, ...]

_PLAIN: dict[str, Meaning] = {"TEXT": "text", "INTEGER": "integer", "REAL": "number"}
_LITERAL = re.compile(r"'((?:[^']|'')*)'")


class CannotExport(Exception):
    """An export cannot be written; the message is one line for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of a table or view.

    Attributes:
        name: Its name.
        meaning: What its values are. Booleans are 0 and 1, arrays and objects are JSON text in the database.
        description: Meaning for people, with the unit.
        required: Whether it is never empty.
        references: The table whose `id` it holds, or None.
        allowed: The only values it has, or None.
    """

    name: str
    meaning: Meaning
    description: str
    required: bool = False
    references: str | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view.

    Attributes:
        name: Its name.
        description: What a row is, or which question the view answers.
        columns: Columns in order.
        primary_key: Columns of the key; empty for a view.
        is_view: Whether it is a view.
    """

    name: str
    description: str
    columns: tuple[ExportColumn, ...]
    primary_key: tuple[str, ...] = ()
    is_view: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in order."""
        return tuple(column.name for column in self.columns)


class Base:
    """A built database, read only. Use it in a `with` statement.

    Args:
        project: The project whose schema the database was built from.
        database: The file; the project's own by default.
        address: Where the static site will lie, such as `https://example.org/ldn`; empty where nobody knows.

    Raises:
        CannotExport: The file is missing, or was built from another schema.
    """

    def __init__(self, project: Project, database: Path | None = None, address: str = "") -> None:
        self.project = project
        self.address = address.rstrip("/")
        self.database = database or project.database
        if not self.database.is_file():
            raise CannotExport(f"{self.database} does not exist yet; build it with: make build")
        self.connection = open_read_only(self.database, immutable=True)
        try:
            self.info = build_info(self.connection)
            self.layout = Layout(Schemas(project.schema))
            self._refuse_other_schema()
        except sqlite3.Error as error:
            self.connection.close()
            raise CannotExport(f"{self.database} is not a database of this project: {error}") from None
        except CannotExport:
            self.connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @property
    def version(self) -> str:
        """Version of the data."""
        return self.info["data_version"]

    @property
    def day(self) -> str:
        """Day of the commit, or of the last search outside git; never the clock's."""
        return day_of(self.info)

    @property
    def notice(self) -> str:
        """What every export says: not medical advice, and the warning about opioids."""
        return self.info["notice"]

    @cached_property
    def provenance(self) -> dict[str, str]:
        """Title, version, commit, day, licence and notice, as every export carries them."""
        return provenance(self.info)

    @cached_property
    def tables(self) -> dict[str, Relation]:
        """Every table, those that others refer to first."""
        described = self._descriptions
        return {
            name: Relation(
                name,
                table.description,
                tuple(_column(table, column) for column in table.columns),
                table.primary_key,
            )
            for name, table in self.layout.tables.items()
            if name in described
        }

    @cached_property
    def views(self) -> dict[str, Relation]:
        """Every view by name, in the order of `views.sql`: what people ask first comes first."""
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY rowid")
        return {name: self._view(name) for (name,) in names.fetchall()}

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Tables, then views."""
        return {**self.tables, **self.views}

    def rows(self, name: str) -> list[Row]:
        """All rows of a table in the order of its key, or of a view in its own order."""
        key = self.tables[name].primary_key if name in self.tables else ()
        order = f" ORDER BY {', '.join(key)}" if key else ""
        return self.connection.execute(f"SELECT * FROM {name}{order}").fetchall()

    def records(self, sql: str, *parameters: Any) -> Iterator[dict[str, Any]]:
        """The rows of a query by column name."""
        return records(self.connection, sql, *parameters)

    @cached_property
    def _descriptions(self) -> dict[str, Any]:
        document = yaml.load(self.project.metadata.read_bytes(), Loader=_Loader)
        tables: dict[str, Any] = document["databases"][DATABASE]["tables"]
        return tables

    def _view(self, name: str) -> Relation:
        about = self._descriptions.get(name, {})
        descriptions = about.get("columns", {})
        declared = self.connection.execute(f"PRAGMA table_info({name})").fetchall()
        undeclared = {column[1] for column in declared if column[2] not in _PLAIN}
        kinds = self._stored_kinds(name, undeclared) if undeclared else {}
        columns = tuple(
            ExportColumn(
                column[1], _PLAIN.get(column[2]) or kinds[column[1]], descriptions.get(column[1], "")
            )
            for column in declared
        )
        title = " ".join(filter(None, (about.get("title"), about.get("description"))))
        return Relation(name, title, columns, is_view=True)

    def _stored_kinds(self, name: str, columns: set[str]) -> dict[str, Meaning]:
        """What a computed column of a view holds, seen from its values."""
        ordered = sorted(columns)
        kinds: dict[str, Meaning] = {}
        questions = ", ".join(f"group_concat(DISTINCT typeof({column}))" for column in ordered)
        answers = self.connection.execute(f"SELECT {questions} FROM {name}").fetchone()
        for column, answer in zip(ordered, answers, strict=True):
            found = set((answer or "").split(",")) - {"null", ""}
            kinds[column] = (
                "integer"
                if found == {"integer"}
                else "number"
                if found and found <= {"integer", "real"}
                else "text"
            )
        return kinds

    def _refuse_other_schema(self) -> None:
        for name, table in self.layout.tables.items():
            found = [row[1] for row in self.connection.execute(f"PRAGMA table_info({name})")]
            if found != [column.name for column in table.columns]:
                raise CannotExport(
                    f"{self.database}: the table {name} is not as schema/ has it; build the file anew with: make build"
                )


def build_info(connection: sqlite3.Connection) -> dict[str, str]:
    """From what a database was built."""
    return dict(connection.execute("SELECT key, value FROM build_info ORDER BY key"))


def day_of(info: Mapping[str, str]) -> str:
    """Day of the commit, or of the last search outside git; never the clock's."""
    return info["committed_on"] or info["data_as_of"] or "1980-01-01"


def version_line(about: Mapping[str, str]) -> str:
    """Title, version, commit and its day in one line, from `provenance`."""
    line = f"{about['title']}, data version {about['data_version']}, commit {about['commit']}"
    return f"{line}, {about['committed_on']}" if about["committed_on"] else line


def provenance(info: Mapping[str, str]) -> dict[str, str]:
    """Title, version, commit, day, licence and notice, as every export carries them."""
    return {
        "title": info["title"],
        "data_version": info["data_version"],
        "commit": info["commit"],
        "committed_on": info["committed_on"],
        "data_as_of": info["data_as_of"],
        "license": info["data_licence"],
        "license_url": ORIGIN["license_url"],
        "notice": info["notice"],
    }


def records(connection: sqlite3.Connection, sql: str, *parameters: Any) -> Iterator[dict[str, Any]]:
    """The rows of a query by column name."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def _column(table: Table, column: Column) -> ExportColumn:
    meaning = _PLAIN[column.sql_type]
    allowed = None
    check = column.check or ""
    if check == f"{column.name} IN (0, 1)":
        meaning = "boolean"
    elif check.startswith(f"{column.name} IN ("):
        allowed = tuple(value.replace("''", "'") for value in _LITERAL.findall(check))
    elif "json_valid" in check:
        meaning = "array"
    elif is_object(column):
        meaning = "object"
    description = f"{column.description} Unit: {column.unit}." if column.unit else column.description
    required = column.required or column.name in table.primary_key
    return ExportColumn(column.name, meaning, description, required, column.references, allowed)


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

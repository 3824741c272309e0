"""Rows of the database as objects ready for JSON: compiled once for each choice of fields."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from ldn_evidence.publish.api.catalogue import Catalogue
from ldn_evidence.publish.api.resources import BY_NAME, TARGETS, Field, Part, path_of

Convert = Callable[[Any, Catalogue], Any]
Row = tuple[Any, ...]
# Id of a record -> what belongs to it.
Owned = dict[str, Any]


def is_reference(one: Field) -> bool:
    """Whether the field is a reference to a record that has an address."""
    table = one.schema.get("x-table")
    return (
        table is not None and path_of(table) in BY_NAME and one.name != "id" and not one.name.endswith("_id")
    )


def _json(text: str, catalogue: Catalogue) -> Any:
    # Already JSON in the database: it goes out as it is.
    return orjson.Fragment(text)


def _boolean(number: int, catalogue: Catalogue) -> bool:
    return bool(number)


def _converter(one: Field) -> tuple[Convert | None, int]:
    """How the columns of a field become its value, and how many they are."""
    schema = one.schema
    if one.to_targets:
        return (lambda values, catalogue: catalogue.target(values)), len(TARGETS)
    if "x-any-table" in schema:
        return (lambda values, catalogue: catalogue.reference(values[0].replace("-", "_"), values[1])), 2
    if is_reference(one):
        table = schema["x-table"]
        return (lambda value, catalogue: catalogue.reference(table, value)), 1
    if schema["type"] in ("array", "object"):
        return _json, 1
    if schema["type"] == "boolean":
        return _boolean, 1
    return None, 1


class Reader:
    """Reads some fields from rows.

    Attributes:
        sql: The columns to select.
        width: How many they are.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        compiled = [(one.name, *_converter(one)) for one in fields]
        self.sql = ", ".join(one.sql for one in fields)
        self.width = sum(width for _, _, width in compiled)
        self._names = tuple(name for name, _, _ in compiled)
        self._special = [
            (name, convert) for name, convert, width in compiled if convert is not None and width == 1
        ]
        self._wide: list[tuple[str, int, int, Convert]] = []
        self._columns: list[int] = []
        at = 0
        for name, convert, width in compiled:
            self._columns.append(at)
            if width > 1 and convert is not None:
                self._wide.append((name, at, width, convert))
            at += width

    def read(self, row: Row, start: int, catalogue: Catalogue) -> dict[str, Any]:
        """The fields of `row`, whose first column is at `start`."""
        if self._wide:
            values = {name: row[start + at] for name, at in zip(self._names, self._columns, strict=True)}
            for name, at, width, convert in self._wide:
                values[name] = convert(row[start + at : start + at + width], catalogue)
        else:
            values = dict(zip(self._names, row[start : start + self.width], strict=True))
        for name, convert in self._special:
            value = values[name]
            if value is not None:
                values[name] = convert(value, catalogue)
        return values


class PartReader:
    """Reads the rows of a part, with the parts of these, for one record or for many in one query."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._reader = Reader(part.fields)
        self._children = [PartReader(child) for child in part.parts]
        columns = [
            part.owner,
            part.key or "NULL",
            *(child.parent_key for child in part.parts),
            self._reader.sql,
        ]
        where = f"AND ({part.where})" if part.where else ""
        self._sql = f"SELECT {', '.join(columns)} FROM {part.source} WHERE {part.owner} {{owners}} {where} ORDER BY {part.order}"
        self._of_one = self._sql.replace("{owners}", "= ?")
        self._of_many = self._sql.replace("{owners}", "IN (SELECT value FROM json_each(?))")
        self._start = 2 + len(part.parts)

    def read(self, connection: sqlite3.Connection, owners: Sequence[str], catalogue: Catalogue) -> Owned:
        """Owner -> rows."""
        found = self._read(connection, owners, catalogue)
        return {owner: [row for rows in keys.values() for row in rows] for owner, keys in found.items()}

    def _read(
        self, connection: sqlite3.Connection, owners: Sequence[str], catalogue: Catalogue
    ) -> dict[str, dict[Any, list[Any]]]:
        if len(owners) == 1:
            rows = connection.execute(self._of_one, (owners[0],)).fetchall()
        else:
            rows = connection.execute(self._of_many, (orjson.dumps(owners).decode(),)).fetchall()
        if not rows:
            return {}
        children = [(child.part.name, child._read(connection, owners, catalogue)) for child in self._children]
        found: dict[str, dict[Any, list[Any]]] = {}
        read, start, scalar = self._reader.read, self._start, self.part.scalar
        for row in rows:
            value: Any = read(row, start, catalogue)
            if scalar:
                value = next(iter(value.values()))
            else:
                for at, (name, owned) in enumerate(children, 2):
                    value[name] = owned.get(row[0], {}).get(row[at], [])
            found.setdefault(row[0], {}).setdefault(row[1], []).append(value)
        return found


_part_readers: dict[int, PartReader] = {}


def part_reader(part: Part) -> PartReader:
    """The reader of one of the resources' parts, compiled once."""
    found = _part_readers.get(id(part))
    if found is None or found.part is not part:
        found = _part_readers[id(part)] = PartReader(part)
    return found

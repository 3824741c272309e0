"""The whole base as one JSON file, and as NDJSON with one row a line.

Booleans, arrays and objects are JSON's own. Tables hold what the records say and what was computed from them; the
views, which can be computed anew from the tables, are given as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.publish.export.base import Base, Relation, Row
from ldn_evidence.publish.export.files import Written


def write_json(base: Base, folder: Path) -> Iterable[Written]:
    """Write `{"meta", "tables": {name: [row, ...]}, "views": {name: [row, ...]}}`."""
    target = folder / "ldn.json"
    document = {
        "meta": meta(base),
        "tables": {name: list(objects(base, table)) for name, table in base.tables.items()},
        "views": {name: list(objects(base, view)) for name, view in base.views.items()},
    }
    target.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    yield Written(target, sum(len(rows) for rows in document["tables"].values()))


def write_ndjson(base: Base, folder: Path) -> Iterable[Written]:
    """Write `{"table", "row"}` a line; the first line is `{"table": "meta", "row": {...}}`."""
    target = folder / "ldn.ndjson"
    rows = 0
    with target.open("wb") as file:
        file.write(orjson.dumps({"table": "meta", "row": meta(base)}) + b"\n")
        for name, table in base.tables.items():
            for row in objects(base, table):
                rows += 1
                file.write(orjson.dumps({"table": name, "row": row}) + b"\n")
    yield Written(target, rows)


def meta(base: Base) -> dict[str, Any]:
    """Provenance, and what each table and view is."""
    return {
        **base.provenance,
        "descriptions": {name: relation.description for name, relation in base.relations.items()},
    }


def objects(base: Base, relation: Relation) -> Iterable[dict[str, Any]]:
    """The rows of a table or view as JSON objects."""
    readers = [_READERS.get(column.meaning) for column in relation.columns]
    names = relation.column_names

    def read(row: Row) -> dict[str, Any]:
        return {
            name: value if value is None or reader is None else reader(value)
            for name, value, reader in zip(names, row, readers, strict=True)
        }

    return map(read, base.rows(relation.name))


_READERS: dict[str, Callable[[Any], Any]] = {"boolean": bool, "array": orjson.loads, "object": orjson.loads}

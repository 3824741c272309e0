"""What the tests of exports share: one export for all workers, and comparing what other tools read with the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ldn_evidence.project import Project
from ldn_evidence.publish.export.base import Base, Relation

FENCE = "```"


def open_base(database: Path, project_root: Path) -> Base:
    return Base(Project(project_root), database)


def names_of(base: Base) -> list[str]:
    """Every table and view; a floor so that no comparison passes on an empty list."""
    names = list(base.relations)
    assert len(base.tables) > 50
    assert len(base.views) >= 15
    return names


def plain(relation: Relation, row: Iterable[Any]) -> tuple[Any, ...]:
    """A row with JSON read and booleans as numbers, so that tools with other types compare equal."""
    values = []
    for column, value in zip(relation.columns, row, strict=True):
        if column.meaning in ("array", "object") and isinstance(value, str):
            value = json.loads(value)
        elif isinstance(value, bool):
            value = int(value)
        values.append(value)
    return tuple(values)


def assert_same_rows(
    relation: Relation, expected: Iterable[Sequence[Any]], found: Iterable[Sequence[Any]], digits: int = 17
) -> None:
    """The same rows in the same order, with that many digits: 17 are all that a number has."""
    wanted = [plain(relation, row) for row in expected]
    got = [plain(relation, row) for row in found]
    if digits < 17:
        wanted, got = rounded(wanted, digits), rounded(got, digits)
    assert len(got) == len(wanted), relation.name
    for one, other in zip(wanted, got, strict=True):
        assert other == one, relation.name


def rounded(rows: Iterable[Sequence[Any]], digits: int) -> list[tuple[Any, ...]]:
    """Rows whose numbers have only so many significant digits."""
    return [
        tuple(float(f"{value:.{digits}g}") if isinstance(value, float) else value for value in row)
        for row in rows
    ]


def sorted_rows(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows in an order that does not depend on how an engine sorts missing values."""
    return sorted((tuple(row) for row in rows), key=repr)


def readme_queries(project_root: Path) -> list[str]:
    """The SQL examples of the README."""
    blocks = (project_root / "README.md").read_text("utf-8").split(f"{FENCE}sql\n")[1:]
    queries = [block.split(FENCE, 1)[0].strip().rstrip(";") for block in blocks]
    assert len(queries) >= 5
    return queries


def rows_of_query(database: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()

"""Reading the database through named queries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from ldn_evidence.publish.plugin.pages.queries import QUERIES

Row = dict[str, Any]


class Reader:
    """One connection to the catalogue. Every number on a page comes through `rows`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, name: str, **parameters: str | int | float | None) -> list[Row]:
        """All rows of the query `name`, as dictionaries."""
        cursor = self.connection.execute(QUERIES[name], parameters)
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, tuple(values), strict=True)) for values in cursor.fetchall()]

    def row(self, name: str, **parameters: str | int | float | None) -> Row | None:
        """The first row of the query `name`."""
        found = self.rows(name, **parameters)
        return found[0] if found else None

    def build_info(self) -> Mapping[str, str]:
        """What the database was built from."""
        return {row["key"]: row["value"] for row in self.rows("build_info")}

    def texts(self) -> Mapping[str, Row]:
        """Texts kept outside the records, by id."""
        return {row["id"]: row for row in self.rows("generated_text")}


def items(text: str | None) -> list[Any]:
    """The list in a column that holds JSON; empty where there is none."""
    return list(json.loads(text)) if text else []

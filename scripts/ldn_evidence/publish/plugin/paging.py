"""Pages of a sorted table in one order, from the first page on.

Datasette puts the key of a table behind the column that it sorts by, but only from the second page on. On the first page rows
with equal values come as an index has them, which downwards is against the key. The second page, which begins behind the last
key of the first, then gives some rows again and others never; so does a streamed CSV, which is made of such pages.
"""

from __future__ import annotations

import re
import sqlite3

_NAME = r'(?:\w+|\[[^\]]+\]|"(?:[^"]|"")+")'
# Nothing but columns, one table and one column to sort by: what Datasette asks for the first page.
_FIRST_PAGE = re.compile(
    rf"(?P<sorted>select {_NAME}(?:, {_NAME})* from (?P<table>{_NAME}) (?P<where>where .+ )?order by {_NAME}(?: desc)?)"
    r"(?P<limit> limit \d+)",
    re.DOTALL,
)
_NOT_ONE_TABLE = re.compile(r"\b(?:union|intersect|except|group\s+by)\b", re.IGNORECASE)


def in_order_of_key(sql: str, connection: sqlite3.Connection) -> str:
    """The query of a first page with the key of its table behind the column to sort by; any other query as it is."""
    found = _FIRST_PAGE.fullmatch(sql)
    if found is None or _NOT_ONE_TABLE.search(found["where"] or ""):
        return sql
    rows = sqlite3.Cursor(connection).execute(f"PRAGMA table_info({found['table']})").fetchall()
    key = [f'"{row[1]}"' for row in sorted(rows, key=lambda row: row[5]) if row[5]]
    return f"{found['sorted']}, {', '.join(key)}{found['limit']}" if key else sql

"""What the API keeps in memory of one database: build information, and titles for references."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from ldn_evidence.publish.api.resources import API_ROOT, RESOURCES, TARGETS, TITLES, path_of

API_VERSION = "1.0.0"
LICENCE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
# Stands in for a notice where a database has none, so that no answer goes out without.
_NOTICE = "Not medical advice. Naltrexone, at any dose, blocks opioid pain medicines and can bring on sudden withdrawal."

_TARGET_TABLES = tuple(TARGETS.values())


class Catalogue:
    """Titles and build information of one database; not changed after it was read.

    Args:
        connection: The database.
        base: What stands before `/api` in addresses: Datasette's `base_url` without the slash at its end.
        suffix: What links to answers end in: `.json` in the static tree, else nothing.
    """

    def __init__(self, connection: sqlite3.Connection, base: str = "", suffix: str = "") -> None:
        self.base = base.rstrip("/")
        self.suffix = suffix
        self.build: Mapping[str, str] = dict(
            connection.execute("SELECT key, value FROM build_info").fetchall()
        )
        self.digest = self.build.get("digest", "")
        self._titles: dict[str, dict[str, tuple[Any, ...]]] = {}
        for table, title in TITLES.items():
            extra = ", year, verification_depth, retraction_status" if table == "studies" else ""
            rows = connection.execute(f"SELECT id, {title}{extra} FROM {table}").fetchall()
            self._titles[table] = {row[0]: tuple(row) for row in rows}
        self._values = {
            path: _values(connection, path)
            for resource in RESOURCES
            for one in resource.filters
            if (path := one.schema.get("x-values"))
        }
        self._names = connection.execute(
            "SELECT condition_id, name FROM condition_names ORDER BY condition_id, position"
        ).fetchall()
        self._references: dict[tuple[str, str], orjson.Fragment] = {}
        self.meta = orjson.Fragment(orjson.dumps(self._meta()))

    def identifiers(self, table: str) -> Collection[str]:
        """The ids of a table's records, or the values that a column has (`table.column`)."""
        return self._values[table] if table in self._values else self._titles[table].keys()

    def named_like(self, table: str, text: str) -> list[str]:
        """Up to three records one of whose names comes close to `text`; of conditions, which alone have several names."""
        # Only when something went wrong.
        from ldn_evidence.publish.slips import closest_names

        if table != "conditions":
            return []
        return [identifier for identifier, _ in closest_names(text.replace("-", " "), self._names, most=3)]

    def title(self, table: str, identifier: str) -> str | None:
        """The title of a record; None where there is none."""
        found = self._titles.get(table, {}).get(identifier)
        return None if found is None else found[1]

    def href(self, table: str, identifier: str) -> str:
        """The address of a record."""
        return f"{self.base}{API_ROOT}/{path_of(table)}/{identifier}{self.suffix}"

    def reference(self, table: str, identifier: str | None) -> orjson.Fragment | None:
        """A record as others refer to it: type, id, title, link; for studies also what a reader must know."""
        if identifier is None:
            return None
        key = (table, identifier)
        found = self._references.get(key)
        if found is None:
            reference: dict[str, Any] = {
                "type": path_of(table),
                "id": identifier,
                "title": self.title(table, identifier),
                "href": self.href(table, identifier),
            }
            row = self._titles.get(table, {}).get(identifier)
            if table == "studies" and row is not None:
                reference |= {"year": row[2], "verification_depth": row[3], "retraction_status": row[4]}
            found = self._references[key] = orjson.Fragment(orjson.dumps(reference))
        return found

    def target(self, values: tuple[Any, ...]) -> orjson.Fragment | None:
        """The one record that the columns of `TARGETS` name."""
        for table, identifier in zip(_TARGET_TABLES, values, strict=True):
            if identifier is not None:
                return self.reference(table, identifier)
        return None

    def _meta(self) -> dict[str, Any]:
        build = self.build
        version, day = build.get("data_version", ""), build.get("data_as_of", "")
        title = build.get("title", "LDN Evidence")
        return {
            "notice": build.get("notice") or _NOTICE,
            "title": title,
            "api_version": API_VERSION,
            "data_version": version,
            "schema_version": build.get("schema_version", ""),
            "data_as_of": day,
            "commit": build.get("commit", ""),
            "committed_on": build.get("committed_on", ""),
            "digest": self.digest,
            "licence": {"id": build.get("data_licence", "CC0-1.0"), "url": LICENCE_URL},
            "citation": f"LDN Evidence contributors. {title}: what is known of low-dose naltrexone, condition by condition. "
            f"Version {version}, commit {build.get('commit', '')[:12]}, data as of {day}. Cite the studies themselves too.",
            "documentation": f"{self.base}/api/",
            "openapi": f"{self.base}{API_ROOT}/openapi.json",
        }


def _values(connection: sqlite3.Connection, path: str) -> tuple[str, ...]:
    """What `table.column` holds, in order."""
    table, _, column = path.partition(".")
    rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1")
    return tuple(row[0] for row in rows)

"""From a path and a query to an answer: a pure function of the database, without server or Datasette.

`Api` gives the answers of the live API and of the static tree: whatever it says depends on its arguments and the
database only.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from ldn_evidence.publish.api import request as asked
from ldn_evidence.publish.api.catalogue import API_VERSION, Catalogue
from ldn_evidence.publish.api.problems import ApiProblem, close_to
from ldn_evidence.publish.api.reading import Reader, part_reader
from ldn_evidence.publish.api.resources import (
    API_ROOT,
    BY_NAME,
    PAGES,
    REFERENCES,
    RESOURCES,
    SAFETY,
    SEARCH_KIND,
    Field,
    Resource,
)
from ldn_evidence.publish.export import citations

JSON = "application/json"
PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
METHODS = "GET, HEAD, OPTIONS"
GROUPS = ("authored", "computed", "related")
# Documents that are not lists of records, with what they are.
DOCUMENTS: Mapping[str, str] = {
    "safety": "Interactions, precautions and adverse effects, whole and in this order.",
    "search": "Full-text search over conditions with their synonyms, studies, mechanisms, claims, questions, trials, doses "
    "and safety.",
    "build": "From what the database was built, and how many records it holds.",
}
# What an address ends in -> format of the references that it gives.
_REFERENCES = {f".{suffix}": format for format, suffix in citations.SUFFIXES.items()}
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:\-]{1,200}")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, headers with names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def render(connection: sqlite3.Connection, path: str, query: str = "") -> Response:
    """The answer of the API to one path and query string; for many, make one `Api`."""
    return Api(connection).render(path, query)


def static_paths(connection: sqlite3.Connection) -> Iterator[str]:
    """Every file of the static tree, as paths that `Api(connection, static=True)` answers."""
    return Api(connection, static=True).static_paths()


class Api:
    """The API of one database.

    Args:
        connection: The database; read only.
        base: What stands before `/api` in addresses, such as `/prefix`.
        static: Whether answers are files of a static tree: links end in `.json`, lists are whole, and what needs a
            query (search) is left out.
        catalogue: What is kept in memory of the database, to be shared by several connections.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        base: str = "",
        static: bool = False,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.connection = connection
        self.static = static
        self.catalogue = catalogue or Catalogue(connection, base, ".json" if static else "")
        self.base = self.catalogue.base

    # ---- Addresses ----------------------------------------------------------------------------------------------

    def render(self, path: str, query: str = "") -> Response:
        """The answer to a path below `base` (such as `/api/v1/conditions`) and a query string."""
        try:
            return self._route(path, query)
        except ApiProblem as problem:
            return self.problem(problem, path, query)

    def problem(self, problem: ApiProblem, path: str, query: str = "") -> Response:
        """An error as problem details, with the notice that every answer carries."""
        instance = quote(f"{self.base}{path}", safe="/:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
        body = {**problem.body(instance, self.base), "meta": self.catalogue.meta}
        return Response(problem.status, {"content-type": PROBLEM, **problem.headers}, _dumps(body))

    def static_paths(self) -> Iterator[str]:
        """Every file of the static tree."""
        yield from ("/api/index.html", "/api/style.css", f"{API_ROOT}/index.json", f"{API_ROOT}/openapi.json")
        yield from (f"{API_ROOT}/{name}.json" for name in DOCUMENTS if name != "search")
        for resource in RESOURCES:
            yield f"{resource.path}.json"
            if resource.has_records:
                for identifier in self._identifiers(resource):
                    yield f"{resource.path}/{identifier}.json"

    def _route(self, path: str, query: str) -> Response:
        if path in ("/api/", "/api/index.html"):
            from ldn_evidence.publish.api.documentation import page

            return Response(200, {"content-type": HTML}, page(self.catalogue).encode())
        if path == "/api/style.css":
            from ldn_evidence.publish.api.documentation import STYLE

            return Response(200, {"content-type": CSS}, STYLE.encode())
        if path == "/api":
            raise self._moved(f"{path}/", query, permanent=True)
        if path == API_ROOT:
            path = f"{API_ROOT}/"
        if path == f"{API_ROOT}/openapi.json":
            from ldn_evidence.publish.openapi import openapi

            asked.check_names(asked.parameters(query), ())
            return _json(openapi(self.catalogue))
        if not path.startswith(f"{API_ROOT}/"):
            raise ApiProblem(404, "not-found", f"there is no {path[:200]!r}; the API begins at {API_ROOT}/")
        name, _, identifier = path.removeprefix(f"{API_ROOT}/").partition("/")
        identifier, suffix = _without_suffix(name, identifier)
        if not path.rpartition("/")[2]:
            if name:
                raise self._moved(path.rstrip("/"), query, permanent=True)
            name = "index"
        if not identifier:
            name = name.removesuffix(".json")
        given = asked.parameters(query)
        if name == "index" and not identifier:
            asked.check_names(given, ())
            return self._index()
        if name in DOCUMENTS and not identifier:
            return {"safety": self._safety, "search": self._search, "build": self._build}[name](given)
        resource = BY_NAME.get(name)
        if resource is None or (identifier and not resource.has_records):
            raise self._no_resource(name, identifier)
        if identifier:
            if suffix in _REFERENCES:
                return self._references(resource, identifier, suffix, query)
            return self._record(resource, identifier, suffix, given, query)
        return self._list(resource, given)

    def _no_resource(self, name: str, identifier: str) -> ApiProblem:
        allowed = [*BY_NAME, *DOCUMENTS]
        if name in allowed:
            detail = f"{name} has no single records"
            if name in BY_NAME:
                detail += "; narrow the list with filters"
            return ApiProblem(404, "not-found", detail)
        meant = close_to(name, allowed)
        detail = f"there is no resource {name[:200]!r}" + (f"; did you mean {meant[0]!r}?" if meant else "")
        return ApiProblem(404, "not-found", detail, allowed=allowed, did_you_mean=meant or None)

    def _moved(self, path: str, query: str, permanent: bool = False) -> ApiProblem:
        location = quote(f"{self.base}{path}", safe="/:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
        status, kind = (308, "redirect") if permanent else (301, "moved")
        return ApiProblem(status, kind, f"this is found at {location}", {"location": location})

    # ---- Single records -----------------------------------------------------------------------------------------

    def _record(
        self, resource: Resource, identifier: str, suffix: str, given: Mapping[str, list[str]], query: str
    ) -> Response:
        asked.check_names(given, ("fields", "include"))
        wanted = asked.selection(given, resource, whole=True)
        records = self._read(resource, wanted, f"{resource.id} = ?", (identifier,))
        if not records:
            raise self._no_record(resource, identifier, suffix, query)
        return _json({"data": records[0], "meta": self.catalogue.meta})

    def _references(self, resource: Resource, identifier: str, suffix: str, query: str) -> Response:
        """The studies of a record as a file for reference managers."""
        asked.check_names(asked.parameters(query), ())
        if identifier not in self.catalogue.identifiers(resource.table):
            raise self._no_record(resource, identifier, suffix, query)
        ids = [row[0] for row in self.connection.execute(REFERENCES[resource.name], (identifier,))]
        format = _REFERENCES[suffix]
        text = citations.citations(self.connection, ids, format)
        return Response(
            200, {"content-type": f"{citations.MEDIA_TYPES[format]}; charset=utf-8"}, text.encode()
        )

    def _no_record(self, resource: Resource, identifier: str, suffix: str, query: str) -> ApiProblem:
        successor, reason = identifier, None
        seen = {identifier}
        while True:
            row = self.connection.execute(
                "SELECT successor, reason, retired_on FROM retired WHERE kind = ? AND id = ?",
                (resource.name, successor),
            ).fetchone()
            if row is None:
                break
            reason = reason or (row[1], row[2])
            if row[0] is None or row[0] in seen:
                return ApiProblem(
                    410, "gone", f"{identifier} was retired on {row[2]}: {row[1]}", retired_on=row[2], reason=row[1]
                )  # fmt: skip
            successor = row[0]
            seen.add(successor)
        if successor != identifier and reason is not None:
            moved = self._moved(f"{resource.path}/{successor}{suffix}", query)
            moved.detail = f"{identifier} was replaced by {successor}: {reason[0]}"
            moved.more = {"successor": successor, "retired_on": reason[1], "reason": reason[0]}
            return moved
        meant = []
        if _IDENTIFIER.fullmatch(identifier):
            named = self.catalogue.named_like(resource.table, identifier)
            meant = close_to(identifier, self._identifiers(resource), named)
        detail = f"there is no {resource.singular} with the id {identifier[:200]!r}"
        if meant:
            detail += f"; did you mean {meant[0]!r}?"
        return ApiProblem(404, "not-found", detail, did_you_mean=meant or None)

    def _identifiers(self, resource: Resource) -> list[str]:
        rows = self.connection.execute(f"SELECT {resource.id} FROM {resource.source} ORDER BY 1").fetchall()
        return [row[0] for row in rows]

    # ---- Lists --------------------------------------------------------------------------------------------------

    def _list(self, resource: Resource, given: Mapping[str, list[str]]) -> Response:
        names = [one.name for one in resource.filters]
        asked.check_names(given, ("fields", "include", "sort", "limit", "cursor", *names))
        wanted = asked.selection(given, resource, whole=False)
        conditions, values = asked.conditions_of(given, resource.filters, self.catalogue)
        where = " AND ".join(f"({condition})" for condition in conditions) or "1"
        order = asked.ordering(given, resource)
        page = asked.page(given)
        total = self.connection.execute(
            f"SELECT count(*) FROM {resource.source} WHERE {where}", values
        ).fetchone()[0]
        limit = max(total, 1) if self.static else page.limit
        offset = self._offset(resource, page, where, values, order)
        records = self._read(
            resource, wanted, where, values, f"ORDER BY {order} LIMIT {limit} OFFSET {offset}"
        )
        links = {"self": self._link(resource.path, given), "first": None, "next": None}
        headers = {}
        rest = {name: value for name, value in given.items() if name != "cursor"}
        links["first"] = self._link(resource.path, rest)
        if offset + len(records) < total and records:
            cursor = asked.cursor_of(self.catalogue.digest, offset + len(records), records[-1]["id"])
            links["next"] = self._link(resource.path, {**rest, "cursor": [cursor]})
            headers["link"] = f'<{links["next"]}>; rel="next"'
        body = {
            "data": records,
            "page": {"total": total, "returned": len(records), "offset": offset, "limit": limit},
            "links": links,
            "meta": self.catalogue.meta,
        }
        return _json(body, headers)

    def _link(self, path: str, given: Mapping[str, list[str]]) -> str:
        query = urlencode([(name, value) for name, values in given.items() for value in values], safe=",")
        return f"{self.base}{path}{self.catalogue.suffix}" + (f"?{query}" if query else "")

    def _offset(
        self, resource: Resource, page: asked.Page, where: str, values: Sequence[Any], order: str
    ) -> int:
        """Where the page begins. After a new build, behind the record that was given last, wherever it is now."""
        if not page.digest or page.digest == self.catalogue.digest:
            return page.offset
        sql = f"SELECT {resource.id} FROM {resource.source} WHERE {where} ORDER BY {order}"
        for position, (identifier,) in enumerate(self.connection.execute(sql, values)):
            if identifier == page.last:
                return position + 1
        raise ApiProblem(
            404, "expired-cursor", f"the data have changed and {page.last[:200]!r} is no longer in this list; begin again "
            "without a cursor", parameter="cursor",
        )  # fmt: skip

    def _read(
        self, resource: Resource, wanted: asked.Selection, where: str, values: Sequence[Any], tail: str = ""
    ) -> list[dict[str, Any]]:
        """Records with their fields and parts in the three groups."""
        authored = _main_reader(resource, wanted.fields, "authored")
        computed = _main_reader(resource, wanted.fields, "computed")
        columns = ", ".join(sql for sql in (resource.id, authored.sql, computed.sql) if sql)
        rows = self.connection.execute(
            f"SELECT {columns} FROM {resource.source} WHERE {where} {tail}", values
        ).fetchall()
        if not rows:
            return []
        catalogue = self.catalogue
        owners = [row[0] for row in rows]
        parts = [(part, part_reader(part).read(self.connection, owners, catalogue)) for part in wanted.parts]
        records = []
        for row in rows:
            identifier = row[0]
            groups = {
                "authored": authored.read(row, 1, catalogue),
                "computed": computed.read(row, 1 + authored.width, catalogue),
                "related": {},
            }
            for part, owned in parts:
                groups[part.group][part.name] = owned.get(identifier, [])
            records.append(
                {
                    "type": resource.name,
                    "id": identifier,
                    "links": self._links(resource, identifier),
                    **groups,
                }
            )
        return records

    def _links(self, resource: Resource, identifier: str) -> dict[str, str | None]:
        page = PAGES.get(resource.name)
        return {
            "self": f"{self.base}{resource.path}/{identifier}{self.catalogue.suffix}"
            if resource.has_records
            else None,
            "page": f"{self.base}{page.format(id=identifier)}" if page and not self.static else None,
            "datasette": f"{self.base}/ldn/{resource.datasette}/{identifier}.json?_shape=objects"
            if resource.has_records and not self.static
            else None,
        }

    # ---- Documents ----------------------------------------------------------------------------------------------

    def _index(self) -> Response:
        suffix = self.catalogue.suffix
        resources = [
            {
                "name": resource.name,
                "description": resource.description,
                "href": f"{self.base}{resource.path}{suffix}",
                "count": self.connection.execute(f"SELECT count(*) FROM {resource.source}").fetchone()[0],
            }
            for resource in RESOURCES
        ]
        documents = [
            {
                "name": name,
                "description": description,
                "href": f"{self.base}{API_ROOT}/{name}{suffix}",
                "count": None,
            }
            for name, description in DOCUMENTS.items()
            if not (self.static and name == "search")
        ]
        return _json(
            {
                "data": {"api_version": API_VERSION, "resources": [*resources, *documents]},
                "meta": self.catalogue.meta,
            }
        )

    def _safety(self, given: Mapping[str, list[str]]) -> Response:
        asked.check_names(given, ())
        gathered = {
            resource.name.replace("-", "_"): self._read(
                resource,
                asked.Selection(resource.fields, resource.parts),
                "1",
                (),
                f"ORDER BY {resource.order[0]}",
            )
            for resource in SAFETY
        }
        return _json({"data": gathered, "meta": self.catalogue.meta})

    def _build(self, given: Mapping[str, list[str]]) -> Response:
        asked.check_names(given, ())
        counts = {
            key.removeprefix("count_"): int(value)
            for key, value in self.catalogue.build.items()
            if key.startswith("count_")
        }
        facts = {key: value for key, value in self.catalogue.build.items() if not key.startswith("count_")}
        return _json({"data": {"build": facts, "records": counts}, "meta": self.catalogue.meta})

    def _search(self, given: Mapping[str, list[str]]) -> Response:
        from ldn_evidence.publish.plugin.search_text import fts_query
        from ldn_evidence.store.search import best_first

        asked.check_names(given, ("q", "kind", "limit", "cursor"))
        text = asked.once(given, "q")
        if text is None or not text.strip(" "):
            raise ApiProblem(400, "missing-parameter", "q is needed: the words to search for", parameter="q")
        if len(text) > asked.LONGEST_VALUE:
            raise ApiProblem(
                400, "unknown-value", f"q is longer than {asked.LONGEST_VALUE} characters", parameter="q"
            )
        conditions, values = asked.conditions_of(given, (SEARCH_KIND,), self.catalogue)
        where = " AND ".join(["search MATCH ?", *conditions])
        values = [fts_query(text), *values]
        page = asked.page(given)
        if page.digest and page.digest != self.catalogue.digest:
            raise ApiProblem(
                404,
                "expired-cursor",
                "the data have changed; begin again without a cursor",
                parameter="cursor",
            )
        total = self.connection.execute(f"SELECT count(*) FROM search WHERE {where}", values).fetchone()[0]
        rows = self.connection.execute(
            "WITH asked AS (SELECT ? AS text) SELECT kind, id, snippet(search, -1, '', '', '…', 24) FROM search "
            f"WHERE {where} ORDER BY {best_first('(SELECT text FROM asked)')}, kind, id LIMIT ? OFFSET ?",
            [text, *values, page.limit, page.offset],
        ).fetchall()
        found = [
            {"record": self.catalogue.reference(kind.replace("-", "_"), identifier), "snippet": snippet}
            for kind, identifier, snippet in rows
        ]
        path, rest = f"{API_ROOT}/search", {name: value for name, value in given.items() if name != "cursor"}
        links = {"self": self._link(path, given), "first": self._link(path, rest), "next": None}
        if rows and page.offset + len(rows) < total:
            cursor = asked.cursor_of(self.catalogue.digest, page.offset + len(rows), rows[-1][1])
            links["next"] = self._link(path, {**rest, "cursor": [cursor]})
        meant = [] if total else self.catalogue.named_like("conditions", text)
        return _json(
            {
                "data": found,
                "did_you_mean": [self.catalogue.reference("conditions", one) for one in meant],
                "page": {"total": total, "returned": len(found), "offset": page.offset, "limit": page.limit},
                "links": links,
                "meta": self.catalogue.meta,
            }
        )


def gives_references(path: str) -> bool:
    """Whether an address has the form of one that gives references."""
    name, _, identifier = path.removeprefix(f"{API_ROOT}/").partition("/")
    return _without_suffix(name, identifier)[1] in _REFERENCES


def _without_suffix(name: str, identifier: str) -> tuple[str, str]:
    """An identifier in an address, and the suffix by which the address asks for a format."""
    for suffix in (*(_REFERENCES if name in REFERENCES else ()), ".json"):
        if identifier.endswith(suffix):
            return identifier.removesuffix(suffix), suffix
    return identifier, ""


_main_readers: dict[tuple[int, str], tuple[Resource, Reader]] = {}


def _main_reader(resource: Resource, fields: tuple[Field, ...], group: str) -> Reader:
    if fields is not resource.fields:
        return Reader([one for one in fields if one.group == group])
    found = _main_readers.get((id(resource), group))
    if found is None:
        reader = Reader([one for one in fields if one.group == group])
        found = _main_readers[(id(resource), group)] = (resource, reader)
    return found[1]


def _dumps(body: Any) -> bytes:
    return orjson.dumps(body)


def _json(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    # The notice comes first.
    if "meta" in body:
        body = {"meta": body["meta"], **body}
    return Response(200, {"content-type": JSON, **(headers or {})}, _dumps(body))


__all__ = ["Api", "Response", "gives_references", "render", "static_paths"]

"""What a request asks for: query parameters, checked against a resource."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ldn_evidence.publish.api.catalogue import Catalogue
from ldn_evidence.publish.api.problems import ApiProblem, not_allowed
from ldn_evidence.publish.api.resources import Field, Filter, Part, Resource, path_of

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 500
MOST_VALUES = 50
LONGEST_VALUE = 400
# Most names in a list of them.
MOST_NAMES = {"fields": 100, "include": 50, "sort": 5}
# Offset, digest of the build, id of the record that came last. What has this form is understood (though that record
# may have gone), and what has not is refused, so that the description in OpenAPI is exact.
CURSOR_PATTERN = r"^(0|[1-9][0-9]{0,9})\.([0-9A-Za-z]*)\.((?:[0-9a-f]{2})*)$"
_CURSOR = re.compile(CURSOR_PATTERN, re.ASCII)
# Beyond this SQLite would not take the number.
_LARGEST_INTEGER = 2**53


@dataclass(frozen=True)
class Selection:
    """What of a record is wanted."""

    fields: tuple[Field, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Page:
    """Where in a list: `last` is the id of the last record that was given, `digest` the build it came from."""

    limit: int
    offset: int = 0
    last: str = ""
    digest: str = ""


def parameters(query: str) -> dict[str, list[str]]:
    """The parameters of a query string with all their values."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=200):
        found.setdefault(name, []).append(value)
    return found


def check_names(given: Iterable[str], allowed: Collection[str]) -> None:
    """Refuse parameters that the resource does not have."""
    for name in given:
        if name not in allowed:
            if not allowed:
                raise ApiProblem(
                    400, "unknown-parameter", f"this takes no parameters: found {name[:200]!r}",
                    parameter=name[:200], allowed=[],
                )  # fmt: skip
            raise not_allowed(
                "unknown-parameter", "no such parameter", name, sorted(allowed), parameter=name[:200]
            )


def once(given: Mapping[str, list[str]], name: str) -> str | None:
    """The value of a parameter that may be given once."""
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise ApiProblem(400, "repeated-parameter", f"{name} is given {len(values)} times", parameter=name)
    if len(values[0]) > LONGEST_VALUE * MOST_VALUES:
        raise ApiProblem(400, "unknown-value", f"{name} is too long", parameter=name)
    return values[0]


def _list(given: Mapping[str, list[str]], name: str) -> list[str] | None:
    """The values of `fields`, `include` or `sort`."""
    value = once(given, name)
    if value is None:
        return None
    items = [item.strip(" ") for item in value.split(",")]
    if len(items) > MOST_NAMES[name]:
        raise ApiProblem(400, "unknown-value", f"{name}: more than {MOST_NAMES[name]} names", parameter=name)
    return items


def selection(given: Mapping[str, list[str]], resource: Resource, whole: bool) -> Selection:
    """What `fields` and `include` ask for; `whole` says that without `include` every part is wanted."""
    fields = resource.fields
    names = _list(given, "fields")
    if names is not None:
        allowed = {one.name: one for one in fields}
        part_names = {part.name for part in resource.parts}
        for name in names:
            if name in part_names and name not in allowed:
                raise ApiProblem(
                    400, "unknown-field", f"{name} is a part, not a field: ask for it with include={name}",
                    parameter="fields", allowed=sorted(allowed), did_you_mean=None,
                )  # fmt: skip
            if name not in allowed and name not in ("id", "type", "links"):
                raise not_allowed("unknown-field", "no such field", name, sorted(allowed), parameter="fields")
        fields = tuple(one for one in fields if one.name in names)
    parts = resource.parts if whole and names is None else ()
    wanted = _list(given, "include")
    if wanted is not None:
        existing = {part.name: part for part in resource.parts}
        for name in wanted:
            if name not in existing and name not in ("all", "none"):
                raise not_allowed(
                    "unknown-part", f"{resource.name} has no such part", name, [*sorted(existing), "all", "none"],
                    parameter="include",
                )  # fmt: skip
        parts = tuple(part for part in resource.parts if "all" in wanted or part.name in wanted)
    return Selection(fields, parts)


def conditions_of(
    given: Mapping[str, list[str]], filters: Iterable[Filter], catalogue: Catalogue
) -> tuple[list[str], list[Any]]:
    """SQL conditions and their values for the filters that were given."""
    where, values = [], []
    for one in filters:
        if one.name not in given:
            continue
        values_given = given[one.name] if one.several else [once(given, one.name) or ""]
        texts = [text for value in values_given for text in _alternatives(one, value, catalogue)]
        if len(texts) > MOST_VALUES:
            raise ApiProblem(
                400, "unknown-value", f"{one.name}: more than {MOST_VALUES} values", parameter=one.name
            )
        found = [filter_value(one, text.strip(" "), catalogue) for text in texts]
        where.append(one.where.replace("{values}", ", ".join("?" * len(found))))
        values += found
    return where, values


def _alternatives(one: Filter, value: str, catalogue: Catalogue) -> list[str]:
    """The values that a filter was given, separated by commas; a value of the records with a comma in it stays whole."""
    is_whole = "x-values" in one.schema and _spelled(
        value.strip(" "), catalogue.identifiers(one.schema["x-values"])
    )
    return value.split(",") if one.several and not is_whole else [value]


def _spelled(text: str, known: Iterable[str]) -> str | None:
    """A text as records spell it, whatever its case; None where none has it."""
    return next((value for value in known if value.lower() == text.lower()), None)


def filter_value(one: Filter, text: str, catalogue: Catalogue) -> Any:
    """One value of a filter, checked and typed."""
    schema = one.schema
    if one.head:
        text = re.sub(rf"\A{one.head}", "", text, flags=re.IGNORECASE)
    longest = schema.get("maxLength", LONGEST_VALUE)
    if not text or len(text) > longest:
        raise ApiProblem(
            400, "unknown-value", f"{one.name}: a value of 1 to {longest} characters is needed",
            parameter=one.name, allowed=schema.get("enum"),
        )  # fmt: skip
    if schema["type"] == "boolean":
        if text not in ("true", "false"):
            raise not_allowed(
                "unknown-value", f"{one.name} is true or false", text, ["true", "false"], parameter=one.name
            )
        return int(text == "true")
    if schema["type"] in ("integer", "number"):
        return _number(one.name, text, schema["type"] == "integer")
    if "enum" in schema:
        if text not in schema["enum"]:
            raise not_allowed(
                "unknown-value", f"{one.name} has no such value", text, schema["enum"], parameter=one.name
            )
    elif "x-table" in schema:
        known = catalogue.identifiers(schema["x-table"])
        if text not in known:
            raise not_allowed(
                "not-found", f"no record of {path_of(schema['x-table'])} has this id", text, known, 404,
                catalogue.named_like(schema["x-table"], text), parameter=one.name,
            )  # fmt: skip
    elif "x-values" in schema:
        known = catalogue.identifiers(schema["x-values"])
        spelled = _spelled(text, known)
        if spelled is None:
            raise not_allowed(
                "not-found", f"{one.name}: no record has this", text, known, 404, parameter=one.name
            )
        return spelled  # SQLite knows the case of ASCII only
    elif "pattern" in schema and not re.search(schema["pattern"], text):
        raise ApiProblem(
            400, "unknown-value", f"{one.name}: found {text!r}; {one.description}", parameter=one.name,
            allowed=schema["pattern"],
        )  # fmt: skip
    if one.search:
        # Here, for Datasette is loaded with the plugin.
        from ldn_evidence.publish.plugin.search_text import fts_query

        return fts_query(text)
    return text.lower() if schema.get("x-lower") else text


def _number(name: str, text: str, whole: bool) -> int | float:
    try:
        value = int(text) if whole and text.isascii() else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > _LARGEST_INTEGER or "_" in text:
        kind = "a whole number" if whole else "a number"
        raise ApiProblem(
            400, "unknown-value", f"{name}: found {text[:200]!r}; {kind} is needed", parameter=name
        )
    return value


def ordering(given: Mapping[str, list[str]], resource: Resource) -> str:
    """SQL after ORDER BY: what `sort` asks for, else the resource's usual order; always ends with the id."""
    names = _list(given, "sort")
    if not names:
        return f"{resource.order[0]}, {resource.id}"
    sortable = {one.name: one for one in sortable_fields(resource)}
    terms = []
    for name in names:
        plain = name.removeprefix("-")
        if plain == "id":
            terms.append(f"{resource.id}{' DESC' if name != plain else ''}")
            continue
        if plain not in sortable:
            raise not_allowed(
                "unknown-value",
                "cannot sort by this (a minus in front sorts downwards)",
                plain,
                ["id", *sorted(sortable)],
                parameter="sort",
            )
        sql = sortable[plain].sql
        terms += [f"({sql}) IS NULL", f"{sql}{' DESC' if name != plain else ''}"]
    return ", ".join([*terms, resource.id])


def sortable_fields(resource: Resource) -> list[Field]:
    """Fields with one plain value."""
    return [
        one
        for one in resource.fields
        if not one.to_targets
        and "x-any-table" not in one.schema
        and one.schema["type"] not in ("array", "object")
    ]


def page(given: Mapping[str, list[str]]) -> Page:
    """What `limit` and `cursor` ask for."""
    limit = DEFAULT_LIMIT
    text = once(given, "limit")
    if text is not None:
        if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LARGEST_LIMIT):
            raise ApiProblem(
                400, "unknown-value", f"limit: found {text[:200]!r}; a number from 1 to {LARGEST_LIMIT} is needed",
                parameter="limit", allowed=f"1 to {LARGEST_LIMIT}",
            )  # fmt: skip
        limit = int(text)
    cursor = once(given, "cursor")
    if cursor is None:
        return Page(limit)
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ApiProblem(
            400, "bad-cursor", f"cursor: found {cursor[:60]!r}, which is none of ours; take it from links.next of the page "
            "before, or leave the parameter out to begin at the first page", parameter="cursor", allowed=CURSOR_PATTERN,
        )  # fmt: skip
    offset, digest, last = found.groups()
    return Page(limit, int(offset), bytes.fromhex(last).decode(errors="replace"), digest)


def cursor_of(digest: str, offset: int, last: str) -> str:
    """The opaque cursor that goes on after the record `last`."""
    return f"{offset}.{digest}.{last.encode().hex()}"

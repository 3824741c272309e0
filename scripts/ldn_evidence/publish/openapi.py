"""The OpenAPI 3.1 document of the API, written from the table of resources and the record schemas.

There is no second description: fields, types, allowed values and units come from `tables.json` (generated from
`schema/`), parameters from the filters of each resource. The tests call every operation that stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ldn_evidence.publish.api.catalogue import API_VERSION, LICENCE_URL, Catalogue
from ldn_evidence.publish.api.problems import TITLES as PROBLEM_KINDS
from ldn_evidence.publish.api.reading import is_reference
from ldn_evidence.publish.api.render import DOCUMENTS, GROUPS, JSON, PROBLEM
from ldn_evidence.publish.api.request import (
    CURSOR_PATTERN,
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    LONGEST_VALUE,
    MOST_NAMES,
    MOST_VALUES,
    sortable_fields,
)
from ldn_evidence.publish.api.resources import (
    API_ROOT,
    RESOURCES,
    SAFETY,
    SEARCH_KIND,
    Field,
    Filter,
    Part,
    Resource,
    path_of,
)

Schema = dict[str, Any]
ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:-]*$"

_GROUP_WORDS = {
    "authored": "What the record's own file says.",
    "computed": "What this base computes from all records by its published rules.",
    "related": "Other records that point at this one, in brief.",
}


def openapi(catalogue: Catalogue) -> Schema:
    """The document for one database (its notice, version and address); of the static tree, for its files."""
    if catalogue.suffix:
        reading = "These are files: lists are whole, there are no parameters and no search."
        paths = _files(_paths(), catalogue.suffix)
        components: Schema = {"schemas": {name: one for name, one in _schemas() if name not in _OF_SERVER}}
    else:
        reading = "Read only, no key, CORS open."
        paths = _paths()
        components = {
            "schemas": dict(_schemas()),
            "responses": dict(_responses()),
            "headers": dict(_HEADERS),
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LDN Evidence API",
            "version": API_VERSION,
            "summary": "What is known of low-dose naltrexone, condition by condition.",
            "description": f"{catalogue.build.get('notice', '')}\n\n{reading} Changes within v1 only add. "
            "A record keeps three groups of fields apart: `authored` (what its own file says), `computed` (what this "
            "base computes by published rules) and `related` (records that point at it). Fields bear the names of the "
            "database's columns.",
            "license": {"name": "CC0 1.0 (data)", "url": LICENCE_URL},
        },
        "servers": [{"url": catalogue.base or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys([*(one.tag for one in RESOURCES), "Documents"])],
        "paths": dict(paths),
        "components": components,
    }


# ---- Paths ------------------------------------------------------------------------------------------------------


def _paths() -> Iterable[tuple[str, Schema]]:
    yield (
        f"{API_ROOT}/",
        _operation("getIndex", "Every resource with its number of records", "Documents", "Index"),
    )
    yield f"{API_ROOT}/openapi.json", {
        "get": {
            "operationId": "getOpenapi",
            "summary": "This document",
            "tags": ["Documents"],
            "responses": {"200": {"description": "The OpenAPI document.", "headers": _header_references(),
                                  "content": {JSON: {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}}},
                          **_errors()},
        }
    }  # fmt: skip
    yield f"{API_ROOT}/safety", _operation("getSafety", DOCUMENTS["safety"], "Safety", "Safety")
    yield f"{API_ROOT}/build", _operation("getBuild", DOCUMENTS["build"], "About the base", "Build")
    yield f"{API_ROOT}/search", _operation(
        "search", DOCUMENTS["search"], "Answers", "SearchResults",
        [
            _parameter("q", "Words to search for: all of them, the last one also as a beginning.",
                       {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE, "pattern": "[^ ]"}, required=True),
            _filter_parameter(SEARCH_KIND),
            *_page_parameters(),
        ],
    )  # fmt: skip
    for resource in RESOURCES:
        name = _name(resource)
        yield resource.path, _operation(
            f"list{_plural(resource)}", f"{resource.name.replace('-', ' ').capitalize()}, {resource.order[1]}", resource.tag,
            f"{name}List", _list_parameters(resource), resource.description,
        )  # fmt: skip
        if resource.has_records:
            parameter = {
                "name": "id", "in": "path", "required": True, "description": f"Identifier of the {resource.singular}.",
                "schema": {"type": "string", "pattern": ID_PATTERN, "maxLength": 200},
            }  # fmt: skip
            yield f"{resource.path}/{{id}}", _operation(
                f"get{name}", f"One {resource.singular} with everything that belongs to it", resource.tag, f"{name}Document",
                [parameter, *_choice_parameters(resource, single=True)], resource.description, single=True,
            )  # fmt: skip


# What only a server answers.
_OF_SERVER = frozenset({"Problem", "SearchHit", "SearchResults"})


def _files(paths: Iterable[tuple[str, Schema]], suffix: str) -> Iterable[tuple[str, Schema]]:
    """The operations as files answer them: with the suffix in the address, without parameters, errors and headers."""
    for path, item in paths:
        if path == f"{API_ROOT}/search":
            continue
        operation = dict(item["get"])
        answer = operation["responses"]["200"]
        operation["parameters"] = [one for one in operation.get("parameters", ()) if one["in"] == "path"]
        operation["responses"] = {"200": {"description": answer["description"], "content": answer["content"]}}
        name = f"{path}index" if path.endswith("/") else path.removesuffix(suffix)
        yield f"{name}{suffix}", {"get": operation}


def _operation(
    identifier: str,
    summary: str,
    tag: str,
    schema: str,
    parameters: Sequence[Schema] = (),
    description: str = "",
    single: bool = False,
) -> Schema:
    responses: Schema = {
        "200": {
            "description": "The answer.",
            "headers": _header_references(),
            "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        },
        **_errors(),
    }
    if parameters:
        responses["404"] = {"$ref": "#/components/responses/NotFound"}
    if single:
        responses["301"] = {"$ref": "#/components/responses/Moved"}
        responses["410"] = {"$ref": "#/components/responses/Gone"}
    operation: Schema = {
        "operationId": identifier,
        "summary": summary,
        "tags": [tag],
        "parameters": list(parameters),
        "responses": dict(sorted(responses.items())),
    }
    if description:
        operation["description"] = description
    return {"get": operation}


def _parameter(name: str, description: str, schema: Schema, required: bool = False) -> Schema:
    parameter: Schema = {"name": name, "in": "query", "description": description, "schema": schema}
    if required:
        parameter["required"] = True
    return parameter


def _several(name: str, description: str, items: Schema, most: int = MOST_VALUES) -> Schema:
    """A parameter that takes alternatives, separated by commas."""
    schema = {"type": "array", "items": items, "minItems": 1, "maxItems": most}
    return {**_parameter(name, description, schema), "style": "form", "explode": False}


def _page_parameters() -> list[Schema]:
    return [
        _parameter("limit", "Records on a page.",
                   {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT}),
        _parameter("cursor", "Where to go on: taken from `links.next`, not made by hand.",
                   {"type": "string", "pattern": CURSOR_PATTERN}),
    ]  # fmt: skip


def _choice_parameters(resource: Resource, single: bool) -> list[Schema]:
    parts = [part.name for part in resource.parts]
    usual = "Without it, all of them." if single else "Without it, none."
    parameters = [
        _several("fields", "Fields wanted, beside `id`, `type` and `links`; parts only come with `include` then.",
                 {"type": "string", "enum": ["id", *(one.name for one in resource.fields)]}, MOST_NAMES["fields"]),
    ]  # fmt: skip
    if parts:
        parameters.append(
            _several(
                "include", f"Parts wanted: what belongs to a record in other tables. {usual}",
                {"type": "string", "enum": [*parts, "all", "none"]}, MOST_NAMES["include"],
            )
        )  # fmt: skip
    return parameters


def _list_parameters(resource: Resource) -> list[Schema]:
    sortable = ["id", *(one.name for one in sortable_fields(resource))]
    return [
        *(_filter_parameter(one) for one in resource.filters),
        _several("sort", "Fields to sort by, a minus in front for descending; records without a value come last.",
                 {"type": "string", "enum": [f"{sign}{name}" for name in sortable for sign in ("", "-")]}, MOST_NAMES["sort"]),
        *_choice_parameters(resource, single=False),
        *_page_parameters(),
    ]  # fmt: skip


def _filter_parameter(one: Filter) -> Schema:
    schema: Schema = {"type": one.schema["type"]}
    if "enum" in one.schema:
        schema["enum"] = list(one.schema["enum"])
    elif "x-table" in one.schema:
        schema |= {"pattern": ID_PATTERN, "maxLength": 200, "x-resource": path_of(one.schema["x-table"])}
    elif schema["type"] == "string":
        # A comma separates alternatives; blanks around a value do not count.
        pattern = one.schema.get("pattern") or ("^[^, ]([^,]*[^, ])?$" if one.several else "[^ ]")
        schema |= {
            "minLength": 1,
            "maxLength": one.schema.get("maxLength", LONGEST_VALUE),
            "pattern": pattern,
        }
    elif schema["type"] in ("integer", "number"):
        schema |= {"minimum": -(2**53), "maximum": 2**53}
    return (
        _several(one.name, one.description, schema)
        if one.several
        else _parameter(one.name, one.description, schema)
    )


# ---- Answers ----------------------------------------------------------------------------------------------------

_HEADERS: Mapping[str, Schema] = {
    "ETag": {"description": "Changes with every build whose answer differs.", "schema": {"type": "string"}},
    "Last-Modified": {"description": "Time of the commit, or of the file.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "Keep it, but ask each time.", "schema": {"type": "string"}},
}


def _header_references() -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}


def _errors() -> Schema:
    return {
        "304": {"$ref": "#/components/responses/NotModified"},
        "400": {"$ref": "#/components/responses/BadRequest"},
        "405": {"$ref": "#/components/responses/MethodNotAllowed"},
        "default": {"$ref": "#/components/responses/Problem"},
    }


def _responses() -> Iterable[tuple[str, Schema]]:
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    yield "NotModified", {"description": "The client has it already."}
    yield (
        "BadRequest",
        {
            "description": "The request is not understood; `detail`, `allowed` and `did_you_mean` say what is.",
            "content": problem,
        },
    )
    yield (
        "Moved",
        {
            "description": "The identifier was given up; `Location` has its successor.",
            "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
            "content": problem,
        },
    )
    yield "NotFound", {
        "description": "There is no such record, or a filter names one that there is not, or a cursor one that left the list.",
        "content": problem,
    }  # fmt: skip
    yield "Gone", {"description": "The identifier was given up without a successor.", "content": problem}
    yield (
        "MethodNotAllowed",
        {
            "description": "Only reading is allowed.",
            "headers": {"Allow": {"required": True, "schema": {"type": "string"}}},
            "content": problem,
        },
    )
    yield (
        "Problem",
        {
            "description": "Any other problem.",
            "content": problem,
        },
    )


# ---- Schemas ----------------------------------------------------------------------------------------------------


def _schemas() -> Iterable[tuple[str, Schema]]:
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    yield "Meta", _object({
        "notice": {**text, "description": "Not medical advice, and the opioid warning."},
        "title": text, "api_version": text,
        "data_version": {**text, "description": "Major: schema; minor: records added; patch: corrections."},
        "schema_version": {**text, "description": "Version of the shape: kinds and fields, tables, columns and views."},
        "data_as_of": {**text, "description": "Day of the latest search."},
        "commit": text, "committed_on": text,
        "digest": {**text, "description": "Identifies the build."},
        "licence": _object({"id": text, "url": text}),
        "citation": {**text, "description": "How to cite this version."},
        "documentation": text, "openapi": text,
    }, "What holds for every answer.")  # fmt: skip
    yield "Reference", _object({
        "type": {**text, "description": "Name of the resource."},
        "id": text,
        "title": {**maybe, "description": "Title, name or statement; null for a retired record."},
        "href": {**text, "description": "Address of the record."},
        "year": {"type": ["integer", "null"], "description": "Year of publication, of a study."},
        "verification_depth": {**maybe, "description": "How deep it was read, of a study; `unverified` counts for nothing."},
        "retraction_status": {**maybe, "description": "Whether it was retracted or corrected, of a study."},
    }, "Another record.", optional=("year", "verification_depth", "retraction_status"))  # fmt: skip
    yield "RecordLinks", _object({
        "self": {**maybe, "description": "The record in this API."},
        "page": {**maybe, "description": "Its page for people."},
        "datasette": {**maybe, "description": "The row in Datasette's own JSON."},
    })  # fmt: skip
    yield (
        "ListLinks",
        _object(
            {"self": text, "first": text, "next": {**maybe, "description": "Next page, or null on the last."}}
        ),
    )
    count = {"type": "integer", "minimum": 0}
    yield "Page", _object({"total": {**count, "description": "Records in all pages."}, "returned": count, "offset": count,
                           "limit": count})  # fmt: skip
    yield "Problem", _object({
            "type": {**text, "description": f"Address of what kind of problem it is: {', '.join(PROBLEM_KINDS)}."},
            "title": text, "status": {"type": "integer"}, "detail": text, "instance": text,
            "parameter": text,
            "allowed": {"description": "What is allowed.", "anyOf": [{"type": "array", "items": text}, {"type": "string"}]},
            "did_you_mean": {"type": "array", "items": text},
            "successor": text, "retired_on": text, "reason": text,
            "meta": {"$ref": "#/components/schemas/Meta"},
        }, "Problem details (RFC 9457).",
            optional=("parameter", "allowed", "did_you_mean", "successor", "retired_on", "reason", "meta"))  # fmt: skip
    yield "Index", _answer(_object({
        "api_version": text,
        "resources": _array(_object({"name": text, "description": text, "href": text, "count": {"type": ["integer", "null"]}})),
    }))  # fmt: skip
    yield "Build", _answer(_object({
        "build": {"type": "object", "additionalProperties": text},
        "records": {"type": "object", "additionalProperties": {"type": "integer"}},
    }))  # fmt: skip
    yield "Safety", _answer(_object({
        resource.name.replace("-", "_"): _array({"$ref": f"#/components/schemas/{_name(resource)}"}) for resource in SAFETY
    }))  # fmt: skip
    yield "SearchHit", _object({"record": {"$ref": "#/components/schemas/Reference"}, "snippet": text})
    yield "SearchResults", _object({
        "data": _array({"$ref": "#/components/schemas/SearchHit"}),
        "did_you_mean": {**_array({"$ref": "#/components/schemas/Reference"}),
                         "description": "Conditions whose names come close, where nothing was found."},
        "page": {"$ref": "#/components/schemas/Page"},
        "links": {"$ref": "#/components/schemas/ListLinks"},
        "meta": {"$ref": "#/components/schemas/Meta"},
    })  # fmt: skip
    for resource in RESOURCES:
        yield from _resource_schemas(resource)


def _resource_schemas(resource: Resource) -> Iterable[tuple[str, Schema]]:
    name = _name(resource)
    for group in GROUPS:
        fields = [one for one in resource.fields if one.group == group]
        parts = [part for part in resource.parts if part.group == group]
        properties: Schema = {one.name: field_schema(one) for one in fields}
        for part in parts:
            row_name = f"{name}{_camel(part.name)}"
            yield from _part_schemas(part, row_name)
            properties[part.name] = {**_array(_row(part, row_name)), "description": part.description}
        # `fields` and `include` choose among them, so none of them is certain to be there.
        yield f"{name}{_camel(group)}", {
            "type": "object", "description": _GROUP_WORDS[group], "properties": properties,
        }  # fmt: skip
    yield name, _object({
        "type": {"type": "string", "const": resource.name},
        "id": {"type": "string"},
        "links": {"$ref": "#/components/schemas/RecordLinks"},
        **{group: {"$ref": f"#/components/schemas/{name}{_camel(group)}"} for group in GROUPS},
    }, resource.description)  # fmt: skip
    yield f"{name}List", _object({
        "data": _array({"$ref": f"#/components/schemas/{name}"}),
        "page": {"$ref": "#/components/schemas/Page"},
        "links": {"$ref": "#/components/schemas/ListLinks"},
        "meta": {"$ref": "#/components/schemas/Meta"},
    })  # fmt: skip
    if resource.has_records:
        yield f"{name}Document", _answer({"$ref": f"#/components/schemas/{name}"})


def _part_schemas(part: Part, name: str) -> Iterable[tuple[str, Schema]]:
    if part.scalar:
        return
    properties: Schema = {one.name: field_schema(one) for one in part.fields}
    for child in part.parts:
        child_name = f"{name}{_camel(child.name)}"
        yield from _part_schemas(child, child_name)
        properties[child.name] = {**_array(_row(child, child_name)), "description": child.description}
    yield name, _object(properties, part.description)


def _row(part: Part, name: str) -> Schema:
    return field_schema(part.fields[0]) if part.scalar else {"$ref": f"#/components/schemas/{name}"}


def field_schema(one: Field) -> Schema:
    """JSON Schema of a field in an answer."""
    schema = one.schema
    nullable = bool(schema.get("nullable"))
    if one.to_targets or "x-any-table" in schema or is_reference(one):
        reference: Schema = {"$ref": "#/components/schemas/Reference"}
        may_be_null = {"anyOf": [reference, {"type": "null"}]} if nullable or one.to_targets else reference
        return {**may_be_null, "description": schema["description"]}
    found: Schema = {
        key: value for key, value in schema.items() if key in ("enum", "description", "items", "x-unit")
    }
    found["type"] = [schema["type"], "null"] if nullable else schema["type"]
    if nullable and "enum" in found:
        found["enum"] = [*found["enum"], None]
    if schema["type"] == "object":
        found["additionalProperties"] = True
    return found


def _object(properties: Schema, description: str = "", optional: Iterable[str] = ()) -> Schema:
    left_out = set(optional)
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in left_out],
    }
    return {**schema, "description": description} if description else schema


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _answer(data: Schema) -> Schema:
    return _object({"data": data, "meta": {"$ref": "#/components/schemas/Meta"}})


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[ _\-]", words))


def _name(resource: Resource) -> str:
    return _camel(resource.singular)


def _plural(resource: Resource) -> str:
    return _camel(resource.name)


__all__ = ["field_schema", "openapi"]

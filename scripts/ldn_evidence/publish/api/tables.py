"""What the columns of the database hold, as JSON Schema: written from the record schemas, read by the API.

`tables.json` is generated (`make generated`), kept in git and lies in the package, so that a server needs the database
alone. The API turns rows into JSON by it, checks filters by it, and its OpenAPI document describes every field by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import Node, Schemas
from ldn_evidence.store.layout import PRINTED_DESCRIPTION, Column, Layout, RowPlan

TABLES_FILE = Path(__file__).with_name("tables.json")
# What a reader of JSON needs of a schema node; bounds and patterns are the curator's business.
_KEPT = ("type", "enum", "description", "items", "properties", "required", "format")

# The rule of what is always a whole day; a date may also be a month or a year.
_DAY_RULE = "day-format"

ColumnSchema = Mapping[str, Any]


@cache
def tables() -> Mapping[str, Any]:
    """`tables.json`: table -> description, kind, columns (name -> schema)."""
    found: Mapping[str, Any] = json.loads(TABLES_FILE.read_bytes())
    return found


def column(path: str) -> ColumnSchema:
    """The schema of `table.column`."""
    table, _, name = path.partition(".")
    found: ColumnSchema = tables()[table]["columns"][name]
    return found


def render_api_tables(project: Project) -> str:
    """Text of `tables.json`."""
    schemas = Schemas(project.schema)
    layout = Layout(schemas)
    nodes = dict(_nodes(schemas, layout))
    document: dict[str, Any] = {
        name: {
            "description": table.description,
            "kind": table.kind,
            "columns": {
                column.name: _column_schema(column, nodes.get((name, column.name)))
                for column in table.columns
            },
        }
        for name, table in layout.tables.items()
    }
    views = parse((project.schema / "views.yml").read_bytes(), "schema/views.yml")
    for name, view in views.items():
        document[name] = {
            "description": view["description"],
            "kind": None,
            "tables": view["tables"],
            "own": view["columns"],
        }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def is_object(column: Column) -> bool:
    """Whether a column holds a JSON object, of which the schema says no more than that it is text."""
    return column.name == "inputs" or column.description == PRINTED_DESCRIPTION


def _column_schema(column: Column, node: Node | None) -> dict[str, Any]:
    schema = _plain(node) if node else {}
    schema["description"] = column.description
    if is_object(column):
        schema["type"] = "object"
    if node and node.get("x-rule") == _DAY_RULE:
        schema["format"] = "date"
    schema.setdefault("type", {"TEXT": "string", "INTEGER": "integer", "REAL": "number"}[column.sql_type])
    if column.unit:
        schema["x-unit"] = column.unit
    if column.references:
        schema["x-table"] = column.references
    if not column.required and column.name != "id":
        schema["nullable"] = True
    return schema


def _plain(node: Node) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key in _KEPT:
        if key not in node:
            continue
        value = node[key]
        if key == "items":
            value = _plain(value)
        elif key == "properties":
            value = {name: _plain(child) for name, child in value.items()}
        plain[key] = value
    return plain


def _nodes(schemas: Schemas, layout: Layout) -> Iterator[tuple[tuple[str, str], Node]]:
    """The schema node that each column is read from."""
    for kind, plan in layout.plans.items():
        root = schemas.record(kind)
        item = root["properties"]["retired"]["items"] if kind == "retired" else root
        yield from _plan_nodes(plan, item)
    for name, definition in schemas.record("computed")["$defs"].items():
        for field, node in definition["properties"].items():
            yield (name, node.get("x-column", field)), node


def _plan_nodes(plan: RowPlan, item: Node) -> Iterator[tuple[tuple[str, str], Node]]:
    for field in plan.fields:
        node = _descend(item, field.steps)
        if node is not None:
            yield (plan.table, field.column), node
    if plan.scalar is not None:
        yield (plan.table, plan.scalar), item
    for child in plan.children:
        array = _descend(item, child.steps)
        if child.table != "citations" and array is not None:
            yield from _plan_nodes(child, array["items"])


def _descend(item: Node, steps: tuple[str, ...]) -> Node | None:
    found: Any = item
    for step in steps:
        found = found.get("properties", {}).get(step)
        if found is None:
            return None
    node: Node = found
    return node

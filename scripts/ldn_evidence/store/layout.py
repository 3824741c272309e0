"""Which tables the schemas describe: columns, types, keys, checks, descriptions.

The record schemas say what a record holds; this module says how that lies in tables, by a few rules:

- a record is a row of the table of its kind, keyed by its `id`;
- a nested object without a table of its own becomes columns with the object's name in front;
- an array with `x-table` becomes rows of that table, keyed by its owner and its position; items that have an `id`
  of their own (arms, outcomes) get the key `<record>--<id>` and keep theirs as `code`;
- any other array is a JSON array in one column;
- `x-references` is a foreign key `<kind in the singular>_id`, `x-arm` one to an arm of the same study.

`tables.sql` is written from this, `rows` fills the tables by it, and Datasette's descriptions come from it: there is
no second list of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ldn_evidence.schemas import Node, Schemas

_SQL_TYPES = {"string": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER", "array": "TEXT"}
PRINTED_DESCRIPTION = "Numbers of this row whose printed form says more than their value, as a JSON object."
POSITION_DESCRIPTION = "Place in the record, from 0."


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Name in the table.
        sql_type: TEXT, INTEGER or REAL.
        description: Meaning, for people.
        unit: Unit of a number, or None.
        required: Whether it is never NULL.
        references: Table whose key it holds, or None.
        check: SQL condition that its values meet, or None.
    """

    name: str
    sql_type: str
    description: str
    unit: str | None = None
    required: bool = False
    references: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Name.
        description: What a row is.
        columns: Columns in order.
        primary_key: Names of the key's columns.
        kind: Record kind whose rows it holds, or None for child and computed tables.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    kind: str | None = None

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, slots=True)
class Field:
    """How one column is read from a record.

    Attributes:
        column: Name of the column.
        steps: Way from the row's item to the value.
        as_json: Whether the value becomes JSON text.
        arm: Whether the value is the code of an arm, which becomes its key `<record>--<code>`.
    """

    column: str
    steps: tuple[str, ...]
    as_json: bool = False
    arm: bool = False


@dataclass
class RowPlan:
    """How rows of one table are read from a record of one kind.

    Attributes:
        table: Name of the table.
        steps: Way from the owner's item to the array; empty for the record itself.
        constant: Columns with a fixed value.
        local_id: Whether items bear an id of their own.
        scalar: Whether items are plain values, and then their column.
        first_from: Field of the owner that is put in front of a list of plain values.
        fields: Columns read from the item.
        children: Plans of nested tables.
    """

    table: str
    steps: tuple[str, ...] = ()
    constant: dict[str, str] = field(default_factory=dict)
    local_id: bool = False
    scalar: str | None = None
    first_from: str | None = None
    fields: list[Field] = field(default_factory=list)
    children: list[RowPlan] = field(default_factory=list)


class Layout:
    """Tables and row plans of a project's schemas."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._singular = {kind: schemas.record(kind)["x-singular"] for kind in schemas.kinds}
        self._drafts: dict[str, _Draft] = {}
        self.plans: dict[str, RowPlan] = {}
        for kind in schemas.kinds:
            self._record_table(kind, schemas.record(kind))
        self._retired_table(schemas.record("retired"))
        for name, node in schemas.record("computed")["$defs"].items():
            self._computed_table(name, node)

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Every table by name, those that others refer to first."""
        finished = {name: draft.finish() for name, draft in self._drafts.items()}
        ordered: dict[str, Table] = {}

        def place(name: str) -> None:
            if name in ordered:
                return
            for column in finished[name].columns:
                if column.references and column.references != name:
                    place(column.references)
            ordered[name] = finished[name]

        for name in finished:
            place(name)
        return ordered

    @cached_property
    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Table -> names of its columns in order."""
        return {name: tuple(column.name for column in table.columns) for name, table in self.tables.items()}

    def table_of(self, kind: str) -> str:
        """Table of a record kind: the kind with underscores."""
        return kind.replace("-", "_")

    def singular(self, kind: str) -> str:
        """The kind's name for one record, as foreign keys use it."""
        return str(self._singular[kind])

    def _record_table(self, kind: str, schema: Node) -> None:
        name = self.table_of(kind)
        draft = self._draft(name, schema["description"], kind)
        plan = RowPlan(name)
        self.plans[kind] = plan
        owner = _Owner(kind, f"{self._singular[kind]}_id", name)
        self._fields(schema, (), "", draft, plan, owner, required=set(schema.get("required", ())))
        draft.primary_key = ["id"]

    def _retired_table(self, schema: Node) -> None:
        rows = schema["properties"]["retired"]
        draft = self._draft(rows["x-table"], rows["description"])
        plan = RowPlan(rows["x-table"])
        self.plans["retired"] = plan
        self._fields(rows["items"], (), "", draft, plan, None, set(rows["items"]["required"]))
        draft.primary_key = ["kind", "id"]

    def _computed_table(self, name: str, node: Node) -> None:
        draft = self._draft(name, node["description"])
        draft.description = node["description"]  # citations were begun by the first kind that cites
        required = set(node.get("required", ()))
        for field_name, child in node["properties"].items():
            draft.add(self._column(field_name, child, field_name in required))
        draft.primary_key = list(node["x-primary-key"])

    def _draft(self, name: str, description: str, kind: str | None = None) -> _Draft:
        return self._drafts.setdefault(name, _Draft(name, description, kind))

    def _fields(
        self,
        node: Node,
        steps: tuple[str, ...],
        prefix: str,
        draft: _Draft,
        plan: RowPlan,
        owner: _Owner | None,
        required: set[str],
    ) -> None:
        has_numbers = False
        for name, child in node["properties"].items():
            here = (*steps, name)
            if "x-table" in child:
                self._child_table(child, here, plan, owner)
            elif child.get("type") == "object":
                inner = set(child.get("required", ())) if name in required else set()
                self._fields(child, here, f"{prefix}{name}_", draft, plan, owner, inner)
            else:
                column = self._column(f"{prefix}{name}", child, name in required)
                draft.add(column)
                plan.fields.append(
                    Field(column.name, here, child.get("type") == "array", bool(child.get("x-arm")))
                )
                has_numbers = has_numbers or child.get("type") == "number"
        if has_numbers:
            printed = f"{prefix}printed"
            draft.add(Column(printed, "TEXT", PRINTED_DESCRIPTION))
            plan.fields.append(Field(printed, (*steps, "printed"), as_json=True))

    def _child_table(self, node: Node, steps: tuple[str, ...], parent: RowPlan, owner: _Owner | None) -> None:
        assert owner is not None
        items = node["items"]
        name = node["x-table"]
        # A table of several lists is not described as the first of them.
        draft = self._draft(name, node.get("x-table-description", node["description"]))
        plan = RowPlan(name, steps, dict(node.get("x-constant", {})))
        parent.children.append(plan)
        if name == "citations":
            return  # one table for all kinds; its columns stand in the computed schema
        keys = [
            Column(
                owner.record_column,
                "TEXT",
                f"The {owner.singular} to which the row belongs.",
                None,
                True,
                owner.table,
            )
        ]
        keys += owner.inner
        for column in keys:
            draft.add(column)
        position = Column("position", "INTEGER", POSITION_DESCRIPTION, None, True)
        if items.get("type") == "string":
            draft.add(position)
            plan.scalar = node["x-column"]
            plan.first_from = node.get("x-first-from")
            # The list says what its entries mean; the entry only how it is written.
            draft.add(
                self._column(node["x-column"], {**items, "description": node["description"]}, required=True)
            )
            draft.primary_key = [column.name for column in keys] + ["position"]
            return
        plan.local_id = "id" in items["properties"]
        key_names = [column.name for column in keys]
        inner = list(owner.inner)
        for constant, origin in plan.constant.items():
            about = f"Which list of the record the row comes from, such as {origin!r}."
            draft.add(Column(constant, "TEXT", about, None, True))
            key_names.append(constant)
        if plan.local_id and name != "vocabulary_terms":
            identifier = Column("id", "TEXT", f"Key of the row: <{owner.singular}>--<code>.", None, True)
            draft.add_first(identifier)
            draft.primary_key = ["id"]
            singular = name.removesuffix("s")
            inner.append(
                Column(
                    f"{singular}_id", "TEXT", f"The {singular} to which the row belongs.", None, True, name
                )
            )
        else:
            plan.local_id = False
            draft.primary_key = [*key_names, "position"]
        draft.add(position)
        if not plan.local_id and any(child.get("x-table") for child in items["properties"].values()):
            inner.append(
                Column(
                    f"{name.removesuffix('s')}_position",
                    "INTEGER",
                    "Position of the row's owner.",
                    None,
                    True,
                )
            )
        nested_owner = _Owner(owner.kind, owner.record_column, owner.table, tuple(inner))
        properties = dict(items["properties"])
        if plan.local_id:
            properties = {"code": properties.pop("id"), **properties}
        item = {**items, "properties": properties}
        required = set(items.get("required", ())) | ({"code"} if plan.local_id else set())
        self._fields(item, (), "", draft, plan, nested_owner, required)
        if plan.local_id:
            for index, one in enumerate(plan.fields):
                if one.column == "code":
                    plan.fields[index] = Field("code", ("id",))

    def _column(self, name: str, node: Node, required: bool) -> Column:
        references = None
        if node.get("x-arm"):
            name, references = f"{name}_id", "arms"
        elif "x-references" in node:
            kind = node["x-references"]
            references = self.table_of(kind)
            name = node.get("x-column", name if name.endswith("_id") else f"{name}_id")
        else:
            name = node.get("x-column", name)
        sql_type = _SQL_TYPES[node.get("type", "string")]
        return Column(
            name,
            sql_type,
            node.get("description", ""),
            node.get("x-unit"),
            required,
            references,
            _check(name, node),
        )


@dataclass(frozen=True, slots=True)
class _Owner:
    kind: str
    record_column: str
    table: str
    inner: tuple[Column, ...] = ()

    @property
    def singular(self) -> str:
        return self.record_column.removesuffix("_id")


@dataclass
class _Draft:
    name: str
    description: str
    kind: str | None
    columns: dict[str, Column] = field(default_factory=dict)
    primary_key: list[str] = field(default_factory=list)

    def add(self, column: Column) -> None:
        self.columns.setdefault(column.name, column)

    def add_first(self, column: Column) -> None:
        if column.name not in self.columns:
            self.columns = {column.name: column, **self.columns}

    def finish(self) -> Table:
        return Table(
            self.name, self.description, tuple(self.columns.values()), tuple(self.primary_key), self.kind
        )


def _check(name: str, node: Node) -> str | None:
    if "enum" in node:
        return f"{name} IN ({', '.join(_literal(value) for value in node['enum'])})"
    if node.get("type") == "boolean":
        return f"{name} IN (0, 1)"
    if node.get("type") == "array":
        # Older SQLite calls NULL invalid instead of unknown.
        return f"{name} IS NULL OR json_valid({name})"
    bounds = [
        f"{name} {operator} {node[keyword]:g}"
        for keyword, operator in (
            ("minimum", ">="),
            ("exclusiveMinimum", ">"),
            ("maximum", "<="),
            ("exclusiveMaximum", "<"),
        )
        if keyword in node
    ]
    return " AND ".join(bounds) or None


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def render_tables(layout: Layout) -> str:
    """Text of `schema/tables.sql`."""
    parts = [
        "-- The tables of ldn.db, written from the record schemas by `make generated`; edit schema/*.schema.json.\n"
        "-- Every table is STRICT and clustered by its key; what a column means stands in Datasette and in metadata.yml.\n"
    ]
    parts += [_render_table(table) for table in layout.tables.values()]
    return "\n".join(parts)


def _render_table(table: Table) -> str:
    width = max(len(column.name) for column in table.columns)
    lines = []
    for column in table.columns:
        words = [f"{column.name:<{width}}", column.sql_type]
        if table.primary_key == (column.name,):
            words.append("PRIMARY KEY")
        if column.required or column.name in table.primary_key:
            words.append("NOT NULL")
        if column.check:
            words.append(f"CHECK ({column.check})")
        if column.references:
            words.append(f"REFERENCES {column.references} (id)")
        lines.append("    " + " ".join(words))
    if len(table.primary_key) > 1:
        lines.append(f"    PRIMARY KEY ({', '.join(table.primary_key)})")
    text = (
        f"-- {table.description}\nCREATE TABLE {table.name} (\n"
        + ",\n".join(lines)
        + "\n) STRICT, WITHOUT ROWID;\n"
    )
    for indexed in _indexed(table):
        text += f"CREATE INDEX {table.name}_by_{indexed} ON {table.name} ({indexed});\n"
    return text


_FILTERED = {
    "studies": ("design", "year", "verification_depth"),
    "conditions": ("evidence_tier", "direction", "category"),
    "trials": ("status",),
    "claims": ("verdict",),
    "outcomes": ("domain", "direction", "role"),
    "arms": ("dose_class",),
}


def _indexed(table: Table) -> Iterator[str]:
    """Columns with an index of their own: foreign keys that do not lead the primary key, and common filters."""
    for column in table.columns:
        leads = table.primary_key[0] == column.name
        if (column.references and not leads) or column.name in _FILTERED.get(table.name, ()):
            yield column.name

"""Rows from records, by the plans of the layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

import orjson

from ldn_evidence.store.layout import Field, Layout, RowPlan

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
Keys = dict[str, Any]
CITATION_TARGETS = (
    "study", "trial", "source", "condition", "mechanism", "adverse_effect",
    "interaction", "precaution", "dosing", "pharmacology", "regulatory",
)  # fmt: skip

# The value of a column from that of a field and the id of its record.
_Convert = Callable[[Any, str], Any]


class RowMaker:
    """Compiled once; turns a record into rows of its tables.

    Attributes:
        columns: Table -> names of the columns in the order of the rows.
    """

    def __init__(self, layout: Layout) -> None:
        self.columns = layout.column_names
        self._layout = layout
        self._emitters = {kind: self._emit_items(plan, kind) for kind, plan in layout.plans.items()}

    def rows(self, kind: str, records: Iterable[Mapping[str, Any]]) -> Rows:
        """Table -> rows of records of a kind, in their order."""
        rows: Rows = defaultdict(list)
        emit = self._emitters[kind]
        for record in records:
            emit(record, record.get("id", ""), {}, rows)
        return rows

    def _emit_items(self, plan: RowPlan, kind: str) -> Callable[[Mapping[str, Any], str, Keys, Rows], None]:
        """Compile how one item becomes one row and the rows of its children."""
        table = plan.table
        # Every column is there before it is known, for to take out what may be missing costs three times as much.
        empty = dict.fromkeys(self.columns[table])
        in_order = itemgetter(*empty)
        # Most columns are fields of the item under the same name; the others are read from where they stand.
        places: dict[tuple[str, ...], list[tuple[str, str, _Convert | None]]] = defaultdict(list)
        for one in plan.fields:
            convert = _conversion(one)
            if one.steps != (one.column,) or convert is not None:
                places[one.steps[:-1]].append((one.column, one.steps[-1], convert))
        readers = [
            (steps, fields, dict.fromkeys(column for column, _, _ in fields))
            for steps, fields in places.items()
        ]
        children = [(child, self._emit_lists(child, kind)) for child in plan.children]

        def emit(item: Mapping[str, Any], record_id: str, keys: Keys, rows: Rows) -> None:
            values = {**empty, **item, **keys}
            for steps, fields, nothing in readers:
                place: Any = item
                for step in steps:
                    place = place.get(step)
                    if place is None:
                        values.update(nothing)
                        break
                else:
                    for column, field, convert in fields:
                        value = place.get(field)
                        if value is not None and convert is not None:
                            value = convert(value, record_id)
                        values[column] = value
            rows[table].append(in_order(values))
            for child, emit_child in children:
                found: Any = item
                for step in child.steps:
                    found = found.get(step)
                    if found is None:
                        break
                if found is not None or child.first_from:
                    emit_child(found or (), record_id, keys, rows, item)

        return emit

    def _emit_lists(
        self, plan: RowPlan, kind: str
    ) -> Callable[[Any, str, Keys, Rows, Mapping[str, Any]], None]:
        """Compile how the array of a child table becomes rows."""
        if plan.table == "citations":
            return self._emit_citations(plan, kind)
        columns, table, constant = self.columns[plan.table], plan.table, plan.constant
        owner_column = f"{self._layout.singular(kind)}_id"
        singular = plan.table.removesuffix("s")

        def keys_of(record_id: str, keys: Keys) -> Keys:
            inner = {name: value for name, value in keys.items() if name not in ("id", "position")}
            return {**inner, **constant, owner_column: record_id}

        if plan.scalar is not None:
            scalar, first_from = plan.scalar, plan.first_from

            def emit_values(
                items: Any, record_id: str, keys: Keys, rows: Rows, owner: Mapping[str, Any]
            ) -> None:
                here = keys_of(record_id, keys)
                for position, value in enumerate([owner[first_from], *items] if first_from else items):
                    here["position"], here[scalar] = position, value
                    rows[table].append(tuple(map(here.get, columns)))

            return emit_values

        emit_item = self._emit_items(plan, kind)
        local_id = plan.local_id

        def emit(items: Any, record_id: str, keys: Keys, rows: Rows, owner: Mapping[str, Any]) -> None:
            base = keys_of(record_id, keys)
            for position, item in enumerate(items):
                here = {**base, "position": position, f"{singular}_position": position}
                if local_id:
                    here["id"] = here[f"{singular}_id"] = f"{record_id}--{item['id']}"
                emit_item(item, record_id, here, rows)

        return emit

    def _emit_citations(
        self, plan: RowPlan, kind: str
    ) -> Callable[[Any, str, Keys, Rows, Mapping[str, Any]], None]:
        columns = self.columns["citations"]
        targets = [(target, f"{target}_id") for target in CITATION_TARGETS]

        def emit(items: Any, record_id: str, keys: Keys, rows: Rows, owner: Mapping[str, Any]) -> None:
            # `citations` of the record itself, `citations.for.0` of the first point in favour, and so on.
            parts = [str(keys[name]) for name in ("stance", "position") if keys.get(name) is not None]
            place = ".".join([*plan.steps, *parts])
            for position, citation in enumerate(items):
                values = {
                    **citation,
                    "record_kind": kind,
                    "record_id": record_id,
                    "place": place,
                    "position": position,
                }
                for target, column in targets:
                    values[column] = citation.get(target)
                rows["citations"].append(tuple(map(values.get, columns)))

        return emit


def _conversion(one: Field) -> _Convert | None:
    """What makes a field's value that of its column; None where it is the same."""
    if one.arm:
        return _arm_key
    return _as_json if one.as_json else None


def _arm_key(arm: Any, record_id: str) -> str:
    return f"{record_id}--{arm}"


def _as_json(value: Any, record_id: str) -> str:
    return orjson.dumps(value).decode()

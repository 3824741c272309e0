"""From printed text to typed values, as the schema says.

The reader leaves every scalar as it is printed. Here a field whose schema says `integer`, `number` or `boolean`
becomes one, if its text is written plainly; anything else stays text and is then refused by the schema. A number
whose printed form says more than its value (4.50, 12.0) keeps that form in a `printed` mapping of the same object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ldn_evidence.schemas import Node

_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,14})\Z")
_NUMBER = re.compile(r"(?!-0\Z)-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z")
_BOOLEANS = {"true": True, "false": False}

PRINTED = "printed"

Typer = Callable[[Any, list[tuple[dict[str, Any], str, str]]], None]
"""Converts what is in an object or a list, and puts the numbers down whose printed form says more than their value."""


def compile_typer(node: Node) -> Typer | None:
    """Compile the conversion for an object or a list; None when nothing in it needs converting."""
    match node.get("type"):
        case "object":
            return _object_typer(node)
        case "array":
            return _array_typer(node)
    return None


def apply_types(record: Any, typer: Typer | None) -> list[tuple[dict[str, Any], str, str]]:
    """Convert a tree of text in place.

    Returns:
        Numbers whose printed form the stored value does not say: (object, field, printed text). They are put into
        the record by `keep_printed_forms` once the schema has seen the record without them.
    """
    printed: list[tuple[dict[str, Any], str, str]] = []
    if typer is not None:
        typer(record, printed)
    return printed


def keep_printed_forms(printed: list[tuple[dict[str, Any], str, str]]) -> None:
    """Write the printed forms beside the values, as `printed: {field: text}` in the same object."""
    for container, field, text in printed:
        container.setdefault(PRINTED, {})[field] = text


def _object_typer(node: Node) -> Typer | None:
    properties = node.get("properties", {})
    leaves = {name: leaf for name, child in properties.items() if (leaf := _LEAVES.get(child.get("type")))}
    typers = {
        name: typer
        for name, child in properties.items()
        if name not in leaves and (typer := compile_typer(child))
    }
    if not leaves and not typers:
        return None

    def convert(value: Any, printed: list[tuple[dict[str, Any], str, str]]) -> None:
        if not isinstance(value, dict):
            return
        for name, text in value.items():
            if name in leaves:
                if isinstance(text, str):
                    typed = value[name] = leaves[name](text)
                    # 26.0 is stored like 26, so its digit after the point would be lost too.
                    if type(typed) is float and (repr(typed) != text or typed.is_integer()):
                        printed.append((value, name, text))
            elif name in typers:
                typers[name](text, printed)

    return convert


def _array_typer(node: Node) -> Typer | None:
    items = node.get("items", {})
    leaf = _LEAVES.get(items.get("type"))
    typer = compile_typer(items)
    if typer is None and leaf is None:
        return None

    def convert(value: Any, printed: list[tuple[dict[str, Any], str, str]]) -> None:
        if not isinstance(value, list):
            return
        for index, item in enumerate(value):
            if typer is not None:
                typer(item, printed)
            elif leaf is not None and isinstance(item, str):
                value[index] = leaf(item)

    return convert


# Most numbers of records are small, and the same ones come again and again.


@lru_cache(maxsize=4096)
def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.match(text) else text


@lru_cache(maxsize=4096)
def _number(text: str) -> float | str:
    if not _NUMBER.match(text):
        return text
    # A whole number stays an integer here: 4 is printed as 4, and JSON Schema counts it as a number.
    return float(text) if "." in text else int(text)


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text, text)


_LEAVES: Mapping[str | None, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}

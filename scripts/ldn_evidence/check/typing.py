"""From printed text to typed values, as the schema says.

The reader leaves every scalar as it is printed. Here a field whose schema says `integer`, `number` or `boolean`
becomes one, if its text is written plainly; anything else stays text and is then refused by the schema. A number
whose printed form says more than its value (4.50, 12.0) keeps that form in a `printed` mapping of the same object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ldn_evidence.schemas import Node

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z")
_BOOLEANS = {"true": True, "false": False}

PRINTED = "printed"

Typer = Callable[[Any, list[tuple[dict[str, Any], str, str]]], Any]


def compile_typer(node: Node) -> Typer | None:
    """Compile the conversion for one schema node; None when nothing below it needs converting."""
    match node.get("type"):
        case "object":
            return _object_typer(node)
        case "array":
            return _array_typer(node)
        case "integer":
            return _integer
        case "number":
            return _number
        case "boolean":
            return _boolean
    return None


def apply_types(record: Any, typer: Typer | None) -> list[tuple[dict[str, Any], str, str]]:
    """Convert a tree of text in place.

    Returns:
        Numbers whose printed form differs from the value's own: (object, field, printed text). They are put into
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
    typers = {
        name: typer for name, child in node.get("properties", {}).items() if (typer := compile_typer(child))
    }
    if not typers:
        return None

    def convert(value: Any, printed: list[tuple[dict[str, Any], str, str]]) -> Any:
        if not isinstance(value, dict):
            return value
        for name, text in value.items():
            typer = typers.get(name)
            if typer is None:
                continue
            typed = value[name] = typer(text, printed)
            if type(typed) is float and repr(typed) != text:
                printed.append((value, name, text))
        return value

    return convert


def _array_typer(node: Node) -> Typer | None:
    typer = compile_typer(node.get("items", {}))
    if typer is None:
        return None

    def convert(value: Any, printed: list[tuple[dict[str, Any], str, str]]) -> Any:
        if isinstance(value, list):
            for index, item in enumerate(value):
                value[index] = typer(item, printed)
        return value

    return convert


def _integer(text: Any, printed: object) -> Any:
    return int(text) if isinstance(text, str) and _INTEGER.match(text) else text


def _number(text: Any, printed: object) -> Any:
    if not isinstance(text, str) or not _NUMBER.match(text):
        return text
    # A whole number stays an integer here: 4 is printed as 4, and JSON Schema counts it as a number.
    return float(text) if "." in text else int(text)


def _boolean(text: Any, printed: object) -> Any:
    return _BOOLEANS.get(text, text) if isinstance(text, str) else text

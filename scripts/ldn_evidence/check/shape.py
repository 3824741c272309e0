"""Stage "shape": a typed record against its JSON Schema, in messages that a curator can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs

from ldn_evidence.check.finding import Finding, Path
from ldn_evidence.check.meant import (
    day_hint,
    identifier_hint,
    list_hint,
    month_hint,
    number_hint,
    odd_letter,
    truth_hint,
    words_hint,
)
from ldn_evidence.problems import suggest
from ldn_evidence.schemas import Node, Schemas, walk

_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number such as 12 (no sign +, leading zero, exponent or thousands mark)",
    "number": "a number such as 4.5 (no leading zero, bare point, exponent or thousands mark)",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of fields to values",
}


_HINTS: dict[str, Callable[[str, str], str]] = {
    "id-format": words_hint,
    "day-format": lambda text, _: day_hint(text),
    "date-format": lambda text, _: day_hint(text) or month_hint(text),
    **dict.fromkeys(
        ("pmid-format", "doi-format", "registry-number-format", "hgnc-symbol-format"), identifier_hint
    ),
    "pmcid-format": lambda text, pattern: identifier_hint(f"PMC{text}" if text.isdigit() else text, pattern),
}
_MOST_OWNERS = 3
# The pattern of texts that may say anything.
_NOT_BLANK = r"\S"


class ShapeChecker:
    """Compiled validators, one a kind."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._validators: dict[str, Any] = {}

    def findings(self, kind: str, record: dict[str, Any]) -> list[Finding]:
        """Every violation of the kind's schema by a typed record."""
        validator = self._validators.get(kind)
        if validator is None:
            validator = jsonschema_rs.validator_for(self._schemas.record(kind), validate_formats=True)
            self._validators[kind] = validator
        if validator.is_valid(record):
            return []
        findings: list[Finding] = []
        for error in validator.iter_errors(record):
            findings.extend(_explain(error, self._schemas.record(kind), record))
        if other := self._kind_that_fits(kind, record):
            message = f"found the fields of a record of {other}; move the file to data/{other}/"
            return [Finding((), message, "record-folder")]
        return _first_cause(findings)

    def _kind_that_fits(self, kind: str, record: dict[str, Any]) -> str | None:
        """The one other kind whose records have exactly these fields, for a record that is none of its own kind."""
        fitting = [
            other
            for other in self._schemas.kinds
            if record.keys() <= (schema := self._schemas.record(other))["properties"].keys()
            and record.keys() >= set(schema["required"])
        ]
        return fitting[0] if len(fitting) == 1 and fitting != [kind] else None


def _first_cause(findings: list[Finding]) -> list[Finding]:
    """Of two findings on one value the one that says more.

    What is not written as a date is no day of the calendar either, and the allowed values tell their type.
    """
    misshapen = {finding.path for finding in findings if finding.rule != "date-exists"}
    not_allowed = {finding.path for finding in findings if finding.rule == "not-allowed-value"}
    # Whoever misnames a target has not left it out.
    misnamed = {finding.path[:-1] for finding in findings if finding.rule == "unknown-field"}
    said = {"date-exists": misshapen, "wrong-type": not_allowed, "exactly-one-target": misnamed}
    return [finding for finding in findings if finding.path not in said.get(finding.rule, ())]


def _explain(error: Any, schema: Node, record: dict[str, Any]) -> Iterator[Finding]:
    path: Path = tuple(error.instance_path)
    parent = _schema_at(schema, list(error.schema_path)[:-1])
    found = _show(error.instance)
    kind = type(error.kind).__name__.removeprefix("ValidationErrorKind_")
    match kind:
        case "AdditionalProperties":
            allowed = sorted(parent.get("properties", {}))
            for name in error.kind.unexpected:
                message = _unknown_field(name, allowed, schema)
                yield Finding((*path, name), message, "unknown-field", at_key=True)
        case "Required":
            name, fields = error.kind.property, parent.get("properties", {})
            # A name that was misspelt is told as such.
            if not any(suggest(other, fields) == name for other in error.instance.keys() - fields.keys()):
                yield Finding(path, _missing_field(name, fields.get(name, {})), "missing-field")
        case "Type":
            expected = parent.get("type", "")
            message = f"found {found}; must be {_TYPE_WORDS.get(expected, expected)}"
            if isinstance(error.instance, str):
                message += _meant_by(error.instance, parent)
            elif isinstance(error.instance, dict) and expected == "string":
                message += '; put a text that holds ": " in quotes'
            yield Finding(path, message, "wrong-type")
        case "Enum":
            yield Finding(path, _not_allowed(error.instance, parent["enum"]), "not-allowed-value")
        case "Pattern" if parent["pattern"] == _NOT_BLANK:
            if error.instance:  # otherwise that has been said
                yield Finding(path, "found only spaces; leave the field out", "empty-value")
        case "Pattern":
            rule = parent.get("x-rule", "malformed-value")
            message = (
                f"found {found}; must look like {_example(schema, error)!r}. {parent.get('description', '')}"
            )
            if hint := _HINTS.get(rule):
                message += hint(error.instance, parent["pattern"])
            yield Finding(path, message, rule)
        case "Format":
            message = f"found {found}; there is no such day"
            if parent["format"] != "date":
                message = f"found {found}; must be a {parent['format']} such as {_example(schema, error)!r}"
            if re.search(parent.get("pattern", ""), error.instance):  # otherwise that has been said
                yield Finding(path, message, parent.get("x-rule", "malformed-value"))
        case "Minimum" | "Maximum" | "ExclusiveMinimum" | "ExclusiveMaximum":
            words = {
                "Minimum": "at least",
                "Maximum": "at most",
                "ExclusiveMinimum": "greater than",
                "ExclusiveMaximum": "less than",
            }[kind]
            rule = parent.get("x-rule", "out-of-range")
            yield Finding(path, f"found {found}; must be {words} {error.kind.limit:g}", rule)
        case "MinLength" | "MinItems" | "MinProperties":
            field = path[-1] if path else ""
            holder = _schema_at(schema, list(error.schema_path)[:-3]) if path else {}
            cure = "" if field in holder.get("required", ()) else ": leave the field out"
            yield Finding(path, f"found {found}; must not be empty{cure}", "empty-value")
        case "MaxLength":
            length = len(error.instance)
            yield Finding(
                path, f"{length} characters long; at most {error.kind.limit} are allowed", "too-long"
            )
        case "UniqueItems":
            yield Finding(path, "the same item stands in the list twice", "duplicate-item")
        case "OneOfNotValid" | "OneOfMultipleValid" if not isinstance(error.instance, dict):
            pass  # what is wrong is its type
        case "OneOfNotValid" | "OneOfMultipleValid":
            targets = [option["required"][0] for option in parent.get("oneOf", []) if "required" in option]
            named = [name for name in targets if name in error.instance]
            count = "none" if not named else " and ".join(named)
            yield Finding(
                path, f"found {count}; exactly one of {', '.join(targets)} is needed", "exactly-one-target"
            )
        case _:
            yield Finding(path, f"found {found}; {error.message}", "malformed-value")


def _example(schema: Node, error: Any) -> Any:
    """An example of a value; that of an item may stand with its list."""
    steps = list(error.schema_path)[:-1]
    for length in (len(steps), len(steps) - 1):
        examples = _schema_at(schema, steps[:length]).get("examples")
        if examples:
            return examples[0][0] if isinstance(examples[0], list) else examples[0]
    return "?"


def _meant_by(text: str, node: Node) -> str:
    match node.get("type"):
        case "integer" | "number" as expected:
            return number_hint(text, expected == "integer", node.get("x-unit", ""))
        case "boolean":
            return truth_hint(text)
        case "array":
            return list_hint(text)
    return ""


def _schema_at(schema: Any, steps: list[str | int]) -> Any:
    for step in steps:
        schema = schema[step]
    return schema


def _unknown_field(name: str, allowed: list[str], schema: Node) -> str:
    guess = suggest(name, allowed)
    elsewhere = _owners(name, schema)
    if elsewhere and guess is None:
        cure = f"it belongs to {' or '.join(elsewhere)}"
    else:
        cure = f"did you mean {guess!r}?" if guess else f"allowed here: {', '.join(allowed)}"
        if guess and _unit_of(name) - _unit_of(guess):
            cure = f"there is {guess!r}: convert the number, or leave it out and say it in words"
    return f"there is no field {name!r} here; {cure}{odd_letter(name)}"


_UNITS = frozenset("ml kg g mcg ug µg mg l iu days day months month years year hours".split())


def _unit_of(name: str) -> frozenset[str]:
    """The units that the name of a field tells."""
    return _UNITS & set(name.lower().split("_"))


def _owners(name: str, schema: Node) -> list[str]:
    """Where in a record a field of this name stands; none where there are too many places to help."""
    owners = [path[:-1] for path, _ in walk(schema) if path and path[-1] == name]
    shown = [".".join(path).replace(".[]", "[]") or "the record itself" for path in owners]
    return shown if len(shown) <= _MOST_OWNERS else []


def _missing_field(name: str, node: Node) -> str:
    message = f"field {name!r} is missing: {node.get('description', '')}"
    if len(node.get("enum", ())) > 1:
        return f"{message} It is one of {', '.join(map(str, node['enum']))}."
    example = next(iter(node.get("examples", ())), None)
    # Words would be copied; the form of a date or number is what one may not know.
    if example is not None and (
        node.get("pattern", _NOT_BLANK) != _NOT_BLANK or node.get("type") in ("integer", "number", "boolean")
    ):
        return f"{message} It is written as in {f'{name}: {example}'!r}."
    return message


def _not_allowed(value: Any, allowed: list[Any]) -> str:
    guess = suggest(value, allowed) if isinstance(value, str) else None
    hint = f"did you mean {guess!r}? It " if guess else ""
    odd = odd_letter(value) if isinstance(value, str) else ""
    return f"found {_show(value)}; {hint}must be one of {', '.join(map(str, allowed))}{odd and '.'}{odd}"


def _show(value: Any) -> str:
    """A value as the curator wrote it, shortened."""
    if isinstance(value, str):
        text = repr(value if len(value) <= 76 else f"{value[:73]}...")
    elif isinstance(value, dict):
        text = "a mapping" if value else "an empty mapping"
    elif isinstance(value, list):
        text = "a list" if value else "an empty list"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


__all__ = ["Finding", "ShapeChecker"]

"""A new record as a template: every field that the schema knows, explained in place.

Required fields stand open and empty, so that `check` names each one that is still to be filled; all other
fields follow, switched off by a leading `#`. Examples stand in comments only: nothing invented can slip into
the catalogue by being left as it was. What is known of a record beforehand, from an export, stands filled in.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from ldn_evidence.problems import did_you_mean
from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.read.strictness import TYPOGRAPHIC_QUOTES
from ldn_evidence.schemas import SUFFIX, Node, Schemas

LINE_WIDTH = 110
INDENT = "  "


class ScaffoldError(Exception):
    """The record cannot be begun; the message says why."""


def new_record(project: Project, kind: str, id: str) -> Path:
    """Write `data/<kind>/<id>.yml` as a template and return its path.

    Raises:
        ScaffoldError: no such kind, an id of the wrong form, or an id that is or was in use.
    """
    schemas = Schemas(project.schema)
    if kind not in schemas.kinds:
        plural = next(
            (one for one in schemas.kinds if schemas.record(one)["title"].lower() == kind.lower()), ""
        )
        meant = f'; did you mean "{plural}"?' if plural else did_you_mean(kind, schemas.kinds)
        raise ScaffoldError(f"there is no kind of record {kind!r}{meant} (kinds: {', '.join(schemas.kinds)})")
    schema = schemas.record(kind)
    form = schema["properties"]["id"]
    if not re.fullmatch(form["pattern"], id) or len(id) > form["maxLength"]:
        raise ScaffoldError(
            f"{id!r} cannot be an id: lower-case letters, digits and single hyphens, "
            f"at most {form['maxLength']} characters, for example {form['examples'][0]}"
        )
    path = project.data / kind / f"{id}.yml"
    if path.exists():
        raise ScaffoldError(f"{path.relative_to(project.root)} exists already")
    if (kind, id) in retired_ids(project):
        raise ScaffoldError(f"the id {id} was retired (data/retired.yml) and is never used again")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(template(kind, schema, id))
    return path


def template(
    kind: str, schema: Node, id: str, values: Mapping[str, Any] | None = None, remarks: Iterable[str] = ()
) -> str:
    """The text of a new record of `kind` under its schema (references resolved).

    Args:
        kind: Kind of the record.
        schema: Its schema.
        id: Its identifier.
        values: Fields that are known already.
        remarks: What else is known, for a comment at the top.
    """
    known = {"id": id, **(values or {})}
    head = [
        f"# yaml-language-server: $schema=../../schema/{kind}{SUFFIX}",
        *_wrapped(f"{schema['title']}: {schema['description']}"),
        "# Fields that stand open are required. To use another one, take the first # away from its lines.",
        *(line for remark in remarks for line in _wrapped(f"- {remark}")),
        "",
    ]
    body: list[str] = []
    for name, field in _in_use_first(schema, known):
        lines = [*_comment(field), *_field(name, field, known.get(name))]
        if name != "id" and name in known and not isinstance(known[name], Mapping):
            lines = list(_field(name, field, known[name]))
            if body and _is_filled(body[-2:]):
                body.pop()
        elif not _is_required(schema, name) and name not in known:
            lines = _switched_off(lines)
        body += [*lines, ""]
    return "\n".join([*head, *body]).rstrip("\n") + "\n"


def _is_filled(lines: list[str]) -> bool:
    """Whether a field that is filled in has just ended, so that the next one needs no gap."""
    return (
        len(lines) == 2
        and not lines[1]
        and not lines[0].lstrip().startswith("#")
        and lines[0][-1] not in ":-"
    )


def _field(name: str, field: Node, value: Any = None) -> Iterator[str]:
    """The lines of one field, as if it were in use, without its own comment."""
    if isinstance(value, Mapping):
        yield f"{name}:"
        yield from _indented(_members(field, value))
        return
    if value is not None:
        yield from yaml.dump({name: value}, Dumper=_Dumper, allow_unicode=True, width=LINE_WIDTH).splitlines()
        return
    yield f"{name}:"
    if field.get("type") == "object" and "properties" in field:
        yield from _indented(_members(field))
    elif field.get("type") == "array":
        item = field.get("items", {})
        yield from _indented(_list_item(item) if "properties" in item else ["-"])


def _members(schema: Node, known: Mapping[str, Any] | None = None) -> Iterator[str]:
    known = known or {}
    for name, field in _in_use_first(schema, known):
        lines = [*_comment(field), *_field(name, field, known.get(name))]
        yield from lines if name in known or _is_required(schema, name) else _switched_off(lines)


def _list_item(schema: Node) -> Iterator[str]:
    """One item of a list of mappings: the dash goes before its first field, comments above the dash."""
    begun = False
    for line in _members(schema):
        if begun or line.startswith("#"):
            yield INDENT + line if begun else line
        else:
            yield f"- {line}"
            begun = True


class _Dumper(yaml.SafeDumper):
    """Writes values as the records have them: long texts folded, lists indented, no quotes that nobody needs."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


# The schema says the type, so that of all plain words only "no value" needs quotes.
_Dumper.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    if (kept := [row for row in resolvers if row[0] in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")])
}
_LONGEST_PLAIN = LINE_WIDTH - 20


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    folded = len(text) > _LONGEST_PLAIN and " " in text
    quoted = TYPOGRAPHIC_QUOTES.fullmatch(text) is not None
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=">" if folded else "'" if quoted else None
    )


_Dumper.add_representer(str, _text)
_Dumper.add_representer(int, lambda dumper, number: _text(dumper, str(number)))


def _comment(field: Node) -> list[str]:
    """What a curator needs to fill the field: meaning, unit, allowed values, an example."""
    sentences = [field.get("description", "")]
    if "x-unit" in field:
        sentences.append(f"Unit: {field['x-unit']}.")
    values = field.get("enum") or field.get("items", {}).get("enum")
    if values:
        sentences.append(f"One of: {', '.join(map(str, values))}.")
    elif field.get("examples"):
        example = field["examples"][0]
        shown = example if isinstance(example, str) else orjson.dumps(example).decode()
        sentences.append(f"Example: {shown}")
    return _wrapped(" ".join(sentence for sentence in sentences if sentence))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, LINE_WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _in_use_first(schema: Node, known: Mapping[str, Any]) -> list[tuple[str, Node]]:
    """The fields in the schema's order, those that are known or required before the others."""
    return sorted(
        schema.get("properties", {}).items(),
        key=lambda field: not (field[0] in known or _is_required(schema, field[0])),
    )


def _is_required(schema: Node, name: str) -> bool:
    """Whether the field is required, or stands first among several of which one is."""
    choices = [name for choice in schema.get("oneOf", [])[:1] for name in choice.get("required", [])]
    return name in schema.get("required", []) or name in choices


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        yield INDENT + line


def _switched_off(lines: list[str]) -> list[str]:
    return [f"#{line}" for line in lines]


def retired_ids(project: Project) -> set[tuple[str, str]]:
    """(kind, id) of every identifier that was in use once and is never used again."""
    ledger = project.data / "retired.yml"
    if not ledger.exists():
        return set()
    entries = parse(ledger.read_bytes(), "data/retired.yml")["retired"]
    return {(entry["kind"], entry["id"]) for entry in entries}

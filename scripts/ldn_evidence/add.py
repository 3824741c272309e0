"""Draft records from what a curator has: exports of reference managers, PubMed and registries, or bare identifiers.

A draft holds what the export says, word for word, and leaves open what only a reader of the source can fill. Its depth
of reading is `unverified`, so that it counts for nothing before it was read. Nothing is asked of any network.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from ldn_evidence.check import check_project
from ldn_evidence.literature import Entry, MissingReader, NotUnderstood, read_export, read_identifier
from ldn_evidence.plain_letters import without_accents
from ldn_evidence.project import Project
from ldn_evidence.read.files import discover
from ldn_evidence.scaffold import retired_ids, template
from ldn_evidence.schemas import Node, Schemas

# Schemes by which one publication or registration is known wherever it is met.
_SCHEMES = ("pmid", "pmcid", "doi", "registry_number")
_WITHOUT_DECOMPOSITION = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "ß": "ss",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "đ": "d",
        "ð": "d",
        "ı": "i",
    }
)
_LONGEST_ID = 80


class CannotAdd(Exception):
    """An argument is neither a file nor an identifier, or a file cannot be read; the message says which."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one entry.

    Attributes:
        origin: The file and line it came from, or the identifier.
        result: What was done with it.
        file: The record concerned, relative to the project; None when nothing was understood.
        message: Why, in words.
    """

    origin: str
    result: Literal["written", "already there", "not understood"]
    file: str | None
    message: str = ""


def add(project: Project, arguments: Sequence[str], *, dry_run: bool = False) -> Iterator[Added]:
    """Write a draft for each reference and registration that the base does not have.

    Args:
        project: The project.
        arguments: Export files and identifiers.
        dry_run: Say what would be done, and write nothing.

    Returns:
        What became of each entry, in order, as it happens.

    Raises:
        CannotAdd: Before anything is written, when an argument cannot be used at all.
    """
    entries = [(argument, entry) for argument in arguments for entry in _entries(argument)]
    base = _Base(project)
    for argument, entry in entries:
        origin = f"{argument}:{entry.line}" if entry.line else argument
        if isinstance(entry, NotUnderstood):
            yield Added(origin, "not understood", None, entry.message)
            continue
        known = base.find(entry)
        if known is not None:
            yield Added(origin, "already there", *known)
            continue
        draft = base.draft(entry)
        if not dry_run:
            path = project.root / draft.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(draft.text)
        yield Added(origin, "written", draft.file, draft.message)


def _entries(argument: str) -> list[Entry | NotUnderstood]:
    path = Path(argument)
    if path.is_file():
        try:
            return read_export(path)
        except MissingReader as missing:
            raise CannotAdd(str(missing)) from None
    entry = read_identifier(argument)
    if entry is None:
        raise CannotAdd(
            f"{argument}: found neither a file of that name nor an identifier "
            "(PMID 23359310, DOI 10.1002/art.37734, PMCID PMC10789452 or NCT00568555)"
        )
    return [entry]


@dataclass(frozen=True, slots=True)
class _Draft:
    file: str
    text: str
    message: str


@dataclass
class _Base:
    """What the base has already, drafts that are not filled in yet among it."""

    project: Project
    _owners: dict[tuple[str, str], str] = field(default_factory=dict)
    _titles: dict[str, list[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    _bearers: dict[str, list[str]] = field(default_factory=dict)
    _ids: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._schemas = Schemas(self.project.schema)
        self._ids |= retired_ids(self.project)
        checked = check_project(self.project)
        clean = set()
        for record in checked.records:
            clean.add(record.file)
            self._ids.add((record.kind, record.id))
            if record.kind in ("studies", "trials", "sources"):
                self._know(record.kind, record.file, record.decode())
        for found in discover(self.project, self._schemas.kinds).files:
            self._ids.add((found.kind, found.id))
            if found.path not in clean and found.kind in ("studies", "trials", "sources"):
                self._know(found.kind, found.path, _as_far_as_it_goes(self.project.root / found.path))

    def _know(self, kind: str, file: str, record: Mapping[str, Any]) -> None:
        for scheme in _SCHEMES:
            if isinstance(record.get(scheme), str) and record[scheme]:
                self._owners.setdefault((scheme, record[scheme].lower()), file)
        for number in _texts(record.get("other_numbers")):
            self._owners.setdefault(("registry_number", number.lower()), file)
        for number in _texts(record.get("registry")):
            self._bearers.setdefault(number.lower(), []).append(file)
        if kind == "studies" and isinstance(record.get("title"), str):
            self._titles.setdefault(_folded(record["title"]), []).append((file, record))

    def find(self, entry: Entry) -> tuple[str, str] | None:
        """The record that the entry is about, and how that is known; None when the base has none."""
        for scheme in _SCHEMES:
            value = entry.fields.get(scheme)
            file = self._owners.get((scheme, value.lower())) if value else None
            if file is not None:
                return file, f"{_name(scheme)} {value}"
        title = _folded(entry.fields.get("title", ""))
        for file, record in self._titles.get(title, ()) if title else ():
            # A preprint and its paper have one title, and identifiers that differ.
            shared = [s for s in _SCHEMES if record.get(s) and entry.fields.get(s)]
            if not shared:
                return file, "the same title"
        return None

    def draft(self, entry: Entry) -> _Draft:
        """A draft for an entry that the base does not have; from now on it has it."""
        schema = self._schemas.record(entry.kind)
        values, remarks = _fitting(entry, schema)
        id = self._free_id(entry)
        file = f"data/{entry.kind}/{id}.yml"
        bearers = self._bearers.get(str(values.get("registry_number", "")).lower(), ())
        remarks += [f"{bearer} bears this number; if it reports the trial: reported_by" for bearer in bearers]
        self._ids.add((entry.kind, id))
        self._know(entry.kind, file, values)
        message = ""
        if entry.kind == "studies" and not values.get("title"):
            message = "rename it surname-year when the authors are known, before others see it"
        text = template(entry.kind, schema, id, {**values, "verification": {"depth": "unverified"}}, remarks)
        return _Draft(file, text, message)

    def _free_id(self, entry: Entry) -> str:
        stem = _stem(entry)
        for suffix in ("", *(f"-{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")):
            if (entry.kind, stem + suffix) not in self._ids:
                return stem + suffix
        number = 27
        while (entry.kind, f"{stem}-{number}") in self._ids:
            number += 1
        return f"{stem}-{number}"


def _fitting(entry: Entry, schema: Node) -> tuple[dict[str, Any], list[str]]:
    """The fields that the schema takes as they are; what it would refuse becomes a remark."""
    values: dict[str, Any] = {}
    remarks = list(entry.remarks)
    for name, value in entry.fields.items():
        node = schema["properties"][name]
        items = value if isinstance(value, list) else [value]
        item_node = node.get("items", {}) if isinstance(value, list) else node
        kept = [item for item in items if _fits(item, item_node)]
        remarks += [f"{name} in the export: {item}" for item in items if item not in kept]
        if kept:
            values[name] = kept if isinstance(value, list) else kept[0]
    return values, remarks


def _fits(value: Any, node: Node) -> bool:
    if isinstance(value, str):
        return (
            len(value) <= node.get("maxLength", len(value))
            and value in node.get("enum", [value])
            and re.search(node.get("pattern", ""), value) is not None
        )
    return bool(value >= node.get("minimum", value))


def _stem(entry: Entry) -> str:
    """An id: the registry number, surname and year, or the only identifier there is."""
    fields = entry.fields
    if entry.kind == "trials":
        return _kebab(fields["registry_number"])
    name = _kebab(entry.surname) or "-".join(_kebab(fields.get("title", "")).split("-")[:4])
    if name:
        return f"{name[: _LONGEST_ID - 12].strip('-')}-{fields.get('year', 'undated')}"
    for scheme in _SCHEMES:
        if scheme in fields:
            return _kebab(f"{scheme if scheme != 'pmcid' else ''} {fields[scheme]}")[: _LONGEST_ID - 5].strip(
                "-"
            )
    return f"untitled-{fields.get('year', 'undated')}"


def _kebab(text: str) -> str:
    letters = without_accents(text.translate(_WITHOUT_DECOMPOSITION)).lower()
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"['’]", "", letters)).strip("-")


def _folded(title: str) -> str:
    """A title without what exports differ in: case, accents, punctuation."""
    decomposed = unicodedata.normalize("NFKD", title.translate(_WITHOUT_DECOMPOSITION).casefold())
    return "".join(c for c in decomposed if c.isalnum())


def _name(scheme: str) -> str:
    return "registry number" if scheme == "registry_number" else scheme.upper()


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _as_far_as_it_goes(path: Path) -> Mapping[str, Any]:
    """A record that has problems, such as a draft whose required fields are still open; nothing where it is no YAML."""
    try:
        record = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return record if isinstance(record, dict) else {}


__all__ = ["Added", "CannotAdd", "add"]

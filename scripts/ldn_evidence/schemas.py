"""The record schemas: loaded once, references resolved, ready for typing, validation and table layout.

`schema/<kind>.schema.json` (JSON Schema 2020-12) is the one definition of a record kind. Beside the standard
keywords the files use a few annotations:

    x-singular     the kind's name for one record, as foreign keys use it
    x-table        rows of this array go to that child table
    x-table-description  what that table holds, where rows of several arrays go to it
    x-column       name of the column, where it differs from the field's own name
    x-constant     columns that every row of this array carries with the same value
    x-first-from   the field of the owner whose value is the first row of this array
    x-primary-key  the columns that are the key of a computed table
    x-references   the string is the id of a record of that kind, or of a row of that table
    x-arm          the string is the code of an arm of the same record
    x-codes        for each scheme of identifiers, the form of its codes and one of them
    x-vocabulary   the allowed values are the terms of that vocabulary
    x-unit         unit of a number
    x-rule         name under which a violation of this node is reported
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

Node = Mapping[str, Any]

_NOT_RECORD_KINDS = frozenset({"common", "terms", "retired", "computed"})
SUFFIX = ".schema.json"
# An editor takes a text of digits (a PMID, a volume, a p) for a number; here it is the text that it shows.
_TEXT_OF_DIGITS = ["string", "number"]


class SchemaError(Exception):
    """A schema file is missing, is not JSON, or refers to a definition that does not exist."""


@dataclass(frozen=True)
class Schemas:
    """All schema files of a project.

    Attributes:
        directory: The project's `schema/` folder.
    """

    directory: Path

    @cached_property
    def documents(self) -> dict[str, dict[str, Any]]:
        """Every schema document by its short name (`studies`, `common`, ...), as written."""
        documents = {}
        for path in sorted(self.directory.glob(f"*{SUFFIX}")):
            try:
                documents[path.name.removesuffix(SUFFIX)] = json.loads(path.read_bytes())
            except ValueError as error:
                raise SchemaError(f"{path}: not valid JSON: {error}") from None
        if not documents:
            raise SchemaError(f"{self.directory}: no *{SUFFIX} file found")
        return documents

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Record kinds, sorted: the names of the folders under `data/`."""
        return tuple(sorted(set(self.documents) - _NOT_RECORD_KINDS))

    @cached_property
    def _resolved(self) -> dict[str, dict[str, Any]]:
        return {}

    def record(self, kind: str) -> dict[str, Any]:
        """Schema of one record kind with every reference replaced by its definition."""
        if kind not in self._resolved:
            self._resolved[kind] = self._resolve(self.documents[kind], kind)
        return self._resolved[kind]

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever any file in the schema folder changes."""
        digest = blake2b(digest_size=16)
        for path in sorted(self.directory.iterdir()):
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def _resolve(self, node: Any, document: str) -> Any:
        if isinstance(node, list):
            return [self._resolve(item, document) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            resolved = {key: self._resolve(value, document) for key, value in node.items()}
            if resolved.get("type") == _TEXT_OF_DIGITS:
                resolved["type"] = "string"
            return resolved
        file, _, pointer = node["$ref"].partition("#")
        target_document = file.removesuffix(SUFFIX) or document
        target: Any = self.documents.get(target_document)
        for step in pointer.strip("/").split("/"):
            target = target.get(step) if isinstance(target, dict) else None
        if target is None:
            raise SchemaError(f"schema/{document}{SUFFIX}: $ref to {node['$ref']} leads nowhere")
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return {**self._resolve(target, target_document), **self._resolve(siblings, document)}


def walk(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every property node of a resolved schema, with its path; `[]` stands for any item of an array."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, (*path, name))
    if isinstance(node.get("items"), dict):
        yield from walk(node["items"], (*path, "[]"))

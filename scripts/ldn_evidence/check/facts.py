"""From one typed record to the facts that the rest of the catalogue needs of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from ldn_evidence.check.catalogue_rules import Facts
from ldn_evidence.check.shape import Path
from ldn_evidence.schemas import Node

_UNIQUE = {
    "studies": ("pmid", "pmcid", "doi"),
    "trials": ("registry_number",),
    "sources": ("pmid", "doi"),
    "conditions": (),
}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SHORTEST_SENTENCE = 60
# Read from the source, or a stock phrase: two records may say the same.
_NOT_PROSE = frozenset(
    """
    title title_note population instrument_note name term label journal funding authors dose_note
    timepoint query facts components limitations read second_look comparator_note scope
    competing_interests synonyms identifier_note registry_number research_group design status_note results_note
    other_identifiers
    """.split()
)


References = list[tuple[str, str, Path]]
Sentences = list[tuple[str, Path]]
_Collector = Callable[[Any, Path, References, Sentences], None]


class FactFinder:
    """Compiled for one record kind: where its references stand."""

    def __init__(self, kind: str, schema: Node) -> None:
        self._kind = kind
        # A search log repeats itself.
        self._collect = _compile(schema, "", kind != "searches")

    def facts(self, file: str, record: dict[str, Any]) -> Facts:
        """Gather the facts of one checked record."""
        references: References = []
        sentences: Sentences = []
        if self._collect is not None:
            self._collect(record, (), references, sentences)
        unique = _UNIQUE.get(self._kind, ())
        identifiers = [(name, record[name], (name,)) for name in unique if name in record]
        return Facts(file, self._kind, record["id"], references, identifiers, sentences, self._traits(record))

    def _traits(self, record: dict[str, Any]) -> dict[str, Any]:
        match self._kind:
            case "studies":
                return {
                    "registry": record.get("registry", []),
                    "related": [relation["study"] for relation in record.get("relations", ())],
                    "retracted": record.get("retraction", {}).get("status") == "retracted",
                }
            case "trials":
                numbers = [record["registry_number"], *record.get("other_numbers", ())]
                return {"numbers": numbers, "reported_by": record.get("reported_by", [])}
            case "conditions":
                support = list(_cited("evidence_for", record.get("evidence_for", ())))
                return {"members": record.get("group_of", []), "support": support}
            case "mechanisms":
                rows = enumerate(record.get("supporting", ()))
                return {"support": [[row["study"], ["supporting", i], row["reason"]] for i, row in rows]}
            case "claims":
                rows = enumerate(record["evidence"])
                return {
                    "support": [
                        [row["study"], ["evidence", position], row.get("note", "")]
                        for position, row in rows
                        if row["stance"] == "supports" and "study" in row
                    ]
                }
        return {}


def _cited(field: str, points: Any) -> Iterator[list[Any]]:
    for position, point in enumerate(points):
        for number, citation in enumerate(point["citations"]):
            if "study" in citation:
                note = f"{citation.get('note', '')} {point['statement']}"
                yield [citation["study"], [field, position, "citations", number], note]


def _compile(node: Node, field: str, prose: bool) -> _Collector | None:
    """How references and sentences below a schema node are found; None when there can be none."""
    if "properties" in node:
        return _of_object(node["properties"], prose)
    if "items" in node:
        return _of_array(node["items"], field, prose)
    if "x-references" in node:
        return _of_reference(node["x-references"])
    return _of_text if prose and node.get("type") == "string" and field not in _NOT_PROSE else None


def _of_object(properties: Node, prose: bool) -> _Collector | None:
    collectors = {
        name: collect
        for name, child in properties.items()
        if (collect := _compile(child, name, prose)) is not None
    }

    def collect_all(value: Any, path: Path, references: References, sentences: Sentences) -> None:
        for name, child in value.items():
            if name in collectors:
                collectors[name](child, (*path, name), references, sentences)

    return collect_all if collectors else None


def _of_array(items: Node, field: str, prose: bool) -> _Collector | None:
    collect = _compile(items, field, prose)
    if collect is None:
        return None

    def collect_each(value: Any, path: Path, references: References, sentences: Sentences) -> None:
        for position, child in enumerate(value):
            collect(child, (*path, position), references, sentences)

    return collect_each


def _of_reference(kind: str) -> _Collector:
    def collect(value: Any, path: Path, references: References, sentences: Sentences) -> None:
        references.append((kind, value, path))

    return collect


def _of_text(value: Any, path: Path, references: References, sentences: Sentences) -> None:
    if len(value) < _SHORTEST_SENTENCE:
        return
    for sentence in _SENTENCE.split(value):
        if len(sentence) >= _SHORTEST_SENTENCE:
            digest = blake2b(sentence.strip().lower().encode(), digest_size=9).hexdigest()
            sentences.append((digest, path))

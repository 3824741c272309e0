"""From one typed record to the facts that the rest of the catalogue needs of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ldn_evidence.check.finding import Path
from ldn_evidence.schemas import Node

_UNIQUE = {
    "studies": ("pmid", "pmcid", "doi"),
    "trials": ("registry_number",),
    "sources": ("pmid", "doi"),
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


class RecordFacts(NamedTuple):
    """Of one record, what other records depend on; what is not there is left out.

    Attributes:
        references: Kind -> ids that the record points to.
        identifiers: (scheme, value) of identifiers that only one record may bear.
        sentences: Digests of the descriptive sentences.
        traits: Single facts that particular rules ask for.
    """

    references: Mapping[str, Sequence[str]]
    identifiers: Sequence[tuple[str, str]]
    sentences: Sequence[str]
    traits: Mapping[str, Any]


class Places(NamedTuple):
    """Where the facts of one record stand in it; asked for only when something is wrong.

    Attributes:
        references: (kind, id, path) of everything that the record points to.
        sentences: (digest, path) of the descriptive sentences.
        codes: (scheme, value) of identifiers that do not stand in a field of the scheme's name -> path.
    """

    references: Sequence[tuple[str, str, Path]]
    sentences: Sequence[tuple[str, Path]]
    codes: Mapping[tuple[str, str], Path]


_References = defaultdict[str, list[str]]
_Collector = Callable[[Any, _References, list[str]], None]


class FactFinder:
    """Compiled for one record kind: where its references stand."""

    def __init__(self, kind: str, schema: Node) -> None:
        self._kind = kind
        self._schema = schema
        # A search log repeats itself.
        self._prose = kind != "searches"
        self._collect = _compile(schema, "", self._prose)

    def facts(self, record: dict[str, Any]) -> RecordFacts:
        """Gather the facts of one checked record."""
        references: _References = defaultdict(list)
        sentences: list[str] = []
        if self._collect is not None:
            self._collect(record, references, sentences)
        unique = _UNIQUE.get(self._kind, ())
        identifiers = [(name, record[name]) for name in unique if name in record]
        identifiers += [code for code, _ in _exact_codes(record)] if self._kind == "conditions" else []
        return RecordFacts(references, identifiers, sentences, self._traits(record))

    def places(self, record: dict[str, Any]) -> Places:
        """Find the same references and sentences with their places."""
        references: list[tuple[str, str, Path]] = []
        sentences: list[tuple[str, Path]] = []
        for path, value, node in _leaves(record, self._schema, ()):
            if "x-references" in node:
                references.append((node["x-references"], value, path))
            elif self._prose and _is_prose(node, _field(path)):
                sentences += [(digest, path) for digest in _sentences(value)]
        codes = dict(_exact_codes(record)) if self._kind == "conditions" else {}
        return Places(references, sentences, codes)

    def _traits(self, record: dict[str, Any]) -> dict[str, Any]:
        match self._kind:
            case "studies":
                related = [[relation["study"], relation["type"]] for relation in record.get("relations", ())]
                retracted = record.get("retraction", {}).get("status") == "retracted"
                return _present(registry=record.get("registry"), related=related, retracted=retracted)
            case "trials":
                numbers = [record["registry_number"], *record.get("other_numbers", ())]
                return _present(numbers=numbers, reported_by=record.get("reported_by"))
            case "conditions":
                support = list(_cited("evidence_for", record.get("evidence_for", ())))
                return _present(members=record.get("group_of"), support=support)
            case "mechanisms":
                rows = enumerate(record.get("supporting", ()))
                return _present(support=[[row["study"], ["supporting", i], row["reason"]] for i, row in rows])
            case "adverse-effects":
                rows = enumerate(record.get("frequencies", ()))
                return _present(
                    support=[
                        [row["study"], ["frequencies", i], row.get("note", "")]
                        for i, row in rows
                        if "study" in row
                    ]
                )
            case "claims":
                rows = enumerate(record["evidence"])
                support = [
                    [row["study"], ["evidence", position], row.get("note", "")]
                    for position, row in rows
                    if row["stance"] == "supports" and "study" in row
                ]
                return _present(support=support)
        return {}


def _exact_codes(record: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Path]]:
    """The codes that mean just this condition, with their places."""
    for index, row in enumerate(record.get("identifiers", ())):
        if row["predicate"] == "exact":
            yield (row["scheme"], row["code"]), ("identifiers", index, "code")


def _present(**traits: Any) -> dict[str, Any]:
    """The traits that a record has, for most have few."""
    return {name: value for name, value in traits.items() if value}


def _cited(field: str, points: Any) -> Iterator[list[Any]]:
    for position, point in enumerate(points):
        for number, citation in enumerate(point["citations"]):
            if "study" in citation:
                note = f"{citation.get('note', '')} {point['statement']}"
                yield [citation["study"], [field, position, "citations", number], note]


def _is_prose(node: Node, field: str) -> bool:
    return node.get("type") == "string" and field not in _NOT_PROSE


def _sentences(text: str) -> list[str]:
    """Digests of the sentences that are long enough to be somebody's own."""
    if len(text) < _SHORTEST_SENTENCE:
        return []
    return [
        blake2b(sentence.strip().lower().encode(), digest_size=9).hexdigest()
        for sentence in _SENTENCE.split(text)
        if len(sentence) >= _SHORTEST_SENTENCE
    ]


def _leaves(value: Any, node: Node, path: Path) -> Iterator[tuple[Path, Any, Node]]:
    """Every text, number and so on of a record, with its path and its schema node."""
    if "properties" in node:
        for name, child in value.items():
            if name in node["properties"]:
                yield from _leaves(child, node["properties"][name], (*path, name))
    elif "items" in node:
        for position, child in enumerate(value):
            yield from _leaves(child, node["items"], (*path, position))
    else:
        yield path, value, node


def _field(path: Path) -> str:
    """The field that a value, or the list in which it stands, belongs to."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


# The same leaves without their places, in a fourth of the time.


def _compile(node: Node, field: str, prose: bool) -> _Collector | None:
    """How references and sentences below a schema node are found; None when there can be none."""
    if "properties" in node:
        return _of_object(node["properties"], prose)
    if "items" in node:
        return _of_array(node["items"], field, prose)
    if "x-references" in node:
        return _of_reference(node["x-references"])
    return _of_text if prose and _is_prose(node, field) else None


def _of_object(properties: Node, prose: bool) -> _Collector | None:
    collectors = {
        name: collect
        for name, child in properties.items()
        if (collect := _compile(child, name, prose)) is not None
    }

    find = collectors.get

    def collect_all(value: Any, references: _References, sentences: list[str]) -> None:
        for name, child in value.items():
            collect = find(name)
            if collect is not None:
                collect(child, references, sentences)

    return collect_all if collectors else None


def _of_array(items: Node, field: str, prose: bool) -> _Collector | None:
    collect = _compile(items, field, prose)
    if collect is None:
        return None

    def collect_each(value: Any, references: _References, sentences: list[str]) -> None:
        for child in value:
            collect(child, references, sentences)

    return collect_each


def _of_reference(kind: str) -> _Collector:
    def collect(value: Any, references: _References, sentences: list[str]) -> None:
        references[kind].append(value)

    return collect


def _of_text(value: Any, references: _References, sentences: list[str]) -> None:
    sentences += _sentences(value)

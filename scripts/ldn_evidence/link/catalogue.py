"""Checked records by kind and id.

Records stay encoded until they are asked for, so that a catalogue of any size fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ldn_evidence.check import CheckedCatalogue, CheckedRecord
from ldn_evidence.check.terms import Terms
from ldn_evidence.schemas import Schemas

# A paper of one of these kinds has the same participants as the study that it names.
SAME_PARTICIPANTS = frozenset(
    {
        "secondary_analysis_of",
        "protocol_of",
        "registration_of",
        "preprint_of",
        "conference_version_of",
        "duplicate_of",
        "corrects",
    }
)


class Catalogue:
    """All checked records.

    Attributes:
        terms: The vocabularies.
        schemas: The schemas that the records follow.
    """

    def __init__(self, checked: CheckedCatalogue) -> None:
        self.terms: Terms = checked.terms
        self.schemas: Schemas = checked.schemas
        self._by_kind: dict[str, dict[str, CheckedRecord]] = {}
        for record in checked.records:
            self._by_kind.setdefault(record.kind, {})[record.id] = record

    def ids(self, kind: str) -> list[str]:
        """Identifiers of a kind, sorted."""
        return sorted(self._by_kind.get(kind, {}))

    def __contains__(self, key: tuple[str, str]) -> bool:
        kind, identifier = key
        return identifier in self._by_kind.get(kind, {})

    def record(self, kind: str, identifier: str) -> dict[str, Any]:
        """One record.

        Raises:
            KeyError: There is no such record.
        """
        return self._by_kind[kind][identifier].decode()

    def encoded(self, kind: str) -> Iterator[bytes]:
        """Every record of a kind as JSON, sorted by id."""
        for identifier in self.ids(kind):
            yield self._by_kind[kind][identifier].encoded

    def records(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every record of a kind, sorted by id, decoded one at a time."""
        for identifier in self.ids(kind):
            yield self.record(kind, identifier)

    def records_with(self, kind: str, field: str) -> Iterator[dict[str, Any]]:
        """The records of a kind in which a field of that name stands somewhere; the others are not decoded."""
        name = f'"{field}":'.encode()
        for identifier in self.ids(kind):
            if name in self._by_kind[kind][identifier].encoded:
                yield self.record(kind, identifier)


def trial_units(relations: Mapping[str, list[tuple[str, str]]]) -> dict[str, str]:
    """The study that stands for the trial of each study, so that a trial with several papers counts once.

    Args:
        relations: Study -> (relation type, other study).

    Returns:
        Study -> the study at the end of its chain of "same participants" relations; itself when it has none.
    """
    units: dict[str, str] = {}
    for study in sorted(relations):
        seen = [study]
        current = study
        while True:
            parents = sorted(
                other
                for kind, other in relations.get(current, ())
                if kind in SAME_PARTICIPANTS and other in relations and other not in seen
            )
            if not parents:
                break
            current = parents[0]
            seen.append(current)
        units[study] = current
    return units


def papers_of_unknown(relations: Mapping[str, list[tuple[str, str]]]) -> dict[str, str]:
    """The papers of trials whose main record is missing or has problems.

    Args:
        relations: Study -> (relation type, other study), for every study that can be used.

    Returns:
        Study -> the study that it hangs on by "same participants" relations, directly or not, and that is none of these.
    """
    parents = {
        study: sorted(other for kind, other in related if kind in SAME_PARTICIPANTS)
        for study, related in relations.items()
    }
    unknown: dict[str, str] = {}
    # Each turn goes one step further away from what is unknown.
    while found := {
        study: unknown.get(missing[0], missing[0])
        for study, named in parents.items()
        if study not in unknown
        and (missing := [other for other in named if other not in parents or other in unknown])
    }:
        unknown |= found
    return unknown

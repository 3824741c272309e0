"""What a check gives to the stages that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ldn_evidence.problems import Problem
from ldn_evidence.schemas import Schemas

if TYPE_CHECKING:
    from ldn_evidence.check.terms import Terms


class CheckedRecord(NamedTuple):
    """One record that passed the stages of its own file.

    Attributes:
        kind: Kind of the record.
        id: Identifier.
        file: Path relative to the project.
        encoded: The typed record as JSON; `decode` gives it back.
    """

    kind: str
    id: str
    file: str
    encoded: bytes

    def decode(self) -> dict[str, Any]:
        """The typed record."""
        record: dict[str, Any] = orjson.loads(self.encoded)
        return record


@dataclass(frozen=True)
class CheckedCatalogue:
    """What a check found.

    Attributes:
        records: Records without a problem of their own, sorted by kind and id.
        problems: Everything that is wrong, sorted.
        terms: The vocabularies.
        retired: Rows of `data/retired.yml`.
        digest: Changes whenever a record, a schema or the checking code changes.
    """

    records: Sequence[CheckedRecord]
    problems: Sequence[Problem]
    terms: Terms
    retired: Sequence[dict[str, Any]]
    digest: str
    schemas: Schemas = field(repr=False)

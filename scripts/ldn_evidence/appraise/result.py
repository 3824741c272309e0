"""Everything computed for one condition."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.meta import ConditionPools
from ldn_evidence.appraise.records import StudyFacts
from ldn_evidence.appraise.tiers import Assessment


class ConditionResult(Struct, frozen=True):
    """Everything computed for one condition.

    Attributes:
        condition: The condition's id.
        recorded_tier: Tier in the record.
        recorded_direction: Direction in the record.
        overridden: Whether the record departs from the rule with a reason.
        studies: Facts of its studies.
        pools: Our own estimates and what was looked at for them.
        assessment: What the rule gives.
        counted: Ids of the records that speak for a trial that counts.
        reason: The deciding reason in words.
    """

    condition: str
    recorded_tier: str
    recorded_direction: str
    overridden: bool
    studies: tuple[StudyFacts, ...]
    pools: ConditionPools
    assessment: Assessment
    counted: frozenset[str]
    reason: str


def counted_evidence(
    condition: str, studies: Iterable[StudyFacts], counted: frozenset[str]
) -> list[StudyEvidence]:
    """The evidence that counts, without published pooled estimates."""
    found = (facts.evidence[condition] for facts in studies if facts.id in counted)
    return [evidence for evidence in found if not evidence.is_pooled]

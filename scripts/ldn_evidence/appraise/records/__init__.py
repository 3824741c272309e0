"""From a study's record to what the appraisal needs of it: comparisons with their effects, and what the rule is told.

A record is read once; only small objects are kept. As the data flows: the ``record``, the ``numbers`` of an outcome,
``outcomes``, what the rule is ``told``, ``reviews``, and the ``reader`` that puts them together into ``facts``. Nothing here
decides a tier or a pool: this package says what a record means, in the words of `schema/tiers.yml`. An unknown value stays
unknown.
"""

from __future__ import annotations

from ldn_evidence.appraise.records.facts import (
    Comparison,
    NumberConflict,
    PoolableEffect,
    PooledOutcome,
    ReviewFacts,
    StudyFacts,
    StudyReading,
)
from ldn_evidence.appraise.records.numbers import arm_result, days, printed_effect
from ldn_evidence.appraise.records.reader import StudyReader
from ldn_evidence.appraise.records.record import name_of
from ldn_evidence.appraise.records.told import combined

__all__ = [
    "Comparison",
    "NumberConflict",
    "PoolableEffect",
    "PooledOutcome",
    "ReviewFacts",
    "StudyFacts",
    "StudyReader",
    "StudyReading",
    "arm_result",
    "combined",
    "days",
    "name_of",
    "printed_effect",
]

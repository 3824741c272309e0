"""Facts of a study as bytes, for the time between reading its record and appraising its conditions.

They are made and read by the same run and never leave it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.records import Comparison, PoolableEffect, StudyFacts

_Values = Callable[[Any], tuple[Any, ...]]


def _names(kind: type[Any], but: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in but)


# Plain tuples take a third of the time that objects with their classes take. What holds further objects is last in its
# class, so that the rest can be given by position.
_EVIDENCE = _names(StudyEvidence)
_of_evidence: _Values = attrgetter(*_EVIDENCE)
_of_comparison: _Values = attrgetter(*_names(Comparison, but=("effects",)))
_of_facts: _Values = attrgetter(*_names(StudyFacts, but=("evidence", "comparisons")))


def encode(facts: StudyFacts) -> bytes:
    """The facts as bytes."""
    evidence = [(condition, _of_evidence(one)) for condition, one in facts.evidence.items()]
    comparisons = [
        (
            _of_comparison(comparison),
            [(measure, tuple(effect)) for measure, effect in comparison.effects.items()],
        )
        for comparison in facts.comparisons
    ]
    return pickle.dumps((_of_facts(facts), evidence, comparisons), pickle.HIGHEST_PROTOCOL)


def decode(encoded: bytes) -> StudyFacts:
    """The facts again; only for bytes of this run."""
    values, evidence, comparisons = pickle.loads(encoded)
    of_conditions = {
        condition: StudyEvidence(**dict(zip(_EVIDENCE, one, strict=True))) for condition, one in evidence
    }
    compared = [
        Comparison(*(*others, {measure: PoolableEffect(*effect) for measure, effect in effects}))
        for others, effects in comparisons
    ]
    return StudyFacts(*(*values, of_conditions, tuple(compared)))

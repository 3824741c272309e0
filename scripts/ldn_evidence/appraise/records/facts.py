"""What is kept of a study once its record was read: small objects, and no record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ldn_evidence.appraise.effects import Better
from ldn_evidence.appraise.evidence import StudyEvidence


class PoolableEffect(Struct, frozen=True, array_like=True):
    """What pooling needs of an effect: value and standard error on the analysis scale, and whence they come."""

    analysis_value: float
    standard_error: float
    computed_from: str


class Comparison(Struct, frozen=True, array_like=True):
    """One outcome of one study, as naltrexone compares with something else.

    Attributes:
        outcome: The outcome's key, `<study>--<code>`.
        condition: Condition to which it belongs; None where it belongs to all of the study's.
        domain: Outcome domain.
        role: Rank in the study's plan.
        instrument: Instrument, or None.
        better: Which way is better, or None.
        days: Timepoint in days, or None.
        intervention: Code of the arm on the left, or None.
        comparator: Code of the arm on the right, or None.
        dose_class: Dose class of the arm on the left.
        direction: What the outcome says: `favourable`, `null`, `unfavourable`, `unknown`; None without comparison.
        without: Why no effect could be had, where there is none.
        participants: People in the two arms, where known.
        percent: Whether the numbers are percentages of change and not points of the instrument.
        counts: Events and total of the left arm, then of the right one, where both are known and independent.
        effects: What pooling needs of the effects that have a standard error, by measure; of the printed one where
            there are both.
    """

    outcome: str
    condition: str | None
    domain: str
    role: str
    instrument: str | None
    better: Better | None
    days: float | None
    intervention: str | None
    comparator: str | None
    dose_class: str
    direction: str | None
    without: str
    participants: int | None
    percent: bool
    counts: tuple[int, int, int, int] | None
    effects: Mapping[str, PoolableEffect]


class PooledOutcome(Struct, frozen=True, array_like=True):
    """A pooled outcome of a published review.

    `shown` is the estimate with its interval and the digits that were printed; `says_controlled` holds where its own
    words name placebo or chance.
    """

    outcome: str
    condition: str | None
    domain: str
    role: str
    direction: str | None
    measure: str | None
    value: float | None
    ci_low: float | None
    ci_high: float | None
    shown: str
    trials: int | None
    participants: int | None
    says_controlled: bool


class ReviewFacts(Struct, frozen=True, array_like=True):
    """What a published review pooled; `included` are the trials, by the studies that stand for them."""

    outcomes: tuple[PooledOutcome, ...]
    included: frozenset[str] | None
    is_pooled: bool
    says_low_dose: bool
    says_randomised: bool


class StudyFacts(Struct, array_like=True):
    """What is kept of a study.

    Attributes:
        id: The record's id.
        trial: Id of the study that stands for its trial.
        year: Year, or None.
        design: Design as the record says.
        name: How a sentence calls it: surname and year, or what stands for them.
        conditions: Conditions it bears on.
        is_randomised: Whether chance decided.
        is_corrected: Whether a correction of the paper was published.
        is_mixed: Whether people of its several conditions took part and are not reported apart.
        concludes_on: Conditions on whose benefit a review states a result of its own, pooled or in words.
        review: What it pooled, for a review.
        decided_by: Condition -> domain -> what the deciding outcomes of that domain say.
        evidence: Condition -> what the rule is told; reviews are added later, when what they pooled is known.
        comparisons: Comparisons that may be pooled (randomised trials only).
    """

    id: str
    trial: str
    year: int | None
    design: str
    name: str
    conditions: tuple[str, ...]
    is_randomised: bool
    is_corrected: bool = False
    is_mixed: bool = False
    concludes_on: frozenset[str] = frozenset()
    review: ReviewFacts | None = None
    decided_by: dict[str, dict[str, str]] = field(default_factory=dict)
    evidence: dict[str, StudyEvidence] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()

    @property
    def bears_on(self) -> tuple[str, ...]:
        """Conditions of which it says something that counts or could; none for a study of no people."""
        return self.conditions if self.evidence or self.comparisons or self.review is not None else ()


class NumberConflict(Struct, frozen=True):
    """Printed numbers of one outcome (or of adverse events) that cannot all be right."""

    kind: str
    study: str
    outcome: str | None
    domain: str | None
    reason: str


class StudyReading(Struct):
    """All that one reading of a record gives: facts to keep, rows to write."""

    facts: StudyFacts
    effects: list[dict[str, Any]]
    conflicts: list[NumberConflict]

"""What the engine gives: the trace, the history and the outlook of a condition."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ldn_evidence.appraise.evidence import StudyEvidence


class CriterionResult(Struct, frozen=True):
    """One criterion of a rule: its plain statement, the comparison, the numbers it saw and whose they are."""

    id: str
    statement: str
    needs: str
    inputs: tuple[tuple[str, int], ...]
    satisfied: bool
    studies: tuple[str, ...]
    pools: tuple[str, ...]


class TraceStep(Struct, frozen=True):
    """One rule as it was tried.

    Attributes:
        rule: The rule's id in the rule file.
        about: ``tier`` or ``direction``.
        gives: The tier or direction that the rule gives when it is met.
        statement: The rule in one sentence.
        inputs: Every measure the rule looked at, with its value.
        satisfied: Whether all its criteria are met.
        unmet: Ids of the criteria that are not met.
        studies: Studies that decided: all that its criteria counted when it is met, else those that its unmet
            criteria counted.
        pools: Computed pooled estimates that decided, likewise.
        criteria: The criteria one by one.
    """

    rule: str
    about: str
    gives: str
    statement: str
    inputs: tuple[tuple[str, int], ...]
    satisfied: bool
    unmet: tuple[str, ...]
    studies: tuple[str, ...]
    pools: tuple[str, ...]
    criteria: tuple[CriterionResult, ...]


class SetAside(Struct, frozen=True):
    """A record that counts for nothing, and why.

    Attributes:
        study: The record's id.
        reason: ``retracted``, ``unverified``, ``dose-class``, ``route``, ``not-attributable``,
            ``no-participants``, ``design``, ``role`` or ``same-trial``.
        instead: With ``same-trial``, the record that speaks for the trial.
    """

    study: str
    reason: str
    instead: str | None = None


class Appraisal(Struct, frozen=True):
    """Tier and direction of one condition, with every rule tried up to the one that decided."""

    tier: str
    direction: str
    deciding_rule: str
    deciding_direction_rule: str
    trace: tuple[TraceStep, ...]
    set_aside: tuple[SetAside, ...]


class HistoryPoint(Struct, frozen=True):
    """What the rule gives with the studies published up to ``year``, and which new ones changed it."""

    year: int
    tier: str
    direction: str
    caused_by: tuple[str, ...]


class OutlookChange(Struct, frozen=True):
    """The smallest single new result that changes the tier.

    In ``description`` the mark ``{people}`` stands for ``participants``; ``hypothesis`` is the study but for its size.
    """

    description: str
    hypothesis: StudyEvidence
    participants: int
    tier: str
    direction: str

    @property
    def study(self) -> StudyEvidence:
        """The hypothetical study."""
        return replace(self.hypothesis, participants=self.participants)


class Outlook(Struct, frozen=True):
    """What would raise and what would lower the tier; None where no single result tried does."""

    raises: OutlookChange | None
    lowers: OutlookChange | None


class Assessment(Struct, frozen=True):
    """Appraisal, history and outlook of one condition, computed together."""

    appraisal: Appraisal
    history: tuple[HistoryPoint, ...]
    outlook: Outlook

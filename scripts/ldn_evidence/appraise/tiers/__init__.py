"""The tier engine: evaluates a published rule over a body of evidence. It knows no drug, file or table.

The rule is data (``schema/tiers.yml``): which studies count, what is counted, which counts make which tier.
The engine picks one record to speak for each trial, counts, compares, and keeps a trace. As the data flows:
``rule`` (with ``criteria``), ``selection`` (into a ``body``), ``trace``, ``years``, ``prospects``. Three things follow
from how it is built, for every rule that counts no pooled estimates of its own:

* A tier rule may only ask that measures of favourable evidence are high and measures of opposing evidence low
  (checked in ``TierRule``), so no further null trial raises a tier and no further favourable one lowers it.
* A size that is not known adds to no sum; it is counted apart (``count: unsized``), so that the rule must say
  what it means. It is neither nothing nor a lot.
* Records of one trial count once, and which of them speaks does not depend on the order of the input.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ldn_evidence.appraise.evidence import PooledEvidence, StudyEvidence
from ldn_evidence.appraise.tiers.prospects import outlook_of
from ldn_evidence.appraise.tiers.results import (
    Appraisal,
    Assessment,
    CriterionResult,
    HistoryPoint,
    Outlook,
    OutlookChange,
    SetAside,
    TraceStep,
)
from ldn_evidence.appraise.tiers.rule import RuleError, TierRule
from ldn_evidence.appraise.tiers.selection import Evidence
from ldn_evidence.appraise.tiers.trace import traced
from ldn_evidence.appraise.tiers.years import history_of

__all__ = [
    "Appraisal",
    "Assessment",
    "CriterionResult",
    "HistoryPoint",
    "Outlook",
    "OutlookChange",
    "RuleError",
    "SetAside",
    "TierRule",
    "TraceStep",
    "appraise_condition",
    "assess",
    "history",
    "outlook",
]


def appraise_condition(
    studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule
) -> Appraisal:
    """Tier and direction of one condition, dated and undated studies together, with the trace."""
    evidence = Evidence(studies, pooled, rule)
    return traced(evidence, evidence.body())


def history(
    studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule
) -> tuple[HistoryPoint, ...]:
    """The same rule over what was published up to each year in which something that counts appeared.

    Between two points nothing changed. A study without a year belongs to no year and is in no point, though
    it is in the appraisal. A retracted study is in none either: the history is today's reading of the past,
    not the past's own. A computed pooled estimate enters with its ``year``.
    """
    return history_of(Evidence(studies, pooled, rule))


def outlook(studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule) -> Outlook:
    """The smallest single new result that would raise the tier, and that would lower it, found by trying.

    Published estimates are taken as they are; one that did not weigh the new result may become outdated by it.
    """
    evidence = Evidence(studies, pooled, rule)
    return outlook_of(evidence, evidence.body())


def assess(studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule) -> Assessment:
    """Appraisal, history and outlook together; cheaper than one after the other."""
    evidence = Evidence(studies, pooled, rule)
    body = evidence.body()
    if body.units or body.pools:
        return Assessment(traced(evidence, body), history_of(evidence), outlook_of(evidence, body))
    # Where nothing counts, only what was set aside differs; many conditions are like that.
    if rule.of_nothing is None:
        rule.of_nothing = Assessment(traced(evidence, body), (), outlook_of(evidence, body))
    set_aside = tuple(sorted(evidence.set_aside, key=lambda entry: entry.study))
    nothing = rule.of_nothing
    return replace(nothing, appraisal=replace(nothing.appraisal, set_aside=set_aside))

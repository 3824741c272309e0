"""The smallest single new result that would raise the tier and that would lower it, found by trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.tiers.body import Body, Unit
from ldn_evidence.appraise.tiers.criteria import Values
from ldn_evidence.appraise.tiers.results import Outlook, OutlookChange
from ldn_evidence.appraise.tiers.rule import Hypothesis, tier_of, verdict_of
from ldn_evidence.appraise.tiers.selection import Evidence


def outlook_of(evidence: Evidence, body: Body) -> Outlook:
    """What would raise and what would lower the tier of this body of evidence."""
    rule = evidence.rule
    now = rule.rank[tier_of(body.values(), rule)]
    dates = [item.year for items in (body.units, body.pools) for item in items if item.year is not None]
    year = max(dates) + 1 if dates else None
    raises = lowers = None
    if now < len(rule.tiers) - 1:
        raises = _smallest(evidence, body, rule.raising, year, lambda tier: rule.rank[tier] > now)
    if now > 0:
        lowers = _smallest(evidence, body, rule.lowering, year, lambda tier: rule.rank[tier] < now)
    return Outlook(raises, lowers)


def _with_size(evidence: Evidence, body: Body, study: StudyEvidence) -> Callable[[int], Values]:
    """What gives the values of the body with one more study, of any size."""
    if study.is_pooled or body.pools:
        return lambda size: body.values_with(evidence.weigh(study, size))
    # Its size decides whether a trial is informative; all else about it is the same at every size.
    _, informative = evidence.rule.designs[study.design]
    small, large = evidence.weigh(study, informative - 1), evidence.weigh(study, informative)
    assert isinstance(small, Unit)
    assert isinstance(large, Unit)
    return lambda size: body.values_with_trial(large if size >= informative else small, size)


def _smallest(
    evidence: Evidence,
    body: Body,
    hypotheses: Sequence[Hypothesis],
    year: int | None,
    changed: Callable[[str], bool],
) -> OutlookChange | None:
    """The hypothetical result with the fewest participants that changes the tier; the first of equals.

    Bisection may be used because the tier moves one way only as a trial of given result grows.
    """
    rule = evidence.rule
    best: OutlookChange | None = None
    for hypothesis in hypotheses:
        if best is not None and hypothesis.pooled:
            break
        low, high = 1, rule.largest_hypothetical if best is None else best.participants - 1
        study = hypothesis.study(year)
        if hypothesis.pooled:
            trials = [unit for unit in body.units if unit.profile[0] == "randomised"]
            low = max(1, sum(unit.participants or 0 for unit in trials))
            high = max(low, high)
            included = frozenset(unit.trial for unit in trials)
            study = replace(study, included=included, pooled_trials=max(len(trials), rule.smallest_pool))
        with_size = _with_size(evidence, body, study)
        if high < low or not changed(tier_of(with_size(high), rule)):
            continue
        while low < high:
            middle = (low + high) // 2
            if changed(tier_of(with_size(middle), rule)):
                high = middle
            else:
                low = middle + 1
        best = OutlookChange(hypothesis.description, study, high, *verdict_of(with_size(high), rule))
    return best

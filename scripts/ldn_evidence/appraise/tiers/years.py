"""What the rule gives with the studies published up to each year, and which of them changed it."""

from __future__ import annotations

from collections.abc import Container

from ldn_evidence.appraise.tiers.body import Body
from ldn_evidence.appraise.tiers.results import HistoryPoint
from ldn_evidence.appraise.tiers.rule import verdict_of
from ldn_evidence.appraise.tiers.selection import Evidence


def history_of(evidence: Evidence) -> tuple[HistoryPoint, ...]:
    """One point for each year in which something that counts appeared."""
    points: list[HistoryPoint] = []
    rule = evidence.rule
    earlier = Body(rule)
    before = verdict_of(earlier.values(), rule)
    for year, body in evidence.by_year():
        verdict = verdict_of(body.values(), rule)
        caused: tuple[str, ...] = ()
        if verdict != before:
            caused = _causes(body, sorted(body.studies() - earlier.studies()), verdict)
        points.append(HistoryPoint(year, *verdict, caused))
        before, earlier = verdict, body
    return tuple(points)


def _causes(body: Body, new: list[str], verdict: tuple[str, str]) -> tuple[str, ...]:
    """Which new studies changed the verdict.

    Those without which it would not be what it is; if there are none, those that would have sufficed alone;
    if there are none either, all of them together.
    """
    if len(new) < 2:
        return tuple(new)

    def without(names: Container[str]) -> tuple[str, str]:
        return verdict_of(body.without(names).values(), body.rule)

    needed = [name for name in new if without({name}) != verdict]
    enough = needed or [name for name in new if without(set(new) - {name}) == verdict]
    return tuple(enough or new)

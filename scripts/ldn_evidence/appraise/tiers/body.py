"""The body of evidence: independent studies and pooled estimates that count, with the value of every measure."""

from __future__ import annotations

from collections.abc import Container, Iterable

from msgspec import Struct

from ldn_evidence.appraise.tiers.criteria import OPPOSING, Measure, Profile, Values
from ldn_evidence.appraise.tiers.rule import Positions, TierRule


class Unit(Struct, frozen=True):
    """An independent study, through the one record that speaks for it."""

    id: str
    trial: str
    year: int | None
    participants: int | None
    group: str | None
    profile: Profile
    positions: Positions
    opposes: bool


class Pool(Struct, frozen=True):
    """A pooled estimate, published (``computed`` False, ``id`` is a study's) or ours, where the rule counts those."""

    id: str
    computed: bool
    result: str
    domain: str | None
    participants: int | None
    year: int | None
    included: frozenset[str] | None
    randomised: bool


def _count(unit: Unit, participants: int | None, values: Values, groups: dict[int, frozenset[str]]) -> None:
    """Add a study of this size to the values of the measures, and its group to those known at each place."""
    _, _, trials, sums, unsized, largest, independent = unit.positions
    for position in trials:
        values[position] += 1
    if participants is None:
        for position in unsized:
            values[position] += 1
    else:
        for position in sums:
            values[position] += participants
        for position in largest:
            if participants > values[position]:
                values[position] = participants
    for position in independent:
        known = groups.get(position, frozenset())
        if unit.group is not None:
            known |= {unit.group}
        groups[position] = known
        # Unknown groups may all be one, or any of the known: only those certainly different count.
        values[position] = len(known) or 1


class Body:
    """What counts, independent studies and pooled estimates, with the value of every measure.

    A study is counted when it is added, so that one more costs no second look at the others.
    """

    __slots__ = ("_groups", "_values", "pools", "rule", "units")

    def __init__(self, rule: TierRule, items: Iterable[Unit | Pool] = ()) -> None:
        self.rule = rule
        self.units: list[Unit] = []
        self.pools: list[Pool] = []
        self._values: Values = [0] * len(rule.measures)
        self._groups: dict[int, frozenset[str]] = {}
        for item in items:
            self.add(item)

    def add(self, item: Unit | Pool) -> None:
        """Let one more count."""
        if isinstance(item, Pool):
            self.pools.append(item)
            return
        self.units.append(item)
        _count(item, item.participants, self._values, self._groups)

    def copy(self) -> Body:
        """A body of the same items, to which others can be added."""
        body = Body.__new__(Body)
        body.rule = self.rule
        body.units, body.pools = self.units.copy(), self.pools.copy()
        body._values, body._groups = self._values.copy(), self._groups.copy()
        return body

    def without(self, names: Container[str]) -> Body:
        """A body without the studies of these names."""
        return Body(
            self.rule,
            (
                *(unit for unit in self.units if unit.id not in names),
                *(pool for pool in self.pools if pool.computed or pool.id not in names),
            ),
        )

    def studies(self) -> set[str]:
        """Ids of the studies that count."""
        return {unit.id for unit in self.units} | {pool.id for pool in self.pools if not pool.computed}

    def values(self) -> Values:
        """The value of every measure, in the rule's order; not to be written to."""
        if not self.pools:
            return self._values
        # Whether an estimate stands depends on all else that counts, so these are looked at when all is in.
        values = self._values.copy()
        for measure in self.rule.estimates:
            values[measure.position] = len(self.estimates(measure))
        return values

    def values_with(self, item: Unit | Pool) -> Values:
        """The values if the item counted too; the body stays as it is."""
        body = self.copy()
        body.add(item)
        return body.values()

    def values_with_trial(self, trial: Unit, participants: int) -> Values:
        """The values if the trial counted too, with this size; only for a body without pooled estimates."""
        values = self._values.copy()
        _count(trial, participants, values, self._groups.copy() if trial.positions.groups else {})
        return values

    def estimates(self, measure: Measure) -> list[Pool]:
        """The pooled estimates that a measure counts."""
        return [
            pool
            for pool in self.pools
            if pool.result in measure.results and (not measure.standing or self._stands(pool))
        ]

    def _stands(self, pool: Pool) -> bool:
        """Whether a favourable pooled estimate still stands against the evidence that it did not weigh."""
        if not pool.randomised:
            return False
        unweighed = 0
        for unit in self.units:
            if not unit.opposes:
                continue
            if pool.included is not None:
                weighed = unit.trial in pool.included
            else:
                weighed = unit.year is not None and pool.year is not None and unit.year < pool.year
            if weighed:
                continue
            if unit.participants is None:
                return False
            unweighed += unit.participants
        times = self.rule.unweighed_times
        if unweighed and (pool.participants is None or times * unweighed >= pool.participants):
            return False
        for other in self.pools:
            if other.result not in OPPOSING or _known_smaller(other.participants, pool.participants):
                continue
            same_outcome = other.domain is None or pool.domain is None or other.domain == pool.domain
            # Our own estimate is always of today. A review of unknown year might be the newer one.
            no_older = other.computed or (
                not pool.computed and (other.year is None or pool.year is None or other.year >= pool.year)
            )
            if same_outcome and no_older:
                return False
        return True


def _known_smaller(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one < other

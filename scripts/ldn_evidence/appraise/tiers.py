"""The tier engine: evaluates a published rule over a body of evidence. It knows no drug, file or table.

The rule is data (``schema/tiers.yml``): which studies count, what is counted, which counts make which tier.
The engine picks one record to speak for each trial, counts, compares, and keeps a trace. Three things follow
from how it is built, for every rule that counts no pooled estimates of its own:

* A tier rule may only ask that measures of favourable evidence are high and measures of opposing evidence low
  (checked in ``TierRule``), so no further null trial raises a tier and no further favourable one lowers it.
* A size that is not known adds to no sum; it is counted apart (``count: unsized``), so that the rule must say
  what it means. It is neither nothing nor a lot.
* Records of one trial count once, and which of them speaks does not depend on the order of the input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, NamedTuple

from ldn_evidence.appraise.evidence import PooledEvidence, StudyEvidence

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

_FAVOURABLE = frozenset({"favourable", "improvement_reported"})
_OPPOSING = frozenset({"null", "unfavourable"})
# Of two equal records of one trial the less favourable speaks.
_CAUTION = {"unfavourable": 0, "null": 1, "mixed": 2, "improvement_reported": 3, "favourable": 4}


class RuleError(ValueError):
    """The rule cannot be used; the message names the place in it and what is wrong there."""


# --- results --------------------------------------------------------------------------------------


class CriterionResult(NamedTuple):
    """One criterion of a rule: its plain statement, the comparison, the numbers it saw and whose they are."""

    id: str
    statement: str
    needs: str
    inputs: tuple[tuple[str, int], ...]
    satisfied: bool
    studies: tuple[str, ...]
    pools: tuple[str, ...]


class TraceStep(NamedTuple):
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


class SetAside(NamedTuple):
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


class Appraisal(NamedTuple):
    """Tier and direction of one condition, with every rule tried up to the one that decided."""

    tier: str
    direction: str
    deciding_rule: str
    deciding_direction_rule: str
    trace: tuple[TraceStep, ...]
    set_aside: tuple[SetAside, ...]


class HistoryPoint(NamedTuple):
    """What the rule gives with the studies published up to ``year``, and which new ones changed it."""

    year: int
    tier: str
    direction: str
    caused_by: tuple[str, ...]


class OutlookChange(NamedTuple):
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


class Outlook(NamedTuple):
    """What would raise and what would lower the tier; None where no single result tried does."""

    raises: OutlookChange | None
    lowers: OutlookChange | None


class Assessment(NamedTuple):
    """Appraisal, history and outlook of one condition, computed together."""

    appraisal: Appraisal
    history: tuple[HistoryPoint, ...]
    outlook: Outlook


# --- the rule -------------------------------------------------------------------------------------

_Values = list[int]
_Test = Callable[[_Values], bool]


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    position: int
    count: str
    designs: frozenset[str]
    results: frozenset[str]
    blinded: bool
    informative: bool
    standing: bool

    @property
    def moves_with(self) -> str:
        """``for``, ``against``, ``both`` or ``neither``: whose further evidence can make the measure grow."""
        favourable, opposing = bool(self.results & _FAVOURABLE), bool(self.results & _OPPOSING)
        if favourable and opposing:
            return "both"
        return "for" if favourable else "against" if opposing else "neither"

    def takes(self, profile: _Profile) -> bool:
        design, result, blinded, informative = profile
        return (
            design in self.designs
            and result in self.results
            and (blinded or not self.blinded)
            and (informative or not self.informative)
        )


_Profile = tuple[str, str, bool, bool]  # design class, result, blinded, informative


class _Criterion:
    """A criterion with its test; ``of_nothing`` is its result where everything that it looks at is 0."""

    def __init__(
        self, id: str, statement: str, needs: str, measures: tuple[_Measure, ...], test: _Test
    ) -> None:
        self.id, self.statement, self.needs = id, statement, needs
        self.measures, self.test = measures, test
        self.positions = tuple([measure.position for measure in measures])
        self.looks_at = frozenset(self.positions)
        nothing = [0] * (max(self.positions, default=0) + 1)
        inputs = tuple([(measure.name, 0) for measure in measures])
        self.of_nothing = CriterionResult(id, statement, needs, inputs, test(nothing), (), ())


class _Rule:
    """A rule with its criteria; ``of_nothing`` is its step in a trace where everything that it looks at is 0."""

    def __init__(
        self, id: str, about: str, gives: str, statement: str, criteria: tuple[_Criterion, ...]
    ) -> None:
        self.id, self.about, self.gives, self.statement, self.criteria = id, about, gives, statement, criteria
        self.tests = tuple([criterion.test for criterion in criteria])
        self.positions = tuple(dict.fromkeys(place for each in criteria for place in each.positions))
        self.looks_at = frozenset(self.positions)
        of_nothing = tuple([criterion.of_nothing for criterion in criteria])
        inputs = tuple(dict.fromkeys(pair for result in of_nothing for pair in result.inputs))
        self.of_nothing = self.step(of_nothing, inputs)

    def step(self, results: tuple[CriterionResult, ...], inputs: tuple[tuple[str, int], ...]) -> TraceStep:
        """The step in a trace that these results of its criteria make."""
        unmet = [result for result in results if not result.satisfied]
        deciding = unmet or results
        return TraceStep(
            rule=self.id,
            about=self.about,
            gives=self.gives,
            statement=self.statement,
            inputs=inputs,
            satisfied=not unmet,
            unmet=tuple([result.id for result in unmet]),
            studies=_union([result.studies for result in deciding]),
            pools=_union([result.pools for result in deciding]),
            criteria=results,
        )


class _Hypothesis:
    """A result that the outlook tries."""

    def __init__(self, description: str, study: StudyEvidence) -> None:
        self.description = description
        self.pooled = study.is_pooled
        self._study = study
        self._dated: dict[int | None, StudyEvidence] = {}

    def study(self, year: int | None) -> StudyEvidence:
        """The study as if published in that year; remembered, because few years occur."""
        known = self._dated.get(year)
        if known is None:
            known = self._dated[year] = replace(self._study, year=year)
        return known


class _Positions(NamedTuple):
    """Where in the list of values a unit of one profile is counted.

    All places where one of unknown size is named, those where one of known size is, and the places by what is counted.
    """

    unsized_unit: frozenset[int]
    sized_unit: frozenset[int]
    trials: tuple[int, ...]
    participants: tuple[int, ...]
    unsized: tuple[int, ...]
    largest: tuple[int, ...]
    groups: tuple[int, ...]


_COUNTS = ("trials", "participants", "unsized", "largest", "groups", "estimates")
_COMPARISONS = ("at_least", "more_than", "at_most", "less_than")
_SIGNS = {"at_least": "≥", "more_than": ">", "at_most": "≤", "less_than": "<"}


class TierRule:
    """A tier rule, checked and ready to evaluate.

    Args:
        document: The rule as mappings, lists, strings, integers and booleans, like ``schema/tiers.yml``.

    Raises:
        RuleError: The document lacks a part, names something it does not define, or has a tier rule under
            which more evidence against the treatment could help it or more evidence for it could hurt.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        try:
            self._read(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise RuleError(f"tier rule: part missing or of the wrong shape: {error}") from error

    def _read(self, document: Mapping[str, Any]) -> None:
        self.version = str(document["version"])
        self.thresholds: dict[str, int] = {
            name: _whole(entry["value"], f"thresholds.{name}.value")
            for name, entry in document["thresholds"].items()
        }
        counting = document["counting"]
        self.dose_classes = frozenset(counting["dose_classes"])
        self.routes = frozenset(counting["routes"])
        self.depths = {depth: rank for rank, depth in enumerate(counting["verification_depths"])}
        self.roles = {role: rank for rank, role in enumerate(counting["roles"])}
        self.designs: dict[str, tuple[str, int]] = {}
        for kind, entry in document["designs"].items():
            smallest = self._number(entry["smallest_informative"], f"designs.{kind}")
            self.designs.update((design, (kind, smallest)) for design in entry["is"])
        self.uncontrolled = frozenset(document["uncontrolled_designs"])
        self.blindings = frozenset(document["blinded"]["blinding"])
        self.blinded_comparators = frozenset(document["blinded"]["comparators"])
        self.counts_for = frozenset(document["comparators"]["counts_for"])
        self.counts_against = frozenset(document["comparators"]["counts_against"])
        # Estimates that change with every further trial would let a trial without benefit raise a tier.
        self.counts_computed = "computed" in document["pooled"]["counted"]
        self.smallest_pool = self._number(document["pooled"]["smallest_number_of_trials"], "pooled")
        self.unweighed_times = self._number(document["pooled"]["unweighed_times"], "pooled")
        self.largest_hypothetical = self._number("largest_hypothetical_trial", "outlook")

        self.measures: dict[str, _Measure] = {}
        for name, entry in document["measures"].items():
            self.measures[name] = self._measure(name, len(self.measures), entry)
        self._shared: Mapping[str, Any] = document.get("criteria", {})
        self._criteria: dict[tuple[str, str, str], _Criterion] = {}
        self.tiers = tuple(str(entry["tier"]) for entry in document["tiers"])
        self.tier_rules = self._rules(document["tiers"], "tier", always="for")
        self.direction_rules = self._rules(document["directions"], "direction", always=None)
        # The lowest tier has rank 0.
        self.rank = {tier: rank for rank, tier in enumerate(reversed(self.tiers))}
        self.raising = self._hypotheses(document["outlook"]["raise"])
        self.lowering = self._hypotheses(document["outlook"]["lower"])
        self._positions: dict[_Profile, _Positions] = {}
        self.estimates = tuple(m for m in self.measures.values() if m.count == "estimates")
        self.of_nothing: Assessment | None = None

    def _number(self, value: object, place: str) -> int:
        """A whole number as written, or the threshold of that name."""
        if isinstance(value, str):
            if value not in self.thresholds:
                raise RuleError(f"tier rule: {place}: no threshold is called {value!r}")
            return self.thresholds[value]
        return _whole(value, place)

    def _measure(self, name: str, position: int, entry: Mapping[str, Any]) -> _Measure:
        place = f"measures.{name}"
        unknown = set(entry) - {"meaning", "count", "design", "result", "blinded", "informative", "standing"}
        if unknown:
            raise RuleError(f"tier rule: {place}: unknown field {sorted(unknown)[0]!r}")
        if entry["count"] not in _COUNTS:
            raise RuleError(
                f"tier rule: {place}: count is {entry['count']!r}; must be one of {', '.join(_COUNTS)}"
            )
        for flag in ("blinded", "informative", "standing"):
            # "Not informative" would shrink when a trial grows; only the positive question is safe.
            if entry.get(flag, True) is not True:
                raise RuleError(f"tier rule: {place}: {flag} can only be true or absent")
        results = frozenset(entry["result"])
        if entry.get("standing") and results != {"favourable"}:
            raise RuleError(f"tier rule: {place}: only favourable pooled estimates stand or fall")
        return _Measure(
            name=name,
            position=position,
            count=entry["count"],
            designs=frozenset(entry.get("design", ())),
            results=results,
            blinded=bool(entry.get("blinded")),
            informative=bool(entry.get("informative")),
            standing=bool(entry.get("standing")),
        )

    def _rules(
        self, entries: Sequence[Mapping[str, Any]], about: str, always: str | None
    ) -> tuple[_Rule, ...]:
        rules: list[_Rule] = []
        for entry in entries:
            for rule in entry["rules"]:
                towards = always or rule.get("moves_with")
                criteria = tuple(
                    self._criterion(node, towards, f"rule {rule['id']}") for node in rule["require"]
                )
                rules.append(_Rule(rule["id"], about, str(entry[about]), rule["statement"], criteria))
        if not rules or rules[-1].criteria:
            raise RuleError(
                f"tier rule: the last {about} rule must require nothing, so that one is always met"
            )
        return tuple(rules)

    def _criterion(self, node: Mapping[str, Any], towards: str | None, place: str) -> _Criterion:
        name = str(node["use"] if "use" in node else node["id"])
        test, measures, needs = self._compile(node, towards, f"{place}, criterion {name}")
        statement = str((self._shared[name] if "use" in node else node)["statement"])
        # The same criterion of several rules is one object, so that its result is found once.
        return self._criteria.setdefault(
            (name, statement, needs),
            _Criterion(name, statement, needs, tuple(dict.fromkeys(measures)), test),
        )

    def _compile(
        self, node: Mapping[str, Any], towards: str | None, place: str
    ) -> tuple[_Test, tuple[_Measure, ...], str]:
        """Turn a criterion into a test of the values, the measures it reads, and its comparison in signs."""
        if "use" in node:
            if node["use"] not in self._shared:
                raise RuleError(f"tier rule: {place}: no shared criterion is called {node['use']!r}")
            return self._compile(self._shared[node["use"]], towards, place)
        for word, joint in (("all_of", " and "), ("any_of", " or ")):
            if word in node:
                parts = [self._compile(part, towards, place) for part in node[word]]
                return (
                    _joined(word == "all_of", tuple(part[0] for part in parts)),
                    tuple(measure for part in parts for measure in part[1]),
                    joint.join(
                        f"({part[2]})" if " and " in part[2] or " or " in part[2] else part[2]
                        for part in parts
                    ),
                )
        return self._comparison(node, towards, place)

    def _comparison(
        self, node: Mapping[str, Any], towards: str | None, place: str
    ) -> tuple[_Test, tuple[_Measure, ...], str]:
        found = [word for word in _COMPARISONS if word in node]
        if len(found) != 1:
            raise RuleError(f"tier rule: {place}: needs exactly one of {', '.join(_COMPARISONS)}")
        word, bound = found[0], node[found[0]]
        left = self._named(node["measure"], place)
        right: _Measure | None = None
        if isinstance(bound, Mapping):
            right = self._named(bound["measure"], place)
            factor = self._number(bound.get("times", 1), place)
            needs = f"{left.name} {_SIGNS[word]} {f'{factor} × ' if factor != 1 else ''}{right.name}"
        else:
            factor = self._number(bound, place)
            needs = f"{left.name} {_SIGNS[word]} {factor}"
        if towards is not None:
            high = word in ("at_least", "more_than")
            other = {"for": "against", "against": "for"}[towards]
            for measure, wanted in ((left, towards if high else other), (right, other if high else towards)):
                if measure is not None and measure.moves_with not in (wanted, "neither"):
                    raise RuleError(
                        f"tier rule: {place}: {needs}: {measure.name} grows with evidence "
                        f"{measure.moves_with}, so that this could turn evidence the wrong way round"
                    )
        return (
            _compare(word, left.position, factor, right),
            (left,) if right is None else (left, right),
            needs,
        )

    def _named(self, name: str, place: str) -> _Measure:
        if name not in self.measures:
            raise RuleError(f"tier rule: {place}: no measure is called {name!r}")
        return self.measures[name]

    def _hypotheses(self, entries: Sequence[Mapping[str, Any]]) -> tuple[_Hypothesis, ...]:
        for entry in entries:
            if "{people}" not in entry["description"]:
                raise RuleError(f"tier rule: outlook: {entry['description']!r} does not say {{people}}")
        # What the rule does not say about a hypothetical study is whatever makes it count.
        return tuple(
            _Hypothesis(
                entry["description"],
                StudyEvidence(
                    id="hypothetical",
                    trial="hypothetical",
                    role=next(iter(self.roles)),
                    dose_class=min(self.dose_classes),
                    route=min(self.routes),
                    verification_depth=next(iter(self.depths)),
                    group="hypothetical",
                    is_pooled=bool(entry.get("pooled")),
                    **entry["study"],
                ),
            )
            for entry in entries
        )

    def positions(self, profile: _Profile) -> _Positions:
        """Where a trial of this profile is counted; remembered, because few profiles occur."""
        known = self._positions.get(profile)
        if known is None:
            taken = [m for m in self.measures.values() if m.takes(profile)]
            by_count = {count: tuple(m.position for m in taken if m.count == count) for count in _COUNTS}
            by_count.pop("estimates")
            places = frozenset(position for positions in by_count.values() for position in positions)
            sized = places.difference(by_count["unsized"])
            known = self._positions[profile] = _Positions(places, sized, **by_count)
        return known


def _whole(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RuleError(f"tier rule: {place}: found {value!r}; must be a whole number that is not negative")
    return value


def _joined(need_all: bool, tests: tuple[_Test, ...]) -> _Test:
    if len(tests) == 2:  # nearly always, and much quicker
        first, second = tests
        if need_all:
            return lambda values: first(values) and second(values)
        return lambda values: first(values) or second(values)
    combine = all if need_all else any
    return lambda values: combine(test(values) for test in tests)


def _compare(word: str, left: int, factor: int, right: _Measure | None) -> _Test:
    if right is None:
        match word:
            case "at_least":
                return lambda values: values[left] >= factor
            case "more_than":
                return lambda values: values[left] > factor
            case "at_most":
                return lambda values: values[left] <= factor
            case _:
                return lambda values: values[left] < factor
    other = right.position
    match word:
        case "at_least":
            return lambda values: values[left] >= factor * values[other]
        case "more_than":
            return lambda values: values[left] > factor * values[other]
        case "at_most":
            return lambda values: values[left] <= factor * values[other]
        case _:
            return lambda values: values[left] < factor * values[other]


# --- the body of evidence -------------------------------------------------------------------------


class _Unit(NamedTuple):
    """An independent study, through the one record that speaks for it."""

    id: str
    trial: str
    year: int | None
    participants: int | None
    group: str | None
    profile: _Profile
    positions: _Positions
    opposes: bool


class _Pool(NamedTuple):
    """A pooled estimate, published (``computed`` False, ``id`` is a study's) or ours, where the rule counts those."""

    id: str
    computed: bool
    result: str
    domain: str | None
    participants: int | None
    year: int | None
    included: frozenset[str] | None
    randomised: bool


def _count(unit: _Unit, participants: int | None, values: _Values, groups: dict[int, frozenset[str]]) -> None:
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


class _Body:
    """What counts, independent studies and pooled estimates, with the value of every measure.

    A study is counted when it is added, so that one more costs no second look at the others.
    """

    __slots__ = ("_groups", "_values", "pools", "rule", "units")

    def __init__(self, rule: TierRule, items: Iterable[_Unit | _Pool] = ()) -> None:
        self.rule = rule
        self.units: list[_Unit] = []
        self.pools: list[_Pool] = []
        self._values: _Values = [0] * len(rule.measures)
        self._groups: dict[int, frozenset[str]] = {}
        for item in items:
            self.add(item)

    def add(self, item: _Unit | _Pool) -> None:
        """Let one more count."""
        if isinstance(item, _Pool):
            self.pools.append(item)
            return
        self.units.append(item)
        _count(item, item.participants, self._values, self._groups)

    def copy(self) -> _Body:
        """A body of the same items, to which others can be added."""
        body = _Body.__new__(_Body)
        body.rule = self.rule
        body.units, body.pools = self.units.copy(), self.pools.copy()
        body._values, body._groups = self._values.copy(), self._groups.copy()
        return body

    def without(self, names: Container[str]) -> _Body:
        """A body without the studies of these names."""
        return _Body(
            self.rule,
            (
                *(unit for unit in self.units if unit.id not in names),
                *(pool for pool in self.pools if pool.computed or pool.id not in names),
            ),
        )

    def studies(self) -> set[str]:
        """Ids of the studies that count."""
        return {unit.id for unit in self.units} | {pool.id for pool in self.pools if not pool.computed}

    def values(self) -> _Values:
        """The value of every measure, in the rule's order; not to be written to."""
        if not self.pools:
            return self._values
        # Whether an estimate stands depends on all else that counts, so these are looked at when all is in.
        values = self._values.copy()
        for measure in self.rule.estimates:
            values[measure.position] = len(self.estimates(measure))
        return values

    def values_with(self, item: _Unit | _Pool) -> _Values:
        """The values if the item counted too; the body stays as it is."""
        body = self.copy()
        body.add(item)
        return body.values()

    def values_with_trial(self, trial: _Unit, participants: int) -> _Values:
        """The values if the trial counted too, with this size; only for a body without pooled estimates."""
        values = self._values.copy()
        _count(trial, participants, values, self._groups.copy() if trial.positions.groups else {})
        return values

    def estimates(self, measure: _Measure) -> list[_Pool]:
        """The pooled estimates that a measure counts."""
        return [
            pool
            for pool in self.pools
            if pool.result in measure.results and (not measure.standing or self._stands(pool))
        ]

    def _stands(self, pool: _Pool) -> bool:
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
            if other.result not in _OPPOSING or _known_smaller(other.participants, pool.participants):
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


def _reason_to_set_aside(study: StudyEvidence, rule: TierRule) -> str | None:
    if study.retracted:
        return "retracted"
    if study.verification_depth not in rule.depths:
        return "unverified"
    if study.dose_class not in rule.dose_classes:
        return "dose-class"
    if study.route not in rule.routes:
        return "route"
    if not study.attributable:
        return "not-attributable"
    if study.participants is not None and study.participants <= 0:
        return "no-participants"
    if study.design not in rule.designs:
        return "design"
    if study.role not in rule.roles:
        return "role"
    return None


def _result(study: StudyEvidence, rule: TierRule) -> str:
    """What the primary outcome says about a benefit, given what the treatment was compared with."""
    direction = study.primary_direction
    if study.design in rule.uncontrolled:
        if direction == "favourable":
            return "improvement_reported"
        return direction if direction in _CAUTION else "unclear"
    if study.is_pooled:
        return direction if direction in ("favourable", "null", "unfavourable") else "unclear"
    if direction == "favourable":
        return direction if study.comparator in rule.counts_for else "unclear"
    if direction in ("null", "unfavourable"):
        return direction if study.comparator in rule.counts_against else "unclear"
    # With a comparison group, an improvement over time alone says nothing about the treatment.
    return direction if direction == "mixed" and study.comparator in rule.counts_for else "unclear"


def _speaking_order(study: StudyEvidence, rule: TierRule) -> tuple[object, ...]:
    """Sorts the record that speaks for its trial first. Nothing in it depends on the order of the input."""
    return (
        rule.roles[study.role],
        study.id != study.trial,
        study.primary_direction not in _CAUTION,
        rule.depths[study.verification_depth],
        -(study.participants or 0),
        _CAUTION.get(study.primary_direction, len(_CAUTION)),
        study.id,
    )


class _Evidence:
    """The records of one condition, sorted out once; ``until`` gives the body of evidence of any year."""

    def __init__(
        self, studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule
    ) -> None:
        self.rule = rule
        self.set_aside: list[SetAside] = []
        self.pooled = list(pooled) if rule.counts_computed else []
        by_trial: dict[str, list[StudyEvidence]] = {}
        studies = list(studies)
        withdrawn = {study.trial for study in studies if study.retracted and study.id == study.trial}
        for study in studies:
            reason = "retracted" if study.trial in withdrawn else _reason_to_set_aside(study, rule)
            if reason is None:
                by_trial.setdefault(study.trial, []).append(study)
            else:
                self.set_aside.append(SetAside(study.id, reason))
        self.several: list[list[StudyEvidence]] = []
        self.single: list[StudyEvidence] = []
        for records in by_trial.values():
            if len(records) == 1:
                self.single.append(records[0])
                continue
            records.sort(key=lambda record: _speaking_order(record, rule))
            self.several.append(records)
            self.set_aside.extend(SetAside(r.id, "same-trial", records[0].id) for r in records[1:])
        self._weighed: dict[str, _Unit | _Pool] = {}
        self.years = sorted({s.year for records in by_trial.values() for s in records if s.year is not None})

    def body(self) -> _Body:
        """All that counts."""
        speaking = [*self.single, *(records[0] for records in self.several)]
        return _Body(self.rule, (*map(self._weigh, speaking), *self._computed(None)))

    def by_year(self) -> Iterator[tuple[int, _Body]]:
        """What counted of all that was published up to each year in which something appeared."""
        appeared: dict[int, list[_Unit | _Pool]] = {}
        for study in self.single:
            if study.year is not None:
                appeared.setdefault(study.year, []).append(self._weigh(study))
        alone = _Body(self.rule)
        for year in self.years:
            for item in appeared.get(year, ()):
                alone.add(item)
            body = alone.copy()
            # Which record speaks for a trial may change when a better one appears.
            for records in self.several:
                for record in records:
                    if record.year is not None and record.year <= year:
                        body.add(self._weigh(record))
                        break
            for pool in self._computed(year):
                body.add(pool)
            yield year, body

    def _weigh(self, study: StudyEvidence) -> _Unit | _Pool:
        item = self._weighed.get(study.id)
        if item is None:
            item = self._weighed[study.id] = self.weigh(study, study.participants)
        return item

    def _computed(self, year: int | None) -> list[_Pool]:
        """Our own estimates, of each domain the newest only."""
        if not self.pooled:
            return []
        newest: dict[str, float] = {}
        usable = [p for p in self.pooled if p.pooled_trials >= self.rule.smallest_pool]
        if year is not None:
            usable = [p for p in usable if p.year is not None and p.year <= year]
        for pool in usable:
            when = math.inf if pool.year is None else pool.year
            newest[pool.domain] = max(newest.get(pool.domain, when), when)
        return [
            _Pool(p.id, True, p.direction, p.domain, p.participants, p.year, p.trials, True)
            for p in usable
            if newest[p.domain] == (math.inf if p.year is None else p.year)
        ]

    def weigh(self, study: StudyEvidence, participants: int | None) -> _Unit | _Pool:
        """The study as the rule sees it, with this size (the outlook tries others than the study's own)."""
        rule = self.rule
        kind, smallest = rule.designs[study.design]
        result = _result(study, rule)
        if study.is_pooled:
            few = study.pooled_trials is not None and study.pooled_trials < rule.smallest_pool
            return _Pool(
                study.id,
                False,
                "unclear" if few or study.design in rule.uncontrolled else result,
                study.domain,
                participants,
                study.year,
                study.included,
                kind == "randomised",
            )
        blinded = study.blinding in rule.blindings and study.comparator in rule.blinded_comparators
        informative = participants is None or participants >= smallest
        profile = (kind, result, blinded, informative)
        return _Unit(
            study.id,
            study.trial,
            study.year,
            participants,
            study.group,
            profile,
            rule.positions(profile),
            kind == "randomised" and result in _OPPOSING,
        )


# --- evaluation -----------------------------------------------------------------------------------


def _first_met(rules: Sequence[_Rule], values: _Values) -> _Rule:
    for rule in rules:
        for test in rule.tests:
            if not test(values):
                break
        else:
            return rule
    raise AssertionError("unreachable: the last rule requires nothing")


def _tier(values: _Values, rule: TierRule) -> str:
    return _first_met(rule.tier_rules, values).gives


def _verdict(values: _Values, rule: TierRule) -> tuple[str, str]:
    return _tier(values, rule), _first_met(rule.direction_rules, values).gives


def _union(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The names in any of these, sorted as those of each are."""
    given = [each for each in names if each]
    if not given:
        return ()
    first = given[0]
    # Most measures of a criterion count the same studies.
    if given.count(first) == len(given):
        return first
    return tuple(sorted(set().union(*given)))


class _Tracer:
    """Writes trace steps; tries each criterion once."""

    def __init__(self, body: _Body) -> None:
        self._values = body.values()
        self._inputs = list(zip(body.rule.measures, self._values, strict=True))
        self._found = frozenset([position for position, value in enumerate(self._values) if value])
        studies: dict[int, list[str]] = {position: [] for position in self._found}
        self._pools: dict[int, tuple[str, ...]] = {}
        for unit in sorted(body.units, key=attrgetter("id")):
            places = unit.positions
            named = places.unsized_unit if unit.participants is None else places.sized_unit
            for position in named & self._found:
                studies[position].append(unit.id)
        for measure in body.rule.estimates:
            if measure.position in self._found:
                found = body.estimates(measure)
                studies[measure.position] = sorted([pool.id for pool in found if not pool.computed])
                self._pools[measure.position] = tuple(sorted([pool.id for pool in found if pool.computed]))
        self._studies = {position: tuple(names) for position, names in studies.items()}
        self._results: dict[_Criterion, CriterionResult] = {}

    def _try(self, criterion: _Criterion) -> CriterionResult:
        if criterion.looks_at.isdisjoint(self._found):
            result = criterion.of_nothing
        else:
            inputs, studies, pools = self._inputs, self._studies, self._pools
            result = CriterionResult(
                criterion.id,
                criterion.statement,
                criterion.needs,
                tuple([inputs[position] for position in criterion.positions]),
                criterion.test(self._values),
                _union([studies[position] for position in criterion.positions if position in studies]),
                _union([pools[position] for position in criterion.positions if position in pools]),
            )
        self._results[criterion] = result
        return result

    def steps(self, rules: Sequence[_Rule]) -> list[TraceStep]:
        """One step for each rule, up to and including the one that is met."""
        steps: list[TraceStep] = []
        for rule in rules:
            if rule.looks_at.isdisjoint(self._found):
                step = rule.of_nothing
            else:
                results = tuple([self._results.get(each) or self._try(each) for each in rule.criteria])
                step = rule.step(results, tuple([self._inputs[position] for position in rule.positions]))
            steps.append(step)
            if step.satisfied:
                break
        return steps


def _appraise(evidence: _Evidence, body: _Body) -> Appraisal:
    tracer = _Tracer(body)
    tier_steps = tracer.steps(evidence.rule.tier_rules)
    direction_steps = tracer.steps(evidence.rule.direction_rules)
    return Appraisal(
        tier=tier_steps[-1].gives,
        direction=direction_steps[-1].gives,
        deciding_rule=tier_steps[-1].rule,
        deciding_direction_rule=direction_steps[-1].rule,
        trace=(*tier_steps, *direction_steps),
        set_aside=tuple(sorted(evidence.set_aside, key=lambda entry: entry.study)),
    )


def _history(evidence: _Evidence) -> tuple[HistoryPoint, ...]:
    points: list[HistoryPoint] = []
    rule = evidence.rule
    earlier = _Body(rule)
    before = _verdict(earlier.values(), rule)
    for year, body in evidence.by_year():
        verdict = _verdict(body.values(), rule)
        caused: tuple[str, ...] = ()
        if verdict != before:
            caused = _causes(body, sorted(body.studies() - earlier.studies()), verdict)
        points.append(HistoryPoint(year, *verdict, caused))
        before, earlier = verdict, body
    return tuple(points)


def _causes(body: _Body, new: list[str], verdict: tuple[str, str]) -> tuple[str, ...]:
    """Which new studies changed the verdict.

    Those without which it would not be what it is; if there are none, those that would have sufficed alone;
    if there are none either, all of them together.
    """
    if len(new) < 2:
        return tuple(new)

    def without(names: Container[str]) -> tuple[str, str]:
        return _verdict(body.without(names).values(), body.rule)

    needed = [name for name in new if without({name}) != verdict]
    enough = needed or [name for name in new if without(set(new) - {name}) == verdict]
    return tuple(enough or new)


def _outlook(evidence: _Evidence, body: _Body) -> Outlook:
    rule = evidence.rule
    now = rule.rank[_tier(body.values(), rule)]
    dates = [item.year for items in (body.units, body.pools) for item in items if item.year is not None]
    year = max(dates) + 1 if dates else None
    raises = lowers = None
    if now < len(rule.tiers) - 1:
        raises = _smallest(evidence, body, rule.raising, year, lambda tier: rule.rank[tier] > now)
    if now > 0:
        lowers = _smallest(evidence, body, rule.lowering, year, lambda tier: rule.rank[tier] < now)
    return Outlook(raises, lowers)


def _with_size(evidence: _Evidence, body: _Body, study: StudyEvidence) -> Callable[[int], _Values]:
    """What gives the values of the body with one more study, of any size."""
    if study.is_pooled or body.pools:
        return lambda size: body.values_with(evidence.weigh(study, size))
    # Its size decides whether a trial is informative; all else about it is the same at every size.
    _, informative = evidence.rule.designs[study.design]
    small, large = evidence.weigh(study, informative - 1), evidence.weigh(study, informative)
    assert isinstance(small, _Unit)
    assert isinstance(large, _Unit)
    return lambda size: body.values_with_trial(large if size >= informative else small, size)


def _smallest(
    evidence: _Evidence,
    body: _Body,
    hypotheses: Sequence[_Hypothesis],
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
        if high < low or not changed(_tier(with_size(high), rule)):
            continue
        while low < high:
            middle = (low + high) // 2
            if changed(_tier(with_size(middle), rule)):
                high = middle
            else:
                low = middle + 1
        best = OutlookChange(hypothesis.description, study, high, *_verdict(with_size(high), rule))
    return best


# --- public functions -----------------------------------------------------------------------------


def appraise_condition(
    studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule
) -> Appraisal:
    """Tier and direction of one condition, dated and undated studies together, with the trace."""
    evidence = _Evidence(studies, pooled, rule)
    return _appraise(evidence, evidence.body())


def history(
    studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule
) -> tuple[HistoryPoint, ...]:
    """The same rule over what was published up to each year in which something that counts appeared.

    Between two points nothing changed. A study without a year belongs to no year and is in no point, though
    it is in the appraisal. A retracted study is in none either: the history is today's reading of the past,
    not the past's own. A computed pooled estimate enters with its ``year``.
    """
    return _history(_Evidence(studies, pooled, rule))


def outlook(studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule) -> Outlook:
    """The smallest single new result that would raise the tier, and that would lower it, found by trying.

    Published estimates are taken as they are; one that did not weigh the new result may become outdated by it.
    """
    evidence = _Evidence(studies, pooled, rule)
    return _outlook(evidence, evidence.body())


def assess(studies: Iterable[StudyEvidence], pooled: Iterable[PooledEvidence], rule: TierRule) -> Assessment:
    """Appraisal, history and outlook together; cheaper than one after the other."""
    evidence = _Evidence(studies, pooled, rule)
    body = evidence.body()
    if body.units or body.pools:
        return Assessment(_appraise(evidence, body), _history(evidence), _outlook(evidence, body))
    # Where nothing counts, only what was set aside differs; many conditions are like that.
    if rule.of_nothing is None:
        rule.of_nothing = Assessment(_appraise(evidence, body), (), _outlook(evidence, body))
    set_aside = tuple(sorted(evidence.set_aside, key=lambda entry: entry.study))
    nothing = rule.of_nothing
    return nothing._replace(appraisal=nothing.appraisal._replace(set_aside=set_aside))

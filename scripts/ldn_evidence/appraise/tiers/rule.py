"""The rule as data, checked and compiled: which studies count, what is counted, which counts make which tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.tiers.criteria import (
    Criterion,
    Measure,
    Profile,
    Rule,
    Test,
    Values,
    compared,
    first_met,
    joined,
)
from ldn_evidence.appraise.tiers.results import Assessment


class RuleError(ValueError):
    """The rule cannot be used; the message names the place in it and what is wrong there."""


class Hypothesis:
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


class Positions(NamedTuple):
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
        except RecursionError as error:
            raise RuleError("tier rule: criteria: one of them uses itself") from error

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

        self.measures: dict[str, Measure] = {}
        for name, entry in document["measures"].items():
            self.measures[name] = self._measure(name, len(self.measures), entry)
        self._shared: Mapping[str, Any] = document.get("criteria", {})
        self._criteria: dict[tuple[str, str, str], Criterion] = {}
        self.tiers = tuple(str(entry["tier"]) for entry in document["tiers"])
        self.tier_rules = self._rules(document["tiers"], "tier", always="for")
        self.direction_rules = self._rules(document["directions"], "direction", always=None)
        # The lowest tier has rank 0.
        self.rank = {tier: rank for rank, tier in enumerate(reversed(self.tiers))}
        self.raising = self._hypotheses(document["outlook"]["raise"])
        self.lowering = self._hypotheses(document["outlook"]["lower"])
        self._positions: dict[Profile, Positions] = {}
        self.estimates = tuple(m for m in self.measures.values() if m.count == "estimates")
        self.of_nothing: Assessment | None = None

    def _number(self, value: object, place: str) -> int:
        """A whole number as written, or the threshold of that name."""
        if isinstance(value, str):
            if value not in self.thresholds:
                raise RuleError(f"tier rule: {place}: no threshold is called {value!r}")
            return self.thresholds[value]
        return _whole(value, place)

    def _measure(self, name: str, position: int, entry: Mapping[str, Any]) -> Measure:
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
        return Measure(
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
    ) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        for entry in entries:
            for rule in entry["rules"]:
                towards = always or rule.get("moves_with")
                criteria = tuple(
                    self._criterion(node, towards, f"rule {rule['id']}") for node in rule["require"]
                )
                rules.append(Rule(rule["id"], about, str(entry[about]), rule["statement"], criteria))
        if not rules or rules[-1].criteria:
            raise RuleError(
                f"tier rule: the last {about} rule must require nothing, so that one is always met"
            )
        return tuple(rules)

    def _criterion(self, node: Mapping[str, Any], towards: str | None, place: str) -> Criterion:
        name = str(node["use"] if "use" in node else node["id"])
        test, measures, needs = self._compile(node, towards, f"{place}, criterion {name}")
        statement = str((self._shared[name] if "use" in node else node)["statement"])
        # The same criterion of several rules is one object, so that its result is found once.
        return self._criteria.setdefault(
            (name, statement, needs),
            Criterion(name, statement, needs, tuple(dict.fromkeys(measures)), test),
        )

    def _compile(
        self, node: Mapping[str, Any], towards: str | None, place: str
    ) -> tuple[Test, tuple[Measure, ...], str]:
        """Turn a criterion into a test of the values, the measures it reads, and its comparison in signs."""
        if "use" in node:
            if node["use"] not in self._shared:
                raise RuleError(f"tier rule: {place}: no shared criterion is called {node['use']!r}")
            return self._compile(self._shared[node["use"]], towards, place)
        for word, joint in (("all_of", " and "), ("any_of", " or ")):
            if word in node:
                parts = [self._compile(part, towards, place) for part in node[word]]
                return (
                    joined(word == "all_of", tuple(part[0] for part in parts)),
                    tuple(measure for part in parts for measure in part[1]),
                    joint.join(
                        f"({part[2]})" if " and " in part[2] or " or " in part[2] else part[2]
                        for part in parts
                    ),
                )
        return self._comparison(node, towards, place)

    def _comparison(
        self, node: Mapping[str, Any], towards: str | None, place: str
    ) -> tuple[Test, tuple[Measure, ...], str]:
        found = [word for word in _COMPARISONS if word in node]
        if len(found) != 1:
            raise RuleError(f"tier rule: {place}: needs exactly one of {', '.join(_COMPARISONS)}")
        word, bound = found[0], node[found[0]]
        left = self._named(node["measure"], place)
        right: Measure | None = None
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
            compared(word, left.position, factor, right),
            (left,) if right is None else (left, right),
            needs,
        )

    def _named(self, name: str, place: str) -> Measure:
        if name not in self.measures:
            raise RuleError(f"tier rule: {place}: no measure is called {name!r}")
        return self.measures[name]

    def _hypotheses(self, entries: Sequence[Mapping[str, Any]]) -> tuple[Hypothesis, ...]:
        for entry in entries:
            if "{people}" not in entry["description"]:
                raise RuleError(f"tier rule: outlook: {entry['description']!r} does not say {{people}}")
            if entry["study"]["design"] not in self.designs:
                raise RuleError(f"tier rule: outlook: no design is called {entry['study']['design']!r}")
        # What the rule does not say about a hypothetical study is whatever makes it count.
        return tuple(
            Hypothesis(
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

    def positions(self, profile: Profile) -> Positions:
        """Where a trial of this profile is counted; remembered, because few profiles occur."""
        known = self._positions.get(profile)
        if known is None:
            taken = [m for m in self.measures.values() if m.takes(profile)]
            by_count = {count: tuple(m.position for m in taken if m.count == count) for count in _COUNTS}
            by_count.pop("estimates")
            places = frozenset(position for positions in by_count.values() for position in positions)
            sized = places.difference(by_count["unsized"])
            known = self._positions[profile] = Positions(places, sized, **by_count)
        return known


def _whole(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RuleError(f"tier rule: {place}: found {value!r}; must be a whole number that is not negative")
    return value


def tier_of(values: Values, rule: TierRule) -> str:
    """The tier that these values make."""
    return first_met(rule.tier_rules, values).gives


def verdict_of(values: Values, rule: TierRule) -> tuple[str, str]:
    """The tier and the direction that these values make."""
    return tier_of(values, rule), first_met(rule.direction_rules, values).gives

"""Measures, criteria and rules, compiled: what each looks at, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ldn_evidence.appraise.tiers.results import CriterionResult, TraceStep

FAVOURABLE = frozenset({"favourable", "improvement_reported"})
OPPOSING = frozenset({"null", "unfavourable"})
Values = list[int]
Test = Callable[[Values], bool]


class Measure(Struct, frozen=True):
    """What is counted: of which studies, and what of them; ``position`` is its place in the list of values."""

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
        favourable, opposing = bool(self.results & FAVOURABLE), bool(self.results & OPPOSING)
        if favourable and opposing:
            return "both"
        return "for" if favourable else "against" if opposing else "neither"

    def takes(self, profile: Profile) -> bool:
        """Whether it counts a study of this profile."""
        design, result, blinded, informative = profile
        return (
            design in self.designs
            and result in self.results
            and (blinded or not self.blinded)
            and (informative or not self.informative)
        )


Profile = tuple[str, str, bool, bool]  # design class, result, blinded, informative


class Criterion:
    """A criterion with its test; ``of_nothing`` is its result where everything that it looks at is 0."""

    def __init__(
        self, id: str, statement: str, needs: str, measures: tuple[Measure, ...], test: Test
    ) -> None:
        self.id, self.statement, self.needs = id, statement, needs
        self.measures, self.test = measures, test
        self.positions = tuple([measure.position for measure in measures])
        self.looks_at = frozenset(self.positions)
        nothing = [0] * (max(self.positions, default=0) + 1)
        inputs = tuple([(measure.name, 0) for measure in measures])
        self.of_nothing = CriterionResult(id, statement, needs, inputs, test(nothing), (), ())


class Rule:
    """A rule with its criteria; ``of_nothing`` is its step in a trace where everything that it looks at is 0."""

    def __init__(
        self, id: str, about: str, gives: str, statement: str, criteria: tuple[Criterion, ...]
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
            studies=union([result.studies for result in deciding]),
            pools=union([result.pools for result in deciding]),
            criteria=results,
        )


def joined(need_all: bool, tests: tuple[Test, ...]) -> Test:
    """One test of several: all must hold, or any."""
    if len(tests) == 2:  # nearly always, and much quicker
        first, second = tests
        if need_all:
            return lambda values: first(values) and second(values)
        return lambda values: first(values) or second(values)
    combine = all if need_all else any
    return lambda values: combine(test(values) for test in tests)


def compared(word: str, left: int, factor: int, right: Measure | None) -> Test:
    """The test that compares a value with a number, or with a multiple of another value."""
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


def first_met(rules: Sequence[Rule], values: Values) -> Rule:
    """The first of these rules whose criteria are all met; the last requires nothing."""
    for rule in rules:
        for test in rule.tests:
            if not test(values):
                break
        else:
            return rule
    raise AssertionError("unreachable: the last rule requires nothing")


def union(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The names in any of these, sorted as those of each are."""
    given = [each for each in names if each]
    if not given:
        return ()
    first = given[0]
    # Most measures of a criterion count the same studies.
    if given.count(first) == len(given):
        return first
    return tuple(sorted(set().union(*given)))

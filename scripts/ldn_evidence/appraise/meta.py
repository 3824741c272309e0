"""What may be pooled, and our own pooled estimates with the reason for each comparison that was left out.

The choice stands in `schema/pooling.yml`; the sums in `pooling`. Better is aligned before pooling: where trials of one
domain measure in opposite directions, the sign of the fewer is turned (a risk ratio is left out instead, for the ratio
of the opposite event is not its inverse).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal

from msgspec import Struct

from ldn_evidence.appraise.effects import Better, Effect, NotComputed, favours, read_against_mid
from ldn_evidence.appraise.evidence import PooledEvidence, StudyEvidence
from ldn_evidence.appraise.pooling import (
    METHODS,
    Estimate,
    EventsInput,
    Method,
    Pooled,
    PoolInput,
    pool,
    pool_events,
    pool_input,
    pooled_effect,
    values_without_each,
)
from ldn_evidence.appraise.records import Comparison, StudyFacts
from ldn_evidence.appraise.scales import from_analysis_scale
from ldn_evidence.appraise.tiers import RuleError

_SIDES = {"intervention": "favourable", "comparator": "unfavourable", "neither": "null"}
# Measures of which the effect on the opposite event is the inverse, or the difference with the other sign.
_CAN_BE_TURNED = frozenset({"MD", "SMD", "OR", "RD"})
_OF_EVENTS: dict[str, Literal["RR", "OR", "RD"]] = {"RR": "RR", "OR": "OR", "RD": "RD"}
_FOR_EVENTS = ("Mantel-Haenszel", "inverse variance")
_WITHOUT_INSTRUMENT = ("SMD", "RR", "OR", "RD", "HR", "IRR")


class PoolingRule:
    """The rule of `schema/pooling.yml`.

    Args:
        document: The rule as read from the file.
        dose_classes: Dose classes that count.
        routes: Routes that count.
        depths: Depths of reading that count.

    Raises:
        RuleError: The file lacks a part, or names a method that is not known.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        dose_classes: frozenset[str],
        routes: frozenset[str],
        depths: frozenset[str],
    ) -> None:
        self.dose_classes = dose_classes
        self.routes = routes
        self.depths = depths
        try:
            self._read(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise RuleError(f"schema/pooling.yml: part missing or of the wrong shape: {error}") from error

    def _read(self, document: Mapping[str, Any]) -> None:
        self.smallest = document["smallest_number_of_trials"]["value"]
        if not isinstance(self.smallest, int):
            raise RuleError(
                f"schema/pooling.yml: smallest_number_of_trials.value: found {self.smallest!r}; must be a whole number"
            )
        method = document["method"]["value"]
        if method not in METHODS:
            raise RuleError(
                f"schema/pooling.yml: method.value: found {method!r}; must be one of {', '.join(METHODS)}"
            )
        self.method: Method = method
        fixed = document["events"]["fixed_effect"]
        if fixed not in _FOR_EVENTS:
            raise RuleError(
                f"schema/pooling.yml: events.fixed_effect: found {fixed!r}; must be one of {', '.join(_FOR_EVENTS)}"
            )
        self.mantel_haenszel = fixed == "Mantel-Haenszel"
        self.roles: dict[str, int] = {role: rank for rank, role in enumerate(document["roles"]["value"])}
        self.one_instrument = frozenset(document["domains"]["one_instrument"]["is"])
        self.never = frozenset(document["domains"]["never"]["is"])


class Input(Struct, frozen=True):
    """One comparison that was looked at for a pool."""

    study: str
    outcome: str
    reason: str
    effect: str | None = None
    used_in: str | None = None
    weight: float | None = None
    leave_one_out: float | None = None


class OwnEstimate(Struct, frozen=True):
    """One pooled estimate of ours.

    Attributes:
        id: Key, `<condition>--<domain>--<measure>`.
        domain: Outcome domain.
        measure: Measure.
        better: Which way is better after alignment.
        pooled: The sums.
        effect: The random-effects result with the interval that conclusions are drawn from.
        fixed: The fixed-effect result, on the analysis scale.
        method: How both were computed, in words.
        without_one: (trial left out, estimate) each.
        trials: Trials pooled, by the study that speaks for each.
        participants: People in them; None where one size is not known.
        newest_year: Year of the newest; None where one is not known.
        minimal_important_difference: Against what it is read, or None.
        reading: The result against no effect and that difference.
        is_primary: Whether the domain is that of a primary outcome of one of the trials.
    """

    id: str
    domain: str
    measure: str
    better: Better
    pooled: Pooled
    effect: Effect
    fixed: Estimate
    method: str
    without_one: tuple[tuple[str, float], ...]
    trials: tuple[str, ...]
    participants: int | None
    newest_year: int | None
    minimal_important_difference: float | None
    reading: str | None
    is_primary: bool

    @property
    def direction(self) -> str:
        """`favourable`, `null` or `unfavourable`, by its interval."""
        return _SIDES[favours(self.effect, self.better)]

    def evidence(self) -> PooledEvidence:
        """The estimate as the tier rule takes it."""
        return PooledEvidence(
            id=self.id,
            domain=self.domain,
            direction=self.direction,
            pooled_trials=len(self.trials),
            participants=self.participants,
            trials=frozenset(self.trials),
            year=self.newest_year,
        )


class ConditionPools(Struct, frozen=True):
    """The estimates of one condition, and every comparison that was looked at."""

    estimates: list[OwnEstimate]
    inputs: dict[str, list[Input]]


class _Candidate(Struct, frozen=True):
    facts: StudyFacts
    comparison: Comparison
    is_report: bool


def pool_condition(
    condition: str, studies: Iterable[StudyFacts], rule: PoolingRule, differences: Mapping[str, float]
) -> ConditionPools:
    """Pool what may be pooled for one condition.

    Args:
        condition: The condition.
        studies: Its studies.
        rule: What may be pooled.
        differences: Instrument -> minimal important difference in its points.
    """
    by_domain: dict[str, list[_Candidate]] = defaultdict(list)
    for facts in studies:
        evidence = facts.evidence.get(condition)
        if evidence is None:
            continue
        for comparison in facts.comparisons:
            if comparison.condition in (None, condition) and comparison.direction is not None:
                by_domain[comparison.domain].append(_Candidate(facts, comparison, evidence.role == "report"))
    pools = ConditionPools([], {})
    for domain in sorted(by_domain):
        inputs, estimate = _pool_domain(condition, domain, by_domain[domain], rule, differences)
        pools.inputs[domain] = inputs
        if estimate is not None:
            pools.estimates.append(estimate)
    return pools


def _pool_domain(
    condition: str,
    domain: str,
    candidates: list[_Candidate],
    rule: PoolingRule,
    differences: Mapping[str, float],
) -> tuple[list[Input], OwnEstimate | None]:
    inputs: list[Input] = []
    by_trial: dict[str, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        reason = _why_not(candidate, condition, domain, rule)
        if reason is None:
            by_trial[candidate.facts.trial].append(candidate)
        else:
            inputs.append(_left_out(candidate, reason))
    chosen: list[_Candidate] = []
    for trial in sorted(by_trial):
        best, *others = by_trial[trial]
        if others:
            best, *others = sorted(by_trial[trial], key=lambda candidate: _rank(candidate, rule))
            reason = f"the trial enters once, with {_named(best)}"
            inputs += [_left_out(other, reason) for other in others]
        if best.comparison.effects:
            chosen.append(best)
        else:
            inputs.append(_left_out(best, f"no effect with a standard error: {best.comparison.without}"))
    estimate = None
    measure, used, left = _compatible(chosen, domain, rule)
    inputs += [_left_out(candidate, reason) for candidate, reason in left]
    if measure is not None and len(used) >= rule.smallest:
        estimate, used_inputs = _estimate(condition, domain, measure, used, rule, differences)
        inputs += used_inputs
    else:
        inputs += [
            _left_out(candidate, "it is the only comparison that could be pooled") for candidate in used
        ]
    return sorted(inputs, key=lambda entry: (entry.study, entry.outcome)), estimate


def _left_out(candidate: _Candidate, reason: str) -> Input:
    return Input(candidate.facts.id, candidate.comparison.outcome, reason)


def _named(candidate: _Candidate) -> str:
    return candidate.comparison.outcome.replace("--", ": ", 1)


def _why_not(candidate: _Candidate, condition: str, domain: str, rule: PoolingRule) -> str | None:
    """Why a comparison cannot be pooled, whatever the others are; None where it can."""
    evidence, comparison = candidate.facts.evidence[condition], candidate.comparison
    if evidence.retracted:
        return "the paper was retracted"
    if evidence.verification_depth not in rule.depths:
        return "nobody could read the paper: it is not verified"
    dose_class = comparison.dose_class if comparison.dose_class != "unknown" else evidence.dose_class
    if dose_class not in rule.dose_classes:
        return f"the dose class is {dose_class.replace('_', '-')}, not low"
    if evidence.route not in rule.routes:
        return f"the route is {evidence.route.replace('_', ' ')}, not by mouth"
    if not evidence.attributable:
        return "naltrexone was given only together with another treatment that the comparator lacked"
    if evidence.comparator == "other_dose":
        return "two doses of naltrexone are compared with each other"
    if evidence.comparator == "active":
        return "it is compared with another treatment, not with placebo or none"
    if evidence.role in ("protocol", "correction"):
        return "the paper reports no results"
    if domain in rule.never:
        return "outcomes of this family have too little in common to be pooled"
    if comparison.role not in rule.roles:
        return f"the outcome is {comparison.role.replace('_', ' ')}"
    if comparison.better is None:
        return "it is not known which way is better"
    return None


def _rank(candidate: _Candidate, rule: PoolingRule) -> tuple[object, ...]:
    """Sorts first what speaks for a trial: rank in its plan, then the longest time, then the main report."""
    comparison = candidate.comparison
    return (
        rule.roles[comparison.role],
        -(comparison.days or 0),
        not candidate.is_report,
        not comparison.effects,
        comparison.outcome,
    )


def _compatible(
    chosen: Sequence[_Candidate], domain: str, rule: PoolingRule
) -> tuple[str | None, list[_Candidate], list[tuple[_Candidate, str]]]:
    """The measure by which most trials can be pooled, those that have it, and the others with the reason.

    Mean differences on one instrument are preferred to standardised ones where they lose no trial.
    """
    comparisons = [candidate.comparison for candidate in chosen]
    instruments = [c.instrument for c in comparisons if c.instrument and "MD" in c.effects and not c.percent]
    options: list[tuple[int, int, str, str | None]] = [
        (instruments.count(code), 3, "MD", code) for code in sorted(set(instruments))
    ]
    if domain not in rule.one_instrument:
        options += [
            (len(found) if name in _CAN_BE_TURNED else _of_majority(found), -order, name, None)
            for order, name in enumerate(_WITHOUT_INSTRUMENT)
            if (found := [comparison for comparison in comparisons if name in comparison.effects])
        ]
    most, _, measure, instrument = max(options, key=itemgetter(0, 1), default=(0, 0, "", None))
    if most == 0:
        return None, [], [(candidate, "nothing compatible to pool it with") for candidate in chosen]
    majority = _majority(
        [c for c in comparisons if measure in c.effects and instrument in (None, c.instrument)]
    )
    used: list[_Candidate] = []
    left: list[tuple[_Candidate, str]] = []
    for candidate in chosen:
        comparison = candidate.comparison
        if instrument is not None and comparison.instrument != instrument:
            left.append((candidate, f"another instrument than {instrument}, and no standardised difference"))
        elif measure not in comparison.effects:
            left.append((candidate, f"its effect is no {measure}, by which most trials can be pooled"))
        elif measure == "MD" and comparison.percent:
            left.append((candidate, "a difference in percent, not in points of the instrument"))
        elif comparison.better != majority and measure not in _CAN_BE_TURNED:
            left.append((candidate, "counts the opposite event, whose risk ratio is not the inverse"))
        else:
            used.append(candidate)
    return measure, used, left


def _majority(comparisons: Sequence[Comparison]) -> Better | None:
    if not comparisons:
        return None
    lower = [comparison.better for comparison in comparisons].count("lower")
    return "lower" if 2 * lower >= len(comparisons) else "higher"


def _of_majority(comparisons: Sequence[Comparison]) -> int:
    """How many of these have better on the side where most have it."""
    majority = _majority(comparisons)
    return sum(comparison.better == majority for comparison in comparisons)


def _estimate(
    condition: str,
    domain: str,
    measure: str,
    used: list[_Candidate],
    rule: PoolingRule,
    differences: Mapping[str, float],
) -> tuple[OwnEstimate | None, list[Input]]:
    better = _majority([candidate.comparison for candidate in used])
    ready: list[tuple[_Candidate, PoolInput]] = []
    inputs: list[Input] = []
    for candidate in used:
        item = pool_input(
            candidate.facts.trial,
            candidate.comparison.effects[measure],
            mirrored=candidate.comparison.better != better,
        )
        if isinstance(item, NotComputed):
            inputs.append(_left_out(candidate, item.reason))
        else:
            ready.append((candidate, item))
    if better is None or len(ready) < rule.smallest:
        return None, inputs + [
            _left_out(c, "it is the only comparison that could be pooled") for c, _ in ready
        ]
    values = [item for _, item in ready]
    pooled = pool(values, measure, rule.method)
    effect = pooled_effect(pooled)
    without = tuple(
        (trial, from_analysis_scale(measure, value)) for trial, value in values_without_each(values, pooled)
    )
    without_one = dict(without)
    fixed, fixed_method = _fixed_effect(pooled, ready, better, rule)
    instruments = {candidate.comparison.instrument for candidate, _ in ready}
    difference = (
        differences.get(str(next(iter(instruments)))) if measure == "MD" and len(instruments) == 1 else None
    )
    sizes = [candidate.comparison.participants or _size(candidate, condition) for candidate, _ in ready]
    years = [candidate.facts.year for candidate, _ in ready]
    key = f"{condition}--{domain}--{measure.lower()}"
    estimate = OwnEstimate(
        id=key,
        domain=domain,
        measure=measure,
        better=better,
        pooled=pooled,
        effect=effect,
        fixed=fixed,
        method=(
            f"random effects: {pooled.method}, Hartung-Knapp interval, never narrower than the classic one; "
            f"fixed effect: {fixed_method}"
        ),
        without_one=without,
        trials=tuple(sorted(candidate.facts.trial for candidate, _ in ready)),
        participants=None if None in sizes else sum(size for size in sizes if size is not None),
        newest_year=None if None in years else max(year for year in years if year is not None),
        minimal_important_difference=difference,
        reading=read_against_mid(effect, better, difference),
        is_primary=any(domain in candidate.facts.decided_by.get(condition, {}) for candidate, _ in ready),
    )
    for (candidate, item), weight in zip(ready, pooled.random_weights, strict=True):
        comparison = candidate.comparison
        turned = "; its sign was turned, for the other way is better" if comparison.better != better else ""
        inputs.append(
            Input(
                study=candidate.facts.id,
                outcome=comparison.outcome,
                reason=f"low dose, randomised, {comparison.effects[measure].computed_from}{turned}",
                effect=effect_key(comparison.outcome, measure),
                used_in=key,
                weight=weight,
                leave_one_out=without_one.get(item.id),
            )
        )
    return estimate, inputs


def _fixed_effect(
    pooled: Pooled, ready: Sequence[tuple[_Candidate, PoolInput]], better: Better, rule: PoolingRule
) -> tuple[Estimate, str]:
    """The fixed-effect estimate and its method: Mantel-Haenszel where the counts of all trials are known.

    Inverse variance has too little to go on where events are few (Handbook 10.4.1); it needs 0.5 added to the cells of
    a table with a zero, while Mantel-Haenszel counts such a table as it is (10.4.4).
    """
    event_measure = _OF_EVENTS.get(pooled.measure)
    if not rule.mantel_haenszel or event_measure is None:
        return pooled.fixed, "inverse variance"
    tables: list[EventsInput] = []
    for candidate, item in ready:
        counts = candidate.comparison.counts
        if counts is None:
            return pooled.fixed, "inverse variance, for the counts of not all trials are known"
        events, total, other_events, other_total = counts
        if candidate.comparison.better != better:
            # The opposite event: its odds ratio is the inverse, its risk difference has the other sign.
            events, other_events = total - events, other_total - other_events
        tables.append(EventsInput(item.id, events, total, other_events, other_total))
    found = pool_events(tables, event_measure)
    if isinstance(found, NotComputed):
        return pooled.fixed, f"inverse variance, for {found.reason}"
    zero = any(0 in (t.events_1, t.events_2, t.total_1 - t.events_1, t.total_2 - t.events_2) for t in tables)
    note = "; for the random effects, 0.5 in all cells of tables with a zero" if zero else ""
    return found.estimate, f"Mantel-Haenszel, no continuity correction{note}"


def _size(candidate: _Candidate, condition: str) -> int | None:
    evidence: StudyEvidence = candidate.facts.evidence[condition]
    return evidence.participants


def effect_key(outcome: str, measure: str) -> str:
    """Key of an effect in the table `effects`."""
    return f"{outcome}--{measure.lower().replace('_', '-')}"

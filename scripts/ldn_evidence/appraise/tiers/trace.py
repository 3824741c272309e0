"""The rules as they were tried on a body of evidence, up to the one that decides."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from ldn_evidence.appraise.tiers.body import Body
from ldn_evidence.appraise.tiers.criteria import Criterion, Rule, union
from ldn_evidence.appraise.tiers.results import Appraisal, CriterionResult, TraceStep
from ldn_evidence.appraise.tiers.selection import Evidence


class _Tracer:
    """Writes trace steps; tries each criterion once."""

    def __init__(self, body: Body) -> None:
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
        self._results: dict[Criterion, CriterionResult] = {}

    def _try(self, criterion: Criterion) -> CriterionResult:
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
                union([studies[position] for position in criterion.positions if position in studies]),
                union([pools[position] for position in criterion.positions if position in pools]),
            )
        self._results[criterion] = result
        return result

    def steps(self, rules: Sequence[Rule]) -> list[TraceStep]:
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


def traced(evidence: Evidence, body: Body) -> Appraisal:
    """Tier and direction of this body of evidence, with the trace."""
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

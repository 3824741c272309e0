"""Rows of the computed tables."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from ldn_evidence.appraise.effects import favours
from ldn_evidence.appraise.in_words import deciding_reason, outlook_in_words
from ldn_evidence.appraise.meta import ConditionPools, OwnEstimate
from ldn_evidence.appraise.result import ConditionResult as ConditionResult
from ldn_evidence.appraise.result import counted_evidence
from ldn_evidence.appraise.scales import from_analysis_scale
from ldn_evidence.appraise.tiers import HistoryPoint, TierRule

Row = dict[str, Any]


def appraisal_row(result: ConditionResult, rule: TierRule) -> Row:
    """One row of `condition_appraisals`."""
    counted = counted_evidence(result.condition, result.studies, result.counted)
    randomised = [evidence for evidence in counted if evidence.design == "randomised"]
    sizes = [evidence.participants for evidence in randomised if evidence.participants is not None]
    years = [evidence.year for evidence in counted if evidence.year is not None]
    appraisal = result.assessment.appraisal
    return {
        "condition_id": result.condition,
        "computed_tier": appraisal.tier,
        "computed_direction": appraisal.direction,
        "deciding_rule": appraisal.deciding_rule,
        "deciding_direction_rule": appraisal.deciding_direction_rule,
        "reason": result.reason,
        "deciding_reason": deciding_reason(result),
        "overridden": result.overridden,
        "rule_version": rule.version,
        "randomized_trials": len(randomised),
        "randomized_participants": sum(sizes) if sizes or not randomised else None,
        "randomized_trials_of_unknown_size": len(randomised) - len(sizes),
        "uncontrolled_studies": sum(e.design in rule.uncontrolled for e in counted),
        "counted_studies": len(counted),
        "newest_year": max(years, default=None),
    }


def trace_rows(result: ConditionResult) -> Iterator[Row]:
    """Rows of `tier_trace`: each rule that was tried, then its criteria."""
    condition, trace = result.condition, result.assessment.appraisal.trace
    # Most rows name the same few studies, and a criterion that several rules share is the same in each.
    names = _Texts(list)
    values = _Texts(dict)
    position = 0
    for about in ("tier", "direction"):
        steps = [step for step in trace if step.about == about]
        # A last rule that requires nothing rests on what the rules before it lacked.
        by_default = not steps[-1].criteria
        for step in steps:
            yield {
                "condition_id": condition,
                "position": position,
                "about": about,
                "gives": step.gives,
                "rule": step.rule,
                "criterion": None,
                "statement": step.statement,
                "needs": None,
                "inputs": values[step.inputs],
                "satisfied": step.satisfied,
                "decisive": step.satisfied,
                "studies": names[step.studies],
                "estimates": names[step.pools],
            }
            position += 1
            for criterion in step.criteria:
                yield {
                    "condition_id": condition,
                    "position": position,
                    "about": about,
                    "gives": step.gives,
                    "rule": step.rule,
                    "criterion": criterion.id,
                    "statement": criterion.statement,
                    "needs": criterion.needs,
                    "inputs": values[criterion.inputs],
                    "satisfied": criterion.satisfied,
                    "decisive": step.satisfied or (by_default and not criterion.satisfied),
                    "studies": names[criterion.studies],
                    "estimates": names[criterion.pools],
                }
                position += 1


class _Texts(dict[Any, str]):
    """Values as JSON text, each made once."""

    def __init__(self, shape: Callable[[Any], Any]) -> None:
        self._shape = shape

    def __missing__(self, value: Any) -> str:
        text = self[value] = orjson.dumps(self._shape(value)).decode()
        return text


def history_rows(result: ConditionResult) -> Iterator[Row]:
    """Rows of `tier_history`: the years in which something that counts appeared."""
    years = sorted(
        evidence.year
        for facts in result.studies
        if facts.id in result.counted and (evidence := facts.evidence[result.condition]).year is not None
    )
    before: HistoryPoint | None = None
    for point in result.assessment.history:
        changed = before is None or (before.tier, before.direction) != (point.tier, point.direction)
        yield {
            "condition_id": result.condition,
            "year": point.year,
            "tier": point.tier,
            "direction": point.direction,
            "changed": changed,
            "caused_by": orjson.dumps(point.caused_by).decode(),
            "studies": bisect_right(years, point.year),
        }
        before = point


def outlook_rows(result: ConditionResult, rule: TierRule) -> Iterator[Row]:
    """Two rows of `tier_outlook`."""
    outlook = result.assessment.outlook
    tier = result.assessment.appraisal.tier
    for change, found, at_end in (
        ("raise", outlook.raises, tier == rule.tiers[0]),
        ("lower", outlook.lowers, tier == rule.tiers[-1]),
    ):
        row: Row = {"condition_id": result.condition, "change": change, "possible": found is not None}
        if found is None:
            row["description"] = outlook_in_words(change, found, at_end, rule)
        else:
            row |= {
                "tier": found.tier,
                "direction": found.direction,
                "description": outlook_in_words(change, found, at_end, rule),
                "design": "pooled_estimate" if found.hypothesis.is_pooled else found.hypothesis.design,
                "result": found.hypothesis.primary_direction,
                "participants": found.participants,
            }
        yield row


def estimate_row(condition: str, estimate: OwnEstimate) -> Row:
    """One row of `meta_analyses`."""
    pooled, measure = estimate.pooled, estimate.measure
    fixed = estimate.fixed.natural(measure)
    wald = pooled.random.natural(measure)
    without = [value for _, value in estimate.without_one]
    prediction: tuple[float | None, float | None] = (None, None)
    if pooled.prediction is not None:
        low, high = pooled.prediction
        prediction = (from_analysis_scale(measure, low), from_analysis_scale(measure, high))
    return {
        "id": estimate.id,
        "condition_id": condition,
        "domain": estimate.domain,
        "measure": measure,
        "better": estimate.better,
        "trials": len(estimate.trials),
        "participants": estimate.participants,
        "newest_year": estimate.newest_year,
        "fixed_value": fixed[0],
        "fixed_ci_low": fixed[1],
        "fixed_ci_high": fixed[2],
        "random_value": estimate.effect.value,
        "random_ci_low": estimate.effect.ci_low,
        "random_ci_high": estimate.effect.ci_high,
        "wald_ci_low": wald[1],
        "wald_ci_high": wald[2],
        "prediction_low": prediction[0],
        "prediction_high": prediction[1],
        "q": pooled.q,
        "q_p": pooled.q_p,
        "i_squared": pooled.i_squared,
        "tau_squared": pooled.tau_squared,
        "method": estimate.method,
        "leave_one_out_low": min(without, default=None),
        "leave_one_out_high": max(without, default=None),
        "favours": favours(estimate.effect, estimate.better),
        "minimal_important_difference": estimate.minimal_important_difference,
        "reading": estimate.reading,
        "decides": estimate.is_primary,
    }


def input_rows(condition: str, pools: ConditionPools) -> Iterator[Row]:
    """Rows of `meta_analysis_inputs`."""
    for domain, inputs in pools.inputs.items():
        position: Counter[str] = Counter()
        for entry in inputs:
            yield {
                "condition_id": condition,
                "domain": domain,
                "study_id": entry.study,
                "outcome_id": entry.outcome,
                "position": position[entry.outcome],
                "meta_analysis_id": entry.used_in,
                "effect_id": entry.effect,
                "used": entry.used_in is not None,
                "reason": entry.reason,
                "weight": entry.weight,
                "leave_one_out_value": entry.leave_one_out,
            }
            position[entry.outcome] += 1

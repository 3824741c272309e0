"""Rows of the computed tables, and the deciding reason in words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ldn_evidence.appraise.effects import favours
from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.meta import ConditionPools, OwnEstimate
from ldn_evidence.appraise.records import StudyFacts
from ldn_evidence.appraise.scales import from_analysis_scale
from ldn_evidence.appraise.tiers import Assessment, HistoryPoint, OutlookChange, TierRule

Row = dict[str, Any]

_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """Everything computed for one condition.

    Attributes:
        condition: The condition's id.
        recorded_tier: Tier in the record.
        recorded_direction: Direction in the record.
        overridden: Whether the record departs from the rule with a reason.
        studies: Facts of its studies.
        pools: Our own estimates and what was looked at for them.
        assessment: What the rule gives.
        counted: Ids of the records that speak for a trial that counts.
        reason: The deciding reason in words.
    """

    condition: str
    recorded_tier: str
    recorded_direction: str
    overridden: bool
    studies: tuple[StudyFacts, ...]
    pools: ConditionPools
    assessment: Assessment
    counted: frozenset[str]
    reason: str


def counted_evidence(
    condition: str, studies: Iterable[StudyFacts], counted: frozenset[str]
) -> list[StudyEvidence]:
    """The evidence that counts, without published pooled estimates."""
    found = (facts.evidence[condition] for facts in studies if facts.id in counted)
    return [evidence for evidence in found if not evidence.is_pooled]


# --- rows -----------------------------------------------------------------------------------------


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
            "caused_by": list(point.caused_by),
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


def outlook_in_words(change: str, found: OutlookChange | None, at_end: bool, rule: TierRule) -> str:
    """What would change the tier, in a sentence."""
    if found is not None:
        people = f"{found.participants:,} {'person' if found.participants == 1 else 'people'}"
        return f"{_capital(found.description.replace('{people}', people))} would make it {found.tier}."
    if at_end:
        return f"There is no {'higher' if change == 'raise' else 'lower'} tier."
    return f"No single new result with up to {rule.largest_hypothetical:,} people would {change} the tier."


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


# --- the reason in words --------------------------------------------------------------------------


def deciding_reason(result: ConditionResult) -> str:
    """Tier, direction and what they rest on first of all, in one sentence."""
    appraisal = result.assessment.appraisal
    direction = appraisal.direction.replace("_", " ")
    first = _FIRST_SENTENCE.match(result.reason)
    assert first is not None
    return f"{_capital(appraisal.tier)}, {direction}: {first[1][:1].lower()}{first[1][1:]}."


def number_in_words(count: int) -> str:
    """A count as a sentence says it: in words up to twelve."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# A full stop ends a sentence, a decimal point does not.
_FIRST_SENTENCE = re.compile(r"(.*?)\.(?:\s|$)")
_FINDINGS = {
    "favourable": "favoured naltrexone",
    "mixed": "favoured naltrexone on some of its primary outcomes only",
    "null": "found no difference",
    "unfavourable": "favoured the comparator",
    "unclear": "left no primary result that can be read",
}


def reason(
    condition: str,
    studies: Sequence[StudyFacts],
    pools: ConditionPools,
    assessment: Assessment,
    counted: frozenset[str],
    rule: TierRule,
) -> str:
    """The deciding reason in plain words, with the numbers of the studies that count."""
    spoken = [facts for facts in studies if facts.id in counted and not facts.evidence[condition].is_pooled]
    trials = [facts for facts in spoken if facts.evidence[condition].design == "randomised"]
    sentences = []
    if trials:
        sentences.append(_capital("; ".join(_trial_groups(condition, trials, rule))) + ".")
    sentences += _pooled_sentences(condition, studies, pools, assessment, counted)
    sentences += _mixed_populations(condition, trials)
    not_trials = [facts for facts in spoken if facts.evidence[condition].design != "randomised"]
    others = _other_studies(condition, not_trials, rule)
    if others:
        sentences.append(_capital(others) if trials else f"No randomised trial counts; {others}")
    if not sentences:
        sentences.append("No study of people at a low dose counts.")
    aside = _set_aside(condition, studies, assessment)
    return " ".join([*sentences, *([aside] if aside else [])])


def finding(evidence: StudyEvidence, rule: TierRule) -> str:
    """The result of a randomised trial as the rule takes it."""
    direction = evidence.primary_direction
    if direction == "favourable" and evidence.comparator not in rule.counts_for:
        return "unclear"
    if direction in ("null", "unfavourable") and evidence.comparator not in rule.counts_against:
        return "no_placebo"
    return direction if direction in _FINDINGS else "unclear"


def _trial_groups(condition: str, trials: Sequence[StudyFacts], rule: TierRule) -> list[str]:
    groups: dict[tuple[str, str], list[StudyFacts]] = {}
    for facts in trials:
        groups.setdefault(
            (finding(facts.evidence[condition], rule), _kind(facts.evidence[condition], rule)), []
        ).append(facts)
    order = ["favourable", "mixed", "null", "unfavourable", "no_placebo", "unclear"]
    ranked = sorted(
        groups.items(),
        key=lambda entry: (-_people_in(condition, entry[1]), order.index(entry[0][0]), entry[0][1]),
    )
    parts = []
    for (result, kind), members in ranked:
        plural = "trial" if len(members) == 1 else "trials"
        domains = list(dict.fromkeys(d for facts in members for d in facts.decided_by.get(condition, {})))[:2]
        where = (
            f" in {_listed([d.replace('_', ' ') for d in domains])}"
            if domains and result != "unclear"
            else ""
        )
        said = _FINDINGS.get(
            result, "found no difference from another treatment, which tells nothing without placebo"
        )
        if result == "mixed" and len(members) > 1:
            said = said.replace("its", "their")
        if result in ("null", "favourable", "unfavourable"):
            said += where
        parts.append(
            f"{number_in_words(len(members))} {kind}{plural} with {_sizes(condition, members)} {said}"
        )
    return parts


def _kind(evidence: StudyEvidence, rule: TierRule) -> str:
    blinded = "blinded " if evidence.blinding in rule.blindings else ""
    against = {"placebo": "placebo-controlled ", "active": "actively controlled "}.get(
        evidence.comparator, ""
    )
    return f"{blinded}{against}" or "randomised "


def _people_in(condition: str, members: Sequence[StudyFacts]) -> int:
    return sum(facts.evidence[condition].participants or 0 for facts in members)


def _sizes(condition: str, members: Sequence[StudyFacts]) -> str:
    unknown = sum(facts.evidence[condition].participants is None for facts in members)
    if unknown == len(members):
        return "an unknown number of participants"
    people = _people_in(condition, members)
    text = f"{people:,} {'participant' if people == 1 else 'participants'}"
    return f"{text} and an unknown number in {number_in_words(unknown)} of them" if unknown else text


def _pooled_sentences(
    condition: str,
    studies: Sequence[StudyFacts],
    pools: ConditionPools,
    assessment: Assessment,
    counted: frozenset[str],
) -> list[str]:
    sentences = []
    standing = {
        identifier
        for step in assessment.appraisal.trace
        for criterion in step.criteria
        if criterion.needs.startswith("standing_favourable_pools")
        for identifier in (*criterion.studies, *criterion.pools)
    }
    published = [facts for facts in studies if facts.id in counted and facts.evidence[condition].is_pooled]
    in_favour = [f for f in published if f.evidence[condition].primary_direction == "favourable"]
    without = [f for f in published if f.evidence[condition].primary_direction in ("null", "unfavourable")]
    if in_favour:
        stands = [facts for facts in in_favour if facts.id in standing]
        verb = "favours" if len(in_favour) == 1 else "favour"
        text = f"{_capital(number_in_words(len(in_favour)))} published {_pool_word(len(in_favour))} {verb} naltrexone"
        if not stands:
            text += (
                ", but " + ("does" if len(in_favour) == 1 else "do") + " not weigh all the trials against it"
            )
        elif len(stands) < len(in_favour):
            text += f", of which {number_in_words(len(stands))} still stand" + (
                "s" if len(stands) == 1 else ""
            )
        text += _since_corrected(in_favour)
        sentences.append(text + ".")
    if without:
        verb = "finds" if len(without) == 1 else "find"
        sentences.append(
            f"{_capital(number_in_words(len(without)))} published {_pool_word(len(without))} {verb} no benefit"
            f"{_since_corrected(without)}."
        )
    for estimate in pools.estimates:
        if not estimate.is_primary:
            continue
        effect = estimate.effect
        few = "; too few trials for a narrow interval" if len(estimate.trials) == 2 else ""
        sentences.append(
            f"For comparison, {number_in_words(len(estimate.trials))} trials pooled here give {estimate.measure} "
            f"{effect.value:.2f} ({effect.ci_low:.2f} to {effect.ci_high:.2f}{few}) in {estimate.domain.replace('_', ' ')}."
        )
    return sentences


def _since_corrected(reviews: Sequence[StudyFacts]) -> str:
    count = sum(facts.is_corrected for facts in reviews)
    if not count:
        return ""
    which = "it" if len(reviews) == 1 else f"{number_in_words(count)} of them"
    return f"; {which} {'was' if count == 1 else 'were'} since corrected"


def _pool_word(count: int) -> str:
    return "pooled estimate" if count == 1 else "pooled estimates"


def _other_studies(condition: str, studies: Sequence[StudyFacts], rule: TierRule) -> str:
    series = [
        f for f in studies if f.evidence[condition].design in ("uncontrolled", "nonrandomised_controlled")
    ]
    cases = [f for f in studies if f.evidence[condition].design in ("case_report", "case_series")]
    parts = []
    if series:
        better = [
            f
            for f in series
            if f.evidence[condition].primary_direction in ("improvement_reported", "favourable")
        ]
        noun = "study" if len(series) == 1 else "studies"
        text = f"{number_in_words(len(series))} {noun} without randomisation ({_sizes(condition, series)})"
        if len(series) == 1:
            text += " reports improvement" if better else " reports no clear improvement"
        elif len(better) == len(series):
            text += ", all of which report improvement"
        elif not better:
            text += ", none of which reports a clear improvement"
        else:
            text += f", of which {number_in_words(len(better))} report{'s' if len(better) == 1 else ''} improvement"
        parts.append(text)
    if cases:
        noun = "case report or series" if len(cases) == 1 else "case reports or series"
        parts.append(f"{number_in_words(len(cases))} {noun} ({_sizes(condition, cases)})")
    return "; ".join(parts) + "." if parts else ""


def _mixed_populations(condition: str, trials: Sequence[StudyFacts]) -> list[str]:
    """Says of trials in people with one or another of several conditions that their numbers are not of this one alone."""
    mixed = [facts for facts in trials if facts.is_mixed]
    if not mixed:
        return []
    which = "The trial" if len(trials) == 1 else f"{_capital(number_in_words(len(mixed)))} of the trials"
    conditions = max(len(facts.conditions) for facts in mixed)
    return [
        f"{which} took people with one or another of {number_in_words(conditions)} conditions and does not report them "
        "apart, so that these numbers are not of one condition alone."
    ]


_ASIDE = {
    "retracted": "retracted",
    "unverified": "read by nobody who could verify it",
    "dose-class standard": "at a standard dose, above 10 mg",
    "dose-class ultra_low": "at an ultra-low dose, below 0.5 mg",
    "dose-class topical": "on skin or eye",
    "dose-class": "at a dose that is not known to be low",
    "route": "by another route than by mouth",
    "not-attributable": "with naltrexone only together with another treatment",
}


def _set_aside(condition: str, studies: Sequence[StudyFacts], assessment: Assessment) -> str:
    """Which randomised trials do not count, and why."""
    randomised = {
        facts.id: facts.evidence[condition]
        for facts in studies
        if condition in facts.evidence
        and facts.evidence[condition].design == "randomised"
        and not facts.evidence[condition].is_pooled
    }
    counts: Counter[str] = Counter()
    for entry in assessment.appraisal.set_aside:
        evidence = randomised.get(entry.study)
        # A secondary paper of a trial that is left out is no trial of its own.
        if evidence is None or evidence.id != evidence.trial:
            continue
        detailed = f"{entry.reason} {evidence.dose_class}"
        reason = detailed if detailed in _ASIDE else entry.reason
        if reason in _ASIDE:
            counts[reason] += 1
    if not counts:
        return ""
    total = sum(counts.values())
    parts = [f"{number_in_words(counts[name])} {_ASIDE[name]}" for name in _ASIDE if counts[name]]
    if len(parts) == 1:
        parts = [_ASIDE[next(iter(counts))]]
    noun = "randomised trial does" if total == 1 else "randomised trials do"
    return f"{_capital(number_in_words(total))} {noun} not count here: {_listed(parts)}."

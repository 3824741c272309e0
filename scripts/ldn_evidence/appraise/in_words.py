"""The deciding reason and the outlook in plain words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ldn_evidence.appraise.evidence import StudyEvidence
from ldn_evidence.appraise.meta import ConditionPools
from ldn_evidence.appraise.records import StudyFacts
from ldn_evidence.appraise.result import ConditionResult
from ldn_evidence.appraise.tiers import Assessment, OutlookChange, TierRule

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


def outlook_in_words(change: str, found: OutlookChange | None, at_end: bool, rule: TierRule) -> str:
    """What would change the tier, in a sentence."""
    if found is not None:
        people = f"{found.participants:,} {'person' if found.participants == 1 else 'people'}"
        return f"{_capital(found.description.replace('{people}', people))} would make it {found.tier}."
    if at_end:
        return f"There is no {'higher' if change == 'raise' else 'lower'} tier."
    return f"No single new result with up to {rule.largest_hypothetical:,} people would {change} the tier."


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
    "no_placebo": "{found} {other}, which tells nothing without placebo",
}
# What stood on the other side of a trial that says nothing against naltrexone.
_OTHERS = {"active": "another treatment", "other_dose": "another dose"}
# Of a trial whose primary outcome is not reported, while others of unknown rank are in favour.
_IN_FAVOUR_BESIDE_THE_PRIMARY = "favoured naltrexone on some outcomes, while its primary result is not known"
# Of a trial whose primary outcome was read, but is none by which a direction is decided.
_NOT_DECIDING = "had a primary outcome that decides no direction ({domains})"
# Of trials that call no outcome primary.
_FINDINGS_OF_EQUALS = {
    "mixed": "favoured naltrexone on some of its outcomes only, none of which is called primary",
    "unclear": "left no clear result",
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
    sentences += _mixed_populations(condition, trials)
    sentences += _pooled_sentences(condition, studies, pools, assessment, counted)
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
    groups: dict[tuple[str, str, str], list[StudyFacts]] = {}
    for facts in trials:
        evidence = facts.evidence[condition]
        result = finding(evidence, rule)
        groups.setdefault((result, _kind(evidence, rule), _said(condition, facts, result)), []).append(facts)
    order = ["favourable", "mixed", "null", "unfavourable", "no_placebo", "unclear"]
    ranked = sorted(
        groups.items(),
        key=lambda entry: (-_people_in(condition, entry[1]), order.index(entry[0][0]), entry[0][1:]),
    )
    parts = []
    for (result, kind, said), members in ranked:
        plural = "trial" if len(members) == 1 else "trials"
        domains = list(dict.fromkeys(d for facts in members for d in facts.decided_by.get(condition, {})))[:2]
        where = (
            f" in {_listed([d.replace('_', ' ') for d in domains])}"
            if domains and result != "unclear"
            else ""
        )
        if result == "mixed" and len(members) > 1:
            said = said.replace("its", "their")
        if result in ("null", "favourable", "unfavourable"):
            said += where
        parts.append(
            f"{number_in_words(len(members))} {kind}{plural} with {_sizes(condition, members)} {said}"
        )
    return parts


def _said(condition: str, facts: StudyFacts, result: str) -> str:
    """What a trial found; of one that ranks nothing it is not said that an outcome was its primary one."""
    ranked = [outcome for outcome in facts.comparisons if outcome.condition in (None, condition)]
    primary = [outcome for outcome in ranked if outcome.role == "primary"]
    is_unknown = any(outcome.direction == "unknown" for outcome in primary)
    if result == "mixed" and is_unknown:
        return _IN_FAVOUR_BESIDE_THE_PRIMARY
    if result == "unclear" and primary and not is_unknown and not facts.decided_by.get(condition):
        names = sorted({outcome.domain.replace("_", " ") for outcome in primary})
        return _NOT_DECIDING.format(domains=_listed(names))
    ranks_nothing = not primary and any(outcome.role == "unspecified" for outcome in ranked)
    said = (_FINDINGS_OF_EQUALS if ranks_nothing else {}).get(result) or _FINDINGS[result]
    evidence = facts.evidence[condition]
    return said.format(
        found="did worse than"
        if evidence.primary_direction == "unfavourable"
        else "found no difference from",
        other=_OTHERS.get(evidence.comparator, "what it was compared with"),
    )


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
    published = [facts for facts in studies if facts.id in counted and facts.evidence[condition].is_pooled]
    in_favour = [f for f in published if f.evidence[condition].primary_direction == "favourable"]
    without = [f for f in published if f.evidence[condition].primary_direction in ("null", "unfavourable")]
    if in_favour:
        standing = _standing(assessment)
        stands = [facts for facts in in_favour if facts.id in standing]
        verb = "favours" if len(in_favour) == 1 else "favour"
        text = f"{_capital(number_in_words(len(in_favour)))} published {_pool_word(len(in_favour))} {verb} naltrexone"
        if not stands:
            text += ", but does not stand: it" if len(in_favour) == 1 else ", but none of them stands: each"
            text += " left out trials against it, or another estimate finds no benefit"
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


def _standing(assessment: Assessment) -> set[str]:
    """Pooled estimates that stand, by what the trace says."""
    return {
        identifier
        for step in assessment.appraisal.trace
        for criterion in step.criteria
        if criterion.needs.startswith("standing_favourable_pools")
        for identifier in (*criterion.studies, *criterion.pools)
    }


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
            text += f", {'both' if len(series) == 2 else 'all'} of which report improvement"
        elif not better:
            text += f", {'neither' if len(series) == 2 else 'none'} of which reports a clear improvement"
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
    "dose-class standard": "at a standard dose (above 10 mg)",
    "dose-class ultra_low": "at an ultra-low dose (below 0.5 mg)",
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

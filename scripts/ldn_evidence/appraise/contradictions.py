"""Disagreements that can be found by computation, each with its reason in a sentence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ldn_evidence.appraise.meta import ConditionPools, OwnEstimate
from ldn_evidence.appraise.records import NumberConflict, PooledOutcome, StudyFacts
from ldn_evidence.appraise.tiers import TierRule

Row = dict[str, Any]


class Verdict(NamedTuple):
    """Tier and direction of a condition."""

    tier: str
    direction: str


_OPPOSING = ("null", "unfavourable")
_SAID = {
    "favourable": "favours naltrexone",
    "null": "found no difference",
    "unfavourable": "favours the comparator",
    "unknown": "has no known result",
}


def number_conflicts(conflicts: Iterable[NumberConflict]) -> Iterator[Row]:
    """Rows of printed numbers that cannot all be right."""
    for conflict in conflicts:
        place = conflict.outcome or conflict.study
        yield {
            "id": _key(conflict.kind, place, conflict.reason),
            "kind": conflict.kind,
            "study_id": conflict.study,
            "outcome_id": conflict.outcome,
            "domain": conflict.domain,
            "reason": conflict.reason,
        }


_LONGEST_KEY = 160


def _key(*parts: str) -> str:
    """A key that stays the same between builds and is short enough to read."""
    text = "--".join(parts)
    key = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
    if len(key) <= _LONGEST_KEY:
        return key
    # Two that are too long may differ only at their ends.
    digest = blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{key[: _LONGEST_KEY - len(digest) - 1].rstrip('-.')}-{digest}"


def disagreeing_trials(
    condition: str, studies: Sequence[StudyFacts], counted: frozenset[str]
) -> Iterator[Row]:
    """Pairs of counted randomised trials of which one favours naltrexone in a domain and the other does not.

    One row a domain and pair, over the outcomes by which each trial is judged.
    """
    by_domain: dict[str, list[tuple[StudyFacts, str]]] = defaultdict(list)
    for facts in studies:
        evidence = facts.evidence.get(condition)
        if (
            facts.id not in counted
            or evidence is None
            or evidence.is_pooled
            or evidence.design != "randomised"
        ):
            continue
        for domain, direction in facts.decided_by.get(condition, {}).items():
            by_domain[domain].append((facts, direction))
    for domain in sorted(by_domain):
        positive = [(facts, d) for facts, d in by_domain[domain] if d in ("favourable", "mixed")]
        opposing = [(facts, direction) for facts, direction in by_domain[domain] if direction in _OPPOSING]
        for facts, partly in positive:
            in_part = " in part" if partly == "mixed" else ""
            for other, direction in opposing:
                yield {
                    "id": _key("trials_disagree", condition, domain, facts.id, other.id),
                    "kind": "trials_disagree",
                    "condition_id": condition,
                    "study_id": facts.id,
                    "other_study_id": other.id,
                    "domain": domain,
                    "reason": (
                        f"{_called(facts)} ({_people(facts, condition)}) favours naltrexone{in_part} in {words(domain)}; "
                        f"{_called(other)} ({_people(other, condition)}) {_SAID[direction]}."
                    ),
                }


def _called(facts: StudyFacts) -> str:
    """A study's name, with the notice that a correction followed."""
    return f"{facts.name} (since corrected)" if facts.is_corrected else facts.name


def _people(facts: StudyFacts, condition: str) -> str:
    evidence = facts.evidence.get(condition)
    if evidence is None or evidence.participants is None:
        return "size not known"
    return f"{evidence.participants} people"


def words(domain: str) -> str:
    """A domain's code as words."""
    return domain.replace("_", " ")


def reviews(
    condition: str, studies: Sequence[StudyFacts], pools: ConditionPools, counted: frozenset[str]
) -> Iterator[Row]:
    """Reviews that disagree with each other or with our own estimate, and reviews that newer trials outdate."""
    pooled: dict[str, list[tuple[StudyFacts, PooledOutcome]]] = defaultdict(list)
    published = [facts for facts in studies if facts.review is not None and _readable(facts, condition)]
    for facts in published:
        assert facts.review is not None
        seen: set[str] = set()
        for outcome in facts.review.outcomes:
            own = outcome.condition in (None, condition) and outcome.direction in _SAID
            ranked = outcome.role in ("primary", "unspecified") or outcome.condition == condition
            if own and ranked and outcome.domain not in seen:
                seen.add(outcome.domain)
                pooled[outcome.domain].append((facts, outcome))
    for domain in sorted(pooled):
        entries = pooled[domain]
        for number, (facts, outcome) in enumerate(entries):
            for other, other_outcome in entries[number + 1 :]:
                if {outcome.direction, other_outcome.direction} in (
                    {"favourable", "null"},
                    {"favourable", "unfavourable"},
                ):
                    yield {
                        "id": _key("reviews_disagree", condition, domain, facts.id, other.id),
                        "kind": "reviews_disagree",
                        "condition_id": condition,
                        "study_id": facts.id,
                        "other_study_id": other.id,
                        "outcome_id": outcome.outcome,
                        "domain": domain,
                        "reason": (
                            f"In {words(domain)} {_called(facts)} {_SAID[str(outcome.direction)]} ({outcome.shown}), "
                            f"{_called(other)} {_SAID[str(other_outcome.direction)]} ({other_outcome.shown})"
                            f"{_nature(outcome, other_outcome)}."
                        ),
                    }
        for estimate in pools.estimates:
            if estimate.domain != domain:
                continue
            for facts, outcome in entries:
                if _differs_from_ours(outcome, estimate):
                    yield {
                        "id": _key("reviews_disagree", estimate.id, facts.id),
                        "kind": "reviews_disagree",
                        "condition_id": condition,
                        "study_id": facts.id,
                        "outcome_id": outcome.outcome,
                        "domain": domain,
                        "reason": _against_ours(facts, outcome, estimate, studies),
                    }
    yield from _outdated(condition, studies, published, counted)


def _readable(facts: StudyFacts, condition: str) -> bool:
    evidence = facts.evidence.get(condition)
    return evidence is not None and not evidence.retracted and evidence.verification_depth != "unverified"


def _nature(one: PooledOutcome, other: PooledOutcome) -> str:
    """Whether two estimates differ in size or only in what their intervals leave out."""
    if one.measure != other.measure:
        return "; the measures differ, so the sizes cannot be compared"
    if None in (one.ci_low, one.ci_high, other.ci_low, other.ci_high):
        return ""
    lowest, highest = max(_end(one.ci_low), _end(other.ci_low)), min(_end(one.ci_high), _end(other.ci_high))
    return (
        "; the intervals overlap, so that they differ in precision more than in size"
        if lowest <= highest
        else ""
    )


def _end(value: float | None) -> float:
    assert value is not None
    return value


def _differs_from_ours(outcome: PooledOutcome, estimate: OwnEstimate) -> bool:
    """Whether a published estimate and ours disagree: opposite verdicts, or either lies outside the other's interval."""
    if {outcome.direction, estimate.direction} == {"favourable", "unfavourable"}:
        return True
    if (
        outcome.measure != estimate.measure
        or outcome.value is None
        or outcome.direction == estimate.direction
    ):
        return False
    ours = estimate.effect
    outside_theirs = not _within(ours.value, outcome.ci_low, outcome.ci_high)
    return outside_theirs or not _within(outcome.value, ours.ci_low, ours.ci_high)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return low is None or high is None or low <= value <= high


def _against_ours(
    facts: StudyFacts, outcome: PooledOutcome, estimate: OwnEstimate, studies: Sequence[StudyFacts]
) -> str:
    """Why a published estimate and ours differ, as far as the lists of trials, or else the years, tell."""
    included = None if facts.review is None else facts.review.included
    value, low, high = estimate.effect.value, estimate.effect.ci_low, estimate.effect.ci_high
    text = (
        f"In {words(estimate.domain)} {_called(facts)} {_SAID[str(outcome.direction)]} ({outcome.shown}); pooled here from "
        f"{len(estimate.trials)} trials, {estimate.measure} {value:.2f} ({low:.2f} to {high:.2f}) {_said_by_ours(estimate)}."
    )
    if included is None:
        newer = [
            study.name
            for study in studies
            if study.id in estimate.trials and facts.year is not None and (study.year or 0) > facts.year
        ]
        later = f"; ours holds {_listed(newer)}, published after the review" if newer else ""
        return f"{text} Which trials the review pooled is not known, so that the inputs cannot be matched{later}."
    only_ours = sorted(set(estimate.trials) - included)
    only_theirs = sorted(included - set(estimate.trials))
    parts = []
    if only_theirs:
        parts.append(
            f"the review also used {', '.join(only_theirs)}, which cannot be pooled from what was read"
        )
    if only_ours:
        parts.append(f"ours also holds {', '.join(only_ours)}")
    return f"{text} The difference: {'; '.join(parts)}." if parts else f"{text} Both rest on the same trials."


def _said_by_ours(estimate: OwnEstimate) -> str:
    """What our estimate says: an interval that may hold a difference that matters has not found that there is none."""
    return "is inconclusive" if estimate.reading == "inconclusive" else _SAID[estimate.direction]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _outdated(
    condition: str, studies: Sequence[StudyFacts], published: Sequence[StudyFacts], counted: frozenset[str]
) -> Iterator[Row]:
    """Reviews that lack the largest counted randomised trial, or a newer one that says otherwise.

    Only reviews with a result of their own on a benefit in the condition can be outdated in it.
    A review without a list of trials lacks those of later years; one with a list also lacks unlisted ones of its year.
    """
    trials = [
        facts
        for facts in studies
        if facts.id in counted
        and facts.evidence[condition].design == "randomised"
        and not facts.evidence[condition].is_pooled
        and facts.evidence[condition].participants is not None
        and facts.year is not None
    ]
    trials.sort(
        key=lambda facts: (facts.evidence[condition].participants or 0, facts.year or 0, facts.id),
        reverse=True,
    )
    for facts in published:
        if condition not in facts.concludes_on and not facts.evidence[condition].is_pooled:
            continue
        said = facts.evidence[condition].primary_direction if facts.evidence[condition].is_pooled else None
        for trial in trials:
            direction = trial.evidence[condition].primary_direction
            otherwise = (
                said == "favourable"
                and direction in _OPPOSING
                or said in _OPPOSING
                and direction == "favourable"
            )
            if _lacks(facts, trial) and (trial is trials[0] or otherwise):
                which = "the largest trial" if trial is trials[0] else "a newer trial"
                yield {
                    "id": _key("review_outdated", condition, facts.id, trial.id),
                    "kind": "review_outdated",
                    "condition_id": condition,
                    "study_id": facts.id,
                    "other_study_id": trial.id,
                    "reason": (
                        f"{_called(facts)} does not contain {which}, {trial.name} with {_people(trial, condition)}, "
                        f"which {_SAID.get(direction, 'has no result that can be read')}."
                    ),
                }
                break


def _lacks(review: StudyFacts, trial: StudyFacts) -> bool:
    if review.review is None or review.year is None or trial.year is None:
        return False
    included = review.review.included
    if included is None:
        return trial.year > review.year
    return trial.year >= review.year and trial.trial not in included


def claims(
    records: Iterable[Mapping[str, Any]],
    verdicts: Mapping[str, Verdict],
    names: Mapping[str, str],
    rule: TierRule,
) -> Iterator[Row]:
    """Claims that the evidence speaks against.

    Contradicted ones with what the rule computes or, where no tier answers them, with what decides them; and supported
    ones whose own studies say otherwise. Whether a claim is for or against naltrexone cannot be computed from its words.
    """
    for record in records:
        is_told = False
        against = [
            row["study"] for row in record["evidence"] if row["stance"] == "contradicts" and "study" in row
        ]
        supports = [
            row["study"] for row in record["evidence"] if row["stance"] == "supports" and "study" in row
        ]
        for condition in record.get("conditions", ()):
            verdict = verdicts.get(condition)
            if verdict is None or record["topic"] not in ("tier", "efficacy", "indication"):
                continue
            lowest = verdict.tier == rule.tiers[-1]
            if record["verdict"] == "supported" and len(against) > len(supports):
                reason = (
                    "The record calls the claim supported, but of the studies that decide it more speak against it"
                    f"{_counts(len(against), len(supports))}."
                )
            elif record["verdict"] == "contradicted" and lowest:
                reason = (
                    f"The rule gives {names.get(condition, condition)} the tier {verdict.tier} and the direction "
                    f"{words(verdict.direction)}{_counts(len(against), len(supports))}."
                )
            else:
                continue
            is_told = True
            yield {
                "id": _key("claim_against_evidence", record["id"], condition),
                "kind": "claim_against_evidence",
                "claim_id": record["id"],
                "condition_id": condition,
                "study_id": against[0] if against else None,
                "reason": reason,
            }
        if record["verdict"] == "contradicted" and not is_told:
            counts = _counts(len(against), len(supports)) or "; none of them is a study"
            yield {
                "id": _key("claim_against_evidence", record["id"]),
                "kind": "claim_against_evidence",
                "claim_id": record["id"],
                "study_id": against[0] if against else None,
                "reason": f"The records that decide it speak against it{counts}.",
            }


def _counts(against: int, supports: int) -> str:
    if not against:
        return ""
    return f"; {against} {'study speaks' if against == 1 else 'studies speak'} against the claim, {supports} for it"


# Naltrexone weighs 341.4 g/mol.
_GRAMS_PER_MOL = 341.4
_PREFIXES = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "mc": 1e-6, "m": 1e-3, "": 1.0}
_VOLUMES = {"l": 1.0, "dl": 0.1, "ml": 1e-3}
_CONCENTRATION = re.compile(r"(p|n|u|µ|μ|mc|m|)(?:(mol|g)/(l|dl|ml)|M)", re.IGNORECASE)


def nanomolar(value: float, unit: str) -> float | None:
    """A concentration of naltrexone in nmol/l; None where the unit is not one of amount or mass in a volume.

    >>> nanomolar(0.04, "umol/l")
    40.0
    """
    found = _CONCENTRATION.fullmatch(unit.strip())
    if found is None:
        return None
    prefix, amount, volume = found.groups()
    moles = value * _PREFIXES[prefix.lower()] / (_VOLUMES[volume.lower()] if volume else 1.0)
    if amount is not None and amount.lower() == "g":
        moles /= _GRAMS_PER_MOL
    return round(moles * 1e9, 9)


def highest_concentration(pharmacology: Iterable[Mapping[str, Any]]) -> tuple[float, str] | None:
    """The highest stored plasma concentration of naltrexone in people, in nmol/l, with the record's id."""
    found: list[tuple[float, str]] = []
    for record in pharmacology:
        if record["topic"] != "plasma_concentration" or "naltrexol" in record["name"].lower():
            continue
        value, unit = record.get("value_high", record.get("value_low")), record.get("unit", "")
        if value is None:
            continue
        reached = nanomolar(value, unit)
        if reached is not None:
            found.append((reached, record["id"]))
    return max(found, default=None)


_IN_THE_DISH = {
    "in_vitro": "It was shown in vitro only",
    "human_ex_vivo": "It was shown in human cells treated outside the body",
}


def _times(ratio: float) -> str:
    return f"{float(f'{ratio:.2g}'):,g} times"


def mechanisms_out_of_reach(
    records: Iterable[Mapping[str, Any]], reached: tuple[float, str] | None, known: Container[str]
) -> Iterator[Row]:
    """Mechanisms shown at best in cells outside the body, at concentrations above those stored for people."""
    for record in records:
        concentration = record.get("concentration_nmol_per_l")
        best = _IN_THE_DISH.get(record["evidence_level"])
        if best is None or concentration is None or reached is None:
            continue
        highest, source = reached
        if concentration <= highest:
            continue
        supporting = [row["study"] for row in record.get("supporting", ())]
        yield {
            "id": _key("in_vitro_only", record["id"]),
            "kind": "in_vitro_only",
            "mechanism_id": record["id"],
            "study_id": supporting[0] if supporting and supporting[0] in known else None,
            "reason": (
                f"{best}, at {concentration:,g} nmol/l: {_times(concentration / highest)} the highest plasma concentration of "
                f"naltrexone that is stored for people at any dose, {highest:.3g} nmol/l ({source})."
            ),
        }

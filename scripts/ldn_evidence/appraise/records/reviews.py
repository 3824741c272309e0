"""What a published review pooled, and what its own words say of the trials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ldn_evidence.appraise.records.facts import Comparison, PooledOutcome, ReviewFacts
from ldn_evidence.appraise.records.numbers import MEASURES_OF_COMPARISON
from ldn_evidence.appraise.records.record import Record

_LOW_DOSE = re.compile(r"\blow[- ]dose(?:d)? naltrexone|\bLDN\b", re.IGNORECASE)
_OTHER_DOSE = re.compile(r"\b(?:ultra|very)[- ]low[- ]dose", re.IGNORECASE)
_RANDOMISED = re.compile(r"\brandomi[sz]ed\b|\bRCTs?\b", re.IGNORECASE)
_CONTROLLED = re.compile(r"\bplacebo\b|\brandomi[sz]ed\b", re.IGNORECASE)
_NOT_RANDOMISED = re.compile(
    r"\bno RCTs?\b|\bno randomi[sz]ed\b|\bnon-?randomi[sz]ed\b|\bobservational\b", re.IGNORECASE
)


def review_facts(record: Record, comparisons: Sequence[Comparison], units: Mapping[str, str]) -> ReviewFacts:
    """What a review pooled, and what its title and scope say of the trials.

    Args:
        record: The review.
        comparisons: Its outcomes.
        units: Study -> study that stands for its trial.
    """
    review = record.get("review", {})
    outcomes = tuple(
        PooledOutcome(
            outcome=comparison.outcome,
            condition=comparison.condition,
            domain=comparison.domain,
            role=comparison.role,
            direction=comparison.direction,
            measure=outcome["effect"]["measure"],
            value=outcome["effect"].get("value"),
            ci_low=outcome["effect"].get("ci_low"),
            ci_high=outcome["effect"].get("ci_high"),
            shown=_as_printed(outcome["effect"]),
            trials=outcome["effect"].get("studies"),
            participants=outcome["effect"].get("participants"),
            says_controlled=bool(_CONTROLLED.search(f"{outcome['name']} {outcome.get('note', '')}")),
        )
        for outcome, comparison in zip(record.get("outcomes", ()), comparisons, strict=True)
        if outcome.get("effect", {}).get("measure") in MEASURES_OF_COMPARISON and "value" in outcome["effect"]
    )
    text = f"{record['title']} {review.get('scope', '')} {record.get('design_note', '')}"
    included = review.get("included")
    return ReviewFacts(
        outcomes=outcomes,
        included=None if included is None else frozenset(units.get(study, study) for study in included),
        is_pooled=bool(outcomes),
        says_low_dose=bool(_LOW_DOSE.search(text)) and not _OTHER_DOSE.search(text),
        says_randomised=bool(_RANDOMISED.search(text)) and not _NOT_RANDOMISED.search(text),
    )


def _as_printed(effect: Record) -> str:
    """An estimate and its interval: `SMD -0.50, -1.19 to 0.19`."""
    digits = {name: f"{effect[name]:g}" for name in ("value", "ci_low", "ci_high") if name in effect}
    digits |= effect.get("printed", {})
    shown = f"{effect['measure']} {digits['value']}"
    if "ci_low" in digits and "ci_high" in digits:
        shown += f", {digits['ci_low']} to {digits['ci_high']}"
    return shown

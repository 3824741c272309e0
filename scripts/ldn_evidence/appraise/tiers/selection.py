"""Which records of a condition count, which of them speaks for each trial, and what it says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from ldn_evidence.appraise.evidence import PooledEvidence, StudyEvidence
from ldn_evidence.appraise.tiers.body import Body, Pool, Unit
from ldn_evidence.appraise.tiers.criteria import OPPOSING
from ldn_evidence.appraise.tiers.results import SetAside
from ldn_evidence.appraise.tiers.rule import TierRule

# Of two equal records of one trial the less favourable speaks.
_CAUTION = {"unfavourable": 0, "null": 1, "mixed": 2, "improvement_reported": 3, "favourable": 4}


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


class Evidence:
    """The records of one condition, sorted out once, for today's body of evidence and for that of each year."""

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
        self._weighed: dict[str, Unit | Pool] = {}
        self.years = sorted({s.year for records in by_trial.values() for s in records if s.year is not None})

    def body(self) -> Body:
        """All that counts."""
        speaking = [*self.single, *(records[0] for records in self.several)]
        return Body(self.rule, (*map(self._weigh, speaking), *self._computed(None)))

    def by_year(self) -> Iterator[tuple[int, Body]]:
        """What counted of all that was published up to each year in which something appeared."""
        appeared: dict[int, list[Unit | Pool]] = {}
        for study in self.single:
            if study.year is not None:
                appeared.setdefault(study.year, []).append(self._weigh(study))
        alone = Body(self.rule)
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

    def _weigh(self, study: StudyEvidence) -> Unit | Pool:
        item = self._weighed.get(study.id)
        if item is None:
            item = self._weighed[study.id] = self.weigh(study, study.participants)
        return item

    def _computed(self, year: int | None) -> list[Pool]:
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
            Pool(p.id, True, p.direction, p.domain, p.participants, p.year, p.trials, True)
            for p in usable
            if newest[p.domain] == (math.inf if p.year is None else p.year)
        ]

    def weigh(self, study: StudyEvidence, participants: int | None) -> Unit | Pool:
        """The study as the rule sees it, with this size (the outlook tries others than the study's own)."""
        rule = self.rule
        kind, smallest = rule.designs[study.design]
        result = _result(study, rule)
        if study.is_pooled:
            few = study.pooled_trials is not None and study.pooled_trials < rule.smallest_pool
            return Pool(
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
        return Unit(
            study.id,
            study.trial,
            study.year,
            participants,
            study.group,
            profile,
            rule.positions(profile),
            kind == "randomised" and result in OPPOSING,
        )

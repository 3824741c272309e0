"""What rules about one record share: the record's parts that several look at, and the list of the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from ldn_evidence.check.finding import Finding, Path

Record = Mapping[str, Any]

LIMITS = (("ci_low", "ci_high"), ("iqr_low", "iqr_high"), ("range_low", "range_high"))
_LIMITS = frozenset(limit for pair in LIMITS for limit in pair)


@dataclasses.dataclass(slots=True)
class Context:
    """What a record rule may know beyond the record, and the parts of it that several rules look at.

    Attributes:
        kind: Kind of the record.
        stem: Name of the record's file without its ending.
        today: The day of the check.
        terms: Vocabulary id -> term id -> the term's fields.
        codes: Scheme of codes -> how one is written, as a regular expression, and an example.
        results: Every outcome's results by arm, with their paths.
        effects: Every outcome that has an effect: the effect's path, the outcome, the effect.
        counts: Every place where events, total and percent may stand side by side.
        intervals: Every result, effect and frequency that has a limit of an interval, for few have.
        roles: The role of each arm.
    """

    kind: str
    stem: str
    today: date
    terms: Mapping[str, Mapping[str, Mapping[str, Any]]]
    codes: Mapping[str, tuple[str, str]]
    results: list[tuple[Path, Record]] = dataclasses.field(default_factory=list)
    effects: list[tuple[Path, Record, Record]] = dataclasses.field(default_factory=list)
    counts: list[tuple[Path, Record]] = dataclasses.field(default_factory=list)
    intervals: list[tuple[Path, Record]] = dataclasses.field(default_factory=list)
    roles: dict[str, str] = dataclasses.field(default_factory=dict)

    def look_at(self, record: Record) -> None:
        """Find the parts of a record."""
        if self.kind == "studies":
            self.roles = {arm["id"]: arm["role"] for arm in record.get("arms", ())}
            for position, outcome in enumerate(record.get("outcomes", ())):
                for index, result in enumerate(outcome.get("results", ())):
                    path: Path = ("outcomes", position, "results", index)
                    self.results.append((path, result))
                    if not _LIMITS.isdisjoint(result):
                        self.intervals.append((path, result))
                if "effect" in outcome:
                    path, effect = ("outcomes", position, "effect"), outcome["effect"]
                    self.effects.append((path, outcome, effect))
                    if "ci_low" in effect or "ci_high" in effect:
                        self.intervals.append((path, effect))
            self.counts += self.results
            for index, row in enumerate(record.get("adverse_events", {}).get("by_arm", ())):
                self.counts.append((("adverse_events", "by_arm", index), row))
        for index, row in enumerate(record.get("frequencies", ())):
            self.counts.append((("frequencies", index), row))
            if "ci_low" in row or "ci_high" in row:
                self.intervals.append((("frequencies", index), row))


Check = Callable[[Record, Context], Iterator[Finding]]
RECORD_RULES: dict[str, tuple[frozenset[str], Check]] = {}


def rule(*kinds: str) -> Callable[[Check], Check]:
    """Register a record rule for some kinds; for all kinds when none is named."""

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        RECORD_RULES[name] = (frozenset(kinds), check)
        return check

    return register

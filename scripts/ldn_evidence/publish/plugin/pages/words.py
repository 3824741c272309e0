"""Words and signs for codes. The words are those of the vocabularies; only the signs stand here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ldn_evidence.in_short import by_title
from ldn_evidence.publish.plugin.pages.reader import Reader, Row

# A sign beside each word, so that neither colour nor a single letter carries a meaning alone.
SIGNS: Mapping[tuple[str, str], str] = {
    ("evidence-tiers", "strong"): "●●●",
    ("evidence-tiers", "emerging"): "●●○",
    ("evidence-tiers", "limited"): "●○○",
    ("directions", "benefit"): "▲",
    ("directions", "mixed"): "◆",
    ("directions", "no_benefit"): "■",
    ("directions", "harm"): "▼",
    ("directions", "unclear"): "?",
    ("directions", "not_studied"): "–",
    ("outcome-directions", "favours_ldn"): "▲",
    ("outcome-directions", "no_difference"): "■",
    ("outcome-directions", "favours_comparator"): "▼",
    ("outcome-directions", "not_comparable"): "–",
    ("outcome-directions", "unknown"): "?",
    ("readings", "clearly_favourable"): "▲",
    ("readings", "favourable_possibly_trivial"): "▲",
    ("readings", "inconclusive"): "?",
    ("readings", "null_within_mid"): "■",
    ("readings", "unfavourable"): "▼",
    ("verdicts", "supported"): "✓",
    ("verdicts", "partly_supported"): "◐",
    ("verdicts", "contradicted"): "✕",
    ("verdicts", "not_shown"): "○",
    ("verdicts", "opinion"): "“",
    ("evidence-levels", "human_clinical"): "●●●●",
    ("evidence-levels", "human_ex_vivo"): "●●●○",
    ("evidence-levels", "animal"): "●●○○",
    ("evidence-levels", "in_vitro"): "●○○○",
    ("evidence-levels", "hypothesis"): "○○○○",
}

# An interval read against no effect and the smallest difference that matters to a patient.
READINGS: Mapping[str, str] = {
    "clearly_favourable": "in favour, by a difference that matters",
    "favourable_possibly_trivial": "in favour, perhaps by less than what matters",
    "inconclusive": "inconclusive",
    "null_within_mid": "no difference that matters",
    "unfavourable": "to the disadvantage of naltrexone",
}

# What stands on the other side, after "against".
COMPARATORS: Mapping[str, str] = {
    "active": "another treatment",
    "before": "the time before",
    "healthy": "healthy people",
    "no_treatment": "no treatment",
    "other_dose": "another dose",
    "unknown": "something not told",
    "usual_care": "usual care",
}

_PART = re.compile(r"\s*\((?:sponsor|contact)\)$")
_INITIALS = re.compile(r"(?:\s+[A-Z]{1,4})+\.?$")


@dataclass(frozen=True, slots=True)
class Term:
    """A value of a vocabulary as people read it."""

    code: str
    label: str
    description: str = ""
    sign: str = ""


class Words:
    """The vocabularies of one database."""

    def __init__(self, reader: Reader) -> None:
        self._terms: dict[tuple[str, str], Term] = {}
        self._order: dict[str, list[str]] = {}
        for row in reader.rows("vocabulary_terms"):
            key = (row["vocabulary_id"], row["term"])
            self._terms[key] = Term(row["term"], row["label"], row["description"], SIGNS.get(key, ""))
            self._order.setdefault(row["vocabulary_id"], []).append(row["term"])
        for code, text in READINGS.items():
            self._terms["readings", code] = Term(code, plain(text), "", SIGNS["readings", code])

    def term(self, vocabulary: str, code: str | None) -> Term:
        """The term, or the code itself made readable where the vocabulary does not have it."""
        if code is None:
            return Term("", "not stated")
        found = self._terms.get((vocabulary, code))
        return found or Term(code, plain(code), "", SIGNS.get((vocabulary, code), ""))

    def label(self, vocabulary: str, code: str | None) -> str:
        """The term's label."""
        return self.term(vocabulary, code).label

    def codes(self, vocabulary: str) -> list[str]:
        """The codes of a vocabulary in its own order."""
        return self._order.get(vocabulary, [])


def reading(code: str | None) -> str:
    """How an interval is read, in words."""
    return READINGS.get(code or "", plain(code).lower())


def against(kinds: str) -> str:
    """What a study compares with, from the kinds of its comparators divided by commas."""
    named = [COMPARATORS.get(kind, plain(kind).lower()) for kind in sorted(kinds.split(","))]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def plain(code: str | None) -> str:
    """A code as words: `not_studied` gives `Not studied`."""
    text = (code or "").replace("_", " ")
    return text[:1].upper() + text[1:]


def author_names(authors: str | None) -> list[str]:
    """The authors of a JSON column."""
    return [str(name) for name in json.loads(authors)] if authors else []


def short_citation(study: Row) -> str:
    """First author and year, such as `Bruun et al. 2024`; where no author is known, the number in a register or the title."""
    names = author_names(study.get("authors"))
    year = study.get("year")
    if names:
        first = _PART.sub("", names[0])
        surname = _INITIALS.sub("", first).strip() or first
        return f"{surname}{' et al.' if len(names) > 1 else ''} {year or '(undated)'}"
    if number := study.get("cited_number"):
        return str(number)
    title = str(study.get("cited_title") or study.get("title") or study.get("study_id") or study["id"])
    return by_title(title, year)

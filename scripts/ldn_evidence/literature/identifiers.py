"""A bare identifier: PMID, PMCID, DOI or number of ClinicalTrials.gov, with or without its resolver."""

from __future__ import annotations

import re

from ldn_evidence.literature.entry import Entry

_FORMS = (
    ("registry_number", re.compile(r"(?:https?://(?:www\.)?clinicaltrials\.gov/\S*?)?(NCT[0-9]{8})/?", re.I)),
    (
        "pmcid",
        re.compile(
            r"(?:https?://(?:www\.ncbi\.nlm\.nih\.gov/pmc|pmc\.ncbi\.nlm\.nih\.gov)/articles/|pmcid:\s*)?(PMC[1-9][0-9]{3,8})/?",
            re.I,
        ),
    ),
    # One DOI, and not several with a comma between.
    (
        "doi",
        re.compile(
            r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(?!\S+[,;|/]10\.[0-9]{4,9}/)(10\.[0-9]{4,9}/\S+)", re.I
        ),
    ),
    ("pmid", re.compile(r"(?:https?://pubmed\.ncbi\.nlm\.nih\.gov/|pmid:?\s*)?([1-9][0-9]{3,8})/?", re.I)),
)


def read_identifier(text: str) -> Entry | None:
    """An entry that holds nothing but the identifier; None when the text is none."""
    for name, form in _FORMS:
        found = form.fullmatch(text.strip())
        if found is None:
            continue
        value = found[1] if name == "doi" else found[1].upper()
        if name == "registry_number":
            return Entry("trials", {name: value, "registry": "ClinicalTrials.gov"})
        return Entry("studies", {name: value})
    return None

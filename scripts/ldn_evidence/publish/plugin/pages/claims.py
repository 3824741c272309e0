"""What is claimed of low-dose naltrexone, held against the evidence: the ledger, and one page for each statement."""

from __future__ import annotations

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.filters import Facet, Option, facet
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.words import Words, plain

_TITLE = 100  # letters of a statement in the title of its page


def list_page(reader: Reader, request: Request) -> Page:
    """`/claims`: the ledger, by verdict, source and topic."""
    words = Words(reader)
    rows = reader.rows("claims")
    conditions = by(reader.rows("claim_conditions"), "claim_id")
    for row in rows:
        row["about"] = conditions.get(row["id"], [])
    sources = {row["source_id"] or "none": row["source_title"] or "In circulation" for row in rows}
    facets = [
        Facet("verdict", "Verdict", [Option(code, words.label("verdicts", code)) for code in words.codes("verdicts")],
              lambda row: row["verdict"]),
        Facet("source", "Who says so", [Option(code, title) for code, title in sorted(sources.items(), key=lambda one: one[1])],
              lambda row: row["source_id"] or "none"),
        Facet("topic", "About", [Option(code, plain(code)) for code in sorted({row["topic"] for row in rows})],
              lambda row: row["topic"]),
    ]  # fmt: skip
    shown, groups = facet(rows, facets, request)
    return Page(
        "claims.html",
        "Claims",
        f"{len(rows)} popular statements on low-dose naltrexone, each with a verdict and the records that decide it.",
        {
            "verdicts": by(shown, "verdict"),
            "found": len(shown),
            "all_rows": len(rows),
            "facets": groups,
            "is_filtered": len(shown) < len(rows),
        },
        canonical="/claims",
        alternates=(("/ldn/claims_ledger.csv?_stream=on&_size=max", "text/csv", "The ledger as CSV"),),
    )  # fmt: skip


def claim_page(reader: Reader, request: Request) -> Page:
    """`/claims/<id>`: the verdict, why, and what speaks for and against."""
    identifier = request.variables["id"]
    claim = reader.row("claim", id=identifier)
    if claim is None:
        raise NoSuchRecord(identifier)
    verdict = Words(reader).term("verdicts", claim["verdict"])
    return Page(
        "claim.html",
        f"{verdict.label}: “{shorten(claim['statement'].rstrip('.'), _TITLE)}”",
        claim["explanation"],
        {
            "claim": claim,
            "verdict": verdict,
            "stances": by(reader.rows("evidence_of_claim", id=identifier), "stance"),
            "conditions": reader.rows("conditions_of_claim", id=identifier),
            "others": reader.rows("claims_like_it", id=identifier),
        },
        linked_data={
            "@type": "ClaimReview",
            "claimReviewed": claim["statement"],
            "reviewBody": claim["explanation"],
            "reviewRating": {"@type": "Rating", "alternateName": verdict.label},
            "author": {"@type": "Organization", "name": "LDN Evidence contributors"},
        },
        alternates=((f"/api/v1/claims/{identifier}", "application/json", "This claim as JSON"),),
    )

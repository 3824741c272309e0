"""What is claimed of low-dose naltrexone, held against the evidence."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.filters import Facet, Option, facet
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.words import Words, plain


def page(reader: Reader, request: Request) -> Page:
    """`/claims`: the ledger, by verdict, source and topic."""
    words = Words(reader)
    rows = reader.rows("claims")
    evidence = by(reader.rows("claim_evidence"), "claim_id")
    conditions = by(reader.rows("claim_conditions"), "claim_id")
    for row in rows:
        stances = by(evidence.get(row["id"], []), "stance")
        row["evidence"] = [
            (stance, stances[stance])
            for stance in ("supports", "contradicts", "context")
            if stance in stances
        ]
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
            "rows": shown,
            "all_rows": len(rows),
            "facets": groups,
        },
        canonical="/claims",
        alternates=(("/ldn/claims_ledger.csv?_stream=on&_size=max", "text/csv", "The ledger as CSV"),),
    )  # fmt: skip

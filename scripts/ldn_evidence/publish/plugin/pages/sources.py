"""Documents that are not studies: articles, labels, guidelines."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader


def list_page(reader: Reader, request: Request) -> Page:
    """`/sources`."""
    rows = reader.rows("sources")
    kinds = by(rows, "kind")
    return Page(
        "sources.html",
        "Documents",
        f"{len(rows)} articles, labels, leaflets and statements that this base quotes, with who has an interest in them.",
        {
            # What makes claims stands first, what is of no kind last.
            "kinds": {
                kind: kinds[kind]
                for kind in sorted(
                    kinds,
                    key=lambda kind: (kind == "other", -sum(row["claims"] for row in kinds[kind]), kind),
                )
            },
            "all_rows": len(rows),
        },
    )


def source_page(reader: Reader, request: Request) -> Page:
    """`/sources/<id>`: what the document says, and how that holds up."""
    identifier = request.variables["id"]
    source = reader.row("source", id=identifier)
    if source is None:
        raise NoSuchRecord(identifier)
    return Page(
        "source.html",
        source["title"],
        source["summary"] or source["title"],
        {
            "source": source,
            "statements": reader.rows("source_statements", id=identifier),
            "claims": reader.rows("source_claims", id=identifier),
            "tiers": reader.rows("source_tiers", id=identifier),
        },
        alternates=((f"/api/v1/sources/{identifier}", "application/json", "This document as JSON"),),
    )

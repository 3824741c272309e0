"""What the base covers, what was searched, under which licence, how to cite it, what changed."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.evidence import by, totals
from ldn_evidence.publish.plugin.pages.markdown import sections
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader


def page(reader: Reader, request: Request) -> Page:
    """`/about`."""
    texts = reader.texts()
    return Page(
        "about.html",
        "About",
        "What LDN Evidence covers, what was searched, under which licence it stands, how to cite it and what changed.",
        {
            "totals": totals(reader),
            "coverage": by(reader.rows("coverage"), "section"),
            "searches": reader.rows("searches"),
            "changes": sections(texts["changes"]["text"], below=2) if "changes" in texts else "",
            "citation": texts["citation"]["text"] if "citation" in texts else "",
        },
    )


def searches_page(reader: Reader, request: Request) -> Page:
    """`/about/searches`: every search with its queries, so that one knows how far "nothing found" reaches."""
    queries = by(reader.rows("search_queries"), "search_id")
    searches = [{**row, "listed": queries.get(row["id"], [])} for row in reader.rows("searches")]
    return Page(
        "searches.html",
        "What was searched",
        f"{len(searches)} searches for evidence on low-dose naltrexone, each with its day, scope and queries.",
        {"searches": searches},
        alternates=(("/ldn/search_queries.csv?_stream=on&_size=max", "text/csv", "Every query as CSV"),),
    )

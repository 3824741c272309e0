"""The mechanisms that are proposed, and one page for each."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import pathway
from ldn_evidence.publish.plugin.pages.evidence import by, dose, named
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, items
from ldn_evidence.publish.plugin.pages.words import Words


def list_page(reader: Reader, request: Request) -> Page:
    """`/mechanisms`: all of them, the best shown first."""
    rows = reader.rows("mechanisms")
    return Page(
        "mechanisms.html",
        "Mechanisms",
        f"{len(rows)} ways in which low-dose naltrexone is said to act, by how well each is shown.",
        {"levels": by(rows, "evidence_level")},
        alternates=(("/ldn/mechanisms.csv?_stream=on&_size=max", "text/csv", "Mechanisms as CSV"),),
    )


def mechanism_page(reader: Reader, request: Request) -> Page:
    """`/mechanisms/<id>`: what supports it and what contradicts it, side by side."""
    identifier = request.variables["id"]
    mechanism = reader.row("mechanism", id=identifier)
    if mechanism is None:
        raise NoSuchRecord(identifier)
    words = Words(reader)
    targets = reader.rows("mechanism_targets", id=identifier)
    conditions = reader.rows("mechanism_conditions", id=identifier)
    evidence = [{**row, "dose": dose(row)} for row in reader.rows("mechanism_evidence", id=identifier)]
    return Page(
        "mechanism.html",
        mechanism["name"],
        mechanism["statement"],
        {
            "mechanism": mechanism,
            "targets": targets,
            "sides": by(evidence, "stance"),
            "conditions": conditions,
            "contradictions": named(reader, reader.rows("mechanism_contradictions", id=identifier)),
            "citations": reader.rows("citations", kind="mechanisms", id=identifier),
            "open_questions": items(mechanism["open_questions"]),
            "graph": pathway.draw("pathway", mechanism, targets, conditions, words, request.url),
        },
        alternates=((f"/api/v1/mechanisms/{identifier}", "application/json", "This mechanism as JSON"),),
    )

"""The list of studies, and one page for each."""

from __future__ import annotations

from typing import Any

from ldn_evidence.publish.plugin.pages.evidence import (
    SAME_STUDY,
    by,
    citations_of,
    dose,
    finding,
    named,
    registry_address,
    with_links,
)
from ldn_evidence.publish.plugin.pages.filters import Facet, Option, facet, order_links
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row, items
from ldn_evidence.publish.plugin.pages.words import Words, author_names, short_citation

_PER_PAGE = 50


def list_page(reader: Reader, request: Request) -> Page:
    """`/studies`: every study, with filters."""
    words = Words(reader)
    rows = reader.rows("studies")
    for row in rows:
        row["dose"] = dose(row)
        doses = (row["dose_classes"] or "").split(",")
        row["dose_class"] = "low" if "low" in doses else doses[0] or "unspecified"
        if row["relation"] in SAME_STUDY:
            row["kind"] = "further"
        else:
            row["kind"] = "randomised" if row["is_randomized"] else row["evidence_kind"] or "document"
    kinds = [Option("randomised", "Randomised trial")] + [
        Option(code, words.label("evidence-kinds", code)) for code in words.codes("evidence-kinds")
    ]
    kinds.append(Option("further", "Further paper on a study"))
    facets = [
        Facet("kind", "Kind", kinds, lambda row: row["kind"]),
        Facet("dose", "Dose class", _options(words, "dose-classes"), lambda row: row["dose_class"]),
        Facet(
            "depth", "Read as", _options(words, "verification-depths"), lambda row: row["verification_depth"]
        ),
    ]
    shown, groups = facet(rows, facets, request)
    sorts = {"": "year", "people": "people"}
    order = request.get("sort") if request.get("sort") in sorts else ""
    if order == "people":
        shown = sorted(shown, key=lambda row: -(row["participants"] or 0))
    pages = max((len(shown) + _PER_PAGE - 1) // _PER_PAGE, 1)
    number = min(max(int(request.get("page")) if request.get("page").isdecimal() else 1, 1), pages)
    return Page(
        "studies.html",
        "Studies",
        f"{len(rows)} studies, reviews and registrations on naltrexone, each with how deeply it was read.",
        {
            "rows": shown[(number - 1) * _PER_PAGE : number * _PER_PAGE],
            "found": len(shown),
            "all_rows": len(rows),
            "facets": groups,
            "sorts": order_links(request, list(sorts.items()), order),
            "number": number,
            "pages": [(index, request.with_parameters(page=str(index) if index > 1 else "")) for index in range(1, pages + 1)],
        },
        canonical="/studies",
        alternates=(("/ldn/studies.csv?_stream=on&_size=max", "text/csv", "All studies as CSV"),),
    )  # fmt: skip


def _options(words: Words, vocabulary: str) -> list[Option]:
    return [Option(code, words.label(vocabulary, code)) for code in words.codes(vocabulary)]


def study_page(reader: Reader, request: Request) -> Page:
    """`/studies/<id>`: what was done, what was found, and what it counts for."""
    identifier = request.variables["id"]
    study = reader.row("study", id=identifier)
    if study is None:
        raise NoSuchRecord(identifier)
    outcomes = reader.rows("study_outcomes", id=identifier)
    results = by(reader.rows("study_results", id=identifier), "outcome_id")
    for outcome in outcomes:
        outcome["finding"] = finding(outcome)
        outcome["results"] = results.get(outcome["id"], [])
    adverse_events: dict[str, list[Row]] = by(reader.rows("study_adverse_events", id=identifier), "term")
    registrations = [
        {**row, "address": registry_address(row["registry_number"])}
        for row in reader.rows("study_registrations", id=identifier)
    ]
    authors = author_names(study["authors"])
    contradictions = named(reader, reader.rows("study_contradictions", id=identifier))
    cited = citations_of(
        reader, [row[column] for row in contradictions for column in ("study_id", "other_study_id")]
    )
    return Page(
        "study.html",
        f"{short_citation(study)}: {study['title']}",
        study["conclusion"],
        {
            "study": study,
            "authors": authors,
            "conditions": reader.rows("study_conditions", id=identifier),
            "arms": reader.rows("study_arms", id=identifier),
            "outcomes": outcomes,
            "effects": [row for row in reader.rows("study_effects", id=identifier) if not row["is_printed"]],
            "adverse_events": adverse_events,
            "registrations": registrations,
            "relations": reader.rows("study_relations", id=identifier),
            "pools": named(reader, reader.rows("study_pools", id=identifier)),
            "mechanisms": reader.rows("study_mechanisms", id=identifier),
            "claims": reader.rows("study_claims", id=identifier),
            "contradictions": [with_links(row, cited, identifier) for row in contradictions],
            "reviews": reader.rows("study_reviews", id=identifier),
            "included": reader.rows("review_included", id=identifier),
            "limitations": items(study["limitations"]),
            "open_questions": items(study["open_questions"]),
            "other_identifiers": items(study["other_identifiers"]),
        },
        linked_data=_linked_data(study, authors),
        alternates=(
            (f"/api/v1/studies/{identifier}", "application/json", "This study as JSON"),
            (f"/ldn/studies/{identifier}", "text/html", "The record in Datasette"),
        ),
    )


def _linked_data(study: Row, authors: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "@type": "MedicalTrial" if study["is_randomized"] else "MedicalStudy",
        "name": study["title"],
        "description": study["conclusion"],
        "studySubject": {"@type": "Drug", "name": "naltrexone"},
        "subjectOf": {
            "@type": "ScholarlyArticle",
            "headline": study["title"],
            "author": [{"@type": "Person", "name": name} for name in authors[:20]],
        },
    }
    if study["year"]:
        data["subjectOf"]["datePublished"] = str(study["year"])
    if study["doi"]:
        data["subjectOf"]["sameAs"] = f"https://doi.org/{study['doi']}"
    return data

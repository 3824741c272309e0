"""What goes wrong, what must not be combined, and who must not take it."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import dots
from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, items
from ldn_evidence.publish.plugin.pages.words import short_citation

# Interactions that stand open; the others are named above them, and open from there.
_GRAVE = frozenset({"contraindicated", "major"})


def page(reader: Reader, request: Request) -> Page:
    """`/safety`."""
    frequencies = reader.rows("adverse_effect_frequencies")
    compared = [
        row for row in frequencies
        if row["dose_class"] == "low" and row["percent"] is not None and row["comparator_percent"] is not None
    ]  # fmt: skip
    pairs = [
        dots.Pair(
            row["name"], short_citation(row) if row["study_id"] else row["source_title"], row["percent"],
            row["comparator_percent"], row["total"], row["comparator_total"],
        )
        for row in compared
    ]  # fmt: skip
    interactions = [
        {**row, "examples": items(row["examples"]), "open_questions": items(row["open_questions"])}
        for row in reader.rows("interactions")
    ]
    effects = reader.rows("adverse_effects")
    return Page(
        "safety.html",
        "Safety",
        "What goes wrong on low-dose naltrexone and how often against placebo, what must not be combined with it, and "
        "what is checked before a start.",
        {
            "chart": dots.draw("adverse-effects", pairs) if pairs else None,
            "effects": effects,
            "frequencies": by(frequencies, "adverse_effect_id"),
            "interactions": by(interactions, "severity"),
            "grave": _GRAVE,
            "precautions": by(reader.rows("precautions"), "kind"),
            "citations": {
                kind: by(reader.rows("kind_citations", kind=kind), "record_id")
                for kind in ("adverse-effects", "interactions", "precautions")
            },
        },
        alternates=(
            ("/ldn/safety_summary.csv?_stream=on&_size=max", "text/csv", "Frequencies as CSV"),
            ("/api/v1/adverse-effects", "application/json", "Adverse effects as JSON"),
        ),
    )

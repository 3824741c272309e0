"""Doses as tried, schedules, what happens to the drug in the body, and what regulators say."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import doses
from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader

# Topics whose code does not read as words.
_TITLES = {"opioid_free_interval": "Opioid-free interval", "ultra_low_dose": "Ultra-low dose"}


def page(reader: Reader, request: Request) -> Page:
    """`/dosing`."""
    arms = by(reader.rows("doses_tried"), "condition_name")
    known = {
        name: rows for name, rows in arms.items()
        if any(row["dose_mg_per_day"] is not None or row["dose_high_mg_per_day"] is not None for row in rows)
    }  # fmt: skip
    # Conditions with a randomised arm, or with several arms, are worth a line of the chart.
    drawn = {
        name: rows for name, rows in known.items() if len(rows) > 1 or any(row["is_randomized"] for row in rows)
    }  # fmt: skip
    dosing = [{**row, "steps": []} for row in reader.rows("dosing")]
    steps = by(reader.rows("dosing_steps"), "dosing_id")
    for row in dosing:
        row["steps"] = steps.get(row["id"], [])
    return Page(
        "dosing.html",
        "Dosing as tried",
        "Doses of low-dose naltrexone that were tried, by condition, with schedules, kinetics and what regulators say.",
        {
            "chart": doses.draw("doses", drawn, request.url) if drawn else None,
            "table": reader.rows("doses_by_condition"),
            "topics": by(dosing, "topic"),
            "titles": _TITLES,
            "pharmacology": by(reader.rows("pharmacology"), "topic"),
            "regulatory": by(reader.rows("regulatory"), "jurisdiction"),
            "citations": {
                kind: by(reader.rows("kind_citations", kind=kind), "record_id")
                for kind in ("dosing", "pharmacology", "regulatory")
            },
        },
        alternates=(("/ldn/doses_tried.csv?_stream=on&_size=max", "text/csv", "Doses as CSV"),),
    )

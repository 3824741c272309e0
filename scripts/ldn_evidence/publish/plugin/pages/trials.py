"""Registered trials: what still runs, and what ended in silence."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import timeline
from ldn_evidence.publish.plugin.pages.evidence import by, never_began, registry_address
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row

_GROUPS = (
    ("open", "Still to report", "Not ended when they were seen, and without a report here."),
    (
        "silent",
        "Silent",
        "Stopped, overdue by their register, or completed more than two years before the last search; no report found.",
    ),
    ("reported", "Reported", "At least one study of this base gives results."),
    ("other", "Others", "Ended lately, or of unknown state; no report found so far."),
    ("never", "Never began", "Withdrawn before anybody took part: nothing was left unreported."),
)


# Trials whose results stand elsewhere, those of which nothing is known yet and those that never began wait folded.
_FOLDED = frozenset({"never", "reported", "other"})


def _group(row: Row) -> str:
    if row["reports"]:
        return "reported"
    if row["is_open"]:
        return "open"
    if never_began(row):
        return "never"
    return "silent" if row["silence"] else "other"


def page(reader: Reader, request: Request) -> Page:
    """`/trials`."""
    rows = reader.rows("trials")
    conditions = by(reader.rows("trial_conditions"), "trial_id")
    reports = by(reader.rows("trial_reports"), "trial_id")
    for row in rows:
        row["about"] = conditions.get(row["id"], [])
        row["reports"] = reports.get(row["id"], [])
        row["group"] = _group(row)
        row["address"] = registry_address(row["registry_number"])
    grouped = by(rows, "group")
    awaited = grouped.get("open", []) + grouped.get("silent", [])
    today = reader.build_info().get("data_as_of", "")
    return Page(
        "trials.html",
        "Registered trials",
        f"{len(rows)} registered trials of naltrexone: which still run, which ended without a result, which reported.",
        {
            "groups": [(key, title, note, grouped[key]) for key, title, note in _GROUPS if key in grouped],
            "folded": _FOLDED,
            "chart": timeline.draw("timeline", awaited, today, request.url) if awaited else None,
            "all_rows": len(rows),
        },
        alternates=(
            ("/ldn/open_trials.csv?_stream=on&_size=max", "text/csv", "Trials still to report as CSV"),
            ("/ldn/silent_trials.csv?_stream=on&_size=max", "text/csv", "Silent trials as CSV"),
        ),
    )

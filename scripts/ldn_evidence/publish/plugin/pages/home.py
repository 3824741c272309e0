"""The front page."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import bubbles
from ldn_evidence.publish.plugin.pages.evidence import SAME_STUDY, citations_of, dose, totals
from ldn_evidence.publish.plugin.pages.evidence_map import by_direction, most_people
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, items
from ldn_evidence.publish.plugin.pages.words import Words

_NEWEST = 6  # studies on the front page


def page(reader: Reader, request: Request) -> Page:
    """`/`: what this is, the way in, and where the evidence stands."""
    words = Words(reader)
    everything = reader.rows("catalogue")
    catalogue = [row for row in everything if not row["is_group"]]
    changes = [{**row, "caused_by": items(row["caused_by"])} for row in reader.rows("tier_changes", most=8)]
    recent = reader.rows("newest_studies", most=4 * _NEWEST)
    newest = [
        {**row, "dose": dose(row), "is_low": "low" in (row["dose_classes"] or "").split(",")}
        for row in recent
        if row["relation"] not in SAME_STUDY
    ][:_NEWEST]
    mapped = reader.rows("evidence_map")
    return Page(
        "home.html",
        "LDN Evidence: what is known of low-dose naltrexone",
        "What is known of low-dose naltrexone, condition by condition: how strong the evidence is, which way it points, "
        "and which studies say so, with their numbers.",
        {
            "totals": totals(reader),
            "tiers": [
                (
                    code,
                    [row for row in catalogue if row["evidence_tier"] == code],
                    sum(bool(row["is_group"]) for row in everything if row["evidence_tier"] == code),
                )
                for code in words.codes("evidence-tiers")
            ],
            "changes": changes,
            "cited": citations_of(reader, [study for row in changes for study in row["caused_by"]]),
            "newest": newest,
            "groups": sum(bool(row["is_group"]) for row in everything),
            "map": bubbles.draw("map", mapped, words, request.url),
            "directions": by_direction(mapped),
            "most": most_people(mapped),
            "names": [row["name"] for row in catalogue],
        },
        linked_data={
            "@type": "Dataset",
            "name": "LDN Evidence",
            "description": "A reviewed, structured evidence base on low-dose naltrexone: conditions with computed evidence "
            "tiers, studies with their numbers, mechanisms, harms, doses, registered trials and popular claims.",
            "license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "isAccessibleForFree": True,
            "keywords": ["low-dose naltrexone", "naltrexone", "evidence synthesis"],
        },
    )

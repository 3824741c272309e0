"""The evidence map: how much there is, and which way it points."""

from __future__ import annotations

from collections.abc import Sequence

from ldn_evidence.publish.plugin.pages.charts import bubbles
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row
from ldn_evidence.publish.plugin.pages.words import Words

# What points somewhere first.
_ORDER = ("benefit", "mixed", "no_benefit", "harm", "unclear")


def by_direction(rows: Sequence[Row]) -> list[tuple[str, list[Row], list[Row]]]:
    """For each direction: the conditions with randomised trials, most people first, and those without."""
    found = []
    for code in _ORDER:
        here = sorted(
            (row for row in rows if row["direction"] == code),
            key=lambda row: (-row["randomized_participants"], row["evidence_tier"] == "limited", row["name"]),
        )
        if here:
            trials = [row for row in here if row["randomized_participants"] > 0]
            found.append((code, trials, here[len(trials) :]))
    return found


def most_people(rows: Sequence[Row]) -> int:
    """The largest number of people in the randomised trials of one condition."""
    return max((row["randomized_participants"] for row in rows), default=0) or 1


def page(reader: Reader, request: Request) -> Page:
    """`/map`: the chart, and the same as lists."""
    words = Words(reader)
    rows = reader.rows("evidence_map")
    return Page(
        "map.html",
        "Evidence map",
        "How much randomised evidence there is on low-dose naltrexone in each condition, and which way it points.",
        {"chart": bubbles.draw("map", rows, words, request.url), "directions": by_direction(rows),
         "most": most_people(rows), "studied": len(rows)},
        alternates=(("/ldn/evidence_map.csv?_stream=on&_size=max", "text/csv", "The map as CSV"),),
    )  # fmt: skip

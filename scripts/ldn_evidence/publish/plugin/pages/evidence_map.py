"""The evidence map: how much there is, and which way it points."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.charts import bubbles
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.words import Words

# Bands of randomised participants, most first: lowest number, words.
BANDS = (
    (300, "300 people or more"),
    (100, "100 to 299"),
    (30, "30 to 99"),
    (1, "1 to 29"),
    (0, "no randomised trial"),
)


def page(reader: Reader, request: Request) -> Page:
    """`/map`: the chart, and the same as a grid of links."""
    words = Words(reader)
    rows = reader.rows("evidence_map")
    directions = [code for code in bubbles.DIRECTIONS if any(row["direction"] == code for row in rows)]
    grid = []
    for position, (least, label) in enumerate(BANDS):
        most = BANDS[position - 1][0] if position else None
        band = [
            row for row in rows
            if row["randomized_participants"] >= least and (most is None or row["randomized_participants"] < most)
        ]  # fmt: skip
        if band:
            cells = [
                sorted(
                    (row for row in band if row["direction"] == code),
                    key=lambda row: (-row["randomized_participants"], row["name"]),
                )
                for code in directions
            ]
            grid.append((label, cells))  # fmt: skip
    return Page(
        "map.html",
        "Evidence map",
        "How much randomised evidence there is on low-dose naltrexone in each condition, and which way it points.",
        {"chart": bubbles.draw("map", rows, words, request.url), "grid": grid, "directions": directions,
         "studied": len(rows)},
        alternates=(("/ldn/evidence_map.csv?_stream=on&_size=max", "text/csv", "The map as CSV"),),
    )  # fmt: skip

"""Amount against direction: a bubble a condition, its area by participants, its shape and colour by tier."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, link_name
from ldn_evidence.publish.plugin.pages.numbers import count, counted
from ldn_evidence.publish.plugin.pages.reader import Row
from ldn_evidence.publish.plugin.pages.words import Words

# From harm on the left to benefit on the right.
DIRECTIONS = ("harm", "no_benefit", "unclear", "mixed", "benefit")
_WIDTH, _LEFT, _TOP, _HEIGHT = 1100, 52, 44, 360
_MARKS = (10, 30, 100, 300, 1000)


def draw(name: str, rows: Sequence[Row], words: Words, url: Callable[[str], str]) -> Markup:
    """The map of the conditions that were studied. Those without a randomised trial lie in a field of their own."""
    randomised = [row for row in rows if row["randomized_participants"] > 0]
    others = [row for row in rows if row["randomized_participants"] <= 0]
    columns = [code for code in DIRECTIONS if any(row["direction"] == code for row in rows)]
    # A column is as wide as it is full, within reason.
    fullness = [4 + math.sqrt(sum(row["direction"] == code for row in randomised)) for code in columns]
    widths = [(_WIDTH - _LEFT) * part / sum(fullness) for part in fullness]
    counts = [sum(row["direction"] == code for row in others) for code in columns]
    lines = max(
        (math.ceil(number / _per_line(wide)) for number, wide in zip(counts, widths, strict=True)), default=0
    )
    foot = 34 + 20 * lines if others else 0
    base = _TOP + _HEIGHT
    drawing = Drawing(
        name, _WIDTH, base + foot + 44, "Evidence map: people in randomised trials against direction",
        " ".join(
            f"{row['name']}: {words.label('evidence-tiers', row['evidence_tier']).lower()}, "
            f"{words.label('directions', row['direction']).lower()}, {count(row['randomized_participants'])} people."
            for row in randomised
        ),
        has_links=True,
    )  # fmt: skip
    top = max([row["randomized_participants"] for row in rows] + [300]) * 1.5

    def y(people: float) -> float:
        return base - 20 - math.log10(max(people, 1)) / math.log10(top) * (_HEIGHT - 30)

    for mark in _MARKS:
        if mark < top:
            drawing.line(_LEFT, y(mark), _WIDTH, y(mark), "grid")
            drawing.text(_LEFT - 8, y(mark) + 4, count(mark), "end", "figure small")
    drawing.text(0, 18, "People in randomised trials (log scale)", style="small quiet")
    left = float(_LEFT)
    for number, (code, wide) in enumerate(zip(columns, widths, strict=True)):
        term = words.term("directions", code)
        if number:
            drawing.line(left, _TOP - 12, left, base + foot, "grid")
        drawing.text(left + wide / 2, base + foot + 26, f"{term.sign} {term.label}", "middle", "strong")
        _column(drawing, [row for row in randomised if row["direction"] == code], left, wide, y, words, url)
        for place, row in enumerate(row for row in others if row["direction"] == code):
            across, down = place % _per_line(wide), place // _per_line(wide)
            title = link_name(row["name"], row["name"], _title(row, words))
            with drawing.link(url(f"/conditions/{row['condition_id']}"), title):
                _mark(drawing, row, left + 20 + across * 20, base + 30 + down * 20, 6)
        left += wide
    drawing.line(_LEFT, base, _WIDTH, base)
    if others:
        drawing.text(_LEFT - 8, base + 26, "none", "end", "small")
        drawing.line(_LEFT, base + foot + 4, _WIDTH, base + foot + 4)
    return drawing.markup()


def _per_line(wide: float) -> int:
    """How many marks stand side by side in the field of those without a trial."""
    return max(int((wide - 20) // 20), 1)


def _column(
    drawing: Drawing,
    rows: Sequence[Row],
    left: float,
    wide: float,
    y: Callable[[float], float],
    words: Words,
    url: Callable[[str], str],
) -> None:
    """Bubbles of one direction on the left of its column, names on the right, each pair joined by a thin line."""
    ordered = sorted(rows, key=lambda row: (-row["randomized_participants"], row["name"]))
    heights = [y(row["randomized_participants"]) for row in ordered]
    placed: list[tuple[float, float, float]] = []
    names_at = left + min(0.38 * wide, 150)
    room = int((left + wide - names_at) / 6.4)
    for row, height, line in zip(ordered, heights, spread(heights, 15), strict=True):
        radius = min(4 + 0.8 * math.sqrt(row["randomized_participants"]), 24)
        x = left + 30
        while x < names_at - 24 and any(
            (x - px) ** 2 + (height - py) ** 2 < (radius + pr + 1) ** 2 for px, py, pr in placed
        ):
            x += 4
        placed.append((x, height, radius))
        visible = shorten(row["name"], room)
        with drawing.link(
            url(f"/conditions/{row['condition_id']}"), link_name(visible, row["name"], _title(row, words))
        ):
            drawing.polyline([(x + radius, height), (names_at - 12, line), (names_at - 3, line)], "leader")
            _mark(drawing, row, x, height, radius)
            drawing.text(names_at, line + 4, visible, style="small")


def spread(wanted: Sequence[float], apart: float) -> list[float]:
    """Places in the order of `wanted` (rising), each `apart` from the next, as near to what is wanted as that allows.

    Places that would touch form a block around the middle of what they want.
    """
    blocks: list[tuple[float, int]] = []  # first place, number of places
    for place in wanted:
        first, number = place, 1
        while blocks and first < blocks[-1][0] + blocks[-1][1] * apart:
            before, count_before = blocks.pop()
            middle = (
                (before + (count_before - 1) * apart / 2) * count_before
                + (first + (number - 1) * apart / 2) * number
            ) / (count_before + number)
            number += count_before
            first = middle - (number - 1) * apart / 2
        blocks.append((first, number))
    return [first + place * apart for first, number in blocks for place in range(number)]


def _mark(drawing: Drawing, row: Row, x: float, y: float, radius: float) -> None:
    """Limited is a circle, emerging a diamond, strong a square: the tier without its colour."""
    style = f"bubble {row['evidence_tier']}"
    if row["evidence_tier"] == "strong":
        drawing.rectangle(x - radius, y - radius, 2 * radius, 2 * radius, style)
    elif row["evidence_tier"] == "emerging":
        reach = radius * 1.25
        drawing.polygon([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], style)
    else:
        drawing.circle(x, y, radius, style)


def _title(row: Row, words: Words) -> str:
    return (
        f"{words.label('evidence-tiers', row['evidence_tier'])}, "
        f"{words.label('directions', row['direction']).lower()}; {count(row['randomized_participants'])} people in "
        f"{counted(row['randomized_trials'], 'randomised trial', 'randomised trials')}, "
        f"{counted(row['low_dose_studies'], 'study', 'studies')} at low dose"
    )

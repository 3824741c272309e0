"""From drug to target to effect to condition: what a mechanism claims, as a row of boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, link_name
from ldn_evidence.publish.plugin.pages.reader import Row
from ldn_evidence.publish.plugin.pages.words import Words, plain

_MOST = 8
_LETTERS = 24
_BOX, _GAP, _HIGH, _STEP, _TOP = 190, 56, 34, 44, 34


def draw(
    name: str,
    mechanism: Row,
    targets: Sequence[Row],
    conditions: Sequence[Row],
    words: Words,
    url: Callable[[str], str],
) -> Markup:
    """The claimed path. Dashed where it is only said or seen in cells; solid where it was seen in people or animals."""
    shown_targets = [shorten(row["symbol"] or row["name"], 24) for row in targets[:_MOST]]
    if len(targets) > _MOST:
        shown_targets[-1] = f"and {len(targets) - _MOST + 1} more"
    shown_conditions = list(conditions if len(conditions) <= _MOST else conditions[: _MOST - 1])
    left_out = len(conditions) - len(shown_conditions)
    rows = max(len(shown_targets), len(shown_conditions) + bool(left_out), 1)
    height = _TOP + rows * _STEP + 6
    width = 4 * _BOX + 3 * _GAP + 2  # half of a border stands outside of its box
    drawing = Drawing(
        name, width, height, f"What is claimed: {mechanism['name']}",
        f"Naltrexone acts on {', '.join(shown_targets) or 'targets not named'}; effect: {plain(mechanism['effect']).lower()}; "
        f"invoked for {', '.join(row['name'] for row in conditions) or 'no condition'}.",
        has_links=True,
    )  # fmt: skip
    arrow = (
        "flow"
        if mechanism["evidence_level"] in ("human_clinical", "human_ex_vivo", "animal")
        else "flow doubtful"
    )
    lefts = [1 + number * (_BOX + _GAP) for number in range(4)]
    middle = _TOP + rows * _STEP / 2 - 4

    def box(left: float, y: float, text: str) -> None:
        drawing.rectangle(left, y - _HIGH / 2, _BOX, _HIGH, "node")
        drawing.text(left + _BOX / 2, y + 5, shorten(text, _LETTERS), "middle")

    def places(number: int) -> list[float]:
        start = middle - (number - 1) * _STEP / 2
        return [start + place * _STEP for place in range(number)]

    for left, head in zip(lefts, ("Drug", "Target", "Claimed effect", "Invoked for"), strict=True):
        drawing.text(left + _BOX / 2, 16, head, "middle", "head")
    at_targets, at_conditions = places(len(shown_targets)), places(len(shown_conditions) + bool(left_out))
    for y in at_targets:
        drawing.line(lefts[0] + _BOX, middle, lefts[1], y, arrow)
        drawing.line(lefts[1] + _BOX, y, lefts[2], middle, arrow)
    if not at_targets:
        drawing.line(lefts[0] + _BOX, middle, lefts[2], middle, arrow)
    for y in at_conditions:
        drawing.line(lefts[2] + _BOX, middle, lefts[3], y, arrow)
    box(lefts[0], middle, "Naltrexone")
    for y, target in zip(at_targets, shown_targets, strict=True):
        box(lefts[1], y, target)
    box(lefts[2], middle, plain(mechanism["effect"]))
    if left_out:
        box(lefts[3], at_conditions.pop(), f"and {left_out} more")
    for y, row in zip(at_conditions, shown_conditions, strict=True):
        standing = words.term("directions", row["direction"])
        text = f"{standing.sign} {row['name']}"
        name_of_link = link_name(shorten(text, _LETTERS), text, standing.label.lower())
        with drawing.link(url(f"/conditions/{row['id']}"), name_of_link):
            box(lefts[3], y, text)
    return drawing.markup()

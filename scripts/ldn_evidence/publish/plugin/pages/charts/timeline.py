"""Registered trials through the years: those that run, and those that ended in silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages.charts.drawing import SLIM, WIDE, Drawing, link_name
from ldn_evidence.publish.plugin.pages.numbers import day
from ldn_evidence.publish.plugin.pages.reader import Row

_TOP = 30


def year_of(text: str | None) -> float | None:
    """A date, which may lack day or month, as a fraction of a year."""
    if not text:
        return None
    year, *rest = text.split("-")
    month = int(rest[0]) - 0.5 if rest else 6
    return int(year) + month / 12


def draw(name: str, trials: Sequence[Row], today: str, url: Callable[[str], str]) -> Markup:
    """A bar from start to (expected) completion. Solid: running; hollow: no report; where an end is unknown, a dot.

    Drawn twice: with the names beside the bars, and for narrow screens above them.
    """
    return _draw(name, trials, today, url, WIDE) + _draw(f"{name}-slim", trials, today, url, SLIM)


def _draw(name: str, trials: Sequence[Row], today: str, url: Callable[[str], str], style: str) -> Markup:
    slim = style == SLIM
    width, left, right, high = (350, 16, 334, 36) if slim else (960, 330, 940, 22)
    letters = 52 if slim else 50
    now = year_of(today) or 2000
    spans = [(row, year_of(row["start"]), year_of(row["completion"])) for row in trials]
    dated = [(row, start, end) for row, start, end in spans if start is not None or end is not None]
    years = [year for _, start, end in dated for year in (start, end) if year is not None] + [now]
    first, last = int(min(years)), int(max(years)) + 1
    bottom = _TOP + len(dated) * high
    drawing = Drawing(
        name, width, bottom + 26, "Registered trials without a report",
        " ".join(f"{row['registry_number']}, {row['conditions'] or 'condition not named'}: "
                 f"{day(row['start']) or 'start unknown'} to {day(row['completion']) or 'end unknown'}, "
                 f"{'running' if row['is_open'] else 'silent'}."
                 for row, _, _ in dated),
        has_links=True, style=style,
    )  # fmt: skip

    def x(year: float) -> float:
        return left + (year - first) / max(last - first, 1) * (right - left)

    # So far apart that the years do not touch.
    every = next(step for step in (1, 2, 4, 5, 10, 100) if step * (right - left) / max(last - first, 1) >= 40)
    for year in range(first, last + 1, every):
        drawing.line(x(year), _TOP - 8, x(year), bottom, "grid")
        for y in (_TOP - 14, bottom + 18):
            drawing.text(x(year), y, str(year), "middle", "figure small")
    drawing.line(x(now), _TOP - 8, x(now), bottom, "no-effect")
    level = _TOP + (26 if slim else high / 2 - 2)
    for row, start, end in dated:
        label = f"{row['registry_number']} {row['conditions'] or ''}"
        state = "running" if row["is_open"] else "silent"
        visible = shorten(label, letters)
        bar = "bar" if row["is_open"] else "bar quiet"
        with drawing.link(url(f"/trials#{row['id']}"), link_name(visible, label, state)):
            drawing.text(0, level - 11 if slim else level + 4, visible, style="small")
            if start is None or end is None:
                known = start if end is None else end
                if known is not None:
                    drawing.circle(x(known), level, 5, "dot" if row["is_open"] else "hollow")
            else:
                drawing.rectangle(x(start), level - 5, max(x(end) - x(start), 4), 10, bar)
        level += high
    return drawing.markup()

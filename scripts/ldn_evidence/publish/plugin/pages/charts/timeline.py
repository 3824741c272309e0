"""Registered trials through the years: those that run, and those that ended in silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.charts.drawing import Drawing, link_name, shorten
from ldn_evidence.publish.plugin.pages.reader import Row

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 960, 330, 940, 22, 30


def year_of(day: str | None) -> float | None:
    """A date, which may lack day or month, as a fraction of a year."""
    if not day:
        return None
    year, *rest = day.split("-")
    month = int(rest[0]) - 0.5 if rest else 6
    return int(year) + month / 12


def draw(name: str, trials: Sequence[Row], today: str, url: Callable[[str], str]) -> Markup:
    """A bar from start to (expected) completion. Solid: running; hollow: no report; where an end is unknown, a dot."""
    now = year_of(today) or 2000
    spans = [(row, year_of(row["start"]), year_of(row["completion"])) for row in trials]
    dated = [(row, start, end) for row, start, end in spans if start is not None or end is not None]
    years = [year for _, start, end in dated for year in (start, end) if year is not None] + [now]
    first, last = int(min(years)), int(max(years)) + 1
    bottom = _TOP + len(dated) * _ROW
    drawing = Drawing(
        name, _WIDTH, bottom + 26, "Registered trials without a report",
        " ".join(f"{row['registry_number']}, {row['conditions'] or 'condition not named'}: {row['start'] or 'start unknown'} to "
                 f"{row['completion'] or 'end unknown'}, {'running' if row['is_open'] else 'silent'}."
                 for row, _, _ in dated),
        has_links=True,
    )  # fmt: skip

    def x(year: float) -> float:
        return _LEFT + (year - first) / max(last - first, 1) * (_RIGHT - _LEFT)

    every = 1 if last - first <= 14 else 2 if last - first <= 28 else 5
    for year in range(first, last + 1, every):
        drawing.line(x(year), _TOP - 8, x(year), bottom, "grid")
        for y in (_TOP - 14, bottom + 18):
            drawing.text(x(year), y, str(year), "middle", "figure small")
    drawing.line(x(now), _TOP - 8, x(now), bottom, "no-effect")
    level = _TOP + _ROW / 2 - 2
    for row, start, end in dated:
        label = f"{row['registry_number']} {row['conditions'] or ''}"
        state = "running" if row["is_open"] else "silent"
        with drawing.link(url(f"/trials#{row['id']}"), link_name(shorten(label, 50), label, state)):
            drawing.text(0, level + 4, shorten(label, 50), style="small")
            style = "bar" if row["is_open"] else "bar quiet"
            if start is None or end is None:
                known = start if end is None else end
                if known is not None:
                    drawing.circle(x(known), level, 5, "dot" if row["is_open"] else "hollow")
            else:
                drawing.rectangle(x(start), level - 5, max(x(end) - x(start), 4), 10, style)
        level += _ROW
    return drawing.markup()

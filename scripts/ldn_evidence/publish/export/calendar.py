"""What is expected when, as iCalendar: completions of trials that have not reported, and searches that fall due.

A date that the registry gives only as a month or a year is an event of the whole month or year, not of a day that nobody
named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.files import Written
from ldn_evidence.publish.export.sqlite import heading

LONGEST_LINE = 75  # bytes, RFC 5545, section 3.1


def write_calendar(base: Base, folder: Path) -> Iterable[Written]:
    """Write `ldn.ics`."""
    stamp = f"{base.day.replace('-', '')}T000000Z"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//LDN Evidence//{base.version}//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:LDN Evidence: what is expected",
        "X-WR-CALDESC:" + _escape(" ".join(heading(base))),
    ]
    count = 0
    for identifier, span, summary, description in (*_completions(base), *_reviews(base)):
        count += 1
        begin, end = span
        lines += [
            "BEGIN:VEVENT",
            f"UID:{identifier}@ldn-evidence",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{begin:%Y%m%d}",
            f"DTEND;VALUE=DATE:{end:%Y%m%d}",
            "SUMMARY:" + _escape(summary),
            "DESCRIPTION:" + _escape(description),
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    target = folder / "ldn.ics"
    target.write_bytes("".join(f"{_folded(line)}\r\n" for line in lines).encode())
    yield Written(target, count)


Span = tuple[date, date]
Event = tuple[str, Span, str, str]


def span(text: str) -> Span:
    """First day of a date such as 2026-10-31, 2026-10 or 2026, and the first day after it."""
    parts = [int(part) for part in text.split("-")]
    begin = date(parts[0], *(parts[1:] + [1, 1])[:2])
    if len(parts) == 1:
        return begin, date(begin.year + 1, 1, 1)
    if len(parts) == 2:
        return begin, (begin + timedelta(days=31)).replace(day=1)
    return begin, begin + timedelta(days=1)


def _completions(base: Base) -> Iterator[Event]:
    for row in base.records(
        "SELECT * FROM open_trials WHERE completion IS NOT NULL ORDER BY completion, trial_id"
    ):
        seen = f" (status seen on {row['status_seen_on']})" if row["status_seen_on"] else ""
        passed = (
            f"It had passed at the last search ({row['as_of']}) without a report. "
            if row["expected_completion_passed"]
            else ""
        )
        yield (
            f"trial-{row['trial_id']}",
            span(row["completion"]),
            f"{row['registry_number']} expected to be complete: {row['conditions'] or 'naltrexone'}",
            f"{row['title']}\nStatus: {row['status'].replace('_', ' ')}{seen}.\n"
            f"The date is the registry's expectation. {passed}Results often come later, or not at all.",
        )


def _reviews(base: Base) -> Iterator[Event]:
    query = "SELECT id, name, last_searched, date(last_searched, '+1 year') AS due FROM conditions ORDER BY due, conditions.id"
    for row in base.records(query):
        yield (
            f"review-{row['id']}",
            span(row["due"]),
            f"Due for a new search: {row['name']}",
            f"The last search was on {row['last_searched']}.",
        )


def _escape(text: str) -> str:
    for character, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(character, escaped)
    return text


def _folded(line: str) -> str:
    """The line in pieces of at most 75 bytes; no character is cut in two."""
    pieces = [""]
    size = 0
    for character in line:
        width = len(character.encode())
        if size + width > LONGEST_LINE:
            pieces.append(" ")
            size = 1
        pieces[-1] += character
        size += width
    return "\r\n".join(pieces)

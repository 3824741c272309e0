"""What changed, as an Atom feed: the release, the studies as they were taken up, and the tiers as they moved.

A study is dated by the day on which it was read for this base, a change of tier by the day on which the last of the studies
that caused it was; the year in which the evidence changed stands in the title.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from ldn_evidence.publish.export.base import Base, build_info, day_of, provenance, records
from ldn_evidence.publish.export.files import Written

ATOM = "http://www.w3.org/2005/Atom"
_TIERS = {"limited": 1, "emerging": 2, "strong": 3}

# The page that an entry leads to, by the first part of its identifier.
_PAGES = {"release": "about", "studies": "studies/{}", "tiers": "conditions/{}"}

# Identifier, day, title, text, category.
Entry = tuple[str, str, str, str, str]


def write_feed(base: Base, folder: Path) -> Iterable[Written]:
    """Write `changes.atom`."""
    target = folder / "changes.atom"
    content, count = render(base.connection)
    target.write_bytes(content)
    yield Written(target, count)


def render(connection: sqlite3.Connection, address: str = "") -> tuple[bytes, int]:
    """The feed of a built database, newest first, and how many entries it has.

    Args:
        connection: The database.
        address: Form of the address of a page where the feed lies beside pages, such as `/{}` or `{}.html`; a feed
            that stands alone leads nowhere.
    """
    info = build_info(connection)
    day = day_of(info)
    entries = sorted(
        [_release(info, day), *_studies(connection, day), *_tiers(connection, day)], key=lambda one: one[0]
    )
    entries.sort(key=lambda one: one[1], reverse=True)
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    about = provenance(info)
    _add(feed, "id", "urn:ldn-evidence:changes")
    _add(feed, "title", f"{about['title']}: what changed")
    _add(feed, "subtitle", about["notice"])
    _add(feed, "updated", _time(max(one[1] for one in entries)))
    _add(feed, "rights", f"{about['license']}, {about['license_url']}")
    _add(feed, "generator", about["title"], version=about["data_version"])
    _add(_add(feed, "author"), "name", "LDN Evidence contributors")
    for identifier, day, title, text, category in entries:
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:ldn-evidence:changes:{identifier}")
        _add(entry, "title", title)
        _add(entry, "updated", _time(day))
        if address:
            kind, _, rest = identifier.partition(":")
            _add(entry, "link", href=address.format(_PAGES[kind].format(rest.partition(":")[0])))
        _add(entry, "category", term=category)
        _add(entry, "content", text, type="text")
    ElementTree.indent(feed)
    return ElementTree.tostring(feed, "utf-8", xml_declaration=True) + b"\n", len(entries)


def _release(info: Mapping[str, str], day: str) -> Entry:
    counted = ", ".join(
        f"{info[key]} {words}"
        for key, words in (
            ("count_conditions", "conditions"),
            ("count_studies", "studies"),
            ("count_trials", "registered trials"),
            ("count_claims", "claims"),
        )
        if key in info
    )
    about = provenance(info)
    return (
        f"release:{info['digest']}",
        day,
        f"Data version {about['data_version']}",
        f"Commit {about['commit']}. {counted}. Last search on {about['data_as_of']}.",
        "release",
    )


def _studies(connection: sqlite3.Connection, default: str) -> Iterator[Entry]:
    for row in records(
        connection, "SELECT id, title, year, conclusion, verification_on, retraction_status FROM studies"
    ):
        year = f" ({row['year']})" if row["year"] else ""
        mark = "Retracted: " if row["retraction_status"] == "retracted" else ""
        day = row["verification_on"] or default
        yield f"studies:{row['id']}", day, f"{mark}{row['title']}{year}", row["conclusion"], "study"


def _tiers(connection: sqlite3.Connection, default: str) -> Iterator[Entry]:
    read_on = dict(connection.execute("SELECT id, verification_on FROM studies"))
    before: dict[str, tuple[str, str]] = {}
    query = (
        "SELECT tier_history.*, conditions.name FROM tier_history "
        "JOIN conditions ON conditions.id = condition_id ORDER BY condition_id, year"
    )
    for row in records(connection, query):
        condition = row["condition_id"]
        previous = before.get(condition)
        before[condition] = (row["tier"], row["direction"])
        if not row["changed"]:
            continue
        causes = json.loads(row["caused_by"] or "[]")
        day = max((read_on.get(study) or default for study in causes), default=default)
        yield (
            f"tiers:{condition}:{row['year']}",
            day,
            f"{row['name']}, {row['year']}: {_movement(previous, row['tier'], row['direction'])}",
            f"By the tier rule, with the studies published up to {row['year']}"
            + (f"; caused by {', '.join(causes)}." if causes else "."),
            "tier",
        )


def _movement(before: tuple[str, str] | None, tier: str, direction: str) -> str:
    words = direction.replace("_", " ")
    if before is None:
        return f"first evidence, tier {tier}, direction {words}"
    parts = []
    if before[0] != tier:
        verb = "rose" if _TIERS[tier] > _TIERS[before[0]] else "fell"
        parts.append(f"tier {verb} from {before[0]} to {tier}")
    if before[1] != direction:
        parts.append(f"direction went from {before[1].replace('_', ' ')} to {words}")
    return ", ".join(parts) or f"tier {tier}, direction {words}"


def _add(
    parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str
) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element


def _time(day: str) -> str:
    return f"{day}T00:00:00Z"

"""What changed, as an Atom feed: the release, the studies as they were taken up, and the tiers as they moved.

A study is dated by the day on which it was read for this base, a change of tier by the day on which the last of the studies
that caused it was; the year in which the evidence changed stands in the title.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from ldn_evidence.publish.export.base import Base, build_info, day_of, provenance, records
from ldn_evidence.publish.export.files import Written

# Where a site has it.
FEED = "/feed.atom"
ATOM = "http://www.w3.org/2005/Atom"
_TIERS = {"limited": 1, "emerging": 2, "strong": 3}

# The page that an entry leads to, by the first part of its identifier.
_PAGES = {"release": "about", "studies": "studies/{}", "tiers": "conditions/{}"}

# Identifier, day, title, text, category, ids of the studies that it is about.
Entry = tuple[str, str, str, str, str, list[str]]


def write_feed(base: Base, folder: Path) -> Iterable[Written]:
    """Write `changes.atom`."""
    target = folder / "changes.atom"
    content, count = render(base.connection, *addresses_in(base.address))
    target.write_bytes(content)
    yield Written(target, count)


def addresses_in(site: str) -> tuple[str, str]:
    """The arguments of `render` for the static site at an address; empty where none is known."""
    return (f"{site}/{{}}.html", f"{site}{FEED}") if site else ("", "")


def render(connection: sqlite3.Connection, page: str = "", own: str = "") -> tuple[bytes, int]:
    """The feed of a built database, newest first, and how many entries it has.

    Args:
        connection: The database.
        page: Form of the address of a page, such as `https://example.org/{}`. Where there are no pages, entries lead to
            the papers themselves.
        own: The feed's own address.
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
    if own:
        _add(feed, "link", rel="self", href=own, type="application/atom+xml")
    papers = {} if page else dict(_papers(connection))
    for identifier, day, title, text, category, studies in entries:
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:ldn-evidence:changes:{identifier}")
        _add(entry, "title", title)
        _add(entry, "updated", _time(day))
        if page:
            kind, _, rest = identifier.partition(":")
            _add(entry, "link", href=page.format(_PAGES[kind].format(rest.partition(":")[0])))
        for study in studies:
            if study in papers:
                _add(entry, "link", rel="alternate" if category == "study" else "related", href=papers[study])
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
        [],
    )


def _papers(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Study -> where its paper is."""
    for study, doi, pmid in connection.execute("SELECT id, doi, pmid FROM studies"):
        if doi:
            yield study, f"https://doi.org/{quote(doi, safe='/:;()')}"
        elif pmid:
            yield study, f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"


def _studies(connection: sqlite3.Connection, default: str) -> Iterator[Entry]:
    for row in records(
        connection, "SELECT id, title, year, conclusion, verification_on, retraction_status FROM studies"
    ):
        year = f" ({row['year']})" if row["year"] else ""
        mark = "Retracted: " if row["retraction_status"] == "retracted" else ""
        day = row["verification_on"] or default
        yield (
            f"studies:{row['id']}",
            day,
            f"{mark}{row['title']}{year}",
            row["conclusion"],
            "study",
            [row["id"]],
        )


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
            causes,
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

"""Search over everything, forgiving slips in the names of conditions; and what to offer where a page is missing."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

from markupsafe import Markup, escape
from rapidfuzz import fuzz, process

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.api.resources import PAGES
from ldn_evidence.publish.plugin.pages.numbers import minus
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row
from ldn_evidence.publish.slips import closest_names, has_other_words
from ldn_evidence.store.search import KINDS

MOST_HITS = 120
# Around what matched, in characters that no text holds; they become elements after everything else was escaped.
_MARK, _UNMARK = "\ue000", "\ue001"
_TITLE = 80  # letters of a title that is offered where a page is missing
# Of each kind; the others are folded.
_SHOWN = 8
_TITLES = {
    "conditions": "Conditions",
    "questions": "Questions",
    "interactions": "Interactions",
    "precautions": "Precautions",
    "adverse-effects": "Adverse effects",
    "claims": "Claims",
    "mechanisms": "Mechanisms",
    "studies": "Studies",
    "trials": "Registered trials",
    "dosing": "Doses",
}


def page(reader: Reader, request: Request) -> Page:
    """`/search?q=`: hits by kind, and conditions whose names come close."""
    text = " ".join(request.get("q").split())
    hits = reader.rows("search", text=text, mark=_MARK, unmark=_UNMARK, most=MOST_HITS) if text else []
    for hit in hits:
        # A snippet that only repeats the title says nothing.
        bare = hit["snippet"].replace(_MARK, "").replace(_UNMARK, "")
        hit["snippet"] = "" if bare == hit["title"] else highlighted(hit["snippet"])
    found = {hit["id"] for hit in hits if hit["kind"] == "conditions"}
    groups: list[dict[str, Any]] = []
    for kind in KINDS:
        rows = [{**hit, "path": PAGES[kind].format(id=hit["id"])} for hit in hits if hit["kind"] == kind]
        if rows:
            groups.append({"kind": kind, "title": _TITLES[kind], "rows": rows})
    standing = {row["condition_id"]: row for row in reader.rows("catalogue")}
    for group in groups:
        if group["kind"] == "conditions":
            for row in group["rows"]:
                row["standing"] = standing.get(row["id"])
            group["rows"].sort(key=lambda row: _nearness(row, text))
        elif group["kind"] == "claims":
            # A statement must not stand there as if it were true.
            verdicts = {row["id"]: row["verdict"] for row in reader.rows("claim_verdicts")}
            for row in group["rows"]:
                row["verdict"] = verdicts.get(row["id"])
    # A name that comes close is of use where no condition was found, or where what was found only begins like a word
    # with a slip in it ("chron" is found in "chronic").
    close = []
    if text and (not found or has_other_words(text, [row["name"] for row in reader.rows("condition_names")])):
        close = like_conditions(reader, text, without=found)
    for row in close:
        row["standing"] = standing.get(row["id"])
    title = f"Search: {text}" if text else "Search"
    return Page(
        "search.html",
        title,
        "Search conditions with their synonyms, studies, mechanisms, claims, questions, trials, doses and safety.",
        {
            "text": text,
            "groups": groups,
            "close": close,
            "hits": len(hits),
            "is_cut": len(hits) >= MOST_HITS,
            "shown": _SHOWN,
        },
        canonical="/search",
    )


def _nearness(row: Row, text: str) -> tuple[bool, bool, int]:
    """Conditions that bear this very name come first, then those with it in their name, each by what is known of them."""
    standing = row["standing"]
    if standing is None:
        return not row["is_named"], True, 0
    in_name = text.casefold() in standing["name"].casefold()
    return not row["is_named"], not in_name, -(standing["randomized_participants"] or 0)


def highlighted(snippet: str) -> Markup:
    """A snippet with its matches marked; everything else in it is text."""
    safe = str(escape(minus(snippet)))
    return Markup(safe.replace(_MARK, "<mark>").replace(_UNMARK, "</mark>"))


def like_conditions(
    reader: Reader, text: str, most: int = 6, without: Container[str] = frozenset()
) -> list[Row]:
    """Conditions of which a name or synonym comes close to `text`, the closest first; `without` those of these ids."""
    names = [(row["condition_id"], row["name"]) for row in reader.rows("condition_names")]
    return [
        {"id": identifier, "name": name, "path": f"/conditions/{identifier}"}
        for identifier, name in closest_names(text, names, most, without)
    ]


def missing_page(reader: Reader, request: Request) -> Page:
    """What stands where there is no page: records whose ids or names come close."""
    section, _, rest = request.path.strip("/").partition("/")
    wanted = re.sub(r"[-_./]+", " ", rest or section).strip()
    suggestions: list[dict[str, str]] = []
    records = [row for row in reader.rows("identifiers_of_kind") if not rest or row["kind"] == section]
    matches: Sequence[tuple[str, float, int]] = process.extract(
        (rest or section).strip("/").lower(),
        [row["id"] for row in records],
        scorer=fuzz.ratio,
        score_cutoff=70,
        limit=4,
    )
    for _, _, position in matches:
        row = records[position]
        suggestions.append(
            {
                "path": f"/{row['kind']}/{row['id']}",
                "title": shorten(row["title"], _TITLE),
                "kind": row["kind"].rstrip("s").replace("studie", "study"),
            }
        )
    names = {row["id"]: row["title"] for row in records if row["kind"] == "conditions"}
    for row in like_conditions(reader, wanted, 3):
        if all(suggestion["path"] != row["path"] for suggestion in suggestions):
            title = str(names.get(row["id"], row["name"]))
            suggestions.append({"path": row["path"], "title": title, "kind": "condition"})
    return Page(
        "error.html",
        "Page not found",
        "There is no such page.",
        {"heading": "There is no such page", "suggestions": suggestions, "wanted": wanted},
    )

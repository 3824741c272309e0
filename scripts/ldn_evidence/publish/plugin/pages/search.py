"""Search over everything, forgiving slips in the names of conditions; and what to offer where a page is missing."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import lru_cache
from operator import mul
from typing import Any
from unicodedata import combining, normalize

from markupsafe import Markup, escape
from rapidfuzz import fuzz, process

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.api.resources import PAGES
from ldn_evidence.publish.plugin.pages.numbers import minus
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row
from ldn_evidence.store.search import KINDS

MOST_HITS = 120
# Of 100. Below that, names and words have little in common with what was typed.
_LIKE_ENOUGH = 78
_SHORTEST_WITH_SLIPS = 5  # letters
_LONGEST_TEXT = 200  # letters of a text of which a name may come close
_WORD = re.compile(r"([^\W_]+)(['’]s\b)?")
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
    if text and (not found or {word for word, *_ in _words(text)} - _vocabulary(reader)):
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
    text = text[:_LONGEST_TEXT]
    typed = _words(text)
    whole = " ".join(word for word, *_ in typed)
    vocabulary = _vocabulary(reader)
    # For each word that was typed, the words of names that come close to it.
    near = [
        {
            word: likeness
            for word, likeness, _ in process.extract(
                one[0], vocabulary, scorer=fuzz.ratio, score_cutoff=_LIKE_ENOUGH, limit=None
            )
        }
        for one in typed
    ]
    found: dict[str, tuple[float, Row]] = {}
    for row in reader.rows("condition_names"):
        if row["condition_id"] in without:
            continue
        identifier, name = row["condition_id"], _words(row["name"])
        likeness = _likeness(whole, name, near, [len(one[0]) for one in typed])
        if likeness >= _LIKE_ENOUGH and likeness > found.get(identifier, (0.0,))[0]:
            found[identifier] = (
                likeness,
                {
                    "id": identifier,
                    "name": row["name"],
                    "path": f"/conditions/{identifier}",
                },
            )
    closest = sorted(found.values(), key=lambda one: -one[0])
    return [row for _, row in closest[:most]]


def _likeness(
    whole: str, name: tuple[tuple[str, ...], ...], near: list[dict[str, float]], lengths: list[int]
) -> float:
    """How close `whole` comes to a name, of 100. Abbreviations must be typed as they are.

    Slips in the whole name count, and slips in words: all that were typed stand in the name, or all of the name among
    those that were typed.
    """
    name_in_full = " ".join(word for word, *_ in name)
    in_full = float(fuzz.ratio(whole, name_in_full))
    if min(len(whole), len(name_in_full)) < _SHORTEST_WITH_SLIPS:
        return in_full
    likeness = [[max(of.get(form, 0.0) for form in forms) for forms in name] for of in near]
    of_typed = _weighed([max(row) for row in likeness], lengths)
    of_name = _weighed([max(column) for column in zip(*likeness, strict=True)], [len(one[0]) for one in name])
    # Of names with the same word, that which has the fewest others comes first.
    return max(in_full, 0.95 * of_typed + 0.05 * in_full, 0.9 * of_name)


def _weighed(likeness: list[float], lengths: list[int]) -> float:
    """The mean likeness of words, each as heavy as it is long."""
    total: float = sum(map(mul, likeness, lengths))
    return total / sum(lengths)


def _vocabulary(reader: Reader) -> set[str]:
    """Every word of a name of a condition, in each of its forms."""
    return {form for row in reader.rows("condition_names") for forms in _words(row["name"]) for form in forms}


@lru_cache(maxsize=4096)  # names are asked for at every search
def _words(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a text without case and accents, each with its other form.

    >>> _words("Sjögren's syndrome")
    (('sjogrens', 'sjogren'), ('syndrome',))
    """
    plain = "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))
    return tuple(
        (stem + genitive[1:], stem) if genitive else (stem,) for stem, genitive in _WORD.findall(plain)
    )


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

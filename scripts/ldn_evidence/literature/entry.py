"""One reference or registration of an export, in the terms of our records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ldn_evidence.read.strictness import ODD_CHARACTER

_RESOLVER = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_DOI = re.compile(r"10\.[0-9]{4,9}/\S+")
_PMCID = re.compile(r"(?:PMC)?([1-9][0-9]{3,8})(?:\.[0-9]+)?", re.IGNORECASE)
_PMID = re.compile(r"[1-9][0-9]{3,8}")
_YEAR = re.compile(r"\b(19|20)[0-9]{2}\b")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry of an export says.

    Attributes:
        kind: Kind of record that it becomes: `studies` or `trials`.
        fields: Fields of that record, as in the export.
        line: Line of the file at which the entry begins, from 1; 0 for an identifier that stands alone.
        surname: Surname of the first author, for the record's id.
        remarks: What else the export says that helps whoever fills the record in.
    """

    kind: str
    fields: Mapping[str, Any]
    line: int = 0
    surname: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A place in an export that could not be read.

    Attributes:
        line: Line of the file, from 1; 0 for the whole file.
        message: What was found, and what to do.
    """

    line: int
    message: str


def reference(
    fields: Mapping[str, Any], line: int, surname: str = "", remarks: Iterable[str] = ()
) -> Entry | NotUnderstood:
    """A study from bibliographic fields; empty ones are left out, identifiers brought into one form.

    An entry with neither title nor identifier is not understood: there is nothing to find it by again.
    """
    clean: dict[str, Any] = {}
    said = [text for remark in remarks if (text := one_line(remark))]
    for name, value in fields.items():
        kept, refused = _FORMS.get(name, _label)(value)
        if kept:
            clean[name] = kept
        if refused:
            said.append(f"{name} in the export: {refused}")
    if not {"title", "pmid", "pmcid", "doi"}.intersection(clean):
        return NotUnderstood(line, "found a reference with neither a title nor a PMID, PMCID or DOI")
    return Entry("studies", clean, line, surname or first_surname(clean.get("authors", ())), tuple(said))


def one_line(value: object) -> str:
    """Text on one line, without invisible characters, which no record may hold."""
    return " ".join(ODD_CHARACTER.sub("", re.sub(r"\s", " ", str(value or ""))).split())


def author(family: str, given: str = "", suffix: str = "") -> str:
    """An author as records write one: surname and initials, a suffix behind them."""
    parts = one_line(family), initials(one_line(given)), one_line(suffix).rstrip(".")
    return " ".join(part for part in parts if part)


def initials(given: str) -> str:
    """Initials of given names: "Jarred W." is JW, "Jean-Paul" JP; what is initials already stays."""
    if given.isupper() and given.isalpha() and len(given) <= 3:
        return given
    return "".join(part[0].upper() for part in re.split(r"[\s.\-‐]+", given) if part)


def comma_author(name: str) -> str:
    """An author written "Younger, Jarred" or "Smith, J. W., Jr."; without a comma, as it is."""
    family, *rest = (part.strip() for part in name.split(","))
    return author(family, *rest[:2])


def first_surname(authors: Iterable[str]) -> str:
    """Surname of the first author: without the initials behind it."""
    first = next(iter(authors), "")
    words = first.split()
    while len(words) > 1 and (words[-1] in ("Jr", "Sr", "II", "III") or _is_initials(words[-1])):
        words.pop()
    return " ".join(words)


def _is_initials(word: str) -> bool:
    return word.replace("-", "").isalpha() and word.isupper() and len(word) <= 4


Kept = tuple[Any, str]


def _label(value: object) -> Kept:
    return one_line(value), ""


def _authors(value: Iterable[str]) -> Kept:
    return [text for name in value if (text := one_line(name))], ""


def _year(value: object) -> Kept:
    found = _YEAR.search(one_line(value))
    return (int(found[0]), "") if found else (None, one_line(value))


def _identifier(form: re.Pattern[str], prefix: str = "") -> Any:
    def read(value: object) -> Kept:
        text = _RESOLVER.sub("", one_line(value)).strip()
        found = form.fullmatch(text)
        if found is None:
            return None, one_line(value)
        return prefix + (found[1] if form.groups else found[0]), ""

    return read


def _registry(value: Iterable[str]) -> Kept:
    return list(dict.fromkeys(text for number in value if (text := one_line(number)))), ""


_FORMS: dict[str, Any] = {
    "authors": _authors,
    "year": _year,
    "pmid": _identifier(_PMID),
    "pmcid": _identifier(_PMCID, "PMC"),
    "doi": _identifier(_DOI),
    "registry": _registry,
}


def numbered_blocks(text: str, starts: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """The parts of a text that begin where a pattern stands at a line's start: (line, part).

    What stands before the first is no part.
    """
    places = [found.start() for found in starts.finditer(text)]
    line = 1
    previous = 0
    for start, end in zip(places, [*places[1:], len(text)], strict=True):
        line += text.count("\n", previous, start)
        previous = start
        yield line, text[start:end]

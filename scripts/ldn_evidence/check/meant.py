"""What a curator probably meant by a value that is refused: only where it can be told without a guess."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

_NOTHING_KNOWN = frozenset(
    ["na", "n/a", "n.a.", "nr", "n/r", "nd", "none", "unknown", "unclear", "not reported", "not stated", "-", "?"]
)  # fmt: skip
_MINUS = re.compile(r"^[\N{MINUS SIGN}\N{EN DASH}\N{FIGURE DASH}](?=[0-9])")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(?:[, '][0-9]{3})+")
_COMMA = re.compile(r"(-?(?:0|[1-9][0-9]*)),([0-9]+)")
_ODD = re.compile(r"([+-]?)0*([0-9]*)\.?([0-9]*)")
_SEVERAL = re.compile(r"(?:[~<>≤≥±]|about |ca\.? )?\s*[0-9.]+\s*(?:(?:-|\N{EN DASH}|to|or)\s*[0-9.]+)?")
_TOGETHER = re.compile(r"[0-9.]+ ?(?:(?:/|of|out of|±|\+/-) ?[0-9.]+.*|\(.*\))")
_WITH_WORDS = re.compile(r"([0-9][0-9.]*) ?\([^0-9]+\)")
_DASHES = re.compile("[\N{MINUS SIGN}\N{EN DASH}\N{FIGURE DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}]")
_WITH_UNIT = re.compile(r"[+-]?[0-9][0-9.,]*\s*(?:%|[^\W\d_][^0-9]*)")
_YES = frozenset(["yes", "y", "on", "true", "1"])
_NO = frozenset(["no", "n", "off", "false", "0"])

_DAY_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%Y %b %d", "%Y %B %d",
)  # fmt: skip
_MONTH_FORMS = (
    "%B %Y",
    "%b %Y",
    "%b. %Y",
    "%B, %Y",
    "%Y %B",
    "%Y %b",
    "%m/%Y",
    "%m.%Y",
    "%m-%Y",
    "%Y/%m",
    "%Y.%m",
    "%Y-%m",
)

_PLAIN_ITEMS = re.compile(r"[^\W_][\w .()/'-]*(?:, [^\W_][\w .()/'-]*)*")


def number_hint(text: str, whole: bool, unit: str = "") -> str:
    """The end of a message on a text that should be a number; empty where nothing more can be said.

    Args:
        text: As the curator wrote it.
        whole: Whether it must be a whole number.
        unit: The unit of the field.
    """
    printed, text = text, text.strip()
    if text.lower() in _NOTHING_KNOWN:
        return "; leave the field out where nothing is known"
    signed = _MINUS.sub("-", text).replace("\N{MIDDLE DOT}", ".")
    if re.fullmatch("[+-] ?0", signed):
        return "; write 0" if whole else "; write 0, or the digits that are printed, such as -0.0"
    if not whole and (spread := re.fullmatch(r"± ?((?:0|[1-9][0-9]*)(?:[.,][0-9]+)?)", signed)):
        return _meant(spread[1].replace(",", "."))
    if _THOUSANDS.fullmatch(signed):
        if not whole and "," in signed:
            return "; a comma may be a decimal point or a thousands mark: write a point, or leave it out"
        return _meant(re.sub(r"[^0-9-]", "", signed))
    if comma := _COMMA.fullmatch(signed):
        return "; write what was counted" if whole else _meant(f"{comma[1]}.{comma[2]}")
    if (odd := _ODD.fullmatch(signed)) and (odd[2] or odd[3]):
        sign, digits, fraction = odd.groups()
        if whole and fraction.strip("0"):
            return ""
        digits = digits or "0"
        value = digits if whole and digits == "0" else sign.strip("+") + digits
        value += f".{fraction}" if fraction and not whole else ""
        return _meant(value) if value != printed else ""
    if (words := _WITH_WORDS.fullmatch(text)) is not None:
        return f"; write {words[1]} alone, and the words into a note"
    if _TOGETHER.fullmatch(text):
        return "; write each number into a field of its own"
    if _SEVERAL.fullmatch(text) and _ODD.fullmatch(signed) is None:
        return "; this is no single number: leave the field out and say it in words"
    if _WITH_UNIT.fullmatch(text):
        told = f"; the field's unit is: {unit}" if unit else ""
        return f"; write the number alone, without a unit or sign{told}"
    return ""


def truth_hint(text: str) -> str:
    """The end of a message on a text that should be true or false."""
    folded = text.strip().lower()
    return _meant("true") if folded in _YES else _meant("false") if folded in _NO else ""


def list_hint(text: str) -> str:
    """The end of a message on a text that should be a list."""
    if ";" in text and "," not in text:
        text = re.sub(r"\s*;\s*", ", ", text.strip("; "))
    if len(text) <= 60 and _PLAIN_ITEMS.fullmatch(text):
        return f": [{text}]"
    return ', each item on a line of its own that begins with "- "'


def day_hint(text: str) -> str:
    """The day that was written in another form, where it can be no other: " Did you mean '2026-01-15'?"."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return " There is no such day."
    text = re.sub(r"[T ][0-9]{1,2}:.*", "", _DASHES.sub("-", text.strip()))
    text = re.sub(r"\bSept\b", "Sep", text)
    return _only_one(text, _DAY_FORMS, "%Y-%m-%d")


def month_hint(text: str) -> str:
    """The month that was written in another form: " Did you mean '2026-01'?"."""
    text = re.sub(r"\bSept\b", "Sep", _DASHES.sub("-", text.strip()))
    return _only_one(text, _MONTH_FORMS, "%Y-%m")


def _only_one(text: str, forms: Iterable[str], proposed: str) -> str:
    days = set()
    for form in forms:
        try:
            days.add(datetime.strptime(text, form).date())
        except ValueError:
            continue
    return f" Did you mean '{days.pop():{proposed}}'?" if len(days) == 1 else ""


def identifier_hint(text: str, pattern: str) -> str:
    """The identifier that stands inside what was written, as in an address: " Did you mean '19453963'?"."""
    if "PMC" not in pattern and re.fullmatch(r"(?i:PMC)[ :]*[0-9]+", text):
        return " This is a PMCID, which belongs into the field pmcid."
    several = re.split(r"\s*(?:[,;|]|\band\b)\s*", text)
    if len(several) > 1 and all(re.search(pattern, one) for one in several):
        return f" These are {len(several)}: {', '.join(several)}."
    inner = re.compile(rf"(?<![\w.])(?:{pattern.removeprefix('^').removesuffix('$')})(?![\w])")
    for candidate in (text, text.replace(" ", ""), text.upper().replace(" ", "")):
        found = {match[0] for match in inner.finditer(candidate)}
        if found:
            return f" Did you mean {found.pop()!r}?" if len(found) == 1 else ""
    return ""


def words_hint(text: str, pattern: str) -> str:
    """A hint where an identifier was written as words: " Did you mean 'chronic-pain'?"."""
    if odd := odd_letter(text):
        return odd
    if "://" in text:
        return ""
    if re.match(r"10\.[0-9]{4,9}/", text):
        return " This is a DOI; a record is named by its id, the name of its file without .yml."
    # A letter O among digits is a zero.
    text = re.sub(r"(?<=[0-9])O|O(?=[0-9])", "0", text)
    bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    words = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
    return f" Did you mean {words!r}?" if re.search(pattern, words) else ""


def odd_letter(text: str) -> str:
    """The end of a message on a word that holds a letter of another script, which may look like one that is due."""
    for letter in text:
        name = unicodedata.name(letter, "")
        if letter.isalpha() and not name.startswith("LATIN"):
            return f" {letter!r} in it is U+{ord(letter):04X} ({name.lower()})."
    return ""


def _meant(value: str) -> str:
    return f"; did you mean {value}?"

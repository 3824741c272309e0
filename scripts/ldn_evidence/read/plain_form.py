"""The form in which records are written, read line by line: twice as fast as from libyaml's events.

Nearly every record keeps to a small part of YAML: block mappings and lists, scalars that are plain, in quotes on one
line, or folded with `>-`, and lists of words in brackets. Here exactly that part is read. At the first line that may be
anything else the answer is None, and libyaml decides. So nothing is accepted here that libyaml would refuse, and where
both read a file they read the same; the tests hold the two against each other over the catalogue, over hostile files
and over lines put together at random.
"""

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias

from ldn_evidence.read.strictness import EMPTY_TEXTS, MOST_LEVELS, is_text_key

_KEY: Final = r"[a-z][a-z0-9_]{0,60}"
# No mark of YAML at the beginning, no ": " or " #" inside, no colon and no space at the end.
_PLAIN: Final = (
    r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s\-]))[^:#\n]*(?:(?::(?=\S)|(?<=\S)#)[^:#\n]*)*(?<! )"
)
# Spaces, the mark of a list's item, a key, and a value: plain as of nearly all lines, or whatever it is.
_PLAIN_LINE: Final = re.compile(rf"( *)(- )?(?:({_KEY}): +)?({_PLAIN})")
_LINE: Final = re.compile(rf"( *)(- )?(?:({_KEY}):(?: +|\Z))?(.*)")
_QUOTED: Final = re.compile(r"'([^'\n]*)' *|\"([^\"\n]*)\" *")
_WORD: Final = r"[^\W_][^,:#?!&*|>%@`\"\[\]{}\n]*"
_WORDS: Final = re.compile(rf"\[({_WORD}(?:, *{_WORD})*)?\] *")

# What stands behind a line's key or mark.
_NOTHING, _TEXT, _WHOLE, _LIST, _FOLDED = range(5)

_Line: TypeAlias = tuple[int, str | None, int, Any]
"""One line taken apart: where it begins, the field that it begins if it does, what its value is, and the value.

Where it begins is twice its column, and one more for an item of a list: what one number says is quickly compared. The
value is nothing yet, text that the next line may continue, whole, a list, or folded; it is given as far as it stands on
this line.
"""


class _OtherForm(Exception):
    """A line that may be anything else in YAML."""


def read_plain_form(text: str) -> dict[str, Any] | None:
    """The record in a text without tabs, backslashes, odd characters and glued comments; None where libyaml must decide.

    Args:
        text: The whole file.
    """
    if "\r" in text or not text.endswith("\n"):
        return None
    lines = text.split("\n")
    lines.pop()
    try:
        return _read(lines)
    except _OtherForm:
        return None


def _take_apart(line: str) -> _Line:
    found = _PLAIN_LINE.fullmatch(line)
    if found is not None:
        spaces, mark, key, value = found.groups()
        form = _TEXT
        if value in EMPTY_TEXTS:
            raise _OtherForm
    else:
        found = _LINE.fullmatch(line)
        if found is None:
            raise _OtherForm
        spaces, mark, key, rest = found.groups()
        form, value = _value(rest)
        if form == _NOTHING and key is None:
            raise _OtherForm
    if key is not None and not is_text_key(key):
        raise _OtherForm
    return 2 * len(spaces) + (mark is not None), key, form, value


# Records share most of their short lines: keys without a value, codes, small numbers.
_take_apart_short = lru_cache(maxsize=8192)(_take_apart)
_SHORT: Final = 60


def _value(rest: str) -> tuple[int, Any]:
    """What a value is that is not plain, and its text or its items."""
    if not rest:
        return _NOTHING, None
    if rest == ">-":
        return _FOLDED, None
    quoted = _QUOTED.fullmatch(rest)
    if quoted is not None:
        return _WHOLE, quoted[quoted.lastindex or 0]
    words = _WORDS.fullmatch(rest)
    if words is not None:
        items = tuple(word.strip(" ") for word in words[1].split(",")) if words[1] else ()
        if EMPTY_TEXTS.isdisjoint(items):
            return _LIST, items
    raise _OtherForm


def _read(lines: list[str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    # The containers that are open, from the record inwards, and where their entries begin, counted as in `_Line`.
    containers: list[Any] = [record]
    begins = [0]
    container: Any = record
    begin = 0
    place: str | int = ""  # where the last value stands in its container
    form = _WHOLE  # what the last value was
    number, count = 0, len(lines)
    while number < count and lines[number].startswith("#"):
        number += 1
    while number < count:
        before = form
        line = lines[number]
        here, key, form, value = _take_apart_short(line) if len(line) <= _SHORT else _take_apart(line)
        number += 1
        if here != begin or before == _NOTHING:
            if before == _NOTHING:
                # A key without a value: what follows further right is its container.
                if here >> 1 <= begin >> 1 or len(begins) >= MOST_LEVELS:
                    raise _OtherForm
                opened: Any = [] if here & 1 else {}
                container[place] = opened
                container, begin = opened, here
                containers.append(container)
                begins.append(begin)
            elif here >> 1 > begin >> 1:
                if before != _TEXT or here & 1 or key is not None or form != _TEXT:
                    raise _OtherForm
                container[place] += " " + value
                continue
            else:
                while here >> 1 < begin >> 1:
                    containers.pop()
                    begins.pop()
                    container, begin = containers[-1], begins[-1]
                if here != begin:
                    raise _OtherForm
        if not here & 1:
            if key is None or key in container:
                raise _OtherForm
            place = key
        elif key is None:
            place = len(container)
            container.append(None)
        else:
            if len(begins) >= MOST_LEVELS:
                raise _OtherForm
            item: dict[str, Any] = {}
            container.append(item)
            container, begin = item, (begin - 1) + 4  # two columns further, behind the mark
            containers.append(container)
            begins.append(begin)
            place = key
        if form <= _WHOLE:
            # Of a key without a value this is to be replaced: by its container, or all is given to libyaml.
            container[place] = value
        elif form == _LIST:
            container[place] = list(value)
        else:
            container[place], number = _folded(lines, number, begin >> 1)
    if form == _NOTHING or not record:
        raise _OtherForm
    return record


def _folded(lines: list[str], number: int, column: int) -> tuple[str, int]:
    """A folded scalar, whose lines begin in one column and whatever they hold are text; and the line after it.

    Args:
        lines: All lines.
        number: The first line of the text.
        column: Where the entry begins; its text stands further right.
    """
    if number == len(lines):
        raise _OtherForm
    first = lines[number]
    indent = len(first) - len(first.lstrip(" "))
    margin = first[:indent]
    end = number
    while end < len(lines) and lines[end].startswith(margin):
        if not lines[end][indent:] or lines[end][indent] == " ":
            raise _OtherForm
        end += 1
    following = lines[end] if end < len(lines) else "-"
    # What stands between the margins of the text and of the entry, or nothing, would need libyaml's judgement.
    if indent <= column or not following or following.startswith(" " * (column + 1)):
        raise _OtherForm
    text = " ".join([line[indent:] for line in lines[number:end]])
    if text in EMPTY_TEXTS:
        raise _OtherForm
    return text, end

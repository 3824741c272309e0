"""The form in which records are written, read line by line: twice as fast as from libyaml's events.

Nearly every record keeps to a small part of YAML: block mappings and lists, scalars that are plain, in quotes on one
line, or folded with `>-`, and lists of words in brackets. Here exactly that part is read. At the first line that may be
anything else the answer is None, and libyaml decides. So nothing is accepted here that libyaml would refuse, and where
both read a file they read the same; the tests hold the two against each other over the catalogue, over hostile files
and over lines put together at random.
"""

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ldn_evidence.read.strictness import EMPTY_TEXTS, MOST_LEVELS, is_text_key

# Spaces, the mark of a list's item, a key, and the rest of the line.
_LINE: Final = re.compile(r"( *)(- )?(?:([a-z][a-z0-9_]{0,60}):(?: +|\Z))?(.*)")
# No mark of YAML at the beginning, no ": " or " #" inside, no colon and no space at the end.
_PLAIN: Final = re.compile(
    r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s\-]))[^:#\n]*(?:(?::(?=\S)|(?<=\S)#)[^:#\n]*)*(?<! )"
)
_QUOTED: Final = re.compile(r"'([^'\n]*)' *|\"([^\"\n]*)\" *")
_WORD: Final = r"[^\W_][^,:#?!&*|>%@`\"\[\]{}\n]*"
_WORDS: Final = re.compile(rf"\[({_WORD}(?:, *{_WORD})*)?\] *")

# What stands behind a line's key or mark.
_NOTHING, _TEXT, _WHOLE, _LIST, _FOLDED = range(5)


class _OtherForm(Exception):
    """A line that may be anything else in YAML."""


class _Line(NamedTuple):
    """One line taken apart.

    Attributes:
        column: Where it begins.
        is_item: Whether it begins an item of a list.
        key: The field that it begins, if it does.
        form: What its value is: nothing yet, text that the next line may continue, whole, a list, or folded.
        value: The value, as far as it stands on this line.
    """

    column: int
    is_item: bool
    key: str | None
    form: int
    value: Any


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
    found = _LINE.fullmatch(line)
    if found is None:
        raise _OtherForm
    spaces, mark, key, rest = found.groups()
    if key is not None and not is_text_key(key):
        raise _OtherForm
    form, value = _value(rest)
    if form == _NOTHING and key is None:
        raise _OtherForm
    return _Line(len(spaces), mark is not None, key, form, value)


# Records share most of their short lines: keys without a value, codes, small numbers.
_take_apart_short = lru_cache(maxsize=8192)(_take_apart)
_SHORT: Final = 80


def _value(rest: str) -> tuple[int, Any]:
    if not rest:
        return _NOTHING, None
    if rest in EMPTY_TEXTS:
        raise _OtherForm
    if _PLAIN.fullmatch(rest) is not None:
        return _TEXT, rest
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
    # The containers that are open, from the record inwards, and the columns in which their entries begin.
    containers: list[Any] = [record]
    columns = [0]
    container: Any = record
    column = 0
    place: str | int = ""  # where the last value stands in its container
    form = _WHOLE  # what the last value was
    number, count = 0, len(lines)
    while number < count and lines[number].startswith("#"):
        number += 1
    while number < count:
        before = form
        line = lines[number]
        here, is_item, key, form, value = (
            _take_apart_short(line) if len(line) <= _SHORT else _take_apart(line)
        )
        number += 1
        if here != column or before == _NOTHING:
            if before == _NOTHING:
                # A key without a value: what follows further right is its container.
                if here <= column or len(columns) >= MOST_LEVELS:
                    raise _OtherForm
                opened: Any = [] if is_item else {}
                container[place] = opened
                container, column = opened, here
                containers.append(container)
                columns.append(column)
            elif here > column:
                if before != _TEXT or is_item or key is not None or form != _TEXT:
                    raise _OtherForm
                container[place] += " " + value
                continue
            else:
                while here < column:
                    containers.pop()
                    columns.pop()
                    container, column = containers[-1], columns[-1]
                if here != column:
                    raise _OtherForm
        if is_item:
            if container.__class__ is not list:
                raise _OtherForm
            if key is None:
                place = len(container)
                container.append(None)
            else:
                if len(columns) >= MOST_LEVELS:
                    raise _OtherForm
                item: dict[str, Any] = {}
                container.append(item)
                container, column = item, column + 2
                containers.append(container)
                columns.append(column)
                place = key
        elif key is None or container.__class__ is list or key in container:
            raise _OtherForm
        else:
            place = key
        if form in (_TEXT, _WHOLE):
            container[place] = value
        elif form == _LIST:
            container[place] = list(value)
        elif form == _FOLDED:
            container[place], number = _folded(lines, number, column)
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

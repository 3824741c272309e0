"""Records from YAML, read strictly: a tree of dict, list and str in which a scalar is the text as printed.

YAML guesses types: `NO` becomes false, `012` ten, `1:30` ninety, `4.50` loses its last digit. Here nothing is
guessed; the schema says later what a text means. What could be read in two ways, or would be lost in silence,
is refused with a `Problem` that names line, column, field and cure.

The tree is built straight from libyaml's events (PyYAML's `CParser`), because PyYAML's composer and
constructor take two thirds of its loading time. Files in the form in which nearly all records are written do not need
libyaml at all (`plain_form`). A good file costs no positions: a file that the quick
reader here will not take is read again by the inspection, which explains, and `positions` answers when a
later stage finds something wrong.

Other readers that were tried and left out, because they do not give the same records for the same files:

- `yaml-rs` 0.1.6 types what it reads and has no switch for text: `4.50` comes back as 4.5, `1e3` as 1000.0,
  `012` as 12, `1_000` as 1000, `0x1f` as 31, `2024-01-02` as a date. It also takes aliases, tags, several
  documents and tabs as indentation.
- `rapidyaml` 0.15.2 keeps the printed text, but takes `a: 1` beside `a: 2` and gives the last, takes `@x`,
  NUL and other control characters, and its tree takes longer to walk from Python than libyaml's events.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from ldn_evidence.problems import FieldPath, Problem, format_problems, sort_problems
from ldn_evidence.read.inspection import Inspection, Position
from ldn_evidence.read.plain_form import read_plain_form
from ldn_evidence.read.strictness import (
    EMPTY_TEXTS,
    MARKUP,
    MOST_BYTES,
    MOST_LEVELS,
    ODD_CHARACTER,
    QUOTES,
    is_text_key,
)

Tree: TypeAlias = str | list[Any] | dict[str, Any]
"""A record or a part of one: its leaves are texts."""

# A comment that begins without a space after the hash, as in `title: Trial #12`.
_GLUED_COMMENT = re.compile(rb"[^\s][ \t]+#[^\s]")
# Odd characters and accents of their own, and typographic quotation marks where YAML's own would stand.
_REFUSED = re.compile(ODD_CHARACTER.pattern.removesuffix("]") + "\u0300-\u036f]")
_UNUSUAL = re.compile(_REFUSED.pattern.removesuffix("]") + "“‘„‚«‹]")
_QUOTED_IN_TYPE = re.compile(r"(?:^ *|[:\-,\[{] *)[“‘„‚«‹]", re.MULTILINE)
_ORDINARY = b"\n\r" + bytes(range(0x20, 0x7F))


class ReadProblems(Exception):
    """A file that cannot be taken as a record; `problems` says all that was found, by line and column."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sort_problems(problems)
        super().__init__(format_problems(self.problems))


class Refused(Exception):
    """The reader of events met something that a record may not hold; the inspection says what."""


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The record in `data`: nested dicts and lists whose leaves are the scalars' texts as printed.

    Args:
        data: The bytes of the file.
        file: The file's name in messages, relative to the project.

    Raises:
        ReadProblems: everything that the file may not be or hold.
    """
    text = plain_text(data)
    if text is not None:
        record = read_plain_form(text)
        if record is not None:
            return record
        try:
            return read_events(data)
        except (Refused, yaml.YAMLError):
            pass
    found = Inspection(data, file).problems
    if found:
        raise ReadProblems(found)
    return read_events(data)


def positions(data: bytes) -> Mapping[FieldPath, Position]:
    """Where each value begins, as (line, column) counted from 1, by path; `()` is the record itself.

    Takes any bytes; where the file cannot be read to its end, the positions up to that point are given.
    """
    return Inspection(data, "").value_positions


def key_positions(data: bytes) -> Mapping[FieldPath, Position]:
    """Where the key of each field begins, as (line, column) counted from 1, by the path of its value."""
    return Inspection(data, "").key_positions


def locate(positions: Mapping[FieldPath, Position], path: FieldPath) -> Position:
    """The position of `path`, or, for a field that is not there, of the nearest field around it."""
    for length in range(len(path), -1, -1):
        if path[:length] in positions:
            return positions[path[:length]]
    return (1, 1)


def plain_text(data: bytes) -> str | None:
    """The text, where all that is to be refused shows in the characters' arrangement; cheap, errs towards None.

    What libyaml takes and we do not, and does not show in its events, shows in the bytes: tabs, escapes
    (which can hold any character), odd characters, comments that may be text.
    """
    if len(data) > MOST_BYTES or b"\t" in data or b"\\" in data:
        return None
    # One byte is found ten times as fast as two. A mark that begins the file begins a comment.
    if data.find(b"#", 1) > 0 and b" #" in data and _GLUED_COMMENT.search(data):
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    # To take away what is ordinary and look at the rest is quicker than to look at all.
    rest = data.translate(None, _ORDINARY).decode()
    if rest and _UNUSUAL.search(rest) and (_REFUSED.search(rest) or _QUOTED_IN_TYPE.search(text)):
        return None
    if (b"&" in data or (b"<" in data and b"</" in data)) and MARKUP.search(text):
        return None
    return text


def read_events(data: bytes) -> dict[str, Any]:
    """The tree from libyaml's events, of bytes whose characters were looked at before.

    Raises:
        Refused: something that a record may not hold.
        yaml.YAMLError: not YAML.
    """
    next_event: Callable[[], Any] = CParser(data).get_event
    next_event()  # the stream's start
    document = next_event()
    if document.__class__ is not DocumentStartEvent or document.version or document.tags:
        raise Refused
    start = next_event()
    if start.__class__ is not MappingStartEvent or start.tag is not None or start.anchor is not None:
        raise Refused
    record = _read_mapping(next_event, MOST_LEVELS - 1)
    next_event()  # the document's end
    if next_event().__class__ is not StreamEndEvent:
        raise Refused
    return record


# The next two functions take nearly all of the time that is not libyaml's; the repeated lines save a call
# a scalar.


def _read_mapping(next_event: Callable[[], Any], levels: int) -> dict[str, Any]:
    """The mapping whose start was the last event; `levels` more may lie inside it."""
    mapping: dict[str, Any] = {}
    while True:
        event = next_event()
        if event.__class__ is not ScalarEvent:
            if event.__class__ is MappingEndEvent:
                return mapping
            raise Refused
        key = event.value
        if (
            key in mapping
            or not (is_text_key(key) or (key and event.style in QUOTES))
            or event.tag is not None
            or event.anchor is not None
        ):
            raise Refused
        event = next_event()
        if event.__class__ is ScalarEvent:
            value = event.value
            if (
                (value in EMPTY_TEXTS and event.style not in QUOTES)
                or event.tag is not None
                or event.anchor is not None
            ):
                raise Refused
            mapping[key] = value
        else:
            mapping[key] = _read_container(event, next_event, levels)


def _read_sequence(next_event: Callable[[], Any], levels: int) -> list[Any]:
    """The list whose start was the last event; `levels` more may lie inside it."""
    sequence: list[Any] = []
    while True:
        event = next_event()
        if event.__class__ is ScalarEvent:
            value = event.value
            if (
                (value in EMPTY_TEXTS and event.style not in QUOTES)
                or event.tag is not None
                or event.anchor is not None
            ):
                raise Refused
            sequence.append(value)
        elif event.__class__ is SequenceEndEvent:
            return sequence
        else:
            sequence.append(_read_container(event, next_event, levels))


def _read_container(event: Any, next_event: Callable[[], Any], levels: int) -> dict[str, Any] | list[Any]:
    """The mapping or list that begins with `event`; an alias is refused."""
    kind = event.__class__
    if kind not in (MappingStartEvent, SequenceStartEvent) or not levels:
        raise Refused
    if event.tag is not None or event.anchor is not None:
        raise Refused
    if kind is MappingStartEvent:
        return _read_mapping(next_event, levels - 1)
    return _read_sequence(next_event, levels - 1)

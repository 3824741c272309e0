"""The second look at a file: all that is wrong with it as a record's YAML, and where each field stands.

Only files that the quick reader refuses, or in which a later stage finds something wrong, come here.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeAlias

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from ldn_evidence.problems import FieldPath, Problem, format_path, show
from ldn_evidence.read.strictness import (
    COMBINED,
    EMPTY_TEXTS,
    MARKUP,
    MOST_BYTES,
    MOST_LEVELS,
    ODD_CHARACTER,
    QUOTES,
    TYPOGRAPHIC_QUOTES,
    is_text_key,
)
from ldn_evidence.read.syntax_errors import explain

Position: TypeAlias = tuple[int, int]
"""Line and column, both counted from 1; columns count characters, not bytes."""

_LINE_BREAK = re.compile("\r\n|\r|\n")
_GLUED_COMMENT = re.compile(r"[ \t]+(#\S+)")
_SPACE_WITH_TAB = re.compile(r" *\t[ \t]*")
_NUMBER_AND_COMMA = re.compile(r"[ \t](-?[0-9]+),$")
_BLOCK_MARK = re.compile(r"[|>][-+]?")

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


class _Stop(Exception):
    """Reading on would say nothing more."""


class Inspection:
    """One file looked at closely.

    Attributes:
        problems: Everything found that a record may not be or hold, in the order found.
        value_positions: Where each value begins, by path.
        key_positions: Where each field's key begins, by the path of its value.
    """

    def __init__(self, data: bytes, file: str) -> None:
        self.problems: list[Problem] = []
        self.value_positions: dict[FieldPath, Position] = {}
        self.key_positions: dict[FieldPath, Position] = {}
        self._file = file
        self._path: FieldPath = ()
        # What follows the comma of a number in braces, as if it were a field.
        self._cut_off: FieldPath = ("",)
        # Where texts in quotes begin and end, counted from 0.
        self._quoted: list[tuple[Position, Position]] = []
        # Lines of which something was said that explains what libyaml makes of them or of the next line.
        self._explained: set[int] = set()
        if len(data) > MOST_BYTES:
            most = f"{MOST_BYTES // 1024:,} KiB"
            self._report(
                (1, 1), f"found a file larger than {most}; split it into several records", "too-large"
            )
            return
        text = self._decode(data)
        if text is None:
            return
        # One character for another, so that columns stay; libyaml would end at the first of them.
        readable = ODD_CHARACTER.sub(_stand_in, text)
        self._lines = _LINE_BREAK.split(readable)
        self._get_event: Callable[[], Any] = CParser(readable).get_event
        error = None
        try:
            self._walk_stream()
        except _Stop:
            pass
        except yaml.MarkedYAMLError as caught:
            error = caught
        starts = [*self.value_positions.items(), *self.key_positions.items()]
        self._starts = sorted(((start, len(path), path) for path, start in starts), key=itemgetter(0, 1))
        self._check_characters(text)
        self._check_tabs(error)
        if error is not None:
            position, message = explain(error, self._lines, self._quoted)
            if not {position[0], position[0] - 1} & self._explained:
                self._path = self._field_on_line(position[0])
                self._report(position, message, "yaml-syntax")

    def _next_event(self) -> Any:
        self._event = event = self._get_event()
        if event.__class__ is ScalarEvent and event.style in QUOTES:
            self._quoted.append((_place(event.start_mark), _place(event.end_mark)))
        return event

    def _report(self, position: Position, message: str, rule: str) -> None:
        self.problems.append(Problem(self._file, *position, format_path(self._path), message, rule))

    def _field_on_line(self, line: int) -> FieldPath:
        """The field being read, if it begins on this line: libyaml is often a field ahead of its events."""
        path = self._path
        while path and isinstance(path[-1], int):
            path = path[:-1]
        return path if self.key_positions.get(path, (0, 0))[0] == line else ()

    def _decode(self, data: bytes) -> str | None:
        """The text, or None where it is not UTF-8 and reading on would be guessing."""
        for mark, name in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                self._report((1, 1), f"found {name}; save the file as UTF-8", "not-utf-8")
                return None
        if 0 in data[:4] and data.count(0) * 4 > len(data):
            self._report((1, 1), "found UTF-16 or UTF-32; save the file as UTF-8", "not-utf-8")
            return None
        if data.startswith(b"\xef\xbb\xbf"):
            message = "found a byte order mark; save the file as UTF-8 without one (without BOM)"
            self._report((1, 1), message, "byte-order-mark")
            data = data[3:]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self._report_wrong_bytes(data)
            return None

    def _report_wrong_bytes(self, data: bytes) -> None:
        """Name the first wrong byte of each line and what it would be in the usual other encoding."""
        lines = data.split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                column = len(line[: error.start].decode("utf-8")) + 1
                byte = line[error.start : error.start + 1]
                meant = byte.decode("cp1252", errors="replace")
                cut = number == len(lines) and error.reason == "unexpected end of data"
                known = meant.isprintable() and meant != "\N{REPLACEMENT CHARACTER}" and not cut
                guess = f' ("{meant}" in Windows-1252)' if known else ""
                message = f"found the byte 0x{byte.hex().upper()}{guess}; save the file as UTF-8"
                self._report((number, column), message, "not-utf-8")

    def _report_at(self, line: int, column: int, message: str, rule: str) -> None:
        """Report what stands at a place (counted from 1) in the last field that begins before it on its line."""
        before = bisect_right(self._starts, (line, column), key=itemgetter(0)) - 1
        (line_before, _), _, path = self._starts[before] if before >= 0 else ((0, 0), 0, ())
        self._path = path if line_before == line else ()
        self._report((line, column), message, rule)
        self._explained.add(line)

    def _check_characters(self, text: str) -> None:
        for number, line in enumerate(_LINE_BREAK.split(text), start=1):
            for match in ODD_CHARACTER.finditer(line):
                cure = (
                    "write an ordinary space" if _is_space(match[0]) else "remove it or print what is meant"
                )
                message = f"found {_name(match[0])}; {cure}"
                self._report_at(number, match.start() + 1, message, "control-character")
            for match in COMBINED.finditer(line):
                one = unicodedata.normalize("NFC", match[0])
                if one != match[0]:
                    accent = _name(match[0][1])
                    message = f"found {show(one)} written as a letter and {accent}; write it as one character"
                    self._report_at(number, match.start() + 1, message, "composed-character")
            for match in MARKUP.finditer(line):
                meant = html.unescape(match[0])
                cure = f"write {show(meant)}" if meant != match[0] else "leave the tags out"
                self._report_at(
                    number, match.start() + 1, f"found the markup {show(match[0])}; {cure}", "markup"
                )

    def _check_tabs(self, error: yaml.MarkedYAMLError | None) -> None:
        """Refuse tabs that are not kept as a part of a text in quotes, as far as the file could be read."""
        read = _place(self._event.end_mark)
        end = read if error is None else _place(error.problem_mark or error.context_mark)
        for number, line in enumerate(self._lines):
            for match in _SPACE_WITH_TAB.finditer(line):
                place = (number, match.start() + match[0].index("\t"))
                rule = "tab-outside-quotes"
                if not match.start():
                    message = "found a tab in the indentation; indent with spaces"
                    rule = "tab-indentation"
                elif place > end or self._may_be_quoted(place, read, line):
                    continue
                elif match.end() == len(line):
                    message = "found a tab at the end of the line; remove it"
                else:
                    message = "found a tab; write a space, or put the text in quotes if the tab belongs to it"
                self._report_at(number + 1, place[1] + 1, message, rule)

    def _may_be_quoted(self, place: Position, read: Position, line: str) -> bool:
        """Whether a place (counted from 0) is inside quotes and not where a line of theirs ends."""
        if place > read:
            # libyaml is often ahead of its events by a text, and that may be in quotes.
            return any(quote in line[: place[1]] for quote in QUOTES)
        before = bisect_left(self._quoted, place, key=itemgetter(0)) - 1
        return before >= 0 and place < self._quoted[before][1] and bool(line[place[1] :].strip())

    def _walk_stream(self) -> None:
        self._next_event()  # the stream's start
        event = self._next_event()
        if event.__class__ is StreamEndEvent:
            self._report((1, 1), "found no record; a record is a mapping of fields", "empty-document")
            return
        if event.version or event.tags:
            message = 'found a line that begins with "%"; leave it out'
            self._report(_start(event), message, "directive")
        self._walk_root(self._next_event())
        event = self._next_event()
        assert event.__class__ is DocumentEndEvent
        event = self._next_event()
        if event.__class__ is DocumentStartEvent:
            message = 'found a second document after "---"; a file holds one record'
            self._report(_start(event), message, "multiple-documents")

    def _walk_root(self, event: Any) -> None:
        if event.__class__ is MappingStartEvent or event.__class__ is AliasEvent:
            self._walk_node(event, MOST_LEVELS)
            return
        if event.__class__ is SequenceStartEvent:
            found = "a list"
        elif event.value in EMPTY_TEXTS and event.style not in QUOTES:
            self._report(_start(event), "found no record; a record is a mapping of fields", "empty-document")
            return
        else:
            found = f"the text {show(event.value)}"
        message = f'found {found}; a record is a mapping of fields, such as "id: fibromyalgia"'
        self._report(_start(event), message, "top-level-mapping")
        self._walk_node(event, MOST_LEVELS)

    def _walk_node(self, event: Any, levels: int) -> None:
        """Look at the value that begins with `event`; its path is the current one."""
        self.value_positions.setdefault(self._path, _start(event))
        kind = event.__class__
        if kind is AliasEvent:
            name = show(f"*{event.anchor}")
            message = f"found the alias {name}; write the value out, or put the text in quotes"
            self._report(_start(event), message, "alias")
            return
        self._check_properties(event)
        if kind is ScalarEvent:
            self._check_scalar(event)
            return
        if not levels:
            message = f"found more than {MOST_LEVELS} levels of lists and mappings"
            self._report(_start(event), message, "too-deep")
            raise _Stop
        if kind is MappingStartEvent:
            self._walk_mapping(levels)
        else:
            assert kind is SequenceStartEvent
            self._walk_sequence(levels)

    def _walk_sequence(self, levels: int) -> None:
        around = self._path
        number = 0
        event = self._next_event()
        while event.__class__ is not SequenceEndEvent:
            self._path = (*around, number)
            self._walk_node(event, levels - 1)
            number += 1
            event = self._next_event()
        self._path = around

    def _walk_mapping(self, levels: int) -> None:
        around = self._path
        lines: dict[str, int] = {}
        event = self._next_event()
        while event.__class__ is not MappingEndEvent:
            if event.__class__ is ScalarEvent:
                self._path = (*around, event.value)
                self._check_key(event, lines)
            else:
                self._path = (*around, "?")
                found = {MappingStartEvent: "a mapping", SequenceStartEvent: "a list"}.get(event.__class__)
                message = f"found {found or 'an alias'} as a key; a key must be a plain text"
                self._report(_start(event), message, "key-not-text")
                if found:
                    self._walk_node(event, levels - 1)
            self._walk_node(self._next_event(), levels - 1)
            event = self._next_event()
        self._path = around

    def _check_key(self, event: Any, lines: dict[str, int]) -> None:
        """Look at a key; `lines` are those of the keys before it in the same mapping."""
        key, position = event.value, _start(event)
        self.key_positions.setdefault(self._path, position)
        self._check_properties(event)
        self._check_escapes(event)
        if key.isdecimal() and (before := self._number_before(position)):
            message = (
                f'found "{before},{key}" in braces, where a comma ends a value; did you mean {before}.{key}?'
            )
            self._report(position, message, "key-not-text")
            self._cut_off = self._path
            return
        if key in lines:
            message = f"found {show(key)} again, first on line {lines[key]}; a field stands once"
            if any(isinstance(step, int) for step in self._path):
                message += ', and the next item of a list begins with "- "'
            self._report(position, message, "duplicate-key")
        lines.setdefault(key, position[0])
        if event.style in QUOTES and key:
            return
        if key == "<<":
            self._report(position, 'found the merge key "<<"; write the fields out', "merge-key")
        elif key in EMPTY_TEXTS:
            self._report(position, "found a value without a key; name the field", "key-not-text")
        elif not is_text_key(key):
            message = f"found {key} as a key, which YAML does not read as text; put it in quotes"
            self._report(position, message, "key-not-text")

    def _number_before(self, position: Position) -> str:
        """The digits that stand before a place, with nothing but a comma between; empty where there are none."""
        found = _NUMBER_AND_COMMA.search(self._lines[position[0] - 1][: position[1] - 1])
        return found[1] if found else ""

    def _check_properties(self, event: Any) -> None:
        """Refuse what may stand before a value: an anchor and a tag."""
        if event.anchor is not None:
            name = show(f"&{event.anchor}")
            message = f"found the anchor {name}; leave it out, or put the text in quotes"
            self._report(_start(event), message, "anchor")
        if event.tag is not None:
            message = (
                f"found the tag {show(_printed_tag(event.tag))}; leave it out, or put the text in quotes"
            )
            self._report(_start(event), message, "explicit-tag")

    def _check_scalar(self, event: Any) -> None:
        if event.style in QUOTES:
            self._check_escapes(event)
        elif event.value in EMPTY_TEXTS:
            if self._path == self._cut_off:
                return
            self._report(_start(event), self._describe_empty(event), "empty-value")
        elif not event.style:
            self._check_glued_comment(event)
            if TYPOGRAPHIC_QUOTES.fullmatch(event.value):
                message = (
                    f"found {show(event.value)} in typographic quotation marks, which YAML takes for a part of the text; "
                    "leave them out, or put the whole text in straight quotes if they belong to it"
                )
                self._report(_start(event), message, "typographic-quotes")

    def _check_escapes(self, event: Any) -> None:
        odd = ODD_CHARACTER.search(event.value)
        # The file's own odd characters have been named and replaced before.
        if odd and odd[0] != "\N{REPLACEMENT CHARACTER}":
            message = f"found {_name(odd[0])}, written as an escape; remove it or print what is meant"
            self._report(_start(event), message, "control-character")

    def _describe_empty(self, event: Any) -> str:
        """What stands where a value should, and what to write instead."""
        part = "item" if self._path and isinstance(self._path[-1], int) else "key"
        line, column = _start(event)
        header = self._lines[line - 1][column - 1 :].strip() if line <= len(self._lines) else ""
        if event.style in ("|", ">"):
            if not _BLOCK_MARK.fullmatch(header):
                return (
                    f"found {show(header)}, which YAML reads as the start of a text block; put it in quotes"
                )
            self._explained.add(line)
            return f'found no text after "{header}"; indent the lines below that belong to it, or leave the {part} out'
        if event.value:
            return f"found {event.value}; leave the {part} out, or put it in quotes if the word is meant"
        if event.anchor is not None or event.tag is not None:
            return f"found no value; put the text in quotes, or leave the {part} out"
        if part == "key" and self._is_followed_in_its_column(line):
            return "found no value; write one, leave the key out, or indent the lines below that belong to it"
        return f"found no value; write one, or leave the {part} out"

    def _is_followed_in_its_column(self, line: int) -> bool:
        """Whether the line after this one begins where this one begins, which is where its fields may wait."""
        here, below = [*self._lines[line - 1 : line + 1], "", ""][:2]
        return bool(below.strip()) and len(below) - len(below.lstrip()) == len(here) - len(here.lstrip())

    def _check_glued_comment(self, event: Any) -> None:
        end = event.end_mark
        comment = _GLUED_COMMENT.match(self._lines[end.line], end.column)
        if comment:
            message = (
                f"found {show(comment[1])} after the value, which YAML reads as a comment; "
                'put the whole text in quotes, or begin the comment with "# "'
            )
            self._report((end.line + 1, comment.start(1) + 1), message, "hidden-comment")


def _place(mark: Any) -> Position:
    """A place as libyaml counts, from 0."""
    return mark.line, mark.column


def _start(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def _stand_in(odd: re.Match[str]) -> str:
    return " " if _is_space(odd[0]) else "\N{REPLACEMENT CHARACTER}"


def _name(character: str) -> str:
    """A character as a reader can look it up: `U+200B (zero width space)`."""
    name = unicodedata.name(character, "control character").lower()
    return f"U+{ord(character):04X} ({name})"


def _printed_tag(tag: str) -> str:
    """The tag as the file has it: libyaml gives `!!str` as `tag:yaml.org,2002:str`."""
    return tag.replace("tag:yaml.org,2002:", "!!")

"""libyaml's syntax errors in the words of someone who writes records: what was found, and how to mend it."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from ldn_evidence.problems import show

_QUOTE_IT = "put the whole text in quotes"

# libyaml's wording (scanner.c, parser.c) and ours. `{rest}` is the line from where libyaml gave up, `{text}`
# that from where the error is shown.
_MESSAGES = {
    "could not find expected ':'": (
        "found {text}, which is neither a field nor part of the text above; "
        'a field is "key: value", with a space after the colon'
    ),
    "block sequence entries are not allowed in this context": (
        "found a list item on the line of its key; begin the list on the next line, "
        'or put a text that begins with "- " in quotes; a minus sign stands directly before its number'
    ),
    "mapping keys are not allowed in this context": f'found "? " where no key may stand; {_QUOTE_IT}',
    "did not find expected alphabetic or numeric character": (
        f"found {{text}} at the beginning of a text, where it has a meaning in YAML; {_QUOTE_IT}"
    ),
    "found an indentation indicator equal to 0": f"found {{text}}, which begins a text block; {_QUOTE_IT}",
    "did not find expected comment or line break": f"found {{text}}, which begins a text block; {_QUOTE_IT}",
    "found unknown escape character": (
        "found a backslash before a character that needs none; "
        "put the text in single quotes, or double the backslash"
    ),
    "did not find expected hexdecimal number": (
        "found a broken escape after a backslash; put the text in single quotes, or double the backslash"
    ),
    "found invalid Unicode character escape code": (
        "found an escape that is no character; write the character itself"
    ),
    "did not find expected '-' indicator": (
        'found {rest} where the next list item is due; begin it with "- " in the column of the items above, '
        "or indent it like the fields above"
    ),
    "did not find expected ',' or ']'": (
        'found a list in brackets with a comma or its "]" missing before {rest}; '
        'mend the list, or put a text that begins with "[" in quotes'
    ),
    "did not find expected ',' or '}'": (
        'found a mapping in braces with a comma or its "}}" missing before {rest}; '
        'mend the mapping, or put a text that begins with "{{" in quotes'
    ),
    "did not find expected node content": (
        f"found {{rest}} where a value is due; write the value, or {_QUOTE_IT}"
    ),
    "found unexpected document indicator": (
        'found a text in quotes still open at "---" or "..."; close the quotes'
    ),
    "found unexpected end of stream": (
        "found a text whose quotes are never closed; "
        "close them, or double a quotation mark that is part of the text"
    ),
    "did not find expected <document start>": (
        "found {rest} after the end of the record; indent it under its field, or begin the line with a key"
    ),
    "found undefined tag handle": f"found a tag, a word that begins with an exclamation mark; {_QUOTE_IT}",
}

# Errors that are shown where the thing begins, which tells more than the place where libyaml gave up.
_SHOWN_AT_THE_BEGINNING = {
    "found unexpected end of stream",
    "found unexpected document indicator",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "could not find expected ':'",
    "did not find expected alphabetic or numeric character",
    "found an indentation indicator equal to 0",
    "did not find expected comment or line break",
}

# A list item without the space after its mark or with another mark, which YAML takes for a key or a text.
_WRONG_ITEM = re.compile(r"( *)(?:-(?=[^\s\-0-9])[^:]*: |[*•·–—] )")
_KEY_END = re.compile(r":(\s|$)")
# What git leaves in a file where two versions of it did not fit together.
_MERGE_MARK = re.compile(r"(?:<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|) .*|=======")

_Place = tuple[int, int]


def explain(
    error: yaml.MarkedYAMLError, lines: Sequence[str], quoted: Sequence[tuple[_Place, _Place]]
) -> tuple[_Place, str]:
    """Position (line, column from 1) and message for an error of libyaml's.

    Args:
        error: The error.
        lines: Those of the file.
        quoted: Where the texts in quotes before the error begin and end, counted from 0.
    """
    for number, line in enumerate(lines, start=1):
        if _MERGE_MARK.fullmatch(line):
            message = "which a merge left; keep one of the versions and delete all lines that mark them"
            return (number, 1), f"found {show(line)}, {message}"
    problem, context = str(error.problem or ""), str(error.context or "")
    end: Any = error.problem_mark or error.context_mark
    if quoted and problem == "did not find expected key" and quoted[-1][0][0] < quoted[-1][1][0] == end.line:
        (line_of_start, column), (line_of_end, _) = quoted[-1]
        message = f"found a text in quotes that goes on to line {line_of_end + 1}"
        cure = "close it where it ends, or double a quotation mark that is part of the text"
        return (line_of_start + 1, column + 1), f"{message}; {cure}"
    begin: Any = error.context_mark if problem in _SHOWN_AT_THE_BEGINNING and error.context_mark else end
    for number in (begin.line, end.line - 1):
        item = _WRONG_ITEM.match(lines[number]) if 0 <= number < len(lines) else None
        if item is not None:
            message = f'found {show(item.string.strip())}; a list item begins with "- ", a hyphen and a space'
            return (number + 1, item.end(1) + 1), message
    message = _message(problem, context, _from(lines, begin), lines, end)
    return (begin.line + 1, begin.column + 1), message


def _message(problem: str, context: str, text: str, lines: Sequence[str], end: Any) -> str:
    """The message; `text` is the line from the shown place on, `end` the place where libyaml gave up."""
    line = lines[end.line] if end.line < len(lines) else ""
    rest = _from(lines, end)
    if problem == "mapping values are not allowed in this context":
        return _describe_second_colon(line, end.column)
    if problem == "found character that cannot start any token":
        return (
            f"found {show(rest[:1])} at the beginning of a text, where it has a meaning in YAML; {_QUOTE_IT}"
        )
    if problem == "did not find expected key":
        before = line[: end.column].rstrip()
        if before.endswith(("'", '"')):
            other = "double" if before[-1] == "'" else "single"
            return f"found {show(rest)} after the closing {before[-1]}; put the whole text in {other} quotes"
        if before.endswith(("]", "}")):
            return f"found {show(rest)} after the closing {before[-1]}; leave it out, or {_QUOTE_IT}"
        if rest.startswith("- "):
            return (
                f"found {show(rest)} where the next field is due; "
                'if it is an item of a list, all its items begin with "- " in one column, the first one too'
            )
        cure = "begin it in the column of the fields around it"
        if _KEY_END.search(rest) is None:
            cure = "if it goes on with the text above, begin it in the column of that text"
        return f"found {show(rest)} where the next field is due; {cure}"
    if "directive" in context or "%" in problem or problem == "found incompatible YAML document":
        return (
            "found a line that begins with a percent sign; leave it out, or indent it if it belongs to a text"
        )
    if "tag" in context:
        return f"found an exclamation mark, which marks a type at the beginning of a text; {_QUOTE_IT}"
    shown_rest = show(rest) if rest else "the end of the line"
    known = _MESSAGES.get(problem)
    if known is None:
        return f"found {shown_rest}, which YAML cannot read here ({problem}); {_QUOTE_IT}"
    return known.format(rest=shown_rest, text=show(text))


def _describe_second_colon(line: str, column: int) -> str:
    """A ": " where no key can end: a text that needs quotes, or a field that is indented too far."""
    first = _KEY_END.search(line)
    if first is not None and first.start() < column:
        return f'found ": " inside the text {show(line[first.end() :].strip())}; {_QUOTE_IT}'
    return (
        f"found the field {show(line.strip())} further to the right than a field above that has a value; "
        "begin it in the column of the fields around it"
    )


def _from(lines: Sequence[str], mark: Any) -> str:
    return lines[mark.line][mark.column :].rstrip() if mark.line < len(lines) else ""

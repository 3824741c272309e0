"""What is wrong with a record, said so that the person who wrote it can mend it.

Every stage reports `Problem`s and goes on; the command line prints them all at once, sorted. A problem names
the file, line and column (both counted from 1), the field, what was found, what would be right, and the rule:

    data/studies/x.yml:12:9: outcomes[0].results[1].sd: found -3; must be greater than 0 [sd-positive]
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import click

Format = Literal["text", "json", "github"]
FieldPath = tuple[str | int, ...]

# Below this share of letters in common a proposal confuses more than it helps.
LEAST_SIMILARITY = 0.65

_PLURAL = re.compile(r"(?:ies|y|s)$")
_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing wrong in one file.

    `file` is relative to the project, with forward slashes; `line` and `column` count from 1 (0: the whole
    file); `path` is the field as text (`outcomes[0].results[1].sd`, empty for the whole record); `rule` is
    the kebab-case name of the rule that was broken.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    rule: str

    def __str__(self) -> str:
        return format_problems([self])


class RecordsHaveProblems(Exception):
    """The records are not clean, so nothing was built; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


class BrokenBuild(Exception):
    """The file cannot be finished: a script of the schema is wrong, the disk is full, or SQLite's own checks failed.

    The last good file stays as it is.
    """


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """The problems by file, line and column, each once."""
    return sorted(set(problems))


def format_path(path: FieldPath) -> str:
    """A field's path as people write it: `("outcomes", 0, "sd")` becomes `outcomes[0].sd`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{show(step)}]"
    return text


def show(value: object, longest: int = 60) -> str:
    """A value as a message quotes it: numbers bare, text in quotes, long text cut, nothing unprintable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
        return _printable(value if len(value) <= longest else value[: longest - 1] + "…")
    shown = value if len(value) <= longest else value[: longest - 1] + "…"
    return '"' + _printable(shown) + '"'


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was most likely meant to be, or None when none is near.

    Distance is optimal string alignment (a swap of neighbours is one slip, as is a missing, extra or wrong
    letter); case, spaces, hyphens, underscores and the ending of a plural do not count. Ties go to the first
    in alphabetical order, so that a message is the same in every run.
    """
    # Here, for most runs find nothing wrong and need not wait for it.
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extractOne

    found = extractOne(
        word,
        sorted(set(candidates) - {word}),
        scorer=OSA.normalized_similarity,
        processor=_fold,
        score_cutoff=LEAST_SIMILARITY,
    )
    return found[0] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """The end of a message, `; did you mean "placebo"?`, or nothing when no candidate is near."""
    suggestion = suggest(word, candidates)
    return f"; did you mean {show(suggestion)}?" if suggestion is not None else ""


def format_problems(problems: Sequence[Problem], format: Format = "text", color: bool = False) -> str:
    """The problems in the given order, one a line (`text`, `github`) or as one JSON array (`json`).

    `github` is the workflow command that GitHub Actions shows beside the line of the changed file. There is
    no newline at the end; no problems give an empty text, in JSON `[]`.
    """
    if format == "json":
        return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2)
    line = _github_line if format == "github" else _coloured_line if color else _text_line
    return "\n".join(line(problem) for problem in problems)


def _text_line(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    field = f"{problem.path}: " if problem.path else ""
    return _printable(f"{place}: {field}{problem.message} [{problem.rule}]")


def _coloured_line(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    field = click.style(_printable(problem.path), fg="cyan") + ": " if problem.path else ""
    rule = click.style(f"[{problem.rule}]", dim=True)
    return f"{click.style(_printable(place), bold=True)}: {field}{_printable(problem.message)} {rule}"


def _github_line(problem: Problem) -> str:
    properties = {
        "file": problem.file,
        "line": problem.line or 1,
        "col": problem.column or 1,
        "title": problem.rule,
    }
    named = ",".join(f"{name}={_github_escape(str(value), ':,')}" for name, value in properties.items())
    message = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return f"::error {named}::{_github_escape(message)}"


def _github_escape(text: str, more: str = "") -> str:
    """Percent-encoding as the runner undoes it; the properties also need `:` and `,` encoded."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _printable(text: str) -> str:
    """Text that cannot move the cursor or colour the terminal: anything unprintable becomes an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _fold(text: str) -> str:
    return _PLURAL.sub("", text.casefold().replace("_", "-").replace(" ", "-"))

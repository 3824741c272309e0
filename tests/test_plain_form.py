"""The quick reader of the records' usual form takes nothing that libyaml's events do not give, and gives the same."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ldn_evidence.read.inspection import Inspection
from ldn_evidence.read.plain_form import read_plain_form
from ldn_evidence.read.strict_yaml import plain_text, read_events

HOSTILE = sorted((Path(__file__).parent / "hostile").glob("*.yml"))

VALUES = """
a|NO|null|~|''|""|'x: y'|"a # b"|[a, b]|[]|[a b, c-d]|[null]|[a, ]|[é, ü x]|[a's]|>-|>|>+|- x|-x|-|---|...|a: b|a:b|a #b|a#b|# c
&a x|*a|!t x|%x|@x|`x|?|? x|:|: x|:x|,x|{a: b}|{}|4.50|<0.001|<<|=|a  b|x:|(a)|a]|a}|a, b|é|'it''s'|'open|"open|'a' b|'a' #c|[a] b
[a] #c|[a, [b]]|true|1:30|[a: b]|[a:b]|[- a]|[a'b', c]|null a|«a»|“x”: y|[a;b]|a\u00a0#b|a\u3000: b|a\u00a0|[a\u00a0]|[a\u2003, b]
""".strip()
# What is refused for its characters alone, and what looks like it.
MARKS = ["\t", "\u00a0", "“", "”", "‘a’", "u\u0308", "x\u0304", "&amp;", "</i>", "<", "\ufb01", "\u200b"]
values = st.sampled_from(
    [value for line in VALUES.splitlines() for value in line.split("|")] + ["|", "|-", *MARKS]
)
keys = st.sampled_from(
    ["a", "b", "c", "null", "true", "on", "k_1", "NO", "a b", "'q'", '"q"', "<<", "-a", "1", "a-b"]
)
entries = st.one_of(
    st.just(""),
    values,
    keys.map(lambda key: f"{key}:"),
    st.tuples(keys, st.sampled_from([": ", ":  ", ":"]), values).map("".join),
)
lines = st.tuples(
    st.sampled_from(["", " ", "  ", "   ", "    ", "      "]), st.sampled_from(["", "", "- "]), entries
).map("".join)


def same_as_events(data: bytes) -> bool:
    """Whether the quick reader took the file; when it did, libyaml must give the same and the inspection find nothing."""
    text = plain_text(data)
    found = None if text is None else read_plain_form(text)
    if found is not None:
        assert read_events(data) == found
        assert Inspection(data, "x.yml").problems == []
    return found is not None


@settings(max_examples=1500, deadline=None)
@given(st.lists(lines, min_size=1, max_size=7), st.sampled_from(["\n", "", "\n\n"]))
def test_lines_put_together_at_random_are_read_as_libyaml_reads_them(parts: list[str], end: str) -> None:
    same_as_events(("\n".join(parts) + end).encode())


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_record_with_a_line_changed_is_read_as_libyaml_reads_it(
    project_root: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted((project_root / "data" / "conditions").glob("*.yml"))))
    text = path.read_text("utf-8").splitlines()
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["replace", "insert", "drop", "indent", "character"]))
    if change == "replace":
        text[place] = data.draw(lines)
    elif change == "insert":
        text.insert(place, data.draw(lines))
    elif change == "drop":
        del text[place]
    elif change == "indent":
        text[place] = " " * data.draw(st.integers(0, 6)) + text[place].lstrip(" ")
    else:
        column = data.draw(st.integers(0, len(text[place])))
        mark = data.draw(st.sampled_from([*":#-'\"[],&*!|>%@{}?~ ", ": ", " #", "- ", "\n", *MARKS]))
        text[place] = text[place][:column] + mark + text[place][column:]
    same_as_events(("\n".join(text) + "\n").encode())


def test_the_catalogue_is_nearly_all_in_the_usual_form_and_read_alike(project_root: Path) -> None:
    files = sorted((project_root / "data").glob("*/*.yml"))
    assert len(files) > 900
    taken = sum(same_as_events(path.read_bytes()) for path in files)
    assert taken > 0.95 * len(files)


def test_no_hostile_file_is_taken() -> None:
    assert len(HOSTILE) > 60
    for path in HOSTILE:
        assert not same_as_events(path.read_bytes()), path.name

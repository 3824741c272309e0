"""Reading: every scalar as printed, whatever YAML would guess or lose refused, files found, results kept."""

import functools
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ldn_evidence.problems import (
    Problem,
    did_you_mean,
    format_path,
    format_problems,
    show,
    sort_problems,
    suggest,
)
from ldn_evidence.project import Project, ProjectNotFound, find_project
from ldn_evidence.read.cache import ResultCache, fingerprint
from ldn_evidence.read.files import FILES_IN_ONE_PROCESS, RecordFile, Worker, discover, process_files
from ldn_evidence.read.inspection import Inspection
from ldn_evidence.read.strict_yaml import ReadProblems, key_positions, locate, parse, positions
from ldn_evidence.read.strictness import MOST_BYTES, MOST_LEVELS, is_text_key

HOSTILE = sorted((Path(__file__).parent / "hostile").glob("*.yml"))

RULES = {
    "alias", "anchor", "byte-order-mark", "composed-character", "control-character", "directive", "duplicate-key",
    "empty-document", "empty-value", "explicit-tag", "hidden-comment", "key-not-text", "markup", "merge-key",
    "multiple-documents", "not-utf-8", "tab-indentation", "tab-outside-quotes", "too-deep", "top-level-mapping",
    "typographic-quotes", "yaml-syntax",
}  # fmt: skip


def problems_of(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ReadProblems) as caught:
        parse(data, "data/studies/x.yml")
    return [str(problem) for problem in caught.value.problems]


# What is taken


@pytest.mark.parametrize(
    "printed",
    [
        "NO",
        "no",
        "off",
        "on",
        "y",
        "true",
        "012",
        "0o17",
        "0x1F",
        "1:30",
        "1_000",
        "4.50",
        ".05",
        "1e3",
        "+1",
        "-0",
    ]
    + [
        "2013-02-01",
        "2013-02-01T10:00:00Z",
        ".inf",
        ".nan",
        "<0.001",
        "=0.05",
        "< 0.001",
        "12345678901234567890",
    ]
    + [
        "10.1002/art.37734",
        "NCT00568555",
        "Türkiye",
        "C#",
        "5'-GTP",
        'the "best" trial',
        "<<",
        "±2",
    ],
)
def test_a_scalar_is_the_text_as_printed(printed: str) -> None:
    assert parse(f"a: {printed}\nb:\n  - {printed}\nc: [x, {printed}]\n".encode(), "x.yml") == {
        "a": printed,
        "b": [printed],
        "c": ["x", printed],
    }


def test_quotes_make_a_text_of_anything() -> None:
    data = b"a: ''\nb: \"null\"\nc: '~'\nd: \"4.50\"\n'5': \"tab\\there\"\n\"true\": 'it''s'\n"
    assert parse(data, "x.yml") == {
        "a": "",
        "b": "null",
        "c": "~",
        "d": "4.50",
        "5": "tab\there",
        "true": "it's",
    }


def test_keys_that_only_yaml_1_1_takes_for_truth_values_are_texts() -> None:
    assert parse(b"on: 2025-11-02\nno: x\ny: z\n", "x.yml") == {"on": "2025-11-02", "no": "x", "y": "z"}


def test_what_only_looks_like_markup_or_has_no_character_of_its_own_is_taken() -> None:
    data = "a: p <0.05 & q>1; r\nb: x\u0304\nc: https://x.org/?a=1&b=2\nd: '<id>; <0.05>'\n".encode()
    assert parse(data, "x.yml")["b"] == "x\u0304"


def test_text_blocks_comments_flow_lists_and_line_ends_are_taken() -> None:
    data = (
        b"---\r\n# a comment\r\nnote: >-\r\n  Two\r\n  lines.\r\nexact: |\r\n  Two #1\r\n  lines.\r\n"
        b"arms: [ldn, placebo] # both\r\neffect: {value: -0.50, p: '>0.05'}\r\n"
    )
    assert parse(data, "x.yml") == {
        "note": "Two lines.",
        "exact": "Two #1\nlines.\n",
        "arms": ["ldn", "placebo"],
        "effect": {"value": "-0.50", "p": ">0.05"},
    }


def test_the_limits_themselves_are_taken() -> None:
    deepest = b"a: " + b"[" * (MOST_LEVELS - 1) + b"x" + b"]" * (MOST_LEVELS - 1)
    assert parse(deepest, "x.yml")
    start = b"a: "
    assert len(parse(start + b"x" * (MOST_BYTES - len(start)), "x.yml")["a"]) == MOST_BYTES - len(start)


TEXT = st.text(
    st.characters(
        exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"],
        exclude_characters="\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06\ufffd\ufffe\uffff",
    )
    | st.sampled_from("#:-'\"[]{},&*!|>%@`~ \n\t\\01.eE_<=?"),
    max_size=15,
)
# PyYAML writes a key such as 0E0, a number since YAML 1.2 only, without quotes.
KEY = TEXT.filter(is_text_key)
TREE = st.dictionaries(
    KEY,
    st.recursive(
        TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
        max_leaves=10,
    ),
    min_size=1,
    max_size=5,
)


def depth(tree: Any) -> int:
    if isinstance(tree, str):
        return 0
    return 1 + max(map(depth, tree.values() if isinstance(tree, dict) else tree), default=0)


@settings(max_examples=300, deadline=None)
@given(
    TREE.filter(lambda tree: depth(tree) <= MOST_LEVELS),
    st.sampled_from([None, "'", '"']),
    st.booleans(),
    st.booleans(),
)
@example({"p": ">0.05", "n": "012", "none": "null", "empty": "", "list": [], "mapping": {}}, None, True, True)
def test_what_pyyaml_writes_comes_back_the_same(
    tree: dict[str, Any], style: str | None, flow: bool, unicode: bool
) -> None:
    text = yaml.safe_dump(tree, default_style=style, default_flow_style=flow, allow_unicode=unicode)
    assert parse(text.encode(), "x.yml") == tree


YAML_LIKE = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "key",
            ": ",
            ":",
            "\n",
            "\n  ",
            "\n    ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            " #",
            "# ",
            "'",
            '"',
        ]
        + [
            "|",
            ">",
            "&x",
            "*x",
            "!t ",
            "~",
            "null",
            "<<",
            "? ",
            "%",
            "@",
            "\t",
            "\\",
            "\\0",
            "---\n",
            "...\n",
            "4.50",
        ]
        + ["\u2028", "é", "\ufeff", "\r\n", "\r", "\x07", "\x85", ">1", "|-\n", "1", "true", " ", "=", "`"]
        + ["“", "”", "‘a’", "u\u0308", "x\u0304", "&amp;", "&", "<", "</i>", "\u00a0", "\ufb01"]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=1500, deadline=None)
@given(YAML_LIKE)
@example("a: |\n  x\n\t y\n")
@example('a: "\\N"')
def test_what_is_taken_agrees_with_pyyaml_and_what_is_refused_has_a_reason(text: str) -> None:
    data = text.encode()
    found = Inspection(data, "x.yml").problems
    if not found:
        assert parse(data, "x.yml") == yaml.load(text, yaml.CBaseLoader)
        return
    with pytest.raises(ReadProblems) as refused:
        parse(data, "x.yml")
    assert refused.value.problems == sort_problems(found)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)
    assert {problem.rule for problem in found} <= RULES


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    positions(data)
    if Inspection(data, "x.yml").problems:
        with pytest.raises(ReadProblems):
            parse(data, "x.yml")
    else:
        assert isinstance(parse(data, "x.yml"), dict)


# What is refused


def test_every_rule_has_a_hostile_file() -> None:
    assert {path.stem.split("--")[0] for path in HOSTILE} == RULES
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_a_hostile_file_breaks_its_rule_and_no_other(path: Path) -> None:
    with pytest.raises(ReadProblems) as caught:
        parse(path.read_bytes(), path.name)
    assert {problem.rule for problem in caught.value.problems} == {path.stem.split("--")[0]}
    for problem in caught.value.problems:
        assert problem.file == path.name
        assert problem.line >= 1
        assert problem.column >= 1
        assert str(problem).isprintable()


def test_a_file_that_is_too_large_is_refused() -> None:
    (found,) = problems_of(b"a: " + b"x" * MOST_BYTES)
    assert found.endswith(
        ":1:1: found a file larger than 1,024 KiB; split it into several records [too-large]"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "id: x\np: >0.05\n",
            '2:4: p: found ">0.05", which begins a text block; put the whole text in quotes [yaml-syntax]',
        ),
        (
            "a:\n  b: LDN: trial\n",
            '2:9: a.b: found ": " inside the text "LDN: trial"; put the whole text in quotes [yaml-syntax]',
        ),
        (
            "a:\n  - b: 1\n    b: 2\n",
            '3:5: a[0].b: found "b" again, first on line 2; a field stands once, and the next item of a list begins '
            'with "- " [duplicate-key]',
        ),
        ("a:\n  - x\n  -\n", "3:4: a[1]: found no value; write one, or leave the item out [empty-value]"),
        (
            "a: null\n",
            "1:4: a: found null; leave the key out, or put it in quotes if the word is meant [empty-value]",
        ),
        (
            "a: Trial #12\n",
            '1:10: a: found "#12" after the value, which YAML reads as a comment; '
            'put the whole text in quotes, or begin the comment with "# " [hidden-comment]',
        ),
        (
            b"a: T\xfcrkiye\n",
            '1:5: found the byte 0xFC ("ü" in Windows-1252); save the file as UTF-8 [not-utf-8]',
        ),
        ("a: b\n".encode("utf-16"), "1:1: found UTF-16; save the file as UTF-8 [not-utf-8]"),
        ("é: 1\n\tb: 2\n", "2:1: found a tab in the indentation; indent with spaces [tab-indentation]"),
        (
            "é: 1\nb: [x,\ty]\n",
            "2:7: b[0]: found a tab; write a space, or put the text in quotes if the tab belongs to it [tab-outside-quotes]",
        ),
        ("a: x \t \n", "1:6: a: found a tab at the end of the line; remove it [tab-outside-quotes]"),
        (
            "a: “x”\n",
            '1:4: a: found "“x”" in typographic quotation marks, which YAML takes for a part of the text; leave them out, '
            "or put the whole text in straight quotes if they belong to it [typographic-quotes]",
        ),
        (
            "a:\n\u00a0\u00a0b: 1\n  c: 2\u00a0mg\n",
            "2:1: found U+00A0 (no-break space); write an ordinary space [control-character]\n"
            "2:2: found U+00A0 (no-break space); write an ordinary space [control-character]\n"
            "3:7: a.c: found U+00A0 (no-break space); write an ordinary space [control-character]",
        ),
        (
            "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n",
            '2:1: found "<<<<<<< HEAD", which a merge left; keep one of the versions and delete all lines that mark them '
            "[yaml-syntax]",
        ),
        (
            "a:\n  b: 'x\n  c: y's\n",
            "2:6: a.b: found a text in quotes that goes on to line 3; close it where it ends, or double a quotation mark that is "
            "part of the text [yaml-syntax]",
        ),
        (
            "a: Tu\u0308rkiye\n",
            '1:5: a: found "ü" written as a letter and U+0308 (combining diaeresis); write it as one character '
            "[composed-character]",
        ),
        (
            "a: [R&amp;D, <sup>2</sup>]\n",
            '1:6: a[0]: found the markup "&amp;"; write "&" [markup]\n'
            '1:20: a[1]: found the markup "</sup>"; leave the tags out [markup]',
        ),
        (
            "a:\n  b: >-\n  text\n",
            '2:6: a.b: found no text after ">-"; indent the lines below that belong to it, or leave the key out [empty-value]',
        ),
        (
            "a:\n  b: >-\n     more\n    text\n",
            '4:5: found "text" where the next field is due; if it goes on with the text above, begin it in the column of that '
            "text [yaml-syntax]",
        ),
    ],
)
def test_a_message_says_where_what_and_how_to_mend(text: str | bytes, message: str) -> None:
    assert problems_of(text) == [f"data/studies/x.yml:{line}" for line in message.splitlines()]


def test_everything_that_is_wrong_is_reported_in_one_run() -> None:
    found = problems_of("a: &x 1\na: 2\nb:\nc: !t y\nd: [*x, null]\n1: z\n<<: {e: f}\ng: Nr #1\nh: 'x' y\n")
    rules = [message.rpartition("[")[2].rstrip("]") for message in found]
    assert rules == [
        "anchor",
        "duplicate-key",
        "empty-value",
        "explicit-tag",
        "alias",
        "empty-value",
        "key-not-text",
        "merge-key",
        "hidden-comment",
        "yaml-syntax",
    ]


def scalars(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from (key, *scalars(value))
    else:
        for item in tree:
            yield from scalars(item)


@settings(max_examples=500, deadline=None)
@given(TREE, st.sampled_from([None, "'", '"']), st.booleans(), st.data())
def test_a_tab_is_refused_or_kept_as_a_part_of_a_text(
    tree: dict[str, Any], style: str | None, flow: bool, data: st.DataObject
) -> None:
    text = yaml.safe_dump(tree, default_style=style, default_flow_style=flow, allow_unicode=True)
    assume("\\" not in text)
    place = data.draw(st.integers(0, len(text)))
    text = text[:place] + "\t" + text[place:]
    try:
        record = parse(text.encode(), "x.yml")
    except ReadProblems:
        return
    assert sum(scalar.count("\t") for scalar in scalars(record)) == 1


def test_tabs_inside_quotes_are_taken() -> None:
    assert parse(b'a: \'x\ty\'\n"b\tc": "\tz"\n', "x.yml") == {"a": "x\ty", "b\tc": "\tz"}


def test_aliases_that_would_explode_cost_nothing() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    rules = Counter(problem.rule for problem in Inspection(bomb.encode(), "x.yml").problems)
    assert rules == {"anchor": 9, "alias": 72}


# Where things are


def test_positions_count_lines_and_characters_from_one() -> None:
    data = 'é: ü\noutcomes:\n  - name: "Schmerz ±"\n    results: [{sd: 1.10}, {"sd": 2}]\n'.encode()
    assert positions(data) == {
        (): (1, 1),
        ("é",): (1, 4),
        ("outcomes",): (3, 3),
        ("outcomes", 0): (3, 5),
        ("outcomes", 0, "name"): (3, 11),
        ("outcomes", 0, "results"): (4, 14),
        ("outcomes", 0, "results", 0): (4, 15),
        ("outcomes", 0, "results", 0, "sd"): (4, 20),
        ("outcomes", 0, "results", 1): (4, 27),
        ("outcomes", 0, "results", 1, "sd"): (4, 34),
    }
    assert key_positions(data)[("outcomes", 0, "results", 1, "sd")] == (4, 28)


def test_a_field_that_is_missing_is_located_at_what_is_around_it() -> None:
    places = positions(b"a: 1\nb:\n  - c: 1\n")
    assert locate(places, ("b", 0, "d", "e")) == (3, 5)
    assert locate(places, ("z",)) == (1, 1)
    assert locate({}, ("z",)) == (1, 1)


@settings(max_examples=200, deadline=None)
@given(TREE.filter(lambda tree: depth(tree) <= MOST_LEVELS))
def test_every_value_has_a_position(tree: dict[str, Any]) -> None:
    def paths(node: Any, path: tuple[str | int, ...]) -> set[tuple[str | int, ...]]:
        found = {path}
        for step, inner in (
            node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        ):
            found |= paths(inner, (*path, step))
        return found

    data = yaml.safe_dump(tree).encode()
    assert set(positions(data)) == paths(tree, ())
    assert set(key_positions(data)) == {
        path for path in paths(tree, ()) if path and isinstance(path[-1], str)
    }


# Files


def make_catalogue(root: Path, count: int) -> Project:
    (root / "schema").mkdir()
    for kind in ("studies", "conditions"):
        (root / "data" / kind).mkdir(parents=True)
    for number in range(count):
        kind = "conditions" if number % 3 == 0 else "studies"
        (root / "data" / kind / f"record-{number}.yml").write_text(f"id: record-{number}\nn: {number}\n")
    return Project(root)


KINDS = ["conditions", "studies"]


def describe(path: str, kind: str, id: str, data: bytes) -> bytes:
    """A worker such as a later stage has: all of its arguments show in its result, and problems too."""
    try:
        tree = parse(data, path)
    except ReadProblems as refused:
        return format_problems(refused.problems).encode()
    return json.dumps([path, kind, id, tree]).encode()


def fail_on(wrong: str, path: str, kind: str, id: str, data: bytes) -> bytes:
    if id == wrong:
        raise ValueError(f"cannot work on {path}")
    return b""


def results_of(project: Project, worker: Worker, **how: Any) -> list[bytes | Problem]:
    """The result for each file of a catalogue, in order."""
    folders = discover(project, KINDS).folders
    return [result for part in process_files(project, folders, worker, **how) for result in part.results]


def test_records_are_found_in_a_fixed_order(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 7)
    (project.data / "retired.yml").write_text("ids: [old]\n")
    (project.data / "LICENSE").write_text("CC0\n")
    (project.data / ".DS_Store").write_text("")
    (project.data / "studies" / ".record-1.yml.swp").write_text("")
    (project.data / "studies" / "record-1.yml~").write_text("")
    found = discover(project, KINDS)
    assert found.problems == []
    assert found.retired == "data/retired.yml"
    assert found.files[0] == RecordFile("data/conditions/record-0.yml", "conditions", "record-0")
    assert [file.path for file in found.files] == sorted(
        path.relative_to(tmp_path).as_posix() for path in project.data.glob("*/*.yml")
    )
    assert len(found.files) == 7


def test_nothing_in_the_data_folder_is_overlooked(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 1)
    for stray in (
        "studies/a.yaml",
        "studies/B.yml",
        "studies/a_b.yml",
        "studies/notes.txt",
        "studie/a.yml",
        "a.yml",
    ):
        (project.data / stray).parent.mkdir(exist_ok=True)
        (project.data / stray).write_text("id: a\n")
    (project.data / "studies" / "deeper").mkdir()
    (project.data / "studies" / "dangling.yml").symlink_to("nowhere")
    (project.data / "studies" / "leading-out.yml").symlink_to(Path(__file__))
    problems = discover(project, KINDS).problems
    assert sorted((problem.file, problem.rule) for problem in problems) == [
        ("data/a.yml", "record-folder"),
        ("data/studie", "record-folder"),
        ("data/studies/B.yml", "file-name"),
        ("data/studies/a.yaml", "file-name"),
        ("data/studies/a_b.yml", "file-name"),
        ("data/studies/dangling.yml", "file-name"),
        ("data/studies/deeper", "file-name"),
        ("data/studies/leading-out.yml", "file-name"),
        ("data/studies/notes.txt", "file-name"),
    ]
    assert 'did you mean "studies"?' in next(p.message for p in problems if p.file == "data/studie")


def test_results_are_the_same_however_many_processes_work(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, FILES_IN_ONE_PROCESS + 170)
    (project.data / "studies" / "record-1.yml").write_text("id:\n")
    files = discover(project, KINDS).files
    alone = results_of(project, describe, processes=1)
    together = results_of(project, describe, processes=3)
    assert alone == together
    assert [
        json.loads(result)[0] for result in alone if isinstance(result, bytes) and result.startswith(b"[")
    ] == [file.path for file in files if file.id != "record-1"]
    assert (
        b"data/studies/record-1.yml:1:4: id: found no value; write one, or leave the key out [empty-value]"
        in alone
    )


@pytest.mark.parametrize(("count", "times"), [(FILES_IN_ONE_PROCESS + 170, 1), (20, 0)])
def test_this_process_has_something_to_do_once_while_others_work(
    tmp_path: Path, count: int, times: int
) -> None:
    project = make_catalogue(tmp_path, count)
    called: list[str] = []
    results = results_of(project, describe, processes=2, meanwhile=lambda: called.append("once"))
    assert called == ["once"] * times
    assert results == results_of(project, describe, processes=1)


def test_processes_start_beside_other_threads(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, FILES_IN_ONE_PROCESS + 60)
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        results = results_of(project, describe, processes=2)
    finally:
        done.set()
        other.join()
    assert results == results_of(project, describe, processes=1)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 4)
    found = discover(project, KINDS)
    (tmp_path / found.files[1].path).unlink()
    results = [result for part in process_files(project, found.folders, describe) for result in part.results]
    assert [isinstance(result, Problem) for result in results] == [False, True, False, False]
    assert str(results[1]).endswith(
        "found a file that cannot be read: No such file or directory [unreadable-file]"
    )


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 1)
    with (project.data / "conditions" / "record-0.yml").open("wb") as file:
        file.truncate(2**40)
    (result,) = results_of(project, describe)
    assert b"[too-large]" in result if isinstance(result, bytes) else False


def test_a_large_record_is_read_whole(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 1)
    (project.data / "conditions" / "record-0.yml").write_text("id: record-0\nn: " + "long " * 60_000)
    (result,) = results_of(project, describe)
    assert isinstance(result, bytes)
    assert len(json.loads(result)[3]["n"]) == 5 * 60_000 - 1


@pytest.mark.parametrize("count", [20, FILES_IN_ONE_PROCESS + 120])
def test_what_a_worker_raises_reaches_the_caller_and_nothing_is_kept(tmp_path: Path, count: int) -> None:
    project = make_catalogue(tmp_path, count)
    files = discover(project, KINDS).files
    cache = ResultCache(project.cache / "results", "1")
    worker = functools.partial(fail_on, files[-1].id)
    with pytest.raises(ValueError, match=f"cannot work on {files[-1].path}"):
        results_of(project, worker, cache=cache, processes=2)
    assert list(project.cache.glob("results*")) == []


# The cache


@pytest.fixture
def catalogue(tmp_path: Path) -> Project:
    return make_catalogue(tmp_path, 60)


def run(project: Project, code: str = "1") -> tuple[list[bytes | Problem], ResultCache]:
    cache = ResultCache(project.cache / "results", code)
    return results_of(project, describe, cache=cache), cache


def without_cache(project: Project) -> list[bytes | Problem]:
    return results_of(project, describe)


def test_unchanged_files_are_not_worked_on_again(catalogue: Project) -> None:
    first, cold = run(catalogue)
    kept = (catalogue.cache / "results").stat()
    second, warm = run(catalogue)
    assert first == second == without_cache(catalogue)
    assert (cold.hits, cold.misses) == (0, 60)
    assert (warm.hits, warm.misses) == (60, 0)
    assert (catalogue.cache / "results").stat() == kept or (
        (catalogue.cache / "results").stat().st_mtime_ns == kept.st_mtime_ns
    )


def test_a_changed_file_is_worked_on_again_and_a_vanished_one_is_dropped(catalogue: Project) -> None:
    run(catalogue)
    size = (catalogue.cache / "results").stat().st_size
    (catalogue.data / "studies" / "record-1.yml").write_text("id: record-1\nn: changed\n")
    results, changed = run(catalogue)
    assert (changed.hits, changed.misses) == (59, 1)
    assert results == without_cache(catalogue)
    for number in range(2, 32, 3):
        (catalogue.data / "studies" / f"record-{number}.yml").unlink()
    results, fewer = run(catalogue)
    assert (fewer.hits, fewer.misses) == (50, 0)
    assert results == without_cache(catalogue)
    assert (catalogue.cache / "results").stat().st_size < size
    assert run(catalogue)[1].hits == 50


def test_what_is_added_between_others_is_worked_on_alone(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 400)
    run(project)
    for number in range(0, 400, 40):
        record = project.data / "studies" / f"record-{number}5-new.yml"
        record.write_text(f"id: record-{number}5-new\nn: new\n")
    for added in (10, 0):
        results, cache = run(project)
        assert (cache.hits, cache.misses) == (410 - added, added)
        assert results == without_cache(project)


def test_files_that_are_only_touched_are_read_but_not_worked_on(catalogue: Project) -> None:
    run(catalogue)
    kept = (catalogue.cache / "results").read_bytes()
    for file in discover(catalogue, KINDS).files:
        os.utime(catalogue.root / file.path)
    assert run(catalogue)[1].misses == 0
    assert (catalogue.cache / "results").read_bytes() == kept


def test_a_renamed_file_is_worked_on_again(catalogue: Project) -> None:
    run(catalogue)
    record = catalogue.data / "studies" / "record-1.yml"
    record.rename(record.with_name("renamed.yml"))
    results, cache = run(catalogue)
    assert cache.misses == 1
    assert results == without_cache(catalogue)


def test_other_code_or_schemas_make_all_results_anew(catalogue: Project) -> None:
    run(catalogue)
    assert run(catalogue, code="2")[1].misses == 60
    assert run(catalogue, code="2")[1].misses == 0


def test_a_cache_can_be_deleted_or_be_in_nobodys_power_to_write(catalogue: Project) -> None:
    first, _ = run(catalogue)
    (catalogue.cache / "results").unlink()
    assert run(catalogue)[0] == first
    (catalogue.cache / "results").unlink()
    catalogue.cache.rmdir()
    catalogue.cache.write_text("a file where the folder should be")
    assert run(catalogue)[0] == first
    catalogue.cache.unlink()
    (catalogue.cache / "results").mkdir(parents=True)
    assert run(catalogue)[0] == first
    assert list(catalogue.cache.iterdir()) == [catalogue.cache / "results"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_cache_changes_no_result(
    damageable: tuple[Project, list[bytes | Problem], bytes], data: st.DataObject
) -> None:
    catalogue, first, intact = damageable
    damage = data.draw(st.sampled_from(["cut", "flip", "insert", "replace"]))
    place = data.draw(st.integers(0, len(intact) - 1))
    damaged = bytearray(intact)
    if damage == "cut":
        del damaged[place:]
    elif damage == "flip":
        damaged[place] ^= data.draw(st.integers(1, 255))
    elif damage == "insert":
        damaged[place:place] = data.draw(st.binary(min_size=1, max_size=50))
    else:
        damaged = bytearray(data.draw(st.binary(max_size=200)))
    (catalogue.cache / "results").write_bytes(damaged)
    again, cache = run(catalogue)
    assert again == first
    # What was damaged has been mended.
    if cache.misses:
        assert run(catalogue)[1].misses == 0


@pytest.fixture(scope="module")
def damageable(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[bytes | Problem], bytes]:
    """A catalogue, its results, and the content of its cache."""
    catalogue = make_catalogue(tmp_path_factory.mktemp("damaged"), 12)
    first, _ = run(catalogue)
    return catalogue, first, (catalogue.cache / "results").read_bytes()


def test_a_run_that_is_broken_off_leaves_the_cache_as_it_was(catalogue: Project) -> None:
    run(catalogue)
    before = (catalogue.cache / "results").read_bytes()
    (catalogue.data / "conditions" / "record-0.yml").write_text("id: record-0\nn: changed\n")
    cache = ResultCache(catalogue.cache / "results", "1")
    results = process_files(catalogue, discover(catalogue, KINDS).folders, describe, cache=cache)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert (catalogue.cache / "results").read_bytes() == before
    assert [path.name for path in catalogue.cache.iterdir()] == ["results"]


def test_a_fingerprint_changes_with_any_file_and_text(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.json").write_text("1")
    seen = {fingerprint([tmp_path / "a"], "6.0"), fingerprint([tmp_path / "a"], "6.1")}
    (tmp_path / "a" / "one.json").write_text("2")
    seen.add(fingerprint([tmp_path / "a"], "6.0"))
    (tmp_path / "a" / "one.json").rename(tmp_path / "a" / "two.json")
    seen.add(fingerprint([tmp_path / "a"], "6.0"))
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "x.pyc").write_text("2")
    assert len(seen) == 4
    assert fingerprint([tmp_path / "a"], "6.0") in seen


# Problems and projects


def test_problems_are_sorted_and_each_is_told_once() -> None:
    late = Problem("data/b.yml", 1, 1, "", "found x", "r")
    early = Problem("data/a.yml", 10, 2, "", "found y", "r")
    earlier = Problem("data/a.yml", 9, 20, "", "found z", "r")
    assert sort_problems([late, early, earlier, late]) == [earlier, early, late]


def test_problems_are_printed_for_people_programs_and_github() -> None:
    problem = Problem(
        "data/studies/x.yml",
        12,
        9,
        "outcomes[0].results[1].sd",
        "found -3; must be greater than 0",
        "sd-positive",
    )
    line = (
        "data/studies/x.yml:12:9: outcomes[0].results[1].sd: found -3; must be greater than 0 [sd-positive]"
    )
    assert format_problems([problem]) == str(problem) == line
    coloured = format_problems([problem], color=True)
    assert coloured != line
    assert json.loads(format_problems([problem], "json")) == [
        {
            "file": "data/studies/x.yml",
            "line": 12,
            "column": 9,
            "path": "outcomes[0].results[1].sd",
            "message": "found -3; must be greater than 0",
            "rule": "sd-positive",
        }
    ]
    assert json.loads(format_problems([], "json")) == []
    odd = Problem("data/a,b.yml", 0, 0, "", "found 50%\nor so", "r")
    assert format_problems([odd], "github") == (
        "::error file=data/a%2Cb.yml,line=1,col=1,title=r::found 50%25%0Aor so"
    )
    assert format_problems([odd]) == "data/a,b.yml: found 50%\\nor so [r]"


@pytest.mark.parametrize(
    ("word", "candidates", "meant"),
    [
        ("emergng", ["strong", "emerging", "limited"], "emerging"),
        ("Full text", ["full_text", "abstract"], "full_text"),
        ("fibromylagia", ["fibromyalgia", "crohns-disease"], "fibromyalgia"),
        ("study", ["sources", "studies"], "studies"),
        ("quite-else", ["strong", "emerging"], None),
        ("a", [], None),
        ("bat", ["cat", "hat"], "cat"),
        ("bat", ["hat", "cat"], "cat"),
    ],
)
def test_a_slip_is_recognised(word: str, candidates: list[str], meant: str | None) -> None:
    assert suggest(word, candidates) == meant
    assert did_you_mean(word, candidates) == (f'; did you mean "{meant}"?' if meant else "")


def test_values_and_paths_are_shown_as_people_write_them() -> None:
    assert [show(value) for value in (-3, 4.5, True, "x", "\x1b[31m", ["é"])] == [
        "-3", "4.5", "true", '"x"', '"\\x1b[31m"', '["é"]',
    ]  # fmt: skip
    assert len(show("x" * 500)) < 70
    assert format_path(("outcomes", 0, "results", 1, "sd")) == "outcomes[0].results[1].sd"
    assert format_path(()) == ""
    assert format_path((0, "a b", "c")) == '[0]["a b"].c'


def test_the_project_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    project = make_catalogue(tmp_path, 1)
    assert find_project(tmp_path / "data" / "studies").root == tmp_path.resolve()
    assert find_project(tmp_path) == Project(tmp_path.resolve())
    assert project.database.parent == tmp_path
    before = Path.cwd()
    try:
        os.chdir(project.data)
        assert find_project().root == tmp_path.resolve()
    finally:
        os.chdir(before)


def test_no_project_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound, match="no catalogue found.*--root"):
        find_project(tmp_path)

"""What is remembered from one run to the next hides no change and outlives no day."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from ldn_evidence.check import Look, check_project
from ldn_evidence.project import Project
from ldn_evidence.read.contents import Content, Contents, read_files

TESTS = Path(__file__).parent
LONG_AGO = 1_600_000_000


def digest(root: Path, *names: str) -> str:
    contents = Contents(root, root / "cache" / "index")
    contents.read_changed("data", names or ("a.yml", "b.yml"))
    contents.save()
    return contents.digest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for name in ("a.yml", "b.yml"):
        (tmp_path / "data" / name).write_text(f"id: {name[0]}\n", "utf-8")
        os.utime(tmp_path / "data" / name, (LONG_AGO, LONG_AGO))
    return tmp_path


def test_the_same_files_give_the_same_digest_with_and_without_the_index(root: Path) -> None:
    first = digest(root)
    assert digest(root) == first
    (root / "cache" / "index").write_text("{damaged", "utf-8")
    assert digest(root) == first
    shutil.rmtree(root / "cache")
    assert digest(root) == first


def test_a_change_that_keeps_size_and_time_is_seen(root: Path) -> None:
    first = digest(root)
    (root / "data" / "a.yml").write_text("id: x\n", "utf-8")
    os.utime(root / "data" / "a.yml", (LONG_AGO, LONG_AGO))
    assert digest(root) != first


def test_a_file_put_in_the_place_of_another_is_seen(root: Path) -> None:
    first = digest(root)
    (root / "data" / "c.yml").write_text("id: x\n", "utf-8")
    (root / "data" / "c.yml").replace(root / "data" / "a.yml")
    assert digest(root) != first


def test_a_file_that_vanishes_is_seen(root: Path) -> None:
    first = digest(root)
    (root / "data" / "b.yml").unlink()
    assert digest(root) != first


def test_an_index_that_is_damaged_is_not_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ldn_evidence.read.contents._YOUNG_NANOSECONDS", -(10**12))
    first = digest(root)
    index = root / "cache" / "index"
    kept = index.read_bytes()
    for place in range(len(kept)):
        index.write_bytes(kept[:place] + b"0" + kept[place + 1 :])
        assert digest(root) == first
        index.write_bytes(kept[:place])
        assert digest(root) == first


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read."""
    names: list[str] = []

    def read(folder: Path, wanted: Sequence[str]) -> Iterator[Content]:
        names.extend(wanted)
        return read_files(folder, wanted)

    monkeypatch.setattr("ldn_evidence.read.contents.read_files", read)
    return names


def test_a_young_file_is_read_again(root: Path, reads: list[str]) -> None:
    # The time of its last status change is now, so that a second change need not show in it.
    digest(root)
    assert reads == ["a.yml", "b.yml"]
    digest(root)
    assert reads == ["a.yml", "b.yml"] * 2


def test_an_old_file_is_read_once(root: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ldn_evidence.read.contents._YOUNG_NANOSECONDS", -(10**12))
    first = digest(root)
    reads.clear()
    assert digest(root) == first
    assert reads == []
    (root / "data" / "b.yml").write_text("id: x\n", "utf-8")
    (root / "data" / "aa.yml").write_text("id: aa\n", "utf-8")
    assert digest(root, "a.yml", "aa.yml", "b.yml") != first
    assert reads == ["aa.yml", "b.yml"]


def test_a_look_that_was_taken_before_changes_no_result(project: Project, reads: list[str]) -> None:
    look = Look(project)
    digest = look.digest()
    assert len(reads) > 10
    checked = check_project(project, look=look)
    assert checked.digest == digest == Look(project).digest()
    assert checked.records == check_project(project).records
    assert len(checked.records) == len(look.found.files)


def test_a_date_lies_in_the_future_on_some_days_only(project: Project) -> None:
    def rules(day: date) -> set[str]:
        return {problem.rule for problem in check_project(project, today=day).problems}

    # The results of each day are in the cache on the next.
    assert rules(date(2031, 1, 1)) == set()
    assert rules(date(2001, 1, 1)) == {"date-not-in-future"}
    assert rules(date(2031, 1, 1)) == set()

"""What is remembered from one run to the next hides no change and outlives no day."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from ldn_evidence.check import check_project
from ldn_evidence.project import Project
from ldn_evidence.read.contents import Contents

TESTS = Path(__file__).parent
LONG_AGO = 1_600_000_000


def digest(root: Path) -> str:
    with Contents(root, root / "cache" / "index") as contents:
        for file in ("a.yml", "b.yml"):
            try:
                contents.add(file, contents.look(file).digest)
            except FileNotFoundError:
                contents.add(file, "vanished")
        contents.save()
        return contents.digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(f"id: {name[0]}\n", "utf-8")
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
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
    (root / "a.yml").write_text("id: x\n", "utf-8")
    os.utime(root / "a.yml", (LONG_AGO, LONG_AGO))
    assert digest(root) != first


def test_a_file_put_in_the_place_of_another_is_seen(root: Path) -> None:
    first = digest(root)
    (root / "c.yml").write_text("id: x\n", "utf-8")
    (root / "c.yml").replace(root / "a.yml")
    assert digest(root) != first


def test_a_file_that_vanishes_is_seen(root: Path) -> None:
    first = digest(root)
    (root / "b.yml").unlink()
    assert digest(root) != first


def test_a_young_file_is_not_taken_from_the_index(root: Path) -> None:
    # Its times are those of now, so that a second change need not show in them.
    digest(root)
    index = root / "cache" / "index"
    assert not index.exists() or b"a.yml" not in index.read_bytes()


def test_a_date_lies_in_the_future_on_some_days_only(tmp_path: Path) -> None:
    shutil.copytree(TESTS.parent / "schema", tmp_path / "schema")
    shutil.copytree(TESTS / "valid" / "data", tmp_path / "data")
    shutil.copytree(TESTS.parent / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    project = Project(tmp_path)

    def rules(day: date) -> set[str]:
        return {problem.rule for problem in check_project(project, today=day).problems}

    # The results of each day are in the cache on the next.
    assert rules(date(2031, 1, 1)) == set()
    assert rules(date(2001, 1, 1)) == {"date-not-in-future"}
    assert rules(date(2031, 1, 1)) == set()

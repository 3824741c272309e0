"""The description of the method: its numbers are those of the rule and of the records, and pages get the same text."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ldn_evidence.appraise.method import AppraisalMethod
from ldn_evidence.check.terms import read_terms
from ldn_evidence.project import Project
from ldn_evidence.schemas import Schemas
from ldn_evidence.worked_example import CONDITION, method_file, without_example


@pytest.fixture(scope="module")
def project(project_root: Path) -> Project:
    return Project(project_root)


@pytest.fixture(scope="module")
def text(project: Project) -> str:
    return (project.root / "docs" / "method.md").read_text("utf-8")


def test_the_worked_example_is_what_the_records_give_today(project: Project, text: str) -> None:
    assert method_file(project) == text, "run `ldn-evidence generate`"
    example = text.partition("<!-- example")[2].partition("<!-- /example -->")[0]
    assert "## Worked example: " in example
    assert f"`{CONDITION}" not in example
    # Numbers of real studies, each of which has a record.
    studies = set(re.findall(r"`([a-z0-9-]+-(?:19|20)\d\d)`", example))
    assert len(studies) >= 3
    assert all((project.data / "studies" / f"{study}.yml").is_file() for study in studies)


def test_pages_get_the_text_without_the_example(text: str) -> None:
    shown = without_example(text)
    assert "Worked example" not in shown
    assert "<!--" not in shown
    assert shown.count("\n## ") == text.count("\n## ") - 1
    assert "\n\n\n" not in shown
    assert without_example("No example in it.") == "No example in it."


def test_its_numbers_are_those_of_the_rule(project: Project, text: str) -> None:
    terms = read_terms(project.data / "vocabularies", Schemas(project.schema))
    method = AppraisalMethod.read(project.schema / "tiers.yml", terms, {})
    words = " ".join(text.split())
    assert f"every size up to {method.rule.largest_hypothetical:,} people" in words
    assert (
        f"Fewer than {method.rule.thresholds['smallest_null_body']} people in trials without benefit" in words
    )
    assert method.pooling.smallest == 2
    assert "at least two independent, low-dose" in words
    assert method.pooling.method == "REML"
    assert method.pooling.mantel_haenszel
    assert not method.rule.counts_computed
    assert f"By rule {method.rule.version}:" in words


def test_every_file_and_command_that_it_names_exists(project: Project, text: str) -> None:
    from ldn_evidence.cli import main

    for path in re.findall(r"`((?:schema|docs)/[a-z/.]+)`", text):
        assert (project.root / path).is_file(), path
    for command in re.findall(r"`ldn-evidence ([a-z]+)", text):
        assert command in main.commands, command


def test_a_file_without_marks_is_refused(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.schema, tmp_path / "schema")
    shutil.copytree(project.data, tmp_path / "data")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "method.md").write_text("# Nothing\n", "utf-8")
    with pytest.raises(ValueError, match="marks"):
        method_file(Project(tmp_path))

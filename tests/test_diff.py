"""What the comparison of two versions says, with copies of the real database that were changed, and with real revisions."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ldn_evidence.cli import main
from ldn_evidence.diff import CannotCompare, Difference, compare, compare_versions, render_markdown
from ldn_evidence.project import Project


class Pair:
    """The database as it is, and a copy that was changed by SQL."""

    def __init__(self, database: Path, folder: Path, project: Project) -> None:
        self.old = database
        self.new = folder / "changed.db"
        self.project = project
        shutil.copyfile(database, self.new)

    def change(self, *statements: str) -> Difference:
        with sqlite3.connect(self.new) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, f"changes nothing: {statement}"
        connection.close()
        return compare(self.project, self.old, self.new, ("1", "2"))

    def first(self, query: str) -> Any:
        with sqlite3.connect(self.old) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchone()


@pytest.fixture
def pair(built_database: Path, tmp_path: Path, project_root: Path) -> Pair:
    return Pair(built_database, tmp_path, Project(project_root))


def test_nothing_changed(pair: Pair) -> None:
    difference = compare(pair.project, pair.old, pair.new)
    assert difference.least_step == "none"
    assert "Nothing changed." in render_markdown(difference)


def test_a_tier_that_moved_says_why(pair: Pair) -> None:
    study = pair.first("SELECT study_id, condition_id FROM study_conditions JOIN conditions ON conditions.id = condition_id "
                       "WHERE evidence_tier = 'limited' AND direction <> 'benefit'")  # fmt: skip
    difference = pair.change(
        f"UPDATE conditions SET evidence_tier = 'emerging', direction = 'benefit' WHERE id = '{study['condition_id']}'",
        f"UPDATE studies SET enrolment_randomized = 4711 WHERE id = '{study['study_id']}'",
    )
    (tier,) = difference.tiers
    assert (tier.condition_id, tier.old_tier, tier.new_tier) == (study["condition_id"], "limited", "emerging")
    assert f"corrected: {study['study_id']}" in tier.because
    text = render_markdown(difference)
    assert "tier limited → **emerging**" in text
    assert "→ **benefit**" in text
    assert difference.least_step == "patch"


def test_a_changed_rule_is_named(pair: Pair) -> None:
    condition = pair.first("SELECT id FROM conditions WHERE evidence_tier = 'emerging'")["id"]
    difference = pair.change(
        f"UPDATE conditions SET evidence_tier = 'limited' WHERE id = '{condition}'",
        "UPDATE condition_appraisals SET rule_version = '99.0.0'",
    )
    assert any(
        reason.startswith("rule: version 99.0.0 instead of ") for reason in difference.tiers[0].because
    )


def test_a_corrected_number_is_shown_with_both_values(pair: Pair) -> None:
    row = pair.first("SELECT id, study_id, effect_value FROM outcomes WHERE effect_value IS NOT NULL")
    difference = pair.change(f"UPDATE outcomes SET effect_value = effect_value + 1 WHERE id = '{row['id']}'")
    (correction,) = difference.corrections
    assert (correction.kind, correction.id) == ("studies", row["study_id"])
    assert (correction.table, correction.field, correction.row) == ("outcomes", "effect_value", row["id"])
    assert (correction.old, correction.new) == (row["effect_value"], row["effect_value"] + 1)
    assert difference.least_step == "patch"
    assert f"{row['effect_value']} → {row['effect_value'] + 1}" in render_markdown(difference)


def test_a_number_that_became_unknown_is_not_zero(pair: Pair) -> None:
    row = pair.first("SELECT id FROM outcomes WHERE effect_value IS NOT NULL")
    difference = pair.change(f"UPDATE outcomes SET effect_value = NULL WHERE id = '{row['id']}'")
    notes = render_markdown(difference)
    assert "→ not known" in notes
    assert "## Numbers taken out (1)" in notes
    assert "Numbers corrected" not in notes


def test_a_number_that_became_known_is_filled_in_and_not_corrected(pair: Pair) -> None:
    row = pair.first("SELECT id FROM outcomes WHERE effect_value IS NULL")
    notes = render_markdown(pair.change(f"UPDATE outcomes SET effect_value = 4.5 WHERE id = '{row['id']}'"))
    assert "not known → 4.5" in notes
    assert "## Numbers filled in (1)" in notes
    assert "Numbers corrected" not in notes


def test_a_row_put_in_before_others_corrects_nothing(pair: Pair) -> None:
    """Positions shift; the numbers of the rows behind did not change."""
    row = pair.first(
        "SELECT study_id, outcome_id, count(*) AS rows FROM results GROUP BY 1, 2 HAVING count(*) > 1"
    )
    difference = pair.change(
        f"UPDATE results SET position = position + 10 WHERE outcome_id = '{row['outcome_id']}'",
        f"UPDATE results SET position = 99 - position WHERE outcome_id = '{row['outcome_id']}'",
    )
    assert difference.least_step == "none"


def test_records_that_came_and_went(pair: Pair) -> None:
    row = pair.first(
        "SELECT id, question FROM questions WHERE id NOT IN (SELECT condition_id FROM question_conditions)"
    )
    difference = pair.change(
        "INSERT INTO sources (id, title, kind, commercial_interest) VALUES ('new-label', 'A label', 'label', 'unknown')",
        "INSERT INTO retired VALUES ('questions', 'old-question', 'x', '2026-01-01', 'merged')",
        f"UPDATE questions SET id = 'old-question' WHERE id = '{row['id']}'",
    )
    assert {(one.kind, one.id) for one in difference.added} == {
        ("sources", "new-label"),
        ("questions", "old-question"),
    }
    assert [(one.kind, one.id, one.title) for one in difference.removed] == [
        ("questions", row["id"], row["question"])
    ]
    assert difference.least_step == "minor"


def test_a_retired_record_names_its_successor(pair: Pair) -> None:
    source = pair.first("SELECT id FROM sources ORDER BY id")["id"]
    difference = pair.change(
        f"UPDATE sources SET id = 'renamed-source' WHERE id = '{source}'",
        f"INSERT INTO retired VALUES ('sources', '{source}', 'renamed-source', '2026-01-01', 'renamed')",
    )
    assert [(one.id, one.successor) for one in difference.removed] == [(source, "renamed-source")]
    assert "(use `renamed-source`)" in render_markdown(difference)


def test_a_claim_judged_anew(pair: Pair) -> None:
    claim = pair.first("SELECT id FROM claims WHERE verdict <> 'opinion'")["id"]
    difference = pair.change(f"UPDATE claims SET verdict = 'opinion' WHERE id = '{claim}'")
    (verdict,) = difference.verdicts
    assert (verdict.claim_id, verdict.new) == (claim, "opinion")
    assert "→ **opinion**" in render_markdown(difference)


def test_a_trial_that_reported(pair: Pair) -> None:
    trial = pair.first("SELECT trial_id, registry_number, status FROM open_trials")
    study = pair.first("SELECT id FROM studies")["id"]
    difference = pair.change(
        f"INSERT INTO trial_reports VALUES ('{trial['trial_id']}', 0, '{study}')",
        f"UPDATE trials SET status = 'completed' WHERE id = '{trial['trial_id']}'",
    )
    (change,) = difference.trials
    assert (change.trial_id, change.old_status, change.new_status) == (
        trial["trial_id"],
        trial["status"],
        "completed",
    )
    assert change.reports == (study,)
    assert f"reported by {study}" in render_markdown(difference)


def test_words_that_changed_are_named_once_a_record(pair: Pair) -> None:
    difference = pair.change(
        "UPDATE conditions SET summary = summary || '.', mechanism_summary = 'x' WHERE id = 'fibromyalgia'"
    )
    assert [(one.kind, one.id) for one in difference.reworded] == [("conditions", "fibromyalgia")]
    assert difference.corrections == []


@pytest.mark.parametrize(
    ("statement", "step", "name"),
    [
        ("ALTER TABLE studies ADD COLUMN more TEXT", "minor", "studies.more"),
        ("DROP VIEW silent_trials", "major", "silent_trials"),
        ("ALTER TABLE sources DROP COLUMN isbn", "major", "sources.isbn"),
    ],
)
def test_a_changed_schema_asks_for_its_step(pair: Pair, statement: str, step: str, name: str) -> None:
    difference = pair.change(statement)
    assert difference.least_step == step
    assert name in difference.schema_added + difference.schema_removed
    assert f"`{name}`" in render_markdown(difference)


def test_the_command_gives_markdown_and_json(pair: Pair, project_root: Path) -> None:
    pair.change("UPDATE arms SET n = 4711 WHERE id = (SELECT min(id) FROM arms WHERE n IS NOT NULL)")
    arguments = ["--root", str(project_root), "diff", str(pair.old), str(pair.new)]
    text = CliRunner().invoke(main, arguments)
    assert text.exit_code == 0
    assert "4711" in text.output
    data = json.loads(CliRunner().invoke(main, [*arguments, "--format", "json"]).output)
    assert data["corrections"][0]["new"] == 4711
    assert data["least_step"] == "patch"


@pytest.mark.parametrize("name", ["no-such-revision", "missing.db", "--help"])
def test_a_version_that_does_not_exist_is_named(project_root: Path, built_database: Path, name: str) -> None:
    with pytest.raises(CannotCompare, match=f"{name}: there is neither a database file nor a git revision"):
        compare_versions(Project(project_root), name, str(built_database))


def test_a_file_that_is_no_database_is_refused(
    project_root: Path, built_database: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.db").write_text("not a database")
    arguments = ["--root", str(project_root), "diff", str(tmp_path / "x.db"), str(built_database)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "not a database of this project" in done.output


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two revisions: the checkout, and one number corrected."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("data", "schema", "scripts"):
        shutil.copytree(
            project_root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    shutil.copyfile(project_root / "metadata.yml", folder / "metadata.yml")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    record = folder / "data/trials/nct05307627.yml"
    text = record.read_text("utf-8")
    assert "planned: 2500" in text
    record.write_text(text.replace("planned: 2500", "planned: 2501"), "utf-8")
    git(folder, "commit", "--quiet", "--all", "-m", "two")
    return folder


def test_two_revisions_are_built_by_their_own_code(repository: Path) -> None:
    difference = compare_versions(Project(repository), "HEAD~1", "HEAD")
    (correction,) = difference.corrections
    assert (correction.kind, correction.id, correction.field) == ("trials", "nct05307627", "planned")
    assert (correction.old, correction.new) == (2500, 2501)
    assert difference.least_step == "patch"
    assert difference.old.commit == git(repository, "rev-parse", "HEAD~1")
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert git(repository, "status", "--porcelain") == ""


def test_a_revision_from_before_the_records_is_named(repository: Path) -> None:
    empty = git(
        repository, "commit-tree", "-m", "before", git(repository, "hash-object", "-wt", "tree", os.devnull)
    )
    with pytest.raises(CannotCompare, match=f"^{empty}: this revision has no records yet"):
        compare_versions(Project(repository), empty, "HEAD")
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_revision_that_does_not_build_says_why(repository: Path) -> None:
    record = repository / "data/trials/nct05307627.yml"
    good = record.read_text("utf-8")
    record.write_text(good.replace("planned: 2501", "planned: -1"), "utf-8")
    git(repository, "commit", "--quiet", "--all", "-m", "broken")
    try:
        with pytest.raises(CannotCompare, match=r"HEAD does not build: data/trials/nct05307627\.yml:\d+"):
            compare_versions(Project(repository), "HEAD~1", "HEAD")
    finally:
        git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    assert len(git(repository, "worktree", "list").splitlines()) == 1

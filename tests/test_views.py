"""What views compute, held against the same in Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ldn_evidence.appraise.effects.model import MidReading
from ldn_evidence.publish.export.calendar import span

ROOT = Path(__file__).parent.parent


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    """The tables and views without records."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in ("tables.sql", "views.sql"):
            connection.executescript((ROOT / "schema" / script).read_text("utf-8"))
        yield connection


def add_trial(connection: sqlite3.Connection, identifier: str, completion: str | None) -> None:
    connection.execute(
        "INSERT INTO trials (id, registry_number, registry, title, status, completion, verification_depth) "
        "VALUES (?, ?, 'clinicaltrials.gov', 'A trial', 'recruiting', ?, 'registry')",
        (identifier, identifier, completion),
    )


def test_a_date_of_an_open_trial_has_passed_when_all_of_it_has(empty: sqlite3.Connection) -> None:
    empty.execute("INSERT INTO build_info (key, value) VALUES ('data_as_of', '2026-11-21')")
    expected = {
        "2026-11-21": 0, "2026-11-22": 0, "2026-11": 0, "2026-12": 0, "2026": 0, "2027": 0, None: None,
        "2026-11-20": 1, "2026-10": 1, "2025": 1, "2022-08-30": 1,
    }  # fmt: skip
    for completion in expected:
        add_trial(empty, f"ends-{completion}", completion)
    found = empty.execute("SELECT completion, expected_completion_passed, as_of FROM open_trials").fetchall()
    assert {completion: passed for completion, passed, _ in found} == expected
    assert {as_of for _, _, as_of in found} == {"2026-11-21"}
    marks = [passed for _, passed, _ in found]
    assert marks == sorted(marks, key=[0, None, 1].index)  # truly open ones first


def test_without_a_day_of_the_data_nothing_is_said_to_have_passed(empty: sqlite3.Connection) -> None:
    add_trial(empty, "old", "2001")
    assert empty.execute("SELECT expected_completion_passed, as_of FROM open_trials").fetchall() == [
        (None, None)
    ]


def test_a_silent_trial_says_why_it_is_one(empty: sqlite3.Connection) -> None:
    empty.execute("INSERT INTO build_info (key, value) VALUES ('data_as_of', '2026-11-21')")
    for identifier, completion, status, actual, overdue in (
        ("stopped", "2026-01", "terminated", 12, None),
        ("withdrawn", "2026-01", "withdrawn", 0, None),
        ("overdue", None, "unknown", None, 1),
        ("old", "2024-11-20", "completed", 40, None),
        ("recent", "2024-11-22", "completed", 40, None),
        ("month", "2024-11", "completed", 40, None),
        ("posted", "2020-01", "completed", 40, None),
        ("running", None, "recruiting", None, None),
    ):
        add_trial(empty, identifier, completion)
        empty.execute(
            "UPDATE trials SET status = ?, actual = ?, overdue_by_register = ? WHERE id = ?",
            (status, actual, overdue, identifier),
        )
    empty.execute("UPDATE trials SET results_posted = '2022-05-06' WHERE id = 'posted'")
    assert dict(empty.execute("SELECT trial_id, reason FROM silent_trials")) == {
        "stopped": "ended early, no report found",
        "withdrawn": "withdrawn before anybody took part",
        "overdue": "its register marks the results as overdue, no report found",
        "old": "completed more than two years before the last search, no report found",
    }


def test_every_contradicted_claim_stands_among_those_against_the_evidence(
    connection: sqlite3.Connection,
) -> None:
    missing = connection.execute(
        "SELECT id FROM claims WHERE verdict = 'contradicted' "
        "AND id NOT IN (SELECT claim_id FROM claims_against_evidence)"
    ).fetchall()
    assert missing == []
    # What is no study is not called one.
    reasons = dict(connection.execute("SELECT claim_id, reason FROM claims_against_evidence"))
    assert reasons["pc-27"].endswith("none of them is a study.")


@pytest.mark.parametrize("view", ["condition_results", "null_trials", "review_conflicts"])
def test_a_result_stands_with_the_condition_to_which_it_belongs(
    connection: sqlite3.Connection, view: str
) -> None:
    elsewhere = connection.execute(
        f"SELECT shown.condition_id, outcomes.id FROM {view} AS shown "
        f"JOIN outcomes ON outcomes.study_id = shown.study_id AND outcomes.name = shown.outcome "
        "WHERE outcomes.condition_id <> shown.condition_id"
    ).fetchall()
    assert elsewhere == []
    of_one_condition = connection.execute(
        f"SELECT count(*) FROM {view} AS shown JOIN outcomes ON outcomes.study_id = shown.study_id "
        "AND outcomes.name = shown.outcome WHERE outcomes.condition_id = shown.condition_id"
    ).fetchone()[0]
    assert of_one_condition > 0
    assert connection.execute(f"SELECT count(*) FROM {view}").fetchone()[0] > 10


def test_an_estimate_has_the_numbers_told_of_it_and_never_those_of_its_review(
    connection: sqlite3.Connection,
) -> None:
    shown = connection.execute(
        "SELECT study_id, condition_id, outcome, value, trials, participants, review_studies_included, "
        "review_participants FROM review_conflicts WHERE origin = 'published'"
    ).fetchall()
    told = connection.execute(
        "SELECT studies.id, study_conditions.condition_id, outcomes.name, effect_value, effect_studies, "
        "effect_participants, review_studies_included, review_participants FROM outcomes "
        "JOIN studies ON studies.id = outcomes.study_id JOIN study_conditions USING (study_id) "
        "WHERE studies.design IN ('meta_analysis', 'systematic_review') AND effect_measure IS NOT NULL "
        "AND (outcomes.condition_id IS NULL OR outcomes.condition_id = study_conditions.condition_id)"
    ).fetchall()
    assert sorted(map(repr, shown)) == sorted(map(repr, told))
    assert any(row[4] is None and row[6] is not None for row in shown)
    assert any(row[4] is not None for row in shown)
    # Seven trials in chronic pain syndromes, of which those in fibromyalgia are a part that is not told.
    part = "study_id = 'hegde-2025' AND outcome LIKE 'pain in fibromyalgia%'"
    assert connection.execute(
        f"SELECT trials, participants, review_studies_included FROM review_conflicts WHERE {part}"
    ).fetchall() == [(None, None, 7)]


def test_an_estimate_stands_with_its_reading(connection: sqlite3.Connection) -> None:
    described = yaml.safe_load((ROOT / "metadata.yml").read_text("utf-8"))["databases"]["ldn"]["tables"]
    ours = "SELECT condition_id, domain, measure, reading FROM"
    assert sorted(connection.execute(f"{ours} review_conflicts WHERE origin = 'this base'")) == sorted(
        connection.execute(f"{ours} meta_analyses")
    )
    published = dict(
        connection.execute(
            "SELECT study_id || outcome, reading FROM review_conflicts WHERE origin = 'published' AND reading IS NOT NULL"
        )
    )
    computed = dict(
        connection.execute(
            "SELECT outcomes.study_id || outcomes.name, reading FROM effects JOIN outcomes ON outcomes.id = outcome_id "
            "WHERE is_printed AND measure = effect_measure"
        )
    )
    assert published
    assert published.items() <= computed.items()
    meaning = described["review_conflicts"]["columns"]["reading"]
    assert [code for code in get_args(MidReading) if code not in meaning] == []


def test_people_of_a_study_are_those_of_an_arm_only_where_all_were_in_it(empty: sqlite3.Connection) -> None:
    empty.execute("INSERT INTO conditions (id, name, category, evidence_tier, direction, summary, last_searched) "
                  "VALUES ('pain', 'Pain', 'pain', 'limited', 'unclear', 'Unclear.', '2026-01-01')")  # fmt: skip
    for study, design, arms in (
        ("told", "randomized_parallel", {"naltrexone": 30, "placebo": 31}),
        ("parallel", "randomized_parallel", {"naltrexone": None, "placebo": None}),
        ("crossover", "randomized_crossover", {"naltrexone": None, "placebo": None}),
        ("alone", "single_arm_open_label", {"naltrexone": None}),
    ):
        empty.execute(
            "INSERT INTO studies (id, title, design, status, conclusion, verification_depth, enrolment_analyzed) "
            "VALUES (?, 'A study', ?, 'published', 'None.', 'abstract', 61)",
            (study, design),
        )
        empty.execute("INSERT INTO study_conditions VALUES (?, 0, 'pain')", (study,))
        for position, (arm, people) in enumerate(arms.items()):
            empty.execute(
                "INSERT INTO arms (id, study_id, position, code, label, role, components, n) "
                "VALUES (?, ?, ?, ?, ?, ?, '[]', ?)",
                (
                    f"{study}--{arm}",
                    study,
                    position,
                    arm,
                    arm,
                    "comparator" if position else "intervention",
                    people,
                ),
            )
    assert dict(empty.execute("SELECT study_id, participants FROM doses_tried")) == {
        "told": 30, "parallel": None, "crossover": 61, "alone": 61,
    }  # fmt: skip


def test_open_trials_of_the_catalogue(connection: sqlite3.Connection) -> None:
    as_of = date.fromisoformat(
        connection.execute("SELECT value FROM build_info WHERE key = 'data_as_of'").fetchone()[0]
    )
    found = connection.execute(
        "SELECT trial_id, completion, expected_completion_passed FROM open_trials"
    ).fetchall()
    assert {passed for *_, passed in found} == {0, None, 1}
    for identifier, completion, passed in found:
        ended = None if completion is None else span(completion)[1] <= as_of
        assert passed == ended, identifier


def test_every_number_of_a_view_has_its_unit(connection: sqlite3.Connection) -> None:
    described = yaml.safe_load((ROOT / "metadata.yml").read_text("utf-8"))["databases"]["ldn"]["tables"]
    numbers = 0
    for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        for column, meaning in described[view]["columns"].items():
            kinds = connection.execute(f"SELECT DISTINCT typeof({column}) FROM {view}").fetchall()
            if {kind for (kind,) in kinds} & {"integer", "real"}:
                numbers += 1
                assert "Unit: " in meaning, f"{view}.{column}"
    assert numbers > 30

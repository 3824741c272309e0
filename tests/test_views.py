"""What views compute, held against the same in Python."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ldn_evidence.appraise.effects.model import MidReading
from ldn_evidence.link.catalogue import SAME_PARTICIPANTS, trial_units
from ldn_evidence.publish.export.calendar import span

ROOT = Path(__file__).parent.parent


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    """The tables and views without records."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in ("tables.sql", "views.sql"):
            connection.executescript((ROOT / "schema" / script).read_text("utf-8"))
        yield connection


def add_condition(connection: sqlite3.Connection, identifier: str, last_searched: str = "2026-01-01") -> None:
    connection.execute(
        "INSERT INTO conditions (id, name, category, evidence_tier, direction, summary, last_searched) "
        "VALUES (?, ?, 'pain', 'limited', 'unclear', 'Unclear.', ?)",
        (identifier, identifier, last_searched),
    )


def add_study(
    connection: sqlite3.Connection,
    identifier: str,
    design: str = "randomized_parallel",
    analyzed: int | None = None,
) -> None:
    """A study of the condition `pain`."""
    connection.execute(
        "INSERT INTO studies (id, title, design, status, conclusion, verification_depth, enrolment_analyzed) "
        "VALUES (?, 'A study', ?, 'published', 'None.', 'abstract', ?)",
        (identifier, design, analyzed),
    )
    connection.execute("INSERT INTO study_conditions VALUES (?, 0, 'pain')", (identifier,))


def add_arm(
    connection: sqlite3.Connection, study: str, role: str, components: str | None, people: int | None = None
) -> None:
    number = connection.execute("SELECT count(*) FROM arms WHERE study_id = ?", (study,)).fetchone()[0]
    connection.execute(
        "INSERT INTO arms (id, study_id, position, code, label, role, components, n, control_kind) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            f"{study}--{number}", study, number, f"arm-{number}", components or "not told", role, components, people,
            "placebo" if role == "comparator" else None,
        ),
    )  # fmt: skip


def add_null_outcome(connection: sqlite3.Connection, study: str) -> None:
    connection.execute(
        "INSERT INTO outcomes (id, study_id, position, code, name, domain, role, direction) "
        "VALUES (?, ?, 0, 'pain', 'pain', 'pain', 'primary', 'no_difference')",
        (f"{study}--pain", study),
    )


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
        ("forgotten", "2022-09", "unknown", None, None),
        ("nothing known", None, "unknown", None, None),
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
        # Its date is an expected one: nobody says that it was completed.
        "forgotten": "was to be complete more than two years before the last search, status unknown, no report found",
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
    # A study may give one name to an outcome of each of its conditions.
    elsewhere = connection.execute(
        f"SELECT shown.study_id, shown.condition_id, shown.outcome FROM {view} AS shown "
        "WHERE shown.study_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outcomes "
        "WHERE outcomes.study_id = shown.study_id AND outcomes.name = shown.outcome "
        "AND (outcomes.condition_id IS NULL OR outcomes.condition_id = shown.condition_id))"
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
    for table in ("effects", "meta_analyses", "review_conflicts"):
        meaning = described[table]["columns"]["reading"]
        assert [code for code in get_args(MidReading) if code not in meaning] == [], table


def test_an_estimate_lies_on_the_side_that_its_direction_names(connection: sqlite3.Connection) -> None:
    described = yaml.safe_load((ROOT / "metadata.yml").read_text("utf-8"))["databases"]["ldn"]["tables"]
    against = {
        row[0]
        for row in connection.execute(
            "SELECT measure FROM (SELECT shown.measure, shown.direction, outcomes.better, "
            "  CASE WHEN shown.measure IN ('RR', 'OR', 'HR', 'IRR') THEN 1 ELSE 0 END AS none, shown.ci_low, shown.ci_high "
            "  FROM review_conflicts AS shown JOIN outcomes ON outcomes.study_id = shown.study_id "
            "  AND outcomes.name = shown.outcome AND outcomes.effect_value = shown.value) "
            "WHERE direction = 'favours_ldn' AND (better = 'lower' AND ci_low > none OR better = 'higher' AND ci_high < none) "
            "OR direction = 'favours_comparator' AND (better = 'lower' AND ci_high < none OR better = 'higher' AND ci_low > none)"
        )
    }
    assert against  # the printed signs that turn the other way are told of
    meaning = described["review_conflicts"]["columns"]["value"]
    assert [measure for measure in sorted(against) if measure not in meaning] == []


def test_people_of_a_study_are_those_of_an_arm_only_where_all_were_in_it(empty: sqlite3.Connection) -> None:
    add_condition(empty, "pain")
    for study, design, arms in (
        ("told", "randomized_parallel", {"naltrexone": 30, "placebo": 31}),
        ("parallel", "randomized_parallel", {"naltrexone": None, "placebo": None}),
        ("crossover", "randomized_crossover", {"naltrexone": None, "placebo": None}),
        ("alone", "single_arm_open_label", {"naltrexone": None}),
    ):
        add_study(empty, study, design, analyzed=61)
        for given, people in arms.items():
            role = "intervention" if given == "naltrexone" else "comparator"
            add_arm(empty, study, role, f'["{given}"]', people)
    assert dict(empty.execute("SELECT study_id, participants FROM doses_tried")) == {
        "told": 30, "parallel": None, "crossover": 61, "alone": 61,
    }  # fmt: skip


def test_doses_tried_are_those_of_every_arm_that_was_given_the_drug_itself(empty: sqlite3.Connection) -> None:
    add_condition(empty, "pain")
    given = {
        '["naltrexone"]', '["counselling", "naltrexone"]', '["naltrexone 1% cream"]', '["naltrexone SR 32 mg"]',
    }  # fmt: skip
    not_given = {
        '["no naltrexone"]', '["placebo for naltrexone"]', '["(+)-naltrexone"]', '["naloxone"]',
        '["opioid growth factor"]', '["morphine", "sealed naltrexone"]',
    }  # fmt: skip
    add_study(empty, "study")
    for role in ("intervention", "comparator", "other"):
        for components in sorted(given | not_given):
            add_arm(empty, "study", role, components)
        add_arm(empty, "study", role, None)
    # An arm under test is one of naltrexone unless its components say otherwise.
    assert sorted(empty.execute("SELECT role, arm FROM doses_tried")) == sorted(
        [(role, label) for role in ("intervention", "comparator", "other") for label in given]
        + [("intervention", "not told")]
    )


def test_doses_tried_of_the_catalogue_miss_no_dose_of_naltrexone(connection: sqlite3.Connection) -> None:
    arms = connection.execute(
        "SELECT arms.id, arms.study_id, arms.label, arms.components FROM arms JOIN study_conditions USING (study_id) "
        "WHERE dose_class IS NOT NULL AND route IS NOT 'in_vitro'"
    ).fetchall()
    shown = set(connection.execute("SELECT study_id, arm FROM doses_tried"))
    other_drugs = ("opioid growth factor", "(+)-naltrexone", "naloxone", "agonists", "methadone")
    missed = [
        identifier
        for identifier, study, label, components in arms
        if (study, label) not in shown and not any(drug in components for drug in other_drugs)
    ]
    assert missed == []
    assert ("rea-2004", "Naltrexone 0.05 mg") in shown  # the dose against which others were tried
    assert ("smith-2010-ogf", "Opioid growth factor") not in shown


def test_people_of_a_null_trial_are_counted_as_the_tier_rule_counts_them(empty: sqlite3.Connection) -> None:
    add_condition(empty, "pain")
    for study, design, analyzed, sizes in (
        ("analysed", "randomized_parallel", 61, (40, 40)),
        ("arms", "randomized_parallel", None, (75, 70)),
        ("one-unknown", "randomized_parallel", None, (75, None)),
        ("crossover", "randomized_crossover", None, (30, 28)),
        ("nothing", "randomized_parallel", None, ()),
    ):
        add_study(empty, study, design, analyzed)
        for role, people in zip(("intervention", "comparator"), sizes, strict=False):
            add_arm(empty, study, role, '["naltrexone"]', people)
        if sizes:
            add_arm(empty, study, "other", '["a healthy group"]', 100)
        add_null_outcome(empty, study)
    add_study(empty, "two-doses")
    for people in (10, 11):
        add_arm(empty, "two-doses", "intervention", '["naltrexone"]', people)
    add_null_outcome(empty, "two-doses")
    assert dict(empty.execute("SELECT study_id, participants FROM null_trials")) == {
        "analysed": 61, "arms": 145, "one-unknown": None, "crossover": 30, "nothing": None, "two-doses": None,
    }  # fmt: skip


def test_a_null_trial_says_against_what_and_which_trial_it_is(
    connection: sqlite3.Connection, project_root: Path
) -> None:
    assert dict(
        connection.execute(
            "SELECT study_id, control_kind FROM null_trials "
            "WHERE study_id IN ('bruun-2024', 'diabetic-neuropathy-amitriptyline-2021', 'rea-2004')"
        )
    ) == {
        "bruun-2024": "placebo",
        "diabetic-neuropathy-amitriptyline-2021": "active",
        "rea-2004": "other_dose",
    }
    assert connection.execute(
        "SELECT DISTINCT isolates_naltrexone FROM null_trials WHERE study_id = 'toledano-2021-preventive'"
    ).fetchall() == [(0,)]
    related: dict[str, list[tuple[str, str]]] = {
        study: [] for (study,) in connection.execute("SELECT id FROM studies")
    }
    for study, kind, other in connection.execute(
        "SELECT study_id, type, related_study_id FROM study_relations"
    ):
        related[study].append((kind, other))
    units = trial_units(related)
    shown = dict(connection.execute("SELECT study_id, trial_unit_id FROM null_trials"))
    assert shown == {study: units[study] for study in shown}
    assert len(set(shown.values())) < len(shown)
    definition = (project_root / "schema" / "views.sql").read_text("utf-8")
    named = re.search(r"study_relations\.type IN \(([^)]+)\)", definition)
    assert named is not None
    assert set(re.findall(r"'(\w+)'", named[1])) == SAME_PARTICIPANTS


def test_an_estimate_whose_side_is_not_known_is_not_called_null(empty: sqlite3.Connection) -> None:
    add_condition(empty, "pain")
    sides = {
        "intervention": "favours_ldn", "comparator": "favours_comparator", "neither": "no_difference",
        "unclear": "unknown", None: "unknown",
    }  # fmt: skip
    for favours in sides:
        empty.execute(
            "INSERT INTO meta_analyses (id, condition_id, domain, measure, trials, method, decides, favours) "
            "VALUES (?, 'pain', 'pain', 'MD', 2, 'REML', 0, ?)",
            (f"side-{favours}", favours),
        )
    shown = empty.execute("SELECT direction FROM review_conflicts").fetchall()
    assert sorted(direction for (direction,) in shown) == sorted(sides.values())


def test_a_count_of_an_adverse_effect_says_how_its_source_was_read_and_what_became_of_it(
    connection: sqlite3.Connection,
) -> None:
    shown = connection.execute(
        "SELECT study_id, source_id, verification_depth, retraction_status FROM safety_summary"
    ).fetchall()
    depths = dict(connection.execute("SELECT id, verification_depth FROM studies UNION ALL "
                                     "SELECT id, verification_depth FROM sources"))  # fmt: skip
    assert all(depth == depths.get(study or source) for study, source, depth, _ in shown)
    assert sum(depth is not None for *_, depth, _ in shown) > 80
    assert ("vatvani-2024", "corrected") in {(study, status) for study, _, _, status in shown}


def test_a_result_says_of_which_dose_it_is(connection: sqlite3.Connection) -> None:
    assert dict(
        connection.execute(
            "SELECT study_id, dose_class FROM condition_results "
            "WHERE condition_id = 'fibromyalgia' AND study_id IN ('bruun-2024', 'younger-zautra-2009', 'hegde-2025')"
        )
    ) == {"bruun-2024": "low", "younger-zautra-2009": "standard", "hegde-2025": None}


def test_a_review_is_due_for_every_reason_that_there_is(empty: sqlite3.Connection) -> None:
    empty.execute("INSERT INTO build_info (key, value) VALUES ('data_as_of', '2026-11-21')")
    for identifier, searched, reviewed in (
        ("never", "2026-11-20", None),
        ("never-and-old", "2025-11-20", None),
        ("old", "2025-11-20", "2025-11-21"),
        ("fine", "2026-11-20", "2026-11-20"),
    ):
        add_condition(empty, identifier, searched)
        empty.execute("UPDATE conditions SET reviewed_on = ? WHERE id = ?", (reviewed, identifier))
    assert dict(empty.execute("SELECT condition_id, reason FROM review_due")) == {
        "never": "never reviewed by a named person",
        "never-and-old": "never reviewed by a named person; search is a year old",
        "old": "search is a year old",
    }


@pytest.mark.parametrize(
    ("completion", "lies_ahead"),
    [
        ("2026-11-20", False),
        ("2026-11-21", True),
        ("2026-10", False),
        ("2026-11", True),
        ("2025", False),
        ("2026", True),
    ],
)
def test_the_next_trial_may_end_in_a_month_or_a_year(
    empty: sqlite3.Connection, completion: str, lies_ahead: bool
) -> None:
    add_condition(empty, "pain", "2026-11-21")
    add_trial(empty, "trial", completion)
    empty.execute(
        "INSERT INTO trial_conditions (trial_id, position, condition_id) VALUES ('trial', 0, 'pain')"
    )
    found = empty.execute("SELECT next_trial_completion FROM review_due").fetchall()
    assert found == [(completion if lies_ahead else None,)]


def test_a_percentage_that_may_be_computed_is_not_said_to_be_printed() -> None:
    described = yaml.safe_load((ROOT / "metadata.yml").read_text("utf-8"))["databases"]["ldn"]["tables"]
    columns = described["safety_summary"]["columns"]
    assert all("computed" in columns[name] for name in ("percent", "comparator_percent"))
    assert columns["note"] != described["adverse_effects"]["columns"]["note"]


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

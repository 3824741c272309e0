"""The appraisal of records: from what a record says to effects, pools, tiers and contradictions."""

from __future__ import annotations

import copy
import math
import shutil
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldn_evidence.appraise import Appraiser, appraise, tier_problems
from ldn_evidence.appraise.contradictions import (
    highest_concentration,
    mechanisms_out_of_reach,
    nanomolar,
)
from ldn_evidence.appraise.kept import decode, encode
from ldn_evidence.appraise.records import StudyReader, combined, days, name_of
from ldn_evidence.check import CheckedCatalogue, CheckedRecord, check_project
from ldn_evidence.check.terms import read_terms
from ldn_evidence.cli import main
from ldn_evidence.link import Catalogue
from ldn_evidence.project import Project
from ldn_evidence.schemas import Schemas
from ldn_evidence.store import pack_rows, record_tables, write_database
from ldn_evidence.store.layout import Layout

TESTS = Path(__file__).parent
ROOT = TESTS.parent
Record = dict[str, Any]
Tables = dict[str, list[dict[str, Any]]]


# --- a small catalogue ----------------------------------------------------------------------------


def condition(identifier: str = "example-disease", **fields: Any) -> Record:
    return {
        "id": identifier,
        "name": identifier.replace("-", " ").capitalize(),
        "category": "pain",
        "evidence_tier": "limited",
        "direction": "unclear",
        "summary": f"What was read of {identifier.replace('-', ' ')} does not settle the matter.",
        "citations": [{"study": "one"}],
        "last_searched": "2026-01-15",
    } | fields


def outcome(direction: str = "favours_ldn", **fields: Any) -> Record:
    return {
        "id": "pain",
        "name": "pain at 12 weeks",
        "domain": "pain",
        "instrument": "nrs-pain",
        "role": "primary",
        "timepoint": "12 weeks",
        "better": "lower",
        "direction": direction,
    } | fields


def arm(identifier: str, role: str, **fields: Any) -> Record:
    return {"id": identifier, "label": identifier.capitalize(), "role": role} | fields


def low_dose(**fields: Any) -> Record:
    return (
        arm("naltrexone", "intervention", components=["naltrexone"], dose_class="low", route="oral") | fields
    )


def placebo(**fields: Any) -> Record:
    return arm("placebo", "comparator", control_kind="placebo", components=["placebo"]) | fields


def trial(identifier: str = "one", people: int | None = 60, **fields: Any) -> Record:
    record = {
        "id": identifier,
        "title": f"An invented trial called {identifier}",
        "authors": [f"{identifier.capitalize()} J"],
        "research_group": f"Group of {identifier}",
        "year": 2020,
        "no_identifier": "Invented.",
        "design": "randomized_parallel",
        "blinding": "double_blind",
        "status": "published",
        "conditions": ["example-disease"],
        "enrolment": {"analyzed": people} if people is not None else {"note": "The number was not seen."},
        "arms": [low_dose(), placebo()],
        "outcomes": [outcome()],
        "conclusion": f"The invented trial {identifier} says what its outcomes say.",
        "verification": {"depth": "abstract"},
    }
    return record | fields


def results(mean: float, other: float, sd: float = 2.0, n: int = 30, kind: str = "change") -> list[Record]:
    return [
        {"arm": "naltrexone", "kind": kind, "n": n, "mean": mean, "sd": sd},
        {"arm": "placebo", "kind": kind, "n": n, "mean": other, "sd": sd},
    ]


def write(project: Project, kind: str, record: Mapping[str, Any]) -> Path:
    path = project.data / kind / f"{record['id']}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True), "utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    shutil.copytree(ROOT / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    return Project(tmp_path)


@pytest.fixture
def appraised(project: Project) -> Callable[..., Tables]:
    """Writes records, checks them for real and appraises them."""

    def run(*studies: Record, conditions: Iterable[Record] = (), **others: Iterable[Record]) -> Tables:
        for record in conditions or [condition(citations=[{"study": studies[0]["id"]}])]:
            write(project, "conditions", record)
        for record in studies:
            write(project, "studies", record)
        for kind, records in others.items():
            for record in records:
                write(project, kind, record)
        checked = check_project(project)
        assert [str(problem) for problem in checked.problems] == []
        return tables_of(Catalogue(checked), project.schema / "tiers.yml")

    return run


def tables_of(catalogue: Catalogue, rule_file: Path) -> Tables:
    tables: Tables = defaultdict(list)
    for table, rows in appraise(catalogue, rule_file):
        tables[table].extend(rows)
    return tables


def only(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    (row,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return row


# --- effects --------------------------------------------------------------------------------------


def test_effects_come_from_the_arms_when_nothing_is_printed(appraised: Callable[..., Tables]) -> None:
    tables = appraised(trial(outcomes=[outcome("no_difference", results=results(-1.5, -1.0))]))
    effect = only(tables["effects"], measure="MD")
    assert effect["id"] == "one--pain--md"
    assert effect["value"] == pytest.approx(-0.5)
    assert effect["standard_error"] == pytest.approx(math.sqrt(2 * 2.0**2 / 30))
    assert effect["ci_low"] == pytest.approx(-0.5 - 1.959964 * math.sqrt(8 / 30), abs=1e-5)
    assert (effect["favours"], effect["is_printed"]) == ("neither", False)
    assert effect["reading"] == "null_within_mid"
    assert effect["minimal_important_difference"] == 2
    assert (effect["intervention_id"], effect["comparator_id"]) == ("one--naltrexone", "one--placebo")
    assert only(tables["effects"], measure="SMD")["minimal_important_difference"] is None


def test_a_printed_effect_stands_first_and_its_disagreement_with_the_arms_is_said(
    appraised: Callable[..., Tables],
) -> None:
    printed = {
        "measure": "MD",
        "value": -2.5,
        "ci_low": -3.5,
        "ci_high": -1.5,
        "p": "0.2",
        "note": "So printed.",
    }
    tables = appraised(trial(outcomes=[outcome(results=results(-1.5, -1.0), effect=printed)]))
    effect = only(tables["effects"], measure="MD")
    assert (effect["value"], effect["ci_low"], effect["ci_high"], effect["is_printed"]) == (
        -2.5,
        -3.5,
        -1.5,
        True,
    )
    assert effect["favours"] == "intervention"
    assert "printed -2.5, computed -0.5" in effect["disagreement"]
    assert "excludes no effect" in effect["p_contradiction"]
    kinds = {row["kind"] for row in tables["contradictions"]}
    assert {"printed_against_computed", "p_against_interval"} <= kinds


def test_the_arms_of_a_crossover_trial_are_never_compared_as_independent(
    appraised: Callable[..., Tables],
) -> None:
    crossover = trial(design="randomized_crossover", outcomes=[outcome(results=results(-3.5, -1.0))])
    tables = appraised(crossover)
    assert tables["effects"] == []
    left_out = only(tables["meta_analysis_inputs"], used=False)
    assert "hold the same people" in left_out["reason"]


def test_the_people_of_a_crossover_trial_are_counted_once(appraised: Callable[..., Tables]) -> None:
    outcomes = printed(-1.0, 0.98, "favours_ldn", results=results(-2.0, -1.0))
    tables = appraised(
        *(trial(name, design="randomized_crossover", outcomes=outcomes) for name in ("one", "two"))
    )
    assert only(tables["meta_analyses"])["participants"] == 60


def test_an_arm_with_two_numbers_of_a_kind_is_compared_by_neither(appraised: Callable[..., Tables]) -> None:
    (ours, theirs), (again, _) = results(-3.5, -1.0), results(-2.5, -1.0)
    again |= {"note": "As another rater saw it."}
    tables = appraised(trial(outcomes=[outcome("no_difference", results=[ours, again, theirs])]))
    assert tables["effects"] == []


def test_arms_with_a_spread_stand_in_for_a_printed_value_without_one(
    appraised: Callable[..., Tables],
) -> None:
    effect = {"measure": "MD", "value": -2.5, "intervention": "naltrexone", "comparator": "placebo"}
    tables = appraised(trial(outcomes=[outcome("no_difference", effect=effect, results=results(-3.5, -1.0))]))
    row = only(tables["effects"], measure="MD")
    assert (row["value"], row["is_printed"]) == (-2.5, False)
    assert row["standard_error"] == pytest.approx(math.sqrt(4 / 30 + 4 / 30))


def test_kinds_of_standardised_differences_may_differ_from_ours(appraised: Callable[..., Tables]) -> None:
    effect = {"measure": "SMD", "value": -0.4, "ci_low": -0.9, "ci_high": 0.1}
    effect |= {"intervention": "naltrexone", "comparator": "placebo"}
    tables = appraised(trial(outcomes=[outcome("no_difference", effect=effect, results=results(-3.5, -1.0))]))
    assert only(tables["effects"], measure="SMD")["disagreement"]
    assert not [row for row in tables["contradictions"] if row["kind"] == "printed_against_computed"]


def test_a_printed_effect_that_names_no_arm_may_belong_to_any_of_several(
    appraised: Callable[..., Tables],
) -> None:
    arms = [low_dose(id="three", dose_mg_per_day=3), low_dose(id="six", dose_mg_per_day=6), placebo()]
    numbers = [
        {"arm": code, "kind": "endpoint", "n": 20, "mean": mean, "sd": 2}
        for code, mean in (("three", 4), ("six", 3), ("placebo", 5))
    ]
    effect = {"measure": "MD", "value": -2.0, "ci_low": -3.3, "ci_high": -0.7, "p": "0.003"}
    tables = appraised(trial(arms=arms, outcomes=[outcome(effect=effect, results=numbers)]))
    assert not [row for row in tables["effects"] if "combined" in row["computed_from"]]
    assert only(tables["effects"], id="one--pain--md")["value"] == -2.0


@pytest.mark.parametrize(("sizes", "known"), [((20, 22), True), ((20, None), False)])
def test_a_trial_is_of_unknown_size_where_one_arm_is(
    appraised: Callable[..., Tables], sizes: tuple[int, int | None], known: bool
) -> None:
    one, other = ({} if size is None else {"n": size} for size in sizes)
    tables = appraised(trial(people=None, arms=[low_dose(**one), placebo(**other)]))
    row = only(tables["condition_appraisals"])
    assert row["randomized_participants"] == (42 if known else None)
    assert row["randomized_trials_of_unknown_size"] == (0 if known else 1)


def test_two_doses_of_naltrexone_are_not_pooled(appraised: Callable[..., Tables]) -> None:
    arms = [low_dose(), arm("lower", "comparator", components=["naltrexone"], control_kind="other_dose")]
    effect = {"measure": "MD", "value": -1.0, "ci_low": -1.98, "ci_high": -0.02}
    effect |= {"intervention": "naltrexone", "comparator": "lower"}
    tables = appraised(trial(arms=arms, outcomes=[outcome(effect=effect)]))
    assert "two doses of naltrexone" in only(tables["meta_analysis_inputs"])["reason"]


def test_a_review_of_several_conditions_is_told_by_what_it_says_of_each(
    appraised: Callable[..., Tables],
) -> None:
    of_all = review("pool", -1.0, "favours_ldn", conditions=["example-disease", "other-disease"])
    own = copy.deepcopy(of_all["outcomes"][0])
    own |= {"id": "own", "condition": "other-disease", "direction": "no_difference", "role": "secondary"}
    own["effect"] = {"measure": "MD", "value": -0.1, "ci_low": -0.6, "ci_high": 0.4}
    of_all["outcomes"].append(own)
    tables = appraised(trial("one", 16), of_all, conditions=[condition(), condition("other-disease")])
    assert verdict(tables)[0] == "emerging"
    assert verdict(tables, "other-disease")[0] == "limited"


def test_a_standardised_size_without_interval_is_shown_but_favours_nobody(
    appraised: Callable[..., Tables],
) -> None:
    printed = {"measure": "SMD", "value": 0.62, "p": "0.03"}
    effect = only(appraised(trial(outcomes=[outcome(effect=printed)]))["effects"])
    assert (effect["value"], effect["standard_error"], effect["ci_low"]) == (0.62, None, None)
    assert effect["favours"] == "unclear"
    assert "without its sign" in effect["note"]


def test_several_doses_against_one_placebo_give_a_row_each_and_one_together(
    appraised: Callable[..., Tables],
) -> None:
    arms = [low_dose(id="three", dose_mg_per_day=3), low_dose(id="six", dose_mg_per_day=6), placebo()]
    numbers = [
        {"arm": code, "kind": "endpoint", "n": 20, "mean": mean, "sd": 2} for code, mean in
        (("three", 4), ("six", 3), ("placebo", 5))
    ]  # fmt: skip
    tables = appraised(trial(arms=arms, outcomes=[outcome("no_difference", results=numbers)]))
    differences = {row["id"]: row["value"] for row in tables["effects"] if row["measure"] == "MD"}
    assert differences == {"one--pain--three--md": -1, "one--pain--six--md": -2, "one--pain--md": -1.5}
    together = only(tables["effects"], id="one--pain--md")
    assert "2 arms combined" in together["computed_from"]
    # 40 people with SD sqrt((38 x 4 + 10 x 1) / 39) against 20 with SD 2.
    expected = math.sqrt((38 * 4 + 20 * 20 / 40 * 1) / 39 / 40 + 4 / 20)
    assert together["standard_error"] == pytest.approx(expected)


def test_doses_of_different_classes_are_never_put_together(appraised: Callable[..., Tables]) -> None:
    arms = [low_dose(id="six"), low_dose(id="fifty", dose_class="standard"), placebo()]
    numbers = [
        {"arm": code, "kind": "endpoint", "n": 20, "mean": mean, "sd": 2} for code, mean in
        (("six", 4), ("fifty", 3), ("placebo", 5))
    ]  # fmt: skip
    tables = appraised(trial(arms=arms, outcomes=[outcome("no_difference", results=numbers)]))
    assert {row["id"] for row in tables["effects"] if row["measure"] == "MD"} == {
        "one--pain--six--md",
        "one--pain--fifty--md",
    }
    assert not any(row["used"] for row in tables["meta_analysis_inputs"])


def test_a_trial_of_several_doses_enters_a_pool_once_with_its_placebo_counted_once(
    appraised: Callable[..., Tables],
) -> None:
    arms = [low_dose(id="three", dose_mg_per_day=3), low_dose(id="six", dose_mg_per_day=6), placebo()]
    numbers = [
        {"arm": code, "kind": "endpoint", "n": 20, "mean": mean, "sd": 2} for code, mean in
        (("three", 4), ("six", 3), ("placebo", 5))
    ]  # fmt: skip
    tables = appraised(
        trial("one", arms=arms, outcomes=[outcome("no_difference", results=numbers)]),
        trial("two", outcomes=[outcome("no_difference", results=results(4, 5, kind="endpoint"))]),
    )
    pool = only(tables["meta_analyses"])
    assert (pool["trials"], pool["participants"]) == (2, 120)
    assert [row["study_id"] for row in tables["meta_analysis_inputs"] if row["used"]] == ["one", "two"]


def responders(events: int, other: int, n: int = 50) -> list[Record]:
    return [
        {"arm": "naltrexone", "kind": "count", "events": events, "total": n},
        {"arm": "placebo", "kind": "count", "events": other, "total": n},
    ]


def counted(events: int, other: int, **fields: Any) -> Record:
    return outcome(
        "no_difference", instrument="pgic", better="higher", results=responders(events, other), **fields
    )


def test_counts_are_pooled_by_mantel_haenszel(appraised: Callable[..., Tables]) -> None:
    tables = appraised(
        trial("one", outcomes=[counted(20, 10)]),
        trial("two", outcomes=[counted(15, 12)]),
    )
    pool = only(tables["meta_analyses"])
    # Arms of one size: the Mantel-Haenszel risk ratio is that of the sums, 35 / 22.
    assert (pool["measure"], pool["fixed_value"]) == ("RR", pytest.approx(35 / 22))
    assert "fixed effect: Mantel-Haenszel, no continuity correction" in pool["method"]
    assert "tables with a zero" not in pool["method"]


def test_a_zero_enters_mantel_haenszel_as_it_is_and_the_method_says_what_was_done(
    appraised: Callable[..., Tables],
) -> None:
    tables = appraised(
        trial("one", outcomes=[counted(8, 0)]),
        trial("two", outcomes=[counted(6, 3)]),
    )
    pool = only(tables["meta_analyses"])
    assert (pool["trials"], pool["fixed_value"]) == (2, pytest.approx(14 / 3))
    assert "0.5 in all cells of tables with a zero" in pool["method"]


def test_without_all_counts_the_fixed_effect_is_by_inverse_variance(appraised: Callable[..., Tables]) -> None:
    ratio = {"measure": "RR", "value": 1.5, "ci_low": 0.9, "ci_high": 2.5}
    ratio |= {"intervention": "naltrexone", "comparator": "placebo"}
    printed_only = outcome("no_difference", instrument="pgic", better="higher", effect=ratio)
    tables = appraised(trial("one", outcomes=[counted(20, 10)]), trial("two", outcomes=[printed_only]))
    method = only(tables["meta_analyses"])["method"]
    assert "inverse variance, for the counts of not all trials are known" in method


def test_unequal_percentages_and_counts_are_reported() -> None:
    # The records' own check refuses such a percentage; the appraisal reports it wherever it comes from.
    counts = [
        {"arm": "naltrexone", "kind": "count", "events": 10, "total": 20, "percent": 40},
        {"arm": "placebo", "kind": "count", "events": 5, "total": 20, "percent": 25},
    ]
    responders = outcome("no_difference", domain="remission_or_response", better="higher", results=counts)
    (row,) = in_memory([trial(outcomes=[responders])])["contradictions"]
    assert (row["kind"], row["outcome_id"]) == ("percent_against_count", "one--pain")
    assert "50.0%" in row["reason"]


# --- direction ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("directions", "together"),
    [
        ([], "unclear"),
        ([None], "not_comparable"),
        (["favourable"], "favourable"),
        (["favourable", "favourable"], "favourable"),
        (["favourable", "null"], "mixed"),
        (["favourable", "unfavourable"], "mixed"),
        (["null", "unfavourable"], "null"),
        (["unfavourable"], "unfavourable"),
        (["null", None], "null"),
        (["favourable", "unknown"], "unclear"),
        (["null", "unknown"], "unclear"),
    ],
)
def test_co_primary_outcomes_together(directions: list[str | None], together: str) -> None:
    assert combined(directions) == together
    assert combined(directions[::-1]) == together


def verdict(tables: Tables, name: str = "example-disease") -> tuple[str, str]:
    row = only(tables["condition_appraisals"], condition_id=name)
    return row["computed_tier"], row["computed_direction"]


def test_one_favourable_blinded_trial_is_emerging(appraised: Callable[..., Tables]) -> None:
    tables = appraised(trial())
    assert verdict(tables) == ("emerging", "benefit")
    row = only(tables["condition_appraisals"])
    assert (
        row["reason"]
        == "One blinded placebo-controlled trial with 60 participants favoured naltrexone in pain."
    )
    assert (row["randomized_trials"], row["randomized_participants"], row["newest_year"]) == (1, 60, 2020)


def test_a_secondary_outcome_decides_nothing(appraised: Callable[..., Tables]) -> None:
    outcomes = [
        outcome("no_difference"),
        outcome("favours_ldn", id="sleep", domain="sleep", role="secondary"),
    ]
    assert verdict(appraised(trial(outcomes=outcomes))) == ("limited", "no_benefit")


def test_an_outcome_that_nobody_can_feel_decides_nothing(appraised: Callable[..., Tables]) -> None:
    cytokine = outcome("favours_ldn", domain="cytokine")
    del cytokine["instrument"]
    assert verdict(appraised(trial(outcomes=[cytokine]))) == ("limited", "unclear")


def test_an_unreported_primary_outcome_leaves_at_most_a_benefit_in_part(
    appraised: Callable[..., Tables],
) -> None:
    outcomes = [outcome("unknown"), outcome("favours_ldn", id="mood", domain="mood", role="unspecified")]
    for row in outcomes:
        row.pop("instrument", None)
    tables = appraised(trial(outcomes=outcomes))
    assert verdict(tables) == ("limited", "mixed")


def test_what_became_of_a_primary_outcome_is_said_as_it_is(appraised: Callable[..., Tables]) -> None:
    unreported = [outcome("unknown"), outcome("favours_ldn", id="mood", domain="mood", role="unspecified")]
    for row in unreported:
        row.pop("instrument", None)
    reason = only(appraised(trial(outcomes=unreported))["condition_appraisals"])["reason"]
    assert "favoured naltrexone on some outcomes, while its primary result is not known" in reason

    marker = outcome("no_difference", domain="laboratory_marker")
    marker.pop("instrument", None)
    reason = only(appraised(trial(outcomes=[marker]))["condition_appraisals"])["reason"]
    assert "had a primary outcome that decides no direction (laboratory marker)" in reason


def test_the_printed_interval_comes_before_the_recorded_word(appraised: Callable[..., Tables]) -> None:
    printed = {"measure": "MD", "value": -0.4, "ci_low": -1.7, "ci_high": 0.9}
    tables = appraised(trial(outcomes=[outcome("no_difference", effect=printed)]))
    assert verdict(tables) == ("limited", "no_benefit")


@pytest.mark.parametrize("result", ["improved", "unchanged", "worsened", "unclear", None])
def test_a_study_without_a_comparison_can_only_report_how_people_fared(
    appraised: Callable[..., Tables], result: str | None
) -> None:
    fields: Record = {} if result is None else {"uncontrolled_result": result}
    series = trial(
        design="single_arm_open_label", arms=[low_dose()], outcomes=[outcome("not_comparable")], **fields
    )
    tables = appraised(series)
    assert verdict(tables) == ("limited", "unclear")
    reason = only(tables["condition_appraisals"])["reason"]
    assert ("reports improvement" in reason) == (result == "improved")


def test_three_series_of_three_groups_are_worth_testing(appraised: Callable[..., Tables]) -> None:
    series = [
        trial(
            name,
            40,
            design="single_arm_open_label",
            arms=[low_dose()],
            outcomes=[outcome("not_comparable")],
            uncontrolled_result="improved",
        )
        for name in ("one", "two", "three")
    ]
    assert verdict(appraised(*series)) == ("emerging", "unclear")


@pytest.mark.parametrize(
    "fields",
    [
        {"arms": [low_dose(dose_class="standard", dose_mg_per_day=50), placebo()]},
        {"arms": [low_dose(dose_class="ultra_low", dose_mg_per_day=0.1), placebo()]},
        {"arms": [low_dose(dose_class="unspecified"), placebo()]},
        {"arms": [low_dose(dose_class="topical", route="topical"), placebo()]},
        {"verification": {"depth": "unverified"}},
        {"retraction": {"status": "retracted", "note": "The notice was seen."}},
        {"isolates_naltrexone": False},
        {"status": "planned", "outcomes": [outcome("unknown")]},
        {"design": "preclinical_in_vivo"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_what_does_not_count_changes_nothing(appraised: Callable[..., Tables], fields: Record) -> None:
    null = trial("one", outcomes=[outcome("no_difference")])
    tables = appraised(null, trial("two", 500, **fields))
    assert verdict(tables) == ("limited", "no_benefit")
    assert only(tables["condition_appraisals"])["randomized_participants"] == 60


def test_the_low_dose_arm_speaks_for_a_trial_of_several_doses(appraised: Callable[..., Tables]) -> None:
    arms = [low_dose(), low_dose(id="full", dose_class="standard", dose_mg_per_day=50), placebo()]
    effect = {"measure": "other", "comparator": "placebo"}
    outcomes = [
        outcome("no_difference", effect={**effect, "intervention": "naltrexone"}),
        outcome("favours_ldn", id="pain-full-dose", effect={**effect, "intervention": "full"}),
    ]
    assert verdict(appraised(trial(arms=arms, outcomes=outcomes))) == ("limited", "no_benefit")


def test_no_difference_from_a_working_drug_says_nothing(appraised: Callable[..., Tables]) -> None:
    active = arm("amitriptyline", "comparator", control_kind="active", components=["amitriptyline"])
    tables = appraised(trial(arms=[low_dose(), active], outcomes=[outcome("no_difference")]))
    assert verdict(tables) == ("limited", "unclear")
    assert "tells nothing without placebo" in only(tables["condition_appraisals"])["reason"]


@pytest.mark.parametrize(
    ("role", "second", "said"),
    [
        ("primary", "no_difference", "on some of its primary outcomes only"),
        ("unspecified", "no_difference", "on some of its outcomes only, none of which is called primary"),
        ("primary", "not_comparable", "favoured naltrexone in pain"),
    ],
)
def test_no_outcome_is_called_primary_that_the_trial_does_not_call_so(
    appraised: Callable[..., Tables], role: str, second: str, said: str
) -> None:
    outcomes = [outcome(role=role), outcome(second, id="sleep", domain="sleep", role=role)]
    for row in outcomes:
        row.pop("instrument")
    assert said in only(appraised(trial(outcomes=outcomes))["condition_appraisals"])["reason"]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("primary", "left no primary result that can be read"),
        ("unspecified", "left no clear result"),
        ("secondary", "left no primary result that can be read"),
    ],
)
def test_what_is_not_known_of_a_trial_is_said_as_it_ranks_its_outcomes(
    appraised: Callable[..., Tables], role: str, said: str
) -> None:
    tables = appraised(trial(outcomes=[outcome("unknown", role=role)]))
    assert said in only(tables["condition_appraisals"])["reason"]


def test_groups_borrow_nothing_from_their_members(appraised: Callable[..., Tables]) -> None:
    group = condition("example-group", group_of=["example-disease"], direction="not_studied")
    del group["citations"]
    tables = appraised(trial(), conditions=[condition(), group])
    assert verdict(tables) == ("emerging", "benefit")
    assert verdict(tables, "example-group") == ("limited", "not_studied")


def test_an_outcome_of_one_condition_does_not_speak_for_the_other(appraised: Callable[..., Tables]) -> None:
    outcomes = [
        outcome("favours_ldn", condition="example-disease"),
        outcome("no_difference", id="itch", domain="itch", condition="other-disease"),
    ]
    for row in outcomes:
        row.pop("instrument")
    both = trial(conditions=["example-disease", "other-disease"], outcomes=outcomes)
    tables = appraised(both, conditions=[condition(), condition("other-disease")])
    assert verdict(tables) == ("emerging", "benefit")
    assert verdict(tables, "other-disease") == ("limited", "no_benefit")


def test_people_of_a_mixed_series_are_counted_by_condition_or_not_known(
    appraised: Callable[..., Tables],
) -> None:
    counted = [{"arm": "naltrexone", "kind": "count", "events": 7, "total": 13}]
    series = trial(
        people=121,
        design="retrospective_cohort",
        arms=[low_dose()],
        conditions=["example-disease", "other-disease"],
        outcomes=[outcome("not_comparable", condition="example-disease", role="secondary", results=counted)],
        uncontrolled_result="improved",
    )
    tables = appraised(series, conditions=[condition(), condition("other-disease")])
    reasons = {row["condition_id"]: row["reason"] for row in tables["condition_appraisals"]}
    assert "(13 participants)" in reasons["example-disease"]
    assert "an unknown number of participants" in reasons["other-disease"]
    # What people felt is told for one disease only, so nothing is reported for the other.
    assert "reports improvement" in reasons["example-disease"]
    assert "reports no clear improvement" in reasons["other-disease"]


# --- one trial, several papers --------------------------------------------------------------------


def test_secondary_papers_hang_on_their_trial(appraised: Callable[..., Tables]) -> None:
    paper = trial(
        "two",
        outcomes=[outcome("favours_ldn", id="sleep", domain="sleep")],
        relations=[{"type": "secondary_analysis_of", "study": "one"}],
    )
    del paper["outcomes"][0]["instrument"]
    tables = appraised(trial("one", outcomes=[outcome("no_difference")]), paper)
    assert verdict(tables) == ("limited", "no_benefit")
    assert only(tables["condition_appraisals"])["randomized_trials"] == 1


# --- pools ----------------------------------------------------------------------------------------


def printed(value: float, half_width: float, direction: str, **fields: Any) -> list[Record]:
    effect = {
        "measure": "MD",
        "value": value,
        "ci_low": round(value - half_width, 2),
        "ci_high": round(value + half_width, 2),
        "intervention": "naltrexone",
        "comparator": "placebo",
    }
    return [outcome(direction, effect=effect, **fields)]


def test_a_pool_of_two_trials_and_the_reason_for_every_comparison_left_out(
    appraised: Callable[..., Tables],
) -> None:
    active = arm("other-drug", "comparator", control_kind="active", components=["another drug"])
    tables = appraised(
        trial("one", outcomes=printed(-1.0, 0.98, "favours_ldn")),
        trial("two", outcomes=printed(0.0, 1.96, "no_difference"), year=2024),
        trial("three", arms=[low_dose(dose_class="standard", dose_mg_per_day=50), placebo()]),
        trial("four", arms=[low_dose(), active], outcomes=[outcome("no_difference")]),
        trial("five", outcomes=[outcome("no_difference", role="post_hoc")]),
        trial("six", outcomes=[outcome("no_difference")]),
        trial("seven", outcomes=printed(-5.0, 0.98, "favours_ldn", role="secondary", instrument="vas-pain")),
        trial("eight", relations=[{"type": "secondary_analysis_of", "study": "one"}]),
        trial("nine", verification={"depth": "unverified"}),
    )
    pool = only(tables["meta_analyses"])
    assert (pool["id"], pool["trials"], pool["participants"]) == ("example-disease--pain--md", 2, 120)
    # Weights 1 / 0.5^2 = 4 and 1 / 1^2 = 1: (4 x -1 + 1 x 0) / 5; standard error 1 / sqrt(5).
    assert pool["fixed_value"] == pytest.approx(-0.8, abs=1e-4)
    assert pool["fixed_ci_high"] == pytest.approx(-0.8 + 1.96 / math.sqrt(5), abs=1e-3)
    assert (pool["newest_year"], pool["decides"]) == (2024, True)
    reasons = {row["study_id"]: row["reason"] for row in tables["meta_analysis_inputs"] if not row["used"]}
    assert "standard" in reasons["three"]
    assert "another treatment" in reasons["four"]
    assert "post hoc" in reasons["five"]
    assert "no effect with a standard error" in reasons["six"]
    assert "another instrument" in reasons["seven"]
    assert "enters once" in reasons["eight"]
    assert "not verified" in reasons["nine"]
    used = [row for row in tables["meta_analysis_inputs"] if row["used"]]
    assert [row["study_id"] for row in used] == ["one", "two"]
    assert sum(row["weight"] for row in used) == pytest.approx(100)
    assert only(used, study_id="one")["leave_one_out_value"] == pytest.approx(0.0, abs=1e-9)
    assert {row["effect_id"] for row in used} <= {row["id"] for row in tables["effects"]}


def test_of_equal_outcomes_of_a_trial_the_latest_enters_and_people_are_those_compared(
    appraised: Callable[..., Tables],
) -> None:
    early = outcome(id="early", timepoint="4 weeks", results=results(-1.0, 0.0), direction="no_difference")
    late = outcome(id="late", timepoint="12 weeks", results=results(-2.0, 0.0), direction="no_difference")
    tables = appraised(
        trial("one", outcomes=[early, late]), trial("two", outcomes=[late | {"results": results(-2.0, 0.0)}])
    )
    used = [row["outcome_id"] for row in tables["meta_analysis_inputs"] if row["used"]]
    assert used == ["one--late", "two--late"]
    # Thirty in each arm, whatever the study enrolled.
    assert only(tables["meta_analyses"])["participants"] == 120
    fewer = trial("two", 90, outcomes=[late | {"results": results(-2.0, 0.0, n=20)}])
    assert only(appraised(trial("one", outcomes=[late]), fewer)["meta_analyses"])["participants"] == 100


def test_a_difference_in_percent_is_no_difference_in_points(appraised: Callable[..., Tables]) -> None:
    # A domain in which no standard deviations stand in for points.
    points = outcome("no_difference", domain="cognition", results=results(-1.0, 0.0))
    percent = points | {"results": results(-10.0, 0.0, sd=9.0, kind="percent_change")}
    tables = appraised(
        trial("one", outcomes=[points]), trial("two", outcomes=[points]), trial("three", outcomes=[percent])
    )
    assert only(tables["meta_analyses"])["trials"] == 2
    left = only([row for row in tables["meta_analysis_inputs"] if not row["used"]])
    assert (left["study_id"], left["reason"]) == (
        "three",
        "a difference in percent, not in points of the instrument",
    )


def test_where_trials_count_opposite_events_the_measure_is_one_that_can_be_turned(
    appraised: Callable[..., Tables],
) -> None:
    # 20 of 50 against 10 of 50 are better off; or 30 of 50 against 40 of 50 are not.
    better = [counted(20, 10)]
    worse = [counted(30, 40) | {"better": "lower"}]
    tables = appraised(
        trial("one", outcomes=better), trial("two", outcomes=worse), trial("three", outcomes=better)
    )
    pool = only(tables["meta_analyses"])
    assert (pool["measure"], pool["trials"], pool["better"]) == ("OR", 3, "higher")
    assert pool["fixed_value"] == pytest.approx(20 * 40 / (10 * 30))
    assert "Mantel-Haenszel" in pool["method"]


def test_opposite_scales_are_turned_before_pooling(appraised: Callable[..., Tables]) -> None:
    relief = [outcome("no_difference", better="higher", instrument_note="relief", results=results(1.5, 1.0))]
    del relief[0]["instrument"]
    pain = [outcome("no_difference", results=results(-1.5, -1.0))]
    tables = appraised(trial("one", outcomes=pain), trial("two", outcomes=relief))
    pool = only(tables["meta_analyses"])
    assert (pool["measure"], pool["better"]) == ("SMD", "lower")
    single = only(tables["effects"], id="one--pain--smd")["value"]
    assert pool["random_value"] == pytest.approx(single)
    assert "sign was turned" in only(tables["meta_analysis_inputs"], study_id="two")["reason"]


def test_a_pool_in_a_domain_that_is_nobodys_primary_decides_nothing(appraised: Callable[..., Tables]) -> None:
    def study(name: str) -> Record:
        return trial(
            name,
            outcomes=[
                outcome("no_difference"),
                outcome(
                    "favours_ldn", id="sleep", domain="sleep", role="secondary", results=results(-5, -1, n=40)
                ),
            ],
        )

    studies = [study(name) for name in ("one", "two", "three")]
    for record in studies:
        for row in record["outcomes"]:
            del row["instrument"]
    tables = appraised(*studies)
    pool = only(tables["meta_analyses"])
    assert (pool["domain"], pool["favours"], pool["decides"]) == ("sleep", "intervention", False)
    assert verdict(tables) == ("limited", "no_benefit")


# --- published reviews ----------------------------------------------------------------------------


def review(identifier: str, value: float, direction: str, **fields: Any) -> Record:
    effect = {"measure": "MD", "value": value, "ci_low": value - 0.5, "ci_high": value + 0.5}
    record = trial(
        identifier, None, design="meta_analysis", outcomes=[outcome(direction, effect=effect)], **fields
    )
    for name in ("arms", "blinding", "enrolment", "research_group"):
        record.pop(name, None)
    return (
        {"title": f"Low-dose naltrexone in example disease: randomised trials pooled, {identifier}"}
        | record
        | {"title": f"Low-dose naltrexone in example disease: randomised trials pooled, {identifier}"}
    )


def test_a_published_pool_counts_until_trials_that_it_did_not_weigh_outweigh_it(
    appraised: Callable[..., Tables],
) -> None:
    small = trial("one", 16, year=2015, outcomes=[outcome("no_difference")])
    pooled = review("pool", -1.0, "favours_ldn", year=2018, review={"participants": 200, "included": ["one"]})
    assert verdict(appraised(small, pooled)) == ("emerging", "benefit")
    later = trial("late", 120, year=2023, outcomes=[outcome("no_difference")])
    tables = appraised(small, pooled, later)
    assert verdict(tables) == ("limited", "no_benefit")
    outdated = only(tables["contradictions"], kind="review_outdated")
    assert (outdated["study_id"], outdated["other_study_id"]) == ("pool", "late")
    history = {row["year"]: (row["tier"], row["caused_by"]) for row in tables["tier_history"]}
    assert history[2018] == ("emerging", '["pool"]')
    assert history[2023] == ("limited", '["late"]')


def test_a_review_that_lacks_a_newer_trial_against_it_is_marked(appraised: Callable[..., Tables]) -> None:
    tables = appraised(
        trial("large", 200, year=2012, outcomes=[outcome("no_difference")]),
        review("pool", -1.0, "favours_ldn", year=2018),
        trial("newer", 50, year=2024, outcomes=[outcome("no_difference")]),
        trial("other", 90, year=2024),
    )
    outdated = only(tables["contradictions"], kind="review_outdated")
    assert (outdated["study_id"], outdated["other_study_id"]) == ("pool", "newer")
    assert "a newer trial, Newer 2020" not in outdated["reason"]
    assert "Newer 2024 with 50 people, which found no difference" in outdated["reason"]


def test_a_review_that_names_another_paper_of_a_trial_holds_that_trial(
    appraised: Callable[..., Tables],
) -> None:
    large = trial("large", 200, year=2021, outcomes=[outcome("no_difference")])
    preprint = trial("early", 200, year=2020, relations=[{"type": "preprint_of", "study": "large"}])
    pooled = review("pool", -1.0, "favours_ldn", year=2021, review={"included": ["early"]})
    tables = appraised(large, preprint, pooled)
    assert not [row for row in tables["contradictions"] if row["kind"] == "review_outdated"]
    small = trial("small", 30, year=2019)
    other = review("pool", -1.0, "favours_ldn", year=2021, review={"included": ["small"]})
    without = appraised(small, large, preprint, other)
    assert only(without["contradictions"], kind="review_outdated")["other_study_id"] == "large"


def test_a_review_of_other_doses_lends_nothing(appraised: Callable[..., Tables]) -> None:
    standard = trial("one", arms=[low_dose(dose_class="standard", dose_mg_per_day=50), placebo()])
    pooled = review("pool", -1.0, "favours_ldn", review={"participants": 200, "included": ["one"]})
    assert verdict(appraised(standard, pooled)) == ("limited", "not_studied")


def test_reviews_that_disagree_are_laid_side_by_side(appraised: Callable[..., Tables]) -> None:
    tables = appraised(
        trial("one", year=2010, outcomes=[outcome("no_difference")]),
        review("early", -1.0, "favours_ldn", year=2018),
        review("late", -0.2, "no_difference", year=2021),
    )
    row = only(tables["contradictions"], kind="reviews_disagree")
    assert {row["study_id"], row["other_study_id"]} == {"early", "late"}
    assert "MD -1.0, -1.5 to -0.5" in row["reason"]


def test_trials_that_disagree_in_a_domain_are_paired(appraised: Callable[..., Tables]) -> None:
    tables = appraised(trial("one"), trial("two", outcomes=[outcome("no_difference")]))
    row = only(tables["contradictions"], kind="trials_disagree")
    assert (row["study_id"], row["other_study_id"], row["domain"]) == ("one", "two", "pain")
    assert verdict(tables)[1] == "mixed"


def test_of_reviews_only_what_they_rank_first_or_say_of_the_condition_is_compared(
    appraised: Callable[..., Tables],
) -> None:
    early, late = (
        review("early", -1.0, "favours_ldn", year=2018),
        review("late", -0.2, "no_difference", year=2021),
    )
    late["outcomes"][0]["role"] = "secondary"
    kinds = {row["kind"] for row in appraised(trial("one", year=2010), early, late)["contradictions"]}
    assert "reviews_disagree" not in kinds


def test_a_review_without_a_list_may_hold_the_trials_of_its_own_year(
    appraised: Callable[..., Tables],
) -> None:
    large = trial("large", 200, year=2021, outcomes=[outcome("no_difference")])
    for year, outdated in ((2021, False), (2020, True)):
        tables = appraised(large, review("pool", -1.0, "favours_ldn", year=year))
        found = [row for row in tables["contradictions"] if row["kind"] == "review_outdated"]
        assert bool(found) == outdated


def test_rows_of_long_names_that_differ_at_their_ends_have_keys_of_their_own(
    appraised: Callable[..., Tables],
) -> None:
    name = "-".join(["a-trial-of-low-dose-naltrexone-whose-name-goes-on"] * 2)[:79]
    against = [trial(f"{name}{letter}", outcomes=[outcome("no_difference")]) for letter in "bcd"]
    tables = appraised(trial(f"{name}a"), *against)
    rows = [row for row in tables["contradictions"] if row["kind"] == "trials_disagree"]
    assert {row["other_study_id"][-1] for row in rows} == {"b", "c", "d"}
    assert len({row["id"] for row in rows}) == 3
    assert {len(row["id"]) for row in rows} == {160}


# --- claims and mechanisms ------------------------------------------------------------------------


def test_claims_against_the_evidence_and_mechanisms_out_of_reach(appraised: Callable[..., Tables]) -> None:
    claim = {
        "id": "claim-one",
        "statement": "The strongest evidence there is concerns the example disease.",
        "circulation": "Pages of sellers",
        "topic": "tier",
        "conditions": ["example-disease"],
        "verdict": "contradicted",
        "explanation": "The only trial that was read found no difference.",
        "evidence": [{"study": "one", "stance": "contradicts"}],
    }
    mechanism = {
        "id": "example-mechanism",
        "name": "Example mechanism",
        "statement": "Naltrexone is said to block the example receptor.",
        "effect": "antagonism",
        "evidence_level": "in_vitro",
        "concentration_nmol_per_l": 10000,
        "supporting": [{"study": "cells", "reason": "It was shown in a dish."}],
        "dispute": "Whether people reach the concentration is open.",
    }
    plasma = {
        "id": "plasma",
        "name": "Highest plasma concentration of naltrexone",
        "value": "10",
        "value_high": 10,
        "unit": "ng/ml",
        "topic": "plasma_concentration",
        "citations": [{"study": "one"}],
    }
    cells = trial("cells", None, design="preclinical_in_vitro", conditions=[])
    for name in ("arms", "outcomes", "blinding", "enrolment"):
        cells.pop(name)
    tables = appraised(
        trial("one", outcomes=[outcome("no_difference")]),
        cells,
        claims=[claim],
        mechanisms=[mechanism],
        pharmacology=[plasma],
    )
    against = only(tables["contradictions"], kind="claim_against_evidence")
    assert (against["claim_id"], against["condition_id"]) == ("claim-one", "example-disease")
    out_of_reach = only(tables["contradictions"], kind="in_vitro_only")
    # 10 ng/ml of 341.4 g/mol are 29.3 nmol/l.
    assert "10,000 nmol/l" in out_of_reach["reason"]
    assert "29.3 nmol/l" in out_of_reach["reason"]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (50, "mcg/l", 146.456),
        (50, "µg/L", 146.456),
        (50, "ng/ml", 146.456),
        (0.04, "umol/l", 40.0),
        (40, "nM", 40.0),
        (1, "mg/dl", 29291.154),
        (200, "uM", 200_000),
        (3, "percent of dose", None),
        (3, "ng/ml x 24 h", None),
        (3, "h", None),
    ],
)
def test_concentrations_are_read_in_any_usual_unit(value: float, unit: str, expected: float | None) -> None:
    assert nanomolar(value, unit) == (None if expected is None else pytest.approx(expected, rel=1e-4))


def test_what_becomes_of_naltrexone_in_the_body_is_not_naltrexone() -> None:
    plasma = {"topic": "plasma_concentration", "value_high": 10, "unit": "nmol/l"}
    drug = plasma | {"id": "drug", "name": "Naltrexone after 4.5 mg"}
    metabolite = plasma | {"id": "metabolite", "name": "6-beta-naltrexol after 4.5 mg", "value_high": 90}
    assert highest_concentration([drug, metabolite]) == (10.0, "drug")
    assert highest_concentration([metabolite, drug | {"unit": "h"}, drug | {"topic": "half_life"}]) is None


@pytest.mark.parametrize(("against", "supports", "told"), [(1, 1, False), (2, 1, True), (1, 2, False)])
def test_a_supported_claim_is_told_where_more_of_its_studies_speak_against_it(
    appraised: Callable[..., Tables], against: int, supports: int, told: bool
) -> None:
    names = [f"study-{number}" for number in range(against + supports)]
    stances = ["contradicts"] * against + ["supports"] * supports
    claim = {
        "id": "claim-one",
        "statement": "The strongest evidence there is concerns the example disease.",
        "circulation": "Pages of sellers",
        "topic": "efficacy",
        "conditions": ["example-disease"],
        "verdict": "supported",
        "explanation": "What was read of it says so more or less.",
        "evidence": [{"study": name, "stance": stance} for name, stance in zip(names, stances, strict=True)],
    }
    tables = appraised(trial("one"), *map(trial, names), claims=[claim])
    found = [row for row in tables["contradictions"] if row["kind"] == "claim_against_evidence"]
    assert bool(found) == told


@pytest.mark.parametrize(
    ("level", "out_of_reach"), [("in_vitro", True), ("human_ex_vivo", True), ("human_clinical", False)]
)
def test_only_evidence_from_the_dish_is_held_against_what_people_reach(
    level: str, out_of_reach: bool
) -> None:
    records = [{"id": "one", "evidence_level": level, "concentration_nmol_per_l": 200_000}]
    assert list(mechanisms_out_of_reach(records, (200_000.0, "plasma"), set())) == []
    found = list(mechanisms_out_of_reach(records, (50.0, "plasma"), set()))
    assert bool(found) == out_of_reach
    assert list(mechanisms_out_of_reach(records, None, set())) == []
    if found:
        assert "4,000 times the highest plasma concentration" in found[0]["reason"]


def test_a_corrected_review_is_called_so_wherever_it_is_named(appraised: Callable[..., Tables]) -> None:
    corrected = review(
        "pool",
        -0.9,
        "favours_ldn",
        title="Low-dose naltrexone: a meta-analysis of randomized controlled trials",
        retraction={"status": "corrected", "note": "Invented."},
        review={"participants": 100, "included": ["one"]},
    )
    tables = appraised(
        trial("one", outcomes=[outcome("no_difference")]),
        trial("newer", 400, year=2022, outcomes=[outcome("no_difference")]),
        corrected,
        review("other", 0.0, "no_difference", year=2022),
    )
    named = [row for row in tables["contradictions"] if "Pool" in row["reason"]]
    assert {row["kind"] for row in named} == {"reviews_disagree", "review_outdated"}
    assert all("Pool 2020 (since corrected)" in row["reason"] for row in named)
    assert "it was since corrected" in only(tables["condition_appraisals"])["reason"]


@pytest.mark.parametrize(("half_width", "said"), [(3.0, "is inconclusive"), (0.2, "found no difference")])
def test_a_wide_pool_of_ours_is_inconclusive_and_has_not_found_that_there_is_no_difference(
    appraised: Callable[..., Tables], half_width: float, said: str
) -> None:
    tables = appraised(
        trial("one", outcomes=printed(0.0, half_width, "no_difference")),
        trial("two", outcomes=printed(0.0, half_width, "no_difference")),
        review("pool", -4.0, "favours_ldn"),
    )
    readings = {"is inconclusive": "inconclusive", "found no difference": "null_within_mid"}
    pool = only(tables["meta_analyses"])
    assert pool["reading"] == readings[said]
    row = only(tables["contradictions"], kind="reviews_disagree")
    assert "Pool 2020 favours naltrexone" in row["reason"]
    interval = f"({pool['random_ci_low']:.2f} to {pool['random_ci_high']:.2f})"
    assert f"pooled here from 2 trials, MD 0.00 {interval} {said}." in row["reason"]


def test_only_a_review_with_a_result_on_the_condition_can_be_outdated(
    appraised: Callable[..., Tables],
) -> None:
    broad = review("broad", -0.9, "favours_ldn", conditions=["example-disease", "other-disease"])
    broad["outcomes"] = [outcome("favours_ldn", condition="other-disease")]
    tables = appraised(
        trial("newer", 400, year=2022, outcomes=[outcome("no_difference")]),
        broad,
        conditions=[
            condition(citations=[{"study": "newer"}]),
            condition("other-disease", citations=[{"study": "newer"}]),
        ],
    )
    assert not [row for row in tables["contradictions"] if row["kind"] == "review_outdated"]


def test_people_of_several_conditions_taken_together_are_said_to_be_so(
    appraised: Callable[..., Tables],
) -> None:
    both = trial("one", conditions=["example-disease", "other-disease"], mixed_population=True)
    tables = appraised(
        both, conditions=[condition(), condition("other-disease", citations=[{"study": "one"}])]
    )
    for row in tables["condition_appraisals"]:
        assert "one or another of two conditions" in row["reason"]
        assert "one or another" not in row["deciding_reason"]


def write_appraised(project: Project, target: Path) -> None:
    """A database of records whose tiers need not be the computed ones."""
    checked = check_project(project)
    layout = Layout(checked.schemas)
    pack = partial(pack_rows, layout.column_names)
    results = appraise(Catalogue(checked), project.schema / "tiers.yml", pack=pack)
    write_database(layout, record_tables(checked, layout), results, target, project.schema)


def test_overrides_and_other_sources_stand_in_views_with_the_deciding_reason(
    project: Project, appraised: Callable[..., Tables], tmp_path: Path
) -> None:
    appraised(
        trial(),
        conditions=[
            condition(
                citations=[{"study": "one"}],
                tier_override={"reason": "One trial is not enough here.", "on": "2026-01-15"},
                asserted_tiers=[{"source": "guide", "tier": "strong", "locator": "Page 1"}],
            )
        ],
        sources=[
            {
                "id": "guide",
                "title": "An invented guide",
                "kind": "clinician_article",
                "url": "https://example.org/guide",
                "commercial_interest": "unknown",
                "verification": {"depth": "abstract"},
            }
        ],
    )
    target = tmp_path / "views.db"
    write_appraised(project, target)
    with closing(sqlite3.connect(target)) as connection:
        (override,) = connection.execute(
            "SELECT condition_id, evidence_tier, computed_tier, reason, deciding_reason FROM tier_overrides"
        )
        (asserted,) = connection.execute("SELECT asserted_tier, deciding_reason FROM tier_disagreements")
    assert override[:4] == ("example-disease", "limited", "emerging", "One trial is not enough here.")
    assert override[4].startswith("Emerging, benefit: one blinded placebo-controlled trial")
    assert asserted == ("strong", override[4])


def test_the_deciding_reason_is_one_sentence(appraised: Callable[..., Tables]) -> None:
    tables = appraised(trial(), trial("two", outcomes=printed(-0.5, 0.6, "no_difference")))
    row = only(tables["condition_appraisals"])
    assert row["deciding_reason"].startswith("Emerging, mixed: one blinded placebo-controlled trial with 60")
    assert row["deciding_reason"].count(". ") == 0
    assert row["deciding_reason"].endswith(".")


# --- the record against the rule ------------------------------------------------------------------


def test_a_tier_that_is_not_the_computed_one_is_reported_with_its_line(
    project: Project, appraised: Callable[..., Tables]
) -> None:
    tables = appraised(trial())
    catalogue = Catalogue(check_project(project))
    found = tier_problems(catalogue, tables["condition_appraisals"])
    assert [(name, field) for name, field, _ in found] == [
        ("example-disease", "evidence_tier"),
        ("example-disease", "direction"),
    ]
    outcome_of_check = CliRunner().invoke(main, ["--root", str(project.root), "check", "--tiers"])
    assert outcome_of_check.exit_code == 1
    assert (
        "data/conditions/example-disease.yml:4:16: evidence_tier: found 'limited'" in outcome_of_check.output
    )
    override = {"reason": "The one trial is not enough for a disease this common.", "on": "2026-01-15"}
    write(project, "conditions", condition(tier_override=override))
    assert CliRunner().invoke(main, ["--root", str(project.root), "check", "--tiers"]).exit_code == 0


def test_every_row_fits_its_table_and_every_key_leads_somewhere(
    project: Project, appraised: Callable[..., Tables], tmp_path: Path
) -> None:
    tables = appraised(
        trial("one", outcomes=printed(-1.0, 0.98, "favours_ldn")),
        trial("two", outcomes=printed(0.0, 1.96, "no_difference")),
        review("pool", -0.5, "no_difference", review={"included": ["one"]}),
    )
    layout = Layout(Schemas(project.schema))
    filled = [name for name, rows in tables.items() if rows]
    assert len(filled) >= 8
    for name, rows in tables.items():
        columns = {column.name for column in layout.tables[name].columns}
        for row in rows:
            assert set(row) <= columns, name
    target = tmp_path / "appraised.db"
    write_appraised(project, target)
    assert target.stat().st_size > 0


# --- properties over generated bodies of evidence -------------------------------------------------


@cache
def _terms() -> Any:
    return read_terms(ROOT / "data" / "vocabularies", Schemas(ROOT / "schema"))


def in_memory(studies: Iterable[Record]) -> Tables:
    """Appraise records that need no file: what the check hands on."""
    kinds = [("conditions", condition())] + [("studies", record) for record in studies]
    records = [
        CheckedRecord(kind, record["id"], f"data/{kind}/{record['id']}.yml", orjson.dumps(record))
        for kind, record in kinds
    ]
    checked = CheckedCatalogue(records, (), _terms(), (), "", Schemas(ROOT / "schema"))
    return tables_of(Catalogue(checked), ROOT / "schema" / "tiers.yml")


def computed(tables: Tables) -> dict[str, Any]:
    """What must not move: the verdict with its numbers, trace, history and outlook."""
    return {
        "verdict": tables["condition_appraisals"],
        "trace": tables["tier_trace"],
        "history": tables["tier_history"],
        "outlook": tables["tier_outlook"],
        "pools": tables["meta_analyses"],
    }


@st.composite
def generated_trials(draw: st.DrawFn) -> list[Record]:
    studies = []
    for number in range(draw(st.integers(1, 5))):
        mean, other = draw(st.integers(-40, 0)) / 10, draw(st.integers(-40, 0)) / 10
        name = f"study-{number}"
        numbers = results(mean, other, sd=draw(st.sampled_from([1.0, 2.0])), n=draw(st.integers(5, 60)))
        studies.append(
            trial(
                name,
                draw(st.sampled_from([None, 10, 40, 120])),
                year=draw(st.integers(2005, 2025)),
                design=draw(st.sampled_from(["randomized_parallel", "randomized_crossover"])),
                blinding=draw(st.sampled_from(["double_blind", "open_label"])),
                arms=[low_dose(dose_class=draw(st.sampled_from(["low", "low", "standard"]))), placebo()],
                outcomes=[
                    outcome(
                        draw(
                            st.sampled_from(["favours_ldn", "no_difference", "favours_comparator", "unknown"])
                        ),
                        results=numbers,
                    ),
                    outcome(
                        draw(st.sampled_from(["favours_ldn", "no_difference"])),
                        id="sleep",
                        domain="sleep",
                        role="secondary",
                        results=results(mean, other, n=20),
                    ),
                ],
            )
        )
    return studies


SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(studies=generated_trials(), which=st.integers(0, 4))
def test_splitting_one_study_into_two_records_of_its_trial_changes_nothing(
    studies: list[Record], which: int
) -> None:
    whole = studies[which % len(studies)]
    main_paper, second_paper = copy.deepcopy(whole), copy.deepcopy(whole)
    main_paper["outcomes"] = whole["outcomes"][:1]
    second_paper["id"] = f"{whole['id']}-second"
    second_paper["outcomes"] = whole["outcomes"][1:]
    second_paper["relations"] = [{"type": "secondary_analysis_of", "study": whole["id"]}]
    rest = [study for study in studies if study is not whole]
    assert computed(in_memory([*rest, main_paper, second_paper])) == computed(in_memory(studies))


@SLOW
@given(studies=generated_trials(), which=st.integers(0, 4))
def test_an_unknown_number_never_acts_as_nought(studies: list[Record], which: int) -> None:
    before = in_memory(studies)
    chosen = studies[which % len(studies)]
    without = copy.deepcopy(studies)
    known = without[studies.index(chosen)]
    known["enrolment"] = {"note": "The number was not seen."}
    for row in known["outcomes"]:
        for result in row["results"]:
            del result["sd"], result["n"]
    after = in_memory(without)
    row_before, row_after = only(before["condition_appraisals"]), only(after["condition_appraisals"])
    # The trial still counts as a trial, with a size that is not known.
    assert row_after["randomized_trials"] == row_before["randomized_trials"]
    assert not any(effect["study_id"] == chosen["id"] for effect in after["effects"])
    assert not any(row["used"] for row in after["meta_analysis_inputs"] if row["study_id"] == chosen["id"])
    if row_before["randomized_participants"] != row_after["randomized_participants"]:
        assert (
            row_after["randomized_trials_of_unknown_size"] > row_before["randomized_trials_of_unknown_size"]
        )


@SLOW
@given(studies=generated_trials(), people=st.integers(1, 2000))
def test_a_standard_dose_unverified_or_retracted_trial_changes_nothing(
    studies: list[Record], people: int
) -> None:
    before = computed(in_memory(studies))
    for fields in (
        {"arms": [low_dose(dose_class="standard"), placebo()]},
        {"verification": {"depth": "unverified"}},
        {"retraction": {"status": "retracted", "note": "Invented."}},
    ):
        after = computed(in_memory([*studies, trial("zzz", people, **fields)]))
        for tables in (before, after):
            tables["verdict"] = [{**row, "reason": ""} for row in tables["verdict"]]
        assert after == before


@SLOW
@given(studies=generated_trials())
def test_the_order_of_outcomes_and_arms_changes_nothing(studies: list[Record]) -> None:
    turned = copy.deepcopy(studies)
    for record in turned:
        record["outcomes"].reverse()
        record["arms"].reverse()
        for row in record["outcomes"]:
            row["results"].reverse()
    assert computed(in_memory(turned)) == computed(in_memory(studies))


RANK = {"limited": 0, "emerging": 1, "strong": 2}


def rank(tables: Tables) -> int:
    return RANK[only(tables["condition_appraisals"])["computed_tier"]]


@st.composite
def published_reviews(draw: st.DrawFn) -> list[Record]:
    """Up to two reviews with a pooled estimate, which may list the trials that they pooled."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        direction = draw(st.sampled_from(["favours_ldn", "favours_ldn", "no_difference"]))
        review_fields: Record = {"participants": draw(st.sampled_from([50, 200, 800]))}
        if draw(st.booleans()):
            review_fields["included"] = ["study-0"]
        found.append(
            review(
                f"review-{number}",
                -1.0 if direction == "favours_ldn" else 0.1,
                direction,
                year=draw(st.integers(2005, 2025)),
                title="Low-dose naltrexone: a meta-analysis of randomized controlled trials",
                review=review_fields,
            )
        )
    return found


@st.composite
def further_trials(draw: st.DrawFn, direction: str) -> Record:
    """One more trial whose printed interval says what its direction says."""
    half_width = draw(st.sampled_from([0.2, 0.5, 2.0]))
    value = {
        "favours_ldn": st.sampled_from([-9.0, -3.0, -0.3]).map(lambda v: min(v, -half_width - 0.1)),
        "no_difference": st.sampled_from([-0.9, -0.5, 0.0, 0.5]).map(lambda v: v * half_width),
        "favours_comparator": st.sampled_from([0.3, 3.0]).map(lambda v: max(v, half_width + 0.1)),
    }[direction]
    return trial(
        "zzz",
        draw(st.sampled_from([None, 12, 60, 400])),
        year=draw(st.integers(2005, 2026)),
        blinding=draw(st.sampled_from(["double_blind", "open_label"])),
        outcomes=printed(round(draw(value), 2), half_width, direction),
    )


@SLOW
@given(studies=generated_trials(), reviews=published_reviews(), data=st.data())
def test_a_further_trial_without_benefit_never_raises_the_tier(
    studies: list[Record], reviews: list[Record], data: st.DataObject
) -> None:
    direction = data.draw(st.sampled_from(["no_difference", "favours_comparator"]))
    body = [*studies, *reviews]
    assert rank(in_memory([*body, data.draw(further_trials(direction))])) <= rank(in_memory(body))


@SLOW
@given(studies=generated_trials(), reviews=published_reviews(), new=further_trials("favours_ldn"))
def test_a_further_favourable_trial_never_lowers_the_tier(
    studies: list[Record], reviews: list[Record], new: Record
) -> None:
    body = [*studies, *reviews]
    assert rank(in_memory([*body, new])) >= rank(in_memory(body))


def test_an_estimate_of_ours_that_a_further_trial_turns_moves_no_tier() -> None:
    null = [trial(f"null-{n}", 30, outcomes=printed(-0.5, 0.6, "no_difference")) for n in (1, 2, 3)]
    third = trial("null-4", 30, outcomes=printed(-0.5, 0.6, "no_difference"))
    before, after = in_memory(null), in_memory([*null, third])
    assert only(before["meta_analyses"])["favours"] == "neither"
    assert only(after["meta_analyses"])["favours"] == "intervention"
    assert rank(after) == rank(before) == 0
    good = [trial(f"good-{n}", 100, outcomes=printed(-1.0, 0.1, "favours_ldn")) for n in (1, 2)]
    better = trial("good-3", 100, outcomes=printed(-9.0, 0.1, "favours_ldn"))
    before, after = in_memory(good), in_memory([*good, better])
    assert only(before["meta_analyses"])["favours"] == "intervention"
    assert only(after["meta_analyses"])["favours"] == "neither"
    assert rank(after) == rank(before) == 2


@SLOW
@given(studies=generated_trials(), data=st.data())
def test_the_order_of_records_changes_nothing(studies: list[Record], data: st.DataObject) -> None:
    assert computed(in_memory(data.draw(st.permutations(studies)))) == computed(in_memory(studies))


@SLOW
@given(studies=generated_trials(), factor=st.sampled_from([0.125, 8.0, 1024.0]))
def test_another_unit_changes_no_standardised_effect(studies: list[Record], factor: float) -> None:
    scaled = copy.deepcopy(studies)
    for record in scaled:
        for row in record["outcomes"]:
            for result in row["results"]:
                result["mean"] *= factor
                result["sd"] *= factor
    before, after = in_memory(studies), in_memory(scaled)
    assert len(before["effects"]) == len(after["effects"])
    for one, other in zip(before["effects"], after["effects"], strict=True):
        times = factor if one["measure"] == "MD" else 1
        assert other["value"] == pytest.approx(times * one["value"], rel=1e-12)
    for one, other in zip(before["condition_appraisals"], after["condition_appraisals"], strict=True):
        assert {**one, "reason": ""} == {**other, "reason": ""}


@SLOW
@given(studies=generated_trials())
def test_swapping_the_arms_turns_every_sign(studies: list[Record]) -> None:
    swapped = copy.deepcopy(studies)
    for record in swapped:
        for row in record["outcomes"]:
            for result in row["results"]:
                result["arm"] = {"naltrexone": "placebo", "placebo": "naltrexone"}[result["arm"]]
    before = {row["id"]: row["value"] for row in in_memory(studies)["effects"]}
    after = {row["id"]: row["value"] for row in in_memory(swapped)["effects"]}
    assert after == {name: pytest.approx(-value, rel=1e-12) for name, value in before.items()}


def calls_of_an_appraisal(conditions: int) -> int:
    """How many calls an appraisal of so many conditions with ten studies each makes; no clock can change it."""
    kinds: list[tuple[str, Record]] = []
    for number in range(conditions):
        name = f"condition-{number}"
        kinds.append(("conditions", condition(name)))
        for which in range(10):
            numbers = results(-1.0 - which / 10, -1.0, n=20 + which)
            kinds.append(
                (
                    "studies",
                    trial(
                        f"study-{number}-{which}",
                        60 + which,
                        year=2005 + which,
                        conditions=[name],
                        outcomes=[outcome("no_difference", results=numbers)],
                    ),
                )
            )
    records = [
        CheckedRecord(kind, record["id"], f"data/{kind}/{record['id']}.yml", orjson.dumps(record))
        for kind, record in kinds
    ]
    catalogue = Catalogue(CheckedCatalogue(records, (), _terms(), (), "", Schemas(ROOT / "schema")))
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        tables = tables_of(catalogue, ROOT / "schema" / "tiers.yml")
    finally:
        sys.setprofile(before)
    assert len(tables["condition_appraisals"]) == len(tables["meta_analyses"]) == conditions
    return calls


def test_twice_the_conditions_are_twice_the_work() -> None:
    calls_of_an_appraisal(2)  # what is read and compiled once
    one, two, four = (calls_of_an_appraisal(number) for number in (10, 20, 40))
    assert one > 10_000
    assert four - two == pytest.approx(2 * (two - one), rel=0.02)


# --- small readings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 weeks", 84),
        ("week 12", 84),
        ("6 to 12 weeks", 84),
        ("one day", None),
        ("2 hours", 2 / 24),
        (None, None),
    ],
)
def test_timepoints_are_read_in_days(text: str | None, expected: float | None) -> None:
    assert days(text) == (pytest.approx(expected) if expected is not None else None)


def test_a_study_is_called_by_its_first_author() -> None:
    assert (
        name_of({"id": "x", "authors": ["Rodríguez-Freire C", "Other B"], "year": 2026})
        == "Rodríguez-Freire 2026"
    )
    assert (
        name_of({"id": "de-carvalho-2023", "authors": ["de Carvalho JF"], "year": 2023}) == "de Carvalho 2023"
    )
    assert name_of({"id": "x", "title": "A title.", "year": 2020}) == "“A title” 2020"
    assert name_of({"id": "x", "title": "A title"}) == "“A title” (undated)"
    assert name_of({"id": "x", "title": "A title", "registry": ["NCT0"]}) == "NCT0"


# --- the real catalogue ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> tuple[Catalogue, Tables]:
    catalogue = Catalogue(check_project(Project(ROOT)))
    return catalogue, tables_of(catalogue, ROOT / "schema" / "tiers.yml")


def test_every_condition_of_the_catalogue_is_appraised_with_a_reason(real: tuple[Catalogue, Tables]) -> None:
    catalogue, tables = real
    rows = {row["condition_id"]: row for row in tables["condition_appraisals"]}
    assert sorted(rows) == catalogue.ids("conditions")
    assert len(rows) >= 50
    for row in rows.values():
        assert row["reason"].endswith(".")
        assert row["reason"][0].isupper()
        assert "  " not in row["reason"]
    assert len(tables["effects"]) >= 50
    assert len({row["id"] for row in tables["effects"]}) == len(tables["effects"])
    assert len({row["id"] for row in tables["contradictions"]}) == len(tables["contradictions"])


def test_what_is_kept_of_a_study_is_what_was_read_of_it(real: tuple[Catalogue, Tables]) -> None:
    catalogue, _ = real
    reader = StudyReader(catalogue.terms, frozenset(), (), {})
    designs = catalogue.terms["designs"]
    for record in catalogue.records("studies"):
        facts = reader.read(record).facts
        assert decode(encode(facts)) == facts
        # A study of no people says nothing that a condition could count.
        in_people = bool(designs[record["design"]].get("human"))
        assert facts.bears_on == (facts.conditions if in_people else ())


def test_fibromyalgia_stands_where_its_trials_put_it(real: tuple[Catalogue, Tables]) -> None:
    _, tables = real
    assert verdict(tables, "fibromyalgia") == ("limited", "no_benefit")
    years = {
        row["year"]: row["direction"]
        for row in tables["tier_history"]
        if row["condition_id"] == "fibromyalgia"
    }
    assert years[2013] == "benefit"
    assert years[max(years)] == "no_benefit"


def test_a_hypothetical_study_needs_no_file() -> None:
    catalogue = Catalogue(check_project(Project(ROOT)))
    record = catalogue.record("conditions", "fibromyalgia")
    large = trial("hypothetical-trial", 2000, conditions=["fibromyalgia"])
    rule = ROOT / "schema" / "tiers.yml"
    now = Appraiser(catalogue, rule).condition(record).assessment.appraisal
    then = Appraiser(catalogue, rule, [large]).condition(record).assessment.appraisal
    assert now.tier == "limited"
    assert then.tier != "limited"
    assert then.direction == "benefit"

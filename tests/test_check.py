"""Every rule catches its broken example and nothing else; messages say where, what and how to mend it."""

from __future__ import annotations

import gc
import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ldn_evidence.build import tiers_as_computed
from ldn_evidence.check import CheckedCatalogue, check_project
from ldn_evidence.check.catalogue_rules import CATALOGUE_RULES
from ldn_evidence.check.facts import FactFinder
from ldn_evidence.check.meant import day_hint, identifier_hint, month_hint, number_hint
from ldn_evidence.check.record_rules import RECORD_RULES
from ldn_evidence.check.terms import render_terms
from ldn_evidence.check.typing import apply_types, compile_typer, keep_printed_forms
from ldn_evidence.cli import main
from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import Schemas

TESTS = Path(__file__).parent
TODAY = date(2026, 11, 21)
INVALID = sorted((TESTS / "invalid").glob("*.yml"))
# Shown in test_read.py: a file without permission, or of more than a megabyte, cannot be kept as an example.
MADE_IN_TESTS = {"unreadable-file", "too-large"}


def rules() -> dict[str, dict[str, str]]:
    document = parse((TESTS.parent / "schema" / "rules.yml").read_bytes(), "schema/rules.yml")
    return {rule["id"]: rule for rule in document["rules"]}


def checked(project: Project) -> CheckedCatalogue:
    return check_project(project, today=TODAY)


def test_the_valid_examples_are_clean(project: Project) -> None:
    catalogue = checked(project)
    assert [str(problem) for problem in catalogue.problems] == []
    assert tiers_as_computed(project, catalogue) == []
    assert len(catalogue.records) >= 20


def test_every_rule_has_a_broken_example_and_every_example_a_rule() -> None:
    assert len(INVALID) >= 50
    hostile = {path.stem.partition("--")[0] for path in (TESTS / "hostile").glob("*.yml")}
    examples = {path.stem for path in INVALID} | hostile | MADE_IN_TESTS
    assert examples == set(rules())


def test_every_rule_in_code_is_listed_with_its_stage() -> None:
    listed = rules()
    assert {name for name, rule in listed.items() if rule["stage"] == "record"} == set(RECORD_RULES)
    assert {name for name, rule in listed.items() if rule["stage"] == "catalogue"} == set(CATALOGUE_RULES)
    assert {name for name, rule in listed.items() if rule["stage"] == "appraisal"} == {"tier-as-computed"}


@pytest.mark.parametrize("example", INVALID, ids=lambda path: path.stem)
def test_a_broken_example_raises_its_rule_and_no_other(example: Path, project: Project) -> None:
    text = example.read_text("utf-8")
    place = re.match(r"# path: (\S.*)\n", text)
    assert place, "the first line of an example says where its file would stand"
    path = project.root / place[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    catalogue = checked(project)
    problems = catalogue.problems or tiers_as_computed(project, catalogue)
    assert {problem.rule for problem in problems} == {example.stem}
    for problem in problems:
        assert problem.message
        assert not re.search(r"Traceback|jsonschema|oneOf|<class", problem.message)


def test_a_message_has_file_line_column_field_finding_and_rule(project: Project) -> None:
    path = project.data / "studies" / "example-trial.yml"
    path.write_text(path.read_text("utf-8").replace("sd: 2.1", "sd: -3"), "utf-8")
    (problem,) = checked(project).problems
    place = "data/studies/example-trial.yml:42:13: outcomes[0].results[0].sd"
    assert str(problem) == f"{place}: found -3; must be greater than 0 [sd-positive]"


CURES = [
    ("conclusion: No", "conclusoin: No", "69:1: conclusoin", "did you mean 'conclusion'?"),
    ("year: 2020\n", "year: 2020\nrandomized: 40\n", "5:1: randomized", "it belongs to enrolment [unknown-field]"),
    ("    role: intervention\n", "", "16:5: arms[0]", "It is one of intervention, comparator"),
    ("    n: 20\n  - id: placebo", "    n: 20.0\n  - id: placebo", "arms[0].n", "did you mean 20? [wrong-type]"),
    ("design: randomized_p", "design: Randomised p", "8:9: design", "did you mean 'randomized_parallel'? It must be one of"),
    ("conditions: [example-disease]", "conditions: [Example disease]", "conditions[0]", "like 'fibromyalgia'."),
    ("conditions: [example-disease]", "conditions: [Example disease]", "conditions[0]", "Did you mean 'example-disease'?"),
    ("conditions: [example-disease]", "conditions: example-disease", "conditions", "must be a list: [example-disease]"),
    ("on: 2026-01-15", "on: 2026-02-30", "verification.on", "found '2026-02-30'; there is no such day [date-exists]"),
    ("on: 2026-01-15", "on: 2025-02-29", "verification.on", "there is no such day [date-exists]"),
    ("on: 2026-01-15", "on: 2026-13-01", "verification.on", "There is no such day. [day-format]"),
    ("on: 2026-01-15", "on: 15.1.2026", "verification.on", "must look like"),
    ("on: 2026-01-15", "on: 15.1.2026", "verification.on", "Did you mean '2026-01-15'? [day-format]"),
    ("on: 2026-01-15", "on: 2/1/2026", "verification.on", "Day of the reading. [day-format]"),
    ("dose_mg_per_day: 4.5", "dose_mg_per_day: 4.5 mg", "dose_mg_per_day", "without a unit or sign; the field's unit is: mg/day"),
    ("dose_mg_per_day: 4.5", "dose_mg_per_day: 4,5", "dose_mg_per_day", "did you mean 4.5?"),
    ("dose_mg_per_day: 4.5", "dose_mg_per_day: 4,500", "dose_mg_per_day", "a comma may be a decimal point or a thousands mark"),
    ("randomized: 40", "randomized: 1,040", "13:15: enrolment.randomized", "did you mean 1040?"),
    ("percent: 45", "percent: 45%", "percent", "without a unit or sign; the field's unit is: percent"),
    ("value: -0.4", "value: −0.4", "value", "did you mean -0.4?"),
    ("sd: 2.1", "sd: NR", "sd", "leave the field out where nothing is known"),
    ("pmid: 10000001", "pmid: https://pubmed.ncbi.nlm.nih.gov/10000001/", "5:7: pmid", "Did you mean '10000001'?"),
    ("doi: 10.1000", "doi: https://doi.org/10.1000", "6:6: doi", "Did you mean '10.1000/example.1'?"),
    ("[NCT10000001]", "[nct 10000001]", "registry[0]", "Did you mean 'NCT10000001'?"),
    ("[NCT10000001]", "[NCT1000001]", "registry[0]", "[registry-number-format]"),
    ("p: 0.54", "p: 0,54", "53:10: outcomes[0].effect.p", "write it with a decimal point: 0.54 [p-parses]"),
    ("intervention: naltrexone", "intervention: naltrexon", "effect.intervention", "did you mean 'naltrexone'? [arm-known]"),
    ("enrolment:\n  randomized", "enrolment:\nrandomized", "12:11: enrolment", "indent the lines below that belong to it"),
    ("- arm: naltrexone\n        kind: e", "-arm: naltrexone\n        kind: e", "38:7", "a hyphen and a space"),
    ("authors: [Doe J]", "authors: [Doe J: Roe K]", "3:11: authors[0]", 'put a text that holds ": " in quotes [wrong-type]'),
    ("status: published", "status: [published]", "10:9: status", "found a list; must be one of published"),
    ("title: A trial that never was", "title: 'A trial's title'", "2:17: title", "put the whole text in double quotes"),
    ("ci_low: -1.7\n      ci_high: 0.9", "ci_low: 0.9\n      ci_high: -1.7", "51:15", "above ci_high -1.7; are the two swapped?"),
    ("events: 9\n        total: 20\n        percent: 45", "percent: 132", "65:18", "a share of participants is at most 100%"),
    ("    dose_class: low\n", "", "20:22: arms[0].dose_mg_per_day", "found 4.5 mg/day without a dose_class"),
    ("components: [naltrexone]", "components: [naltrexon]", "19:17", "naltrexone must be one of them"),
    ("example.1\n", "example.1.\n", "doi", "Did you mean '10.1000/example.1'? [doi-format]"),
    ("year: 2020\n", "year: '2020 '\n", "year", "did you mean 2020?"),
    ("events: 9\n", "events: 9/20\n", "events", "write each number into a field of its own"),
    ("on: 2026-01-15", "on: 2026–01–15", "verification.on", "Did you mean '2026-01-15'?"),
    ("on: 2026-01-15", "on: 2026-01-15T10:00:00Z", "verification.on", "Did you mean '2026-01-15'?"),
    ("[NCT10000001]\n", "[NCT10000001]\npmcid: 3662003\n", "pmcid", "Did you mean 'PMC3662003'?"),
    ("conditions: [example-disease]", "conditions: [\u0435xample-disease]", "conditions[0]", "is U+0435 (cyrillic small"),
    ("conditions: [example-disease]", "conditions: [Éxample disease]", "conditions[0]", "Did you mean 'example-disease'?"),
    ("conditions: [example-disease]", "conditions: [example-2O2O]", "conditions[0]", "Did you mean 'example-2020'?"),
    ("status: published", "status: publish\u0435d", "status", "unknown. '\u0435' in it is U+0435 (cyrillic small letter ie)."),
    ("year: 2020\n", "y\u0435ar: 2020\n", "y\u0435ar", "did you mean 'year'? '\u0435' in it is U+0435"),
    ("authors: [Doe J]", "authors: Doe J; Roe K", "authors", "must be a list: [Doe J, Roe K] [wrong-type]"),
    ("authors: [Doe J]", "authors: Doe, J; Roe, K", "authors", 'each item on a line of its own that begins with "- "'),
    ("  - id: placebo", "  – id: placebo", "25:3", 'found "– id: placebo"; a list item begins with "- "'),
    ("  - id: placebo", "  * id: placebo", "25:3", 'found "* id: placebo"; a list item begins with "- "'),
    ("sd: 2.1", "sd: 2.1 (0.3)", "sd", "write each number into a field of its own"),
    ("mean: 4.50", "mean: 4.50 ± 2.1", "mean", "write each number into a field of its own"),
    ("registry: [NCT10000001]", "registry: []", "registry", "found an empty list; must not be empty: leave the field out"),
    ("weeks: 12", "weeks: 8-12", "23:12: arms[0].weeks", "leave the field out and say it in words"),
    ("weeks: 12", "weeks: ~12", "23:12: arms[0].weeks", "leave the field out and say it in words"),
    ("title: A trial that never was, as an example", "title: '  '", "2:8: title", "found only spaces; leave the field out"),
    ("label: Placebo", "label: ' '", "arms[1].label", "found only spaces; leave the field out [empty-value]"),
    ("authors: [Doe J]", "authors: [Doe J, '']", "authors[1]", "must not be empty: leave the field out [empty-value]"),
    ("arms:\n  - id", "arms:\n    id", "25:3", "the first one too [yaml-syntax]"),
    ("percent: 45", "percent: -0", "67:18", "write 0, or the digits that are printed, such as -0.0 [wrong-type]"),
    ("randomized: 40", "randomized: -0", "13:15", "write 0 [wrong-type]"),
    ("percent: 45", "percent: 45·0", "67:18", "did you mean 45.0? [wrong-type]"),
    ("sd: 2.1", "sd: ±2.1", "42:13", "did you mean 2.1? [wrong-type]"),
    ("randomized: 40", "randomized: 40 (planned)", "13:15", "write 40 alone, and the words into a note [wrong-type]"),
    ("value: -0.4", "value: - 0.4", "50:14", "a minus sign stands directly before its number [yaml-syntax]"),
    ("dose_mg_per_day: 4.5", "dose_ml_per_day: 4.5", "20:5", "there is 'dose_mg_per_day': convert the number"),
    ("dose_mg_per_day: 4.5", "dose_mg_per_kg: 0.1", "20:5", "there is 'dose_mg_per_day': convert the number"),
    ("dose_mg_per_day: 4.5", "dose_mg_perday: 4.5", "20:5", "did you mean 'dose_mg_per_day'? [unknown-field]"),
    ("enrolment:\n  randomized: 40\n  analyzed: 38\n", "enrolment: {randomized: 4,5, analyzed: 3}\n",
     "12:27: enrolment.5", 'found "4,5" in braces, where a comma ends a value; did you mean 4.5? [key-not-text]'),
    ("pmid: 10000001", "pmid: PMC10000001", "5:7", "This is a PMCID, which belongs into the field pmcid. [pmid-format]"),
    ("[NCT10000001]", "[NCT10000001; NCT10000003]", "7:12", "These are 2: NCT10000001, NCT10000003. [registry-number"),
    ("example.1\n", "example.1;10.1000/example.2\n", "6:6", "did you mean '10.1000/example.1'? [doi-stands-alone]"),
    ("example.1\n", "example.1,https://doi.org/10.1000/b.2\n", "6:6", "did you mean '10.1000/example.1'? [doi-stands-alone]"),
    ("example.1\n", "example.1/full\n", "6:6", "did you mean '10.1000/example.1'? [doi-stands-alone]"),
    ("example.1\n", "example.1.pdf\n", "6:6", "did you mean '10.1000/example.1'? [doi-stands-alone]"),
    ("example.1\n", "example.1)\n", "6:6", "did you mean '10.1000/example.1'? [doi-stands-alone]"),
    ("example.1\n", "example–1\n", "6:6", "'–' in it is U+2013; copy the DOI anew"),
    ("authors: [Doe J]", 'authors: ["Doe J, Roe K"]', "3:11: authors[0]", "each author is an item of the list"),
    ("authors: [Doe J]", 'authors: ["Doe, John W."]', "3:11: authors[0]", "did you mean 'Doe JW'? [author-has-surname]"),
    ("events: 9\n        total: 20\n        percent: 45", "percent: -45", "65:18", "a share of participants is at least 0%"),
    ("events: 9\n        total: 20\n        percent: 45", "percent: -0.0", "65:18", "a share of participants is at least 0%"),
    ("randomized: 40\n", "enrolled: 20\n", "14:13", "found 38 analyzed; only 20 were enrolled [enrolment-shrinks]"),
    ("total: 20", "total: 40", "66:16", "the arm 'naltrexone' has 20. Look both up, or say in a note"),
    ("dose_class: low", "dose_high_mg_per_day: 3\n    dose_class: low", "20:22", "above dose_high_mg_per_day 3 [interval-or"),
    ("sd: 2.1", "sd: 0.48\n        ci_low: 3.55\n        ci_high: 5.45", "42:13", "is it the standard error? [se-below-sd]"),
    ("intervention: naltrexone\n      comparator: placebo", "intervention: placebo\n      comparator: naltrexone",
     "54:21", "swap the two, and turn the sign or the ratio"),
    ("ci_low: -1.7\n      ci_high: 0.9\n      p: 0.54", "p: 0.01", "direction", "say in a note why it counts as none"),
    ("conditions: [example-disease]", "conditions: [10.1000/example.1]", "11:14", "This is a DOI; a record is named by its id"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "place", "message"), CURES)
def test_a_message_leads_to_the_cure(
    project: Project, right: str, wrong: str, place: str, message: str
) -> None:
    path = project.data / "studies" / "example-trial.yml"
    text = path.read_text("utf-8")
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong), "utf-8")
    found = [str(problem) for problem in checked(project).problems]
    assert any(place in problem and message in problem for problem in found), found


def broken_study(project: Project, *changes: tuple[str, str]) -> list[str]:
    """The rules that the example's study breaks once it is changed."""
    path = project.data / "studies" / "example-trial.yml"
    text = path.read_text("utf-8")
    for right, wrong in changes:
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    path.write_text(text, "utf-8")
    return [problem.rule for problem in checked(project).problems]


PAIN, RESPONDERS = (
    "    direction: no_difference\n  - id: responders",
    "    direction: no_difference\nconclusion",
)
FAVOURABLE = (PAIN, PAIN.replace("no_difference", "favours_ldn"))
NO_EFFECT = ("    effect:\n      measure: MD\n      value: -0.4\n      ci_low: -1.7\n      ci_high: 0.9\n      p: 0.54\n"
             "      intervention: naltrexone\n      comparator: placebo\n", "")  # fmt: skip
SECOND_ARM = (
    "        percent: 45\n",
    "        percent: 45\n      - {arm: placebo, kind: count, events: 4, total: 20}\n",
)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        # The results of the arms swapped, with an effect that is right and without one.
        ([("mean: 4.50", "mean: 4.9"), ("mean: 4.9\n        sd: 2.0", "mean: 4.5\n        sd: 2.0")], ["effect-fits-results"]),
        ([NO_EFFECT, FAVOURABLE, ("mean: 4.50", "mean: 5.4")], ["direction-fits-results"]),
        ([NO_EFFECT, FAVOURABLE], []),
        # A decimal point too far to the right, and one that a note accounts for.
        ([("value: -0.4\n      ci_low: -1.7\n      ci_high: 0.9", "value: -4.0\n      adjusted: false")],
         ["effect-fits-results"]),
        ([("value: -0.4\n      ci_low: -1.7\n      ci_high: 0.9", "value: -4.0\n      note: In mm.")], []),
        ([("dose_mg_per_day: 4.5\n    dose_class: low", "dose_high_mg_per_day: 4.5")], ["dose-class-fits-dose"]),
        ([SECOND_ARM, (RESPONDERS, RESPONDERS.replace("no_difference", "favours_ldn"))], []),
        ([SECOND_ARM, (RESPONDERS, RESPONDERS.replace("no_difference", "favours_comparator"))], ["direction-fits-results"]),
        # A sign that an adjustment can have turned, and one that an effect decides.
        ([("value: -0.4\n      ci_low: -1.7\n      ci_high: 0.9", "value: 0.4\n      adjusted: true")], []),
        # What a paper may print all the same, once a note says so.
        ([("percent: 45", "percent: 45.8\n        note: By what they took."), ("total: 20", "total: 24"),
          ("events: 9", "events: 11")], []),
        ([("      ci_high: 0.9\n", "      note: One limit is printed.\n")], []),
        ([("p: 0.54", "p: 0.001\n      note: Both are printed.")], []),
        ([("ci_low: -1.7\n      ci_high: 0.9\n      p: 0.54", "p: 0.01\n      note: Not after correction.")], []),
        # Scores of an instrument; what is in percent, or a change, is no score.
        ([("better: lower", "instrument: nrs-pain\n    better: lower")], []),
        ([("better: lower", "instrument: nrs-pain\n    unit: percent\n    better: lower"), NO_EFFECT,
          ("mean: 4.50", "mean: 45")], []),
        ([("better: lower", "instrument: nrs-pain\n    better: lower"), ("sd: 2.1", "sd: 21")], ["score-within-scale"]),
        ([("      measure: MD\n", "      measure: HR\n")], ["ratio-not-negative"]),
        # A placebo for another drug, in arms that all take naltrexone.
        ([("components: [placebo]", "components: [naltrexone, placebo]\n    dose_mg_per_day: 4.5\n    dose_class: low")], []),
    ],
)  # fmt: skip
def test_numbers_at_wrong_places_are_told_once_and_true_ones_are_not(
    project: Project, changes: list[tuple[str, str]], broken: list[str]
) -> None:
    assert broken_study(project, *changes) == broken


TRIAL = """\
id: nct10000001
registry_number: NCT10000001
registry: ClinicalTrials.gov
title: An example
status: completed
start: 2019-01
completion: 2020-01
verification:
  depth: registry
"""
SCHEDULE = """\
id: example-dosing
name: Example schedule
topic: titration
statement: In the example trial the dose was raised after two weeks.
setting: trial
dose_low_mg: 1.5
dose_high_mg: 4.5
schedule:
  - {week_from: 1, week_to: 2, dose_mg: 1.5}
  - {week_from: 3, dose_mg: 4.5}
"""


@pytest.mark.parametrize(
    ("kind", "text", "right", "wrong", "place", "rule"),
    [
        ("trials", TRIAL, "completion: 2020-01", "completion: 2030-01", "completion", "date-not-in-future"),
        ("trials", TRIAL, "start:", "results_posted: 2062-01-01\nstart:", "results_posted", "date-not-in-future"),
        ("trials", TRIAL, "start:", "results_posted: 2018-12-31\nstart:", "results_posted", "trial-dates-ordered"),
        ("dosing", SCHEDULE, "dose_low_mg: 1.5", "dose_low_mg: 15", "dose_low_mg", "interval-ordered"),
        ("dosing", SCHEDULE, "week_from: 3", "week_from: 1", "schedule[1].week_from", "schedule-ordered"),
        ("dosing", SCHEDULE, ", dose_mg: 4.5", ", dose_mg: 45", "schedule[1].dose_mg", "schedule-ordered"),
    ],
)  # fmt: skip
def test_dates_and_steps_in_a_wrong_order_are_told_once(
    project: Project, kind: str, text: str, right: str, wrong: str, place: str, rule: str
) -> None:
    path = project.data / kind / f"{text.partition('id: ')[2].partition(chr(10))[0]}.yml"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    assert checked(project).problems == []
    path.write_text(text.replace(right, wrong), "utf-8")
    assert [(problem.path, problem.rule) for problem in checked(project).problems] == [(place, rule)]


@pytest.mark.parametrize(
    ("citation", "message"),
    [
        ("  - example-trial\n", "citations[0]: found 'example-trial'; must be a mapping"),
        ("  - pmid: 10000001\n", "citations[0].pmid: there is no field 'pmid' here"),
        ("  - study: '10000001'\n", "not in studies; it is an identifier of 'example-trial'"),
    ],
)
def test_a_faulty_citation_is_told_once(project: Project, citation: str, message: str) -> None:
    path = project.data / "conditions" / "example-disease.yml"
    path.write_text(path.read_text("utf-8").replace("  - study: example-trial\n", citation), "utf-8")
    (problem,) = map(str, checked(project).problems)
    assert message in problem


FREQUENCY = "  - {study: example-trial, events: 3, total: 20, percent: 15}\n"


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        (FREQUENCY, []),
        (FREQUENCY.replace("3", "4").replace("15", "20") + FREQUENCY, [("frequencies[1]", "result-stands-once")]),
        (FREQUENCY.replace("example", "retracted"), [("frequencies[0]", "retracted-support-is-said")]),
        (FREQUENCY.replace("example", "retracted").replace("15", "15, note: Retracted since."), []),
    ],
)  # fmt: skip
def test_a_frequency_stands_once_and_not_on_a_retracted_study(
    project: Project, rows: str, broken: list[tuple[str, str]]
) -> None:
    path = project.data / "adverse-effects" / "example-dreams.yml"
    path.parent.mkdir()
    head = "id: example-dreams\nname: Dreams\nseverity: minor\nsummary: Dreams were reported by some of the people.\n"
    path.write_text(f"{head}frequencies:\n{rows}", "utf-8")
    assert [(problem.path, problem.rule) for problem in checked(project).problems] == broken


def test_a_year_may_be_the_next_one_and_no_later(project: Project) -> None:
    path = project.data / "studies" / "example-trial.yml"
    text = path.read_text("utf-8")
    for year, rules_broken in ((TODAY.year + 1, []), (TODAY.year + 2, ["date-not-in-future"])):
        path.write_text(text.replace("year: 2020", f"year: {year}"), "utf-8")
        assert [problem.rule for problem in checked(project).problems] == rules_broken


def test_what_is_wrong_in_one_place_is_not_blamed_on_others(project: Project) -> None:
    path = project.data / "studies" / "example-trial.yml"
    text = path.read_text("utf-8")
    for right, wrong, rule in (
        ("ci_low: -1.7", "ci_low: 1.7", "interval-ordered"),
        ("ci_low: -1.7\n      ci_high: 0.9", "ci_low: 0.9\n      ci_high: -1.7", "interval-ordered"),
        ("id: placebo", "id: naltrexone", "arm-ids-unique"),
        ("conditions: [", "condition: [", "unknown-field"),
        ("events: 9", "events: 21", "events-within-total"),
    ):
        path.write_text(text.replace(right, wrong), "utf-8")
        assert [problem.rule for problem in checked(project).problems] == [rule]
    path.write_text(text, "utf-8")
    path.rename(path.with_name("Example_Trial.yml"))
    (problem,) = checked(project).problems
    assert problem.file == "data/studies/Example_Trial.yml"
    assert problem.message.endswith('did you mean "example-trial"?')


MISPLACED = [
    ("studeis/example-trial.yml", "studeis", 'did you mean "studies"?', "record-folder"),
    ("Studies/example-trial.yml", "Studies", 'did you mean "studies"?', "record-folder"),
    ("unheard-of/deeper/example-trial.yml", "unheard-of", "studies, trials, vocabularies", "record-folder"),
    ("example-trial.yml", "example-trial.yml", "a record is data/<kind>/<id>.yml", "record-folder"),
    (
        "trials/example-trial.yml",
        "trials/example-trial.yml",
        "move the file to data/studies/",
        "record-folder",
    ),
    ("studies/new/example-trial.yml", "studies/new", "a record is a file data/<kind>/<id>.yml", "file-name"),
    ("studies/example-trial.yaml", "studies/example-trial.yaml", 'ends in ".yml"', "file-name"),
    ("studies/example-trial.yml.txt", "studies/example-trial.yml.txt", 'ends in ".yml"', "file-name"),
    ("studies/example-trial", "studies/example-trial", 'ends in ".yml"', "file-name"),
    ("studies/Trial (1).yml", "studies/Trial (1).yml", 'did you mean "trial-1"?', "file-name"),
    ("studies/other.yml", "studies/other.yml", "the file's name without .yml, 'other'", "id-equals-stem"),
]


@pytest.mark.parametrize(("place", "file", "message", "rule"), MISPLACED)
def test_a_record_in_a_wrong_place_is_told_once_and_not_at_those_that_cite_it(
    project: Project, place: str, file: str, message: str, rule: str
) -> None:
    path = project.data / "studies" / "example-trial.yml"
    (project.data / place).parent.mkdir(parents=True, exist_ok=True)
    path.rename(project.data / place)
    (problem,) = checked(project).problems
    assert (problem.file, problem.rule) == (f"data/{file}", rule)
    assert problem.message.endswith(message)


def test_every_scheme_of_codes_has_its_form(project_root: Path) -> None:
    condition = Schemas(project_root / "schema").record("conditions")
    scheme = condition["properties"]["identifiers"]["items"]["properties"]["scheme"]
    assert list(scheme["x-codes"]) == scheme["enum"]
    for pattern, example in scheme["x-codes"].values():
        assert re.fullmatch(pattern, example)


def test_a_code_that_stands_twice_in_a_record_is_told(project: Project) -> None:
    path = project.data / "conditions" / "example-disease.yml"
    code = "  - scheme: DOID\n    code: DOID:631\n    predicate: exact\n"
    path.write_text(f"{path.read_text('utf-8')}identifiers:\n{code}{code}", "utf-8")
    (problem,) = checked(project).problems
    assert (problem.path, problem.rule) == ("identifiers[1].code", "duplicate-item")


def test_a_code_that_means_exactly_one_condition_is_told_where_it_stands_twice(project: Project) -> None:
    codes = "identifiers:\n  - scheme: DOID\n    code: DOID:631\n    predicate: exact\n"
    for name in ("example-disease", "example-group"):
        path = project.data / "conditions" / f"{name}.yml"
        path.write_text(
            path.read_text("utf-8").replace("category: pain\n", f"category: pain\n{codes}"), "utf-8"
        )
    found = [(problem.path, problem.rule) for problem in checked(project).problems]
    assert found == [("identifiers[0].code", "identifier-used-once")] * 2


def test_a_term_without_a_label_is_told_by_the_check_and_not_by_a_crash(project: Project) -> None:
    path = project.data / "vocabularies" / "verdicts.yml"
    path.write_text(re.sub(" +label: .*\n", "", path.read_text("utf-8"), count=1), "utf-8")
    assert json.loads(render_terms(path.parent, Schemas(project.schema)))["$defs"]["verdicts"]["enum"]
    (problem,) = checked(project).problems
    assert (problem.path, problem.rule) == ("terms[0]", "missing-field")


@pytest.mark.parametrize(
    ("old", "new", "file", "rule"),
    [
        ("vocabularies", "vocabulary", "vocabulary", "record-folder"),
        ("vocabularies/instruments.yml", "instruments.yml", "instruments.yml", "record-folder"),
        (
            "vocabularies/instruments.yml",
            "vocabularies/scales.yml",
            "vocabularies/scales.yml",
            "id-equals-stem",
        ),
        ("vocabularies/instruments.yml", "instruments", "vocabularies/instruments.yml", "terms-generated"),
    ],
)
def test_a_vocabulary_that_is_missing_is_told_once(
    project: Project, old: str, new: str, file: str, rule: str
) -> None:
    study = project.data / "studies" / "example-trial.yml"
    text = study.read_text("utf-8").replace(
        "    domain: pain\n", "    domain: pain\n    instrument: nrs-pain\n"
    )
    study.write_text(text, "utf-8")
    assert checked(project).problems == []
    (project.data / old).rename((project.root if rule == "terms-generated" else project.data) / new)
    (problem,) = {(problem.file, problem.rule): problem for problem in checked(project).problems}.values()
    assert (problem.file, problem.rule) == (f"data/{file}", rule)


def test_a_reference_to_a_record_of_another_kind_says_which(project: Project) -> None:
    path = project.data / "conditions" / "example-disease.yml"
    path.write_text(
        path.read_text("utf-8").replace("study: example-trial", "study: example-mechanism"), "utf-8"
    )
    assert [problem.message for problem in checked(project).problems] == [
        "found 'example-mechanism', which is not in studies; there is one of that name in mechanisms"
    ]


def test_an_identifier_that_two_records_bear_is_told_at_both(project: Project) -> None:
    path = project.data / "studies" / "example-trial.yml"
    other = path.with_name("second-trial.yml")
    text = path.read_text("utf-8").replace("id: example-trial", "id: second-trial")
    other.write_text(re.sub("registry: .*\n|doi: .*\n", "", text).replace("was seen", "showed"), "utf-8")
    assert [(problem.file, problem.line, problem.message) for problem in checked(project).problems] == [
        (
            f"data/studies/{one}.yml",
            5,
            f"found pmid 10000001, which stands in data/studies/{two}.yml too; "
            "mend it where it is wrong, or merge the records",
        )
        for one, two in (("example-trial", "second-trial"), ("second-trial", "example-trial"))
    ]


def test_papers_that_hang_together_through_a_broken_record_are_not_told_apart(project: Project) -> None:
    path = project.data / "studies" / "example-trial.yml"
    text = path.read_text("utf-8")
    for name in ("second", "third"):
        paper = re.sub("pmid: .*\n|doi: .*\n", "", text.replace("id: example-trial", f"id: {name}-paper"))
        paper = paper.replace("was seen", f"was in the {name} paper")
        related = f"{paper}relations:\n  - {{type: secondary_analysis_of, study: example-trial}}\n"
        path.with_name(f"{name}-paper.yml").write_text(related, "utf-8")
    assert checked(project).problems == []
    path.write_text(text.replace("year: 2020", "year: twenty"), "utf-8")
    assert [problem.rule for problem in checked(project).problems] == ["wrong-type"]
    # The broken record may be what ties a paper to the others, or may not: nobody knows yet.
    path.with_name("third-paper.yml").write_text(paper, "utf-8")
    assert [problem.rule for problem in checked(project).problems] == ["wrong-type"]
    path.write_text(text, "utf-8")
    assert [problem.rule for problem in checked(project).problems] == ["shared-registration-is-related"]


@pytest.mark.parametrize(
    ("wrong", "right", "meant"),
    [
        ("design: randomized_parallel", "design: randomised_parallel", "randomized_parallel"),
        ("conditions: [example-disease]", "conditions: [exmaple-disease]", "example-disease"),
        ("conclusion:", "conclusoin:", "conclusion"),
    ],
)
def test_slips_get_a_suggestion(project: Project, wrong: str, right: str, meant: str) -> None:
    path = project.data / "studies" / "example-trial.yml"
    path.write_text(path.read_text("utf-8").replace(wrong, right), "utf-8")
    messages = [problem.message for problem in checked(project).problems]
    assert any(f"did you mean {meant!r}" in message for message in messages), messages


def test_a_command_called_from_a_program_gives_its_garbage_collector_back(project: Project) -> None:
    assert gc.isenabled()
    assert CliRunner().invoke(main, ["--root", str(project.root), "check"]).exit_code == 0
    assert gc.isenabled()


def test_all_problems_come_in_one_run_sorted(project: Project) -> None:
    study = project.data / "studies" / "example-trial.yml"
    broken = study.read_text("utf-8").replace("sd: 2.1", "sd: -3").replace("year: 2020", "year: 1820")
    study.write_text(broken, "utf-8")
    source = project.data / "sources" / "example-article.yml"
    source.write_text(source.read_text("utf-8").replace("sells_ldn", "sells"), "utf-8")
    problems = checked(project).problems
    assert [problem.rule for problem in problems] == ["not-allowed-value", "out-of-range", "sd-positive"]
    assert list(problems) == sorted(problems)


def test_printed_numbers_keep_their_printed_form(project: Project) -> None:
    records = {record.id: record.decode() for record in checked(project).records if record.kind == "studies"}
    result = records["example-trial"]["outcomes"][0]["results"][0]
    assert result["mean"] == 4.5
    assert result["printed"] == {"mean": "4.50"}
    assert "printed" not in records["example-trial"]["outcomes"][1]["results"][0]


def test_the_cache_changes_no_result(project: Project) -> None:
    cold = checked(project)
    warm = checked(project)
    shutil.rmtree(project.cache)
    again = checked(project)
    assert cold.records == warm.records == again.records
    assert cold.digest == warm.digest == again.digest


@pytest.mark.parametrize("output_format", ["text", "json", "github"])
def test_check_reports_problems_in_each_format_with_exit_code_1(project: Project, output_format: str) -> None:
    source = project.data / "sources" / "example-article.yml"
    source.write_text(source.read_text("utf-8").replace("sells_ldn", "sells"), "utf-8")
    outcome = CliRunner().invoke(main, ["--root", str(project.root), "check", "--format", output_format])
    assert outcome.exit_code == 1
    assert "not-allowed-value" in outcome.stdout
    if output_format == "json":
        assert json.loads(outcome.stdout)
    if output_format == "github":
        assert outcome.stdout.startswith("::error file=data/sources/example-article.yml,line=4,")


def test_a_clean_check_exits_with_0(project: Project) -> None:
    outcome = CliRunner().invoke(main, ["--root", str(project.root), "check"])
    assert outcome.exit_code == 0, outcome.output


NUMBER = {"type": "object", "properties": {"x": {"type": "number"}, "n": {"type": "integer"}}}


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=3))
def test_a_plainly_written_number_becomes_its_value_and_keeps_its_digits(number: Decimal) -> None:
    text = f"{number:f}"
    record: dict[str, Any] = {"x": text}
    keep_printed_forms(apply_types(record, compile_typer(NUMBER)))
    assert record["x"] == float(text)
    printed = record.get("printed", {"x": repr(record["x"])})
    assert printed["x"] == text


def test_a_whole_number_keeps_its_digits_after_the_point() -> None:
    record: dict[str, Any] = {"x": "26.0"}
    keep_printed_forms(apply_types(record, compile_typer(NUMBER)))
    assert record == {"x": 26.0, "printed": {"x": "26.0"}}
    record = {"x": "26", "n": "26"}
    keep_printed_forms(apply_types(record, compile_typer(NUMBER)))
    assert record == {"x": 26, "n": 26}


ODD_NUMBERS = ["012", "1_000", ".05", "1e3", "+4", "0x1f", "1:30", "NO", "4,5", " 4", "٣", "inf", "nan", "-0"]


@pytest.mark.parametrize("text", ODD_NUMBERS)
def test_what_is_not_plainly_a_number_stays_text(text: str) -> None:
    record = {"x": text, "n": text}
    apply_types(record, compile_typer(NUMBER))
    assert record == {"x": text, "n": text}


@given(st.text("0123456789.,+-\N{MINUS SIGN}%' e", min_size=1, max_size=9), st.booleans())
def test_a_number_that_is_proposed_is_one(text: str, whole: bool) -> None:
    _, meant, proposed = number_hint(text, whole).partition("did you mean ")
    if meant:
        record = {"n" if whole else "x": proposed.removesuffix("?")}
        apply_types(record, compile_typer(NUMBER))
        (value,) = record.values()
        assert isinstance(value, int if whole else int | float)


@pytest.mark.parametrize(
    "text", ["3 of 20", "2.5", "1 200 or 1 300", "12-14", "<5", "1.2.3", "two", "00", "1,2,3"]
)
def test_no_whole_number_is_guessed(text: str) -> None:
    assert "did you mean" not in number_hint(text, whole=True)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15 January 2026", "2026-01-15"),
        ("2026/1/5", "2026-01-05"),
        ("1/15/2026", "2026-01-15"),
        ("15-01-2026", "2026-01-15"),
        ("Jan 15, 2026", "2026-01-15"),
        ("2026 Jan 5", "2026-01-05"),
        ("5/1/2026", None),
        ("5/5/2026", "2026-05-05"),
        ("January 2026", None),
        ("2026115", None),
        ("15.1.26", None),
        ("31.2.2026", None),
        ("2026–1–5", "2026-01-05"),
        ("2026-01-05 10:00", "2026-01-05"),
    ],
)
def test_a_day_is_proposed_only_where_it_can_be_no_other(text: str, day: str | None) -> None:
    assert day_hint(text) == ("" if day is None else f" Did you mean '{day}'?")


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("March 2019", "2019-03"),
        ("03/2019", "2019-03"),
        ("2019-3", "2019-03"),
        ("3/19", None),
        ("2019", None),
    ],
)
def test_a_month_is_proposed(text: str, month: str | None) -> None:
    assert month_hint(text) == ("" if month is None else f" Did you mean '{month}'?")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("www.example.org", "must look like 'https://"),
        ("https://example.org/a b", "must be a uri such as 'https://"),
    ],
)
def test_a_broken_address_is_told_once(project: Project, address: str, message: str) -> None:
    path = project.data / "sources" / "example-article.yml"
    path.write_text(f"{path.read_text('utf-8')}url: {address}\n", "utf-8")
    (problem,) = checked(project).problems
    assert message in problem.message


@pytest.mark.parametrize(
    ("wrong", "place", "message", "rule"),
    [
        ("kind: study", "2:11", 'did you mean "studies"?', "not-allowed-value"),
        ("successor: exmaple-trial", "4:16", 'did you mean "example-trial"?', "reference-resolves"),
        ("retired_on: 2031-01-01", "6:17", "lies in the future", "date-not-in-future"),
        ("id: older-trial", "8:9", "found 'older-trial' a second time", "duplicate-item"),
    ],
)
def test_the_ledger_of_retired_ids_is_checked(
    project: Project, wrong: str, place: str, message: str, rule: str
) -> None:
    fields = "  - kind: studies\n    id: {}\n    successor: example-trial\n    reason: R\n    retired_on: 2026-01-01\n"
    text = "retired:\n" + fields.format("old-trial") + fields.format("older-trial")
    if rule == "duplicate-item":
        text = text.replace("old-trial", "older-trial", 1)
    else:
        text = re.sub(rf"{wrong.partition(':')[0]}: .*", wrong, text, count=1)
    (project.data / "retired.yml").write_text(text, "utf-8")
    (problem,) = checked(project).problems
    assert (f"{problem.line}:{problem.column}", problem.rule) == (place, rule)
    assert problem.message.endswith(message)


def test_two_identifiers_in_one_field_are_not_made_one() -> None:
    pattern = "^[1-9][0-9]{3,8}$"
    assert identifier_hint("19453963 and 23359310", pattern) == " These are 2: 19453963, 23359310."
    assert identifier_hint("19453963, 2nd", pattern) == " Did you mean '19453963'?"
    assert identifier_hint("PMC3662003", pattern) == " This is a PMCID, which belongs into the field pmcid."
    assert identifier_hint("1945 3963", pattern) == ""
    assert identifier_hint("PMID:19453963", pattern) == " Did you mean '19453963'?"
    assert identifier_hint("1945396319453963", pattern) == ""


def test_facts_of_a_record_and_their_places_agree(project_root: Path) -> None:
    catalogue = check_project(Project(project_root))
    finders = {kind: FactFinder(kind, catalogue.schemas.record(kind)) for kind in catalogue.schemas.kinds}
    references = sentences = 0
    for checked_record in catalogue.records:
        record = checked_record.decode()
        facts = finders[checked_record.kind].facts(record)
        places = finders[checked_record.kind].places(record)
        assert sorted((kind, name) for kind, names in facts.references.items() for name in names) == sorted(
            (kind, name) for kind, name, _ in places.references
        )
        assert sorted(facts.sentences) == sorted(digest for digest, _ in places.sentences)
        for _, name, path in places.references:
            value: Any = record
            for step in path:
                value = value[step]
            assert value == name
        references += len(places.references)
        sentences += len(places.sentences)
    assert references > 1000
    assert sentences > 1000

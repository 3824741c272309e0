"""The coverage report: its sums agree with the database, and one record more is one more in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ldn_evidence.check import CheckedCatalogue, check_project
from ldn_evidence.cli import main
from ldn_evidence.coverage import coverage_rows, studies_with_effect
from ldn_evidence.link import Catalogue
from ldn_evidence.project import Project

Measures = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def checked(project_root: Path) -> CheckedCatalogue:
    return check_project(Project(project_root))


@pytest.fixture(scope="module")
def measures(checked: CheckedCatalogue) -> Measures:
    return by_name(coverage_rows(Catalogue(checked)))


@pytest.fixture(scope="module")
def database(built_database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{built_database}?mode=ro", uri=True)) as connection:
        yield connection


def by_name(rows: Iterator[dict[str, Any]]) -> Measures:
    rows_of: Measures = {}
    for row in rows:
        key = row["section"], row["measure"]
        assert key not in rows_of, key
        rows_of[key] = row
    return rows_of


def test_there_is_something_to_measure(measures: Measures) -> None:
    assert len(measures) > 100
    assert measures["records", "studies"]["count"] >= 380
    sections = {section for section, _ in measures}
    assert sections >= {
        "records",
        "identifiers of studies",
        "depth of reading",
        "numbers",
        "fields of studies left empty",
        "conditions",
        "claims",
        "records without a second look",
        "citations",
    }


def test_no_share_is_more_than_the_whole(measures: Measures) -> None:
    for row in measures.values():
        assert 0 <= row["count"] <= row.get("total", row["count"]), row


@pytest.mark.parametrize(
    "section", ["studies by design", "depth of reading", "depth of reading, randomised trials"]
)
def test_a_partition_adds_up(measures: Measures, section: str) -> None:
    rows = [row for (name, _), row in measures.items() if name == section]
    totals = {row["total"] for row in rows}
    assert totals == {sum(row["count"] for row in rows)}
    assert totals > {0} or 0 not in totals


def test_every_field_of_a_study_is_accounted_for(checked: CheckedCatalogue, measures: Measures) -> None:
    empty = {name: row["count"] for (section, name), row in measures.items() if section.startswith("fields")}
    studies = [record.decode() for record in checked.records if record.kind == "studies"]
    for field in checked.schemas.record("studies")["properties"]:
        assert empty.get(field, 0) == sum(field not in study for study in studies), field


@pytest.mark.parametrize(
    ("section", "measure", "query"),
    [
        ("records", "conditions", "SELECT count(*) FROM conditions"),
        ("identifiers of studies", "pmid", "SELECT count(*) FROM studies WHERE pmid IS NOT NULL"),
        (
            "identifiers of studies",
            "registry",
            "SELECT count(DISTINCT study_id) FROM study_registrations",
        ),
        (
            "depth of reading",
            "abstract",
            "SELECT count(*) FROM studies WHERE verification_depth = 'abstract'",
        ),
        ("conditions", "never studied", "SELECT count(*) FROM conditions WHERE direction = 'not_studied'"),
        (
            "conditions",
            "with an identifier",
            "SELECT count(DISTINCT condition_id) FROM condition_identifiers",
        ),
        ("claims", "with evidence", "SELECT count(DISTINCT claim_id) FROM claim_evidence"),
        (
            "registered trials",
            "with a report in the base",
            "SELECT count(DISTINCT trial_id) FROM trial_reports",
        ),
        (
            "records without a second look",
            "studies",
            "SELECT count(*) FROM studies WHERE verification_second_look IS NULL",
        ),
        ("search log", "queries", "SELECT count(*) FROM search_queries"),
    ],
)
def test_the_database_counts_the_same(
    database: sqlite3.Connection, section: str, measure: str, query: str
) -> None:
    stored = database.execute(
        "SELECT count FROM coverage WHERE section = ? AND measure = ?", (section, measure)
    ).fetchone()
    assert stored == database.execute(query).fetchone()


def test_the_table_holds_the_whole_report(database: sqlite3.Connection, measures: Measures) -> None:
    stored = {
        (section, measure): (count, total, note)
        for section, measure, count, total, note in database.execute("SELECT * FROM coverage")
    }
    assert stored == {key: (row["count"], row.get("total"), row.get("note")) for key, row in measures.items()}


def test_effects_are_counted_as_the_appraisal_computes_them(
    checked: CheckedCatalogue, database: sqlite3.Connection
) -> None:
    randomised = "SELECT term FROM vocabulary_terms WHERE vocabulary_id = 'designs' AND randomized = 1"
    rows = database.execute(
        "SELECT DISTINCT study_id FROM effects JOIN studies ON studies.id = effects.study_id "
        f"WHERE studies.design IN ({randomised})"
    )
    assert {study for (study,) in rows} == studies_with_effect(Catalogue(checked)) != set()


def test_the_command_prints_every_measure(project_root: Path, measures: Measures) -> None:
    result = CliRunner().invoke(main, ["--root", str(project_root), "coverage", "--json"])
    assert result.exit_code == 0, result.output
    assert by_name(iter(json.loads(result.stdout))) == measures
    text = CliRunner().invoke(main, ["--root", str(project_root), "coverage"])
    assert text.exit_code == 0, text.output
    assert "or was not read; never a guess" in " ".join(text.output.split())
    assert "randomised trials with a computed effect" in text.stdout

"""`ldn-evidence explain`: what it prints, what it gives to programs, and what a hypothetical study changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from ldn_evidence.cli import main

TESTS = Path(__file__).parent
ROOT = TESTS.parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The small clean catalogue of the check's own tests, with the real schemas and vocabularies."""
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    shutil.copytree(TESTS / "valid" / "data", tmp_path / "data")
    shutil.copytree(ROOT / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    record = tmp_path / "data" / "conditions" / "example-disease.yml"
    assert "direction: unclear" in record.read_text("utf-8")
    record.write_text(record.read_text("utf-8").replace("direction: unclear", "direction: mixed"), "utf-8")
    return tmp_path


def explain(root: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["--root", str(root), "explain", *map(str, arguments)])


def hypothetical(root: Path, **fields: Any) -> Path:
    record = {
        "id": "next-trial",
        "title": "The trial that somebody might do",
        "no_identifier": "Hypothetical.",
        "year": 2027,
        "design": "randomized_parallel",
        "blinding": "double_blind",
        "status": "published",
        "conditions": ["example-disease"],
        "enrolment": {"analyzed": 300},
        "arms": [
            {
                "id": "ldn",
                "label": "Naltrexone",
                "role": "intervention",
                "dose_class": "low",
                "route": "oral",
            },
            {"id": "placebo", "label": "Placebo", "role": "comparator", "control_kind": "placebo"},
        ],
        "outcomes": [
            {"id": "pain", "name": "pain", "domain": "pain", "role": "primary", "direction": "favours_ldn"}
        ],
        "conclusion": "A hypothetical study says nothing about anybody.",
        "verification": {"depth": "full_text"},
    } | fields
    path = root / "what-if.yml"
    path.write_text(yaml.safe_dump(record, sort_keys=False), "utf-8")
    return path


def test_it_prints_tier_reason_trace_studies_history_and_outlook(root: Path) -> None:
    result = explain(root, "example-disease")
    assert result.exit_code == 0, result.output
    for said in (
        "Example disease  limited · unclear",
        "One blinded placebo-controlled trial with 38 participants found no difference in pain",
        "limited-otherwise",
        "direction-unclear-otherwise",
        "example-trial",
        "no: retracted",
        "History",
        "2020",
        "Outlook",
        "The record says limited, mixed.",
        "Not medical advice",
    ):
        assert said in result.output, said
    assert max(len(line) for line in result.output.splitlines()) <= 110


def test_json_holds_the_same_for_programs(root: Path) -> None:
    result = explain(root, "example-disease", "--json")
    data = json.loads(result.output)
    assert data["computed"] == {"tier": "limited", "direction": "unclear"}
    assert data["recorded"] == {"tier": "limited", "direction": "mixed"}
    assert data["amount"]["randomized_participants"] == 38
    assert [row["study"] for row in data["studies"] if row["counts"]] == ["example-trial"]
    assert any(criterion["inputs"] for step in data["trace"] for criterion in step["criteria"])
    assert data["history"][-1]["caused_by"] == ["example-trial"]
    assert {row["change"] for row in data["outlook"]} == {"raise", "lower"}
    assert "what_if" not in data


def test_the_outlook_is_what_the_rule_gives_when_it_comes_true(root: Path) -> None:
    data = json.loads(explain(root, "example-disease", "--json").output)
    raising = next(row for row in data["outlook"] if row["change"] == "raise")
    assert raising["possible"]
    enough = hypothetical(root, enrolment={"analyzed": raising["participants"]})
    then = json.loads(explain(root, "example-disease", "--json", "--what-if", enough).output)["what_if"]
    assert then["computed"] == {"tier": raising["tier"], "direction": raising["direction"]}
    too_few = hypothetical(root, enrolment={"analyzed": raising["participants"] - 1})
    then = json.loads(explain(root, "example-disease", "--json", "--what-if", too_few).output)["what_if"]
    assert then["computed"]["tier"] == "limited"


def second_paper(root: Path, id: str, parent: str) -> None:
    """A further paper of the example trial, with a result of its own."""
    path = hypothetical(
        root,
        id=id,
        title=f"A further look, {id}",
        year=2021,
        enrolment={"analyzed": 38},
        relations=[{"type": "secondary_analysis_of", "study": parent}],
        registry=["NCT10000001"],
        conclusion=f"More was looked at in the invented trial, as {id} says.",
    )
    text = path.read_text("utf-8")
    path.unlink()
    (root / "data" / "studies" / f"{id}.yml").write_text(
        text.replace("no_identifier: Hypothetical.\n", ""), "utf-8"
    )


def test_papers_of_a_trial_whose_record_has_problems_do_not_speak_for_it(root: Path) -> None:
    second_paper(root, "second-paper", "example-trial")
    second_paper(root, "third-paper", "second-paper")
    data = json.loads(explain(root, "example-disease", "--json").output)
    assert (data["problems"], data["left_out"]) == (0, [])
    assert data["amount"]["randomized_trials"] == 1
    trial = root / "data" / "studies" / "example-trial.yml"
    trial.write_text(trial.read_text("utf-8").replace("year: 2020", "year: twenty"), "utf-8")
    data = json.loads(explain(root, "example-disease", "--json").output)
    assert data["amount"]["randomized_trials"] == 0
    assert (data["problems"], data["records_with_problems"]) == (1, 1)
    assert data["left_out"] == [
        {"study": "second-paper", "because_of": "example-trial"},
        {"study": "third-paper", "because_of": "example-trial"},
    ]
    first = explain(root, "example-disease").output.partition("╭")[0]
    for said in ("Provisional", "1 problem", "data/studies/example-trial.yml", "second-paper, third-paper"):
        assert said in " ".join(first.split()), said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"relations": [{"type": "secondary_analysis_of", "study": "nope"}]},
            "relations[0].study: found 'nope', which is not in studies",
        ),
        ({"pmid": 10000001}, "found pmid 10000001, which stands in data/studies/example-trial.yml too"),
        ({"registry": ["NCT10000001"]}, "shares NCT10000001 with 'example-trial'"),
        ({"conditions": ["example-disease", "exmaple-group"]}, "did you mean 'example-group'?"),
    ],
)
def test_a_hypothetical_study_is_checked_beside_the_others(
    root: Path, fields: dict[str, Any], said: str
) -> None:
    path = hypothetical(root, **fields)
    if fields.keys() & {"pmid", "registry"}:
        path.write_text(path.read_text("utf-8").replace("no_identifier: Hypothetical.\n", ""), "utf-8")
    result = explain(root, "example-disease", "--what-if", path)
    assert result.exit_code == 1
    assert result.stdout.startswith("what-if.yml:")
    assert said in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_a_hypothetical_instrument_is_no_instrument(root: Path) -> None:
    path = hypothetical(root)
    path.write_text(
        path.read_text("utf-8").replace("domain: pain", "domain: pain\n  instrument: nope"), "utf-8"
    )
    result = explain(root, "example-disease", "--what-if", path)
    assert result.exit_code == 1
    assert "found 'nope', which is not in instruments" in result.stdout


def test_a_hypothetical_paper_of_a_broken_record_waits_for_it(root: Path) -> None:
    trial = root / "data" / "studies" / "example-trial.yml"
    trial.write_text(trial.read_text("utf-8").replace("year: 2020", "year: twenty"), "utf-8")
    path = hypothetical(root, relations=[{"type": "secondary_analysis_of", "study": "example-trial"}])
    result = explain(root, "example-disease", "--what-if", path)
    assert result.exit_code == 2
    assert "hangs on 'example-trial', whose record has problems" in result.output


def test_what_if_prints_before_and_after(root: Path) -> None:
    result = explain(root, "example-disease", "--what-if", hypothetical(root))
    assert result.exit_code == 0, result.output
    assert "With next-trial: limited, unclear → emerging, benefit" in result.output


def test_what_if_says_when_the_study_counts_for_nothing(root: Path) -> None:
    path = hypothetical(root, verification={"depth": "unverified"})
    output = explain(root, "example-disease", "--what-if", path).output
    assert "(no change)" in output
    assert "not verified" in output


def test_a_hypothetical_study_leaves_no_trace_in_the_catalogue(root: Path) -> None:
    before = sorted(path for path in (root / "data").rglob("*.yml"))
    explain(root, "example-disease", "--what-if", hypothetical(root))
    assert sorted(path for path in (root / "data").rglob("*.yml")) == before


def test_a_broken_hypothetical_study_is_reported_like_any_record(root: Path) -> None:
    result = explain(root, "example-disease", "--what-if", hypothetical(root, design="randomised_parallel"))
    assert result.exit_code == 1
    assert "what-if.yml:5:9: design" in result.output
    assert "randomized_parallel" in result.output


@pytest.mark.parametrize(
    ("condition", "fields", "said"),
    [
        (
            "exmaple-disease",
            None,
            "there is no condition 'exmaple-disease'; did you mean \"example-disease\"?",
        ),
        ("example-disease", {"conditions": []}, "the study bears on none, not on example-disease"),
        ("example-disease", {"id": "example-trial"}, "a study of the id 'example-trial' exists"),
    ],
)
def test_what_cannot_be_explained_is_said_in_one_line(
    root: Path, condition: str, fields: dict[str, Any] | None, said: str
) -> None:
    more: list[str | Path] = [] if fields is None else ["--what-if", hypothetical(root, **fields)]
    result = explain(root, condition, *more)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["example-disease", "Example Disease", "example’s-DISORDER"])
def test_a_condition_may_be_named_as_people_name_it(root: Path, name: str) -> None:
    record = root / "data" / "conditions" / "example-disease.yml"
    text = record.read_text("utf-8")
    assert "synonyms" not in text
    record.write_text(text.replace("category:", "synonyms: [Example's disorder]\ncategory:", 1), "utf-8")
    result = explain(root, name, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["condition"] == "example-disease"


def test_a_part_of_a_name_leads_to_the_conditions_that_have_it(root: Path) -> None:
    assert "did you mean example-disease, example-group?" in explain(root, "exam").output
    assert "name a condition" in explain(root, "").output


def test_a_missing_file_and_a_condition_with_problems_are_named(root: Path) -> None:
    result = explain(root, "example-disease", "--what-if", root / "nowhere.yml")
    assert result.exit_code == 2
    assert "nowhere.yml cannot be read" in result.output
    path = root / "data" / "conditions" / "example-disease.yml"
    path.write_text(path.read_text("utf-8").replace("category: pain", "category: pian"), "utf-8")
    result = explain(root, "example-disease")
    assert result.exit_code == 2
    assert "data/conditions/example-disease.yml has problems" in result.output

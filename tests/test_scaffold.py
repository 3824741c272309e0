"""`ldn-evidence new`: a template that explains every field and cannot pass the checks before it is filled."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from ldn_evidence.cli import main
from ldn_evidence.schemas import Schemas, walk

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = Schemas(PROJECT_ROOT / "schema")
KINDS = SCHEMAS.kinds


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT_ROOT / "schema", tmp_path / "schema")
    shutil.copytree(PROJECT_ROOT / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    return tmp_path


def run(catalogue: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(catalogue), *arguments])


def test_there_are_kinds_to_begin() -> None:
    assert len(KINDS) >= 10


@pytest.mark.parametrize("kind", KINDS)
def test_required_fields_stand_open_and_the_others_are_switched_off(catalogue: Path, kind: str) -> None:
    result = run(catalogue, "new", kind, "an-example")
    assert result.exit_code == 0, result.output
    path = catalogue / "data" / kind / "an-example.yml"
    assert result.output.strip() == str(path)
    record = yaml.load(path.read_bytes(), yaml.BaseLoader)
    assert record.pop("id") == "an-example"
    schema = SCHEMAS.record(kind)
    assert record.keys() == set(schema["required"]) - {"id"}
    assert not set(leaves(record)) - {""}


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in leaves(child)]
    if isinstance(value, list):
        return [leaf for child in value for leaf in leaves(child)]
    return [value]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_schema_is_named_and_explained(catalogue: Path, kind: str) -> None:
    run(catalogue, "new", kind, "an-example")
    text = (catalogue / "data" / kind / "an-example.yml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema=../../schema/{kind}.schema.json\n")
    prose = re.sub(r"\n[ #]*# ", " ", text)
    for path, node in walk(SCHEMAS.record(kind)):
        if path and path[-1] != "[]":
            assert re.search(rf"^[ #-]*{re.escape(path[-1])}:", text, re.MULTILINE), path
            assert node["description"] in prose, path


@pytest.mark.parametrize("kind", KINDS)
def test_check_names_every_field_that_is_still_open(catalogue: Path, kind: str) -> None:
    run(catalogue, "new", kind, "an-example")
    result = run(catalogue, "check", "--format", "json")
    assert result.exit_code == 1
    problems = json.loads(result.stdout)
    assert {problem["file"] for problem in problems} == {f"data/{kind}/an-example.yml"}
    named = {re.split(r"[.\[]", problem["path"])[0] for problem in problems}
    assert named >= set(SCHEMAS.record(kind)["required"]) - {"id"}


def test_an_unknown_kind_gets_a_suggestion(catalogue: Path) -> None:
    for kind, meant in [("studeis", "studies"), ("study", "studies"), ("Adverse effect", "adverse-effects")]:
        result = run(catalogue, "new", kind, "smith-2024")
        assert result.exit_code == 2
        assert f'did you mean "{meant}"?' in result.output


@pytest.mark.parametrize("id", ["Smith-2024", "smith_2024", "../smith", "smith--2024", "s" * 81, ""])
def test_an_id_of_the_wrong_form_is_refused(catalogue: Path, id: str) -> None:
    result = run(catalogue, "new", "studies", id)
    assert result.exit_code == 2
    assert "cannot be an id" in result.output
    assert not (catalogue / "data" / "studies").exists()


def test_a_record_that_exists_is_never_overwritten(catalogue: Path) -> None:
    assert run(catalogue, "new", "studies", "smith-2024").exit_code == 0
    path = catalogue / "data" / "studies" / "smith-2024.yml"
    path.write_text("id: smith-2024\n")
    result = run(catalogue, "new", "studies", "smith-2024")
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert path.read_text() == "id: smith-2024\n"


def test_a_retired_id_is_refused(catalogue: Path) -> None:
    (catalogue / "data" / "retired.yml").write_text(
        "retired:\n  - kind: studies\n    id: smith-2024\n    on: 2026-01-01\n    reason: Entered twice.\n"
    )
    result = run(catalogue, "new", "studies", "smith-2024")
    assert result.exit_code == 2
    assert "retired" in result.output
    assert run(catalogue, "new", "conditions", "smith-2024").exit_code == 0

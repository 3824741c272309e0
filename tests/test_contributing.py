"""What CONTRIBUTING tells a curator is so: commands, targets, files, rules and fields exist; editors get every schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest
import yaml

from ldn_evidence.cli import main
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import Schemas, walk

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SCHEMAS = Schemas(ROOT / "schema")


def test_commands_exist() -> None:
    assert isinstance(main, click.Group)
    named = set(re.findall(r"ldn-evidence ([a-z]+)", GUIDE))
    assert len(named) >= 5
    assert named <= set(main.commands)


def test_every_command_is_in_the_changelog() -> None:
    assert isinstance(main, click.Group)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [name for name in main.commands if f"`{name}`" not in changelog] == []


def test_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {target for line in re.findall(r"make ((?:[a-z]+ ?)+)`", GUIDE) for target in line.split()}
    named |= set(re.findall(r"^    make ([a-z]+)", GUIDE, re.MULTILINE))
    assert len(named) >= 6
    assert named <= targets


def test_files_exist() -> None:
    package = ROOT / "scripts" / "ldn_evidence"
    paths = re.findall(r"`((?:\.?[a-z_-]+/)+[a-z_.-]*)`", GUIDE)
    assert len(paths) >= 12
    missing = [path for path in paths if not ((ROOT / path).exists() or (package / path).exists())]
    assert missing == ["data/retired.yml"] or missing == []


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", GUIDE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (ROOT / target).exists(), target


def test_words_in_code_are_fields_terms_or_rules() -> None:
    fields = {
        step
        for kind in SCHEMAS.kinds
        for path, _ in walk(SCHEMAS.record(kind))
        for step in path
        if step != "[]"
    }
    values: set[str] = set()
    for kind in SCHEMAS.kinds:
        for _, node in walk(SCHEMAS.record(kind)):
            values.update(map(str, node.get("enum", ())))
    rules = {
        rule["id"] for rule in parse((ROOT / "schema/rules.yml").read_bytes(), "schema/rules.yml")["rules"]
    }
    keywords = {"x-unit", "x-references", "x-table", "x-rule", "build_info", "coverage", "tier-as-computed"}
    known = fields | values | rules | keywords
    words = set(re.findall(r"`([a-z]+(?:[_-][a-z]+)+)`", GUIDE)) - set(SCHEMAS.kinds) - {"surname-year"}
    assert len(words) >= 30
    assert {word for word in words if word not in known and word != "cant-2017-thesis"} == set()


def test_every_kind_is_explained() -> None:
    table = GUIDE.partition("## The other records")[2].partition("## ")[0]
    for kind in set(SCHEMAS.kinds) - {"studies"}:
        assert f"`{kind}`" in table, kind


@pytest.mark.parametrize("kind", [*SCHEMAS.kinds, "retired"])
def test_editors_get_every_schema(kind: str) -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    files = settings["yaml.schemas"][f"./schema/{kind}.schema.json"]
    assert files == ("data/retired.yml" if kind == "retired" else f"data/{kind}/*.yml")
    assert (ROOT / "schema" / f"{kind}.schema.json").exists()


def test_every_record_names_its_schema() -> None:
    records = sorted((ROOT / "data").glob("*/*.yml"))
    assert len(records) >= 900
    for path in records:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first == f"# yaml-language-server: $schema=../../schema/{path.parent.name}.schema.json", path


class CoreLoader(yaml.SafeLoader):
    """YAML as editors read it: the core schema of YAML 1.2, which knows no dates and no NO."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), list(first))


def test_an_editor_finds_no_fault_in_records_that_are_right() -> None:
    """A PMID, a volume or a p without quotes is text here, and a number to an editor."""

    def stored(address: str) -> Any:
        return json.loads((ROOT / "schema" / address.rpartition("/")[2]).read_bytes())

    for kind in ("studies", "trials", "pharmacology"):
        validator = jsonschema_rs.validator_for(stored(f"{kind}.schema.json"), retriever=stored)
        paths = sorted((ROOT / "data" / kind).glob("*.yml"))
        assert len(paths) > 40
        for path in paths[::5]:
            record = yaml.load(path.read_bytes(), Loader=CoreLoader)  # noqa: S506 - a safe one with fewer types
            faults = [
                f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(record)
            ]
            assert faults == [], path.name

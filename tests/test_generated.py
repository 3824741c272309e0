"""What is generated and kept in git is current; tables, schema and metadata cannot drift apart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import yaml

from ldn_evidence.generated import GENERATED, stale_files
from ldn_evidence.project import Project
from ldn_evidence.publish.metadata import DATABASE, view_columns
from ldn_evidence.schemas import Schemas, walk
from ldn_evidence.store.layout import Layout


@pytest.fixture(scope="module")
def project(project_root: Path) -> Project:
    return Project(project_root)


def test_generated_files_are_current(project: Project) -> None:
    assert len(GENERATED) >= 3
    assert list(stale_files(project)) == [], "run `make generated`"


def test_every_field_of_every_schema_is_described(project: Project) -> None:
    schemas = Schemas(project.schema)
    assert len(schemas.kinds) >= 14
    undescribed = [
        f"{kind}: {'.'.join(path)}"
        for kind in schemas.kinds
        for path, node in walk(schemas.record(kind))
        if path and path[-1] != "[]" and not node.get("description")
    ]
    assert undescribed == []


def test_every_number_has_a_unit(project: Project) -> None:
    schemas = Schemas(project.schema)
    numbers = [
        (f"{kind}: {'.'.join(path)}", node)
        for kind in schemas.kinds
        for path, node in walk(schemas.record(kind))
        if node.get("type") == "number"
    ]
    assert len(numbers) >= 30
    assert [name for name, node in numbers if not node.get("x-unit")] == []


def test_every_enumerated_value_is_described_or_plain(project: Project) -> None:
    schemas = Schemas(project.schema)
    for kind in schemas.kinds:
        for path, node in walk(schemas.record(kind)):
            if "enumDescriptions" in node:
                assert len(node["enumDescriptions"]) == len(node["enum"]), f"{kind}: {'.'.join(path)}"


def test_tables_have_the_columns_and_types_of_the_schema(project: Project) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript((project.schema / "tables.sql").read_text("utf-8"))
    layout = Layout(Schemas(project.schema))
    assert len(layout.tables) >= 50
    for name, table in layout.tables.items():
        found = [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({name})")]
        assert found == [(column.name, column.sql_type) for column in table.columns], name
        strict = connection.execute("SELECT strict FROM pragma_table_list WHERE name = ?", (name,)).fetchone()
        assert strict == (1,), name


def test_every_foreign_key_has_an_index(project: Project) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript((project.schema / "tables.sql").read_text("utf-8"))
    keys = 0
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        leading = set()
        for index in connection.execute(f"PRAGMA index_list({table})").fetchall():
            leading.add(connection.execute(f"PRAGMA index_info({index[1]})").fetchone()[2])
        for key in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            keys += 1
            assert key[3] in leading, f"{table}.{key[3]}"
    assert keys >= 60


def test_metadata_describes_every_table_view_and_column(project: Project) -> None:
    metadata = yaml.safe_load((project.root / "metadata.yml").read_text("utf-8"))
    tables = metadata["databases"][DATABASE]["tables"]
    layout = Layout(Schemas(project.schema))
    wanted = {name: [column.name for column in table.columns] for name, table in layout.tables.items()}
    wanted.update(view_columns(project))
    assert len(wanted) >= 70
    for name, columns in wanted.items():
        assert tables[name]["description"], name
        assert tables[name]["license"], name
        assert tables[name]["source"], name
        assert list(tables[name]["columns"]) == columns, name
        assert all(tables[name]["columns"].values()), name


def test_descriptions_say_what_a_table_and_column_hold(project: Project) -> None:
    schemas = Schemas(project.schema)
    layout = Layout(schemas)
    written = schemas.documents["common"]["$defs"]["id"]["description"]
    assert [
        f"{name}.{column.name}"
        for name, table in layout.tables.items()
        for column in table.columns
        if column.description == written
    ] == []
    # A table of several lists is not described as the first of them, nor a computed one as a list of a record.
    for name, lists in (
        (
            "condition_points",
            [
                schemas.record("conditions")["properties"][part]
                for part in ("evidence_for", "evidence_against")
            ],
        ),
        (
            "mechanism_evidence",
            [schemas.record("mechanisms")["properties"][part] for part in ("supporting", "contradicting")],
        ),
    ):
        assert layout.tables[name].description not in [one["description"] for one in lists]
    for name, node in schemas.documents["computed"]["$defs"].items():
        assert layout.tables[name].description == node["description"], name

"""CSV, Parquet, JSON and NDJSON, read by frictionless, DuckDB and Arrow, row by row as in the database."""

from __future__ import annotations

import csv
import json
import sqlite3
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from frictionless import Package, system
from openpyxl import load_workbook
from pyarrow import parquet

from export_support import assert_same_rows, names_of, open_base, readme_queries, rows_of_query, sorted_rows
from ldn_evidence.project import Project
from ldn_evidence.publish.export import export
from ldn_evidence.publish.export.excel import FORMULA


def rows_of(package: Any, name: str) -> list[Any]:
    rows: list[Any] = package.get_resource(name).read_rows()
    return rows


@pytest.fixture(scope="module")
def package_folder(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    with zipfile.ZipFile(exported / "ldn-csv.zip") as archive:
        archive.extractall(folder)
    return folder


def test_frictionless_finds_no_error_in_the_package(package_folder: Path) -> None:
    with system.use_context(trusted=True):
        package = Package(package_folder / "datapackage.json")
        assert len(package.resources) > 65
        assert sum(len(resource.schema.foreign_keys) for resource in package.resources) > 100
        report = package.validate()
    assert report.flatten(["name", "rowNumber", "fieldName", "type", "note"]) == []
    assert report.valid


def test_frictionless_reads_the_rows_of_the_database(
    package_folder: Path, built_database: Path, project_root: Path
) -> None:
    with system.use_context(trusted=True), open_base(built_database, project_root) as base:
        package = Package(package_folder / "datapackage.json")
        for name in names_of(base):
            found = [
                [float(value) if type(value).__name__ == "Decimal" else value for value in row.to_list()]
                for row in rows_of(package, name)
            ]
            assert_same_rows(base.relations[name], base.rows(name), found)


def test_csv_keeps_codes_and_every_digit(
    package_folder: Path, built_database: Path, project_root: Path
) -> None:
    with open_base(built_database, project_root) as base:
        for name in names_of(base):
            relation = base.relations[name]
            folder = "views" if relation.is_view else "tables"
            with (package_folder / folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                header, *rows = list(csv.reader(file))
            assert tuple(header) == relation.column_names
            expected = [["" if value is None else str(value) for value in row] for row in base.rows(name)]
            assert rows == expected, name


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory, built_database: Path, project_root: Path) -> Path:
    """Exports of a copy with values that careless readers spoil."""
    folder = tmp_path_factory.mktemp("awkward")
    copy = folder / "copy.db"
    copy.write_bytes(built_database.read_bytes())
    with sqlite3.connect(copy) as connection:
        connection.execute(
            "UPDATE condition_identifiers SET code = '8E49', label = '007' WHERE scheme = 'ICD-11'"
        )
        connection.execute("UPDATE studies SET title = '=1+1', country = '+47', population = '-3 to @'")
    export(Project(project_root), ["csv", "parquet", "excel", "ndjson"], folder / "dist", copy)
    return folder / "dist"


def test_codes_that_look_like_numbers_stay_codes(awkward: Path) -> None:
    """ICD-11 has codes such as 8E49, which careless readers take for 8 times ten to the 49th."""
    table = awkward / "parquet/condition_identifiers.parquet"
    read = duckdb.execute(f"SELECT DISTINCT code, label FROM read_parquet('{table}') WHERE scheme = 'ICD-11'")
    assert read.fetchall() == [("8E49", "007")]
    with zipfile.ZipFile(awkward / "ldn-csv.zip") as archive:
        archive.extractall(awkward / "csv")
    with system.use_context(trusted=True):
        rows = rows_of(Package(awkward / "csv/datapackage.json"), "condition_identifiers")
    assert {(row["code"], row["label"]) for row in rows if row["scheme"] == "ICD-11"} == {("8E49", "007")}


def test_no_text_of_the_workbook_is_a_formula(awkward: Path) -> None:
    workbook = load_workbook(awkward / "ldn.xlsx")
    cells = [
        cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]
    assert len(cells) > 1000
    assert all(cell.data_type != "f" for cell in cells)
    titles = [cell for cell in cells if cell.value == "=1+1"]
    assert titles
    assert all(cell.data_type == "s" and cell.quotePrefix and cell.number_format == "@" for cell in titles)


def test_the_workbook_has_every_row_of_every_view(
    exported: Path, built_database: Path, project_root: Path
) -> None:
    workbook = load_workbook(exported / "ldn.xlsx", read_only=True)
    with open_base(built_database, project_root) as base:
        assert workbook.sheetnames == ["Read me", *(name[:31] for name in base.views)]
        for name, view in base.views.items():
            header, *rows = workbook[name[:31]].iter_rows(values_only=True)
            assert header == view.column_names
            # A reader ends a row at its last filled cell; and 15 digits are all that Excel keeps.
            padded = [[*map(stored, row), *[None] * (len(header) - len(row))] for row in rows]
            assert_same_rows(view, base.rows(name), padded, digits=15)
        readme = [
            str(value) for row in workbook["Read me"].iter_rows(values_only=True) for value in row if value
        ]
        assert base.notice in readme
        assert base.version in readme
        assert "CC0-1.0" in readme


def stored(value: Any) -> Any:
    """A cell of the workbook as the database has it: days are text there."""
    return value.date().isoformat() if isinstance(value, datetime) else value


def test_days_are_true_dates_in_the_workbook_and_rougher_dates_are_text(exported: Path) -> None:
    workbook = load_workbook(exported / "ldn.xlsx", read_only=True)

    def kinds(view: str, column: str) -> set[type]:
        header, *rows = workbook[view].iter_rows(values_only=True)
        at = header.index(column)
        return {type(row[at]) for row in rows if len(row) > at} - {type(None)}

    for view, column in (
        ("condition_catalogue", "last_searched"),
        ("review_due", "due"),
        ("open_trials", "as_of"),
    ):
        assert kinds(view, column) == {datetime}
    # Registries give some of them as a month.
    for view, column in (
        ("open_trials", "completion"),
        ("open_trials", "start"),
        ("review_due", "next_trial_completion"),
    ):
        assert kinds(view, column) == {str}


def test_no_text_of_the_base_is_a_formula_to_a_spreadsheet(built_database: Path, project_root: Path) -> None:
    """So CSV is exact and yet runs nothing. A text that begins so is to be worded another way in its record."""
    with open_base(built_database, project_root) as base:
        found = [
            f"{relation.name}.{column}: {value[:60]}"
            for relation in base.relations.values()
            for row in base.rows(relation.name)
            for column, value in zip(relation.column_names, row, strict=True)
            if isinstance(value, str) and value.startswith(FORMULA)
        ]
    assert found == []


def test_the_package_says_licence_version_and_notice(
    package_folder: Path, built_database: Path, project_root: Path
) -> None:
    package = json.loads((package_folder / "datapackage.json").read_text("utf-8"))
    with open_base(built_database, project_root) as base:
        assert package["version"] == base.version
        assert package["description"] == base.notice
    assert package["licenses"][0]["name"] == "CC0-1.0"
    assert all(
        field["description"] for resource in package["resources"] for field in resource["schema"]["fields"]
    )
    readme = (package_folder / "README.txt").read_text("utf-8")
    assert "Not medical advice" in readme
    assert "opioid" in readme


@pytest.fixture(scope="module")
def engine(exported: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with one view for each Parquet file."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET default_null_order = 'nulls_first'")
    for file in sorted((exported / "parquet").glob("*.parquet")):
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM read_parquet('{file}')")
    return connection


def test_duckdb_reads_every_row_of_parquet(
    engine: duckdb.DuckDBPyConnection, built_database: Path, project_root: Path
) -> None:
    with open_base(built_database, project_root) as base:
        for name in names_of(base):
            assert_same_rows(
                base.relations[name], base.rows(name), engine.execute(f"SELECT * FROM {name}").fetchall()
            )


def test_duckdb_answers_the_queries_of_the_readme(
    engine: duckdb.DuckDBPyConnection, built_database: Path, project_root: Path
) -> None:
    for query in readme_queries(project_root):
        found = engine.execute(query).fetchall()
        assert sorted_rows(found) == sorted_rows(rows_of_query(built_database, query))


def test_parquet_files_describe_themselves(exported: Path, built_database: Path, project_root: Path) -> None:
    with open_base(built_database, project_root) as base:
        for name in names_of(base):
            schema = parquet.read_schema(exported / "parquet" / f"{name}.parquet")
            about = {key.decode(): value.decode() for key, value in schema.metadata.items()}
            assert about["license"] == "CC0-1.0"
            assert about["data_version"] == base.version
            assert about["notice"] == base.notice
            assert about["description"]
            assert all(schema.field(column).metadata[b"description"] for column in schema.names)


def test_json_has_every_row(exported: Path, built_database: Path, project_root: Path) -> None:
    document = json.loads((exported / "ldn.json").read_bytes())
    with open_base(built_database, project_root) as base:
        assert document["meta"]["notice"] == base.notice
        assert document["meta"]["license"] == "CC0-1.0"
        assert document["meta"]["data_version"] == base.version
        for name in names_of(base):
            relation = base.relations[name]
            found = document["views" if relation.is_view else "tables"][name]
            assert all(tuple(row) == relation.column_names for row in found)
            assert_same_rows(relation, base.rows(name), [list(row.values()) for row in found])


def test_what_entered_a_rule_is_an_object_in_json(exported: Path) -> None:
    traced = json.loads((exported / "ldn.json").read_bytes())["tables"]["tier_trace"]
    assert traced
    assert all(isinstance(row["inputs"], dict) for row in traced)


def test_duckdb_reads_ndjson(exported: Path, built_database: Path, project_root: Path) -> None:
    read = (
        "SELECT \"table\", CAST(row AS VARCHAR) FROM read_json(?, format = 'newline_delimited', "
        "columns = {'table': 'VARCHAR', 'row': 'JSON'})"
    )
    rows: dict[str, list[dict[str, Any]]] = {}
    for table, row in duckdb.connect(":memory:").execute(read, [str(exported / "ldn.ndjson")]).fetchall():
        rows.setdefault(table, []).append(json.loads(row))
    with open_base(built_database, project_root) as base:
        assert rows["meta"][0]["notice"] == base.notice
        for name in base.tables:
            found = [list(row.values()) for row in rows.get(name, [])]
            assert_same_rows(base.relations[name], base.rows(name), found)

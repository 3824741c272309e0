"""Every table and view as CSV in one zip, with a Frictionless data package that says what each column is.

The CSV is exact: UTF-8, a comma between fields, quotes where they are needed, an empty field for a missing value, numbers
with every digit, 0 and 1 for booleans, JSON for lists. Nothing is escaped against spreadsheets: no text of the base begins as
a formula does, which a test watches over. Codes such as the ICD-11 code 8E49 or a number with leading zeros
stand as they are; a program that reads `datapackage.json` keeps them as text, and a spreadsheet does when its columns are
imported as text. For spreadsheets there is the Excel workbook.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.publish.export.base import Base, ExportColumn, Relation, version_line
from ldn_evidence.publish.export.files import Written, write_zip

_TYPES = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}


def write_package(base: Base, folder: Path) -> Iterable[Written]:
    """Write `ldn-csv.zip` with `datapackage.json`, `README.txt`, `tables/*.csv` and `views/*.csv`."""
    target = folder / "ldn-csv.zip"
    rows = 0
    members: list[tuple[str, bytes]] = [
        ("README.txt", _readme(base).encode()),
        (
            "datapackage.json",
            orjson.dumps(_package(base), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        ),
    ]
    for relation in base.relations.values():
        found = base.rows(relation.name)
        rows += 0 if relation.is_view else len(found)
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(relation.column_names)
        writer.writerows(found)
        members.append((_path(relation), buffer.getvalue().encode()))
    write_zip(target, members, base.day)
    yield Written(target, rows)


def _path(relation: Relation) -> str:
    return f"{'views' if relation.is_view else 'tables'}/{relation.name}.csv"


def _package(base: Base) -> dict[str, Any]:
    about = base.provenance
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "ldn-evidence",
        "title": about["title"],
        "version": about["data_version"],
        "description": about["notice"],
        "licenses": [{"name": about["license"], "path": about["license_url"], "title": "CC0 1.0"}],
        "keywords": ["low-dose naltrexone", "evidence synthesis"],
        "commit": about["commit"],
        "committed_on": about["committed_on"],
        "resources": [_resource(relation) for relation in base.relations.values()],
    }


def _resource(relation: Relation) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_field(relation, column) for column in relation.columns],
        "missingValues": [""],
    }
    if relation.primary_key:
        schema["primaryKey"] = list(relation.primary_key)
    keys = [
        {
            "fields": [column.name],
            # An empty name is Frictionless's way to say: this very table.
            "reference": {
                "resource": "" if column.references == relation.name else column.references,
                "fields": ["id"],
            },
        }
        for column in relation.columns
        if column.references
    ]
    if keys:
        schema["foreignKeys"] = keys
    return {
        "name": relation.name,
        "type": "table",
        "path": _path(relation),
        "description": relation.description,
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {
            "csv": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True}
        },
        "schema": schema,
    }


def _field(relation: Relation, column: ExportColumn) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES[column.meaning],
        "description": column.description,
    }
    if column.meaning == "boolean":
        field |= {"trueValues": ["1"], "falseValues": ["0"]}
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
        if column.meaning == "text":
            # Never missing, so an empty field is an empty text.
            field["missingValues"] = []
    if relation.primary_key == (column.name,):
        constraints["unique"] = True
    if column.allowed:
        constraints["enum"] = list(column.allowed)
    if constraints:
        field["constraints"] = constraints
    return field


def _readme(base: Base) -> str:
    about = base.provenance
    return (
        f"{version_line(about)}\n"
        f"Licence: {about['license']}, {about['license_url']}\n\n{about['notice']}\n\n"
        "tables/ holds what the records say and what was computed from them, views/ the answers to common questions.\n"
        "datapackage.json describes every column. An empty field means that the value is not known or does not apply.\n"
        "In a spreadsheet, import the columns as text, so that codes such as 8E49 stay what they are;\n"
        "or take the Excel workbook.\n"
    )

"""An Excel workbook for people: a sheet for each view, and one that explains them.

Days are true dates, so that they can be sorted and counted with; dates that may be as rough as a month or a year stay text.
Every text cell has the format "text", so that no code turns into a number or date. A text that begins with `=`, `+`, `-`
or `@` is stored as text and marked with Excel's own quote prefix (the apostrophe one would type before it), so that it
is not taken for a formula when someone edits the cell or saves the sheet as CSV and opens it again; its value stays exact.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from ldn_evidence.publish.api.tables import tables
from ldn_evidence.publish.export.base import Base, Relation
from ldn_evidence.publish.export.files import Written, write_zip

README = "Read me"
LONGEST_NAME = 31
LONGEST_CELL = 32_767
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Days that views compute, and that no column of a table describes.
_COMPUTED_DAYS = frozenset({"as_of", "decided_on", "due"})
# Characters that XML cannot hold.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDTHS = {"text": 30, "number": 12, "integer": 12, "boolean": 8, "array": 30, "object": 30}


def write_workbook(base: Base, folder: Path) -> Iterable[Written]:
    """Write `ldn.xlsx`."""
    workbook = Workbook(write_only=True)
    about = base.provenance
    workbook.properties.title = f"{about['title']} {about['data_version']}"
    workbook.properties.creator = "LDN Evidence contributors"
    workbook.properties.description = f"Licence {about['license']}. {about['notice']}"
    _readme(base, workbook)
    rows = 0
    for view in base.views.values():
        rows += _sheet(base, workbook, view)
    buffer = io.BytesIO()
    workbook.save(buffer)
    target = folder / "ldn.xlsx"
    write_zip(target, _without_clock(buffer, base.day), base.day)
    yield Written(target, rows)


def sheet_name(name: str) -> str:
    """Name of a view's sheet; Excel allows 31 characters."""
    return name[:LONGEST_NAME]


def _readme(base: Base, workbook: Workbook) -> None:
    sheet = workbook.create_sheet(README)
    sheet.column_dimensions["A"].width = 28
    sheet.column_dimensions["B"].width = 28
    sheet.column_dimensions["C"].width = 110
    about = base.provenance
    lines: list[tuple[str, ...]] = [
        (about["title"],),
        (about["notice"],),
        ("Data version", about["data_version"]),
        ("Commit", about["commit"], about["committed_on"]),
        ("Last search", about["data_as_of"]),
        ("Licence", about["license"], about["license_url"]),
        ("Empty cells", "", "Not known, or does not apply. An empty cell is never zero."),
        (),
        ("Sheet", "Column", "Meaning"),
    ]
    for view in base.views.values():
        lines.append((sheet_name(view.name), "", view.description))
        lines += [("", column.name, column.description) for column in view.columns]
    for number, line in enumerate(lines):
        cells = [_cell(sheet, text) for text in line]
        for cell in cells:
            cell.font = Font(bold=number in (0, 1, 8))
        sheet.append(cells)


def _sheet(base: Base, workbook: Workbook, view: Relation) -> int:
    sheet = workbook.create_sheet(sheet_name(view.name))
    sheet.freeze_panes = "B2"
    rows = base.rows(view.name)
    days = days_of(view.name)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(view.columns))}{len(rows) + 1}"
    for number, column in enumerate(view.columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS[column.meaning]
    header = [_cell(sheet, name) for name in view.column_names]
    for cell in header:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True)
    sheet.append(header)
    makers = [_day if column.name in days else _cell for column in view.columns]
    for row in rows:
        sheet.append(
            [
                make(sheet, value) if isinstance(value, str) else value
                for make, value in zip(makers, row, strict=True)
            ]
        )
    return len(rows)


def days_of(view: str) -> frozenset[str]:
    """The columns of a view that hold whole days, never just a month or a year."""
    about = tables()
    shown = {
        name
        for table in about[view]["tables"]
        for name, schema in about[table]["columns"].items()
        if schema.get("format") == "date"
    }
    return frozenset(shown - about[view]["own"].keys() | _COMPUTED_DAYS & about[view]["own"].keys())


def _day(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=datetime.fromisoformat(text))
    cell.number_format = "yyyy-mm-dd"
    return cell


def _cell(sheet: Any, text: str) -> Any:
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    cell = WriteOnlyCell(sheet, value=_FORBIDDEN.sub("", text))
    # The library takes a text that begins with = for a formula, and #N/A for an error.
    cell.data_type = "s"
    cell.number_format = "@"
    if text.startswith(FORMULA):
        cell.quotePrefix = True
    return cell


def _without_clock(buffer: io.BytesIO, day: str) -> Iterable[tuple[str, bytes]]:
    """The parts of the workbook; the library writes the clock's time into one of them."""
    stamp = f"{datetime.fromisoformat(day):%Y-%m-%dT00:00:00Z}".encode()
    with zipfile.ZipFile(buffer) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            yield name, content

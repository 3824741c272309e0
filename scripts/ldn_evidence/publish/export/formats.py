"""The table of formats: one line each, with the function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.files import Written

Writer = Callable[[Base, Path], Iterable[Written]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of export.

    Attributes:
        name: As `ldn-evidence export` takes it.
        files: The file or folder that it writes, and that belongs to it alone.
        media_type: Media type of the file, or of each file in the folder.
        writer: `module:function` in this package; loaded only when asked for, for some need large libraries.
        description: What it is good for.
    """

    name: str
    files: str
    media_type: str
    writer: str
    description: str

    def load(self) -> Writer:
        """The function that writes it."""
        module, _, function = self.writer.partition(":")
        writer: Writer = getattr(import_module(f"{__package__}.{module}"), function)
        return writer


_JSON = "application/json"

FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("sqlite", "ldn.db", "application/vnd.sqlite3", "sqlite:write_file", "The database itself"),
        Format("sql", "ldn.sqlite.sql", "application/sql", "sqlite:write_sql", "SQL text for the sqlite3 shell"),
        Format(
            "postgresql", "ldn.postgresql.sql", "application/sql", "postgresql:write_sql",
            "SQL text for psql: types, keys, checks, indexes, views, full-text search",
        ),
        Format(
            "csv", "ldn-csv.zip", "application/zip", "csv_package:write_package",
            "Every table and view as CSV, with a Frictionless data package",
        ),
        Format(
            "parquet", "parquet", "application/vnd.apache.parquet", "parquet:write_files",
            "Every table and view as Parquet, for DuckDB, Spark, pandas, R",
        ),
        Format("json", "ldn.json", _JSON, "json_files:write_json", "Everything in one JSON file"),
        Format("ndjson", "ldn.ndjson", "application/x-ndjson", "json_files:write_ndjson", "One JSON object a line"),
        Format(
            "excel", "ldn.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "excel:write_workbook", "A workbook for people: a sheet for each view",
        ),
        Format("json-ld", "ldn.jsonld", "application/ld+json", "json_ld:write_json_ld", "Linked data: schema.org"),
        Format(
            "fhir", "ldn.fhir.json", "application/fhir+json", "fhir:write_bundle",
            "FHIR R5: Citation, Evidence, EvidenceVariable",
        ),
        Format("bibtex", "ldn.bib", "application/x-bibtex", "citations:write_bibtex", "All studies, for LaTeX"),
        Format(
            "ris", "ldn.ris", "application/x-research-info-systems", "citations:write_ris",
            "All studies, for reference managers",
        ),
        Format(
            "csl-json", "ldn.csl.json", "application/vnd.citationstyles.csl+json", "citations:write_csl",
            "All studies, for pandoc and Zotero",
        ),
        Format("nbib", "ldn.nbib", "application/nbib", "citations:write_nbib", "All studies, as PubMed writes them"),
        Format("atom", "changes.atom", "application/atom+xml", "atom:write_feed", "Feed of studies and changed tiers"),
        Format(
            "icalendar", "ldn.ics", "text/calendar", "calendar:write_calendar",
            "When trials should be complete and searches fall due",
        ),
        Format("api", "api", _JSON, "static:write_api", "The whole JSON API as files, for any web host"),
        Format("site", "site", "text/html", "static:write_site", "The whole site as files, API and database included"),
    )
}  # fmt: skip

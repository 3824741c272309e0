"""Registrations of trials as ClinicalTrials.gov exports them: JSON of its API (version 2) and CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from ldn_evidence.literature.entry import Entry, NotUnderstood, one_line

_NUMBER = re.compile(r"NCT[0-9]{8}")
_DATE = re.compile(r"[12][0-9]{3}(-[01][0-9](-[0-3][0-9])?)?")


def read_study(study: Mapping[str, Any], line: int) -> Entry | NotUnderstood:
    """One study of the JSON; field names are those of https://clinicaltrials.gov/data-api/about-api."""
    protocol = study["protocolSection"]

    def at(module: str, *path: str) -> Any:
        value: Any = protocol.get(module) if isinstance(protocol, dict) else None
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    size = at("designModule", "enrollmentInfo", "count")
    is_actual = at("designModule", "enrollmentInfo", "type") == "ACTUAL"
    described = {
        "Allocation": at("designModule", "designInfo", "allocation"),
        "Intervention Model": at("designModule", "designInfo", "interventionModel"),
        "Masking": at("designModule", "designInfo", "maskingInfo", "masking"),
        "Primary Purpose": at("designModule", "designInfo", "primaryPurpose"),
    }
    interventions = [
        f"{one_line(row.get('name'))} ({one_line(row.get('description'))})"
        for row in _rows(at("armsInterventionsModule", "interventions"))
    ]
    return _registration(
        line,
        number=at("identificationModule", "nctId"),
        others=[
            one_line(row.get("id"))
            for row in _rows(at("identificationModule", "secondaryIdInfos"))
            if row.get("type") in ("EUDRACT_NUMBER", "CTIS", "REGISTRY")
        ],
        title=at("identificationModule", "briefTitle") or at("identificationModule", "officialTitle"),
        acronym=at("identificationModule", "acronym"),
        sponsor=at("sponsorCollaboratorsModule", "leadSponsor", "name"),
        countries=[row.get("country", "") for row in _rows(at("contactsLocationsModule", "locations"))],
        phases=_words(at("designModule", "phases")),
        design="; ".join(f"{name}: {value}" for name, value in described.items() if value),
        planned=None if is_actual else size,
        actual=size if is_actual else None,
        status=at("statusModule", "overallStatus"),
        seen_on=at("statusModule", "lastUpdatePostDateStruct", "date"),
        start=at("statusModule", "startDateStruct", "date"),
        completion=at("statusModule", "completionDateStruct", "date"),
        why_stopped=at("statusModule", "whyStopped"),
        conditions=_words(at("conditionsModule", "conditions")),
        interventions=interventions,
        has_results=bool(study.get("hasResults")),
    )


def read_csv(text: str) -> Iterator[Entry | NotUnderstood]:
    """Rows of the table that the search page of ClinicalTrials.gov downloads."""
    reader = csv.DictReader(StringIO(text))
    line = 2
    for row in reader:
        yield _row(row, line)
        line = reader.line_num + 1


def _row(row: Mapping[str, Any], line: int) -> Entry | NotUnderstood:
    def first(*names: str) -> str:
        return next((text for name in names if (text := one_line(row.get(name)))), "")

    enrolment = first("Enrollment")
    return _registration(
        line,
        number=first("NCT Number"),
        others=[number for number in first("Other IDs").split("|") if re.match(r"\d{4}-\d{6}-\d{2}", number)],
        title=first("Study Title", "Title"),
        acronym=first("Acronym"),
        sponsor=first("Sponsor") or first("Sponsor/Collaborators").split("|")[0],
        countries=[place.rpartition(",")[2].strip() for place in first("Locations").split("|")],
        phases=first("Phases").split("|"),
        design=first("Study Design", "Study Designs").strip("|").replace("|", "; "),
        # The table does not say whether the number is planned or actual.
        planned=None,
        actual=None,
        status=first("Study Status", "Status"),
        seen_on=first("Last Update Posted", "Last Update Posted Date"),
        start=first("Start Date"),
        completion=first("Completion Date"),
        why_stopped="",
        conditions=first("Conditions").split("|"),
        interventions=first("Interventions").split("|"),
        has_results=first("Study Results").upper() in ("YES", "HAS RESULTS"),
        remarks=[f"enrolment, planned or actual: {enrolment}"] if enrolment else [],
    )


def _registration(
    line: int,
    *,
    number: Any,
    others: Iterable[str],
    title: Any,
    acronym: Any,
    sponsor: Any,
    countries: Iterable[str],
    phases: Iterable[str],
    design: str,
    planned: Any,
    actual: Any,
    status: Any,
    seen_on: Any,
    start: Any,
    completion: Any,
    why_stopped: Any,
    conditions: Iterable[str],
    interventions: Iterable[str],
    has_results: bool,
    remarks: Iterable[str] = (),
) -> Entry | NotUnderstood:
    identifier = one_line(number).upper()
    if not _NUMBER.fullmatch(identifier):
        return NotUnderstood(line, f"found {identifier or 'nothing'} where the NCT number of a study stands")
    said = [one_line(remark) for remark in remarks]
    fields: dict[str, Any] = {
        "registry_number": identifier,
        "other_numbers": list(dict.fromkeys(filter(None, others))),
        "registry": "ClinicalTrials.gov",
        "title": one_line(title),
        "acronym": one_line(acronym),
        "sponsor": one_line(sponsor),
        "country": ", ".join(dict.fromkeys(filter(None, map(one_line, countries)))),
        "phase": "/".join(filter(None, map(_phase, phases))),
        "design": one_line(design),
        "planned": planned if isinstance(planned, int) else None,
        "actual": actual if isinstance(actual, int) else None,
        "status": re.sub(r"\W+", "_", one_line(status).lower().removesuffix(" status")),
        "why_stopped": one_line(why_stopped),
    }
    for name, value in (("status_seen_on", seen_on), ("start", start), ("completion", completion)):
        text = one_line(value)
        if _DATE.fullmatch(text):
            fields[name] = text
        elif text:
            said.append(f"{name} in the export: {text}")
    for name, values in (("conditions", conditions), ("interventions", interventions)):
        joined = "; ".join(filter(None, map(one_line, values)))
        if joined:
            said.append(f"{name} as registered: {joined}")
    if has_results:
        said.append("results are posted in the registry")
    kept = {name: value for name, value in fields.items() if value not in (None, "", [])}
    return Entry("trials", kept, line, remarks=tuple(said))


def _phase(text: str) -> str:
    """PHASE2 is 2, EARLY_PHASE1 early 1; "not applicable" is none."""
    plain = one_line(text).upper().replace("_", " ").replace("PHASE", "").strip()
    return "" if plain in ("NA", "N/A", "NOT APPLICABLE") else " ".join(plain.lower().split())


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _words(value: Any) -> list[str]:
    return [one_line(item) for item in value] if isinstance(value, list) else []

"""Which format an export has is seen from what it holds, not from its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ldn_evidence.literature.entry import Entry, NotUnderstood

Read = Iterator[Entry | NotUnderstood]

KNOWN = (
    "RIS, BibTeX, MEDLINE (nbib), PubMed XML, CSL-JSON, and JSON or CSV of ClinicalTrials.gov; "
    "save the export anew as one of these"
)


class MissingReader(Exception):
    """A library that reads the format is not installed; the message says which, and how to get it."""


def read_export(path: Path) -> list[Entry | NotUnderstood]:
    """Everything that an export file holds, in its order.

    Args:
        path: A file in one of the formats of `KNOWN`, in UTF-8.

    Returns:
        An entry for each reference or registration, and each place that was not understood.

    Raises:
        MissingReader: The library for this format is not installed.
        OSError: The file cannot be read.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [NotUnderstood(line, "found bytes that are not UTF-8; save the export as UTF-8")]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return [NotUnderstood(1, "found nothing; the file is empty")]
    try:
        found = list(_read(text))
    except ModuleNotFoundError as error:
        raise MissingReader(
            f"{path}: {error.name} is needed to read this format; install it with: make .venv/import"
        ) from None
    return found or [NotUnderstood(1, "found no reference and no registration in it")]


def _read(text: str) -> Read:
    from ldn_evidence.literature import bibliography, registrations

    start = text.lstrip()
    if start[0] in "[{":
        yield from _read_json(text)
    elif start[0] == "<":
        yield from bibliography.read_pubmed_xml(text)
    elif re.search(r"^PMID ?- ", text, re.MULTILINE):
        yield from bibliography.read_medline(text)
    elif re.search(r"^TY  ?- ", text, re.MULTILINE):
        yield from bibliography.read_ris(text)
    elif re.search(r"^\s*@\w+\s*[{(]", text, re.MULTILINE):
        yield from bibliography.read_bibtex(text)
    elif "NCT Number" in start.partition("\n")[0]:
        yield from registrations.read_csv(text)
    else:
        yield NotUnderstood(1, f"found none of the formats that can be read: {KNOWN}")


def _read_json(text: str) -> Read:
    from ldn_evidence.literature import bibliography, registrations

    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        yield NotUnderstood(line, f"found what is not JSON: {error}")
        return
    if isinstance(document, dict):
        document = document.get("studies") or document.get("items") or [document]
    if not isinstance(document, list):
        document = [document]
    searched_to = 0
    for item in document:
        if not isinstance(item, dict):
            yield NotUnderstood(1, "found an item of JSON that is neither a reference nor a registration")
            continue
        read = registrations.read_study if "protocolSection" in item else bibliography.read_csl
        place = _place(text, item, searched_to)
        yield read(item, text.count("\n", 0, place) + 1)
        searched_to = place + 1


def _place(text: str, item: dict[str, object], start: int) -> int:
    """Where an item begins: the first brace from which it can be read again."""
    decoder = json.JSONDecoder()
    place = text.find("{", start)
    while place >= 0:
        try:
            if decoder.raw_decode(text, place)[0] == item:
                return place
        except ValueError:
            pass
        place = text.find("{", place + 1)
    return start

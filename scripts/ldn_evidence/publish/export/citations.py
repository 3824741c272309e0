"""Studies as references: BibTeX, RIS, CSL-JSON and NBIB, for one record, for any list of ids, and for all.

`citation` turns one row of the table `studies` into text; pages and API use it too. A file with several references begins
with the base itself, which carries licence, version and notice, for RIS and NBIB know no comments.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.files import Written

Format = Literal["bibtex", "ris", "csl-json", "nbib"]
Record = Mapping[str, Any]

MEDIA_TYPES: Mapping[Format, str] = {
    "bibtex": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csl-json": "application/vnd.citationstyles.csl+json",
    "nbib": "application/nbib",
}
SUFFIXES: Mapping[Format, str] = {"bibtex": "bib", "ris": "ris", "csl-json": "csl.json", "nbib": "nbib"}

# The reference to the base itself.
BASE_ID = "ldn-evidence"

_RETRACTION = {
    "retracted": "RETRACTED",
    "expression_of_concern": "Expression of concern",
    "corrected": "Corrected",
}
_DEPTHS = {
    "abstract": "in LDN Evidence read as an abstract only",
    "registry": "in LDN Evidence read as a registry entry only",
    "secondary": "in LDN Evidence known only from what others say of it",
    "unverified": "not verified in LDN Evidence",
}
# Statuses that say how far a trial has got, and not in what form a paper is out.
_OF_TRIALS = frozenset({"planned", "ongoing", "completed", "terminated", "withdrawn", "unknown"})


@dataclass(frozen=True, slots=True)
class Author:
    """A person (family name, initials, suffix), or a group, which has only a family name.

    `initials` are as printed, without dots: `JA`.
    """

    family: str
    initials: str = ""
    suffix: str = ""

    @property
    def given(self) -> str:
        """The initials with dots: `J. A.`."""
        return " ".join(f"{letter}." for letter in self.initials if letter.isalpha())


# What a record has in the place of authors that were not seen. Only BibTeX has a word for them; a program that reads the other
# formats would take it for a person.
AND_OTHERS = "et al."

_PERSON = re.compile(
    r"(?P<family>\D+?) (?P<initials>[A-ZÀ-ÖØ-Þ](?:[A-ZÀ-ÖØ-Þ-]){0,4})(?: (?P<suffix>Jr|Sr|II|III|IV))?"
)


# The studies with the numbers under which they are registered.
STUDIES = """
SELECT studies.*, (
    SELECT group_concat(registry_number, ', ') FROM (
        SELECT registry_number FROM study_registrations WHERE study_id = studies.id ORDER BY position
    )
) AS registrations FROM studies"""


def citation(record: Record, format: Format) -> str:
    """One study as a reference.

    Args:
        record: A row of `STUDIES` (or of the table, then without registration); `authors` may be JSON text or a list.
        format: bibtex, ris, csl-json or nbib.

    Returns:
        The reference with a newline at the end; in CSL-JSON one object.
    """
    if format == "csl-json":
        return orjson.dumps(_csl(record), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return _WRITERS[format](record)


def citations(connection: sqlite3.Connection, ids: Sequence[str] | None, format: Format) -> str:
    """Studies as a file of references; the first one is the base itself.

    Args:
        connection: A built database.
        ids: Ids of studies in the order wanted, or None for all. Unknown ones are left out.
        format: bibtex, ris, csl-json or nbib.
    """
    if ids is None:
        cursor = connection.execute(f"{STUDIES} ORDER BY id")
    else:
        among = ", ".join("?" * len(ids))
        cursor = connection.execute(f"{STUDIES} WHERE id IN ({among})", list(ids))
    names = [column[0] for column in cursor.description]
    studies = {row[0]: dict(zip(names, row, strict=True)) for row in cursor}
    chosen = studies if ids is None else [identifier for identifier in ids if identifier in studies]
    records = [_base_itself(connection), *(studies[identifier] for identifier in chosen)]
    if format == "csl-json":
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps([_csl(record) for record in records], option=option).decode()
    return "\n".join(_WRITERS[format](record) for record in records)


def write_bibtex(base: Base, folder: Path) -> Iterable[Written]:
    """Write all studies as BibTeX."""
    return _write(base, folder, "bibtex")


def write_ris(base: Base, folder: Path) -> Iterable[Written]:
    """Write all studies as RIS."""
    return _write(base, folder, "ris")


def write_csl(base: Base, folder: Path) -> Iterable[Written]:
    """Write all studies as CSL-JSON."""
    return _write(base, folder, "csl-json")


def write_nbib(base: Base, folder: Path) -> Iterable[Written]:
    """Write all studies as NBIB, the format of PubMed."""
    return _write(base, folder, "nbib")


def _write(base: Base, folder: Path, format: Format) -> Iterator[Written]:
    target = folder / f"ldn.{SUFFIXES[format]}"
    target.write_bytes(citations(base.connection, None, format).encode())
    (studies,) = base.connection.execute("SELECT count(*) FROM studies").fetchone()
    yield Written(target, studies + 1)


def authors(record: Record) -> list[Author]:
    """The authors in the order of the paper. A research group is no author: its name is ours, for judging independence."""
    names = record.get("authors") or []
    if isinstance(names, str):
        names = orjson.loads(names)
    return [_author(name) for name in names]


def named_authors(record: Record) -> list[Author]:
    """The authors without what stands for further ones; `note` says that there are such."""
    return [author for author in authors(record) if author.family != AND_OTHERS]


def form(record: Record) -> str:
    """In what form it is out. Of the protocol of a trial the status says how far the trial has got: the paper is out."""
    status: str = record["status"]
    is_paper = record.get("design") == "protocol" and record.get("journal") and status in _OF_TRIALS
    return "published" if is_paper else status


def note(record: Record) -> str:
    """What a reader of the reference must know: retraction first, then how deep the record was read."""
    parts = []
    retraction = record.get("retraction_status")
    if retraction:
        words = _RETRACTION[retraction]
        parts.append(f"{words}: {record['retraction_note']}" if record.get("retraction_note") else words)
    if record.get("registrations"):
        parts.append(f"Registered as {record['registrations']}")
    if record.get("note"):
        parts.append(record["note"])
    if len(named_authors(record)) < len(authors(record)):
        parts.append("Further authors are not listed in LDN Evidence")
    elif not authors(record) and record.get("research_group"):
        parts.append(f"Authors are not listed in LDN Evidence; research group: {record['research_group']}")
    depth = _DEPTHS.get(record.get("verification_depth") or "")
    if depth:
        parts.append(depth[0].upper() + depth[1:])
    return ". ".join(part.rstrip(".") for part in parts)


def _author(name: str) -> Author:
    found = _PERSON.fullmatch(name)
    if found is None:
        return Author(name)
    return Author(found["family"], found["initials"], found["suffix"] or "")


def _base_itself(connection: sqlite3.Connection) -> dict[str, Any]:
    info = dict(connection.execute("SELECT key, value FROM build_info"))
    return {
        "id": BASE_ID,
        "title": f"{info['title']}: what is known of low-dose naltrexone, condition by condition",
        "authors": ["LDN Evidence contributors"],
        "year": int(info["committed_on"][:4]) if info["committed_on"] else None,
        "design": "other",
        "status": "dataset",
        "version": info["data_version"],
        "note": f"Data version {info['data_version']}, commit {info['commit']}. Licence {info['data_licence']}. {info['notice']}",
    }


# ---- BibTeX


_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        # BibTeX counts braces, also those that are escaped.
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
_BIBTEX_TYPES = {"published": "article", "thesis": "phdthesis"}


def _bibtex(record: Record) -> str:
    journal = record.get("journal")
    kind = _BIBTEX_TYPES.get(form(record), "misc") if journal else "misc"
    place = {"article": "journal", "phdthesis": "school", "misc": "howpublished"}[kind]
    fields = {
        "author": " and ".join(_bibtex_author(author) for author in authors(record)),
        # Braces keep the capitals of the title.
        "title": "{" + _tex(record["title"]) + "}",
        place: _tex(journal),
        "year": _tex(record.get("year")),
        "volume": _tex(record.get("volume")),
        "number": _tex(record.get("issue")),
        "pages": _tex(pages(record)).replace("-", "--"),
        "version": _tex(record.get("version")),
        # Not for typesetting but for links, so without escapes.
        "doi": record.get("doi") or "",
        "pmid": record.get("pmid") or "",
        "pmcid": record.get("pmcid") or "",
        "note": _tex(note(record)),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{record['id']},\n" + ",\n".join(lines) + "\n}\n"


def _bibtex_author(author: Author) -> str:
    if author.family == AND_OTHERS:
        return "others"
    if not author.initials:
        return "{" + _tex(author.family) + "}"
    suffix = f", {author.suffix}" if author.suffix else ""
    return f"{_tex(author.family)}{suffix}, {author.given}"


def pages(record: Record) -> str:
    """The pages with a hyphen between first and last, whatever dash the paper prints."""
    return (record.get("pages") or "").replace("–", "-").replace("—", "-")  # noqa: RUF001


def _tex(value: object) -> str:
    return "" if value is None else _line(value).translate(_TEX)


# ---- RIS


_RIS_TYPES = {
    "published": "JOUR",
    "preprint": "UNPB",
    "unpublished": "UNPB",
    "thesis": "THES",
    "conference_abstract": "ABST",
    "dataset": "DATA",
}


def _ris(record: Record) -> str:
    first, _, last = pages(record).partition("-")
    tags = [
        ("TY", _RIS_TYPES.get(form(record), "GEN")),
        ("ID", record["id"]),
        *(("AU", _ris_author(author)) for author in named_authors(record)),
        ("TI", record["title"]),
        ("T2", record.get("journal")),
        ("PY", record.get("year")),
        ("VL", record.get("volume")),
        ("IS", record.get("issue")),
        ("SP", first),
        ("EP", last),
        ("ET", record.get("version")),
        ("DO", record.get("doi")),
        ("AN", record.get("pmid")),
        ("C2", record.get("pmcid")),
        ("N1", note(record)),
    ]
    lines = [f"{tag}  - {_line(value)}" for tag, value in tags if value not in (None, "")]
    return "\r\n".join([*lines, "ER  - ", ""])


def _ris_author(author: Author) -> str:
    return ", ".join(filter(None, (author.family, author.given.replace(" ", ""), author.suffix)))


# ---- CSL-JSON


_CSL_TYPES = {
    "published": "article-journal",
    "preprint": "article",
    "thesis": "thesis",
    "conference_abstract": "paper-conference",
    "registry_results": "dataset",
    "dataset": "dataset",
}


def _csl(record: Record) -> dict[str, Any]:
    thesis = record["status"] == "thesis"
    fields: dict[str, Any] = {
        "id": record["id"],
        "type": _CSL_TYPES.get(form(record), "document"),
        "title": record["title"],
        "author": [_csl_author(author) for author in named_authors(record)],
        "publisher" if thesis else "container-title": record.get("journal"),
        "issued": {"date-parts": [[record["year"]]]} if record.get("year") else None,
        "volume": record.get("volume"),
        "issue": record.get("issue"),
        "page": pages(record),
        "version": record.get("version"),
        "DOI": record.get("doi"),
        "PMID": record.get("pmid"),
        "PMCID": record.get("pmcid"),
        "note": note(record),
    }
    return {name: value for name, value in fields.items() if value}


def _csl_author(author: Author) -> dict[str, str]:
    if not author.initials:
        return {"literal": author.family}
    person = {"family": author.family, "given": author.given}
    return {**person, "suffix": author.suffix} if author.suffix else person


# ---- NBIB


_NBIB_TYPES = {
    "published": "Journal Article",
    "preprint": "Preprint",
    "conference_abstract": "Meeting Abstract",
    "thesis": "Academic Dissertation",
    "dataset": "Dataset",
}


def _nbib(record: Record) -> str:
    doi = record.get("doi")
    retraction = record.get("retraction_status") == "retracted"
    tags = [
        ("PMID", record.get("pmid")),
        ("VI", record.get("volume")),
        ("IP", record.get("issue")),
        ("DP", record.get("year")),
        ("TI", record["title"]),
        ("PG", pages(record)),
        ("LID", f"{doi} [doi]" if doi else None),
        *_nbib_authors(record),
        ("PT", _NBIB_TYPES.get(form(record))),
        ("PT", "Retracted Publication" if retraction else None),
        ("JT", record.get("journal")),
        ("PMC", record.get("pmcid")),
        ("AID", f"{doi} [doi]" if doi else None),
        ("AID", f"{record['id']} [ldn-evidence]"),
        ("GN", note(record)),
    ]
    lines = [_nbib_line(tag, _line(value)) for tag, value in tags if value not in (None, "")]
    return "\n".join([*lines, ""])


def _nbib_authors(record: Record) -> Iterator[tuple[str, str]]:
    for author in named_authors(record):
        if not author.initials:
            yield "CN", author.family
            continue
        suffix = f", {author.suffix}" if author.suffix else ""
        yield "FAU", f"{author.family}, {author.given.replace('.', '')}{suffix}"
        yield "AU", " ".join(filter(None, (author.family, author.initials, author.suffix)))


def _nbib_line(tag: str, value: str, width: int = 88) -> str:
    """A field with lines of at most `width` characters where words allow; six spaces continue it."""
    lines = [f"{tag:<4}-"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > width and len(lines[-1]) > 6:
            lines.append(f"      {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _line(value: object) -> str:
    """A value on one line."""
    return " ".join(str(value).split())


_WRITERS: Mapping[Format, Callable[[Record], str]] = {"bibtex": _bibtex, "ris": _ris, "nbib": _nbib}

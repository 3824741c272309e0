"""Studies as BibTeX, RIS, CSL-JSON and NBIB, read by pybtex, rispy, citeproc-py and nbib, id by id as in the database."""

from __future__ import annotations

import codecs
import json
import re
import sqlite3
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import citeproc
import jsonschema_rs
import latexcodec  # noqa: F401 - registers the codec "ulatex"
import nbib
import pytest
import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from hypothesis import given, settings
from hypothesis import strategies as st
from pybtex.database import Entry, parse_file, parse_string

from ldn_evidence.publish.export.citations import (
    MEDIA_TYPES,
    STUDIES,
    Format,
    authors,
    citation,
    citations,
    named_authors,
)

Study = Mapping[str, Any]


@pytest.fixture(scope="module")
def studies(built_database: Path) -> dict[str, Study]:
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        found: dict[str, Study] = {row["id"]: dict(row) for row in connection.execute(STUDIES)}
    assert len(found) > 300
    return found


def of_latex(text: str) -> str:
    """What LaTeX would print: escapes undone, braces gone."""
    for command, brace in (("left", "\x01"), ("right", "\x02")):
        text = text.replace(f"\\textbrace{command}{{}}", brace)
    decoded: str = codecs.getdecoder("ulatex")(text)[0]  # type: ignore[arg-type]
    return " ".join(
        decoded.replace("{", "").replace("}", "").replace("\x01", "{").replace("\x02", "}").split()
    )


def assert_bibtex(entry: Entry, study: Study) -> None:
    assert of_latex(entry.fields["title"]) == study["title"]
    for field, column in (("doi", "doi"), ("pmid", "pmid"), ("pmcid", "pmcid")):
        assert entry.fields.get(field) == study[column]
    assert entry.fields.get("year") == (str(study["year"]) if study["year"] else None)
    journal = next(
        (entry.fields[name] for name in ("journal", "school", "howpublished") if name in entry.fields), None
    )
    assert (journal and of_latex(journal)) == study["journal"]
    people = entry.persons.get("author", [])
    assert len(people) == len(authors(study))
    for person, author in zip(people, authors(study), strict=True):
        family = of_latex(" ".join([*person.prelast_names, *person.last_names]))
        assert family in (author.family, "others")
        assert " ".join(person.first_names + person.middle_names) == author.given


def test_pybtex_reads_every_study(exported: Path, studies: dict[str, Study]) -> None:
    entries = dict(parse_file(str(exported / "ldn.bib")).entries)
    itself = entries.pop("ldn-evidence")
    assert "Not medical advice" in itself.fields["note"]
    assert "CC0-1.0" in itself.fields["note"]
    assert set(entries) == set(studies)
    for identifier, entry in entries.items():
        assert_bibtex(entry, studies[identifier])


def test_rispy_reads_every_study(exported: Path, studies: dict[str, Study]) -> None:
    found = {entry["id"]: entry for entry in rispy.loads((exported / "ldn.ris").read_text("utf-8"))}
    itself = found.pop("ldn-evidence")
    assert "Not medical advice" in " ".join(itself["notes"])
    assert "CC0-1.0" in " ".join(itself["notes"])
    assert set(found) == set(studies)
    for identifier, entry in found.items():
        study = studies[identifier]
        assert entry["title"] == study["title"]
        assert entry.get("doi") == study["doi"]
        assert entry.get("accession_number") == study["pmid"]
        assert entry.get("year") == (str(study["year"]) if study["year"] else None)
        assert entry.get("secondary_title") == study["journal"]
        assert len(entry.get("authors", [])) == len(named_authors(study))
        pages = "-".join(filter(None, (entry.get("start_page"), entry.get("end_page"))))
        assert pages == (study["pages"] or "").replace("–", "-")  # noqa: RUF001


def test_nbib_reads_every_study(exported: Path, studies: dict[str, Study]) -> None:
    itself, *found = nbib.read_file(str(exported / "ldn.nbib"))
    assert itself["title"].startswith("LDN Evidence")
    note = " ".join((exported / "ldn.nbib").read_text("utf-8").split("\n\n")[0].split())
    assert "Not medical advice" in note
    assert "CC0-1.0" in note
    assert len(found) == len(studies)
    for reference, (identifier, study) in zip(found, sorted(studies.items()), strict=True):
        assert reference["title"] == study["title"], identifier
        assert reference.get("pubmed_id") == (int(study["pmid"]) if study["pmid"] else None)
        assert reference.get("doi") == study["doi"]
        assert reference.get("journal") == study["journal"]
        people = [author for author in authors(study) if author.initials]
        assert len(reference.get("authors", [])) == len(people)


def test_citeproc_renders_every_study(exported: Path, studies: dict[str, Study]) -> None:
    items = json.loads((exported / "ldn.csl.json").read_bytes())
    assert {item["id"] for item in items} == set(studies) | {"ldn-evidence"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that citeproc-py does not know, PMCID among them
        source = CiteProcJSON(items)
        style = CitationStylesStyle("harvard-cite-them-right", validate=False)
        bibliography = CitationStylesBibliography(style, source, formatter.plain)
        for item in items:
            bibliography.register(Citation([CitationItem(item["id"])]))
        rendered = [str(line) for line in bibliography.bibliography()]
    assert len(rendered) == len(items)
    text = "\n".join(rendered)
    younger = next(
        study
        for study in studies.values()
        if study["doi"] and (study["authors"] or "").startswith('["Younger')
    )
    assert younger["title"][:40] in text
    assert "Younger, J." in text


def test_csl_json_has_the_identifiers(exported: Path, studies: dict[str, Study]) -> None:
    for item in json.loads((exported / "ldn.csl.json").read_bytes())[1:]:
        study = studies[item["id"]]
        assert item["title"] == study["title"]
        assert item.get("DOI") == study["doi"]
        assert item.get("PMID") == study["pmid"]
        assert item.get("issued", {}).get("date-parts", [[None]])[0][0] == study["year"]
        assert len(item.get("author", [])) == len(named_authors(study))


def csl_words(file: str) -> set[str]:
    """The words that a part of CSL's own schema allows; citeproc-py comes with it."""
    text = (Path(citeproc.__file__).parent / "data/schema/schemas/styles" / file).read_text("utf-8")
    return set(re.findall(r'^[^#\n]*"([A-Za-z_-]+)"', text, re.MULTILINE))


# What CSL-JSON asks of each variable that is used here; names and dates are objects.
CSL_VALUES: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "id"],
        "additionalProperties": {"type": "string", "minLength": 1},
        "properties": {
            "author": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        name: {"type": "string", "minLength": 1}
                        for name in ("family", "given", "suffix", "literal")
                    },
                    "oneOf": [{"required": ["family"]}, {"required": ["literal"]}],
                },
            },
            "issued": {
                "type": "object",
                "additionalProperties": False,
                "required": ["date-parts"],
                "properties": {
                    "date-parts": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 2,
                        "items": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 3,
                            "items": {"type": "integer"},
                        },
                    }
                },
            },
        },
    },
}


def test_csl_json_keeps_to_csl(exported: Path) -> None:
    """Types and variables are CSL's, values of the kind that it gives them."""
    types, variables = csl_words("csl-types.rnc"), csl_words("csl-variables.rnc")
    assert {"article-journal", "dataset"} <= types
    assert {"container-title", "issued", "author"} <= variables
    items = json.loads((exported / "ldn.csl.json").read_bytes())
    jsonschema_rs.validate(CSL_VALUES, items)
    assert {item["type"] for item in items} <= types
    assert {name for item in items for name in item} <= variables | {"type", "id"}
    assert len({item["id"] for item in items}) == len(items)


def test_notes_give_the_registration(exported: Path, built_database: Path) -> None:
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        numbers = connection.execute("SELECT study_id, registry_number FROM study_registrations").fetchall()
    notes = {item["id"]: item["note"] for item in json.loads((exported / "ldn.csl.json").read_bytes())}
    assert len(numbers) > 50
    for study, number in numbers:
        assert re.search(rf"Registered as [^.]*\b{re.escape(number)}\b", notes[study]), study


def test_pages_are_split_at_any_dash() -> None:
    record = {
        "id": "a",
        "title": "A",
        "status": "published",
        "year": 2014,
        "pages": "451–459",
        "journal": "B",
    }  # noqa: RUF001
    assert "SP  - 451\r\nEP  - 459" in citation(record, "ris")
    assert "pages = {451--459}" in citation(record, "bibtex")
    assert json.loads(citation(record, "csl-json"))["page"] == "451-459"
    assert "PG  - 451-459" in citation(record, "nbib")


def test_further_authors_are_no_person(exported: Path, studies: dict[str, Study]) -> None:
    several = {name for name, study in studies.items() if "et al." in (study["authors"] or "")}
    assert several
    for item in json.loads((exported / "ldn.csl.json").read_bytes()):
        assert ("Further authors are not listed" in item["note"]) == (item["id"] in several)
    for file in ("ldn.csl.json", "ldn.ris", "ldn.nbib"):
        assert not re.search(
            r'^(?:AU|FAU|CN) *- *et al|"et al', (exported / file).read_text("utf-8"), re.MULTILINE
        )
    assert " and others}" in (exported / "ldn.bib").read_text("utf-8")


@pytest.mark.parametrize("format", MEDIA_TYPES)
def test_a_research_group_is_not_given_as_author(studies: dict[str, Study], format: Format) -> None:
    without = [
        study
        for study in studies.values()
        if study["research_group"] and not json.loads(study["authors"] or "[]")
    ]
    assert without
    for study in without:
        text = " ".join(citation(study, format).split())
        assert not re.search(r"\bauthor\b|\bAU ?- |\bCN ?- ", text)
        said = f"research group: {study['research_group']}"
        assert said in (of_latex(text) if format == "bibtex" else text)


def test_the_protocol_of_a_running_trial_is_a_paper_in_a_journal(studies: dict[str, Study]) -> None:
    running = [
        study
        for study in studies.values()
        if study["design"] == "protocol" and study["status"] in ("planned", "ongoing")
    ]
    assert running
    for study in running:
        assert citation(study, "bibtex").startswith("@article{")
        assert citation(study, "ris").startswith("TY  - JOUR")
        assert json.loads(citation(study, "csl-json"))["type"] == "article-journal"
        assert "PT  - Journal Article" in citation(study, "nbib")
    posted = {**running[0], "status": "preprint"}
    assert citation(posted, "bibtex").startswith("@misc{")
    assert citation({**running[0], "journal": None}, "bibtex").startswith("@misc{")


@pytest.mark.parametrize("format", MEDIA_TYPES)
def test_one_record_is_what_the_file_has_of_it(
    exported: Path, studies: dict[str, Study], built_database: Path, format: Format
) -> None:
    chosen = sorted(studies)[:7]
    with sqlite3.connect(f"file:{built_database}?mode=ro", uri=True) as connection:
        several = citations(connection, [*chosen, "no-such-study"], format)
    if format == "csl-json":
        assert json.loads(several)[1:] == [json.loads(citation(studies[one], format)) for one in chosen]
    else:
        assert several.split("\n", 1)
        assert several.endswith("\n".join(citation(studies[one], format) for one in chosen))


@pytest.mark.parametrize("format", MEDIA_TYPES)
def test_a_retraction_cannot_be_missed(studies: dict[str, Study], format: Format) -> None:
    study = {
        **next(iter(studies.values())),
        "retraction_status": "retracted",
        "retraction_note": "Data could not be found.",
    }
    assert "RETRACTED: Data could not be found" in " ".join(citation(study, format).split())


text = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60).map(
    lambda value: " ".join(value.split())
)
title = text.filter(bool)

COMMANDS = {
    r"\textbackslash{}": "\\",
    r"\textbraceleft{}": "{",
    r"\textbraceright{}": "}",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    **{f"\\{character}": character for character in "&%$#_"},
}


def unescaped(text: str) -> str:
    """The commands that LaTeX needs for its special characters undone; the codec knows other conventions as well."""
    pattern = "|".join(re.escape(command) for command in COMMANDS)
    return re.sub(pattern, lambda found: COMMANDS[found[0]], text.removeprefix("{").removesuffix("}"))


@settings(deadline=None)
@given(title, st.none() | title)
def test_any_title_survives_bibtex_ris_and_csl(title: str, journal: str | None) -> None:
    record = {
        "id": "x-2020",
        "title": title,
        "journal": journal,
        "status": "published",
        "authors": ["Younger J"],
        "year": 2020,
    }
    entry = parse_string(citation(record, "bibtex"), "bibtex").entries["x-2020"]
    assert unescaped(entry.fields["title"]) == title
    (read,) = rispy.loads(citation(record, "ris"))
    assert read["title"] == title
    assert json.loads(citation(record, "csl-json"))["title"] == title


@pytest.mark.parametrize(
    ("name", "family", "given"),
    [
        ("Younger J", "Younger", "J."),
        ("van Marwijk H", "van Marwijk", "H."),
        ("Mostafa GAE", "Mostafa", "G. A. E."),
        ("Guttuso T Jr", "Guttuso", "T."),
        ("ALSUntangled group", "ALSUntangled group", ""),
        ("Pain Therapeutics Inc. (sponsor)", "Pain Therapeutics Inc. (sponsor)", ""),
    ],
)
def test_authors_are_people_or_groups(name: str, family: str, given: str) -> None:
    (author,) = authors({"authors": [name]})
    assert (author.family, author.given) == (family, given)

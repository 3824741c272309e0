"""References: RIS, BibTeX, MEDLINE as PubMed saves it (nbib), PubMed XML, CSL-JSON."""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ldn_evidence.literature.entry import (
    Entry,
    NotUnderstood,
    author,
    comma_author,
    numbered_blocks,
    one_line,
    reference,
)

Read = Iterator[Entry | NotUnderstood]

# Zotero writes what its fields cannot hold into the note, one identifier a line.
_NOTED = re.compile(r"^\s*(PMID|PMCID): *((?:PMC)?[1-9][0-9]{3,8})\b", re.MULTILINE)
_REGISTRY_NUMBER = re.compile(r"\b(NCT[0-9]{8}|ISRCTN[0-9]{8}|ACTRN[0-9]{14})\b")


# ---- RIS ------------------------------------------------------------------------------------------------------


def read_ris(text: str) -> Read:
    """References of a RIS file.

    Databases put one thing under different tags: the title is TI or T1, the journal JF, T2, JO or JA, a PMID
    AN (where the database is PubMed) and a PMCID C2.
    """
    import rispy

    for line, block in numbered_blocks(text, re.compile(r"^TY  ?- ", re.MULTILINE)):
        if not re.search(r"^ER  ?-", block, re.MULTILINE):
            yield NotUnderstood(line, "found a reference that no line ER  - ends; the export may be cut off")
            continue
        records = rispy.loads(re.sub(r"^([A-Z][A-Z0-9]) ?- ?", r"\1  - ", block, flags=re.MULTILINE))
        for record in records:
            yield _ris_reference(record, line)


def _ris_reference(record: Mapping[str, Any], line: int) -> Entry | NotUnderstood:
    def first(*names: str) -> str:
        return next((text for name in names if (text := one_line(record.get(name)))), "")

    start, end = first("start_page"), first("end_page")
    addresses = " ".join(record.get("urls", ()))
    database = f"{first('name_of_database')} {first('database_provider')}".lower()
    accession = first("accession_number")
    is_pubmed = "pubmed" in database or "medline" in database
    pmid = accession if is_pubmed and accession.isdigit() else _after("pubmed.ncbi.nlm.nih.gov/", addresses)
    pmcid = first("custom2") if first("custom2").upper().startswith("PMC") else ""
    fields = {
        "title": first("title", "primary_title"),
        "authors": [comma_author(name) for name in record.get("authors") or record.get("first_authors", ())],
        "journal": first("alternate_title3", "secondary_title", "journal_name", "alternate_title2"),
        "year": first("year", "publication_year", "date"),
        "volume": first("volume"),
        "issue": first("number"),
        "pages": f"{start}-{end}" if start and end and end != start else start or first("custom7"),
        "pmid": pmid,
        "pmcid": pmcid or _after("/articles/", addresses, "PMC"),
        "doi": first("doi") or _after("doi.org/", addresses, "10."),
    }
    notes = "\n".join(record.get("notes", ()))
    abstract = f"{first('abstract')} {first('notes_abstract')} {one_line(notes)}"
    return reference(_with_noted(fields, notes), line, remarks=_registrations_named(abstract))


def _after(marker: str, text: str, begins: str = "") -> str:
    """What follows a marker in an address, up to its end, if it begins as it should."""
    found = re.search(re.escape(marker) + rf"({re.escape(begins)}[^\s?#]*)", text)
    return found[1].rstrip("/") if found else ""


def _with_noted(fields: dict[str, Any], note: str) -> dict[str, Any]:
    """The fields, and the identifiers with which lines of the note begin where they have none."""
    noted = {name.lower(): value for name, value in _NOTED.findall(note)}
    return {**fields, **{name: value for name, value in noted.items() if not fields[name]}}


def _registrations_named(text: str) -> list[str]:
    numbers = dict.fromkeys(_REGISTRY_NUMBER.findall(text))
    return [f"registrations named in the abstract or notes: {', '.join(numbers)}"] if numbers else []


# ---- BibTeX ---------------------------------------------------------------------------------------------------


def read_bibtex(text: str) -> Read:
    """References of a BibTeX or BibLaTeX file, each read alone, so that a broken one spoils no other."""
    from pybtex.database import BibliographyData, parse_string
    from pybtex.errors import capture
    from pybtex.exceptions import PybtexError

    parts = list(numbered_blocks(text, re.compile(r"^[ \t]*@\w+\s*[{(]", re.MULTILINE)))
    macros = "".join(part for _, part in parts if re.match(r"\s*@string\b", part, re.IGNORECASE))
    for line, part in parts:
        if re.match(r"\s*@(string|comment|preamble)\b", part, re.IGNORECASE):
            continue
        data = BibliographyData()
        with capture() as errors:
            try:
                data = parse_string(macros + part, "bibtex")
            except PybtexError as error:
                errors.append(error)
        if errors or not data.entries:  # half an entry would be a wrong one
            message = re.sub(r" in line [0-9]+", "", one_line(errors[0])) if errors else "no entry"
            place = getattr(errors[0], "lineno", None) if errors else None
            at = line + place - 1 - macros.count("\n") if place else line
            yield NotUnderstood(at, f"found BibTeX that cannot be read: {message}")
            continue
        for entry in data.entries.values():
            yield _bibtex_reference(entry, line)


def _bibtex_reference(entry: Any, line: int) -> Entry | NotUnderstood:
    fields = {name.lower(): str(value) for name, value in entry.fields.items()}

    def first(*names: str) -> str:
        return next((text for name in names if (text := _without_latex(fields.get(name, "")))), "")

    persons = entry.persons.get("author", ())
    names = [
        author(
            _without_latex(" ".join([*person.prelast_names, *person.last_names])),
            _without_latex(" ".join([*person.first_names, *person.middle_names])),
            _without_latex(" ".join(person.lineage_names)),
        )
        for person in persons
    ]
    is_pubmed = first("eprinttype", "archiveprefix").lower() == "pubmed"
    found = {
        "title": first("title"),
        "authors": [name for name in names if name not in ("others", "O")],
        "journal": first("journal", "journaltitle", "booktitle", "school", "publisher"),
        "year": first("year", "date"),
        "volume": first("volume"),
        "issue": first("number", "issue"),
        "pages": re.sub(r"\s*-{2,}\s*", "-", first("pages", "eid")),
        "pmid": first("pmid") or (first("eprint") if is_pubmed else ""),
        "pmcid": first("pmcid", "pmc"),
        # No markup in an identifier: TeX writes an underscore in it as \_.
        "doi": fields.get("doi", "").replace("\\_", "_").replace("{", "").replace("}", ""),
    }
    surname = _without_latex(" ".join(persons[0].last_names)) if persons else ""
    found = _with_noted(found, fields.get("note", ""))
    return reference(found, line, surname, _registrations_named(f"{first('abstract')} {first('note')}"))


def _without_latex(text: str) -> str:
    """LaTeX as plain text: accents as letters, commands and braces gone."""
    if "\\" in text:
        import latexcodec  # noqa: F401 (importing it makes the codec known)

        text = str(codecs.lookup("ulatex").decode(text)[0])  # type: ignore[arg-type]
    text = re.sub(r"\\[A-Za-z]+\s*(?=\{)", "", text)
    return one_line(text.replace("{", "").replace("}", "").replace("~", " "))


# ---- PubMed ---------------------------------------------------------------------------------------------------

# Notices about a paper, under which nobody wants to miss them.
_NOTICES = {
    "RIN": "Retraction in",
    "EIN": "Erratum in",
    "ECI": "Expression of concern in",
    "CIN": "Comment in",
}


def read_medline(text: str) -> Read:
    """References in the MEDLINE format, which PubMed calls nbib or "PubMed".

    PubMed closes each title with a full stop; that one is left out.
    Tags: https://www.nlm.nih.gov/bsd/mms/medlineelements.html
    """
    for line, block in numbered_blocks(text, re.compile(r"^PMID ?- ", re.MULTILINE)):
        tags: dict[str, list[str]] = defaultdict(list)
        tag = ""
        broken: list[NotUnderstood] = []
        for number, content in enumerate(block.split("\n"), start=line):
            if re.match(r"[A-Z]{2,4} *- ?", content[:6]):
                tag = content[:4].strip()
                tags[tag].append(content[6:])
            elif content.startswith("      ") and tag:
                tags[tag][-1] += " " + content.strip()
            elif content.strip():
                broken.append(
                    NotUnderstood(number, f"found a line with neither a tag nor an indent: {content[:40]}")
                )
        yield from broken
        yield _medline_reference(tags, line)


def _medline_reference(tags: Mapping[str, list[str]], line: int) -> Entry | NotUnderstood:
    def first(*names: str) -> str:
        return next((text for name in names for value in tags.get(name, ()) if (text := one_line(value))), "")

    located = [one_line(value) for name in ("LID", "AID") for value in tags.get(name, ())]
    numbers = [value.partition("/")[2] for value in tags.get("SI", ()) if "/" in value]
    names = tags.get("AU") or [comma_author(name) for name in tags.get("FAU", ())]
    fields = {
        "title": first("TI", "BTI").removesuffix("."),
        "authors": [*names, *tags.get("CN", ())],
        "journal": first("JT", "TA"),
        "year": first("DP"),
        "volume": first("VI"),
        "issue": first("IP"),
        "pages": first("PG"),
        "pmid": first("PMID"),
        "pmcid": first("PMC"),
        "doi": next((v.removesuffix("[doi]").strip() for v in located if v.endswith("[doi]")), ""),
        "registry": [number for number in numbers if _REGISTRY_NUMBER.fullmatch(number.strip())],
    }
    remarks = [f"{name}: {value}" for tag, name in _NOTICES.items() for value in tags.get(tag, ())]
    if tags.get("PT"):
        remarks.insert(0, f"publication types: {', '.join(tags['PT'])}")
    return reference(fields, line, remarks=remarks)


def read_pubmed_xml(text: str) -> Read:
    """References of PubMed's XML; entity declarations are refused."""
    if "<!ENTITY" in text:
        yield NotUnderstood(text[: text.index("<!ENTITY")].count("\n") + 1, "found an entity declaration")
        return
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        yield NotUnderstood(error.position[0], f"found what is not XML: {error}")
        return
    for article in root.iter("PubmedArticle"):
        pmid = one_line(article.findtext("MedlineCitation/PMID"))
        place = re.search(rf"<PMID[^>]*>\s*{re.escape(pmid)}\s*<", text)
        yield _pubmed_reference(article, pmid, text.count("\n", 0, place.start() if place else 0) + 1)


def _pubmed_reference(article: ElementTree.Element, pmid: str, line: int) -> Entry | NotUnderstood:
    def whole(path: str) -> str:
        node = article.find(path)
        return "" if node is None else one_line("".join(node.itertext()))

    paper = "MedlineCitation/Article"
    issue = f"{paper}/Journal/JournalIssue"
    ids = {
        node.get("IdType"): one_line(node.text)
        for node in article.findall("PubmedData/ArticleIdList/ArticleId")
    }
    names = [
        one_line(person.findtext("CollectiveName"))
        or " ".join(
            text for tag in ("LastName", "Initials", "Suffix") if (text := one_line(person.findtext(tag)))
        )
        for person in article.findall(f"{paper}/AuthorList/Author")
    ]
    surname = whole(f"{paper}/AuthorList/Author/LastName")
    types = [one_line(node.text) for node in article.iter("PublicationType")]
    fields = {
        "title": whole(f"{paper}/ArticleTitle").removesuffix("."),
        "authors": names,
        "journal": whole(f"{paper}/Journal/Title"),
        "year": whole(f"{issue}/PubDate/Year") or whole(f"{issue}/PubDate/MedlineDate"),
        "volume": whole(f"{issue}/Volume"),
        "issue": whole(f"{issue}/Issue"),
        "pages": whole(f"{paper}/Pagination/MedlinePgn"),
        "pmid": pmid,
        "pmcid": ids.get("pmc", ""),
        "doi": ids.get("doi", "") or whole(f"{paper}/ELocationID[@EIdType='doi']"),
        "registry": [
            number
            for node in article.iter("AccessionNumber")
            if _REGISTRY_NUMBER.fullmatch(number := one_line(node.text))
        ],
    }
    remarks = [f"publication types: {', '.join(types)}"] if types else []
    for note in article.iter("CommentsCorrections"):
        if note.get("RefType") in ("RetractionIn", "ErratumIn", "ExpressionOfConcernIn"):
            remarks.append(f"{note.get('RefType')}: {one_line(note.findtext('RefSource'))}")
    return reference(fields, line, surname, remarks)


# ---- CSL-JSON -------------------------------------------------------------------------------------------------


def read_csl(item: Mapping[str, Any], line: int) -> Entry | NotUnderstood:
    """One item of CSL-JSON, as Zotero, Mendeley and doi.org give it; Crossref's lists of one title too."""

    def first(*names: str) -> str:
        for name in names:
            value = item.get(name)
            value = value[0] if isinstance(value, list) and value else value
            if isinstance(value, str | int) and (text := one_line(value)):
                return text
        return ""

    persons = [person for person in _list(item.get("author")) if isinstance(person, dict)]
    names = []
    for person in persons:
        whole = person.get("literal") or person.get("name")
        particle = person.get("non-dropping-particle", "")
        family = one_line(f"{particle} {person.get('family', '')}")
        names.append(
            one_line(whole) if whole else author(family, person.get("given", ""), person.get("suffix", ""))
        )
    fields = {
        "title": first("title"),
        "authors": names,
        "journal": first("container-title", "publisher"),
        "year": _csl_year(item.get("issued")),
        "volume": first("volume"),
        "issue": first("issue"),
        "pages": first("page", "number"),
        "pmid": first("PMID"),
        "pmcid": first("PMCID"),
        "doi": first("DOI"),
    }
    fields = _with_noted(fields, str(item.get("note") or ""))
    return reference(fields, line, one_line(persons[0].get("family")) if persons else "")


def _csl_year(issued: Any) -> str:
    if not isinstance(issued, dict):
        return ""
    parts = _list(issued.get("date-parts"))
    if parts and _list(parts[0]):
        return one_line(parts[0][0])
    return one_line(issued.get("literal") or issued.get("raw"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

"""`ldn-evidence add`: exports of every format become drafts that hold what the export says, and nothing else."""

from __future__ import annotations

import json
import shutil
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ldn_evidence.add import add
from ldn_evidence.cli import main
from ldn_evidence.literature import NotUnderstood, read_export
from ldn_evidence.literature.entry import Entry
from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.scaffold import template
from ldn_evidence.schemas import Schemas

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = Schemas(ROOT / "schema")

TITLE = "Naltrexone for example disease: a randomised trial in three clinics"

# One reference in five formats, each as its program writes it. The paper is invented.
RIS = f"""TY  - JOUR
TI  - {TITLE}
AU  - Møller, Åse Marie
AU  - Smith, J.-P., Jr.
JF  - Journal of Examples
PY  - 2019/05//
VL  - 12
IS  - 3
SP  - 101
EP  - 109
DO  - https://doi.org/10.1234/example.5678
AN  - 30000001
DB  - PubMed
C2  - PMC6000001
ER  -
"""
BIBTEX = """@article{moller2019,
  title = {{Naltrexone} for example disease: a randomised trial in three clinics},
  author = {M{\\o}ller, {\\AA}se Marie and Smith, Jr., J.-P.},
  journal = {Journal of Examples},
  year = 2019, month = may, volume = {12}, number = {3}, pages = {101--109},
  doi = {10.1234/example.5678}, pmid = {30000001}, pmcid = {PMC6000001},
}
"""
MEDLINE = """
PMID- 30000001
OWN - NLM
TI  - Naltrexone for example disease: a randomised trial in three
      clinics.
PG  - 101-109
LID - 10.1234/example.5678 [doi]
FAU - Møller, Åse Marie
AU  - Møller ÅM
FAU - Smith, J-P Jr
AU  - Smith JP Jr
JT  - Journal of Examples
TA  - J Ex
DP  - 2019 May-Jun
VI  - 12
IP  - 3
PMC - PMC6000001
PT  - Journal Article
"""
PUBMED_XML = f"""<?xml version="1.0" ?>
<PubmedArticleSet>
<PubmedArticle><MedlineCitation><PMID Version="1">30000001</PMID><Article>
<Journal><JournalIssue><Volume>12</Volume><Issue>3</Issue><PubDate><MedlineDate>2019 May-Jun</MedlineDate></PubDate>
</JournalIssue><Title>Journal of Examples</Title></Journal>
<ArticleTitle>{TITLE.replace("example", "<i>example</i>")}.</ArticleTitle>
<Pagination><MedlinePgn>101-109</MedlinePgn></Pagination>
<AuthorList><Author><LastName>Møller</LastName><Initials>ÅM</Initials></Author>
<Author><LastName>Smith</LastName><Initials>JP</Initials><Suffix>Jr</Suffix></Author></AuthorList>
</Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.1234/example.5678</ArticleId>
<ArticleId IdType="pmc">PMC6000001</ArticleId></ArticleIdList>
<ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.1/another</ArticleId></ArticleIdList></Reference>
</ReferenceList></PubmedData></PubmedArticle>
</PubmedArticleSet>
"""
CSL = json.dumps(
    [
        {
            "type": "article-journal",
            "title": TITLE,
            "author": [
                {"family": "Møller", "given": "Åse Marie"},
                {"family": "Smith", "given": "J.-P.", "suffix": "Jr."},
            ],
            "container-title": "Journal of Examples",
            "issued": {"date-parts": [[2019, 5]]},
            "volume": 12,
            "issue": "3",
            "page": "101-109",
            "DOI": "10.1234/example.5678",
            "PMID": "30000001",
            "PMCID": "PMC6000001",
        }
    ],
    indent=1,
)
REFERENCE = {
    "title": TITLE,
    "authors": ["Møller ÅM", "Smith JP Jr"],
    "journal": "Journal of Examples",
    "year": "2019",
    "volume": "12",
    "issue": "3",
    "pages": "101-109",
    "pmid": "30000001",
    "pmcid": "PMC6000001",
    "doi": "10.1234/example.5678",
}
FORMATS = {"ris": RIS, "bib": BIBTEX, "nbib": MEDLINE, "xml": PUBMED_XML, "json": CSL}

STUDY = {
    "protocolSection": {
        "identificationModule": {
            "nctId": "NCT09000001",
            "briefTitle": "Naltrexone in Example Disease",
            "acronym": "EXAMPLE",
            "secondaryIdInfos": [
                {"id": "2019-000001-11", "type": "EUDRACT_NUMBER"},
                {"id": "K1", "type": "OTHER"},
            ],
        },
        "statusModule": {
            "overallStatus": "TERMINATED",
            "whyStopped": "Slow recruitment",
            "startDateStruct": {"date": "2019-03"},
            "completionDateStruct": {"date": "2021-06-30", "type": "ACTUAL"},
            "lastUpdatePostDateStruct": {"date": "2022-01-02"},
        },
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "University of Examples"}},
        "conditionsModule": {"conditions": ["Example Disease", "Pain"]},
        "designModule": {
            "phases": ["PHASE2", "PHASE3"],
            "enrollmentInfo": {"count": 17, "type": "ACTUAL"},
            "designInfo": {"allocation": "RANDOMIZED", "maskingInfo": {"masking": "DOUBLE"}},
        },
        "armsInterventionsModule": {
            "interventions": [{"type": "DRUG", "name": "Naltrexone", "description": "4.5 mg at night"}]
        },
        "contactsLocationsModule": {
            "locations": [{"country": "Denmark"}, {"country": "Denmark"}, {"country": "Norway"}]
        },
    },
    "hasResults": True,
}
REGISTRATION = {
    "registry_number": "NCT09000001",
    "other_numbers": ["2019-000001-11"],
    "registry": "ClinicalTrials.gov",
    "title": "Naltrexone in Example Disease",
    "acronym": "EXAMPLE",
    "sponsor": "University of Examples",
    "country": "Denmark, Norway",
    "phase": "2/3",
    "design": "Allocation: RANDOMIZED; Masking: DOUBLE",
    "actual": "17",
    "status": "terminated",
    "status_seen_on": "2022-01-02",
    "start": "2019-03",
    "completion": "2021-06-30",
    "why_stopped": "Slow recruitment",
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    shutil.copytree(ROOT / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    return tmp_path


def run(catalogue: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(catalogue), "add", *arguments])


def save(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def draft(catalogue: Path, file: str) -> dict[str, Any]:
    """What the draft says, open fields left out."""
    record = yaml.load((catalogue / file).read_bytes(), yaml.BaseLoader)
    return {name: value for name, value in record.items() if value not in ("", [""])}


@pytest.mark.parametrize("format", FORMATS)
def test_a_reference_of_any_format_becomes_the_same_draft(catalogue: Path, format: str) -> None:
    result = run(catalogue, save(catalogue, f"export.{format}", FORMATS[format]))
    assert result.exit_code == 0, result.output
    assert "written data/studies/moller-2019.yml" in result.output
    record = draft(catalogue, "data/studies/moller-2019.yml")
    assert record == {"id": "moller-2019", **REFERENCE, "verification": {"depth": "unverified"}}


@pytest.mark.parametrize("format", FORMATS)
def test_the_name_of_the_file_does_not_matter(catalogue: Path, format: str) -> None:
    result = run(catalogue, save(catalogue, "download.txt", FORMATS[format]))
    assert "written data/studies/moller-2019.yml" in result.output


def test_check_names_what_a_person_must_still_fill(catalogue: Path) -> None:
    run(catalogue, save(catalogue, "export.ris", RIS))
    result = CliRunner().invoke(main, ["--root", str(catalogue), "check", "--format", "json"])
    assert result.exit_code == 1
    problems = json.loads(result.stdout)
    assert {problem["path"].partition("[")[0] for problem in problems} == {
        "design",
        "status",
        "conditions",
        "conclusion",
    }


def test_a_draft_that_is_filled_in_is_clean(catalogue: Path) -> None:
    run(catalogue, save(catalogue, "export.nbib", MEDLINE))
    path = catalogue / "data" / "studies" / "moller-2019.yml"
    text = path.read_text()
    for field, value in {
        "design": "case_report",
        "status": "published",
        "conclusion": "One person is described who took naltrexone.",
    }.items():
        text = text.replace(f"\n{field}:\n", f"\n{field}: {value}\n")
    path.write_text(text.replace("\nconditions:\n  -\n", "\nconditions: []\n"))
    result = CliRunner().invoke(main, ["--root", str(catalogue), "check", "--no-tiers"])
    assert result.exit_code == 0, result.output


def test_registrations_from_json(catalogue: Path) -> None:
    for number, text in enumerate([json.dumps(STUDY), json.dumps([STUDY]), json.dumps({"studies": [STUDY]})]):
        shutil.rmtree(catalogue / "data" / "trials", ignore_errors=True)
        result = run(catalogue, save(catalogue, f"ctg-{number}.json", text))
        assert "written data/trials/nct09000001.yml" in result.output, result.output
        record = draft(catalogue, "data/trials/nct09000001.yml")
        assert record == {"id": "nct09000001", **REGISTRATION, "verification": {"depth": "unverified"}}
    comments = (catalogue / "data/trials/nct09000001.yml").read_text()
    assert "# - conditions as registered: Example Disease; Pain" in comments
    assert "Naltrexone (4.5 mg at night)" in comments
    assert "results are posted" in comments


def test_a_trial_that_is_only_planned_has_a_planned_size(catalogue: Path) -> None:
    study = json.loads(json.dumps(STUDY))
    study["protocolSection"]["designModule"]["enrollmentInfo"]["type"] = "ESTIMATED"
    run(catalogue, save(catalogue, "ctg.json", json.dumps(study)))
    record = draft(catalogue, "data/trials/nct09000001.yml")
    assert record["planned"] == "17"
    assert "actual" not in record


def test_registrations_from_the_table(catalogue: Path) -> None:
    table = (
        "NCT Number,Study Title,Acronym,Study Status,Study Results,Conditions,Interventions,Sponsor,Phases,Enrollment,"
        "Study Design,Other IDs,Start Date,Completion Date,Last Update Posted,Locations\n"
        'NCT09000001,Naltrexone in Example Disease,EXAMPLE,TERMINATED,NO,Example Disease|Pain,"DRUG: Naltrexone, low",'
        "University of Examples,PHASE2|PHASE3,17,Allocation: RANDOMIZED|Masking: DOUBLE,K1|2019-000001-11,2019-03,"
        '2021-06-30,2022-01-02,"Clinic, Odense, Denmark|Clinic, Oslo, Norway"\n'
        'NCT09000002,"Two\nlines",,RECRUITING,NO,,,,NA,,,,,,,\n'
        "nothing,Three,,,,,,,,,,,,,,\n"
    )
    result = run(catalogue, save(catalogue, "ctg.csv", table))
    assert result.exit_code == 1
    record = draft(catalogue, "data/trials/nct09000001.yml")
    # The table says neither whether the size is planned nor why the trial stopped.
    expected = {k: v for k, v in REGISTRATION.items() if k not in ("actual", "why_stopped")}
    assert record == {"id": "nct09000001", **expected, "verification": {"depth": "unverified"}}
    assert draft(catalogue, "data/trials/nct09000002.yml")["title"] == "Two lines"
    assert "ctg.csv:5: not understood: found NOTHING" in result.output


@pytest.mark.parametrize(
    ("identifier", "file", "field", "value"),
    [
        ("23359310", "data/studies/pmid-23359310.yml", "pmid", "23359310"),
        ("PMID: 23359310", "data/studies/pmid-23359310.yml", "pmid", "23359310"),
        ("https://pubmed.ncbi.nlm.nih.gov/23359310/", "data/studies/pmid-23359310.yml", "pmid", "23359310"),
        ("10.1002/art.37734", "data/studies/doi-10-1002-art-37734.yml", "doi", "10.1002/art.37734"),
        (
            "https://doi.org/10.1002/art.37734",
            "data/studies/doi-10-1002-art-37734.yml",
            "doi",
            "10.1002/art.37734",
        ),
        ("pmc6000001", "data/studies/pmc6000001.yml", "pmcid", "PMC6000001"),
        ("nct00568555", "data/trials/nct00568555.yml", "registry_number", "NCT00568555"),
        (
            "https://clinicaltrials.gov/study/NCT00568555",
            "data/trials/nct00568555.yml",
            "registry_number",
            "NCT00568555",
        ),
    ],
)
def test_an_identifier_alone_gives_a_template_with_it(
    catalogue: Path, identifier: str, file: str, field: str, value: str
) -> None:
    result = run(catalogue, identifier)
    assert result.exit_code == 0, result.output
    record = draft(catalogue, file)
    assert record.pop(field) == value
    assert record.pop("registry", "ClinicalTrials.gov") == "ClinicalTrials.gov"
    assert record == {"id": Path(file).stem, "verification": {"depth": "unverified"}}


@pytest.mark.parametrize(
    "argument", ["no-such-export.ris", "10.1234/a.1;10.1234/b.2", "10.1234/a.1,https://doi.org/10.1234/b.2"]
)
def test_what_is_neither_file_nor_identifier_is_misuse_and_writes_nothing(
    catalogue: Path, argument: str
) -> None:
    result = run(catalogue, "23359310", argument)
    assert result.exit_code == 2
    assert f"{argument}: found neither a file" in result.output
    assert not (catalogue / "data" / "studies").exists()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pmid", "30000001"),
        ("pmcid", "PMC6000001"),
        ("doi", "10.1234/EXAMPLE.5678"),
        ("title", TITLE.upper()),
    ],
)
def test_what_is_there_is_named_and_left_alone(catalogue: Path, format: str, field: str, value: str) -> None:
    studies = catalogue / "data" / "studies"
    studies.mkdir()
    (studies / "the-trial.yml").write_text(f"id: the-trial\n{field}: '{value}'\ndesign:\n")
    result = run(catalogue, save(catalogue, f"export.{format}", FORMATS[format]))
    assert result.exit_code == 0, result.output
    assert "already there data/studies/the-trial.yml: " in result.output
    assert [path.name for path in studies.iterdir()] == ["the-trial.yml"]


def test_the_real_catalogue_knows_its_studies(project_root: Path) -> None:
    arguments = ["--dry-run", "23359310", "10.1016/S2665-9913(23)00278-3", "NCT04270877"]
    result = run(project_root, *arguments)
    assert result.exit_code == 0, result.output
    assert "23359310: already there data/studies/younger-2013.yml: PMID 23359310" in result.output
    assert "already there data/studies/bruun-2024.yml: DOI" in result.output
    assert "already there data/trials/nct04270877.yml: registry number NCT04270877" in result.output


def test_a_preprint_is_not_taken_for_its_paper(catalogue: Path) -> None:
    run(catalogue, save(catalogue, "export.ris", RIS))
    preprint = RIS.replace("10.1234/example.5678", "10.5555/preprint.1")
    preprint = "".join(line for line in preprint.splitlines(True) if line[:2] not in ("AN", "C2"))
    result = run(catalogue, save(catalogue, "preprint.ris", preprint))
    assert "written data/studies/moller-2019-b.yml" in result.output


def test_an_id_in_use_or_retired_gets_a_suffix(catalogue: Path) -> None:
    (catalogue / "data" / "retired.yml").write_text(
        "retired:\n  - kind: studies\n    id: moller-2019-b\n    on: 2026-01-01\n    reason: Entered twice.\n"
    )
    others = "".join(
        f"@article{{k{n}, title={{Another paper, number {n}}}, author={{Møller, A}}, year=2019}}\n"
        for n in range(3)
    )
    result = run(catalogue, save(catalogue, "three.bib", others))
    assert result.exit_code == 0, result.output
    written = sorted(path.stem for path in (catalogue / "data" / "studies").iterdir())
    assert written == ["moller-2019", "moller-2019-c", "moller-2019-d"]


def test_one_paper_twice_in_an_export_is_written_once(catalogue: Path) -> None:
    result = run(catalogue, save(catalogue, "twice.ris", RIS + "\n" + RIS))
    assert "twice.ris:1: written" in result.output
    assert "twice.ris:17: already there data/studies/moller-2019.yml" in result.output


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("cut-off.ris", RIS + RIS.replace("ER  -\n", ""), 16),
        ("untitled.ris", RIS + "TY  - JOUR\nAU  - Nobody\nER  -\n", 16),
        ("broken.bib", BIBTEX + "@article{broken, title = {never closed\n", 8),
        ("loose.nbib", MEDLINE + "a line of its own\n", 19),
        ("broken.json", CSL[:-3], CSL[:-3].count("\n") + 1),
        ("broken.xml", PUBMED_XML[:-22], PUBMED_XML[:-22].count("\n") + 1),
        ("bomb.xml", '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<x>&a;</x>', 2),
        ("letter.txt", "Dear colleague, here is the list.\n", 1),
        ("empty.ris", "", 1),
        ("latin.ris", RIS.encode("latin-1"), 3),
        ("other.json", '{"a": 1}', 1),
        ("numbers.json", "[1, 2]", 1),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(
    catalogue: Path, name: str, text: str | bytes, line: int
) -> None:
    result = run(catalogue, save(catalogue, name, text))
    assert result.exit_code == 1, result.output
    assert f"{name}:{line}: not understood: found " in result.output
    assert "Traceback" not in result.output


def test_a_broken_reference_spoils_no_other(catalogue: Path) -> None:
    text = "@article{broken, title = {a} b}\n\n" + BIBTEX
    result = run(catalogue, save(catalogue, "mixed.bib", text))
    assert result.exit_code == 1
    assert "mixed.bib:1: not understood: found BibTeX that cannot be read" in result.output
    assert "mixed.bib:3: written data/studies/moller-2019.yml" in result.output


ZOTERO = {
    "ris": "TY  - JOUR\nTI  - A trial\nAU  - Moller, A.\nPY  - 2019\nN1  - PMID: 41999990\nPublisher: X\nER  - \n",
    "bib": "@article{m, title = {A trial}, author = {Moller, A.}, year = 2019, note = {PMID: 41999990 PMCID: PMC1}}\n",
    "json": '[{"type": "article-journal", "title": "A trial", "note": "PMCID: PMC7654321\\nPMID: 41999990"}]',
}


@pytest.mark.parametrize("suffix", ZOTERO)
def test_a_pmid_that_zotero_keeps_in_the_note_is_found(catalogue: Path, suffix: str) -> None:
    (entry,) = read_export(Path(save(catalogue, f"zotero.{suffix}", ZOTERO[suffix])))
    assert isinstance(entry, Entry)
    assert entry.fields["pmid"] == "41999990"


def test_a_pmid_in_the_middle_of_a_note_is_somebody_elses(catalogue: Path) -> None:
    text = ZOTERO["bib"].replace("{PMID:", "{Comment on PMID:")
    (entry,) = read_export(Path(save(catalogue, "zotero.bib", text)))
    assert isinstance(entry, Entry)
    assert "pmid" not in entry.fields


def test_a_dry_run_writes_nothing(catalogue: Path) -> None:
    result = run(catalogue, "--dry-run", save(catalogue, "export.ris", RIS))
    assert result.exit_code == 0
    assert "would be written data/studies/moller-2019.yml" in result.output
    assert "1 would be written" in result.output
    assert "1 written" not in result.output
    assert not (catalogue / "data" / "studies").exists()


def test_what_no_field_takes_is_kept_as_a_remark(catalogue: Path) -> None:
    text = RIS.replace("https://doi.org/10.1234/example.5678", "doi unknown").replace(
        "PY  - 2019", "PY  - in press"
    )
    text = text.replace("ER  -", "AB  - Registered as NCT09000001.\nER  -")
    run(catalogue, save(catalogue, "export.ris", text))
    (path,) = (catalogue / "data" / "studies").iterdir()
    assert path.stem == "moller-undated"
    content = path.read_text()
    assert "# - doi in the export: doi unknown" in content
    assert "# - registrations named in the abstract or notes: NCT09000001" in content
    assert "doi" not in draft(catalogue, str(path))


def test_notices_of_pubmed_are_not_lost(catalogue: Path) -> None:
    text = MEDLINE + "RIN - J Ex. 2020;13:1. PMID: 30000002\nSI  - ClinicalTrials.gov/NCT09000001\n"
    run(catalogue, save(catalogue, "export.nbib", text))
    path = "data/studies/moller-2019.yml"
    assert "# - Retraction in: J Ex. 2020;13:1. PMID: 30000002" in (catalogue / path).read_text()
    assert draft(catalogue, path)["registry"] == ["NCT09000001"]


def test_a_registration_names_the_studies_that_bear_its_number(catalogue: Path) -> None:
    run(catalogue, save(catalogue, "e.nbib", MEDLINE + "SI  - ClinicalTrials.gov/NCT09000001\n"))
    run(catalogue, "NCT09000001")
    text = (catalogue / "data/trials/nct09000001.yml").read_text()
    assert "data/studies/moller-2019.yml bears this number" in " ".join(text.split())


printable = st.text(
    alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=300
).map(lambda text: " ".join(text.split()))


@given(title=printable.filter(bool), authors=st.lists(printable.filter(bool), min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@example(title="“What is it?”", authors=["‘y’"])
def test_any_text_survives_the_way_into_a_draft(title: str, authors: list[str]) -> None:
    values = {"title": title, "authors": authors, "verification": {"depth": "unverified"}}
    text = template("studies", SCHEMAS.record("studies"), "an-example", values)
    for field in ("design", "status", "conclusion"):
        text = text.replace(f"\n{field}:\n", f"\n{field}: x\n")
    record = parse(text.replace("\nconditions:\n  -\n", "\nconditions: []\n").encode(), "draft")
    assert record["title"] == title
    assert record["authors"] == authors


@given(
    junk=st.text(alphabet=string.printable + "éø\u200b", max_size=400),
    tail=st.sampled_from([*FORMATS.values()]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_junk_in_an_export_is_never_a_crash(junk: str, tail: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "schema").symlink_to(ROOT / "schema")
        (root / "data").mkdir()
        (root / "data" / "vocabularies").symlink_to(ROOT / "data" / "vocabularies")
        path = root / "export"
        path.write_text(tail[: len(junk)] + junk + tail, encoding="utf-8")
        results = list(add(Project(root), [str(path)], dry_run=True))
        assert results


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


@pytest.mark.parametrize("document", [STUDY, json.loads(CSL)], ids=["registry", "csl"])
@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [7], [[]], [None], {"a": 1}, True])
def test_json_of_another_shape_is_never_a_crash(tmp_path: Path, document: Any, odd: Any) -> None:
    places = _places(document)
    assert len(places) > 10
    for place in places:
        copy = [json.loads(json.dumps(document))]
        target: Any = copy
        for step in (0, *place[:-1]) if place else ():
            target = target[step]
        target[place[-1] if place else 0] = odd
        path = tmp_path / "export.json"
        path.write_text(json.dumps(copy[0]))
        assert read_export(path), place


def test_json_without_end_is_never_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    (found,) = read_export(path)
    assert isinstance(found, NotUnderstood)

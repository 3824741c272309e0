"""The real database in a real Datasette, as a researcher meets it; `make test-next` runs this on the 1.0 line too.

JSON is compared only with an explicit `_shape`, the form that both lines share.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from ldn_evidence.publish.metadata import canned_queries

ROOT = Path(__file__).parent.parent
METADATA: dict[str, Any] = yaml.safe_load((ROOT / "metadata.yml").read_text("utf-8"))
TABLES: dict[str, Any] = METADATA["databases"]["ldn"]["tables"]
SHOWN = [name for name, about in TABLES.items() if not about.get("hidden")]
VIEWS = [name for name in SHOWN if TABLES[name].get("title")]
EXAMPLES = {
    "studies_of_condition": {"condition_id": "fibromyalgia"},
    "studies_by_dose": {"lowest_mg": "1", "highest_mg": "5"},
    "studies_by_depth": {"depth": "abstract"},
    "search_everything": {"text": "crohn"},
    "outcomes_of_condition": {"condition_id": "fibromyalgia", "domain": "pain"},
    "tier_history_of_condition": {"condition_id": "crohns-disease"},
}


@pytest.fixture(scope="module")
def server(built_database: Path, real_server: Callable[[Path], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a real server on a free port."""
    with real_server(built_database) as address:
        yield address


def get(server: str, path: str, **parameters: str) -> str:
    query = f"?{urlencode(parameters)}" if parameters else ""
    try:
        with urlopen(f"{server}{path}{query}") as answer:
            body: bytes = answer.read()
    except HTTPError as error:
        pytest.fail(f"{path}{query}: {error.code} {error.read()[:300]!r}")
    return body.decode()


def test_every_canned_query_has_an_example() -> None:
    assert set(canned_queries()) == set(EXAMPLES) == set(METADATA["databases"]["ldn"]["queries"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_canned_query_answers(server: str, name: str) -> None:
    found = json.loads(get(server, f"/ldn/{name}.json", _shape="array", **EXAMPLES[name]))
    assert len(found) >= 1
    assert METADATA["databases"]["ldn"]["queries"][name]["title"] in get(
        server, f"/ldn/{name}", **EXAMPLES[name]
    )


def rows_of(server: str, query: str, **parameters: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(get(server, f"/ldn/{query}.json", _shape="array", **parameters))
    return rows


def rows_of_sql(server: str, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(get(server, "/ldn.json", sql=sql, _shape="array"))
    return rows


@pytest.mark.parametrize(
    "name", ["studies_of_condition", "outcomes_of_condition", "tier_history_of_condition"]
)
def test_a_condition_may_be_named_as_people_name_it(server: str, name: str) -> None:
    more = {"domain": ""} if name == "outcomes_of_condition" else {}
    by_id = rows_of(server, name, condition_id="crohns-disease", **more)
    assert by_id
    assert rows_of(server, name, condition_id=" crohn's DISEASE", **more) == by_id
    assert rows_of(server, name, condition_id="no such condition", **more) == []


def test_what_is_left_empty_limits_nothing(server: str) -> None:
    every_dose = rows_of(server, "studies_by_dose", lowest_mg="", highest_mg="")
    assert {row["dose_class"] for row in every_dose} >= {"low", "standard"}
    assert len(rows_of(server, "studies_by_dose", lowest_mg="1", highest_mg="5")) < len(every_dose)
    assert {row["verification_depth"] for row in rows_of(server, "studies_by_depth", depth="")} >= {
        "abstract"
    }


def test_a_list_of_studies_marks_what_was_corrected_or_retracted(server: str) -> None:
    for name, parameters in (("studies_of_condition", {}), ("outcomes_of_condition", {"domain": ""})):
        rows = rows_of(server, name, condition_id="fibromyalgia", **parameters)
        marked = {row.get("id", row.get("study_id")): row["retraction_status"] for row in rows}
        assert marked["vatvani-2024"] == "corrected"
        assert marked["bruun-2024"] is None


@pytest.mark.parametrize(
    ("typed", "number"),
    [("4.5", "4.5"), ("4,5", "4.5"), (".5", "0.5"), (" 4.50 ", "4.5"), ("5.", "5")],
)
def test_a_dose_is_found_however_its_number_is_typed(server: str, typed: str, number: str) -> None:
    expected = rows_of(server, "studies_by_dose", lowest_mg=number, highest_mg="50")
    assert expected
    assert rows_of(server, "studies_by_dose", lowest_mg=typed, highest_mg="50") == expected


@pytest.mark.parametrize("typed", ["1.2.3", ".", "4.5 mg", "-1", "1e0", "low"])
def test_what_is_no_number_finds_no_dose(server: str, typed: str) -> None:
    assert rows_of(server, "studies_by_dose", lowest_mg=typed, highest_mg="") == []
    assert rows_of(server, "studies_by_dose", lowest_mg="", highest_mg=typed) == []


def test_a_lowest_dose_above_the_highest_finds_none(server: str) -> None:
    assert rows_of(server, "studies_by_dose", lowest_mg="5", highest_mg="1") == []


def test_a_code_may_be_typed_as_people_write_it(server: str) -> None:
    asked = {"condition_id": "multiple-sclerosis"}
    by_code = rows_of(server, "outcomes_of_condition", domain="quality_of_life", **asked)
    assert by_code
    assert rows_of(server, "outcomes_of_condition", domain=" Quality of life ", **asked) == by_code
    assert rows_of(server, "studies_by_depth", depth=" Abstract") == rows_of(
        server, "studies_by_depth", depth="abstract"
    )


def test_the_page_of_the_database_begins_with_questions(server: str) -> None:
    page = get(server, "/ldn")
    for name in VIEWS:
        assert f'<a href="/ldn/{name}">' in page.split("<h2", 1)[0], name
    assert "/ldn/vocabulary_terms" in page.split("<h2", 1)[0]  # what the codes in the answers mean


PRINTED_IN_API = re.findall(
    r"curl (?:-L )?'http://127\.0\.0\.1:8001(/[^']+)'", (ROOT / "API.md").read_text("utf-8")
)


def test_every_request_printed_in_the_api_guide_answers(server: str) -> None:
    assert len(PRINTED_IN_API) >= 10
    for path in PRINTED_IN_API:
        assert len(get(server, path)) > 500, path


@pytest.mark.parametrize("name", SHOWN)
def test_every_table_and_view_opens_with_its_description(server: str, name: str) -> None:
    page = get(server, f"/ldn/{name}", _size="5")
    assert TABLES[name]["description"].split("'")[0][:40] in page
    assert "CC0 1.0" in page


def test_there_are_tables_and_views_to_open() -> None:
    assert len(SHOWN) >= 60
    assert len(VIEWS) >= 12


@pytest.mark.parametrize("name", VIEWS)
def test_the_csv_of_a_view_is_complete(server: str, name: str) -> None:
    rows = list(csv.reader(io.StringIO(get(server, f"/ldn/{name}.csv"))))
    # The statement itself, through the same server: a count has one row and is never cut.
    count = json.loads(get(server, "/ldn.json", sql=f"select count(*) as n from {name}", _shape="array"))
    assert len(rows) - 1 == count[0]["n"]


def test_helper_tables_are_hidden(server: str) -> None:
    tables = {table["name"]: table["hidden"] for table in json.loads(get(server, "/ldn.json"))["tables"]}
    assert tables["conditions"] is False
    for name, hidden in tables.items():
        assert hidden is bool(TABLES[name].get("hidden")), name


def test_the_searches_are_listed_beside_the_search_table(server: str) -> None:
    listed = set(re.findall(r'<h3><a href="/ldn/([^"/?]+)"', get(server, "/ldn")))
    assert {"searches", "search_queries", "search_query_conditions"} <= listed
    assert not any(name.startswith("search_") and TABLES[name].get("hidden") for name in listed)


def test_the_search_table_itself_is_still_searched(server: str) -> None:
    found = rows_of(server, "search", _search="fibromyalgia")
    assert 1 <= len(found) < len(rows_of(server, "search", _size="max"))


def first_of_query(server: str, text: str) -> tuple[str, str]:
    first = rows_of(server, "search_everything", text=text)[0]
    return first["kind"], first["id"]


def first_of_api(server: str, text: str) -> tuple[str, str]:
    first = json.loads(get(server, "/api/v1/search", q=text, limit="1"))["data"][0]["record"]
    return first["type"], first["id"]


@pytest.mark.parametrize("first_hit", [first_of_query, first_of_api])
def test_every_name_of_a_condition_finds_that_condition_first(
    server: str, first_hit: Callable[[str, str], tuple[str, str]]
) -> None:
    conditions: dict[str, set[str]] = {}
    for row in rows_of_sql(server, "select condition_id, name from condition_names"):
        conditions.setdefault(row["name"].lower(), set()).add(row["condition_id"])
        conditions.setdefault(row["name"], conditions[row["name"].lower()])
    assert len(conditions) >= 500
    missed = []
    for name, named in conditions.items():
        kind, identifier = first_hit(server, f" {name} ")
        if kind != "conditions" or identifier not in named:
            missed.append((name, kind, identifier))
    assert missed == []


SLIPS = {
    "chrohn": "crohns-disease",
    "chron": "crohns-disease",
    "chrons": "crohns-disease",
    "crohns": "crohns-disease",
    "crhons disease": "crohns-disease",
    "fibromylagia": "fibromyalgia",
    "fibromyalga": "fibromyalgia",
    "fibbromyalgia": "fibromyalgia",
    "fybromyalgia": "fibromyalgia",
    "psorasis": "psoriasis",
    "sjorgen": "sjogrens-syndrome",
    "sjorgens": "sjogrens-syndrome",
    "sjögrn": "sjogrens-syndrome",
    "parkinsons": "parkinson-disease",
    "parkinsonn": "parkinson-disease",
    "hashimotos": "hashimoto-thyroiditis",
    "hasimoto": "hashimoto-thyroiditis",
    "migrane": "migraine",
    "multple sclerosis": "multiple-sclerosis",
    "ulcerative collitis": "ulcerative-colitis",
    "rhumatoid arthritis": "rheumatoid-arthritis",
    "hailey haily": "hailey-hailey-disease",
    "endometreosis": "endometriosis",
    "alopecia aerata": "alopecia-areata",
}


@pytest.mark.parametrize("typed", SLIPS)
def test_a_slip_in_a_word_of_a_name_leads_to_the_condition(server: str, typed: str) -> None:
    page = get(server, "/search", q=typed).partition("<main")[2]
    assert f"/conditions/{SLIPS[typed]}" in re.findall(r'<li><a href="(/[^"]+)"', page)[:3]


@pytest.mark.parametrize("typed", SLIPS)
def test_the_api_forgives_the_same_slips(server: str, typed: str) -> None:
    found = json.loads(get(server, "/api/v1/search", q=typed))
    if not found["data"]:
        assert SLIPS[typed] in [record["id"] for record in found["did_you_mean"]]


def test_facets_and_columns_of_the_catalogue(server: str) -> None:
    page = get(server, "/ldn/condition_catalogue")
    assert "evidence_tier" in page
    assert TABLES["condition_catalogue"]["columns"]["pooled_domain"][:30] in page


def test_typed_sql_answers(server: str) -> None:
    sql = "select evidence_tier, count(*) as n from conditions group by 1 order by 1"
    found = json.loads(get(server, "/ldn.json", sql=sql, _shape="array"))
    assert {row["evidence_tier"] for row in found} <= {"strong", "emerging", "limited"}
    assert sum(row["n"] for row in found) >= 100


@pytest.mark.parametrize(
    "text", ['"', "*", "NEAR(", "a AND OR", "🙂", "fibro", "crohn's", "(", "^x", "col:x", "", "-"]
)
def test_odd_search_input_is_no_error(server: str, text: str) -> None:
    assert isinstance(json.loads(get(server, "/ldn/search_everything.json", _shape="array", text=text)), list)

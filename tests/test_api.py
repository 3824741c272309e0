"""The JSON API: what it answers, over the real catalogue, through the ASGI application that Datasette serves.

`UPDATE_API_CONTRACT=1 pytest tests/test_api.py -k contract` adds new fields and parameters to the snapshots in
`tests/api_contract/`; it never takes one away.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldn_evidence.build import build
from ldn_evidence.project import Project
from ldn_evidence.publish.api.render import Api, render, static_paths
from ldn_evidence.publish.api.resources import API_ROOT, BY_NAME, PAGES, RESOURCES, Resource
from ldn_evidence.publish.api.serving import ApiServer, best_encoding
from ldn_evidence.publish.openapi import openapi
from ldn_evidence.publish.server import serve_arguments
from ldn_evidence.store.search import KINDS

CONTRACT = Path(__file__).parent / "api_contract"
PROBLEM = "application/problem+json"
WITH_RECORDS = [resource for resource in RESOURCES if resource.has_records]


# ---- What is tested against -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api(connection: sqlite3.Connection) -> Api:
    return Api(connection)


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    return openapi(api.catalogue)


def application(database: Path, **settings: Any) -> Any:
    """The ASGI application of a Datasette that serves `database`."""
    from datasette.app import Datasette

    return Datasette([], immutables=[str(database)], settings=settings).app()


def settle(database: Path) -> None:
    """Wait until the time of the file tells it from one that would take its place."""
    remaining = database.stat().st_mtime + 2.1 - time.time()
    threading.Event().wait(max(remaining, 0))


@pytest.fixture(scope="module")
def served(built_database: Path) -> Any:
    settle(built_database)
    return application(built_database)


def fetch(served: Any, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """One request, following no redirect; without compression unless asked for."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://base.example") as client:
            sent = {"accept-encoding": "identity"} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            return await client.request(method, path, headers=sent)

    return asyncio.run(request())


def get(api: Api, path: str, query: str = "", status: int = 200) -> Any:
    """The body of an answer whose status is as expected."""
    response = api.render(path if path.startswith("/api") else f"{API_ROOT}/{path}", query)
    assert response.status == status, response.body
    return json.loads(response.body)


def identifiers(connection: sqlite3.Connection, resource: Resource) -> list[str]:
    return [row[0] for row in connection.execute(f"SELECT {resource.id} FROM {resource.source}")]


def small_project(folder: Path, root: Path) -> Project:
    """The small valid catalogue of the tests, with records of its own that a test may change."""
    shutil.copytree(root / "tests" / "valid" / "data", folder / "data")
    shutil.copytree(root / "data" / "vocabularies", folder / "data" / "vocabularies", dirs_exist_ok=True)
    (folder / "schema").symlink_to(root / "schema")
    return Project(folder)


# ---- Records ----------------------------------------------------------------------------------------------------


def test_the_index_names_every_resource_with_its_count(api: Api, connection: sqlite3.Connection) -> None:
    index = get(api, "/api/v1/")["data"]["resources"]
    assert {one["name"] for one in index} >= {
        "conditions", "studies", "trials", "mechanisms", "adverse-effects", "interactions", "precautions", "safety",
        "dosing", "pharmacology", "regulatory", "sources", "claims", "questions", "search", "evidence-map",
        "tier-history", "meta-analyses", "coverage", "vocabularies", "searches", "changes", "build",
    }  # fmt: skip
    counts = {one["name"]: one["count"] for one in index}
    for kind in ("conditions", "studies", "trials", "mechanisms"):
        assert counts[kind] == connection.execute(f"SELECT count(*) FROM {kind}").fetchone()[0] > 0
    for one in index:
        get(api, one["href"], "q=pain" if one["name"] == "search" else "")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_every_list_holds_every_row_once(
    api: Api, connection: sqlite3.Connection, resource: Resource
) -> None:
    seen: list[str] = []
    link: str | None = f"{resource.path}?limit=137"
    while link:
        path, _, query = link.partition("?")
        answer = get(api, path, query)
        assert answer["page"]["returned"] == len(answer["data"]) <= 137
        seen += [record["id"] for record in answer["data"]]
        link = answer["links"]["next"]
    assert sorted(seen) == sorted(identifiers(connection, resource))
    assert len(seen) == answer["page"]["total"]
    assert seen or resource.name in ("meta-analyses", "contradictions"), "an empty list shows nothing"


@pytest.mark.parametrize("resource", WITH_RECORDS, ids=lambda resource: resource.name)
def test_every_record_answers_under_its_own_link(
    api: Api, connection: sqlite3.Connection, resource: Resource
) -> None:
    for identifier in identifiers(connection, resource)[:: 1 + len(identifiers(connection, resource)) // 40]:
        record = get(api, f"{resource.path}/{identifier}")["data"]
        assert (record["type"], record["id"]) == (resource.name, identifier)
        assert record["links"]["self"] == f"{resource.path}/{identifier}"


def test_a_condition_has_everything_that_belongs_to_it(api: Api, connection: sqlite3.Connection) -> None:
    record = get(api, "conditions/fibromyalgia")["data"]

    def ids(sql: str) -> set[str]:
        return {row[0] for row in connection.execute(sql)}

    here = "condition_id = 'fibromyalgia'"
    assert {one["study"]["id"] for one in record["related"]["studies"]} == ids(
        f"SELECT study_id FROM study_conditions WHERE {here}"
    )
    assert {one["trial"]["id"] for one in record["related"]["trials"]} == ids(
        f"SELECT trial_id FROM trial_conditions WHERE {here}"
    )
    assert {one["claim"]["id"] for one in record["related"]["claims"]} == ids(
        f"SELECT claim_id FROM claim_conditions WHERE {here}"
    )
    for part in ("tier_trace", "tier_history", "tier_outlook", "meta_analyses"):
        count = connection.execute(f"SELECT count(*) FROM {part} WHERE {here}").fetchone()[0]
        assert len(record["computed"][part]) == count > 0
    outcomes = [outcome for study in record["related"]["studies"] for outcome in study["outcomes"]]
    assert {outcome["id"] for outcome in outcomes} == ids(
        f"SELECT id FROM outcomes WHERE study_id IN (SELECT study_id FROM study_conditions WHERE {here})"
    )
    effects = [effect["id"] for outcome in outcomes for effect in outcome["effects"]]
    assert set(effects) == ids(
        f"SELECT id FROM effects WHERE study_id IN (SELECT study_id FROM study_conditions WHERE {here})"
    )
    assert len(effects) == len(set(effects)) > 0
    pool = record["computed"]["meta_analyses"][0]
    assert len(pool["inputs"]) >= pool["trials"] >= 2
    assert all(one["study"]["title"] for one in pool["inputs"])
    points = record["authored"]["evidence_for"] + record["authored"]["evidence_against"]
    cited = [citation for point in points for citation in point["citations"]]
    assert cited
    assert all(citation["record"]["title"] for citation in cited)
    assert connection.execute(
        "SELECT count(*) FROM citations WHERE record_kind = 'conditions' AND record_id = 'fibromyalgia'"
    ).fetchone()[0] == len(cited) + len(record["authored"]["citations"]) + sum(
        len(note["citations"]) for note in record["authored"]["mechanism_notes"]
    )
    assert "Fibromyalgia" in record["authored"]["names"]


def test_authored_and_computed_are_told_apart(api: Api, connection: sqlite3.Connection) -> None:
    record = get(api, "conditions/fibromyalgia")["data"]
    authored = connection.execute(
        "SELECT evidence_tier, direction FROM conditions WHERE id = 'fibromyalgia'"
    ).fetchone()
    computed = connection.execute(
        "SELECT computed_tier, computed_direction, randomized_trials FROM condition_appraisals "
        "WHERE condition_id = 'fibromyalgia'"
    ).fetchone()
    assert (record["authored"]["evidence_tier"], record["authored"]["direction"]) == authored
    found = record["computed"]
    assert (found["computed_tier"], found["computed_direction"], found["randomized_trials"]) == computed
    assert found["overridden"] in (True, False)


def test_every_citation_of_every_record_comes_through(api: Api, connection: sqlite3.Connection) -> None:
    def citations(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "citations":
                    yield from inner
                else:
                    yield from citations(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from citations(inner)

    total = 0
    for resource in WITH_RECORDS:
        for record in get(Api(connection, static=True), f"{resource.path}.json", "include=all")["data"]:
            found = list(citations(record["authored"]))
            assert all(citation["record"]["title"] for citation in found), record["id"]
            total += len(found)
    stored = connection.execute(
        "SELECT (SELECT count(*) FROM citations) + (SELECT count(*) FROM question_evidence)"
    )
    assert total == stored.fetchone()[0] > 500


def test_numbers_and_codes_are_those_of_the_database(api: Api, connection: sqlite3.Connection) -> None:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(results)")]
    stored = {
        (row["outcome_id"], row["position"]): row
        for row in (
            dict(zip(columns, values, strict=True)) for values in connection.execute("SELECT * FROM results")
        )
    }
    found = 0
    for outcome in get(Api(connection, static=True), "outcomes.json", "include=results")["data"]:
        for position, result in enumerate(outcome["authored"]["results"]):
            row = stored[outcome["id"], position]
            for name in ("mean", "sd", "n", "median", "events", "total", "percent", "arm_id"):
                assert result[name] == row[name]
            found += 1
    assert found == len(stored) > 100


def test_references_to_studies_say_how_deep_they_were_read(api: Api) -> None:
    studies = get(api, "conditions/fibromyalgia", "include=studies")["data"]["related"]["studies"]
    assert studies
    for one in studies:
        assert one["study"]["verification_depth"]
        assert "retraction_status" in one["study"]


# ---- Lists ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "sql"),
    [
        ("studies", "condition=fibromyalgia&randomized=true",
         "SELECT id FROM studies JOIN study_conditions ON study_id = id WHERE condition_id = 'fibromyalgia' "
         "AND design IN ('randomized_parallel', 'randomized_crossover')"),
        ("studies", "design=case_report,case_series&year_from=2015",
         "SELECT id FROM studies WHERE design IN ('case_report', 'case_series') AND year >= 2015"),
        ("studies", "year=2023,2024", "SELECT id FROM studies WHERE year IN (2023, 2024)"),
        ("studies", "primary_direction=no_difference,favours_comparator",
         "SELECT DISTINCT study_id FROM outcomes WHERE role = 'primary' AND direction IN ('no_difference', "
         "'favours_comparator')"),
        ("conditions", "tier=emerging", "SELECT id FROM conditions WHERE evidence_tier = 'emerging'"),
        ("conditions", "disagrees=true", "SELECT DISTINCT condition_id FROM tier_disagreements"),
        ("conditions", "name=FIBROMYALGIA", "SELECT 'fibromyalgia'"),
        ("trials", "silent=true", "SELECT trial_id FROM silent_trials"),
        ("trials", "open=true", "SELECT trial_id FROM open_trials"),
        ("trials", "expected_completion_passed=true",
         "SELECT trial_id FROM open_trials WHERE expected_completion_passed = 1"),
        ("claims", "verdict=contradicted", "SELECT id FROM claims WHERE verdict = 'contradicted'"),
        ("arms", "dose_from=3&dose_to=4.5&role=intervention",
         "SELECT id FROM arms WHERE dose_mg_per_day BETWEEN 3 AND 4.5 AND role = 'intervention'"),
        ("pooling", "used=true", "SELECT condition_id || '--' || domain || '--' || outcome_id || '--' || position "
         "FROM meta_analysis_inputs WHERE used = 1"),
        ("tier-disagreements", "", "SELECT condition_id || '--' || position FROM asserted_tiers JOIN conditions "
         "ON conditions.id = condition_id WHERE tier <> evidence_tier"),
        ("evidence-map", "", "SELECT condition_id FROM evidence_map"),
        ("searches", "searched_from=2026&searched_to=2026-11",
         "SELECT id FROM searches WHERE searched_on BETWEEN '2026-01-01' AND '2026-11-30'"),
    ],
)  # fmt: skip
def test_filters_give_what_sql_gives(connection: sqlite3.Connection, path: str, query: str, sql: str) -> None:
    found = [record["id"] for record in get(Api(connection, static=True), f"{path}.json", query)["data"]]
    assert sorted(found) == sorted(row[0] for row in connection.execute(sql))
    assert found


@pytest.mark.parametrize(
    ("path", "query", "others"),
    [
        ("studies", "doi=10.1002/art.37734",
         ["doi=10.1002/ART.37734", "doi=https://doi.org/10.1002/art.37734", "doi=doi:10.1002/art.37734"]),
        ("studies", "pmid=23359310", ["pmid=PMID:23359310", "pmid=PMID%2023359310"]),
        ("studies", "registry=NCT00568555", ["registry=nct00568555"]),
        ("trials", "registry_number=NCT05307627", ["registry_number=nct05307627"]),
        ("trials", "registry=ClinicalTrials.gov", ["registry=clinicaltrials.gov"]),
        ("studies", "country=United States", ["country=united%20states"]),
        ("studies", "country=Türkiye", ["country=türkiye", "country=TÜRKIYE"]),
        ("coverage", "section=depth of reading, randomised trials",
         ["section=Depth%20of%20reading,%20randomised%20trials"]),
        ("mechanisms", "target=TLR4", ["target=tlr4"]),
        ("conditions", "code=M79.7", ["code=m79.7"]),
    ],
)  # fmt: skip
def test_codes_and_numbers_are_found_as_people_paste_them(
    api: Api, path: str, query: str, others: list[str]
) -> None:
    found = [one["id"] for one in get(api, path, f"{query}&limit=500")["data"]]
    assert found
    for other in others:
        assert [one["id"] for one in get(api, path, f"{other}&limit=500")["data"]] == found


def test_sorting_keeps_what_has_no_value_for_the_end(api: Api) -> None:
    for query, reverse in (("sort=dose_mg_per_day", False), ("sort=-dose_mg_per_day", True)):
        arms = get(api, "arms", f"{query}&limit=500&fields=dose_mg_per_day")["data"]
        values = [record["authored"]["dose_mg_per_day"] for record in arms]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=reverse)
        assert None not in values[: len(known)]
        assert len(known) > 50


def test_fields_and_include_choose(api: Api) -> None:
    record = get(api, "studies", "fields=title,participants&include=arms&limit=1")["data"][0]
    assert set(record) == {"type", "id", "links", "authored", "computed", "related"}
    assert set(record["authored"]) == {"title", "arms"}
    assert set(record["computed"]) == {"participants"}
    whole = get(api, f"studies/{record['id']}")["data"]
    assert record["authored"]["arms"] == whole["authored"]["arms"]
    assert (
        get(api, f"studies/{record['id']}", "include=none")["data"]["authored"].keys()
        < whole["authored"].keys()
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 500),
    sort=st.sampled_from(["", "year", "-year", "-participants,title", "verification_depth,-year"]),
)
def test_pages_put_together_are_the_whole_list(api: Api, limit: int, sort: str) -> None:
    query = f"&sort={sort}" if sort else ""
    whole = get(Api(api.connection, static=True), "studies.json", f"fields=id{query}")["data"]
    found: list[str] = []
    link: str | None = f"{API_ROOT}/studies?limit={limit}&fields=id{query}"
    while link:
        path, _, rest = link.partition("?")
        answer = get(api, path, rest)
        found += [record["id"] for record in answer["data"]]
        link = answer["links"]["next"]
    assert found == [record["id"] for record in whole]


def test_a_cursor_goes_on_after_a_new_build(built_database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ldn.db"
    shutil.copy(built_database, copy)
    with closing(sqlite3.connect(copy)) as connection:
        first = get(Api(connection), "studies", "limit=20&sort=title")
        connection.execute("UPDATE build_info SET value = 'another' WHERE key = 'digest'")
        path, _, query = first["links"]["next"].partition("?")
        after = get(Api(connection), path, query)
        assert after["page"]["offset"] == 20
        last = first["data"][-1]["id"]
        connection.execute("UPDATE studies SET title = char(1114111) WHERE id = ?", (last,))
        assert get(Api(connection), path, query)["data"] == []
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM studies WHERE id = ?", (last,))
        assert get(Api(connection), path, query, 404)["type"].endswith("#expired-cursor")


@pytest.mark.parametrize("name", PAGES)
def test_records_link_to_where_people_read_them(
    served: Any, connection: sqlite3.Connection, name: str
) -> None:
    """The page is there, and the place in it."""
    pages: dict[str, set[str]] = {}
    for identifier in identifiers(connection, BY_NAME[name]):
        address, _, place = PAGES[name].format(id=identifier).partition("#")
        if not place and pages:
            continue  # one page of each kind will do; tests/test_pages.py opens them all
        if address not in pages:
            answer = fetch(served, address)
            assert answer.status_code == 200, address
            pages[address] = set(re.findall(r'\bid="([^"]+)"', answer.text))
        assert not place or place in pages[address], PAGES[name].format(id=identifier)


def test_search_finds_synonyms_and_forgives_slips(api: Api) -> None:
    found = get(api, "search", "q=fibromyalgia&kind=conditions")
    assert "fibromyalgia" in [hit["record"]["id"] for hit in found["data"]]
    missed = get(api, "search", "q=fibromyalgya")
    assert missed["data"] == []
    assert missed["did_you_mean"][0]["id"] == "fibromyalgia"
    for kind in KINDS:
        get(api, "search", f"q=pain&kind={kind}")


# ---- Errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "status", "kind", "meant"),
    [
        ("studies", "desing=case_report", 400, "unknown-parameter", "design"),
        ("studies", "design=case_reports", 400, "unknown-value", "case_report"),
        ("studies", "design=RCT", 400, "unknown-value", None),
        ("studies", "condition=fibromialgia", 404, "not-found", "fibromyalgia"),
        ("studies", "condition=MS", 404, "not-found", "multiple-sclerosis"),
        ("studies", "country=Norwai", 404, "not-found", "Norway"),
        ("regulatory", "jurisdiction=USA", 404, "not-found", None),
        ("coverage", "section=studies", 404, "not-found", None),
        ("studies", "year_from=new", 400, "unknown-value", None),
        ("studies", "year_from=1&year_from=2", 400, "repeated-parameter", None),
        ("studies", "randomized=maybe", 400, "unknown-value", None),
        ("studies", "sort=titel", 400, "unknown-value", "title"),
        ("studies", "fields=titel", 400, "unknown-field", "title"),
        ("studies", "fields=arms", 400, "unknown-field", None),
        ("studies", "include=arm", 400, "unknown-part", "arms"),
        ("studies", "limit=0", 400, "unknown-value", None),
        ("studies", "limit=501", 400, "unknown-value", None),
        ("studies", "cursor=abc", 400, "bad-cursor", None),
        ("studies", "cursor=", 400, "bad-cursor", None),
        ("studies", "cursor=-1.abc.", 400, "bad-cursor", None),
        ("search", "q=pain&cursor=W10=", 400, "bad-cursor", None),
        ("studies", "cursor=50.another.6e6f", 404, "expired-cursor", None),
        ("studies", "q=", 400, "unknown-value", None),
        ("studies", f"q={'a' * 201}", 400, "unknown-value", None),
        ("changes", "since=yesterday", 400, "unknown-value", None),
        ("changes", "since=2026-13-45", 400, "unknown-value", None),
        ("search", "", 400, "missing-parameter", None),
        ("safety", "limit=1", 400, "unknown-parameter", None),
        ("openapi.json", "limit=1", 400, "unknown-parameter", None),
        ("studies/younger-2013.bib", "limit=1", 400, "unknown-parameter", None),
        ("studis", "", 404, "not-found", "studies"),
        ("conditions/fibromialgia", "", 404, "not-found", "fibromyalgia"),
        ("conditions/ms", "", 404, "not-found", "multiple-sclerosis"),
        ("safety/dreams", "", 404, "not-found", None),
        ("tier-history/fibromyalgia", "", 404, "not-found", None),
        ("conditions/fibromyalgia/studies", "", 404, "not-found", None),
    ],
)
def test_errors_say_what_is_allowed(
    api: Api, path: str, query: str, status: int, kind: str, meant: str | None
) -> None:
    response = api.render(f"{API_ROOT}/{path}", query)
    assert response.headers["content-type"] == PROBLEM
    problem = json.loads(response.body)
    assert (response.status, problem["status"]) == (status, status)
    assert problem["type"] == f"/api/#{kind}"
    assert {"title", "detail", "instance"} <= set(problem)
    assert "opioid" in problem["meta"]["notice"]
    if "cursor" in kind:
        assert problem["parameter"] == "cursor"
        assert "cursor" in problem["detail"]
    if meant is not None:
        assert problem["did_you_mean"][0] == meant
        assert meant in problem["detail"]
    if path.startswith("safety/"):  # which has none
        assert "filters" not in problem["detail"]
    if query == "design=RCT":  # close to nothing, so all are told
        assert "did_you_mean" not in problem
        assert "randomized_parallel" in problem["detail"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(max_size=60), query=st.text(max_size=120))
def test_any_path_and_query_gets_an_answer_that_is_no_failure(api: Api, path: str, query: str) -> None:
    for prefix in (f"{API_ROOT}/", f"{API_ROOT}/studies/", "/api/"):
        assert api.render(f"{prefix}{path}", query).status in (200, 308, 400, 404)
    for name in ("studies", "search"):
        response = api.render(f"{API_ROOT}/{name}", f"q={query}")
        assert response.status in (200, 400, 404)


def test_retired_identifiers_lead_to_their_successor_or_say_why(tmp_path: Path, project_root: Path) -> None:
    project = small_project(tmp_path, project_root)
    ledger = project.data / "retired.yml"
    ledger.write_text(
        ledger.read_text()
        + "  - kind: studies\n    id: older-trial\n    successor: example-trial\n    retired_on: 2026-01-10\n"
        "    reason: It was renamed.\n"
        "  - kind: studies\n    id: lost-trial\n    retired_on: 2026-02-01\n    reason: It was never carried out.\n"
    )
    build(project)
    with closing(sqlite3.connect(project.database)) as connection, connection:
        # A successor that was given up in its turn.
        connection.execute("UPDATE retired SET successor = 'old-trial' WHERE id = 'older-trial'")
    served = application(project.database)
    for old in ("old-trial", "older-trial"):
        moved = fetch(served, f"/api/v1/studies/{old}?include=arms")
        assert moved.status_code == 301
        assert moved.headers["location"] == "/api/v1/studies/example-trial?include=arms"
        assert moved.json()["successor"] == "example-trial"
        assert fetch(served, moved.headers["location"]).status_code == 200
    for suffix in (".json", ".bib", ".ris", ".nbib", ".csl.json"):
        moved = fetch(served, f"/api/v1/studies/older-trial{suffix}")
        assert moved.status_code == 301
        assert moved.headers["location"] == f"/api/v1/studies/example-trial{suffix}"
        assert fetch(served, moved.headers["location"]).status_code == 200
        assert fetch(served, f"/api/v1/studies/lost-trial{suffix}").status_code == 410
        unknown = fetch(served, f"/api/v1/studies/exampel-trial{suffix}")
        assert unknown.status_code == 404
        assert unknown.json()["did_you_mean"] == ["example-trial"]
        assert suffix not in unknown.json()["detail"]
    gone = fetch(served, "/api/v1/studies/lost-trial")
    assert gone.status_code == 410
    assert gone.json()["reason"] == "It was never carried out."
    assert fetch(served, "/api/v1/conditions/lost-trial").status_code == 404
    changes = fetch(served, "/api/v1/changes?event=retired").json()["data"]
    assert {one["authored"]["record"]["id"] for one in changes} == {"old-trial", "older-trial", "lost-trial"}


# ---- HTTP -------------------------------------------------------------------------------------------------------


def test_conditional_requests(served: Any) -> None:
    first = fetch(served, "/api/v1/studies/younger-2013")
    assert first.status_code == 200
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert first.headers["vary"] == "Accept-Encoding"
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    for sent in (
        {"if_none_match": tag},
        {"if_none_match": f'"other", W/{tag}'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
    ):
        again = fetch(served, "/api/v1/studies/younger-2013", **sent)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["access-control-allow-origin"] == "*"
    for sent in (
        {"if_none_match": '"other"'},
        {"if_none_match": '"other"', "if_modified_since": modified},
        {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ):
        assert fetch(served, "/api/v1/studies/younger-2013", **sent).status_code == 200
    assert fetch(served, "/api/v1/studies/no-such-study", if_none_match=tag).status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/conditions", "/api/v1/studies/younger-2013", "/api/v1/nothing"]
)
def test_head_is_get_without_a_body(served: Any, path: str) -> None:
    whole, head = fetch(served, path), fetch(served, path, "HEAD")
    assert head.status_code == whole.status_code
    assert dict(head.headers) == dict(whole.headers)
    assert head.content == b""
    assert int(whole.headers["content-length"]) == len(whole.content)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_only_reading_is_allowed(served: Any, method: str) -> None:
    refused = fetch(served, "/api/v1/conditions", method)
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    assert refused.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/conditions/x%00", 400),
        ("/api/v1/conditions/x%5cy", 400),
        ("//api/v1/conditions", 400),
        (f"/api/v1/studies?q={'a' * 20_001}", 414),
        (f"/api/v1/studies?{'&'.join(['q=a'] * 101)}", 400),
    ],
)
def test_addresses_that_are_refused_unseen_are_problems_too(
    served: Any, path: str, status: int, method: str
) -> None:
    answer = asyncio.run(raw_request(served, method, path))
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if method == "HEAD":
        assert answer.content == b""
        return
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("/api/#refused", status)
    assert "opioid" in problem["meta"]["notice"]
    assert problem["meta"]["digest"]


async def raw_request(served: Any, method: str, target: str) -> httpx.Response:
    """A request whose address is sent as it is written; httpx would mend it."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http", "method": method, "scheme": "http", "http_version": "1.1", "root_path": "",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(b"host", b"base.example")],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await served(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)


def test_options_and_cross_origin_requests(served: Any) -> None:
    answer = fetch(
        served,
        "/api/v1/conditions",
        "OPTIONS",
        origin="https://other.example",
        access_control_request_method="GET",
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    for path in ("/api/v1/conditions", "/api/v1/nothing", "/api/v1/openapi.json"):
        assert fetch(served, path).headers["access-control-allow-origin"] == "*"


def test_answers_come_compressed_where_the_client_can(served: Any) -> None:
    plain = fetch(served, "/api/v1/conditions")
    assert "content-encoding" not in plain.headers
    tags = {plain.headers["etag"]}
    packed = fetch(served, "/api/v1/conditions", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # unpacked by the client
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    tags.add(packed.headers["etag"])
    if importlib.util.find_spec("brotli"):
        best = fetch(served, "/api/v1/conditions", accept_encoding="gzip, br")
        assert best.headers["content-encoding"] == "br"
        assert int(best.headers["content-length"]) < int(packed.headers["content-length"])
        tags.add(best.headers["etag"])
        assert len(tags) == 3
    assert len(tags) >= 2, "another encoding is another tag"
    assert fetch(
        served, "/api/v1/conditions", accept_encoding="gzip", if_none_match=packed.headers["etag"]
    ).status_code == 304  # fmt: skip


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (b"", "identity"), (b"gzip", "gzip"), (b"gzip;q=0", "identity"), (b"deflate", "identity"),
        (b"identity, gzip;q=0.5", "identity"), (b"GZIP;q=0.8, br;q=0", "gzip"), (b"gzip;q=x", "identity"),
    ],
)  # fmt: skip
def test_accept_encoding_is_weighed(accepted: bytes, chosen: str) -> None:
    assert best_encoding(accepted) == chosen


def test_no_stale_byte_after_a_new_build(tmp_path: Path, project_root: Path) -> None:
    project = small_project(tmp_path, project_root)
    build(project)
    os.utime(project.database, (1_750_000_000, 1_750_000_000))
    served = application(project.database)
    path = "/api/v1/studies/example-trial"
    before = fetch(served, path)
    tag, modified = before.headers["etag"], before.headers["last-modified"]
    assert fetch(served, path, if_none_match=tag).status_code == 304
    record = project.data / "studies" / "example-trial.yml"
    title = before.json()["data"]["authored"]["title"]
    record.write_text(record.read_text().replace(title, "Another title of the trial"))
    build(project)
    after = fetch(served, path, if_none_match=tag, if_modified_since=modified)
    assert after.status_code == 200
    assert after.json()["data"]["authored"]["title"] == "Another title of the trial"
    assert after.json()["meta"]["digest"] != before.json()["meta"]["digest"]
    assert "last-modified" not in after.headers, (
        "a file just written is not told from the next one by its second"
    )
    assert fetch(served, path, if_modified_since=modified).status_code == 200
    assert after.headers["etag"] != tag
    project.database.unlink()
    assert fetch(served, path).status_code == 200, "a file that is away for a moment changes nothing"


def test_the_cache_is_bounded_in_bytes(built_database: Path) -> None:
    settle(built_database)
    server = ApiServer(built_database, cached_bytes=2_000_000)
    first = fetch(server, "/api/v1/studies?limit=1").content
    for limit in range(1, 60):
        for encoding in ("identity", "gzip"):
            fetch(server, f"/api/v1/studies?limit={limit}", accept_encoding=encoding)
            assert server.cache is not None
            assert server.cache.bytes <= 2_000_000
    assert server.cache is not None
    assert server.cache.bytes > 1_000_000
    assert fetch(server, "/api/v1/studies?limit=1").content == first
    held = server.cache.bytes
    for number in range(50):
        fetch(server, f"/api/v1/studies?nonsense{number}=1")
    assert server.cache.bytes == held, "errors are not kept"


def test_requests_at_the_same_time_get_their_own_answers(served: Any, connection: sqlite3.Connection) -> None:
    names = identifiers(connection, BY_NAME["studies"])[:80]

    async def ask() -> list[Any]:
        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://base.example") as client:
            return await asyncio.gather(*(client.get(f"/api/v1/studies/{name}") for name in names))

    assert [answer.json()["data"]["id"] for answer in asyncio.run(ask())] == names


def test_addresses_keep_the_prefix_of_the_site(built_database: Path) -> None:
    served = application(built_database, base_url="/ldn-evidence/")
    record = fetch(served, "/ldn-evidence/api/v1/conditions/fibromyalgia").json()
    assert record["data"]["links"]["self"] == "/ldn-evidence/api/v1/conditions/fibromyalgia"
    assert record["meta"]["openapi"] == "/ldn-evidence/api/v1/openapi.json"
    assert fetch(served, "/ldn-evidence/api/v1/openapi.json").json()["servers"] == [{"url": "/ldn-evidence"}]
    assert fetch(served, "/ldn-evidence/api").headers["location"] == "/ldn-evidence/api/"
    following = fetch(served, "/ldn-evidence/api/v1/studies").json()["links"]["next"]
    assert fetch(served, following).status_code == 200


def test_a_missing_database_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = fetch(ApiServer(tmp_path / "ldn.db"), "/api/v1/")
    assert answer.status_code == 503
    assert "opioid" in answer.json()["meta"]["notice"]
    assert str(tmp_path) not in answer.text


def test_datasettes_own_json_stays_beside_it(served: Any) -> None:
    assert fetch(served, "/api/v1/").status_code == 200
    rows = fetch(served, "/ldn/conditions.json?_shape=array&id=fibromyalgia").json()
    assert [row["id"] for row in rows] == ["fibromyalgia"]
    rows = fetch(served, "/ldn/conditions/fibromyalgia.json?_shape=objects").json()["rows"]
    assert rows[0]["id"] == "fibromyalgia"


# ---- Documentation ----------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_documentation_page_is_whole_and_asks_nobody_else(served: Any) -> None:
    answer = fetch(served, "/api/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "opioid" in answer.text
    page = _Page(answer.text)
    names = {attributes["id"] for _, attributes in page.found if attributes.get("id")}
    for tag, attributes in page.found:
        assert tag not in ("script", "style", "iframe", "img")
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        link = attributes.get("href") or ""
        if link.startswith("#"):
            assert link[1:] in names, link
        elif link:
            assert link.startswith("/"), link
            assert fetch(served, link).status_code == 200, link
    for resource in RESOURCES:
        assert f"GET {resource.path}<" in answer.text
    commands = re.findall(r'curl (?:-L )?"\$SITE([^"]+)"', answer.text)
    assert len(commands) >= 8
    for command in commands:
        address = command.replace("&amp;", "&")
        found = fetch(served, address)
        if found.is_redirect:  # the 1.0 line moved the place for SQL
            found = fetch(served, found.headers["location"])
        assert found.status_code == 200, address


def test_kinds_of_problem_have_their_anchor(served: Any) -> None:
    page = _Page(fetch(served, "/api/").text)
    names = {attributes.get("id") for _, attributes in page.found}
    problem = fetch(served, "/api/v1/studies?x=1").json()
    assert problem["type"].partition("#")[2] in names


def test_the_openapi_document_is_sound(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    text = json.dumps(document)
    for target in set(re.findall(r'"#/components/(schemas|responses|headers)/([^"]+)"', text)):
        assert target[1] in document["components"][target[0]], target
    operations = [item["get"]["operationId"] for item in document["paths"].values()]
    assert len(operations) == len(set(operations)) > 40
    described = {
        name
        for schema in document["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
        if "description" in field or "$ref" in field or "anyOf" in field or "const" in field
    }
    assert {"evidence_tier", "dose_mg_per_day", "random_ci_low"} <= described
    references = [
        field
        for name, schema in document["components"]["schemas"].items()
        for field in schema.get("properties", {}).values()
        if name.startswith(("Study", "Claim", "Effect", "Arm")) and "/Reference" in json.dumps(field)
    ]
    assert len(references) > 20
    assert all(field.get("description") for field in references)
    assert (
        document["components"]["schemas"]["StudyArms"]["properties"]["dose_mg_per_day"]["x-unit"] == "mg/day"
    )


def test_the_same_schema_name_is_never_used_twice(document: dict[str, Any]) -> None:
    from ldn_evidence.publish.openapi import _schemas

    names = [name for name, _ in _schemas()]
    assert len(names) == len(set(names)) == len(document["components"]["schemas"])


def strict(schema: Any) -> Any:
    """The document with nothing allowed beside what it says, so that no field goes out undescribed."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(one) for name, one in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


PATHS = [
    *(f"{API_ROOT}/{name}" for name in ("", "openapi.json", "safety", "build", "search")),
    *(resource.path for resource in RESOURCES),
    *(f"{resource.path}/{{id}}" for resource in WITH_RECORDS),
]


def test_every_operation_is_on_the_list_of_those_tested(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(PATHS)


@pytest.fixture(scope="module")
def schema(document: dict[str, Any], served: Any, require_tool: Any) -> Any:
    require_tool("schemathesis", "it makes requests from the OpenAPI document")
    import schemathesis

    loaded = schemathesis.openapi.from_dict(strict(document))
    loaded.app = served
    return loaded


def test_schemathesis_finds_nothing(
    document: dict[str, Any], built_database: Path, tmp_path: Path, require_tool: Any
) -> None:
    """Every operation of a real server with thousands of requests, right and wrong."""
    require_tool("schemathesis", "it makes requests from the OpenAPI document")
    description, settings_file = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    description.write_text(json.dumps(strict(document)))
    settings_file.write_text(
        # 414, for an address of more than 20,000 characters, is a refusal too.
        '[checks.negative_data_rejection]\nexpected-statuses = ["400", "404", "405", "414"]\n'
    )
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = int(attempt.getsockname()[1])
    metadata = built_database.parent / "metadata.yml"
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "datasette", *serve_arguments(built_database, metadata, port)],
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            assert server.poll() is None, log.read_text()
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline, log.read_text()
            threading.Event().wait(0.02)
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings_file), "run", str(description),
                "--url", f"http://127.0.0.1:{port}", "--max-examples", "8", "--generation-deterministic", "--seed", "1",
            ],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(rf"Tested:\s+{len(PATHS)}\b", done.stdout), done.stdout[-2000:]


@pytest.mark.parametrize("resource", WITH_RECORDS, ids=lambda resource: resource.name)
def test_real_records_are_as_described(
    schema: Any, connection: sqlite3.Connection, resource: Resource
) -> None:
    """Random identifiers hardly ever exist, so real ones are asked for here."""
    operation = schema[f"{resource.path}/{{id}}"]["GET"]
    names = identifiers(connection, resource)
    for identifier in names[:: 1 + len(names) // 12]:
        case = operation.Case(path_parameters={"id": identifier})
        assert case.call_and_validate().status_code == 200


# ---- Contract ---------------------------------------------------------------------------------------------------


def contract(document: dict[str, Any], path: str) -> dict[str, list[str]]:
    """Parameters of an operation and every field of its answer with its type."""
    schemas = document["components"]["schemas"]

    def fields(schema: dict[str, Any], place: str) -> Iterator[str]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in ("Meta", "Reference", "Page", "ListLinks", "RecordLinks") and place:
                yield f"{place}: {name}"
                return
            schema = schemas[name]
        if "anyOf" in schema:
            options = [next(iter(fields(one, place)), "").rpartition(": ")[2] for one in schema["anyOf"]]
            yield f"{place}: {' or '.join(options)}"
            return
        kind = schema.get("type", "any")
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        if place:
            yield f"{place}: {kind}"
        for name, one in schema.get("properties", {}).items():
            yield from fields(one, f"{place}.{name}" if place else name)
        if "items" in schema and schema["items"]:
            yield from fields(schema["items"], f"{place}[]")

    operation = document["paths"][path]["get"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return {
        "parameters": sorted(one["name"] for one in operation["parameters"]) if "parameters" in operation else [],
        "fields": sorted(set(fields(answer, ""))),
    }  # fmt: skip


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("openapi.json")])
def test_contract_nothing_is_taken_away(document: dict[str, Any], path: str) -> None:
    name = path.removeprefix(f"{API_ROOT}/").replace("/{id}", "-record") or "index"
    file = CONTRACT / f"{name}.json"
    now = contract(document, path)
    promised = json.loads(file.read_text()) if file.is_file() else {"parameters": [], "fields": []}
    for what, names in promised.items():
        gone = sorted(set(names) - set(now[what]))
        assert not gone, f"{path} no longer has these {what}; within v1 nothing is taken away: {gone}"
    if os.environ.get("UPDATE_API_CONTRACT"):
        file.write_text(json.dumps(now, indent=1) + "\n")
    assert json.loads(file.read_text()) == now, (
        "new: run UPDATE_API_CONTRACT=1 pytest tests/test_api.py -k contract"
    )


def test_contract_of_shared_objects(document: dict[str, Any]) -> None:
    file = CONTRACT / "shared.json"
    schemas = document["components"]["schemas"]
    now = {
        name: {
            "fields": sorted(schemas[name]["properties"]),
            "required": sorted(schemas[name]["required"]),
        }
        for name in ("Meta", "Reference", "Page", "ListLinks", "RecordLinks", "Problem")
    }
    if os.environ.get("UPDATE_API_CONTRACT") and not file.exists():
        file.write_text(json.dumps(now, indent=1) + "\n")
    promised = json.loads(file.read_text())
    for name, one in promised.items():
        for what, names in one.items():
            assert set(names) <= set(now[name][what]), f"{name}: {what} taken away"


def test_a_generated_client_reads_real_data(
    document: dict[str, Any], served: Any, tmp_path: Path, require_tool: Any
) -> None:
    require_tool("openapi_python_client", "it generates a client from the OpenAPI document")
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(document))
    config = tmp_path / "config.yml"
    config.write_text("post_hooks: []\n")
    subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--path", str(description), "--meta", "none",
            "--output-path", str(tmp_path / "generated_api_client"), "--config", str(config), "--fail-on-warning",
        ],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    sys.path.insert(0, str(tmp_path))
    try:
        library = importlib.import_module("generated_api_client")
        get_condition = importlib.import_module("generated_api_client.api.records.get_condition")
        list_studies = importlib.import_module("generated_api_client.api.records.list_studies")

        async def read() -> tuple[Any, Any, Any]:
            client = library.Client(
                "http://base.example", httpx_args={"transport": httpx.ASGITransport(app=served)}
            )
            condition = await get_condition.asyncio(id="fibromyalgia", client=client)
            studies = await list_studies.asyncio(client=client, condition=["fibromyalgia"], limit=5, sort=[])
            problem = await get_condition.asyncio(id="no-such-condition", client=client)
            return condition, studies, problem

        condition, studies, problem = asyncio.run(read())
    finally:
        sys.path.remove(str(tmp_path))
    assert condition.data.id == "fibromyalgia"
    assert condition.data.authored.evidence_tier in ("emerging", "limited", "strong")
    assert condition.data.related.studies[0].study.title
    assert "opioid" in condition.meta.notice
    assert len(studies.data) == 5
    assert studies.page.total > 5
    assert problem.status == 404


# ---- The static tree --------------------------------------------------------------------------------------------


def test_the_static_tree_is_closed(connection: sqlite3.Connection) -> None:
    api = Api(connection, static=True)
    paths = list(static_paths(connection))
    known = set(paths)
    assert len(paths) == len(known) > 1000

    def links(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                if isinstance(inner, str) and name in ("href", "self", "first", "next", "openapi", "page"):
                    yield inner
                else:
                    yield from links(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from links(inner)

    for path in paths:
        response = api.render(path)
        assert response.status == 200, path
        if path.endswith(".json") and not path.endswith("openapi.json"):
            for link in links(json.loads(response.body)):
                assert link in known, f"{path}: {link}"


def test_the_static_tree_describes_its_files_and_no_server(connection: sqlite3.Connection) -> None:
    files = Api(connection, static=True)
    there = set(files.static_paths())
    described = json.loads(files.render(f"{API_ROOT}/openapi.json").body)
    assert len(described["paths"]) == len(PATHS) - 1  # no search
    for path, item in described["paths"].items():
        start, _, rest = path.partition("{id}")
        assert path in there or rest and any(one.startswith(start) and one.endswith(rest) for one in there), (
            path
        )
        assert set(item["get"]["responses"]) == {"200"}
        assert {one["in"] for one in item["get"]["parameters"]} <= {"path"}
    used = set(re.findall(r'"#/components/([^"]+)"', json.dumps(described)))
    defined = {f"{kind}/{name}" for kind, ones in described["components"].items() for name in ones}
    assert used <= defined
    page = files.render("/api/index.html").body.decode()
    for only_of_a_server in ("curl", "cursor", "ETag", ".bib", "/ldn/", "search?", "problem"):
        assert only_of_a_server not in page, only_of_a_server


def test_the_static_tree_says_what_the_live_api_says(api: Api, connection: sqlite3.Connection) -> None:
    static = Api(connection, static=True)
    for path in ("conditions/fibromyalgia", "studies/younger-2013"):
        live, kept = get(api, path)["data"], get(static, f"{path}.json")["data"]
        assert live["computed"].keys() == kept["computed"].keys()
        assert json.dumps(live["authored"]) == json.dumps(kept["authored"]).replace('.json"', '"')
    assert len(get(static, "studies.json")["data"]) == get(api, "studies")["page"]["total"]


def test_an_answer_depends_on_its_arguments_alone(connection: sqlite3.Connection) -> None:
    assert render(connection, "/api/v1/conditions", "tier=emerging") == render(
        connection, "/api/v1/conditions", "tier=emerging"
    )


@pytest.mark.parametrize(
    "path", ["/api/v1/", "/api/v1/safety", "/api/v1/build", "/api/v1/conditions", "/api/v1/x"]
)
def test_every_answer_carries_the_notice(served: Any, path: str) -> None:
    meta = fetch(served, path).json()["meta"]
    assert "Not medical advice" in meta["notice"]
    assert "opioid" in meta["notice"]
    assert meta["licence"]["id"] == "CC0-1.0"
    assert all(meta[name] for name in ("citation", "digest", "data_version", "schema_version", "data_as_of"))


def test_gzip_bytes_are_the_same_on_every_server(built_database: Path) -> None:
    one, other = ApiServer(built_database), ApiServer(built_database)
    answers = [fetch(server, "/api/v1/studies", accept_encoding="gzip") for server in (one, other)]
    assert answers[0].headers == answers[1].headers
    assert gzip.compress(answers[0].content, 6, mtime=0) == gzip.compress(answers[1].content, 6, mtime=0)

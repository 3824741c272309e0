"""References and the feed from a real Datasette, as pages link to them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import feedparser
import pytest
import rispy
from datasette.app import Datasette
from pybtex.database import parse_string

from export_support import rows_of_query


@pytest.fixture(scope="module")
def site(built_database: Path) -> Any:
    return Datasette(files=[], immutables=[str(built_database)])


def get(site: Any, path: str, **options: Any) -> Any:
    return asyncio.run(site.client.request(options.pop("method", "GET"), path, **options))


def test_one_study_as_bibtex(site: Any) -> None:
    answer = get(site, "/api/v1/studies/younger-2013.bib")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-bibtex")
    assert list(parse_string(answer.text, "bibtex").entries) == ["ldn-evidence", "younger-2013"]


def test_the_studies_of_a_condition_as_ris(site: Any, built_database: Path) -> None:
    found = {entry["id"] for entry in rispy.loads(get(site, "/api/v1/conditions/fibromyalgia.ris").text)}
    query = "SELECT study_id FROM study_conditions WHERE condition_id = 'fibromyalgia'"
    studies = {row[0] for row in rows_of_query(built_database, query)}
    assert len(studies) > 10
    assert found == studies | {"ldn-evidence"}


@pytest.mark.parametrize("suffix", ["bib", "ris", "nbib", "csl.json"])
def test_every_format_says_what_it_is_and_warns(site: Any, suffix: str) -> None:
    answer = get(site, f"/api/v1/studies/younger-2013.{suffix}")
    assert answer.status_code == 200
    assert "opioid" in " ".join(answer.text.split())


@pytest.mark.parametrize("query", ["", "?_size=max", "?_stream=on"])
@pytest.mark.parametrize("table", ["citations", "doses_tried"])  # more rows than Datasette gives by itself
def test_the_csv_of_a_table_or_view_is_complete(
    site: Any, built_database: Path, table: str, query: str
) -> None:
    rows = list(csv.DictReader(io.StringIO(get(site, f"/ldn/{table}.csv{query}").text)))
    (count,) = rows_of_query(built_database, f"SELECT count(*) FROM {table}")[0]
    assert len(rows) == count > 100


@pytest.mark.parametrize("query", ["?_sort_desc=year", "?_sort_desc=design", "?_sort=verification_depth"])
def test_the_csv_of_a_sorted_table_has_every_row_once(site: Any, built_database: Path, query: str) -> None:
    rows = list(csv.DictReader(io.StringIO(get(site, f"/ldn/studies.csv{query}").text)))
    (count,) = rows_of_query(built_database, "SELECT count(*) FROM studies")[0]
    assert len(rows) == len({row["id"] for row in rows}) == count > 400


@pytest.mark.parametrize(
    ("table", "sort"),
    [
        ("studies", "_sort_desc=year"),
        ("outcomes", "_sort_desc=domain"),
        ("citations", "_sort_desc=record_kind"),
    ],
)
def test_the_pages_of_a_sorted_table_have_every_row_once(
    site: Any, built_database: Path, table: str, sort: str
) -> None:
    seen, following = [], ""
    while following is not None:
        answer = json.loads(get(site, f"/ldn/{table}.json?_shape=objects&{sort}{following}").text)
        seen += [json.dumps(row) for row in answer["rows"]]
        following = answer.get("next") and f"&_next={quote(answer['next'])}"
    (count,) = rows_of_query(built_database, f"SELECT count(*) FROM {table}")[0]
    assert len(seen) == len(set(seen)) == count > 200


def test_the_csv_of_a_table_is_as_long_as_it_was_asked_to_be(site: Any, built_database: Path) -> None:
    def rows(query: str) -> int:
        return len(list(csv.reader(io.StringIO(get(site, f"/ldn/studies.csv?{query}").text)))) - 1

    (surveys,) = rows_of_query(built_database, "SELECT count(*) FROM studies WHERE design = 'survey'")[0]
    assert rows("_size=7") == 7
    assert rows("design=survey") == surveys


def test_the_feed(site: Any) -> None:
    feed: Any = feedparser.parse(get(site, "/feed.atom").content)
    assert not feed.bozo
    assert len(feed.entries) > 100
    assert [link.href for link in feed.feed.links if link.rel == "self"] == ["http://localhost/feed.atom"]
    addresses = {entry.link for entry in feed.entries}
    for path in ("/about", "/studies/younger-2013", "/conditions/fibromyalgia"):
        assert f"http://localhost{path}" in addresses
        assert get(site, path).status_code == 200


def test_the_feed_bears_the_address_under_which_it_was_asked_for(built_database: Path) -> None:
    site = Datasette(files=[], immutables=[str(built_database)], settings={"base_url": "/ldn-evidence/"})
    for host, address in (("a.example", "http://a.example"), ("b.example", "http://b.example"), ("<", "")):
        found = feedparser.parse(get(site, "/feed.atom", headers={"host": host}).content)
        assert found.feed.links[0].href == f"{address}/ldn-evidence/feed.atom"
        assert all(entry.link.startswith(f"{address}/ldn-evidence/") for entry in found.entries)


def test_the_feed_goes_out_compressed(site: Any) -> None:
    plain = get(site, "/feed.atom", headers={"accept-encoding": "identity"})
    packed = get(site, "/feed.atom", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # unpacked by the client
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.headers["etag"] != plain.headers["etag"]


def test_what_a_client_has_is_not_sent_again(site: Any) -> None:
    for path in ("/feed.atom", "/api/v1/studies/younger-2013.bib"):
        first = get(site, path)
        again = get(site, path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = get(site, path, method="HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == first.headers["content-length"]


@pytest.mark.parametrize("path", ["/feed.atom", "/robots.txt", "/sitemap.xml"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_files_are_only_read(site: Any, path: str, method: str) -> None:
    answer = get(site, path, method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_crawlers_find_the_list_of_all_pages(site: Any) -> None:
    lines = get(site, "/robots.txt").text.splitlines()
    assert [line for line in lines if line.startswith("Sitemap:")] == [
        "Sitemap: http://localhost/sitemap.xml"
    ]
    tree = ElementTree.fromstring(get(site, "/sitemap.xml").content)
    addresses = [one.text or "" for one in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(addresses) == len(set(addresses)) > 600
    for path in (
        "",
        "trials",
        "conditions/fibromyalgia",
        "studies/younger-2013",
        "questions/does-it-work-in-fibromyalgia",
    ):
        assert f"http://localhost/{path}" in addresses


@pytest.mark.parametrize("path", ["/api/v1/studies/no-such-study.bib", "/api/v1/studies/younger-2013.exe"])
def test_what_is_not_there_is_not_found(site: Any, path: str) -> None:
    assert get(site, path).status_code == 404


def test_the_security_headers_stand_here_too(site: Any) -> None:
    assert get(site, "/feed.atom").headers["x-content-type-options"] == "nosniff"


def test_another_database_is_left_alone() -> None:
    assert get(Datasette(memory=True), "/feed.atom").status_code == 404

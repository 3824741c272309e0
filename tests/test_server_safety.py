"""What a public instance must withstand, over HTTP, on whichever Datasette line is installed.

`make test-next` runs this file once more with the newest pre-release of the other line.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ldn_evidence.project import Project
from ldn_evidence.publish.plugin.headers import OWN_POLICY
from ldn_evidence.publish.plugin.limits import QueryBudget, install_functions
from ldn_evidence.publish.plugin.search_text import fts_query
from ldn_evidence.publish.server import (
    SETTINGS,
    CannotServe,
    check_port,
    datasette_is_next_line,
    serve,
    serve_arguments,
)

STUDIES = 3_000
KNOWN_METHODS = frozenset({"TRACE", "PROPFIND", "POST", "PUT", "PATCH", "DELETE"})
METADATA = {
    "title": "Small catalogue",
    "databases": {
        "ldn": {
            "queries": {
                "search_studies": {
                    "sql": "select s.id, s.title from studies_fts f join studies s on s.rowid = f.rowid "
                    "where studies_fts match fts_query(:words) order by bm25(studies_fts)",
                },
                "search_raw": {
                    "sql": "select rowid from studies_fts where studies_fts match :words",
                },
            },
            "tables": {
                "studies": {"facets": ["design"], "fts_table": "studies_fts", "fts_pk": "rowid"},
            },
        }
    },
}


def make_catalogue(folder: Path) -> Project:
    """A small database with what the real one has: text keys, foreign keys, a view, full-text search."""
    project = Project(folder)
    connection = sqlite3.connect(project.database)
    connection.executescript(
        """
        create table conditions (id text primary key, name text not null) strict;
        create table studies (
            id text primary key,
            title text not null,
            summary text not null,
            design text not null,
            year integer not null,
            condition_id text not null references conditions(id)
        ) strict;
        create index studies_condition on studies(condition_id);
        create view studies_by_condition as
            select conditions.name, count(*) as studies,
                replace(printf('%s, %d', name, count(*)), 'ia', 'IA') as label
            from studies join conditions on conditions.id = studies.condition_id group by conditions.id;
        create virtual table studies_fts using fts5(
            title, summary, content='studies', tokenize="porter unicode61 remove_diacritics 2"
        );
        insert into conditions values ('fibromyalgia', 'Fibromyalgia'),
            ('crohns-disease', 'Crohn''s disease');
        """
    )
    subjects = ("fatigue", "pain", "sleep", "inflammation", "quality of life")
    connection.executemany(
        "insert into studies values (?, ?, ?, ?, ?, ?)",
        (
            (
                f"study-{number:04}",
                f"Low-dose naltrexone and {subjects[number % 5]}, study {number}",
                "A randomised comparison of low-dose naltrexone with placebo. " * 30,
                ("rct", "cohort", "case-report")[number % 3],
                2000 + number % 25,
                ("fibromyalgia", "crohns-disease")[number % 2],
            )
            for number in range(STUDIES)
        ),
    )
    connection.execute("insert into studies_fts(studies_fts) values ('rebuild')")
    connection.commit()
    connection.close()
    project.metadata.write_text(yaml.safe_dump(METADATA))
    return project


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_catalogue(tmp_path_factory.mktemp("catalogue"))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A `datasette serve` process on loopback."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, timeout: float = 60, method: str = "GET") -> Answer:
        """Fetch `path` exactly as written, following no redirect."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path)
            response: HTTPResponse = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def query(self, sql: str, **parameters: str) -> Answer:
        """Run a visitor's SQL."""
        path = "/ldn/-/query.json" if datasette_is_next_line() else "/ldn.json"
        return self.get(f"{path}?{urlencode({'sql': sql, '_shape': 'array', **parameters})}")

    def memory_megabytes(self, kind: str = "VmRSS") -> float:
        """Resident memory now (`VmRSS`) or at its highest (`VmHWM`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{kind}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


def start(arguments: list[str], port: int, log: Path) -> Server:
    """Start `datasette` and return when it listens."""
    return start_process([sys.executable, "-m", "datasette", *arguments], port, log)


def start_process(command: list[str], port: int, log: Path) -> Server:
    """Start a server and return when it listens."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return Server(port, process, log)
        threading.Event().wait(0.02)
    process.kill()
    raise AssertionError(f"datasette did not start: {log.read_text()}")


def stop(server: Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(catalogue: Project) -> Iterator[Server]:
    port = free_port()
    arguments = serve_arguments(catalogue.database, catalogue.metadata, port, "127.0.0.1")
    running = start(arguments, port, catalogue.root / "serve.log")
    yield running
    stop(running)


@pytest.fixture(scope="module")
def plain_server(catalogue: Project) -> Iterator[Server]:
    """Started as somebody would who knows Datasette and not us, with the file's whole path."""
    port = free_port()
    arguments = ["serve", str(catalogue.database), "-m", str(catalogue.metadata), "-p", str(port)]
    running = start(arguments, port, catalogue.root / "plain.log")
    yield running
    stop(running)


@pytest.fixture(params=["server", "plain_server"])
def either(request: pytest.FixtureRequest) -> Server:
    """Ours, and one started with `datasette ldn.db -m metadata.yml` alone."""
    running: Server = request.getfixturevalue(request.param)
    return running


# Settings and immutability


def test_settings_hold_however_it_was_started(either: Server) -> None:
    shown = either.get("/-/settings.json").json()
    assert {name: shown[name] for name in SETTINGS} == dict(SETTINGS)


def test_database_is_immutable_however_it_was_started(either: Server) -> None:
    rows = either.get("/-/databases.json").json()
    databases = {row["name"]: row for row in (rows["databases"] if isinstance(rows, dict) else rows)}
    assert databases["ldn"]["is_mutable"] is False
    assert databases["ldn"]["size"] > 0


def test_no_facet_is_suggested(server: Server) -> None:
    table = server.get("/ldn/studies.json?_extra=suggested_facets").json()
    assert table.get("suggested_facets", []) == []


def test_row_limit_holds(server: Server) -> None:
    assert len(server.query("select * from studies").json()) == 1000


def test_canned_queries_are_found_however_it_was_started(either: Server) -> None:
    found = either.get("/ldn/search_studies.json?words=fatigue&_shape=array").json()
    assert len(found) == STUDIES // 5


# Pages and queries go on working


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ldn",
        "/ldn/studies",
        "/ldn/studies?_facet=year&_search=fatigue&design=rct&_sort_desc=year",
        "/ldn/studies?title__contains=sleep&summary__like=%25dose%25",
        "/ldn/studies/study-0001",
        "/ldn/studies_by_condition",
        "/ldn/studies.csv?_stream=on&_size=max",
        "/ldn/studies.json?_shape=array&_nl=on",
        "/ldn.db",
        "/-/versions.json",
        "/-/plugins.json",
        "/-/databases",
    ],
)
def test_ordinary_pages_answer(server: Server, path: str) -> None:
    assert server.get(path).status == 200


def test_a_view_with_replaced_functions_answers(server: Server) -> None:
    rows = server.get("/ldn/studies_by_condition.json?_shape=array").json()
    assert {row["label"] for row in rows} == {"FibromyalgIA, 1500", "Crohn's disease, 1500"}


# One request takes neither gigabytes nor seconds, and the others are answered meanwhile


def doubled(seed: str, times: int, result: str) -> str:
    """SQL that doubles `seed` (an SQL expression) `times` times as x, then selects `result`."""
    steps = "".join(f", b{step + 1}(x) as (select x || x from b{step})" for step in range(times))
    return f"with b0(x) as (select {seed}){steps} select {result} from b{times}"


def levels(count: int) -> str:
    """SQL whose compiled size doubles with each level."""
    steps = "".join(f", c{level + 1} as (select a.x from c{level} a, c{level} b)" for level in range(count))
    return f"with c0 as (select 1 x){steps} select * from c{count}"


ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n)"
A_MANY = "replace(hex(zeroblob(120000)), '0', 'a')"

ATTACKS = {
    "hex-of-zeroblob": "select length(hex(zeroblob(400000000)))",
    "randomblob": "select length(randomblob(900000000))",
    "printf-precision": "select length(printf('%.*c', 900000000, 'x'))",
    "printf-width": "select length(printf('%900000000d', 1))",
    "format-width": "select length(format('%-900000000s', 'x'))",
    "one-large-cell": "select hex(zeroblob(50000000))",
    "many-large-cells": f"{ENDLESS} select hex(zeroblob(120000)) from n limit 1000",
    "many-large-blobs": f"{ENDLESS} select zeroblob(240000) from n limit 1000",
    "many-large-columns": "select " + ", ".join(f"hex(zeroblob(120000 + {n}))" for n in range(190)),
    "too-many-columns": "select " + ", ".join(f"hex(zeroblob(100000 + {n}))" for n in range(450)),
    "doubled-string": doubled("'ab'", 30, "length(x)"),
    "recursive-doubling": "with recursive d(x) as (select 'ab' union all select x || x from d) "
    "select max(length(x)) from d",
    "replace-blow-up": "select length(replace(replace(hex(zeroblob(100000)), '0', 'aaaaaaaaaaaaaaaaaaaa'), "
    "'a', 'bbbbbbbbbbbbbbbbbbbb'))",
    "group-concat": f"{ENDLESS} select length(group_concat(hex(zeroblob(100000)))) from n",
    "json-group-array": f"{ENDLESS} select length(json_group_array(hex(zeroblob(100000)))) from n",
    "string-in-every-row": f"{ENDLESS} select max(length(upper(hex(zeroblob(120000))))) from n",
    "randomblob-in-every-row": f"{ENDLESS} select max(length(randomblob(240000))) from n",
    "sort-of-large-rows": f"{ENDLESS} select length(x) from (select randomblob(200000) x from n limit 100000) "
    "order by x limit 1",
    "distinct-large-rows": f"{ENDLESS} select count(distinct randomblob(240000)) from n",
    "endless": f"{ENDLESS} select count(*) from n",
    "cross-join": "select count(*) from studies a, studies b, studies c where a.title < b.title || c.title",
    "giant-like": f"with b(x) as (select {A_MANY}) select x like '{'%a_' * 60}%b' from b",
    "giant-like-pattern": f"with b(x) as (select {A_MANY}) select x like x from b",
    "giant-glob": f"with b(x) as (select {A_MANY}) select x glob '{'*[a-z]' * 30}*[b]' from b",
    "many-likes": f"with b(x) as materialized (select {A_MANY}) select 1 from b where 1 in ("
    + ", ".join(f"x like '%{'a_' * 40}%{n}'" for n in range(100))
    + ")",
    "like-in-every-row": f"{ENDLESS}, b(x) as (select {A_MANY}) select count(*) from n, b "
    f"where x like '{'%a_' * 60}%b'",
    "instr-of-halves": f"with b(x) as materialized (select {A_MANY}) select instr(x, substr(x, 1, 120000) || 'b') from b",
    "many-instrs": f"with b(x, y) as materialized (select {A_MANY}, substr({A_MANY}, 1, 120000)) select 1 from b where 7 in ("
    + ", ".join(f"instr(x, y||{n})" for n in range(500))
    + ")",
    "many-replaces": f"with b(x, y) as materialized (select {A_MANY}, substr({A_MANY}, 1, 120000)) select 1 from b where 7 in ("
    + ", ".join(f"replace(x, y||{n}, 1)" for n in range(400))
    + ")",
    "many-uppers": f"with b(x) as materialized (select {A_MANY}) select 1 from b where 7 in ("
    + ", ".join(f"upper(x||{n})" for n in range(700))
    + ")",
    "trim-of-halves": f"with b(x) as (select {A_MANY}) select length(trim(x, x)) from b",
    "json-patch": f"{ENDLESS}, o(j) as (select json_group_object(i, i) from (select i from n limit 20000)) "
    "select length(json_patch(j, j)) from o",
    "deep-expression": "select " + "(" * 900 + "1" + ")" * 900,
    "long-sum": "select " + "+".join("1" for _ in range(4000)),
    "many-selects": " union all ".join("select 1" for _ in range(900)),
    "doubling-levels": levels(22),
    "many-prefixes": doubled(
        "'a* OR '", 12, "(select count(*) from studies_fts where studies_fts match x || 'a*')"
    ),
    "long-phrase": doubled(
        "'low '", 15, """(select count(*) from studies_fts where studies_fts match '"' || x || '"')"""
    ),
    "highlight-everything": "select length(highlight(studies_fts, 1, hex(zeroblob(120000)), hex(zeroblob(120000)))) "
    "from studies_fts where studies_fts match 'naltrexone'",
}


@dataclass(frozen=True)
class Attack:
    answer: Answer
    seconds: float
    megabytes: float
    slowest_neighbour: float


def attack(server: Server, path: str) -> Attack:
    """Send `path` and, as long as it runs, ask for a study again and again."""
    assert server.get("/ldn/studies/study-0007.json").status == 200
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # starts the highest mark anew
    before = server.memory_megabytes()
    answers: list[Answer] = []
    began = time.monotonic()
    attacker = threading.Thread(target=lambda: answers.append(server.get(path)))
    attacker.start()
    neighbours: list[float] = []
    while attacker.is_alive() or not neighbours:
        asked = time.monotonic()
        assert server.get("/ldn/studies/study-0007.json").status == 200
        neighbours.append(time.monotonic() - asked)
        attacker.join(0.02)
    seconds = time.monotonic() - began
    attacker.join()
    return Attack(answers[0], seconds, server.memory_megabytes("VmHWM") - before, max(neighbours))


def sql_path(sql: str) -> str:
    path = "/ldn/-/query.json" if datasette_is_next_line() else "/ldn.json"
    return f"{path}?{urlencode({'sql': sql, '_shape': 'array'})}"


@pytest.mark.parametrize("name", ATTACKS)
def test_one_query_takes_neither_gigabytes_nor_seconds(server: Server, name: str) -> None:
    result = attack(server, sql_path(ATTACKS[name]))
    if os.environ.get("LDN_SHOW_ATTACKS"):
        print(
            f"\n{name}: {result.answer.status} {result.seconds:.2f} s, +{result.megabytes:.0f} MB, "
            f"neighbour {result.slowest_neighbour:.2f} s, {len(result.answer.body)} bytes, {result.answer.text[:150]}"
        )
    assert result.answer.status in (200, 400)
    assert result.seconds < 3
    assert result.megabytes < 250
    assert result.slowest_neighbour < 1


@pytest.mark.parametrize(
    "path",
    [
        "/ldn/studies.json?" + urlencode({"_search": "a* " * 15_000, "_searchmode": "raw"}),
        "/ldn/studies.json?" + urlencode({"_search": "a* OR " * 8_000, "_searchmode": "raw"}),
        "/ldn/studies.json?" + urlencode({"summary__like": "%a_" * 15_000}),
        "/ldn/studies.json?" + urlencode({"summary__contains": "a_%" * 15_000}),
        "/ldn/studies.json?" + urlencode({"_where": f"summary like '{'%a_' * 5_000}'"}),
        "/ldn/studies.json?" + urlencode({"_where": "summary = hex(zeroblob(400000000))"}),
        "/ldn/studies.json?" + urlencode([("_where", f"summary like '%{n}%'") for n in range(1_000)]),
        "/ldn/studies.json?" + urlencode([("_where", f"summary like '%{n}%'") for n in range(13)]),
        "/ldn/studies.json?" + urlencode([("_facet", "title")] * 1_000),
        "/ldn/studies.json?" + urlencode([("_facet", "title")] * 12),
        "/ldn/studies.json?" + "&".join(["%5Ffacet=title"] * 90),
        "/ldn/studies.json?" + urlencode([("title__contains", "a")] * 90),
        "/ldn/studies.json?" + urlencode({"_search": "a* " * 4_000, "_searchmode": "raw"}),
        "/ldn/studies.json?" + urlencode({"id__in": "x," * 4_000}),
        "/ldn/studies.json?" + urlencode({"id__in": "x," * 20_000}),
        "/ldn/studies.csv?" + urlencode({"_stream": "on", "_size": "max", "_labels": "on"}),
    ],
    ids=lambda path: str(path)[:60],
)
def test_one_page_takes_neither_gigabytes_nor_seconds(server: Server, path: str) -> None:
    result = attack(server, path)
    if os.environ.get("LDN_SHOW_ATTACKS"):
        print(
            f"\npage {path[:60]}: {result.answer.status} {result.seconds:.2f} s, +{result.megabytes:.0f} MB, "
            f"neighbour {result.slowest_neighbour:.2f} s, {len(result.answer.body)} bytes"
        )
    assert result.answer.status in (200, 400, 413, 414)
    assert result.seconds < 3
    assert result.megabytes < 250
    assert result.slowest_neighbour < 1


# Search boxes


ODD_SEARCHES = [
    "",
    " ",
    '"',
    '""',
    '"unfinished',
    "'",
    "*",
    "^",
    "^low",
    "low*",
    "*low",
    "-low",
    "low-dose",
    "+",
    "(",
    ")",
    "()",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "NEAR(low dose, 5)",
    "NEAR(",
    "low AND",
    "title:low",
    "nosuchcolumn:low",
    "{title summary}: low",
    ":",
    "\\",
    "%",
    "_",
    ";",
    "--",
    "/*",
    "low\x00dose",
    "\x00",
    "\u202elow",
    "😀",
    "low 😀",
    "é",
    "e\u0301",
    "ſ",
    "疼痛",
    "a" * 3_000,
    "a " * 1_000,
    "' or 1=1 --",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("extension", ["", ".json"])
@pytest.mark.parametrize("text", ODD_SEARCHES, ids=lambda text: repr(str(text)[:20]))
def test_odd_search_input_is_never_a_server_error(server: Server, text: str, extension: str) -> None:
    words = quote(text)
    for path in (
        f"/ldn/studies{extension}?_search={words}",
        f"/ldn/studies{extension}?_search={words}&_searchmode=raw",
        f"/ldn/studies{extension}?_search_title={words}",
        f"/ldn/search_raw{extension}?words={words}",
    ):
        assert server.get(path).status < 500, path
    assert server.get(f"/ldn/search_studies{extension}?words={words}").status == 200


@pytest.mark.parametrize("extension", ["", ".json", ".csv"])
@pytest.mark.parametrize("query", ["_sort=nope", "_sort_desc=nope", "_sort=id&_sort_desc=id", "_size=x"])
def test_a_column_that_does_not_exist_is_the_requests_fault(
    either: Server, query: str, extension: str
) -> None:
    assert either.get(f"/ldn/studies{extension}?{query}").status == 400


@pytest.mark.parametrize(
    "name", ["_where", "_facet", "%5Fwhere", "_%66acet", "_facet%5Farray", "_facet_dat%65"]
)
def test_conditions_and_facets_are_counted_however_their_names_are_written(server: Server, name: str) -> None:
    twelve = "&".join([f"{name}=year"] * 12)
    assert "more than" not in server.get(f"/ldn/studies.json?{twelve}").text
    answer = server.get(f"/ldn/studies.json?{twelve}&{name}=year")
    assert (answer.status, answer.json()["error"]) == (400, "more than 12 conditions and facets")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("_facets=design", "no parameter is called _facets"),
        ("_facet+=design", "no parameter is called _facet "),
        ("_facet=%7B", "_facet has to be the name of a column"),
        ("_facet=%7B%7D", "_facet has to be the name of a column"),
        ("_facet_array=%7B%22column%22:1%7D", "_facet_array has to be the name of a column"),
    ],
)
def test_what_is_no_facet_is_the_requests_fault(server: Server, query: str, why: str) -> None:
    answer = server.get(f"/ldn/studies.json?{query}")
    assert answer.status == 400
    assert why in answer.json()["error"]


@pytest.mark.parametrize(
    "facet", ["design", "%7B%22column%22:%22design%22%7D", "%7B%22simple%22:%22design%22%7D"]
)
def test_a_facet_is_named_or_described(server: Server, facet: str) -> None:
    found = server.get(f"/ldn/studies.json?_facet={facet}").json()["facet_results"]
    assert "design" in found.get("results", found)


@pytest.mark.parametrize("extension", ["", ".json", ".csv"])
@pytest.mark.parametrize(
    "through",
    [
        "x", "", "1", "null", "[]", "[" * 5_000, '{"table":"x"}', '{"table":[],"column":"id","value":"1"}',
        '{"table":"studies","column":1,"value":"1"}', '{"table":"studies","column":"id"}',
    ],
    ids=lambda through: repr(through[:40]),
)  # fmt: skip
@pytest.mark.parametrize("name", ["_through", "%5Fthrough", "_%74hrough"])
def test_what_is_no_table_to_go_through_is_the_requests_fault(
    server: Server, name: str, through: str, extension: str
) -> None:
    answer = server.get(f"/ldn/conditions{extension}?{name}={quote(through)}")
    assert answer.status == 400
    assert "_through has to be JSON of this form" in answer.text


@pytest.mark.parametrize("extension", ["", ".json"])
def test_rows_are_found_through_another_table(server: Server, extension: str) -> None:
    for table, value, status in (
        ("studies", "study-0000", 200),
        ("conditions", "fibromyalgia", 400),  # does not refer to conditions
        ("nope", "x", 400),
        ("studies", {"a": 1}, 400),
        ("studies", None, 200),
    ):
        through = quote(json.dumps({"table": table, "column": "id", "value": value}))
        answer = server.get(f"/ldn/conditions{extension}?_through={through}")
        assert answer.status == status, (table, value)
        if value == "study-0000":
            assert "fibromyalgia" in answer.text


@pytest.mark.parametrize(
    "method", ["TRACE", "PROPFIND", "POST", "PUT", "PATCH", "DELETE", "DISPATCH_REQUEST", "get"]
)
@pytest.mark.parametrize(
    "path", ["/", "/ldn", "/ldn/studies", "/ldn/studies.json", "/ldn/studies/study-0000"]
)
def test_a_method_that_does_not_read_is_refused(server: Server, path: str, method: str) -> None:
    # What is no method at all, uvicorn turns away.
    assert server.get(path, method=method).status in ({405} if method in KNOWN_METHODS else {400, 405})


def test_a_method_that_nobody_uses_is_told_what_to_use(either: Server) -> None:
    for path in ("/ldn", "/", "/ldn.json"):
        answer = either.get(path, method="TRACE")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD"), path
        assert "read with GET" in answer.text


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("fatigue", '"fatigue"*'),
        ("low-dose naltr", '"low dose" "naltr"*'),
        ('"low dose" fatigue', '"low dose" "fatigue"*'),
        ('fatigue "low dose"', '"fatigue" "low dose"'),
        ("NOT fatigue", '"NOT" "fatigue"*'),
        ("Crohn's", '"Crohn s"*'),
        ("TNF-α", '"TNF α"*'),
        ("😀 * ^ :", '""'),
        (None, '""'),
        (4.5, '"4 5"*'),
    ],
)
def test_search_text_becomes_an_expression(text: object, expression: str) -> None:
    assert fts_query(text) == expression


def test_search_finds_the_beginning_of_the_last_word(server: Server) -> None:
    found = server.get("/ldn/search_studies.json?_shape=array&words=naltrexone+fatig").json()
    assert len(found) == STUDIES // 5
    assert all("fatigue" in row["title"] for row in found)


any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.one_of(any_text, st.text(alphabet='ab"*^:(){}+-., \nANDORT')))
def test_any_text_is_a_valid_expression(text: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create virtual table texts using fts5(body, tokenize='porter unicode61')")
        connection.execute("insert into texts values (?)", (text,))
        connection.execute("select rowid from texts where texts match ?", (fts_query(text),)).fetchall()


# The replaced functions give what SQLite gives

value = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    any_text,
    st.text(alphabet="aAbB%_*?[] 0", max_size=8),
    st.binary(max_size=6).filter(bytes.isascii).map(lambda data: data.replace(b"\0", b"x")),
)
CALLS = [
    "instr(?1, ?2)",
    "replace(?1, ?2, ?3)",
    "trim(?1, ?2)",
    "ltrim(?1, ?2)",
    "rtrim(?1, ?2)",
    "?1 like ?2",
    "?1 glob ?2",
    "?1 like ?2 escape 'a'",
    "printf('%s|%5.2f|%-6d|%x', ?1, ?2, ?3, ?1)",
    "format('%d%% %q %Q %w', ?1, ?2, ?3, ?1)",
    "printf(?1)",
]


@pytest.mark.parametrize("call", CALLS)
@given(first=value, second=value, third=value)
def test_replaced_functions_give_what_sqlite_gives(
    call: str, first: object, second: object, third: object
) -> None:
    sql = f"select {call} as x, typeof({call}) as kind, ?1, ?2, ?3"
    with (
        closing(sqlite3.connect(":memory:")) as native,
        closing(sqlite3.connect(":memory:")) as replaced,
    ):
        install_functions(replaced, QueryBudget())
        expected = native.execute(sql, (first, second, third)).fetchone()
        try:
            found = replaced.execute(sql, (first, second, third)).fetchone()
        except sqlite3.OperationalError:
            # The longest pattern is a limit of its own, 200 bytes.
            long_pattern = len(str(second).encode()) > 200
            assert "%" in str(first) or long_pattern, "only a format or a long pattern may be refused"
            return
        assert found == expected


def test_refusals_say_why(server: Server) -> None:
    for sql, reason in (
        ("select printf('%5000d', 1)", "above 1,000"),
        ("select printf('%*d', 5, 1)", "write the number"),
        ("select hex(zeroblob(900000))", "too big"),
        ("select json_patch('{}', '{}')", "json_patch"),
        ("select load_extension('x')", "load_extension"),
        ("select title from studies where title like '" + "%a" * 200 + "'", "pattern too complex"),
        ("select file from pragma_database_list", "pragma_database_list"),
    ):
        answer = server.query(sql)
        assert answer.status == 400
        assert reason in answer.text, sql
    slow = server.query(ATTACKS["endless"])
    assert slow.status == 400
    assert "took too long" in slow.text


def test_a_refused_call_is_no_traceback_on_the_terminal(either: Server) -> None:
    began = len(either.log.read_text())
    for sql in (
        "select printf('%5000d', 1)",
        "select replace(hex(zeroblob(50000)), '0', 'abcdef')",
        "select title from studies where title like '" + "%a" * 200 + "'",
        "select title from studies where title glob '" + "*a" * 200 + "'",
    ):
        assert either.query(sql).status == 400, sql
    assert either.get("/ldn", method="TRACE").status == 405
    assert either.get("/ldn/studies?_through=x").status == 400
    printed = either.log.read_text()[began:]
    assert "400 Bad Request" in printed
    assert not re.search("Traceback|Exception ignored|Error:", printed), printed


def test_sensible_formats_are_kept(server: Server) -> None:
    rows = server.query("select printf('%.1f mg, %s, %03d, %,d', 4.5, 'daily', 7, 12345) as dose").json()
    assert rows == [{"dose": "4.5 mg, daily, 007, 12,345"}]


# Nothing about the machine


@pytest.mark.parametrize(
    "path",
    [
        "/-/databases.json",
        "/-/databases",
        "/-/threads.json",
        "/-/threads",
        "/-/settings.json",
        "/-/versions.json",
        "/-/plugins.json",
        "/-/metadata.json",
        "/-/config.json",
        "/ldn",
        "/ldn.json",
        "/ldn/nosuchtable",
        "/nosuchdatabase",
        "/_internal",
        "/_internal/databases.json",
    ],
)
def test_no_page_tells_where_files_lie(plain_server: Server, catalogue: Project, path: str) -> None:
    answer = plain_server.get(path)
    assert answer.status < 500
    for folder in (str(catalogue.root), sys.prefix, str(Path(__file__).parent.parent)):
        assert folder not in answer.text


@pytest.mark.parametrize(
    "sql",
    [
        "select * from pragma_database_list",
        "select file from PRAGMA_Database_List()",
        'select * from "pragma_database_list"',
        "select * from pragma_database_list('main')",
        "select * from pragma_table_info('studies'), pragma_database_list",
        "select group_concat(file) from pragma_database_list",
        "select sql from sqlite_stmt",
        "select * from dbstat",
        "attach database '/etc/passwd' as p",
        "pragma database_list",
        "select readfile('/etc/passwd')",
    ],
)
def test_queries_do_not_reach_files(server: Server, catalogue: Project, sql: str) -> None:
    answer = server.query(sql)
    assert answer.status in (400, 403)
    assert str(catalogue.root) not in answer.text


def test_tables_may_still_be_described(server: Server) -> None:
    rows = server.query("select name from pragma_table_info('conditions')").json()
    assert [row["name"] for row in rows] == ["id", "name"]


# No redirect leaves the site


@pytest.mark.parametrize(
    "path",
    [
        "/\\example.com/",
        "/\\example.com",
        "/%5cexample.com/",
        "/%5Cexample.com/",
        "/%5c%5cexample.com/",
        "//example.com/",
        "//example.com",
        "///example.com/",
        "//example.com/%2f..",
        "/%09/example.com/",
        "/%0d%0aLocation:%20example.com/",
        "/ldn%5c/",
        "/ldn/studies\\",
        "//example.com/?a=b",
    ],
)
def test_paths_that_lead_off_the_site_are_refused(either: Server, path: str) -> None:
    answer = either.get(path)
    assert answer.status == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/%2fexample.com/", "/ldn/", "/ldn/studies/", "/./example.com/", "/-/logout"]
)
def test_redirects_stay_on_the_site(server: Server, path: str) -> None:
    location = server.get(path).headers.get("location", "/")
    assert re.match(r"/(?![/\\])", location)


def test_backslashes_are_fine_in_parameters(server: Server) -> None:
    assert server.get("/ldn/studies.json?title__contains=%5Cexample&_search=a%5Cb").status == 200


# Headers

PATHS_OF_EVERY_KIND = [
    "/",
    "/conditions",
    "/robots.txt",
    "/ldn",
    "/ldn/studies",
    "/ldn/studies.json",
    "/ldn/studies.csv",
    "/ldn/studies/",
    "/ldn/studies/study-0001",
    "/ldn/search_studies?words=low",
    "/ldn?sql=select+nonsense",
    "/ldn.db",
    "/-/static/app.css",
    "/nosuchdatabase",
    "/\\example.com",
    "/ldn/studies?_facet=title" + "&_facet=title" * 20,
]


@pytest.mark.parametrize("path", PATHS_OF_EVERY_KIND)
def test_every_response_carries_security_headers(server: Server, path: str) -> None:
    headers = server.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in directive(policy, "script-src")


def directive(policy: str, name: str) -> list[str]:
    """The values of one directive of a Content-Security-Policy."""
    found = [part.split() for part in policy.split(";")]
    return next((values for directive_name, *values in found if directive_name == name), [])


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/", True),
        ("/conditions", True),
        ("/conditions/fibromyalgia", True),
        ("/api/v1/openapi.json", True),
        ("/feed.atom", True),
        ("/trials.ics", True),
        ("/conditionsx", False),
        ("/ldn", False),
        ("/ldn/conditions", False),
        ("/-/plugins", False),
    ],
)
def test_our_pages_have_the_strict_policy(server: Server, path: str, ours: bool) -> None:
    policy = server.get(path).headers["content-security-policy"]
    assert (policy == OWN_POLICY) is ours
    if ours:
        assert directive(policy, "script-src") == directive(policy, "style-src") == ["'self'"]


@pytest.mark.parametrize(
    "path",
    [
        "/ldn",
        "/ldn/studies?_facet=design",
        "/ldn/studies/study-0001",
        "/ldn/search_studies?words=low",
        "/ldn?sql=select+1",
        "/ldn/-/query?sql=select+1",
        "/-/plugins",
    ],
)
def test_scripts_of_datasettes_pages_are_exactly_those_of_its_templates(server: Server, path: str) -> None:
    answer = server.get(path)
    if answer.status == 302:
        answer = server.get(answer.headers["location"])
    scripts = directive(answer.headers["content-security-policy"], "script-src")
    (nonce,) = [source[7:-1] for source in scripts if source.startswith("'nonce-")]
    assert len(nonce) >= 22
    tags = re.findall(r"<script\b[^>]*>", answer.text)
    assert tags
    assert all(f'nonce="{nonce}"' in tag for tag in tags)
    allowed = directive(answer.headers["content-security-policy"], "script-src-attr")
    for attribute in re.findall(r'<[^<>]*\son[a-z]+="([^"]*)"', answer.text):
        digest = base64.b64encode(hashlib.sha256(attribute.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed, attribute


def test_a_nonce_is_used_once(server: Server) -> None:
    policies = {server.get("/ldn").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_crawlers_are_kept_from_filters_and_exports(server: Server) -> None:
    answer = server.get("/robots.txt")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "User-agent: *\nDisallow: /*?\n" in answer.text


@pytest.mark.parametrize(("extension", "kind"), [("", "text/html"), (".json", "application/json")])
def test_a_refused_address_is_answered_like_other_errors(server: Server, extension: str, kind: str) -> None:
    answer = server.get(f"//ldn/studies{extension}")
    assert answer.status == 400
    assert answer.headers["content-type"].startswith(kind)
    assert "two slashes" in answer.text


# Starting


def test_one_setting_chosen_otherwise_is_said(catalogue: Project) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "datasette", str(catalogue.database), "--get", "/-/settings.json"]
        + ["--setting", "sql_time_limit_ms", "60000"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(finished.stdout)["sql_time_limit_ms"] == 60_000
    assert "ldn-evidence: the setting sql_time_limit_ms is 60000; safe in public is 1000" in finished.stderr


def test_a_busy_port_is_one_clear_line(catalogue: Project) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(CannotServe, match=f"^port {port} is in use; .*make serve PORT={port + 1}$"):
            check_port(port)


@pytest.mark.parametrize(
    ("number", "port", "why", "other"),
    [
        (errno.EADDRINUSE, 65535, "is in use", 65534),
        (errno.EACCES, 80, "needs special rights", 8001),
    ],
)
def test_the_port_that_is_named_instead_can_be_had(
    monkeypatch: pytest.MonkeyPatch, number: int, port: int, why: str, other: int
) -> None:
    def refuse(_: socket.socket, __: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotServe, match=f"^port {port} {why}; .*make serve PORT={other}$"):
        check_port(port)


def test_a_missing_database_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match=r"^ldn\.db does not exist yet; build it with: make build$"):
        serve(Project(tmp_path), free_port())


def test_serving_begins_with_the_address(catalogue: Project) -> None:
    program = (
        "import sys; from pathlib import Path; from ldn_evidence.project import Project; "
        "from ldn_evidence.publish.server import serve; serve(Project(Path(sys.argv[1])), int(sys.argv[2]))"
    )
    port = free_port()
    command = [sys.executable, "-c", program, str(catalogue.root), str(port)]
    server = start_process(command, port, catalogue.root / "start.log")
    try:
        assert server.get("/ldn").status == 200
        assert f"LDN Evidence: http://127.0.0.1:{port}/" in server.log.read_text()
    finally:
        stop(server)

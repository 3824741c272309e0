"""A new build is served by a running server from the next request on; on whichever Datasette line is installed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from datasette.app import Datasette

from cost_support import counted_calls
from ldn_evidence.publish.plugin.limits import LARGEST_VALUE
from ldn_evidence.publish.plugin.replacement import newest
from ldn_evidence.publish.server import DATABASE_NAME

ROOT = Path(__file__).parent.parent
STUDY = "younger-2013"
CONDITION = "fibromyalgia"


def put(original: Path, place: Path, name: str, *, more: str = "") -> None:
    """Put a build at `place`, as a build does it: written beside it and renamed. Fibromyalgia is called `name`."""
    draft = place.with_suffix(".new")
    shutil.copy(original, draft)
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("UPDATE conditions SET name = ? WHERE id = ?", (name, CONDITION))
        connection.executescript(more)
        connection.commit()
    draft.replace(place)


@pytest.fixture
def place(tmp_path: Path, built_database: Path) -> Path:
    """Where the served database lies; the first build is there."""
    path = tmp_path / f"{DATABASE_NAME}.db"
    put(built_database, path, "First build")
    return path


@pytest.fixture
def server(place: Path, real_server: Callable[[Path], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a real server."""
    with real_server(place) as address:
        yield address


def get(server: str, path: str, **parameters: str) -> bytes:
    with urlopen(f"{server}{path}{'?' if parameters else ''}{urlencode(parameters)}") as answer:
        body: bytes = answer.read()
    return body


def names(server: str) -> dict[str, bool]:
    """For each kind of page, whether it shows the first build (False: the second)."""
    sql = f"select name from conditions where id = '{CONDITION}'"
    pages = {
        "our page": get(server, f"/conditions/{CONDITION}"),
        "our table": get(server, "/conditions"),
        "API": get(server, f"/api/v1/conditions/{CONDITION}"),
        "row": get(server, f"/ldn/conditions/{CONDITION}.json", _shape="objects"),
        "table": get(server, "/ldn/conditions.csv"),
        "view": get(server, "/ldn/condition_catalogue", _size="max"),
        "SQL": get(server, "/ldn.json", sql=sql, _shape="array"),
        "file": get(server, "/ldn.db"),
    }
    first = {page for page, body in pages.items() if b"First build" in body}
    second = {page for page, body in pages.items() if b"Second build" in body}
    assert first | second == set(pages)
    assert not first & second
    return {page: page in first for page in pages}


def test_the_next_request_is_answered_from_the_new_build(
    server: str, place: Path, built_database: Path
) -> None:
    before = names(server)
    assert set(before.values()) == {True}
    with pytest.raises(HTTPError):
        get(server, "/ldn/added.json")
    put(built_database, place, "Second build", more="CREATE VIEW added AS SELECT 1 AS one;")
    # Whatever was asked first, and every page, cached or not.
    assert json.loads(get(server, "/ldn/added.json", _shape="array")) == [{"one": 1}]
    assert set(names(server).values()) == {False}
    assert b"added" in get(server, "/ldn")


def test_limits_and_immutability_hold_after_a_replacement(
    server: str, place: Path, built_database: Path
) -> None:
    get(server, "/")
    put(built_database, place, "Second build")
    for sql in (
        f"select zeroblob({LARGEST_VALUE + 1})",
        "select json_patch('{}', '{}')",
        "select * from sqlite_stmt",
        "select fts_query()",
    ):
        with pytest.raises(HTTPError) as refused:
            get(server, "/ldn.json", sql=sql, _shape="array")
        assert refused.value.code == 400
    found = json.loads(get(server, "/ldn.json", sql="select fts_query('a-b') as words", _shape="array"))
    assert found[0]["words"]
    listed = json.loads(get(server, "/-/databases.json"))
    listed = listed["databases"] if isinstance(listed, dict) else listed
    ours = next(row for row in listed if row["name"] == DATABASE_NAME)
    assert (ours["is_mutable"], ours["path"], ours["size"]) == (False, place.name, place.stat().st_size)


def test_a_file_that_is_away_or_broken_leaves_the_old_one_in_service(
    server: str, place: Path, built_database: Path
) -> None:
    assert b"First build" in get(server, f"/ldn/conditions/{CONDITION}")
    place.rename(place.with_suffix(".away"))
    assert b"First build" in get(server, f"/ldn/conditions/{CONDITION}")
    place.write_bytes(b"no database" * 1000)
    assert b"First build" in get(server, f"/ldn/conditions/{CONDITION}")
    assert b"First build" in get(server, f"/conditions/{CONDITION}")
    put(built_database, place, "Second build")
    assert b"Second build" in get(server, f"/ldn/conditions/{CONDITION}")


def opened(place: Path) -> Datasette:
    return Datasette([str(place)])


def test_a_request_goes_on_with_the_build_with_which_it_began(place: Path, built_database: Path) -> None:
    """Also in threads that have not read it before, and though requests for the new build come in between."""
    datasette = opened(place)
    replaced, go_on = asyncio.Event(), asyncio.Event()
    sql = f"SELECT name FROM conditions WHERE id = '{CONDITION}'"
    found: list[str] = []

    async def name() -> str:
        row = (await datasette.get_database(DATABASE_NAME).execute(sql)).first()
        return str(row[0])

    async def slow_page(scope: Any, receive: Any, send: Any) -> None:
        found.append(await name())
        replaced.set()
        await go_on.wait()
        # More at a time than there are threads, so that each of them is used.
        found.extend(await asyncio.gather(*(name() for _ in range(30))))
        assert datasette.databases[DATABASE_NAME] is datasette.get_database(route=DATABASE_NAME)

    async def scenario() -> None:
        await datasette.invoke_startup()
        from ldn_evidence.publish.plugin.replacement import asgi_wrapper

        application = asgi_wrapper(datasette)(slow_page)
        task = asyncio.ensure_future(application({"type": "http"}, None, None))
        await replaced.wait()
        old = datasette.databases[DATABASE_NAME]
        put(built_database, place, "Second build")
        assert "Second build" in (await datasette.client.get(f"/ldn/conditions/{CONDITION}")).text
        assert datasette.databases[DATABASE_NAME] is not old
        assert not old.snapshot.is_closed
        go_on.set()
        await task
        assert set(found) == {"First build"}
        assert await name() == "Second build"
        assert old.snapshot.is_closed  # nobody reads it any more

    asyncio.run(scenario())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's list of open files")
def test_old_files_are_let_go(place: Path, built_database: Path) -> None:
    datasette = opened(place)

    def open_files() -> list[str]:
        found = []
        for file in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one with which the folder is read
                found.append(os.readlink(file))
        return [path for path in found if str(place) in path]

    async def scenario() -> None:
        await datasette.invoke_startup()
        for number in range(4):
            put(built_database, place, f"Build {number}")
            answers = await asyncio.gather(
                *(datasette.client.get(f"/ldn/conditions/{CONDITION}") for _ in range(20))
            )
            assert all(f"Build {number}" in answer.text for answer in answers)
            held = open_files()
            assert held
            assert not [link for link in held if link.endswith("(deleted)")]

    asyncio.run(scenario())


def test_looking_costs_next_to_nothing(place: Path) -> None:
    """Against the cheapest answer that Datasette itself has, by calls of functions: they are the same on every machine."""
    datasette = opened(place)

    async def scenario() -> None:
        await datasette.client.get("/-/versions.json")
        with counted_calls() as looking:
            await newest(datasette)
        with counted_calls() as answering:
            await datasette.client.get("/-/versions.json")
        assert 0 < len(looking) < len(answering) / 20

    asyncio.run(scenario())

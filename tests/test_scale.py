"""The recipes of docs/scale.md: DuckDB, Spark in local mode, and two servers behind nginx of which one stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from conftest import require_tool
from export_support import readme_queries, rows_of_query, sorted_rows

SHOWN = "SELECT name, evidence_tier, direction FROM condition_catalogue WHERE randomized_trials > 0"


@pytest.fixture(scope="module")
def recipes(project_root: Path) -> dict[str, str]:
    """The code blocks of the page, by what they import or configure."""
    text = (project_root / "docs/scale.md").read_text("utf-8")
    blocks = re.findall(r"```(?:python|nginx)\n(.*?)```", text, re.DOTALL)
    found = {name: block for block in blocks for name in ("duckdb", "pyspark", "upstream") if name in block}
    assert set(found) == {"duckdb", "pyspark", "upstream"}
    return found


@pytest.fixture
def workplace(exported: Path, tmp_path: Path) -> Path:
    """A folder with the exports where the recipes look for them."""
    (tmp_path / "dist").symlink_to(exported)
    return tmp_path


def test_the_duckdb_recipe_runs_as_printed(
    recipes: dict[str, str], workplace: Path, built_database: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", recipes["duckdb"]], cwd=workplace, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = [row[0] for row in rows_of_query(built_database, SHOWN)]
    assert len(names) > 10
    assert names[0] in done.stdout


@pytest.fixture(scope="module")
def spark(recipes: dict[str, str], exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark with the views that the recipe makes."""
    require_tool("java", "Spark runs in it")
    require_tool("pyspark", "it reads the Parquet files")
    folder = tmp_path_factory.mktemp("spark")
    (folder / "dist").symlink_to(exported)
    setting = {
        # Nothing is bound to an address that a test machine may not have, and nothing is written elsewhere.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 pyspark-shell",
    }
    before, where, interrupted = dict(os.environ), Path.cwd(), signal.getsignal(signal.SIGINT)
    os.environ.update(setting)
    os.chdir(folder)
    try:
        from pyspark.sql import SparkSession

        exec(recipes["pyspark"].replace(".show()", ".count()"), {})
        session = SparkSession.getActiveSession()
        assert session is not None
        yield session
        session.stop()
    finally:
        # Spark puts a handler of its own in place, which fails when it is called after the end.
        signal.signal(signal.SIGINT, interrupted)
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.xdist_group("spark")
def test_spark_answers_the_queries_of_the_readme(
    spark: Any, built_database: Path, project_root: Path
) -> None:
    for query in readme_queries(project_root):
        found = [tuple(row) for row in spark.sql(query).collect()]
        assert sorted_rows(found) == sorted_rows(rows_of_query(built_database, query))


@pytest.mark.xdist_group("spark")
def test_spark_reads_every_row_of_the_recipe_s_query(spark: Any, built_database: Path) -> None:
    found = [tuple(row) for row in spark.sql(SHOWN).collect()]
    assert sorted_rows(found) == sorted_rows(rows_of_query(built_database, SHOWN))


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the host is the same for every server, as behind a proxy."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": "ldn.example.org"})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()


def get_patiently(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    """As browsers and HTTP libraries do: a reading request whose answer broke off is made once more."""
    try:
        return get(port, path)
    except (ConnectionError, HTTPException):
        return get(port, path)


class Servers:
    """Two servers of the same database, and nginx in front of them as docs/scale.md has it."""

    def __init__(self, recipe: str, database: Path, metadata: Path, folder: Path) -> None:
        nginx = require_tool("nginx", "it stands before two servers")
        self.ports = free_ports(3)
        self.front = self.ports[0]
        self.processes: list[subprocess.Popen[str]] = []
        from ldn_evidence.publish.server import serve_arguments

        for number, port in enumerate(self.ports[1:]):
            # Two files, as on two machines.
            copy = folder / f"machine-{number}" / "ldn.db"
            copy.parent.mkdir()
            copy.write_bytes(database.read_bytes())
            arguments = serve_arguments(copy, metadata, port)
            self.processes.append(listening([sys.executable, "-m", "datasette", *arguments], copy.parent))
        for old, new in zip(("8000", "8001", "8002"), self.ports, strict=True):
            assert f"127.0.0.1:{old}" in recipe
            recipe = recipe.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        paths = "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"pid {folder}/nginx.pid; error_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{paths}{textwrap.indent(recipe, '    ')}}}\n"
        )
        self.nginx = [nginx, "-p", str(folder), "-c", str(configuration)]
        # It comes back when it listens.
        done = subprocess.run(self.nginx, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        subprocess.run([*self.nginx, "-s", "stop"], capture_output=True, check=True)
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def listening(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """A server that has said that it is running."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "running on" in line:
            return process
    raise AssertionError("".join(said))


@pytest.fixture
def servers(
    recipes: dict[str, str], built_database: Path, project_root: Path, tmp_path: Path
) -> Iterator[Servers]:
    require_tool("nginx", "it stands before two servers")
    running = Servers(recipes["upstream"], built_database, project_root / "metadata.yml", tmp_path)
    try:
        yield running
    finally:
        running.stop()


PATHS = (
    "/",
    "/conditions/fibromyalgia",
    "/api/v1/conditions/fibromyalgia",
    "/api/v1/studies?limit=20",
    "/ldn/condition_catalogue.json?_shape=array",
)


@pytest.mark.xdist_group("servers")
def test_a_stopped_server_costs_no_request(servers: Servers) -> None:
    """Same bytes and ETags from both; then one is killed in mid-run and every request is still answered."""
    expected = {}
    for path in PATHS:
        (first, second, front) = (get(port, path) for port in (*servers.ports[1:], servers.front))
        assert first[0] == second[0] == front[0] == 200, path
        assert first[2] == second[2] == front[2], path
        assert first[1].get("etag") == second[1].get("etag") == front[1].get("etag"), path
        expected[path] = first[2]
    assert get(servers.front, "/api/v1/conditions")[1].get("etag")

    victim = servers.processes[0]
    asked = [PATHS[number % len(PATHS)] for number in range(400)]
    with ThreadPoolExecutor(8) as readers:
        answers = [readers.submit(get_patiently, servers.front, path) for path in asked]
        for future in answers[:100]:
            future.result()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        found = [future.result() for future in answers]
    assert [status for status, _, _ in found] == [200] * len(asked)
    assert all(body == expected[path] for path, (_, _, body) in zip(asked, found, strict=True))
    with pytest.raises(OSError, match="refused"):
        get(servers.ports[1], "/")

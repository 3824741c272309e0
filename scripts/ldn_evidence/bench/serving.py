"""Requests a second, latency and memory of the API beside Datasette's own JSON, with wrk, in one run.

    python -m ldn_evidence.bench.serving

`wrk` is a package of Debian. Each row is measured several times, in turn with the others, and the run with the median
number of requests counts; what else the machine does then falls on all of them alike.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median_low

import click

from ldn_evidence.databases import open_read_only
from ldn_evidence.project import Project, find_project
from ldn_evidence.publish.api.resources import BY_NAME
from ldn_evidence.publish.server import serve_arguments

# The record that the rows about one record ask for.
_STUDY = "/api/v1/studies/younger-2013"

# Every request asks for another study, and names the parts in another order: the answer is the whole record each
# time, and none was asked for before, so that none comes from the cache.
_FIRST_REQUESTS = """
local ids, parts = {{{ids}}}, {{{parts}}}
math.randomseed({seed})
local number = 0
request = function()
  number = number + 1
  for i = #parts, 2, -1 do
    local j = math.random(i)
    parts[i], parts[j] = parts[j], parts[i]
  end
  return wrk.format("GET", "/api/v1/{name}/" .. ids[(number - 1) % #ids + 1] .. "?include=" .. table.concat(parts, ","))
end
"""
_ROWS = """
local ids = {{{ids}}}
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", "/ldn/{name}/" .. ids[(number - 1) % #ids + 1] .. ".json?_shape=objects")
end
"""
_REPORT = """
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95),
    summary.errors.status + summary.errors.read + summary.errors.timeout + summary.errors.connect))
end
"""


@dataclass(frozen=True)
class Figures:
    """What one run of wrk said.

    Attributes:
        rate: Requests a second.
        p50: Median latency in milliseconds.
        p95: Latency in milliseconds that 95 of 100 requests keep.
        failed: Requests that failed.
        memory: Resident memory of the server after the run, in MiB.
    """

    rate: float
    p50: float
    p95: float
    failed: int
    memory: float


@dataclass(frozen=True)
class Row:
    """One kind of request: its name, a path or a script, and headers."""

    name: str
    path: str = "/"
    script: str = ""
    headers: tuple[str, ...] = ()


def rows_of(database: Path, tag: str, seed: int) -> list[Row]:
    """What is measured, the baseline first."""

    def script(template: str, name: str) -> str:
        with closing(open_read_only(database, immutable=True)) as connection:
            found = [row[0] for row in connection.execute(f"SELECT id FROM {name} ORDER BY id")]
        parts = [part.name for part in BY_NAME[name].parts]
        return template.format(ids=_lua(found), parts=_lua(parts), seed=seed, name=name)

    return [
        Row("Datasette: row JSON of a study", script=script(_ROWS, "studies")),
        Row("Datasette: row JSON of a condition", script=script(_ROWS, "conditions")),
        Row("API: a study with everything, first request", script=script(_FIRST_REQUESTS, "studies")),
        Row("API: a condition with everything, first request", script=script(_FIRST_REQUESTS, "conditions")),
        Row("API: a study, repeated", _STUDY),
        Row("API: a study, repeated, gzip", _STUDY, headers=("Accept-Encoding: gzip",)),
        Row("API: a study, conditional (304)", _STUDY, headers=(f"If-None-Match: {tag}",)),
    ]


def _lua(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def run_wrk(port: int, row: Row, connections: int, seconds: float, pid: int) -> Figures:
    """One run of wrk.

    Raises:
        SystemExit: wrk failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(row.script + _REPORT)
        script.flush()
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s"]
        for header in row.headers:
            command += ["--header", header]
        command += ["--script", script.name, f"http://127.0.0.1:{port}{row.path}"]
        output = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output.stdout)
    if found is None:
        raise SystemExit(f"wrk failed: {output.stderr or output.stdout}")
    requests, duration, p50, p95, failed = map(int, found.groups())
    status = Path(f"/proc/{pid}/status").read_text()
    memory = re.search(r"VmRSS:\s+(\d+) kB", status)
    return Figures(
        requests / duration * 1e6, p50 / 1e3, p95 / 1e3, failed, int(memory[1]) / 1024 if memory else 0.0
    )


def measure(project: Project, connections: int, seconds: float, repeats: int) -> list[tuple[str, Figures]]:
    """Serve the project's database and measure every row, in turn."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (apt-get install wrk)")
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = int(attempt.getsockname()[1])
    command = [sys.executable, "-m", "datasette", *serve_arguments(project.database, project.metadata, port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        tag = _wait_for(port)
        found: dict[str, list[Figures]] = {}
        for repeat in range(repeats):
            for row in rows_of(project.database, tag, repeat):
                figures = run_wrk(port, row, connections, seconds, server.pid)
                found.setdefault(row.name, []).append(figures)
    finally:
        server.terminate()
        server.wait()
    return [(name, _middle(runs)) for name, runs in found.items()]


def _middle(runs: Sequence[Figures]) -> Figures:
    rate = median_low([run.rate for run in runs])
    return next(run for run in runs if run.rate == rate)


def _wait_for(port: int) -> str:
    """Wait until the server answers; the tag of the study that is asked for."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", _STUDY)
            answer = connection.getresponse()
            answer.read()
            # For a moment after a build, answers are not kept.
            if answer.getheader("last-modified"):
                return answer.getheader("etag") or ""
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit("the server did not start")
        time.sleep(0.2)


@click.command()
@click.option("--connections", default=8, show_default=True, help="Clients at the same time.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of each run.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each row.")
def main(connections: int, seconds: float, repeats: int) -> None:
    """Measure the API beside Datasette's own JSON, as a Markdown table."""
    figures = measure(find_project(), connections, seconds, repeats)
    baseline = figures[0][1].rate
    click.echo(f"| {connections} clients | requests/s | ratio | p50 ms | p95 ms | memory MiB | failed |")
    click.echo("|---|---|---|---|---|---|---|")
    for name, one in figures:
        click.echo(
            f"| {name} | {one.rate:,.0f} | {one.rate / baseline:.1f} | {one.p50:.2f} | {one.p95:.2f} "
            f"| {one.memory:.0f} | {one.failed} |"
        )


if __name__ == "__main__":
    main()

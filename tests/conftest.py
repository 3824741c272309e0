"""What tests share: the checkout, a database built once, and the rule for tools that may be absent."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ldn_evidence.project import Project

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Debian keeps PostgreSQL's own programs here, outside the path.
POSTGRESQL_PROGRAMS = "usr/lib/postgresql/*/bin"


def require_tool(name: str, reason: str) -> str:
    """The program or importable module `name`; without it the test is skipped, or fails when CI is set.

    Args:
        name: A program on the path (`chromium`, `psql`) or an importable module (`pyspark`).
        reason: What the test needs it for, shown when it is absent.

    Returns:
        The program's path, or the module's name.
    """
    program = shutil.which(name)
    if program is None:
        program = next((str(found) for found in Path("/").glob(f"{POSTGRESQL_PROGRAMS}/{name}")), None)
    if program is not None:
        return program
    if name.isidentifier() and importlib.util.find_spec(name) is not None:
        return name
    message = f"{name} is not installed: {reason}"
    if os.environ.get("CI"):
        pytest.fail(f"{message} (with CI set, a missing tool is a failure)", pytrace=False)
    pytest.skip(message)


@pytest.fixture(name="require_tool", scope="session")
def require_tool_fixture() -> Callable[[str, str], str]:
    return require_tool


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout under test."""
    return PROJECT_ROOT


@pytest.fixture
def project(tmp_path: Path, project_root: Path) -> Project:
    """A small catalogue in which everything is right, with the real schemas and vocabularies."""
    from ldn_evidence.project import Project

    shutil.copytree(project_root / "schema", tmp_path / "schema")
    shutil.copytree(project_root / "tests" / "valid" / "data", tmp_path / "data")
    shutil.copytree(project_root / "data" / "vocabularies", tmp_path / "data" / "vocabularies")
    return Project(tmp_path)


@contextmanager
def real_server(database: Path) -> Iterator[str]:
    """The address of a real server of a database, on a free port."""
    from ldn_evidence.publish.server import serve_arguments

    arguments = serve_arguments(database, PROJECT_ROOT / "metadata.yml", port=0)
    process = subprocess.Popen(
        [sys.executable, "-m", "datasette", *arguments], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        else:
            pytest.fail("the server ended before it listened")
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


@pytest.fixture(name="real_server", scope="session")
def real_server_fixture() -> Callable[[Path], AbstractContextManager[str]]:
    return real_server


@pytest.fixture(scope="session")
def built_database(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """The catalogue's database, built once for all workers in a folder of its own; not to be written to.

    `metadata.yml` lies beside it.
    """
    from ldn_evidence.build import build
    from ldn_evidence.project import Project

    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "catalogue"
    done = shared / "catalogue-is-built"
    with (shared / "catalogue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other workers wait here, without polling
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("data", "docs", "schema", "metadata.yml"):
                (folder / name).symlink_to(project_root / name)
            build(Project(folder))
            done.touch()
    return Project(folder).database


@pytest.fixture(scope="session")
def connection(built_database: Path) -> Iterator[sqlite3.Connection]:
    """The catalogue's database, open for reading."""
    from ldn_evidence.databases import open_read_only

    with closing(open_read_only(built_database, immutable=True)) as opened:
        yield opened


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, built_database: Path, project_root: Path) -> Path:
    """Every export of the built database, written once for all workers; not to be written to."""
    from ldn_evidence.project import Project
    from ldn_evidence.publish.export import export

    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "exports"
    done = shared / "exports-are-written"
    with (shared / "exports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            export(Project(project_root), (), folder, built_database)
            done.touch()
    return folder

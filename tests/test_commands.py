"""The commands of a fresh machine: what they print, how they exit, what they say of what is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "ldn-evidence"
SUBCOMMANDS = ("bench", "build", "check", "generate", "new", "serve")


def run(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    return subprocess.run(
        arguments,
        cwd=folder,
        env=inherited | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def said_by_make(result: subprocess.CompletedProcess[str]) -> list[str]:
    """What went to the error stream, less make's own closing line."""
    return [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]


# ---- make ----


@pytest.fixture
def fresh_checkout(tmp_path: Path, project_root: Path) -> Path:
    """A folder with what `make` needs to set itself up, and no environment."""
    folder = tmp_path / "fresh checkout"
    folder.mkdir()
    shutil.copy(project_root / "Makefile", folder)
    shutil.copy(project_root / "pyproject.toml", folder)
    shutil.copytree(project_root / "requirements", folder / "requirements")
    return folder


def python_that(folder: Path, answer: str) -> Path:
    """A stand-in for a Python of another version or make."""
    program = folder / "python-stand-in"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return program


def test_make_alone_lists_every_target(project_root: Path) -> None:
    result = run("make", folder=project_root)
    assert result.returncode == 0
    for target in ("serve", "test", "check", "build", "bench", "generated", "format", "lint", "help"):
        assert re.search(rf"^  make {target} +\S", result.stdout, re.MULTILINE), target


@pytest.mark.parametrize(
    ("target", "variable"), [("explain", "CONDITION"), ("new", "KIND"), ("add", "FROM"), ("diff", "OLD")]
)
def test_a_target_says_what_it_needs_with_an_example(project_root: Path, target: str, variable: str) -> None:
    result = run("make", target, "--old-file=.venv/runtime", "--old-file=.venv/import", folder=project_root)
    assert result.returncode == 2
    (line,) = said_by_make(result)
    assert f"{target} needs {variable}" in line
    assert f": make {target} {variable}=" in line


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10"])
def test_an_old_python_is_named_in_one_line(fresh_checkout: Path, version: str) -> None:
    old = python_that(fresh_checkout, f"echo {version}")
    result = run("make", "check", "PYTHON=./python-stand-in", folder=fresh_checkout)
    assert old.exists()
    assert result.returncode == 2
    (line,) = said_by_make(result)
    assert "Python 3.11 or newer is needed" in line
    assert f"./python-stand-in is Python {version}" in line
    assert not (fresh_checkout / ".venv").exists()


def test_an_absent_python_is_said_in_one_line(fresh_checkout: Path) -> None:
    result = run("make", "serve", "PYTHON=no-such-python", folder=fresh_checkout)
    assert result.returncode == 2
    (line,) = said_by_make(result)
    assert "Python 3.11 or newer is needed and not found" in line


def test_a_python_without_ensurepip_is_said_in_one_line(fresh_checkout: Path) -> None:
    python_that(fresh_checkout, 'case "$2" in *version_info*) echo 3.12;; *) exit 1;; esac')
    result = run("make", "test", "PYTHON=./python-stand-in", folder=fresh_checkout)
    assert result.returncode == 2
    (line,) = said_by_make(result)
    assert "apt install python3-venv" in line


@pytest.mark.parametrize(
    ("locale", "seen"), [("C", "C.UTF-8"), ("POSIX", "C.UTF-8"), ("C.UTF-8", "C.UTF-8"), ("", "")]
)
def test_where_python_knows_few_letters_it_is_given_more(
    fresh_checkout: Path, locale: str, seen: str
) -> None:
    python_that(fresh_checkout, 'echo 3.12; echo "$LC_ALL" > seen; exit 1')
    environment = {"LC_ALL": locale, "LC_CTYPE": "", "LANG": "de_DE.UTF-8"}
    run("make", "check", "PYTHON=./python-stand-in", folder=fresh_checkout, environment=environment)
    assert (fresh_checkout / "seen").read_text() == f"{seen}\n"


def test_no_network_is_said_in_one_line(fresh_checkout: Path) -> None:
    result = run(
        "make",
        "serve",
        f"PYTHON={sys.executable}",
        folder=fresh_checkout,
        environment={
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "1",
            "PIP_NO_CACHE_DIR": "1",
        },
    )
    assert result.returncode == 2
    (line,) = said_by_make(result)
    assert "the package index cannot be reached" in line
    assert not (fresh_checkout / ".venv" / "runtime").exists()


def test_a_package_that_differs_from_its_lock_is_refused(fresh_checkout: Path) -> None:
    lock = fresh_checkout / "requirements" / "runtime.txt"
    wheel = fresh_checkout / "click-0.0.1-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    lock.write_text(f"click==0.0.1 --hash=sha256:{'0' * 64}\n")
    result = run(
        "make",
        "check",
        f"PYTHON={sys.executable}",
        folder=fresh_checkout,
        environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ".", "PIP_CONFIG_FILE": os.devnull},
    )
    assert result.returncode == 2
    assert "DO NOT MATCH THE HASHES" in result.stderr
    assert said_by_make(result)[-1].startswith("make: the packages of requirements/runtime.txt could not be")


def test_locks_carry_hashes_and_name_no_index(project_root: Path) -> None:
    locks = sorted((project_root / "requirements").glob("*.txt"))
    assert [lock.stem for lock in locks] == ["export", "import", "next", "runtime", "spark", "test"]
    for lock in locks:
        text = lock.read_text()
        pinned = re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, re.MULTILINE)
        assert len(pinned) > 30
        assert text.count("--hash=sha256:") >= len(pinned)
        assert not re.search(r"://|index-url|find-links|trusted-host", text), lock


def test_locks_hold_every_declared_dependency(project_root: Path) -> None:
    import tomllib

    declared = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    for lock, requirements in (
        ("runtime", declared["dependencies"]),
        ("import", declared["optional-dependencies"]["import"]),
        ("export", declared["optional-dependencies"]["export"]),
        ("test", declared["optional-dependencies"]["test"]),
        ("spark", declared["optional-dependencies"]["spark"]),
    ):
        text = (project_root / "requirements" / f"{lock}.txt").read_text()
        assert requirements
        for requirement in requirements:
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert match
            name = re.sub(r"[._]", "-", match.group()).lower()
            if name != declared["name"]:
                assert re.search(rf"^{re.escape(name)}==", text, re.MULTILINE), f"{name}: run make lock"


# ---- ldn-evidence ----


def test_help_names_every_command(tmp_path: Path) -> None:
    result = run(COMMAND, "--help", folder=tmp_path)
    assert result.returncode == 0
    for name in SUBCOMMANDS:
        assert re.search(rf"^  {name} +\S", result.stdout, re.MULTILINE), name
    assert "Not medical advice" in result.stdout


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_command_explains_itself(tmp_path: Path, name: str) -> None:
    result = run(COMMAND, name, "--help", folder=tmp_path)
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: ldn-evidence " + name)


def test_help_imports_no_stage(tmp_path: Path) -> None:
    result = run(sys.executable, "-X", "importtime", COMMAND, "--help", folder=tmp_path)
    assert result.returncode == 0
    assert "ldn_evidence.cli" in result.stderr
    for module in (
        "datasette",
        "sqlite_utils",
        "jsonschema_rs",
        "yaml",
        "ldn_evidence.check",
        "ldn_evidence.store",
    ):
        assert not re.search(rf"\| +{re.escape(module)}$", result.stderr, re.MULTILINE), module


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("check", "--format", "xml"),
        ("serve", "--port", "0"),
        ("serve", "--port", "eight"),
        ("new", "studies"),
        ("--root", "no-such-folder", "check"),
    ],
)
def test_misuse_exits_with_2_and_no_traceback(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(COMMAND, *arguments, folder=tmp_path)
    assert result.returncode == 2
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["check", "build", "serve"])
def test_outside_a_checkout_one_line_says_so(tmp_path: Path, name: str) -> None:
    result = run(COMMAND, name, folder=tmp_path)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "no catalogue found" in line
    assert "--root" in line


@pytest.fixture
def catalogue(tmp_path: Path, project_root: Path) -> Path:
    """A small catalogue of its own: the project's schemas and vocabularies, and no record yet."""
    folder = tmp_path / "catalogue"
    shutil.copytree(project_root / "schema", folder / "schema")
    shutil.copytree(project_root / "data" / "vocabularies", folder / "data" / "vocabularies")
    if (project_root / "metadata.yml").exists():
        shutil.copy(project_root / "metadata.yml", folder)
    return folder


def test_check_of_good_records_exits_with_0_and_says_little(catalogue: Path) -> None:
    result = run(COMMAND, "check", folder=catalogue)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) <= 1


def test_check_of_a_broken_record_exits_with_1_and_names_the_place(catalogue: Path) -> None:
    broken = catalogue / "data" / "conditions" / "fibromyalgia.yml"
    broken.parent.mkdir()
    broken.write_text("id: fibromyalgia\nname: Fibromyalgia\nname: Fibromyalgia\n")
    result = run(COMMAND, "check", folder=catalogue)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert re.search(r"^data/conditions/fibromyalgia\.yml:3:1: ", result.stdout + result.stderr, re.MULTILINE)


def test_a_broken_schema_is_said_in_one_line(catalogue: Path) -> None:
    (catalogue / "schema" / "studies.schema.json").write_text("{")
    result = run(COMMAND, "check", folder=catalogue)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "studies.schema.json: not valid JSON" in line


@pytest.mark.parametrize(
    ("file", "pattern", "instead", "said"),
    [
        ("pooling.yml", "^method:\n  value: .*", "method:\n  value: guesswork", "method.value: found 'guesswork'"),
        ("pooling.yml", "^method:", "methods:", "part missing"),
        ("pooling.yml", "^smallest_number_of_trials:\n  value: .*", "smallest_number_of_trials:\n  value: few", "'few'"),
        ("tiers.yml", "measure: favourable_trials", "measure: favorable_trials", "favorable_trials"),
        ("tiers.yml", "^counting:", "count:", "part missing"),
        ("tiers.yml", "^outcomes:", "outcome:", "part missing"),
        ("version.yml", "^schema_version:.*", "", "schema_version: it is missing; write a version such as"),
        ("version.yml", "^data_version:.*", "data_version: one", "data_version: found"),
        ("views.sql", "^CREATE VIEW", "CREATE VEIW", "schema/views.sql: 'CREATE VEIW"),
    ],
)  # fmt: skip
def test_a_slip_in_a_rule_is_said_in_one_line_with_its_file(
    catalogue: Path, file: str, pattern: str, instead: str, said: str
) -> None:
    path = catalogue / "schema" / file
    text, found = re.subn(pattern, instead, path.read_text("utf-8"), count=1, flags=re.MULTILINE)
    assert found == 1
    path.write_text(text, "utf-8")
    result = run(COMMAND, "build", folder=catalogue)
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert f"schema/{file}: " in line
    assert said in line


def test_without_a_folder_for_what_is_kept_everything_works_and_says_so(catalogue: Path) -> None:
    (catalogue / ".cache").write_text("", "utf-8")
    result = run(COMMAND, "build", folder=catalogue)
    assert result.returncode == 0, result.stderr
    (line,) = result.stderr.splitlines()
    assert ".cache is no folder" in line
    assert (catalogue / "ldn.db").is_file()


def test_a_terminal_of_few_letters_gets_those_that_come_nearest(catalogue: Path) -> None:
    broken = catalogue / "data" / "conditions" / "fibromyalgia.yml"
    broken.parent.mkdir()
    broken.write_text("id: fibromyalgia\ndirection: Crohn’s ≥ −4 ✗ Sjögren 東\n", "utf-8")
    few = {"PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(
        [COMMAND, "check"], cwd=catalogue, env=os.environ | few, capture_output=True, check=False
    )
    assert result.returncode == 1
    assert "Crohn's >= -4 - Sjögren ?" in result.stdout.decode("latin-1")
    assert b"Traceback" not in result.stderr
    json_of_it = subprocess.run(
        [COMMAND, "check", "--format", "json"],
        cwd=catalogue,
        env=os.environ | few,
        capture_output=True,
        check=False,
    ).stdout
    assert any("Crohn’s ≥ −4 ✗ Sjögren 東" in problem["message"] for problem in json.loads(json_of_it))


def test_explain_to_a_terminal_of_few_letters(built_database: Path) -> None:
    result = subprocess.run(
        [COMMAND, "explain", "fibromyalgia"],
        cwd=built_database.parent,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert b"Fibromyalgia" in result.stdout
    assert b"?" not in result.stdout.partition(b"Studies")[0]


def test_check_speaks_json(catalogue: Path) -> None:
    broken = catalogue / "data" / "conditions" / "fibromyalgia.yml"
    broken.parent.mkdir()
    broken.write_text("id: fibromyalgia\n")
    result = run(COMMAND, "check", "--format", "json", folder=catalogue)
    assert result.returncode == 1
    problems = json.loads(result.stdout)
    assert problems
    assert {problem["file"] for problem in problems} == {"data/conditions/fibromyalgia.yml"}


def test_build_of_broken_records_exits_with_1_and_leaves_no_file(catalogue: Path) -> None:
    broken = catalogue / "data" / "conditions" / "fibromyalgia.yml"
    broken.parent.mkdir()
    broken.write_text("id: fibromyalgia\n")
    result = run(COMMAND, "build", folder=catalogue)
    assert result.returncode == 1
    assert "data/conditions/fibromyalgia.yml:" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not (catalogue / "ldn.db").exists()


# ---- serve ----


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """What the server printed until it listened."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout
            printed = ""
            for line in server.stdout:
                printed += line
                if "Uvicorn running" in line:
                    break
            else:
                pytest.fail(f"the server ended before it listened:\n{printed}")
            yield printed
        finally:
            server.terminate()


def test_a_second_serve_builds_nothing_and_prints_its_address(built_database: Path) -> None:
    """How soon it answers, `bench` measures."""
    port = free_port()
    before = built_database.stat()
    with served(built_database.parent, port) as printed:
        assert f"http://127.0.0.1:{port}/" in printed.splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            assert answer.status == 200
        after = built_database.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_ctrl_c_stops_the_server_and_is_no_failure(built_database: Path) -> None:
    with subprocess.Popen(
        [COMMAND, "serve", "--port", str(free_port())],
        cwd=built_database.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout
        for line in server.stdout:
            if "Uvicorn running" in line:
                break
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
        assert server.wait(timeout=30) == 0, rest
    assert "Abort" not in rest
    assert "Traceback" not in rest


def test_an_interrupted_build_says_so_and_leaves_nothing(catalogue: Path) -> None:
    (catalogue / "ldn.db").unlink(missing_ok=True)
    program = (
        "import os, signal, sys; from ldn_evidence.cli import main;"
        # What runs in a shell's background inherits that it takes no notice.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        # As by Ctrl-C, at the moment when everything is written and nothing is renamed.
        "os.replace = lambda *a: signal.raise_signal(signal.SIGINT); main(['--root', sys.argv[1], 'build'])"
    )
    result = run(sys.executable, "-c", program, str(catalogue), folder=catalogue)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "interrupted\n")
    assert [path.name for path in catalogue.iterdir() if "ldn.db" in path.name] == []


def test_a_busy_port_is_said_in_one_line(catalogue: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        result = run(COMMAND, "serve", "--port", port, folder=catalogue)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert port in line
    assert "in use" in line or "busy" in line

"""The database: what is in it, that it is sound, that it is the same each time, and that a failure leaves the last good one."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ldn_evidence import basis
from ldn_evidence.basis import Basis
from ldn_evidence.build import build
from ldn_evidence.check import checker
from ldn_evidence.diff import compare
from ldn_evidence.problems import BrokenBuild, RecordsHaveProblems
from ldn_evidence.project import Project
from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.plugin.search_text import fts_query
from ldn_evidence.store.search import KINDS

TESTS = Path(__file__).parent
VIEWS = [
    "condition_catalogue", "evidence_map", "tier_disagreements", "null_trials", "review_conflicts", "doses_tried",
    "safety_summary", "claims_ledger", "open_trials", "silent_trials", "unverified_records", "review_due",
]  # fmt: skip


def rows(connection: sqlite3.Connection, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    return connection.execute(sql, parameters).fetchall()


def test_two_builds_are_the_same_bytes(project: Project) -> None:
    first = build(project).read_bytes()
    shutil.rmtree(project.cache)
    project.database.unlink()
    assert build(project).read_bytes() == first


def test_builds_of_several_processes_are_the_same_bytes(project: Project) -> None:
    # Sets have another order in each process; several numbers with a printed form would show it.
    study = project.data / "studies" / "example-trial.yml"
    text = study.read_text("utf-8")
    for value in ("value: -0.4", "ci_low: -1.7", "ci_high: 0.9"):
        assert value in text
        text = text.replace(value, f"{value}0")
    study.write_text(text, "utf-8")
    made = set()
    for seed in ("1", "2", "3"):
        shutil.rmtree(project.cache, ignore_errors=True)
        project.database.unlink(missing_ok=True)
        command = [sys.executable, "-m", "ldn_evidence.cli", "--root", str(project.root), "build"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        made.add(project.database.read_bytes())
    assert len(made) == 1


def test_another_python_makes_the_same_bytes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(project).read_bytes()
    monkeypatch.setattr(sys, "version", "another one")
    assert build(project, force=True).read_bytes() == first


def test_the_order_and_age_of_files_change_no_byte(project: Project) -> None:
    first = build(project).read_bytes()
    for path in sorted((project.data / "studies").glob("*.yml"), reverse=True):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    build(project, force=True)
    assert project.database.read_bytes() == first


def test_a_build_does_not_load_pandas_and_leaves_it_to_whoever_wants_it(project: Project) -> None:
    (project.root / "pandas.py").write_text("FOUND = True\n", "utf-8")
    program = (
        "import sys; from pathlib import Path; from ldn_evidence.build import build;"
        "from ldn_evidence.project import Project;"
        "build(Project(Path.cwd()));"
        "assert 'sqlite_utils' in sys.modules and 'pandas' not in sys.modules;"
        "import pandas; assert pandas.FOUND;"
        "from ldn_evidence.databases import load_sqlite_utils;"
        "load_sqlite_utils(); assert sys.modules['pandas'] is pandas"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=project.root)


def test_an_up_to_date_database_is_left_alone(project: Project) -> None:
    before = build(project).stat()
    after = build(project).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_changed_record_reaches_the_database(project: Project) -> None:
    build(project)
    study = project.data / "studies" / "example-trial.yml"
    study.write_text(study.read_text("utf-8").replace("year: 2020", "year: 2021"), "utf-8")
    with closing(sqlite3.connect(build(project))) as opened:
        assert rows(opened, "SELECT year FROM studies WHERE id = 'example-trial'") == [(2021,)]


def test_records_with_problems_leave_the_last_good_database(project: Project) -> None:
    good = build(project).read_bytes()
    study = project.data / "studies" / "example-trial.yml"
    study.write_text(study.read_text("utf-8").replace("sd: 2.1", "sd: -3"), "utf-8")
    with pytest.raises(RecordsHaveProblems):
        build(project)
    assert project.database.read_bytes() == good
    assert [path.name for path in project.root.glob(".ldn.db.*")] == []


@pytest.mark.parametrize(
    ("script", "addition", "said"),
    [
        (
            "views.sql",
            "-- A comment.\nCREATE VIEW broken AS\nSELECT id FROM studies WHERE;\n",
            r"""schema/views\.sql: 'CREATE VIEW broken AS': near ";": syntax error""",
        ),
        ("views.sql", "CREATE VIEW broken AS SELECT (id\n", r"schema/views\.sql: .*incomplete input"),
        (
            "views.sql",
            "CREATE VIEW broken AS SELECT yaer FROM studies;\n",
            "the view broken .*no such column: yaer",
        ),
        (
            "views.sql",
            "CREATE VIEW broken AS SELECT * FROM nowhere;\n",
            "the view broken .*no such table.*nowhere",
        ),
        ("tables.sql", "CREATE TABEL broken (id TEXT);\n", r"schema/tables\.sql: 'CREATE TABEL broken"),
        (
            "tables.sql",
            "CREATE INDEX broken ON studies (yaer);\n",
            r"schema/tables\.sql: 'CREATE INDEX broken",
        ),
        ("tables.sql", "ALTER TABLE studies ADD COLUMN more TEXT;\n", "table studies has .* make generated"),
    ],
)
def test_a_broken_script_is_named_and_leaves_the_last_good_database(
    project: Project, script: str, addition: str, said: str
) -> None:
    good = build(project).read_bytes()
    with (project.schema / script).open("a", encoding="utf-8") as stream:
        stream.write(addition)
    with pytest.raises(BrokenBuild, match=said.replace(" make", ".*make")):
        build(project)
    assert project.database.read_bytes() == good
    assert [path.name for path in project.root.glob(".ldn.db.*")] == []


def test_a_full_disk_is_said_in_one_line_and_leaves_the_last_good_database(project: Project) -> None:
    good = build(project).read_bytes()
    study = project.data / "studies" / "example-trial.yml"
    study.write_text(study.read_text("utf-8").replace("year: 2020", "year: 2021"), "utf-8")
    few = len(good) // 4
    ended = subprocess.run(
        [sys.executable, "-m", "ldn_evidence.cli", "--root", str(project.root), "build"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (few, few)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "ldn.db cannot be written" in line
    assert project.database.read_bytes() == good
    assert [path.name for path in project.root.glob(".ldn.db.*")] == []


def test_what_killed_builds_left_goes_and_what_others_write_stays(project: Project) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [f".ldn.db.{ended.pid}.tmp", f".ldn.db.{2**70}.tmp"]
    kept = [f".ldn.db.{os.getppid()}.tmp", ".ldn.db.1.tmp", ".ldn.db.mine.tmp", f".other.db.{ended.pid}.tmp"]
    for name in [*left, *kept]:
        (project.root / name).touch()
    build(project)
    assert sorted(path.name for path in project.root.glob("*.tmp")) == sorted(kept)


def test_a_killed_build_leaves_the_last_good_database(project: Project) -> None:
    good = build(project).read_bytes()
    study = project.data / "studies" / "example-trial.yml"
    study.write_text(study.read_text("utf-8").replace("year: 2020", "year: 2021"), "utf-8")
    program = (
        "import os, sys; from pathlib import Path; from ldn_evidence.build import build;"
        "from ldn_evidence.project import Project;"
        # The process ends, as by a kill, at the moment when everything is written and nothing is renamed.
        "os.replace = lambda *a: os._exit(9); build(Project(Path(sys.argv[1])))"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(project.root)], check=False)
    assert ended.returncode == 9
    assert project.database.read_bytes() == good
    build(project)
    with closing(sqlite3.connect(project.database)) as opened:
        assert rows(opened, "SELECT year FROM studies WHERE id = 'example-trial'") == [(2021,)]


def test_a_folder_of_any_name_is_built_found_up_to_date_exported_and_compared(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("odd") / "a#b ?ä%41"
    shutil.copytree(project.root, root)
    odd = Project(root)
    before = build(odd).stat()
    assert build(odd).stat().st_ino == before.st_ino
    with Base(odd) as base:
        assert base.info["title"] == "LDN Evidence"
    assert compare(odd, odd.database, odd.database).least_step == "none"
    assert [path.name for path in root.parent.iterdir()] == [root.name]
    assert sorted(path.name for path in root.iterdir()) == [".cache", "data", "ldn.db", "schema"]


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(project: Project) -> Project:
    """A catalogue with all that is built from, in a commit."""
    (project.root / "docs").mkdir()
    for text in ("CITATION.cff", "CHANGELOG.md", "docs/method.md"):
        shutil.copy(TESTS.parent / text, project.root / text)
    (project.root / ".gitignore").write_text("/ldn.db\n/.cache/\ndrafts-*\n", "utf-8")
    git(project.root, "init", "--quiet")
    git(project.root, "add", ".")
    git(project.root, "commit", "--quiet", "--message", "All")
    return project


def test_a_build_of_a_clean_checkout_names_its_commit(repository: Project) -> None:
    commit = Basis(repository).commit
    assert re.fullmatch(r"[0-9a-f]{40}", commit.id)
    assert not commit.is_changed


@pytest.mark.parametrize(
    "place",
    ["CITATION.cff", "CHANGELOG.md", "docs/method.md", "schema/views.sql", "data/studies/example-trial.yml"],
)
def test_whatever_a_build_reads_shows_as_changed(repository: Project, place: str) -> None:
    with (repository.root / place).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert Basis(repository).commit.is_changed


@pytest.mark.parametrize("name", ["example-trial-2", "drafts-2"])
def test_a_record_that_is_not_in_the_commit_shows_whatever_git_was_told(
    repository: Project, name: str
) -> None:
    git(repository.root, "config", "status.showUntrackedFiles", "no")
    (repository.data / "studies" / f"{name}.yml").write_text(f"id: {name}\n", "utf-8")
    assert Basis(repository).commit.is_changed


def test_whatever_code_a_build_runs_stands_in_its_digest(project: Project) -> None:
    program = (
        "import sys; from pathlib import Path; from ldn_evidence.build import build; "
        "from ldn_evidence.project import Project; build(Project(Path(sys.argv[1]))); "
        "[print(module.__file__) for name, module in sys.modules.items() if name.startswith('ldn_evidence')]"
    )
    command = [sys.executable, "-c", program, str(project.root)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    code = (*basis._CODE, *checker._CODE)
    forgotten = {
        path.name
        for path in map(Path, output.split())
        if not any(one == path or one in path.parents for one in code)
    }
    # Places and messages; and what takes the example out of a text, which is in the digest without it.
    assert forgotten == {"project.py", "problems.py", "worked_example.py"}


def test_what_no_build_reads_does_not_show(repository: Project) -> None:
    (repository.root / "notes.txt").write_text("A note", "utf-8")
    (repository.root / "data" / "drafts-of-mine").write_text("A note", "utf-8")
    assert not Basis(repository).commit.is_changed


def test_a_project_inside_another_repository_takes_no_commit_from_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = project.root / "unpacked"
    for folder in ("data", "schema"):
        shutil.copytree(project.root / folder, inside / folder)
    git(project.root, "init", "--quiet")
    git(project.root, "add", "data")
    git(project.root, "commit", "--quiet", "--message", "Another")
    assert Basis(project).commit.id != "unknown"
    assert Basis(Project(inside)).commit.id == "unknown"
    (inside / ".git").mkdir()
    assert Basis(Project(inside)).commit.id == "unknown"
    # As in a hook of the other repository.
    monkeypatch.setenv("GIT_DIR", str(project.root / ".git"))
    assert Basis(Project(inside)).commit.id == "unknown"


def test_to_see_whether_anything_changed_git_is_asked_twice(
    repository: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(repository)
    asked: list[object] = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: asked.append(a) or run(*a, **k))  # type: ignore[func-returns-value]
    build(repository)
    assert len(asked) == 2


def test_the_file_is_sound(connection: sqlite3.Connection) -> None:
    assert rows(connection, "PRAGMA foreign_key_check") == []
    assert rows(connection, "PRAGMA integrity_check") == [("ok",)]


def test_every_table_is_strict(connection: sqlite3.Connection) -> None:
    loose = rows(
        connection,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0"
        " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search%'",
    )
    assert loose == []


def test_build_info_says_what_the_file_was_made_from(connection: sqlite3.Connection) -> None:
    information: dict[str, str] = dict(connection.execute("SELECT key, value FROM build_info").fetchall())
    assert information["sqlite_version"] == sqlite3.sqlite_version
    assert re.fullmatch(r"\d+\.\d+\.\d+", information["data_version"])
    written = (TESTS.parent / "schema" / "version.yml").read_text("utf-8")
    assert f"\nschema_version: {information['schema_version']}\n" in written
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", information["data_as_of"])
    assert "Not medical advice" in information["notice"]
    studies = rows(connection, "SELECT count(*) FROM studies")[0][0]
    assert information["count_studies"] == str(studies)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers(connection: sqlite3.Connection, view: str) -> None:
    assert rows(connection, f"SELECT count(*) FROM {view}")[0][0] > 0  # type: ignore[operator]


def test_a_conditions_name_beats_a_mention(connection: sqlite3.Connection) -> None:
    from ldn_evidence.publish.metadata import canned_queries

    connection.create_function("fts_query", 1, fts_query)
    search = canned_queries()["search_everything"]["sql"]
    for text, condition in [
        ("fibromyalgia", "fibromyalgia"),
        ("FMS", "fibromyalgia"),
        ("crohn", "crohns-disease"),
        ("sjögren", "sjogrens-syndrome"),
        ("sjogren", "sjogrens-syndrome"),
        ("hailey hailey", "hailey-hailey-disease"),
        ("Multiple sclerosis", "multiple-sclerosis"),
    ]:
        found = connection.execute(search, {"text": text}).fetchall()
        assert found[0][:2] == ("conditions", condition), text


def test_search_finds_every_kind(connection: sqlite3.Connection) -> None:
    kinds = {row[0] for row in rows(connection, "SELECT DISTINCT kind FROM search")}
    assert kinds == set(KINDS)
    assert {"conditions", "studies", "mechanisms", "claims", "questions"} <= kinds


@pytest.mark.parametrize(
    ("text", "kind", "identifier"),
    [
        ("NCT00568555", "studies", "younger-2013"),
        ("NCT00568555", "trials", "nct00568555"),
        ("PMC10789452", "studies", "bested-2023"),
        ("Younger Mackey 2013", "studies", "younger-2013"),
        ("tramadol", "interactions", "tramadol-and-tapentadol"),
        ("insomnia", "adverse-effects", "insomnia"),
    ],
)
def test_search_finds_records_by_number_author_and_medicine(
    connection: sqlite3.Connection, text: str, kind: str, identifier: str
) -> None:
    query = "SELECT 1 FROM search WHERE search MATCH ? AND kind = ? AND id = ?"
    assert rows(connection, query, fts_query(text), kind, identifier)


def test_what_search_shows_is_text_and_not_the_form_it_is_stored_in(connection: sqlite3.Connection) -> None:
    assert not rows(connection, "SELECT id FROM search WHERE names GLOB '*[\"]*'")
    assert not rows(connection, "SELECT id FROM search WHERE names <> trim(names) OR body <> trim(body)")


def readme_queries() -> list[str]:
    text = (TESTS.parent / "README.md").read_text("utf-8")
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def test_the_readme_has_its_five_queries() -> None:
    assert len(readme_queries()) == 5


@pytest.mark.parametrize("sql", readme_queries(), ids=lambda sql: sql.split("\n")[1].strip())
def test_every_query_of_the_readme_answers(connection: sqlite3.Connection, sql: str) -> None:
    assert len(connection.execute(sql).fetchall()) >= 1

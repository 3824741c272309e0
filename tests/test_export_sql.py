"""SQL text, loaded by the sqlite3 shell and by psql into a real PostgreSQL server, row by row as in the database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import require_tool
from export_support import assert_same_rows, names_of, open_base, readme_queries, rows_of_query, sorted_rows
from ldn_evidence.publish.export.base import CannotExport
from ldn_evidence.publish.export.postgresql import translated_view


@pytest.fixture(scope="module")
def reloaded(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that the shell made from the SQL text."""
    shell = require_tool("sqlite3", "it loads the SQL text")
    target = tmp_path_factory.mktemp("sqlite") / "reloaded.db"
    with (exported / "ldn.sqlite.sql").open("rb") as script:
        loaded = subprocess.run(
            [shell, "-bail", str(target)], stdin=script, capture_output=True, text=True, check=False
        )
    assert (loaded.returncode, loaded.stderr) == (0, "")
    return target


def test_sqlite_file_is_the_database(exported: Path, built_database: Path) -> None:
    assert (exported / "ldn.db").read_bytes() == built_database.read_bytes()


def test_sqlite_shell_loads_every_row_of_every_table_and_view(
    reloaded: Path, built_database: Path, project_root: Path
) -> None:
    with open_base(built_database, project_root) as base, open_base(reloaded, project_root) as other:
        for name in names_of(base):
            assert other.rows(name) == base.rows(name), name
        schema = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        assert other.connection.execute(schema).fetchall() == base.connection.execute(schema).fetchall()
        assert other.connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert other.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        find = "SELECT kind, id FROM search WHERE search MATCH 'fibromyalgia' ORDER BY rank, rowid"
        hits = base.connection.execute(find).fetchall()
        assert len(hits) > 3
        assert other.connection.execute(find).fetchall() == hits


class PostgreSQL:
    """A server of our own, reached through a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        import psycopg

        self.folder = folder
        self.driver = psycopg
        self.as_server: dict[str, Any] = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(folder, "postgres", "postgres")
            self.as_server = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.run(
            "initdb",
            "--pgdata",
            "data",
            "--username",
            "test",
            "--locale",
            "C.UTF-8",
            "--encoding",
            "UTF8",
            "--no-sync",
        )
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        self.run(
            "pg_ctl", "--pgdata", "data", "--log", "server.log", "--wait", "--options", settings, "start"
        )

    def run(self, program: str, *arguments: str) -> None:
        path = require_tool(program, "the SQL text is loaded into a real PostgreSQL server")
        done = subprocess.run(
            [path, *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
            **self.as_server,
        )
        assert done.returncode == 0, f"{program}: {(done.stderr or b'').decode()}"

    def psql(self, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = require_tool("psql", "it loads the SQL text")
        return subprocess.run(
            [path, "--no-psqlrc", "--quiet", "--host", str(self.folder), "--username", "test", "--dbname", database,
             "--set", "ON_ERROR_STOP=1", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.driver.connect(host=str(self.folder), user="test", dbname="ldn") as connection:
            return connection.execute(query).fetchall()

    def stop(self) -> None:
        self.run("pg_ctl", "--pgdata", "data", "--mode", "immediate", "stop")


@pytest.fixture(scope="module")
def postgresql(exported: Path) -> Iterator[PostgreSQL]:
    """A server with the exported base loaded by psql."""
    for program in ("initdb", "pg_ctl", "psql"):
        require_tool(program, "the SQL text is loaded into a real PostgreSQL server")
    require_tool("psycopg", "it asks the PostgreSQL server")
    # Not below pytest's folders, which only their owner enters; and a socket's path must be short.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ldn-pg-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        server = PostgreSQL(folder)
        try:
            created = server.psql("postgres", "--command", "CREATE DATABASE ldn")
            assert created.returncode == 0, created.stderr
            loaded = server.psql("ldn", "--file", str(exported / "ldn.postgresql.sql"))
            assert (loaded.returncode, loaded.stderr) == (0, "")
            yield server
        finally:
            server.stop()


pytestmark_server = pytest.mark.xdist_group("postgresql")


@pytestmark_server
def test_postgresql_has_every_row_of_every_table_and_view(
    postgresql: PostgreSQL, built_database: Path, project_root: Path
) -> None:
    with open_base(built_database, project_root) as base:
        for name in names_of(base):
            relation = base.relations[name]
            order = f" ORDER BY {', '.join(relation.primary_key)}" if relation.primary_key else ""
            assert_same_rows(relation, base.rows(name), postgresql.rows(f"SELECT * FROM {name}{order}"))


@pytestmark_server
def test_postgresql_has_types_keys_checks_and_indexes(
    postgresql: PostgreSQL, built_database: Path, project_root: Path
) -> None:
    with open_base(built_database, project_root) as base:
        counted = dict(
            postgresql.rows(
                "SELECT contype::text, count(*) FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
                "JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace WHERE nspname = 'public' GROUP BY 1"
            )
        )
        references = sum(
            bool(column.references) for table in base.tables.values() for column in table.columns
        )
        checks = sum(
            "json_valid" not in column.check
            for table in base.layout.tables.values()
            for column in table.columns
            if column.check
        )
        assert counted["p"] == len(base.tables) + 1  # and search
        assert counted["f"] == references > 100
        assert counted["c"] == checks > 100
        indexes = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        (wanted,) = base.connection.execute(indexes).fetchone()
        found = postgresql.rows("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        assert len(found) == wanted + len(base.tables) + 2
    columns = postgresql.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name IN ('arms', 'tier_trace') "
        "AND table_schema = 'public'"
    )
    types = dict(columns)
    assert types["components"] == types["inputs"] == types["estimates"] == "jsonb"
    assert types["dose_mg_per_day"] == "double precision"
    assert types["n"] == "bigint"


@pytestmark_server
def test_postgresql_refuses_what_the_checks_forbid(postgresql: PostgreSQL) -> None:
    for statement in (
        "UPDATE conditions SET evidence_tier = 'certain'",
        "UPDATE arms SET dose_mg_per_day = -1 WHERE dose_mg_per_day IS NOT NULL",
        "INSERT INTO condition_names VALUES ('no-such-condition', 0, 'x')",
    ):
        with pytest.raises(postgresql.driver.errors.IntegrityError):
            postgresql.rows(statement)


@pytestmark_server
def test_postgresql_says_what_tables_and_columns_mean(postgresql: PostgreSQL) -> None:
    missing = postgresql.rows(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = 'public' AND relkind IN ('r', 'v') AND relname <> 'search' "
        "AND obj_description(pg_class.oid) IS NULL"
    )
    assert missing == []


@pytestmark_server
@pytest.mark.parametrize("words", ["fibromyalgia", "multiple sclerosis", "itch"])
def test_postgresql_searches_in_its_own_way(postgresql: PostgreSQL, built_database: Path, words: str) -> None:
    found = postgresql.rows(
        f"SELECT kind, id FROM search WHERE document @@ websearch_to_tsquery('english', '{words}') "
        f"ORDER BY ts_rank(document, websearch_to_tsquery('english', '{words}')) DESC, kind, id"
    )
    matching = " ".join(f'"{word}"' for word in words.split())
    ours = rows_of_query(built_database, f"SELECT kind, id FROM search WHERE search MATCH '{matching}'")
    assert len(ours) > 2
    # The stemmers differ in a few words.
    assert len(set(found) & set(ours)) >= 0.9 * len(set(found) | set(ours))


@pytestmark_server
def test_postgresql_answers_the_queries_of_the_readme(
    postgresql: PostgreSQL, built_database: Path, project_root: Path
) -> None:
    for query in readme_queries(project_root):
        assert sorted_rows(postgresql.rows(query)) == sorted_rows(rows_of_query(built_database, query))


@pytestmark_server
def test_a_broken_file_leaves_postgresql_as_it_was(
    postgresql: PostgreSQL, exported: Path, tmp_path: Path
) -> None:
    """All is one transaction."""
    text = (exported / "ldn.postgresql.sql").read_text("utf-8")
    broken = tmp_path / "broken.sql"
    broken.write_text(text.replace("\nCOMMIT;", "\nSELECT 1 / 0;\nCOMMIT;"), "utf-8")
    assert postgresql.psql("postgres", "--command", "CREATE DATABASE empty").returncode == 0
    assert postgresql.psql("empty", "--file", str(broken)).returncode != 0
    tables = postgresql.psql(
        "empty", "--tuples-only", "--command", "SELECT count(*) FROM pg_tables WHERE schemaname='public'"
    )
    assert tables.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("sqlite", "postgresql"),
    [
        ("SELECT a IS NOT b FROM t", "a IS DISTINCT FROM b"),
        ("SELECT group_concat(a, '; ') FROM t", "STRING_AGG(a, '; ')"),
        ("SELECT group_concat(a) FROM t", "STRING_AGG(a, ',')"),
        ("SELECT count(*) > 0 AS any FROM t", "CAST((\n    COUNT(*) > 0\n  ) AS INT)"),
        ("SELECT date(a, '-2 years') FROM t", "YEARS_LATER(a, -2)"),
    ],
)
def test_views_are_translated(sqlite: str, postgresql: str) -> None:
    assert postgresql in translated_view(f"CREATE VIEW v AS {sqlite}")


def test_a_view_that_cannot_be_translated_is_named() -> None:
    with pytest.raises(CannotExport, match=r"start of month"):
        translated_view("CREATE VIEW v AS SELECT date(a, 'start of month') FROM t")


def test_comments_carry_licence_and_notice(exported: Path) -> None:
    for name in ("ldn.sqlite.sql", "ldn.postgresql.sql"):
        with (exported / name).open(encoding="utf-8") as file:
            head = "".join(next(file) for _ in range(3))
        assert "data version" in head
        assert "CC0-1.0" in head
        assert "Not medical advice" in head
        assert "opioid" in head


def test_no_clock_and_no_path_stand_in_the_text(exported: Path, built_database: Path) -> None:
    for name in ("ldn.sqlite.sql", "ldn.postgresql.sql"):
        assert str(built_database.parent) not in (exported / name).read_text("utf-8")


def test_sqlite_is_new_enough() -> None:
    assert sqlite3.sqlite_version_info >= (3, 37)

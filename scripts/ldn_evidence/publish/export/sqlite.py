"""The database itself, and as SQL text for the sqlite3 shell."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ldn_evidence.publish.export.base import Base, version_line
from ldn_evidence.publish.export.files import Written


def write_file(base: Base, folder: Path) -> Iterable[Written]:
    """Copy the database, byte for byte."""
    target = folder / "ldn.db"
    shutil.copyfile(base.database, target)
    yield Written(target, sum(_count(base, name) for name in base.tables))


def write_sql(base: Base, folder: Path) -> Iterable[Written]:
    """Write SQL that makes the same tables, rows, indexes, views and search in an empty SQLite database.

    It needs SQLite 3.37 or newer, for the tables are STRICT.
    """
    target = folder / "ldn.sqlite.sql"
    rows = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write(comment(base))
        file.write("\nPRAGMA foreign_keys = OFF;\nBEGIN;\n")
        for name in base.tables:
            (statement,) = base.connection.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)
            ).fetchone()
            file.write(f"\n{statement};\n")
            for row in base.rows(name):
                rows += 1
                file.write(f"INSERT INTO {name} VALUES ({', '.join(map(literal, row))});\n")
        file.write("\n")
        file.writelines(f"{statement};\n" for statement in _statements(base, "index"))
        file.writelines(f"\n{statement};\n" for statement in _statements(base, "view"))
        file.writelines(_search(base))
        file.write("COMMIT;\n")
    yield Written(target, rows)


def comment(base: Base) -> str:
    """Provenance, licence and notice as comment lines of SQL."""
    return "".join(f"-- {line}\n" for line in heading(base))


def heading(base: Base) -> Iterator[str]:
    """Provenance, licence and notice, line by line, for files with comments."""
    about = base.provenance
    yield version_line(about)
    yield f"Licence: {about['license']}, {about['license_url']}"
    yield about["notice"]


def literal(value: Any) -> str:
    """A value as SQL writes it; a number keeps every digit."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def _statements(base: Base, kind: str) -> list[str]:
    found = base.connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY name", (kind,)
    )
    return [row[0] for row in found]


def _search(base: Base) -> Iterator[str]:
    (statement,) = base.connection.execute("SELECT sql FROM sqlite_master WHERE name = 'search'").fetchone()
    yield f"\n{statement};\n"
    names = "rowid, kind, id, title, names, body"
    for row in base.connection.execute(f"SELECT {names} FROM search ORDER BY rowid"):
        yield f"INSERT INTO search ({names}) VALUES ({', '.join(map(literal, row))});\n"
    yield "INSERT INTO search (search) VALUES ('optimize');\n"


def _count(base: Base, name: str) -> int:
    (count,) = base.connection.execute(f"SELECT count(*) FROM {name}").fetchone()
    return int(count)

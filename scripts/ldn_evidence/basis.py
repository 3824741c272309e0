"""What a database is made from, and whether one is made from what there is now."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ldn_evidence.check import Look
from ldn_evidence.project import Project
from ldn_evidence.read.cache import fingerprint
from ldn_evidence.worked_example import without_example

_PACKAGE = Path(__file__).parent
# Code that shapes the database, beside what a check depends on already.
_CODE = (
    _PACKAGE / "link",
    _PACKAGE / "appraise",
    _PACKAGE / "store",
    _PACKAGE / "coverage.py",
    _PACKAGE / "processes.py",
    _PACKAGE / "assemble.py",
    _PACKAGE / "basis.py",
    _PACKAGE / "build.py",
)


class Commit(NamedTuple):
    """Where a checkout stands in its history.

    Attributes:
        id: The commit; "unknown" outside git.
        day: Its day.
        time: Its time, to the second and with its zone.
        is_changed: Whether files that are built from differ from it.
    """

    id: str
    day: str
    time: str
    is_changed: bool


class Basis:
    """What the database of a project is made from, looked at once.

    Attributes:
        look: What the records' files hold.
    """

    def __init__(self, project: Project) -> None:
        self.look = Look(project)
        self._project = project

    @cached_property
    def commit(self) -> Commit:
        """Where the checkout stands."""
        root = self._project.root
        found = _git(root, "log", "-1", "--format=%H %cs %cI").split()
        if not found:
            return Commit("unknown", "", "", False)
        changed = _git(root, "status", "--porcelain", "--", "data", "schema", "scripts")
        identifier, day, time = found
        return Commit(identifier, day, time, bool(changed))

    @cached_property
    def texts(self) -> list[dict[str, str]]:
        """Texts that pages show and that stand outside the records; a file that is not there is left out."""
        root, schema = self._project.root, self._project.schema
        files = (
            ("changes", "Changelog, in Markdown", root / "CHANGELOG.md"),
            ("citation", "How to cite, in the Citation File Format", root / "CITATION.cff"),
            ("tier-rule", "The tier rule, in YAML", schema / "tiers.yml"),
            ("method", "How tiers and estimates are made, in Markdown", root / "docs" / "method.md"),
        )
        return [
            {"id": name, "title": title, "text": without_example(path.read_text("utf-8"))}
            for name, title, path in files
            if path.is_file()
        ]

    def digest(self, content: str) -> str:
        """Stands for everything that a database is made from.

        Args:
            content: The digest of the records' files, as the look or a check of them gives it.
        """
        commit = self.commit
        changed, texts = str(commit.is_changed), repr(self.texts)
        return fingerprint(_CODE, content, commit.id, changed, sqlite3.sqlite_version, texts)

    def is_that_of(self, database: Path) -> bool:
        """Whether a database was made from what there is now."""
        stored = _stored_digest(database)
        return stored is not None and stored == self.digest(self.look.digest())


def _stored_digest(database: Path) -> str | None:
    """The digest of what a database was built from; None where there is no readable database."""
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT value FROM build_info WHERE key = 'digest'").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _git(root: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()

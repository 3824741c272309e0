"""What a database is made from, and whether one is made from what there is now."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ldn_evidence.check import Look
from ldn_evidence.databases import open_read_only
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
    _PACKAGE / "databases.py",
    _PACKAGE / "in_short.py",
    _PACKAGE / "processes.py",
    _PACKAGE / "assemble.py",
    _PACKAGE / "basis.py",
    _PACKAGE / "build.py",
    # The version and the notice stand in the database.
    _PACKAGE / "__init__.py",
    _PACKAGE / "notice.py",
)


# Texts that pages show and that stand outside the records: name, title, place.
_TEXTS = (
    ("changes", "Changelog, in Markdown", "CHANGELOG.md"),
    ("citation", "How to cite, in the Citation File Format", "CITATION.cff"),
    ("tier-rule", "The tier rule, in YAML", "schema/tiers.yml"),
    ("method", "How tiers and estimates are made, in Markdown", "docs/method.md"),
)
# All that a database is made from.
_INPUTS = ("data", "schema", "scripts", *(place for _, _, place in _TEXTS))


_GIT_PLACES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"})


class Commit(NamedTuple):
    """Where a checkout stands in its history.

    Attributes:
        id: The commit; "unknown" where the project is no repository of its own.
        day: Its day.
        time: Its time, to the second and with its zone.
        is_changed: Whether files that are built from differ from it, or nobody can tell.
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
        # What lies inside another repository, as an unpacked archive may, is at no commit of that one.
        found = _git(root, "log", "-1", "--format=%H %cs %cI") if (root / ".git").exists() else None
        if not found:
            return Commit("unknown", "", "", False)
        # Whatever people have set for themselves, a record that git ignores is built from all the same.
        ask = ("status", "--porcelain", "--untracked-files=all", "--ignored")
        status = _git(root, *ask, "--", *_INPUTS)
        changed = status is None or any(map(_is_of_a_build, status.splitlines()))
        identifier, day, time = found.split()
        return Commit(identifier, day, time, changed)

    @cached_property
    def texts(self) -> list[dict[str, str]]:
        """Texts that pages show and that stand outside the records; a file that is not there is left out."""
        return [
            {"id": name, "title": title, "text": without_example(path.read_text("utf-8"))}
            for name, title, place in _TEXTS
            if (path := self._project.root / place).is_file()
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
        with closing(open_read_only(database)) as connection:
            row = connection.execute("SELECT value FROM build_info WHERE key = 'digest'").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def _is_of_a_build(line: str) -> bool:
    """Whether a line of `git status` tells of a file that is built from; most that git ignores are compiled code."""
    return not line.startswith("!!") or line.rstrip('"').endswith((".yml", ".json", ".sql", ".py"))


def _git(root: Path, *arguments: str) -> str | None:
    """What git says of the repository whose top is this folder; None where it says that something is wrong."""
    # In a hook, git tells its commands of the repository that it works on, which need not be this one.
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_PLACES}
    environment["GIT_CEILING_DIRECTORIES"] = str(root.parent)
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=10,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

"""The whole way from records to database, where it has to be gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ldn_evidence.basis import Basis
from ldn_evidence.check import CheckedCatalogue, check_project
from ldn_evidence.problems import Problem, RecordsHaveProblems
from ldn_evidence.project import Project

Progress = Callable[[str, int, int], None]
"""Is called with what is done, how much of it is done, and how much there is of it."""


def build(project: Project, progress: Progress | None = None, *, force: bool = False) -> Path:
    """Check the records and build `ldn.db` where it is not up to date.

    Args:
        project: The project.
        progress: Called with (step, done, in all).
        force: Build even where the file is up to date.

    Returns:
        The database file.

    Raises:
        RecordsHaveProblems: The records are not clean; the last good file stays as it is.
        BrokenBuild: The file cannot be finished; the last good file stays as it is.
    """
    basis = Basis(project)
    if not force and basis.is_that_of(project.database):
        # Only from clean records is a database made, and days that pass make no clean record unclean.
        return project.database
    show = (lambda done, total: progress("check", done, total)) if progress else None
    checked = check_project(project, show, look=basis.look, meanwhile=load)
    if checked.problems:
        raise RecordsHaveProblems(list(checked.problems))
    from ldn_evidence.assemble import assemble

    assemble(project, basis, checked, progress)
    return project.database


def load() -> None:
    """Load what computes and stores.

    That takes a third of a second, so it is done only when something is built, and best while others work.
    """
    from ldn_evidence import assemble  # noqa: F401
    from ldn_evidence.appraise.distributions import load_statistics
    from ldn_evidence.databases import load_sqlite_utils

    load_sqlite_utils()
    load_statistics()


def tiers_as_computed(project: Project, checked: CheckedCatalogue) -> list[Problem]:
    """Where a condition's tier or direction is not the computed one, and no override says why.

    Args:
        project: The project.
        checked: Its checked records; those with problems stay out of account.

    Returns:
        Problems of the rule `tier-as-computed`, sorted, with the line of the field.
    """
    from ldn_evidence.assemble import departures

    return departures(project, checked)

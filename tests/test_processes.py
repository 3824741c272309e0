"""Several processes do what one does, in the same order, and pass on what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ldn_evidence.appraise import appraise
from ldn_evidence.bench.generate import write_catalogue
from ldn_evidence.check import check_project
from ldn_evidence.link import Catalogue
from ldn_evidence.processes import Crew
from ldn_evidence.project import Project

ROOT = Path(__file__).parent.parent


def ten() -> int:
    return 10


def times(tool: int, task: int) -> int:
    return tool * task


def refuse(tool: int, task: int) -> int:
    if task == 3:
        raise ValueError("not three")
    return task


@pytest.mark.parametrize("made", [None, 10])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_come_in_the_order_of_the_tasks(processes: int, made: int | None) -> None:
    with Crew(ten, processes, made) as crew:
        assert list(crew.map(times, range(50))) == [10 * task for task in range(50)]


def test_a_tool_that_is_made_already_is_inherited_where_processes_are_forked(tmp_path: Path) -> None:
    program = (
        "from ldn_evidence.processes import Crew, can_fork\n"
        "from operator import mul\n"
        "made = []\n"
        "def make():\n"
        "    made.append(None)\n"
        "    return 0\n"
        "if __name__ == '__main__':\n"
        "    forks = can_fork()\n"
        "    with Crew(make, 2, 10) as crew:\n"
        "        assert set(crew.map(mul, [1])) == ({10} if forks else {0})\n"
        "    assert not made\n"
    )
    (tmp_path / "program.py").write_text(program)
    subprocess.run([sys.executable, str(tmp_path / "program.py")], check=True, timeout=60)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_in_the_work_reaches_the_caller(processes: int) -> None:
    with Crew(ten, processes) as crew, pytest.raises(ValueError, match="not three"):
        list(crew.map(refuse, range(50)))


def test_whoever_works_for_a_killed_process_ends_too(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "from ldn_evidence.processes import Crew\n"
        "def make():\n"
        "    return 0\n"
        "def work(tool, task):\n"
        "    print('at work', flush=True)\n"
        "    threading.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    with Crew(make, 2) as crew:\n"
        "        list(crew.map(work, range(8)))\n"
    )
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, str(tmp_path / "program.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
        process.kill()
        # The other processes hold the pipe open as long as they live.
        assert process.communicate(timeout=60)[0] == ""


def as_they_are(table: str, rows: Iterable[Mapping[str, Any]]) -> Sequence[Any]:
    return list(rows)


def test_several_processes_appraise_as_one_does(tmp_path: Path) -> None:
    project = write_catalogue(Project(ROOT), tmp_path / "catalogue", 250, 1)
    checked = check_project(project)
    assert not checked.problems
    rules = project.schema / "tiers.yml"
    alone = list(appraise(Catalogue(checked), rules, pack=as_they_are, processes=1))
    assert len({table for table, _ in alone}) >= 8
    assert sum(len(rows) for _, rows in alone) > 1000
    assert list(appraise(Catalogue(checked), rules, pack=as_they_are, processes=2)) == alone

"""The benchmark runs from end to end and prints what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ldn_evidence.cli", "--root", str(ROOT), "bench", *options]
    wide = {"COLUMNS": "200", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=wide)


def cells(output: str, name: str) -> list[str]:
    """The cells of the table's row of that name."""
    (line,) = [line for line in output.splitlines() if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.mark.serial
def test_a_small_run_prints_times_ratios_and_memory() -> None:
    ended = bench("--records", "30", "--repeats", "1")
    assert ended.returncode == 0, ended.stderr
    for name in (
        "PyYAML",
        "cold build",
        "build, nothing changed",
        "build, one record",
        "check",
        "the same without tiers",
        "real catalogue, cold build",
        "real catalogue, first page served",
        "real catalogue, all exports",
    ):
        seconds, work, *_, peak = cells(ended.stdout, name)[1:]
        assert float(seconds) > 0
        assert float(work) > 0
        assert 5 < float(peak) < 1000
    assert "the appraisal's share" in ended.stdout
    assert cells(ended.stdout, "PyYAML")[3] == "1.00"
    assert cells(ended.stdout, "cold build")[4] == "100.0 %"


@pytest.mark.serial
def test_several_sizes_are_measured_once_each() -> None:
    ended = bench("--scale", "10,20")
    assert ended.returncode == 0, ended.stderr
    assert float(cells(ended.stdout, "20")[1]) > 0


def test_sizes_that_are_no_numbers_are_a_misuse() -> None:
    ended = bench("--scale", "10,many")
    assert ended.returncode == 2
    assert "must be numbers of studies" in ended.stderr

"""Time and peak memory of whole commands, as ratios against baselines run in the same minutes.

Seconds depend on the machine and on what else it does; the ratios hardly do. Commands alternate with the baseline,
and the median of the repetitions is what counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from ldn_evidence.bench.generate import change_one_record, write_catalogue
from ldn_evidence.project import Project

_MEBIBYTE = 1024  # ru_maxrss counts in KiB on Linux


@dataclass
class Measurement:
    """One command, measured several times.

    Attributes:
        name: What is measured.
        seconds: Wall-clock time of each run.
        work: Processor time of each run, of all its processes together; what else the machine does hardly matters to it.
        peak: Memory of the largest single process of each run, in MiB.
    """

    name: str
    seconds: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def run(self, command: Sequence[str]) -> None:
        """Run a command once more.

        Raises:
            SystemExit: The command failed.
        """
        with tempfile.TemporaryFile() as output:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            # Of this one child and its own children, unlike the marks that the system keeps of all so far.
            _, status, used = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - start)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                raise SystemExit(
                    f"{' '.join(command)} failed:\n{output.read().decode(errors='replace')[-2000:]}"
                )
        self.work.append(used.ru_utime + used.ru_stime)
        self.peak.append(used.ru_maxrss / _MEBIBYTE)


def run_bench(
    project: Project,
    records: int,
    repeats: int,
    seed: int,
    designs: Mapping[str, int],
    with_yaml_to_sqlite: bool,
    console: Console,
) -> None:
    """Measure and print.

    Args:
        project: Where schemas and vocabularies come from.
        records: Number of generated studies.
        repeats: Runs of each measurement.
        seed: Seed of the generated catalogue.
        designs: How often each kind of design comes in it.
        with_yaml_to_sqlite: Also run the tool `yaml-to-sqlite`, which takes minutes from 10,000 records on.
        console: Where to print.
    """
    with tempfile.TemporaryDirectory(prefix="ldn-bench-") as folder:
        catalogue = write_catalogue(project, Path(folder) / "catalogue", records, seed, designs)
        studies = catalogue.data / "studies"
        size = sum(path.stat().st_size for path in studies.iterdir())
        console.print(
            f"{records:,} studies, {size / records / 1000:.1f} KB each, seed {seed}, {os.cpu_count()} cores"
        )
        pyyaml = Measurement("PyYAML CSafeLoader, one process (a)")
        cold = Measurement("cold build")
        nothing = Measurement("build, nothing changed")
        one = Measurement("build, one record changed")
        check = Measurement("check, no cache")
        without_tiers = Measurement("the same without tiers")
        for number in range(repeats):
            pyyaml.run(_python("-m", "ldn_evidence.bench.baselines", "pyyaml", str(studies)))
            _forget(catalogue)
            check.run(_command(catalogue, "check"))
            _forget(catalogue)
            without_tiers.run(_command(catalogue, "check", "--no-tiers"))
            _forget(catalogue)
            cold.run(_command(catalogue, "build"))
            nothing.run(_command(catalogue, "build"))
            change_one_record(catalogue, number % records)
            one.run(_command(catalogue, "build"))
        others = []
        if with_yaml_to_sqlite:
            others.append(Measurement("yaml-to-sqlite (b)"))
            _measure_yaml_to_sqlite(others[0], studies, Path(folder))
        database = catalogue.database.stat().st_size
        real = Measurement("real catalogue, cold build")
        page = Measurement("real catalogue, first page served")
        exports = Measurement("real catalogue, all exports")
        for _ in range(repeats):
            copy = _copy(project, Path(folder) / "real")
            real.run(_command(copy, "build"))
            page.run(_python("-m", "ldn_evidence.bench.first_page", str(copy.root)))
            exports.run(_command(copy, "export"))
        rows = [pyyaml, *others, cold, nothing, one, check, without_tiers, real, page, exports]
        _print(console, rows, pyyaml, others, cold, records)
        share = _appraisal_share(check, without_tiers, cold)
        console.print(f"the appraisal's share of a cold build's processor time: {share:.0f} %")
        console.print(f"database of the generated catalogue: {database / 1e6:.1f} MB")


def run_scale(
    project: Project, sizes: Sequence[int], seed: int, designs: Mapping[str, int], console: Console
) -> None:
    """Measure a cold build, one with nothing changed and the appraisal for several sizes, each once.

    Args:
        project: Where schemas and vocabularies come from.
        sizes: Numbers of generated studies.
        seed: Seed of the generated catalogues.
        designs: How often each kind of design comes in them.
        console: Where to print.
    """
    table = Table(title="one run of each size")
    for heading in (
        "studies",
        "cold build, s",
        "ms a study",
        "processor ms a study",
        "appraisal's share",
        "peak MiB",
        "nothing changed, s",
    ):
        table.add_column(heading, justify="right")
    for records in sizes:
        with tempfile.TemporaryDirectory(prefix="ldn-bench-") as folder:
            catalogue = write_catalogue(project, Path(folder) / "catalogue", records, seed, designs)
            cold, nothing = Measurement("cold build"), Measurement("nothing changed")
            cold.run(_command(catalogue, "build"))
            nothing.run(_command(catalogue, "build"))
            with_tiers, without = Measurement("check"), Measurement("check without tiers")
            with_tiers.run(_command(catalogue, "check"))
            without.run(_command(catalogue, "check", "--no-tiers"))
        table.add_row(
            f"{records:,}",
            f"{cold.seconds[0]:.1f}",
            f"{1000 * cold.seconds[0] / records:.3f}",
            f"{1000 * cold.work[0] / records:.3f}",
            f"{_appraisal_share(with_tiers, without, cold):.0f} %",
            f"{max(cold.peak[0], nothing.peak[0]):.0f}",
            f"{nothing.seconds[0]:.2f}",
        )
    console.print(table)


def _appraisal_share(with_tiers: Measurement, without: Measurement, build: Measurement) -> float:
    """Per cent of a build's processor time: two checks differ by nothing but the appraisal."""
    return 100 * (median(with_tiers.work) - median(without.work)) / median(build.work)


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def _command(project: Project, *arguments: str) -> list[str]:
    return _python("-m", "ldn_evidence.cli", "--root", str(project.root), *arguments)


def _forget(project: Project) -> None:
    shutil.rmtree(project.cache, ignore_errors=True)
    project.database.unlink(missing_ok=True)


def _copy(project: Project, target: Path) -> Project:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project.schema, target / "schema")
    shutil.copytree(project.data, target / "data")
    shutil.copyfile(project.metadata, target / project.metadata.name)
    return Project(target)


def _measure_yaml_to_sqlite(measurement: Measurement, studies: Path, folder: Path) -> None:
    """The tool takes one file with one list, so the records are put into one."""
    listed = folder / "studies.yml"
    with listed.open("w", encoding="utf-8") as stream:
        for path in sorted(studies.glob("*.yml")):
            lines = path.read_text("utf-8").splitlines()
            stream.write("- " + "\n  ".join(lines) + "\n")
    target = folder / "baseline.db"
    tool = shutil.which(
        "yaml-to-sqlite", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if tool is None:
        raise SystemExit(
            "yaml-to-sqlite is not installed; `pip install yaml-to-sqlite`, or leave the baseline out"
        )
    measurement.run([tool, str(target), "studies", str(listed), "--pk", "id"])


def _print(
    console: Console,
    rows: Sequence[Measurement],
    pyyaml: Measurement,
    others: Sequence[Measurement],
    cold: Measurement,
    records: int,
) -> None:
    table = Table(title="medians of alternating runs")
    ratios = ["of (a)", *(["of (b)"] if others else []), "of a cold build"]
    for heading in ("", "seconds", "processor s", *ratios, "ms a study", "peak MiB"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        seconds = median(row.seconds)
        found = [f"{seconds / median(pyyaml.seconds):.2f}"]
        found += [f"{seconds / median(other.seconds):.3f}" for other in others]
        found += [f"{100 * seconds / median(cold.seconds):.1f} %", f"{1000 * seconds / records:.3f}"]
        if row.name.startswith("real"):
            found = [""] * len(found)
        table.add_row(row.name, f"{seconds:.2f}", f"{median(row.work):.2f}", *found, f"{max(row.peak):.0f}")
    console.print(table)

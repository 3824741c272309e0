"""Exports: the built database in the formats that people and programs work with.

`formats.FORMATS` is the table of formats. Each is written from the database alone and carries version, licence and notice;
the same commit gives the same bytes.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ldn_evidence.processes import Crew, cores
from ldn_evidence.project import Project
from ldn_evidence.publish.export import manifest
from ldn_evidence.publish.export.base import Base, CannotExport
from ldn_evidence.publish.export.formats import FORMATS

# Each holds the base's rows while it writes.
MOST_PROCESSES = 4

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-]+)*/?")

Progress = Callable[[str, int, int], None]


def export(
    project: Project,
    formats: Sequence[str] = (),
    output: Path | None = None,
    database: Path | None = None,
    progress: Progress | None = None,
    address: str = "",
) -> list[manifest.Entry]:
    """Write formats into a folder, with `manifest.json` and `SHA256SUMS`.

    Files of an earlier export of the same database stay; those of another one are removed, so that a folder never holds
    two versions. What the export did not write itself it does not touch.

    Args:
        project: The project; its database must be built.
        formats: Names from `FORMATS`; all by default.
        output: The folder, `dist` in the project by default.
        database: A database other than the project's own.
        progress: Called with (what, done, in all).
        address: Where the static site will lie, for what needs whole addresses: the list of its pages for search engines,
            links of the feed.

    Returns:
        The entries of the manifest.

    Raises:
        CannotExport: A format is unknown, the address is none, a library is missing, or there is no fitting database.
    """
    from ldn_evidence.problems import did_you_mean

    for name in formats:
        if name not in FORMATS:
            known = ", ".join(FORMATS)
            raise CannotExport(f'there is no format "{name}"{did_you_mean(name, FORMATS)} (formats: {known})')
    if address and not _ADDRESS.fullmatch(address):
        raise CannotExport(f'"{address}" is no address of a site (for example: https://example.org/ldn)')
    chosen = [FORMATS[name] for name in FORMATS if name in formats or not formats]
    output = output or project.exports
    for format in chosen:
        try:
            format.load()
        except ModuleNotFoundError as missing:
            raise CannotExport(
                f"{format.name} needs the library {missing.name}; install it with: make .venv/export"
            ) from None
    with Base(project, database, address) as base:
        output.mkdir(parents=True, exist_ok=True)
        digest, earlier = manifest.read(output)
        names = {one.name for one in chosen}
        kept = [one for one in earlier if one.format not in names and digest == base.info["digest"]]
        entries = [one for one in kept if (output / one.file).is_file()]
        with tempfile.TemporaryDirectory(prefix=".export-", dir=output) as scratch:
            folder = Path(scratch)
            processes = min(cores(), len(chosen), MOST_PROCESSES)
            with Crew(partial(Base, project, database, address), processes) as crew:
                # The site takes longest, so it begins first.
                tasks = [(format.name, folder) for format in reversed(chosen)]
                for number, written in enumerate(crew.map(_write_format, tasks), start=1):
                    entries += written
                    if progress is not None:
                        progress("Exporting", number, len(chosen))
            # From here on only renames: an error before leaves the last good export as it is.
            stale = {one.format for one in earlier if one not in kept}
            for name in sorted(stale & FORMATS.keys()):
                _remove(output / FORMATS[name].files)
            for format in chosen:
                _remove(output / format.files)
                (folder / format.files).replace(output / format.files)
        manifest.write(base, output, entries)
    return entries


def _write_format(base: Base, task: tuple[str, Path]) -> list[manifest.Entry]:
    name, folder = task
    format = FORMATS[name]
    return [
        manifest.entry(name, one.media_type or format.media_type, one.path, folder, one.rows)
        for one in format.load()(base, folder)
    ]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


__all__ = ["FORMATS", "CannotExport", "export"]

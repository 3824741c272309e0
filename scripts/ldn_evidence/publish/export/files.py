"""Files that are the same bytes whenever and wherever they are written."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Written:
    """A file that an export wrote.

    Attributes:
        path: The file.
        rows: Rows or records in it, or None where that says nothing.
        media_type: Its media type where that is not the format's.
    """

    path: Path
    rows: int | None = None
    media_type: str | None = None


def write_zip(path: Path, members: Iterable[tuple[str, bytes]], day: str) -> None:
    """Write an archive whose members all bear the date `day` (YYYY-MM-DD) and no trace of the machine."""
    year, month, date = (int(part) for part in day.split("-"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name, (max(year, 1980), month, date, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)

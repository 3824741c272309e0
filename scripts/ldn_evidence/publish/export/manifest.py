"""What an export wrote, for programs and for `sha256sum --check`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.publish.export.base import Base

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Entry:
    """One exported file.

    Attributes:
        format: Name of the format, as `ldn-evidence export` takes it.
        file: Path below the output folder, with forward slashes.
        media_type: Media type.
        size: Bytes.
        sha256: Checksum, in hexadecimal.
        rows: Rows or records in it, or None where that says nothing.
    """

    format: str
    file: str
    media_type: str
    size: int
    sha256: str
    rows: int | None


def entry(format: str, media_type: str, path: Path, output: Path, rows: int | None) -> Entry:
    """The entry of a file that lies below `output`."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Entry(format, path.relative_to(output).as_posix(), media_type, len(content), digest, rows)


def read(output: Path) -> tuple[str, list[Entry]]:
    """Digest of the database and entries of an earlier export into this folder; nothing where there was none."""
    try:
        document = orjson.loads((output / MANIFEST).read_bytes())
        return document["digest"], [Entry(**one) for one in document["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return "", []


def write(base: Base, output: Path, entries: Iterable[Entry]) -> None:
    """Write `manifest.json` and `SHA256SUMS`."""
    ordered = sorted(entries, key=lambda one: one.file)
    document: dict[str, Any] = {
        **base.provenance,
        "digest": base.info["digest"],
        "files": [asdict(one) for one in ordered],
    }
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (output / MANIFEST).write_bytes(orjson.dumps(document, option=option))
    lines = "".join(f"{one.sha256}  {one.file}\n" for one in ordered)
    (output / CHECKSUMS).write_text(lines, "utf-8")

"""What the files of a project hold, as one digest, without reading again what the file system says is unchanged.

As git does with its index: a file whose size, inode and times are those of the last look holds what it held then. Where
anything differs the file is read. A file that was changed shortly before it was looked at is read the next time too, for
a second change within the clock's step would not show.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import orjson

# Some file systems count in steps of two seconds.
_YOUNG_NANOSECONDS: Final = 3 * 10**9


def content_digest(root: Path, files: Iterable[str], index: Path, *texts: str) -> str:
    """A digest of names and contents of the files, in order, and of the texts.

    Args:
        root: The folder to which the names are relative.
        files: Names; one that cannot be read counts as such.
        index: Where the last look is kept; it may be deleted at any time.
        texts: What else shall change the digest.
    """
    known = _load(index)
    digest = blake2b(digest_size=16)
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    looked_at = time.time_ns()
    seen: dict[str, list[int | str]] = {}
    changed = False
    for file in files:
        path = f"{root}/{file}"
        try:
            found = os.stat(path)
            state = [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]
            entry = known.get(file)
            if entry is None or entry[:4] != state:
                changed = True
                with open(path, "rb") as stream:
                    entry = [*state, blake2b(stream.read(), digest_size=16).hexdigest()]
        except OSError:
            entry = [0, 0, 0, 0, "unreadable"]
        if max(int(entry[0]), int(entry[1])) < looked_at - _YOUNG_NANOSECONDS:
            seen[file] = entry
        digest.update(f"{len(file)}:{file}:{entry[4]}".encode())
    if changed or len(seen) != len(known):
        _save(index, seen)
    return digest.hexdigest()


def _load(index: Path) -> dict[str, list[int | str]]:
    try:
        known = orjson.loads(index.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _save(index: Path, seen: dict[str, list[int | str]]) -> None:
    """Keep the look for the next time; where that is not possible, the next look reads again."""
    partial = index.with_name(f"{index.name}.{os.getpid()}.partial")
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(orjson.dumps(seen))
        partial.replace(index)
    except OSError:
        partial.unlink(missing_ok=True)

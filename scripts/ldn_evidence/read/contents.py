"""What the files of a project hold, without reading again what the file system says is unchanged.

As git does with its index: a file whose size, inode and times are those of the last look holds what it held then. Where
anything differs the file is read. A file that was changed shortly before it was looked at is read the next time too, for
a second change within the clock's step would not show.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import orjson

from ldn_evidence.read.strictness import MOST_BYTES

# Some file systems count in steps of two seconds.
_YOUNG_NANOSECONDS: Final = 3 * 10**9
_READ_AT_ONCE: Final = 65536
_DIGEST_BYTES: Final = 16
UNREADABLE: Final = "unreadable"
"""Stands in the digest of everything for a file that cannot be read."""

_Entry = list[int | str]  # time of change, time of status change, size, inode, digest of the content


class Look(NamedTuple):
    """What a file holds.

    Attributes:
        digest: Stands for the content.
        data: The content, cut after one byte more than a record may have; None where it need not be read.
    """

    digest: str
    data: bytes | None


class Contents:
    """Looks at files and keeps what it saw for the next run; use it as a context manager.

    Args:
        root: The folder to which the files' names are relative.
        index: Where the last look is kept; it may be deleted at any time. Without it every file is read.
    """

    def __init__(self, root: Path, index: Path | None = None) -> None:
        self._root = root
        self._index = index
        self._known = {} if index is None else _load(index)
        self._seen: dict[str, _Entry] = {}
        self._is_news = False
        self._digest = blake2b(digest_size=_DIGEST_BYTES)
        self._folder = ""
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave_folder()

    def look(self, file: str) -> Look:
        """The digest of a file, and its content where it is not known from the last look.

        Raises:
            OSError: The file cannot be read.
        """
        entry = self._known.get(file)
        if entry is None or entry[:4] != _state(os.stat(f"{self._root}/{file}")):
            return self.read(file)
        self._seen[file] = entry
        return Look(str(entry[4]), None)

    def read(self, file: str) -> Look:
        """The digest of a file and its content, read now.

        Raises:
            OSError: The file cannot be read.
        """
        began = time.time_ns()
        state, data = self._read(file)
        entry: _Entry = [*state, blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()]
        self._is_news = True
        if max(state[0], state[1]) < began - _YOUNG_NANOSECONDS:
            self._seen[file] = entry
        return Look(str(entry[4]), data)

    def add(self, name: str, digest: str) -> None:
        """Let something count in the digest of everything: a file's name with its digest, or any other text."""
        self._digest.update(f"{len(name)}:{name}:{digest}".encode())

    @property
    def digest(self) -> str:
        """Stands for all that was added, in order."""
        return self._digest.hexdigest()

    def save(self) -> None:
        """Keep what was seen for the next time; where that is not possible, the next look reads again."""
        if self._index is None or not (self._is_news or len(self._seen) != len(self._known)):
            return
        partial = self._index.with_name(f"{self._index.name}.{os.getpid()}.partial")
        try:
            self._index.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(orjson.dumps(self._seen))
            partial.replace(self._index)
        except OSError:
            partial.unlink(missing_ok=True)

    def _read(self, path: str) -> tuple[list[int], bytes]:
        """State and content; the folder of the last file stays open, which makes the next open twice as fast."""
        folder, _, name = path.rpartition("/")
        if folder != self._folder or self._descriptor is None:
            self._leave_folder()
            self._descriptor = os.open(self._root / folder, os.O_RDONLY)
            self._folder = folder
        file = os.open(name, os.O_RDONLY, dir_fd=self._descriptor)
        try:
            state = _state(os.fstat(file))
            data = part = os.read(file, _READ_AT_ONCE)
            while part and _READ_AT_ONCE <= len(data) <= MOST_BYTES:
                part = os.read(file, MOST_BYTES + 1 - len(data))
                data += part
            return state, data
        finally:
            os.close(file)

    def _leave_folder(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _state(found: os.stat_result) -> list[int]:
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]


def _load(index: Path) -> dict[str, _Entry]:
    try:
        known = orjson.loads(index.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}

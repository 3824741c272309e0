"""What the files of a project hold, without reading again what the file system says is unchanged.

As git does with its index: a file whose size, inode and times are those of the last look holds what it held then. Where
anything differs the file is read. A file that was changed shortly before it was looked at is read the next time too, for
a second change within the clock's step would not show.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import orjson

from ldn_evidence.read.strictness import MOST_BYTES

# Some file systems count in steps of two seconds.
_YOUNG_NANOSECONDS: Final = 3 * 10**9
_READ_AT_ONCE: Final = 65536
_DIGEST_BYTES: Final = 16
_INDEX_FORM: Final = b"ldn-evidence index 2"
_UNREADABLE: Final = "unreadable"  # stands for the digest of a file that cannot be read

State = tuple[int, int, int, int]
"""Of a file: time of change, time of status change, size, inode."""

# Neither is the state of any file, nor are they the same, so that the next look reads.
_NOT_KEPT: Final[State] = (0, 0, 0, 0)
_NOT_THERE: Final[State] = (-1, -1, -1, -1)
_NUMBERS: Final = len(_NOT_KEPT)


class Content(NamedTuple):
    """What one file held when it was read.

    Attributes:
        state: By which the next run knows that it holds this still.
        digest: Stands for the content.
        data: The content, cut after one byte more than a record may have.
        error: Why it could not be read; empty where it could.
    """

    state: State
    digest: str
    data: bytes
    error: str = ""


class _Folder(NamedTuple):
    """The files of one folder; kept as columns, which are read and compared as wholes in a tenth of the time."""

    names: list[str]
    states: list[int]  # four numbers a file, one file's after another's
    digests: list[str]


class Contents:
    """Looks at files and keeps what it saw for the next run.

    An index that is not just as it was written is not believed.

    Args:
        root: The folder to which the folders' names are relative.
        index: Where the last look is kept; it may be deleted at any time. Without it every file is read.
    """

    def __init__(self, root: Path, index: Path | None = None) -> None:
        self._root = root
        self._index = index
        self._known = {} if index is None else _load(index)
        self._seen: dict[str, _Folder] = {}

    def look(self, folder: str, names: Sequence[str]) -> list[str]:
        """The digests of files that hold what they held at the last look; empty for those that must be read.

        Args:
            folder: Looked at once in a run; whoever asks again is told what was seen then and read since.
            names: Its files; what is read of them later is told to `found`.
        """
        if folder in self._seen:
            return [*self._seen[folder].digests]
        known = self._known.get(folder)
        if known is None:
            seen = _Folder([*names], [*_NOT_KEPT] * len(names), [""] * len(names))
        else:
            seen = _Folder([*names], _states(self._root / folder, names), [*known.digests])
            if (seen.names, seen.states) != (known.names, known.states):
                seen = seen._replace(digests=_digests_of_unchanged(seen, known))
        self._seen[folder] = seen
        return [*seen.digests]

    def found(self, folder: str, position: int, state: State, digest: str) -> None:
        """Take in what was read of a file: the one at this position among those looked at."""
        seen = self._seen[folder]
        seen.states[position * _NUMBERS : (position + 1) * _NUMBERS] = state
        seen.digests[position] = digest

    def read_changed(self, folder: str, names: Sequence[str]) -> None:
        """Look at files and read those that must be read."""
        unknown = [position for position, digest in enumerate(self.look(folder, names)) if not digest]
        contents = read_files(self._root / folder, [names[position] for position in unknown])
        for position, content in zip(unknown, contents, strict=True):
            self.found(folder, position, content.state, content.digest)

    def digest(self, *more: str) -> str:
        """Stands for all files that were looked at, their names and contents, and for what else is given."""
        seen = [(folder, files.names, files.digests) for folder, files in sorted(self._seen.items())]
        return blake2b(orjson.dumps([seen, more]), digest_size=_DIGEST_BYTES).hexdigest()

    def save(self) -> None:
        """Keep what was seen for the next time; where that is not possible, the next look reads again."""
        if self._index is None or self._seen == self._known:
            return
        partial = self._index.with_name(f"{self._index.name}.{os.getpid()}.partial")
        try:
            self._index.parent.mkdir(parents=True, exist_ok=True)
            columns = orjson.dumps({folder: tuple(files) for folder, files in self._seen.items()})
            partial.write_bytes(_checksum(columns) + b"\n" + columns)
            partial.replace(self._index)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def read_files(folder: Path, names: Sequence[str]) -> Iterator[Content]:
    """Read files of one folder, in order."""
    if not names:
        return
    try:
        # To open files from an open folder takes half the time.
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        yield from [_unread(error)] * len(names)
        return
    try:
        for name in names:
            try:
                yield _read(name, descriptor)
            except OSError as error:
                yield _unread(error)
    finally:
        os.close(descriptor)


def _read(name: str, folder: int) -> Content:
    began = time.time_ns()
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        state = _state(os.fstat(file))
        data = part = os.read(file, _READ_AT_ONCE)
        while part and _READ_AT_ONCE <= len(data) <= MOST_BYTES:
            part = os.read(file, MOST_BYTES + 1 - len(data))
            data += part
    finally:
        os.close(file)
    is_young = max(state[0], state[1]) >= began - _YOUNG_NANOSECONDS
    digest = blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
    return Content(_NOT_KEPT if is_young else state, digest, data)


def _unread(error: OSError) -> Content:
    return Content(_NOT_KEPT, _UNREADABLE, b"", error.strerror or str(error))


def _states(folder: Path, names: Sequence[str]) -> list[int]:
    """The states of files, one after another."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return [*_NOT_THERE] * len(names)
    states: list[int] = []
    try:
        for name in names:
            try:
                states += _state(os.stat(name, dir_fd=descriptor))
            except OSError:
                states += _NOT_THERE
    finally:
        os.close(descriptor)
    return states


def _state(found: os.stat_result) -> State:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _digests_of_unchanged(seen: _Folder, known: _Folder) -> list[str]:
    """The digest of each file seen that has the state in which it is known; empty for the others."""

    def with_state(files: _Folder) -> Iterator[tuple[str, tuple[int, ...]]]:
        return zip(files.names, zip(*[iter(files.states)] * _NUMBERS, strict=True), strict=True)

    digests = dict(zip(with_state(known), known.digests, strict=True))
    return [digests.get(file, "") for file in with_state(seen)]


def _load(index: Path) -> dict[str, _Folder]:
    try:
        checksum, _, columns = index.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if checksum != _checksum(columns):
        return {}
    return {folder: _Folder(*files) for folder, files in orjson.loads(columns).items()}


def _checksum(columns: bytes) -> bytes:
    return b"%s, CRC-32 %08x" % (_INDEX_FORM, crc32(columns))

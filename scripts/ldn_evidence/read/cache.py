"""Results of work on files, kept from one run to the next so that unchanged files need no work.

A result is found by what it was made from: the fingerprint of schema and code, the file's name and the digest of its
content. So a result can be missing but never stale, and deleting the cache changes nothing but the time.
One file holds everything; results lie in blocks, those of some consecutive files of a folder, because to look up,
check and copy 20,000 single results takes several times as long:

    magic | block: names, digests, lengths as JSON, newline, results | ... | index as JSON: blocks with checksums |
    footer: the index's place, its checksum | magic

Checksums guard blocks and index; what does not agree is worked out anew. The file is written beside the
old one and then takes its place, so that a killed run leaves the old one.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import orjson

_MAGIC: Final = b"ldn-evidence cache 2\n"
_FOOTER: Final = struct.Struct("<QQI")  # the index's offset, its length, its checksum
_KEY_BYTES: Final = 16


class Block(NamedTuple):
    """Where the results of some consecutive files of a folder lie.

    Attributes:
        folder: The folder.
        first: The name of the first file.
        offset: Where the block begins in the cache's file.
        length: How many bytes it has.
        checksum: Of these bytes.
    """

    folder: str
    first: str
    offset: int
    length: int
    checksum: int


class Results(NamedTuple):
    """What a block holds: names of files, digests of their contents, results."""

    names: list[str]
    digests: list[str]
    results: list[bytes]


def fingerprint(paths: Iterable[Path], *texts: str) -> str:
    """A short text that changes with the content of any of the files (of all in a folder) and with the texts.

    For what results depend on besides the record: schemas, the code that reads and checks, versions of
    libraries. Compiled Python is left out.
    """
    digest = blake2b(digest_size=_KEY_BYTES)
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if file.is_file() and "__pycache__" not in file.parts:
                data = file.read_bytes()
                digest.update(f"{file.relative_to(path)}:{len(data)}:".encode())
                digest.update(data)
    return digest.hexdigest()


class ResultCache:
    """Results by content of file.

    Use: ask for the `blocks` of a folder and `get` each; `keep` it where it holds still, otherwise `put` what is
    right now; `save` at the end. What was neither kept nor put is dropped by `save`. A cache that cannot be read is
    empty, one that cannot be written is not kept; neither is an error.

    Args:
        path: The cache's file; its folder is made when needed.
        fingerprint: What all results depend on besides the files, see `fingerprint`.

    Attributes:
        hits: How many results were taken from it.
        misses: How many were not there.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.hits = 0
        self.misses = 0
        self._path = path
        self._fingerprint = fingerprint
        self._old: int | None = None
        self._blocks: list[Block] = []
        self._kept: list[Block] = []
        self._new: BinaryIO | None = None
        self._new_blocks: list[Block] = []
        self._writable = True
        self._load()

    def blocks(self, folder: str) -> list[Block]:
        """The blocks of a folder, by the names of their first files."""
        return sorted(block for block in self._blocks if block.folder == folder)

    def get(self, block: Block) -> Results | None:
        """What a block holds, or None when it cannot be trusted."""
        data = self._read(block.offset, block.length)
        if zlib.crc32(data) != block.checksum:
            return None
        head = data.index(b"\n")
        names, digests, lengths = orjson.loads(data[:head])
        places = pairwise(accumulate(lengths, initial=head + 1))
        return Results(names, digests, [data[start:end] for start, end in places])

    def keep(self, block: Block) -> None:
        """Keep a block that holds still for the next run."""
        self._kept.append(block)

    def put(self, folder: str, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep the results of some consecutive files of a folder for the next run.

        Args:
            folder: The folder.
            rows: For each file its name, the digest of its content, and the result.
        """
        columns = [*zip(*rows, strict=True)]
        if not columns:
            return
        names, digests, results = columns
        head = orjson.dumps([names, digests, [len(result) for result in results]])
        data = b"".join([head, b"\n", *results])
        self._write(folder, names[0], data, zlib.crc32(data))

    def save(self) -> None:
        """Make what was kept and put the content of the cache; free all resources."""
        try:
            if self._new_blocks or len(self._kept) != len(self._blocks):
                self._replace()
        finally:
            self.close()

    def close(self) -> None:
        """Free all resources; what was not saved is lost."""
        if self._new is not None:
            self._new.close()
            self._new = None
            self._partial.unlink(missing_ok=True)
        if self._old is not None:
            os.close(self._old)
            self._old = None

    @property
    def _partial(self) -> Path:
        return self._path.with_name(self._path.name + ".partial")

    def _load(self) -> None:
        try:
            self._old = os.open(self._path, os.O_RDONLY)
            length = _FOOTER.size + len(_MAGIC)
            tail = os.pread(self._old, length, os.fstat(self._old).st_size - length)
            offset, length, checksum = _FOOTER.unpack(tail[: _FOOTER.size])
            index = self._read(offset, length)
            if tail[_FOOTER.size :] == _MAGIC and zlib.crc32(index) == checksum:
                made_with, rows = orjson.loads(index)
                if made_with == self._fingerprint:
                    self._blocks = [Block(*row) for row in rows]
        except (OSError, struct.error):
            self._blocks = []

    def _read(self, offset: int, length: int) -> bytes:
        """A part of the old file; what cannot be read is missing, which the checksum tells."""
        assert self._old is not None
        try:
            # A damaged footer may ask for more than there is memory.
            return os.pread(self._old, min(length, os.fstat(self._old).st_size), offset)
        except (OSError, OverflowError):
            return b""

    def _write(self, folder: str, first: str, data: bytes, checksum: int) -> None:
        if not self._writable:
            return
        try:
            if self._new is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._partial.unlink(missing_ok=True)
                self._new = self._partial.open("xb")
                self._new.write(_MAGIC)
            self._new_blocks.append(Block(folder, first, self._new.tell(), len(data), checksum))
            self._new.write(data)
        except OSError:
            self._writable = False

    def _replace(self) -> None:
        for block in self._kept:
            data = self._read(block.offset, block.length)
            self._write(block.folder, block.first, data, block.checksum)
        if self._new is None or not self._writable:
            return
        index = orjson.dumps([self._fingerprint, [tuple(block) for block in self._new_blocks]])
        try:
            offset = self._new.tell()
            self._new.write(index)
            self._new.write(_FOOTER.pack(offset, len(index), zlib.crc32(index)) + _MAGIC)
            self._new.close()
            self._partial.replace(self._path)
            self._new = None
        except OSError:
            return

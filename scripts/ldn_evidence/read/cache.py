"""Results of work on files, kept from one run to the next so that unchanged files need no work.

A result is found by what it was made from: the fingerprint of schema and code, the file's name and its
content. So a result can be missing but never stale, and deleting the cache changes nothing but the time.
One file holds everything:

    magic | results, one after another | index: (key, offset, length, checksum) each | footer | magic

Checksums guard results and index; what does not agree is worked out anew. The file is written beside the
old one and then takes its place, so that a killed run leaves the old one. To look up 20,000 results of 2
kB takes half the time that it takes in SQLite.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

_MAGIC: Final = b"ldn-evidence cache 1\n"
_ENTRY: Final = struct.Struct("<16sQII")  # key, offset, length, checksum of the result
_FOOTER: Final = struct.Struct("<QQI")  # the index's offset, number of entries, checksum of the index
_KEY_BYTES: Final = 16


class _Entry(NamedTuple):
    offset: int
    length: int
    checksum: int


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

    Use: ask `get(key(file, digest))` for each file; `put` what was missing; `save` at the end. Entries that
    were not asked for in between are dropped by `save`. A cache that cannot be read is empty, one that
    cannot be written is not kept; neither is an error.

    Args:
        path: The cache's file; its folder is made when needed.
        fingerprint: What all results depend on besides the files, see `fingerprint`.

    Attributes:
        hits: How many results were found.
        misses: How many were not.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.hits = 0
        self.misses = 0
        self._path = path
        self._base = blake2b(fingerprint.encode(), digest_size=_KEY_BYTES)
        self._old: int | None = None
        self._entries: dict[bytes, _Entry] = {}
        self._used: dict[bytes, _Entry] = {}
        self._new: BinaryIO | None = None
        self._new_entries: dict[bytes, _Entry] = {}
        self._writable = True
        self._load()

    def key(self, file: str, content: str) -> bytes:
        """The key of the result for a file of this name and this digest of its content."""
        digest = self._base.copy()
        digest.update(f"{len(file)}:{file}:{content}".encode())
        return digest.digest()

    def get(self, key: bytes) -> bytes | None:
        """The result, or None when there is none that can be trusted."""
        entry = self._entries.get(key)
        if entry is not None:
            result = self._read(entry)
            if result is not None and zlib.crc32(result) == entry.checksum:
                self._used[key] = entry
                self.hits += 1
                return result
        self.misses += 1
        return None

    def put(self, key: bytes, result: bytes) -> None:
        """Keep a result for the next run."""
        self._write(key, result, zlib.crc32(result))

    def save(self) -> None:
        """Make what was asked for since the beginning the content of the cache; free all resources."""
        try:
            if self._new_entries or len(self._used) != len(self._entries):
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
            size = os.fstat(self._old).st_size
            tail = os.pread(self._old, _FOOTER.size + len(_MAGIC), size - _FOOTER.size - len(_MAGIC))
            offset, count, checksum = _FOOTER.unpack(tail[: _FOOTER.size])
            expected = offset + count * _ENTRY.size + len(tail)
            if tail[_FOOTER.size :] != _MAGIC or expected != size:
                return
            index = self._read(_Entry(offset, count * _ENTRY.size, checksum))
            if index is not None and zlib.crc32(index) == checksum:
                self._entries = {key: _Entry(*place) for key, *place in _ENTRY.iter_unpack(index)}
        except (OSError, struct.error):
            self._entries = {}

    def _read(self, entry: _Entry) -> bytes | None:
        assert self._old is not None
        try:
            return os.pread(self._old, entry.length, entry.offset)
        except OSError:
            return None

    def _write(self, key: bytes, result: bytes, checksum: int) -> None:
        if not self._writable:
            return
        try:
            if self._new is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._partial.unlink(missing_ok=True)
                self._new = self._partial.open("xb")
                self._new.write(_MAGIC)
            self._new_entries[key] = _Entry(self._new.tell(), len(result), checksum)
            self._new.write(result)
        except OSError:
            self._writable = False

    def _replace(self) -> None:
        for key, entry in self._used.items():
            result = self._read(entry)
            if result is not None:
                self._write(key, result, entry.checksum)
        if self._new is None or not self._writable:
            return
        index = b"".join(_ENTRY.pack(key, *entry) for key, entry in self._new_entries.items())
        try:
            offset = self._new.tell()
            self._new.write(index)
            self._new.write(_FOOTER.pack(offset, len(self._new_entries), zlib.crc32(index)) + _MAGIC)
            self._new.close()
            self._partial.replace(self._path)
            self._new = None
        except OSError:
            return

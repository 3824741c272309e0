"""A catalogue's files: which there are, and work on all of them, in parallel and only where they changed."""

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias

from ldn_evidence.problems import Problem, did_you_mean, show
from ldn_evidence.processes import cores, start_pool
from ldn_evidence.project import Project
from ldn_evidence.read.cache import ResultCache
from ldn_evidence.read.strictness import MOST_BYTES

Worker: TypeAlias = Callable[[str, str, str, bytes], bytes]
"""Work on one file: (path relative to the project, kind, id, content) to a result.

It goes to other processes, so it is a function of a module's top level or a `functools.partial` of one.
"""

FILES_IN_ONE_PROCESS: Final = 200
"""So many changed files are worked on before other processes are started, which takes about as long."""

_BATCH: Final = 50
_BATCHES_AHEAD: Final = 4
_READ_AT_ONCE: Final = 65536
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOT_RECORDS = {"LICENSE", "README.md"}


class RecordFile(NamedTuple):
    """A record's file: its path relative to the project, with forward slashes, and what the path says."""

    path: str
    kind: str
    id: str


class Discovery(NamedTuple):
    """What the folder `data/` holds."""

    files: list[RecordFile]
    """All records' files, by kind and id."""
    retired: str | None
    """The path of the list of retired ids, if there is one."""
    problems: list[Problem]
    """Files and folders that are no records' and should not be there."""


def discover(project: Project, kinds: Collection[str]) -> Discovery:
    """Find every record's file, `data/<kind>/<id>.yml`, in a fixed order.

    Hidden files and editors' backups are passed over; anything else that is not a record is a problem,
    because a record that is overlooked would be missing without a word.

    Args:
        project: The catalogue.
        kinds: The kinds of records there are.
    """
    files: list[RecordFile] = []
    problems: list[Problem] = []
    retired = None
    for folder in _visible(project.data):
        path = f"data/{folder.name}"
        if folder.name == "retired.yml" and folder.is_file():
            retired = path
        elif folder.name in _NOT_RECORDS:
            continue
        elif not folder.is_dir():
            message = "found a file that is no record; a record is data/<kind>/<id>.yml"
            problems.append(Problem(path, 0, 0, "", message, "record-folder"))
        elif folder.name not in kinds:
            message = f"found the folder {show(folder.name)}; must be one of {', '.join(sorted(kinds))}"
            message += did_you_mean(folder.name, kinds)
            problems.append(Problem(path, 0, 0, "", message, "record-folder"))
        else:
            for entry in _visible(folder.path):
                record = _record_file(entry, folder.name)
                if isinstance(record, Problem):
                    problems.append(record)
                elif record is not None:
                    files.append(record)
    return Discovery(files, retired, problems)


def process_files(
    project: Project,
    files: Sequence[RecordFile],
    worker: Worker,
    *,
    cache: ResultCache | None = None,
    processes: int | None = None,
) -> Iterator[bytes | Problem]:
    """The worker's result for each file, in the order of the files; a Problem for a file that cannot be read.

    Every file is read; the worker is called only for those whose result the cache does not have. A worker
    gets at most one byte more than a record may have. Few results are held at a time, however many files
    there are. The cache is saved with the last result; when the caller stops earlier, it stays as it
    was.

    Args:
        project: The catalogue.
        files: What to work on, best in the order in which `discover` gives it.
        worker: The work; its result must depend on nothing but its arguments and the cache's fingerprint.
        cache: Results of earlier runs; without it, all work is done.
        processes: How many processes may work; by default one for each core.

    Raises:
        Exception: whatever the worker raises.
    """
    run = _Run(project.root, worker, cache, processes or cores())
    try:
        for number, result in enumerate(run.results(files), start=1):
            if cache is not None and number == len(files):
                # Now, because a caller such as zip() may not come back after the last result.
                cache.save()
            yield result
    finally:
        run.close()
        if cache is not None:
            cache.close()


class _Batch:
    """Some consecutive files: results that are there, and where those go that are still being worked on."""

    def __init__(self) -> None:
        self.results: list[bytes | Problem] = []
        self.tasks: list[tuple[str, str, str, bytes]] = []
        self.places: list[int] = []
        self.keys: list[bytes] = []
        self.future: Future[list[bytes]] | None = None


class _Run:
    """One pass over the files."""

    def __init__(self, root: Path, worker: Worker, cache: ResultCache | None, processes: int) -> None:
        self._root = root
        self._worker = worker
        self._cache = cache
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._worked_on = 0

    def results(self, files: Sequence[RecordFile]) -> Iterator[bytes | Problem]:
        """The results in order; a few batches are read ahead, so that no process waits for work."""
        ahead: deque[_Batch] = deque()
        with _Reader(self._root) as reader:
            for start in range(0, len(files), _BATCH):
                ahead.append(self._begin(files[start : start + _BATCH], reader))
                while ahead and (ahead[0].future is None or len(ahead) > self._processes * _BATCHES_AHEAD):
                    yield from self._finish(ahead.popleft())
        while ahead:
            yield from self._finish(ahead.popleft())

    def close(self) -> None:
        """End the other processes, without waiting for work that nobody will ask for."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin(self, files: Sequence[RecordFile], reader: "_Reader") -> _Batch:
        """Read the files; take results from the cache and give the rest to a process that has time."""
        batch = _Batch()
        for file in files:
            try:
                data = reader.read(file.path)
            except OSError as error:
                message = f"found a file that cannot be read: {error.strerror}"
                batch.results.append(Problem(file.path, 0, 0, "", message, "unreadable-file"))
                continue
            result = None
            if self._cache is not None:
                key = self._cache.key(file.path, data)
                result = self._cache.get(key)
                if result is None:
                    batch.keys.append(key)
            if result is None:
                batch.places.append(len(batch.results))
                batch.tasks.append((file.path, file.kind, file.id, data))
            batch.results.append(result or b"")
        if batch.tasks:
            self._worked_on += len(batch.tasks)
            if self._processes > 1 and self._worked_on > FILES_IN_ONE_PROCESS:
                self._pool = self._pool or start_pool(self._processes)
                batch.future = self._pool.submit(_work, self._worker, batch.tasks)
        return batch

    def _finish(self, batch: _Batch) -> Iterator[bytes | Problem]:
        if batch.tasks:
            done = batch.future.result() if batch.future is not None else _work(self._worker, batch.tasks)
            for place, result in zip(batch.places, done, strict=True):
                batch.results[place] = result
            if self._cache is not None:
                for key, result in zip(batch.keys, done, strict=True):
                    self._cache.put(key, result)
        yield from batch.results


class _Reader:
    """Reads files; the folder of the last one stays open, which makes the next open twice as fast."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = ""
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave_folder()

    def read(self, path: str) -> bytes:
        """The file's content, cut after one byte more than a record may have.

        Raises:
            OSError: the file cannot be read.
        """
        folder, _, name = path.rpartition("/")
        if folder != self._folder or self._descriptor is None:
            self._leave_folder()
            self._descriptor = os.open(self._root / folder, os.O_RDONLY)
            self._folder = folder
        file = os.open(name, os.O_RDONLY, dir_fd=self._descriptor)
        try:
            data = part = os.read(file, _READ_AT_ONCE)
            while part and _READ_AT_ONCE <= len(data) <= MOST_BYTES:
                part = os.read(file, MOST_BYTES + 1 - len(data))
                data += part
            return data
        finally:
            os.close(file)

    def _leave_folder(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _visible(folder: Path | str) -> list[os.DirEntry[str]]:
    """What a folder holds, by name, without hidden files and editors' backups."""
    with os.scandir(folder) as entries:
        kept = [entry for entry in entries if not entry.name.startswith(".") and not entry.name.endswith("~")]
    return sorted(kept, key=lambda entry: entry.name)


def _record_file(entry: os.DirEntry[str], kind: str) -> RecordFile | Problem | None:
    path = f"data/{kind}/{entry.name}"
    stem, dot, extension = entry.name.rpartition(".")
    if entry.name in _NOT_RECORDS:
        return None
    if not entry.is_file():
        message = "found a folder or special file; a record is a file data/<kind>/<id>.yml"
    elif extension != "yml" or not dot:
        message = f'found {show(entry.name)}; a record\'s file ends in ".yml"'
    elif not _ID.fullmatch(stem):
        message = f"found {show(stem)} as an id; must be small letters a to z, digits and single hyphens"
    else:
        return RecordFile(path, kind, stem)
    return Problem(path, 0, 0, "", message, "file-name")


def _work(worker: Worker, tasks: list[tuple[str, str, str, bytes]]) -> list[bytes]:
    return [worker(*task) for task in tasks]

"""A catalogue's files: which there are, and work on all of them, in parallel and only where they changed."""

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from ldn_evidence.problems import Problem, did_you_mean, show
from ldn_evidence.processes import cores, start_pool
from ldn_evidence.project import Project
from ldn_evidence.read.cache import ResultCache
from ldn_evidence.read.contents import UNREADABLE, Contents, Look

Worker: TypeAlias = Callable[[str, str, str, bytes], bytes]
"""Work on one file: (path relative to the project, kind, id, content) to a result.

It goes to other processes, so it is a function of a module's top level or a `functools.partial` of one.
"""

FILES_IN_ONE_PROCESS: Final = 200
"""So many changed files are worked on before other processes are started, which takes about as long."""

_BATCH: Final = 50
_BATCHES_AHEAD: Final = 4
_EXTENSION: Final = ".yml"
_RECORD_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*" + re.escape(_EXTENSION))
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
            names, others = _records_and_others(folder.path)
            files += [RecordFile(f"{path}/{name}", folder.name, name[: -len(_EXTENSION)]) for name in names]
            problems += [problem for entry in others if (problem := _no_record(entry, path)) is not None]
    return Discovery(files, retired, problems)


def process_files(
    project: Project,
    files: Sequence[RecordFile],
    worker: Worker,
    *,
    cache: ResultCache | None = None,
    contents: Contents | None = None,
    processes: int | None = None,
) -> Iterator[bytes | Problem]:
    """The worker's result for each file, in the order of the files; a Problem for a file that cannot be read.

    The worker is called only for those files whose result the cache does not have. It gets at most one byte more than
    a record may have. Few results are held at a time, however many files there are. The cache is saved with the last
    result; when the caller stops earlier, it stays as it was.

    Args:
        project: The catalogue.
        files: What to work on, best in the order in which `discover` gives it.
        worker: The work; its result must depend on nothing but its arguments and the cache's fingerprint.
        cache: Results of earlier runs; without it, all work is done.
        contents: What is known of the files; each is added to it. Without it, every file is read.
        processes: How many processes may work; by default one for each core.

    Raises:
        Exception: whatever the worker raises.
    """
    run = _Run(contents or Contents(project.root), worker, cache, processes or cores())
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

    def __init__(self, contents: Contents, worker: Worker, cache: ResultCache | None, processes: int) -> None:
        self._contents = contents
        self._worker = worker
        self._cache = cache
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._worked_on = 0

    def results(self, files: Sequence[RecordFile]) -> Iterator[bytes | Problem]:
        """The results in order; a few batches are read ahead, so that no process waits for work."""
        ahead: deque[_Batch] = deque()
        with self._contents:
            for start in range(0, len(files), _BATCH):
                ahead.append(self._begin(files[start : start + _BATCH]))
                while ahead and (ahead[0].future is None or len(ahead) > self._processes * _BATCHES_AHEAD):
                    yield from self._finish(ahead.popleft())
        while ahead:
            yield from self._finish(ahead.popleft())

    def close(self) -> None:
        """End the other processes, without waiting for work that nobody will ask for."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin(self, files: Sequence[RecordFile]) -> _Batch:
        """Look at the files; take results from the cache and give the rest to a process that has time."""
        batch = _Batch()
        for file in files:
            try:
                look = self._contents.look(file.path)
                result, key = self._known(file, look)
                if result is None and look.data is None:
                    look = self._contents.read(file.path)
                    result, key = self._known(file, look)
            except OSError as error:
                message = f"found a file that cannot be read: {error.strerror}"
                batch.results.append(Problem(file.path, 0, 0, "", message, "unreadable-file"))
                self._contents.add(file.path, UNREADABLE)
                continue
            self._contents.add(file.path, look.digest)
            if result is None and look.data is not None:
                batch.keys.append(key)
                batch.places.append(len(batch.results))
                batch.tasks.append((file.path, file.kind, file.id, look.data))
            batch.results.append(result or b"")
        if batch.tasks:
            self._worked_on += len(batch.tasks)
            if self._processes > 1 and self._worked_on > FILES_IN_ONE_PROCESS:
                self._pool = self._pool or start_pool(self._processes)
                batch.future = self._pool.submit(_work, self._worker, batch.tasks)
        return batch

    def _known(self, file: RecordFile, look: Look) -> tuple[bytes | None, bytes]:
        """The result that the cache has, and its key there."""
        if self._cache is None:
            return None, b""
        key = self._cache.key(file.path, look.digest)
        return self._cache.get(key), key

    def _finish(self, batch: _Batch) -> Iterator[bytes | Problem]:
        if batch.tasks:
            done = batch.future.result() if batch.future is not None else _work(self._worker, batch.tasks)
            for place, result in zip(batch.places, done, strict=True):
                batch.results[place] = result
            if self._cache is not None:
                for key, result in zip(batch.keys, done, strict=True):
                    self._cache.put(key, result)
        yield from batch.results


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds, by name, without hidden files and editors' backups."""
    with os.scandir(folder) as entries:
        kept = [entry for entry in entries if not _is_passed_over(entry.name)]
    return sorted(kept, key=lambda entry: entry.name)


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.endswith("~")


def _records_and_others(folder: str) -> tuple[list[str], list[os.DirEntry[str]]]:
    """The names of the records' files, sorted, and what else lies in the folder: of many files nearly all are records."""
    names: list[str] = []
    others: list[os.DirEntry[str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if _RECORD_NAME.fullmatch(name) and entry.is_file():
                names.append(name)
            else:
                others.append(entry)
    names.sort()
    others.sort(key=lambda entry: entry.name)
    return names, others


def _no_record(entry: os.DirEntry[str], folder: str) -> Problem | None:
    """Why something is no record's file; None for what is passed over."""
    if entry.name in _NOT_RECORDS or _is_passed_over(entry.name):
        return None
    stem, dot, extension = entry.name.rpartition(".")
    if not entry.is_file():
        message = "found a folder or special file; a record is a file data/<kind>/<id>.yml"
    elif not dot or f".{extension}" != _EXTENSION:
        message = f'found {show(entry.name)}; a record\'s file ends in "{_EXTENSION}"'
    else:
        message = f"found {show(stem)} as an id; must be small letters a to z, digits and single hyphens"
    return Problem(f"{folder}/{entry.name}", 0, 0, "", message, "file-name")


def _work(worker: Worker, tasks: list[tuple[str, str, str, bytes]]) -> list[bytes]:
    return [worker(*task) for task in tasks]

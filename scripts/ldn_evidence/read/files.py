"""A catalogue's files: which there are, and work on all of them, in parallel and only where they changed."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ldn_evidence.problems import Problem, did_you_mean, show
from ldn_evidence.read.contents import Contents, State, read_files

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

    from ldn_evidence.project import Project
    from ldn_evidence.read.cache import Block, ResultCache, Results

Worker: TypeAlias = Callable[[str, str, str, bytes], bytes]
"""Work on one file: (path relative to the project, kind, id, content) to a result.

It goes to other processes, so it is a function of a module's top level or a `functools.partial` of one.
"""

FILES_IN_ONE_PROCESS: Final = 200
"""So many changed files are worked on before other processes are started, which takes about as long."""

_BATCH: Final = 100
# For each process: they last while what computes is loaded here.
_BATCHES_AHEAD: Final = 48
_EXTENSION: Final = ".yml"
_RECORD_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*" + re.escape(_EXTENSION))
_NOT_RECORDS = {"LICENSE", "README.md"}


class RecordFile(NamedTuple):
    """A record's file: its path relative to the project, with forward slashes, and what the path says."""

    path: str
    kind: str
    id: str


class RecordFolder(NamedTuple):
    """The files of the records of one kind."""

    path: str
    """Relative to the project, with forward slashes."""
    kind: str
    names: list[str]
    """Names of the files, sorted."""

    def file(self, name: str) -> RecordFile:
        """The file of this name."""
        return RecordFile(f"{self.path}/{name}", self.kind, name[: -len(_EXTENSION)])


class Discovery(NamedTuple):
    """What the folder `data/` holds."""

    folders: list[RecordFolder]
    """All records' files, by kind and id."""
    retired: str | None
    """The path of the list of retired ids, if there is one."""
    problems: list[Problem]
    """Files and folders that are no records' and should not be there."""

    @property
    def files(self) -> list[RecordFile]:
        """All records' files, by kind and id."""
        return [folder.file(name) for folder in self.folders for name in folder.names]

    def misplaced(self, root: Path) -> Iterator[Path]:
        """Files that may be records under a wrong name or in a wrong place."""
        for problem in self.problems:
            path = root / problem.file
            yield from (file for file in (*path.rglob("*.y*ml"), path) if file.is_file())


class FolderResults(NamedTuple):
    """Results for some consecutive files of a folder."""

    folder: RecordFolder
    names: list[str]
    results: list[bytes | Problem]
    """For each file; a Problem for one that cannot be read."""


def discover(project: Project, kinds: Collection[str]) -> Discovery:
    """Find every record's file, `data/<kind>/<id>.yml`, in a fixed order.

    Hidden files and editors' backups are passed over; anything else that is not a record is a problem,
    because a record that is overlooked would be missing without a word.

    Args:
        project: The catalogue.
        kinds: The kinds of records there are.
    """
    folders: list[RecordFolder] = []
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
            folders.append(RecordFolder(path, folder.name, names))
            problems += [problem for entry in others if (problem := _no_record(entry, path)) is not None]
    return Discovery(folders, retired, problems)


def process_files(
    project: Project,
    folders: Sequence[RecordFolder],
    worker: Worker,
    *,
    cache: ResultCache | None = None,
    contents: Contents | None = None,
    processes: int | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[FolderResults]:
    """The worker's result for each file, in the order of the files.

    The worker is called only for those files whose result the cache does not have. It gets at most one byte more than
    a record may have. Few results are held at a time, however many files there are. The cache is saved with the last
    results; when the caller stops earlier, it stays as it was.

    Args:
        project: The catalogue.
        folders: What to work on, best in the order in which `discover` gives it.
        worker: The work; its result must depend on nothing but its arguments and the cache's fingerprint.
        cache: Results of earlier runs; without it, all work is done.
        contents: What is known of the files; what is seen of each is told to it. Without it, every file is read.
        processes: How many processes may work; by default one for each core.
        meanwhile: Called once in this process while others are at work, if others are.

    Raises:
        Exception: whatever the worker raises.
    """
    from ldn_evidence.processes import cores

    contents = contents or Contents(project.root)
    run = _Run(project.root, contents, worker, cache, processes or cores(), meanwhile)
    try:
        yield from run.results(folders)
        if cache is not None:
            cache.save()
    finally:
        run.close()
        if cache is not None:
            cache.close()


class _Done(NamedTuple):
    """Of each file that was worked on: its state, digest and result; None for the result that was expected."""

    states: list[State]
    digests: list[str]
    results: list[bytes | Problem | None]


@dataclass(eq=False, slots=True)
class _Batch:
    """Some consecutive files of a folder, on their way.

    Attributes:
        folder: The folder.
        start: The place of the first file in it.
        names: The files.
        digests: Of their contents, as far as they are known.
        results: Those that are known, in their places.
        block: What the cache has of these files lies here.
        kept: What that is.
        places: Of the files that must be worked on.
        work: That work.
        future: The work when another process does it.
    """

    folder: RecordFolder
    start: int
    names: list[str]
    digests: list[str]
    results: list[bytes | Problem]
    block: Block | None
    kept: Results | None
    places: list[int]
    work: Callable[[], _Done]
    future: Future[_Done] | None = None


class _Run:
    """One pass over the files."""

    def __init__(
        self,
        root: Path,
        contents: Contents,
        worker: Worker,
        cache: ResultCache | None,
        processes: int,
        meanwhile: Callable[[], object] | None,
    ) -> None:
        self._root = root
        self._contents = contents
        self._worker = worker
        self._cache = cache
        self._processes = processes
        self._meanwhile = meanwhile
        self._pool: ProcessPoolExecutor | None = None
        self._worked_on = 0

    def results(self, folders: Sequence[RecordFolder]) -> Iterator[FolderResults]:
        """The results in order; a few batches are begun ahead, so that no process waits for work."""
        ahead: deque[_Batch] = deque()
        for batch in self._begun(folders):
            ahead.append(batch)
            while ahead and (ahead[0].future is None or len(ahead) > self._processes * _BATCHES_AHEAD):
                yield self._finish(ahead.popleft())
        while ahead:
            yield self._finish(ahead.popleft())

    def close(self) -> None:
        """End the other processes, without waiting for work that nobody will ask for."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begun(self, folders: Sequence[RecordFolder]) -> Iterator[_Batch]:
        """Look at the files; take results from the cache and give the rest to a process that has time."""
        for folder in folders:
            digests = self._contents.look(folder.path, folder.names)
            blocks = [] if self._cache is None else self._cache.blocks(folder.path)
            for start, end, block in _pieces(folder.names, blocks):
                batch = self._batch(folder, start, folder.names[start:end], digests[start:end], block)
                self._worked_on += len(batch.places)
                if batch.places and self._processes > 1 and self._worked_on > FILES_IN_ONE_PROCESS:
                    batch.future = self._other_processes().submit(batch.work)
                yield batch

    def _batch(
        self, folder: RecordFolder, start: int, names: list[str], digests: list[str], block: Block | None
    ) -> _Batch:
        kept = self._cache.get(block) if self._cache is not None and block is not None else None
        results: list[bytes | Problem] = [b""] * len(names)
        expected = [""] * len(names)
        if kept is not None and kept.names == names:
            results[:], expected = kept.results, kept.digests
        elif kept is not None:
            known = dict(zip(kept.names, zip(kept.digests, kept.results, strict=True), strict=True))
            for place, name in enumerate(names):
                expected[place], results[place] = known.get(name, ("", b""))
        places = [place for place, digest in enumerate(digests) if not digest or digest != expected[place]]
        part = folder._replace(names=[names[place] for place in places])
        work = partial(_work, self._worker, self._root, part, [expected[place] for place in places])
        return _Batch(folder, start, names, digests, results, block, kept, places, work)

    def _other_processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            from ldn_evidence.processes import start_pool

            self._pool = start_pool(self._processes)
        return self._pool

    def _finish(self, batch: _Batch) -> FolderResults:
        """Put everything in its place when the work is done."""
        worked_on = 0
        if batch.places:
            done = batch.work() if batch.future is None else self._wait_for(batch.future)
            for place, state, digest, result in zip(batch.places, *done, strict=True):
                self._contents.found(batch.folder.path, batch.start + place, state, digest)
                batch.digests[place] = digest
                if result is not None:
                    batch.results[place] = result
                    worked_on += 1
        if self._cache is not None:
            self._cache.misses += worked_on
            self._cache.hits += len(batch.names) - worked_on
            self._keep(self._cache, batch)
        return FolderResults(batch.folder, batch.names, batch.results)

    def _wait_for(self, future: Future[_Done]) -> _Done:
        """What another process makes; before the first time, all of them have something to do."""
        if self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None
        return future.result()

    def _keep(self, cache: ResultCache, batch: _Batch) -> None:
        kept = batch.kept
        if batch.block and kept and (kept.names, kept.digests) == (batch.names, batch.digests):
            cache.keep(batch.block)
            return
        rows = zip(batch.names, batch.digests, batch.results, strict=True)
        cache.put(
            batch.folder.path,
            [(name, digest, result) for name, digest, result in rows if isinstance(result, bytes)],
        )


def _pieces(names: list[str], blocks: list[Block]) -> Iterator[tuple[int, int, Block | None]]:
    """Where a folder's files are divided: where the cache's blocks are, and so that no piece is long or very short."""
    cuts = [0, *(bisect_left(names, block.first) for block in blocks[1:]), len(names)]
    owners: Sequence[Block | None] = blocks or [None]
    for block, (start, end) in zip(owners, pairwise(cuts), strict=True):
        count = max(1, round((end - start) / _BATCH))
        for first, last in pairwise(start + (end - start) * number // count for number in range(count + 1)):
            if first < last:
                yield first, last, block


def _work(worker: Worker, root: Path, folder: RecordFolder, expected: list[str]) -> _Done:
    """Work on files whose content is another than expected.

    They are read here, so that what they hold need not travel between processes.
    """
    done = _Done([], [], [])
    contents = read_files(root / folder.path, folder.names)
    for name, digest, content in zip(folder.names, expected, contents, strict=True):
        path, kind, identifier = folder.file(name)
        result: bytes | Problem | None = None
        if content.error:
            message = f"found a file that cannot be read: {content.error}"
            result = Problem(path, 0, 0, "", message, "unreadable-file")
        elif content.digest != digest:
            result = worker(path, kind, identifier, content.data)
        done.states.append(content.state)
        done.digests.append(content.digest)
        done.results.append(result)
    return done


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
            # A link may lead out of the catalogue.
            if _RECORD_NAME.fullmatch(name) and entry.is_file(follow_symlinks=False):
                names.append(name)
            else:
                others.append(entry)
    names.sort()
    others.sort(key=lambda entry: entry.name)
    return names, others


def as_id(words: str) -> str:
    """The id that a file's name without its ending was probably meant to be."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _no_record(entry: os.DirEntry[str], folder: str) -> Problem | None:
    """Why something is no record's file; None for what is passed over."""
    if entry.name in _NOT_RECORDS or _is_passed_over(entry.name):
        return None
    stem, dot, extension = entry.name.rpartition(".")
    if not entry.is_file(follow_symlinks=False):
        message = "found a folder, link or special file; a record is a file data/<kind>/<id>.yml"
    elif not dot or f".{extension}" != _EXTENSION:
        message = f'found {show(entry.name)}; a record\'s file ends in "{_EXTENSION}"'
    else:
        message = f"found {show(stem)} as an id; must be small letters a to z, digits and single hyphens"
        message += f"; did you mean {show(as_id(stem))}?" if as_id(stem) else ""
    return Problem(f"{folder}/{entry.name}", 0, 0, "", message, "file-name")

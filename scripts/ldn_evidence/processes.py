"""Work in pieces: in this process while there is little of it, on all cores when there is much."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Tool = TypeVar("Tool")
Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough that no process waits for work, and few enough that finished work does not pile up.
_TASKS_AHEAD = 3


def cores() -> int:
    """The cores that this process may use, which in a container are fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether other processes are forked: then they inherit what is imported and made already.

    That is safe only while there is no other thread.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def start_pool(
    processes: int, initializer: Callable[..., object] | None = None, *arguments: object
) -> ProcessPoolExecutor:
    """Processes that leave interrupts to this one; each first calls the initializer, if there is one."""
    context = multiprocessing.get_context("fork" if can_fork() else "spawn")
    return ProcessPoolExecutor(
        processes, mp_context=context, initializer=partial(_begin, initializer, *arguments)
    )


def _begin(initializer: Callable[..., object] | None = None, *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # What was inherited is never garbage; to look at it again and again would also copy its memory.
    gc.freeze()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    """End this process when the one that began it is gone, killed perhaps, and will ask for no more work."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def begun(results: Iterable[Result]) -> Iterator[Result]:
    """The same results, of which the first is there already: other processes are at work on the next ones."""
    rest = iter(results)
    return chain(list(islice(rest, 1)), rest)


class Crew(Generic[Tool]):
    """Several processes, each with a tool of its own, that work on tasks in order.

    Args:
        make_tool: Makes the tool. Like the work it goes to other processes, so it is a function of a module's top
            level or a `functools.partial` of one.
        processes: How many work; with one, this process does.
        tool: One that is made already, if there is one: this process uses it, and those that it forks inherit it.
    """

    def __init__(self, make_tool: Callable[[], Tool], processes: int, tool: Tool | None = None) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        if processes == 1:
            self._tool = make_tool() if tool is None else tool
        elif tool is not None and can_fork():
            self._pool = start_pool(processes, _take_tool, lambda: tool)
        else:
            self._pool = start_pool(processes, _take_tool, make_tool)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(
        self, work: Callable[[Tool, Task], Result], tasks: Iterable[Task], ahead: int = _TASKS_AHEAD
    ) -> Iterator[Result]:
        """The result of each task, in the order of the tasks.

        Args:
            work: Called with the tool and a task.
            tasks: What is to be done.
            ahead: How many tasks for each process are begun before the first result is taken.
        """
        if self._pool is None:
            for task in tasks:
                yield work(self._tool, task)
            return
        begun: deque[Future[Result]] = deque()
        for task in tasks:
            begun.append(self._pool.submit(_with_tool, work, task))
            if len(begun) > self._processes * ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


_tool: Any = None


def _take_tool(make_tool: Callable[[], object]) -> None:
    global _tool
    _tool = make_tool()


def _with_tool(work: Callable[[Any, Task], Result], task: Task) -> Result:
    return work(_tool, task)

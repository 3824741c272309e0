"""Read connections that keep a query to its time and size, wherever SQLite spends it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote

from ldn_evidence.publish.plugin.limits import LARGEST_RESULT, QueryBudget, authorize
from ldn_evidence.publish.plugin.paging import in_order_of_key

# How often a running query's clock is looked at, in seconds.
WATCH_INTERVAL = 0.05

# Datasette's own time limit goes first; this one is for what it does not reach.
GRACE = 0.1


class OutOfMemory(sqlite3.OperationalError):
    """SQLite had no memory left to give, to this query or because of another one."""


class Watchdog:
    """Interrupts queries that have had their time.

    Datasette's limit counts SQLite's instructions and looks at the clock at every thousandth, each of which
    may be a call that takes a millisecond; and it does not count inside a full-text search. An interrupt is
    seen at the next loop of the query, and at the next page that a full-text search reads.
    """

    def __init__(self) -> None:
        self._running: dict[sqlite3.Connection, float] = {}
        self._change = threading.Lock()
        self._is_needed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, connection: sqlite3.Connection, deadline: float) -> None:
        """Interrupt `connection` from `deadline` (monotonic clock) until it is released."""
        with self._change:
            self._running[connection] = deadline
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="query-watchdog", daemon=True)
                self._thread.start()
        self._is_needed.set()

    def release(self, connection: sqlite3.Connection) -> None:
        """The query on `connection` has ended; it is not interrupted after this returns."""
        with self._change:
            self._running.pop(connection, None)

    def _run(self) -> None:
        while True:
            self._is_needed.wait()
            time.sleep(WATCH_INTERVAL)
            with self._change:
                if not self._running:
                    self._is_needed.clear()
                now = time.monotonic()
                for connection, deadline in self._running.items():
                    if now > deadline:
                        connection.interrupt()


_watchdog = Watchdog()


class GuardedCursor(sqlite3.Cursor):
    """A cursor that says why a query was stopped, as an error that Datasette answers with 400."""

    connection: GuardedConnection
    returned_bytes = 0

    def execute(self, sql: str, parameters: Any = (), /) -> GuardedCursor:
        """As `sqlite3.Cursor.execute`."""
        self.returned_bytes = 0
        try:
            super().execute(in_order_of_key(sql, self.connection), parameters)
        except (sqlite3.Error, MemoryError) as error:
            self._fail(error)
        return self

    def fetchone(self) -> Any:
        """As `sqlite3.Cursor.fetchone`."""
        try:
            return super().fetchone()
        except (sqlite3.Error, MemoryError) as error:
            self._fail(error)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """As `sqlite3.Cursor.fetchmany`."""
        try:
            return super().fetchmany(self.arraysize if size is None else size)
        except (sqlite3.Error, MemoryError) as error:
            self._fail(error)

    def fetchall(self) -> list[Any]:
        """As `sqlite3.Cursor.fetchall`."""
        try:
            return super().fetchall()
        except (sqlite3.Error, MemoryError) as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error | MemoryError) -> NoReturn:
        """Give the statement back here and now, and explain.

        The error's traceback holds this cursor in a cycle. Left open, it would be closed by whichever
        thread next collects garbage, which then waits, and with it the whole server, until the query that
        runs on the same connection by then has ended.
        """
        connection = self.connection
        self.close()
        connection.explain(error)


class GuardedConnection(sqlite3.Connection):
    """A read-only connection whose queries have an end.

    Datasette brackets every query with `set_progress_handler(handler, n)` and `set_progress_handler(None,
    n)`; that is where the clock starts and stops.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.budget = QueryBudget()
        self.seconds = 1.0
        self.execute("PRAGMA query_only = 1")

    def cursor(self, factory: object = None) -> GuardedCursor:  # type: ignore[override]
        """A `GuardedCursor`, whatever is asked for."""
        return super().cursor(GuardedCursor)

    def execute(self, sql: str, parameters: Any = (), /) -> GuardedCursor:
        """As `sqlite3.Connection.execute`, with a guarded cursor."""
        return self.cursor().execute(sql, parameters)

    def set_progress_handler(self, progress_handler: Callable[[], int | None] | None, n: int, /) -> None:
        """Start the clock with a handler, stop it with None."""
        if progress_handler is None:
            _watchdog.release(self)
            self.budget.end()
        else:
            _watchdog.watch(self, self.budget.begin(self.seconds))
        super().set_progress_handler(progress_handler, n)

    def set_authorizer(self, authorizer_callback: Callable[..., int] | None) -> None:
        """Let somebody else listen; what is refused stays refused, also after they are gone."""
        if authorizer_callback in (None, authorize):
            super().set_authorizer(authorize)
            return

        def both(*arguments: Any) -> int:
            return authorize(*arguments) or authorizer_callback(*arguments)

        super().set_authorizer(both)

    def measured_row(self, cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
        """A row factory that adds up what a query returns."""
        assert isinstance(cursor, GuardedCursor)
        for value in values:
            if isinstance(value, str | bytes):
                cursor.returned_bytes += len(value)
        if cursor.returned_bytes > LARGEST_RESULT:
            raise sqlite3.OperationalError(
                f"the result is larger than {LARGEST_RESULT // 1_000_000} MB; ask for fewer rows or columns, "
                "or download the whole database"
            )
        return sqlite3.Row(cursor, values)

    def explain(self, error: sqlite3.Error | MemoryError) -> NoReturn:
        """Raise `error` as the kind that Datasette expects of a faulty query, with the reason."""
        if self.budget.is_overdrawn:
            # The very word by which Datasette knows a query that took too long.
            raise sqlite3.OperationalError("interrupted") from error
        if self.budget.refusal is not None:
            reason, self.budget.refusal = self.budget.refusal, None
            raise sqlite3.OperationalError(reason) from error
        if isinstance(error, MemoryError):
            raise OutOfMemory("the query needs more memory than it may use here") from error
        if isinstance(error, sqlite3.OperationalError):
            raise error
        raise sqlite3.OperationalError(str(error)) from error


def connect(path: str | None, *, immutable: bool, seconds: float) -> GuardedConnection:
    """Open a guarded read connection.

    Args:
        path: The database file; None for an empty database in memory.
        immutable: Whether the file is known not to change while it is open.
        seconds: Datasette's time limit for a query.
    """
    mode = "immutable=1" if immutable else "mode=ro"
    location = ":memory:" if path is None else f"file:{quote(path)}?{mode}"
    connection = sqlite3.connect(location, uri=True, check_same_thread=False, factory=GuardedConnection)
    connection.seconds = seconds + GRACE
    return connection

"""A new build counts from the next request on, without a restart.

The file is opened immutable, so SQLite never looks whether another one has its name by now. Here that is
looked at once a request (one `os.stat`). Another file gets a database object of its own, and with it new
connections and none of what Datasette and our pages keep of the old one. A request goes on with the file
with which it began, however many queries it has, so that no page is made of two builds.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections import UserDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pluggy import HookimplMarker

from ldn_evidence.publish.api.serving import Identity, Replaced, identity_of
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

# How often a file is opened anew that is replaced while it is opened.
MOST_ATTEMPTS = 3

# Datasette counts the rows of an immutable database when it starts, with as much time (milliseconds).
_TIME_TO_COUNT = 60 * 60 * 1000

# The database with which the request began that is being answered.
_began_with: ContextVar[Any] = ContextVar("began_with", default=None)


class Snapshot:
    """One file that had the database's name: its connections, and who still reads it.

    All connections are opened together with the first. A request may run its next query in a thread that has
    none yet, when another file has the name already.

    Args:
        path: The database file.
        open_one: Opens a connection.
        connections: How many threads read at once.
    """

    def __init__(self, path: Path, open_one: Callable[[], sqlite3.Connection], connections: int) -> None:
        self.path = path
        self.identity: Identity | None = None
        self.refused: Identity | None = None
        self.is_closed = False
        self._open_one = open_one
        self._size = max(connections, 1)
        self._opened: list[sqlite3.Connection] = []
        self._idle: list[sqlite3.Connection] = []
        self._users = 0
        self._is_retired = False
        self._change = threading.RLock()

    @property
    def successor(self) -> Identity | None:
        """The file that has the name now, if it is another one; a file that is away for a moment is none."""
        if self.identity is None:
            return None
        try:
            found = identity_of(self.path)
        except OSError:
            return None
        return None if found in (self.identity, self.refused) else found

    def open(self) -> None:
        """Open all connections to one and the same file, and see that it is a database.

        Raises:
            OSError, sqlite3.Error: it cannot be read.
            Replaced: it was replaced again and again meanwhile.
        """
        with self._change:
            for _ in range(MOST_ATTEMPTS):
                identity = identity_of(self.path)
                try:
                    while len(self._opened) < self._size:
                        self._opened.append(self._open_one())
                    self._opened[0].execute("SELECT count(*) FROM sqlite_master").fetchone()
                    if identity_of(self.path) == identity:
                        self.identity, self._idle = identity, list(self._opened)
                        return
                finally:
                    if self.identity is None:
                        self._close_connections()
            raise Replaced

    def connect(self) -> sqlite3.Connection:
        """A connection that nobody else has."""
        with self._change:
            if self.is_closed:
                raise sqlite3.OperationalError("the database was replaced")
            if self.identity is None:
                self.open()
            if not self._idle:
                connection = self._open_one()
                self._opened.append(connection)
                if identity_of(self.path) != self.identity:
                    raise sqlite3.OperationalError("the database was replaced")
                return connection
            return self._idle.pop()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the connections open meanwhile.

        Requests say so, and so does each query in its thread: it goes on for a while when its request was
        given up.
        """
        with self._change:
            if self.is_closed:
                raise sqlite3.OperationalError("the database was replaced")
            self._users += 1
        try:
            yield
        finally:
            with self._change:
                self._users -= 1
                self._close_if_unused()

    def retire(self) -> None:
        """Another file has the name now: close the connections when nobody reads this one any more."""
        with self._change:
            self._is_retired = True
            self._close_if_unused()

    def discard(self) -> None:
        """Close the connections now."""
        with self._change:
            self.is_closed = True
            self._close_connections()

    def _close_if_unused(self) -> None:
        if self._is_retired and not self._users:
            self.discard()

    def _close_connections(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._idle.clear()


def _of_this_request(datasette: Any) -> Any:
    """The database with which the present request to `datasette` began; None outside requests."""
    database = _began_with.get()
    # A task that outlives its request inherits this; it gets the newest.
    if database is None or database.ds is not datasette or database.snapshot.is_closed:
        return None
    return database


class Databases(UserDict[str, Any]):
    """Datasette's databases by name; under ours, the one with which the present request began."""

    def __init__(self, databases: Any) -> None:
        super().__init__()
        self.data = dict(databases)
        self.replacing = asyncio.Lock()

    def __getitem__(self, name: str) -> Any:
        database = self.data[name]
        if name == DATABASE_NAME:
            return _of_this_request(database.ds) or database
        return database

    def copy(self) -> Databases:
        """As `dict.copy`; Datasette changes a copy when databases are added."""
        return Databases(self.data)


def follow(
    datasette: Any,
    database: Any,
    open_one: Callable[[], sqlite3.Connection],
    guard: Callable[[Any, Any], None],
) -> Snapshot:
    """Give `database` one file to read, and let another file of its name take its place.

    Args:
        datasette: Whose database it is.
        database: The database.
        open_one: Opens a connection to its file.
        guard: Called with `datasette` and the database that takes this one's place, to make it fit to be read.
    """
    snapshot = Snapshot(Path(database.path), open_one, datasette.setting("num_sql_threads"))
    database.snapshot, database.guard = snapshot, guard
    if hasattr(database, "_execute_fn"):
        _keep_open_while_reading(database)
    else:
        _keep_connections_by_object(datasette, database)
    if not isinstance(datasette.databases, Databases):
        datasette.databases = Databases(datasette.databases)
    return snapshot


def _keep_open_while_reading(database: Any) -> None:
    """The 1.0 line: each database object has connections of its own, one a thread."""
    execute = database._execute_fn

    async def execute_in_snapshot(function: Callable[[Any], Any]) -> Any:
        def read(connection: Any) -> Any:
            with database.snapshot.in_use():
                return function(connection)

        return await execute(read)

    database._execute_fn = execute_in_snapshot


def _keep_connections_by_object(datasette: Any, database: Any) -> None:
    """The 0.65 line keeps a thread's connection under the database's name, where the next one would find it."""
    of_thread = threading.local()

    async def execute_in_snapshot(function: Callable[[Any], Any]) -> Any:
        def read() -> Any:
            with database.snapshot.in_use():
                if not hasattr(of_thread, "connection"):
                    connection = database.connect()
                    datasette._prepare_connection(connection, database.name)
                    of_thread.connection = connection
                return function(of_thread.connection)

        if datasette.executor is None:
            return read()
        return await asyncio.get_running_loop().run_in_executor(datasette.executor, read)

    database.execute_fn = execute_in_snapshot


async def newest(datasette: Any) -> Any:
    """The database to begin a request with; None where Datasette serves something else under our name."""
    databases = datasette.databases
    database = databases.get(DATABASE_NAME)
    if getattr(database, "snapshot", None) is None:
        return None
    if database.snapshot.successor is not None:
        async with databases.replacing:
            database = datasette.databases[DATABASE_NAME]  # others may have been at it
            successor = database.snapshot.successor
            if successor is not None:
                try:
                    database = await _replace(datasette, database)
                except (OSError, sqlite3.Error, Replaced) as error:
                    why = error or type(error).__name__
                    print(f"ldn-evidence: the new {database.path} cannot be read: {why}", file=sys.stderr)
                    # Not tried again until it changes; what is open is still good.
                    database.snapshot.refused = successor
    return database


async def _replace(datasette: Any, old: Any) -> Any:
    """Put the file that has the name now in the place of the `old` one."""
    # Here, for Datasette's module is loaded after its plugins.
    from datasette.database import Database

    # What `datasette inspect` found is of the file that was there then.
    (datasette.inspect_data or {}).pop(DATABASE_NAME, None)
    new = Database(datasette, old.path, is_mutable=False)
    new.name, new.route = old.name, old.route
    old.guard(datasette, new)
    new.snapshot.open()
    # Everything that asks in this context gets the new one; everybody else still gets the old one.
    token = _began_with.set(new)
    try:
        await _list_schema_anew(datasette)
        await new.table_counts(limit=_TIME_TO_COUNT)
    except BaseException:
        new.snapshot.retire()
        raise
    finally:
        _began_with.reset(token)
    datasette.databases.data[DATABASE_NAME] = new
    old.snapshot.retire()
    return new


async def _list_schema_anew(datasette: Any) -> None:
    """Let Datasette read the tables again.

    By itself it does so where SQLite's counter of schema changes differs; two builds may have the same count,
    though one has a view more.
    """
    internal = getattr(datasette, "_internal_database", None)  # the 1.0 line keeps it apart
    listing = "databases" if internal is None else "catalog_databases"
    async with datasette._refresh_schemas_lock:
        if datasette.internal_db_created:
            internal = datasette.databases["_internal"] if internal is None else internal
            await internal.execute_write(
                f"UPDATE {listing} SET schema_version = NULL WHERE database_name = ?", [DATABASE_NAME]
            )
        await datasette._refresh_schemas()


Application = Callable[[Any, Any, Any], Awaitable[None]]


@hookimpl(trylast=True)
def asgi_wrapper(datasette: Any) -> Callable[[Application], Application]:
    """Begin every request with the file that has the name now. Outside everything that reads it."""

    def wrap(application: Application) -> Application:
        async def with_newest(scope: Any, receive: Any, send: Any) -> None:
            database = None
            # Datasette's own client asks from inside requests, which go on with what they have.
            if scope["type"] == "http" and _of_this_request(datasette) is None:
                database = await newest(datasette)
            if database is None:
                await application(scope, receive, send)
                return
            with database.snapshot.in_use():
                token = _began_with.set(database)
                try:
                    await application(scope, receive, send)
                finally:
                    # A stream that is given up is closed in a context of its own.
                    with suppress(ValueError):
                        _began_with.reset(token)

        return with_newest

    return wrap

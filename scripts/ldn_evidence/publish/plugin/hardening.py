"""What makes a Datasette that serves the catalogue fit for the public.

Installed while Datasette is constructed, before it opens a connection or makes its application, and once
more when it starts, for databases that were added in between: every step may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qsl

from datasette.utils.asgi import NotFound, Response
from jinja2 import Environment
from pluggy import HookimplMarker

from ldn_evidence.publish.plugin import api, crawlers
from ldn_evidence.publish.plugin.addresses import origin, refusal_to_write
from ldn_evidence.publish.plugin.connection import GuardedConnection, OutOfMemory, connect
from ldn_evidence.publish.plugin.headers import (
    SECURITY_HEADERS,
    ScriptNonces,
    content_security_policy,
    start_nonce,
)
from ldn_evidence.publish.plugin.limits import QueryBudget, apply_limits
from ldn_evidence.publish.plugin.replacement import follow
from ldn_evidence.publish.server import DATABASE_NAME, SETTINGS, datasette_is_next_line

hookimpl = HookimplMarker("datasette")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Browsers read a backslash as a slash, so that a redirect to `/\\example.com` or `//example.com` leaves the
# site; control characters they drop. No path of ours or of Datasette's has any of them.
_OFF_SITE_PATH = re.compile(rb"//|.*(?:\\|%5c|[\x00-\x1f\x7f]|%[01][0-9a-f]|%7f)", re.IGNORECASE | re.DOTALL)

# For any other Datasette calls whichever function of its own bears the name, be it an inner one, and fails; or it answers
# as if it were GET. POST is for its forms.
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
_READ_WITH_GET = "this is read with GET"

# Where refused requests are led, and under which name the scope says what they are refused for.
_REFUSED_PATH = "/-/refused"
_REFUSAL = "ldn_evidence.refusal"

# Shows stack frames with the paths of the installation. The 1.0 line keeps it to administrators.
_INTERNAL_PATH = re.compile(rb"/-/threads(\.json)?")

_THROUGH = '{"table": "study_conditions", "column": "condition_id", "value": "fibromyalgia"}'

# What a visitor may ask for in one address. Datasette joins and counts repeated conditions and facets in
# its one Python thread, at a cost that is the square of their number.
LONGEST_QUERY_STRING = 20_000
MOST_PARAMETERS = 100
MOST_COSTLY_PARAMETERS = 12
_FACETS = frozenset({"_facet", "_facet_array", "_facet_date"})
_COSTLY_PARAMETERS = _FACETS | {"_where", "_through"}

# A query that finds memory full within this time (seconds) did not fill it, and is tried so often again.
BYSTANDERS_TIME = 0.04
MOST_ATTEMPTS = 10


def harden(datasette: Any) -> None:
    """Bring a Datasette into its safe state, whatever options it was started with."""
    _apply_settings(datasette)
    _read_configuration_from_metadata(datasette)
    for database in datasette.databases.values():
        guard(datasette, database)
    internal = getattr(datasette, "_internal_database", None)  # the 1.0 line keeps it apart
    if internal is not None:
        _wait_for_memory(internal)
    _hide_file_paths(datasette)
    _keep_terminal_quiet()


def _apply_settings(datasette: Any) -> None:
    """Set what was left at Datasette's default; what was chosen otherwise stays (see `startup`)."""
    # Here, for plugins are loaded while this module of Datasette still is.
    from datasette.app import DEFAULT_SETTINGS

    for name, value in SETTINGS.items():
        if datasette._settings[name] == DEFAULT_SETTINGS[name]:
            datasette._settings[name] = value
    # Copies that Datasette makes when it is constructed.
    datasette.max_returned_rows = datasette._settings["max_returned_rows"]
    datasette.sql_time_limit_ms = datasette._settings["sql_time_limit_ms"]


def _read_configuration_from_metadata(datasette: Any) -> None:
    """Let the 1.0 line find canned queries and the permission to run SQL where metadata.yml has them.

    There they count only in a configuration file (`-c`), and are left out without a word when the file is
    given as metadata alone.
    """
    if not hasattr(datasette, "config"):
        return
    keys = ("queries", "allow_sql")
    metadata = getattr(datasette, "_metadata_local", None) or {}
    for key in keys[1:]:
        if key in metadata:
            datasette.config.setdefault(key, metadata[key])
    for name, described in (metadata.get("databases") or {}).items():
        for key in keys:
            if key in described:
                databases = datasette.config.setdefault("databases", {})
                databases.setdefault(name, {}).setdefault(key, described[key])


def guard(datasette: Any, database: Any) -> None:
    """Make a database fit for visitors' queries."""
    _guard_connections(datasette, database)
    _wait_for_memory(database)
    _show_described_tables(datasette, database)


def _guard_connections(datasette: Any, database: Any) -> None:
    """Open our file immutable, and every visitor's connection as a guarded one."""
    is_file = database.path is not None and not database.is_memory
    if is_file and database.name == DATABASE_NAME:
        database.is_mutable = False
    is_visitors = is_file or (database.is_memory and database.memory_name is None)
    if not is_visitors or getattr(database.connect, "is_guarded", False):
        return
    connect_for_writing = database.connect

    def open_one() -> Any:
        connection = connect(
            str(database.path) if is_file else None,
            immutable=not database.is_mutable,
            seconds=datasette.sql_time_limit_ms / 1000,
        )
        # Datasette closes what it finds here; the two lines call it differently.
        opened = getattr(database, "_all_connections", None)
        (database._all_file_connections if opened is None else opened).append(connection)
        return connection

    connect_for_reading = open_one
    if is_file and database.name == DATABASE_NAME:
        connect_for_reading = follow(datasette, database, open_one, guard).connect

    def guarded_connect(write: bool = False) -> Any:
        return connect_for_writing(write=True) if write else connect_for_reading()

    guarded_connect.is_guarded = True  # type: ignore[attr-defined]
    database.connect = guarded_connect


def _show_described_tables(datasette: Any, database: Any) -> None:
    """List every table that the metadata describe without hiding it.

    Datasette 0.65 hides all whose name begins with that of a hidden one: `searches`, for `search` is hidden.
    """
    hidden_names = database.hidden_table_names
    if datasette_is_next_line() or database.name != DATABASE_NAME or hasattr(hidden_names, "shows_described"):
        return

    async def hidden_table_names() -> list[str]:
        described = datasette.metadata("tables", database=DATABASE_NAME) or {}
        shown = {name for name, about in described.items() if not about.get("hidden")}
        return [name for name in await hidden_names() if name not in shown]

    hidden_table_names.shows_described = True  # type: ignore[attr-defined]
    database.hidden_table_names = hidden_table_names


def _wait_for_memory(database: Any) -> None:
    """Ask again when another visitor's query had all of SQLite's memory.

    Whoever fills it takes far longer to get there than the bystander who then finds it full; that one waits
    the instant until the other has been stopped. Datasette's own store is asked on every request, so it
    needs this too.
    """
    name = "_execute_fn" if hasattr(database, "_execute_fn") else "execute_fn"
    execute = getattr(database, name)
    if getattr(execute, "waits_for_memory", False):
        return

    async def execute_when_there_is_memory(function: Callable[[Any], Any]) -> Any:
        for _ in range(MOST_ATTEMPTS):
            began = time.monotonic()
            try:
                return await execute(function)
            except (MemoryError, OutOfMemory):
                if time.monotonic() - began > BYSTANDERS_TIME:
                    raise
            await asyncio.sleep(BYSTANDERS_TIME)
        return await execute(function)

    execute_when_there_is_memory.waits_for_memory = True  # type: ignore[attr-defined]
    setattr(database, name, execute_when_there_is_memory)


def _hide_file_paths(datasette: Any) -> None:
    """Show a file's name, not where it lies, in `/-/databases`."""
    listed = datasette._connected_databases
    if getattr(listed, "hides_paths", False):
        return

    def listed_by_name() -> list[dict[str, Any]]:
        return [{**row, "path": PurePath(row["path"]).name if row["path"] else None} for row in listed()]

    listed_by_name.hides_paths = True  # type: ignore[attr-defined]
    datasette._connected_databases = listed_by_name


def _keep_terminal_quiet() -> None:
    """Keep Datasette from printing tracebacks for requests that are merely faulty.

    Where `rich` is installed it prints every frame with its variables, also for a page that is not found or
    a query that took too long; it takes up to 0.7 s, in which nobody else is answered. And it has SQLite
    print what our functions raise, which is how they refuse a call: the visitor is told why.
    """
    from datasette import handle_exception

    handle_exception.rich = None
    sqlite3.enable_callback_tracebacks(False)


@hookimpl
def register_output_renderer(datasette: Any) -> list[dict[str, Any]]:
    """The one hook that both lines call while Datasette is constructed. No output format is added."""
    harden(datasette)
    return []


@hookimpl
def prepare_jinja2_environment(env: Environment) -> None:
    """Let the scripts of templates carry a nonce."""
    env.add_extension(ScriptNonces)


@hookimpl
def startup(datasette: Any) -> None:
    """Say which settings differ from the safe ones: somebody chose them, and should know."""
    harden(datasette)
    for name, value in SETTINGS.items():
        if datasette.setting(name) != value:
            print(
                f"ldn-evidence: the setting {name} is {datasette.setting(name)}; safe in public is {value}",
                file=sys.stderr,
            )


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """Add robots.txt, and the page that refused requests are led to."""
    return [(r"^/robots\.txt$", robots), (f"^{_REFUSED_PATH}$", refused)]


def robots(request: Any, datasette: Any) -> Any:
    """What crawlers may fetch, and where all pages are listed."""
    site = origin(datasette, request)
    address = site and site + datasette.setting("base_url").rstrip("/")
    return refusal_to_write(request) or Response.text(crawlers.robots(address))


async def refused(request: Any, datasette: Any) -> Any:
    """Why a request was refused."""
    refusal = request.scope.get(_REFUSAL)
    if refusal is None:
        raise NotFound("Page not found")  # somebody asked for this very address
    return await _error(datasette, request, *refusal)


@hookimpl(tryfirst=True)
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:
    """Set the limits before other plugins add their functions. Datasette's own store is left alone."""
    if database == "_internal":
        return
    budget = QueryBudget()
    if isinstance(conn, GuardedConnection):
        conn.row_factory = conn.measured_row
        budget = conn.budget
    apply_limits(conn, budget, attach=datasette.crossdb and database == "_memory")


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Awaitable[Any] | None:
    """Answer a request that cannot be met with 400, where Datasette takes it for an error of its own."""
    # Here, for plugins are loaded while these modules of Datasette still are.
    from datasette.database import QueryInterrupted
    from datasette.views.base import DatasetteError

    if isinstance(exception, QueryInterrupted):
        why = "the query took too long"
    elif isinstance(exception, MemoryError):
        why = "the query needs more memory than it may use here"
    elif isinstance(exception, sqlite3.Error):
        why = str(exception)
    elif isinstance(exception, DatasetteError) and exception.status == 500:
        why = str(exception.message)  # such as a column to sort by that does not exist
    elif isinstance(exception, AssertionError) and request.method == "POST":
        return _error(datasette, request, request.path, 405, _READ_WITH_GET)  # asserted to be a canned query
    else:
        return None
    return _error(datasette, request, request.path, 400, why)


async def _error(datasette: Any, request: Any, path: str, status: int, why: str) -> Any:
    """An error as Datasette gives its own: a page, or JSON where `path` asked for JSON."""
    body = {"ok": False, "error": why, "errors": [why], "status": status, "title": None}
    headers = {"allow": "GET, HEAD"} if status == 405 else {}
    if path.endswith(".json"):
        return Response.json(body, status=status, headers=headers)
    page = await datasette.render_template([f"{status}.html", "error.html"], body, request=request)
    return Response.html(page, status=status, headers=headers)


@hookimpl(trylast=True)
def asgi_wrapper(datasette: Any) -> Callable[[Application], Application]:
    """Refuse paths that lead off the site, and put security headers on every response."""

    def wrap(application: Application) -> Application:
        async def hardened(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await application(scope, receive, send)
                return
            nonce = start_nonce()
            base = datasette.setting("base_url").rstrip("/")
            raw_path = scope.get("raw_path") or scope["path"].encode()
            # The API says itself how it is read.
            method = "GET" if api.is_ours(datasette, scope["path"]) else scope["method"]
            refusal = refusal_of(raw_path.split(b"?", 1)[0], scope["query_string"], method)
            path = scope["path"].removeprefix(base) if refusal is None else _REFUSED_PATH
            policy = content_security_policy(path or "/", nonce)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = with_security_headers(message.get("headers", ()), policy)
                    message = {**message, "headers": headers}
                await send(message)

            if refusal is None:
                await application(scope, receive, send_with_headers)
            elif not await api.refuse(datasette, scope, send_with_headers, *refusal):
                await application(_led_to_refusal(scope, base, *refusal), receive, send_with_headers)

        return hardened

    return wrap


def _led_to_refusal(scope: Scope, base: str, status: int, why: str) -> Scope:
    """The request without what it was refused for, on its way to the page that says so.

    Only behind its routing can Datasette make a page.
    """
    path = base + _REFUSED_PATH
    method = scope["method"] if scope["method"] in _METHODS else "GET"
    refusal = {_REFUSAL: (scope["path"], status, why)}
    return {
        **scope,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        **refusal,
    }


def refusal_of(raw_path: bytes, query_string: bytes, method: str = "GET") -> tuple[int, str] | None:
    """Status and reason for a request that is not to be looked at; None for all others."""
    if method not in _METHODS:
        status, why = 405, _READ_WITH_GET
    elif _OFF_SITE_PATH.match(raw_path):
        status, why = (
            400,
            "this address is not allowed: no path here begins with two slashes or has a backslash or a control "
            "character in it",
        )
    elif _INTERNAL_PATH.search(raw_path):
        status, why = 403, "this page is not public"
    elif len(query_string) > LONGEST_QUERY_STRING:
        status, why = 414, f"the address is longer than {LONGEST_QUERY_STRING:,} characters"
    elif query_string.count(b"&") >= MOST_PARAMETERS:
        status, why = 400, f"more than {MOST_PARAMETERS} parameters"
    elif refused_for := _wrong_with_parameters(query_string):
        status, why = 400, refused_for
    else:
        return None
    return status, why


def _wrong_with_parameters(query_string: bytes) -> str | None:
    """What is wrong with parameters that Datasette takes for right without a look; None where nothing is."""
    if b"_" not in query_string and b"%" not in query_string:  # an underscore may be written %5F
        return None
    # As Datasette reads them: what counts is the name, however it is written.
    parameters = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    if sum(name in _COSTLY_PARAMETERS for name, _ in parameters) > MOST_COSTLY_PARAMETERS:
        return f"more than {MOST_COSTLY_PARAMETERS} conditions and facets"
    for name, value in parameters:
        if name == "_through" and not _is_through_table(value):
            return f"_through has to be JSON of this form: {_THROUGH}"
        if name.startswith("_facet") and name != "_facet" and not name.startswith("_facet_"):
            return f"no parameter is called {name}; a facet is asked for with _facet and the name of a column"
        if name in _FACETS and value.startswith("{") and not _is_facet(value):
            return f"{name} has to be the name of a column"
    return None


def _is_through_table(value: str) -> bool:
    through = _mapping(value)
    return through.keys() >= {"table", "column", "value"} and all(
        isinstance(through[name], str) for name in ("table", "column")
    )


def _is_facet(value: str) -> bool:
    """Whether JSON, which Datasette takes beside a mere name, names a column."""
    facet = _mapping(value)
    return isinstance(facet.get("column") or facet.get("simple"), str)


def _mapping(value: str) -> dict[str, Any]:
    """JSON as a mapping; an empty one where it is something else."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def with_security_headers(headers: Any, policy: str) -> list[tuple[bytes, bytes]]:
    """`headers` with the security headers and the policy in the place of any of the same name."""
    ours: Mapping[str, str] = {**SECURITY_HEADERS, "content-security-policy": policy}
    kept = [(name, value) for name, value in headers if name.decode("latin-1").lower() not in ours]
    return kept + [(name.encode(), value.encode()) for name, value in ours.items()]

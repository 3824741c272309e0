"""What is taken away as a file: the feed of changes, and whole tables as CSV.

`/feed.atom` is what changed. `/ldn/<table or view>.csv` is Datasette's, and by itself holds the first hundred rows, or thousand,
without a word. Whoever reads that address into a program wants all rows, and gets them unless the request says how many.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from datasette.utils.asgi import NotFound, Response
from pluggy import HookimplMarker

from ldn_evidence.publish.api import render
from ldn_evidence.publish.api.serving import Headers, Kept
from ldn_evidence.publish.export import atom
from ldn_evidence.publish.plugin.addresses import origin, refusal_to_write
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

FEED_TYPE = "application/atom+xml; charset=utf-8"
_TABLE_AS_CSV = re.compile(rf"/{DATABASE_NAME}/[^/]+\.csv")
# A request that names one of these says how much it wants; "max" is what Datasette's own link to the CSV of a table says.
_SAYS_HOW_MUCH = re.compile(rb"(?:^|&)(?:_stream|_next|_size)=(?!max(?:&|$))")


def complete(path: str, query: bytes) -> bytes:
    """The query string of a request, so that the CSV of a table has all its rows.

    >>> complete("/ldn/studies.csv", b"design=survey")
    b'design=survey&_stream=on'
    >>> complete("/ldn/studies.csv", b"_size=10")
    b'_size=10'
    """
    if not _TABLE_AS_CSV.fullmatch(path) or _SAYS_HOW_MUCH.search(query):
        return query
    return b"&".join(filter(None, [query, b"_stream=on"]))


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """The feed."""
    return [(rf"^{re.escape(atom.FEED)}$", feed)]


async def feed(request: Any, datasette: Any) -> Any:
    """The feed of changes, with the addresses of this server in it."""
    refusal = refusal_to_write(request)
    if refusal is not None:
        return refusal
    database = datasette.databases.get(DATABASE_NAME)
    site = origin(datasette, request) + datasette.setting("base_url").rstrip("/")
    kept = None if database is None else await database.execute_fn(lambda found: _feed(database, found, site))
    if kept is None:
        raise NotFound("Page not found")
    encoding = kept.encoding(request.headers.get("accept-encoding", "").encode("latin-1"))
    known = request.headers.get("if-none-match")
    if kept.is_known(known and known.encode("latin-1"), None, encoding):
        return Response("", status=304, headers=_text(kept.validators(encoding)), content_type=FEED_TYPE)
    headers, body = kept.form(encoding)
    return Response(b"" if request.method == "HEAD" else body, headers=_text(headers), content_type=FEED_TYPE)


# Database -> the feed for each address under which it was asked for.
_feeds: WeakKeyDictionary[Any, dict[str, Kept]] = WeakKeyDictionary()
_MOST_FEEDS = 10


def _feed(database: Any, connection: sqlite3.Connection, site: str) -> Kept | None:
    feeds = _feeds.setdefault(database, {})
    if site not in feeds:
        try:
            content, _ = atom.render(connection, f"{site}/{{}}", f"{site}{atom.FEED}")
        except sqlite3.OperationalError:
            return None  # another database under our name
        if len(feeds) >= _MOST_FEEDS:
            feeds.clear()
        feeds[site] = Kept(render.Response(200, {}, content), "", b"")
    return feeds[site]


def _text(headers: Headers) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Complete the CSV of tables; everything else goes on as it is."""

    def wrap(application: Any) -> Any:
        prefix = datasette.setting("base_url").rstrip("/")

        async def with_whole_tables(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                path = scope["path"].removeprefix(prefix)
                scope = {**scope, "query_string": complete(path, scope["query_string"])}
            await application(scope, receive, send)

        return with_whole_tables

    return wrap

"""The pages behind Datasette's routes: cache, compression and conditional requests.

Only hooks that both Datasette lines have. The database does not change while it is served, so a page that was made
once is kept.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette.utils.asgi import NotFound, Response
from pluggy import HookimplMarker

from ldn_evidence.publish.plugin.addresses import origin, refusal_to_write
from ldn_evidence.publish.plugin.headers import is_own_page
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.site import LONGEST_PARAMETER, PAGES, Answer, Site
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

# Parameters that pages know. Others change nothing and must not fill the cache.
PARAMETERS = frozenset(
    {
        "amount", "asserted", "category", "depth", "direction", "dose", "kind", "page", "q", "since", "sort", "source",
        "status", "tier", "topic", "verdict",
    }
)  # fmt: skip
CACHED_BYTES = 48_000_000
_SMALLEST_COMPRESSED = 1_000


class Kept:
    """An answer as it goes out, plain and compressed."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.tag = blake2b(answer.body, digest_size=12).hexdigest()
        # The same bytes every time, so without a clock time in the header.
        self.compressed = (
            gzip.compress(answer.body, 6, mtime=0) if len(answer.body) > _SMALLEST_COMPRESSED else None
        )
        self.size = len(answer.body) + len(self.compressed or b"")


class PageCache:
    """The answers used last, up to a number of bytes."""

    def __init__(self, most_bytes: int = CACHED_BYTES) -> None:
        self._kept: OrderedDict[tuple[str, ...], Kept] = OrderedDict()
        self._bytes = 0
        self._most = most_bytes

    def get(self, key: tuple[str, ...]) -> Kept | None:
        """The answer kept under `key`."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: tuple[str, ...], kept: Kept) -> None:
        """Keep an answer; the ones not used for longest make room."""
        old = self._kept.pop(key, None)
        self._bytes += kept.size - (old.size if old else 0)
        self._kept[key] = kept
        while self._bytes > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.size


_caches: dict[int, tuple[Any, PageCache]] = {}


def _cache(database: Any) -> PageCache:
    """The cache of one database object; another database starts an empty one."""
    found = _caches.get(id(database))
    if found is None or found[0] is not database:
        _caches.clear()
        found = _caches[id(database)] = (database, PageCache())
    return found[1]


def _is_catalogue(connection: sqlite3.Connection) -> bool:
    row = Reader(connection).row("is_catalogue")
    return row is not None and row["tables"] == 5


async def _catalogue(datasette: Any) -> Any:
    """The database with the catalogue, or None where Datasette serves something else."""
    database = datasette.databases.get(DATABASE_NAME)
    if database is None:
        return None
    if not hasattr(database, "has_our_pages"):
        database.has_our_pages = await database.execute_fn(_is_catalogue)
    return database if database.has_our_pages else None


async def _answer(
    datasette: Any, request: Any, work: Callable[[Site, sqlite3.Connection], Answer] | None
) -> Any:
    """Answer a request with a page, from the cache where it is there; None where there is no catalogue."""
    database = await _catalogue(datasette)
    if database is None:
        return None
    base = datasette.setting("base_url")
    path = "/" + request.path.removeprefix(base.rstrip("/")).lstrip("/")
    parameters = {
        name: value[:LONGEST_PARAMETER]
        for name, value in parse_qsl(request.query_string, max_num_fields=200)
        if name in PARAMETERS
    }
    site_origin = origin(datasette, request)
    key = (path, urlencode(sorted(parameters.items())), site_origin)
    cache = _cache(database)
    kept = cache.get(key) if work is None else None
    if kept is None:
        site = Site(base, site_origin)

        def make(connection: sqlite3.Connection) -> Kept:
            if work is not None:
                return Kept(work(site, connection))
            return Kept(site.answer(connection, path, parameters))

        kept = await database.execute_fn(make)
        if work is None and kept.answer.status == 200:
            cache.put(key, kept)
    return _response(kept, request)


def _response(kept: Kept, request: Any) -> Any:
    answer = kept.answer
    compress = kept.compressed is not None and "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{kept.tag}{"-gz" if compress else ""}"'
    headers = {"cache-control": "no-cache", **answer.headers, "vary": "accept-encoding"}
    if answer.status == 200:
        headers["etag"] = tag
        if tag in [
            part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")
        ]:
            return Response("", status=304, headers=headers, content_type=answer.content_type)
    body = answer.body
    if compress and kept.compressed is not None:
        headers["content-encoding"] = "gzip"
        body = kept.compressed
    return Response(body, status=answer.status, headers=headers, content_type=answer.content_type)


async def page(request: Any, datasette: Any) -> Any:
    """One of our pages."""
    refusal = refusal_to_write(request)
    if refusal is not None:
        return refusal
    response = await _answer(datasette, request, None)
    if response is None:
        raise NotFound("Page not found")
    return response


async def home(request: Any, send: Any, datasette: Any) -> Any:
    """Our front page, or Datasette's own where it serves something else."""
    if await _catalogue(datasette) is None:
        return await datasette_index(request, send, datasette)
    return await page(request, datasette)


async def datasette_index(request: Any, send: Any, datasette: Any) -> Any:
    """Datasette's list of databases, which the 1.0 line has at this address anyway."""
    from datasette.views.index import IndexView

    return await IndexView.as_view(datasette)(request, send)


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """Every address of ours. Datasette tries these before its own."""
    patterns = [pattern for pattern, _, _ in PAGES if pattern != "/"]
    return [
        (r"^/(?P<format>)$", home),
        (r"^/-/(\.(?P<format>jsono?))?$", datasette_index),
        *((f"^{pattern}$", page) for pattern in patterns),
        (r"^/sitemap\.xml$", page),
        (r"^/assets/[^/]+$", page),
    ]


@hookimpl(tryfirst=True)
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Awaitable[Any] | None:
    """Show what is missing or broken in our own hand: everywhere for pages that are not there, else on our pages."""
    path = request.path.removeprefix(datasette.setting("base_url").rstrip("/")) or "/"
    if request.path.endswith((".json", ".csv")) or path.startswith(("/api/", "/-/")):
        return None
    missing = isinstance(exception, NotFound) or getattr(exception, "status", None) == 404
    if not missing and (not is_own_page(path) or getattr(exception, "status", 500) != 500):
        return None
    if DATABASE_NAME not in datasette.databases:
        return None
    if not missing:
        return _failure(datasette, request, path, exception)

    async def answer() -> Any:
        response = await _answer(datasette, request, lambda site, connection: site.missing(connection, path))
        return response or Response.text("404: page not found\n", status=404)

    return answer()


def _failure(datasette: Any, request: Any, path: str, exception: Exception) -> Awaitable[Any]:
    # For whoever runs the server; visitors are not shown it.
    import sys
    import traceback

    traceback.print_exception(exception, file=sys.stderr)

    async def answer() -> Any:
        try:
            response = await _answer(
                datasette, request, lambda site, connection: site.failure(connection, path)
            )
        except Exception:
            response = None
        return response or Response.text("500: something broke here\n", status=500)

    return answer()

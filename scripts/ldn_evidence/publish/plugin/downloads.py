"""What is taken away as a file: references beside the API's JSON, the feed of changes, and whole tables as CSV.

`/api/v1/studies/<id>.bib` is one study, `/api/v1/conditions/<id>.ris` all studies of a condition; `/feed.atom` is what changed.
They are answered before the API, which knows only JSON.

`/ldn/<table or view>.csv` is Datasette's, and by itself holds the first hundred rows, or thousand, without a word. Whoever reads
that address into a program wants all rows, and gets them unless the request says how many.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from pluggy import HookimplMarker

from ldn_evidence.publish.export import atom, citations
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

FEED = "/feed.atom"
_SUFFIXES = {f".{suffix}": format for format, suffix in citations.SUFFIXES.items()}
_REFERENCES = re.compile(
    rf"/api/v1/(?P<kind>studies|conditions)/(?P<id>[a-z0-9][a-z0-9.\-]*?)"
    rf"(?P<suffix>{'|'.join(map(re.escape, _SUFFIXES))})"
)
_TABLE_AS_CSV = re.compile(rf"/{DATABASE_NAME}/[^/]+\.csv")
# A request that names one of these says how much it wants; "max" is what Datasette's own link to the CSV of a table says.
_SAYS_HOW_MUCH = re.compile(rb"(?:^|&)(?:_stream|_next|_size)=(?!max(?:&|$))")
_STUDIES = {
    "studies": "SELECT id FROM studies WHERE id = ?",
    "conditions": "SELECT DISTINCT study_id FROM study_conditions WHERE condition_id = ? ORDER BY study_id",
}

Download = tuple[str, bytes]


def is_download(path: str) -> bool:
    """Whether a path below the site's base has the form of a download."""
    return path == FEED or _REFERENCES.fullmatch(path) is not None


def download(connection: sqlite3.Connection, path: str, address: str = "/{}") -> Download | None:
    """Media type and content for a path below the site's base; None where there is no such download.

    Args:
        connection: The database.
        path: The path.
        address: Form of the address of a page, for links.
    """
    if path == FEED:
        return "application/atom+xml; charset=utf-8", atom.render(connection, address)[0]
    found = _REFERENCES.fullmatch(path)
    if found is None:
        return None
    kind, identifier = found["kind"], found["id"]
    if connection.execute(f"SELECT 1 FROM {kind} WHERE id = ?", (identifier,)).fetchone() is None:
        return None
    ids = [row[0] for row in connection.execute(_STUDIES[kind], (identifier,))]
    format = _SUFFIXES[found["suffix"]]
    text = citations.citations(connection, ids, format)
    return f"{citations.MEDIA_TYPES[format]}; charset=utf-8", text.encode()


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
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Answer downloads, complete the CSV of tables; everything else goes on."""

    def wrap(application: Any) -> Any:
        prefix = datasette.setting("base_url").rstrip("/")

        async def with_downloads(scope: Any, receive: Any, send: Any) -> None:
            answer = None
            if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
                path = scope["path"].removeprefix(prefix)
                scope = {**scope, "query_string": complete(path, scope["query_string"])}
                database = datasette.databases.get(DATABASE_NAME)
                if database is not None and is_download(path):
                    answer = await database.execute_fn(
                        lambda connection: _download(connection, path, f"{prefix}/{{}}")
                    )
            if answer is None:
                await application(scope, receive, send)
            else:
                await _send(answer, scope, send)

        return with_downloads

    return wrap


def _download(connection: sqlite3.Connection, path: str, address: str) -> Download | None:
    try:
        return download(connection, path, address)
    except sqlite3.OperationalError:
        return None  # another database under our name


async def _send(answer: Download, scope: Any, send: Any) -> None:
    media_type, content = answer
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'.encode()
    known = dict(scope["headers"]).get(b"if-none-match", b"")
    unchanged = any(one.strip().removeprefix(b"W/") in (tag, b"*") for one in known.split(b","))
    headers = [
        (b"etag", tag),
        (b"cache-control", b"public, max-age=0, must-revalidate"),
        (b"access-control-allow-origin", b"*"),
    ]
    if not unchanged:
        headers += [(b"content-type", media_type.encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
    body = b"" if unchanged or scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body})

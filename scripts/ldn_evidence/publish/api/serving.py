"""The API as an ASGI application: cache of rendered bytes, conditional requests, compression, methods.

Answers come before Datasette's routing. The database file is immutable while it is open, and a new build is a new
file: its identity is looked at on every request, and another file starts with connections and a cache of its own, so
that no byte of the old one is given out.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import sqlite3
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from ldn_evidence.publish.api.catalogue import Catalogue
from ldn_evidence.publish.api.problems import ApiProblem
from ldn_evidence.publish.api.render import METHODS, PROBLEM, Api, Response

# Optional: gzip is always there.
brotli: Any = import_module("brotli") if find_spec("brotli") else None

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Identity = tuple[int, int, int, int]

# Most bytes of answers that are kept, with their compressed forms.
CACHED_BYTES = 64_000_000
# What an entry takes beside its bytes.
_OVERHEAD = 1_000
_SMALLEST_COMPRESSED = 1_000
# Answers may be kept, but are asked about each time: a new build counts at once, and a 304 costs next to nothing.
CACHE_CONTROL = b"public, max-age=0, must-revalidate"
_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link, Location, Allow"),
]
_PREFLIGHT: Headers = [
    (b"allow", METHODS.encode()),
    (b"access-control-allow-methods", METHODS.encode()),
    (b"access-control-allow-headers", b"Accept, Content-Type, If-None-Match, If-Modified-Since"),
    (b"access-control-max-age", b"86400"),
]
_ENCODINGS = ("br", "gzip", "identity") if brotli else ("gzip", "identity")
_NOT_READING = ApiProblem(
    405, "method-not-allowed", f"the API is read only; allowed: {METHODS}", {"allow": METHODS},
    allowed=METHODS.split(", "),
)  # fmt: skip
_WORKERS = 2
# For so many seconds after a file was written, answers go out without a time, and are not kept.
_SETTLING = 2.0


class Kept:
    """An answer as it goes out, in every encoding that was asked for so far.

    Attributes:
        forms: Headers and body by encoding.
    """

    def __init__(self, response: Response, digest: str, modified: bytes) -> None:
        self.response = response
        self.is_good = response.status == 200
        tag = blake2b(response.body, key=digest.encode()[:64], digest_size=12).hexdigest()
        self.tag = tag.encode()
        self._modified = modified
        self.forms: dict[str, tuple[Headers, bytes]] = {}
        self._headers: Headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
        ]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return (
            _OVERHEAD
            + len(self.response.body)
            + sum(len(body) + _OVERHEAD for _, body in self.forms.values())
        )

    def encoding(self, accepted: bytes) -> str:
        """The encoding to use for an `Accept-Encoding` header."""
        if len(self.response.body) < _SMALLEST_COMPRESSED:
            return "identity"
        return best_encoding(accepted)

    def etag(self, encoding: str) -> bytes:
        """The entity tag of one encoding: encodings differ in their bytes, and so in their tags."""
        return b'"' + self.tag + (b"" if encoding == "identity" else b"-" + encoding.encode()) + b'"'

    def form(self, encoding: str) -> tuple[Headers, bytes]:
        """Headers and body in one encoding."""
        form = self.forms.get(encoding)
        if form is None:
            body = _compress(self.response.body, encoding)
            headers = [
                *self._headers,
                (b"content-length", str(len(body)).encode()),
                *self.validators(encoding),
            ]
            if encoding != "identity":
                headers.append((b"content-encoding", encoding.encode()))
            form = self.forms[encoding] = (headers, body)
        return form

    def validators(self, encoding: str) -> Headers:
        """The headers that a 304 carries too."""
        common = [(b"vary", b"Accept-Encoding"), *_CORS]
        if not self.is_good:
            return [(b"cache-control", b"no-store"), *common]
        dated = [(b"last-modified", self._modified)] if self._modified else []
        return [(b"etag", self.etag(encoding)), *dated, (b"cache-control", CACHE_CONTROL), *common]

    def is_known(self, none_match: bytes | None, modified_since: bytes | None, encoding: str) -> bool:
        """Whether the client has these very bytes."""
        if not self.is_good:
            return False
        if none_match is not None:
            if none_match.strip() == b"*":
                return True
            wanted = self.etag(encoding)
            return any(tag.strip().removeprefix(b"W/") == wanted for tag in none_match.split(b","))
        # Only the very date that we gave: a database that is put back is older, and still another one.
        return (
            modified_since is not None and modified_since.strip() == self._modified and bool(self._modified)
        )


def _compress(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(body, 6, mtime=0)  # without a clock time: the same bytes on every server
    if encoding == "br":
        return bytes(brotli.compress(body, quality=5))
    return body


def best_encoding(accepted: bytes) -> str:
    """The encoding that an `Accept-Encoding` header prefers among ours; ours first where it has no preference."""
    if not accepted:
        return "identity"
    weights: dict[str, float] = {}
    for item in accepted.decode("latin-1").lower().split(","):
        name, _, parameters = item.strip().partition(";")
        weight = 1.0
        if parameters.strip().startswith("q="):
            try:
                weight = float(parameters.strip()[2:])
            except ValueError:
                weight = 0.0
        weights[name.strip()] = weight
    rest = weights.get("*", 0.0)
    weighed = [(weights.get(name, rest), name) for name in _ENCODINGS if name != "identity"]
    best = max((weight for weight, _ in weighed), default=0.0)
    if best <= 0 or best < weights.get("identity", 0.0):
        return "identity"
    return next(name for weight, name in weighed if weight == best)


class Cache:
    """The answers used last, up to a number of bytes."""

    def __init__(self, most_bytes: int = CACHED_BYTES) -> None:
        self._kept: OrderedDict[Any, tuple[Kept, int]] = OrderedDict()
        self._bytes = 0
        self._most = most_bytes
        self._change = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes that the answers take."""
        return self._bytes

    def get(self, key: Any) -> Kept | None:
        """The answer kept under `key`."""
        with self._change:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Any, kept: Kept) -> None:
        """Keep an answer, or count anew what it takes; the ones not used for longest make room."""
        with self._change:
            old = self._kept.pop(key, None)
            self._bytes -= old[1] if old else 0
            size = kept.size + len(key[0]) + len(key[1])
            if size > self._most // 4:
                return  # it would drive out too many others
            self._bytes += size
            self._kept[key] = (kept, size)
            while self._bytes > self._most and self._kept:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= dropped


class Replaced(Exception):
    """The file is another one than that which was looked at."""


class Opened:
    """One database file: its connections, what is known of it, and its cache.

    Args:
        path: The file.
        identity: What `identity_of` said of it.
        base: Datasette's `base_url` without the slash at its end.
    """

    def __init__(self, path: Path, identity: Identity, base: str, cached_bytes: int = CACHED_BYTES) -> None:
        self.path = path
        self.identity = identity
        self.cache = Cache(cached_bytes)
        connection = self._connect()
        self.catalogue = Catalogue(connection, base)
        self._idle = [Api(connection, catalogue=self.catalogue)]
        moment, self._is_commits = _modified(self.catalogue.build, identity)
        self._modified = format_datetime(moment, usegmt=True).encode()

    def _connect(self) -> sqlite3.Connection:
        location = f"file:{quote(str(self.path))}?immutable=1"
        connection = sqlite3.connect(location, uri=True, check_same_thread=False, cached_statements=512)
        connection.execute("PRAGMA query_only = 1")
        connection.execute("SELECT 1 FROM build_info LIMIT 1")
        if identity_of(self.path) != self.identity:
            # Replaced while it was opened: nobody knows which one this is.
            connection.close()
            raise Replaced
        return connection

    @property
    def is_settled(self) -> bool:
        """Whether the file is so old that its time, in whole seconds, tells it from one that takes its place."""
        return self._is_commits or time.time() - self.identity[2] / 10**9 > _SETTLING

    def answer(self, path: str, query: str) -> Kept:
        """Render an answer; called in a worker thread."""
        modified = self._modified if self.is_settled else b""
        api = self._idle.pop() if self._idle else Api(self._connect(), catalogue=self.catalogue)
        try:
            return Kept(api.render(path, query), self.catalogue.digest, modified)
        finally:
            self._idle.append(api)

    def problem(self, problem: ApiProblem, path: str) -> Kept:
        """An error."""
        api = Api.__new__(Api)
        api.catalogue, api.base = self.catalogue, self.catalogue.base
        return Kept(api.problem(problem, path), self.catalogue.digest, b"")


def identity_of(path: Path) -> Identity:
    """What tells one file from another that took its place."""
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _modified(build: Mapping[str, str], identity: Identity) -> tuple[datetime, bool]:
    """When the data were last modified, and whether a commit says so.

    Where the build is exactly a commit it is the commit's time, the same on every server; else the file's. A day alone
    would not tell two builds of one day apart.
    """
    if "uncommitted" not in build.get("commit", ""):
        try:
            return datetime.fromisoformat(build.get("committed_at", "")).astimezone(UTC), True
        except ValueError:
            pass
    return datetime.fromtimestamp(identity[2] // 10**9, UTC), False


class ApiServer:
    """Answers requests to `/api`.

    Args:
        path: The database file.
        base: Datasette's `base_url`.
        cached_bytes: Most bytes of answers to keep.
    """

    def __init__(self, path: Path, base: str = "/", cached_bytes: int = CACHED_BYTES) -> None:
        self._path = path
        self._base = base.rstrip("/")
        self._cached_bytes = cached_bytes
        self._opened: Opened | None = None
        self._opening = threading.Lock()
        self._workers: ThreadPoolExecutor | None = None

    @property
    def cache(self) -> Cache | None:
        """The cache of the database that is open."""
        return self._opened.cache if self._opened else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method: str = scope["method"]
        path: str = scope["path"]
        if self._base and path.startswith(self._base + "/"):
            path = path[len(self._base) :]
        if method == "OPTIONS":
            await _send(send, 204, [*_PREFLIGHT, *_CORS, (b"content-length", b"0")], b"")
            return
        none_match = modified_since = None
        accepted = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                none_match = value
            elif name == b"accept-encoding":
                accepted = value
            elif name == b"if-modified-since":
                modified_since = value
        query: bytes = scope["query_string"]
        opened, kept = self._current(), None
        key = (path, query)
        refused = None if method in ("GET", "HEAD") else _NOT_READING
        if opened is not None and refused is None:
            kept = opened.cache.get(key)
        if kept is None:
            opened, kept = await self._make(path, query, refused)
        encoding = kept.encoding(accepted)
        if kept.is_known(none_match, modified_since, encoding):
            await _send(send, 304, kept.validators(encoding), b"")
            return
        known_forms = len(kept.forms)
        headers, body = kept.form(encoding)
        if opened is not None and kept.is_good and len(kept.forms) != known_forms and opened.is_settled:
            opened.cache.put(key, kept)
        await _send(send, kept.response.status, headers, b"" if method == "HEAD" else body)

    async def refuse(self, scope: Scope, send: Send, problem: ApiProblem) -> None:
        """Answer a request that was found not to be looked at, whatever it asks for."""
        path = scope["path"]
        if self._base and path.startswith(self._base + "/"):
            path = path[len(self._base) :]
        _, kept = await self._make(path, b"", problem)
        headers, body = kept.form("identity")
        await _send(send, kept.response.status, headers, b"" if scope["method"] == "HEAD" else body)

    def _current(self) -> Opened | None:
        """The open database, if its file is still the same; a file that is away for a moment changes nothing."""
        opened = self._opened
        if opened is None:
            return None
        try:
            return opened if identity_of(self._path) == opened.identity else None
        except OSError:
            return opened

    async def _make(self, path: str, query: bytes, refused: ApiProblem | None) -> tuple[Opened | None, Kept]:
        if self._workers is None:
            self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="api")
        work = partial(self._work, path, query, refused)
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _work(self, path: str, query: bytes, refused: ApiProblem | None) -> tuple[Opened | None, Kept]:
        """Open the database where needed and render, in a worker thread."""
        opened: Opened | None = None
        try:
            opened = self._open()
            if refused is not None:
                return opened, opened.problem(refused, path)
            return opened, opened.answer(path, query.decode("latin-1"))
        except (OSError, sqlite3.Error, MemoryError, Replaced) as error:
            print(f"ldn-evidence: API: {error or type(error).__name__}", file=sys.stderr)
            problem = ApiProblem(503, "unavailable", "the database cannot be read just now; try again")
        except Exception as error:
            # For whoever runs the server; visitors are not shown it.
            traceback.print_exception(error, file=sys.stderr)
            problem = ApiProblem(500, "internal", "this request could not be answered")
        if opened is not None:
            return opened, opened.problem(problem, path)
        problem = refused or problem
        body = orjson.dumps(problem.body(f"{self._base}{path}", self._base) | {"meta": {"notice": NOTICE}})
        return None, Kept(
            Response(problem.status, {"content-type": PROBLEM, **problem.headers}, body), "", b""
        )

    def _open(self) -> Opened:
        current = self._current()
        if current is not None:
            return current
        with self._opening:
            for attempt in range(3):
                current = self._current()
                if current is not None:
                    return current
                try:
                    identity = identity_of(self._path)
                    self._opened = Opened(self._path, identity, self._base, self._cached_bytes)
                    return self._opened
                except Replaced:
                    if attempt == 2:
                        raise
            raise Replaced


# What an answer says even where no database can be read.
NOTICE = (
    "Not medical advice. Naltrexone, at any dose, blocks opioid pain medicines and can bring on sudden withdrawal in "
    "people who use them."
)


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

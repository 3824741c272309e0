"""The API in Datasette: requests to `/api` are answered before Datasette's routing, on both of its lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from pluggy import HookimplMarker

from ldn_evidence.publish.api.problems import ApiProblem
from ldn_evidence.publish.api.serving import ApiServer, Receive, Scope, Send
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

Application = Callable[[Scope, Receive, Send], Any]

# Datasette -> the API of the database file that it served last.
_servers: WeakKeyDictionary[Any, tuple[Path, ApiServer]] = WeakKeyDictionary()


def server_of(datasette: Any) -> ApiServer | None:
    """The API of the catalogue that Datasette serves now; None where it serves something else."""
    database = datasette.databases.get(DATABASE_NAME)
    if database is None or database.path is None or database.is_memory:
        return None
    path = Path(database.path)
    known = _servers.get(datasette)
    if known is None or known[0] != path:
        known = _servers[datasette] = (path, ApiServer(path, datasette.setting("base_url")))
    return known[1]


def is_ours(datasette: Any, path: str) -> bool:
    """Whether an address is the API's."""
    # Behind a proxy that takes the prefix away, Datasette answers without it too.
    prefix = f"{datasette.setting('base_url').rstrip('/')}/api"
    return path.startswith((f"{prefix}/", "/api/")) or path in (prefix, "/api")


async def refuse(datasette: Any, scope: Scope, send: Send, status: int, why: str) -> bool:
    """Answer a refused request as the API answers errors.

    Returns:
        Whether it was one to the API; else nothing was sent.
    """
    # Slashes that are too many are a reason to refuse it, and must not hide whom it was meant for.
    server = server_of(datasette) if is_ours(datasette, f"/{scope['path'].lstrip('/')}") else None
    if server is not None:
        await server.refuse(scope, send, ApiProblem(status, "refused", why))
    return server is not None


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Application], Application]:
    """Put the API in front of Datasette."""

    def wrap(application: Application) -> Application:
        async def with_api(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and is_ours(datasette, scope["path"]):
                server = server_of(datasette)
                if server is not None:
                    await server(scope, receive, send)
                    return
            await application(scope, receive, send)

        return with_api

    return wrap

"""The API in Datasette: requests to `/api` are answered before Datasette's routing, on both of its lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pluggy import HookimplMarker

from ldn_evidence.publish.api.serving import ApiServer, Receive, Scope, Send
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")

Application = Callable[[Scope, Receive, Send], Any]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Application], Application]:
    """Put the API in front of Datasette."""

    def wrap(application: Application) -> Application:
        base = datasette.setting("base_url")
        prefix = f"{base.rstrip('/')}/api"
        servers: dict[Path, ApiServer] = {}

        def server() -> ApiServer | None:
            """The API of the catalogue that Datasette serves now; None where it serves something else."""
            database = datasette.databases.get(DATABASE_NAME)
            if database is None or database.path is None or database.is_memory:
                return None
            path = Path(database.path)
            if path not in servers:
                servers.clear()
                servers[path] = ApiServer(path, base)
            return servers[path]

        async def with_api(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                path = scope["path"]
                # Behind a proxy that takes the prefix away, Datasette answers without it too.
                ours = path.startswith((f"{prefix}/", "/api/")) or path in (prefix, "/api")
                answering = server() if ours else None
                if answering is not None:
                    await answering(scope, receive, send)
                    return
            await application(scope, receive, send)

        return with_api

    return wrap

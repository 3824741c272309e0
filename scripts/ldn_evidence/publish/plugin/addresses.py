"""What all addresses of ours share: how the visitor sees them, and how they are asked for."""

from __future__ import annotations

import re
from typing import Any

from datasette.utils.asgi import Response

_PLAUSIBLE_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?")


def origin(datasette: Any, request: Any) -> str:
    """Scheme and host as the visitor sees them; nothing where the host is not a plausible one."""
    if not _PLAUSIBLE_HOST.fullmatch(request.host or ""):
        return ""
    scheme = "https" if datasette.setting("force_https_urls") else request.scheme
    return f"{scheme}://{request.host}"


def refusal_to_write(request: Any) -> Any:
    """The answer to a request that does not read; None for all others."""
    if request.method in ("GET", "HEAD"):
        return None
    return Response.text("405: this is read with GET\n", status=405, headers={"allow": "GET, HEAD"})

"""Datasette's own pages in the colours of ours, with the warning above everything else."""

from __future__ import annotations

from typing import Any

from pluggy import HookimplMarker

from ldn_evidence.notice import NOT_ADVICE, WARNING
from ldn_evidence.publish.plugin.pages.site import asset
from ldn_evidence.publish.server import DATABASE_NAME

hookimpl = HookimplMarker("datasette")


@hookimpl
def extra_css_urls(datasette: Any) -> list[str]:
    """A small stylesheet after Datasette's own."""
    if DATABASE_NAME not in datasette.databases:
        return []
    return [datasette.urls.path(asset("datasette.css"))]


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, str]:
    """What `_crumbs.html` shows, which both lines of Datasette begin each page with."""
    return {"warning": WARNING, "not_advice": NOT_ADVICE} if DATABASE_NAME in datasette.databases else {}

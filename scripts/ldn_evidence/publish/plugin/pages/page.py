"""What a page is made of, and what can come in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the path below the site's base, its variables, the query's parameters."""

    path: str
    variables: Mapping[str, str]
    parameters: Mapping[str, str]
    url: Callable[[str], str]

    def get(self, name: str) -> str:
        """A parameter, or an empty string."""
        return self.parameters.get(name, "")

    def with_parameters(self, **changes: str) -> str:
        """The address of this page with some parameters changed; an empty one is left out."""
        merged = {key: value for key, value in {**self.parameters, **changes}.items() if value}
        query = urlencode(sorted(merged.items()))
        return self.url(self.path) + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Page:
    """A template with what it shows."""

    template: str
    title: str
    description: str
    context: Mapping[str, Any] = field(default_factory=dict)
    # schema.org, without @context and url.
    linked_data: Mapping[str, Any] = field(default_factory=dict)
    # The path of the page that this one is a variant of.
    canonical: str | None = None
    # Where programs find the same (path, media type, what it is).
    alternates: tuple[tuple[str, str, str], ...] = ()


class NoSuchRecord(LookupError):
    """There is no record of this id."""


class Moved(Exception):  # noqa: N818 - not an error
    """The page is elsewhere."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Gone:
    """Why a record was withdrawn, and when."""

    reason: str
    on: str

"""Errors as problem details (RFC 9457), which say what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Kinds of problem: the anchor on the documentation page, and the title.
TITLES: Mapping[str, str] = {
    "unknown-parameter": "Unknown parameter",
    "unknown-value": "Value not allowed",
    "missing-parameter": "Parameter missing",
    "repeated-parameter": "Parameter given twice",
    "unknown-field": "Unknown field",
    "unknown-part": "Unknown part",
    "bad-cursor": "Cursor not understood",
    "expired-cursor": "Cursor no longer valid",
    "not-found": "Not found",
    "redirect": "Another address",
    "moved": "Identifier was replaced",
    "gone": "Identifier was retired",
    "method-not-allowed": "Method not allowed",
    "refused": "Address refused",
    "unavailable": "Database not available",
    "internal": "Something broke here",
}


_SHORTEST_PART = 4


class ApiProblem(Exception):
    """A request that cannot be answered.

    Attributes:
        status: HTTP status.
        kind: One of `TITLES`.
        detail: What is wrong, for people.
        more: Further members: `parameter`, `allowed`, `did_you_mean`, ...
        headers: Headers of the answer.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.more = more
        self.headers = dict(headers or {})

    def body(self, instance: str, base: str) -> dict[str, Any]:
        """The members of the problem document."""
        return {
            "type": f"{base}/api/#{self.kind}",
            "title": TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            **{name: value for name, value in self.more.items() if value is not None},
        }


def close_to(found: str, allowed: Iterable[str], first: Iterable[str] = ()) -> list[str]:
    """Up to three of `allowed` that `found` may have meant: those of `first`, then the closest."""
    # Only when something went wrong.
    from rapidfuzz import fuzz, process, utils

    # A few letters stand somewhere in nearly every longer word, which says nothing.
    is_short = len(found.strip()) < _SHORTEST_PART
    matches = process.extract(
        found[:200],
        list(allowed),
        scorer=fuzz.ratio if is_short else fuzz.WRatio,
        processor=utils.default_process,
        limit=3,
        score_cutoff=70,
    )
    return list(dict.fromkeys([*first, *(str(match[0]) for match in matches)]))[:3]


def not_allowed(
    kind: str,
    what: str,
    found: str,
    allowed: Iterable[str],
    status: int = 400,
    meant_first: Iterable[str] = (),
    **more: Any,
) -> ApiProblem:
    """A problem for something that is not in a list; `meant_first` is what it may have meant by another name."""
    listed = list(allowed)
    meant = close_to(found, listed, meant_first)
    detail = f"{what}: found {found[:200]!r}"
    if meant:
        detail += f"; did you mean {meant[0]!r}?"
    elif len(listed) <= 40:
        detail += f"; allowed: {', '.join(listed)}"
    return ApiProblem(
        status,
        kind,
        detail,
        **more,
        allowed=listed if len(listed) <= 200 else None,
        did_you_mean=meant or None,
    )

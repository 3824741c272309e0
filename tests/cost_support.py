"""What something costs, in what is the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def counted_calls() -> Iterator[list[str]]:
    """The calls of functions, Python's and C's, that are made inside; each leaves its kind in the list."""
    seen: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            seen.append(event)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)

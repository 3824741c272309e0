"""Opening database files."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def open_read_only(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """Open a database that is there already; nothing is ever written, not even a file beside it.

    Args:
        path: The file, of whatever name: one that holds "#", "?" or "%" means something else in a bare address.
        immutable: Whether it is known not to change while it is open, so that SQLite need not look or lock.

    Raises:
        sqlite3.OperationalError: There is no such file, or it cannot be read.
    """
    # Not resolved: nothing but the file itself is asked of the file system.
    address = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(f"{address}&immutable=1" if immutable else address, uri=True)

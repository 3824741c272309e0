"""Opening database files, and what writes them."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database


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


def load_sqlite_utils() -> type[Database]:
    """The class `Database` of sqlite-utils, imported at the first call.

    It brings numpy along, which a build with nothing to do need not wait for; and pandas where that is installed, to know
    its types: that took a third of a build of the real catalogue and is left out, for no such types come here.
    """
    modules: dict[str, Any] = sys.modules
    is_there = "pandas" in modules
    if not is_there:
        modules["pandas"] = None
    try:
        from sqlite_utils import Database
    finally:
        if not is_there:
            del modules["pandas"]
    return Database

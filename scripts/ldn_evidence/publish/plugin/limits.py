"""What a query may use: sizes, functions and tables, set on every connection that runs a visitor's SQL.

Datasette's time limit is looked at between SQLite's instructions only, and its row limit counts rows, not
bytes. One call of a function can therefore take seconds and gigabytes. Here every single call is made
cheap: values have a largest size, functions whose cost is a product of two sizes are replaced by ones whose
cost is a sum (or that look at the clock), and what a reader of the catalogue has no use for is refused.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

from ldn_evidence.publish.plugin.search_text import fts_query

# Largest string, blob or row, in bytes. The longest real value is a summary of a few thousand characters; the
# room above that is for JSON that a query gathers.
LARGEST_VALUE = 250_000

# SQLite's own limits (https://www.sqlite.org/limits.html).
SQLITE_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LARGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 30_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 2_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}

# Most that SQLite may hold in memory in the whole process, in bytes. A query that doubles a subquery or an
# expression level upon level grows while it is compiled, where no clock and no limit on values reaches it
# (twenty levels: 12 s and gigabytes); this stops it within half a second. Everything else keeps far below.
LARGEST_HEAP = 128_000_000

# Most that one query may return, in bytes, over all its rows.
LARGEST_RESULT = 16_000_000

# Widest field that printf() and format() fill.
WIDEST_FIELD = 1_000

# Most characters that the two-argument forms of trim() look for.
MOST_TRIMMED_CHARACTERS = 1_000

# SQLite's own functions that a query may call. Others that a fresh connection offers are refused: some have
# a cost that is a product of sizes (json_patch), some are of no use here (load_extension, sqlite_log).
# Functions that plugins add are not touched.
_ALLOWED = """
-> ->> abs acos acosh asin asinh atan atan2 atanh avg bm25 ceil ceiling changes char coalesce concat
concat_ws cos cosh count cume_dist current_date current_time current_timestamp date datetime degrees
dense_rank exp first_value floor format fts5 fts5_source_id glob group_concat hex highlight if ifnull
iif instr json json_array json_array_length json_error_position json_extract json_group_array
json_group_object json_insert json_object json_pretty json_quote json_remove json_replace json_set
json_type json_valid jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert
jsonb_object jsonb_remove jsonb_replace jsonb_set julianday lag last_insert_rowid last_value lead length
like likelihood likely ln log log10 log2 lower ltrim match max median min mod nth_value ntile nullif
octet_length percent_rank percentile percentile_cont percentile_disc pi pow power printf quote radians
random randomblob rank replace round row_number rtrim sign sin sinh snippet soundex
sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version sqrt strftime
string_agg substr substring subtype sum tan tanh time timediff total total_changes trim trunc typeof
unicode unistr unixepoch unlikely upper zeroblob
"""
ALLOWED_FUNCTIONS = frozenset(_ALLOWED.split())

# Pragmas may be read as tables (`select * from pragma_table_info('studies')`). These describe the database;
# the others describe the server, such as where its files lie.
ALLOWED_PRAGMA_TABLES = frozenset(
    f"pragma_{name}"
    for name in (
        "foreign_key_list",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "table_info",
        "table_list",
        "table_xinfo",
    )
)

# Tables that SQLite offers in every database and that show what other visitors asked, or raw pages.
REFUSED_TABLES = frozenset({"sqlite_stmt", "sqlite_dbpage", "dbstat", "bytecode", "tables_used"})

Value = str | bytes | int | float | None
Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

_CONVERSION = re.compile(r"%[-+ 0#!,]*(\*|[0-9]*)(?:\.(\*|[0-9]*))?")


class QueryBudget:
    """What the query that runs on a connection may still use, and why it was stopped.

    Shared by a connection and the functions installed on it: SQLite keeps the words of an exception that a
    function raises to itself, so they are left here for the connection to say.
    """

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.refusal: str | None = None

    def begin(self, seconds: float) -> float:
        """A query begins that may run for `seconds`; returns when it has to end, on the monotonic clock."""
        self.refusal = None
        self.deadline = time.monotonic() + seconds
        return self.deadline

    def end(self) -> None:
        """The query has ended."""
        self.deadline = None

    @property
    def is_overdrawn(self) -> bool:
        """Whether the query has had its time."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def check_time(self) -> None:
        """Stop a query that has had its time, also where SQLite itself would not look at the clock."""
        if self.is_overdrawn:
            raise TimeoutError

    def refuse(self, why: str) -> NoReturn:
        """Stop the query and remember why."""
        self.refusal = why
        raise ValueError(why)


def apply_limits(connection: sqlite3.Connection, budget: QueryBudget, *, attach: bool = False) -> None:
    """Set every limit on `connection` and install the functions of this module.

    Args:
        connection: A connection on which a visitor's SQL will run.
        budget: Where those functions look at the clock and leave their reasons.
        attach: Whether databases are still to be attached (Datasette's `--crossdb`).
    """
    connection.execute(f"PRAGMA hard_heap_limit = {LARGEST_HEAP}")
    for limit, largest in SQLITE_LIMITS.items():
        if not (attach and limit == sqlite3.SQLITE_LIMIT_ATTACHED):
            connection.setlimit(limit, largest)
    install_functions(connection, budget)
    connection.set_authorizer(authorize)


def authorize(
    action: int, first: str | None, second: str | None, database: str | None, trigger: str | None
) -> int:
    """SQLite's authorizer: refuses functions and tables that readers of the catalogue have no use for."""
    if action == sqlite3.SQLITE_READ:
        table = (first or "").lower()
        if table in REFUSED_TABLES or (table.startswith("pragma_") and table not in ALLOWED_PRAGMA_TABLES):
            return sqlite3.SQLITE_DENY
    elif action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in refused_functions():
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@cache
def refused_functions() -> frozenset[str]:
    """The functions that a fresh connection of this SQLite offers and that are not allowed here."""
    connection = sqlite3.connect(":memory:")
    offered = {
        name.lower() for (name,) in connection.execute("SELECT DISTINCT name FROM pragma_function_list")
    }
    connection.close()
    return frozenset(offered) - ALLOWED_FUNCTIONS


def install_functions(connection: sqlite3.Connection, budget: QueryBudget) -> None:
    """Replace the functions whose cost is a product of two sizes, and add `fts_query(text)`.

    The replacements give what SQLite gives: wherever a value has to be converted or a pattern matched, they
    ask SQLite itself, on a connection of their own that has nothing in it.
    """
    native = sqlite3.connect(":memory:", check_same_thread=False)
    for limit in (sqlite3.SQLITE_LIMIT_LENGTH, sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH):
        native.setlimit(limit, SQLITE_LIMITS[limit])

    def ask_sqlite(function: str, *arguments: Value) -> Any:
        placeholders = ",".join("?" * len(arguments))
        try:
            return native.execute(f"SELECT {function}({placeholders})", arguments).fetchone()[0]
        except sqlite3.Error as error:
            budget.refuse(f"{function}(): {error}")

    def text_of(value: Value) -> str:
        if isinstance(value, str):
            return value
        return str(native.execute("SELECT CAST(? AS TEXT)", (value,)).fetchone()[0])

    def instr(text: Value, sought: Value) -> int | None:
        budget.check_time()
        if text is None or sought is None:
            return None
        if isinstance(text, bytes) and isinstance(sought, bytes):
            return text.find(sought) + 1
        return text_of(text).find(text_of(sought)) + 1

    def replace(text: Value, sought: Value, replacement: Value) -> Value:
        budget.check_time()
        if text is None or sought is None:
            return None
        part = text_of(sought)
        if not part:
            return text_of(text) if isinstance(text, bytes) else text
        if replacement is None:
            return None
        whole, new = text_of(text), text_of(replacement)
        if len(whole) + whole.count(part) * (len(new) - len(part)) > LARGEST_VALUE:
            budget.refuse(f"replace(): the result is longer than {LARGEST_VALUE:,} characters")
        return whole.replace(part, new)

    def trimmer(name: str, strip: Callable[[str, str], str]) -> Callable[[Value, Value], str | None]:
        def trim(text: Value, characters: Value) -> str | None:
            budget.check_time()
            if text is None or characters is None:
                return None
            unwanted = text_of(characters)
            if len(unwanted) > MOST_TRIMMED_CHARACTERS:
                budget.refuse(f"{name}(): more than {MOST_TRIMMED_CHARACTERS:,} characters to look for")
            return strip(text_of(text), unwanted) if unwanted else text_of(text)

        return trim

    def timed(function: str) -> Callable[..., Any]:
        def call(*arguments: Value) -> Any:
            budget.check_time()
            return ask_sqlite(function, *arguments)

        return call

    def formatted(name: str) -> Callable[..., Any]:
        def call(*arguments: Value) -> Any:
            budget.check_time()
            for sizes in _CONVERSION.findall(text_of(arguments[0])) if arguments else ():
                if "*" in sizes:
                    budget.refuse(f"{name}(): * as a width or precision is refused; write the number")
                if any(len(size) > len(str(WIDEST_FIELD)) or int(size or 0) > WIDEST_FIELD for size in sizes):
                    budget.refuse(f"{name}(): a width or precision above {WIDEST_FIELD:,} is refused here")
            return ask_sqlite("printf", *arguments)

        return call

    # Declared deterministic, as SQLite's own are: an index or a generated column may rest on them.
    for name, arity, function in (
        ("instr", 2, instr),
        ("replace", 3, replace),
        ("trim", 2, trimmer("trim", str.strip)),
        ("ltrim", 2, trimmer("ltrim", str.lstrip)),
        ("rtrim", 2, trimmer("rtrim", str.rstrip)),
        ("like", 2, timed("like")),
        ("like", 3, timed("like")),
        ("glob", 2, timed("glob")),
        ("printf", -1, formatted("printf")),
        ("format", -1, formatted("format")),
        ("fts_query", 1, fts_query),
    ):
        connection.create_function(name, arity, function, deterministic=True)

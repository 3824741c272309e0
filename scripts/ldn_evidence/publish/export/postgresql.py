"""The base as SQL text for PostgreSQL: one transaction for psql.

Tables are made from the same layout as SQLite's, with PostgreSQL's types:

- TEXT is `text`, REAL `double precision`, INTEGER `bigint`; booleans are `smallint` with their CHECK, so that one query
  (`WHERE used = 1`) runs in every engine;
- JSON is `jsonb`, which needs no `json_valid` check;
- dates stay `text`, for many are only a year or a month.

The views are SQLite's, parsed and written anew by sqlglot; `_for_postgresql` holds what it cannot know. Search is
PostgreSQL's own: a `tsvector` that the server generates, with a GIN index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.expressions import Expr

from ldn_evidence.publish.export.base import Base, CannotExport, ExportColumn, Relation, Row
from ldn_evidence.publish.export.files import Written
from ldn_evidence.publish.export.sqlite import comment, literal

_TYPES = {
    "text": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "smallint",
    "array": "jsonb",
    "object": "jsonb",
}

# SQLite counts a year on from 29 February as 1 March, PostgreSQL as 28 February.
_FUNCTIONS = """
-- What SQLite's date(day, '+1 year') gives.
CREATE FUNCTION years_later(day text, years integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT to_char(
        date_trunc('month', to_date(day, 'YYYY-MM-DD')) + make_interval(years => years)
        + make_interval(days => extract(day FROM to_date(day, 'YYYY-MM-DD'))::integer - 1),
        'YYYY-MM-DD'
    )
$$;
"""

_SEARCH = """
-- Full-text search: WHERE document @@ websearch_to_tsquery('english', 'fibromyalgia pain')
CREATE TABLE search (
    kind     text NOT NULL,
    id       text NOT NULL,
    title    text,
    names    text,
    body     text,
    document tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', coalesce(title, '')), 'A')
        || setweight(to_tsvector('english', coalesce(names, '')), 'B')
        || setweight(to_tsvector('english', coalesce(body, '')), 'C')
    ) STORED,
    PRIMARY KEY (kind, id)
);
"""


def write_sql(base: Base, folder: Path) -> Iterable[Written]:
    """Write the tables with rows, keys, checks, indexes, comments, views and search."""
    target = folder / "ldn.postgresql.sql"
    rows = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write(comment(base))
        file.write(
            "-- Load it into an empty database: psql --set ON_ERROR_STOP=1 --file ldn.postgresql.sql\n\n"
            "BEGIN;\nSET LOCAL client_encoding = 'UTF8';\n"
        )
        for name, table in base.tables.items():
            file.write("\n" + _create_table(base, table))
            found = base.rows(name)
            rows += len(found)
            file.writelines(_copy(name, table.column_names, found))
        file.write(_SEARCH)
        names = ("kind", "id", "title", "names", "body")
        search = base.connection.execute(f"SELECT {', '.join(names)} FROM search ORDER BY rowid")
        file.writelines(_copy("search", names, search))
        file.write("\n-- Keys and indexes, quicker made when the rows are in.\n")
        file.writelines(_foreign_keys(base))
        file.writelines(_indexes(base))
        file.write("CREATE INDEX search_document ON search USING gin (document);\n")
        file.write(_FUNCTIONS)
        for name, view in base.views.items():
            file.write(f"\n{translated_view(_definition(base, name))};\n")
            file.writelines(_comments(view))
        file.write("\nCOMMIT;\nANALYZE;\n")
    yield Written(target, rows)


def translated_view(statement: str) -> str:
    """A `CREATE VIEW` of SQLite as PostgreSQL has it.

    Raises:
        CannotExport: It uses a function of SQLite that has no translation here.
    """
    tree = parse_one(statement, read="sqlite")
    for select in tree.find_all(exp.Select):
        select.set("expressions", [_number_for_truth(column) for column in select.expressions])
    return tree.transform(_for_postgresql).sql(dialect="postgres", pretty=True, comments=False)


def _number_for_truth(column: Expr) -> Expr:
    """A condition in a column list as 0 or 1, as SQLite has it."""
    inner = column.this if isinstance(column, exp.Alias) else column
    if not isinstance(inner, exp.Predicate | exp.Not | exp.And | exp.Or):
        return column
    number = exp.Cast(this=exp.Paren(this=inner.copy()), to=exp.DataType.build("integer"))
    return exp.alias_(number, column.alias) if isinstance(column, exp.Alias) else number


def _for_postgresql(node: Expr) -> Expr:
    """What sqlglot leaves as it is, or cannot know."""
    if isinstance(node, exp.Date):
        arguments = [node.this, node.args.get("zone"), *(node.args.get("expressions") or ())]
        return _years_later([argument for argument in arguments if argument is not None])
    if isinstance(node, exp.Anonymous) and node.name.lower() == "date":
        return _years_later(node.expressions)
    if isinstance(node, exp.GroupConcat) and node.args.get("separator") is None:
        node.set("separator", exp.Literal.string(","))
    return node


def _years_later(arguments: list[Expr]) -> Expr:
    if len(arguments) == 2 and isinstance(arguments[1], exp.Literal):
        number, _, unit = arguments[1].name.partition(" ")
        if unit.rstrip("s") == "year":
            return exp.Anonymous(
                this="years_later", expressions=[arguments[0], exp.Literal.number(int(number))]
            )
    raise CannotExport(
        "a view uses date() in a way that is not translated to PostgreSQL yet: "
        + ", ".join(argument.sql(dialect="sqlite") for argument in arguments)
    )


def _create_table(base: Base, table: Relation) -> str:
    width = max(len(name) for name in table.column_names)
    checks = {column.name: column.check for column in base.layout.tables[table.name].columns}
    lines = [f"    {_column(column, checks[column.name], width)}" for column in table.columns]
    lines.append(f"    PRIMARY KEY ({', '.join(table.primary_key)})")
    text = f"CREATE TABLE {table.name} (\n" + ",\n".join(lines) + "\n);\n"
    return text + "".join(_comments(table))


def _column(column: ExportColumn, check: str | None, width: int) -> str:
    words = [f"{_name(column.name):<{width}}", _TYPES[column.meaning]]
    if column.required:
        words.append("NOT NULL")
    if check and column.meaning != "array":
        words.append(f"CHECK ({check})")
    return " ".join(words)


def _comments(relation: Relation) -> Iterator[str]:
    kind = "VIEW" if relation.is_view else "TABLE"
    if relation.description:
        yield f"COMMENT ON {kind} {relation.name} IS {literal(relation.description)};\n"
    for column in relation.columns:
        if column.description:
            yield f"COMMENT ON COLUMN {relation.name}.{_name(column.name)} IS {literal(column.description)};\n"


def _copy(name: str, columns: Iterable[str], rows: Iterable[Row]) -> Iterator[str]:
    yield f"COPY {name} ({', '.join(map(_name, columns))}) FROM stdin;\n"
    for row in rows:
        yield "\t".join(map(_copied, row)) + "\n"
    yield "\\.\n"


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: Any) -> str:
    if value is None:
        return "\\N"
    return value.translate(_ESCAPES) if isinstance(value, str) else repr(value)


def _foreign_keys(base: Base) -> Iterator[str]:
    for name, table in base.tables.items():
        for column in table.columns:
            if column.references:
                yield f"ALTER TABLE {name} ADD FOREIGN KEY ({column.name}) REFERENCES {column.references} (id);\n"


def _indexes(base: Base) -> Iterator[str]:
    found = base.connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    )
    return (f"{statement};\n" for (statement,) in found)


def _definition(base: Base, name: str) -> str:
    (statement,) = base.connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return str(statement)


# Our names that PostgreSQL reserves.
_RESERVED = frozenset(
    {"analyse", "column", "desc", "end", "group", "limit", "order", "references", "table", "user", "when"}
)


def _name(name: str) -> str:
    return f'"{name}"' if name in _RESERVED else name

"""Every table and view as a Parquet file, the hand-over to engines such as DuckDB and Spark.

Booleans stay 0 and 1 and JSON stays text, so that one query gives the same rows in SQLite, PostgreSQL, DuckDB and Spark.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow
from pyarrow import parquet

from ldn_evidence.publish.export.base import Base, Relation
from ldn_evidence.publish.export.files import Written

_TYPES = {
    "text": pyarrow.string(),
    "integer": pyarrow.int64(),
    "number": pyarrow.float64(),
    "boolean": pyarrow.int8(),
    "array": pyarrow.string(),
    "object": pyarrow.string(),
}


def write_files(base: Base, folder: Path) -> Iterable[Written]:
    """Write `parquet/<table or view>.parquet`, with descriptions, licence and notice in each file's metadata."""
    directory = folder / "parquet"
    directory.mkdir()
    for name, relation in base.relations.items():
        target = directory / f"{name}.parquet"
        table = _table(base, relation)
        parquet.write_table(table, target, compression="zstd")
        yield Written(target, table.num_rows)


def _table(base: Base, relation: Relation) -> pyarrow.Table:
    schema = pyarrow.schema(
        [
            pyarrow.field(
                column.name,
                _TYPES[column.meaning],
                nullable=not column.required,
                metadata={"description": column.description},
            )
            for column in relation.columns
        ],
        metadata={**base.provenance, "description": relation.description},
    )
    rows = base.rows(relation.name)
    columns = zip(*rows, strict=True) if rows else ((),) * len(relation.columns)
    arrays = [
        pyarrow.array(values, type=_TYPES[column.meaning])
        for values, column in zip(columns, relation.columns, strict=True)
    ]
    return pyarrow.Table.from_arrays(arrays, schema=schema)

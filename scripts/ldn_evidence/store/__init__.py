"""From checked records and computed rows to ldn.db."""

from ldn_evidence.store.build import (
    BrokenBuild,
    RecordsHaveProblems,
    pack_rows,
    record_tables,
    write_database,
)

__all__ = ["BrokenBuild", "RecordsHaveProblems", "pack_rows", "record_tables", "write_database"]

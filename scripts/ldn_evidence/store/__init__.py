"""From checked records and computed rows to ldn.db."""

from ldn_evidence.store.build import pack_rows, record_tables, write_database

__all__ = ["pack_rows", "record_tables", "write_database"]

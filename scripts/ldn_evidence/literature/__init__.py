"""What reference managers, PubMed and trial registries export, read as the fields of records."""

from ldn_evidence.literature.entry import Entry, NotUnderstood
from ldn_evidence.literature.formats import MissingReader, read_export
from ldn_evidence.literature.identifiers import read_identifier

__all__ = ["Entry", "MissingReader", "NotUnderstood", "read_export", "read_identifier"]

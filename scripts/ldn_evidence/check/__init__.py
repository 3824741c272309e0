"""Check every record: parse, shape, record, catalogue. Later stages skip what failed an earlier one."""

from ldn_evidence.check.checker import CheckedDraft, Look, check_draft, check_project
from ldn_evidence.check.results import CheckedCatalogue, CheckedRecord

__all__ = [
    "CheckedCatalogue",
    "CheckedDraft",
    "CheckedRecord",
    "Look",
    "check_draft",
    "check_project",
]

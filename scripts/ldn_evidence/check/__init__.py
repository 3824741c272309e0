"""Check every record: parse, shape, record, catalogue. Later stages skip what failed an earlier one."""

from ldn_evidence.check.checker import Look, check_alone, check_project
from ldn_evidence.check.results import CheckedCatalogue, CheckedRecord

__all__ = [
    "CheckedCatalogue",
    "CheckedRecord",
    "Look",
    "check_alone",
    "check_project",
]

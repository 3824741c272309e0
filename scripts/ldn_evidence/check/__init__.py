"""Check every record: parse, shape, record, catalogue. Later stages skip what failed an earlier one."""

from ldn_evidence.check.checker import (
    CheckedCatalogue,
    CheckedRecord,
    check_alone,
    check_project,
    content_of,
    run_check,
)

__all__ = ["CheckedCatalogue", "CheckedRecord", "check_alone", "check_project", "content_of", "run_check"]

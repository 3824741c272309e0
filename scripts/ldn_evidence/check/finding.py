"""What a stage finds wrong inside one record, and where that stands in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ldn_evidence.problems import FieldPath, Problem, format_path

Path = FieldPath


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place inside one record, before file and line are known.

    Attributes:
        path: Keys and list positions that lead to the place.
        message: What was found and what is allowed.
        rule: Name of the rule, as in `schema/rules.yml`.
        at_key: Whether the place is the key itself (an unknown field) and not its value.
    """

    path: Path
    message: str
    rule: str
    at_key: bool = field(default=False)


def locate(findings: Sequence[Finding], file: str, data: bytes) -> list[Problem]:
    """Give findings their line and column; only now are positions looked up."""
    from ldn_evidence.read.strict_yaml import key_positions, positions
    from ldn_evidence.read.strict_yaml import locate as nearest

    values = positions(data)
    keys = key_positions(data) if any(finding.at_key for finding in findings) else values
    problems = []
    for finding in findings:
        line, column = nearest(keys if finding.at_key else values, finding.path)
        problems.append(Problem(file, line, column, format_path(finding.path), finding.message, finding.rule))
    return problems

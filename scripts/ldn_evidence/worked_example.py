"""The worked example in `docs/method.md`: one condition, with the numbers that the records give today."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ldn_evidence.project import Project

CONDITION = "crohns-disease"

_BLOCK = re.compile(r"(?s)(<!-- example:[^\n]*-->\n).*?(<!-- /example -->\n)")


def method_file(project: Project) -> str:
    """`docs/method.md` with its example computed anew.

    Raises:
        ValueError: The file has no marks between which the example stands.
    """
    text = (project.root / "docs" / "method.md").read_text("utf-8")
    example = _example(project)
    filled, count = _BLOCK.subn(lambda found: f"{found[1]}{example}{found[2]}", text)
    if count != 1:
        raise ValueError("docs/method.md: the marks <!-- example: ... --> and <!-- /example --> are missing")
    return filled


def without_example(text: str) -> str:
    """A text without the example, for pages that draw one from the database."""
    before, mark, rest = text.partition("<!-- example:")
    return before + rest.partition("<!-- /example -->\n\n")[2] if mark else text


def _example(project: Project) -> str:
    from ldn_evidence.explain import as_data, explain

    data = as_data(explain(project, CONDITION))
    computed = data["computed"]
    lines = [
        f"## Worked example: {data['name']}",
        "",
        f"By rule {data['rule_version']}: **{computed['tier']}**, direction **{_words(computed['direction'])}**. "
        f"{data['reason']}",
        "",
    ]
    for about, title in (("tier", "Tier"), ("direction", "Direction")):
        lines += [f"{title}, from the top; the first rule that is met decides:", ""]
        for step in data["trace"]:
            if step["about"] == about:
                lines += _rule(step)
        lines.append("")
    lines += ["| Up to | Tier | Direction | Changed by |", "| --- | --- | --- | --- |"]
    for point in data["history"]:
        caused_by = ", ".join(f"`{study}`" for study in point["caused_by"])
        lines.append(
            f"| {point['year']} | {point['tier']} | {_words(point['direction'])} | {caused_by or 'no change'} |"
        )
    lines.append("")
    lines += [f"- To {row['change']} it: {row['description']}" for row in data["outlook"]]
    return "\n".join(lines) + "\n"


def _rule(step: Mapping[str, Any]) -> list[str]:
    met = "met" if step["satisfied"] else "not met"
    lines = [f"- `{step['rule']}` ({_words(step['gives'])}): {met}."]
    for criterion in step["criteria"]:
        if criterion["satisfied"] == step["satisfied"]:
            numbers = ", ".join(f"{_words(name)} {value}" for name, value in criterion["inputs"].items())
            studies = ", ".join(f"`{study}`" for study in criterion["studies"])
            lines.append(
                f"    - {criterion['statement']} Here: {numbers}{f' ({studies})' if studies else ''}."
            )
    return lines


def _words(name: str) -> str:
    return name.replace("_", " ")

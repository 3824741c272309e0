"""Files that are written from others and kept in git, each with the function that writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ldn_evidence.check.terms import render_terms
from ldn_evidence.project import Project
from ldn_evidence.publish.api.tables import render_api_tables
from ldn_evidence.publish.metadata import render_metadata
from ldn_evidence.schemas import Schemas
from ldn_evidence.store.layout import Layout, render_tables
from ldn_evidence.worked_example import method_file

# In the order in which they depend on each other.
GENERATED: Mapping[str, Callable[[Project], str]] = {
    "schema/terms.schema.json": lambda project: render_terms(
        project.data / "vocabularies", Schemas(project.schema)
    ),
    "schema/tables.sql": lambda project: render_tables(Layout(Schemas(project.schema))),
    "metadata.yml": render_metadata,
    "scripts/ldn_evidence/publish/api/tables.json": render_api_tables,
    "docs/method.md": method_file,
}


def stale_files(project: Project) -> Iterator[str]:
    """Generated files that no longer say what they are written from."""
    for name, render in GENERATED.items():
        path = project.root / name
        if not path.is_file() or path.read_text("utf-8") != render(project):
            yield name


def write_generated(project: Project) -> list[Path]:
    """Write every generated file anew; the paths of those that changed."""
    changed = []
    for name, render in GENERATED.items():
        path = project.root / name
        text = render(project)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed

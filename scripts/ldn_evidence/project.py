"""Where a catalogue's files are."""

from dataclasses import dataclass
from pathlib import Path


class ProjectNotFound(FileNotFoundError):
    """There is no catalogue where one was looked for; the message says where that was and what to do."""


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout of the catalogue: a folder that holds `data/` and `schema/`."""

    root: Path

    @property
    def data(self) -> Path:
        """The records, `data/<kind>/<id>.yml`."""
        return self.root / "data"

    @property
    def schema(self) -> Path:
        """JSON Schemas, tables, views and rules."""
        return self.root / "schema"

    @property
    def database(self) -> Path:
        """The file that a build writes."""
        return self.root / "ldn.db"

    @property
    def metadata(self) -> Path:
        """Datasette's metadata, kept in git."""
        return self.root / "metadata.yml"

    @property
    def exports(self) -> Path:
        """The folder that an export writes."""
        return self.root / "dist"

    @property
    def cache(self) -> Path:
        """What only saves time; it can be deleted whenever one likes."""
        return self.root / ".cache"


def find_project(start: Path | None = None) -> Project:
    """The project that holds `start` (default: the current folder): the nearest one upwards.

    Raises:
        ProjectNotFound: neither `start` nor a folder above it holds `data/` and `schema/`.
    """
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "data").is_dir() and (candidate / "schema").is_dir():
            return Project(candidate)
    raise ProjectNotFound(
        f"no catalogue found: neither {folder} nor a folder above it holds both data/ and schema/; "
        "change to your checkout or name it with --root"
    )

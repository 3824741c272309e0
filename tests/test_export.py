"""The export command as a whole: same bytes, checksums, manifest, licence, misuse."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import require_tool
from ldn_evidence.cli import main
from ldn_evidence.project import Project
from ldn_evidence.publish.export import FORMATS, CannotExport, export
from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.formats import Format


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_database_gives_the_same_bytes_anywhere(
    exported: Path, built_database: Path, project_root: Path, tmp_path: Path
) -> None:
    time.tzset()
    export(Project(project_root), (), tmp_path / "again", built_database)
    assert contents(tmp_path / "again") == contents(exported)


def test_the_manifest_names_every_file(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_bytes())
    found = contents(exported)
    assert set(found) == {one["file"] for one in manifest["files"]} | {"manifest.json", "SHA256SUMS"}
    assert {one["format"] for one in manifest["files"]} == set(FORMATS)
    for one in manifest["files"]:
        assert found[one["file"]] == one["sha256"]
        assert (exported / one["file"]).stat().st_size == one["size"] > 0
    assert manifest["license"] == "CC0-1.0"
    assert "opioid" in manifest["notice"]


def test_checksums_hold(exported: Path) -> None:
    tool = require_tool("sha256sum", "it checks the checksums")
    done = subprocess.run(
        [tool, "--check", "--quiet", "SHA256SUMS"], cwd=exported, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "format", [one for one in FORMATS.values() if one.name not in ("sqlite", "csv", "excel", "site", "api")]
)
def test_every_file_says_that_it_is_not_advice_and_of_which_commit_it_is(
    exported: Path, built_database: Path, project_root: Path, format: Format
) -> None:
    with Base(Project(project_root), built_database) as base:
        commit, version = base.info["commit"], base.version
    path = exported / format.files
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    for file in files:
        text = file.read_bytes()
        # Line folding and escapes of the formats aside.
        squeezed = text.replace(b"\r\n ", b"").replace(b"\n     ", b"")
        assert b"ot medical advice" in squeezed
        assert b"opioid" in squeezed
        assert b"CC0" in squeezed or b"publicdomain/zero" in squeezed
        assert commit.encode() in squeezed
        assert version.encode() in squeezed


def test_formats_can_be_chosen_and_others_stay(
    built_database: Path, project_root: Path, tmp_path: Path
) -> None:
    project = Project(project_root)
    export(project, ["ris"], tmp_path, built_database)
    entries = export(project, ["bibtex"], tmp_path, built_database)
    assert {one.format for one in entries} == {"ris", "bibtex"}
    assert set(contents(tmp_path)) == {"ldn.ris", "ldn.bib", "manifest.json", "SHA256SUMS"}


def test_a_folder_never_holds_two_versions(built_database: Path, project_root: Path, tmp_path: Path) -> None:
    project = Project(project_root)
    output = tmp_path / "dist"
    (output).mkdir()
    (output / "mine.txt").write_text("not ours")
    export(project, ["ris", "parquet"], output, built_database)
    other = tmp_path / "other.db"
    shutil.copyfile(built_database, other)
    with sqlite3.connect(other) as connection:
        connection.execute("UPDATE build_info SET value = 'another' WHERE key = 'digest'")
    export(project, ["bibtex"], output, other)
    assert set(contents(output)) == {"ldn.bib", "manifest.json", "SHA256SUMS", "mine.txt"}


def test_an_unknown_format_is_named_with_the_nearest(
    built_database: Path, project_root: Path, tmp_path: Path
) -> None:
    arguments = [
        "--root",
        str(project_root),
        "export",
        "bibtx",
        "--database",
        str(built_database),
        "--output",
        str(tmp_path),
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert 'there is no format "bibtx"; did you mean "bibtex"?' in done.output


def test_the_command_writes_and_says_where(built_database: Path, project_root: Path, tmp_path: Path) -> None:
    arguments = [
        "--root",
        str(project_root),
        "export",
        "ris",
        "--database",
        str(built_database),
        "--output",
        str(tmp_path),
    ]
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.output.startswith(f"{tmp_path}: 1 file, ")) == (0, True)


def test_the_list_of_formats_is_complete() -> None:
    done = CliRunner().invoke(main, ["export", "--list"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == list(FORMATS)


def test_a_database_of_another_schema_is_refused(
    built_database: Path, project_root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    shutil.copyfile(built_database, other)
    with sqlite3.connect(other) as connection:
        connection.execute("ALTER TABLE retired ADD COLUMN more TEXT")
    with pytest.raises(CannotExport, match="the table retired is not as schema/ has it"):
        export(Project(project_root), ["ris"], tmp_path / "dist", other)
    (tmp_path / "text.db").write_text("not a database")
    with pytest.raises(CannotExport, match="not a database of this project"):
        export(Project(project_root), ["ris"], tmp_path / "dist", tmp_path / "text.db")
    assert not (tmp_path / "dist").exists()


def test_the_readme_lists_every_format(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text("utf-8")
    for format in FORMATS.values():
        assert f"`{format.name}`" in readme
        assert format.files in readme

"""What changed between two versions of the base: release notes in Markdown and JSON.

Versions are two databases, or two git revisions, each of which is built by its own code in a worktree that is removed
again. What counts is what a reader of the base would see: tiers and why they moved, studies, numbers, verdicts, trials.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ldn_evidence.databases import open_read_only
from ldn_evidence.project import Project
from ldn_evidence.schemas import Schemas
from ldn_evidence.store.layout import Layout

Step = Literal["none", "patch", "minor", "major"]
Key = tuple[Any, ...]

# Rows of these have no lasting key but their place, which shifts when one is put in before them.
_NATURAL_KEYS: Mapping[str, tuple[str, ...]] = {
    "results": ("outcome_id", "arm_id", "kind"),
    "adverse_events": ("study_id", "arm_id", "term"),
    "adverse_effect_frequencies": ("adverse_effect_id", "study_id", "source_id", "dose"),
    "condition_names": ("condition_id", "name"),
    "condition_identifiers": ("condition_id", "scheme", "code"),
    "study_conditions": ("study_id", "condition_id"),
}
# Computed beside what the appraisal computes, or about the build.
_NOT_RECORDS = frozenset({"instruments", "vocabulary_terms", "vocabularies"})
# Text columns that hold a printed number.
_PRINTED = frozenset({"p", "p_within", "effect_p"})


class CannotCompare(Exception):
    """There is no such version, or it cannot be built; the message is for the person who named it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One side of a comparison."""

    name: str
    data_version: str
    commit: str
    committed_on: str


@dataclass(frozen=True, slots=True)
class TierChange:
    """A condition whose tier or direction is another one.

    `because` says what moved it: new or corrected studies of the condition, or a new version of the rule.
    """

    condition_id: str
    name: str
    old_tier: str
    new_tier: str
    old_direction: str
    new_direction: str
    reason: str | None
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record that came or went; `successor` is the one to use instead of a retired one."""

    kind: str
    id: str
    title: str
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A number of a record that both versions have; None is a number that is not known."""

    kind: str
    id: str
    table: str
    row: str
    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim that was judged anew."""

    claim_id: str
    statement: str
    old: str
    new: str
    explanation: str


@dataclass(frozen=True, slots=True)
class TrialChange:
    """A registered trial that has reported, or whose status is another one."""

    trial_id: str
    registry_number: str
    title: str
    old_status: str
    new_status: str
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A pooled estimate of our own that is new, gone or another one; values as text with the interval."""

    meta_analysis_id: str
    condition_id: str
    domain: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Difference:
    """All that changed from `old` to `new`."""

    old: Version
    new: Version
    least_step: Step = "none"
    tiers: list[TierChange] = field(default_factory=list)
    added: list[RecordChange] = field(default_factory=list)
    removed: list[RecordChange] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    reworded: list[RecordChange] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    trials: list[TrialChange] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    schema_removed: list[str] = field(default_factory=list)
    schema_added: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)


def compare_versions(project: Project, old: str, new: str) -> Difference:
    """Compare two versions, each a database file or a git revision.

    Args:
        project: The project whose schema says which tables hold records, and whose repository knows the revisions.
        old: The earlier one.
        new: The later one.

    Raises:
        CannotCompare: One of them does not exist, cannot be built, or is not a database of this project.
    """
    with ExitStack() as stack:
        databases = [stack.enter_context(_database(project, name)) for name in (old, new)]
        return compare(project, databases[0], databases[1], (old, new))


def compare(project: Project, old: Path, new: Path, names: tuple[str, str] = ("old", "new")) -> Difference:
    """Compare two database files.

    Raises:
        CannotCompare: One of them is not a database of this project.
    """
    layout = Layout(Schemas(project.schema))
    computed = set(Schemas(project.schema).record("computed")["$defs"])
    try:
        with closing(_open(old)) as before, closing(_open(new)) as after:
            return _Comparison(layout, computed, before, after, names).difference()
    except sqlite3.DatabaseError as error:
        raise CannotCompare(f"{old} or {new} is not a database of this project: {error}") from None


class _Comparison:
    def __init__(
        self,
        layout: Layout,
        computed: set[str],
        old: sqlite3.Connection,
        new: sqlite3.Connection,
        names: tuple[str, str],
    ) -> None:
        self.old = old
        self.new = new
        self.names = names
        self.kinds = {table.name: table.kind for table in layout.tables.values() if table.kind}
        self.owners = {f"{layout.singular(kind)}_id": kind for kind in self.kinds.values()}
        self.old_columns = _columns(old)
        self.new_columns = _columns(new)
        self.record_tables = [
            name
            for name in layout.tables
            if name not in computed | _NOT_RECORDS and name in self.old_columns and name in self.new_columns
        ]

    def difference(self) -> Difference:
        added, removed = self._records()
        corrections, reworded = self._corrections()
        schema_removed = _missing(self.old_columns, self.new_columns)
        schema_added = _missing(self.new_columns, self.old_columns)
        tiers = self._tiers(added, corrections, reworded)
        verdicts = self._verdicts()
        trials = self._trials()
        step: Step = "none"
        if corrections or reworded or tiers or verdicts or trials:
            step = "patch"
        if added or removed or schema_added:
            step = "minor"
        if schema_removed:
            step = "major"
        return Difference(
            _version(self.old, self.names[0]),
            _version(self.new, self.names[1]),
            step,
            tiers,
            added,
            removed,
            corrections,
            reworded,
            verdicts,
            trials,
            self._estimates(),
            schema_removed,
            schema_added,
        )

    def _records(self) -> tuple[list[RecordChange], list[RecordChange]]:
        added, removed = [], []
        successors = {
            (row["kind"], row["id"]): row["successor"]
            for row in _rows(self.new, "SELECT kind, id, successor FROM retired")
        }
        for table in self.record_tables:
            kind = self.kinds.get(table)
            if kind is None:
                continue
            before, after = self._titles(self.old, table), self._titles(self.new, table)
            added += [RecordChange(kind, id, after[id]) for id in sorted(after.keys() - before.keys())]
            removed += [
                RecordChange(kind, id, before[id], successors.get((kind, id)))
                for id in sorted(before.keys() - after.keys())
            ]
        return added, removed

    def _titles(self, connection: sqlite3.Connection, table: str) -> dict[str, str]:
        columns = self.old_columns if connection is self.old else self.new_columns
        title = next(
            (name for name in ("title", "name", "statement", "question", "scope") if name in columns[table]),
            "id",
        )
        return {row["id"]: row[title] for row in _rows(connection, f"SELECT id, {title} FROM {table}")}

    def _corrections(self) -> tuple[list[Correction], list[RecordChange]]:
        corrections: list[Correction] = []
        reworded: dict[tuple[str, str], RecordChange] = {}
        for table in self.record_tables:
            shared = [name for name in self.new_columns[table] if name in self.old_columns[table]]
            owner = self._owner(table)
            if owner is None:
                continue
            kind, column = owner
            own = self.kinds.get(table) == kind
            known = self._ids(kind)
            titles = self._titles(self.new, kind.replace("-", "_"))
            before = self._keyed(self.old, table, shared)
            after = self._keyed(self.new, table, shared)
            for key in sorted(before.keys() | after.keys(), key=repr):
                old, new = before.get(key), after.get(key)
                row = new or old
                assert row is not None
                identifier = row["id" if own else column]
                if identifier not in known or old == new:
                    continue
                for name in shared:
                    was, now = (old or {}).get(name), (new or {}).get(name)
                    if was == now or name in (*key[0], "position", "id"):
                        continue
                    if self._is_number(table, name):
                        place = "/".join(str(part) for part in key[1:] if part not in (None, identifier))
                        corrections.append(Correction(kind, identifier, table, place, name, was, now))
                    else:
                        reworded[kind, identifier] = RecordChange(kind, identifier, titles[identifier])
        return corrections, [reworded[key] for key in sorted(reworded)]

    def _owner(self, table: str) -> tuple[str, str] | None:
        """The kind to whose records a table's rows belong, and the column that names the record."""
        if table in self.kinds:
            return self.kinds[table], "id"
        for column in self.new_columns[table]:
            if column in self.owners:
                return self.owners[column], column
        return None

    def _ids(self, kind: str) -> set[str]:
        """Records of a kind that both versions have."""
        table = kind.replace("-", "_")
        if table not in self.old_columns or table not in self.new_columns:
            return set()
        return self._titles(self.old, table).keys() & self._titles(self.new, table).keys()

    def _keyed(
        self, connection: sqlite3.Connection, table: str, columns: list[str]
    ) -> dict[Key, dict[str, Any]]:
        """Rows by a key that lasts; the first part of each key is the names of its columns."""
        names = _NATURAL_KEYS.get(table) or tuple(
            name
            for (name,) in connection.execute(
                f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk"
            )
        )
        keyed: dict[Key, dict[str, Any]] = {}
        for row in _rows(connection, f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2"):
            key: Key = (names, *(row.get(name) for name in names))
            number = 2
            while key in keyed:
                key = (*key[: len(names) + 1], number)
                number += 1
            keyed[key] = {name: value for name, value in row.items() if name != "position" or name in names}
        return keyed

    def _is_number(self, table: str, column: str) -> bool:
        return self.new_columns[table][column] in ("INTEGER", "REAL") or column in _PRINTED

    def _tiers(
        self, added: list[RecordChange], corrections: list[Correction], reworded: list[RecordChange]
    ) -> list[TierChange]:
        query = (
            "SELECT conditions.id, name, evidence_tier, direction, reason, rule_version FROM conditions "
            "LEFT JOIN condition_appraisals ON condition_id = conditions.id ORDER BY conditions.id"
        )
        before = {row["id"]: row for row in _rows(self.old, query)}
        new_studies = {record.id for record in added if record.kind == "studies"}
        corrected = {one.id for one in corrections if one.kind == "studies"}
        corrected |= {one.id for one in reworded if one.kind == "studies"}
        changes = []
        for row in _rows(self.new, query):
            old = before.get(row["id"])
            if old is None or (old["evidence_tier"], old["direction"]) == (
                row["evidence_tier"],
                row["direction"],
            ):
                continue
            about = [
                one["study_id"]
                for one in _rows(
                    self.new,
                    "SELECT DISTINCT study_id FROM study_conditions WHERE condition_id = ? ORDER BY 1",
                    row["id"],
                )
            ]
            because = [f"new: {study}" for study in about if study in new_studies]
            because += [f"corrected: {study}" for study in about if study in corrected]
            if old["rule_version"] != row["rule_version"]:
                because.append(f"rule: version {row['rule_version']} instead of {old['rule_version']}")
            changes.append(
                TierChange(
                    row["id"],
                    row["name"],
                    old["evidence_tier"],
                    row["evidence_tier"],
                    old["direction"],
                    row["direction"],
                    row["reason"],
                    tuple(because),
                )
            )
        return changes

    def _verdicts(self) -> list[Verdict]:
        query = "SELECT id, statement, verdict, explanation FROM claims ORDER BY id"
        before = {row["id"]: row["verdict"] for row in _rows(self.old, query)}
        return [
            Verdict(row["id"], row["statement"], before[row["id"]], row["verdict"], row["explanation"])
            for row in _rows(self.new, query)
            if before.get(row["id"], row["verdict"]) != row["verdict"]
        ]

    def _trials(self) -> list[TrialChange]:
        reports = "SELECT trial_id, study_id FROM trial_reports ORDER BY trial_id, study_id"
        before = {(row["trial_id"], row["study_id"]) for row in _rows(self.old, reports)}
        statuses = {row["id"]: row["status"] for row in _rows(self.old, "SELECT id, status FROM trials")}
        newly: dict[str, list[str]] = {}
        for row in _rows(self.new, reports):
            if (row["trial_id"], row["study_id"]) not in before:
                newly.setdefault(row["trial_id"], []).append(row["study_id"])
        return [
            TrialChange(
                row["id"],
                row["registry_number"],
                row["title"],
                statuses[row["id"]],
                row["status"],
                tuple(newly.get(row["id"], ())),
            )
            for row in _rows(self.new, "SELECT id, registry_number, title, status FROM trials ORDER BY id")
            if row["id"] in statuses and (row["id"] in newly or statuses[row["id"]] != row["status"])
        ]

    def _estimates(self) -> list[Estimate]:
        before, after = (
            {row["id"]: row for row in _rows(connection, "SELECT * FROM meta_analyses ORDER BY id")}
            for connection in (self.old, self.new)
        )
        found = []
        for identifier in sorted(before.keys() | after.keys()):
            old, new = before.get(identifier), after.get(identifier)
            texts = [None if row is None else _estimate(row) for row in (old, new)]
            if texts[0] != texts[1]:
                row = new or old
                assert row is not None
                found.append(Estimate(identifier, row["condition_id"], row["domain"], texts[0], texts[1]))
        return found


def _estimate(row: Mapping[str, Any]) -> str:
    value, low, high = (
        "not known" if row[name] is None else f"{row[name]:.3g}"
        for name in ("random_value", "random_ci_low", "random_ci_high")
    )
    return f"{row['measure']} {value} ({low} to {high}), {row['trials']} trials"


# ---- Markdown


def render_markdown(difference: Difference) -> str:
    """Release notes."""
    old, new, numbers = difference.old, difference.new, difference.corrections
    lines = [f"# Changes from {_named(old)} to {_named(new)}", ""]
    if difference.least_step == "none":
        return "\n".join([*lines, "Nothing changed.", ""])
    lines += [f"The changes call for a {difference.least_step} version of the data.", ""]
    sections: list[tuple[str, list[str]]] = [
        ("Tiers and directions", [_tier_line(one) for one in difference.tiers]),
        ("Pooled estimates", [_estimate_line(one) for one in difference.estimates]),
        ("Trials", [_trial_line(one) for one in difference.trials]),
        ("Claims judged anew", [_verdict_line(one) for one in difference.verdicts]),
        ("Numbers corrected", [_correction_line(one) for one in numbers if None not in (one.old, one.new)]),
        ("Numbers filled in", [_correction_line(one) for one in numbers if one.old is None]),
        ("Numbers taken out", [_correction_line(one) for one in numbers if one.new is None]),
        ("Added", [_record_line(one) for one in difference.added]),
        ("Removed", [_record_line(one) for one in difference.removed]),
        ("Words and links changed", [_record_line(one) for one in difference.reworded]),
        ("Gone from the schema", [f"`{name}`" for name in difference.schema_removed]),
        ("New in the schema", [f"`{name}`" for name in difference.schema_added]),
    ]
    for title, entries in sections:
        if entries:
            lines += [f"## {title} ({len(entries)})", "", *(f"- {entry}" for entry in entries), ""]
    return "\n".join(lines)


def _named(version: Version) -> str:
    day = f", {version.committed_on}" if version.committed_on else ""
    return f"{version.data_version} ({version.name}{day})"


def _tier_line(one: TierChange) -> str:
    parts = []
    if one.old_tier != one.new_tier:
        parts.append(f"tier {one.old_tier} → **{one.new_tier}**")
    if one.old_direction != one.new_direction:
        parts.append(f"direction {_words(one.old_direction)} → **{_words(one.new_direction)}**")
    because = f" ({'; '.join(one.because)})" if one.because else ""
    return f"{one.name}: {', '.join(parts)}{because}. {one.reason or ''}".rstrip()


def _estimate_line(one: Estimate) -> str:
    return f"{one.condition_id}, {_words(one.domain)}: {one.old or 'none'} → {one.new or 'none'}"


def _trial_line(one: TrialChange) -> str:
    status = (
        f"; {_words(one.old_status)} → {_words(one.new_status)}" if one.old_status != one.new_status else ""
    )
    reported = f"; reported by {', '.join(one.reports)}" if one.reports else ""
    return f"{one.registry_number}, {one.title}{status}{reported}"


def _verdict_line(one: Verdict) -> str:
    return f"“{one.statement}” {_words(one.old)} → **{_words(one.new)}**. {one.explanation}"


def _correction_line(one: Correction) -> str:
    row = f" {one.row}" if one.row else ""
    return f"`{one.kind}/{one.id}`{row}, {one.table}.{one.field}: {_shown(one.old)} → {_shown(one.new)}"


def _record_line(one: RecordChange) -> str:
    successor = f" (use `{one.successor}`)" if one.successor else ""
    return f"`{one.kind}/{one.id}`: {one.title}{successor}"


def _shown(value: Any) -> str:
    return "not known" if value is None else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


# ---- Versions


@contextmanager
def _database(project: Project, name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_file():
        yield path
        return
    if path.suffix == ".db" or not _git(
        project, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", "--"
    ):
        raise CannotCompare(f"{name}: there is neither a database file nor a git revision of that name")
    with tempfile.TemporaryDirectory(prefix="ldn-evidence-") as scratch:
        worktree = Path(scratch) / "worktree"
        added = _git(project, "worktree", "add", "--detach", "--force", str(worktree), name)
        try:
            if not worktree.is_dir():
                raise CannotCompare(f"{name}: git could not check it out: {added}")
            if not all(folder.is_dir() for folder in (Project(worktree).data, Project(worktree).schema)):
                raise CannotCompare(f"{name}: this revision has no records yet (data/ and schema/)")
            yield _build(worktree, name)
        finally:
            _git(project, "worktree", "remove", "--force", str(worktree))


def _build(worktree: Path, name: str) -> Path:
    """Build a revision with the code of that revision."""
    done = subprocess.run(
        [sys.executable, "-m", "ldn_evidence.cli", "--root", str(worktree), "build"],
        cwd=worktree,
        env={**os.environ, "PYTHONPATH": str(worktree / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    database = Project(worktree).database
    if done.returncode or not database.is_file():
        said = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        raise CannotCompare(
            f"{name} does not build: {said[0]} … {said[-1]}" if len(said) > 1 else f"{name}: {said[0]}"
        )
    return database


def _git(project: Project, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(project.root), *arguments], capture_output=True, text=True, check=False
    )
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else ""


def _open(path: Path) -> sqlite3.Connection:
    connection = open_read_only(path, immutable=True)
    connection.row_factory = sqlite3.Row
    return connection


def _rows(connection: sqlite3.Connection, query: str, *parameters: Any) -> Iterator[dict[str, Any]]:
    return map(dict, connection.execute(query, parameters))


def _columns(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Table or view -> column -> declared type."""
    found: dict[str, dict[str, str]] = {}
    query = (
        "SELECT m.name AS owner, c.name, c.type FROM sqlite_master AS m, pragma_table_info(m.name) AS c "
        "WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'search%' AND m.name NOT LIKE 'sqlite_%'"
    )
    for row in _rows(connection, query):
        found.setdefault(row["owner"], {})[row["name"]] = row["type"]
    return found


def _missing(first: Mapping[str, Mapping[str, str]], second: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Tables and columns of the first that the second does not have."""
    gone = [name for name in first if name not in second]
    columns = [
        f"{name}.{column}"
        for name in first
        if name in second
        for column in first[name]
        if column not in second[name]
    ]
    return sorted([*gone, *columns])


def _version(connection: sqlite3.Connection, name: str) -> Version:
    info = {row["key"]: row["value"] for row in _rows(connection, "SELECT key, value FROM build_info")}
    return Version(
        name, info.get("data_version", "unknown"), info.get("commit", "unknown"), info.get("committed_on", "")
    )

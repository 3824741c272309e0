"""Datasette's metadata, written from the schemas: a description with unit for every table, view and column.

`metadata.yml` is kept in git, and a test keeps it current (`make generated` writes it). Licence and source stand at
every level, because Datasette 1.0 no longer inherits them. Facets and sort orders are for browsing; the canned
queries are those that need a parameter, everything else is a view.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import yaml

from ldn_evidence.notice import NOT_ADVICE, WARNING
from ldn_evidence.project import Project
from ldn_evidence.read.strict_yaml import parse
from ldn_evidence.schemas import Schemas
from ldn_evidence.store.layout import Column, Layout, Table
from ldn_evidence.store.search import best_first

DATABASE = "ldn"
ORIGIN = {
    "license": "CC0 1.0",
    "license_url": "https://creativecommons.org/publicdomain/zero/1.0/",
    "source": "LDN Evidence",
    "about": "Method",
    "about_url": "/method",
}
# Whose pages have it at their head anyway hides it by this class.
_NOTICE = f'<p class="warning"><strong>{WARNING}</strong> {NOT_ADVICE}</p>'
_FACETS: Mapping[str, list[str]] = {
    "conditions": ["evidence_tier", "direction", "category"],
    "condition_catalogue": ["evidence_tier", "direction", "category", "asserted_tier"],
    "studies": ["design", "blinding", "verification_depth", "year"],
    "outcomes": ["domain", "role", "direction"],
    "arms": ["dose_class", "role", "route"],
    "trials": ["status", "dose_class", "registry"],
    "claims": ["verdict", "topic", "source_id"],
    "claims_ledger": ["verdict", "topic", "commercial_interest"],
    "doses_tried": ["dose_class", "route", "design"],
    "null_trials": ["dose_class", "condition_name"],
    "safety_summary": ["severity", "dose_class"],
    "unverified_records": ["kind", "verification_depth", "design"],
    "interactions": ["severity"],
    "precautions": ["kind", "topic"],
    "mechanisms": ["evidence_level"],
    "contradictions": ["kind"],
}
_SORT: Mapping[str, tuple[str, str]] = {
    "studies": ("sort_desc", "year"),
    "conditions": ("sort", "name"),
    "trials": ("sort_desc", "start"),
}
_LABELS: Mapping[str, str] = {
    "studies": "title",
    "trials": "title",
    "sources": "title",
    "claims": "statement",
    "questions": "question",
}
_HIDDEN = (
    "search", "search_data", "search_idx", "search_content", "search_docsize", "search_config", "generated_text", "sqlite_stat1",
)  # fmt: skip

# The conditions that a visitor names: by id, or by name or synonym in any case.
_NAMED_CONDITION = """(
    SELECT id FROM conditions WHERE :condition_id IN (id, name) OR name = trim(:condition_id) COLLATE NOCASE
    UNION SELECT condition_id FROM condition_names WHERE name = trim(:condition_id) COLLATE NOCASE
)"""


def _number(parameter: str) -> str:
    """SQL for the number that a visitor typed, with a point or a comma; NULL for anything else."""
    typed = f"replace(trim(:{parameter}), ',', '.')"
    is_number = f"{typed} GLOB '*[0-9]*' AND NOT {typed} GLOB '*[^0-9.]*' AND NOT {typed} GLOB '*.*.*'"
    return f"CASE WHEN {is_number} THEN CAST({typed} AS REAL) END"


def _code(parameter: str) -> str:
    """SQL for the code that a visitor typed, in any case and with spaces: `Quality of life`."""
    return f"replace(lower(trim(:{parameter})), ' ', '_')"


def canned_queries() -> dict[str, dict[str, str]]:
    """Queries with parameters; what needs none is a view, whose CSV is never cut short."""
    return {
        "studies_of_condition": {
            "title": "Studies of a condition",
            "description": "Every study of one condition with design, size, dose and conclusion, newest first. "
            "participants are those randomised, else analysed, else enrolled. "
            "condition_id is the condition's id, name or synonym, such as fibromyalgia.",
            "sql": f"""
SELECT studies.id, studies.year, studies.design, studies.blinding,
    coalesce(studies.enrolment_randomized, studies.enrolment_analyzed, studies.enrolment_enrolled) AS participants,
    (SELECT group_concat(dose_class) FROM (SELECT DISTINCT arms.dose_class FROM arms
        WHERE arms.study_id = studies.id AND arms.role = 'intervention' ORDER BY arms.dose_class)) AS dose_class,
    studies.verification_depth, studies.title, studies.conclusion, studies.retraction_status
FROM studies
WHERE studies.id IN (SELECT study_id FROM study_conditions WHERE condition_id IN {_NAMED_CONDITION})
ORDER BY studies.year DESC, studies.id""",
        },
        "studies_by_dose": {
            "title": "Studies of a dose range",
            "description": "Arms whose daily dose of naltrexone, or a part of its range, lies between lowest_mg and "
            "highest_mg, both in mg a day; either may be left empty. What is no number finds nothing, nor does a lowest above "
            "the highest.",
            "sql": f"""
WITH wanted AS (
    SELECT {_number("lowest_mg")} AS lowest, {_number("highest_mg")} AS highest
), given AS (
    SELECT doses_tried.*, coalesce(dose_low_mg_per_day, dose_mg_per_day) AS from_mg,
        coalesce(dose_high_mg_per_day, dose_mg_per_day) AS to_mg
    FROM doses_tried
)
SELECT given.* FROM given, wanted
WHERE coalesce(to_mg, from_mg) >= coalesce(lowest, 0) AND coalesce(from_mg, to_mg) <= coalesce(highest, 1e9)
    AND (lowest IS NOT NULL OR trim(:lowest_mg) = '') AND (highest IS NOT NULL OR trim(:highest_mg) = '')
    AND coalesce(lowest <= highest, 1)
ORDER BY from_mg, condition_name, study_id""",
        },
        "studies_by_depth": {
            "title": "What rests on an abstract",
            "description": "Studies by how deep they were read: depth is full_text, abstract, registry, secondary or "
            "unverified; left empty, all that were not read in full.",
            "sql": f"""
SELECT id, year, design, verification_depth, title, verification_read, verification_second_look
FROM studies
WHERE verification_depth = {_code("depth")} OR (trim(:depth) = '' AND verification_depth <> 'full_text')
ORDER BY year DESC, id""",
        },
        "search_everything": {
            "title": "Search",
            "description": "Full-text search over conditions with their synonyms, studies, mechanisms, claims, questions, "
            "trials, doses and safety; best match first. Any text will do, the last word may be unfinished.",
            "sql": f"""
SELECT kind, id, title, snippet(search, -1, '', '', '…', 24) AS snippet
FROM search WHERE search MATCH fts_query(:text)
ORDER BY {best_first(":text")}, kind, id
LIMIT 100""",
        },
        "outcomes_of_condition": {
            "title": "Results in a condition, by outcome domain",
            "description": "Every outcome of every study of a condition with its printed effect. condition_id is its id, "
            "name or synonym; domain, such as pain, may be left empty.",
            "sql": f"""
SELECT study_id, year, domain, outcome AS name, role, timepoint, direction, effect_measure, effect_value, effect_ci_low,
    effect_ci_high, effect_p, verification_depth, dose_class, retraction_status
FROM condition_results
WHERE condition_id IN {_NAMED_CONDITION} AND (trim(:domain) = '' OR domain = {_code("domain")})
ORDER BY year DESC, study_id, outcome_id""",
        },
        "tier_history_of_condition": {
            "title": "The tier of a condition over the years",
            "description": "What the tier rule gives with the studies published up to each year. condition_id is the "
            "condition's id, name or synonym.",
            "sql": f"""
SELECT condition_id, year, tier, direction, changed, caused_by, studies
FROM tier_history WHERE condition_id IN {_NAMED_CONDITION}
ORDER BY condition_id, year""",
        },
    }


def render_metadata(project: Project) -> str:
    """Text of `metadata.yml`."""
    layout = Layout(Schemas(project.schema))
    views = parse((project.schema / "views.yml").read_bytes(), "schema/views.yml")
    tables: dict[str, Any] = {
        name: _table(name, table.description, table.columns) for name, table in layout.tables.items()
    }
    for name, columns in view_columns(project).items():
        tables[name] = _view(name, columns, views[name], layout)
    for name in _HIDDEN:
        tables[name] = {**tables.get(name, {}), "hidden": True}
    document = {
        "title": "LDN Evidence",
        "description_html": f"{_NOTICE}<p>What is known of low-dose naltrexone, condition by condition, "
        "with the numbers and their sources.</p>",
        **ORIGIN,
        "databases": {
            DATABASE: {
                "description_html": f"{_NOTICE}{_questions(views)}",
                **ORIGIN,
                "queries": {
                    name: {
                        "title": query["title"],
                        "description": query["description"],
                        "sql": query["sql"].strip(),
                    }
                    for name, query in canned_queries().items()
                },
                "tables": tables,
            }
        },
    }
    head = "# Written from schema/ by `make generated`; edit the descriptions there.\n"
    return head + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _questions(views: Mapping[str, Any]) -> str:
    """The views under the questions that they answer: below sixty tables nobody finds them."""
    links = "".join(
        f'<li><a href="/{DATABASE}/{name}">{about["question"]}</a> <code>{name}</code></li>'
        for name, about in views.items()
    )
    codes = (
        "<p>What a code such as <code>not_comparable</code> or <code>secondary</code> means stands in "
        f'<a href="/{DATABASE}/vocabulary_terms">vocabulary_terms</a>.</p>'
    )
    return f"<p>Answers that need no SQL:</p><ul>{links}</ul>{codes}"


def view_columns(project: Project) -> dict[str, list[str]]:
    """View -> its columns, as SQLite sees them."""
    connection = sqlite3.connect(":memory:")
    try:
        for script in ("tables.sql", "views.sql"):
            connection.executescript((project.schema / script).read_text("utf-8"))
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")
        ]
        return {
            name: [column[0] for column in connection.execute(f"SELECT * FROM {name} LIMIT 0").description]
            for name in names
        }
    finally:
        connection.close()


def describe(column: Column) -> str:
    """A column's description with its unit."""
    text = column.description
    return f"{text} Unit: {column.unit}." if column.unit else text


def _table(name: str, description: str, columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "description": description,
        **ORIGIN,
        **_browsing(name),
        "columns": {column.name: describe(column) for column in columns},
    }


def _view(name: str, columns: list[str], about: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    sources = [layout.tables[table] for table in about["tables"]]
    return {
        "title": about["question"],
        "description": about["description"],
        **ORIGIN,
        **_browsing(name),
        "columns": {
            column: _view_column(name, column, about["columns"], sources, layout) for column in columns
        },
    }


def _view_column(view: str, column: str, own: Mapping[str, str], sources: list[Table], layout: Layout) -> str:
    if column in own:
        return own[column]
    for table in sources:
        for candidate in table.columns:
            # `condition_id` of a view is the `id` of the conditions.
            if candidate.name == column:
                return describe(candidate)
    for table in sources:
        if table.kind and column == f"{layout.singular(table.kind)}_id":
            return table.column("id").description
    raise KeyError(f"schema/views.yml: {view}.{column} has no description")


def _browsing(name: str) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if name in _FACETS:
        extras["facets"] = _FACETS[name]
    if name in _SORT:
        direction, column = _SORT[name]
        extras[direction] = column
    if name in _LABELS:
        extras["label_column"] = _LABELS[name]
    return extras


class _Dumper(yaml.SafeDumper):
    """Block style for SQL, no anchors for what stands in several places."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)

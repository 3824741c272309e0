"""The search table: one FTS5 index over everything that people look for.

It has integer keys of its own, for rowids of tables with text keys may move when the file is vacuumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

KINDS = (
    "conditions", "questions", "interactions", "precautions", "adverse-effects",
    "claims", "mechanisms", "studies", "trials", "dosing",
)  # fmt: skip
"""Kinds of records that are found by their words."""

# A hit in a name outweighs one in a title's neighbourhood, which outweighs a mention in the text; and a condition what
# is told of it elsewhere.
_BEST_FIRST = (
    "bm25(search, 0.0, 0.0, 10.0, 6.0, 1.0) "
    "* CASE WHEN kind = 'conditions' THEN 4 WHEN kind IN ('questions', 'interactions', 'precautions') THEN 1.5 ELSE 1 END"
)

_CREATE = """
CREATE VIRTUAL TABLE search USING fts5(
    kind UNINDEXED,
    id UNINDEXED,
    title,
    names,
    body,
    tokenize = "porter unicode61 remove_diacritics 2"
);
"""


def _listed(column: str) -> str:
    """SQL for the texts of a list, which stands in its column as JSON without spaces; four times as fast as `json_each`."""
    return f"trim(replace({column}, '\",\"', ', '), '[\"]')"


def _joined(*parts: str) -> str:
    """SQL for texts one after another, without those that are missing."""
    return " || ".join(["''", *(f"coalesce({part} || ' ', '')" for part in parts)])


_REGISTRATIONS = """(
    SELECT group_concat(registry_number, ' ') FROM study_registrations WHERE study_registrations.study_id = studies.id
)"""
_FILL = f"""
INSERT INTO search (rowid, kind, id, title, names, body)
SELECT row_number() OVER (ORDER BY kind, id), kind, id, title, rtrim(names), rtrim(body) FROM (
    SELECT 'conditions' AS kind, conditions.id AS id, name AS title,
        (SELECT group_concat(condition_names.name, '; ') FROM condition_names
            WHERE condition_names.condition_id = conditions.id) AS names,
        {_joined("summary", "mechanism_summary")} AS body
    FROM conditions
    UNION ALL
    SELECT 'studies', id, title,
        {_joined(_listed("authors"), "journal", "year", "pmid", "pmcid", "doi", _REGISTRATIONS)},
        {_joined("conclusion", "population")}
    FROM studies
    UNION ALL
    SELECT 'mechanisms', mechanisms.id, mechanisms.name,
        (SELECT group_concat(coalesce(symbol || ' ', '') || mechanism_targets.name, '; ') FROM mechanism_targets
            WHERE mechanism_targets.mechanism_id = mechanisms.id),
        {_joined("statement", "dispute")}
    FROM mechanisms
    UNION ALL
    SELECT 'claims', id, statement, NULL, explanation FROM claims
    UNION ALL
    SELECT 'questions', questions.id, question, NULL,
        short_answer || coalesce(' ' || (SELECT group_concat(sentence, ' ') FROM question_sentences
            WHERE question_sentences.question_id = questions.id), '')
    FROM questions
    UNION ALL
    SELECT 'trials', id, title, {_joined("registry_number", _listed("other_numbers"), "acronym")},
        {_joined("design", "dose_note", "sponsor", "status_note", "note")}
    FROM trials
    UNION ALL
    SELECT 'interactions', id, name, {_listed("examples")}, {_joined("effect", "mechanism", "management")}
    FROM interactions
    UNION ALL
    SELECT 'precautions', id, name, NULL, {_joined("rationale", "basis")} FROM precautions
    UNION ALL
    SELECT 'adverse-effects', id, name, {_joined(_listed("synonyms"), "meddra_term")},
        {_joined("summary", "management", "note")}
    FROM adverse_effects
    UNION ALL
    SELECT 'dosing', id, name, NULL, {_joined("statement", "dose_range", "timing")} FROM dosing
);
"""


def is_named(text: str) -> str:
    """SQL for whether a hit is a condition of which `text` is a name or synonym, in any case.

    Args:
        text: An expression of SQL for what was typed.
    """
    named = f"SELECT condition_id FROM condition_names WHERE name = trim({text}) COLLATE NOCASE"
    return f"(kind = 'conditions' AND id IN ({named}))"


def best_first(text: str) -> str:
    """SQL for the order of hits: a condition of that very name, then what has that very title, then the best match.

    bm25 alone finds an abbreviation rarer, and so better, in a short text than among a condition's many names.

    Args:
        text: An expression of SQL for what was typed.
    """
    return f"{is_named(text)} DESC, lower(title) = lower(trim({text})) DESC, {_BEST_FIRST}"


def fill_search(database: Database) -> None:
    """Create and fill the search table of a database whose tables are complete."""
    connection = database.conn
    connection.executescript(_CREATE)
    connection.execute("BEGIN")
    connection.execute(_FILL)
    connection.execute("INSERT INTO search (search) VALUES ('optimize')")
    connection.execute("COMMIT")

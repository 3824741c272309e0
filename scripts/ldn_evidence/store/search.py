"""The search table: one FTS5 index over everything that people look for.

It has integer keys of its own, for rowids of tables with text keys may move when the file is vacuumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# A hit in a name outweighs one in a title's neighbourhood, which outweighs a mention in the text.
RANK = "bm25(search, 0.0, 0.0, 10.0, 6.0, 1.0)"

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

_FILL = """
INSERT INTO search (rowid, kind, id, title, names, body)
SELECT row_number() OVER (ORDER BY kind, id), kind, id, title, names, body FROM (
    SELECT 'conditions' AS kind, conditions.id AS id, name AS title,
        (SELECT group_concat(condition_names.name, '; ') FROM condition_names
            WHERE condition_names.condition_id = conditions.id) AS names,
        summary || coalesce(' ' || mechanism_summary, '') AS body
    FROM conditions
    UNION ALL
    SELECT 'studies', id, title,
        ltrim(coalesce(authors, '') || coalesce(' ' || journal, '') || coalesce(' ' || year, '')
            || coalesce(' ' || pmid, '') || coalesce(' ' || doi, '')),
        ltrim(coalesce(conclusion, '') || coalesce(' ' || population, ''))
    FROM studies
    UNION ALL
    SELECT 'mechanisms', mechanisms.id, mechanisms.name,
        (SELECT group_concat(coalesce(symbol || ' ', '') || mechanism_targets.name, '; ') FROM mechanism_targets
            WHERE mechanism_targets.mechanism_id = mechanisms.id),
        statement || coalesce(' ' || dispute, '')
    FROM mechanisms
    UNION ALL
    SELECT 'claims', id, statement, NULL, explanation FROM claims
    UNION ALL
    SELECT 'questions', questions.id, question, NULL,
        short_answer || coalesce(' ' || (SELECT group_concat(sentence, ' ') FROM question_sentences
            WHERE question_sentences.question_id = questions.id), '')
    FROM questions
);
"""


def fill_search(database: Database) -> None:
    """Create and fill the search table of a database whose tables are complete."""
    connection = database.conn
    connection.executescript(_CREATE)
    connection.execute("BEGIN")
    connection.execute(_FILL)
    connection.execute("INSERT INTO search (search) VALUES ('optimize')")
    connection.execute("COMMIT")

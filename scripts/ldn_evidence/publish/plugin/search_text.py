"""What a visitor types into a search box, as an expression that SQLite's full-text search always accepts."""

from __future__ import annotations

import re

# More than anyone types; a pasted page is cut here.
MOST_TERMS = 32
LONGEST_WORD = 60

_PHRASE_OR_CHUNK = re.compile(r'"([^"]*)"|([^\s"]+)')
_WORD = re.compile(r"[^\W_]+")

# The stemmer takes the s off IBS and POTS: as beginnings they would find whatever begins with ib or pot.
_SHORT_WITH_S = re.compile(r"\w{2,3}s", re.IGNORECASE)

# An FTS5 expression that finds nothing and is no error.
NOTHING = '""'


def fts_query(text: object) -> str:
    """An FTS5 MATCH expression that finds rows holding all words of `text`, the last one also as a beginning.

    Words that hang together (`low-dose`, `TNF-alpha`) and words between double quotes are sought side by
    side; everything else that FTS5 would take for an operator is taken for a word or a gap. An abbreviation such
    as IBS is no beginning. Text without a word gives an expression that finds nothing.

    >>> fts_query('low-dose nalt')
    '"low dose" "nalt"*'
    """
    terms: list[str] = []
    last_is_open = False
    for phrase, chunk in _PHRASE_OR_CHUNK.findall(text if isinstance(text, str) else str(text or "")):
        words = [word[:LONGEST_WORD] for word in _WORD.findall(phrase or chunk)][:MOST_TERMS]
        if words:
            terms.append('"' + " ".join(words) + '"')
            last_is_open = bool(chunk) and not _SHORT_WITH_S.fullmatch(words[-1])
        if len(terms) == MOST_TERMS:
            break
    if not terms:
        return NOTHING
    return " ".join(terms) + ("*" if last_is_open else "")

"""What a record's YAML may hold: the definitions that the quick reader and the inspection share."""

import re
from functools import lru_cache
from typing import Final

MOST_BYTES: Final = 1024 * 1024
"""A record's file may be this large; study records have about 2.5 kB."""

MOST_LEVELS: Final = 20
"""Mappings and lists may lie this deep inside one another, the record itself included."""

EMPTY_TEXTS: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""What YAML reads as "no value" when it stands without quotes."""

QUOTES: Final = frozenset({"'", '"'})
"""The styles of a scalar whose text was put in quotes, so that it means itself."""

ODD_CHARACTER: Final = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters; 0x85 is also a line break to YAML 1.1
    "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # look like a space, and are none to YAML or to a search
    "\u00ad\u200b\u200e\u200f\u2060\ufeff"  # invisible, and in the way of every search
    "\u2028\u2029"  # line breaks to YAML 1.1, which folds them into a space
    "\u202a-\u202e\u2066-\u2069"  # show text in another order than it has
    "\ufb00-\ufb06"  # two letters drawn as one, as copied from a PDF
    "\ufffd\ufffe\uffff"  # what a failed conversion leaves
    "]"
)
"""Characters that nobody means to print in a record."""

MARKUP: Final = re.compile(
    r"&(?:[A-Za-z]{2,8}|#[0-9]{2,6}|#x[0-9A-Fa-f]{2,6});"
    r"|</(?:a|b|bold|div|em|h[1-6]|i|italic|jats:[a-z]+|li|p|sc|scp|span|strong|sub|sup|u|ul)>"
)
"""An entity or the end of a tag of a web page or an export, which would be shown as it stands."""

COMBINED: Final = re.compile(r"\w[\u0300-\u036f]+")
"""A letter with its accents as characters of their own."""

TYPOGRAPHIC_QUOTES: Final = re.compile("[“‘„‚«‹][^“”‘„«»]*[”’“‘»›]")
"""A text in the quotation marks of a word processor, which are none to YAML."""

# A key that YAML 1.2's core schema takes for a number or a truth value. `on`, `off`, `yes` and `no` are words
# there, as in editors, and records have a field `on`.
_TYPED_KEY = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|true|True|TRUE|false|False|FALSE"
)


@lru_cache(maxsize=4096)
def is_text_key(key: str) -> bool:
    """Whether a key without quotes is text to every reader of YAML: no number, truth value, null or merge."""
    return key not in EMPTY_TEXTS and key != "<<" and _TYPED_KEY.fullmatch(key) is None

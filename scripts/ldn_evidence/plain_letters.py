"""Letters without accents, and text for terminals that know few letters, such as those of ASCII or Latin-1."""

from __future__ import annotations

from codecs import register_error
from io import TextIOWrapper
from typing import TextIO
from unicodedata import combining, normalize

_ERRORS = "ldn-evidence-plain-letters"
# Signs that carry meaning, as people type them.
_TYPED = str.maketrans(
    {
        **dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}·", "-"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}‚", "'"),
        **{"≥": ">=", "≤": "<=", "→": "->", "\N{MULTIPLICATION SIGN}": "x", "±": "+/-", "…": "..."},
        **{"✓": "+", "✗": "-", "β": "beta", "κ": "kappa", "μ": "u", "µ": "u", "ß": "ss", "ø": "o", "æ": "ae"},
    }
)


def without_accents(text: str) -> str:
    """The text with bare letters, and with signs that are written in one for several as those several."""
    return "".join(letter for letter in normalize("NFKD", text) if not combining(letter))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = without_accents(error.object[error.start : error.end].translate(_TYPED))
    return "".join(letter if letter.isascii() else "?" for letter in letters), error.end


register_error(_ERRORS, _plain)


def takes_every_letter(stream: TextIO | None) -> bool:
    """Whether a stream, if there is one, can show whatever is written to it."""
    return stream is None or (stream.encoding or "utf-8").lower().startswith("utf")


def write_plainly(stream: TextIO | None) -> None:
    """From now on, letters that a stream cannot show become those that come nearest, and do not end the program."""
    if isinstance(stream, TextIOWrapper) and stream.errors == "strict" and not takes_every_letter(stream):
        stream.reconfigure(errors=_ERRORS)

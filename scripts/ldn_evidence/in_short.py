"""Texts cut short, and what a study is called of which no author is known: the same in the database and on pages."""

from __future__ import annotations

_TITLE = 48  # letters of a title that stands for its authors


def shorten(text: str, most: int) -> str:
    """`text` cut to `most` characters with an ellipsis, between words where one ends near."""
    if len(text) <= most:
        return text
    cut = text[: most - 1].rstrip()
    space = cut.rfind(" ")
    return (cut[:space] if space > most * 2 / 3 else cut).rstrip(" ,;:(–-") + "…"


def by_title(title: str, year: int | None) -> str:
    """A study by the beginning of its title, and its year."""
    return f"“{shorten(title.rstrip('.'), _TITLE)}” {year or '(undated)'}"

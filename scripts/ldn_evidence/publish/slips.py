"""Slips in the names of conditions: letters left out, doubled, exchanged or too many, in any word of a name."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from operator import mul

from rapidfuzz import fuzz, process

from ldn_evidence.plain_letters import without_accents

# Of 100. Below that, names and words have little in common with what was typed.
_LIKE_ENOUGH = 78
_SHORTEST_WITH_SLIPS = 5  # letters
_LONGEST_TEXT = 200  # letters of a text of which a name may come close
_WORD = re.compile(r"([^\W_]+)(['’]s\b)?")


def closest_names(
    text: str, names: Sequence[tuple[str, str]], most: int, without: Container[str] = frozenset()
) -> list[tuple[str, str]]:
    """Whose names come close to `text`, the closest first.

    Args:
        text: What was typed.
        names: Id and name; an id may have several names.
        most: How many ids to return at most.
        without: Ids that are not sought.

    Returns:
        Each id once, with the closest of its names.
    """
    typed = _words(text[:_LONGEST_TEXT])
    whole = " ".join(word for word, *_ in typed)
    lengths = [len(word) for word, *_ in typed]
    # For each word that was typed, the words of names that come close to it.
    vocabulary = _forms(name for _, name in names)
    near = [
        {
            word: likeness
            for word, likeness, _ in process.extract(
                typed_word, vocabulary, scorer=fuzz.ratio, score_cutoff=_LIKE_ENOUGH, limit=None
            )
        }
        for typed_word, *_ in typed
    ]
    found: dict[str, tuple[float, str]] = {}
    for identifier, name in names:
        if identifier in without:
            continue
        likeness = _likeness(whole, _words(name), near, lengths)
        if likeness >= _LIKE_ENOUGH and likeness > found.get(identifier, (0.0, ""))[0]:
            found[identifier] = likeness, name
    closest = sorted(found.items(), key=lambda one: -one[1][0])
    return [(identifier, name) for identifier, (_, name) in closest[:most]]


def has_other_words(text: str, names: Iterable[str]) -> bool:
    """Whether `text` has a word that stands in none of the names."""
    return not {word for word, *_ in _words(text)} <= _forms(names)


def _likeness(
    whole: str, name: tuple[tuple[str, ...], ...], near: list[dict[str, float]], lengths: list[int]
) -> float:
    """How close `whole` comes to a name, of 100. Abbreviations must be typed as they are.

    Slips in the whole name count, and slips in words: all that were typed stand in the name, or all of the name among
    those that were typed.
    """
    name_in_full = " ".join(word for word, *_ in name)
    in_full = float(fuzz.ratio(whole, name_in_full))
    if min(len(whole), len(name_in_full)) < _SHORTEST_WITH_SLIPS:
        return in_full
    likeness = [[max(of.get(form, 0.0) for form in forms) for forms in name] for of in near]
    of_typed = _weighed([max(row) for row in likeness], lengths)
    of_name = _weighed([max(column) for column in zip(*likeness, strict=True)], [len(one[0]) for one in name])
    # Of names with the same word, that which has the fewest others comes first.
    return max(in_full, 0.95 * of_typed + 0.05 * in_full, 0.9 * of_name)


def _weighed(likeness: list[float], lengths: list[int]) -> float:
    """The mean likeness of words, each as heavy as it is long."""
    total: float = sum(map(mul, likeness, lengths))
    return total / sum(lengths)


def _forms(names: Iterable[str]) -> set[str]:
    """Every word of the names, in each of its forms."""
    return {form for name in names for forms in _words(name) for form in forms}


@lru_cache(maxsize=4096)  # names are asked for at every search
def _words(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of a text without case and accents, each with its other form.

    >>> _words("Sjögren's syndrome")
    (('sjogrens', 'sjogren'), ('syndrome',))
    """
    found = _WORD.findall(without_accents(text.casefold()))
    return tuple((stem + genitive[1:], stem) if genitive else (stem,) for stem, genitive in found)

"""A study's record as the appraisal reads it: its arms, its name, the words in which it says a direction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ldn_evidence.in_short import by_title

Record = Mapping[str, Any]
DIRECTIONS = {"favours_ldn": "favourable", "no_difference": "null", "favours_comparator": "unfavourable"}
_TOPICAL = frozenset({"topical", "ophthalmic"})


class Study(Struct, frozen=True):
    """A record with what each of its outcomes and conditions asks of it.

    Attributes:
        record: The record.
        id: Its id.
        design: Its design.
        trial: Id of the study that stands for its trial.
        arms: Its arms by code.
        dose_classes: Code of an arm -> its dose class.
    """

    record: Record
    id: str
    design: str
    trial: str
    arms: Mapping[str, Record]
    dose_classes: Mapping[str, str]


_INITIALS = re.compile(r"\s+[A-Z-]{1,4}$")


def name_of(record: Record) -> str:
    """How a sentence calls a study.

    That is first author and year; where no author is known, its number in a registry or the beginning of its title.
    """
    authors = record.get("authors", ())
    year = record.get("year")
    if authors:
        surname = _INITIALS.sub("", authors[0])
        return f"{surname} {year}" if year else surname
    if "registry" in record:
        return str(record["registry"][0])
    return by_title(record["title"], year)


def dose_class_of(arm: Record) -> str:
    """The dose class of an arm; of what is put on skin or eye, that it is."""
    if arm.get("route") in _TOPICAL:
        return "topical"
    return str(arm.get("dose_class", "unknown"))

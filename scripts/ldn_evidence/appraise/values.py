"""The kind of class in which the appraisal keeps what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value_class(cls: type[T]) -> type[T]:
    """A dataclass whose objects are never changed once made; see that the type checker holds everyone to it.

    One that Python itself keeps from being changed (`frozen=True`) takes three times as long to make, and the
    appraisal makes a dozen for each outcome of each study.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)

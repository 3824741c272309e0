"""Filters as links: what can be chosen, how many rows each choice leaves, and the address that makes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ldn_evidence.publish.plugin.pages.page import Request
from ldn_evidence.publish.plugin.pages.reader import Row


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a filter can take."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter: its parameter, title, values, and the value of a row."""

    name: str
    title: str
    options: Sequence[Option]
    value: Callable[[Row], str | None]


@dataclass(frozen=True, slots=True)
class Choice:
    """A value as it is shown, with the number of rows it leaves and the address that sets or lifts it."""

    label: str
    count: int
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A filter as it is shown."""

    name: str
    title: str
    choices: list[Choice] = field(default_factory=list)
    is_used: bool = False


def facet(rows: Sequence[Row], facets: Sequence[Facet], request: Request) -> tuple[list[Row], list[Group]]:
    """The rows that all chosen values leave, and every filter with its counts.

    A filter's own counts leave its own choice aside, so that one can change one's mind. A value that no filter
    has is taken for no choice.
    """
    chosen = {
        one.name: request.get(one.name)
        for one in facets
        if request.get(one.name) in {option.code for option in one.options}
    }
    fits = {one.name: one.value for one in facets}
    groups = []
    for one in facets:
        others = [
            row
            for row in rows
            if all(fits[name](row) == value for name, value in chosen.items() if name != one.name)
        ]
        counts = Counter(one.value(row) for row in others)
        group = Group(one.name, one.title, is_used=one.name in chosen)
        for option in one.options:
            is_chosen = chosen.get(one.name) == option.code
            if counts[option.code] or is_chosen:
                # A narrower list begins at its first page.
                changes = {one.name: "" if is_chosen else option.code, "page": ""}
                address = request.with_parameters(**changes)
                group.choices.append(Choice(option.label, counts[option.code], address, is_chosen))
        if group.choices:
            groups.append(group)
    return [row for row in rows if all(fits[name](row) == value for name, value in chosen.items())], groups


@dataclass(frozen=True, slots=True)
class Order:
    """A way to sort."""

    label: str
    address: str
    is_chosen: bool


def order_links(request: Request, orders: Sequence[tuple[str, str]], chosen: str) -> list[Order]:
    """The ways to sort, as links."""
    return [
        Order(label, request.with_parameters(sort=code, page=""), code == chosen) for code, label in orders
    ]

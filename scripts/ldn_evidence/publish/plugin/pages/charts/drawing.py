"""A small SVG writer over the standard library's XML tree, which escapes whatever it is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.etree import ElementTree

from markupsafe import Markup

Number = int | float

# Classes of a chart of which the stylesheet shows one: labels beside the marks, or above them for narrow screens.
WIDE, SLIM = "chart wide", "chart slim"


class Drawing:
    """An SVG image of `width` by `height` units with a title and a description for those who do not see it."""

    def __init__(
        self,
        name: str,
        width: Number,
        height: Number,
        title: str,
        description: str,
        *,
        has_links: bool = False,
        style: str = "chart",
    ) -> None:
        self.root = ElementTree.Element(
            "svg",
            {
                "viewBox": f"0 0 {_text(width)} {_text(height)}",
                "width": _text(width),
                "height": _text(height),
                "class": style,
                # What an image holds is not announced; links have to be.
                "role": "group" if has_links else "img",
                "aria-labelledby": f"{name}-title {name}-description",
            },
        )
        ElementTree.SubElement(self.root, "title", {"id": f"{name}-title"}).text = title
        ElementTree.SubElement(self.root, "desc", {"id": f"{name}-description"}).text = description
        self._at = self.root

    def line(self, x1: Number, y1: Number, x2: Number, y2: Number, style: str = "axis") -> None:
        """A straight line."""
        self._add("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": style})

    def lines(self, ends: Sequence[tuple[Number, Number, Number, Number]], style: str) -> None:
        """Many straight lines of one style, in the space of one."""
        path = "".join(
            f"M{_text(x1)} {_text(y1)}"
            + (f"H{_text(x2)}" if y1 == y2 else f"V{_text(y2)}" if x1 == x2 else f"L{_text(x2)} {_text(y2)}")
            for x1, y1, x2, y2 in ends
        )
        self._add("path", {"d": path, "class": style})

    def rectangle(self, x: Number, y: Number, width: Number, height: Number, style: str) -> None:
        """A rectangle."""
        self._add("rect", {"x": x, "y": y, "width": width, "height": height, "class": style})

    def circle(self, x: Number, y: Number, radius: Number, style: str) -> None:
        """A circle."""
        self._add("circle", {"cx": x, "cy": y, "r": radius, "class": style})

    def polygon(self, points: Sequence[tuple[Number, Number]], style: str) -> None:
        """A closed shape."""
        self._add(
            "polygon", {"points": " ".join(f"{_text(x)},{_text(y)}" for x, y in points), "class": style}
        )

    def polyline(self, points: Sequence[tuple[Number, Number]], style: str) -> None:
        """An open line through points."""
        self._add(
            "polyline", {"points": " ".join(f"{_text(x)},{_text(y)}" for x, y in points), "class": style}
        )

    def text(self, x: Number, y: Number, text: str, anchor: str = "start", style: str = "") -> None:
        """A line of text whose baseline is at `y`."""
        attributes: dict[str, Number | str] = {"x": x, "y": y}
        if anchor != "start":
            attributes["text-anchor"] = anchor
        if style:
            attributes["class"] = style
        self._add("text", attributes).text = text

    def link(self, address: str, title: str = "") -> Link:
        """What is drawn inside the `with` block leads to `address`; without a title its text is the link's name."""
        return Link(self, address, title)

    @contextmanager
    def group(self, anchor: str, style: str) -> Iterator[None]:
        """What is drawn inside the `with` block has this anchor and style, said once."""
        outer = self._at
        self._at = self._add("g", {"text-anchor": anchor, "class": style})
        yield
        self._at = outer

    def _add(self, name: str, attributes: dict[str, Number | str]) -> ElementTree.Element:
        return ElementTree.SubElement(
            self._at, name, {key: _text(value) for key, value in attributes.items()}
        )

    def markup(self) -> Markup:
        """The image, ready for a page."""
        return Markup(ElementTree.tostring(self.root, encoding="unicode"))


class Link:
    """A link around a part of a drawing."""

    def __init__(self, drawing: Drawing, address: str, title: str) -> None:
        self._drawing = drawing
        self._element = drawing._add("a", {"href": address})
        if not title:
            pass
        elif drawing.root.get("class") == SLIM:
            self._element.set("aria-label", title)
        else:  # a title names it too, and shows where something points; nothing points on a telephone
            ElementTree.SubElement(self._element, "title").text = title
        self._outer = drawing._at

    def __enter__(self) -> None:
        self._outer, self._drawing._at = self._drawing._at, self._element

    def __exit__(self, *_: object) -> None:
        self._drawing._at = self._outer


def link_name(visible: str, full: str, more: str) -> str:
    """The name of a link: what can be seen of it first, as people who speak to their browser need it."""
    return f"{visible}: {more}" if visible == full else f"{visible} ({full}): {more}"


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high` (Heckbert's nice numbers)."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / about
    power = 10 ** math.floor(math.log10(raw))
    step = min((factor * power for factor in (1, 2, 2.5, 5, 10)), key=lambda size: abs(size - raw))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**power for power in exponents for factor in (1, 2, 5)]
    found = [round(number, 10) for number in every if low <= number <= high]
    return found if len(found) <= 8 else [number for number in found if str(number)[0] == "1" or number == 1]


def _text(value: Number | str) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".rstrip("0").rstrip(".")
    return str(value)

"""The Jinja environment of the pages. Everything that comes from a record is escaped."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ldn_evidence.in_short import shorten
from ldn_evidence.publish.plugin.pages import numbers, words
from ldn_evidence.publish.plugin.pages.reader import items

# In a folder of their own: Datasette takes what lies in `templates` for replacements of its own, and what lies in
# `templates/pages` for pages.
TEMPLATES = Path(__file__).parent.parent / "templates" / "evidence"


@cache
def environment() -> Environment:
    """The environment, made once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        against=words.against,
        count=numbers.count,
        counted=numbers.counted,
        day=numbers.day,
        estimate=numbers.estimate,
        items=items,
        minus=numbers.minus,
        p_value=numbers.p_value,
        plain=words.plain,
        reading=words.reading,
        sentences=numbers.sentences,
        short=words.short_citation,
        shorten=shorten,
        stored=numbers.stored,
    )
    made.globals.update(printed=numbers.printed, span=numbers.span)
    return made


def data_block(document: Any) -> Markup:
    """JSON for a `<script type="application/ld+json">`, which no content can close."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def render(template: str, **context: Any) -> str:
    """A page's HTML."""
    return environment().get_template(template).render(context)

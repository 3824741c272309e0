"""How a tier is made: the rule as it is stored, with an example worked through in real numbers."""

from __future__ import annotations

import re
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.tier import trace_of
from ldn_evidence.publish.plugin.pages.words import Words
from ldn_evidence.read.strict_yaml import parse

_TABLE = re.compile(r"<table>(?=\s*<thead>\s*<tr>\s*<th>([^<]*))")
_SCROLLING = (
    r'<div class="scroll" role="region" aria-label="\1 (scrolls sideways)" tabindex="0">'
    r'<table><caption class="hidden">\1</caption>'
)


def _sections(markdown: str) -> Markup:
    """The description of the method without its title, as HTML; HTML in it is shown as text."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = markdown.partition("\n## ")
    html = renderer.render(f"## {body[2]}" if body[1] else markdown)
    # A wide table scrolls by itself, can be reached with the keyboard to do so, and is called by its first column.
    html = _TABLE.sub(_SCROLLING, html).replace("<th>", '<th scope="col">')
    return Markup(html.replace("</table>", "</table></div>"))  # noqa: S704 - from a file of this repository, HTML off


def page(reader: Reader, request: Request) -> Page:
    """`/method`."""
    words = Words(reader)
    texts = reader.texts()
    text = texts.get("tier-rule")
    rule: dict[str, Any] | None = parse(text["text"].encode(), "schema/tiers.yml") if text else None
    example = reader.row("worked_example")
    worked = None
    if example:
        worked = {
            "condition": reader.row("condition", id=example["id"]),
            "trace": trace_of(reader, example["id"]),
            "outlook": reader.rows("tier_outlook", id=example["id"]),
        }
    return Page(
        "method.html",
        "How a tier is made",
        "The published rule by which tier and direction of each condition are computed, worked through on one condition, "
        "with its limits.",
        {
            "method": _sections(texts["method"]["text"]) if "method" in texts else Markup(""),
            "rule": rule,
            "rule_text": text["text"] if text else "",
            "worked": worked,
            "vocabularies": [
                (title, vocabulary, [words.term(vocabulary, code) for code in words.codes(vocabulary)])
                for title, vocabulary in (
                    ("Tiers", "evidence-tiers"), ("Directions", "directions"), ("Dose classes", "dose-classes"),
                    ("Depths of reading", "verification-depths"), ("How well a mechanism is shown", "evidence-levels"),
                    ("Verdicts on claims", "verdicts"),
                )
            ],
            "depths": reader.rows("depths"),
        },
    )  # fmt: skip

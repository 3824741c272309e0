"""How a tier is made: the rule as it is stored, with an example worked through in real numbers."""

from __future__ import annotations

from typing import Any

from ldn_evidence.publish.plugin.pages.markdown import sections
from ldn_evidence.publish.plugin.pages.page import Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader
from ldn_evidence.publish.plugin.pages.tier import trace_of
from ldn_evidence.publish.plugin.pages.words import Words
from ldn_evidence.read.strict_yaml import parse


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
            "method": sections(texts["method"]["text"], below=2) if "method" in texts else "",
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

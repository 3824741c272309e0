"""Why a condition has its tier: the rule step by step, the years, and what the records do not agree on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ldn_evidence.publish.plugin.pages.charts import history
from ldn_evidence.publish.plugin.pages.evidence import by, citations_of, named, with_links
from ldn_evidence.publish.plugin.pages.numbers import stored
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row, items
from ldn_evidence.publish.plugin.pages.words import Words, plain


def page(reader: Reader, request: Request) -> Page:
    """`/conditions/<id>/tier`."""
    identifier = request.variables["id"]
    condition = reader.row("condition", id=identifier)
    if condition is None:
        raise NoSuchRecord(identifier)
    words = Words(reader)
    past = _history(reader.rows("tier_history", id=identifier), condition, words)
    inputs = named(reader, reader.rows("meta_analysis_inputs", id=identifier))
    contradictions = named(reader, reader.rows("condition_contradictions", id=identifier))
    cited = citations_of(
        reader,
        [row[column] for row in contradictions for column in ("study_id", "other_study_id")]
        + [study for row in (past or {"rows": []})["rows"] for study in row["caused_by"]],
    )
    tier = words.label("evidence-tiers", condition["evidence_tier"])
    return Page(
        "tier.html",
        f"{condition['name']}: why the evidence is called {tier.lower()}",
        f"How the rule comes to its answer on low-dose naltrexone in {condition['name']}, step by step and by year, "
        "and where the records disagree.",
        {
            "condition": condition,
            "outlook": reader.rows("tier_outlook", id=identifier),
            "trace": trace_of(reader, identifier),
            "history": past,
            "left_out": {
                reason: list(by(rows, "study_id").values())
                for reason, rows in by((row for row in inputs if not row["used"]), "reason").items()
            },
            "contradictions": [with_links(row, cited) for row in contradictions],
            "cited": cited,
        },
    )


def _history(rows: Sequence[Row], condition: Row, words: Words) -> dict[str, Any] | None:
    if not rows:
        return None
    order = list(reversed(words.codes("evidence-tiers")))
    steps = [
        history.Step(
            row["year"],
            order.index(row["tier"]),
            words.term("directions", row["direction"]).sign,
            f"{words.label('evidence-tiers', row['tier'])}, {words.label('directions', row['direction']).lower()}",
            bool(row["changed"]),
        )
        for row in rows
    ]
    until = int(str(condition["last_searched"])[:4])
    image = history.draw(
        "history",
        f"Tier of {condition['name']} over the years",
        steps,
        [words.label("evidence-tiers", code) for code in order],
        until,
    )
    return {
        "image": image,
        "rows": [{**row, "caused_by": items(row["caused_by"])} for row in rows if row["changed"]],
        "directions": list(dict.fromkeys(row["direction"] for row in rows)),
    }


def _counted(name: str) -> str:
    """What a number of the rule counts, in words: `opposing_unsized_trials` are opposing trials of unknown size."""
    words = plain(name).lower()
    return f"{words.replace('unsized ', '')} of unknown size" if "unsized " in words else words


def trace_of(reader: Reader, identifier: str) -> list[dict[str, Any]]:
    """The rules in the order in which they were tried, up to the one that decided, with what decided each."""
    rules: list[dict[str, Any]] = []
    decided: set[str] = set()
    for row in reader.rows("tier_trace", id=identifier):
        if row["criterion"] is None:
            if row["about"] in decided:
                continue
            rules.append({**row, "criteria": []})
            if row["satisfied"]:
                decided.add(row["about"])
        elif rules and rules[-1]["rule"] == row["rule"] and row["about"] == rules[-1]["about"]:
            inputs = "; ".join(
                f"{_counted(name)}: {stored(value)}" for name, value in json.loads(row["inputs"]).items()
            )
            rules[-1]["criteria"].append({**row, "inputs": inputs, "studies": items(row["studies"])})
    return rules

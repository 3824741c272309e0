"""JSON-LD, FHIR, Atom and iCalendar, read by pyld, fhir.resources, feedparser and icalendar, id by id as in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import feedparser
import pytest
from fhir.resources.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from pyld import jsonld

from export_support import open_base
from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.calendar import span
from ldn_evidence.publish.export.fhir import resource_id
from ldn_evidence.publish.export.json_ld import OWN_TERMS

SCHEMA = "https://schema.org/"
TERM = "urn:ldn-evidence:term:"


@pytest.fixture(scope="module")
def base(built_database: Path, project_root: Path) -> Iterator[Base]:
    with open_base(built_database, project_root) as opened:
        yield opened


@pytest.fixture(scope="module")
def nodes(exported: Path) -> dict[str, dict[str, Any]]:
    """The graph as a JSON-LD processor expands it; it is not allowed to fetch anything."""

    def refuse(address: str, options: object) -> None:
        raise AssertionError(f"the processor wanted {address}")

    document = json.loads((exported / "ldn.jsonld").read_bytes())
    expanded = jsonld.expand(document, {"documentLoader": refuse})
    return {node["@id"]: node for node in expanded}


def one(node: dict[str, Any], property: str) -> Any:
    (value,) = node[property]
    return value.get("@value", value.get("@id"))


@pytest.mark.parametrize("file", ["ldn.jsonld", "ldn.fhir.json", "ldn.csl.json"])
def test_what_is_unknown_is_left_out(exported: Path, file: str) -> None:
    def empty(value: Any, path: str = "") -> Iterator[str]:
        if value in (None, "", [], {}):
            yield path
        parts = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for name, part in parts:
            yield from empty(part, f"{path}/{name}")

    assert list(empty(json.loads((exported / file).read_bytes()))) == []


@pytest.mark.parametrize(
    ("kind", "name", "column"),
    [
        ("conditions", "name", "name"),
        ("studies", "name", "title"),
        ("trials", "name", "title"),
        ("mechanisms", "name", "name"),
        ("sources", "name", "title"),
        ("claims", "text", "statement"),
    ],
)
def test_linked_data_has_every_record(
    nodes: dict[str, Any], base: Base, kind: str, name: str, column: str
) -> None:
    prefix = f"urn:ldn-evidence:{kind}:"
    found = {
        identifier.removeprefix(prefix): one(node, SCHEMA + name)
        for identifier, node in nodes.items()
        if identifier.startswith(prefix) and not identifier.endswith(":review")
    }
    assert len(found) > 10
    assert found == dict(base.connection.execute(f"SELECT id, {column} FROM {kind}"))


def test_linked_data_has_tiers_and_links(nodes: dict[str, Any], base: Base) -> None:
    for row in base.records("SELECT id, evidence_tier, direction FROM conditions"):
        node = nodes[f"urn:ldn-evidence:conditions:{row['id']}"]
        assert one(node, f"{TERM}evidenceTier") == row["evidence_tier"]
        assert one(node, f"{TERM}direction") == row["direction"]
    links = [link["@id"] for node in nodes.values() for link in node.get(f"{SCHEMA}about", [])]
    (pairs,) = base.connection.execute("SELECT count(*) FROM study_conditions").fetchone()
    assert len(links) == pairs + 1  # the data set is about the drug
    assert set(links) <= set(nodes)


def test_only_what_is_published_is_part_of_a_periodical(nodes: dict[str, Any], base: Base) -> None:
    rows = base.records("SELECT id, status, design FROM studies WHERE journal IS NOT NULL")
    for row in rows:
        node = nodes[f"urn:ldn-evidence:studies:{row['id']}"]
        (place,) = node[f"{SCHEMA}isPartOf"]
        is_paper = row["status"] == "published" or row["design"] == "protocol" and row["status"] != "preprint"
        assert place["@type"] == [SCHEMA + ("Periodical" if is_paper else "CreativeWork")], row["id"]


def test_terms_of_our_own_are_columns_of_the_database(nodes: dict[str, Any], base: Base) -> None:
    for place in OWN_TERMS.values():
        table, _, column = place.partition(".")
        assert column in base.tables[table].column_names
    used = {property for node in nodes.values() for property in node if property.startswith(TERM)}
    assert used <= {TERM + name for name in OWN_TERMS}


def test_the_data_set_says_licence_version_and_notice(nodes: dict[str, Any], base: Base) -> None:
    node = nodes["urn:ldn-evidence:base"]
    assert one(node, f"{SCHEMA}license") == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert one(node, f"{SCHEMA}version") == base.version
    (commit,) = node[f"{SCHEMA}identifier"]
    assert one(commit, f"{SCHEMA}propertyID") == "commit"
    assert one(commit, f"{SCHEMA}value") == base.info["commit"]
    assert one(node, f"{SCHEMA}description") == base.notice


@pytest.fixture(scope="module")
def bundle(exported: Path) -> Any:
    return Bundle.model_validate_json((exported / "ldn.fhir.json").read_bytes())


def resources(bundle: Any, kind: str) -> dict[str, Any]:
    return {
        entry.resource.id: entry.resource
        for entry in bundle.entry
        if entry.resource.get_resource_type() == kind
    }


def test_fhir_has_a_citation_of_every_study(bundle: Any, base: Base) -> None:
    found = resources(bundle, "Citation")
    itself = found.pop("ldn-evidence")
    assert itself.description == base.notice
    assert "CC0-1.0" in itself.copyright
    assert itself.version == base.version
    studies = {row["id"]: row for row in base.records("SELECT * FROM studies")}
    assert {citation.identifier[0].value for citation in found.values()} == set(studies)
    for citation in found.values():
        study = studies[citation.identifier[0].value]
        assert citation.title == study["title"]
        identifiers = {one.system: one.value for one in citation.citedArtifact.identifier or []}
        assert identifiers.get("https://doi.org") == study["doi"]
        assert identifiers.get("https://pubmed.ncbi.nlm.nih.gov") == study["pmid"]


# HL7's codes (http://terminology.hl7.org/CodeSystem/statistic-type).
STATISTIC_TYPES = {
    "MD": "0000457", "SMD": "0000100", "RR": "C93152", "OR": "C16932", "RD": "0000424", "HR": "C93150",
    "IRR": "rate-ratio", "median_difference": "absolute-MedianDiff",
}  # fmt: skip


def attributes_of(statistic: Any) -> dict[str, Any]:
    """The statistics about a statistic by code, else by text."""
    return {
        one.type.coding[0].code if one.type.coding else one.type.text: one
        for one in statistic.attributeEstimate or ()
    }


def test_fhir_has_every_effect_with_its_numbers(bundle: Any, base: Base) -> None:
    found = {
        (one.identifier[0].system.rpartition(":")[2], one.identifier[0].value): one
        for one in resources(bundle, "Evidence").values()
    }
    effects = list(
        base.records(
            "SELECT effects.*, outcomes.effect_p, outcomes.effect_studies, outcomes.effect_participants "
            "FROM effects JOIN outcomes ON outcomes.id = effects.outcome_id"
        )
    )
    pooled = list(base.records("SELECT * FROM meta_analyses"))
    assert len(effects) > 50
    assert len(found) == len(effects) + len(pooled)
    results: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in base.records("SELECT * FROM results"):
        results.setdefault((one["outcome_id"], one["arm_id"]), []).append(dict(one))
    with_p = with_size = 0
    for row in effects:
        (statistic,) = found["effects", row["id"]].statistic
        assert (float(statistic.quantity.value) if statistic.quantity else None) == row["value"]
        attributes = attributes_of(statistic)
        limits = attributes["C53324"].range if "C53324" in attributes else None
        assert (float(limits.low.value) if limits and limits.low else None) == row["ci_low"]
        assert (float(limits.high.value) if limits and limits.high else None) == row["ci_high"]
        error = attributes.get("Standard error") or attributes.get(
            "Standard error of the natural logarithm of the estimate"
        )
        assert (float(error.quantity.value) if error else None) == row["standard_error"]
        assert ("Standard error" in attributes) == (
            row["measure"] in ("MD", "SMD", "RD", "median_difference", "difference_in_differences")
            and row["standard_error"] is not None
        )
        if row["is_printed"] and row["effect_p"]:
            p = attributes["C44185"]
            if p.quantity is None:  # such as NS
                assert p.description == row["effect_p"]
            else:
                printed = row["effect_p"].lstrip("<>= ")
                assert float(p.quantity.value) == float(printed)
                assert (p.quantity.comparator or "") == row["effect_p"].removesuffix(printed).strip("= ")
            with_p += 1
        else:
            assert (
                "C44185" not in attributes
            )  # a P value of the paper is none of the effect that was computed here
        if row["measure"] != "difference_in_differences":
            (coding,) = statistic.statisticType.coding
            assert coding.code == STATISTIC_TYPES[row["measure"]]
        size = statistic.sampleSize
        if row["is_printed"]:
            assert (size.numberOfParticipants if size else None) == row["effect_participants"]
            assert (size.numberOfStudies if size else None) == row["effect_studies"]
        elif size:
            sizes = [
                [
                    one["total"] if row["computed_from"].startswith("events") else one["n"]
                    for one in results[row["outcome_id"], arm]
                ]
                for arm in (row["intervention_id"], row["comparator_id"])
            ]
            assert [len(one) for one in sizes] == [1, 1]
            assert size.knownDataCount == sum(one[0] for one in sizes)
            with_size += 1
    assert with_p > 10
    assert with_size > 20
    for row in pooled:
        (statistic,) = found["meta_analyses", row["id"]].statistic
        assert float(statistic.quantity.value) == row["random_value"]
        assert statistic.sampleSize.numberOfStudies == row["trials"]
        attributes = attributes_of(statistic)
        assert float(attributes["C53324"].range.low.value) == row["random_ci_low"]
        assert float(attributes["0000420"].quantity.value) == row["i_squared"]
        assert attributes["0000420"].quantity.code == "%"
        assert float(attributes["0000421"].quantity.value) == row["tau_squared"]
        assert float(attributes["0000419"].quantity.value) == row["q"]
        assert float(attributes["0000419"].attributeEstimate[0].quantity.value) == row["q_p"]


def test_fhir_arms_and_outcomes_have_their_parts(bundle: Any, base: Base) -> None:
    variables = {
        (one.identifier[0].system.rpartition(":")[2], one.identifier[0].value): one
        for one in resources(bundle, "EvidenceVariable").values()
    }
    arms = {row["id"]: row for row in base.records("SELECT * FROM arms")}
    outcomes = {row["id"]: row for row in base.records("SELECT * FROM outcomes")}
    doses = handled = 0
    for (kind, identifier), variable in variables.items():
        categories = {one.name: one.valueCodeableConcept.text for one in variable.category or ()}
        if kind == "arms":
            row = arms[identifier]
            assert categories.get("Dose class") == row["dose_class"]
            valued = {
                one.definitionByTypeAndValue.type.text: one.definitionByTypeAndValue
                for one in variable.characteristic or ()
                if one.definitionByTypeAndValue
            }
            if row["dose_mg_per_day"] is not None:
                dose = valued["Daily dose of naltrexone"]
                assert float(dose.valueQuantity.value) == row["dose_mg_per_day"]
                assert (dose.valueQuantity.system, dose.valueQuantity.code) == (
                    "http://unitsofmeasure.org",
                    "mg/d",
                )
                doses += 1
            weeks = [one.durationQuantity for one in variable.characteristic or () if one.durationQuantity]
            assert [float(one.value) for one in weeks] == ([] if row["weeks"] is None else [row["weeks"]])
        elif kind == "outcomes":
            row = outcomes[identifier]
            assert categories.get("Domain") == row["domain"]
            assert categories.get("Unit") == row["unit"]
            (characteristic,) = variable.characteristic
            when = characteristic.timeFromEvent
            assert (when[0].description if when else None) == row["timepoint"]
            handled += variable.handling in ("continuous", "dichotomous")
    assert doses > 10
    assert handled > 20


def test_fhir_conditions_carry_the_codes_that_are_exact(bundle: Any, base: Base) -> None:
    registered = ("MONDO", "ICD-10-CM", "ICD-11", "NCIT")
    wanted = {
        (row["condition_id"], row["code"])
        for row in base.records("SELECT * FROM condition_identifiers WHERE predicate = 'exact'")
        if row["scheme"] in registered
    }
    assert len(wanted) > 250
    found = set()
    for variable in resources(bundle, "EvidenceVariable").values():
        if variable.identifier[0].system != "urn:ldn-evidence:conditions":
            continue
        (characteristic,) = variable.characteristic
        concept = characteristic.definitionCodeableConcept
        assert concept.text
        found |= {(variable.identifier[0].value, coding.code) for coding in concept.coding or ()}
    assert found == wanted


def test_fhir_references_resolve(bundle: Any, exported: Path) -> None:
    ids = {f"{entry.resource.get_resource_type()}/{entry.resource.id}" for entry in bundle.entry}
    assert len(ids) == len(bundle.entry)

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                yield value["reference"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    used = set(references(json.loads((exported / "ldn.fhir.json").read_bytes())))
    assert len(used) > 100
    assert used <= ids


@settings(deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=200))
def test_fhir_ids_are_short_and_stay_apart(identifier: str) -> None:
    assert len(resource_id("outcome", identifier)) <= 64
    assert resource_id("outcome", identifier) != resource_id("outcome", f"{identifier}x")


def test_feedparser_reads_the_changes(exported: Path, base: Base) -> None:
    feed: Any = feedparser.parse((exported / "changes.atom").read_bytes())
    assert not feed.bozo
    assert feed.version == "atom10"
    assert feed.feed.subtitle == base.notice
    assert "CC0-1.0" in feed.feed.rights
    ids = [entry.id.removeprefix("urn:ldn-evidence:changes:") for entry in feed.entries]
    assert len(set(ids)) == len(ids)
    studies = {row["id"] for row in base.records("SELECT id FROM studies")}
    assert {one.removeprefix("studies:") for one in ids if one.startswith("studies:")} == studies
    moves = {
        f"tiers:{row['condition_id']}:{row['year']}"
        for row in base.records("SELECT condition_id, year FROM tier_history WHERE changed = 1")
    }
    assert len(moves) > 20
    assert {one for one in ids if one.startswith("tiers:")} == moves
    assert base.version in next(entry.title for entry in feed.entries if "release:" in entry.id)
    updated = [entry.updated for entry in feed.entries]
    assert updated == sorted(updated, reverse=True)
    assert feed.feed.updated == updated[0]
    # It stands alone, with no site beside it: entries lead to the papers.
    links = {
        entry.id.removeprefix("urn:ldn-evidence:changes:"): entry.get("links", []) for entry in feed.entries
    }
    papers = {
        row["id"]: f"https://doi.org/{row['doi']}"
        for row in base.records("SELECT id, doi FROM studies WHERE doi IS NOT NULL")
    }
    found = {
        study: link.href for study in papers for link in links[f"studies:{study}"] if link.rel == "alternate"
    }
    assert len(papers) > 100
    assert {study: unquote(address) for study, address in found.items()} == papers
    assert all(link.rel == "related" for one in moves for link in links[one])
    assert sum(bool(links[one]) for one in moves) > 20


def test_icalendar_reads_what_is_expected(exported: Path, base: Base) -> None:
    calendar: Any = Calendar.from_ical((exported / "ldn.ics").read_bytes())
    events = {str(event["UID"]).removesuffix("@ldn-evidence"): event for event in calendar.walk("VEVENT")}
    assert "opioid" in str(calendar["X-WR-CALDESC"])
    assert "CC0-1.0" in str(calendar["X-WR-CALDESC"])
    trials = {
        f"trial-{row['trial_id']}": row
        for row in base.records("SELECT * FROM open_trials WHERE completion IS NOT NULL")
    }
    reviews = {
        f"review-{row['id']}": row
        for row in base.records("SELECT id, name, date(last_searched, '+1 year') AS due FROM conditions")
    }
    assert len(trials) > 5
    assert set(events) == set(trials) | set(reviews)
    for identifier, row in trials.items():
        event = events[identifier]
        assert row["registry_number"] in str(event["SUMMARY"])
        assert row["title"] in str(event["DESCRIPTION"])
        assert str(event["DTSTART"].dt).startswith(row["completion"])
    for identifier, row in reviews.items():
        assert str(events[identifier]["DTSTART"].dt) == row["due"]
        assert str(events[identifier]["SUMMARY"]).endswith(row["name"])
    assert all(len(line) <= 75 for line in (exported / "ldn.ics").read_bytes().split(b"\r\n"))


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-10-31", date(2026, 10, 31), date(2026, 11, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2024-02", date(2024, 2, 1), date(2024, 3, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_month_is_a_month_and_not_a_day(text: str, begin: date, end: date) -> None:
    assert span(text) == (begin, end)

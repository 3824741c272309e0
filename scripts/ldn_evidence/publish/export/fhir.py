"""The base as a FHIR R5 bundle: Citation for studies, Evidence for effects, EvidenceVariable for what they are about.

Only what the database has is said: a condition has the codes that its record calls exact, a kind of statistic the one that
HL7's list has for it, other concepts are given as text and not as codes that nobody checked, and no certainty is rated, for a
tier is not a GRADE rating. docs/formats.md has the mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.publish.export import citations
from ldn_evidence.publish.export.base import Base, version_line
from ldn_evidence.publish.export.files import Written

Resource = dict[str, Any]

LONGEST_ID = 64
_ROLES = "http://terminology.hl7.org/CodeSystem/variable-role"
# Code systems by the URI under which HL7 Terminology registers them; those without one there are left out.
_CODE_SYSTEMS: Mapping[str, str] = {
    "MONDO": "http://purl.obolibrary.org/obo/mondo.owl",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD-11": "http://id.who.int/icd/release/11/mms",
    "NCIT": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
}
_STATISTICS = "http://terminology.hl7.org/CodeSystem/statistic-type"
_ATTRIBUTES = "http://terminology.hl7.org/CodeSystem/attribute-estimate-type"
_UNITS = "http://unitsofmeasure.org"
# Measure -> its words here, and code and display in HL7's list of kinds of statistics where that has it.
_MEASURES: Mapping[str, tuple[str, str | None, str | None]] = {
    "MD": ("Mean difference", "0000457", "Mean Difference"),
    "SMD": ("Standardised mean difference", "0000100", "Standardized Mean Difference"),
    "RR": ("Risk ratio", "C93152", "Relative Risk"),
    "OR": ("Odds ratio", "C16932", "Odds Ratio"),
    "RD": ("Risk difference", "0000424", "Risk Difference"),
    "HR": ("Hazard ratio", "C93150", "Hazard Ratio"),
    "IRR": ("Incidence rate ratio", "rate-ratio", "Incidence Rate Ratio"),
    "NNT": ("Number needed to treat", None, None),
    "median_difference": ("Difference of medians", "absolute-MedianDiff", "Absolute Median Difference"),
}
# Measures in the outcome's own unit.
_IN_UNITS = frozenset({"MD", "median_difference"})
_RATIOS = frozenset({"RR", "OR", "HR", "IRR"})
# How a measure treats its outcome.
_HANDLING: Mapping[str, str] = {
    "MD": "continuous", "SMD": "continuous", "median_difference": "continuous",
    "RR": "dichotomous", "OR": "dichotomous", "RD": "dichotomous", "NNT": "dichotomous",
}  # fmt: skip
_INTERVAL = ("C53324", "Confidence interval")
_P_VALUE = ("C44185", "P-value")
_Q = ("0000419", "Cochran's Q statistic")
_I_SQUARED = ("0000420", "I-squared")
_TAU_SQUARED = ("0000421", "Tau squared")
_PRINTED_P = re.compile(r"(?P<comparator>[<>]=?|=)? ?(?P<value>\d*\.?\d+)")


def write_bundle(base: Base, folder: Path) -> Iterable[Written]:
    """Write `ldn.fhir.json`, a bundle of type collection."""
    resources = [_filled(resource) for resource in _resources(base)]
    bundle = {
        "resourceType": "Bundle",
        "id": "ldn-evidence",
        "type": "collection",
        "timestamp": f"{base.day}T00:00:00Z",
        "entry": [
            {"fullUrl": f"urn:ldn-evidence:{one['resourceType']}:{one['id']}", "resource": one}
            for one in resources
        ],
    }
    target = folder / "ldn.fhir.json"
    target.write_bytes(orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    yield Written(target, len(resources))


def resource_id(kind: str, identifier: str) -> str:
    """A FHIR id, which may have 64 characters: longer ones end in a checksum instead."""
    whole = f"{kind}-{identifier}"
    if len(whole) <= LONGEST_ID:
        return whole
    digest = blake2b(whole.encode(), digest_size=5).hexdigest()
    return f"{whole[: LONGEST_ID - len(digest) - 1]}-{digest}"


def _resources(base: Base) -> Iterator[Resource]:
    about = base.provenance
    yield {
        "resourceType": "Citation",
        "id": "ldn-evidence",
        "version": about["data_version"],
        "title": about["title"],
        "status": "active",
        "date": about["committed_on"],
        "description": about["notice"],
        "note": [{"text": version_line(about)}],
        "copyright": f"{about['license']}, {about['license_url']}",
    }
    for row in base.records("SELECT * FROM studies ORDER BY id"):
        yield _citation(row)
    codes = _codes(base)
    for row in base.records("SELECT * FROM conditions ORDER BY id"):
        concept = {"coding": codes.get(row["id"]), "text": row["name"]}
        variable = _variable(
            "condition",
            row["id"],
            f"People with {row['name']}",
            row["summary"],
            f"Evidence tier for low-dose naltrexone: {row['evidence_tier']}; direction: {row['direction']}. "
            "A tier says how strong the evidence is, not what anyone should take.",
        )
        yield {**variable, "characteristic": [{"definitionCodeableConcept": _filled(concept)}]}
    used = (
        "SELECT * FROM arms WHERE id IN (SELECT intervention_id FROM effects UNION SELECT comparator_id FROM effects) "
        "ORDER BY id"
    )
    for row in base.records(used):
        yield _arm(row)
    handled: dict[str, set[str | None]] = {}
    for outcome, measure in base.connection.execute("SELECT outcome_id, measure FROM effects"):
        handled.setdefault(outcome, set()).add(_HANDLING.get(measure))
    query = (
        "SELECT outcomes.*, instruments.name AS instrument FROM outcomes "
        "LEFT JOIN instruments ON instruments.id = outcomes.instrument_id "
        "WHERE outcomes.id IN (SELECT outcome_id FROM effects) ORDER BY outcomes.id"
    )
    for row in base.records(query):
        yield _outcome(row, handled[row["id"]])
    yield from _effects(base)
    yield from _meta_analyses(base)


def _codes(base: Base) -> dict[str, list[Resource]]:
    """Condition -> the codes that mean exactly it."""
    codes: dict[str, list[Resource]] = {}
    for row in base.records(
        "SELECT * FROM condition_identifiers WHERE predicate = 'exact' ORDER BY condition_id, position"
    ):
        if row["scheme"] in _CODE_SYSTEMS:
            coding = {"system": _CODE_SYSTEMS[row["scheme"]], "code": row["code"], "display": row["label"]}
            codes.setdefault(row["condition_id"], []).append(_filled(coding))
    return codes


def _citation(row: Mapping[str, Any]) -> Resource:
    authors = ", ".join(
        " ".join(filter(None, (one.family, one.initials, one.suffix))) for one in citations.authors(row)
    )
    systems = {
        "pmid": "https://pubmed.ncbi.nlm.nih.gov",
        "pmcid": "https://www.ncbi.nlm.nih.gov/pmc",
        "doi": "https://doi.org",
    }
    note = citations.note(row)
    publication = _filled(
        {
            "publishedIn": {"title": row["journal"]} if row["journal"] else None,
            "volume": row["volume"],
            "issue": row["issue"],
            "articleDate": str(row["year"]) if row["year"] else None,
            "pageString": row["pages"],
        }
    )
    return {
        "resourceType": "Citation",
        "id": resource_id("study", row["id"]),
        "identifier": [{"system": "urn:ldn-evidence:studies", "value": row["id"]}],
        "title": row["title"],
        "status": "active",
        "note": [{"text": note}] if note else None,
        "citedArtifact": _filled(
            {
                "identifier": [
                    {"system": system, "value": row[name]} for name, system in systems.items() if row[name]
                ],
                "title": [{"text": row["title"]}],
                "publicationForm": [publication] if publication else None,
                "contributorship": {"summary": [{"value": authors}]} if authors else None,
            }
        ),
    }


def _variable(kind: str, identifier: str, title: str, description: str | None, note: str | None) -> Resource:
    return {
        "resourceType": "EvidenceVariable",
        "id": resource_id(kind, identifier),
        "identifier": [{"system": f"urn:ldn-evidence:{kind}s", "value": identifier}],
        "title": title,
        "status": "active",
        "description": description or title,
        "note": [{"text": note}] if note else None,
    }


def _arm(row: Mapping[str, Any]) -> Resource:
    dose = f"{row['dose_mg_per_day']:g} mg a day" if row["dose_mg_per_day"] is not None else None
    described = "; ".join(part for part in (dose, row["dose_note"], row["route"]) if part)
    characteristics: list[Resource] = [
        {
            "definitionByTypeAndValue": {
                "type": {"text": "Component"},
                "valueCodeableConcept": {"text": component},
            }
        }
        for component in orjson.loads(row["components"] or "[]")
    ]
    low, high = row["dose_low_mg_per_day"], row["dose_high_mg_per_day"]
    amount: Resource = {}
    if row["dose_mg_per_day"] is not None:
        amount = {"valueQuantity": _quantity(row["dose_mg_per_day"], "mg/d", "mg a day")}
    elif low is not None or high is not None:
        limits = {"low": low, "high": high}
        amount = {
            "valueRange": {
                name: _quantity(value, "mg/d", "mg a day")
                for name, value in limits.items()
                if value is not None
            }
        }
    if amount:
        characteristics.append(
            {"definitionByTypeAndValue": {"type": {"text": "Daily dose of naltrexone"}, **amount}}
        )
    if row["route"]:
        route = {"type": {"text": "Route of administration"}, "valueCodeableConcept": {"text": row["route"]}}
        characteristics.append({"definitionByTypeAndValue": route})
    if row["weeks"] is not None:
        characteristics.append(
            {"description": "Length of treatment", "durationQuantity": _quantity(row["weeks"], "wk", "weeks")}
        )
    return {
        **_variable("arm", row["id"], row["label"], described, None),
        "characteristic": characteristics,
        "category": _categories({"Role": row["role"], "Dose class": row["dose_class"]}),
    }


def _outcome(row: Mapping[str, Any], handling: set[str | None]) -> Resource:
    described = ", ".join(part for part in (row["name"], row["unit"], row["timepoint"]) if part)
    when = [{"description": row["timepoint"]}] if row["timepoint"] else None
    return {
        **_variable("outcome", row["id"], row["name"], described, None),
        "characteristic": [
            _filled({"definitionCodeableConcept": {"text": row["name"]}, "timeFromEvent": when})
        ],
        # Only where all effects of the outcome agree on it.
        "handling": next(iter(handling)) if len(handling) == 1 else None,
        "category": _categories(
            {
                "Domain": row["domain"],
                "Instrument": row["instrument"],
                "Unit": row["unit"],
                "Role": row["role"],
                "Better": row["better"],
            }
        ),
    }


def _categories(values: Mapping[str, str | None]) -> list[Resource]:
    return [
        {"name": name, "valueCodeableConcept": {"text": value}}
        for name, value in values.items()
        if value is not None
    ]


def _quantity(value: float, code: str, unit: str) -> Resource:
    """A quantity in a unit of UCUM."""
    return {"value": value, "unit": unit, "system": _UNITS, "code": code}


def _effects(base: Base) -> Iterator[Resource]:
    conditions: dict[str, list[str]] = {}
    for study, condition in base.connection.execute(
        "SELECT study_id, condition_id FROM study_conditions ORDER BY study_id, position"
    ):
        conditions.setdefault(study, []).append(condition)
    counted = _counted(base)
    query = (
        "SELECT effects.*, studies.title AS study_title, studies.design, outcomes.name AS outcome, outcomes.unit, "
        "outcomes.condition_id AS outcome_condition, outcomes.effect_p, outcomes.effect_studies, outcomes.effect_participants "
        "FROM effects "
        "JOIN studies ON studies.id = effects.study_id JOIN outcomes ON outcomes.id = effects.outcome_id ORDER BY effects.id"
    )
    for row in base.records(query):
        about = (
            [row["outcome_condition"]] if row["outcome_condition"] else conditions.get(row["study_id"], [])
        )
        variables = [_role("population", "condition", condition) for condition in about]
        if row["intervention_id"]:
            variables.append(_role("exposure", "arm", row["intervention_id"]))
        if row["comparator_id"]:
            variables.append(_role("referenceExposure", "arm", row["comparator_id"]))
        variables.append(_role("measuredVariable", "outcome", row["outcome_id"]))
        printed = "As printed in the paper" if row["is_printed"] else f"Computed from {row['computed_from']}"
        # A printed P value belongs to the printed effect; the computed one was not tested by the paper.
        tested = row["effect_p"] if row["is_printed"] else None
        of_paper = (
            f"The paper's own P value for this outcome: {row['effect_p']}"
            if row["effect_p"] and not tested
            else None
        )
        notes = [printed, row["disagreement"], row["p_contradiction"], of_paper, row["note"]]
        yield {
            "resourceType": "Evidence",
            "id": resource_id("effect", row["id"]),
            "identifier": [{"system": "urn:ldn-evidence:effects", "value": row["id"]}],
            "title": f"{row['outcome']}: {row['study_title']}",
            "status": "active",
            "citeAsReference": {"reference": f"Citation/{resource_id('study', row['study_id'])}"},
            "note": [{"text": text} for text in notes if text],
            "variableDefinition": variables,
            "studyDesign": [{"text": row["design"].replace("_", " ")}],
            "statistic": [
                _statistic(
                    row["measure"],
                    row["value"],
                    row["unit"],
                    [_interval(row, row["ci_level"]), _printed_p(tested), _standard_error(row)],
                    _sample(row, counted),
                )
            ],
        }


def _counted(base: Base) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Outcome and arm -> its result, where it has exactly one."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in base.records("SELECT outcome_id, arm_id, n, total FROM results WHERE arm_id IS NOT NULL"):
        found.setdefault((row["outcome_id"], row["arm_id"]), []).append(row)
    return {key: rows[0] for key, rows in found.items() if len(rows) == 1}


def _sample(row: Mapping[str, Any], counted: Mapping[tuple[str, str], Mapping[str, Any]]) -> Resource:
    """On how many people an effect rests: as printed with it, else the sum of the two arms from which it was computed."""
    if row["is_printed"]:
        return _filled(
            {"numberOfStudies": row["effect_studies"], "numberOfParticipants": row["effect_participants"]}
        )
    if not row["intervention_id"] or not row["comparator_id"]:
        return {}  # several arms taken together
    number = "total" if row["computed_from"].startswith("events") else "n"
    sizes = [
        counted.get((row["outcome_id"], row[arm]), {}).get(number)
        for arm in ("intervention_id", "comparator_id")
    ]
    return {} if None in sizes else {"knownDataCount": sum(sizes)}


def _meta_analyses(base: Base) -> Iterator[Resource]:
    inputs: dict[str, list[str]] = {}
    for analysis, study in base.connection.execute(
        "SELECT DISTINCT meta_analysis_id, study_id FROM meta_analysis_inputs WHERE used = 1 ORDER BY 1, 2"
    ):
        inputs.setdefault(analysis, []).append(study)
    for row in base.records("SELECT * FROM meta_analyses ORDER BY id"):
        limits = {"ci_low": row["random_ci_low"], "ci_high": row["random_ci_high"]}
        yield {
            "resourceType": "Evidence",
            "id": resource_id("pooled", row["id"]),
            "identifier": [{"system": "urn:ldn-evidence:meta_analyses", "value": row["id"]}],
            "title": f"Pooled here: {row['domain'].replace('_', ' ')} in {row['condition_id']}",
            "status": "active",
            "citeAsReference": {"reference": "Citation/ldn-evidence"},
            "relatedArtifact": [
                {
                    "type": "derived-from",
                    "resourceReference": {"reference": f"Citation/{resource_id('study', study)}"},
                }
                for study in inputs.get(row["id"], [])
            ],
            "note": [{"text": f"Random effects: {row['method']}"}],
            "variableDefinition": [
                _role("population", "condition", row["condition_id"]),
                {
                    "description": row["domain"].replace("_", " "),
                    "variableRole": {"coding": [{"system": _ROLES, "code": "measuredVariable"}]},
                },
            ],
            "synthesisType": {"text": "Random-effects meta-analysis"},
            "statistic": [
                _statistic(
                    row["measure"],
                    row["random_value"],
                    None,
                    [_interval(limits, 95), *_heterogeneity(row)],
                    _filled({"numberOfStudies": row["trials"], "numberOfParticipants": row["participants"]}),
                )
            ],
        }


def _role(role: str, kind: str, identifier: str) -> Resource:
    return {
        "variableRole": {"coding": [{"system": _ROLES, "code": role}]},
        "observed": {"reference": f"EvidenceVariable/{resource_id(kind, identifier)}"},
    }


def _attribute(kind: tuple[str, str], **more: Any) -> Resource:
    """A statistic about a statistic, of a kind in HL7's list."""
    code, display = kind
    return {
        "type": {"coding": [{"system": _ATTRIBUTES, "code": code, "display": display}], "text": display},
        **more,
    }


def _interval(row: Mapping[str, Any], level: float | None) -> Resource | None:
    low, high = row["ci_low"], row["ci_high"]
    if low is None and high is None:
        return None
    limits = {name: {"value": value} for name, value in (("low", low), ("high", high)) if value is not None}
    share = {"level": level / 100} if level is not None else {}
    return _attribute(_INTERVAL, **share, range=limits)


def _printed_p(text: str | None) -> Resource | None:
    """A P value as printed: `<0.001` has a comparator; what is no number stays text."""
    if not text:
        return None
    found = _PRINTED_P.fullmatch(text)
    if found is None:
        return _attribute(_P_VALUE, description=text)
    comparator = found["comparator"] if found["comparator"] != "=" else None
    return _attribute(_P_VALUE, quantity=_filled({"value": float(found["value"]), "comparator": comparator}))


def _standard_error(row: Mapping[str, Any]) -> Resource | None:
    """HL7's list has only the standard error of a mean, so this is text; of ratios it is on the scale of logarithms."""
    if row["standard_error"] is None:
        return None
    scale = " of the natural logarithm of the estimate" if row["measure"] in _RATIOS else ""
    return {"type": {"text": f"Standard error{scale}"}, "quantity": {"value": row["standard_error"]}}


def _heterogeneity(row: Mapping[str, Any]) -> Iterator[Resource]:
    """How much the trials of a pooled estimate differ, and where a next trial would lie."""
    if row["prediction_low"] is not None and row["prediction_high"] is not None:
        limits = {"low": {"value": row["prediction_low"]}, "high": {"value": row["prediction_high"]}}
        yield {"type": {"text": "Prediction interval"}, "level": 0.95, "range": limits}
    if row["q"] is not None:
        tested = (
            {}
            if row["q_p"] is None
            else {"attributeEstimate": [_attribute(_P_VALUE, quantity={"value": row["q_p"]})]}
        )
        yield _attribute(_Q, quantity={"value": row["q"]}, **tested)
    if row["i_squared"] is not None:
        yield _attribute(_I_SQUARED, quantity=_quantity(row["i_squared"], "%", "%"))
    if row["tau_squared"] is not None:
        yield _attribute(_TAU_SQUARED, quantity={"value": row["tau_squared"]})


def _statistic(
    measure: str,
    value: float | None,
    unit: str | None,
    attributes: Iterable[Resource | None],
    size: Resource | None = None,
) -> Resource:
    words, code, display = _MEASURES.get(measure, (measure.replace("_", " "), None, None))
    coding = [{"system": _STATISTICS, "code": code, "display": display}] if code else None
    return _filled(
        {
            "statisticType": _filled({"coding": coding, "text": words}),
            "quantity": _filled({"value": value, "unit": unit if measure in _IN_UNITS else None})
            if value is not None
            else None,
            "sampleSize": size,
            "attributeEstimate": [one for one in attributes if one is not None],
        }
    )


def _filled(resource: Mapping[str, Any]) -> Resource:
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}

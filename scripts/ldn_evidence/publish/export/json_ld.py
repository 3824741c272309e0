"""The base as linked data: schema.org with a few terms of our own, in JSON-LD.

The context stands in the file, so that no processor has to fetch anything. Identifiers are `urn:ldn-evidence:<kind>:<id>`;
terms of our own begin with `urn:ldn-evidence:term:` and are columns of the database, so that what they mean stands in the
data dictionary. docs/formats.md lists them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from ldn_evidence.publish.export import citations
from ldn_evidence.publish.export.base import Base
from ldn_evidence.publish.export.files import Written

IDENTIFIER = "urn:ldn-evidence:"
# Columns of the database that schema.org has no word for: the JSON name, and the column.
OWN_TERMS: Mapping[str, str] = {
    "evidenceTier": "conditions.evidence_tier",
    "direction": "conditions.direction",
    "randomizedTrials": "condition_appraisals.randomized_trials",
    "randomizedParticipants": "condition_appraisals.randomized_participants",
    "tierReason": "condition_appraisals.reason",
    "lastSearched": "conditions.last_searched",
    "design": "studies.design",
    "publicationStatus": "studies.status",
    "verificationDepth": "studies.verification_depth",
    "retractionStatus": "studies.retraction_status",
    "trialStatus": "trials.status",
    "statusSeenOn": "trials.status_seen_on",
    "reportedBy": "trial_reports.study_id",
    "evidenceLevel": "mechanisms.evidence_level",
    "commercialInterest": "sources.commercial_interest",
    "supports": "claim_evidence.stance",
    "contradicts": "claim_evidence.stance",
}
_LINKS = (
    "about",
    "healthCondition",
    "appearance",
    "itemReviewed",
    "license",
    "sameAs",
    "studySubject",
    "isBasedOn",
)
_OWN_LINKS = ("reportedBy", "supports", "contradicts")

CONTEXT: Mapping[str, Any] = {
    "@version": 1.1,
    "@vocab": "https://schema.org/",
    "ldn": f"{IDENTIFIER}term:",
    **{name: {"@type": "@id"} for name in _LINKS},
    **{name: {"@id": f"ldn:{name}"} | ({"@type": "@id"} if name in _OWN_LINKS else {}) for name in OWN_TERMS},
}

Node = dict[str, Any]


def write_json_ld(base: Base, folder: Path) -> Iterable[Written]:
    """Write `ldn.jsonld`: a data set, the drug, and a node for each condition, study, trial, mechanism, source and claim."""
    graph = [_filled(node) for node in _graph(base)]
    target = folder / "ldn.jsonld"
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    target.write_bytes(orjson.dumps({"@context": CONTEXT, "@graph": graph}, option=option))
    yield Written(target, len(graph))


def identifier(kind: str, id: str) -> str:
    """The identifier of a record."""
    return f"{IDENTIFIER}{kind}:{id}"


def _graph(base: Base) -> Iterator[Node]:
    about = base.provenance
    yield {
        "@id": f"{IDENTIFIER}base",
        "@type": "Dataset",
        "name": about["title"],
        "version": about["data_version"],
        "identifier": {"@type": "PropertyValue", "propertyID": "commit", "value": about["commit"]},
        "dateModified": about["committed_on"],
        "license": about["license_url"],
        "isAccessibleForFree": True,
        "description": about["notice"],
        "about": f"{IDENTIFIER}drug:naltrexone",
    }
    yield {
        "@id": f"{IDENTIFIER}drug:naltrexone",
        "@type": "Drug",
        "name": "Naltrexone",
        "warning": about["notice"],
    }
    yield from _conditions(base)
    yield from _studies(base)
    yield from _trials(base)
    for row in base.records("SELECT * FROM mechanisms ORDER BY id"):
        yield {
            "@id": identifier("mechanisms", row["id"]),
            "@type": "DefinedTerm",
            "name": row["name"],
            "description": row["statement"],
            "evidenceLevel": row["evidence_level"],
        }
    for row in base.records("SELECT * FROM sources ORDER BY id"):
        yield {
            "@id": identifier("sources", row["id"]),
            "@type": "CreativeWork",
            "name": row["title"],
            "author": row["author"],
            "publisher": row["publisher"],
            "datePublished": row["date"],
            "url": row["url"],
            "commercialInterest": row["commercial_interest"],
        }
    yield from _claims(base)


def _conditions(base: Base) -> Iterator[Node]:
    names = _lists(
        base,
        "SELECT condition_id, condition_names.name FROM condition_names JOIN conditions ON conditions.id = condition_id "
        "WHERE condition_names.name <> conditions.name ORDER BY condition_id, position",
    )
    codes: dict[str, list[Node]] = defaultdict(list)
    for row in base.records("SELECT * FROM condition_identifiers ORDER BY condition_id, position"):
        codes[row["condition_id"]].append(
            {
                "@type": "MedicalCode",
                "codingSystem": row["scheme"],
                "codeValue": row["code"],
                "name": row["label"],
                "description": f"{row['predicate']} match",
            }
        )
    query = "SELECT * FROM conditions LEFT JOIN condition_appraisals ON condition_id = conditions.id ORDER BY conditions.id"
    for row in base.records(query):
        yield {
            "@id": identifier("conditions", row["id"]),
            "@type": "MedicalCondition",
            "name": row["name"],
            "alternateName": names[row["id"]],
            "code": codes[row["id"]],
            "description": row["summary"],
            "evidenceTier": row["evidence_tier"],
            "direction": row["direction"],
            "randomizedTrials": row["randomized_trials"],
            "randomizedParticipants": row["randomized_participants"],
            "tierReason": row["reason"],
            "lastSearched": row["last_searched"],
        }


def _studies(base: Base) -> Iterator[Node]:
    conditions = _lists(
        base, "SELECT study_id, condition_id FROM study_conditions ORDER BY study_id, position"
    )
    for row in base.records("SELECT * FROM studies ORDER BY id"):
        form = citations.form(row)
        # What is not published appeared in a register, at a meeting, in a release: in no periodical.
        place = "Periodical" if form == "published" else "CreativeWork"
        yield {
            "@id": identifier("studies", row["id"]),
            "@type": "MedicalScholarlyArticle" if form in ("published", "preprint") else "CreativeWork",
            "name": row["title"],
            "author": [_author(author) for author in citations.named_authors(row)],
            "datePublished": str(row["year"]) if row["year"] else None,
            "isPartOf": {"@type": place, "name": row["journal"]} if row["journal"] else None,
            "pagination": row["pages"],
            "identifier": [
                {"@type": "PropertyValue", "propertyID": name, "value": row[name]}
                for name in ("pmid", "pmcid", "doi")
                if row[name]
            ],
            "sameAs": [
                address
                for address in (
                    row["doi"] and f"https://doi.org/{row['doi']}",
                    row["pmid"] and f"https://pubmed.ncbi.nlm.nih.gov/{row['pmid']}/",
                )
                if address
            ],
            "about": [identifier("conditions", one) for one in conditions[row["id"]]],
            "description": row["conclusion"],
            "design": row["design"],
            "publicationStatus": row["status"],
            "verificationDepth": row["verification_depth"],
            "retractionStatus": row["retraction_status"],
        }


def _trials(base: Base) -> Iterator[Node]:
    conditions = _lists(
        base, "SELECT trial_id, condition_id FROM trial_conditions ORDER BY trial_id, position"
    )
    reports = _lists(base, "SELECT trial_id, study_id FROM trial_reports ORDER BY trial_id, position")
    for row in base.records("SELECT * FROM trials ORDER BY id"):
        yield {
            "@id": identifier("trials", row["id"]),
            "@type": "MedicalTrial",
            "name": row["title"],
            "identifier": row["registry_number"],
            "sponsor": {"@type": "Organization", "name": row["sponsor"]} if row["sponsor"] else None,
            "healthCondition": [identifier("conditions", one) for one in conditions[row["id"]]],
            "studySubject": f"{IDENTIFIER}drug:naltrexone",
            "trialStatus": row["status"],
            "statusSeenOn": row["status_seen_on"],
            "reportedBy": [identifier("studies", one) for one in reports[row["id"]]],
        }


def _claims(base: Base) -> Iterator[Node]:
    evidence = {
        stance: _lists(
            base,
            "SELECT claim_id, study_id FROM claim_evidence "
            f"WHERE stance = '{stance}' AND study_id IS NOT NULL ORDER BY claim_id, position",
        )
        for stance in ("supports", "contradicts")
    }
    for row in base.records("SELECT * FROM claims ORDER BY id"):
        claim = identifier("claims", row["id"])
        yield {
            "@id": claim,
            "@type": "Claim",
            "text": row["statement"],
            "appearance": identifier("sources", row["source_id"]) if row["source_id"] else None,
        }
        yield {
            "@id": f"{claim}:review",
            "@type": "ClaimReview",
            "itemReviewed": claim,
            "reviewRating": {"@type": "Rating", "alternateName": row["verdict"]},
            "reviewBody": row["explanation"],
            **{
                stance: [identifier("studies", one) for one in found[row["id"]]]
                for stance, found in evidence.items()
            },
        }


def _author(author: citations.Author) -> Node:
    if not author.initials:
        return {"@type": "Organization", "name": author.family}
    return {"@type": "Person", "familyName": author.family, "givenName": author.given}


def _lists(base: Base, query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for owner, value in base.connection.execute(query):
        found[owner].append(value)
    return found


def _filled(value: Any) -> Any:
    """`value` without what is empty, at any depth: in linked data a null says nothing, and readers trip over it."""
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {name: _filled(one) for name, one in value.items()}
    return {name: one for name, one in filled.items() if one not in (None, "", [], {})}

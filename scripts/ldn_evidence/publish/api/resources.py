"""The resources of the API: the one table from which requests are answered and the OpenAPI document is written.

A resource is a table or a view of the database with a choice of columns, filters and parts. Parts are what belongs to
a record in other tables. Every field stands in one of three groups:

- `authored`: what the record's own file says;
- `computed`: what this base computes from all records by its published rules;
- `related`: other records that point at this one, in brief.

Fields bear the names of the database's columns; a column `<x>_id` that names a record becomes `<x>`, a reference with
title and link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ldn_evidence.publish.api.tables import column, tables
from ldn_evidence.store.search import KINDS

Group = Literal["authored", "computed", "related"]
Schema = Mapping[str, Any]

API_ROOT = "/api/v1"

# Column that names a record of each kind to a reader.
TITLES: Mapping[str, str] = {
    "conditions": "name",
    "studies": "title",
    "trials": "title",
    "mechanisms": "name",
    "adverse_effects": "name",
    "interactions": "name",
    "precautions": "name",
    "dosing": "name",
    "pharmacology": "name",
    "regulatory": "name",
    "sources": "title",
    "claims": "statement",
    "questions": "question",
    "searches": "scope",
    "vocabularies": "name",
    "instruments": "name",
    "meta_analyses": "id",
}

# Where people read a record on the site, on a page of its own or in a list: resource -> address.
PAGES: Mapping[str, str] = {
    "conditions": "/conditions/{id}",
    "studies": "/studies/{id}",
    "mechanisms": "/mechanisms/{id}",
    "sources": "/sources/{id}",
    "questions": "/questions/{id}",
    "claims": "/claims/{id}",
    "trials": "/trials#{id}",
    "interactions": "/safety#{id}",
    "precautions": "/safety#{id}",
    "adverse-effects": "/safety#{id}",
    "dosing": "/dosing#{id}",
    "pharmacology": "/dosing#{id}",
    "regulatory": "/dosing#{id}",
    "searches": "/about/searches#search-{id}",
}

# The studies whose references a record gives: resource -> SQL for their ids, by the id of the record.
REFERENCES: Mapping[str, str] = {
    "studies": "SELECT id FROM studies WHERE id = ?",
    "conditions": "SELECT DISTINCT study_id FROM study_conditions WHERE condition_id = ? ORDER BY study_id",
}

# Foreign keys of which one is filled: `citations` and its like.
TARGETS: Mapping[str, str] = {
    "study_id": "studies",
    "trial_id": "trials",
    "source_id": "sources",
    "condition_id": "conditions",
    "mechanism_id": "mechanisms",
    "adverse_effect_id": "adverse_effects",
    "interaction_id": "interactions",
    "precaution_id": "precautions",
    "dosing_id": "dosing",
    "pharmacology_id": "pharmacology",
    "regulatory_id": "regulatory",
}


def path_of(table: str) -> str:
    """The name of a table's resource in addresses."""
    return table.replace("_", "-")


@dataclass(frozen=True)
class Field:
    """One field and the SQL that gives it.

    Attributes:
        name: Name in JSON.
        sql: SQL expression.
        schema: JSON Schema of the value as it lies in the database; `x-table` makes it a reference.
        group: Where it stands in a record.
        to_targets: Whether it is the one record that the columns of `TARGETS` name.
    """

    name: str
    sql: str
    schema: Schema
    group: Group = "authored"
    to_targets: bool = False


@dataclass(frozen=True)
class Part:
    """Rows of another table that belong to a record.

    Attributes:
        name: Name in JSON.
        group: Where it stands in a record.
        description: What a row is.
        fields: Fields of a row; a single one with `scalar`.
        source: SQL after FROM.
        owner: SQL expression of the record's id.
        order: SQL after ORDER BY.
        where: SQL condition, or an empty string.
        scalar: Whether rows are plain values.
        single: Whether there is at most one row, which then stands for the list.
        key: SQL expression that says to which row of the parent part a row belongs.
        parent_key: SQL expression of the parent part's row that `key` has to equal.
        parts: Parts of the rows.
    """

    name: str
    group: Group
    description: str
    fields: tuple[Field, ...]
    source: str
    owner: str
    order: str
    where: str = ""
    scalar: bool = False
    single: bool = False
    key: str = ""
    parent_key: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Filter:
    """One query parameter that narrows a list.

    Attributes:
        name: Name of the parameter.
        description: What it does.
        where: SQL condition; `{values}` stands for the values, which are alternatives.
        schema: JSON Schema of one value: type and enum. `x-table` asks for the id of a record, `x-values` for a value that
            a column has.
        several: Whether several values, separated by commas, are alternatives.
        search: Whether the value is free text for full-text search.
        head: What is taken away from the beginning of a value, as a regular expression; case does not matter.
    """

    name: str
    description: str
    where: str
    schema: Schema
    several: bool = True
    search: bool = False
    head: str = ""


@dataclass(frozen=True)
class Resource:
    """One resource.

    Attributes:
        name: Name in addresses and `type` of its records.
        singular: Name of one record, for people and for OpenAPI.
        description: What a record is.
        table: Table or view it comes from.
        source: SQL after FROM.
        id: SQL expression of the id.
        fields: Fields of a record.
        parts: Parts of a record.
        filters: Filters of the list.
        order: SQL of the usual order of the list, and in words.
        tag: Under which heading the documentation shows it.
        has_records: Whether single records have addresses.
        datasette: Table or view of Datasette that shows the same rows.
    """

    name: str
    singular: str
    description: str
    table: str
    source: str
    id: str
    fields: tuple[Field, ...]
    parts: tuple[Part, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: tuple[str, str] = ("", "")
    tag: str = "Records"
    has_records: bool = True
    datasette: str = ""

    @property
    def path(self) -> str:
        """Address of the list."""
        return f"{API_ROOT}/{self.name}"

    def part(self, name: str) -> Part:
        """The part of that name."""
        return next(part for part in self.parts if part.name == name)


# ---- How fields are made from columns ---------------------------------------------------------------------------


def _field(table: str, name: str, group: Group = "authored", alias: str = "", shown: str = "") -> Field:
    schema = column(f"{table}.{name}")
    shown = shown or name
    if schema.get("x-table") in TITLES and shown.endswith("_id"):
        shown = shown.removesuffix("_id")
    return Field(shown, f"{alias or table}.{name}", schema, group)


def _fields(table: str, without: str = "", group: Group = "authored", alias: str = "") -> tuple[Field, ...]:
    """Every column of a table but those named in `without`."""
    left_out = {"id", *without.split()}
    return tuple(
        _field(table, name, group, alias) for name in tables()[table]["columns"] if name not in left_out
    )


def _some(table: str, names: str, group: Group = "authored", alias: str = "") -> tuple[Field, ...]:
    return tuple(_field(table, name, group, alias) for name in names.split())


def _made(
    name: str, sql: str, type_: str, description: str, *, nullable: bool = True, **schema: Any
) -> Field:
    """A computed field that no column of a table holds."""
    made: dict[str, Any] = {"type": type_, "description": description, **schema}
    if nullable:
        made["nullable"] = True
    return Field(name, sql, made, "computed")


def _target(table: str) -> Field:
    columns = ", ".join(f"{table}.{name}" for name in TARGETS)
    description = "The record on which it rests."
    return Field("record", columns, {"type": "object", "description": description}, to_targets=True)


def _rows(name: str, table: str, owner: str, group: Group = "authored", **more: Any) -> Part:
    """A part that is the rows of a child table, in the order of the record."""
    without = f"{owner} position {more.pop('without', '')}"
    fields: tuple[Field, ...] = more.pop("fields", ()) or _fields(table, without, group)
    if "id" in tables()[table]["columns"]:
        fields = (_field(table, "id"), *fields)
    described: str = more.pop("description", tables()[table]["description"])
    order: str = more.pop("order", f"{table}.position")
    return Part(name, group, described, fields, more.pop("source", table), f"{table}.{owner}", order, **more)


def _values(name: str, table: str, owner: str, value: str, description: str, **more: Any) -> Part:
    """A part that is a list of plain values or of references."""
    field_ = _field(table, value)
    return Part(
        name, "authored", description, (field_,), table, f"{table}.{owner}", f"{table}.position", scalar=True, **more
    )  # fmt: skip


def _reverse(name: str, table: str, owner: str, member: str, description: str, **more: Any) -> Part:
    """A part that is the records whose own lists name this one, as references."""
    return Part(
        name, "related", description, (_field(table, member),), table, f"{table}.{owner}", f"{table}.{member}",
        scalar=True, **more,
    )  # fmt: skip


def _citations(kind: str, name: str = "citations", place: str = "", **more: Any) -> Part:
    where = f"citations.record_kind = '{kind}' AND citations.place " + (
        f"LIKE 'citations{place}.%'" if place else "= 'citations'"
    )
    if name == "citations" and not place and more:
        where = f"citations.record_kind = '{kind}' AND citations.place GLOB 'citations.[0-9]*'"
    return Part(
        name, "authored", "Records and documents on which this rests, most important first, with their titles.",
        (_target("citations"), *_some("citations", "locator note")), "citations", "citations.record_id",
        "citations.position", where=where, **more,
    )  # fmt: skip


def _cited_by(column_name: str) -> Part:
    kinds = {"type": "string", "description": "The record that cites this one.", "x-any-table": True}
    return Part(
        "cited_by", "related", "Records that cite this one.",
        (Field("record", "citations.record_kind, citations.record_id", kinds),),
        "citations", f"citations.{column_name}", "citations.record_kind, citations.record_id", scalar=True,
    )  # fmt: skip


def _claims(column_name: str) -> Part:
    return Part(
        "claims", "related", "Claims that are judged by this record.",
        (_field("claim_evidence", "claim_id"), *_some("claims", "verdict statement"),
         *_some("claim_evidence", "stance note")),
        "claim_evidence JOIN claims ON claims.id = claim_evidence.claim_id", f"claim_evidence.{column_name}",
        "claims.id, claim_evidence.position",
    )  # fmt: skip


def _questions(column_name: str) -> Part:
    return Part(
        "questions", "related", "Questions whose answers rest on this record.",
        (_field("question_evidence", "question_id"),), "question_evidence", f"question_evidence.{column_name}",
        "question_evidence.question_id", scalar=True,
    )  # fmt: skip


# ---- How filters are made ---------------------------------------------------------------------------------------

_YES_NO: Schema = {"type": "boolean"}
# A day, or less precisely a month or a year.
_DAY: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
    "maxLength": 10,
}


# What people paste with identifiers.
_PMID_HEAD = r"(https?://pubmed\.ncbi\.nlm\.nih\.gov/|PMID:?\s*)"
_DOI_HEAD = r"(https?://(dx\.)?doi\.org/|doi:\s*)"


def _equal(path: str, name: str = "", description: str = "", head: str = "") -> Filter:
    schema = column(path)
    own = path.partition(".")[2]
    where = f"{_in_any_case(path, schema)} IN ({{values}})"
    return Filter(name or own, description or schema["description"], where, schema, head=head)


def _listed(path: str) -> Filter:
    """A filter on words of the records' own: one that no record has is a slip rather than an empty answer."""
    description = f"{column(path)['description']} In the words of the records, in any case."
    filter_ = _equal(path, description=description)
    return replace(filter_, schema={**filter_.schema, "x-values": path})


def _in_any_case(sql: str, schema: Schema) -> str:
    """Codes, numbers of registers and free words are the same in capitals; terms and ids are written in one way."""
    is_free = schema["type"] == "string" and not {"enum", "x-table"} & schema.keys()
    return f"{sql} COLLATE NOCASE" if is_free else sql


def _through(name: str, table: str, owner: str, value: str, record: str, description: str = "") -> Filter:
    """A filter on a child table."""
    schema = column(f"{table}.{value}")
    chosen = _in_any_case(f"chosen.{value}", schema)
    where = f"{record} IN (SELECT chosen.{owner} FROM {table} AS chosen WHERE {chosen} IN ({{values}}))"
    return Filter(name, description or schema["description"], where, schema)


def _from_to(path: str, name: str, unit: str) -> tuple[Filter, Filter]:
    schema = {"type": column(path)["type"]} if column(path)["type"] != "string" else _DAY
    # Behind every day of the month or year that was given.
    to = "{values} || '~'" if schema is _DAY else "{values}"
    return (
        Filter(f"{name}_from", f"Lowest {unit}, included.", f"{path} >= {{values}}", schema, several=False),
        Filter(f"{name}_to", f"Highest {unit}, included.", f"{path} <= {to}", schema, several=False),
    )


def _flag(name: str, condition: str, description: str) -> Filter:
    """Yes or no."""
    return Filter(name, description, f"(({condition}) IS {{values}})", _YES_NO, several=False)


def _text(table: str) -> Filter:
    return Filter(
        "q", "Full-text search: all words, the last one also as a beginning.",
        f"{table}.id IN (SELECT search.id FROM search WHERE search.kind = '{table}' AND search MATCH {{values}})",
        {"type": "string", "minLength": 1, "maxLength": 200}, several=False, search=True,
    )  # fmt: skip


_CONDITION = "Conditions of this base, by id."

# ---- The resources ----------------------------------------------------------------------------------------------

_DOSE_CLASSES = (
    "(SELECT group_concat(class) FROM (SELECT DISTINCT arms.dose_class AS class FROM arms WHERE arms.study_id = studies.id "
    "AND arms.role = 'intervention' AND arms.dose_class IS NOT NULL ORDER BY 1))"
)
_PARTICIPANTS = (
    "coalesce(studies.enrolment_randomized, studies.enrolment_analyzed, studies.enrolment_enrolled)"
)
_STUDY_COMPUTED = (
    _made(
        "participants", _PARTICIPANTS, "integer", "Participants: randomised, else analysed, else enrolled."
    ),
    _made(
        "dose_classes", _DOSE_CLASSES, "string", "Dose classes of the naltrexone arms, separated by commas."
    ),
)

_RESULTS = _rows(
    "results", "results", "study_id", without="outcome_id", key="results.outcome_id", parent_key="outcomes.id"
)
_EFFECTS_OF_OUTCOME = _rows(
    "effects", "effects", "study_id", "computed", without="outcome_id", key="effects.outcome_id",
    parent_key="outcomes.id", order="effects.id",
)  # fmt: skip
_POOL_INPUTS = _rows(
    "inputs", "meta_analysis_inputs", "meta_analysis_id", "computed", without="condition_id domain",
    description="Every comparison in the pool with its effect, weight and leave-one-out estimate.",
    fields=(
        *_some("meta_analysis_inputs", "study_id outcome_id effect_id used reason weight leave_one_out_value", "computed"),
        *_some("effects", "measure value standard_error ci_low ci_high favours reading computed_from", "computed"),
    ),
    source="meta_analysis_inputs LEFT JOIN effects ON effects.id = meta_analysis_inputs.effect_id",
    order="meta_analysis_inputs.study_id, meta_analysis_inputs.outcome_id, meta_analysis_inputs.position",
)  # fmt: skip


def _contradictions(column_name: str) -> Part:
    return _rows(
        "contradictions", "contradictions", column_name, "computed", order="contradictions.id",
        without="", description="Disagreements found by computation, each with its reason.",
    )  # fmt: skip


def _points(stance: str, words: str) -> Part:
    return Part(
        f"evidence_{stance}", "authored", words, (_field("condition_points", "statement"),), "condition_points",
        "condition_points.condition_id", "condition_points.position", where=f"condition_points.stance = '{stance}'",
        parts=(
            _citations(
                "conditions", place=f".{stance}",
                key="citations.place", parent_key=f"'citations.{stance}.' || condition_points.position",
            ),
        ),
    )  # fmt: skip


CONDITIONS = Resource(
    "conditions", "condition",
    "A disease, symptom complex or class of them for which low-dose naltrexone was studied, tried or claimed: how strong "
    "the evidence of a benefit is, which way it points, on what it rests, and why.",
    "conditions",
    "conditions LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id", "conditions.id",
    (
        *_fields("conditions"),
        *_fields("condition_appraisals", "condition_id", "computed"),
        _made("studies", "(SELECT count(DISTINCT counted.study_id) FROM study_conditions AS counted "
              "WHERE counted.condition_id = conditions.id)", "integer",
              "Study records of any design that bear on the condition.", nullable=False),
        _made("is_group", "EXISTS (SELECT 1 FROM condition_members AS member WHERE member.condition_id = conditions.id)",
              "boolean", "Whether it is a class of conditions that articles name; it borrows no strength from its members.",
              nullable=False),
    ),
    (
        _values("names", "condition_names", "condition_id", "name", "The name and other names under which people search."),
        _values("group_of", "condition_members", "condition_id", "member_id", "Members, where the record stands for a class."),
        _rows("identifiers", "condition_identifiers", "condition_id"),
        _rows("asserted_tiers", "asserted_tiers", "condition_id"),
        _points("for", "What speaks for a benefit."),
        _points("against", "What speaks against a benefit, null results first."),
        Part("mechanism_notes", "authored", "Mechanisms that are invoked for this condition.",
             (_field("condition_mechanisms", "mechanism_id"), _field("mechanisms", "evidence_level"),
              _field("condition_mechanisms", "note")),
             "condition_mechanisms JOIN mechanisms ON mechanisms.id = condition_mechanisms.mechanism_id",
             "condition_mechanisms.condition_id", "condition_mechanisms.position",
             parts=(_citations("conditions", key="citations.place",
                               parent_key="'citations.' || condition_mechanisms.position"),)),
        _citations("conditions"),
        _rows("tier_trace", "tier_trace", "condition_id", "computed"),
        _rows("tier_history", "tier_history", "condition_id", "computed", order="tier_history.year"),
        _rows("tier_outlook", "tier_outlook", "condition_id", "computed", order="tier_outlook.change"),
        _rows("meta_analyses", "meta_analyses", "condition_id", "computed", order="meta_analyses.id", parts=(
            Part("inputs", "computed", _POOL_INPUTS.description, _POOL_INPUTS.fields, _POOL_INPUTS.source,
                 "meta_analysis_inputs.condition_id", _POOL_INPUTS.order,
                 key="meta_analysis_inputs.meta_analysis_id", parent_key="meta_analyses.id"),
        )),
        _contradictions("condition_id"),
        Part("studies", "related", "Studies that bear on the condition, newest first, with the outcomes that were measured "
             "in them and the effects computed from these.",
             (_field("study_conditions", "study_id"), *_some("studies", "design blinding status"), *_STUDY_COMPUTED,
              *_some("studies", "uncontrolled_result conclusion")),
             "study_conditions JOIN studies ON studies.id = study_conditions.study_id", "study_conditions.condition_id",
             "studies.year DESC, studies.id",
             parts=(
                 Part("outcomes", "authored", "What was measured and found.",
                      (_field("outcomes", "id"),
                       *_some("outcomes", "name domain condition_id instrument_id role timepoint better direction effect_measure "
                              "effect_value effect_ci_low effect_ci_high effect_p")),
                      "study_conditions JOIN outcomes ON outcomes.study_id = study_conditions.study_id",
                      "study_conditions.condition_id", "outcomes.study_id, outcomes.position",
                      key="outcomes.study_id", parent_key="study_conditions.study_id",
                      parts=(
                          Part("effects", "computed", "Comparisons computed from this outcome.",
                               (_field("effects", "id"),
                                *_some("effects", "measure value ci_low ci_high favours reading is_printed", "computed")),
                               "study_conditions JOIN effects ON effects.study_id = study_conditions.study_id",
                               "study_conditions.condition_id", "effects.id",
                               key="effects.outcome_id", parent_key="outcomes.id"),
                      )),
             )),
        Part("trials", "related", "Registered trials of the condition.",
             (_field("trial_conditions", "trial_id"), *_some("trials", "registry_number status start completion planned actual")),
             "trial_conditions JOIN trials ON trials.id = trial_conditions.trial_id", "trial_conditions.condition_id",
             "trials.start DESC, trials.id"),
        Part("claims", "related", "Popular statements about the condition, held against the evidence.",
             (_field("claim_conditions", "claim_id"), *_some("claims", "verdict explanation source_id")),
             "claim_conditions JOIN claims ON claims.id = claim_conditions.claim_id", "claim_conditions.condition_id",
             "claims.id"),
        _reverse("dosing", "dosing_conditions", "condition_id", "dosing_id", "Doses and titrations described for the condition."),
        _reverse("questions", "question_conditions", "condition_id", "question_id", "Questions about the condition."),
        _reverse("groups", "condition_members", "member_id", "condition_id", "Classes of which the condition is a member."),
        Part("searches", "related", "What was searched for the condition, and when.",
             (_field("search_query_conditions", "search_id"), _field("search_queries", "query"),
              _field("searches", "searched_on")),
             "search_query_conditions JOIN search_queries ON search_queries.search_id = search_query_conditions.search_id "
             "AND search_queries.position = search_query_conditions.search_querie_position "
             "JOIN searches ON searches.id = search_query_conditions.search_id",
             "search_query_conditions.condition_id", "searches.searched_on DESC, searches.id, search_queries.position"),
    ),
    (
        _equal("conditions.evidence_tier", "tier"),
        _equal("conditions.direction"),
        _equal("conditions.category"),
        _through("asserted_tier", "asserted_tiers", "condition_id", "tier", "conditions.id",
                 "Tier that a popular source asserts."),
        _flag("group", "EXISTS (SELECT 1 FROM condition_members AS member WHERE member.condition_id = conditions.id)",
              "Whether the record stands for a class of conditions."),
        _flag("disagrees", "EXISTS (SELECT 1 FROM asserted_tiers AS said WHERE said.condition_id = conditions.id "
              "AND said.tier <> conditions.evidence_tier)", "Whether a popular source asserts another tier."),
        _flag("overridden", "condition_appraisals.overridden = 1", "Whether a curator set another tier than the computed one."),
        _through("code", "condition_identifiers", "condition_id", "code", "conditions.id",
                 "Code in an ontology or classification, such as 8E49 or MONDO:0005546."),
        _through("mechanism", "condition_mechanisms", "condition_id", "mechanism_id", "conditions.id"),
        Filter("name", "Name or synonym, exactly, in any case.",
               "conditions.id IN (SELECT named.condition_id FROM condition_names AS named "
               "WHERE lower(named.name) IN ({values}))", {"type": "string", "x-lower": True}),
        _text("conditions"),
    ),
    ("conditions.name, conditions.id", "by name"), datasette="conditions",
)  # fmt: skip

STUDIES = Resource(
    "studies", "study",
    "A trial, cohort, case report, review, laboratory or pharmacological paper with its arms, outcomes, numbers as printed, "
    "and how deep it was read.",
    "studies", "studies", "studies.id",
    (*_fields("studies"), *_STUDY_COMPUTED),
    (
        _values("registry", "study_registrations", "study_id", "registry_number", "Numbers in trial registries."),
        _values("conditions", "study_conditions", "study_id", "condition_id", "Conditions that the study bears on."),
        _rows("arms", "arms", "study_id"),
        _rows("outcomes", "outcomes", "study_id", parts=(_RESULTS, _EFFECTS_OF_OUTCOME)),
        _rows("adverse_events", "adverse_events", "study_id"),
        _values("review_included", "review_inclusions", "study_id", "included_study_id",
                "Studies that the review includes and that have a record here."),
        _rows("relations", "study_relations", "study_id"),
        _rows("pooling", "meta_analysis_inputs", "study_id", "computed",
              order="meta_analysis_inputs.condition_id, meta_analysis_inputs.domain, meta_analysis_inputs.outcome_id, "
              "meta_analysis_inputs.position"),
        _contradictions("study_id"),
        Part("related_studies", "related", "Papers that say how they belong to this one.",
             (_field("study_relations", "study_id"), *_some("study_relations", "type note")),
             "study_relations", "study_relations.related_study_id", "study_relations.study_id"),
        _reverse("included_in", "review_inclusions", "included_study_id", "study_id", "Reviews that include the study."),
        _reverse("trials", "trial_reports", "study_id", "trial_id", "Registrations that the study reports."),
        Part("mechanisms", "related", "Mechanisms for or against which the study speaks.",
             (_field("mechanism_evidence", "mechanism_id"), *_some("mechanism_evidence", "stance reason")),
             "mechanism_evidence", "mechanism_evidence.study_id", "mechanism_evidence.mechanism_id"),
        _reverse("adverse_effects", "adverse_effect_frequencies", "study_id", "adverse_effect_id",
                 "Unwanted effects that the study counts."),
        _claims("study_id"), _questions("study_id"), _cited_by("study_id"),
    ),
    (
        _through("condition", "study_conditions", "study_id", "condition_id", "studies.id", _CONDITION),
        _equal("studies.design"), _equal("studies.blinding"), _equal("studies.status"),
        _equal("studies.verification_depth", "depth"),
        Filter("dose_class", "Dose class of a naltrexone arm.",
               "studies.id IN (SELECT given.study_id FROM arms AS given WHERE given.role = 'intervention' "
               "AND given.dose_class IN ({values}))", column("arms.dose_class")),
        Filter("primary_direction", "Direction of a primary outcome; `no_difference,favours_comparator` gives null and "
               "negative studies.",
               "studies.id IN (SELECT found.study_id FROM outcomes AS found WHERE found.role = 'primary' "
               "AND found.direction IN ({values}))", column("outcomes.direction")),
        _through("domain", "outcomes", "study_id", "domain", "studies.id", "Outcome domain that was measured."),
        _flag("randomized", "studies.design IN ('randomized_parallel', 'randomized_crossover')",
              "Whether it is a randomised trial."),
        _equal("studies.retraction_status"),
        _equal("studies.year"), *_from_to("studies.year", "year", "year of publication"),
        Filter("participants_from", "Lowest number of participants, included.", f"{_PARTICIPANTS} >= {{values}}",
               {"type": "integer"}, several=False),
        _equal("studies.pmid", head=_PMID_HEAD), _equal("studies.doi", head=_DOI_HEAD), _listed("studies.country"),
        _through("registry", "study_registrations", "study_id", "registry_number", "studies.id", "Number in a trial registry."),
        _text("studies"),
    ),
    ("studies.year DESC, studies.id", "newest first"), datasette="studies",
)  # fmt: skip

TRIALS = Resource(
    "trials", "trial", "An entry in a trial registry, with its status as seen and the study that reports it.",
    "trials", "trials", "trials.id",
    (
        *_fields("trials"),
        _made("reported", "EXISTS (SELECT 1 FROM trial_reports AS report WHERE report.trial_id = trials.id)", "boolean",
              "Whether a study of this base reports its results.", nullable=False),
        _made("is_open", "EXISTS (SELECT 1 FROM open_trials WHERE open_trials.trial_id = trials.id)", "boolean",
              "Whether it is still to report.", nullable=False),
        _made("expected_completion_passed",
              "(SELECT open_trials.expected_completion_passed FROM open_trials WHERE open_trials.trial_id = trials.id)",
              "boolean",
              "Of a trial that is still to report: whether its expected completion lies before the last search "
              "(`meta.data_as_of`). `null` where it is not open or no date is given."),
        _made("is_silent", "EXISTS (SELECT 1 FROM silent_trials WHERE silent_trials.trial_id = trials.id)", "boolean",
              "Whether it ended and no report was found: stopped, withdrawn, overdue by its register, or completed more than "
              "two years before the last search.", nullable=False),
    ),
    (
        _values("conditions", "trial_conditions", "trial_id", "condition_id", "Conditions under study."),
        _values("reported_by", "trial_reports", "trial_id", "study_id", "Studies of this base that report its results."),
        _claims("trial_id"), _questions("trial_id"), _cited_by("trial_id"),
    ),
    (
        _through("condition", "trial_conditions", "trial_id", "condition_id", "trials.id", _CONDITION),
        _equal("trials.status"), _equal("trials.dose_class"), _listed("trials.registry"),
        _equal("trials.registry_number"),
        _flag("reported", "EXISTS (SELECT 1 FROM trial_reports AS report WHERE report.trial_id = trials.id)",
              "Whether a study of this base reports it."),
        _flag("open", "trials.id IN (SELECT open_trials.trial_id FROM open_trials)", "Whether it is still to report."),
        _flag("expected_completion_passed",
              "trials.id IN (SELECT open_trials.trial_id FROM open_trials WHERE open_trials.expected_completion_passed)",
              "Whether it is still to report though its expected completion lies before the last search."),
        _flag("silent", "trials.id IN (SELECT silent_trials.trial_id FROM silent_trials)", "Whether it ended without a report."),
    ),
    ("trials.start DESC, trials.id", "latest start first"), datasette="trials",
)  # fmt: skip

MECHANISMS = Resource(
    "mechanisms", "mechanism",
    "A way in which low-dose naltrexone is said to act, with what supports and what contradicts it, and whether that was "
    "shown in people, animals, cells, or only said.",
    "mechanisms", "mechanisms", "mechanisms.id", _fields("mechanisms"),
    (
        _rows("targets", "mechanism_targets", "mechanism_id"),
        _rows("supporting", "mechanism_evidence", "mechanism_id", without="stance",
              where="mechanism_evidence.stance = 'supporting'", description="Studies that speak for it."),
        _rows("contradicting", "mechanism_evidence", "mechanism_id", without="stance",
              where="mechanism_evidence.stance = 'contradicting'", description="Studies that speak against it."),
        _values("conditions", "mechanism_conditions", "mechanism_id", "condition_id", "Conditions for which it is invoked."),
        _citations("mechanisms"),
        _contradictions("mechanism_id"),
        Part("condition_notes", "related", "What records of conditions say of it.",
             (_field("condition_mechanisms", "condition_id"), _field("condition_mechanisms", "note")),
             "condition_mechanisms", "condition_mechanisms.mechanism_id", "condition_mechanisms.condition_id"),
        _claims("mechanism_id"), _questions("mechanism_id"), _cited_by("mechanism_id"),
    ),
    (
        _equal("mechanisms.evidence_level"),
        Filter("condition", _CONDITION,
               "mechanisms.id IN (SELECT chosen.mechanism_id FROM mechanism_conditions AS chosen "
               "WHERE chosen.condition_id IN ({values}))", column("mechanism_conditions.condition_id")),
        _through("target", "mechanism_targets", "mechanism_id", "symbol", "mechanisms.id", "HGNC symbol of a target."),
        _text("mechanisms"),
    ),
    ("mechanisms.name, mechanisms.id", "by name"), datasette="mechanisms",
)  # fmt: skip

ADVERSE_EFFECTS = Resource(
    "adverse-effects", "adverse effect", "An unwanted effect with its frequencies, against a comparator where one exists.",
    "adverse_effects", "adverse_effects", "adverse_effects.id", _fields("adverse_effects"),
    (
        _rows("frequencies", "adverse_effect_frequencies", "adverse_effect_id"),
        _citations("adverse-effects"),
        Part("adverse_events", "related", "Counts per arm that studies print.",
             (*_some("adverse_events", "study_id arm_id term events total percent note"),),
             "adverse_events", "adverse_events.adverse_effect_id", "adverse_events.study_id, adverse_events.position"),
        _claims("adverse_effect_id"), _questions("adverse_effect_id"), _cited_by("adverse_effect_id"),
    ),
    (_equal("adverse_effects.severity"),
     _through("study", "adverse_effect_frequencies", "adverse_effect_id", "study_id", "adverse_effects.id",
              "Study that counts it."),
     _through("dose_class", "adverse_effect_frequencies", "adverse_effect_id", "dose_class", "adverse_effects.id",
              "Dose class for which it was counted.")),
    ("adverse_effects.name, adverse_effects.id", "by name"), "Safety", datasette="adverse_effects",
)  # fmt: skip

INTERACTIONS = Resource(
    "interactions", "interaction", "A drug or class that must not, or only with care, be combined with naltrexone.",
    "interactions", "interactions", "interactions.id", _fields("interactions"),
    (_citations("interactions"), _claims("interaction_id"), _questions("interaction_id"), _cited_by("interaction_id")),
    (_equal("interactions.severity"), _equal("interactions.dose_class")),
    ("interactions.name, interactions.id", "by name"), "Safety", datasette="interactions",
)  # fmt: skip

PRECAUTIONS = Resource(
    "precautions", "precaution", "A contraindication, or something that is checked before a start.",
    "precautions", "precautions", "precautions.id", _fields("precautions"),
    (_citations("precautions"), _claims("precaution_id"), _questions("precaution_id"), _cited_by("precaution_id")),
    (_equal("precautions.kind"), _equal("precautions.topic")),
    ("precautions.name, precautions.id", "by name"), "Safety", datasette="precautions",
)  # fmt: skip

DOSING = Resource(
    "dosing", "dosing record", "A dose, titration, formulation or timing as tried, labelled or advised; not an instruction.",
    "dosing", "dosing", "dosing.id", _fields("dosing"),
    (
        _values("conditions", "dosing_conditions", "dosing_id", "condition_id", "Conditions concerned."),
        _rows("schedule", "dosing_steps", "dosing_id"),
        _citations("dosing"), _claims("dosing_id"), _questions("dosing_id"), _cited_by("dosing_id"),
    ),
    (_through("condition", "dosing_conditions", "dosing_id", "condition_id", "dosing.id", _CONDITION),
     _equal("dosing.setting"), _listed("dosing.topic")),
    ("dosing.name, dosing.id", "by name"), datasette="dosing",
)  # fmt: skip

PHARMACOLOGY = Resource(
    "pharmacology", "pharmacological fact", "A pharmacokinetic or pharmacodynamic number with population and dose.",
    "pharmacology", "pharmacology", "pharmacology.id", _fields("pharmacology"),
    (_citations("pharmacology"), _claims("pharmacology_id"), _questions("pharmacology_id"), _cited_by("pharmacology_id")),
    (_equal("pharmacology.topic"),),
    ("pharmacology.topic, pharmacology.name, pharmacology.id", "by topic and name"), datasette="pharmacology",
)  # fmt: skip

REGULATORY = Resource(
    "regulatory", "regulatory fact", "Approval, scheduling, compounding rule or official statement.",
    "regulatory", "regulatory", "regulatory.id", _fields("regulatory"),
    (_citations("regulatory"), _claims("regulatory_id"), _questions("regulatory_id"), _cited_by("regulatory_id")),
    (_listed("regulatory.jurisdiction"),),
    ("regulatory.jurisdiction, regulatory.name, regulatory.id", "by jurisdiction and name"), datasette="regulatory",
)  # fmt: skip

SOURCES = Resource(
    "sources", "source", "A document that is not a study: an article, label, leaflet, guideline or statement.",
    "sources", "sources", "sources.id", _fields("sources"),
    (
        _rows("statements", "source_statements", "source_id"),
        Part("claims_made", "related", "Claims that the document makes, with our verdict.",
             (Field("claim", "claims.id", {"type": "string", "description": "The claim.", "x-table": "claims"}),
              *_some("claims", "verdict locator")),
             "claims", "claims.source_id", "claims.id"),
        Part("asserted_tiers", "related", "Tiers that the document asserts.",
             (_field("asserted_tiers", "condition_id"), *_some("asserted_tiers", "tier locator note")),
             "asserted_tiers", "asserted_tiers.source_id", "asserted_tiers.condition_id, asserted_tiers.position"),
        _claims("source_id"), _questions("source_id"), _cited_by("source_id"),
    ),
    (_equal("sources.kind"), _equal("sources.commercial_interest"), _equal("sources.verification_depth", "depth"),
     _listed("sources.publisher")),
    ("sources.title, sources.id", "by title"), datasette="sources",
)  # fmt: skip

CLAIMS = Resource(
    "claims", "claim", "A popular statement about low-dose naltrexone, held against the evidence.",
    "claims", "claims", "claims.id",
    (
        *_fields("claims"),
        *(
            _made(name, f"(SELECT count(*) FROM claim_evidence AS counted WHERE counted.claim_id = claims.id "
                  f"AND counted.stance = '{stance}')", "integer", f"Records that {words}.", nullable=False)
            for name, stance, words in (
                ("supporting", "supports", "support it"), ("contradicting", "contradicts", "contradict it"),
            )
        ),
    ),
    (
        _values("conditions", "claim_conditions", "claim_id", "condition_id", "Conditions concerned."),
        Part("evidence", "authored", "Records that decide it, for and against.",
             (_target("claim_evidence"), *_some("claim_evidence", "stance note")),
             "claim_evidence", "claim_evidence.claim_id", "claim_evidence.position"),
        _contradictions("claim_id"),
    ),
    (
        _equal("claims.verdict"), _equal("claims.topic"), _equal("claims.source_id", "source"),
        _through("condition", "claim_conditions", "claim_id", "condition_id", "claims.id", _CONDITION),
        _through("study", "claim_evidence", "claim_id", "study_id", "claims.id", "Study by which it is judged."),
        _text("claims"),
    ),
    ("claims.id", "by id"), datasette="claims",
)  # fmt: skip

QUESTIONS = Resource(
    "questions", "question", "A question that clinicians and patients ask, answered sentence by sentence from the records.",
    "questions", "questions", "questions.id", _fields("questions"),
    (
        _values("conditions", "question_conditions", "question_id", "condition_id", "Conditions concerned."),
        Part("answer", "authored", "The answer, sentence by sentence, each with the records it rests on.",
             (_field("question_sentences", "sentence"),), "question_sentences", "question_sentences.question_id",
             "question_sentences.position",
             parts=(
                 Part("citations", "authored", "Records on which the sentence rests.",
                      (_target("question_evidence"), *_some("question_evidence", "locator note")),
                      "question_evidence", "question_evidence.question_id", "question_evidence.position",
                      key="question_evidence.question_sentence_position", parent_key="question_sentences.position"),
             )),
    ),
    (_equal("questions.audience"),
     _through("condition", "question_conditions", "question_id", "condition_id", "questions.id", _CONDITION),
     _text("questions")),
    ("questions.id", "by id"), datasette="questions",
)  # fmt: skip

SEARCHES = Resource(
    "searches", "search session",
    "One session of searching: what was asked, when, so that a reader knows how far 'nothing found' reaches.",
    "searches", "searches", "searches.id", _fields("searches"),
    (
        Part("queries", "authored", "What was asked.", (_field("search_queries", "query"),), "search_queries",
             "search_queries.search_id", "search_queries.position",
             parts=(
                 Part("conditions", "authored", "Conditions that the query was about.",
                      (_field("search_query_conditions", "condition_id"),), "search_query_conditions",
                      "search_query_conditions.search_id", "search_query_conditions.position", scalar=True,
                      key="search_query_conditions.search_querie_position", parent_key="search_queries.position"),
             )),
    ),
    (_through("condition", "search_query_conditions", "search_id", "condition_id", "searches.id", _CONDITION),
     *_from_to("searches.searched_on", "searched", "day (YYYY-MM-DD; a month or a year stands for all its days)")),
    ("searches.searched_on DESC, searches.id", "latest first"), "About the base", datasette="searches",
)  # fmt: skip

VOCABULARIES = Resource(
    "vocabularies", "vocabulary", "A list of allowed values with their definitions; the one place where each stands.",
    "vocabularies", "vocabularies", "vocabularies.id", _fields("vocabularies"),
    (_rows("terms", "vocabulary_terms", "vocabulary_id"),),
    (_through("term", "vocabulary_terms", "vocabulary_id", "term", "vocabularies.id", "A term of the vocabulary."),),
    ("vocabularies.id", "by id"), "About the base", datasette="vocabularies",
)  # fmt: skip

INSTRUMENTS = Resource(
    "instruments", "instrument",
    "A measurement instrument with its range, the better direction and the minimal important difference with its source.",
    "instruments", "instruments", "instruments.id", _fields("instruments"), (),
    (_equal("instruments.domain"),), ("instruments.id", "by id"), "About the base", datasette="instruments",
)  # fmt: skip

ARMS = Resource(
    "arms", "arm", "A group or period of a study: what was given, at what dose, for how long, to how many.",
    "arms", "arms JOIN studies ON studies.id = arms.study_id", "arms.id",
    (*_fields("arms", "position"), *_STUDY_COMPUTED[:1]), (),
    (
        _equal("arms.study_id", "study", "Studies, by id."),
        _through("condition", "study_conditions", "study_id", "condition_id", "arms.study_id", _CONDITION),
        _equal("arms.role"), _equal("arms.dose_class"), _equal("arms.route"),
        *_from_to("arms.dose_mg_per_day", "dose", "daily dose in mg"),
        *_from_to("arms.weeks", "weeks", "duration in weeks"),
    ),
    ("arms.study_id, arms.position", "by study"), "Numbers", datasette="arms",
)  # fmt: skip

OUTCOMES = Resource(
    "outcomes", "outcome", "What was measured and found in a study, with the numbers of each arm as printed.",
    "outcomes", "outcomes", "outcomes.id", _fields("outcomes", "position"),
    (
        _rows("results", "results", "outcome_id", without="study_id"),
        _rows("effects", "effects", "outcome_id", "computed", without="study_id", order="effects.id"),
    ),
    (
        _equal("outcomes.study_id", "study", "Studies, by id."),
        _through("condition", "study_conditions", "study_id", "condition_id", "outcomes.study_id", _CONDITION),
        _equal("outcomes.domain"), _equal("outcomes.role"), _equal("outcomes.direction"),
        _equal("outcomes.instrument_id", "instrument", "Instruments, by id."),
    ),
    ("outcomes.study_id, outcomes.position", "by study"), "Numbers", datasette="outcomes",
)  # fmt: skip

EFFECTS = Resource(
    "effects", "effect",
    "One comparison of one outcome, computed from stored results or taken from a printed effect, read against no effect and "
    "the minimal important difference.",
    "effects", "effects", "effects.id", _fields("effects", "", "computed"), (),
    (
        _equal("effects.study_id", "study", "Studies, by id."),
        _through("condition", "study_conditions", "study_id", "condition_id", "effects.study_id", _CONDITION),
        _equal("effects.domain"), _equal("effects.measure"), _equal("effects.reading"),
    ),
    ("effects.id", "by id"), "Numbers", datasette="effects",
)  # fmt: skip

META_ANALYSES = Resource(
    "meta-analyses", "meta-analysis",
    "Our own pooled estimate: one condition, one outcome domain, one measure; low-dose, randomised, verified, independent "
    "comparisons only. With every comparison that was put in.",
    "meta_analyses", "meta_analyses", "meta_analyses.id", _fields("meta_analyses", "", "computed"),
    (_POOL_INPUTS,),
    (_equal("meta_analyses.condition_id", "condition", _CONDITION), _equal("meta_analyses.domain"),
     _equal("meta_analyses.measure"), _equal("meta_analyses.favours")),
    ("meta_analyses.id", "by id"), "Numbers", datasette="meta_analyses",
)  # fmt: skip

POOLING = Resource(
    "pooling", "pooling decision", "A comparison that was considered for pooling: used or not, and why.",
    "meta_analysis_inputs",
    "meta_analysis_inputs",
    "meta_analysis_inputs.condition_id || '--' || meta_analysis_inputs.domain || '--' || meta_analysis_inputs.outcome_id "
    "|| '--' || meta_analysis_inputs.position",
    _fields("meta_analysis_inputs", "position", "computed"), (),
    (_equal("meta_analysis_inputs.condition_id", "condition", _CONDITION),
     _equal("meta_analysis_inputs.study_id", "study", "Studies, by id."),
     _equal("meta_analysis_inputs.domain"),
     _flag("used", "meta_analysis_inputs.used = 1", "Whether it is in a pool.")),
    ("meta_analysis_inputs.condition_id, meta_analysis_inputs.domain, meta_analysis_inputs.study_id, "
     "meta_analysis_inputs.outcome_id, meta_analysis_inputs.position", "by condition, domain and study"),
    "Numbers", False, "meta_analysis_inputs",
)  # fmt: skip

EVIDENCE_MAP = Resource(
    "evidence-map", "map point", "Amount against direction, one row a condition that was studied; groups are left out.",
    "evidence_map", "evidence_map JOIN conditions ON conditions.id = evidence_map.condition_id", "evidence_map.condition_id",
    (
        Field("condition", "evidence_map.condition_id", {"type": "string", "description": "Condition.", "x-table": "conditions"}),
        *_some("conditions", "name category evidence_tier direction"),
        *_some("condition_appraisals", "randomized_trials", "computed", "evidence_map"),
        _made("randomized_participants", "evidence_map.randomized_participants", "integer",
              "Participants of these trials; 0 where none is known."),
        _made("low_dose_studies", "evidence_map.low_dose_studies", "integer",
              "Independent studies of people at low dose that count, of any design; several papers on one count once.",
              nullable=False),
        *_some("condition_appraisals", "newest_year", "computed", "evidence_map"),
    ), (),
    (_equal("conditions.evidence_tier", "tier"), _equal("conditions.direction"), _equal("conditions.category")),
    ("evidence_map.condition_id", "by condition"), "Answers", False, "evidence_map",
)  # fmt: skip

TIER_HISTORY = Resource(
    "tier-history", "year of a tier",
    "The tier and direction that the same rule gives with the studies published up to a year; between two rows nothing "
    "changed.",
    "tier_history", "tier_history", "tier_history.condition_id || '--' || tier_history.year",
    _fields("tier_history", "", "computed"), (),
    (_equal("tier_history.condition_id", "condition", _CONDITION), _equal("tier_history.tier"),
     _equal("tier_history.direction"), _equal("tier_history.year"),
     *_from_to("tier_history.year", "year", "year"),
     _flag("changed", "tier_history.changed = 1", "Whether tier or direction changed in that year.")),
    ("tier_history.condition_id, tier_history.year", "by condition and year"), "Answers", False, "tier_history",
)  # fmt: skip

TIER_DISAGREEMENTS = Resource(
    "tier-disagreements", "disagreement",
    "A tier that another source asserts and that differs from ours, with the reason for ours.",
    "tier_disagreements",
    "asserted_tiers JOIN conditions ON conditions.id = asserted_tiers.condition_id AND asserted_tiers.tier <> "
    "conditions.evidence_tier LEFT JOIN condition_appraisals ON condition_appraisals.condition_id = conditions.id",
    "asserted_tiers.condition_id || '--' || asserted_tiers.position",
    (
        *_some("asserted_tiers", "condition_id source_id"),
        _field("asserted_tiers", "tier", shown="asserted_tier"), *_some("asserted_tiers", "locator note"),
        *_some("conditions", "evidence_tier direction"),
        *_some("condition_appraisals", "computed_tier computed_direction reason", "computed"),
    ), (),
    (_equal("asserted_tiers.source_id", "source", "Sources, by id."), _equal("asserted_tiers.tier", "asserted_tier"),
     _equal("conditions.evidence_tier", "tier")),
    ("conditions.name, asserted_tiers.position", "by condition"), "Answers", False, "tier_disagreements",
)  # fmt: skip

CONTRADICTIONS = Resource(
    "contradictions", "contradiction",
    "A disagreement found by computation, with its reason: trials or reviews that disagree, reviews older than the largest "
    "trial since, claims against the evidence, numbers that cannot all be right.",
    "contradictions", "contradictions", "contradictions.id", _fields("contradictions", "", "computed"), (),
    (_equal("contradictions.kind"), _equal("contradictions.condition_id", "condition", _CONDITION),
     _equal("contradictions.study_id", "study", "Studies, by id."), _equal("contradictions.claim_id", "claim", "Claims, by id.")),
    ("contradictions.id", "by id"), "Answers", datasette="contradictions",
)  # fmt: skip

COVERAGE = Resource(
    "coverage", "measure of coverage", "How complete and how deeply read the base is: one measure a row.",
    "coverage", "coverage", "coverage.section || '--' || coverage.measure", _fields("coverage", "", "computed"), (),
    (_listed("coverage.section"),), ("coverage.section, coverage.measure", "by section"), "About the base", False, "coverage",
)  # fmt: skip

# What happened when, as far as records say: the base keeps no other diary (the notes of a release are in CHANGELOG.md).
_REVIEWED = (
    "conditions", "studies", "trials", "mechanisms", "adverse_effects", "interactions", "precautions", "dosing",
    "pharmacology", "regulatory", "sources", "claims", "questions",
)  # fmt: skip
_EVENTS = {
    "retired": "The identifier was given up.",
    "reviewed": "A named person reviewed the record.",
    "searched": "The literature was last searched for the condition.",
    "read": "The study, registration or document was read.",
    "status_seen": "The trial's status was seen in its registry.",
}
_CHANGES_SQL = " UNION ALL ".join(
    [
        "SELECT 'retired' AS event, retired.kind AS kind, retired.id AS record_id, retired.retired_on AS happened_on, "
        "retired.reason AS note, retired.successor AS successor FROM retired",
        *(
            f"SELECT 'reviewed', '{path_of(table)}', id, reviewed_on, reviewed_by, NULL FROM {table} "
            "WHERE reviewed_on IS NOT NULL"
            for table in _REVIEWED
        ),
        "SELECT 'searched', 'conditions', id, last_searched, NULL, NULL FROM conditions",
        *(
            f"SELECT 'read', '{table}', id, verification_on, verification_read, NULL FROM {table} "
            "WHERE verification_on IS NOT NULL"
            for table in ("studies", "trials", "sources")
        ),
        "SELECT 'status_seen', 'trials', id, status_seen_on, status, NULL FROM trials WHERE status_seen_on IS NOT NULL",
    ]
)
_KINDS: Schema = {
    "type": "string",
    "description": "Kind of the record.",
    "enum": sorted(path_of(table) for table in _REVIEWED),
}
CHANGES = Resource(
    "changes", "change",
    "What happened to records and when, as far as they say: retired identifiers with their successors, reviews, searches, "
    "readings, and trial statuses as seen. Ask for what is newer than your last visit with `since`.",
    "retired", f"({_CHANGES_SQL}) AS changes", "changes.event || '--' || changes.kind || '--' || changes.record_id",
    (
        Field("event", "changes.event",
              {"type": "string", "enum": list(_EVENTS), "description": " ".join(f"{k}: {v}" for k, v in _EVENTS.items())}),
        Field("happened_on", "changes.happened_on", {"type": "string", "description": "Day: YYYY-MM-DD."}),
        Field("record", "changes.kind, changes.record_id",
              {"type": "string", "description": "The record.", "x-any-table": True}),
        Field("note", "changes.note", {"type": "string", "description": "Reason, reviewer, status or what was read.",
                                       "nullable": True}),
        Field("successor", "changes.successor", {"type": "string", "description": "Identifier that takes the place of a "
                                                 "retired one.", "nullable": True}),
    ), (),
    (
        Filter("since", "First day, included: YYYY-MM-DD.", "changes.happened_on >= {values}",
               _DAY, several=False),
        Filter("event", "What happened.", "changes.event IN ({values})", {"type": "string", "enum": list(_EVENTS)}),
        Filter("kind", "Kind of the record.", "changes.kind IN ({values})", _KINDS),
    ),
    ("changes.happened_on DESC, changes.kind, changes.record_id", "latest first"), "About the base", False, "retired",
)  # fmt: skip

RESOURCES: tuple[Resource, ...] = (
    CONDITIONS, STUDIES, TRIALS, MECHANISMS, CLAIMS, QUESTIONS, SOURCES, DOSING, PHARMACOLOGY, REGULATORY,
    ADVERSE_EFFECTS, INTERACTIONS, PRECAUTIONS,
    EVIDENCE_MAP, TIER_HISTORY, TIER_DISAGREEMENTS, CONTRADICTIONS,
    META_ANALYSES, POOLING, OUTCOMES, EFFECTS, ARMS,
    VOCABULARIES, INSTRUMENTS, SEARCHES, COVERAGE, CHANGES,
)  # fmt: skip
BY_NAME: Mapping[str, Resource] = {resource.name: resource for resource in RESOURCES}

# What `/api/v1/safety` gathers, in this order.
SAFETY = (INTERACTIONS, PRECAUTIONS, ADVERSE_EFFECTS)
SEARCH_KIND = Filter(
    "kind", "Kinds of record.", "kind IN ({values})", {"type": "string", "enum": list(KINDS)}
)

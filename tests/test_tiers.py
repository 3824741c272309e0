"""The tier rule and its engine: what must always hold, and what the rule says of cases a clinician knows."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ldn_evidence.appraise.evidence import PooledEvidence, StudyEvidence
from ldn_evidence.appraise.tiers import (
    Appraisal,
    RuleError,
    TierRule,
    appraise_condition,
    assess,
    history,
    outlook,
)

RULE_FILE = Path(__file__).resolve().parent.parent / "schema" / "tiers.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(RULE_FILE.read_text(encoding="utf-8"))
RULE = TierRule(DOCUMENT)
RANK = {"limited": 0, "emerging": 1, "strong": 2}

Body = tuple[list[StudyEvidence], list[PooledEvidence]]


def study(name: str, **fields: Any) -> StudyEvidence:
    """A counted low-dose study read as an abstract; every field may be given."""
    counted: dict[str, Any] = {
        "trial": name,
        "year": 2015,
        "dose_class": "low",
        "route": "oral",
        "verification_depth": "abstract",
        "group": f"group of {name}",
    }
    return StudyEvidence(**{**counted, "id": name, **fields})


def trial(name: str, direction: str, participants: int | None, **fields: Any) -> StudyEvidence:
    """A double-blind, placebo-controlled randomised trial."""
    blinded = {"design": "randomised", "blinding": "double_blind", "comparator": "placebo"}
    return study(name, primary_direction=direction, participants=participants, **{**blinded, **fields})


def series(
    name: str, participants: int | None, direction: str = "improvement_reported", **fields: Any
) -> StudyEvidence:
    """A study without a comparison group."""
    open_label = {"design": "uncontrolled", "blinding": "open_label", "comparator": "none"}
    return study(name, primary_direction=direction, participants=participants, **{**open_label, **fields})


def review(
    name: str, direction: str, participants: int | None, year: int | None, **fields: Any
) -> StudyEvidence:
    """A published meta-analysis of randomised trials."""
    return study(
        name,
        design="randomised",
        is_pooled=True,
        primary_direction=direction,
        participants=participants,
        year=year,
        **{"domain": "pain", **fields},
    )


def appraise(studies: list[StudyEvidence], pooled: list[PooledEvidence] | None = None) -> Appraisal:
    return appraise_condition(studies, pooled or [], RULE)


def rank(studies: list[StudyEvidence], pooled: list[PooledEvidence]) -> int:
    return RANK[appraise(studies, pooled).tier]


def decision(studies: list[StudyEvidence], pooled: list[PooledEvidence]) -> tuple[Any, ...]:
    """All of the appraisal but the list of what was set aside."""
    found = appraise(studies, pooled)
    return found.tier, found.direction, found.deciding_rule, found.deciding_direction_rule, found.trace


# --- generated bodies of evidence -----------------------------------------------------------------

SIZES = st.one_of(st.none(), st.integers(1, 400), st.sampled_from([9, 10, 19, 20, 99, 100, 199, 200]))
YEARS = st.one_of(st.none(), st.integers(2005, 2026))
GROUPS = st.one_of(st.none(), st.sampled_from("ABCDE"))
RESULTS = [
    "favourable",
    "favourable",
    "null",
    "null",
    "unfavourable",
    "mixed",
    "unclear",
    "improvement_reported",
]


@st.composite
def records(draw: st.DrawFn, name: str, trial_ids: list[str]) -> StudyEvidence:
    return StudyEvidence(
        id=name,
        trial=draw(st.sampled_from([name, name, name, *trial_ids])),
        role=draw(st.sampled_from(["report", "report", "report", "preprint", "secondary", "protocol"])),
        year=draw(YEARS),
        design=draw(
            st.sampled_from(
                ["randomised"] * 5
                + ["uncontrolled"] * 3
                + ["nonrandomised_controlled", "case_report", "review", "preclinical", "protocol"]
            )
        ),
        blinding=draw(
            st.sampled_from(["double_blind", "double_blind", "single_blind", "open_label", "unknown"])
        ),
        comparator=draw(
            st.sampled_from(["placebo", "placebo", "placebo", "active", "other_dose", "none", "unknown"])
        ),
        primary_direction=draw(st.sampled_from(RESULTS)),
        participants=draw(SIZES),
        dose_class=draw(st.sampled_from(["low"] * 6 + ["standard", "ultra_low", "unknown"])),
        route=draw(st.sampled_from(["oral", "oral", "oral", "unknown", "topical"])),
        verification_depth=draw(
            st.sampled_from(["full_text", "abstract", "abstract", "registry", "unverified"])
        ),
        retracted=draw(st.sampled_from([False] * 9 + [True])),
        attributable=draw(st.sampled_from([True] * 9 + [False])),
        group=draw(GROUPS),
        is_pooled=draw(st.sampled_from([False] * 5 + [True])),
        domain=draw(st.sampled_from([None, "pain", "fatigue"])),
        pooled_trials=draw(st.sampled_from([None, 1, 2, 5])),
        included=draw(st.one_of(st.none(), st.frozensets(st.sampled_from(trial_ids)))),
    )


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    names = [f"s{number}" for number in range(draw(st.integers(0, 9)))]
    studies = [draw(records(name, names)) for name in names]
    pooled = [
        PooledEvidence(
            id=f"pool-{number}",
            domain=draw(st.sampled_from(["pain", "fatigue"])),
            direction=draw(st.sampled_from(["favourable", "null", "unfavourable"])),
            pooled_trials=draw(st.integers(1, 5)),
            participants=draw(SIZES),
            trials=draw(st.frozensets(st.sampled_from([*names, "elsewhere"]))),
            year=draw(YEARS),
        )
        for number in range(draw(st.sampled_from([0, 0, 0, 1, 2])))
    ]
    return studies, pooled


@st.composite
def promising_bodies(draw: st.DrawFn) -> Body:
    """Bodies near the top of the scale, which the general strategy seldom reaches."""
    studies = [
        trial(
            f"f{number}",
            "favourable",
            draw(st.one_of(st.none(), st.integers(15, 300))),
            group=draw(GROUPS),
            year=draw(YEARS),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    studies += [
        trial(
            f"n{number}",
            draw(st.sampled_from(["null", "unfavourable", "mixed"])),
            draw(SIZES),
            year=draw(YEARS),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    studies += [
        series(
            f"u{number}",
            draw(SIZES),
            draw(st.sampled_from(["improvement_reported", "null"])),
            group=draw(GROUPS),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    studies += [
        review(
            f"r{number}",
            draw(st.sampled_from(["favourable", "null"])),
            draw(SIZES),
            draw(YEARS),
            included=draw(st.sampled_from([None, frozenset({"f0", "f1", "n0"})])),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    return studies, []


@st.composite
def series_bodies(draw: st.DrawFn) -> Body:
    """Bodies in which studies without randomisation may decide."""
    studies = [
        series(
            f"u{number}",
            draw(st.one_of(st.none(), st.integers(5, 120))),
            draw(st.sampled_from(["improvement_reported"] * 5 + ["null", "unfavourable", "unclear"])),
            group=draw(st.one_of(st.none(), st.sampled_from("ABCDE"))),
            year=draw(YEARS),
        )
        for number in range(draw(st.integers(2, 7)))
    ]
    studies += [
        trial("t", draw(st.sampled_from(RESULTS)), draw(SIZES)) for _ in range(draw(st.integers(0, 1)))
    ]
    return studies, []


BODIES = st.one_of(bodies(), promising_bodies(), series_bodies())


@st.composite
def further_studies(draw: st.DrawFn, directions: list[str]) -> StudyEvidence:
    """One more counted study, on its own trial, of any design that a result can come from."""
    new = draw(records("new", ["new"]))
    return replace(
        new,
        trial="new",
        design=draw(
            st.sampled_from(["randomised", "randomised", "uncontrolled", "nonrandomised_controlled"])
        ),
        primary_direction=draw(st.sampled_from(directions)),
        group=draw(st.sampled_from([None, "A", "B", "new"])),
    )


def test_generated_bodies_reach_every_tier_and_direction() -> None:
    tiers: set[str] = set()
    directions: set[str] = set()

    @settings(max_examples=1500, derandomize=True, database=None, deadline=None)
    @given(BODIES)
    def collect(body: Body) -> None:
        found = appraise(*body)
        tiers.add(found.tier)
        directions.add(found.direction)

    collect()
    assert tiers == set(RULE.tiers)
    assert directions == {"benefit", "mixed", "no_benefit", "harm", "unclear", "not_studied"}


@settings(max_examples=400, deadline=None)
@given(BODIES, further_studies(["null", "unfavourable"]))
def test_a_further_study_without_benefit_never_raises_the_tier(body: Body, new: StudyEvidence) -> None:
    studies, pooled = body
    assert rank([*studies, new], pooled) <= rank(studies, pooled)


@settings(max_examples=400, deadline=None)
@given(BODIES, further_studies(["favourable", "improvement_reported"]))
def test_a_further_favourable_study_never_lowers_the_tier(body: Body, new: StudyEvidence) -> None:
    studies, pooled = body
    assert rank([*studies, new], pooled) >= rank(studies, pooled)


@settings(max_examples=300, deadline=None)
@given(BODIES, further_studies(["null", "unfavourable", "favourable"]))
def test_no_further_study_turns_the_direction_against_itself(body: Body, new: StudyEvidence) -> None:
    studies, pooled = body
    before, after = appraise(studies, pooled).direction, appraise([*studies, new], pooled).direction
    if new.primary_direction == "favourable":
        if after == "harm":
            assert before == "harm"
        if after == "no_benefit":
            assert before in ("no_benefit", "harm")
    elif after == "benefit":
        assert before == "benefit"


WITHOUT_WEIGHT: list[dict[str, Any]] = [
    {"dose_class": "standard"},
    {"dose_class": "ultra_low"},
    {"dose_class": "unknown"},
    {"route": "topical"},
    {"retracted": True},
    {"verification_depth": "unverified"},
    {"design": "preclinical"},
    {"design": "review", "is_pooled": False},
    {"attributable": False},
    {"role": "protocol"},
]


@settings(max_examples=300, deadline=None)
@given(BODIES, st.data())
def test_what_does_not_count_changes_nothing(body: Body, data: st.DataObject) -> None:
    studies, pooled = body
    new = replace(data.draw(further_studies(RESULTS)), **data.draw(st.sampled_from(WITHOUT_WEIGHT)))
    assert decision([*studies, new], pooled) == decision(studies, pooled)
    assert history([*studies, new], pooled, RULE) == history(studies, pooled, RULE)


@settings(max_examples=200, deadline=None)
@given(BODIES, st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(body: Body, shuffle: random.Random) -> None:
    studies, pooled = body
    others, pools = studies[:], pooled[:]
    shuffle.shuffle(others)
    shuffle.shuffle(pools)
    assert assess(others, pools, RULE) == assess(studies, pooled, RULE)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.data())
def test_a_further_record_of_a_counted_trial_changes_nothing(body: Body, data: st.DataObject) -> None:
    studies, pooled = body
    parents = [
        s
        for s in studies
        if s.trial == s.id
        and s.role == "report"
        and s.dose_class == "low"
        and s.verification_depth != "unverified"
        if not s.retracted and s.route in ("oral", "unknown") and s.attributable
        if s.design in ("randomised", "uncontrolled", "nonrandomised_controlled", "case_report")
    ]
    assume(parents)
    parent = data.draw(st.sampled_from(parents))
    paper = replace(
        data.draw(further_studies(RESULTS)),
        trial=parent.id,
        role=data.draw(
            st.sampled_from(["secondary", "protocol", "preprint", "registration", "correction", "report"])
        ),
        retracted=data.draw(st.booleans()),
    )
    assert decision([*studies, paper], pooled) == decision(studies, pooled)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.data())
def test_splitting_a_study_into_two_records_changes_nothing(body: Body, data: st.DataObject) -> None:
    studies, pooled = body
    whole = [s for s in studies if s.trial == s.id]
    assume(whole)
    divided = data.draw(st.sampled_from(whole))
    participants = data.draw(st.sampled_from([None, 1, divided.participants]))
    second = replace(divided, id=data.draw(st.sampled_from(["a", "zz"])), participants=participants)
    assert decision([*studies, second], pooled) == decision(studies, pooled)


@settings(max_examples=400, deadline=None)
@given(BODIES, st.integers(1, 500), st.integers(1, 500), st.data())
def test_a_larger_trial_never_counts_for_less(body: Body, one: int, other: int, data: st.DataObject) -> None:
    studies, pooled = body
    small, large = sorted((one, other))
    favourable = data.draw(further_studies(["favourable"]))
    opposing = data.draw(further_studies(["null", "unfavourable"]))

    def with_size(new: StudyEvidence, size: int) -> int:
        return rank([*studies, replace(new, participants=size, is_pooled=False)], pooled)

    assert with_size(favourable, large) >= with_size(favourable, small)
    assert with_size(opposing, large) <= with_size(opposing, small)


@settings(max_examples=400, deadline=None)
@given(BODIES, st.data())
def test_an_unknown_size_lies_between_no_study_and_a_huge_one(body: Body, data: st.DataObject) -> None:
    studies, pooled = body
    favourable = replace(data.draw(further_studies(["favourable"])), is_pooled=False)
    opposing = replace(data.draw(further_studies(["null", "unfavourable"])), is_pooled=False)
    absent = rank(studies, pooled)

    def with_size(new: StudyEvidence, size: int | None) -> int:
        return rank([*studies, replace(new, participants=size)], pooled)

    assert absent <= with_size(favourable, None) <= with_size(favourable, 10**9)
    assert absent >= with_size(opposing, None) >= with_size(opposing, 10**9)


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_tier_and_direction_never_contradict_each_other(body: Body) -> None:
    found = appraise(*body)
    if found.tier == "strong":
        assert found.direction == "benefit"
    if found.tier == "emerging":
        assert found.direction in ("benefit", "mixed", "unclear")


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_the_trace_explains_the_result(body: Body) -> None:
    studies, pooled = body
    found = appraise(studies, pooled)
    known, pools = {s.id for s in studies}, {p.id for p in pooled}
    aside = {entry.study for entry in found.set_aside}
    for about, gives, deciding in (
        ("tier", found.tier, found.deciding_rule),
        ("direction", found.direction, found.deciding_direction_rule),
    ):
        steps = [step for step in found.trace if step.about == about]
        assert [step.satisfied for step in steps] == [False] * (len(steps) - 1) + [True]
        assert (steps[-1].gives, steps[-1].rule) == (gives, deciding)
    for step in found.trace:
        assert step.satisfied == (not step.unmet)
        assert set(step.studies) <= known - aside
        assert set(step.pools) <= pools
        assert all(isinstance(number, int) and number >= 0 for _, number in step.inputs)
        assert {pair for criterion in step.criteria for pair in criterion.inputs} == set(step.inputs)
    assert len(aside) == len(found.set_aside)


@settings(max_examples=150, deadline=None)
@given(BODIES)
def test_the_history_is_the_rule_run_on_the_past(body: Body) -> None:
    studies, pooled = body
    points = history(studies, pooled, RULE)
    assert [point.year for point in points] == sorted({point.year for point in points})
    before = ("limited", "not_studied")
    for point in points:
        then = [s for s in studies if (s.year is not None and s.year <= point.year) or s.retracted]
        # A pool without a year enters no history; given here, it would count as today's.
        pools = [p for p in pooled if p.year is not None and p.year <= point.year]
        found = appraise(then, pools)
        assert (point.tier, point.direction) == (found.tier, found.direction)
        if (point.tier, point.direction) == before:
            assert point.caused_by == ()
        else:
            assert set(point.caused_by) <= {s.id for s in then}
        before = (point.tier, point.direction)
    if points and all(s.year is not None for s in studies) and all(p.year is not None for p in pooled):
        assume(not pooled or max(p.year or 0 for p in pooled) <= points[-1].year)
        assert (points[-1].tier, points[-1].direction) == (
            appraise(studies, pooled).tier,
            appraise(studies, pooled).direction,
        )


@settings(max_examples=150, deadline=None)
@given(BODIES)
def test_the_outlook_is_true_and_the_smallest(body: Body) -> None:
    studies, pooled = body
    now = rank(studies, pooled)
    found = outlook(studies, pooled, RULE)
    for change, way in ((found.raises, 1), (found.lowers, -1)):
        if change is None:
            continue

        def moved(new: int, way: int = way) -> bool:
            return way * new > way * now

        after = appraise([*studies, change.study], pooled)
        assert (after.tier, after.direction) == (change.tier, change.direction)
        assert moved(RANK[after.tier])
        assert change.study.participants == change.participants
        if change.participants > 1 and not change.study.is_pooled:
            smaller = replace(change.study, participants=change.participants - 1)
            assert not moved(rank([*studies, smaller], pooled))
    if now == 0:
        assert found.lowers is None
    if now == 2:
        assert found.raises is None
        assert found.lowers is not None


# --- real cases, made by hand from published numbers ----------------------------------------------

YOUNGER_2013 = trial("younger-2013", "favourable", 31, year=2013, group="younger")
BESTED_2023 = trial("bested-2023", "null", 58, year=2023, group="bested")
BRUUN_2024 = trial("bruun-2024", "null", 99, year=2024, group="bruun")
RODRIGUEZ_2026 = trial("rodriguez-freire-2026", "null", 98, year=2026, group="innova")
FIBROMYALGIA = [
    # Fixed order, single-blind: not randomised, so only better than before.
    series("younger-2009", 10, year=2009, group="younger"),
    YOUNGER_2013,
    series("parkitny-2017", 8, year=2017, group="younger"),
    BESTED_2023,
    BRUUN_2024,
    study(
        "bruun-2025",
        trial="bruun-2024",
        role="secondary",
        design="randomised",
        primary_direction="null",
        year=2025,
    ),
    RODRIGUEZ_2026,
    review(
        "vatvani-2024",
        "favourable",
        222,
        2024,
        included=frozenset({"younger-2009", "younger-2013", "bested-2023", "bruun-2024"}),
    ),
    review("hegde-2025", "null", None, 2025),
    review("ologunowa-2025", "null", 575, 2025),
    review("ams-2025", "favourable", None, 2025),
]
CROHN = [
    series("smith-2007", 17, year=2007, group="smith"),
    trial("smith-2011", "favourable", 40, year=2011, group="smith"),
    # Twelve children; the primary outcome was safety.
    trial("smith-2013-paediatric", "unclear", 12, year=2013, group="smith"),
    review("parker-2018-cochrane", "null", 46, 2018, domain="remission"),
    series("lie-2018", 47, year=2018, group="lie"),
    study("raknes-2018-ibd", design="uncontrolled", primary_direction="unclear", participants=582, year=2018),
]
LONG_COVID = [
    series("okelly-2022", 36, year=2022, group="okelly"),
    series("bonilla-2023", 59, year=2023, group="bonilla"),
    # Given with NAD+: nobody can say which of the two did it.
    series("isman-2024", 36, year=2024, group="isman", attributable=False),
    study(
        "tamariz-2024",
        design="nonrandomised_controlled",
        comparator="active",
        primary_direction="favourable",
        participants=108,
        year=2024,
    ),
    study(
        "byambasuren-2025", design="uncontrolled", is_pooled=True, primary_direction="favourable", year=2025
    ),
    study("naik-2024-protocol", role="protocol", design="protocol", primary_direction="unclear", year=2024),
]

CASES: dict[str, tuple[list[StudyEvidence], str, str, str]] = {
    "fibromyalgia: two pilots, then three larger null trials": (
        FIBROMYALGIA,
        "limited",
        "no_benefit",
        "limited-otherwise",
    ),
    "Crohn's disease: one small favourable trial": (CROHN, "emerging", "benefit", "emerging-randomised"),
    "multiple sclerosis: two crossover trials disagree": (
        [
            series("gironi-2008", 40, "unclear", year=2008),
            trial("cree-2010", "mixed", 60, year=2010),
            trial("sharafaddinzadeh-2010", "null", 96, year=2010),
        ],
        "limited",
        "mixed",
        "limited-otherwise",
    ),
    "the same, should one read the first of them as favourable": (
        [trial("cree-2010", "favourable", 60), trial("sharafaddinzadeh-2010", "null", 96)],
        "limited",
        "mixed",
        "limited-otherwise",
    ),
    "painful diabetic neuropathy: like amitriptyline, no placebo": (
        [trial("srinivasan-2021", "null", 67, comparator="active", year=2021)],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "long COVID: three uncontrolled groups": (LONG_COVID, "emerging", "unclear", "emerging-series"),
    "complex regional pain syndrome: two cases": (
        [
            study(
                "chopra-2013", design="case_report", primary_direction="improvement_reported", participants=2
            )
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "Hailey-Hailey disease: small series that disagree": (
        [
            study(
                "albers-2017", design="case_series", primary_direction="improvement_reported", participants=3
            ),
            study(
                "ibrahim-2017", design="case_series", primary_direction="improvement_reported", participants=3
            ),
            series("series-of-14", 14, "null"),
            series("series-of-8", 8),
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "lichen planopilaris: a null trial after hopeful series": (
        [
            study(
                "strazzulla-2017",
                design="case_series",
                primary_direction="improvement_reported",
                participants=4,
            ),
            trial("lpp-rct-2020", "null", 34, year=2020),
            series("hamel-2023", 26, year=2023),
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "depression: a pilot and a null trial": (
        [trial("mischoulon-2017", "null", 12, year=2017), trial("moloney-2026", "null", 37, year=2026)],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "depression in 2017: twelve people show nothing either way": (
        [trial("mischoulon-2017", "null", 12, year=2017)],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "Sjögren's disease: three cases by one author": (
        [
            study(
                "zashin-2019", design="case_report", primary_direction="improvement_reported", participants=1
            ),
            study(
                "zashin-2020", design="case_report", primary_direction="improvement_reported", participants=2
            ),
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "HIV: CD4 better at one time and not at the other, and an old talk": (
        [
            trial("traore-2011", "mixed", 100, blinding="single_blind", year=2011),
            trial("bihari-1988", "favourable", 38, year=1988, verification_depth="secondary"),
            series("traore-mali-cohort", 55, "unfavourable", year=2011),
        ],
        "limited",
        "mixed",
        "limited-otherwise",
    ),
    "glioma: quality of life did not differ": (
        [trial("peters-2022", "null", 110, year=2022)],
        "limited",
        "no_benefit",
        "limited-otherwise",
    ),
    "cancer: cases treated with several drugs at once": (
        [
            study(
                "berkson-2006",
                design="case_report",
                primary_direction="improvement_reported",
                participants=1,
                attributable=False,
            ),
            study("donahue-mechanism", design="preclinical", primary_direction="favourable"),
        ],
        "limited",
        "not_studied",
        "limited-otherwise",
    ),
    "opioid combinations: micrograms are not low-dose": (
        [
            trial("chindalore-2005", "favourable", 360, dose_class="ultra_low"),
            trial("mannelli-2009", "favourable", 174, dose_class="ultra_low"),
        ],
        "limited",
        "not_studied",
        "limited-otherwise",
    ),
    "cholestatic itch: works at 50 mg, unknown at low dose": (
        [
            trial("wolfhagen-1997", "favourable", 16, dose_class="standard"),
            trial("terg-2002", "favourable", 20, dose_class="standard"),
            review("siemens-2016", "favourable", 52, 2016, dose_class="standard"),
        ],
        "limited",
        "not_studied",
        "limited-otherwise",
    ),
    "irritable bowel syndrome: an open pilot, then a large null trial": (
        [series("kariv-2006", 42, year=2006), trial("pti901", "null", 600, year=2005)],
        "limited",
        "no_benefit",
        "limited-otherwise",
    ),
    "psoriasis: two series and cases": (
        [
            series("khan-2020", 71),
            series("weinstock-2020", 15),
            study(
                "bridgman-2018",
                design="case_report",
                primary_direction="improvement_reported",
                participants=1,
            ),
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "ME/CFS: one chart review, however large": (
        [series("polo-2019", 218)],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "chronic pain: hopeful clinics, null trials": (
        [
            series("driver-2023", 60),
            series("mckenzie-brown-2023", 41),
            series("spargo-2025", 50),
            trial("beaudette-zlatanova-2023", "null", 23, year=2023),
            review("rassi-mariani-2024", "null", 406, 2024),
        ],
        "limited",
        "unclear",
        "limited-otherwise",
    ),
    "what strong looks like": (
        [
            trial("first", "favourable", 110, group="one"),
            trial("second", "favourable", 120, group="two"),
            trial("third", "null", 60, group="three"),
        ],
        "strong",
        "benefit",
        "strong-replicated",
    ),
    "not strong: one group's own replication": (
        [trial("first", "favourable", 110, group="one"), trial("second", "favourable", 120, group="one")],
        "emerging",
        "benefit",
        "emerging-randomised",
    ),
    "not strong: a larger null trial": (
        [
            trial("first", "favourable", 150, group="one"),
            trial("second", "favourable", 150, group="two"),
            trial("third", "null", 151, group="three"),
        ],
        "emerging",
        "mixed",
        "emerging-randomised",
    ),
    "an open trial, however large, does not outweigh blinded ones": (
        [
            trial("first", "favourable", 28),
            trial("second", "null", 99),
            trial("third", "null", 96),
            trial("open", "favourable", 760, blinding="open_label", comparator="no_treatment"),
        ],
        "limited",
        "mixed",
        "limited-otherwise",
    ),
    "beside blinded trials without benefit, as many people in blinded ones that show it": (
        [
            trial("first", "favourable", 120),
            trial("second", "null", 99),
            trial("open", "favourable", 760, blinding="open_label", comparator="no_treatment"),
        ],
        "emerging",
        "benefit",
        "emerging-randomised",
    ),
    "harm outweighs": (
        [trial("first", "unfavourable", 200), trial("second", "null", 90), trial("third", "favourable", 50)],
        "limited",
        "harm",
        "limited-otherwise",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fair_specialist_would_accept(name: str) -> None:
    studies, tier, direction, deciding = CASES[name]
    found = appraise(studies)
    assert (found.tier, found.direction, found.deciding_rule) == (tier, direction, deciding)


def test_fibromyalgia_rose_and_fell() -> None:
    verdicts = {
        point.year: (point.tier, point.direction, point.caused_by)
        for point in history(FIBROMYALGIA, [], RULE)
    }
    assert verdicts[2009] == ("limited", "unclear", ("younger-2009",))
    assert verdicts[2013] == ("emerging", "benefit", ("younger-2013",))
    assert verdicts[2017] == ("emerging", "benefit", ())
    assert verdicts[2023] == ("limited", "mixed", ("bested-2023",))
    assert verdicts[2024] == ("emerging", "benefit", ("vatvani-2024",))
    assert verdicts[2025][:2] == ("limited", "no_benefit")
    assert set(verdicts[2025][2]) == {"hegde-2025", "ologunowa-2025"}
    assert verdicts[2026] == ("limited", "no_benefit", ())


def test_fibromyalgia_would_take_a_large_trial() -> None:
    found = outlook([s for s in FIBROMYALGIA if not s.is_pooled], [], RULE)
    assert found.raises is not None
    # 58 + 99 + 98 people against 31 in favour.
    assert (found.raises.participants, found.raises.tier) == (58 + 99 + 98 - 31, "emerging")
    assert found.lowers is None


def test_crohn_would_fall_with_one_null_trial() -> None:
    found = outlook(CROHN, [], RULE)
    assert found.lowers is not None
    assert found.lowers.participants == 41
    assert found.lowers.study.primary_direction == "null"


def test_the_smallest_trial_that_would_raise_an_untouched_condition_is_not_a_pilot() -> None:
    found = outlook([], [], RULE)
    assert found.raises is not None
    assert (found.raises.participants, found.raises.study.blinding) == (20, "double_blind")


# --- pooled estimates -----------------------------------------------------------------------------

SMALL_TRIALS = [trial("a", "null", 30, year=2010), trial("b", "null", 40, year=2011)]


def test_a_pooled_estimate_may_show_what_small_trials_could_not() -> None:
    found = appraise([*SMALL_TRIALS, review("r", "favourable", 70, 2012)])
    assert (found.tier, found.direction, found.deciding_rule) == ("emerging", "benefit", "emerging-pooled")


@pytest.mark.parametrize(
    ("newer", "stands"),
    [
        ([trial("c", "null", 17, year=2014)], True),
        ([trial("c", "null", 18, year=2014)], False),
        ([trial("c", "null", None, year=2014)], False),
        ([trial("c", "favourable", 500, year=2014)], True),
        ([trial("c", "null", 500, year=2014, dose_class="standard")], True),
        ([review("q", "null", 70, 2013)], False),
        ([review("q", "null", 60, 2013)], True),
        ([review("q", "null", None, 2013)], False),
        ([review("q", "null", 70, 2013, domain="sleep")], True),
        ([review("q", "null", 70, 2011)], True),
    ],
)
def test_a_pooled_estimate_stands_until_it_is_outdated(newer: list[StudyEvidence], stands: bool) -> None:
    old = review("r", "favourable", 70, 2012, included=frozenset({"a", "b"}))
    steps = {step.rule: step for step in appraise([*SMALL_TRIALS, old, *newer]).trace}
    counted = dict(steps["strong-replicated"].inputs)["standing_favourable_pools"]
    assert counted == (1 if stands else 0)


@pytest.mark.parametrize(("year", "weighed"), [(2011, True), (2012, False), (2013, False), (None, False)])
def test_without_a_list_only_trials_of_earlier_years_were_weighed(year: int | None, weighed: bool) -> None:
    found = appraise([trial("a", "null", 40, year=year), review("r", "favourable", 70, 2012)])
    assert found.tier == ("emerging" if weighed else "limited")


def test_before_and_after_pools_and_single_trial_pools_lend_nothing() -> None:
    for changed in ({"design": "uncontrolled"}, {"pooled_trials": 1}):
        found = appraise([*SMALL_TRIALS, replace(review("r", "favourable", 70, 2012), **changed)])
        assert (found.tier, found.direction) == ("limited", "no_benefit")


@settings(max_examples=200, deadline=None)
@given(body=BODIES, direction=st.sampled_from(["favourable", "null", "unfavourable"]))
def test_our_own_estimates_change_nothing(body: Body, direction: str) -> None:
    studies, pooled = body
    ours = PooledEvidence(
        id="ours",
        domain="pain",
        direction=direction,
        pooled_trials=3,
        participants=500,
        trials=frozenset({"s0"}),
        year=2024,
    )
    assert assess(studies, [*pooled, ours], RULE) == assess(studies, [], RULE)


def test_a_rule_may_count_our_own_estimates() -> None:
    rule = TierRule(changed(lambda d: d["pooled"].update(counted=["published", "computed"])))

    def appraise(studies: list[StudyEvidence], pooled: list[PooledEvidence] | None = None) -> Appraisal:
        return appraise_condition(studies, pooled or [], rule)

    ours = PooledEvidence(
        id="ours",
        domain="pain",
        direction="favourable",
        pooled_trials=2,
        participants=70,
        trials=frozenset({"a", "b"}),
        year=2011,
    )
    newest = replace(ours, id="ours-newest", direction="null", participants=170, year=2015)
    assert appraise(SMALL_TRIALS, [ours]).deciding_rule == "emerging-pooled"
    assert appraise(SMALL_TRIALS, [ours, newest]).tier == "limited"
    published = review("r", "favourable", 70, 2020, included=frozenset({"a", "b"}))
    assert appraise([*SMALL_TRIALS, published], [newest]).tier == "limited"
    assert appraise([*SMALL_TRIALS, published]).tier == "emerging"


# --- one trial, several records -------------------------------------------------------------------


def test_a_retracted_report_takes_its_preprint_with_it() -> None:
    report = trial("t", "favourable", 80, retracted=True)
    preprint = trial("t-preprint", "favourable", 80, trial="t", role="preprint")
    assert appraise([preprint]).tier == "emerging"
    found = appraise([report, preprint])
    assert (found.tier, found.direction) == ("limited", "not_studied")
    assert {entry.reason for entry in found.set_aside} == {"retracted"}


def test_a_retracted_preprint_leaves_its_trial_standing_and_lends_nothing_alone() -> None:
    preprint = trial("t-preprint", "favourable", 80, trial="t", role="preprint", retracted=True)
    assert appraise([preprint]).direction == "not_studied"
    assert appraise([preprint, trial("t", "favourable", 80)]).tier == "emerging"


def test_the_preprint_speaks_until_the_paper_does() -> None:
    preprint = trial("t-preprint", "favourable", 80, trial="t", role="preprint", year=2020)
    paper = trial("t", "null", 75, year=2022)
    points = history([paper, preprint], [], RULE)
    assert [(p.year, p.tier, p.direction) for p in points] == [
        (2020, "emerging", "benefit"),
        (2022, "limited", "no_benefit"),
    ]
    assert points[1].caused_by == ("t",)
    found = appraise([paper, preprint])
    assert [(entry.study, entry.reason, entry.instead) for entry in found.set_aside] == [
        ("t-preprint", "same-trial", "t")
    ]


def test_a_study_without_a_year_counts_now_and_in_no_year() -> None:
    dated, undated = trial("dated", "null", 40, year=2010), trial("undated", "favourable", 200, year=None)
    assert appraise([dated, undated]).tier == "emerging"
    assert [(p.year, p.tier) for p in history([dated, undated], [], RULE)] == [(2010, "limited")]


# --- unknown values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("studies", "tier"),
    [
        # Alone, a favourable trial of unknown size is a favourable trial.
        ([trial("f", "favourable", None)], "emerging"),
        # It is not large: it does not outweigh a trial against it.
        ([trial("f", "favourable", None), trial("n", "null", 30)], "limited"),
        # It is not nothing: two of them are more than one against.
        (
            [trial("f", "favourable", None), trial("g", "favourable", None), trial("n", "null", 30)],
            "emerging",
        ),
        # A null trial of unknown size is not nothing ...
        ([trial("f", "favourable", 60), trial("n", "null", None)], "limited"),
        # ... and not large either.
        ([trial("f", "favourable", 60), trial("g", "favourable", 60), trial("n", "null", None)], "emerging"),
        # But strong must be shown.
        (
            [trial("f", "favourable", 200), trial("g", "favourable", 200), trial("n", "null", None)],
            "emerging",
        ),
        ([trial("f", "favourable", None), trial("g", "favourable", None)], "emerging"),
        # Two groups that nobody named may be one.
        ([trial("f", "favourable", 200, group=None), trial("g", "favourable", 200, group=None)], "emerging"),
        ([trial("f", "favourable", 200, group=None), trial("g", "favourable", 200, group="g")], "emerging"),
    ],
)
def test_unknown_is_neither_low_nor_high(studies: list[StudyEvidence], tier: str) -> None:
    assert appraise(studies).tier == tier


# --- the rule file --------------------------------------------------------------------------------


def changed(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    edit(document)
    return document


def require(document: dict[str, Any], criterion: dict[str, Any]) -> None:
    document["tiers"][0]["rules"][0]["require"].append({"id": "x", "statement": "x", **criterion})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: require(d, {"measure": "opposing_trials", "at_least": 1}), "grows with evidence against"),
        (lambda d: require(d, {"measure": "favourable_trials", "at_most": 3}), "grows with evidence for"),
        (lambda d: require(d, {"measure": "studies_in_people", "at_least": 3}), "grows with evidence both"),
        (
            lambda d: require(
                d, {"measure": "favourable_trials", "at_least": {"measure": "favourable_participants"}}
            ),
            "grows with evidence for",
        ),
        (lambda d: require(d, {"measure": "favorable_trials", "at_least": 1}), "no measure is called"),
        (
            lambda d: require(d, {"measure": "favourable_trials", "at_least": "plenty"}),
            "no threshold is called",
        ),
        (lambda d: require(d, {"measure": "favourable_trials", "at_least": -1}), "not negative"),
        (lambda d: require(d, {"measure": "favourable_trials"}), "exactly one of"),
        (lambda d: require(d, {"use": "nothing"}), "no shared criterion"),
        (lambda d: d["measures"]["favourable_trials"].update(informative=False), "only be true or absent"),
        (lambda d: d["measures"]["favourable_trials"].update(count="papers"), "must be one of"),
        (lambda d: d["measures"]["favourable_trials"].update(blind=True), "unknown field"),
        (lambda d: d["tiers"].pop(), "must require nothing"),
        (lambda d: d.pop("designs"), "part missing"),
        (lambda d: d["criteria"].update(dominant={"use": "dominant"}), "uses itself"),
        (lambda d: d["outlook"]["raise"][1]["study"].update(design="series"), "no design is called 'series'"),
    ],
)
def test_a_rule_that_could_turn_evidence_round_is_refused(
    edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(RuleError, match=message):
        TierRule(changed(edit))


def walk(node: object) -> list[Any]:
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in walk(value))]
    if isinstance(node, list):
        return [found for value in node for found in walk(value)]
    return [node]


def test_the_rule_file_says_why_and_holds_nothing_unused() -> None:
    assert all(entry["rationale"].strip() for entry in DOCUMENT["thresholds"].values())
    rules = [rule for part in ("tiers", "directions") for entry in DOCUMENT[part] for rule in entry["rules"]]
    assert len(rules) >= 10
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["statement"].endswith(".") for rule in rules)
    assert all(rule["rationale"] for rule in rules if rule["id"].split("-")[0] in RANK)
    text = [
        node
        for node in walk({k: v for k, v in DOCUMENT.items() if k not in ("thresholds",)})
        if isinstance(node, str)
    ]
    unused = set(DOCUMENT["thresholds"]) - set(text) - {"largest_hypothetical_trial"}
    assert not unused
    read = {node["measure"] for node in walk(DOCUMENT) if isinstance(node, dict) and "measure" in node}
    assert read == set(DOCUMENT["measures"])
    assert set(DOCUMENT["criteria"]) == {
        n["use"] for n in walk(DOCUMENT) if isinstance(n, dict) and "use" in n
    }


def test_thresholds_are_read_from_the_file() -> None:
    stricter = TierRule(changed(lambda d: d["thresholds"]["smallest_informative_trial"].update(value=41)))
    assert appraise_condition(CROHN, [], stricter).tier == "limited"

"""The evidence base itself: how much it must hold, what it must answer, and numbers that must not change unseen."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[..., list[tuple[Any, ...]]]

# Conditions for which every question of the base must have an answer.
CONDITIONS = (
    "fibromyalgia",
    "crohns-disease",
    "multiple-sclerosis",
    "long-covid",
    "major-depressive-disorder",
    "hailey-hailey-disease",
    "lichen-planopilaris",
)
# Views that are rightly empty: no number is wrong, nobody disagrees, no curator overrides the rule.
MAY_BE_EMPTY = {"number_conflicts", "disagreeing_trials", "mechanisms_out_of_reach", "tier_overrides"}


@pytest.fixture(scope="module")
def ask(built_database: Path) -> Iterator[Ask]:
    with closing(sqlite3.connect(f"file:{built_database}?mode=ro", uri=True)) as connection:
        yield lambda query, *parameters: connection.execute(query, parameters).fetchall()


def texts(project_root: Path, pattern: str = "*/*.yml") -> Iterator[tuple[str, str]]:
    for path in sorted((project_root / "data").glob(pattern)):
        yield str(path.relative_to(project_root)), path.read_text(encoding="utf-8")


# ---- how much -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "floor"),
    [
        ("studies", 400),
        ("conditions", 150),
        ("mechanisms", 16),
        ("pharmacology", 40),
        ("dosing", 30),
        ("adverse_effects", 22),
        ("interactions", 20),
        ("precautions", 23),
        ("regulatory", 20),
        ("trials", 80),
        ("claims", 67),
        ("questions", 25),
        ("sources", 40),
        ("searches", 6),
        ("search_queries", 650),
        ("vocabularies", 18),
        ("instruments", 20),
        ("results", 400),
        ("effects", 40),
        ("adverse_effect_frequencies", 80),
        ("mechanism_evidence", 70),
        ("claim_evidence", 390),
        ("question_evidence", 350),
        ("condition_mechanisms", 60),
        ("condition_identifiers", 600),
        ("dosing_steps", 12),
    ],
)
def test_there_is_as_much_as_was_gathered(ask: Ask, table: str, floor: int) -> None:
    assert ask(f"SELECT count(*) FROM {table}")[0][0] >= floor


@pytest.mark.parametrize(("article", "statements"), [("dg", 27), ("se", 40)])
def test_every_statement_of_the_two_articles_is_judged(ask: Ask, article: str, statements: int) -> None:
    wanted = {f"{article}-{number:02}" for number in range(1, statements + 1)}
    rows = ask(
        "SELECT claims.id, claims.source_id, length(explanation), count(position) FROM claims "
        "LEFT JOIN claim_evidence ON claim_id = claims.id WHERE claims.id LIKE ? GROUP BY claims.id",
        f"{article}-%",
    )
    assert {row[0] for row in rows} == wanted
    assert len({row[1] for row in rows}) == 1, "one article, one source"
    for claim, _, length, evidence in rows:
        assert length > 60, claim
        assert evidence >= 1, claim


def test_popular_claims_beyond_the_two_articles_are_judged(ask: Ask) -> None:
    rows = ask("SELECT id, circulation FROM claims WHERE source_id IS NULL")
    assert len(rows) >= 10
    assert all(circulation for _, circulation in rows)


def test_sentences_of_questions_cite_records(ask: Ask) -> None:
    uncited = ask(
        "SELECT s.question_id, s.position FROM question_sentences AS s LEFT JOIN question_evidence AS e "
        "ON e.question_id = s.question_id AND e.question_sentence_position = s.position "
        "WHERE e.question_id IS NULL"
    )
    assert uncited == []


def test_every_view_is_filled(ask: Ask) -> None:
    views = [name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'view'")]
    assert len(views) >= 12
    empty = [name for name in views if not ask(f"SELECT 1 FROM {name} LIMIT 1")]
    assert set(empty) <= MAY_BE_EMPTY


@pytest.mark.parametrize(
    ("vocabulary", "terms"),
    [
        ("designs", 15),
        ("directions", 6),
        ("dose-classes", 4),
        ("verification-depths", 5),
        ("outcome-domains", 15),
        ("verdicts", 5),
        ("instruments", 20),
    ],
)
def test_vocabularies_are_filled(ask: Ask, vocabulary: str, terms: int) -> None:
    assert ask("SELECT count(*) FROM vocabulary_terms WHERE vocabulary_id = ?", vocabulary)[0][0] >= terms


def test_the_search_log_says_what_was_searched_and_when(ask: Ask) -> None:
    assert ask("SELECT id FROM searches WHERE searched_on IS NULL OR scope IS NULL") == []
    (newest,) = ask("SELECT max(searched_on) FROM searches")[0]
    assert ask("SELECT id FROM conditions WHERE last_searched > ?", newest) == []
    named = {condition for (condition,) in ask("SELECT condition_id FROM search_query_conditions")}
    assert len(named) >= 120
    assert named.issuperset(CONDITIONS)


# ---- what every record of a kind must have ----------------------------------------------------------------------


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?:\s|$)", text))


def test_every_condition_has_a_code_or_says_why_not(ask: Ask) -> None:
    missing = ask(
        "SELECT id FROM conditions LEFT JOIN condition_identifiers ON condition_id = conditions.id "
        "WHERE condition_id IS NULL AND identifiers_note IS NULL"
    )
    # Groups of an article's making are no diagnoses, and nobody expects a code.
    groups = {group for (group,) in ask("SELECT condition_id FROM condition_members")}
    assert {condition for (condition,) in missing} <= groups
    assert ask("SELECT count(DISTINCT condition_id) FROM condition_identifiers")[0][0] >= 125


def test_every_condition_has_a_summary_of_sentences(ask: Ask) -> None:
    short = [
        condition for condition, text in ask("SELECT id, summary FROM conditions") if sentences(text) < 2
    ]
    assert short == []


def test_every_study_is_cited_by_its_conditions(ask: Ask) -> None:
    assert (
        ask(
            "SELECT condition_id, study_id FROM study_conditions EXCEPT "
            "SELECT record_id, study_id FROM citations WHERE record_kind = 'conditions'"
        )
        == []
    )


def test_studied_conditions_say_what_speaks_for_or_against_and_by_which_mechanism(ask: Ask) -> None:
    studied = "SELECT id FROM conditions WHERE direction <> 'not_studied'"
    assert ask(f"{studied} EXCEPT SELECT condition_id FROM condition_points") == []
    assert (
        ask(
            f"{studied} AND mechanism_summary IS NULL EXCEPT SELECT condition_id FROM condition_mechanisms "
            "EXCEPT SELECT condition_id FROM condition_members"
        )
        == []
    )


def test_claims_are_explained_in_sentences(ask: Ask) -> None:
    short = [claim for claim, text in ask("SELECT id, explanation FROM claims") if sentences(text) < 2]
    assert short == []


def test_registrations_say_their_status_and_their_report(ask: Ask) -> None:
    assert ask("SELECT id FROM trials WHERE coalesce(status_seen_on, status_note) IS NULL") == []
    assert (
        ask(
            "SELECT id FROM trials WHERE results_note IS NULL AND id NOT IN (SELECT trial_id FROM trial_reports)"
        )
        == []
    )


def test_interactions_have_mechanism_effect_management_and_evidence(ask: Ask) -> None:
    assert (
        ask(
            "SELECT id FROM interactions "
            "WHERE mechanism IS NULL OR effect IS NULL OR management IS NULL OR evidence IS NULL"
        )
        == []
    )


# ---- the ten questions of the base, for seven conditions ------------------------------------------------------


@pytest.mark.parametrize("condition", CONDITIONS)
class TestAnswers:
    def test_1_what_the_evidence_is(self, ask: Ask, condition: str) -> None:
        (row,) = ask(
            "SELECT evidence_tier, direction, randomized_trials, randomized_participants, newest_year, reason "
            "FROM condition_catalogue WHERE condition_id = ?",
            condition,
        )
        assert row[0] in ("strong", "emerging", "limited")
        assert row[1] in ("benefit", "mixed", "no_benefit", "harm", "unclear")
        assert row[2] is not None
        assert row[4] >= 2017
        assert len(row[5]) > 30
        summary = ask("SELECT summary FROM conditions WHERE id = ?", condition)[0][0]
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", summary)) <= 12

    def test_2_why_it_is_there_and_what_would_move_it(self, ask: Ask, condition: str) -> None:
        trace = ask("SELECT satisfied FROM tier_trace WHERE condition_id = ?", condition)
        assert {bool(satisfied) for (satisfied,) in trace} == {True, False}
        assert len(ask("SELECT * FROM tier_outlook WHERE condition_id = ?", condition)) >= 1
        history = ask("SELECT year FROM tier_history WHERE condition_id = ? ORDER BY year", condition)
        (first,) = ask(
            "SELECT min(year) FROM studies JOIN study_conditions ON study_id = studies.id WHERE condition_id = ?",
            condition,
        )[0]
        # What the evidence was in 2013: the last change up to then, or nothing was published yet.
        assert any(year <= 2013 for (year,) in history) or history[0][0] > 2013 >= first - 20

    def test_3_which_trials_were_null_and_which_reviews_disagree(self, ask: Ask, condition: str) -> None:
        null = ask("SELECT study_id FROM null_trials WHERE condition_id = ?", condition)
        pooled = ask("SELECT outcome FROM review_conflicts WHERE condition_id = ?", condition)
        against = ask(
            "SELECT statement FROM condition_points WHERE condition_id = ? AND stance LIKE '%against%'",
            condition,
        )
        trials = ask(
            "SELECT studies.id FROM studies JOIN study_conditions ON study_id = studies.id "
            "WHERE condition_id = ? AND design LIKE 'randomized%'",
            condition,
        )
        assert null or pooled or against or not trials, "no null result, no review, and no word on why"

    def test_4_which_doses_were_tried(self, ask: Ask, condition: str) -> None:
        rows = ask(
            "SELECT dose_mg_per_day FROM doses_tried WHERE condition_id = ? AND dose_class = 'low'", condition
        )
        assert len(rows) >= 1
        assert all(dose is None or 0.5 <= dose <= 10 for (dose,) in rows)

    def test_5_which_mechanism_is_invoked_and_how_well_it_is_shown(self, ask: Ask, condition: str) -> None:
        rows = ask(
            "SELECT note, evidence_level FROM condition_mechanisms JOIN mechanisms ON mechanisms.id = mechanism_id "
            "WHERE condition_id = ?",
            condition,
        )
        assert len(rows) >= 1
        assert all(len(note) > 30 and level for note, level in rows)

    def test_6_what_goes_wrong(self, ask: Ask, condition: str) -> None:
        compared = ask(
            "SELECT DISTINCT adverse_effect_id FROM safety_summary WHERE dose_class = 'low' "
            "AND (coalesce(comparator_percent, value) IS NOT NULL OR p IS NOT NULL)"
        )
        assert len(compared) >= 5
        assert ask("SELECT 1 FROM interactions WHERE severity = 'contraindicated'")
        # Harms in the condition's own studies, counted or told, where any of its studies reports them.
        assert ask(
            "SELECT study_id FROM adverse_events JOIN study_conditions USING (study_id) WHERE condition_id = ? "
            "UNION SELECT studies.id FROM studies JOIN study_conditions ON study_id = studies.id "
            "WHERE condition_id = ? AND adverse_events_summary IS NOT NULL",
            condition,
            condition,
        )

    def test_7_which_statements_hold_up(self, ask: Ask, condition: str) -> None:
        query = (
            "SELECT claim_id, verdict FROM claim_conditions JOIN claims ON claims.id = claim_id WHERE condition_id = ? "
            "OR condition_id IN (SELECT condition_id FROM condition_members WHERE member_id = ?)"
        )
        assert len(ask(query, condition, condition)) >= 1

    def test_8_which_trials_are_open_or_silent(self, ask: Ask, condition: str) -> None:
        registered = ask(
            "SELECT trials.id, status, status_seen_on FROM trials JOIN trial_conditions ON trial_id = trials.id "
            "WHERE condition_id = ?",
            condition,
        )
        # Where no registration is known, the search that found none is on record.
        assert registered or ask(
            "SELECT 1 FROM conditions WHERE id = ? AND last_searched IS NOT NULL", condition
        )

    def test_9_what_the_evidence_rests_on(self, ask: Ask, condition: str) -> None:
        rows = ask(
            "SELECT verification_depth, verification_read FROM studies JOIN study_conditions ON study_id = studies.id "
            "WHERE condition_id = ?",
            condition,
        )
        assert len(rows) >= 3
        assert all(depth for depth, _ in rows)
        assert all(read for depth, read in rows if depth != "unverified")

    def test_10_everything_can_be_cited(self, ask: Ask, condition: str) -> None:
        rows = ask(
            "SELECT coalesce(pmid, pmcid, doi), title FROM studies JOIN study_conditions ON study_id = studies.id "
            "WHERE condition_id = ?",
            condition,
        )
        assert sum(identifier is not None for identifier, _ in rows) >= len(rows) / 2
        assert all(title for _, title in rows)


def test_fibromyalgia_is_shown_with_all_its_contradictions(ask: Ask) -> None:
    rows: dict[str, str] = dict(
        ask(
            "SELECT studies.id, studies.design FROM studies JOIN study_conditions ON study_id = studies.id "
            "WHERE condition_id = 'fibromyalgia'"
        )
    )
    assert rows["younger-2009"] == "single_blind_crossover", "the pilot"
    assert rows["younger-2013"] == "randomized_crossover", "the crossover trial of 2013"
    assert rows["bruun-plesner-2020"] == "dose_finding"
    null = {study for (study,) in ask("SELECT study_id FROM null_trials WHERE condition_id = 'fibromyalgia'")}
    assert {"bested-2023", "bruun-2024", "rodriguez-freire-2026"} <= null
    assert "younger-2013" not in null
    pooled: dict[str, str] = dict(
        ask(
            "SELECT study_id, group_concat(DISTINCT direction) FROM review_conflicts "
            "WHERE condition_id = 'fibromyalgia' AND domain = 'pain' AND origin = 'published' GROUP BY study_id"
        )
    )
    assert any("favours_ldn" in directions for directions in pooled.values())
    assert any("no_difference" in directions for directions in pooled.values())
    assert {"ologunowa-2025", "vatvani-2024", "ldn-fm-meta-ams-2025"} <= pooled.keys()
    corrections = ask("SELECT study_id, type FROM study_relations WHERE related_study_id = 'vatvani-2024'")
    assert ("vatvani-2024-corrigendum", "corrects") in corrections
    assert ("bruun-2026-letter", "comments_on") in corrections
    assert ask("SELECT evidence_tier, direction FROM conditions WHERE id = 'fibromyalgia'") == [
        ("limited", "no_benefit")
    ]


# ---- honesty --------------------------------------------------------------------------------------------------

MIRRORS = re.compile(
    r"reddit|facebook|quora|youtube|tiktok|instagram|scribd|studylib|docplayer|ldnresearchtrust|ldnscience|wikipedia"
    r"|forum|blog|shop|store|wilddata|webvpn|medpath|ichgcp|healthjade|druglib|thehealththread|ammes\.org|researchgate"
    r"|academia\.edu|sci-hub|libgen|medium\.com|healthline|webmd|verywell|amazon\.|ebay\.",
    re.IGNORECASE,
)


def test_nothing_is_cited_from_a_mirror_a_shop_or_a_forum(project_root: Path) -> None:
    addresses = [
        (file, address)
        for file, text in texts(project_root)
        for address in re.findall(r"(?:https?://|www\.)\S+", text)
        if not address.startswith("https://json-schema.org")
    ]
    assert len(addresses) >= 15
    assert [(file, address) for file, address in addresses if MIRRORS.search(address)] == []
    assert {file.split("/")[1] for file, _ in addresses} <= {"sources"}, "studies are cited by identifier"


def test_no_record_speaks_of_the_machine_it_was_written_on(project_root: Path) -> None:
    trace = re.compile(r"/tmp/|/home/|localhost|a stored public copy")
    assert [file for file, text in texts(project_root) if trace.search(text)] == []


def test_every_study_has_an_identifier_or_says_that_none_was_found(ask: Ask) -> None:
    assert (
        ask(
            "SELECT id FROM studies WHERE coalesce(pmid, pmcid, doi, other_identifiers, no_identifier) IS NULL "
            "AND id NOT IN (SELECT study_id FROM study_registrations)"
        )
        == []
    )


def test_every_study_says_how_deeply_it_was_read(ask: Ask) -> None:
    assert ask("SELECT id FROM studies WHERE verification_depth IS NULL") == []
    assert (
        ask("SELECT id FROM studies WHERE verification_depth <> 'unverified' AND verification_read IS NULL")
        == []
    )
    # An unverified record decides nothing.
    deciding = ask("SELECT studies FROM tier_trace WHERE satisfied = 1")
    unverified = {study for (study,) in ask("SELECT id FROM studies WHERE verification_depth = 'unverified'")}
    for (studies,) in deciding:
        assert not unverified.intersection(re.findall(r'"([^"]+)"', studies or ""))


def test_nobody_is_said_to_have_reviewed_without_a_name(ask: Ask) -> None:
    for table, sql in ask("SELECT name, sql FROM sqlite_master WHERE type = 'table'"):
        if sql and "reviewed_by" in sql:
            rows = ask(f"SELECT id FROM {table} WHERE (reviewed_on IS NULL) <> (reviewed_by IS NULL)")
            assert rows == [], table
            assert ask(f"SELECT id FROM {table} WHERE trim(reviewed_by) IN ('', '-', '?', 'unknown')") == []


def test_retracted_papers_are_shown_and_decide_nothing(ask: Ask) -> None:
    retracted = {study for (study,) in ask("SELECT id FROM studies WHERE retraction_status = 'retracted'")}
    assert retracted
    for (studies,) in ask("SELECT studies FROM tier_trace WHERE satisfied = 1"):
        assert not retracted.intersection(re.findall(r'"([^"]+)"', studies or ""))


def test_the_opioid_warning_is_there(ask: Ask) -> None:
    assert ask("SELECT 1 FROM precautions WHERE kind = 'absolute' AND name LIKE '%opioid%'")
    assert "opioid" in ask("SELECT value FROM build_info WHERE key = 'notice'")[0][0]


# ---- numbers that were looked up twice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("study", "pmid", "doi", "randomized"),
    [
        ("younger-2013", "23359310", "10.1002/art.37734", 31),
        ("bruun-2024", "38258677", "10.1016/S2665-9913(23)00278-3", 99),
        ("bested-2023", "38226027", "10.1097/PR9.0000000000001080", 58),
        ("rodriguez-freire-2026", "42385209", "10.1002/ejp.70321", 98),
        ("smith-2011", "21380937", "10.1007/s10620-011-1653-7", None),
        ("smith-2013", "23188075", "10.1097/MCG.0b013e3182702f2b", 12),
        ("cree-2010", "20695007", "10.1002/ana.22006", 80),
        ("afshari-2020", "32042711", "10.1007/s43188-019-00008-2", 63),
        ("beaudette-zlatanova-2023", "37045708", "10.1016/j.clinthera.2023.03.013", 29),
        ("albers-2017", "28768313", "10.1001/jamadermatol.2017.2446", None),
        ("bouvard-1995", "8570775", "10.1016/0165-1781(95)02601-R", None),
        ("mischoulon-2017", "27736689", None, 12),
        ("lpp-rct-2020", "32449418", "10.1080/09546634.2020.1774488", None),
        ("wittels-1993", None, None, 102),
        ("abboud-1990-epidural-morphine", None, "10.1097/00000542-199002000-00004", None),
        ("bruun-2026-letter", "41469218", "10.3344/kjp.25275", None),
        ("vatvani-2024-corrigendum", "41469220", None, None),
        ("zapata-2025", "40698237", "10.7759/cureus.86538", None),
    ],
)
def test_identifiers_and_sizes_that_were_confirmed(
    ask: Ask, study: str, pmid: str | None, doi: str | None, randomized: int | None
) -> None:
    (row,) = ask("SELECT pmid, doi, enrolment_randomized FROM studies WHERE id = ?", study)
    assert pmid is None or row[0] == pmid
    assert doi is None or row[1].lower() == doi.lower()
    assert randomized is None or row[2] == randomized


@pytest.mark.parametrize(
    ("study", "measure", "value", "low", "high", "p", "direction"),
    [
        ("bruun-2024", "MD", -0.34, -0.95, 0.27, "0.27", "no_difference"),
        ("younger-2013", "percent_change_difference", None, None, None, "0.016", "favours_ldn"),
        ("rodriguez-freire-2026", "MD", 0.49, -0.32, 1.31, "0.236", "no_difference"),
        ("bested-2023", "median_difference", -1.65, None, None, "0.3", "no_difference"),
        ("ologunowa-2025", "SMD", -0.5, -1.19, 0.19, None, "no_difference"),
        ("ldn-fm-meta-ams-2025", "SMD", -0.61, -1.14, -0.08, None, "favours_ldn"),
        ("vatvani-2024", "MD", -0.86, -1.2, -0.51, "<0.001", "favours_ldn"),
        ("vatvani-2024", "SMD", -0.25, -0.59, 0.09, None, "no_difference"),
        ("saif-2026", "MD", -0.46, -0.85, -0.06, "0.02", "favours_ldn"),
        ("cree-2010", "MD", 3.3, None, None, "0.04", "favours_ldn"),
        ("beaudette-zlatanova-2023", None, None, None, None, "0.90", "no_difference"),
        ("lpp-rct-2020", None, None, None, None, "0.813", "no_difference"),
        ("moloney-2026", None, None, None, None, "0.97", "no_difference"),
    ],
)
def test_results_that_were_confirmed(
    ask: Ask,
    study: str,
    measure: str | None,
    value: float | None,
    low: float | None,
    high: float | None,
    p: str | None,
    direction: str,
) -> None:
    rows = ask(
        "SELECT effect_measure, effect_value, effect_ci_low, effect_ci_high, effect_p, direction FROM outcomes "
        "WHERE study_id = ?",
        study,
    )
    # What is not printed is not asked for; an interval that is no longer missing would be new evidence, not an error.
    wanted = (measure, value, low, high, p, direction)
    matching = [
        row for row in rows if all(w is None or w == found for w, found in zip(wanted, row, strict=True))
    ]
    assert matching, rows


def test_arms_of_the_trial_of_2013(ask: Ask) -> None:
    rows = ask(
        "SELECT arm_id, percent FROM results WHERE outcome_id = 'younger-2013--pain-reduction' ORDER BY percent DESC"
    )
    assert rows == [("younger-2013--naltrexone", 28.8), ("younger-2013--placebo", 18.0)]


def test_corrections_of_the_second_reading_stay_corrected(ask: Ask) -> None:
    status: dict[str, str | None] = dict(ask("SELECT id, retraction_status FROM studies"))
    assert status["vatvani-2024"] == "corrected"
    assert status["albers-2017"] == "corrected"
    # More than 10 mg a day in any child over 20 kg is not a low dose.
    assert ask("SELECT dose_class FROM arms WHERE id = 'bouvard-1995--naltrexone'") == [("standard",)]
    # Before and after, without a comparator, favours nothing.
    assert ask("SELECT DISTINCT direction FROM outcomes WHERE study_id = 'byambasuren-2025'") == [
        ("not_comparable",)
    ]
    # One paper that the notes held under three keys.
    assert ask("SELECT id FROM studies WHERE pmid = '32042711'") == [("afshari-2020",)]
    assert ask("SELECT enrolment_analyzed FROM studies WHERE id = 'rabiner-2011'") == [(None,)]


def test_a_trial_of_the_growth_factor_that_failed_is_not_left_out(ask: Ask) -> None:
    assert ask("SELECT status, actual, dose_mg_per_day FROM trials WHERE id = 'nct00982696'") == [
        ("terminated", 5, None)
    ]


def test_model_estimates_are_not_told_as_counts(project_root: Path) -> None:
    # The doses effective in 50 and 95 percent come out of a model of 25 women, of whom 11 responded.
    tellers = [
        file
        for file, text in texts(project_root)
        if "5.40 mg" in text and "estimated" not in text and "/searches/" not in file
    ]
    assert tellers == []

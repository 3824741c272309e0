"""Pooling, held to the digits that published examples and well-kept packages print.

Each expected number stands beside where it was read. "metafor" is the R package of that name: its reference
pages and README print the output copied here, and its own tests name the page of the paper they compare with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from ldn_evidence.appraise.effects import (
    ArmResult,
    Effect,
    NotComputed,
    PrintedEffect,
    effect_from_printed,
    favours,
    mean_difference,
    odds_ratio,
    p_of,
    risk_difference,
    risk_ratio,
)
from ldn_evidence.appraise.pooling import (
    METHODS,
    EventsInput,
    Method,
    Pooled,
    PooledEvents,
    PoolInput,
    leave_one_out,
    pool,
    pool_events,
    pool_input,
    pooled_effect,
    values_without_each,
)

# The first call of a quantile imports SciPy, which no property is about.
relaxed = settings(deadline=None)


# BCG vaccine against tuberculosis (Colditz 1994; metafor's dat.bcg): cases, non-cases, vaccinated first.
BCG = (
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
)

# Hospital stay after stroke (Normand 1999, table VIII; metafor's dat.normand1999): n, mean, SD, twice.
NORMAND = (
    (155, 55, 47, 156, 75, 64),
    (31, 27, 7, 32, 29, 4),
    (75, 64, 17, 71, 119, 29),
    (18, 66, 20, 18, 137, 48),
    (8, 14, 8, 13, 18, 11),
    (57, 19, 7, 52, 18, 4),
    (34, 52, 45, 33, 41, 34),
    (110, 21, 16, 183, 31, 27),
    (60, 30, 27, 52, 23, 20),
)

# Lidocaine after myocardial infarction (Hine 1989, in Normand 1999, table III): deaths and totals.
HINE = (
    (2, 39, 1, 43),
    (4, 44, 4, 44),
    (6, 107, 4, 110),
    (7, 103, 5, 100),
    (7, 110, 3, 106),
    (11, 154, 4, 146),
)

# CLASP (DerSimonian and Kacker 2007): events and totals.
CLASP = (
    (5, 156, 8, 74),
    (5, 303, 17, 303),
    (12, 565, 9, 477),
    (69, 1570, 94, 1565),
    (9, 103, 11, 105),
    (313, 4659, 352, 4650),
)

# Beta-blockers after myocardial infarction, early entry, oral or intravenous (Yusuf 1985, table 6; metafor's
# dat.yusuf1985): deaths and totals. The trial without numbers ("Snow 1") is left out, as metafor does.
YUSUF = (
    (14, 56, 15, 58),
    (18, 66, 19, 64),
    (15, 100, 12, 95),
    (10, 52, 12, 47),
    (21, 226, 24, 228),
    (3, 38, 6, 31),
    (2, 20, 3, 20),
    (19, 76, 15, 67),
    (15, 106, 9, 114),
    (5, 62, 4, 57),
    (0, 9, 0, 8),
    (8, 133, 11, 127),
    (3, 48, 3, 49),
    (0, 16, 0, 13),
    (1, 42, 1, 46),
    (0, 25, 3, 25),
    (14, 221, 15, 228),
    (0, 11, 0, 11),
    (8, 259, 7, 129),
    (6, 157, 4, 158),
    (3, 177, 2, 136),
)

# Systolic blood pressure (Riley 2011, BMJ 342:d549; data set sbp of the R package pimeta).
SBP_VALUES = (0.0, 0.1, -0.4, -0.8, -0.63, 0.22, -0.34, -0.51, 0.03, -0.81)
SBP_ERRORS = (
    0.42347717,
    0.21939179,
    0.02551067,
    0.19898325,
    0.30102594,
    0.30102594,
    0.07142988,
    0.10204269,
    0.12245123,
    0.30102594,
)


def made_ready(effects: Sequence[Effect | NotComputed]) -> list[PoolInput]:
    inputs = []
    for number, effect in enumerate(effects, start=1):
        assert isinstance(effect, Effect)
        item = pool_input(str(number), effect)
        assert isinstance(item, PoolInput)
        inputs.append(item)
    return inputs


def arms(events_1: int, total_1: int, events_2: int, total_2: int) -> tuple[ArmResult, ArmResult]:
    return ArmResult(events=events_1, total=total_1), ArmResult(events=events_2, total=total_2)


def bcg_effects(compute: Any) -> list[PoolInput]:
    return made_ready([compute(*arms(a, a + b, c, c + d)) for a, b, c, d in BCG])


def sbp() -> list[PoolInput]:
    pairs = zip(SBP_VALUES, SBP_ERRORS, strict=True)
    return [PoolInput(str(number), value, error) for number, (value, error) in enumerate(pairs)]


def printed(*numbers: float | None, digits: int = 4) -> list[float]:
    assert all(number is not None for number in numbers)
    return [round(number, digits) for number in numbers if number is not None]


# --- inverse variance -----------------------------------------------------------------------------


def test_bcg_risk_ratios_with_reml() -> None:
    # metafor reference page of rma.uni: rma(yi, vi, data=dat, method="REML").
    inputs = bcg_effects(risk_ratio)
    assert printed(inputs[0].value, inputs[0].standard_error ** 2) == [-0.8893, 0.3256]
    assert printed(inputs[11].value, inputs[11].standard_error ** 2) == [0.4459, 0.5325]
    result = pool(inputs, "RR")
    assert result.k == 13
    assert printed(result.tau_squared, math.sqrt(result.tau_squared or 0)) == [0.3132, 0.5597]
    assert printed(result.i_squared_tau, result.h_squared_tau, digits=2) == [92.22, 12.86]
    assert printed(result.q) == [152.2330]
    assert result.degrees_of_freedom == 12
    assert result.q_p is not None
    assert result.q_p < 0.0001
    random = result.random
    assert printed(random.value, random.standard_error, random.ci_low, random.ci_high) == [
        -0.7145,
        0.1798,
        -1.0669,
        -0.3622,
    ]
    assert printed(random.value / random.standard_error) == [-3.9744]


def test_bcg_hartung_knapp_and_prediction_interval() -> None:
    # metafor README: rma(yi, vi, data=dat, test="knha"), predict(res, transf=exp, digits=2).
    result = pool(bcg_effects(risk_ratio), "RR")
    assert result.hartung_knapp is not None
    assert result.prediction_hartung_knapp is not None
    adjusted = result.hartung_knapp
    assert printed(
        adjusted.value, adjusted.standard_error, adjusted.p, adjusted.ci_low, adjusted.ci_high
    ) == [
        -0.7145,
        0.1808,
        0.0019,
        -1.1084,
        -0.3206,
    ]
    assert printed(*adjusted.natural("RR"), digits=2) == [0.49, 0.33, 0.73]
    assert printed(*(math.exp(end) for end in result.prediction_hartung_knapp), digits=2) == [0.14, 1.76]
    assert result.hartung_knapp_truncated == adjusted


def test_bcg_fixed_effect_and_dersimonian_laird() -> None:
    # metafor's test_misc_metan_vs_rma.uni_with_dat.bcg.r, which compares with Stata's metan.
    result = pool(bcg_effects(risk_ratio), "RR", "DL")
    assert printed(result.fixed.value, result.fixed.ci_low, result.fixed.ci_high) == [
        -0.4303,
        -0.5097,
        -0.3509,
    ]
    assert printed(*result.fixed.natural("RR")) == [0.6503, 0.6007, 0.7040]
    assert printed(result.fixed.value / result.fixed.standard_error) == [-10.6247]
    assert printed(result.random.value, result.random.ci_low, result.random.ci_high) == [
        -0.7141,
        -1.0644,
        -0.3638,
    ]
    assert printed(*result.random.natural("RR")) == [0.4896, 0.3449, 0.6950]
    assert printed(result.tau_squared, result.i_squared) == [0.3088, 92.1173]


def test_bcg_odds_ratios_and_risk_differences() -> None:
    # The same file of metafor.
    odds = pool(bcg_effects(odds_ratio), "OR", "DL")
    assert printed(odds.fixed.value, odds.fixed.ci_low, odds.fixed.ci_high, odds.q) == [
        -0.4361,
        -0.5190,
        -0.3533,
        163.1649,
    ]
    assert printed(odds.random.value, odds.random.ci_low, odds.random.ci_high) == [-0.7474, -1.1242, -0.3706]
    assert printed(odds.tau_squared, odds.i_squared) == [0.3663, 92.6455]
    risks = pool(bcg_effects(risk_difference), "RD", "DL")
    assert printed(risks.fixed.value, risks.fixed.ci_low, risks.fixed.ci_high, risks.q) == [
        -0.0009,
        -0.0014,
        -0.0005,
        276.4737,
    ]
    assert printed(risks.random.value, risks.random.ci_low, risks.random.ci_high, risks.i_squared) == [
        -0.0071,
        -0.0101,
        -0.0040,
        95.6596,
    ]


def test_bcg_leaving_one_out() -> None:
    # metafor's page of leave1out: estimate, se, ci.lb, ci.ub, Q, tau2, I2, H2 without trials 1, 4, 8, 13.
    expected = {
        "1": [-0.7071, 0.1900, -1.0794, -0.3348, 151.5826, 0.3362, 93.2259, 14.7622],
        "4": [-0.6284, 0.1766, -0.9746, -0.2822, 96.5626, 0.2628, 90.4125, 10.4302],
        "8": [-0.7948, 0.1799, -1.1473, -0.4422, 67.9858, 0.2732, 87.0314, 7.7109],
        "13": [-0.7775, 0.1855, -1.1412, -0.4139, 149.7884, 0.3037, 92.3444, 13.0623],
    }
    results = dict(leave_one_out(bcg_effects(risk_ratio), "RR"))
    assert len(results) == 13
    for left_out, numbers in expected.items():
        result = results[left_out]
        random = result.random
        found = [random.value, random.standard_error, random.ci_low, random.ci_high, result.q]
        found += [result.tau_squared or 0, result.i_squared_tau or 0, result.h_squared_tau or 0]
        assert left_out not in result.ids
        # metafor stops its search for tau2 earlier than we do: H2's last digit can differ by one.
        assert found == pytest.approx(numbers, abs=1.01e-4)


def test_two_trials_have_a_closed_form() -> None:
    # metafor reference page of rma.uni: the two BCG trials with alternate allocation (5 and 6).
    inputs = [item for item in bcg_effects(risk_ratio) if item.id in ("5", "6")]
    for method in METHODS:
        result = pool(inputs, "RR", method)
        assert printed(result.tau_squared, result.q, result.q_p) == [0.1326, 5.5625, 0.0183]
        random = result.random
        assert printed(random.value, random.standard_error, random.p, random.ci_low, random.ci_high) == [
            -0.5408,
            0.2816,
            0.0548,
            -1.0927,
            0.0111,
        ]
        assert printed(result.i_squared_tau, result.h_squared_tau, digits=2) == [82.02, 5.56]


def test_normand_mean_differences() -> None:
    # Normand 1999, Statistics in Medicine 18:321, tables VIII and IX, with more digits in metafor's
    # test_analysis_example_normand1999.r. The paper pools the SD of both arms.
    effects = []
    for n_1, mean_1, sd_1, n_2, mean_2, sd_2 in NORMAND:
        sd = math.sqrt(((n_1 - 1) * sd_1**2 + (n_2 - 1) * sd_2**2) / (n_1 + n_2 - 2))
        effects.append(
            mean_difference(ArmResult(n=n_1, mean=mean_1, sd=sd), ArmResult(n=n_2, mean=mean_2, sd=sd))
        )
    inputs = made_ready(effects)
    assert [item.value for item in inputs] == [-20, -2, -55, -71, -4, 1, 11, -10, 7]
    assert printed(*(item.standard_error**2 for item in inputs)) == [
        40.5863,
        2.0468,
        15.2809,
        150.2222,
        20.1923,
        1.2235,
        95.3756,
        8.0321,
        20.6936,
    ]
    reml, laird = pool(inputs, "MD"), pool(inputs, "MD", "DL")
    assert printed(reml.fixed.value, reml.fixed.ci_low, reml.fixed.ci_high) == [-3.4939, -5.0265, -1.9613]
    assert printed(laird.random.value, laird.random.ci_low, laird.random.ci_high, laird.tau_squared) == [
        -14.0972,
        -24.4454,
        -3.7490,
        218.7216,
    ]
    random = reml.random
    assert [random.value, random.ci_low, random.ci_high, reml.tau_squared or 0] == pytest.approx(
        [-15.1217, -32.6716, 2.4282, 685.1965], abs=1e-3
    )


def test_lidocaine_risk_differences_without_heterogeneity() -> None:
    # Normand 1999, tables III and VII, in percentage points; digits as in metafor's test of that example.
    effects = [risk_difference(*arms(*row)) for row in HINE]
    inputs = made_ready(effects)
    assert printed(*(100 * item.value for item in inputs)) == [2.8026, 0.0, 1.9711, 1.7961, 3.5334, 4.4031]
    assert printed(*(1e4 * item.standard_error**2 for item in inputs)) == [
        17.7575,
        37.5657,
        8.1323,
        10.8998,
        8.0114,
        6.1320,
    ]
    for method in METHODS:
        result = pool(inputs, "RD", method)
        assert result.tau_squared == 0
        assert result.random == result.fixed
        assert printed(*(100 * number for number in result.random.natural("RD"))) == [2.9444, 0.3831, 5.5058]


@pytest.mark.parametrize(
    ("method", "tau", "mean", "error"),
    [("PM", 0.3681, -0.3811, 0.2060), ("DL", 0.2323, -0.3240, 0.1540), ("REML", 0.1843, -0.2980, 0.1343)],
)
def test_clasp_by_every_estimator_of_tau(method: Method, tau: float, mean: float, error: float) -> None:
    # DerSimonian and Kacker 2007, Contemporary Clinical Trials 28:105, tables 3 and 4; digits as in metafor's
    # test_analysis_example_dersimonian2007.r.
    result = pool(made_ready([odds_ratio(*arms(*row)) for row in CLASP]), "OR", method)
    found = [math.sqrt(result.tau_squared or 0), result.random.value, result.random.standard_error]
    assert found == pytest.approx([tau, mean, error], abs=1.01e-4)


def test_prediction_interval_with_k_minus_two() -> None:
    # pimeta reference pages: pima(sbp$y, sbp$sigmak, method="HTS") (DerSimonian-Laird, 8 degrees of freedom)
    # and cima(..., method="HK") (REML, Hartung-Knapp).
    laird, reml = pool(sbp(), "SMD", "DL"), pool(sbp(), "SMD", "REML")
    assert laird.prediction is not None
    assert reml.hartung_knapp is not None
    assert printed(laird.random.value, *laird.prediction) == [-0.3341, -0.7598, 0.0917]
    assert printed(laird.tau_squared) == [0.0282]
    assert printed(laird.i_squared, digits=1) == [70.5]
    adjusted = reml.hartung_knapp
    assert printed(adjusted.value, adjusted.ci_low, adjusted.ci_high, reml.tau_squared) == [
        -0.3287,
        -0.5761,
        -0.0814,
        0.0700,
    ]


# --- events ---------------------------------------------------------------------------------------


def events(rows: Sequence[tuple[int, int, int, int]]) -> list[EventsInput]:
    return [EventsInput(str(number), *row) for number, row in enumerate(rows, start=1)]


def pooled_events(*arguments: Any, **options: Any) -> PooledEvents:
    result = pool_events(*arguments, **options)
    assert isinstance(result, PooledEvents)
    return result


BCG_EVENTS = events([(a, a + b, c, c + d) for a, b, c, d in BCG])


def test_bcg_by_mantel_haenszel_and_peto() -> None:
    # metafor reference pages of rma.mh and rma.peto, and test_misc_metan_vs_rma.mh_with_dat.bcg.r (RD).
    odds = pooled_events(BCG_EVENTS, "OR")
    line = odds.estimate
    assert printed(line.value, line.standard_error, line.ci_low, line.ci_high) == [
        -0.4734,
        0.0410,
        -0.5538,
        -0.3930,
    ]
    assert printed(*line.natural("OR")) == [0.6229, 0.5748, 0.6750]
    assert printed(odds.q) == [163.9426]
    assert printed(odds.i_squared, digits=2) == [92.68]
    risk = pooled_events(BCG_EVENTS, "RR")
    line = risk.estimate
    assert printed(line.value, line.standard_error, line.ci_low, line.ci_high) == [
        -0.4537,
        0.0393,
        -0.5308,
        -0.3766,
    ]
    assert printed(*line.natural("RR")) == [0.6353, 0.5881, 0.6862]
    assert printed(risk.q) == [152.5676]
    difference = pooled_events(BCG_EVENTS, "RD")
    line = difference.estimate
    assert printed(line.value, line.ci_low, line.ci_high) == [-0.0033, -0.0039, -0.0027]
    assert printed(line.value / line.standard_error, difference.q) == [-11.4708, 386.7759]
    peto = pooled_events(BCG_EVENTS, "OR", "Peto")
    line = peto.estimate
    assert printed(line.value, line.standard_error, line.ci_low, line.ci_high) == [
        -0.4744,
        0.0407,
        -0.5541,
        -0.3948,
    ]
    assert printed(*line.natural("OR")) == [0.6222, 0.5746, 0.6738]
    assert printed(peto.q) == [167.7302]


def test_beta_blockers_by_peto_with_trials_without_deaths() -> None:
    # metafor's test_analysis_example_yusuf1985.r, which compares it with the publication. Three
    # trials without deaths in either arm say nothing; one has deaths in one arm only.
    result = pooled_events(events(YUSUF), "OR", "Peto")
    assert printed(*result.estimate.natural("OR")) == [0.9332, 0.7385, 1.1792]
    assert result.uninformative == ("11", "14", "18")


def test_tolbutamide_by_mantel_haenszel_at_90_percent() -> None:
    # Rothman, Greenland and Lash 2008, Modern Epidemiology, table 15-1; metafor's test of that example.
    strata = events([(8, 106, 5, 120), (22, 98, 16, 85)])
    expected: dict[Any, list[float]] = {
        "RD": [0.0349, -0.0176, 0.0874, 0.0017],
        "RR": [0.2818, -0.1442, 0.7078, 0.4472],
        "OR": [0.3387, -0.1731, 0.8505, 0.3474],
    }
    for measure, numbers in expected.items():
        result = pooled_events(strata, measure, ci_level=0.90)
        line = result.estimate
        assert printed(line.value, line.ci_low, line.ci_high, result.q) == numbers


def test_events_that_say_nothing_about_a_ratio_are_refused_with_the_reason() -> None:
    # The cases of metafor's test_misc_handling_of_edge_cases_due_to_zeros.r.
    nobody = events([(0, 10, 0, 10), (0, 15, 0, 10), (0, 20, 0, 30)])
    everybody = events([(10, 10, 10, 10), (15, 15, 10, 10)])
    for rows in (nobody, everybody):
        for measure in ("OR", "RR"):
            result = pool_events(rows, measure)
            assert isinstance(result, NotComputed)
            assert "no study" in result.reason
        assert isinstance(pool_events(rows, "OR", "Peto"), NotComputed)
    one_sided = events([(3, 10, 0, 10), (2, 15, 0, 10)])
    refused = pool_events(one_sided, "OR")
    assert isinstance(refused, NotComputed)
    assert "not defined" in refused.reason
    assert pooled_events(one_sided, "OR", "Peto").estimate.value > 0


def test_a_single_zero_needs_no_correction_in_the_sums() -> None:
    rows = events([(0, 20, 3, 20), (4, 40, 6, 40)])
    result = pooled_events(rows, "OR")
    r, s = 0 * 17 / 40 + 4 * 34 / 80, 3 * 20 / 40 + 6 * 36 / 80
    assert result.estimate.value == pytest.approx(math.log(r / s))
    assert "0.5" in result.note


# --- what is refused ------------------------------------------------------------------------------


def test_impossible_inputs_are_refused_by_name() -> None:
    one = PoolInput("a", 0.1, 0.2)
    with pytest.raises(ValueError, match="nothing to pool"):
        pool([], "MD")
    with pytest.raises(ValueError, match="same id"):
        pool([one, one], "MD")
    with pytest.raises(ValueError, match="b: the standard error"):
        pool([one, PoolInput("b", 0.1, 0.0)], "MD")
    with pytest.raises(ValueError, match="b: the value"):
        pool([one, PoolInput("b", math.nan, 0.1)], "MD")
    with pytest.raises(ValueError, match="measure"):
        pool([one], "percent")
    with pytest.raises(ValueError, match="method"):
        pool([one], "MD", "ML")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="7 events among 5"):
        pool_events([EventsInput("a", 7, 5, 0, 5)], "OR")
    with pytest.raises(ValueError, match="Peto"):
        pool_events([EventsInput("a", 1, 5, 0, 5)], "RR", "Peto")


def test_an_effect_without_precision_is_not_made_ready() -> None:
    effect = effect_from_printed(PrintedEffect("MD", 1.5))
    assert isinstance(effect, Effect)
    refused = pool_input("a", effect)
    assert isinstance(refused, NotComputed)
    assert "precision" in refused.reason


def test_one_study_is_returned_without_heterogeneity() -> None:
    result = pool([PoolInput("a", 0.4, 0.2)], "SMD")
    assert result.random == result.fixed
    assert (result.tau_squared, result.i_squared, result.q_p) == (None, None, None)
    assert (result.hartung_knapp, result.prediction, result.prediction_hartung_knapp) == (None, None, None)
    assert leave_one_out([PoolInput("a", 0.4, 0.2)], "SMD") == ()


def test_a_pooled_result_reads_like_any_effect() -> None:
    result = pool(bcg_effects(risk_ratio), "RR")
    effect = pooled_effect(result)
    assert printed(effect.value, effect.ci_low, effect.ci_high, digits=2) == [0.49, 0.33, 0.73]
    assert favours(effect, "lower") == "intervention"
    p = p_of(effect)
    assert p == pytest.approx(0.0019, abs=5e-5)
    alone = pooled_effect(pool([PoolInput("a", 0.4, 0.1)], "SMD"))
    assert alone.ci_low == pytest.approx(0.4 - 1.96 * 0.1, abs=1e-3)


def test_an_outcome_with_the_other_direction_is_mirrored() -> None:
    effect = effect_from_printed(PrintedEffect("OR", 2.0, 1.0, 4.0))
    assert isinstance(effect, Effect)
    mirrored = pool_input("a", effect, mirrored=True)
    assert isinstance(mirrored, PoolInput)
    assert pool([mirrored], "OR").random.natural("OR") == pytest.approx((0.5, 0.25, 1.0), rel=1e-9)


def test_agreeing_studies_get_no_false_certainty() -> None:
    # Untruncated, the Hartung-Knapp interval of two equal results has no width and would exclude anything.
    result = pool([PoolInput("a", 0.2, 0.3), PoolInput("b", 0.2, 0.3)], "SMD")
    assert result.hartung_knapp is not None
    assert result.hartung_knapp_truncated is not None
    assert result.hartung_knapp.ci_low == result.hartung_knapp.ci_high
    assert result.hartung_knapp.p is None
    assert not result.hartung_knapp_truncated.excludes_no_effect()
    assert not result.random.excludes_no_effect()


# --- properties -----------------------------------------------------------------------------------

values = st.floats(-10, 10).map(lambda number: round(number, 6))
errors = st.floats(0.01, 10).map(lambda number: round(number, 6))
input_lists = st.lists(st.tuples(values, errors), min_size=2, max_size=12).map(
    lambda pairs: [PoolInput(str(number), value, error) for number, (value, error) in enumerate(pairs)]
)
methods = st.sampled_from(METHODS)


def numbers_of(result: Pooled) -> tuple[object, ...]:
    return (
        result.fixed,
        result.random,
        result.hartung_knapp,
        result.hartung_knapp_truncated,
        result.q,
        result.tau_squared,
        result.i_squared,
        result.prediction,
    )


@relaxed
@given(inputs=input_lists, method=methods, data=st.data())
def test_the_order_of_studies_changes_no_digit(
    inputs: list[PoolInput], method: Method, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(inputs))
    assert numbers_of(pool(inputs, "MD", method)) == numbers_of(pool(shuffled, "MD", method))


@relaxed
@given(inputs=input_lists, method=methods)
def test_a_pooled_value_lies_within_its_inputs(inputs: list[PoolInput], method: Method) -> None:
    result = pool(inputs, "MD", method)
    lowest, highest = min(item.value for item in inputs), max(item.value for item in inputs)
    assert lowest <= result.fixed.value <= highest
    assert lowest <= result.random.value <= highest
    assert result.tau_squared is not None
    assert result.tau_squared >= 0
    assert result.i_squared is not None
    assert 0 <= result.i_squared < 100
    assert result.random.standard_error >= result.fixed.standard_error * (1 - 1e-12)
    assert sum(result.random_weights) == pytest.approx(100)
    assert result.hartung_knapp_truncated is not None
    assert result.hartung_knapp_truncated.standard_error >= result.random.standard_error * (1 - 1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@relaxed
@given(inputs=input_lists)
def test_what_statsmodels_pools_too_is_the_same(inputs: list[PoolInput]) -> None:
    # It has no REML, and its search for Paule and Mandel's value may end early: metafor's digits above are for these.
    values = np.array([item.value for item in inputs])
    variances = np.array([item.standard_error**2 for item in inputs])
    theirs = combine_effects(values, variances, method_re="chi2")
    ours = pool(inputs, "MD", "DL")
    assert ours.q == pytest.approx(theirs.q, rel=1e-6, abs=1e-9)
    assert ours.tau_squared == pytest.approx(max(0.0, theirs.tau2), rel=1e-6, abs=1e-9)
    assert (ours.fixed.value, ours.fixed.standard_error) == pytest.approx(
        (theirs.mean_effect_fe, theirs.sd_eff_w_fe), rel=1e-9, abs=1e-9
    )
    if theirs.tau2 >= 0:
        assert ours.hartung_knapp is not None
        found = ours.random.value, ours.random.standard_error, ours.hartung_knapp.standard_error
        assert found == pytest.approx(
            (theirs.mean_effect_re, theirs.sd_eff_w_re, theirs.sd_eff_w_re_hksj), rel=1e-5, abs=1e-6
        )


@given(inputs=input_lists, method=methods)
def test_values_without_each_study_are_those_of_leaving_one_out(
    inputs: list[PoolInput], method: Method
) -> None:
    whole = leave_one_out(inputs, "SMD", method)
    expected = tuple((left_out, rest.random.value) for left_out, rest in whole)
    assert values_without_each(inputs, pool(inputs, "SMD", method)) == expected


@relaxed
@given(value=values, study_errors=st.lists(errors, min_size=2, max_size=8), method=methods)
def test_identical_results_show_no_heterogeneity(
    value: float, study_errors: list[float], method: Method
) -> None:
    result = pool([PoolInput(str(n), value, e) for n, e in enumerate(study_errors)], "MD", method)
    assert result.tau_squared == 0
    assert result.i_squared == 0
    assert result.random.value == pytest.approx(value)


@relaxed
@given(inputs=input_lists, method=methods, factor=st.sampled_from([0.001, 0.1, 12.0, 1000.0]))
def test_another_unit_scales_everything(inputs: list[PoolInput], method: Method, factor: float) -> None:
    scaled = [PoolInput(item.id, factor * item.value, factor * item.standard_error) for item in inputs]
    first, second = pool(inputs, "MD", method), pool(scaled, "MD", method)
    span = 1e-6 * factor * 10
    assert second.random.value == pytest.approx(factor * first.random.value, rel=1e-6, abs=span)
    assert second.q == pytest.approx(first.q, rel=1e-6, abs=1e-6)


@relaxed
@given(inputs=input_lists, method=methods)
def test_swapping_arms_mirrors_the_pooled_result(inputs: list[PoolInput], method: Method) -> None:
    mirrored = [PoolInput(item.id, -item.value, item.standard_error) for item in inputs]
    first, second = pool(inputs, "MD", method), pool(mirrored, "MD", method)
    assert second.random.value == -first.random.value
    assert second.random.ci_low == -first.random.ci_high
    assert second.tau_squared == first.tau_squared


@relaxed
@given(inputs=input_lists)
def test_reml_leaves_no_better_tau_nearby(inputs: list[PoolInput]) -> None:
    def restricted_likelihood(tau_squared: float) -> float:
        weights = [1 / (item.standard_error**2 + tau_squared) for item in inputs]
        mean = sum(w * item.value for w, item in zip(weights, inputs, strict=True)) / sum(weights)
        squares = sum(w * (item.value - mean) ** 2 for w, item in zip(weights, inputs, strict=True))
        return (sum(math.log(w) for w in weights) - math.log(sum(weights)) - squares) / 2

    found = pool(inputs, "MD").tau_squared
    assert found is not None
    best = restricted_likelihood(found)
    for step in (1e-3, 1e-2):
        nearby = step * (found + min(item.standard_error**2 for item in inputs))
        for other in (found + nearby, max(0.0, found - nearby)):
            assert restricted_likelihood(other) <= best + 1e-9 * max(1.0, abs(best))


counts = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda totals: st.tuples(
        st.integers(0, totals[0]), st.just(totals[0]), st.integers(0, totals[1]), st.just(totals[1])
    )
)


@relaxed
@given(rows=st.lists(counts, min_size=1, max_size=6), data=st.data())
def test_events_pool_the_same_in_any_order_and_mirror_with_the_arms(
    rows: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    combinations: list[tuple[Any, Any]] = [("OR", "Peto")] + [
        (m, "Mantel-Haenszel") for m in ("OR", "RR", "RD")
    ]
    inputs = events(rows)
    shuffled = data.draw(st.permutations(inputs))
    swapped = events([(c, d, a, b) for a, b, c, d in rows])
    for measure, method in combinations:
        result = pool_events(inputs, measure, method)
        reordered, mirrored = pool_events(shuffled, measure, method), pool_events(swapped, measure, method)
        if isinstance(result, NotComputed):
            assert isinstance(reordered, NotComputed)
            assert isinstance(mirrored, NotComputed)
            continue
        assert isinstance(reordered, PooledEvents)
        assert isinstance(mirrored, PooledEvents)
        assert reordered.estimate == result.estimate
        assert mirrored.estimate.value == pytest.approx(-result.estimate.value, abs=1e-9)
        assert mirrored.estimate.standard_error == pytest.approx(result.estimate.standard_error, rel=1e-6)

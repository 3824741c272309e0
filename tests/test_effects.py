"""Effects of single comparisons: published worked examples, what is refused, and what must always hold.

"Handbook" is the Cochrane Handbook for Systematic Reviews of Interventions, by sections of version 6, with
version 5.1 in brackets where the worked example was read there (handbook-5-1.cochrane.org).
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ldn_evidence.appraise.agreement import (
    disagreement,
    p_contradicts_interval,
    percent_contradicts_events,
    standard_error_contradicts_sd,
    value_off_centre,
)
from ldn_evidence.appraise.distributions import chi_squared_p, normal_p, normal_quantile, t_p, t_quantile
from ldn_evidence.appraise.effects import (
    ArmResult,
    Better,
    Effect,
    NotComputed,
    PairedResult,
    PrintedEffect,
    StandardDeviation,
    combine_arms,
    compare_arms,
    crossover_with_imputed_correlation,
    effect_from_printed,
    events_from_percent,
    favours,
    mean_difference,
    median_to_mean,
    odds_ratio,
    p_of,
    paired_difference,
    pooled_standard_deviation_from_p,
    read_against_mid,
    risk_difference,
    risk_ratio,
    small_sample_correction,
    standard_deviation,
    standard_error_from_p,
    standardised_mean_difference,
    with_ci_level,
)
from ldn_evidence.appraise.records import arm_result
from ldn_evidence.appraise.scales import from_analysis_scale
from ldn_evidence.printed_numbers import PValue, half_unit, parse_p, printed_decimals

# The first call of a quantile imports SciPy, which no property is about.
relaxed = settings(deadline=None)


def computed(effect: Effect | NotComputed) -> Effect:
    assert isinstance(effect, Effect), effect
    return effect


def reason(result: object) -> str:
    assert isinstance(result, NotComputed), result
    assert not result
    return result.reason


def error_of(effect: Effect) -> float:
    assert effect.standard_error is not None
    return effect.standard_error


# --- published worked examples --------------------------------------------------------------------


def test_distributions_against_printed_tables() -> None:
    assert round(normal_quantile(0.95), 2) == 1.96
    assert round(normal_quantile(0.90), 3) == 1.645
    # Handbook 6.5.2.3 (5.1: 7.7.3.3): the t value for p = 0.008 with 25 + 22 - 2 degrees of freedom is 2.78;
    # and 6.3.1 (7.7.7.2): the Z value for p = 0.008 is 2.652.
    assert round(t_quantile(1 - 0.008, 45), 2) == 2.78
    assert round(normal_quantile(1 - 0.008), 3) == 2.652
    assert t_p(2.78, 45) == pytest.approx(0.008, abs=1e-4)
    assert normal_p(2.652) == pytest.approx(0.008, abs=1e-5)
    # metafor, two BCG trials: Q(df = 1) = 5.5625, p = 0.0183.
    assert round(chi_squared_p(5.5625, 1), 4) == 0.0183


def test_handbook_standard_error_and_sd_from_p() -> None:
    # Handbook 6.5.2.3 (5.1: 7.7.3.3): MD 3.8, p = 0.008, 25 and 22 participants: t = 2.78, SE = 1.37.
    error = standard_error_from_p(3.8, 0.008, degrees_of_freedom=45)
    assert isinstance(error, float)
    assert round(error, 2) == 1.37
    sd = pooled_standard_deviation_from_p(3.8, 0.008, 25, 22)
    assert isinstance(sd, float)
    assert sd == pytest.approx(error / math.sqrt(1 / 25 + 1 / 22))


def test_handbook_crossover_example() -> None:
    # Handbook 23.2.7 (5.1: 16.4.6.4): 10 people, 7.0 (SD 2.38) and 6.5 (SD 2.21). SD of the differences 2:
    # MD 0.5, SE 0.632; correlation 0.68: SE 0.583; SMD 0.218 with SE 0.256.
    paired = computed(paired_difference(PairedResult(n=10, mean_difference=0.5, sd=2)))
    assert (paired.value, round(error_of(paired), 3)) == (0.5, 0.632)
    first, second = ArmResult(n=10, mean=7.0, sd=2.38), ArmResult(n=10, mean=6.5, sd=2.21)
    difference = computed(crossover_with_imputed_correlation("MD", first, second, 0.68))
    assert (difference.value, round(error_of(difference), 3)) == (0.5, 0.583)
    standardised = computed(crossover_with_imputed_correlation("SMD", first, second, 0.68))
    assert (round(standardised.value, 3), round(error_of(standardised), 3)) == (0.218, 0.256)
    assert "imputed" in standardised.computed_from
    assert "imputed" in standardised.note


def test_interval_from_p_as_altman_and_bland_print_it() -> None:
    # Altman and Bland, BMJ 2011;343:d2090: a difference of 17 with p = 0.032 gives 1.4 to 32.6, a relative
    # risk of 0.30 with p = 0.034 gives 0.10 to 0.90. Their approximate quantile moves the last digit.
    difference = computed(effect_from_printed(PrintedEffect("MD", 17, p="0.032")))
    assert (difference.ci_low, difference.ci_high) == pytest.approx((1.4, 32.6), abs=0.1)
    ratio = computed(effect_from_printed(PrintedEffect("RR", 0.30, p="P=0.034")))
    assert (ratio.ci_low, ratio.ci_high) == pytest.approx((0.10, 0.90), abs=0.015)
    assert ratio.value == 0.30
    assert ratio.printed


def test_hedges_g_as_metafor_prints_it() -> None:
    # metafor's test_misc_escalc.r: escalc(measure="SMD") of the first four studies of Normand 1999.
    rows = [
        (155, 55, 47, 156, 75, 64, -0.3552, 0.0131),
        (31, 27, 7, 32, 29, 4, -0.3479, 0.0645),
        (75, 64, 17, 71, 119, 29, -2.3176, 0.0458),
        (18, 66, 20, 18, 137, 48, -1.8880, 0.1606),
    ]
    for n_1, mean_1, sd_1, n_2, mean_2, sd_2, g, variance in rows:
        first, second = ArmResult(n=n_1, mean=mean_1, sd=sd_1), ArmResult(n=n_2, mean=mean_2, sd=sd_2)
        effect = computed(standardised_mean_difference(first, second))
        assert (round(effect.value, 4), round(error_of(effect) ** 2, 4)) == (g, variance)


def test_stratum_effects_of_rothman() -> None:
    # Rothman, Greenland and Lash 2008, table 15-1, digits as in metafor's test of that example.
    first, second = ArmResult(events=8, total=106), ArmResult(events=5, total=120)
    difference = computed(risk_difference(first, second))
    assert (round(difference.value, 4), round(error_of(difference), 4)) == (0.0338, 0.0315)
    ratio = computed(risk_ratio(first, second))
    assert ratio.ci_low is not None
    assert ratio.ci_high is not None
    assert [round(number, 4) for number in (ratio.value, ratio.ci_low, ratio.ci_high)] == [
        1.8113,
        0.6112,
        5.3679,
    ]


def test_small_sample_correction_is_the_exact_one() -> None:
    # By hand: gamma(1) / (sqrt(1) gamma(1/2)) = 1 / sqrt(pi). Hedges' approximation is 1 - 3 / (4 df - 1).
    assert small_sample_correction(2) == pytest.approx(1 / math.sqrt(math.pi))
    for degrees_of_freedom in (10, 40, 200):
        approximation = 1 - 3 / (4 * degrees_of_freedom - 1)
        assert small_sample_correction(degrees_of_freedom) == pytest.approx(approximation, abs=1e-3)


# --- the SD and the counts of an arm --------------------------------------------------------------


def test_sd_from_se_and_from_interval() -> None:
    from_se = standard_deviation(ArmResult(n=25, mean=5, se=0.4))
    assert isinstance(from_se, StandardDeviation)
    assert (from_se.value, from_se.source) == (2.0, "SE")
    # Handbook 6.5.2.2: with 25 participants the interval is 2 x 2.064 SE wide (t with 24 degrees of freedom).
    interval = standard_deviation(ArmResult(n=25, mean=32.1, ci_low=30.0, ci_high=34.2))
    assert isinstance(interval, StandardDeviation)
    assert interval.value == pytest.approx(5 * 4.2 / 4.128, abs=1e-3)
    printed = standard_deviation(ArmResult(n=25, sd=3.0, se=9.9))
    assert isinstance(printed, StandardDeviation)
    assert printed.value == 3.0


def test_a_lopsided_interval_gives_no_sd() -> None:
    assert "symmetrically" in reason(standard_deviation(ArmResult(n=25, mean=3.0, ci_low=2.5, ci_high=6.0)))


def test_quartiles_give_no_sd_unless_asked() -> None:
    arm = ArmResult(n=40, median=5, iqr_low=3, iqr_high=8)
    assert "no SD" in reason(standard_deviation(arm))
    assert "no mean" in reason(compare_arms("MD", arm, arm, design="parallel"))
    # Wan 2014, scenario C3: (3 + 5 + 8) / 3 and 5 / (2 z) with z at (0.75 x 40 - 0.125) / 40.25.
    converted = median_to_mean(arm)
    assert isinstance(converted, ArmResult)
    assert converted.mean == pytest.approx(16 / 3)
    assert converted.sd == pytest.approx(5 / 1.2988, abs=0.01)
    effect = computed(
        compare_arms("MD", arm, replace(arm, median=6), design="parallel", convert_medians=True)
    )
    assert "Wan 2014" in effect.computed_from


def test_events_from_a_percentage_only_where_it_leaves_no_choice() -> None:
    assert events_from_percent(33.3, 30) == 10
    assert events_from_percent(0, 12) == 0
    assert events_from_percent(100, 12) == 12
    assert "no whole number" in reason(events_from_percent(33.0, 4))
    assert "could be" in reason(events_from_percent(10, 500))
    assert "between 0 and 100" in reason(events_from_percent(120, 10))
    assert events_from_percent(12.5, 8) == 1


def test_a_percent_change_is_no_count_of_people() -> None:
    counted = ArmResult(percent=40, total=20, kind="count")
    assert computed(risk_difference(counted, ArmResult(percent=20, total=20, kind="count"))).value == 0.2
    for kind in ("percent_change", "other", None):
        assert "count participants" in reason(risk_difference(counted, replace(counted, kind=kind)))
    assert (
        percent_contradicts_events(ArmResult(events=7, total=20, percent=30, kind="percent_change")) is None
    )


@relaxed
@given(total=st.integers(1, 400), data=st.data(), decimals=st.integers(0, 2))
def test_a_percentage_never_gives_the_wrong_count(total: int, data: st.DataObject, decimals: int) -> None:
    events = data.draw(st.integers(0, total))
    percent = round(100 * events / total, decimals)
    found = events_from_percent(percent, total, decimals)
    assert found == events or (isinstance(found, NotComputed) and "could be" in found.reason)
    assert (
        percent_contradicts_events(ArmResult(events=events, total=total, percent=percent), decimals) is None
    )


def test_contradictions_within_an_arm_are_named() -> None:
    message = percent_contradicts_events(ArmResult(events=7, total=20, percent=30))
    assert message == "7 of 20 is 35.0%, printed 30%"
    assert percent_contradicts_events(ArmResult(events=7, total=20)) is None
    assert percent_contradicts_events(ArmResult(events=1, total=3, percent=33.3)) is None
    assert standard_error_contradicts_sd(ArmResult(n=25, sd=5.0, se=1.0)) is None
    assert standard_error_contradicts_sd(ArmResult(n=25, sd=5.0, se=5.0)) is not None


# --- zero cells, crossover, and what is not known -------------------------------------------------


def test_a_zero_cell_is_corrected_and_says_so() -> None:
    first, second = ArmResult(events=0, total=20), ArmResult(events=4, total=20)
    ratio = computed(odds_ratio(first, second))
    assert ratio.value == pytest.approx(0.5 * 16.5 / (20.5 * 4.5))
    assert "0.5" in ratio.note
    difference = computed(risk_difference(first, second))
    assert difference.value == -0.2
    assert "SE only" in difference.note
    nobody = ArmResult(events=0, total=20)
    assert "no information" in reason(risk_ratio(nobody, nobody))
    assert "no information" in reason(odds_ratio(ArmResult(events=9, total=9), ArmResult(events=8, total=8)))
    assert computed(risk_difference(nobody, nobody)).value == 0


def test_crossover_arms_are_never_independent() -> None:
    arm = ArmResult(n=10, mean=7.0, sd=2.38, events=3, total=10)
    for measure in ("MD", "SMD", "RR", "OR", "RD"):
        for design in ("crossover", "randomised cross-over trial"):
            assert "same people" in reason(compare_arms(measure, arm, arm, design=design))
        assert "cluster" in reason(compare_arms(measure, arm, arm, design="cluster-randomised"))
        assert isinstance(compare_arms(measure, arm, arm, design="parallel"), Effect)


def test_paired_results_by_what_is_printed() -> None:
    by_sd = computed(paired_difference(PairedResult(n=16, mean_difference=-1.2, sd=2.0)))
    assert by_sd.standard_error == 0.5
    assert by_sd.ci_low == pytest.approx(-1.2 - t_quantile(0.95, 15) * 0.5)
    by_interval = computed(
        paired_difference(
            PairedResult(n=16, mean_difference=-1.2, ci_low=by_sd.ci_low, ci_high=by_sd.ci_high)
        )
    )
    assert by_interval.standard_error == pytest.approx(0.5)
    p = p_of(by_sd)
    assert p is not None
    by_p = computed(paired_difference(PairedResult(n=16, mean_difference=-1.2, p=f"{p:.10f}")))
    assert by_p.standard_error == pytest.approx(0.5, rel=1e-6)
    assert "exact p" in reason(paired_difference(PairedResult(n=16, mean_difference=-1.2, p="<0.05")))
    assert "number of people" in reason(paired_difference(PairedResult(mean_difference=-1.2, sd=2.0)))


def test_change_and_endpoint_do_not_mix() -> None:
    change = ArmResult(n=20, mean=-2.0, sd=1.5, kind="change")
    endpoint = ArmResult(n=20, mean=4.0, sd=1.5, kind="endpoint")
    assert "same kind" in reason(mean_difference(change, endpoint))
    assert "same kind" in reason(mean_difference(change, replace(change, kind=None)))
    baseline = replace(endpoint, kind="baseline")
    assert "baseline" in reason(mean_difference(baseline, baseline))
    assert computed(mean_difference(change, replace(change, mean=-1.0))).value == -1.0


FULL_CONTINUOUS = ArmResult(n=20, mean=4.0, sd=1.5)
FULL_EVENTS = ArmResult(events=5, total=20)


def without(arm: ArmResult, field: str) -> ArmResult:
    changes: dict[str, Any] = {field: None}
    return replace(arm, **changes)


@pytest.mark.parametrize("field", ["n", "mean", "sd"])
@pytest.mark.parametrize("compute", [mean_difference, standardised_mean_difference])
def test_an_unknown_number_is_not_zero_in_means(field: str, compute: Any) -> None:
    missing = without(FULL_CONTINUOUS, field)
    assert reason(compute(missing, FULL_CONTINUOUS)).startswith("intervention")
    assert reason(compute(FULL_CONTINUOUS, missing)).startswith("comparator")


@pytest.mark.parametrize("field", ["events", "total"])
@pytest.mark.parametrize("compute", [risk_ratio, odds_ratio, risk_difference])
def test_an_unknown_number_is_not_zero_in_events(field: str, compute: Any) -> None:
    missing = without(FULL_EVENTS, field)
    assert reason(compute(missing, FULL_EVENTS)).startswith("intervention")
    assert reason(compute(FULL_EVENTS, missing)).startswith("comparator")


# --- printed effects ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.03", ("=", 0.03)),
        (".03", ("=", 0.03)),
        ("0,03", ("=", 0.03)),
        ("P = 0.03", ("=", 0.03)),
        ("p<0.001", ("<", 0.001)),
        ("<.0001", ("<", 0.0001)),
        ("< 0.05", ("<", 0.05)),
        ("≤ .05", ("<=", 0.05)),
        (">0.1", (">", 0.1)),
        ("NS", (">", 0.05)),
        ("n.s.", (">", 0.05)),
        ("not significant", (">", 0.05)),
        ("1e-5", ("=", 1e-5)),
        ("0.000", ("<", 0.0005)),
        ("1", ("=", 1.0)),
        (0.04, ("=", 0.04)),
        ("", None),
        (None, None),
        ("0", None),
        ("1.2", None),
        ("-0.03", None),
        ("0.03 (one-sided)", None),
        ("significant", None),
        ("0.03 vs 0.04", None),
        ("0.01-0.05", None),
    ],
)
def test_a_printed_p_is_read_or_left_alone(text: Any, expected: tuple[Any, float] | None) -> None:
    assert parse_p(text) == (None if expected is None else PValue(*expected))


def test_printed_digits() -> None:
    assert [printed_decimals(number) for number in ("0.50", 0.5, 12, 12.0, "1e-5", 0.001)] == [
        2,
        1,
        0,
        0,
        5,
        3,
    ]
    assert half_unit(0.25) == pytest.approx(0.005)
    assert half_unit(None) == 0


def test_generic_inverse_variance_from_an_interval() -> None:
    # Handbook 6.3.1 and 6.3.2: SE = (upper - lower) / 3.92, on the log scale for a ratio.
    ratio = computed(effect_from_printed(PrintedEffect("OR", 0.50, 0.30, 0.83)))
    assert ratio.standard_error == pytest.approx((math.log(0.83) - math.log(0.30)) / 3.92, rel=1e-4)
    small = computed(effect_from_printed(PrintedEffect("MD", 1.0, 0.0, 2.0), degrees_of_freedom=10))
    assert small.standard_error == pytest.approx(1 / t_quantile(0.95, 10))
    ninety = computed(effect_from_printed(PrintedEffect("MD", 1.0, 0.0, 2.0, ci_level=0.90)))
    assert ninety.standard_error == pytest.approx(1 / 1.645, rel=1e-3)


def test_what_a_printed_effect_cannot_give() -> None:
    assert "outside its own interval" in reason(effect_from_printed(PrintedEffect("MD", 3.0, 0.0, 2.0)))
    assert "must be above 0" in reason(effect_from_printed(PrintedEffect("OR", 0.5, -0.1, 2.0)))
    assert "not known" in reason(effect_from_printed(PrintedEffect("percent change", 0.5)))
    assert "no value" in reason(effect_from_printed(PrintedEffect("MD", None, 0.0, 1.0)))
    for p in (None, "NS", "<0.001", ">0.05"):
        effect = computed(effect_from_printed(PrintedEffect("MD", 2.0, p=p)))
        assert (effect.value, effect.standard_error, effect.ci_low) == (2.0, None, None)
        assert "precision is not known" in effect.note
    bounded = computed(effect_from_printed(PrintedEffect("MD", 2.0, p="<0.001"), accept_bounded_p=True))
    assert "upper bound" in bounded.note
    assert "symmetric" in computed(effect_from_printed(PrintedEffect("MD", 1.0, 0.9, 9.0))).note


def test_a_risk_difference_in_percentage_points_becomes_a_fraction() -> None:
    effect = computed(effect_from_printed(PrintedEffect("RD", 17.5, 2.0, 33.0)))
    assert (effect.value, effect.ci_low, effect.ci_high) == (0.175, 0.02, 0.33)
    assert "percentage points" in effect.note
    arms = computed(risk_difference(ArmResult(events=14, total=40), ArmResult(events=7, total=40)))
    assert disagreement(PrintedEffect("RD", 17.5), arms) == ()
    assert disagreement(PrintedEffect("RD", 0.175), arms) == ()
    assert disagreement(PrintedEffect("RD", 16.5), arms) != ()
    assert "cannot be told" in reason(effect_from_printed(PrintedEffect("RD", 0.8, -1.5, 3.1)))


def test_a_difference_of_medians_is_shown_and_not_pooled() -> None:
    effect = computed(effect_from_printed(PrintedEffect("median_difference", -1.0, -1.9, -0.4, p="0.003")))
    assert effect.standard_error is None
    assert favours(effect, "lower") == "intervention"
    assert "medians" in effect.note


def test_a_printed_standard_error_serves_a_difference_only() -> None:
    effect = computed(effect_from_printed(PrintedEffect("MD", 2.0, standard_error=0.5)))
    assert effect.ci_low == pytest.approx(2 - 1.96 * 0.5, abs=1e-3)
    ratio = computed(effect_from_printed(PrintedEffect("OR", 2.0, standard_error=0.5)))
    assert ratio.standard_error is None


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (standard_deviation(ArmResult(n=10, sd=0)), "the SD must be above 0"),
        (standard_deviation(ArmResult(n=10, se=0)), "the SE must be above 0"),
        (standard_deviation(ArmResult(n=10, ci_low=2.0, ci_high=2.0)), "no width"),
        (standard_deviation(ArmResult(n=1, se=0.4)), "at least 2 participants"),
        # The middle of the interval is 2.25; rounding explains 0.005 of the limits and 0.0005 of the mean.
        (standard_deviation(ArmResult(n=25, mean=2.258, ci_low=1.25, ci_high=3.25)), "symmetrically"),
        (pooled_standard_deviation_from_p(1.0, 0.05, 1, 1), "at least 3 participants"),
        (median_to_mean(ArmResult(n=1, median=5, iqr_low=3, iqr_high=8)), "n is below 2"),
        (median_to_mean(ArmResult(n=9, median=5, iqr_low=5, iqr_high=5)), "have no width"),
        (events_from_percent(100, 300), "100% of 300 could be 299 to 300 events"),
        (events_from_percent(0, 300), "0% of 300 could be 0 to 1 events"),
        (risk_ratio(ArmResult(events=0, total=0), ArmResult(events=1, total=9)), "at least 1, found 0"),
        (paired_difference(PairedResult(n=1, mean_difference=1.0, sd=2.0)), "at least 2"),
        (paired_difference(PairedResult(n=9, mean_difference=1.0, sd=0)), "no spread"),
        (effect_from_printed(PrintedEffect("MD", 1.0, 1.0, 1.0)), "no width"),
        # Numbers rounded to the same digit keep their order.
        (effect_from_printed(PrintedEffect("MD", 0.25, 0.26, 0.41)), "outside its own interval"),
    ],
)
def test_numbers_at_the_edge_are_refused(result: object, why: str) -> None:
    assert why in reason(result)


def test_numbers_just_inside_the_edge_are_taken() -> None:
    assert isinstance(
        standard_deviation(ArmResult(n=25, mean=2.255, ci_low=1.25, ci_high=3.25)), StandardDeviation
    )
    assert computed(effect_from_printed(PrintedEffect("MD", 0.3, 0.31, 0.4))).value == 0.3
    assert computed(effect_from_printed(PrintedEffect("RD", 1.0, 0.5, 1.0))).value == 1.0
    assert computed(effect_from_printed(PrintedEffect("MD", 1.0, standard_error=0))).standard_error is None
    points = computed(effect_from_printed(PrintedEffect("RD", 20, standard_error=5)))
    assert (points.value, points.standard_error) == (0.2, 0.05)


def test_an_imputed_correlation_needs_the_same_people_and_a_correlation() -> None:
    first, second = ArmResult(n=10, mean=7.0, sd=2.38), ArmResult(n=10, mean=6.5, sd=2.21)
    for correlation in (-1, 1):
        why = reason(crossover_with_imputed_correlation("MD", first, second, correlation))
        assert "between -1 and 1" in why
    assert "same people" in reason(crossover_with_imputed_correlation("MD", first, replace(second, n=9), 0.5))


def test_what_rounding_of_the_print_can_do() -> None:
    deviation = standard_deviation(ArmResult(n=25, se=0.5))
    assert isinstance(deviation, StandardDeviation)
    assert deviation.rounding == pytest.approx(0.05 * 5)
    interval = standard_deviation(ArmResult(n=25, ci_low=1.25, ci_high=3.25))
    assert isinstance(interval, StandardDeviation)
    assert interval.rounding == pytest.approx((0.005 + 0.005) * 5 / (2 * t_quantile(0.95, 24)))
    means = computed(mean_difference(ArmResult(n=25, mean=4.5, sd=2.5), ArmResult(n=16, mean=4.25, sd=2.25)))
    assert means.degrees_of_freedom == 39
    assert means.value_rounding == pytest.approx(0.05 + 0.005)
    assert means.error_rounding == pytest.approx(math.hypot(0.05 / 5, 0.005 / 4))
    paired = computed(paired_difference(PairedResult(n=25, mean_difference=0.5, sd=2.5)))
    assert [paired.value_rounding, paired.error_rounding] == pytest.approx([0.05, 0.05 / 5])
    ratio = computed(effect_from_printed(PrintedEffect("HR", 2.5, 1.25, 5.25)))
    assert ratio.value_rounding == pytest.approx(0.05 / 2.5)
    assert ratio.error_rounding == pytest.approx((0.005 / 1.25 + 0.005 / 5.25) / 2 / 1.96, rel=1e-4)


def test_numbers_that_were_computed_are_not_taken_for_rounded_ones() -> None:
    together = combine_arms([ArmResult(n=10, mean=4.5, sd=2.5), ArmResult(n=10, mean=5.5, sd=1.5)])
    assert isinstance(together, ArmResult)
    effect = computed(mean_difference(together, ArmResult(n=16, mean=4.25, sd=2.25)))
    assert [effect.value_rounding, effect.error_rounding] == pytest.approx([0.005, 0.005 / 4])


@pytest.mark.parametrize(("value", "off"), [(0.21, False), (0.22, True)])
def test_an_interval_is_called_lopsided_beyond_rounding_only(value: float, off: bool) -> None:
    # The middle is 0.205; rounding of limits and value explains 0.005 each.
    effect = computed(effect_from_printed(PrintedEffect("MD", value, 0.10, 0.31, decimals=2)))
    assert ("not symmetric" in effect.note) == off


def test_a_total_that_is_not_printed_is_taken_from_n_and_a_median_of_a_crossover_is_no_way_out() -> None:
    effect = computed(odds_ratio(ArmResult(events=3, n=20), ArmResult(events=6, total=20)))
    assert "total taken from n" in effect.computed_from
    arm = ArmResult(n=20, median=5)
    assert "crossover" in reason(compare_arms("MD", arm, arm, design="crossover", convert_medians=True))


def test_the_risk_difference_of_a_table_with_a_zero_keeps_its_value() -> None:
    effect = computed(risk_difference(ArmResult(events=0, total=10), ArmResult(events=3, total=20)))
    # With 0.5 in all cells: 0.5 of 11 and 3.5 of 21.
    variance = 0.5 * 10.5 / 11**3 + 3.5 * 17.5 / 21**3
    assert [effect.value, effect.standard_error] == pytest.approx([-0.15, math.sqrt(variance)])


def test_another_confidence_level() -> None:
    ninety = computed(effect_from_printed(PrintedEffect("MD", 1.0, 0.0, 2.0, ci_level=0.90)))
    wider = with_ci_level(ninety, 0.95)
    assert wider.ci_low == pytest.approx(1 - 1.96 / 1.645, abs=1e-3)
    assert wider.ci_level == 0.95
    with pytest.raises(ValueError, match="0.95, not 95"):
        effect_from_printed(PrintedEffect("MD", 1.0, 0.0, 2.0, ci_level=95))


def test_value_far_from_the_middle_of_its_interval() -> None:
    for measure, value, low, high in (
        ("MD", -1.0, -2.0, 0.0),
        ("MD", 0.3, -1.0, 1.0),
        ("RR", 2.0, 1.0, 4.0),
        ("RR", 1.5, 1.0, 2.0),
        ("RR", 1.1, 1.0, 1.4),  # by rounding alone
        ("NNT", 11.0, 5.0, 41.0),  # the inverse of a difference, whose middle is elsewhere
    ):
        assert value_off_centre(PrintedEffect(measure, value, low, high)) is None, (measure, value)
    for measure, value, low, high in (
        ("RR", 0.96, 0.92, 2.66),
        ("MD", 0.9, -1.0, 1.0),
        ("MD", -0.95, -1.0, 1.0),
    ):
        found = value_off_centre(PrintedEffect(measure, value, low, high)) or ""
        assert "far from the middle" in found, (measure, value)
        assert ("log scale" in found) == (measure == "RR")
    assert value_off_centre(PrintedEffect("MD", 1.0)) is None


@given(st.floats(-50, 50), st.floats(0.01, 20), st.integers(0, 3))
def test_an_interval_about_its_value_is_never_off_centre(value: float, half: float, digits: int) -> None:
    shown = [round(number, digits) for number in (value, value - half, value + half)]
    assert value_off_centre(PrintedEffect("MD", shown[0], shown[1], shown[2], decimals=digits)) is None


def test_p_against_interval() -> None:
    excludes = PrintedEffect("MD", -1.0, -1.8, -0.2)
    contains = PrintedEffect("RR", 0.80, 0.55, 1.16)
    for p in ("0.02", "<0.05", None, "0.05", "odd"):
        assert p_contradicts_interval(replace(excludes, p=p)) is None
    for p in ("0.30", "NS", ">0.05"):
        assert "excludes no effect" in (p_contradicts_interval(replace(excludes, p=p)) or "")
    for p in ("0.30", "NS", None):
        assert p_contradicts_interval(replace(contains, p=p)) is None
    for p in ("0.001", "<0.05"):
        assert "contains no effect" in (p_contradicts_interval(replace(contains, p=p)) or "")
    # A limit that rounds to no effect decides nothing.
    assert p_contradicts_interval(PrintedEffect("RR", 0.8, 0.6, 1.0, p="0.04", decimals=1)) is None
    assert p_contradicts_interval(PrintedEffect("unknown", 0.8, 0.6, 1.1, p="0.04")) is None


def test_size_of_p_against_width_of_interval() -> None:
    # Two published pairs that cannot belong together, and pairs beside them that can.
    assert "between 0.33 and 0.81" in (
        p_contradicts_interval(PrintedEffect("SMD", -0.11, -0.96, 0.74, p="0.31")) or ""
    )
    assert "but p = 0.5" in (p_contradicts_interval(PrintedEffect("RD", 19.8, -8.7, 44.2, p="0.5")) or "")
    for value, low, high, p in (
        (0.67, -4.69, 6.02, "0.35"),  # two trials, so that one degree of freedom is left
        (-0.34, -0.95, 0.27, "0.27"),
        (-0.34, -0.62, -0.06, "0.0186"),
        (-0.86, -1.2, -0.51, "<0.001"),
        (-0.11, -0.96, 0.74, "NS"),
        (0.0, -0.5, 0.5, "0.98"),
    ):
        assert p_contradicts_interval(PrintedEffect("SMD", value, low, high, p=p)) is None
    assert p_contradicts_interval(PrintedEffect("MD", 0.5, -0.1, 1.1, p=">0.9")) is not None
    assert p_contradicts_interval(PrintedEffect("MD", 0.5, 0.5, 0.5, p="0.01")) is None


@given(
    measure=st.sampled_from(["MD", "SMD", "RR", "OR"]),
    centre=st.floats(-3, 3),
    error=st.floats(0.05, 2),
    degrees_of_freedom=st.none() | st.integers(1, 400),
    decimals=st.integers(2, 4),
)
def test_p_and_interval_of_one_test_never_contradict_each_other(
    measure: str, centre: float, error: float, degrees_of_freedom: int | None, decimals: int
) -> None:
    if degrees_of_freedom is None:
        reach, p = normal_quantile(0.95) * error, normal_p(centre / error)
    else:
        reach, p = t_quantile(0.95, degrees_of_freedom) * error, t_p(centre / error, degrees_of_freedom)
    numbers = [from_analysis_scale(measure, number) for number in (centre, centre - reach, centre + reach)]
    assume(max(numbers) < 1e6)
    value, low, high = (round(number, decimals) for number in numbers)
    printed = PrintedEffect(measure, value, low, high, p=f"{p:.3f}", decimals=decimals)
    assert p_contradicts_interval(printed) is None


def test_a_verdict_of_p_is_asked_beyond_its_own_rounding_only() -> None:
    # The p of this interval is 0.048; one of 0.1 may be 0.05, and one of 0.06 may not.
    assert p_contradicts_interval(PrintedEffect("MD", 1.0, 0.01, 1.99, p="0.1", decimals=2)) is None
    verdict = p_contradicts_interval(PrintedEffect("MD", 1.0, 0.01, 1.99, p="0.06", decimals=2))
    assert verdict is not None
    assert "excludes no effect" in verdict


def test_rounding_of_an_sd_is_divided_as_the_sd_is() -> None:
    # 2 may be 1.5 to 2.5: of 100 people that is an SE of 0.15 to 0.25, give or take 0.005.
    assert standard_error_contradicts_sd(ArmResult(n=100, sd=2.0, se=0.25)) is None
    assert standard_error_contradicts_sd(ArmResult(n=100, sd=2.0, se=0.27)) is not None


def test_only_a_value_can_point_the_other_way() -> None:
    arms = ArmResult(n=25, mean=4.52, sd=2.53), ArmResult(n=25, mean=4.01, sd=2.04)
    effect = computed(mean_difference(*arms))
    (limit,) = disagreement(PrintedEffect("MD", 0.51, 0.33, effect.ci_high, decimals=2), effect)
    assert (limit.field, limit.opposite_direction) == ("ci_low", False)
    (value,) = disagreement(PrintedEffect("MD", -0.51), effect)
    assert (value.field, value.opposite_direction) == ("value", True)


def test_disagreement_beyond_rounding_only() -> None:
    effect = computed(
        mean_difference(ArmResult(n=30, mean=4.12, sd=1.51), ArmResult(n=30, mean=5.38, sd=1.62))
    )
    assert disagreement(PrintedEffect("MD", -1.3), effect) == ()
    assert disagreement(PrintedEffect("MD", -1.26, -2.05, -0.47), effect) == ()
    # The printed interval may be the t interval.
    t_low = -1.26 - t_quantile(0.95, 58) * error_of(effect)
    assert disagreement(PrintedEffect("MD", -1.26, ci_low=round(t_low, 2)), effect) == ()
    (found,) = disagreement(PrintedEffect("MD", -1.6), effect)
    assert (found.field, found.opposite_direction) == ("value", False)
    assert "printed -1.6" in found.message
    (opposite,) = disagreement(PrintedEffect("MD", 1.26), effect)
    assert opposite.opposite_direction
    assert "opposite" in opposite.message
    assert disagreement(PrintedEffect("SMD", 9.0), effect) == ()


# --- reading an effect ----------------------------------------------------------------------------


def effect_with(low: float | None, high: float | None, measure: str = "MD") -> Effect:
    middle = 0.0 if low is None or high is None else (low + high) / 2
    return Effect(measure, middle, 1.0, low, high, computed_from="test", printed=False)


@pytest.mark.parametrize(
    ("low", "high", "better", "expected"),
    [
        (-3.0, -1.0, "lower", "intervention"),
        (-3.0, -1.0, "higher", "comparator"),
        (1.0, 3.0, "higher", "intervention"),
        (1.0, 3.0, "lower", "comparator"),
        (-1.0, 3.0, "lower", "neither"),
        (0.0, 3.0, "higher", "neither"),
        (1.0, 3.0, None, "unclear"),
        (None, None, "lower", "unclear"),
    ],
)
def test_favours(low: float | None, high: float | None, better: Better | None, expected: str) -> None:
    assert favours(effect_with(low, high), better) == expected


@pytest.mark.parametrize(
    ("low", "high", "mid", "expected"),
    [
        (-6.0, -4.0, 3.0, "clearly_favourable"),
        (-6.0, -3.0, 3.0, "clearly_favourable"),
        (-6.0, -1.0, 3.0, "favourable_possibly_trivial"),
        (-2.0, -1.0, 3.0, "favourable_possibly_trivial"),
        (-6.0, -4.0, None, "favourable_possibly_trivial"),
        (-2.0, 1.0, 3.0, "null_within_mid"),
        (-2.0, 1.0, None, "inconclusive"),
        (-4.0, 1.0, 3.0, "inconclusive"),
        (-1.0, 4.0, 3.0, "inconclusive"),
        (1.0, 4.0, 3.0, "unfavourable"),
        (1.0, 2.0, None, "unfavourable"),
    ],
)
def test_reading_against_the_minimal_important_difference(
    low: float, high: float, mid: float | None, expected: str
) -> None:
    assert read_against_mid(effect_with(low, high), "lower", mid) == expected
    assert read_against_mid(effect_with(-high, -low), "higher", mid) == expected


def test_readings_at_the_difference_itself() -> None:
    effect = Effect("MD", 0.0, 0.5, -1.0, 0.5, "", True)
    assert read_against_mid(effect, "higher", 1.0) == "inconclusive"
    assert read_against_mid(replace(effect, ci_low=-0.5, ci_high=1.0), "higher", 1.0) == "inconclusive"
    assert read_against_mid(replace(effect, ci_low=1.0, ci_high=2.0), "higher", 1.0) == "clearly_favourable"
    unbounded = Effect("OR", 0.1, 9.0, 0.0, 1.1, "", True)
    assert read_against_mid(unbounded, "higher", 1.25) == "inconclusive"


def test_a_spread_of_nought_has_no_p_and_t_stays_t_at_another_level() -> None:
    assert p_of(Effect("MD", 1.0, 0.0, 1.0, 1.0, "", True)) is None
    paired = computed(paired_difference(PairedResult(n=10, mean_difference=0.5, sd=2)))
    ninety = with_ci_level(paired, 0.90)
    assert ninety.ci_high == pytest.approx(0.5 + t_quantile(0.90, 9) * 2 / math.sqrt(10))


def test_reading_a_ratio_and_the_unknown() -> None:
    ratio = effect_with(0.50, 0.79, "RR")
    assert favours(ratio, "lower") == "intervention"
    assert read_against_mid(ratio, "lower", 1.25) == "clearly_favourable"
    assert read_against_mid(ratio, "lower", 1.5) == "favourable_possibly_trivial"
    assert read_against_mid(effect_with(0.9, 1.1, "RR"), "lower", 1.25) == "null_within_mid"
    assert read_against_mid(effect_with(None, None), "lower", 1.0) is None
    assert read_against_mid(effect_with(1.0, 2.0), None, 1.0) is None
    with pytest.raises(ValueError, match="minimal important difference"):
        read_against_mid(ratio, "lower", 0.8)
    with pytest.raises(ValueError, match="scale of the effect measure"):
        favours(effect_with(1.0, 2.0, "percent"), "lower")


# --- properties -----------------------------------------------------------------------------------

continuous_arms = st.builds(
    lambda n, mean, sd: ArmResult(n=n, mean=round(mean, 3), sd=round(sd, 3)),
    st.integers(2, 500),
    st.floats(-100, 100),
    st.floats(0.1, 50),
)
event_arms = st.integers(1, 300).flatmap(
    lambda total: st.builds(ArmResult, events=st.integers(0, total), total=st.just(total))
)


@relaxed
@given(first=continuous_arms, second=continuous_arms, factor=st.sampled_from([0.01, 0.5, 7.0, 1000.0]))
def test_another_unit_leaves_smd_and_scales_md(first: ArmResult, second: ArmResult, factor: float) -> None:
    assume(first.n is not None and second.n is not None and first.n + second.n > 4)

    def scaled(arm: ArmResult) -> ArmResult:
        assert arm.mean is not None
        assert arm.sd is not None
        return replace(arm, mean=arm.mean * factor, sd=arm.sd * factor)

    before, after = mean_difference(first, second), mean_difference(scaled(first), scaled(second))
    assert computed(after).value == pytest.approx(factor * computed(before).value, rel=1e-9, abs=1e-9)
    assert error_of(computed(after)) == pytest.approx(factor * error_of(computed(before)))
    g_before = computed(standardised_mean_difference(first, second))
    g_after = computed(standardised_mean_difference(scaled(first), scaled(second)))
    assert g_after.value == pytest.approx(g_before.value, rel=1e-9, abs=1e-9)
    assert error_of(g_after) == pytest.approx(error_of(g_before))


@relaxed
@given(first=continuous_arms, second=continuous_arms)
def test_swapping_arms_flips_the_sign_of_a_difference(first: ArmResult, second: ArmResult) -> None:
    for compute in (mean_difference, standardised_mean_difference):
        there, back = computed(compute(first, second)), computed(compute(second, first))
        assert back.value == -there.value
        assert error_of(back) == pytest.approx(error_of(there))
        assert favours(back, "lower") == favours(there, "higher")


@relaxed
@given(first=event_arms, second=event_arms)
def test_swapping_arms_inverts_a_ratio(first: ArmResult, second: ArmResult) -> None:
    for compute in (risk_ratio, odds_ratio):
        there, back = compute(first, second), compute(second, first)
        if isinstance(there, NotComputed):
            assert isinstance(back, NotComputed)
            continue
        assert computed(back).value == pytest.approx(1 / there.value)
        assert error_of(computed(back)) == pytest.approx(error_of(there))
        assert error_of(there) > 0
    difference = computed(risk_difference(first, second))
    assert computed(risk_difference(second, first)).value == -difference.value
    assert error_of(difference) > 0


@relaxed
@given(
    measure=st.sampled_from(["MD", "SMD", "RR", "OR", "HR"]),
    value=st.floats(0.05, 20),
    width=st.floats(0.02, 3),
)
def test_interval_and_p_lead_to_the_same_standard_error(measure: str, value: float, width: float) -> None:
    ratio = measure in ("RR", "OR", "HR")
    centre = math.log(value) if ratio else value
    assume(abs(centre) > 1e-3)
    ends = (centre - 1.96 * width, centre + 1.96 * width)
    low, high = (math.exp(end) for end in ends) if ratio else ends
    effect = computed(effect_from_printed(PrintedEffect(measure, value, low, high)))
    assert error_of(effect) == pytest.approx(width, rel=1e-4)
    p = p_of(effect)
    assert p is not None
    assume(1e-12 < p < 0.99)
    again = computed(effect_from_printed(PrintedEffect(measure, value, p=repr(p))))
    assert error_of(again) == pytest.approx(error_of(effect), rel=1e-6)
    assert p_contradicts_interval(PrintedEffect(measure, value, low, high, p=repr(p))) is None


@relaxed
@given(low=st.floats(-10, 10), width=st.floats(0.01, 10), mid=st.none() | st.floats(0.1, 5))
def test_both_readings_tell_the_same_story(low: float, width: float, mid: float | None) -> None:
    effect = effect_with(low, low + width)
    for better in ("lower", "higher"):
        arm, reading = favours(effect, better), read_against_mid(effect, better, mid)
        expected = {
            "intervention": {"clearly_favourable", "favourable_possibly_trivial"},
            "comparator": {"unfavourable"},
            "neither": {"inconclusive", "null_within_mid"},
        }
        assert reading in expected[arm]


@relaxed
@given(first=continuous_arms, second=continuous_arms, decimals=st.integers(0, 3))
def test_a_rounded_effect_never_disagrees_with_its_arms(
    first: ArmResult, second: ArmResult, decimals: int
) -> None:
    for compute in (mean_difference, standardised_mean_difference):
        effect = computed(compute(first, second))
        assert effect.ci_low is not None
        assert effect.ci_high is not None
        value, low, high = (
            round(number, decimals) for number in (effect.value, effect.ci_low, effect.ci_high)
        )
        shown = PrintedEffect(effect.measure, value, low, high, decimals=decimals)
        assert disagreement(shown, effect) == ()


# --- as records give them -------------------------------------------------------------------------


def test_every_number_of_a_result_reaches_the_field_of_its_name() -> None:
    numbers: dict[str, Any] = {
        name: position
        for position, name in enumerate(
            "n mean sd se ci_low ci_high median iqr_low iqr_high events total percent".split(), 1
        )
    }
    result = {"arm": "naltrexone", **numbers, "kind": "endpoint", "note": "none of the effect's business"}
    assert arm_result(result) == ArmResult(**numbers, kind="endpoint")
    assert arm_result({"arm": "naltrexone", "n": 12, "se": 0}) == ArmResult(n=12)


# --- published worked examples --------------------------------------------------------------------------

people = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(
    lambda values: max(values) - min(values) > 0.01
)


def arm_of(values: list[float]) -> ArmResult:
    mean = math.fsum(values) / len(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return ArmResult(n=len(values), mean=mean, sd=math.sqrt(squares / (len(values) - 1)), kind="endpoint")


@relaxed
@given(groups=st.lists(people, min_size=2, max_size=4))
def test_arms_combined_are_what_their_people_give_together(groups: list[list[float]]) -> None:
    together = combine_arms([arm_of(values) for values in groups])
    whole = arm_of([value for values in groups for value in values])
    assert isinstance(together, ArmResult)
    assert together.n == whole.n
    assert together.mean == pytest.approx(whole.mean, abs=1e-9)
    assert together.sd == pytest.approx(whole.sd, rel=1e-9)
    backwards = combine_arms([arm_of(values) for values in reversed(groups)])
    assert isinstance(backwards, ArmResult)
    assert backwards.sd == pytest.approx(together.sd, rel=1e-12)


def test_events_of_arms_add_up_and_what_is_unknown_is_refused() -> None:
    one, other = ArmResult(events=3, total=20, kind="count"), ArmResult(events=5, total=30, kind="count")
    together = combine_arms([one, other])
    assert isinstance(together, ArmResult)
    assert (together.events, together.total, together.kind) == (8, 50, "count")
    assert combine_arms([one]) == one
    assert "no arms" in reason(combine_arms([]))
    assert "same kind" in reason(combine_arms([one, replace(other, kind="endpoint")]))
    mean_only = ArmResult(n=20, mean=3.0, kind="endpoint")
    assert "arm 2" in reason(combine_arms([replace(mean_only, sd=1.0), mean_only]))

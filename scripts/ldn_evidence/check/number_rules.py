"""Stage "record": rules about the numbers of one record.

Each is a function as in `record_rules`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from ldn_evidence.check.context import LIMITS, Context, Record, rule
from ldn_evidence.check.finding import Finding, Path
from ldn_evidence.printed_numbers import half_unit, parse_p, printed_decimals

# Events, total and percentage of a row, and of what it is compared with.
_COUNT_FIELDS = (
    ("events", "total", "percent"),
    ("comparator_events", "comparator_total", "comparator_percent"),
)


@rule("studies")
def arms_add_up(record: Record, context: Context) -> Iterator[Finding]:
    randomized = record.get("enrolment", {}).get("randomized")
    sizes = [arm.get("n") for arm in record.get("arms", ()) if arm["role"] != "other"]
    if record["design"] != "randomized_parallel" or randomized is None or len(sizes) < 2 or None in sizes:
        return
    if sum(sizes) != randomized:
        message = f"the arms hold {' + '.join(map(str, sizes))} = {sum(sizes)}; randomised were {randomized}"
        yield Finding(("enrolment", "randomized"), message, "arms-add-up")


_WITHOUT_RANDOMIZATION = (("enrolled", "analyzed"), ("enrolled", "completed"))


@rule("studies")
def enrolment_shrinks(record: Record, context: Context) -> Iterator[Finding]:
    enrolment = record.get("enrolment", {})
    for larger, smaller in (
        ("randomized", "analyzed"),
        ("randomized", "completed"),
        ("enrolled", "randomized"),
        *_WITHOUT_RANDOMIZATION[: 0 if "randomized" in enrolment else 2],
    ):
        if larger in enrolment and smaller in enrolment and enrolment[smaller] > enrolment[larger]:
            message = f"found {enrolment[smaller]} {smaller}; only {enrolment[larger]} were {larger}"
            yield Finding(("enrolment", smaller), message, "enrolment-shrinks")


@rule("studies")
def randomized_fits_design(record: Record, context: Context) -> Iterator[Finding]:
    enrolment = record.get("enrolment", {})
    if "randomized" not in enrolment or "note" in enrolment:
        return
    if context.terms.get("designs", {}).get(record["design"], {}).get("randomized") is False:
        message = (
            f"found {enrolment['randomized']} randomised in a {record['design']}; write them as enrolled or "
            "analyzed, mend the design, or say in enrolment.note where people were randomised"
        )
        yield Finding(("enrolment", "randomized"), message, "randomized-fits-design")


@rule("studies")
def n_within_enrolment(record: Record, context: Context) -> Iterator[Finding]:
    enrolment = record.get("enrolment", {})
    most = max(enrolment.get("enrolled", 0), enrolment.get("randomized", 0))
    if not most:
        return
    arms = (
        enumerate(record.get("arms", ())) if record["design"] != "randomized_parallel" else ()
    )  # see arms_add_up
    for path, row in [*context.counts, *((("arms", index), arm) for index, arm in arms)]:
        for field in ("n", "total"):
            if row.get(field, 0) > most:
                message = f"found {row[field]} participants; only {most} were enrolled"
                yield Finding((*path, field), message, "n-within-enrolment")


@rule("studies")
def n_within_arm(record: Record, context: Context) -> Iterator[Finding]:
    if not context.counts:
        return
    sizes = {arm["id"]: arm["n"] for arm in record.get("arms", ()) if "n" in arm}
    enrolment = record.get("enrolment", {})
    most = max(enrolment.get("enrolled", 0), enrolment.get("randomized", 0)) or math.inf
    for path, row in context.counts:
        size = sizes.get(row["arm"])
        if size is None or "note" in row:
            continue
        for field in ("n", "total") if "total" in row else ("n", "events"):
            found = row.get(field, 0)
            if size < found <= most:  # beyond that, n_within_enrolment speaks
                message = (
                    f"found {found} participants; the arm {row['arm']!r} has {size}. "
                    "Look both up, or say in a note why more are counted"
                )
                yield Finding((*path, field), message, "n-within-arm")


@rule("studies", "adverse-effects")
def result_stands_once(record: Record, context: Context) -> Iterator[Finding]:
    seen: set[tuple[Any, ...]] = set()
    if context.kind == "adverse-effects":
        for path, row in context.counts:
            frequency = tuple(
                row.get(name) for name in ("study", "source", "dose", "dose_class", "comparator", "note")
            )
            if frequency in seen:
                message = "the same study, dose and comparator a second time; say in a note what differs"
                yield Finding(path, message, "result-stands-once")
            seen.add(frequency)
        return
    for path, row in context.counts:
        what = row.get("kind") if path[0] == "outcomes" else (row.get("term"), row.get("adverse_effect"))
        result = (path[:2], row["arm"], what, row.get("note"))
        if result in seen:
            same = "a result of the same kind" if path[0] == "outcomes" else "the same adverse event"
            message = (
                f"found {row['arm']!r} again with {same}; is it another arm's? "
                "Otherwise say in a note what differs"
            )
            yield Finding((*path, "arm"), message, "result-stands-once")
        seen.add(result)


@rule("studies")
def compares_two_arms(record: Record, context: Context) -> Iterator[Finding]:
    for path, _, effect in context.effects:
        left, right = effect.get("intervention"), effect.get("comparator")
        if left is None or right is None:
            continue
        if left == right:
            message = f"found {right!r}, which is the intervention too"
            yield Finding((*path, "comparator"), message, "compares-two-arms")
        elif _sides_are_swapped(effect, context):
            message = (
                f"found {left!r}, whose role is comparator, on the left of {right!r}, whose role is intervention; "
                "swap the two, and turn the sign or the ratio where the paper compares the other way round"
            )
            yield Finding((*path, "intervention"), message, "compares-two-arms")


def _sides_are_swapped(effect: Record, context: Context) -> bool:
    left, right = effect.get("intervention", ""), effect.get("comparator", "")
    return (context.roles.get(left), context.roles.get(right)) == ("comparator", "intervention")


_Interval = tuple[str, tuple[str, ...], str]
_SPREADS: tuple[_Interval, ...] = (
    ("ci_low", ("value", "mean"), "ci_high"),
    ("iqr_low", ("median",), "iqr_high"),
    ("range_low", ("iqr_low", "median", "mean", "iqr_high"), "range_high"),
)
_DOSES: tuple[_Interval, ...] = (("dose_low_mg_per_day", ("dose_mg_per_day",), "dose_high_mg_per_day"),)
_OF_RECORDS: dict[str, tuple[_Interval, ...]] = {
    "dosing": (("dose_low_mg", (), "dose_high_mg"),),
    "pharmacology": (("value_low", (), "value_high"),),
}
_OF_TERMS: tuple[_Interval, ...] = (("range_low", (), "range_high"), ("lower_bound", (), "upper_bound"))


@rule("studies", "adverse-effects", "dosing", "pharmacology", "vocabularies")
def interval_ordered(record: Record, context: Context) -> Iterator[Finding]:
    for path, row in context.intervals:
        yield from _out_of_order(path, row, _SPREADS)
    for index, arm in enumerate(record.get("arms", ())):
        if "dose_low_mg_per_day" in arm or "dose_high_mg_per_day" in arm:
            yield from _out_of_order(("arms", index), arm, _DOSES)
    if context.kind in _OF_RECORDS:
        yield from _out_of_order((), record, _OF_RECORDS[context.kind])
    for index, term in enumerate(record.get("terms", ())):
        yield from _out_of_order(("terms", index), term, _OF_TERMS)


def _out_of_order(path: Path, row: Record, intervals: tuple[_Interval, ...]) -> Iterator[Finding]:
    told: set[str] = set()
    for low, middles, high in intervals:
        if low not in row and high not in row:
            continue
        least, most = row.get(low, -math.inf), row.get(high, math.inf)
        if least > most:
            message = f"found {low} {least:g} above {high} {most:g}; are the two swapped?"
            yield Finding((*path, low), message, "interval-ordered")
            continue
        for name in middles:
            middle = row.get(name)
            if middle is None or name in told or least <= middle <= most:
                continue
            told.add(name)
            if middle < least:
                message = f"found {low} {least:g} above {name} {middle:g}"
                yield Finding((*path, low), message, "interval-ordered")
            else:
                message = f"found {name} {middle:g} above {high} {most:g}"
                yield Finding((*path, name), message, "interval-ordered")


@rule("studies", "adverse-effects")
def interval_has_both_limits(record: Record, context: Context) -> Iterator[Finding]:
    for path, row in context.intervals:
        for low, high in LIMITS:
            if (low in row) != (high in row) and "note" not in row:
                there, lacking = (low, high) if low in row else (high, low)
                message = f"found {there} without {lacking}; add it, or say in a note that no more is known"
                yield Finding((*path, there), message, "interval-has-both-limits")


@rule("studies")
def ci_level_is_percent(record: Record, context: Context) -> Iterator[Finding]:
    for path, _, effect in context.effects:
        level = effect.get("ci_level", 95)
        if level < 50:
            meant = f"did you mean {100 * level:g}?" if level < 1 else "is it the other part of 100?"
            message = f"found {level:g}; the level of an interval is in percent: {meant}"
            yield Finding((*path, "ci_level"), message, "ci-level-is-percent")


@rule("studies", "adverse-effects")
def ratio_not_negative(record: Record, context: Context) -> Iterator[Finding]:
    rows = [(path, effect) for path, _, effect in context.effects]
    if context.kind == "adverse-effects":
        rows = context.counts
    for path, row in rows:
        if row.get("measure") not in _RATIOS:
            continue
        for name in ("value", "ci_low", "ci_high"):
            if row.get(name, 0) < 0:
                message = f"found {row[name]:g} for {row['measure']}, which is never negative; mend measure or number"
                yield Finding((*path, name), message, "ratio-not-negative")
                break


@rule("studies")
def se_below_sd(record: Record, context: Context) -> Iterator[Finding]:
    for path, row in context.results:
        sd = row.get("sd")
        if sd is None:
            continue
        if "se" not in row and "ci_low" not in row:
            continue
        n = row.get("n", 2)
        if row.get("se", 0) >= sd and n > 1:
            message = f"found se {row['se']:g} beside sd {sd:g}; a standard error is the smaller one: are the two swapped?"
            yield Finding((*path, "se"), message, "se-below-sd")
        elif n > 3 and "ci_low" in row and "ci_high" in row:
            # The 95% interval of a mean reaches about two standard errors to each side.
            standard_error = (row["ci_high"] - row["ci_low"]) / 3.92
            if standard_error > 0 and sd < 1.2 * standard_error:
                message = (
                    f"found sd {sd:g}; by the interval {row['ci_low']:g} to {row['ci_high']:g} the standard error is "
                    f"about {standard_error:.2g} already: is it the standard error?"
                )
                yield Finding((*path, "sd"), message, "se-below-sd")


_ON_THE_SCALE = ("mean", "median", "iqr_low", "iqr_high", "range_low", "range_high")


@rule("studies")
def score_within_scale(record: Record, context: Context) -> Iterator[Finding]:
    outcomes = record.get("outcomes", ())
    for path, row in context.results:
        outcome = outcomes[path[1]]
        if "instrument" not in outcome:
            continue
        instrument = context.terms.get("instruments", {}).get(outcome["instrument"], {})
        low, high = instrument.get("range_low"), instrument.get("range_high")
        if low is None or high is None or _is_in_percent(outcome):
            continue
        scale = f"{outcome['instrument']}, which goes from {low:g} to {high:g}"
        kind = row.get("kind")
        if kind in ("endpoint", "baseline"):
            wrong = next((name for name in _ON_THE_SCALE if not low <= row.get(name, low) <= high), None)
        elif kind == "change":
            wrong = next((name for name in ("mean", "median") if abs(row.get(name, 0)) > high - low), None)
        else:
            continue
        if wrong is None and row.get("sd", 0) > high - low:
            wrong = "sd"
        if wrong is not None:
            message = f"found {row[wrong]:g} on {scale}; mend the number, its kind or the instrument"
            yield Finding((*path, wrong), message, "score-within-scale")


def _is_in_percent(outcome: Record) -> bool:
    unit = outcome.get("unit", "").lower()
    return "%" in unit or "percent" in unit


@rule("studies")
def better_fits_instrument(record: Record, context: Context) -> Iterator[Finding]:
    told: set[Any] = set()
    for path, row in context.results:
        outcome = record["outcomes"][path[1]]
        if row.get("kind") != "endpoint" or "instrument" not in outcome or path[1] in told:
            continue
        better = context.terms.get("instruments", {}).get(outcome["instrument"], {}).get("better")
        # How many responded may be better when higher although the score itself is not.
        if better and outcome.get("better", better) != better and ("mean" in row or "median" in row):
            told.add(path[1])
            message = f"found {outcome['better']!r}; on {outcome['instrument']} {better} is better"
            yield Finding((*path[:2], "better"), message, "better-fits-instrument")


@rule("studies", "adverse-effects")
def p_parses(record: Record, context: Context) -> Iterator[Finding]:
    places: list[tuple[Path, str]] = []
    if context.kind == "studies":
        places += [((*path, "p"), effect["p"]) for path, _, effect in context.effects if "p" in effect]
        places += [((*p, "p_within"), row["p_within"]) for p, row in context.results if "p_within" in row]
    frequencies = enumerate(record.get("frequencies", ()))
    places += [(("frequencies", index, "p"), row["p"]) for index, row in frequencies if "p" in row]
    for path, text in places:
        if parse_p(text) is None or "," in text:
            message = f"found {text!r}; must be a P value as printed, such as 0.03, <0.001, >0.05 or NS"
            if parse_p(text) is not None:
                message += f"; write it with a decimal point: {text.replace(',', '.')}"
            yield Finding(path, message, "p-parses")


@rule("studies", "adverse-effects")
def events_within_total(record: Record, context: Context) -> Iterator[Finding]:
    for path, row in context.counts:
        for events_field, total_field, _ in _COUNT_FIELDS:
            events, total = row.get(events_field), row.get(total_field)
            if events is not None and total is not None and events > total:
                message = f"found {events} events in {total} participants"
                yield Finding((*path, events_field), message, "events-within-total")


@rule("studies", "adverse-effects")
def percent_agrees(record: Record, context: Context) -> Iterator[Finding]:
    for path, row in context.counts:
        for events_field, total_field, percent_field in _COUNT_FIELDS:
            percent = row.get(percent_field)
            if percent is None or row.get("kind") == "percent_change":
                continue
            kind = row.get("kind", "count")
            if math.copysign(1, percent) < 0 and kind in ("count", "endpoint", "baseline"):
                message = f"found {percent:g}%; a share of participants is at least 0%"
                yield Finding((*path, percent_field), message, "percent-agrees")
                continue
            if percent > 100 and kind == "count":
                message = f"found {percent:g}%; a share of participants is at most 100%"
                yield Finding((*path, percent_field), message, "percent-agrees")
                continue
            events, total = row.get(events_field), row.get(total_field)
            if events is None or not total:
                continue
            if events > total:
                continue  # what is wrong are these two
            # One unit in the last printed digit: papers round up, down and to even.
            digits = printed_decimals(row.get("printed", {}).get(percent_field, percent))
            if abs(100 * events / total - percent) > 10**-digits + 1e-9:
                message = f"found {percent:g}%; {events} of {total} are {100 * events / total:.1f}%"
                yield Finding((*path, percent_field), message, "percent-agrees")


_RATIOS = frozenset({"RR", "OR", "HR", "IRR"})
_DIFFERENCES = frozenset({"MD", "SMD", "RD", "median_difference", "percent_change_difference"})


def _says_by_interval(effect: Record) -> bool:
    """Whether an effect has an interval that includes no effect or does not."""
    return {"ci_low", "ci_high"} <= effect.keys() and effect["measure"] in _RATIOS | _DIFFERENCES


def _is_no_interval(effect: Record) -> bool:
    """Whether the limits are swapped, or those of a ratio negative."""
    low, high = effect["ci_low"], effect["ci_high"]
    return bool(low > high or (effect["measure"] in _RATIOS and low < 0))


@rule("studies")
def direction_fits_interval(record: Record, context: Context) -> Iterator[Finding]:
    for path, outcome, effect in context.effects:
        if outcome["direction"] == "not_comparable" or not _says_by_interval(effect):
            continue
        if _is_no_interval(effect):
            continue  # that has been said
        no_effect = 1 if effect["measure"] in _RATIOS else 0
        position = (*path[:-1], "direction")
        crosses = effect["ci_low"] <= no_effect <= effect["ci_high"]
        interval = f"{effect['ci_low']:g} to {effect['ci_high']:g}"
        if crosses and outcome["direction"] != "no_difference":
            message = (
                f"found {outcome['direction']!r}; the interval {interval} includes {no_effect}, no effect"
            )
            yield Finding(position, message, "direction-fits-interval")
        elif not crosses and "better" in outcome:
            favours = (effect["ci_high"] < no_effect) == (outcome["better"] == "lower")
            expected = "favours_ldn" if favours else "favours_comparator"
            if outcome["direction"] != expected:
                found = f"found {outcome['direction']!r}; the interval {interval}"
                message = f"{found} with {outcome['better']} better says {expected!r}"
                yield Finding(position, message, "direction-fits-interval")


@rule("studies")
def direction_fits_p(record: Record, context: Context) -> Iterator[Finding]:
    for path, outcome, effect in context.effects:
        p = parse_p(effect.get("p"))
        if p is None or _says_by_interval(effect):
            continue
        if outcome["direction"] == "no_difference":
            # A paper may have its reasons, such as a correction for many tests.
            if p.value < 0.05 and p.relation in ("=", "<", "<=") and not {"note"} & {*effect, *outcome}:
                message = (
                    f"found 'no_difference'; p {effect['p']} shows one. "
                    "Mend one of the two, or say in a note why it counts as none"
                )
                yield Finding((*path[:-1], "direction"), message, "direction-fits-p")
            continue
        if not outcome["direction"].startswith("favours_") or p.relation in ("<", "<="):
            continue
        # A p printed as 0.05 may be one below it.
        if p.value > 0.05 or (p.value == 0.05 and p.relation != "="):
            message = f"found {outcome['direction']!r}; p {effect['p']} shows no difference"
            yield Finding((*path[:-1], "direction"), message, "direction-fits-p")


@rule("studies")
def p_fits_interval(record: Record, context: Context) -> Iterator[Finding]:
    """Only what is far apart; the appraisal shows the rest, for the two may come from different analyses."""
    for path, _, effect in context.effects:
        if "ci_low" not in effect or "p" not in effect or "note" in effect or "ci_level" in effect:
            continue
        p = parse_p(effect["p"])
        if p is None or not _says_by_interval(effect) or _is_no_interval(effect):
            continue
        low, high = effect["ci_low"], effect["ci_high"]
        no_effect = 1 if effect["measure"] in _RATIOS else 0
        includes = low <= no_effect <= high
        small = p.value < 0.01 and p.relation in ("=", "<", "<=")
        large = p.value > 0.1 and p.relation in ("=", ">", ">=")
        if small if includes else large:
            message = (
                f"found {effect['p']!r}; the interval {low:g} to {high:g} {'includes' if includes else 'leaves out'} "
                f"{no_effect}, no effect. Look both up, or say in a note that both are printed"
            )
            yield Finding((*path, "p"), message, "p-fits-interval")


_FAVOURS = ("favours_ldn", "favours_comparator")


@rule("studies")
def direction_fits_results(record: Record, context: Context) -> Iterator[Finding]:
    for position, outcome in enumerate(record.get("outcomes", ())):
        effect = outcome.get("effect", {})
        if outcome["direction"] not in _FAVOURS or "better" not in outcome or "note" in effect:
            continue
        better = outcome["better"]
        found = _side_of_effect(effect, better) or _side_of_results(outcome, effect, better, context)
        if found is not None and found[0] != outcome["direction"]:
            said, numbers = found
            message = (
                f"found {outcome['direction']!r}; {numbers} with {better} better says {said!r}: "
                "is the direction wrong, a sign, or are the arms swapped? If all is as printed, say so in a note of the effect"
            )
            yield Finding(("outcomes", position, "direction"), message, "direction-fits-results")


def _side_of_effect(effect: Record, better: str) -> tuple[str, str] | None:
    """Which side a printed effect favours, and the words for it; None where its interval says so already."""
    value = effect.get("value")
    if value is None or effect["measure"] not in _RATIOS | _DIFFERENCES or _says_by_interval(effect):
        return None
    if effect["measure"] == "SMD":  # often printed as a size, without its sign
        return None
    no_effect = 1 if effect["measure"] in _RATIOS else 0
    return _side(value, no_effect, better, f"the {effect['measure']} {value:g}")


def _side_of_results(
    outcome: Record, effect: Record, better: str, context: Context
) -> tuple[str, str] | None:
    """The same by the two arms' results, changes first; None where they do not stand side by side."""
    kinds = {row.get("kind") for row in outcome.get("results", ())}
    for kind in ("change", "percent_change", "count", "endpoint"):
        if kind not in kinds:
            continue
        # Of scores at the end an adjustment for those at the start can turn the order.
        if (kind == "endpoint" and "value" in effect) or effect.get("adjusted"):
            continue
        pair = _pair_of_results(outcome, effect, kind, context)
        if pair is not None:
            left, right = pair
            return _side(left, right, better, f"{left:.3g} against {right:.3g} ({kind})")
    return None


def _side(left: float, right: float, better: str, numbers: str) -> tuple[str, str] | None:
    if left == right:
        return None
    return ("favours_ldn" if (left < right) == (better == "lower") else "favours_comparator"), numbers


def _pair_of_results(
    outcome: Record, effect: Record, kind: str, context: Context
) -> tuple[float, float] | None:
    """One number for the arm on naltrexone and one for its comparator, where there is just one such pair."""
    sides: dict[str, list[float]] = {"intervention": [], "comparator": []}
    for row in outcome.get("results", ()):
        if row.get("kind") != kind:
            continue
        for side, numbers in sides.items():
            if row["arm"] == effect[side] if side in effect else context.roles.get(row["arm"]) == side:
                number = _number_of(row)
                if number is None:
                    return None
                numbers.append(number)
    left, right = sides.values()
    return (left[0], right[0]) if len(left) == len(right) == 1 else None


def _number_of(row: Record) -> float | None:
    if row.get("total") and "events" in row:
        return float(100 * row["events"] / row["total"])
    return next((row[name] for name in ("mean", "median", "percent") if name in row), None)


@rule("studies")
def effect_fits_results(record: Record, context: Context) -> Iterator[Finding]:
    """Only what is the other way round to the digit is surely a slip; other differences may be the paper's."""
    for path, outcome, effect in context.effects:
        value, measure = effect.get("value"), effect["measure"]
        if not value or effect.get("adjusted") or _sides_are_swapped(effect, context):
            continue
        kinds = {
            "MD": ("change", "endpoint"),
            "median_difference": ("change", "endpoint"),
            "RD": ("count",),
            "RR": ("count",),
        }.get(measure, ())
        for kind in kinds:
            pair = _pair_of_results(outcome, effect, kind, context)
            if pair is None:
                continue
            left, right = pair
            slipped = False
            if measure == "RR":
                turned = left > 0 < value and right / left
                is_turned = turned and abs(turned - 1) > 0.05 and abs(turned / value - 1) < 0.02
            else:
                turned = (right - left) / (100 if measure == "RD" and abs(value) <= 1 else 1)
                is_turned = value * turned > 0 and abs(turned - value) <= 0.05 * abs(value) + half_unit(value)
                slipped = measure != "RD" and any(
                    abs(tenfold * -turned - value) <= 0.02 * abs(value) for tenfold in (0.1, 10)
                )
            if is_turned:
                message = (
                    f"found {value:g}; the results {left:.3g} against {right:.3g} give this the other way round: "
                    "are the arms of the results swapped, or is the sign or ratio to be turned?"
                )
                yield Finding((*path, "value"), message, "effect-fits-results")
            elif slipped and "note" not in effect:
                results = f"the results {left:.3g} against {right:.3g} give {-turned:.3g}"
                message = f"found {value:g}; {results}: is a decimal point wrong?"
                yield Finding((*path, "value"), message, "effect-fits-results")
            break


_PRINTED_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


@rule("pharmacology")
def bounds_are_printed(record: Record, context: Context) -> Iterator[Finding]:
    if "derived" in record:
        return
    printed = {float(number.replace(",", "")) for number in _numbers_in(record["value"])}
    for field in ("value_low", "value_high"):
        if field in record and abs(record[field]) not in printed:
            message = (
                f"found {record[field]:g}, which the value {record['value']!r} does not hold; "
                "mend one of the two, or say under derived how it was worked out"
            )
            yield Finding((field,), message, "bounds-are-printed")


def _numbers_in(text: str) -> list[str]:
    return [number for number in _PRINTED_NUMBER.findall(text) if number.count(".") < 2]

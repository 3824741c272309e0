"""Stage "record": rules that need one whole record.

Each rule is a function from a typed record to findings. Its name is the function's name with hyphens; what it
demands and how to mend a violation stands in `schema/rules.yml`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from ldn_evidence.check.finding import Finding, Path
from ldn_evidence.printed_numbers import parse_p, printed_decimals
from ldn_evidence.problems import suggest

Record = Mapping[str, Any]


@dataclasses.dataclass(slots=True)
class Context:
    """What a record rule may know beyond the record, and the parts of it that several rules look at.

    Attributes:
        kind: Kind of the record.
        stem: Name of the record's file without its ending.
        today: The day of the check.
        terms: Vocabulary id -> term id -> the term's fields.
        codes: Scheme of codes -> how one is written, as a regular expression, and an example.
        results: Every outcome's results by arm, with their paths.
        effects: Every outcome that has an effect: the effect's path, the outcome, the effect.
        counts: Every place where events, total and percent may stand side by side.
    """

    kind: str
    stem: str
    today: date
    terms: Mapping[str, Mapping[str, Mapping[str, Any]]]
    codes: Mapping[str, tuple[str, str]]
    results: list[tuple[Path, Record]] = dataclasses.field(default_factory=list)
    effects: list[tuple[Path, Record, Record]] = dataclasses.field(default_factory=list)
    counts: list[tuple[Path, Record]] = dataclasses.field(default_factory=list)

    def look_at(self, record: Record) -> None:
        """Find the parts of a record."""
        if self.kind == "studies":
            for position, outcome in enumerate(record.get("outcomes", ())):
                for index, result in enumerate(outcome.get("results", ())):
                    self.results.append((("outcomes", position, "results", index), result))
                if "effect" in outcome:
                    self.effects.append((("outcomes", position, "effect"), outcome, outcome["effect"]))
            self.counts += self.results
            for index, row in enumerate(record.get("adverse_events", {}).get("by_arm", ())):
                self.counts.append((("adverse_events", "by_arm", index), row))
        for index, row in enumerate(record.get("frequencies", ())):
            self.counts.append((("frequencies", index), row))


Check = Callable[[Record, Context], Iterator[Finding]]
RECORD_RULES: dict[str, tuple[frozenset[str], Check]] = {}


def rule(*kinds: str) -> Callable[[Check], Check]:
    """Register a record rule for some kinds; for all kinds when none is named."""

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        RECORD_RULES[name] = (frozenset(kinds), check)
        return check

    return register


def check_record(record: Record, context: Context) -> list[Finding]:
    """Findings of every record rule that applies to the record's kind."""
    context.look_at(record)
    return [finding for check in _checks_of(context.kind) for finding in check(record, context)]


@cache
def _checks_of(kind: str) -> list[Check]:
    return [check for kinds, check in RECORD_RULES.values() if not kinds or kind in kinds]


# Events, total and percentage of a row, and of what it is compared with.
_COUNT_FIELDS = (
    ("events", "total", "percent"),
    ("comparator_events", "comparator_total", "comparator_percent"),
)


@rule()
def id_equals_stem(record: Record, context: Context) -> Iterator[Finding]:
    if record["id"] != context.stem:
        message = f"found {record['id']!r}; must equal the file's name without .yml, {context.stem!r}"
        yield Finding(("id",), message, "id-equals-stem")


@rule("studies")
def arm_ids_unique(record: Record, context: Context) -> Iterator[Finding]:
    yield from _repeated_ids(record.get("arms", ()), "arms", "arm-ids-unique")


@rule("studies")
def outcome_ids_unique(record: Record, context: Context) -> Iterator[Finding]:
    yield from _repeated_ids(record.get("outcomes", ()), "outcomes", "outcome-ids-unique")


@rule("vocabularies")
def term_ids_unique(record: Record, context: Context) -> Iterator[Finding]:
    yield from _repeated_ids(record["terms"], "terms", "term-ids-unique")


def _repeated_ids(items: Any, field: str, name: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if item["id"] in seen:
            yield Finding((field, index, "id"), f"found {item['id']!r} a second time in {field}", name)
        seen.add(item["id"])


@rule("studies")
def arm_known(record: Record, context: Context) -> Iterator[Finding]:
    arms = [arm["id"] for arm in record.get("arms", ())]
    rows = [(path, "arm", result) for path, result in context.results]
    for path, _, effect in context.effects:
        rows += [(path, side, effect) for side in ("intervention", "comparator") if side in effect]
    for index, row in enumerate(record.get("adverse_events", {}).get("by_arm", ())):
        rows.append((("adverse_events", "by_arm", index), "arm", row))
    for path, field, row in rows:
        name = row[field]
        if name in arms:
            continue
        if len(set(arms)) < len(arms):
            return  # what is wrong is the repeated id; because of it the other arm is missing
        allowed = ", ".join(arms) or "none: the study has no arms"
        guess = suggest(name, arms)
        hint = f"; did you mean {guess!r}?" if guess else ""
        message = f"found {name!r}; the arms of this study are {allowed}{hint}"
        yield Finding((*path, field), message, "arm-known")


@rule("studies")
def dose_class_fits_dose(record: Record, context: Context) -> Iterator[Finding]:
    for index, arm in enumerate(record.get("arms", ())):
        yield from _dose_class_findings(arm, ("arms", index), context)


@rule("studies")
def dose_is_of_naltrexone(record: Record, context: Context) -> Iterator[Finding]:
    for index, arm in enumerate(record.get("arms", ())):
        if "dose_mg_per_day" not in arm:
            continue
        components = arm.get("components", ("naltrexone",))
        if "naltrexone" not in components and "naltrexone" not in " ".join(components).lower():
            found = ", ".join(map(repr, components))
            message = f"found {found}; the arm has a dose of naltrexone, so naltrexone must be one of them"
            yield Finding(("arms", index, "components"), message, "dose-is-of-naltrexone")


@rule("trials")
def trial_dose_class_fits_dose(record: Record, context: Context) -> Iterator[Finding]:
    yield from _dose_class_findings(record, (), context, "trial-dose-class-fits-dose")


def _dose_class_findings(
    row: Record, path: Path, context: Context, name: str = "dose-class-fits-dose"
) -> Iterator[Finding]:
    if "dose_mg_per_day" in row and "dose_class" not in row:
        message = (
            f"found {row['dose_mg_per_day']:g} mg/day without a dose_class; without one it counts for no tier"
        )
        yield Finding((*path, "dose_mg_per_day"), message, name)
        return
    bounds = context.terms.get("dose-classes", {}).get(row.get("dose_class", ""), {})
    for field in ("dose_mg_per_day", "dose_low_mg_per_day", "dose_high_mg_per_day"):
        dose = row.get(field)
        if dose is None:
            continue
        low, high = bounds.get("lower_bound"), bounds.get("upper_bound")
        if field == "dose_low_mg_per_day":
            low = None  # a titration may begin below the class of its target dose
        if (low is not None and dose < low) or (high is not None and dose > high):
            span = f"{low if low is not None else 0:g} to {high:g}" if high is not None else f"above {low:g}"
            message = f"found {dose:g} mg/day in dose class {row['dose_class']!r}, which holds {span} mg/day"
            yield Finding((*path, field), message, name)


@rule("studies")
def arms_add_up(record: Record, context: Context) -> Iterator[Finding]:
    randomized = record.get("enrolment", {}).get("randomized")
    sizes = [arm.get("n") for arm in record.get("arms", ()) if arm["role"] != "other"]
    if record["design"] != "randomized_parallel" or randomized is None or len(sizes) < 2 or None in sizes:
        return
    if sum(sizes) != randomized:
        message = f"the arms hold {' + '.join(map(str, sizes))} = {sum(sizes)}; randomised were {randomized}"
        yield Finding(("enrolment", "randomized"), message, "arms-add-up")


@rule("studies")
def enrolment_shrinks(record: Record, context: Context) -> Iterator[Finding]:
    enrolment = record.get("enrolment", {})
    for larger, smaller in (
        ("randomized", "analyzed"),
        ("randomized", "completed"),
        ("enrolled", "randomized"),
    ):
        if larger in enrolment and smaller in enrolment and enrolment[smaller] > enrolment[larger]:
            message = f"found {enrolment[smaller]} {smaller}; only {enrolment[larger]} were {larger}"
            yield Finding(("enrolment", smaller), message, "enrolment-shrinks")


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
def result_stands_once(record: Record, context: Context) -> Iterator[Finding]:
    seen: set[tuple[Any, ...]] = set()
    for path, row in context.results:
        result = (path[1], row["arm"], row.get("kind"), row.get("note"))
        if result in seen:
            message = (
                f"found {row['arm']!r} again with a result of the same kind; is it another arm's? "
                "Otherwise say in a note what differs"
            )
            yield Finding((*path, "arm"), message, "result-stands-once")
        seen.add(result)


@rule("studies")
def compares_two_arms(record: Record, context: Context) -> Iterator[Finding]:
    for path, _, effect in context.effects:
        if "comparator" in effect and effect["comparator"] == effect.get("intervention"):
            message = f"found {effect['comparator']!r}, which is the intervention too"
            yield Finding((*path, "comparator"), message, "compares-two-arms")


_INTERVALS = (
    ("ci_low", ("value", "mean"), "ci_high"),
    ("iqr_low", ("median",), "iqr_high"),
    ("range_low", ("median", "mean"), "range_high"),
)


@rule("studies", "adverse-effects")
def interval_ordered(record: Record, context: Context) -> Iterator[Finding]:
    rows = [*context.results, *((path, effect) for path, _, effect in context.effects)]
    rows += [(("frequencies", index), row) for index, row in enumerate(record.get("frequencies", ()))]
    for path, row in rows:
        for low, middles, high in _INTERVALS:
            if low not in row and high not in row:
                continue
            names = [low, *(name for name in middles if name in row), high]
            present = [(name, row[name]) for name in names if name in row]
            if low in row and high in row and row[low] > row[high]:
                message = f"found {low} {row[low]:g} above {high} {row[high]:g}; are the two swapped?"
                yield Finding((*path, low), message, "interval-ordered")
                continue
            for (lower, lower_value), (upper, upper_value) in zip(present, present[1:], strict=False):
                if lower_value > upper_value:
                    message = f"found {lower} {lower_value:g} above {upper} {upper_value:g}"
                    yield Finding((*path, lower), message, "interval-ordered")


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
            if percent > 100 and row.get("kind", "count") == "count":
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


@rule("studies")
def identifier_present(record: Record, context: Context) -> Iterator[Finding]:
    names = ("pmid", "pmcid", "doi", "registry", "other_identifiers")
    if any(name in record for name in names) == ("no_identifier" in record):
        found = "an identifier and no_identifier" if "no_identifier" in record else "no identifier"
        message = (
            f"found {found}; give a PMID, DOI, registry number or other identifier, or say no_identifier"
        )
        yield Finding((), message, "identifier-present")


_INITIALS = re.compile(r"(?:[A-Z][. -]*){1,3}")


@rule("studies", "sources")
def author_has_surname(record: Record, context: Context) -> Iterator[Finding]:
    for index, author in enumerate(record.get("authors", ())):
        if len(author) < 9 and _INITIALS.fullmatch(author):
            message = f"found {author!r} as an author; write surname and initials together, as in 'Younger J'"
            yield Finding(("authors", index), message, "author-has-surname")


@rule("conditions")
def code_fits_scheme(record: Record, context: Context) -> Iterator[Finding]:
    for index, row in enumerate(record.get("identifiers", ())):
        if (row["scheme"], row["code"]) in [(r["scheme"], r["code"]) for r in record["identifiers"][:index]]:
            message = f"found {row['code']!r} a second time"
            yield Finding(("identifiers", index, "code"), message, "duplicate-item")
        pattern, example = context.codes[row["scheme"]]
        if re.fullmatch(pattern, row["code"]) is None:
            message = f"found {row['code']!r}; a code of {row['scheme']} looks like {example!r}"
            yield Finding(("identifiers", index, "code"), message, "code-fits-scheme")


@rule("studies")
def uncontrolled_cannot_favour(record: Record, context: Context) -> Iterator[Finding]:
    design = context.terms.get("designs", {}).get(record["design"], {})
    has_comparator = any(arm["role"] == "comparator" for arm in record.get("arms", ()))
    is_of_people = design.get("evidence_kind") in ("trial", "observational", "case")
    if design.get("controlled") is not False or has_comparator or not is_of_people:
        return
    for position, outcome in enumerate(record.get("outcomes", ())):
        if outcome["direction"] in ("favours_ldn", "favours_comparator", "no_difference"):
            found = f"found {outcome['direction']!r} in a {record['design']}"
            message = f"{found}, which has no comparator; must be not_comparable"
            yield Finding(("outcomes", position, "direction"), message, "uncontrolled-cannot-favour")


_RATIOS = frozenset({"RR", "OR", "HR", "IRR"})
_DIFFERENCES = frozenset({"MD", "SMD", "RD", "median_difference", "percent_change_difference"})


def _says_by_interval(effect: Record) -> bool:
    """Whether an effect has an interval that includes no effect or does not."""
    return {"ci_low", "ci_high"} <= effect.keys() and effect["measure"] in _RATIOS | _DIFFERENCES


@rule("studies")
def direction_fits_interval(record: Record, context: Context) -> Iterator[Finding]:
    for path, outcome, effect in context.effects:
        if outcome["direction"] == "not_comparable" or not _says_by_interval(effect):
            continue
        if effect["ci_low"] > effect["ci_high"]:
            continue  # what is wrong is the interval
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
        if not outcome["direction"].startswith("favours_") or _says_by_interval(effect):
            continue
        p = parse_p(effect.get("p"))
        if p is None or p.relation in ("<", "<="):
            continue
        # A p printed as 0.05 may be one below it.
        if p.value > 0.05 or (p.value == 0.05 and p.relation != "="):
            message = f"found {outcome['direction']!r}; p {effect['p']} shows no difference"
            yield Finding((*path[:-1], "direction"), message, "direction-fits-p")


@rule("studies", "conditions", "trials", "sources", "regulatory", "searches", "claims", "mechanisms")
def date_not_in_future(record: Record, context: Context) -> Iterator[Finding]:
    today = context.today.isoformat()
    for path, value in _days(record):
        if value > today[: len(value)]:
            yield Finding(path, f"found {value}; lies in the future", "date-not-in-future")
    if isinstance(record.get("year"), int) and record["year"] > context.today.year + 1:
        yield Finding(("year",), f"found {record['year']}; lies in the future", "date-not-in-future")


def latest_day(record: Record) -> str:
    """The first day on which no date of the record lies in the future any more; empty for a record without dates."""
    year = record.get("year")
    days = [value for _, value in _days(record)]
    return max([*days, f"{year - 1:04}"] if isinstance(year, int) else days, default="")


def _days(record: Record) -> list[tuple[Path, str]]:
    """The dates that cannot lie in the future."""
    places: list[tuple[Path, str]] = []
    for field in ("searched_on", "last_searched", "date", "status_seen_on"):
        if isinstance(record.get(field), str):
            places.append(((field,), record[field]))
    for field in ("verification", "reviewed", "tier_override"):
        if "on" in record.get(field, {}):
            places.append(((field, "on"), record[field]["on"]))
    return places


@rule("trials")
def trial_dates_ordered(record: Record, context: Context) -> Iterator[Finding]:
    start, completion = record.get("start"), record.get("completion")
    if start and completion:
        precision = min(len(start), len(completion))
        if start[:precision] > completion[:precision]:
            yield Finding(("completion",), f"found {completion}; the start is {start}", "trial-dates-ordered")


@rule("dosing")
def schedule_ordered(record: Record, context: Context) -> Iterator[Finding]:
    for index, step in enumerate(record.get("schedule", ())):
        if step.get("week_from", 0) > step.get("week_to", float("inf")):
            message = f"found week {step['week_from']:g} to week {step['week_to']:g}"
            yield Finding(("schedule", index, "week_to"), message, "schedule-ordered")


_SECONDARY = re.compile(r"\bsecondary analys[ie]s of\b|\bpost[- ]hoc analys[ie]s of\b")


@rule("studies")
def secondary_names_trial(record: Record, context: Context) -> Iterator[Finding]:
    text = f"{record.get('design_note', '')} {record['title']}".lower()
    if "analys" not in text or not _SECONDARY.search(text):
        return
    names_trial = {"secondary_analysis_of", "continuation_of", "protocol_of", "conference_version_of"}
    related = {relation["type"] for relation in record.get("relations", ())}
    if not related & names_trial:
        message = "called a secondary analysis, but no relation names its trial"
        yield Finding(("relations",), message, "secondary-names-trial")


@rule("studies")
def relation_not_to_itself(record: Record, context: Context) -> Iterator[Finding]:
    for index, relation in enumerate(record.get("relations", ())):
        if relation["study"] == record["id"]:
            yield Finding(
                ("relations", index, "study"), "a study cannot be related to itself", "relation-not-to-itself"
            )


@rule("conditions")
def cited_or_not_studied(record: Record, context: Context) -> Iterator[Finding]:
    if "citations" not in record and record["direction"] != "not_studied":
        message = "found no citation; cite what was read or set direction to not_studied"
        yield Finding(("direction",), message, "cited-or-not-studied")


@rule("conditions")
def not_studied_is_limited(record: Record, context: Context) -> Iterator[Finding]:
    if record["direction"] == "not_studied" and record["evidence_tier"] != "limited":
        message = (
            f"found tier {record['evidence_tier']!r} in a condition that was never studied; must be limited"
        )
        yield Finding(("evidence_tier",), message, "not-studied-is-limited")


@rule("claims")
def claim_has_origin(record: Record, context: Context) -> Iterator[Finding]:
    if "source" not in record and "circulation" not in record:
        message = (
            "found neither source nor circulation; say which document makes the claim, or where it circulates"
        )
        yield Finding((), message, "claim-has-origin")


@rule("adverse-effects")
def frequency_has_origin(record: Record, context: Context) -> Iterator[Finding]:
    for index, row in enumerate(record.get("frequencies", ())):
        if ("study" in row) == ("source" in row):
            message = "exactly one of study and source must say where it was counted"
            yield Finding(("frequencies", index), message, "frequency-has-origin")


_CERTAIN_WORDS = re.compile(r"\b(proven|proves|cures?|cured|safe|effective)\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\b(not|no|nor|never|neither|without|whether|un|in)\b[^.;:]{0,60}$|\b(dose|doses)\s+$", re.IGNORECASE
)


@rule("conditions")
def summary_language(record: Record, context: Context) -> Iterator[Finding]:
    if record["evidence_tier"] == "strong" and record["direction"] == "benefit":
        return
    for match in _CERTAIN_WORDS.finditer(record["summary"]):
        if not _NEGATED.search(record["summary"][: match.start()]):
            message = f"found {match[0]!r}; tier {record['evidence_tier']} and direction {record['direction']} do not allow it"
            yield Finding(("summary",), message, "summary-language")


_INSTRUCTIONS = re.compile(
    r"(?:^|[.;!?]\s+)(?:please\s+)?(?:you should|you must|you can|take|start|stop|increase|reduce|ask your|talk to your|"
    r"consult your|avoid|do not|don't|never take)\s+(?:taking|with|at|by|your|the|a|it|this|ldn|naltrexone|low-dose)\b"
    r"|\byour (?:dose|doctor|clinician|medicine|treatment|pharmacist)\b|\byou should\b|\byou must\b",
    re.IGNORECASE,
)
# Without any of these words there is no instruction; to look for them is quicker by far.
_WORDS_OF_INSTRUCTIONS = (
    "you", "take", "start", "stop", "increase", "reduce", "avoid", "do not", "don't",
)  # fmt: skip
_PROSE_FIELDS = (
    "summary",
    "statement",
    "management",
    "rationale",
    "explanation",
    "conclusion",
    "short_answer",
    "note",
)


@rule(
    "conditions",
    "studies",
    "dosing",
    "interactions",
    "precautions",
    "adverse-effects",
    "mechanisms",
    "questions",
    "claims",
)
def no_instruction(record: Record, context: Context) -> Iterator[Finding]:
    places: list[tuple[Path, str]] = [((name,), record[name]) for name in _PROSE_FIELDS if name in record]
    if context.kind == "claims":
        places = [place for place in places if place[0] != ("statement",)]  # the source's advice, retold
    for index, row in enumerate(record.get("answer", ())):
        places.append((("answer", index, "sentence"), row["sentence"]))
    for path, text in places:
        folded = text.casefold()
        if not any(word in folded for word in _WORDS_OF_INSTRUCTIONS):
            continue
        if match := _INSTRUCTIONS.search(text):
            message = f"found {match[0].strip(' .;')!r}: reads as an instruction to a patient; say what was done or is stated"
            yield Finding(path, message, "no-instruction")


# Written as known to every reader of a medical page; anything else in capitals is explained where it first stands.
_EVERYDAY = frozenset(
    "LDN DNA RNA USA US UK EU FDA HIV AIDS COVID II III IV CI SD SE OR RR MD AND NOT".split()
)
_ABBREVIATION = re.compile(r"(?<![\w-])([A-Z]{3,}s?)(?![\w-])")


@rule("conditions")
def abbreviation_explained(record: Record, context: Context) -> Iterator[Finding]:
    summary = record["summary"]
    names = {record["name"], *record.get("synonyms", ())}
    for match in _ABBREVIATION.finditer(summary):
        word = match[1].removesuffix("s")
        explained = f"({word})" in summary or f"({word}s)" in summary or re.search(rf"\b{word}s? \(", summary)
        if word not in _EVERYDAY and word not in names and not explained:
            message = f"found {word!r} without its meaning; write it out once, as in 'magnetic resonance imaging (MRI)'"
            yield Finding(("summary",), message, "abbreviation-explained")
            return


_MIRRORS = re.compile(
    r"reddit|facebook|quora|youtube|scribd|studylib|docplayer|ldnresearchtrust|ldnscience|forum|wilddata|medpath|ichgcp|healthjade",
    re.IGNORECASE,
)


@rule("sources")
def no_mirror(record: Record, context: Context) -> Iterator[Finding]:
    if match := _MIRRORS.search(record.get("url", "")):
        message = f"found {match[0]!r} in the address; cite the document itself, not a mirror, shop or forum"
        yield Finding(("url",), message, "no-mirror")

"""Stage "record": rules that need one whole record; those about its numbers stand in `number_rules`.

Each rule is a function from a typed record to findings. Its name is the function's name with hyphens; what it
demands and how to mend a violation stands in `schema/rules.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ldn_evidence.check import number_rules  # noqa: F401 - puts its rules on the list
from ldn_evidence.check.context import RECORD_RULES as RECORD_RULES
from ldn_evidence.check.context import Check, Context, Record, rule
from ldn_evidence.check.finding import Finding, Path
from ldn_evidence.problems import suggest


def check_record(record: Record, context: Context) -> list[Finding]:
    """Findings of every record rule that applies to the record's kind."""
    context.look_at(record)
    return [finding for check in _checks_of(context.kind) for finding in check(record, context)]


@cache
def _checks_of(kind: str) -> list[Check]:
    return [check for kinds, check in RECORD_RULES.values() if not kinds or kind in kinds]


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


@rule("vocabularies")
def instrument_domain_known(record: Record, context: Context) -> Iterator[Finding]:
    domains = context.terms.get("outcome-domains", {})
    for index, term in enumerate(record["terms"] if record["id"] == "instruments" else ()):
        if domains and term.get("domain", next(iter(domains))) not in domains:
            guess = suggest(term["domain"], domains)
            hint = f"did you mean {guess!r}? It " if guess else ""
            message = f"found {term['domain']!r}; {hint}must be one of {', '.join(domains)}"
            yield Finding(("terms", index, "domain"), message, "instrument-domain-known")


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


_WITHOUT_NALTREXONE = ("placebo", "no_treatment", "healthy")


@rule("studies")
def control_has_no_naltrexone(record: Record, context: Context) -> Iterator[Finding]:
    for index, arm in enumerate(record.get("arms", ())):
        if arm.get("control_kind") not in _WITHOUT_NALTREXONE or "dose_mg_per_day" not in arm:
            continue
        # Where others are given too, the placebo may stand for one of them.
        if arm.get("components", ["naltrexone"]) == ["naltrexone"]:
            message = (
                f"found {arm['dose_mg_per_day']:g} mg/day of naltrexone in an arm whose control_kind is "
                f"{arm['control_kind']!r}; are two arms swapped? Naltrexone at another dose is other_dose"
            )
            yield Finding(("arms", index, "dose_mg_per_day"), message, "control-has-no-naltrexone")


@rule("studies")
def outcome_condition_listed(record: Record, context: Context) -> Iterator[Finding]:
    for index, outcome in enumerate(record.get("outcomes", ())):
        condition = outcome.get("condition")
        if condition is not None and condition not in record["conditions"]:
            listed = ", ".join(record["conditions"]) or "none"
            message = f"found {condition!r}; the conditions of this study are {listed}"
            yield Finding(("outcomes", index, "condition"), message, "outcome-condition-listed")


@rule("trials")
def trial_dose_class_fits_dose(record: Record, context: Context) -> Iterator[Finding]:
    yield from _dose_class_findings(record, (), context, "trial-dose-class-fits-dose")


def _dose_class_findings(
    row: Record, path: Path, context: Context, name: str = "dose-class-fits-dose"
) -> Iterator[Finding]:
    if "dose_class" not in row:
        dose = next((field for field in ("dose_mg_per_day", "dose_high_mg_per_day") if field in row), None)
        if dose is not None:
            message = f"found {row[dose]:g} mg/day without a dose_class; without one it counts for no tier"
            yield Finding((*path, dose), message, name)
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
def identifier_present(record: Record, context: Context) -> Iterator[Finding]:
    names = ("pmid", "pmcid", "doi", "registry", "other_identifiers")
    if any(name in record for name in names) == ("no_identifier" in record):
        found = "an identifier and no_identifier" if "no_identifier" in record else "no identifier"
        message = (
            f"found {found}; give a PMID, DOI, registry number or other identifier, or say no_identifier"
        )
        yield Finding((), message, "identifier-present")


_WEB_ENDING = re.compile(
    r"(?:\.pdf|/(?:full|abstract|epdf|pdf|fulltext|html?)|v[0-9]+\.full\S*|[?#]\S*=\S*)$"
)


@rule("studies", "sources")
def doi_stands_alone(record: Record, context: Context) -> Iterator[Finding]:
    if "doi" in record and (cure := _not_of_the_doi(record["doi"])):
        yield Finding(("doi",), f"found {record['doi']!r}; {cure}", "doi-stands-alone")
    notice = record.get("retraction")
    if notice and "doi" in notice and (cure := _not_of_the_doi(notice["doi"])):
        yield Finding(("retraction", "doi"), f"found {notice['doi']!r}; {cure}", "doi-stands-alone")


def _not_of_the_doi(doi: str) -> str:
    """What stands in a DOI that is no part of it, with the cure; empty where there is nothing."""
    if not doi.isascii():
        odd = next(letter for letter in doi if not letter.isascii())
        return f"{odd!r} in it is U+{ord(odd):04X}; copy the DOI anew, it has plain letters and hyphens"
    second = doi.find("10.", 3)
    if second > 0 and re.match(r"[^\w.]10\.[0-9]{4,9}/", doi[second - 1 :]):
        first = re.sub(r"(?:https?://)?(?:(?:dx\.)?doi\.org/)?$", "", doi[:second]).rstrip(",;|/")
        return f"there is a second one in it; did you mean {first!r}?"
    if ending := _WEB_ENDING.search(doi, 8):
        return f"{ending[0]!r} is of the page's address; did you mean {doi[: ending.start()]!r}?"
    if doi[-1] == ")" and doi.count("(") < doi.count(")"):
        return f"it ends in a bracket too many; did you mean {doi.rstrip(')')!r}?"
    return ""


@rule("studies")
def identifiers_differ(record: Record, context: Context) -> Iterator[Finding]:
    pmid = record.get("pmid")
    if pmid is not None and record.get("pmcid") == f"PMC{pmid}":
        message = f"found {record['pmcid']!r} beside pmid {pmid}; the two have numbers of their own"
        yield Finding(("pmcid",), message, "identifiers-differ")
    notice = record.get("retraction")
    if not notice:
        return
    for name in ("pmid", "doi"):
        if name in notice and notice[name] == record.get(name):
            message = f"found {notice[name]!r}, which is the paper's own; a notice has one of its own"
            yield Finding(("retraction", name), message, "identifiers-differ")


_SEVERAL_AUTHORS = re.compile(r"[^\W\d_]{2} [A-Z]{1,3}(?:[,;]| and| &) [^\W\d_]")
_SURNAME_FIRST = re.compile(r"([^\s,]+), ((?:[A-Z][^\W\d_]*\.? ?-?)+)")
_INITIALS = re.compile(r"(?:[A-Z][. -]*){1,3}")


@rule("studies", "sources")
def author_has_surname(record: Record, context: Context) -> Iterator[Finding]:
    for index, author in enumerate(record.get("authors", ())):
        if len(author) < 9 and _INITIALS.fullmatch(author):
            message = f"found {author!r} as an author; write surname and initials together, as in 'Younger J'"
            yield Finding(("authors", index), message, "author-has-surname")
        elif "," in author or " and " in author or "&" in author or ";" in author:
            if _SEVERAL_AUTHORS.search(author):
                message = f"found {author!r}; each author is an item of the list"
                yield Finding(("authors", index), message, "author-has-surname")
            elif name := _SURNAME_FIRST.fullmatch(author):
                meant = f"{name[1]} {''.join(re.findall(r'[A-Z]', name[2]))}"
                message = f"found {author!r}; did you mean {meant!r}?"
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


@rule("studies", "conditions", "trials", "sources", "regulatory", "searches", "claims", "mechanisms")
def date_not_in_future(record: Record, context: Context) -> Iterator[Finding]:
    today = context.today.isoformat()
    for path, value in _days(record):
        if value > today[: len(value)]:
            yield Finding(path, f"found {value}; lies in the future", "date-not-in-future")
    ended = record.get("completion", "") if record.get("status") == "completed" else ""
    if ended > today[: len(ended)]:
        message = f"found {ended}; lies in the future, and the trial's status is completed"
        yield Finding(("completion",), message, "date-not-in-future")
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
    for field in ("searched_on", "last_searched", "date", "status_seen_on", "results_posted"):
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
    posted = record.get("results_posted")
    if start and posted and posted[: len(start)] < start:
        yield Finding(("results_posted",), f"found {posted}; the start is {start}", "trial-dates-ordered")


@rule("trials")
def trial_id_is_its_number(record: Record, context: Context) -> Iterator[Finding]:
    expected = re.sub(r"[^a-z0-9]+", "-", record["registry_number"].lower())
    if record["id"] != expected and record["id"] == context.stem:
        found = f"found {record['registry_number']!r} in the record {record['id']!r}"
        message = f"{found}; look up which is right: the id of that number would be {expected!r}"
        yield Finding(("registry_number",), message, "trial-id-is-its-number")


@rule("dosing")
def schedule_ordered(record: Record, context: Context) -> Iterator[Finding]:
    for index, step in enumerate(record.get("schedule", ())):
        if step.get("week_from", 0) > step.get("week_to", float("inf")):
            message = f"found week {step['week_from']:g} to week {step['week_to']:g}"
            yield Finding(("schedule", index, "week_to"), message, "schedule-ordered")
    most = record.get("dose_high_mg", float("inf"))
    reached = 0.0
    for index, step in enumerate(record.get("schedule", ())):
        begin = step.get("week_from", reached)
        if begin < reached:
            message = f"found week {begin:g}; the steps before it last until week {reached:g}"
            yield Finding(("schedule", index, "week_from"), message, "schedule-ordered")
        reached = max(reached, begin, step.get("week_to", 0) if step.get("week_to", 0) >= begin else 0)
        if step.get("dose_mg", 0) > most:
            message = f"found {step['dose_mg']:g} mg; the highest dose of this record is {most:g} mg"
            yield Finding(("schedule", index, "dose_mg"), message, "schedule-ordered")


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


_DECIDED_BY = {"supported": "supports", "contradicted": "contradicts"}


@rule("claims")
def verdict_has_evidence(record: Record, context: Context) -> Iterator[Finding]:
    stance = _DECIDED_BY.get(record["verdict"])
    if stance is not None and all(row["stance"] != stance for row in record["evidence"]):
        message = (
            f"found {record['verdict']!r}, but nothing in evidence {stance} the claim; mend verdict or stance"
        )
        yield Finding(("verdict",), message, "verdict-has-evidence")


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


_NO_NAMES = frozenset(
    """
    name as the reviewer wishes it|your name|name|a name|nobody|none|no one|anonymous|unknown|me|myself|reviewer|a reviewer|
    the reviewer|curator|the curator|author|tbd|todo|to do|tba|n/a|na|x|xx|xxx|?|-|...|test
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)


@rule()
def reviewed_by_a_person(record: Record, context: Context) -> Iterator[Finding]:
    if "reviewed" in record:
        by = record["reviewed"]["by"]
        if by.strip().casefold() in _NO_NAMES:
            message = f"found {by!r}, which is nobody's name; write who it was, or leave reviewed out"
            yield Finding(("reviewed", "by"), message, "reviewed-by-a-person")


_MIRRORS = re.compile(
    r"reddit|facebook|quora|youtube|scribd|studylib|docplayer|ldnresearchtrust|ldnscience|forum|wilddata|medpath|ichgcp|healthjade",
    re.IGNORECASE,
)


@rule("sources")
def no_mirror(record: Record, context: Context) -> Iterator[Finding]:
    if match := _MIRRORS.search(record.get("url", "")):
        message = f"found {match[0]!r} in the address; cite the document itself, not a mirror, shop or forum"
        yield Finding(("url",), message, "no-mirror")

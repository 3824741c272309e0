"""What several pages say of studies and their outcomes, in words and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ldn_evidence.publish.plugin.pages import numbers
from ldn_evidence.publish.plugin.pages.reader import Reader, Row
from ldn_evidence.publish.plugin.pages.words import short_citation

# Measures in sentences, as the field abbreviates them.
_SPELLED = {
    "median_difference": "difference of medians",
    "percent_change_difference": "difference in % change",
    "ratio_of_means": "ratio of means",
    "difference_in_differences": "difference in differences",
    "correlation": "r",
    "variance_explained": "share of variance",
    "regression_coefficient": "coefficient",
    "within_group_change": "change within the group",
    "test_statistic": "test statistic",
    "time_to_event": "time to event",
    "other": "",
}

# Names and units that say themselves that what was measured is a change.
_CHANGE = re.compile(r"change|reduction|decrease|increase|improvement|fall|rise|loss|gain", re.IGNORECASE)

# Measures whose number is in the unit of the outcome.
_IN_UNITS = frozenset(
    {
        "MD",
        "median_difference",
        "difference_in_differences",
        "within_group_change",
        "concentration",
        "time_to_event",
    }
)

# What makes a paper one more on a study that is there already: studies are counted, not papers.
SAME_STUDY = frozenset({"secondary_analysis_of", "conference_version_of", "duplicate_of"})

# Where a number in a register leads.
_REGISTRIES = (
    ("NCT", "https://clinicaltrials.gov/study/{}"),
    ("ISRCTN", "https://www.isrctn.com/{}"),
    ("ACTRN", "https://www.anzctr.org.au/TrialSearch.aspx?searchTxt={}"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One outcome's result as a line: numbers as printed where they are, else computed and marked so.

    Attributes:
        outcome: The outcome.
        text: Value, interval or spread, and P.
        is_computed: Whether value and interval were computed here.
        words: What is printed in place of a value.
        details: The standardised effect printed beside the value; what a review pooled and how far its studies differ.
    """

    outcome: Row
    text: str
    is_computed: bool
    words: str
    details: str

    @property
    def name(self) -> str:
        """What was measured."""
        return str(self.outcome["name"])


def measure_name(code: str | None) -> str:
    """A measure as it stands before a number."""
    return _SPELLED.get(code or "", (code or "").replace("_", " "))


def finding(outcome: Row) -> Finding:
    """The result of an outcome in one line; its text is empty where no number was seen."""
    forms = outcome["effect_printed"]

    def shown(name: str) -> str:
        return numbers.printed(outcome[f"effect_{name}"], forms, name)

    low, high, error, quartiles = (shown(name) for name in ("ci_low", "ci_high", "standard_error", "iqr"))
    label = outcome["effect_label"] or ""
    words = ""
    parts = []
    computed = False
    if outcome["effect_value"] is not None or low or high:
        # The spread stands with its own number.
        name = label.removesuffix(" (IQR)") if quartiles else label
        name = name or measure_name(outcome["effect_measure"])
        spread = f"(SE {error})" if error else f"(IQR {quartiles})" if quartiles else ""
        unit = _unit(outcome, outcome["effect_measure"])
        unit = "" if f" {unit} " in f" {name} " else unit
        parts.append(" ".join(part for part in (name, shown("value"), unit, spread) if part))
        parts.append(numbers.interval(low, high, outcome["effect_ci_level"]))
    else:
        words = label
        if outcome["computed_value"] is not None:
            computed = True
            unit = _unit(outcome, outcome["computed_measure"])
            parts.append(
                f"{measure_name(outcome['computed_measure'])} {numbers.estimate(outcome['computed_value'])} {unit}".rstrip()
            )
            parts.append(
                numbers.interval(
                    numbers.estimate(outcome["computed_low"]), numbers.estimate(outcome["computed_high"])
                )
            )
        else:
            parts.append(_side_against_side(outcome))
    p = numbers.p_value(outcome["effect_p"])
    if p and outcome["effect_measure"] == "within_group_change" and outcome["effect_value"] is None:
        # A bare P beside "no comparison" would be taken for one of a comparison.
        p += " within the group"
    parts.append(p)
    details = []
    if standardized := shown("standardized_value"):
        details.append(f"{outcome['effect_standardized_measure'] or 'standardised effect'} {standardized}")
    if outcome["effect_studies"] is not None:
        details.append(numbers.counted(outcome["effect_studies"], "study pooled", "studies pooled"))
    if outcome["effect_participants"] is not None:
        details.append(numbers.counted(outcome["effect_participants"], "person", "people"))
    if outcome["effect_i_squared"] is not None:
        details.append(f"I² {shown('i_squared')}%")
    if outcome["effect_model"]:
        details.append(outcome["effect_model"])
    return Finding(outcome, ", ".join(part for part in parts if part), computed, words, ", ".join(details))


def _unit(outcome: Row, measure: str | None) -> str:
    """The unit of a number, where its measure is one in units of the outcome."""
    return outcome["unit"] or "" if measure in _IN_UNITS else ""


def _side_against_side(outcome: Row) -> str:
    """`88% against 40%`: what was measured in two arms, where that is of one kind; naltrexone comes first."""
    arms = {arm["role"]: arm for arm in json.loads(outcome.get("by_arm") or "[]")}
    if outcome["direction"] == "not_comparable" or set(arms) != {"intervention", "comparator"}:
        return ""
    naltrexone, comparator = arms["intervention"], arms["comparator"]
    if len(json.loads(outcome["by_arm"])) != len(arms) or naltrexone["kind"] != comparator["kind"]:
        return ""

    def both(column: str) -> tuple[str, str]:
        first, second = (
            numbers.printed(arm[column], arm["printed"], column) for arm in (naltrexone, comparator)
        )
        return (first, second) if first and second else ("", "")

    events, totals = both("events"), both("total")
    if events[0] and totals[0]:
        return f"{events[0]} of {totals[0]} against {events[1]} of {totals[1]}"
    for column, word, sign in (("percent", "", "%"), ("mean", "mean ", ""), ("median", "median ", "")):
        first, second = both(column)
        if first:
            is_told = naltrexone["kind"] in ("change", "percent_change") and not _CHANGE.search(
                f"{outcome['name']} {outcome['unit']}"
            )
            unit = f" {outcome['unit']}" if outcome["unit"] and not sign else ""
            return f"{word}{'change ' if is_told else ''}{first}{sign} against {second}{sign}{unit}"
    return ""


def leading(outcomes: Sequence[Row], most: int = 2) -> list[Finding]:
    """The results that a row of a table shows: primary ones, else those of unknown rank, else the first."""
    for roles in (("primary",), ("unspecified",), ("secondary",), ("safety", "post_hoc")):
        chosen = [outcome for outcome in outcomes if outcome["role"] in roles]
        if chosen:
            return [finding(outcome) for outcome in chosen[:most]]
    return []


def dose(row: Row) -> str:
    """`4.5 mg`, `1–4.5 mg` or `up to 4.5 mg` from dose_low and dose_high; empty where neither is known."""
    amount = numbers.span(row["dose_low"], row["dose_high"])
    return f"{amount}\u00a0mg" if amount else ""


def citations_of(reader: Reader, identifiers: Iterable[str | None]) -> dict[str, str]:
    """How the studies of these ids are cited, such as `Bruun et al. 2024`."""
    ids = sorted({identifier for identifier in identifiers if identifier})
    return {row["id"]: short_citation(row) for row in reader.rows("cited_studies", ids=json.dumps(ids))}


_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")


def named(reader: Reader, rows: Sequence[Row], column: str = "reason") -> list[Row]:
    """`rows` with the ids that a computed text holds as people know what they stand for."""
    found = {word for row in rows for word in _ID.findall(row[column] or "")}
    if not found:
        return list(rows)
    names = citations_of(reader, found)
    # An outcome is told as its study's id and its own.
    outcomes = re.compile(rf"({'|'.join(map(re.escape, names))}): ([a-z0-9-]+)") if names else None
    told = outcomes.findall(" ".join(row[column] or "" for row in rows)) if outcomes else []
    keys = [f"{study}--{outcome}" for study, outcome, *_ in told]
    name_of = (
        {row["id"]: row["name"] for row in reader.rows("outcome_names", ids=json.dumps(keys))} if keys else {}
    )
    names |= {
        row["id"]: f"“{row['name']}”"
        for row in reader.rows("cited_pharmacology", ids=json.dumps(sorted(found)))
    }

    def in_words(text: str | None) -> str | None:
        if text and outcomes:
            text = outcomes.sub(
                lambda match: (
                    f"{match[1]}, {name_of.get(f'{match[1]}--{match[2]}', match[2].replace('-', ' '))}"
                ),
                text,
            )
        return _ID.sub(lambda match: names.get(match[0], match[0]), text) if text else text

    return [{**row, column: in_words(row[column])} for row in rows]


def with_links(row: Row, cited: Mapping[str, str], own: str | None = None) -> Row:
    """A contradiction with its reason in parts: texts, and names that lead somewhere; the page of `own` needs no link."""
    parts: list[tuple[str, str | None]] = [(numbers.minus(row["reason"]), None)]
    for identifier in (row["study_id"], row["other_study_id"]):
        if identifier is None or identifier == own:
            continue
        name = cited.get(identifier, identifier)
        for spelled in (name, name.replace(" et al.", "")):
            place = next((at for at, (text, to) in enumerate(parts) if to is None and spelled in text), None)
            if place is not None:
                before, _, after = parts[place][0].partition(spelled)
                parts[place : place + 1] = [
                    (before, None),
                    (spelled, f"/studies/{identifier}"),
                    (after, None),
                ]
                break
        else:
            parts += [(" ", None), (name, f"/studies/{identifier}")]
    if row["claim_id"]:
        parts = [(f"“{numbers.minus(row['claim'])}”", f"/claims/{row['claim_id']}"), (" ", None), *parts]
    return {**row, "parts": [part for part in parts if part[0]]}


def never_began(trial: Row) -> bool:
    """Whether a trial was withdrawn before anybody took part: it left nothing unreported."""
    return bool(trial["status"] == "withdrawn" and trial["actual"] == 0)


def totals(reader: Reader) -> Row | None:
    """How much there is of each kind."""
    return reader.row("totals", relations=json.dumps(sorted(SAME_STUDY)))


def by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows in lists by the value of a column."""
    lists: dict[str, list[Row]] = {}
    for row in rows:
        lists.setdefault(row[column], []).append(row)
    return lists


def registry_address(number: str) -> str | None:
    """The entry of this number in its register, where that can be linked to."""
    return next(
        (address.format(number) for prefix, address in _REGISTRIES if number.startswith(prefix)), None
    )

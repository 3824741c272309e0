"""Why a condition stands where it does: the rule's trace, its history and outlook, and the deciding numbers.

The same words and numbers as in the database, computed from the records as they are now; with a hypothetical study,
also what it would change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ldn_evidence.appraise import Appraiser, ConditionResult
from ldn_evidence.appraise.contradictions import words
from ldn_evidence.appraise.tables import appraisal_row, estimate_row, input_rows, outlook_rows
from ldn_evidence.check import CheckedCatalogue, CheckedDraft, check_draft, check_project
from ldn_evidence.link import Catalogue
from ldn_evidence.link.catalogue import papers_of_unknown
from ldn_evidence.notice import NOTICE
from ldn_evidence.problems import Problem, did_you_mean
from ldn_evidence.project import Project

_WIDTH_IN_A_PIPE = 110

_ASIDE = {
    "retracted": "retracted",
    "unverified": "not verified: nobody could read it",
    "dose-class": "another or an unknown dose class",
    "route": "another route than by mouth",
    "not-attributable": "naltrexone only together with another treatment",
    "no-participants": "nobody took part",
    "design": "not a study of a benefit in people",
    "role": "a protocol, a plan or a correction, without results",
}


class CannotExplain(Exception):
    """What was asked cannot be explained; the message says why in one line."""


class HypotheticalHasProblems(Exception):
    """The hypothetical study is not a clean record; `problems` says why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Unclean:
    """What stays out of account because something is wrong in the records.

    Attributes:
        problems: How many there are.
        files: The files with a problem of their own.
        papers: Study -> the study whose participants it reports and which is missing or among these files, so that
            nobody knows whether the trial is counted already.
    """

    problems: int
    files: tuple[str, ...]
    papers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One condition explained.

    Attributes:
        record: The condition's record.
        now: What the records give.
        then: What they give together with the hypothetical study, or None.
        hypothetical: The hypothetical study, or None.
        appraiser: What computed both.
        unclean: What stays out of account.
    """

    record: Mapping[str, Any]
    now: ConditionResult
    then: ConditionResult | None
    hypothetical: Mapping[str, Any] | None
    appraiser: Appraiser
    unclean: Unclean


def explain(project: Project, condition: str, what_if: Path | None = None) -> Explanation:
    """Explain one condition.

    Args:
        project: The project.
        condition: The condition by its id, or by its name or a synonym, however written.
        what_if: A file with a hypothetical study record.

    Raises:
        CannotExplain: There is no such condition, or more than one, or the study has nothing to do with it.
        HypotheticalHasProblems: The hypothetical study is not a clean record.
    """
    checked, draft = _checked(project, what_if)
    catalogue, unclean = _countable(checked)
    if ("conditions", condition) not in catalogue:
        condition = _condition_of_that_name(project, condition, catalogue)
    record = catalogue.record("conditions", condition)
    rules = project.schema / "tiers.yml"
    appraiser = Appraiser(catalogue, rules)
    now = appraiser.condition(record)
    hypothetical, then = None, None
    if what_if is not None and draft is not None:
        hypothetical = _hypothetical(project, what_if, draft, condition, catalogue, unclean)
        then = Appraiser(catalogue, rules, [hypothetical]).condition(record)
    return Explanation(record, now, then, hypothetical, appraiser, unclean)


def _checked(project: Project, what_if: Path | None) -> tuple[CheckedCatalogue, CheckedDraft | None]:
    if what_if is None:
        return check_project(project), None
    try:
        return check_draft(project, "studies", what_if)
    except OSError as error:
        raise CannotExplain(f"{what_if} cannot be read: {error.strerror or error}") from None


def _countable(checked: CheckedCatalogue) -> tuple[Catalogue, Unclean]:
    """The records without those whose trial cannot be told, and what is left out."""
    catalogue = Catalogue(checked)
    relations: dict[str, list[tuple[str, str]]] = {study: [] for study in catalogue.ids("studies")}
    for record in catalogue.records_with("studies", "relations"):
        relations[record["id"]] = _relations(record)
    papers = papers_of_unknown(relations)
    clean = {record.file for record in checked.records}
    files = sorted({problem.file for problem in checked.problems} - clean)
    if papers:
        kept = [record for record in checked.records if record.kind != "studies" or record.id not in papers]
        catalogue = Catalogue(replace(checked, records=kept))
    return catalogue, Unclean(len(checked.problems), tuple(files), papers)


def _relations(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row["type"], row["study"]) for row in study.get("relations", ())]


def _condition_of_that_name(project: Project, name: str, catalogue: Catalogue) -> str:
    """The id of the one condition that is called `name`."""
    if not name.strip():
        raise CannotExplain("name a condition, such as fibromyalgia")
    if (project.data / "conditions" / f"{name}.yml").is_file():
        raise CannotExplain(f"data/conditions/{name}.yml has problems; `ldn-evidence check` says which")
    called: dict[str, list[str]] = {}
    for record in catalogue.records("conditions"):
        for one in {_folded(text) for text in (record["id"], record["name"], *record.get("synonyms", ()))}:
            called.setdefault(one, []).append(record["id"])
    word = _folded(name)
    found = called.get(word, [])
    if len(found) == 1:
        return found[0]
    if found:
        raise CannotExplain(f"{name!r} may be {' or '.join(found)}")
    near = {id for text, ids in called.items() if len(word) > 2 and word in text for id in ids}
    hint = (
        f"; did you mean {_listed(near, joint='or one of')}?"
        if near
        else did_you_mean(name, catalogue.ids("conditions"))
    )
    raise CannotExplain(f"there is no condition {name!r}{hint}")


def _folded(text: str) -> str:
    """A name without what people write differently: case, spaces, hyphens, apostrophes."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _listed(ids: Iterable[str], most: int = 5, joint: str = "and") -> str:
    first, more = sorted(ids)[:most], len(set(ids)) - most
    return ", ".join(first) + (f" {joint} {more} more" if more > 0 else "")


def _hypothetical(
    project: Project, path: Path, draft: CheckedDraft, condition: str, catalogue: Catalogue, unclean: Unclean
) -> dict[str, Any]:
    study = draft.record
    if study is not None and (project.data / "studies" / f"{study['id']}.yml").is_file():
        raise CannotExplain(
            f"{path}: a study of the id {study['id']!r} exists; give the hypothetical one its own"
        )
    if study is None or draft.problems:
        raise HypotheticalHasProblems(draft.problems)
    alone: dict[str, list[tuple[str, str]]] = {other: [] for other in catalogue.ids("studies")}
    if missing := papers_of_unknown(alone | {study["id"]: _relations(study)}).get(study["id"]):
        broken = unclean.papers.get(missing, missing)
        raise CannotExplain(
            f"{path}: the study hangs on {broken!r}, whose record has problems; mend that record first"
        )
    if condition not in study["conditions"]:
        named = ", ".join(study["conditions"]) or "none"
        raise CannotExplain(f"{path}: the study bears on {named}, not on {condition}")
    return study


# --- for programs ---------------------------------------------------------------------------------


def as_data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain data, for JSON."""
    data = {
        "notice": NOTICE,
        "condition": explanation.record["id"],
        "name": explanation.record["name"],
        "recorded": {"tier": explanation.now.recorded_tier, "direction": explanation.now.recorded_direction},
        "override": explanation.record.get("tier_override"),
        "problems": explanation.unclean.problems,
        "records_with_problems": len(explanation.unclean.files),
        "left_out": [
            {"study": study, "because_of": other}
            for study, other in sorted(explanation.unclean.papers.items())
        ],
        **_result_data(explanation.now, explanation.appraiser),
    }
    if explanation.then is not None and explanation.hypothetical is not None:
        data["what_if"] = {
            "study": explanation.hypothetical["id"],
            **_result_data(explanation.then, explanation.appraiser),
        }
    return data


def _result_data(result: ConditionResult, appraiser: Appraiser) -> dict[str, Any]:
    row = appraisal_row(result, appraiser.rule)
    appraisal = result.assessment.appraisal
    return {
        "computed": {"tier": appraisal.tier, "direction": appraisal.direction},
        "deciding_rule": appraisal.deciding_rule,
        "deciding_direction_rule": appraisal.deciding_direction_rule,
        "rule_version": appraiser.rule.version,
        "reason": result.reason,
        "amount": {
            name: row[name]
            for name in (
                "randomized_trials",
                "randomized_participants",
                "randomized_trials_of_unknown_size",
                "uncontrolled_studies",
                "newest_year",
            )
        },
        "trace": [
            {
                "about": step.about,
                "rule": step.rule,
                "gives": step.gives,
                "statement": step.statement,
                "satisfied": step.satisfied,
                "criteria": [
                    {
                        "id": criterion.id,
                        "statement": criterion.statement,
                        "needs": criterion.needs,
                        "inputs": dict(criterion.inputs),
                        "satisfied": criterion.satisfied,
                        "studies": list(criterion.studies),
                        "estimates": list(criterion.pools),
                    }
                    for criterion in step.criteria
                ],
            }
            for step in appraisal.trace
        ],
        "history": [
            {"year": p.year, "tier": p.tier, "direction": p.direction, "caused_by": list(p.caused_by)}
            for p in result.assessment.history
        ],
        "outlook": [
            {name: value for name, value in outlook.items() if name != "condition_id"}
            for outlook in outlook_rows(result, appraiser.rule)
        ],
        "studies": _studies(result),
        "estimates": [estimate_row(result.condition, estimate) for estimate in result.pools.estimates],
        "pooling": [
            {name: value for name, value in entry.items() if name != "condition_id"}
            for entry in input_rows(result.condition, result.pools)
        ],
    }


def _studies(result: ConditionResult) -> list[dict[str, Any]]:
    aside = {entry.study: entry for entry in result.assessment.appraisal.set_aside}
    rows = []
    for facts in result.studies:
        evidence = facts.evidence.get(result.condition)
        if evidence is None:
            continue
        entry = aside.get(facts.id)
        rows.append(
            {
                "study": facts.id,
                "year": evidence.year,
                "design": "pooled estimate" if evidence.is_pooled else evidence.design,
                "blinding": evidence.blinding,
                "comparator": evidence.comparator,
                "participants": evidence.participants,
                "result": evidence.primary_direction,
                "domains": dict(facts.decided_by.get(result.condition, {})),
                "dose_class": evidence.dose_class,
                "verification_depth": evidence.verification_depth,
                "research_group": evidence.group,
                "counts": entry is None,
                "set_aside": None if entry is None else entry.reason,
                "spoken_for_by": None if entry is None else entry.instead,
            }
        )
    order = {"pooled estimate": 1, "randomised": 0}
    return sorted(
        rows, key=lambda row: (not row["counts"], order.get(row["design"], 2), row["year"] or 0, row["study"])
    )


# --- for people -----------------------------------------------------------------------------------


def show(explanation: Explanation, console: Console | None = None) -> None:
    """Print the explanation on a terminal, or plainly in a pipe."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDTH_IN_A_PIPE, no_color=True, highlight=False)
    data = as_data(explanation)
    if explanation.unclean.problems:
        console.print(_left_out(explanation.unclean))
    console.print(_heading(explanation, data))
    if explanation.then is not None:
        console.print(_what_if(data))
    console.print(_rules(data["trace"], "tier"))
    console.print(_rules(data["trace"], "direction"))
    console.print(_study_table(data["studies"]))
    if data["estimates"]:
        console.print(_estimate_table(data["estimates"], data["pooling"]))
    if data["history"]:
        console.print(_history_table(data["history"]))
    console.print(_outlook_table(data["outlook"]))
    console.print(Text(NOTICE, style="dim"))


def _left_out(unclean: Unclean) -> RenderableType:
    count = "1 problem stands" if unclean.problems == 1 else f"{unclean.problems:,} problems stand"
    text = f"Provisional: {count} in the records, and `ldn-evidence check` says where."
    if unclean.files:
        text += f" Not counted: {_listed(unclean.files)}"
        if unclean.papers:
            text += f", nor papers that hang on such a record: {_listed(unclean.papers)}"
        text += "."
    elif unclean.papers:
        text += f" Not counted, for they hang on a study that is missing: {_listed(unclean.papers)}."
    return Text(text + "\n", style="yellow")


_COLOURS = {"strong": "green", "emerging": "yellow", "limited": "red"}


def _heading(explanation: Explanation, data: Mapping[str, Any]) -> RenderableType:
    computed, recorded = data["computed"], data["recorded"]
    title = Text.assemble(
        (explanation.record["name"], "bold"),
        "  ",
        (computed["tier"], f"bold {_COLOURS.get(computed['tier'], '')}"),
        " · ",
        (words(computed["direction"]), "bold"),
    )
    parts: list[RenderableType] = [Text(data["reason"])]
    amount = data["amount"]
    unsized = amount["randomized_trials_of_unknown_size"]
    people = f"{amount['randomized_participants'] or 0:,} participants" + (
        f", {unsized} of unknown size" if unsized else ""
    )
    parts.append(
        Text(
            f"\n{amount['randomized_trials']} randomised trials that count ({people}), "
            f"{amount['uncontrolled_studies']} uncontrolled studies; newest {amount['newest_year'] or 'none'}. "
            f"Rule {data['rule_version']}: {data['deciding_rule']}, {data['deciding_direction_rule']}.",
            style="dim",
        )
    )
    if recorded != computed:
        override = data["override"]
        said = f"The record says {recorded['tier']}, {words(recorded['direction'])}"
        parts.append(
            Text(f"{said}, by override: {override['reason']}" if override else f"{said}.", style="yellow")
        )
    return Panel(Group(*parts), title=title, title_align="left", box=box.ROUNDED)


def _what_if(data: Mapping[str, Any]) -> RenderableType:
    after = data["what_if"]
    before, then = data["computed"], after["computed"]
    changed = before != then
    text = Text.assemble(
        "With ",
        (after["study"], "bold"),
        ": ",
        (f"{before['tier']}, {words(before['direction'])}", ""),
        " → ",
        (f"{then['tier']}, {words(then['direction'])}", "bold green" if changed else "bold"),
        "" if changed else " (no change)",
        f"\n{after['reason']}\nDecided by {after['deciding_rule']}, {after['deciding_direction_rule']}.",
    )
    for study in after["studies"]:
        if study["study"] == after["study"] and not study["counts"]:
            text.append(f"\nThe hypothetical study counts for nothing: {_why_aside(study)}.", style="yellow")
    return Panel(text, title="What if", title_align="left", box=box.ROUNDED, border_style="cyan")


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        min_width=len(title),  # a title is folded to the width of its table
    )
    for column in columns:
        right = column in ("People", "Weight", "Year")
        table.add_column(column, justify="right" if right else "left", no_wrap=right, overflow="fold")
    return table


def _rules(trace: Sequence[Mapping[str, Any]], about: str) -> RenderableType:
    title = "Tier: the rules from the top; the first that is met decides"
    if about == "direction":
        title = "Direction: likewise"
    table = _table(title, "", "Rule", "Numbers")
    for step in trace:
        if step["about"] != about:
            continue
        style = "bold" if step["satisfied"] else ""
        mark = Text("✓", "green") if step["satisfied"] else Text("✗", "red")
        table.add_row(
            mark, Text(f"{step['gives']}: {step['statement']}", style=style), Text(step["rule"], style="dim")
        )
        for criterion in step["criteria"]:
            met = criterion["satisfied"]
            numbers = ", ".join(f"{words(name)} {value}" for name, value in criterion["inputs"].items())
            table.add_row(
                "",
                Text(f"{'✓' if met else '✗'} {criterion['statement']}", "dim" if met else ""),
                Text(numbers, "dim"),
            )
    return table


_RESULTS = {
    "favourable": "favours naltrexone",
    "null": "no difference",
    "unfavourable": "favours comparator",
    "improvement_reported": "improvement, uncontrolled",
    "not_comparable": "no comparison",
}


def _why_aside(study: Mapping[str, Any]) -> str:
    if study["design"] in _BESIDE:
        return _ASIDE["design"]
    if study["set_aside"] == "same-trial":
        return f"same trial as {study['spoken_for_by']}"
    return _ASIDE.get(study["set_aside"], str(study["set_aside"]))


_BESIDE = ("review", "document", "preclinical", "pharmacology")


def _study_table(studies: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table("Studies", "Study", "Year", "Design", "People", "Result", "Counts")
    beside = Counter(
        study["design"] for study in studies if study["design"] in _BESIDE and not study["counts"]
    )
    if beside:
        listed = ", ".join(f"{words(design)} {count}" for design, count in sorted(beside.items()))
        table.caption = f"Beside them stand records that count for nothing by their kind: {listed}."
        table.caption_justify = "left"
    for study in studies:
        if study["design"] in _BESIDE and not study["counts"]:
            continue
        people = "?" if study["participants"] is None else f"{study['participants']:,}"
        result = _RESULTS.get(study["result"], study["result"])
        domains = ", ".join(words(domain) for domain in study["domains"])
        table.add_row(
            study["study"],
            str(study["year"] or "?"),
            words(study["design"]),
            people,
            f"{result}: {domains}" if domains and study["result"] != "unclear" else result,
            "yes" if study["counts"] else f"no: {_why_aside(study)}",
            style=None if study["counts"] else "dim",
        )
    return table


def _estimate_table(
    estimates: Sequence[Mapping[str, Any]], inputs: Sequence[Mapping[str, Any]]
) -> RenderableType:
    table = _table("Pooled here", "Domain", "Estimate (95% interval)", "People", "Weight", "Reading")
    for estimate in estimates:
        value = (
            f"{estimate['measure']} {estimate['random_value']:.2f} "
            f"({estimate['random_ci_low']:.2f} to {estimate['random_ci_high']:.2f})"
        )
        people = "?" if estimate["participants"] is None else f"{estimate['participants']:,}"
        reading = words(estimate["reading"] or "unclear")
        table.add_row(
            words(estimate["domain"]),
            value,
            people,
            "",
            f"{reading}; {estimate['better']} is better",
            style="bold",
        )
        for entry in inputs:
            if entry["meta_analysis_id"] == estimate["id"]:
                weight = "" if entry["weight"] is None else f"{entry['weight']:.0f}%"
                table.add_row("", entry["study_id"], "", weight, Text(entry["reason"], "dim"))
    return table


def _history_table(history: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table(
        "History: the same rule over what was published up to each year",
        "Year",
        "Tier",
        "Direction",
        "Changed by",
    )
    for point in history:
        table.add_row(
            str(point["year"]), point["tier"], words(point["direction"]), ", ".join(point["caused_by"])
        )
    return table


def _outlook_table(outlook: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table(
        "Outlook: the smallest single new result that would change the tier", "", "Result", "Gives"
    )
    for row in outlook:
        gives = f"{row['tier']}, {words(row['direction'])}" if row["possible"] else ""
        table.add_row(row["change"], row["description"], gives)
    return table

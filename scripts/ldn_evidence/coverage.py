"""How complete and how deeply read the base is, in numbers that a reader can hold against it.

Each row is one measure: section, measure, count, total (out of how many; None for a bare count) and a note that says
how to read it. Rows come in the order in which they are to be read; names of fields and of terms come from the
schemas and vocabularies, so that a new one is counted without a change here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from ldn_evidence.check.terms import Terms
from ldn_evidence.link import Catalogue

Record = Mapping[str, Any]
Row = dict[str, Any]
Test = Callable[[Record], object]

# What makes a number of one arm, as against its name, its kind and remarks on it.
_NOT_A_NUMBER = frozenset({"arm", "kind", "note", "p_within"})
_STUDY_IDENTIFIERS = ("pmid", "doi", "pmcid", "registry", "other_identifiers")
# Kinds whose records say how far their source was read.
_READ_KINDS = {"studies": "studies", "trials": "registered trials", "sources": "documents"}


@dataclass
class StudyCounts:
    """What is counted of studies. Counts of several parts of a catalogue add up.

    Attributes:
        studies: (group, name) -> how many studies.
        randomised: Randomised trials.
    """

    studies: Counter[tuple[str, str]] = field(default_factory=Counter)
    randomised: set[str] = field(default_factory=set)

    def add(self, other: StudyCounts) -> None:
        """Let another part count too."""
        self.studies.update(other.studies)
        self.randomised |= other.randomised


def count_studies(records: Iterable[Record], terms: Terms) -> StudyCounts:
    """What is counted of studies, from their records."""
    designs = terms.get("designs", {})
    counts = StudyCounts()
    one_more = counts.studies
    for record in records:
        depth = record["verification"]["depth"]
        has_arm_numbers = _has_arm_numbers(record)
        one_more.update([("given", name) for name in record])
        one_more["given", "any identifier"] += any(name in record for name in _STUDY_IDENTIFIERS)
        one_more["design", record["design"]] += 1
        one_more["depth", depth] += 1
        one_more["status", record.get("retraction", {}).get("status", "")] += 1
        one_more["numbers", "by arm"] += has_arm_numbers
        one_more["numbers", "second look"] += "second_look" in record["verification"]
        term = designs.get(record["design"], {})
        if term.get("randomized") and term.get("evidence_kind") == "trial":
            counts.randomised.add(record["id"])
            one_more["depth of randomised", depth] += 1
            one_more["randomised", "by arm"] += has_arm_numbers
            one_more["randomised", "printed effect"] += _has_printed_effect(record)
            one_more["randomised", "people"] += bool(record.get("enrolment"))
            one_more["randomised", "second look"] += "second_look" in record["verification"]
            one_more["randomised", "funding"] += "funding" in record
    return counts


def coverage_rows(
    catalogue: Catalogue, studies: StudyCounts | None = None, with_effect: AbstractSet[str] | None = None
) -> Iterator[Row]:
    """Every measure of the coverage report.

    Args:
        catalogue: Checked records.
        studies: What was counted of its studies; counted here when not given.
        with_effect: Studies for which the appraisal computed an effect; found out here when not given.

    Returns:
        Rows of the table `coverage`: section, measure, count, total, note.
    """
    yield from _kinds(catalogue)
    studies = studies or count_studies(catalogue.records("studies"), catalogue.terms)
    yield from _studies(catalogue, studies, with_effect)
    yield from _conditions(catalogue)
    yield from _trials(catalogue)
    yield from _safety(catalogue)
    yield from _statements(catalogue)
    yield from _second_looks(catalogue, studies)
    yield from _citations(catalogue)
    yield from _searches(catalogue)


def studies_with_effect(catalogue: Catalogue) -> set[str]:
    """Randomised studies for which the appraisal computes at least one effect."""
    from ldn_evidence.appraise.records import StudyReader

    reader = StudyReader(catalogue.terms, frozenset(), (), {})
    designs = catalogue.terms.get("designs", {})
    return {
        record["id"]
        for record in catalogue.records("studies")
        if designs.get(record["design"], {}).get("randomized") and reader.read(record).effects
    }


# ---- sections -------------------------------------------------------------------------------------------------


def _kinds(catalogue: Catalogue) -> Iterator[Row]:
    for kind in catalogue.schemas.kinds:
        yield _row("records", kind.replace("-", " "), len(catalogue.ids(kind)))


def _studies(
    catalogue: Catalogue, studies: StudyCounts, with_effect: AbstractSet[str] | None
) -> Iterator[Row]:
    designs = catalogue.terms.get("designs", {})
    depths = catalogue.terms.get("verification-depths", {})
    counts = studies.studies
    total = len(catalogue.ids("studies"))
    randomised = len(studies.randomised)
    effects = studies_with_effect(catalogue) if with_effect is None else with_effect

    section = "studies by design"
    for name, term in designs.items():
        if counts["design", name]:
            yield _row(section, term["label"], counts["design", name], total)
    section = "identifiers of studies"
    for name in _STUDY_IDENTIFIERS:
        yield _row(section, name.replace("_", " "), counts["given", name], total)
    yield _row(section, "any of them", counts["given", "any identifier"], total)
    yield _row(
        section,
        "none, and the record says so",
        counts["given", "no_identifier"],
        total,
        "What was tried stands in the record.",
    )
    section = "depth of reading"
    for name, term in depths.items():
        yield _row(section, name.replace("_", " "), counts["depth", name], total, term["description"])
    section = "depth of reading, randomised trials"
    for name, term in depths.items():
        count = counts["depth of randomised", name]
        yield _row(section, name.replace("_", " "), count, randomised, term["description"])
    section = "numbers"
    yield _row(section, "studies with an outcome", counts["given", "outcomes"], total)
    yield _row(section, "studies with numbers by arm", counts["numbers", "by arm"], total)
    count = counts["randomised", "by arm"]
    yield _row(section, "randomised trials with numbers by arm", count, randomised)
    count = counts["randomised", "printed effect"]
    yield _row(section, "randomised trials with a printed effect", count, randomised)
    yield _row(
        section,
        "randomised trials with a computed effect",
        len(studies.randomised & effects),
        randomised,
        "From numbers by arm, or from a printed effect with its interval. The others print too little in what was read.",
    )
    count = counts["randomised", "people"]
    yield _row(section, "randomised trials with a number of participants", count, randomised)
    count = counts["randomised", "funding"]
    yield _row(section, "randomised trials with their funding", count, randomised)
    yield _row(
        section,
        "randomised trials with a second look",
        counts["randomised", "second look"],
        randomised,
        "Somebody looked the numbers up again, independently of who recorded them.",
    )
    section = "fields of studies left empty"
    note = "Empty because it does not apply, was not printed, or was not read; never a guess."
    for name in catalogue.schemas.record("studies")["properties"]:
        if name != "id" and (empty := total - counts["given", name]):
            yield _row(section, name, empty, total, note)
    section = "notices on studies"
    for name in ("retracted", "expression_of_concern", "corrected"):
        yield _row(section, name.replace("_", " "), counts["status", name], total)


def _conditions(catalogue: Catalogue) -> Iterator[Row]:
    schemes = catalogue.schemas.record("conditions")["properties"]["identifiers"]["items"]["properties"]
    tests: dict[str, Test] = {
        "with an identifier": lambda r: r.get("identifiers"),
        "with an exact identifier": lambda r: any(
            i["predicate"] == "exact" for i in r.get("identifiers", ())
        ),
        "without an identifier, and the record says why": lambda r: (
            not r.get("identifiers") and "identifiers_note" in r
        ),
        "with a citation": lambda r: r.get("citations"),
        "with points for and against": lambda r: r.get("evidence_for") and r.get("evidence_against"),
        "with a note on a mechanism": lambda r: r.get("mechanism_notes"),
        "with a tier that another source asserts": lambda r: r.get("asserted_tiers"),
        "with open questions": lambda r: r.get("open_questions"),
        "groups of conditions": lambda r: r.get("group_of"),
        "never studied": lambda r: r["direction"] == "not_studied",
        "tier overridden by a curator": lambda r: r.get("tier_override"),
    }
    yield from _shares("conditions", catalogue.records("conditions"), tests)
    by_scheme: dict[str, Test] = {
        scheme: _has_scheme(scheme) for scheme in schemes.get("scheme", {}).get("enum", ())
    }
    yield from _shares("identifiers of conditions", catalogue.records("conditions"), by_scheme)


def _trials(catalogue: Catalogue) -> Iterator[Row]:
    tests: dict[str, Test] = {
        "with a report in the base": lambda r: r.get("reported_by"),
        "without a report": lambda r: not r.get("reported_by"),
        "with a planned or actual size": lambda r: "planned" in r or "actual" in r,
        "with a start": lambda r: "start" in r,
        "with a completion": lambda r: "completion" in r,
        "with a dose class": lambda r: "dose_class" in r,
        "with the day on which the status was seen": lambda r: "status_seen_on" in r,
    }
    yield from _shares("registered trials", catalogue.records("trials"), tests)


def _safety(catalogue: Catalogue) -> Iterator[Row]:
    adverse_effects: dict[str, Test] = {
        "with a frequency": lambda r: r.get("frequencies"),
        "with a frequency against a comparator": lambda r: any(
            "comparator_percent" in f or "comparator_events" in f for f in r.get("frequencies", ())
        ),
        "with onset, course or management": lambda r: "onset_resolution" in r or "management" in r,
    }
    yield from _shares("adverse effects", catalogue.records("adverse-effects"), adverse_effects)
    for kind in ("interactions", "precautions", "dosing", "pharmacology", "regulatory"):
        tests: dict[str, Test] = {"with a citation": lambda r: r.get("citations")}
        yield from _shares(kind, catalogue.records(kind), tests)


def _statements(catalogue: Catalogue) -> Iterator[Row]:
    def stands(stance: str) -> Test:
        return lambda r: any(row["stance"] == stance for row in r.get("evidence", ()))

    claims: dict[str, Test] = {
        "with evidence": lambda r: r.get("evidence"),
        "with evidence for": stands("supports"),
        "with evidence against": stands("contradicts"),
        "with a source": lambda r: "source" in r,
    }
    yield from _shares("claims", catalogue.records("claims"), claims)
    verdicts = Counter(record["verdict"] for record in catalogue.records("claims"))
    for name, term in catalogue.terms.get("verdicts", {}).items():
        yield _row(
            "verdicts on claims",
            name.replace("_", " "),
            verdicts[name],
            verdicts.total(),
            term.get("description"),
        )
    questions: dict[str, Test] = {
        "with a citation in every sentence": lambda r: all(s.get("citations") for s in r["answer"])
    }
    yield from _shares("questions", catalogue.records("questions"), questions)
    mechanisms: dict[str, Test] = {
        "with a supporting study": lambda r: r.get("supporting"),
        "with a contradicting study": lambda r: r.get("contradicting"),
        "with a target that has a gene symbol": lambda r: any("symbol" in t for t in r.get("targets", ())),
    }
    yield from _shares("mechanisms", catalogue.records("mechanisms"), mechanisms)
    levels = Counter(record["evidence_level"] for record in catalogue.records("mechanisms"))
    for name, term in catalogue.terms.get("evidence-levels", {}).items():
        yield _row(
            "mechanisms by level of evidence",
            name.replace("_", " "),
            levels[name],
            levels.total(),
            term["description"],
        )


def _second_looks(catalogue: Catalogue, studies: StudyCounts) -> Iterator[Row]:
    note = "Nobody has yet looked the record's numbers up a second time."
    for kind, name in _READ_KINDS.items():
        total = len(catalogue.ids(kind))
        if kind == "studies":
            looked = studies.studies["numbers", "second look"]
        else:
            looked = sum(
                "second_look" in record.get("verification", {}) for record in catalogue.records(kind)
            )
        yield _row("records without a second look", name, total - looked, total, note)
    for kind in catalogue.schemas.kinds:
        if "reviewed" in catalogue.schemas.record(kind)["properties"]:
            count = sum(1 for _ in catalogue.records_with(kind, "reviewed"))
            yield _row(
                "records reviewed by a named person",
                kind.replace("-", " "),
                count,
                len(catalogue.ids(kind)),
                "Only where a person put a name to it.",
            )


def _citations(catalogue: Catalogue) -> Iterator[Row]:
    properties = catalogue.schemas.record("conditions")["properties"]["citations"]["items"]["properties"]
    targets = {name: node["x-references"] for name, node in properties.items() if "x-references" in node}
    known = {name: frozenset(catalogue.ids(kind)) for name, kind in targets.items()}
    cited: dict[str, Counter[str]] = {name: Counter() for name in targets}
    for kind in catalogue.schemas.kinds:
        if kind != "studies":  # papers that belong to one trial name each other, which cites nothing
            for record in catalogue.records(kind):
                for name, target in _references(record, known):
                    cited[name][target] += 1
                cited["study"].update(known["study"].intersection(record.get("reported_by", ())))
    for name, kind in targets.items():
        yield _row(
            "citations",
            f"of {kind.replace('-', ' ')}",
            cited[name].total(),
            note="Places where one is cited.",
        )
    for name in ("study", "trial", "source"):
        yield _row(
            "citations", f"{targets[name]} that another record cites", len(cited[name]), len(known[name])
        )


def _searches(catalogue: Catalogue) -> Iterator[Row]:
    searched: set[str] = set()
    queries = 0
    for record in catalogue.records("searches"):
        queries += len(record["queries"])
        for query in record["queries"]:
            searched.update(query.get("conditions", ()))
    conditions = catalogue.ids("conditions")
    yield _row("search log", "queries", queries)
    yield _row(
        "search log",
        "conditions that a query names",
        len(searched.intersection(conditions)),
        len(conditions),
        "A query counts for a condition whose name or synonym it holds; others were not searched by name.",
    )


# ---- helpers --------------------------------------------------------------------------------------------------


def _row(section: str, measure: str, count: int, total: int | None = None, note: str | None = None) -> Row:
    row: Row = {"section": section, "measure": measure, "count": int(count)}
    if total is not None:
        row["total"] = total
    if note is not None:
        row["note"] = note
    return row


def _shares(section: str, records: Iterable[Record], tests: Mapping[str, Test]) -> Iterator[Row]:
    """One row a test: how many of the records pass it."""
    counts: Counter[str] = Counter()
    total = 0
    for record in records:
        total += 1
        counts.update(name for name, test in tests.items() if test(record))
    for name in tests:
        yield _row(section, name, counts[name], total)


def _has_scheme(scheme: str) -> Test:
    return lambda record: any(i["scheme"] == scheme for i in record.get("identifiers", ()))


def _has_arm_numbers(record: Record) -> bool:
    return any(
        not _NOT_A_NUMBER.issuperset(result)
        for outcome in record.get("outcomes", ())
        for result in outcome.get("results", ())
    )


def _has_printed_effect(record: Record) -> bool:
    return any("value" in outcome.get("effect", {}) for outcome in record.get("outcomes", ()))


def _references(value: Any, known: Mapping[str, AbstractSet[str]]) -> Iterator[tuple[str, str]]:
    """Citations in a record, wherever they stand: (what is cited, its id)."""
    if isinstance(value, dict):
        for name, child in value.items():
            if isinstance(child, str):
                if child in known.get(name, ()):
                    yield name, child
            else:
                yield from _references(child, known)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            yield from _references(child, known)


def show(rows: Iterable[Row]) -> None:
    """Print the report on a terminal, one table a section."""
    from itertools import groupby

    from rich.console import Console
    from rich.table import Table

    console = Console()
    for section, group in groupby(rows, key=lambda row: row["section"]):
        measures = list(group)
        table = Table(
            title=section.capitalize(), title_justify="left", title_style="bold", box=None, show_header=False
        )
        table.add_column(min_width=52)
        table.add_column(justify="right", min_width=6)
        table.add_column(justify="right", min_width=10, style="dim")
        table.add_column(justify="right", min_width=5)
        for row in measures:
            total = row.get("total")
            share = f"{row['count'] / total:.0%}" if total else ""
            table.add_row(
                row["measure"],
                f"{row['count']:,}",
                "" if total is None else f"of {total:,}",
                share,
            )
        notes = {row.get("note") for row in measures}
        if len(notes) == 1 and (note := notes.pop()):  # what holds for the whole section
            table.caption, table.caption_justify = note, "left"
        console.print(table)
        console.print()

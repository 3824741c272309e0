"""The catalogue of conditions, and one page for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ldn_evidence.publish.plugin.pages.charts import forest
from ldn_evidence.publish.plugin.pages.evidence import (
    SAME_STUDY,
    by,
    citations_of,
    dose,
    finding,
    leading,
    measure_name,
    named,
    never_began,
)
from ldn_evidence.publish.plugin.pages.filters import Facet, Option, facet, order_links
from ldn_evidence.publish.plugin.pages.numbers import count, estimate, sentences, stored
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row, items
from ldn_evidence.publish.plugin.pages.words import Words, short_citation

# --- the catalogue ---------------------------------------------------------------------------------------------

_AMOUNTS: tuple[tuple[str, str, Callable[[int], bool]], ...] = (
    ("several", "3 or more randomised trials", lambda trials: trials >= 3),
    ("some", "1 or 2 randomised trials", lambda trials: 1 <= trials <= 2),
    ("none", "no randomised trial", lambda trials: trials == 0),
)
_SINCE: tuple[tuple[str, str, Callable[[int | None], bool]], ...] = (
    ("recent", "2023 or later", lambda year: year is not None and year >= 2023),
    ("older", "before 2023", lambda year: year is not None and year < 2023),
    ("undated", "no study that counts", lambda year: year is None),
)
_SORTS: tuple[tuple[str, str, Callable[[Row], Any]], ...] = (
    ("", "strength", lambda row: 0),
    ("name", "name", lambda row: row["name"].casefold()),
    ("people", "people in trials", lambda row: -(row["randomized_participants"] or 0)),
    ("trials", "randomised trials", lambda row: -(row["randomized_trials"] or 0)),
    ("studies", "all records", lambda row: -row["studies"]),
    ("year", "newest year", lambda row: -(row["newest_year"] or 0)),
)


def catalogue_page(reader: Reader, request: Request) -> Page:
    """`/conditions`: every condition, with filters as links that carry counts."""
    words = Words(reader)
    rows = reader.rows("catalogue")
    directions = words.codes("directions")
    facets = [
        Facet("tier", "Tier", [Option(code, words.label("evidence-tiers", code)) for code in
                               words.codes("evidence-tiers")], lambda row: row["evidence_tier"]),
        Facet("direction", "Direction", [Option(code, words.label("directions", code)) for code in directions],
              lambda row: row["direction"]),
        Facet("amount", "Amount", [Option(code, label) for code, label, _ in _AMOUNTS],
              lambda row: next(code for code, _, fits in _AMOUNTS if fits(row["randomized_trials"] or 0))),
        Facet("since", "Newest study that counts", [Option(code, label) for code, label, _ in _SINCE],
              lambda row: next(code for code, _, fits in _SINCE if fits(row["newest_year"]))),
        Facet("asserted", "Popular sources", [Option("differs", "say another tier")],
              lambda row: "differs" if row["asserted_differs"] else ""),
        Facet("category", "Field", [Option(code, words.label("condition-categories", code)) for code in
                                    words.codes("condition-categories")], lambda row: row["category"]),
    ]  # fmt: skip
    shown, groups = facet(rows, facets, request)
    keys = {code: key for code, _, key in _SORTS}
    order = request.get("sort") if request.get("sort") in keys else ""
    if order:
        shown = sorted(shown, key=keys[order])
    is_filtered = any(request.get(one.name) for one in facets)
    # Who asked for nothing in particular sees first where there is something to see.
    is_plain = not is_filtered and not order
    return Page(
        "conditions.html",
        "Conditions",
        f"Tier, direction and amount of the evidence on low-dose naltrexone in {len(rows)} conditions.",
        {
            "found": len(shown),
            "groups": sum(bool(row["is_group"]) for row in shown),
            "rows": [row for row in shown if not is_plain or row["direction"] != "not_studied"],
            "not_studied": [row for row in shown if is_plain and row["direction"] == "not_studied"],
            "all_rows": len(rows),
            "facets": groups,
            "sorts": order_links(request, [(code, label) for code, label, _ in _SORTS], order),
            "is_filtered": is_filtered,
        },
        canonical="/conditions",
        alternates=(
            ("/ldn/condition_catalogue.csv?_stream=on&_size=max", "text/csv", "The catalogue as CSV"),
            ("/api/v1/conditions", "application/json", "The catalogue as JSON"),
        ),
    )


# --- one condition ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """Studies that belong together on the page."""

    key: str
    title: str
    note: str
    rows: list[Row]

    @property
    def studies(self) -> list[Row]:
        """One row a study: papers on one are one."""
        return [study for study in self.rows if study["relation"] not in SAME_STUDY]

    @property
    def papers(self) -> list[Row]:
        """Further papers on a study that stands here or in another block."""
        return [study for study in self.rows if study["relation"] in SAME_STUDY]


# Lists of more than these stand folded, with what they come to in their place: a clinician has two minutes.
_FEW = 3

# Blocks of studies: key, title, what to know about them.
_BLOCKS = (
    ("randomised", "Randomised trials at low dose", "These decide the tier."),
    ("uncontrolled", "Other studies in people at low dose", "Without chance deciding who is treated: they suggest, "
     "and do not show."),
    ("reviews", "Reviews and meta-analyses", "They count through the trials that they pool."),
    ("other-dose", "Other doses and routes",
     "Ultra-low, standard-dose, topical or unspecified: these lend no strength to low-dose naltrexone."),
    ("laboratory", "Laboratory, animal and pharmacology", "They suggest why it might work, not that it does."),
    ("documents", "Protocols, letters and corrections", "They hang on the studies above and are not counted again."),
)  # fmt: skip


def _block(study: Row) -> str:
    kind = study["evidence_kind"]
    doses = (study["dose_classes"] or "").split(",")
    if kind == "document":
        return "documents"
    if kind == "synthesis":
        return "reviews"
    if not study["is_human"] or kind in ("preclinical", "pharmacology"):
        return "laboratory"
    if "low" not in doses:
        return "other-dose"
    return "randomised" if study["is_randomized"] else "uncontrolled"


def _open(blocks: Sequence[Block]) -> frozenset[str]:
    """Blocks that are open when the page is: trials that decide, and few others in people at a low dose.

    Where there is neither, a few of another kind stand open in their place.
    """
    found = {block.key: len(block.studies) for block in blocks}
    if "randomised" in found:
        return frozenset({"randomised"} | {key for key in ("uncontrolled",) if 0 < found.get(key, 0) <= _FEW})
    if "uncontrolled" in found:
        return frozenset({"uncontrolled"})
    return frozenset(key for key, number in found.items() if number <= _FEW)


def condition_page(reader: Reader, request: Request) -> Page:
    """`/conditions/<id>`: the answer first, then everything that it rests on."""
    identifier = request.variables["id"]
    condition = reader.row("condition", id=identifier)
    if condition is None:
        raise NoSuchRecord(identifier)
    words = Words(reader)
    studies = reader.rows("condition_studies", id=identifier)
    outcomes = by(reader.rows("condition_outcomes", id=identifier), "study_id")
    cited_as = Counter(short_citation(study) for study in studies)
    for study in studies:
        # Where two papers of one author and year stand on the page, the title tells them apart.
        study["shares_name"] = cited_as[short_citation(study)] > 1
        study["findings"] = leading(outcomes.get(study["id"], []))
        if not study["is_randomized"]:
            # The name of an outcome without number and comparison says less than what became of the patients.
            study["findings"] = [
                one for one in study["findings"] if one.text or one.outcome["direction"] != "not_comparable"
            ]
        study["more_outcomes"] = len(outcomes.get(study["id"], [])) - len(study["findings"])
        study["dose"] = dose(study)
    placed = by(({**study, "block": _block(study)} for study in studies), "block")
    blocks = [Block(key, title, note, placed[key]) for key, title, note in _BLOCKS if key in placed]
    # How many of a block the rule counts; only what decides is said to count, or not.
    counting = {"randomised": condition["randomized_trials"] or 0}
    counting["uncontrolled"] = (condition["counted_studies"] or 0) - counting["randomised"]
    planned = {study["id"] for study in placed.get("documents", [])}
    repeated = {study["id"] for study in studies if study["relation"] in SAME_STUDY | {"protocol_of"}}
    pools = reader.rows("meta_analyses", id=identifier)
    inputs = named(reader, reader.rows("meta_analysis_inputs", id=identifier))
    asserted = reader.rows("asserted_tiers", id=identifier)
    points = by(reader.rows("points", id=identifier), "stance")
    citations = by(reader.rows("citations", kind="conditions", id=identifier), "place")
    for stance, listed in points.items():
        for point in listed:
            point["citations"] = citations.get(f"citations.{stance}.{point['position']}", [])
    reviews = _reviews(reader.rows("condition_reviews", id=identifier), pools)
    tabled = {row["study_id"] for row in reviews}
    notes = reader.rows("condition_mechanisms", id=identifier)
    for note in notes:
        note["citations"] = citations.get(f"citations.{note['position']}", [])
    reason = sentences(condition["reason"])
    trials = [
        {**row, "never_began": never_began(row)} for row in reader.rows("condition_trials", id=identifier)
    ]
    names = [row["name"] for row in reader.rows("names", id=identifier)]
    synonyms = [name for name in names if name.casefold() != condition["name"].casefold()]
    identifiers = reader.rows("identifiers", id=identifier)
    cited = citations_of(
        reader,
        [study["related_id"] for study in studies] + [row["report_id"] for row in trials],
    )
    adverse_events = reader.rows("condition_adverse_events", id=identifier)
    doses = sorted(
        ({**row, "is_planned": row["study_id"] in planned} for row in reader.rows("condition_doses", id=identifier)
         if row["is_human"] and row["dose_class"] == "low" and row["study_id"] not in repeated),
        key=lambda row: row["is_planned"],
    )  # fmt: skip
    claims = reader.rows("condition_claims", id=identifier)
    # What naltrexone did together with another drug is no finding on naltrexone.
    told_apart = [study for study in placed.get("randomised", []) if study["isolates_naltrexone"] != 0]
    findings = _summary_of_findings(told_apart, outcomes, pools, words)
    # What one trial alone measured, and not first, can wait; so can trials whose results stand among the studies.
    leading_findings, other_findings = _parted(findings, lambda row: row["is_primary"] or row["trials"] > 1)
    awaited, reported = _parted(trials, lambda row: not row["report_id"])
    tier = words.term("evidence-tiers", condition["evidence_tier"])
    direction = words.term("directions", condition["direction"])
    description = (
        f"{condition['name']}: {tier.label.lower()} evidence of benefit from low-dose naltrexone; "
        f"{direction.label.lower()}. {reason[0] if reason else ''}".strip()
    )
    return Page(
        "condition.html",
        f"Low-dose naltrexone in {condition['name']}",
        description,
        {
            "condition": condition,
            "reason": reason,
            "synonyms": synonyms,
            "identifiers": identifiers,
            "members": sorted(reader.rows("members", id=identifier),
                              key=lambda row: -(row["randomized_participants"] or 0)),
            "groups": reader.rows("groups", id=identifier),
            "asserted": asserted,
            "higher_claims": [row for row in asserted if _is_higher(row["tier"], condition["evidence_tier"], words)],
            "points": points,
            "few": _FEW,
            "citations": citations.get("citations", []),
            # The others stand on the page with what they found.
            "cited_beside": [
                row for row in citations.get("citations", []) if row["id"] not in {study["id"] for study in studies}
            ],
            "mechanisms": notes,
            "blocks": blocks,
            "open_blocks": _open(blocks),
            "counting": counting,
            "depths": _depths(placed.get("randomised", []), words),
            "gauge": _gauge(pools[0], inputs, condition, words) if pools else None,
            "leading_pool": pools[0] if pools else None,
            "plots": _plots(pools, inputs, studies, words),
            "left_out": sum(not row["used"] for row in inputs),
            "findings": leading_findings,
            "other_findings": other_findings,
            "reviews": by(reviews, "domain"),
            "tabled_reviews": tabled,
            "review_ways": _ways(reviews, words),
            "review_measures": sorted({row["measure"] for row in reviews}, key=words.codes("effect-measures").index),
            "doses": doses,
            "dose_span": _span(doses),
            "dosing": reader.rows("condition_dosing", id=identifier),
            "adverse_events": _side_by_side(adverse_events),
            "shares_of_unknown": any(row["percent"] is not None and row["total"] is None for row in adverse_events),
            "trials": awaited,
            "reported_trials": reported,
            "cited": cited,
            "outlook": reader.rows("tier_outlook", id=identifier),
            "claims": claims,
            "verdicts": [
                (code, sum(row["verdict"] == code for row in claims))
                for code in words.codes("verdicts") if any(row["verdict"] == code for row in claims)
            ],
            "questions": reader.rows("condition_questions", id=identifier),
            "contradictions": reader.rows("condition_contradictions", id=identifier),
            "open_questions": items(condition["open_questions"]),
        },
        linked_data={
            "@type": "MedicalWebPage",
            "name": f"Low-dose naltrexone in {condition['name']}",
            "description": description,
            "isAccessibleForFree": True,
            "license": "https://creativecommons.org/publicdomain/zero/1.0/",
            "lastReviewed": condition["reviewed_on"] or condition["last_searched"],
            "about": {
                "@type": "MedicalCondition",
                "name": condition["name"],
                **({"alternateName": synonyms} if synonyms else {}),
                **({"code": [
                    {"@type": "MedicalCode", "codeValue": row["code"], "codingSystem": row["scheme"]}
                    for row in identifiers if row["predicate"] == "exact"
                ]} if identifiers else {}),
            },
        },
        alternates=(
            (f"/api/v1/conditions/{identifier}", "application/json", "This condition as JSON"),
            (f"/ldn/studies_of_condition.csv?condition_id={identifier}&_size=max", "text/csv", "Its studies as CSV"),
        ),
    )  # fmt: skip


def _parted(rows: Sequence[Row], leads: Callable[[Row], Any]) -> tuple[list[Row], list[Row]]:
    """Rows that stand open, and those to fold; a few are not worth folding."""
    first = [row for row in rows if leads(row)]
    rest = [row for row in rows if not leads(row)]
    return (first, rest) if first and len(rest) > _FEW else (list(rows), [])


def _span(doses: Sequence[Row]) -> dict[str, Any]:
    """From which to which dose and length the arms go, as tried and not only planned."""
    tried = [row for row in doses if not row["is_planned"]]
    mg = [
        row[column] for row in tried
        for column in ("dose_low_mg_per_day", "dose_mg_per_day", "dose_high_mg_per_day") if row[column] is not None
    ]  # fmt: skip
    weeks = [row["weeks"] for row in tried if row["weeks"] is not None]
    return {
        "studies": len({row["study_id"] for row in tried}),
        "planned": len({row["study_id"] for row in doses if row["is_planned"]}),
        "dose_low": min(mg, default=None),
        "dose_high": max(mg, default=None),
        "weeks_low": min(weeks, default=None),
        "weeks_high": max(weeks, default=None),
    }


def _ways(reviews: Sequence[Row], words: Words) -> dict[str, list[tuple[str, int]]]:
    """How many of the reviews' estimates point which way, by what they measured."""
    table = {}
    for domain, rows in by((row for row in reviews if row["study_id"]), "domain").items():
        ways = [row["direction"] for row in rows]
        table[domain] = [
            (code, ways.count(code)) for code in words.codes("outcome-directions") if code in ways
        ]
    return table


def _is_higher(asserted: str, tier: str, words: Words) -> bool:
    order = words.codes("evidence-tiers")
    return asserted not in order or (tier in order and order.index(asserted) < order.index(tier))


def _scale(pool: Row, words: Words) -> forest.Scale:
    unit = f" in {pool['unit']}" if pool["unit"] else ""
    label = (
        f"{words.label('effect-measures', pool['measure'])}{unit}, "
        f"{words.label('outcome-domains', pool['domain']).lower()}"
    )
    if pool["minimal_important_difference"] and pool["measure"] not in forest.RATIOS:
        label += f"; shaded: less than the {stored(pool['minimal_important_difference'])} that matter"
    better = pool["better"]
    return forest.Scale(
        pool["measure"],
        label,
        None if better is None else better == "lower",
        pool["minimal_important_difference"],
    )


def _pooled(pool: Row, label: str) -> forest.Pooled | None:
    if pool["random_value"] is None or pool["random_ci_low"] is None or pool["random_ci_high"] is None:
        return None
    return forest.Pooled(
        label, pool["random_value"], pool["random_ci_low"], pool["random_ci_high"],
        pool["prediction_low"], pool["prediction_high"],
    )  # fmt: skip


def _gauge(pool: Row, inputs: Sequence[Row], condition: Row, words: Words) -> Any:
    """The trials behind the pooled estimate and what they come to, small enough for the answer."""
    pooled = _pooled(pool, f"Together, {count(pool['trials'])} trials")
    if pooled is None:
        return None
    lines = [_line(row) for row in inputs if row["used"] and row["meta_analysis_id"] == pool["id"]]
    return forest.small("gauge", f"Pooled effect in {condition['name']}", lines, pooled, _scale(pool, words))


@dataclass(frozen=True, slots=True)
class Plot:
    """A forest plot with the table behind it."""

    title: str
    image: Any
    rows: list[Row]
    pool: Row | None


def _plots(pools: Sequence[Row], inputs: Sequence[Row], studies: Sequence[Row], words: Words) -> list[Plot]:
    """A plot for each pooled estimate, and one for comparisons that stand alone at low dose."""
    plots = []
    for number, pool in enumerate(pools):
        used = [row for row in inputs if row["used"] and row["meta_analysis_id"] == pool["id"]]
        others = [
            row for row in inputs
            if not row["used"] and row["domain"] == pool["domain"] and row["measure"] == pool["measure"]
            and row["value"] is not None and "dose class" not in row["reason"]
        ]  # fmt: skip
        rows = used + others
        title = f"{words.label('outcome-domains', pool['domain'])}: {words.label('effect-measures', pool['measure']).lower()}"
        image = forest.draw(
            f"forest-{number}",
            f"Forest plot. {title}",
            [_line(row) for row in rows],
            _pooled(pool, f"Pooled, {count(pool['trials'])} trials"),
            _scale(pool, words),
        )
        plots.append(Plot(title, image, rows, pool))
    pooled_already = {row["study_id"] for row in inputs if row["used"]}
    alone = by(
        (
            {**row, "group": f"{row['domain']} {row['measure']}"}
            for row in inputs
            if not row["used"] and row["value"] is not None and row["ci_low"] is not None
            and row["study_id"] not in pooled_already and row["reason"] == "it is the only comparison that could be pooled"
        ),
        "group",
    )  # fmt: skip
    for number, rows in enumerate(alone.values(), start=len(plots)):
        first = rows[0]
        title = f"{words.label('outcome-domains', first['domain'])}: {words.label('effect-measures', first['measure']).lower()}"
        scale = forest.Scale(
            first["measure"], f"{title} (one trial, nothing to pool)", _better(first, studies)
        )
        image = forest.draw(
            f"forest-{number}", f"Forest plot. {title}", [_line(row) for row in rows], None, scale
        )
        plots.append(Plot(title, image, rows, None))
    return plots


def _better(row: Row, studies: Sequence[Row]) -> bool | None:
    for study in studies:
        if study["id"] == row["study_id"]:
            for found in study["findings"]:
                if found.name == row["outcome"] and found.outcome["better"]:
                    return bool(found.outcome["better"] == "lower")
    return None


def _line(row: Row) -> forest.Line:
    label = short_citation(row)
    if row["participants"]:
        label += f" (n {count(row['participants'])})"
    return forest.Line(
        label, row["value"], row["ci_low"], row["ci_high"], row["weight"] if row["used"] else None
    )


def _summary_of_findings(
    trials: Sequence[Row], outcomes: dict[str, list[Row]], pools: Sequence[Row], words: Words
) -> list[dict[str, Any]]:
    """One row a family of outcomes: trials, people, which way each points, and the estimate that carries most."""
    # A further paper speaks for the trial that it hangs on.
    root = {
        study["id"]: study["related_id"] if study["relation"] in SAME_STUDY else study["id"]
        for study in trials
    }
    people = {study["id"]: study["analyzed"] for study in trials}  # as the tier counts them
    for identifier, trial in root.items():
        people.setdefault(trial, people[identifier])
    by_id = {study["id"]: study for study in trials}
    families: dict[str, list[Row]] = {}
    for study in trials:
        for outcome in outcomes.get(study["id"], []):
            if outcome["role"] != "post_hoc":
                families.setdefault(outcome["domain"], []).append(outcome)
    table = []
    for domain, listed in families.items():
        pool = next(
            (pool for pool in pools if pool["domain"] == domain and pool["random_value"] is not None), None
        )
        in_trials = list(dict.fromkeys(root[outcome["study_id"]] for outcome in listed))
        ways: dict[str, int] = {}
        known: list[int] = []
        counted: list[Row] = []
        for study_id in in_trials:
            own = [outcome for outcome in listed if root[outcome["study_id"]] == study_id]
            ranked = sorted(own, key=lambda outcome: (
                outcome["role"] != "primary", outcome["role"] != "unspecified", outcome["study_id"] != study_id
            ))  # fmt: skip
            speaks = ranked[0]
            counted.append(speaks)
            ways[speaks["direction"]] = ways.get(speaks["direction"], 0) + 1
            # A further paper may have analysed fewer than the trial on which it hangs.
            paper = by_id[speaks["study_id"]]
            sizes = (speaks["compared"], paper["enrolment_analyzed"], people.get(study_id), paper["analyzed"])
            if size := next((size for size in sizes if size is not None), None):
                known.append(size)
        # A number of an outcome that did not count stands with its own direction, or it would seem to belong to another.
        best = max(
            (outcome for outcome in listed if outcome["direction"] != "not_comparable" and finding(outcome).text),
            key=lambda outcome: (outcome in counted, outcome["role"] == "primary", _shows_interval(outcome),
                                 people.get(outcome["study_id"]) or 0),
            default=None,
        )  # fmt: skip
        table.append(
            {
                "domain": domain,
                "trials": len(in_trials),
                "people": sum(known) if known else None,
                "is_primary": any(outcome["role"] == "primary" for outcome in listed),
                "ways": [(code, ways[code]) for code in words.codes("outcome-directions") if code in ways],
                "pool": pool,
                "pool_text": _pool_text(pool),
                "best": finding(best) if best is not None and pool is None else None,
                "is_of_another": best is not None and best not in counted,
                "best_study": by_id[best["study_id"]] if best is not None else None,
            }
        )  # fmt: skip
    return sorted(table, key=lambda row: (not row["is_primary"], -row["trials"], -(row["people"] or 0)))


def _shows_interval(outcome: Row) -> bool:
    """Whether an outcome's number stands with an interval: what was computed stands only where no value is printed."""
    return outcome["effect_ci_low"] is not None or (
        outcome["effect_value"] is None and outcome["computed_low"] is not None
    )


def _depths(trials: Sequence[Row], words: Words) -> list[tuple[str, int]]:
    """How deeply the trials were read, deepest first, with the number of each."""
    read = by((study for study in trials if study["relation"] not in SAME_STUDY), "verification_depth")
    return [(code, len(read[code])) for code in words.codes("verification-depths") if code in read]


def _reviews(rows: Sequence[Row], pools: Sequence[Row]) -> list[Row]:
    """What reviews pooled: outcomes that are pooled here first, unwanted effects last."""
    ours = [pool["domain"] for pool in pools]

    def rank(row: Row) -> tuple[bool, bool]:
        return row["domain"] in ("adverse_events", "discontinuation"), row["domain"] not in ours

    return sorted(rows, key=rank)


def _pool_text(pool: Row | None) -> str:
    if pool is None:
        return ""
    ends = f"{estimate(pool['random_ci_low'])} to {estimate(pool['random_ci_high'])}"
    unit = f" {pool['unit']}" if pool["unit"] else ""
    return f"{measure_name(pool['measure'])} {estimate(pool['random_value'])}{unit}, 95% CI {ends}"


def _side_by_side(events: Sequence[Row]) -> list[dict[str, Any]]:
    """Adverse events with the arms of a study in one row."""
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        row = table.setdefault(
            (event["study_id"], event["term"]),
            {"first": event, "intervention": [], "comparator": [], "other": []},
        )
        row[event["role"]].append(event)
    for row in table.values():
        # What happened at another dose says little of a low one, and must not be taken for it.
        classes = {event["dose_class"] for event in row["intervention"]}
        row["other_dose"] = None if "low" in classes else next((one for one in classes if one), None)
    return list(table.values())

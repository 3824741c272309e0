"""A catalogue of invented studies, the same for the same seed."""

from __future__ import annotations

import math
import random
import shutil
from collections.abc import Mapping
from pathlib import Path

from ldn_evidence.project import Project

# Ten studies a condition; as in the real catalogue one study in four bears on two conditions.
_STUDIES_FOR_A_NEW_CONDITION = 8
_STUDIES_OF_TWO_CONDITIONS = 0.25
# As in the real catalogue: one study in five is a randomised trial, and a study holds more than sixty values.
DESIGNS = {"randomised": 1, "uncontrolled": 2, "preclinical": 2}
_WORDS = (
    "low dose naltrexone was compared with placebo in adults who had pain for more than six months and were not on "
    "opioids participants kept daily ratings and the change at the end of treatment was analysed with the baseline "
    "as covariate the interval includes no effect and recruitment was slow"
).split()  # fmt: skip
_NAMES = ["Younger J", "Østergaard L", "Smith JP", "Patten DK", "Vælimäki T", "Nakagawa H", "Türel B"]
_DOMAINS = ["pain", "fatigue", "sleep", "quality_of_life", "mood"]


def write_catalogue(
    project: Project, root: Path, records: int, seed: int, designs: Mapping[str, int] = DESIGNS
) -> Project:
    """Write a project with so many study records of about 2.5 KB, and the conditions that they name.

    Args:
        project: Where schemas and vocabularies come from.
        root: Folder of the new project; must not exist.
        records: Number of studies.
        seed: Seed of the random numbers.
        designs: How often each kind of design comes.
    """
    shutil.copytree(project.schema, root / "schema")
    shutil.copytree(project.data / "vocabularies", root / "data" / "vocabularies")
    studies = root / "data" / "studies"
    studies.mkdir()
    numbers = random.Random(seed)
    names = [f"bench-disease-{number:07d}" for number in range(2 + records // _STUDIES_FOR_A_NEW_CONDITION)]
    drawn = numbers.choices(list(designs), list(designs.values()), k=records)
    for number, design in enumerate(drawn):
        text = _study(numbers, number, names, design)
        (studies / f"bench-study-{number:07d}.yml").write_text(text, "utf-8")
    conditions = root / "data" / "conditions"
    conditions.mkdir()
    for number, condition in enumerate(names):
        (conditions / f"{condition}.yml").write_text(_condition(condition, number % max(records, 1)), "utf-8")
    return Project(root)


def change_one_record(project: Project, number: int) -> None:
    """Give one study another size, as a curator would who mends a number."""
    path = sorted((project.data / "studies").glob("*.yml"))[number]
    lines = path.read_text("utf-8").splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("year: "))
    lines[place] = f"year: {1900 + (int(lines[place].split()[1]) - 1900 + 1) % 100}"
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _condition(identifier: str, study: int) -> str:
    return (
        f"id: {identifier}\nname: {identifier.replace('-', ' ').capitalize()}\ncategory: pain\n"
        "evidence_tier: limited\ndirection: unclear\ntier_override:\n  reason: Generated to be measured.\n"
        f"summary: Nothing real was studied in {identifier.replace('-', ' ')}, which stands here to be measured.\n"
        f"citations:\n  - study: bench-study-{study:07d}\nlast_searched: 2026-01-15\n"
    )


def _words(numbers: random.Random, count: int) -> str:
    return " ".join(numbers.choices(_WORDS, k=count)).capitalize()


def _effect(difference: float, standard_error: float) -> list[str]:
    """The printed effect that the arms give, with its interval, p and verdict."""
    low, high = (round(difference + side * 1.96 * standard_error, 2) for side in (-1, 1))
    p = math.erfc(abs(difference) / standard_error / math.sqrt(2))
    verdict = "favours_ldn" if high < 0 else "favours_comparator" if low > 0 else "no_difference"
    return [
        "    effect:",
        "      measure: MD",
        f"      value: {difference:.2f}",
        f"      ci_low: {low:.2f}",
        f"      ci_high: {high:.2f}",
        f"      p: '{p:.3f}'" if p >= 0.001 else "      p: <0.001",
        "      intervention: naltrexone",
        "      comparator: placebo",
        f"    direction: {verdict}",
    ]


def _study(numbers: random.Random, number: int, conditions: list[str], design: str) -> str:
    """One record, of the parts that studies of its design have in the real catalogue."""
    size = numbers.randint(10, 99)
    weeks = numbers.choice([8, 12, 16])
    lines = _head(numbers, number, conditions)
    if design == "randomised":
        lines += _randomised(numbers, number, size, weeks)
    elif design == "uncontrolled":
        lines += _uncontrolled(numbers, size, weeks)
    else:
        lines += _preclinical(numbers)
    lines += [
        f"funding: Fund {number} for invented studies",
        "conclusion: >-",
        f"  Invented study {number} found this, {_words(numbers, 12).lower()}, and",
        f"  that {_words(numbers, 14).lower()}.",
        "open_questions:",
        f"  - {_words(numbers, 14)}.",
        "verification:",
        "  depth: abstract",
        "  read: The abstract of an invented study.",
        "  on: 2026-01-15",
    ]
    return "\n".join(lines) + "\n"


def _head(numbers: random.Random, number: int, conditions: list[str]) -> list[str]:
    of_two = numbers.random() < _STUDIES_OF_TWO_CONDITIONS
    return [
        f"id: bench-study-{number:07d}",
        f"title: {_words(numbers, 14)}",
        "authors:",
        *(f"  - {name}" for name in numbers.sample(_NAMES, 3)),
        f"research_group: Group {number % 1000} for invented studies",
        "journal: Journal of Invented Studies",
        f"year: {numbers.randint(2007, 2025)}",
        f"volume: {numbers.randint(1, 99)}",
        f"issue: {numbers.randint(1, 12)}",
        f"pages: {number}-{number + 7}",
        f"pmid: {10_000_000 + number}",
        f"doi: 10.1000/bench.{number}",
        "status: published",
        f"conditions: [{', '.join(numbers.sample(conditions, 2 if of_two else 1))}]",
        f"country: {numbers.choice(['Denmark', 'Norway', 'United States', 'Iran', 'Brazil'])}",
    ]


def _people(numbers: random.Random) -> str:
    return f"population: Adults of 18 to 65 years, {_words(numbers, 8).lower()}"


def _intervention(numbers: random.Random, size: int, weeks: int) -> list[str]:
    return [
        "arms:",
        "  - id: naltrexone",
        "    label: Naltrexone capsules",
        "    role: intervention",
        "    components: [naltrexone]",
        f"    dose_mg_per_day: {numbers.choice(['4.50', '3.0', '6', '1.5'])}",
        "    dose_class: low",
        "    route: oral",
        f"    weeks: {weeks}",
        f"    n: {size}",
    ]


def _outcome(domain: str, position: int, weeks: int) -> list[str]:
    return [
        f"  - id: {domain.replace('_', '-')}",
        f"    name: {domain.replace('_', ' ')} at the end of treatment",
        f"    domain: {domain}",
        f"    role: {'primary' if position == 0 else 'secondary'}",
        f"    timepoint: {weeks} weeks",
        "    better: lower",
        "    results:",
    ]


def _result(arm: str, kind: str, size: int, mean: float, deviation: float) -> list[str]:
    return [
        f"      - arm: {arm}",
        f"        kind: {kind}",
        f"        n: {size}",
        f"        mean: {mean:.2f}",
        f"        sd: {deviation:.2f}",
    ]


def _adverse_events(numbers: random.Random, size: int) -> list[str]:
    return [
        "adverse_events:",
        "  by_arm:",
        "    - arm: naltrexone",
        "      term: vivid dreams",
        f"      events: {numbers.randint(0, 9)}",
        f"      total: {size}",
    ]


def _limitations(numbers: random.Random, count: int) -> list[str]:
    return ["limitations:", *(f"  - {_words(numbers, 14)}." for _ in range(count))]


def _randomised(numbers: random.Random, number: int, size: int, weeks: int) -> list[str]:
    lines = [
        f"registry: [NCT{10_000_000 + number}]",
        "design: randomized_parallel",
        "blinding: double_blind",
        _people(numbers),
        "enrolment:",
        f"  randomized: {2 * size}",
        f"  analyzed: {2 * size - 3}",
        f"  completed: {2 * size - 5}",
        *_intervention(numbers, size, weeks),
        "  - id: placebo",
        "    label: Placebo capsules",
        "    role: comparator",
        "    control_kind: placebo",
        "    components: [placebo]",
        "    route: oral",
        f"    weeks: {weeks}",
        f"    n: {size}",
        "outcomes:",
    ]
    for position, domain in enumerate(numbers.sample(_DOMAINS, 2)):
        lines += _outcome(domain, position, weeks)
        means, deviations = [], []
        for arm in ("naltrexone", "placebo"):
            means.append(round(numbers.uniform(4, 7), 2))
            deviations.append(round(numbers.uniform(1.5, 3), 2))
            lines += _result(arm, "endpoint", size, means[-1], deviations[-1])
        lines += _effect(means[0] - means[1], math.hypot(*deviations) / math.sqrt(size))
    return [*lines, *_adverse_events(numbers, size), *_limitations(numbers, 1)]


def _uncontrolled(numbers: random.Random, size: int, weeks: int) -> list[str]:
    lines = [
        f"design: {numbers.choice(['single_arm_open_label', 'case_series', 'retrospective_cohort'])}",
        _people(numbers),
        "enrolment:",
        f"  enrolled: {size}",
        f"uncontrolled_result: {numbers.choice(['improved', 'unchanged'])}",
        *_intervention(numbers, size, weeks),
        "outcomes:",
    ]
    for position, domain in enumerate(numbers.sample(_DOMAINS, 2)):
        lines += _outcome(domain, position, weeks)
        lines += _result("naltrexone", "change", size, numbers.uniform(-3, 1), numbers.uniform(1.5, 3))
        lines.append("    direction: not_comparable")
    return [*lines, *_adverse_events(numbers, size), *_limitations(numbers, 6)]


def _preclinical(numbers: random.Random) -> list[str]:
    design = numbers.choice(["preclinical_in_vivo", "preclinical_in_vitro", "narrative_review"])
    lines = [f"design: {design}", f"design_note: {_words(numbers, 30)}"]
    if design == "narrative_review":
        return [*lines, *_limitations(numbers, 12)]
    lines += ["arms:"]
    for arm, role in (("naltrexone", "intervention"), ("saline", "comparator")):
        lines += [
            f"  - id: {arm}",
            f"    label: {arm.capitalize()} by injection",
            f"    role: {role}",
            f"    components: [{arm}]",
            f"    dose_note: {_words(numbers, 8)}",
        ]
    lines += ["outcomes:"]
    for number, domain in enumerate(["cytokine", "cell_function", "other"]):
        lines += [
            f"  - id: {domain.replace('_', '-')}",
            f"    name: {_words(numbers, 6).lower()}, measure {number}",
            f"    domain: {domain}",
            "    role: unspecified",
            "    better: lower",
            "    effect:",
            "      measure: narrative",
            f"      label: {_words(numbers, 8).lower()}",
            f"    direction: {numbers.choice(['favours_ldn', 'no_difference'])}",
        ]
    return [*lines, *_limitations(numbers, 5)]

"""Stage "catalogue": rules that need all records together.

They work on facts, the few things of each record that other records depend on, so that a catalogue of any size can
be checked without holding its records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ldn_evidence.check.finding import Finding
from ldn_evidence.problems import did_you_mean, suggest

if TYPE_CHECKING:
    from datetime import date

    from ldn_evidence.check.facts import Places


class Facts(NamedTuple):
    """What the rest of the catalogue needs to know of one record.

    Attributes:
        file: Path of the record's file, relative to the project.
        kind: Kind of the record.
        id: Identifier of the record.
        references: Kind -> ids that the record points to.
        identifiers: (scheme, value) of identifiers that only one record may bear.
        sentences: Digests of the descriptive sentences.
        traits: Single facts that particular rules ask for.
    """

    file: str
    kind: str
    id: str
    references: Mapping[str, Sequence[str]]
    identifiers: Sequence[tuple[str, str]]
    sentences: Sequence[str]
    traits: Mapping[str, Any]


@dataclass(frozen=True)
class Index:
    """All facts of a catalogue, by kind and id.

    Attributes:
        facts: Facts of every record that passed the earlier stages, sorted by kind and id.
        ids: Kind -> ids, the terms of each vocabulary under the vocabulary's own id.
        broken: Ids of records that failed an earlier stage or stand in a wrong place; a reference to such an id is not
            reported again, whatever kind it asks for.
        retired: (kind, id) -> successor or None.
        places: Where the references and sentences of a record stand; it takes a while, so only rules that found something ask.
    """

    facts: Sequence[Facts]
    ids: Mapping[str, set[str]]
    broken: set[str]
    retired: Mapping[tuple[str, str], str | None]
    places: Callable[[Facts], Places]

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[Facts]]:
        """The facts of the records of each kind."""
        by_kind: dict[str, list[Facts]] = defaultdict(list)
        for facts in self.facts:
            by_kind[facts.kind].append(facts)
        return by_kind

    def with_trait(self, kind: str, name: str) -> Iterator[tuple[Facts, Any]]:
        """The records of a kind that have a trait, and what it is."""
        for facts in self.by_kind.get(kind, ()):
            trait = facts.traits.get(name)
            if trait:
                yield facts, trait


_NO_IDS: set[str] = set()

Check = Callable[[Index], Iterator[tuple[Facts, Finding]]]
CATALOGUE_RULES: dict[str, Check] = {}


def rule(check: Check) -> Check:
    """Register a catalogue rule."""
    CATALOGUE_RULES[check.__name__.replace("_", "-")] = check
    return check


def check_catalogue(index: Index) -> list[tuple[Facts, Finding]]:
    """Findings of every catalogue rule."""
    return [found for check in CATALOGUE_RULES.values() for found in check(index)]


def check_retired(
    index: Index, retired: Sequence[Mapping[str, Any]], kinds: Sequence[str], today: date
) -> Iterator[Finding]:
    """What is wrong in the ledger of retired ids."""
    seen: set[tuple[str, str]] = set()
    for position, row in enumerate(retired):
        path = ("retired", position)
        kind, successor = row["kind"], row.get("successor")
        if kind not in kinds:
            message = f"found {kind!r}; must be one of {', '.join(kinds)}{did_you_mean(kind, kinds)}"
            yield Finding((*path, "kind"), message, "not-allowed-value")
        elif successor is not None and successor not in index.ids.get(kind, _NO_IDS) | index.broken:
            message = f"found {successor!r}, which is not in {kind}{did_you_mean(successor, index.ids.get(kind, _NO_IDS))}"
            yield Finding((*path, "successor"), message, "reference-resolves")
        if (kind, row["id"]) in seen:
            yield Finding((*path, "id"), f"found {row['id']!r} a second time", "duplicate-item")
        seen.add((kind, row["id"]))
        if row["retired_on"] > today.isoformat():
            message = f"found {row['retired_on']}; lies in the future"
            yield Finding((*path, "retired_on"), message, "date-not-in-future")


@rule
def reference_resolves(index: Index) -> Iterator[tuple[Facts, Finding]]:
    for facts in index.facts:
        for kind, ids in facts.references.items():
            if not index.ids.get(kind, _NO_IDS).issuperset(ids):
                yield from _unresolved(index, facts)
                break


def _unresolved(index: Index, facts: Facts) -> Iterator[tuple[Facts, Finding]]:
    for kind, identifier, path in index.places(facts).references:
        known = index.ids.get(kind, _NO_IDS)
        if identifier in known or identifier in index.broken:
            continue
        if (kind, identifier) in index.retired:
            successor = index.retired[kind, identifier]
            cure = f"it was retired; use {successor!r}" if successor else "it was retired without a successor"
        # A record names another one of its kind, and never itself.
        elif guess := suggest(identifier, known - {facts.id} if kind == facts.kind else known):
            cure = f"did you mean {guess!r}?"
        elif bearers := [
            other.id
            for other in index.by_kind.get(kind, ())
            if _bears(other, identifier) and other is not facts
        ]:
            cure = f"it is an identifier of {' and '.join(map(repr, bearers))}"
        elif others := [other for other, ids in index.ids.items() if identifier in ids]:
            cure = f"there is one of that name in {' and '.join(sorted(others))}"
        else:
            cure = f"there are {len(known)} {kind}, none of that name"
        yield (
            facts,
            Finding(path, f"found {identifier!r}, which is not in {kind}; {cure}", "reference-resolves"),
        )


def _bears(facts: Facts, identifier: str) -> bool:
    return any(value.lower() == identifier for _, value in facts.identifiers)


@rule
def identifier_used_once(index: Index) -> Iterator[tuple[Facts, Finding]]:
    """Said at each of the records, for nobody knows here which of them is wrong."""
    first: dict[tuple[str, str], Facts] = {}
    shared: dict[tuple[str, str], list[Facts]] = {}
    for facts in index.facts:
        for scheme, value in facts.identifiers:
            key = (scheme, value.lower())
            other = first.setdefault(key, facts)
            if other is not facts:
                shared.setdefault(key, [other]).append(facts)
    for (scheme, folded), bearers in shared.items():
        for facts in bearers:
            value = next(v for name, v in facts.identifiers if (name, v.lower()) == (scheme, folded))
            others = ", ".join(other.file for other in bearers if other is not facts)
            message = f"found {scheme} {value}, which stands in {others} too; mend it where it is wrong, or merge the records"
            path = index.places(facts).codes.get((scheme, value), (scheme,))
            yield facts, Finding(path, message, "identifier-used-once")


@rule
def retired_id_not_reused(index: Index) -> Iterator[tuple[Facts, Finding]]:
    for facts in index.facts:
        if (facts.kind, facts.id) in index.retired:
            message = f"found {facts.id!r}, which was retired and is never used again"
            yield facts, Finding(("id",), message, "retired-id-not-reused")


@rule
def no_sentence_twice(index: Index) -> Iterator[tuple[Facts, Finding]]:
    first: dict[str, Facts] = {}
    for facts in index.facts:
        owners = [first.setdefault(digest, facts) for digest in facts.sentences]
        if all(owner is facts for owner in owners):
            continue
        for digest, path in index.places(facts).sentences:
            other = first[digest]
            if other is not facts:
                message = f"a sentence here stands word for word in {other.file} too"
                yield facts, Finding(path, message, "no-sentence-twice")


@rule
def shared_registration_is_related(index: Index) -> Iterator[tuple[Facts, Finding]]:
    """Two papers with one registration must hang on one trial, or the trial would count twice."""
    studies = {facts.id for facts in index.by_kind.get("studies", ())}
    # Papers of one trial hang together although its main record is broken; what that one says itself nobody knows yet.
    known = studies | index.broken
    cluster = _Clusters(known)
    for facts, related in index.with_trait("studies", "related"):
        for target, _ in related:
            if target in known:
                cluster.join(facts.id, target)
    unsettled = {cluster.root(identifier) for identifier in index.broken}
    by_number: dict[str, list[Facts]] = defaultdict(list)
    for facts, registry in index.with_trait("studies", "registry"):
        for number in registry:
            by_number[number].append(facts)
    for number, members in sorted(by_number.items()):
        first = cluster.root(members[0].id)
        for facts in members[1:]:
            if cluster.root(facts.id) != first and not {cluster.root(facts.id), first} & unsettled:
                message = f"shares {number} with {members[0].id!r}, but no relation ties the two together"
                yield facts, Finding(("registry",), message, "shared-registration-is-related")


@rule
def relations_not_circular(index: Index) -> Iterator[tuple[Facts, Finding]]:
    """Of the papers of one trial one must be the report that the others hang on, or none would count."""
    related = {
        facts.id: [
            (place, target) for place, (target, type_) in enumerate(relations) if type_ != "comments_on"
        ]
        for facts, relations in index.with_trait("studies", "related")
    }
    edges = {(study, target) for study, relations in related.items() for _, target in relations}
    on_circles: set[tuple[str, str]] = set()
    while edges != on_circles:
        # What begins or ends a chain is on no circle; then its neighbour begins or ends one.
        on_circles = edges
        starts, ends = map(set, zip(*edges, strict=True)) if edges else (set(), set())
        edges = {(study, target) for study, target in edges if study in ends and target in starts}
    for facts in index.by_kind.get("studies", ()):
        for place, target in related.get(facts.id, ()):
            if (facts.id, target) in on_circles:
                message = f"found {target!r}, which by its own relations hangs on this study; remove one of the relations"
                yield facts, Finding(("relations", place, "study"), message, "relations-not-circular")


class _Clusters:
    """Disjoint sets of study ids."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parent = {identifier: identifier for identifier in ids}

    def root(self, identifier: str) -> str:
        while self._parent[identifier] != identifier:
            self._parent[identifier] = self._parent[self._parent[identifier]]
            identifier = self._parent[identifier]
        return identifier

    def join(self, left: str, right: str) -> None:
        left, right = sorted((self.root(left), self.root(right)))
        self._parent[right] = left


@rule
def retracted_support_is_said(index: Index) -> Iterator[tuple[Facts, Finding]]:
    retracted = {facts.id for facts, _ in index.with_trait("studies", "retracted")}
    for kind in index.by_kind if retracted else ():
        for facts, support in index.with_trait(kind, "support"):
            for study, path, note in support:
                if study in retracted and "retract" not in note.lower():
                    message = (
                        f"{study!r} is retracted; say so in the note or reason, or do not cite it as support"
                    )
                    yield facts, Finding(tuple(path), message, "retracted-support-is-said")


@rule
def trial_report_is_registered(index: Index) -> Iterator[tuple[Facts, Finding]]:
    """A report that carries a registry number carries the trial's."""
    registered = {facts.id: set(registry) for facts, registry in index.with_trait("studies", "registry")}
    for facts, reported_by in index.with_trait("trials", "reported_by"):
        numbers = set(facts.traits.get("numbers", ()))
        for position, study in enumerate(reported_by):
            carried = registered.get(study, set())
            if carried and not carried & numbers:
                message = (
                    f"{study!r} carries {', '.join(sorted(carried))}, none of which is this trial's number"
                )
                yield facts, Finding(("reported_by", position), message, "trial-report-is-registered")


@rule
def group_member_is_no_group(index: Index) -> Iterator[tuple[Facts, Finding]]:
    groups = {facts.id for facts, _ in index.with_trait("conditions", "members")}
    for facts, members in index.with_trait("conditions", "members"):
        for position, member in enumerate(members):
            if member in groups:
                message = f"{member!r} is a group itself; list its members instead"
                yield facts, Finding(("group_of", position), message, "group-member-is-no-group")

"""What the tier rule is told about a study: the few facts that decide, and nothing else.

The appraisal turns a record into one of these; the engine in ``tiers`` reads only these. Every vocabulary is
a plain string that ``schema/tiers.yml`` names, so that the engine has no list of its own to keep in step.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["PooledEvidence", "StudyEvidence"]


class StudyEvidence(Struct, frozen=True, kw_only=True, array_like=True):
    """One record of a study, as it bears on one condition.

    Attributes:
        id: The record's id.
        trial: Id of the independent unit the record belongs to: the parent trial's id for a secondary paper,
            a protocol or a preprint; the record's own id otherwise. Records with one ``trial`` count once.
        role: What the record is to its trial: ``report``, ``preprint``, ``conference_abstract``,
            ``registration``, ``secondary``, ``protocol`` or ``correction``.
        year: Year of publication; None when it is not known.
        design: ``randomised``, ``nonrandomised_controlled``, ``uncontrolled``, ``case_report``, ``review``,
            ``preclinical``, ``protocol``, ...
        blinding: ``double_blind``, ``single_blind``, ``open_label``, ``unknown``, ...
        comparator: ``placebo``, ``no_treatment``, ``usual_care``, ``active``, ``other_dose``, ``none`` or
            ``unknown``. A null result means something else beside placebo than beside a working drug.
        primary_direction: Direction of the primary outcome: ``favourable``, ``null``, ``unfavourable``,
            ``mixed`` (co-primary outcomes, or no primary outcome named, that disagree), ``unclear``,
            ``not_comparable``, or ``improvement_reported`` (better than before, with nothing to compare to).
            A primary outcome that no patient can feel (a cytokine, a drug level) makes it ``unclear``.
        participants: People analysed, else randomised, else enrolled; None when not known.
        dose_class: ``low``, ``ultra_low``, ``standard``, ``topical``, ``unknown``, ...
        route: ``oral``, ``topical``, ``unknown``, ...
        verification_depth: ``full_text``, ``abstract``, ``registry``, ``secondary`` or ``unverified``.
        retracted: True for a retracted record. A retracted report takes its whole trial with it.
        attributable: False when the contrast does not isolate the treatment (given only with another one).
        group: Key of the research group; None when unknown, which is never taken for independent of another.
        is_pooled: True for a published meta-analysis; ``design`` then is the design of what was pooled.
        domain: Outcome domain of a pooled estimate; None when unknown.
        pooled_trials: How many trials were pooled; None when unknown.
        included: Trial ids that a meta-analysis pooled; None when the list is not known.
    """

    id: str
    trial: str
    design: str
    primary_direction: str
    year: int | None = None
    role: str = "report"
    blinding: str = "unknown"
    comparator: str = "unknown"
    participants: int | None = None
    dose_class: str = "unknown"
    route: str = "unknown"
    verification_depth: str = "unverified"
    retracted: bool = False
    attributable: bool = True
    group: str | None = None
    is_pooled: bool = False
    domain: str | None = None
    pooled_trials: int | None = None
    included: frozenset[str] | None = None


class PooledEvidence(Struct, frozen=True, kw_only=True):
    """A pooled estimate computed from the stored trials of one condition and one outcome domain.

    Attributes:
        id: A name for it in the trace (not a record's id).
        domain: Outcome domain.
        direction: ``favourable`` or ``unfavourable`` when the interval excludes no effect, ``null`` when not.
        pooled_trials: How many trials it pools.
        participants: People in those trials; None when one of them has no known number.
        trials: Ids of those trials.
        year: Year of the newest trial in it, from which on the history may use it; None keeps it out of the
            history. Of several estimates of one domain, the newest speaks (None is newest).
    """

    id: str
    domain: str
    direction: str
    pooled_trials: int
    participants: int | None
    trials: frozenset[str]
    year: int | None = None

"""Effects of single comparisons: from the arms as stored, or from an effect as printed.

Pure functions over small value classes; nothing here knows of records, databases or a particular drug.
An effect is always *intervention compared with comparator*: a difference is intervention minus comparator, a
ratio is intervention over comparator. Which way is better belongs to the outcome and never changes the stored
value; see :func:`favours`.

As the data flows: the ``model``, what an arm says (``arms``), effects between ``two_arms``, from ``paired`` results and as
``printed``, and their ``reading``.

A function that cannot compute returns :class:`NotComputed` with the reason, in words for the person who reads
it. An unknown value (``None``) is never replaced by a number. ``Handbook`` is the Cochrane Handbook for
Systematic Reviews of Interventions, version 6.
"""

from __future__ import annotations

from ldn_evidence.appraise.effects.arms import (
    combine_arms,
    event_count,
    events_from_percent,
    median_to_mean,
    pooled_standard_deviation_from_p,
    standard_deviation,
    standard_error_from_p,
)
from ldn_evidence.appraise.effects.model import (
    ArmResult,
    Better,
    Effect,
    Favours,
    Kind,
    MidReading,
    NotComputed,
    PairedResult,
    PrintedEffect,
    StandardDeviation,
)
from ldn_evidence.appraise.effects.paired import crossover_with_imputed_correlation, paired_difference
from ldn_evidence.appraise.effects.printed import MEDIANS_GIVE_NO_ERROR, as_fraction, effect_from_printed
from ldn_evidence.appraise.effects.reading import favours, p_of, read_against_mid, with_ci_level
from ldn_evidence.appraise.effects.two_arms import (
    CONTINUITY_CORRECTION,
    compare_arms,
    compare_arms_by,
    mean_difference,
    odds_ratio,
    refuse_design,
    risk_difference,
    risk_ratio,
    small_sample_correction,
    standardised_mean_difference,
)

__all__ = [
    "CONTINUITY_CORRECTION",
    "MEDIANS_GIVE_NO_ERROR",
    "ArmResult",
    "Better",
    "Effect",
    "Favours",
    "Kind",
    "MidReading",
    "NotComputed",
    "PairedResult",
    "PrintedEffect",
    "StandardDeviation",
    "as_fraction",
    "combine_arms",
    "compare_arms",
    "compare_arms_by",
    "crossover_with_imputed_correlation",
    "effect_from_printed",
    "event_count",
    "events_from_percent",
    "favours",
    "mean_difference",
    "median_to_mean",
    "odds_ratio",
    "p_of",
    "paired_difference",
    "pooled_standard_deviation_from_p",
    "read_against_mid",
    "refuse_design",
    "risk_difference",
    "risk_ratio",
    "small_sample_correction",
    "standard_deviation",
    "standard_error_from_p",
    "standardised_mean_difference",
    "with_ci_level",
]

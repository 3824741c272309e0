"""Pooling of independent effects: fixed and random effects, heterogeneity, and methods for rare events.

Why not a package: statsmodels has no REML, and it and PyMARE bring pandas and take 1 to 2 seconds to import.
So the sums stand here over SciPy's distributions, and the tests hold them to the digits that metafor prints.

Everything is on the analysis scale (the logarithm for ratios); :meth:`Estimate.natural` leads back. All sums
use ``math.fsum``, so the order of the inputs cannot change a digit. What may be pooled is not decided here.

As the data flows: ``estimates``, the variance ``between_studies``, ``inverse_variance``, and ``events`` for rare ones.
"""

from __future__ import annotations

from ldn_evidence.appraise.pooling.estimates import (
    METHODS,
    Estimate,
    Method,
    Pooled,
    PoolInput,
    Weighable,
    pool_input,
    pooled_effect,
)
from ldn_evidence.appraise.pooling.events import EventsInput, PooledEvents, pool_events
from ldn_evidence.appraise.pooling.inverse_variance import leave_one_out, pool, values_without_each

__all__ = [
    "METHODS",
    "Estimate",
    "EventsInput",
    "Method",
    "PoolInput",
    "Pooled",
    "PooledEvents",
    "Weighable",
    "leave_one_out",
    "pool",
    "pool_events",
    "pool_input",
    "pooled_effect",
    "values_without_each",
]

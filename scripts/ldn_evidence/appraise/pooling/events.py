"""Pooling of events without a continuity correction: Mantel-Haenszel and Peto."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from ldn_evidence.appraise.effects import NotComputed
from ldn_evidence.appraise.pooling.estimates import Estimate, heterogeneity, normal_estimate, weighted_squares


class EventsInput(Struct, frozen=True):
    """Events and totals of one study: arm 1 is the intervention, arm 2 the comparator."""

    id: str
    events_1: int
    total_1: int
    events_2: int
    total_2: int


class PooledEvents(Struct, frozen=True):
    """Pooled events; estimate on the analysis scale. ``uninformative`` lists studies that add nothing."""

    measure: str
    method: Literal["Mantel-Haenszel", "Peto"]
    ids: tuple[str, ...]
    estimate: Estimate
    q: float
    degrees_of_freedom: int
    q_p: float | None
    i_squared: float | None
    uninformative: tuple[str, ...]
    note: str


def pool_events(
    inputs: Sequence[EventsInput],
    measure: Literal["RR", "OR", "RD"],
    method: Literal["Mantel-Haenszel", "Peto"] = "Mantel-Haenszel",
    *,
    ci_level: float = 0.95,
) -> PooledEvents | NotComputed:
    """Fixed-effect pooling of events, no continuity correction in the sums (Handbook 10.4.1 to 10.4.4).

    Mantel-Haenszel: variances of Robins, Breslow and Greenland 1986 (OR), Greenland and Robins 1985 (RR), and
    Sato, Greenland and Robins 1989 (RD); studies with a zero in one arm count as they are. Peto (odds ratio
    only): observed minus expected, meant for rare events and arms of similar size. Studies in which nobody or
    everybody had the event say nothing about a ratio and are listed in ``uninformative``; for an RD they
    count. In Q alone, tables with a zero cell get 0.5 in all cells under Mantel-Haenszel. Refused with the
    reason where the estimate is not defined. Raises ValueError for impossible counts, repeated ids, no
    inputs, or Peto with another measure than OR.
    """
    if method == "Peto" and measure != "OR":
        raise ValueError(f"Peto's method gives an odds ratio, not {measure}")
    _check_events(inputs)
    uninformative = tuple(item.id for item in inputs if _says_nothing(item)) if measure != "RD" else ()
    used = [item for item in inputs if item.id not in uninformative]
    if not used:
        return NotComputed("in no study did some but not all participants have the event")
    if method == "Peto":
        return _peto(used, inputs, uninformative, ci_level)
    return _mantel_haenszel(used, inputs, measure, uninformative, ci_level)


def _check_events(inputs: Sequence[EventsInput]) -> None:
    if not inputs:
        raise ValueError("there is nothing to pool")
    if len({item.id for item in inputs}) < len(inputs):
        raise ValueError("the same id occurs twice: studies must be counted once")
    for item in inputs:
        for events, total in ((item.events_1, item.total_1), (item.events_2, item.total_2)):
            if total < 1 or not 0 <= events <= total:
                raise ValueError(f"{item.id}: {events} events among {total} participants")


def _says_nothing(item: EventsInput) -> bool:
    events = item.events_1 + item.events_2
    return events in (0, item.total_1 + item.total_2)


def _peto(
    used: list[EventsInput], inputs: Sequence[EventsInput], uninformative: tuple[str, ...], ci_level: float
) -> PooledEvents:
    """Peto's one-step odds ratio (Yusuf and others 1985; Handbook 10.4.2)."""
    excesses, variances = [], []
    for item in used:
        total, events = item.total_1 + item.total_2, item.events_1 + item.events_2
        excesses.append(item.events_1 - item.total_1 * events / total)
        variances.append(item.total_1 * item.total_2 * events * (total - events) / (total**2 * (total - 1)))
    precision = math.fsum(variances)
    log_ratio = math.fsum(excesses) / precision
    values = [excess / variance for excess, variance in zip(excesses, variances, strict=True)]
    q = weighted_squares(values, variances, log_ratio)
    estimate = normal_estimate(log_ratio, 1 / math.sqrt(precision), ci_level)
    return _pooled_events("OR", "Peto", inputs, used, estimate, q, uninformative, "no continuity correction")


def _mantel_haenszel(
    used: list[EventsInput],
    inputs: Sequence[EventsInput],
    measure: Literal["RR", "OR", "RD"],
    uninformative: tuple[str, ...],
    ci_level: float,
) -> PooledEvents | NotComputed:
    tables = [
        (
            float(item.events_1),
            float(item.total_1 - item.events_1),
            float(item.events_2),
            float(item.total_2 - item.events_2),
        )
        for item in used
    ]
    moments = {"OR": _mantel_haenszel_or, "RR": _mantel_haenszel_rr, "RD": _mantel_haenszel_rd}[measure](
        tables
    )
    if isinstance(moments, NotComputed):
        return moments
    value, variance = moments
    if variance <= 0:
        return NotComputed("the pooled estimate has no variance")
    weights, values = [], []
    corrected = False
    for table in tables:
        a, b, c, d = table
        if min(table) == 0:
            a, b, c, d = (cell + 0.5 for cell in table)
            corrected = True
        n_1, n_2 = a + b, c + d
        if measure == "OR":
            values.append(math.log(a * d / (b * c)))
            weights.append(1 / (1 / a + 1 / b + 1 / c + 1 / d))
        elif measure == "RR":
            values.append(math.log((a / n_1) / (c / n_2)))
            weights.append(1 / (1 / a - 1 / n_1 + 1 / c - 1 / n_2))
        else:
            values.append(a / n_1 - c / n_2)
            weights.append(1 / (a * b / n_1**3 + c * d / n_2**3))
    q = weighted_squares(values, weights, value)
    estimate = normal_estimate(value, math.sqrt(variance), ci_level)
    note = "no continuity correction" + (
        "; in Q, 0.5 in all cells of tables with a zero" if corrected else ""
    )
    return _pooled_events(measure, "Mantel-Haenszel", inputs, used, estimate, q, uninformative, note)


def _pooled_events(
    measure: str,
    method: Literal["Mantel-Haenszel", "Peto"],
    inputs: Sequence[EventsInput],
    used: list[EventsInput],
    estimate: Estimate,
    q: float,
    uninformative: tuple[str, ...],
    note: str,
) -> PooledEvents:
    degrees_of_freedom = len(used) - 1
    q_p = i_squared = None
    if degrees_of_freedom > 0:
        q_p, i_squared = heterogeneity(q, degrees_of_freedom)
    return PooledEvents(
        measure=measure,
        method=method,
        ids=tuple(item.id for item in inputs),
        estimate=estimate,
        q=q,
        degrees_of_freedom=degrees_of_freedom,
        q_p=q_p,
        i_squared=i_squared,
        uninformative=uninformative,
        note=note,
    )


_Cells = tuple[float, float, float, float]


def _mantel_haenszel_or(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Log odds ratio and its variance (Robins, Breslow and Greenland 1986)."""
    sizes = [sum(table) for table in tables]
    r = [a * d / n for (a, _, _, d), n in zip(tables, sizes, strict=True)]
    s = [b * c / n for (_, b, c, _), n in zip(tables, sizes, strict=True)]
    p = [(a + d) / n for (a, _, _, d), n in zip(tables, sizes, strict=True)]
    total_r, total_s = math.fsum(r), math.fsum(s)
    if total_r == 0 or total_s == 0:
        return NotComputed(
            "the Mantel-Haenszel odds ratio is not defined: one arm has no events, or nothing but events"
        )
    shares = list(zip(p, r, s, strict=True))
    variance = (
        math.fsum(share * x for share, x, _ in shares) / (2 * total_r**2)
        + math.fsum(share * y + (1 - share) * x for share, x, y in shares) / (2 * total_r * total_s)
        + math.fsum((1 - share) * y for share, _, y in shares) / (2 * total_s**2)
    )
    return math.log(total_r / total_s), variance


def _mantel_haenszel_rr(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Log risk ratio and its variance (Greenland and Robins 1985)."""
    r = math.fsum(a * (c + d) / (a + b + c + d) for a, b, c, d in tables)
    s = math.fsum(c * (a + b) / (a + b + c + d) for a, b, c, d in tables)
    if r == 0 or s == 0:
        return NotComputed(
            "the Mantel-Haenszel risk ratio is not defined: one arm has no events in any study"
        )
    spread = math.fsum(
        ((a + b) * (c + d) * (a + c) - a * c * (a + b + c + d)) / (a + b + c + d) ** 2
        for a, b, c, d in tables
    )
    return math.log(r / s), spread / (r * s)


def _mantel_haenszel_rd(tables: list[_Cells]) -> tuple[float, float] | NotComputed:
    """Risk difference and its variance (Sato, Greenland and Robins 1989)."""
    weight = math.fsum((a + b) * (c + d) / (a + b + c + d) for a, b, c, d in tables)
    difference = math.fsum((a * (c + d) - c * (a + b)) / (a + b + c + d) for a, b, c, d in tables) / weight
    slope = math.fsum(
        c * ((a + b) / (a + b + c + d)) ** 2
        - a * ((c + d) / (a + b + c + d)) ** 2
        + ((a + b) * (c + d) / (a + b + c + d) ** 2) * ((c + d) - (a + b)) / 2
        for a, b, c, d in tables
    )
    level = math.fsum((a * d + c * b) / (a + b + c + d) for a, b, c, d in tables) / 2
    return difference, (difference * slope + level) / weight**2

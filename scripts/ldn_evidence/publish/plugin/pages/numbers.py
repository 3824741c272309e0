"""Numbers and dates as people read them: a true minus sign, no false precision, printed forms kept."""

from __future__ import annotations

import json
import re
from datetime import date

# A day in a sentence; not part of an address or a number in a register.
_DAY = re.compile(r"(?<![\w./=-])(?:19|20)\d\d-[01]\d-[0-3]\d(?![\w/-])")


def stored(value: float | int | None) -> str:
    """A number as stored, without a needless `.0`."""
    if value is None:
        return ""
    text = f"{value:,.10g}"
    return text.replace("-", "−")


def estimate(value: float | None) -> str:
    """A computed number: two decimals below ten, one below a hundred, none above."""
    if value is None:
        return ""
    size = abs(value)
    decimals = 2 if size < 10 else 1 if size < 100 else 0
    text = f"{value:,.{decimals}f}"
    if size and not float(text.replace(",", "")):
        text = f"{value:.1g}"
    return text.replace("-", "−")


def count(value: int | float | None) -> str:
    """A whole number with separators; `?` where unknown."""
    return "?" if value is None else f"{int(value):,}"


def counted(value: float | None, one: str, many: str) -> str:
    """`1 person`, `31 people`, `? people`."""
    text = "?" if value is None else stored(value)
    return f"{text} {one if value == 1 else many}"


def printed(value: float | None, forms: str | None, name: str) -> str:
    """A stored number in the form in which its source prints it, where that differs."""
    if forms:
        form = json.loads(forms).get(name)
        if form is not None:
            return str(form).replace("-", "−")
    return stored(value)


def span(
    low: float | None, high: float | None, forms: str | None = None, names: tuple[str, str] = ("", "")
) -> str:
    """`1–4.5`, `up to 4.5` or `from 2`; one number where both ends are the same, nothing where neither is known.

    With the printed `forms` of a row and the names of both ends, as printed.
    """
    lowest, highest = printed(low, forms, names[0]), printed(high, forms, names[1])
    if low is None and high is None:
        return ""
    if low is None:
        return f"up to {highest}"
    if high is None:
        return f"from {lowest}"
    return lowest if low == high else f"{lowest}–{highest}"


def interval(low: str, high: str, level: float | None = None) -> str:
    """`95% CI −0.95 to 0.27`; an end that is not known is named."""
    if not low and not high:
        return ""
    return f"{stored(level or 95)}% CI {low or '?'} to {high or '?'}"


def p_value(text: str | None) -> str:
    """A P value as printed, with its sign; it is not torn apart at the end of a line."""
    if not text:
        return ""
    text = _signs(text.strip())
    if text[:1].isdigit() or text[:1] == ".":
        text = f"= {text}"
    return "P\u00a0" + re.sub(r"^([=<>≤≥])\s*", "\\1\u00a0", text)


def minus(text: str | None) -> str:
    """Text with the signs of print: a minus before a digit, a dash in a range of numbers, ≤ and ≥, days in words."""
    text = _DAY.sub(lambda found: day(found[0]), text or "")
    text = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    return _signs(
        re.sub(r"(?<![\w.,/–-])(\d{1,3}(?:\.\d+)?)-(\d{1,3}(?:\.\d+)?)(?![\w–-]|[.,]\d)", r"\1–\2", text)
    )


def _signs(text: str) -> str:
    return text.replace("<=", "≤").replace(">=", "≥")


def day(text: str | None) -> str:
    """`2026-11-21` as `21 November 2026`, `2026-11` as `November 2026`; anything else as it is."""
    if not text:
        return ""
    try:
        if len(text) == 7:
            return date.fromisoformat(f"{text}-01").strftime("%B %Y")
        moment = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%B %Y}"


def sentences(text: str | None) -> list[str]:
    """The sentences of a text; a full stop ends one only before a capital letter."""
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])", (text or "").strip()) if part]

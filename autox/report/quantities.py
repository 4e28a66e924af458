"""Numbers as people read them: three significant digits, a unit of fitting size, and how far from a limit.

Every form of the report writes its numbers with these, so that the same figure looks the same everywhere; who needs
all digits takes the JSON form. Rejected: the locale's separators (the same result must give the same bytes).
"""

import math
from datetime import UTC, datetime

from autox.model.result import SLO

LIMIT_DIGITS = 6  # of a limit, which somebody wrote down: 384.2 ms is not 384 ms
_DIGITS = 3
_MOST_DIGITS = 17  # a float has no more

# For a unit: from which size on a value is told in which other unit, and the factor to it; largest first.
_SCALES = {
    "ms": ((1e3, 1e-3, "s"), (0.1, 1.0, "ms"), (0.0, 1e3, "µs")),
    "s": ((1.0, 1.0, "s"), (1e-4, 1e3, "ms"), (0.0, 1e6, "µs")),
    "MiB": ((1024.0, 1 / 1024, "GiB"), (0.0, 1.0, "MiB")),
}
_PER_SECOND = "1/s"


def quantity(value: float | None, unit: str, *, digits: int = _DIGITS) -> str:
    """``0.42 ms``, ``1.2 s``, ``12,345``, ``8.01/s``; ``no data`` for None.

    Args:
        value: in ``unit``; may be any float.
        unit: of a metric; empty for a count or a ratio.
        digits: how many significant digits a fraction has at most; whole numbers keep all of theirs.
    """
    if value is None:
        return "no data"
    if value and math.isfinite(value):
        for smallest, factor, other in _SCALES.get(unit, ()):
            if abs(value) >= smallest:
                value, unit = value * factor, other
                break
    if unit == _PER_SECOND:
        return f"{_number(value, digits)}/s"
    return f"{_number(value, digits)} {unit}" if unit else _number(value, digits)


def against(limit: float, observed: float | None, unit: str) -> tuple[str, str]:
    """A limit and what was observed, with as many digits as it takes to see on which side it is.

    NB: three digits are not enough for 384.3 ms beside a limit of 384.2 ms: 384 ms would look as if it met it.

    Args:
        limit: in ``unit``; may be infinite.
        observed: the same; None if there is no data.
        unit: of the metric; empty for a count or a ratio.
    """
    digits = LIMIT_DIGITS if observed == limit else _DIGITS
    if observed is not None and observed != limit and math.isfinite(observed) and math.isfinite(limit):
        apart = abs(observed / 2 - limit / 2) / max(abs(observed), abs(limit)) * 2
        # NB: of the smallest floats there is no half: they are as close to 0 as figures can be.
        needed = 2 + math.ceil(-math.log10(apart)) if apart else _MOST_DIGITS
        digits = min(_MOST_DIGITS, max(_DIGITS, needed))
    return quantity(limit, unit, digits=max(digits, LIMIT_DIGITS)), quantity(observed, unit, digits=digits)


def distance(slo: SLO, observed: float | None, unit: str) -> str:
    """How far the observed value is from the limit: ``2.3x``, ``38% below``, ``exactly``; empty if unknown.

    Args:
        slo: its limit is in ``unit``, too.
        observed: in ``unit``; None if there is no data.
        unit: of the metric; empty for a count or a ratio.
    """
    if observed is None or not math.isfinite(observed) or not math.isfinite(slo.limit):
        return ""
    difference = observed - slo.limit
    if difference == 0:
        return "exactly"
    side = "above" if difference > 0 else "below"
    if slo.limit <= 0 or observed < 0:
        return f"{quantity(abs(difference), unit, digits=2)} {side}"
    ratio = observed / slo.limit
    if ratio >= 2:
        return f"{_number(ratio, 3)}x"
    return f"{_number(100 * abs(difference) / slo.limit, 2)}% {side}"


def count(number: int, noun: str) -> str:
    """``1 loop``, ``1,000 loops``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """``0.42 ms``, ``12.3 s``, ``2 min 5 s``, ``3 h 12 min``, ``2 d 3 h``."""
    if not seconds < 1e12 or seconds < 59.95:
        return quantity(seconds, "s")
    whole = round(seconds)
    for size, unit, smaller, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size:,} {unit}" + (f" {rest} {below}" if rest else "")
    return quantity(seconds, "s")


def moment(when: datetime) -> str:
    """``2026-11-02 10:00:12 UTC``, wherever the reader is."""
    try:
        utc = _aware(when).astimezone(UTC)
    except OverflowError:  # in the first or last hours of the calendar
        return when.isoformat(sep=" ", timespec="seconds")
    return f"{utc.replace(tzinfo=None).isoformat(sep=' ', timespec='seconds')} UTC"


def between(start: datetime, end: datetime) -> str:
    """The time from one moment to another."""
    return duration((_aware(end) - _aware(start)).total_seconds())


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if not -6 <= power < 15:
        return f"{value:.{digits - 1}e}"
    text = f"{value:,.{max(0, digits - 1 - power)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

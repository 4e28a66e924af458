"""The names of the percentiles of the HTTP latency: ``http/latency-p99.9`` and its like, read and written.

Next door to ``assessing``, which looks metrics up by name; which metrics there are is said by ``autox.api.tasks``.
"""

import re

PERCENT = r"([1-9][0-9]?(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)"
"""A number above 0 and below 100, in the part of regular expressions that Python, Go and JSON Schema share."""

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Of the HTTP latency: measured whether asked for or not."""

_PERCENTILE = re.compile(rf"http/latency-p({PERCENT})", re.ASCII)


def percentile(metric: str) -> float | None:
    """The percentile that an ``http/latency-pN`` stands for; None for any other metric."""
    found = _PERCENTILE.fullmatch(metric)
    return float(found[1]) if found else None


def percentile_metric(percent: float) -> str:
    """The one name of a latency percentile: ``http/latency-p99.9``, and ``http/latency-p50`` for 50.0."""
    return f"http/latency-p{percent:.12g}"


def canonical(metric: str) -> str:
    """The metric's one name: a percentile may be written in more ways than one."""
    percent = percentile(metric)
    return metric if percent is None else percentile_metric(percent)

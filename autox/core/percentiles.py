"""The names of the percentiles of a task's latency: ``http/latency-p99.9`` and its like, read and written.

Next door to ``assessing``, which looks metrics up by name; which metrics there are is said by ``autox.api.tasks``.
"""

import re

PERCENT = r"([1-9][0-9]?(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)"
"""A number above 0 and below 100, in the part of regular expressions that Python, Go and JSON Schema share."""

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Of a latency: measured whether asked for or not."""

_PERCENTILE = re.compile(rf"(?P<task>[a-z0-9-]+)/latency-p(?P<percent>{PERCENT})", re.ASCII)


def percentile(metric: str) -> float | None:
    """The percentile that a ``TASK/latency-pN`` stands for; None for any other metric."""
    found = _PERCENTILE.fullmatch(metric)
    return float(found["percent"]) if found else None


def percentile_metric(task: str, percent: float) -> str:
    """The one name of a percentile of a task's latency: ``http/latency-p99.9``, and ``http/latency-p50`` for 50.0."""
    return f"{task}/latency-p{percent:.12g}"


def canonical(metric: str) -> str:
    """The metric's one name: a percentile may be written in more ways than one."""
    found = _PERCENTILE.fullmatch(metric)
    return percentile_metric(found["task"], float(found["percent"])) if found else metric

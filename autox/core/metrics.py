"""Which metrics each task makes: what an SLO may be about.

A name is ``TASK/REST``; the patterns here are those of the rest. They are regular expressions that Python, Go and
JSON Schema read alike, because Helm checks an SLO's metric by them too (``autox.api.values``).
"""

import re
from collections.abc import Mapping

_PERCENT = r"([1-9][0-9]?(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)"  # 0 < p < 100
PATTERNS: Mapping[str, str] = {
    "http": rf"request-count|sent-count|answer-count|error-count|error-rate|latency-(mean|stddev|min|max|p{_PERCENT})",
    "density": (
        r"pod-startup-latency-(p50|p90|p99)(/(created-to-seen|seen-to-bound|bound-to-running))?"
        r"|pod-startup-latency-(mean|max)|pods-(as-asked|created|running|failed)|arrival-rate|scheduling-throughput"
        r"|lease-lateness-(p99|max)"
        r"|(api-call-latency|api-request-duration)-(p50|p90|p99)(/[A-Z]+/[a-z0-9.-]+(/[a-z0-9.-]+)?)?"
    ),
}
"""By task: the names of its metrics, without ``TASK/``; the tasks not here make none."""

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Of the HTTP latency: measured whether asked for or not."""

_EXAMPLES = {
    "http": "error-count, error-rate, latency-mean, latency-p99",
    "density": "pod-startup-latency-p99, api-call-latency-p99, pods-running, scheduling-throughput",
}
_DISTRIBUTIONS = {"http/latency": "http/latency-p99", "density/pod-startup-latency": "density/pod-startup-latency-p99"}
_COMPILED = {task: re.compile(pattern, re.ASCII) for task, pattern in PATTERNS.items()}
_PERCENTILE = re.compile(rf"http/latency-p({_PERCENT})", re.ASCII)


def maker(metric: str) -> str:
    """The task that makes a metric of this name; empty if none does."""
    task, _, rest = metric.partition("/")
    return task if task in _COMPILED and _COMPILED[task].fullmatch(rest) else ""


def why_not_made(metric: str) -> str:
    """Why no task makes a metric of this name, with one that is made; for names that ``maker`` does not know."""
    if metric in _DISTRIBUTIONS:
        return f"{metric} is a distribution; name a figure of it, such as {_DISTRIBUTIONS[metric]}"
    task = metric.partition("/")[0]
    if task in _EXAMPLES:
        return f"task {task} makes no metric {metric}; it makes {_EXAMPLES[task]} and others"
    return f"no task makes the metric {metric}; names begin with {' or '.join(f'{name}/' for name in PATTERNS)}"


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

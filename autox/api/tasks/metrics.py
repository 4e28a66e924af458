"""The metrics of tasks: names, units and meanings, each said once.

A task that has measured asks here for its metrics; what an SLO may be about is checked by the same families, and the
reference page lists them. What only a run knows (of how many calls, which percentile) stands in braces in a meaning.
The names of percentiles of a task's latency, ``http/latency-p99.9`` and its like, are read and written here, too.

Rejected: labels for statistics and places, as Prometheus has them. What SLOs and results have is names.
"""

import re
from dataclasses import dataclass

from autox.model.result import Metric

_BRACED = re.compile(r"\{([^}]*)\}")
PERCENT = r"([1-9][0-9]?(\.[0-9]+)?|0?\.[0-9]*[1-9][0-9]*)"
"""A number above 0 and below 100, in the part of regular expressions that Python, Go and JSON Schema share."""

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Of a latency: measured whether asked for or not."""

_PERCENTILE = re.compile(rf"(?P<task>[a-z0-9-]+)/latency-p(?P<percent>{PERCENT})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFamily:
    """Metrics that mean one thing: one, or several that differ by a statistic or a place alone.

    Attributes:
        pattern: of the names without ``TASK/``, whole, in the part of regular expressions that Python, Go and JSON
            Schema share, because Helm checks an SLO's metric by it too.
        example: one of these names.
        unit: ``ms`` or ``1/s``; empty for a count or a ratio.
        help: what they mean, one sentence; in braces, what a run puts in.
        figure: of what no SLO can be about, a distribution or a best case: a figure that one can be about; else empty.
    """

    pattern: str
    example: str
    unit: str = ""
    help: str
    figure: str = ""

    def has(self, rest: str) -> bool:
        """Whether ``TASK/rest`` is one of them."""
        return re.fullmatch(self.pattern, rest, re.ASCII) is not None

    @property
    def meaning(self) -> str:
        """What they mean, of no run in particular."""
        return _BRACED.sub(r"\1", self.help)

    def measured(self, name: str, value: float | None, *known: str) -> Metric:
        """One of them with its value.

        Args:
            name: with ``TASK/``.
            value: in ``unit``; None if there was nothing to measure.
            known: for each pair of braces in ``help``: what this run puts there.
        """
        told = iter(known)
        return Metric(name=name, unit=self.unit, value=value, help=_BRACED.sub(lambda _: next(told), self.help))


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

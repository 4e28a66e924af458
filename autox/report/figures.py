"""The metrics of a task, sorted into what is read as a list, what side by side, and what as a picture.

A family such as ``density/api-call-latency-p99/POST/pods`` with its resources, verbs and percentiles is a table of
its own, the slowest first; so is anything else that is named alike. A metric with buckets is drawn.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from autox.model.result import Bucket, Metric, SLOOutcome
from autox.report.legible import NAME, legible
from autox.report.quantities import LIMIT_DIGITS, count, quantity
from autox.report.sections import Breakdown, BreakdownRow, Distribution, MetricRow, Position

HELP = 240  # characters
LARGEST = 1e15  # what lies further out is told in words: no axis reaches that far
_SHARED = 3  # so many lines of a family make a table
_BROKEN_DOWN = re.compile(r"(?P<family>[^/]+/[^/]+)-(?P<statistic>p\d+(?:\.\d+)?|mean|stddev|min|max)/(?P<line>.+)")
_STATISTIC = re.compile(r"-(?:p(\d{1,3}(?:\.\d+)?)|min|mean|max)")
_DRAWN = ("p50", "p90", "p99", "p99.9")
_MOST_LIMITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Each metric is in exactly one of these."""

    rows: tuple[MetricRow, ...]
    breakdowns: tuple[Breakdown, ...]
    distributions: tuple[Distribution, ...]


def figures(metrics: Sequence[Metric], outcomes: Sequence[SLOOutcome]) -> Figures:
    """Sort the metrics of one task.

    Args:
        metrics: of that task.
        outcomes: whose limits are drawn where their metric belongs to a distribution.
    """
    names = {metric.name for metric in metrics}
    families: dict[str, list[tuple[re.Match[str], Metric]]] = {}
    for metric in metrics:
        match = _BROKEN_DOWN.fullmatch(metric.name)
        if match is not None and not metric.buckets:
            families.setdefault(match["family"], []).append((match, metric))
    families = {
        name: found for name, found in families.items() if len({match["line"] for match, _ in found}) >= _SHARED
    }
    side_by_side = {metric.name for found in families.values() for _, metric in found}
    rows, distributions = [], []
    for metric in metrics:
        if metric.name in side_by_side:
            continue
        buckets = _drawable(metric)
        if buckets:
            distributions.append(_distribution(metric, buckets, metrics, outcomes))
        else:
            rows.append(_row(metric, is_distribution=bool(metric.buckets) or f"{metric.name}-p50" in names))
    return Figures(
        rows=tuple(rows),
        breakdowns=tuple(_breakdown(name, found) for name, found in families.items()),
        distributions=tuple(distributions),
    )


def _row(metric: Metric, *, is_distribution: bool) -> MetricRow:
    # NB: the figure of a distribution is how many it holds, whatever its unit: never "1,000 ms" for 1,000 requests.
    value = quantity(math.inf if metric.infinite else metric.value, "" if is_distribution else legible(metric.unit, 20))
    if is_distribution and metric.value is not None:
        value += " observations"
    elif metric.caveat:
        value += f" ({legible(metric.caveat, 20)})"
    why = f" No value: {metric.why}." if metric.value is None and metric.why else _between(metric)
    return MetricRow(name=legible(metric.name, NAME), value=value, help=legible(f"{metric.help}{why}", HELP))


def _between(metric: Metric) -> str:
    if metric.between is None:
        return ""
    least, greatest = (quantity(each, legible(metric.unit, 20)) for each in metric.between)
    return f" (certainly above {least}{f', and not above {greatest}' if metric.between[1] < math.inf else ''})"


def _breakdown(family: str, found: Sequence[tuple[re.Match[str], Metric]]) -> Breakdown:
    statistics = sorted({match["statistic"] for match, _ in found}, key=_order)
    lines: dict[str, dict[str, Metric]] = {}
    for match, metric in found:
        lines.setdefault(match["line"], {})[match["statistic"]] = metric

    def slowness(line: str) -> tuple[float, ...]:
        values = [lines[line][each].value if each in lines[line] else None for each in reversed(statistics)]
        return tuple(-math.inf if value is None or math.isnan(value) else value for value in values)

    return Breakdown(
        title=legible(family, NAME),
        columns=tuple(statistics),
        rows=tuple(
            BreakdownRow(
                name=legible(line, NAME),
                values=tuple(
                    quantity(lines[line][each].value, legible(lines[line][each].unit, 20))
                    if each in lines[line]
                    else ""
                    for each in statistics
                ),
            )
            for line in sorted(sorted(lines), key=slowness, reverse=True)
        ),
    )


def _order(statistic: str) -> tuple[int, float]:
    if statistic.startswith("p"):
        return (1, float(statistic[1:]))
    return ({"min": 0, "mean": 0, "stddev": 0, "max": 2}[statistic], len(statistic))


def _drawable(metric: Metric) -> tuple[Bucket, ...]:
    found = [
        bucket
        for bucket in metric.buckets
        if bucket.count > 0 and abs(bucket.lower) < LARGEST and abs(bucket.upper) < LARGEST
    ]
    return tuple(sorted((b for b in found if b.lower <= b.upper), key=lambda bucket: (bucket.lower, bucket.upper)))


def _distribution(
    metric: Metric, buckets: tuple[Bucket, ...], metrics: Sequence[Metric], outcomes: Sequence[SLOOutcome]
) -> Distribution:
    unit = legible(metric.unit, 20)
    observations = sum(max(0, bucket.count) for bucket in metric.buckets)
    hidden = observations - sum(bucket.count for bucket in buckets)
    note = count(observations, "observation")
    if hidden:
        note += f"; {hidden:,} beyond the chart"
    return Distribution(
        title=legible(metric.name, NAME),
        help=legible(metric.help, HELP),
        unit=unit,
        buckets=buckets,
        positions=(*_percentiles(metric, metrics, unit=unit), *_limits(metric, outcomes, unit=unit)),
        note=note,
    )


def _percentiles(metric: Metric, metrics: Sequence[Metric], *, unit: str) -> list[Position]:
    values = {each.name: each.value for each in metrics}
    return [
        Position(value=value, label=f"{statistic} {quantity(value, unit)}", is_limit=False)
        for statistic in _DRAWN
        if _fits(value := values.get(f"{metric.name}-{statistic}"))
    ]


def _limits(metric: Metric, outcomes: Sequence[SLOOutcome], *, unit: str) -> list[Position]:
    found = []
    for outcome in outcomes:
        name, limit = outcome.slo.metric, outcome.slo.limit
        if name.startswith(metric.name) and _STATISTIC.fullmatch(name, len(metric.name)) and _fits(limit):
            statistic = name[len(metric.name) + 1 :]
            label = f"{statistic} limit {quantity(limit, unit, digits=LIMIT_DIGITS)}"
            found.append(Position(value=limit, label=label, is_limit=True))
    return found[:_MOST_LIMITS]


def _fits(value: float | None) -> TypeGuard[float]:
    return value is not None and abs(value) < LARGEST

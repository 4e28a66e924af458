"""Figures from two expositions of one process, the latter of which is now: gauges, rates, percentiles. Pure.

What cannot be known is None: what a process does not tell, what is no number, and whatever a counter did between two
processes of one name, for it began anew. A counter that is not there yet while its family is counts 0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from autox.core.formats.prometheusreader import Exposition
from autox.core.formats.prometheustext import CumulativeHistogram, Labels, increase, quantile, quantile_bucket, summed

STARTED = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of one meter.

    Attributes:
        value: in the meter's unit.
        which: of several that it is the worst of, which one that is; else empty.
        between: the least and the greatest that it may be, where it is read from buckets.
    """

    value: float
    which: str = ""
    between: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Two expositions of one process; each is like no other.

    Attributes:
        before: None if there is none of the same process.
        now: the later one.
        seconds: between them; above 0.
    """

    before: Exposition | None
    now: Exposition
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One figure.

    Attributes:
        name: of its series, without the task.
        unit: of its values.
        help: one sentence.
        value: how it is read.
        samples: names that it needs.
        histograms: families that it needs.
    """

    name: str
    unit: str
    help: str
    value: Callable[[Between], Figure | None]
    samples: frozenset[str] = field(default_factory=frozenset)
    histograms: frozenset[str] = field(default_factory=frozenset)


def started(exposition: Exposition) -> float | None:
    """Since when the process runs, in seconds since 1970; None if it does not say."""
    return next(iter(exposition.samples.get(STARTED, {}).values()), None)


def gauge(family: str, *, scale: float = 1.0, **labels: str) -> Callable[[Between], Figure | None]:
    """The sum of a gauge's series.

    Args:
        family: of the gauge.
        scale: to the meter's unit.
        labels: that a series has; none for all series.
    """

    def value(between: Between) -> Figure | None:
        found = _with(between.now.samples.get(family, {}), labels)
        return _finite(sum(found) * scale) if found else None

    return value


def highest(family: str, label: str) -> Callable[[Between], Figure | None]:
    """The highest of a gauge's series.

    Args:
        family: of the gauge.
        label: whose value says which one it is.
    """

    def value(between: Between) -> Figure | None:
        found = between.now.samples.get(family, {}).items()
        return worst(Figure(value, dict(series).get(label, "")) for series, value in found)

    return value


def rate(
    family: str, *, where: Callable[[Mapping[str, str]], bool] = lambda _: True
) -> Callable[[Between], Figure | None]:
    """How much a counter grew a second, all series together.

    Args:
        family: of the counter.
        where: whether a series with these labels is meant.
    """

    def value(between: Between) -> Figure | None:
        if between.before is None or family not in between.before.samples or family not in between.now.samples:
            return None
        before, now = (
            sum(value for series, value in each.samples[family].items() if where(dict(series)))
            for each in (between.before, between.now)
        )
        return _finite((now - before) / between.seconds) if now >= before else None

    return value


def highest_rate(family: str, label: str) -> Callable[[Between], Figure | None]:
    """How much a counter grew a second, of the series that grew the most.

    Args:
        family: of the counter.
        label: whose value says which one it is.
    """

    def value(between: Between) -> Figure | None:
        before = between.before.samples.get(family, {}) if between.before else {}
        now = between.now.samples.get(family, {})
        grown = ((series, now[series] - was) for series, was in before.items() if now.get(series, -1.0) >= was)
        return worst(Figure(growth / between.seconds, dict(series).get(label, "")) for series, growth in grown)

    return value


def percentile(
    family: str, q: float = 0.99, *, scale: float = 1000.0, label: str = "", **labels: str
) -> Callable[[Between], Figure | None]:
    """A percentile of what was observed meanwhile.

    Args:
        family: of the histogram.
        q: 0 to 1.
        scale: to the meter's unit: as a rule from seconds to ms.
        label: the figure is the worst of those that differ by it; empty for all series together.
        labels: that a series has; none for all series.
    """

    def value(between: Between) -> Figure | None:
        grown = grown_between(between, family)
        groups: dict[str, list[CumulativeHistogram]] = {}
        for series, histogram in (grown or {}).items():
            named = dict(series)
            if histogram.count > 0 and labels.items() <= named.items():
                groups.setdefault(named.get(label, ""), []).append(histogram)
        return worst(found for which, parts in groups.items() if (found := _figure(q, parts, scale, which)))

    return value


def grown_between(between: Between, family: str) -> Mapping[Labels, CumulativeHistogram] | None:
    """What a histogram observed meanwhile; None if nobody knows.

    Args:
        between: the two expositions.
        family: of the histogram.
    """
    if between.before is None or family not in between.now.histograms:
        return None
    return increase(between.before.histograms.get(family, {}), between.now.histograms[family])


def worst(figures: Iterable[Figure]) -> Figure | None:
    """The greatest of those that are numbers, with the bounds of them all; None if there is none."""
    found = [each for each in figures if isfinite(each.value)]
    if not found:
        return None
    bounds = [each.between for each in found if each.between]
    between = (max(least for least, _ in bounds), max(most for _, most in bounds)) if bounds else None
    return replace(max(found, key=lambda each: each.value), between=between)


def _with(series: Mapping[Labels, float], labels: Mapping[str, str]) -> list[float]:
    return [value for each, value in series.items() if labels.items() <= dict(each).items()]


def _finite(value: float) -> Figure | None:
    return Figure(value) if isfinite(value) else None


def _figure(q: float, parts: Sequence[CumulativeHistogram], scale: float, which: str) -> Figure | None:
    whole = summed(parts)
    value, bucket = quantile(q, whole), quantile_bucket(q, whole)
    if value is None or bucket is None:
        return None
    return Figure(value * scale, which, (bucket[0] * scale, bucket[1] * scale))

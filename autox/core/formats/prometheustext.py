"""Prometheus' text exposition format, a line at a time, and its histograms: subtracted, asked for quantiles.

``prometheusreader`` next door reads whole texts. A line of a wanted family that does not parse is an error: a figure
from half of the series would look like one from all of them. Rejected: ``prometheus_client.parser`` (another
dependency, and twenty times slower, since it parses everything), and summing series before the subtraction (a series
that was reset would hide in the sum).
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf, isnan

_LINE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?[ \t]+(?P<value>\S+)(?:[ \t]+-?\d+)?\s*")
_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n"}

Labels = tuple[tuple[str, str], ...]
"""Label pairs, sorted by name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the format."""

    name: str
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class CumulativeHistogram:
    """A classic histogram: how many observations were not above each bound, the last of which is infinite."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def count(self) -> float:
        """How many observations there were."""
        return self.counts[-1] if self.counts else 0.0


def samples(text: str, names: Collection[str]) -> Iterator[Sample]:
    """The samples of these names, in order.

    Args:
        text: an exposition.
        names: of samples, so ``…_bucket`` for the buckets of a histogram.

    Raises:
        ValueError: a line that begins with one of the names is not of the format.
    """
    wanted = tuple(names)
    for line in text.split("\n"):
        if line.startswith(wanted) and _name(line) in names:
            yield _sample(line)


def cumulative(family: str, counts: Mapping[float, float]) -> CumulativeHistogram:
    """One series of a histogram, by the bounds of its buckets.

    Raises:
        ValueError: it has no infinite bucket, a bound that is no number, or a count below 0.
    """
    bounds = tuple(sorted(counts))
    if any(map(isnan, bounds)) or bounds[-1] != inf:
        raise ValueError(f"{family}: a series without an infinite bucket")
    if not all(count >= 0 for count in counts.values()):
        raise ValueError(f"{family}: a bucket with a count below 0")
    return CumulativeHistogram(bounds, tuple(counts[bound] for bound in bounds))


def increase(
    before: Mapping[Labels, CumulativeHistogram], after: Mapping[Labels, CumulativeHistogram]
) -> dict[Labels, CumulativeHistogram] | None:
    """What was observed between two readings; None if a counter was reset meanwhile, for then nobody knows.

    A series that is new had no observation before; one that has gone, or counts less, was reset. (Prometheus takes
    what a reset counter says as its increase; for one interval that would be a figure about its last part only.)
    """
    if before.keys() - after.keys():
        return None
    grown = {}
    for series, now in after.items():
        then = before.get(series)
        if then is None:
            grown[series] = now
            continue
        if then.bounds != now.bounds:
            return None
        counts = tuple(a - b for a, b in zip(now.counts, then.counts, strict=True))
        if any(count < 0 for count in counts):
            return None
        grown[series] = CumulativeHistogram(now.bounds, counts)
    return grown


def summed(parts: Sequence[CumulativeHistogram]) -> CumulativeHistogram:
    """All observations of histograms with the same bounds in one.

    Raises:
        ValueError: there is none, or their bounds differ.
    """
    if len({part.bounds for part in parts}) != 1:
        raise ValueError("histograms with different bounds cannot be summed")
    return CumulativeHistogram(parts[0].bounds, tuple(map(sum, zip(*(part.counts for part in parts), strict=True))))


def quantile(q: float, histogram: CumulativeHistogram) -> float | None:
    """What Prometheus' ``histogram_quantile`` gives, and None where that gives NaN.

    The value is interpolated in its bucket; if it lies in the last, infinite one, it is the highest finite bound, so
    that the truth is that much or more.

    Raises:
        ValueError: ``q`` is not between 0 and 1.
    """
    found = _ranked(q, histogram)
    if found is None:
        return None
    bounds = histogram.bounds
    index, rank, counts = found
    if index == len(bounds) - 1:
        return bounds[-2]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    lower, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    inside = counts[index] - below
    return lower + (bounds[index] - lower) * ((rank - below) / inside) if inside else None


def _ranked(q: float, histogram: CumulativeHistogram) -> tuple[int, float, list[float]] | None:
    """The bucket of a quantile, its rank, and the counts; None if there is nothing to rank."""
    if not 0 <= q <= 1:
        raise ValueError(f"{q} is no quantile")
    bounds = histogram.bounds
    # NB: counts are read while they grow, so a bucket may hold less than the one below it: never go down.
    counts = list(accumulate(histogram.counts, max))
    if len(bounds) < 2 or bounds[-1] != inf or not counts[-1] > 0:
        return None
    rank = q * counts[-1]
    return bisect_left(counts, rank, hi=len(counts) - 1), rank, counts


def quantile_bucket(q: float, histogram: CumulativeHistogram) -> tuple[float, float] | None:
    """The bounds of the bucket that a quantile is in, the first of which begins at 0; None where it has no value.

    Raises:
        ValueError: ``q`` is not between 0 and 1.
    """
    found = _ranked(q, histogram)
    if found is None:
        return None
    index, bounds = found[0], histogram.bounds
    return (bounds[index - 1] if index else min(0.0, bounds[0]), bounds[index])


def _name(line: str) -> str:
    end = min((at for at in (line.find("{"), line.find(" "), line.find("\t")) if at >= 0), default=len(line))
    return line[:end]


def _sample(line: str) -> Sample:
    # NB: OpenMetrics puts an exemplar after the value, beginning with " # ".
    parsed = _LINE.fullmatch(line.partition(" # ")[0])
    if parsed is None:
        raise ValueError(f"not a line of Prometheus' text format: {line[:80]!r}")
    return Sample(parsed["name"], tuple(sorted(_labels(parsed["labels"] or "", line))), float(parsed["value"]))


def _labels(text: str, line: str) -> Iterable[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        if found is None:
            raise ValueError(f"not labels of Prometheus' text format: {line[:80]!r}")
        at = found.end()
        value = found["value"]
        if "\\" in value:
            value = _ESCAPED.sub(lambda escaped: _ESCAPES.get(escaped[1], escaped[1]), value)
        yield found["name"], value

"""Prometheus' text format, read again and again from one server: the labels of each series are parsed once.

An API server's ``/metrics`` has 15,000 lines idle and more under load, of which a few families are wanted. They are
found by the lines that tell the type of each, which the format has before the first sample; a line whose series was
seen before costs one look-up, and of a histogram's new series only the first bucket is parsed. So what has no type is
not seen, and a text that is cut short is an error: its last figure would be a part of one. ``prometheustext`` next door
parses a line, and says what a histogram is. Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from autox.core.formats.prometheustext import CumulativeHistogram, Labels, cumulative, samples

_TYPE = "\n# TYPE "
_BOUND = ',le="'

_Series = tuple[str, Labels, float | None]
"""A sample's name and labels; of a bucket its family, the labels without ``le``, and that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """What a server said of the wanted families.

    Attributes:
        samples: by name and labels.
        histograms: by family and labels.
    """

    samples: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[Labels, CumulativeHistogram]] = field(default_factory=dict)


class Reader:
    """Reads the expositions of one server, some families of each."""

    def __init__(self, *, samples: Collection[str], histograms: Collection[str]) -> None:
        """Nothing was read.

        Args:
            samples: names of counters and gauges.
            histograms: families of classic histograms.
        """
        self._buckets = {f"{family}_bucket": family for family in histograms}
        self._names = frozenset({*samples, *self._buckets})
        self._families = frozenset({*samples, *histograms})
        self._known: dict[str, _Series | None] = {}

    def read(self, text: str) -> Exposition:
        """What a text says.

        Raises:
            ValueError: a line of a wanted family is not of the format, or the text is cut short.
        """
        if not text.endswith("\n"):
            raise ValueError("the text is cut short")
        known = self._known
        # NB: made anew each time, or a server that thinks up series would fill the memory.
        self._known = now = {}
        found: dict[str, dict[Labels, float]] = {}
        buckets: dict[str, dict[Labels, dict[float, float]]] = {}
        begun: dict[str, tuple[str, Labels]] = {}
        for line in self._lines(text):
            at = line.rfind("} ") + 1 or line.find(" ")
            head = line[:at]
            try:
                series, value = known[head], float(line[at:])
            except (KeyError, ValueError):
                series, value = _next_bucket(line, begun) or self._parsed(line, begun)
                if not _is_whole(head):
                    head = ""
            if head:
                now[head] = series
            if series is None:
                continue
            name, labels, bound = series
            if bound is None:
                found.setdefault(name, {})[labels] = value
            else:
                buckets.setdefault(name, {}).setdefault(labels, {})[bound] = value
        histograms = {
            family: {labels: cumulative(family, counts) for labels, counts in every.items()}
            for family, every in buckets.items()
        }
        return Exposition(samples=found, histograms=histograms)

    def _lines(self, text: str) -> Iterator[str]:
        """The lines of wanted families, comments left out."""
        for family in f"\n{text}".split(_TYPE):
            if family[: family.find(" ")] in self._families:
                yield from (line for line in family.split("\n")[1:] if line and line[0] != "#")

    def _parsed(self, line: str, begun: dict[str, tuple[str, Labels]]) -> tuple[_Series | None, float]:
        """What a line is of, and its value; nothing if it is of a part of a family that is not wanted.

        Args:
            line: it.
            begun: is told what the other buckets of a series begin with.
        """
        sample = next(samples(line, self._names), None)
        if sample is None:
            return None, 0.0
        family = self._buckets.get(sample.name)
        if family is None:
            return (sample.name, sample.labels, None), sample.value
        bound = dict(sample.labels).get("le")
        if bound is None:
            raise ValueError(f"{family}: a bucket without a bound")
        labels = tuple(pair for pair in sample.labels if pair[0] != "le")
        beginning, _, rest = line.rpartition(_BOUND)
        if rest.startswith(f'{bound}"}} ') and " # " not in line:
            begun[beginning] = family, labels
        return (family, labels, float(bound)), sample.value


def _next_bucket(line: str, begun: Mapping[str, tuple[str, Labels]]) -> tuple[_Series, float] | None:
    """What a line is of that begins as a bucket before it did, and its value; None if it has to be parsed."""
    beginning, _, rest = line.rpartition(_BOUND)
    series = begun.get(beginning)
    bound, closed, value = rest.partition('"} ')
    if series is None or not closed:
        return None
    try:
        return (*series, float(bound)), float(value)
    except ValueError:
        return None


def _is_whole(head: str) -> bool:
    """Whether what stands before the value is a series alone: no exemplar, and no part of a label."""
    return " # " not in head and (head.endswith("}") or not {"{", " "} & set(head))

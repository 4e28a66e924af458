"""Durations in buckets: small, mergeable without loss, and never more than 0.4 % away from the truth.

The layout is HdrHistogram's: each power of two of nanoseconds is cut into 256 equal buckets, so a bucket's width is at
most 1/256 of its values, and its index comes from shifts alone, the same on every machine. Everything kept is an
integer, so merging is addition: histograms of many processes give in any order exactly what one would have given, and
mean and standard deviation suffer no rounding. Rejected: a growth factor and logarithms (an index could differ with
the C library), keeping every value (memory without bound), ddsketch and hdrhistogram (two to four times the cost of
a record, for the same answer).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import ceil, inf, sqrt
from operator import mul
from typing import Any

from autox.model.result import Bucket

SECOND = 1_000_000_000
_BITS = 8
"""Buckets of each power of two: 2 ** 8."""
_SHOWN_BITS = 5
"""The same for buckets that are shown: a width of 3 % is finer than a reader sees."""


def rank_of(percent: float, count: int) -> int:
    """Which of so many values, counted from 1 and ascending, a percentile is: the nearest rank.

    Raises:
        ValueError: it is not 0 < percent <= 100.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"{percent} is no percentile")
    # NB: in decimals, for 99.9 % of 1,000 is the 999th and not, by a hair of binary rounding, the 1,000th.
    return ceil(Decimal(str(percent)) * count / 100)


class Histogram:
    """Durations: seconds at the door, nanoseconds inside.

    Attributes:
        count: how many.
        counts: how many in each bucket, by its index.
        sum_ns: of all.
        squares: the sum of their squares, in ns².
        minimum_ns: the shortest; None if empty.
        maximum_ns: the longest; None if empty.
    """

    __slots__ = ("count", "counts", "maximum_ns", "minimum_ns", "squares", "sum_ns")

    def __init__(self) -> None:
        self.count = 0
        self.counts: dict[int, int] = {}
        self.sum_ns = 0
        self.squares = 0
        self.minimum_ns: int | None = None
        self.maximum_ns: int | None = None

    def record(self, seconds: float) -> None:
        """Add one duration.

        Raises:
            ValueError: negative, infinite or not a number.
        """
        self.record_all((seconds,))

    def record_all(self, durations: Iterable[float]) -> None:
        """Add durations in seconds, all or none; a third of the cost of one at a time.

        Raises:
            ValueError: one is negative, infinite or not a number.
        """
        try:
            values = [int(seconds * SECOND) for seconds in durations]
        except (OverflowError, ValueError):
            raise ValueError("a duration is infinite or not a number") from None
        if not values:
            return
        minimum, maximum = min(values), max(values)
        if minimum < 0:
            raise ValueError(f"a duration is negative: {minimum / SECOND} s")
        counts = self.counts
        for value in values:
            # NB: as in _index; a call would double what a record costs.
            shift = value.bit_length() - (_BITS + 1)
            index = value if shift <= 0 else (shift << _BITS) + (value >> shift)
            counts[index] = counts.get(index, 0) + 1
        self.count += len(values)
        self.sum_ns += sum(values)
        self.squares += sum(map(mul, values, values))
        self._widen(minimum, maximum)

    def merge(self, other: "Histogram") -> None:
        """Add everything that the other one holds."""
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count
        self.count += other.count
        self.sum_ns += other.sum_ns
        self.squares += other.squares
        if other.minimum_ns is not None and other.maximum_ns is not None:
            self._widen(other.minimum_ns, other.maximum_ns)

    @property
    def sum(self) -> float:
        """Seconds."""
        return self.sum_ns / SECOND

    @property
    def minimum(self) -> float | None:
        """Seconds; None if empty."""
        return None if self.minimum_ns is None else self.minimum_ns / SECOND

    @property
    def maximum(self) -> float | None:
        """Seconds; None if empty."""
        return None if self.maximum_ns is None else self.maximum_ns / SECOND

    @property
    def mean(self) -> float | None:
        """Seconds; None if empty."""
        return self.sum_ns / self.count / SECOND if self.count else None

    @property
    def stddev(self) -> float | None:
        """Seconds, of the population (divided by n); None if empty."""
        if not self.count:
            return None
        # NB: over integers until the division; with floats the difference of two large squares would be noise.
        return sqrt((self.squares * self.count - self.sum_ns * self.sum_ns) / (self.count * self.count)) / SECOND

    def percentile(self, percent: float, *, never: int = 0) -> float | None:
        """The duration in seconds that ``percent`` of all are not above, interpolated in its bucket; None if empty.

        Args:
            percent: 0 < percent <= 100.
            never: so many more never ended; infinite if it falls on one of them.

        Raises:
            ValueError: outside that range.
        """
        rank = rank_of(percent, self.count + never)
        if self.minimum_ns is None or self.maximum_ns is None:
            return inf if never else None
        if rank > self.count:
            return inf
        before = 0
        for index in sorted(self.counts):
            count = self.counts[index]
            if before + count >= rank:
                lower, upper = _edges(index, _BITS)
                value = lower + (upper - lower) * (rank - before - 0.5) / count
                return min(max(value, self.minimum_ns), self.maximum_ns) / SECOND
            before += count
        raise AssertionError("fewer durations in buckets than counted")

    def buckets(self, *, scale: float = 1.0) -> tuple[Bucket, ...]:
        """What it holds in buckets 3 % wide, ascending, without empty ones.

        Args:
            scale: how many of the wanted unit make a second; 1000 for ms.
        """
        shown: dict[tuple[int, int], int] = {}
        for index, count in sorted(self.counts.items()):
            lower, _ = _edges(index, _BITS)
            edges = _edges(_index(lower, _SHOWN_BITS), _SHOWN_BITS)
            shown[edges] = shown.get(edges, 0) + count
        return tuple(
            Bucket(lower=lower * scale / SECOND, upper=upper * scale / SECOND, count=count)
            for (lower, upper), count in shown.items()
        )

    def to_json(self) -> dict[str, Any]:
        """All of it, for another process to merge."""
        return {
            "sum": self.sum_ns,
            "squares": str(self.squares),  # longer than the integers of most JSON readers
            "minimum": self.minimum_ns,
            "maximum": self.maximum_ns,
            "counts": sorted(self.counts.items()),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Histogram":
        """What ``to_json`` gave, after a journey.

        Raises:
            ValueError: it is not.
        """
        histogram = cls()
        try:
            histogram.counts = {_natural(index): _natural(count) for index, count in document["counts"]}
            histogram.sum_ns = _natural(document["sum"])
            histogram.squares = int(document["squares"])
            if histogram.counts:
                histogram._widen(_natural(document["minimum"]), _natural(document["maximum"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("not the JSON form of a histogram") from error
        histogram.count = sum(histogram.counts.values())
        return histogram

    def _widen(self, minimum: int, maximum: int) -> None:
        self.minimum_ns = minimum if self.minimum_ns is None else min(self.minimum_ns, minimum)
        self.maximum_ns = maximum if self.maximum_ns is None else max(self.maximum_ns, maximum)


def _index(value: int, bits: int) -> int:
    shift = value.bit_length() - (bits + 1)
    return value if shift <= 0 else (shift << bits) + (value >> shift)


def _edges(index: int, bits: int) -> tuple[int, int]:
    """Nanoseconds: the first of the bucket and the first after it."""
    shift = max((index >> bits) - 1, 0)
    part = index - (shift << bits)
    return part << shift, (part + 1) << shift


def _natural(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value

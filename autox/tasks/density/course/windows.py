"""The SLI by windows: the 99th percentile of calls in each of them, and of those the 99th percentile. Pure.

As ClusterLoader2 computes it (windows of one minute) and as the SLO is worded (five minutes, over a day): for each verb
and resource the percentile of its calls in each window, then ``quantile_over_time(0.99, …)`` of these, as Prometheus
interpolates it. A window ends with each reading and begins with the latest one that is at least so long ago, so that
it has its full length. A window without calls of a verb and resource does not count; Prometheus takes one for the
least of all, by which a rare slow call is lost among idle minutes.
"""

from array import array
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, inf

from autox.core.formats.prometheustext import CumulativeHistogram, Labels, increase
from autox.tasks.density.course.slicalls import p99s
from autox.tasks.density.observation.callclasses import CallClass

LENGTHS = {"1m": 60.0, "5m": 300.0}
"""Seconds of a window, by its name in metrics."""

_LONGEST = 1.5  # times its length: what two readings span that are further apart is no such window


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """The figure of one class of calls.

    Attributes:
        key: of the verb and resource that it is highest for.
        value: in seconds.
        between: the least and the greatest that it may be, since it is read from buckets.
        windows: how many had such calls.
    """

    key: str
    value: float
    between: tuple[float, float]
    windows: int


class Windows:
    """All windows of one length in one run."""

    def __init__(self, seconds: float) -> None:
        """Nothing was read.

        Args:
            seconds: how long each is.
        """
        self._seconds = seconds
        self._readings: deque[tuple[float, Mapping[Labels, CumulativeHistogram]]] = deque()
        self._found: dict[CallClass, dict[str, tuple[array[float], ...]]] = defaultdict(dict)
        self.count = 0

    def restarted(self) -> None:
        """The API server is another process: no window reaches over that."""
        self._readings.clear()

    def add(self, at: float, histogram: Mapping[Labels, CumulativeHistogram]) -> None:
        """A reading after all others.

        Args:
            at: seconds.
            histogram: the SLI's, by its series.
        """
        readings = self._readings
        readings.append((at, histogram))
        while len(readings) > 1 and at - readings[1][0] >= self._seconds:
            readings.popleft()
        since, before = readings[0]
        if not self._seconds <= at - since <= _LONGEST * self._seconds:
            return
        grown = increase(before, histogram)
        if grown is None:
            return
        self.count += 1
        for each, calls in p99s(grown).items():
            for key, found in calls.items():
                kept = self._found[each].setdefault(key, (array("d"), array("d"), array("d")))
                for values, value in zip(kept, (found.value, found.least, found.most), strict=True):
                    values.append(value)

    def worst(self, call_class: CallClass) -> Windowed | None:
        """The highest figure of a class; None if no window had such calls."""
        found = {
            key: [quantile_over_time(0.99, sorted(values)) for values in kept]
            for key, kept in self._found[call_class].items()
        }
        if not found:
            return None
        key = max(found, key=lambda each: found[each][0])
        return Windowed(
            key=key,
            value=found[key][0],
            between=(max(least for _, least, _ in found.values()), max(most for _, _, most in found.values())),
            windows=len(self._found[call_class][key][0]),
        )


def quantile_over_time(q: float, values: list[float]) -> float:
    """As Prometheus has it: between two of the values by linear interpolation.

    Args:
        q: 0 to 1.
        values: ascending, at least one.
    """
    rank = q * (len(values) - 1)
    lower = floor(rank)
    weight = rank - lower
    if not weight:
        return values[lower]
    if values[lower + 1] == inf:
        return inf
    return values[lower] * (1 - weight) + values[lower + 1] * weight

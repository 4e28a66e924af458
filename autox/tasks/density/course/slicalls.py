"""The 99th percentile of API calls between two readings, apart by class of SLO, verb and resource. Pure.

As ``apicalls`` has it for the whole run, but many times in one: what a series is of is worked out once.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from autox.core.formats.prometheustext import CumulativeHistogram, Labels, quantile, quantile_bucket, summed
from autox.tasks.density.observation.apicalls import call_key
from autox.tasks.density.observation.callclasses import CallClass, call_class

_Q = 0.99


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile in seconds, and the bounds of the bucket that it is in."""

    value: float
    least: float
    most: float


def p99s(grown: Mapping[Labels, CumulativeHistogram]) -> dict[CallClass, dict[str, Percentile]]:
    """The percentile of each verb and resource with calls, by their class.

    Args:
        grown: the SLI's histogram: what it observed meanwhile.
    """
    groups: dict[CallClass, dict[str, list[CumulativeHistogram]]] = defaultdict(lambda: defaultdict(list))
    for series, histogram in grown.items():
        place = _place(series) if histogram.count > 0 else None
        if place is not None:
            groups[place[0]][place[1]].append(histogram)
    found: dict[CallClass, dict[str, Percentile]] = {}
    for each, calls in groups.items():
        for key, parts in calls.items():
            whole = summed(parts)
            value, bucket = quantile(_Q, whole), quantile_bucket(_Q, whole)
            if value is not None and bucket is not None:
                found.setdefault(each, {})[key] = Percentile(value, *bucket)
    return found


@lru_cache(maxsize=1 << 14)
def _place(series: Labels) -> tuple[CallClass, str] | None:
    labels = dict(series)
    found, key = call_class(labels), call_key(labels)
    return (found, key) if found is not None and key else None

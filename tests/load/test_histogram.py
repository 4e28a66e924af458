"""Durations in buckets."""

import json
from itertools import pairwise
from math import ceil, inf, nan
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.statistics.histogram import Histogram

DURATIONS = st.lists(st.floats(min_value=0, max_value=1e5), max_size=200)
PERCENTS = st.sampled_from([0.1, 1, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100])


def of(durations: list[float]) -> Histogram:
    """A histogram of these."""
    histogram = Histogram()
    histogram.record_all(durations)
    return histogram


@given(DURATIONS.filter(bool), PERCENTS)
def test_percentiles(durations: list[float], percent: float) -> None:
    """A percentile is within half a percent of the value that sorting all durations would give."""
    truth = sorted(durations)[ceil(round(percent * len(durations) / 100, 9)) - 1]

    found = of(durations).percentile(percent)

    assert found == pytest.approx(truth, rel=0.004, abs=2e-9)


def test_rank_is_decimal() -> None:
    """99.9 % of 1,000 durations are 999 of them: the slowest one is not the answer."""
    assert of([0.001] * 999 + [9.0]).percentile(99.9) == pytest.approx(0.001, rel=0.004)


@given(st.lists(DURATIONS, max_size=4))
def test_merging_is_union(parts: list[list[float]]) -> None:
    """Histograms of many processes, merged in any order, are the histogram of all durations, to the last digit."""
    merged = Histogram()
    for part in reversed(parts):
        merged.merge(of(part))

    assert merged.to_json() == of([duration for part in parts for duration in part]).to_json()


@given(DURATIONS)
def test_travels_as_json(durations: list[float]) -> None:
    """What one process writes as JSON another one reads without loss."""
    histogram = of(durations)

    read = Histogram.from_json(json.loads(json.dumps(histogram.to_json())))

    assert read.to_json() == histogram.to_json()
    assert read.count == histogram.count


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"counts": 1, "sum": 0, "squares": "0", "minimum": 0, "maximum": 0},
        {"counts": [[1, -1]], "sum": 0, "squares": "0", "minimum": 0, "maximum": 0},
        {"counts": [[1, 1]], "sum": 0, "squares": "0", "minimum": None, "maximum": 0},
        {"counts": [["1", 1]], "sum": 0, "squares": "0", "minimum": 0, "maximum": 0},
        {"counts": [[1, 1]], "sum": nan, "squares": "0", "minimum": 0, "maximum": 0},
    ],
)
def test_refuses_what_is_no_histogram(document: dict[str, object]) -> None:
    """A document that is not a histogram is refused, not half read."""
    with pytest.raises(ValueError, match="not the JSON form"):
        Histogram.from_json(document)


@given(DURATIONS.filter(bool))
def test_figures(durations: list[float]) -> None:
    """Count, sum, extremes, mean and standard deviation are exact, to the nanosecond."""
    histogram = of(durations)
    seen = [int(duration * 1e9) / 1e9 for duration in durations]

    assert histogram.count == len(durations)
    assert (histogram.minimum, histogram.maximum) == (min(seen), max(seen))
    assert histogram.sum == pytest.approx(sum(seen))
    assert histogram.mean == pytest.approx(fmean(seen))
    assert histogram.stddev == pytest.approx(pstdev(seen), rel=1e-6, abs=1e-9)


def test_small_spread_far_from_zero() -> None:
    """A standard deviation of microseconds is not drowned by a mean of days."""
    assert of([86400.000001, 86400.000003]).stddev == pytest.approx(1e-6, rel=0.01)


@pytest.mark.parametrize("duration", [-1e-6, nan, inf])
def test_refuses_what_is_no_duration(duration: float) -> None:
    """A negative, infinite or undefined duration is an error and leaves nothing behind."""
    histogram = of([1.0])

    with pytest.raises(ValueError, match="duration"):
        histogram.record_all([2.0, duration])

    assert histogram.count == 1


def test_empty() -> None:
    """Nothing measured has no figures; it is not zero."""
    empty = Histogram()

    assert (empty.percentile(50), empty.mean, empty.stddev, empty.minimum, empty.maximum) == (None,) * 5
    assert empty.buckets() == ()


@pytest.mark.parametrize("percent", [0, -1, 100.1, nan])
def test_refuses_what_is_no_percentile(percent: float) -> None:
    """A percentile is above 0 and at most 100."""
    with pytest.raises(ValueError, match="percentile"):
        of([1.0]).percentile(percent)


@given(DURATIONS)
def test_shown_buckets(durations: list[float]) -> None:
    """The buckets that a report shows ascend, do not overlap and hold every duration, in the unit asked for."""
    buckets = of(durations).buckets(scale=1000)

    assert sum(bucket.count for bucket in buckets) == len(durations)
    assert all(bucket.lower < bucket.upper for bucket in buckets)
    assert all(left.upper <= right.lower for left, right in pairwise(buckets))
    for duration in durations:
        value = int(duration * 1e9) / 1e6
        assert any(bucket.lower <= value * (1 + 1e-12) and value <= bucket.upper for bucket in buckets)

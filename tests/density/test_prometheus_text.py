"""Prometheus' text format, and quantiles as Prometheus computes them."""

from math import inf, isnan

import pytest

from autox.core.formats.prometheusreader import Reader
from autox.core.formats.prometheustext import CumulativeHistogram, increase, quantile, samples, summed

# The histograms and expectations of Prometheus' own promql/promqltest/testdata/histograms.test.
POSITIVE = CumulativeHistogram((0.1, 0.2, 1.0, inf), (5, 7, 11, 12))
NEGATIVE = CumulativeHistogram((-0.2, -0.1, 0.3, inf), (1, 2, 2, 3))
NON_MONOTONIC = CumulativeHistogram((0.1, 1, 10, 100, 1000, inf), (2, 1, 5, 4, 9, 8))


@pytest.mark.parametrize(
    ("histogram", "q", "expected"),
    [
        (POSITIVE, 0.0, 0.0),
        (POSITIVE, 0.2, 0.048),
        (POSITIVE, 0.5, 0.15),
        (POSITIVE, 0.8, 0.72),
        (POSITIVE, 1.0, 1.0),
        (NEGATIVE, 0.0, -0.2),
        (NEGATIVE, 0.2, -0.2),
        (NEGATIVE, 0.5, -0.15),
        (NEGATIVE, 0.8, 0.3),
        (NON_MONOTONIC, 0.01, 0.0045),
        (NON_MONOTONIC, 0.5, 8.5),
        (NON_MONOTONIC, 0.99, 979.75),
    ],
)
def test_quantiles_are_those_of_prometheus(histogram: CumulativeHistogram, q: float, expected: float) -> None:
    """What a user reads here is what a dashboard over the same buckets shows."""
    assert quantile(q, histogram) == pytest.approx(expected)


@pytest.mark.parametrize(
    "histogram",
    [
        pytest.param(CumulativeHistogram((), ()), id="empty"),
        pytest.param(CumulativeHistogram((inf,), (5,)), id="only +Inf"),
        pytest.param(CumulativeHistogram((1.0, inf), (0, 0)), id="nothing observed"),
        pytest.param(CumulativeHistogram((1.0, 2.0), (1, 2)), id="no +Inf"),
        pytest.param(CumulativeHistogram((1.0, inf), (float("nan"), float("nan"))), id="NaN"),
    ],
)
def test_what_nobody_knows_is_none(histogram: CumulativeHistogram) -> None:
    """Where Prometheus gives NaN there is no value, and never a 0 that would pass."""
    assert quantile(0.99, histogram) is None


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_what_is_no_quantile_is_refused(q: float) -> None:
    """99 instead of 0.99 is a mistake of the caller."""
    with pytest.raises(ValueError, match="no quantile"):
        quantile(q, POSITIVE)


TEXT = """\
# HELP d_seconds Durations.
# TYPE d_seconds histogram
d_seconds_bucket{verb="GET",le="0.1"} 1
d_seconds_bucket{verb="GET",le="+Inf"} 2 1700000000000
d_seconds_bucket{le="0.1",verb="PUT",note="a \\"b\\", \\\\c}\\n"} 3 # {trace_id="x"} 0.05
d_seconds_bucket{le="+Inf",verb="PUT",note="a \\"b\\", \\\\c}\\n",} 3e0
d_seconds_sum{verb="GET"} 0.3
d_seconds_bucket_other 9
not a line at all
up 1
"""


def test_histograms_are_found_among_everything_else() -> None:
    """Timestamps, exemplars, escapes and trailing commas are understood; other families are not even read."""
    assert Reader(samples=(), histograms={"d_seconds"}).read(TEXT).histograms["d_seconds"] == {
        (("verb", "GET"),): CumulativeHistogram((0.1, inf), (1, 2)),
        (("note", 'a "b", \\c}\n'), ("verb", "PUT")): CumulativeHistogram((0.1, inf), (3, 3)),
    }
    assert [(sample.name, sample.labels, sample.value) for sample in samples(TEXT, {"up"})] == [("up", (), 1.0)]


def test_numbers_are_those_of_go() -> None:
    """Infinity and NaN are values of the format."""
    found = [sample.value for sample in samples("a +Inf\na -Inf\na NaN\na 1e-3", {"a"})]

    assert found[:2] == [inf, -inf]
    assert isnan(found[2])
    assert found[3] == 0.001


@pytest.mark.parametrize(
    "line",
    [
        'd_seconds_bucket{le="0.1"',
        "d_seconds_bucket{le=0.1} 1",
        'd_seconds_bucket{le="0.1"} many',
        "d_seconds_bucket",
        'd_seconds_bucket{verb="GET"} 1',
        'd_seconds_bucket{le="0.1"} -1',
        'd_seconds_bucket{le="0.1"} NaN',
        'd_seconds_bucket{le="NaN"} 1',
        'd_seconds_bucket{le="soon"} 1',
        'd_seconds_bucket{le="0.1"} 1',
    ],
)
def test_half_a_histogram_is_none(line: str) -> None:
    """A line that does not fit, or a series without its last bucket, is an error and no smaller figure."""
    with pytest.raises(ValueError, match=r"."):
        Reader(samples=(), histograms={"d_seconds"}).read(f"# TYPE d_seconds histogram\n{line}\n")


A, B = (("verb", "GET"),), (("verb", "PUT"),)


def histogram(*counts: float) -> CumulativeHistogram:
    """One with two bounds."""
    return CumulativeHistogram((0.1, inf), counts)


def test_an_increase_is_what_was_observed_meanwhile() -> None:
    """Bucket by bucket; a series that is new had nothing before."""
    grown = increase({A: histogram(1, 2)}, {A: histogram(3, 7), B: histogram(1, 1)})

    assert grown == {A: histogram(2, 5), B: histogram(1, 1)}


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({A: histogram(0, 1)}, id="counts less"),
        pytest.param({A: histogram(0, 9)}, id="one bucket counts less"),
        pytest.param({B: histogram(9, 9)}, id="gone"),
        pytest.param({A: CumulativeHistogram((0.5, inf), (5, 9))}, id="other bounds"),
    ],
)
def test_a_reset_leaves_nothing_known(after: dict[tuple[tuple[str, str], ...], CumulativeHistogram]) -> None:
    """A counter that began anew says nothing about the time before that."""
    assert increase({A: histogram(1, 2)}, after) is None


def test_histograms_are_summed_by_bucket() -> None:
    """Only those with the same bounds can be."""
    assert summed([histogram(1, 2), histogram(3, 4)]) == histogram(4, 6)
    with pytest.raises(ValueError, match="bounds"):
        summed([histogram(1, 2), CumulativeHistogram((0.5, inf), (1, 1))])
    with pytest.raises(ValueError, match="bounds"):
        summed([])

"""Prometheus' text format, read again and again."""

from math import inf, isnan

import pytest

from autox.core.formats.prometheusreader import Exposition, Reader
from autox.core.formats.prometheustext import CumulativeHistogram

TEXT = """\
# TYPE cpu_seconds_total counter
cpu_seconds_total 1.5
# TYPE cpu_seconds_total_of_others counter
cpu_seconds_total_of_others 9
# HELP queue Of a thing.
# TYPE queue gauge
queue{name="a",note="x } y"} 3 1700000000000
queue{name="b"} +Inf
# TYPE d_seconds histogram
d_seconds_bucket{verb="GET",le="0.1"} 1
d_seconds_bucket{verb="GET",le="+Inf"} 2 # {trace_id="x"} 0.05
d_seconds_sum{verb="GET"} 0.3
# TYPE other untyped
not a line at all
"""


def reader() -> Reader:
    """One that wants a few families."""
    return Reader(samples={"cpu_seconds_total", "queue"}, histograms={"d_seconds"})


def test_the_second_reading_is_as_good_as_the_first() -> None:
    """What is remembered are labels, never values; a series that went is gone."""
    reading = reader()
    first = reading.read(TEXT)
    second = reading.read(TEXT.replace("total 1.5", "total 2.5").replace('"GET",le="0.1"} 1', '"GET",le="0.1"} 2'))
    third = reading.read("# TYPE cpu_seconds_total counter\ncpu_seconds_total 7\n")

    assert first.samples["cpu_seconds_total"] == {(): 1.5}
    assert first.samples["queue"] == {(("name", "a"), ("note", "x } y")): 3.0, (("name", "b"),): inf}
    assert first.histograms == {"d_seconds": {(("verb", "GET"),): CumulativeHistogram((0.1, inf), (1, 2))}}
    assert second.samples["cpu_seconds_total"] == {(): 2.5}
    assert second.histograms == {"d_seconds": {(("verb", "GET"),): CumulativeHistogram((0.1, inf), (2, 2))}}
    assert (third.samples, third.histograms) == ({"cpu_seconds_total": {(): 7.0}}, {})


@pytest.mark.parametrize(
    ("second", "counts"),
    [
        ('{verb="GET",le="1"} 3', (1, 3, 4)),
        ('{verb="GET",le="1"} 3 1700000000000', (1, 3, 4)),
        ('{verb="GET",le="1"} 3 # {verb="GET",le="7"} 0.5', (1, 3, 4)),
        ('{le="1",verb="GET"} 3', (1, 3, 4)),
        ('{verb="GET",le="1",} 3', (1, 3, 4)),
        ('{verb="GET,le=",le="1"} 3', None),
        ('{verb="GET",le="1",note="x"} 3', None),
    ],
)
def test_a_bucket_is_of_the_series_that_it_says(second: str, counts: tuple[float, ...] | None) -> None:
    """Of a series one bucket is parsed and the others are known by what they begin with, whatever follows that."""
    lines = ['{verb="GET",le="0.1"} 1', second, '{verb="GET",le="+Inf"} 4', '{verb="GET,le=",le="+Inf"} 3']
    lines.append('{verb="GET",note="x",le="+Inf"} 3')
    text = "# TYPE d_seconds histogram\n" + "".join(f"d_seconds_bucket{each}\n" for each in lines)
    found = reader().read(text).histograms["d_seconds"]

    assert found[(("verb", "GET"),)].counts == (counts or (1, 4))
    assert sum(len(each.counts) for each in found.values()) == 5


def test_what_is_no_number_is_read_as_such() -> None:
    """A process may say NaN; whoever makes a figure of it has to see that."""
    assert isnan(reader().read("# TYPE queue gauge\nqueue NaN\n").samples["queue"][()])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("cpu_seconds_total 12", id="cut within a number"),
        pytest.param("queue 1\ncpu_seconds_to", id="cut within a name"),
        pytest.param("cpu_seconds_total\n", id="no value"),
        pytest.param("cpu_seconds_total many\n", id="a word"),
        pytest.param("cpu_seconds_total 1 2 3\n", id="too many"),
        pytest.param('queue{name="a" 1\n', id="no brace"),
        pytest.param("queue{name=a} 1\n", id="no quotes"),
        pytest.param('d_seconds_bucket{verb="GET"} 1\n', id="a bucket without a bound"),
        pytest.param('d_seconds_bucket{le="0.1"} 1\n', id="no infinite bucket"),
        pytest.param('d_seconds_bucket{le="+Inf"} -1\n', id="a count below 0"),
        pytest.param('d_seconds_bucket{le="+Inf"} NaN\n', id="a count that is none"),
    ],
)
def test_half_a_text_is_an_error(text: str) -> None:
    """What was cut short would end in a part of a number: 12 of 1,234, and a rate that never was."""
    with pytest.raises(ValueError, match=r"."):
        reader().read("".join(f"# TYPE {name} untyped\n{text}" for name in ("cpu_seconds_total", "queue", "d_seconds")))


@pytest.mark.parametrize(
    "text", ["<html>cpu_seconds_total 1</html>\n", "\n", "cpu_seconds_total 1\n", "# TYPE \n# TYPE x\n"]
)
def test_another_text_says_nothing(text: str) -> None:
    """A page of a proxy has no figures, and none of 0 either."""
    assert reader().read(text) == Exposition()


def test_nothing_at_all_is_cut_short() -> None:
    """An answer without a body is no server that does nothing."""
    with pytest.raises(ValueError, match="cut short"):
        reader().read("")


def test_a_line_that_changes_its_form() -> None:
    """Timestamps, exemplars and tabs come and go with each reading, and are never taken for the value."""
    reading = reader()
    for line, value in (
        ('queue{name="a"} 3', 3),
        ('queue{name="a"} 4 1700000000000', 4),
        ('queue{name="a"} 5 # {trace_id="x"} 0.05', 5),
        ('queue{name="a"} 5 # {trace_id="x"} 0.07', 5),
        ('queue{name="a"}\t6', 6),
        ('queue{name="a"}  7', 7),
        ('queue{name="a"} 8', 8),
    ):
        assert reading.read(f"# TYPE queue gauge\n{line}\n").samples["queue"] == {(("name", "a"),): value}

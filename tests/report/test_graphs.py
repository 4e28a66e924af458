"""Figures over time: drawn without lying about what nobody knows."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.model.result import Series, SLOOutcome
from autox.report.document import document
from autox.report.graphs import WIDTH, drawing, graphs, sparks
from autox.report.html import to_html
from autox.report.legible import columns
from autox.report.text import WIDTH as TEXT_WIDTH
from autox.report.text import to_text
from tests.report.page import Page
from tests.report.samples import density, outcome
from tests.report.strategies import outcomes, series

_POINT = re.compile(r"([ML])(-?[\d.]+) (-?[\d.]+)")


def drawn(*values: float | None, unit: str = "") -> list[tuple[str, float, float]]:
    """The points of a drawing of values that are a second apart, each with the pen up or down."""
    (graph,) = graphs([Series(name="a/b", unit=unit, times=tuple(map(float, range(len(values)))), values=values)], ())
    found = drawing(graph)
    assert found is not None
    assert _POINT.sub("", found.line) == ""
    return [(pen, float(x), float(y)) for pen, x, y in _POINT.findall(found.line)]


@pytest.mark.parametrize(
    ("values", "pens"),
    [
        pytest.param((1.0, 2.0, 3.0), "MLLL", id="known"),
        pytest.param((1.0, None, 3.0), "MLML", id="a gap"),
        pytest.param((None, None, 3.0, 4.0), "MLL", id="unknown at first"),
        pytest.param((1.0, math.nan, 3.0), "MLML", id="NaN is not known"),
        pytest.param((1.0, math.inf, 3.0), "MLML", id="nor is infinity"),
        pytest.param((None, 7.0, None), "ML", id="one point is a dot"),
        pytest.param((0.0, 0.0), "MLL", id="nothing but 0"),
    ],
)
def test_what_is_unknown_is_a_gap(values: tuple[float | None, ...], pens: str) -> None:
    """No line runs through a time of which nothing is known, as if the server had been idle and not away."""
    assert "".join(pen for pen, _, _ in drawn(*values)) == pens


def test_the_axis_begins_at_zero() -> None:
    """99 beside 100 is nearly as high; on an axis from 99 it would look like nothing beside all."""
    (_, _, low), _, (_, _, high) = drawn(99.0, 100.0)

    assert 0 < low - high < 2


@pytest.mark.parametrize(
    ("since", "is_drawn"), [(25.0, True), (0.0, True), (None, False), (101.0, False), (-1.0, False), (math.nan, False)]
)
def test_the_moment_when_it_went_wrong_is_drawn(since: float | None, *, is_drawn: bool) -> None:
    """It stands in every figure of the task at the same place, a quarter of the way for a quarter of the time."""
    over_time = Series(name="a/b", unit="", times=(0.0, 100.0), values=(1.0, 1.0))
    found = drawing(*graphs([over_time], (), since=since))

    assert found is not None
    share = None if since is None else pytest.approx(since / 100)
    assert (found.since is not None) is is_drawn
    assert found.since is None or (found.since - found.left) / (found.right - found.left) == share


def test_graphs_of_a_task_have_one_axis() -> None:
    """The same moment is at the same place in each, whenever each of them began."""
    early = Series(name="a/early", unit="", times=(0.0, 100.0), values=(1.0, 1.0))
    late = Series(name="a/late", unit="", times=(50.0, 60.0), values=(1.0, 1.0))
    places = [drawing(graph) for graph in graphs([early, late], ())]
    ends = [[float(x) for _, x, _ in _POINT.findall(each.line)] for each in places if each]

    middle = (ends[0][0] + ends[0][-1]) / 2
    assert ends[1][0] == pytest.approx(middle, abs=0.2)


@pytest.mark.parametrize(
    ("metric", "limit", "is_drawn", "told"),
    [
        ("density/x/mutating", 150.0, True, "limit 150 ms"),
        ("density/x-max/mutating", 50.0, True, "limit 50 ms"),
        ("density/x/mutating/windows-5m", 100.0, True, "limit 100 ms"),
        ("density/x/mutating", 1000.0, False, "limit 1 s"),
        ("density/x/mutating", math.inf, False, ""),
        ("density/x/read-resource", 50.0, False, ""),
        ("density/x", 50.0, False, ""),
    ],
)
def test_the_limit_is_where_it_was_passed(metric: str, limit: float, told: str, *, is_drawn: bool) -> None:
    """A reader sees when an SLO began to fail; one that is far away would press the figure flat, and is told."""
    over_time = Series(name="density/x/mutating", unit="ms", times=(0.0, 5.0), values=(0.0, 100.0))
    (graph,) = graphs([over_time], [outcome(metric, limit, 1.0)])
    found = drawing(graph)

    assert found is not None
    assert (found.limit is not None, graph.against) == (is_drawn, told)


@given(st.lists(series, max_size=4), st.lists(outcomes, max_size=2))
def test_any_series(found: list[Series], judged: list[SLOOutcome]) -> None:
    """Every number of a drawing is finite and inside of it, and its line of text is short, whatever was stored."""
    for graph in graphs(found, judged):
        shown = drawing(graph)
        assert columns(sparks(graph)) <= 20
        assert graph.range
        for _, x, y in _POINT.findall(shown.line) if shown else ():
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= shown.bottom if shown else False


def test_the_page() -> None:
    """Each figure has its drawing, and its range in words for those who cannot see it; one without data says so."""
    page = Page(to_html(document(density())))
    text = " ".join(page.text.split())

    assert "0 to 1.84 cores, unknown at 4 of 60 times" in [element.text for element in page.all("desc")]
    assert len([each for each in page.all("svg") if each.attributes.get("class") == "graph"]) == 6
    assert "density/nothing no data." in text
    assert "memory of etcd: 0 MiB to 2.1 GiB" in text


def test_the_text() -> None:
    """A line each: how it went, where it is not known, and from what to what, within 80 columns."""
    lines = to_text(document(density())).splitlines()
    at = lines.index("density over time, 0 s to 23.6 s of its load, · is unknown")
    shown = lines[at + 1 : at + 8]

    assert shown[0].startswith("  pods-running ")
    assert "▅▆·██" in shown[0]
    assert shown[0].endswith("  0 to 1,000")
    assert "_" * 6 in shown[4]
    assert "  api-call-latency-p99/read-namespace  " in shown[3]
    assert shown[5].split() == ["alone", "·█·", "3"]
    assert shown[6].endswith("no data")
    assert max(map(columns, lines)) <= TEXT_WIDTH

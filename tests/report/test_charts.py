"""Charts that cannot lie or fall apart, whatever they draw."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.model.result import Bucket
from autox.report.axes import Axis
from autox.report.charts import NARROW, WIDE, Chart, Label, Size, distribution_chart, meter
from autox.report.document import document
from autox.report.sections import Distribution, Position
from tests.report.samples import every, failed, huge, lognormal_buckets

_BAR = re.compile(r"M(\S+) (\S+)h(\S+)v(\S+)h(\S+)z")
sizes = pytest.mark.parametrize("size", [WIDE, NARROW], ids=lambda size: size.name)
bounds = st.floats(-1e14, 1e14)
buckets = st.lists(
    st.tuples(bounds, bounds, st.integers(1, 10**9)).map(
        lambda each: Bucket(lower=min(each[:2]), upper=max(each[:2]), count=each[2])
    ),
    min_size=1,
    max_size=20,
).map(lambda found: tuple(sorted(found, key=lambda bucket: (bucket.lower, bucket.upper))))
positions = st.lists(
    st.builds(Position, value=bounds, label=st.text(max_size=30), is_limit=st.booleans()), max_size=8
).map(tuple)


def bars(chart: Chart) -> list[tuple[float, ...]]:
    """Each bar as x, y, width, height."""
    found = _BAR.findall(chart.bars)
    assert _BAR.sub("", chart.bars) == ""
    return [tuple(map(float, bar[:4])) for bar in found]


def span(label: Label) -> tuple[float, float]:
    """From where to where a label reaches, letters taken as 6.5 pixels wide."""
    width = len(label.text) * 6.5
    begin = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
    return begin, begin + width


@given(buckets, positions, st.sampled_from([WIDE, NARROW]))
def test_any_distribution(found: tuple[Bucket, ...], marks: tuple[Position, ...], size: Size) -> None:
    """Every number of a drawing is finite and inside of it, and there is always something to see."""
    chart = distribution_chart(
        Distribution(title="t", help="", unit="ms", buckets=found, positions=marks, note=""), size
    )
    drawn = bars(chart)

    assert drawn
    for x, y, width, height in drawn:
        assert chart.left <= x
        assert x + width <= chart.right + 0.1
        assert chart.top - 0.1 <= y
        assert y + height <= chart.bottom + 0.1
    labels = [*chart.x_labels, *chart.y_labels, *(rule.label for rule in chart.rules)]
    for label in labels:
        assert math.isfinite(label.x)
        assert 0 <= label.x <= size.width
        assert 0 <= label.y <= chart.height
    assert len(chart.rules) == len(marks)
    assert len(chart.x_labels) <= 2 * size.ticks + 2


@sizes
@pytest.mark.parametrize("name", ["passed", "failed", "density", "huge"])
def test_labels_apart(name: str, size: Size) -> None:
    """No label covers another one or is cut off by the edge."""
    for distribution in document(every()[name]).distributions:
        chart = distribution_chart(distribution, size)
        labels = [*chart.x_labels, *(rule.label for rule in chart.rules)]
        assert chart.x_labels
        for label in labels:
            begin, end = span(label)
            assert begin >= 0
            assert end <= size.width
            for other in labels:
                if other is not label and other.y == label.y:
                    assert span(other)[1] <= begin or end <= span(other)[0]


def test_share() -> None:
    """The heights of the bars are the shares of the observations, however the buckets lie."""
    (distribution,) = document(failed()).distributions
    chart = distribution_chart(distribution, WIDE)
    middle = [bar for bar in bars(chart) if bar[3] > 2]
    label = next(label for label in chart.y_labels if label.text == "2%")
    total = sum(2 * bar[3] / (chart.bottom - label.y) for bar in middle)

    assert 97 <= total <= 103


def test_slow_one() -> None:
    """One slow request among a million is seen, on an axis that does not press the others together."""
    found = (*lognormal_buckets(median=2.0, spread=0.3, total=1_000_000), Bucket(lower=9000, upper=9100, count=1))
    chart = distribution_chart(Distribution(title="t", help="", unit="ms", buckets=found, positions=(), note=""), WIDE)
    drawn = bars(chart)

    assert drawn[-1][0] > chart.right - 20
    assert drawn[-1][3] >= 1.5
    assert len(drawn) > 15


def test_far_limit() -> None:
    """A limit far beyond the data is named at the edge, not drawn where it is not."""
    found = lognormal_buckets(median=2.0, spread=0.1, total=1000)
    limits = tuple(Position(value=value, label=f"{value}", is_limit=True) for value in (0.001, 3.0, 5000.0))
    chart = distribution_chart(
        Distribution(title="t", help="", unit="ms", buckets=found, positions=limits, note=""), WIDE
    )

    assert [(rule.label.text, rule.is_beyond) for rule in chart.rules] == [
        ("← 0.001", True),
        ("3.0", False),
        ("5000.0 →", True),
    ]


def test_bounded() -> None:
    """Five thousand buckets make no larger drawing than fifty."""
    (distribution,) = document(huge()).distributions

    assert len(distribution.buckets) == 5000
    assert len(bars(distribution_chart(distribution, WIDE))) <= WIDE.bars


@given(st.floats(-1e14, 1e14), st.floats(-1e14, 1e14), st.floats(), st.integers(2, 10))
def test_axis(low: float, high: float, value: float, most: int) -> None:
    """Every value has a place on every axis, and ticks are few and on it."""
    axis = Axis.over(low, high, start=10, end=110)

    if not math.isnan(value):
        assert 9.999 <= axis.at(value) <= 110.001
    assert len(axis.ticks(most)) <= 2 * most + 2
    assert all(9.9 <= axis.at(tick) <= 110.1 for tick in axis.ticks(most))


def test_meters() -> None:
    """The bar of an SLO shows the observed value beside its limit; without data there is none."""
    meters = {row.metric: meter(row) for result in every().values() for row in document(result).slos}
    far = meter(document(failed()).slos[0])

    assert meters["no/such-metric"] is None
    assert far is not None
    assert far.limit < 0.06
    assert far.observed > 0.9
    assert all(0 <= each.observed <= 1 and 0 <= each.limit <= 1 for each in meters.values() if each)

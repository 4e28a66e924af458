"""How numbers read."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autox.model.result import SLO, Bound
from autox.report.quantities import against, between, count, distance, duration, moment, quantity


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.42, "ms", "0.42 ms"),
        (1200.0, "ms", "1.2 s"),
        (976.122, "ms", "976 ms"),
        (0.0423, "ms", "42.3 µs"),
        (0.0, "ms", "0 ms"),
        (0.42, "s", "420 ms"),
        (7.0, "s", "7 s"),
        (1536.0, "MiB", "1.5 GiB"),
        (8.0123, "1/s", "8.01/s"),
        (98.7231, "pods/s", "98.7 pods/s"),
        (12345, "", "12,345"),
        (12345.6, "", "12,346"),
        (0.0123456, "", "0.0123"),
        (-2.5, "ms", "-2.5 ms"),
        (-0.0, "", "0"),
        (1e30, "", "1.00e+30"),
        (math.inf, "ms", "∞ ms"),
        (-math.inf, "", "-∞"),
        (math.nan, "ms", "NaN ms"),
        (None, "ms", "no data"),
    ],
)
def test_quantity(value: float | None, unit: str, words: str) -> None:
    """Three significant digits are enough, whole numbers keep theirs, and the unit fits the size."""
    assert quantity(value, unit) == words


@pytest.mark.parametrize(
    ("bound", "limit", "observed", "words"),
    [
        (Bound.UPPER, 50, 976.122, "19.5x"),
        (Bound.UPPER, 50, 115, "2.3x"),
        (Bound.UPPER, 50, 56, "12% above"),
        (Bound.UPPER, 50, 31, "38% below"),
        (Bound.LOWER, 100, 62, "38% below"),
        (Bound.UPPER, 50, 50, "exactly"),
        (Bound.UPPER, 0, 3, "3 ms above"),
        (Bound.LOWER, -5, -8, "3 ms below"),
        (Bound.UPPER, 50, None, ""),
        (Bound.UPPER, 50, math.nan, ""),
        (Bound.UPPER, math.inf, 3, ""),
    ],
)
def test_distance(bound: Bound, limit: float, observed: float | None, words: str) -> None:
    """How far off a value is says more than the value."""
    assert distance(SLO(metric="m", bound=bound, limit=limit), observed, "ms") == words


def test_narrow_miss() -> None:
    """A limit that is missed by a hair does not look as if it were met."""
    assert against(384.2, 384.3, "ms") == ("384.2 ms", "384.3 ms")
    assert against(50, 50.004, "ms") == ("50 ms", "50.004 ms")


@given(st.floats(0.001, 1e9), st.floats(0.001, 1e9))
def test_sides(limit: float, observed: float) -> None:
    """The texts of two different figures compare as the figures do."""
    texts = against(limit, observed, "")
    shown = [float(text.replace(",", "")) for text in texts]

    assert (shown[0] < shown[1]) == (limit < observed)
    assert (shown[0] == shown[1]) == (limit == observed)


@given(st.floats(), st.floats(), st.sampled_from(["", "ms", "s", "MiB", "1/s"]))
@example(5e-324, 0.0, "ms")  # half of it is 0, and was an error
def test_any_float(limit: float, observed: float, unit: str) -> None:
    """No figure is too odd to be shown."""
    assert all(against(limit, observed, unit))
    assert duration(observed)
    assert isinstance(distance(SLO(metric="m", bound=Bound.UPPER, limit=limit), observed, unit), str)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (0.0004, "0.4 ms"),
        (12.34, "12.3 s"),
        (59.99, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (11520, "3 h 12 min"),
        (183600, "2 d 3 h"),
        (math.nan, "NaN s"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    """Two units at most."""
    assert duration(seconds) == words


def test_moments() -> None:
    """The same moment reads the same everywhere, and the ends of the calendar are no trap."""
    noon = datetime(2026, 11, 2, 12, 0, 0, 999_999, tzinfo=UTC)

    assert moment(noon) == "2026-11-02 12:00:00 UTC"
    assert moment(noon.astimezone(timezone(timedelta(hours=5, minutes=30)))) == moment(noon)
    assert moment(noon.replace(tzinfo=None)) == moment(noon)
    assert moment(datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))).startswith("0001-01-01")
    assert between(noon.replace(tzinfo=None), noon + timedelta(seconds=90)) == "1 min 30 s"


def test_counts() -> None:
    """One is not many."""
    assert [count(1, "loop"), count(0, "loop"), count(1000, "loop")] == ["1 loop", "0 loops", "1,000 loops"]

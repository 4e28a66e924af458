"""Fewer points of a figure over time, and none of what matters lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.statistics.thinning import Point, thinned

POINTS = st.lists(
    st.tuples(st.floats(0, 1e6), st.none() | st.floats(allow_nan=False)), max_size=60, unique_by=lambda point: point[0]
).map(lambda points: sorted(points, key=lambda point: point[0]))


def flat(count: int, **odd: float | None) -> list[Point]:
    """So many points of 1.0, a second apart, but for those that are named by their second: ``at_7=9.0``."""
    return [(float(at), odd.get(f"at_{at}", 1.0)) for at in range(count)]


def test_few_stay_as_they_are() -> None:
    """A run that is short enough is shown in full."""
    assert thinned(flat(300), 300) == flat(300)


@pytest.mark.parametrize("at", [0, 1, 4_321, 9_999])
@pytest.mark.parametrize("value", [7.0, -7.0, None])
def test_what_stands_out_stays(at: int, value: float | None) -> None:
    """One long queue, one idle moment, one unknown of ten thousand: means of 33 would show 1.2, and no gap."""
    assert (float(at), value) in thinned(flat(10_000, **{f"at_{at}": value}), 300)


def test_a_time_without_points_is_no_error() -> None:
    """A process that stood still for an hour: the parts of the time have nothing, or nearly everything."""
    points = [*flat(500), (4_000.0, 5.0)]

    assert thinned(points, 30)[-1] == (4_000.0, 5.0)


def test_one_moment() -> None:
    """Points of one moment are thinned as well, however that came."""
    assert thinned([(1.0, float(value)) for value in range(10)], 3) == [(1.0, 0.0), (1.0, 9.0)]


@given(POINTS, st.integers(3, 20))
def test_any_points(points: list[Point], most: int) -> None:
    """No more than asked for, in order, each of them measured; the extremes and a gap stay, thinned once or twice."""
    found = thinned(points, most)
    values = [value for _, value in points if value is not None]

    assert len(found) <= most
    assert set(found) <= set(points)
    assert all(before[0] < after[0] for before, after in pairwise(found))
    for kept in ([value for _, value in each] for each in (found, thinned(found, 3))):
        known = [value for value in kept if value is not None]
        assert ([min(known), max(known)] if known else []) == ([min(values), max(values)] if values else [])
        assert (None in kept) == (len(values) < len(points))

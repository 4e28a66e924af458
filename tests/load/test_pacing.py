"""When requests are due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.loads.pacing import Schedule, requests_within


@given(st.floats(min_value=0, max_value=1e7), st.floats(min_value=0.01, max_value=1e5), st.integers(0, 10**9))
def test_due_without_drift(start: float, qps: float, number: int) -> None:
    """A request is due at its own place on the clock; nothing adds up, and whoever wakes then finds it due."""
    schedule = Schedule(start=start, qps=qps, count=10**9 + 1)

    due = schedule.due(number)

    assert due == start + number / qps
    if qps * 1e-9 < 1:
        assert schedule.due_by(due) >= number + 1


@given(st.floats(min_value=0.1, max_value=1e4), st.floats(min_value=-10, max_value=1000))
def test_due_by(qps: float, now: float) -> None:
    """Exactly those requests are due whose time has come."""
    schedule = Schedule(start=0.0, qps=qps, count=1000)

    count = schedule.due_by(now)

    assert 0 <= count <= 1000
    assert count == 0 or schedule.due(count - 1) <= now
    assert count == 1000 or schedule.due(count) > now


@pytest.mark.parametrize(
    ("duration", "qps", "count"), [(10, 8, 80), (0.1, 30, 3), (0.01, 1, 1), (1.5, 2, 3), (1.6, 2, 4)]
)
def test_requests_of_a_duration(duration: float, qps: float, count: int) -> None:
    """A duration holds the requests that are due before its end, and at least one."""
    assert requests_within(duration, qps) == count

"""How many requests a client may send, and when the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.core.ratelimit import KUBELET, RateLimit, TokenBucket


def test_a_kubelets_limit() -> None:
    """A hundred go at once, and then fifty a second."""
    bucket = TokenBucket(KUBELET, now=7.0)

    assert [bucket.take(7.0) for _ in range(100)] == [0.0] * 100
    assert bucket.take(7.0) == pytest.approx(0.02)
    assert bucket.take(7.01) == pytest.approx(0.01)
    assert bucket.take(7.02) == 0.0
    assert sum(bucket.take(8.02) == 0.0 for _ in range(60)) == 50


def test_rest_gives_no_more_than_the_burst() -> None:
    """After an hour's rest a burst may go, and no more."""
    bucket = TokenBucket(RateLimit(qps=10.0, burst=3), now=0.0)

    assert sum(bucket.take(3600.0) == 0.0 for _ in range(10)) == 3


@given(
    qps=st.floats(0.1, 1000.0),
    burst=st.integers(1, 50),
    waits=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60),
)
def test_never_more_than_asked(qps: float, burst: int, waits: list[float]) -> None:
    """Over any time no more go than the burst and what came in; and who waits as told may go then."""
    bucket, now = TokenBucket(RateLimit(qps=qps, burst=burst), now=0.0), 0.0
    for gone, wait in enumerate(waits, start=1):
        now += wait
        more = bucket.take(now)
        if more:
            now += more
            assert bucket.take(now) == 0.0
        assert gone <= burst + now * qps + 1e-6

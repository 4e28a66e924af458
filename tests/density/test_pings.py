"""What an API server takes for what needs nothing: as it was for half of the time."""

import pytest

from autox.tasks.density.observation.pings import Pings, typical


@pytest.mark.parametrize(
    ("took", "expected"),
    [
        ([], 0.0),
        ([0.001], 0.001),
        ([0.001, 0.002, 0.003], 0.002),
        ([0.001] * 9 + [1.0], 0.001),
        ([0.001] * 9 + [1.7], 1.7),
        ([4.0, 0.001, 2.0, 0.001], 4.0),
    ],
    ids=["none", "one", "as quick as each other", "slow for less than half", "slow for half", "slow for most"],
)
def test_each_counts_for_as_long_as_the_next_one_waited(took: list[float], expected: float) -> None:
    """A server that stood still for half of the time is a slow one, however many quick answers it gave before."""
    assert typical(took) == expected


def test_the_one_under_way_counts() -> None:
    """What is not answered when the run ends has taken as long as it has waited."""
    assert Pings(took=[0.5], asked=10.0).latencies(at=13.0) == [0.5, 3.0]
    assert Pings(took=[0.5]).latencies(at=13.0) == [0.5]
    assert Pings(asked=10.0).latencies(at=9.9) == [0.0]

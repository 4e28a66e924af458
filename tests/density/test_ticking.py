"""Ticks that all who look again and again have in common."""

import time

import pytest

from autox.tasks.density.ticking import next_tick, tick_after


@pytest.mark.parametrize(
    ("now", "due"),
    [(100.0, 100.2), (100.1, 100.2), (100.189, 100.2), (100.195, 100.4), (100.2, 100.4), (100.21, 100.4)],
)
def test_the_next_tick(now: float, due: float) -> None:
    """A multiple of the period; one that is a moment away has been, for a timer may be early by its resolution."""
    assert tick_after(now, 0.2) == pytest.approx(due)


async def test_whoever_waits_for_a_tick_learns_how_late_it_was() -> None:
    """Two of one period are woken together, and one that was kept from it is told by how much."""
    late = await next_tick(0.02)
    at = time.monotonic()
    assert at % 0.02 == pytest.approx(late, abs=0.001)

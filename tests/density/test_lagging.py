"""When a load first lagged: who waited a second, and for what."""

from typing import Any

import pytest

from tests.density.samples import GOOD, all_running, measured, pod, running_pod, seen


def waiting(*moments: tuple[float, float]) -> list[tuple[float, dict[str, Any]]]:
    """Sights of pods that were seen at the first moment of each pair and ran, bound and all, at the second."""
    sights = [(at, pod(str(at), at=at)) for at, _ in moments]
    return sorted([*sights, *((ran, running_pod(str(at), at=at)) for at, ran in moments)], key=lambda each: each[0])


@pytest.mark.parametrize(
    ("sights", "lagged"),
    [
        pytest.param(all_running(*GOOD), None, id="all in time"),
        pytest.param(waiting((0.1, 0.2), (0.6, 2.5), (1.1, 3.0), (1.6, 1.7)), 0.6, id="the second waited to be bound"),
        pytest.param(all_running(0.1, 0.6, 1.1, 4.0), 1.5, id="the fourth was due then, and came later"),
        pytest.param(all_running(0.1, 0.6, 1.1), 1.5, id="the fourth never came"),
        pytest.param([*all_running(0.1, 0.6, 1.1), (1.6, pod("1.6", at=1.6))], 1.6, id="the fourth was never bound"),
        pytest.param(
            [*all_running(0.1, 0.6, 1.1), (1.6, pod("1.6", at=1.6, node="n-0"))], 1.6, id="the fourth never ran"
        ),
        pytest.param(
            [*all_running(0.1, 0.6, 1.1), (8.9, pod("8.9", at=8.9))], 1.5, id="what began at the end had no time to lag"
        ),
    ],
)
def test_the_first_that_waited_a_second_says_when(
    sights: list[tuple[float, dict[str, Any]]], lagged: float | None
) -> None:
    """Four pods are due at 0, 0.5, 1 and 1.5 s of a run of 9 s; the moment is where the waiting began, not its end."""
    assert measured(seen(*sights)).arrival.lagged == (None if lagged is None else pytest.approx(lagged))


def test_a_pod_that_was_deleted_waits_for_nothing() -> None:
    """Whoever deletes a pod before it is bound does not make the load lag by that."""
    times = seen(*all_running(0.1, 0.6, 1.1), (1.6, pod("gone", at=1.6)))
    times.absent("gone")

    assert measured(times).arrival.lagged is None

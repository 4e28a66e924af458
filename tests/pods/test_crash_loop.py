"""How long a container that keeps ending waits for its next start."""

import pytest

from autox.nodes.process.status.crashloop import BackOff, CrashLoop
from autox.nodes.process.status.runtime_state import ObservedAttempt

CURVE = CrashLoop(initial=10, limit=300)


def crashes(count: int, *, run: float = 1.0, curve: CrashLoop = CURVE) -> list[ObservedAttempt]:
    """Attempts that each ran so long and were restarted as soon as the curve allowed."""
    attempts: list[ObservedAttempt] = []
    at = 0.0
    for number in range(count):
        attempts.append(ObservedAttempt(number=number, started_at=at, finished_at=at + run, exit_code=1))
        wait = curve.back_off(attempts)
        at = wait.until if wait else at + run
    return attempts


def test_the_delays_are_those_of_the_kubelet() -> None:
    """The first restart is immediate, then 10 s, doubling to 5 min."""
    waits = [CURVE.back_off(crashes(count)) for count in range(1, 10)]

    assert [wait.seconds if wait else 0 for wait in waits] == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_the_wait_counts_from_the_end_of_the_last_attempt() -> None:
    """A container that took long to crash has not waited meanwhile."""
    attempts = crashes(2, run=50)

    assert CURVE.back_off(attempts) == BackOff(seconds=10, until=attempts[-1].finished_at + 10)  # type: ignore[operator]


@pytest.mark.parametrize(("run", "forgiven"), [(600, False), (600.1, True)])
def test_ten_minutes_of_running_are_forgiven(run: float, *, forgiven: bool) -> None:
    """A run longer than twice the limit starts the curve anew."""
    attempts = crashes(5)
    start = attempts[-1].finished_at or 0.0
    attempts.append(ObservedAttempt(number=5, started_at=start, finished_at=start + run, exit_code=1))

    assert (CURVE.back_off(attempts) is None) == forgiven


def test_after_forgiveness_the_curve_starts_at_its_beginning() -> None:
    """A forgiven container restarts at once and then waits the initial delay."""
    attempts = crashes(5)
    attempts.append(ObservedAttempt(number=5, started_at=1000, finished_at=2000, exit_code=1))
    attempts.append(ObservedAttempt(number=6, started_at=2000, finished_at=2001, exit_code=1))

    assert CURVE.back_off(attempts) == BackOff(seconds=10, until=2011)


def test_the_curve_is_configurable() -> None:
    """Tests and laptops may use shorter delays."""
    curve = CrashLoop(initial=0.5, limit=1)

    waits = [curve.back_off(crashes(count, curve=curve)) for count in range(1, 5)]

    assert [wait.seconds if wait else 0 for wait in waits] == [0, 0.5, 1, 1]


def test_an_attempt_that_never_came_to_life_counts_too() -> None:
    """A command that cannot be started backs off like one that crashes."""
    attempts = [
        ObservedAttempt(number=number, finished_at=100.0 + number, exit_code=128, reason="StartError")
        for number in range(2)
    ]

    assert CURVE.back_off(attempts) == BackOff(seconds=10, until=111)

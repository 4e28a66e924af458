"""When pods were created, seen, bound and running, by two clocks of which one tells whole seconds."""

from math import inf

import pytest

from autox.tasks.density.observation.podtimes import quantile
from autox.tasks.density.observation.serverclock import ServerClock
from tests.density.samples import SECOND, pod, running_pod, seen, sight_of, synchronous


def test_startup_is_from_the_creation_to_running_and_ready() -> None:
    """Neither bound, nor Running without Ready, is started; later changes do not move the moment."""
    times = seen(
        (10.1, pod("a", at=10.1)),
        (10.2, pod("a", at=10.1, node="n-0")),
        (10.5, pod("a", at=10.1, node="n-0", phase="Running")),
        (11.1, running_pod("a", at=10.1)),
        (19.0, running_pod("a", at=10.1)),
    )

    assert times.startup(wanted=1) == [pytest.approx(1.0)]
    assert times.running == 1
    assert {name: took for name, [took] in times.parts(wanted=1)} == pytest.approx(
        {"created-to-seen": 0.0, "seen-to-bound": 0.1, "bound-to-running": 0.9}
    )


@pytest.mark.parametrize(
    ("created", "sight", "late"),
    [
        pytest.param(10.9, 10.95, 0.0, id="the sight lies in the second of the creation"),
        pytest.param(10.0, 10.99, 0.0, id="or at its end: nobody can tell"),
        pytest.param(10.99, 11.02, 0.02, id="just after it: the second was over by then"),
        pytest.param(10.99, 11.3, 1.3, id="more after it: as it is"),
        pytest.param(10.5, 12.6, 2.6, id="a validating webhook of two seconds"),
        pytest.param(10.0, 22.0, 12.0, id="a watch that was interrupted for twelve seconds"),
        pytest.param(12.0, 10.5, 0.0, id="never created after it was seen"),
    ],
)
def test_a_creation_counts_as_it_is_where_our_sight_does_not_agree(created: float, sight: float, late: float) -> None:
    """What keeps the news of a pod from us counts; a webhook of 2 s did not show, and 12 s without a watch were 1 s."""
    times = seen((sight, running_pod("a", at=created)))

    assert dict(times.parts(wanted=1))["created-to-seen"] == [pytest.approx(late)]
    assert times.startup(wanted=1) == [pytest.approx(late)]


def test_the_servers_clock_is_learnt_from_whole_seconds() -> None:
    """Answers at different parts of a second leave little room."""
    clock = ServerClock()
    for at in (100.0, 100.3, 100.7, 101.1):
        clock.learn(float(int(at + 5000.5)), sent=at, received=at + 0.01)

    assert clock.began(5101.0) == pytest.approx(100.5, abs=0.11)
    assert 101.5 <= clock.over(5101.0) <= 101.72
    assert clock.contradiction == 0.0


@pytest.mark.parametrize("jump", [-3600, -60, -3, 3, 60, 3600])
def test_a_clock_that_was_set_in_mid_run_is_noticed(jump: int) -> None:
    """Creation times before and after that are not of one clock; two servers that differ by half a second are."""
    clock = synchronous()
    clock.learn(SECOND + 9.0, sent=9.4, received=9.5)
    clock.learn(SECOND + 20.0, sent=19.5, received=19.6)
    assert clock.contradiction == pytest.approx(0.4)

    clock.learn(SECOND + 30 + jump, sent=30.0, received=30.1)

    assert clock.has_jumped
    assert clock.contradiction == pytest.approx(abs(jump), abs=1.1)
    assert clock.began(SECOND + 40) == pytest.approx(40.0, abs=0.6)


def test_without_a_clock_the_sight_stands() -> None:
    """An API server that tells no times leaves nothing better."""
    times = seen((9.0, pod("a", at=1.0)), (9.5, running_pod("a", at=1.0)), clock=ServerClock())

    assert times.startup(wanted=1) == [0.5]


def test_a_pod_that_never_ran_is_infinitely_late() -> None:
    """Giving up early must not improve a percentile: not for pods that waited, nor for those never created."""
    times = seen(*((1.0, pod(str(index), at=1.0)) for index in range(3)))
    times.present(sight_of(running_pod("0", at=1.0), at=2.0))

    assert times.startup(wanted=4) == [1.0, inf, inf, inf]
    assert {name: took.count(inf) for name, took in times.parts(wanted=4)} == {
        "created-to-seen": 1,
        "seen-to-bound": 3,
        "bound-to-running": 3,
    }
    assert quantile(times.startup(wanted=4), 25) == 1.0
    assert quantile(times.startup(wanted=4), 50) is None
    assert quantile([], 50) is None


def test_a_pod_that_was_replaced_still_counts() -> None:
    """A pod that was deleted before it ran has failed, though its successor runs."""
    times = seen((1.0, pod("a", at=1.0)), (2.0, pod("b", at=2.0)))
    times.absent("a")
    times.absent("unheard of")
    times.present(sight_of(running_pod("b", at=2.0), at=2.5))

    assert times.startup(wanted=1) == [0.5, inf]
    assert times.failed == 1


def test_a_pod_that_ran_and_ended_is_neither_running_nor_late() -> None:
    """What was measured stays measured."""
    times = seen((1.0, pod("a", at=1.0)), (2.0, running_pod("a", at=1.0)))
    times.absent("a")

    assert times.startup(wanted=1) == [1.0]
    assert (times.running, times.failed) == (0, 0)

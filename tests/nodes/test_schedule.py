"""When leases and heartbeats come due, asked of the schedule at chosen moments; no time passes."""

import pytest

from autox.core.backoff import Backoff
from autox.nodes.node.schedule import Schedule

RETRY = Backoff(initial=1.0, limit=5.0, jitter=0.5)


def schedule_of(*names: str, spread: float = 0.0, now: float = 100.0) -> Schedule:
    """A schedule of ten seconds, whose names come due first one after the other."""
    schedule = Schedule(interval=10.0, retry=RETRY)
    for index, name in enumerate(names):
        schedule.add(name, now, at=now + spread * index / len(names))
    return schedule


def test_names_come_due_when_they_were_planned() -> None:
    """A thousand nodes that are spread do not renew together."""
    schedule = schedule_of(*(f"n{i}" for i in range(1000)), spread=10.0, now=0.0)

    rounds = [len(schedule.due(second + 0.99)) for second in range(10)]

    assert rounds == [100] * 10


def test_a_name_comes_due_one_interval_after_it_was_due() -> None:
    """The spread survives: how long a renewal took does not shift the next one."""
    schedule = schedule_of("a")
    schedule.due(100.0)
    schedule.done("a", 103.0)

    assert (schedule.due(109.9), schedule.due(110.0)) == ([], ["a"])


def test_rounds_drift_apart_by_their_jitter() -> None:
    """Nodes whose renewals fell together, after a stall say, do not go on together for ever."""
    schedule = Schedule(interval=10.0, jitter=0.04, retry=RETRY)
    for name in ("a", "b"):
        schedule.add(name, 100.0, at=100.0)
    schedule.due(100.0)
    schedule.done("a", 100.0, random=0.0)
    schedule.done("b", 100.0, random=0.5)

    assert [schedule.due(now) for now in (109.9, 110.0, 110.1, 110.2)] == [[], ["a"], [], ["b"]]


def test_a_renewal_that_took_longer_than_the_interval_is_not_made_up_for() -> None:
    """After a stall each name gets one renewal, not one for each that was missed."""
    schedule = schedule_of("a")
    schedule.due(100.0)
    schedule.done("a", 175.0)

    assert (schedule.due(184.9), schedule.due(185.0)) == ([], ["a"])


def test_a_name_in_work_is_not_due_again() -> None:
    """Two renewals of one lease never race, however slow the server is."""
    schedule = schedule_of("a")

    assert (schedule.due(100.0), schedule.due(1000.0)) == (["a"], [])


def test_failures_are_repeated_soon_and_ever_less_often() -> None:
    """Five attempts fit in before a lease of 40 s expires, and a server in trouble is not hammered."""
    schedule, now, attempts = schedule_of("a"), 100.0, []
    while now < 140.0:
        if schedule.due(now):
            attempts.append(now)
            schedule.failed("a", now)
        now += 1.0

    assert attempts == [100, 101, 103, 107, 112, 117, 122, 127, 132, 137]


def test_randomness_spreads_the_repetitions() -> None:
    """Thousands of renewals that failed together do not all come back together."""
    schedule = schedule_of("a", "b")
    schedule.due(100.0)
    schedule.failed("a", 100.0, random=0.0)
    schedule.failed("b", 100.0, random=0.999)

    assert schedule.due(100.51) == ["b"]


def test_success_forgets_the_failures() -> None:
    """The first failure after a good renewal is repeated at once again."""
    schedule = schedule_of("a")
    for moment in (100.0, 101.0, 103.0):
        schedule.due(moment)
        schedule.failed("a", moment)
    schedule.due(107.0)
    schedule.done("a", 107.0)
    schedule.due(117.0)
    schedule.failed("a", 117.0)

    assert schedule.due(118.0) == ["a"]


def test_the_longest_overdue_comes_first() -> None:
    """When there is more to do than can be done, nobody starves."""
    schedule = schedule_of("a", "b", "c", spread=3.0)

    assert schedule.due(1000.0) == ["a", "b", "c"]


def test_a_name_can_be_hurried() -> None:
    """A node that was found changed is written now and not in five minutes, and once."""
    schedule = schedule_of("a", "b", spread=10.0)
    schedule.due(100.0)
    schedule.hurry("b", 101.0)
    schedule.hurry("b", 101.0)

    assert (schedule.due(101.0), schedule.due(105.0)) == (["b"], [])


def test_a_name_in_work_that_is_hurried_comes_again() -> None:
    """A change seen while a write is under way is not lost."""
    schedule = schedule_of("a")
    schedule.due(100.0)
    schedule.hurry("a", 100.5)
    schedule.done("a", 101.0)

    assert schedule.due(101.0) == ["a"]


def test_hurry_does_not_cut_a_back_off_short() -> None:
    """Whoever keeps changing a node cannot make its agent hammer the server."""
    schedule = schedule_of("a")
    schedule.due(100.0)
    schedule.hurry("a", 100.0)
    schedule.failed("a", 100.0)
    schedule.hurry("a", 100.1)

    assert (schedule.due(100.9), schedule.due(101.0)) == ([], ["a"])


@pytest.mark.parametrize(("now", "expected"), [(100.0, 0.0), (104.0, 4.0), (112.0, 12.0)])
def test_lateness_is_that_of_the_oldest(now: float, expected: float) -> None:
    """One node that is not renewed shows, however many others are."""
    schedule = schedule_of("a", "b")
    schedule.due(100.0)
    schedule.done("a", max(now - 1.0, 100.0))

    assert schedule.lateness(now) == expected


def test_no_names_are_no_trouble() -> None:
    """An agent without nodes is late for nothing."""
    schedule = schedule_of()

    assert (schedule.due(1e9), schedule.lateness(1e9)) == ([], 0.0)


def test_the_longest_wait_is_remembered() -> None:
    """Lateness between two looks shows afterwards, too."""
    schedule = schedule_of("a", "b")
    schedule.due(100.0)
    schedule.done("a", 100.5)
    schedule.due(110.0)
    schedule.done("b", 130.0)

    assert schedule.longest(130.0) == 30.0
    assert (schedule.lateness(130.0), schedule.late(130.0, seconds=29.5), schedule.late(130.0, seconds=30.0)) == (
        29.5,
        1,
        0,
    )
    schedule.done("a", 131.0)
    assert (schedule.lateness(131.0), schedule.longest(131.0), schedule.longest(170.0)) == (1.0, 30.5, 40.0)

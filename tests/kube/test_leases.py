"""One leader at a time, whatever the clocks say."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from autox.kube.client import KubeClient
from autox.kube.lease import LeaseLock, LeaseTiming
from autox.model.errors import DeadlineError
from autox.model.refs import LEASES

pytestmark = pytest.mark.integration

SHORT = LeaseTiming(duration=4.0, renew_deadline=3.0, retry=0.1)


class Clock:
    """A clock that a test winds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Monotonic seconds."""
        return self.seconds


def lock(kube: KubeClient, namespace: str, who: str, clock: Clock, *, year: int = 2026) -> LeaseLock:
    """A candidate with clocks of its own."""
    moments = (datetime(year, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in count())
    return LeaseLock(kube, namespace=namespace, name="leader", identity=who, clock=clock, now=lambda: next(moments))


async def test_the_lease_passes_on_when_it_is_not_renewed(kube: KubeClient, namespace: str) -> None:
    """A holder is late only when we have seen it idle for the duration, by our own clock; wall clocks do not matter."""
    clock = Clock()
    one, two = lock(kube, namespace, "one", clock, year=1999), lock(kube, namespace, "two", clock, year=2099)

    assert await one.try_acquire()
    assert not await two.try_acquire()
    clock.seconds = 14.9
    assert await one.try_acquire()
    clock.seconds = 15.0
    assert not await two.try_acquire()
    clock.seconds = 29.9
    assert not await two.try_acquire()
    clock.seconds = 30.0
    assert await two.try_acquire()
    assert not await one.try_acquire()
    assert one.holder == two.holder == "two"

    spec = (await kube.get(LEASES, "leader", namespace=namespace))["spec"]
    assert (spec["leaseTransitions"], spec["leaseDurationSeconds"]) == (1, 15)


async def test_a_lease_of_one_that_is_known_to_have_ended_is_taken_at_once(kube: KubeClient, namespace: str) -> None:
    """A controller that starts again in its pod waited 15 s for itself; a stranger's Lease is waited for as before."""
    clock = Clock()
    dead, stranger = (lock(kube, namespace, who, clock) for who in ("pod_1", "other_1"))
    heir = LeaseLock(
        kube, namespace=namespace, name="leader", identity="pod_2", clock=clock, is_ended=lambda who: who == "pod_1"
    )
    assert await dead.try_acquire()
    assert not await stranger.try_acquire()
    assert await heir.try_acquire()
    assert not await dead.try_acquire()
    assert (await kube.get(LEASES, "leader", namespace=namespace))["spec"]["leaseTransitions"] == 1

    clock.seconds = 14.0
    assert not await stranger.try_acquire()
    assert await heir.try_acquire()
    clock.seconds = 40.0
    assert not await stranger.try_acquire()
    clock.seconds = 55.0
    assert await stranger.try_acquire()
    assert not await heir.try_acquire()


async def test_a_released_lease_is_free_at_once(kube: KubeClient, namespace: str) -> None:
    """Releasing passes the lead on without a wait, and only the holder can."""
    clock = Clock()
    one, two = lock(kube, namespace, "one", clock), lock(kube, namespace, "two", clock)
    await one.try_acquire()
    await two.try_acquire()

    await two.release()
    assert not await two.try_acquire()
    await one.release()
    assert await two.try_acquire()


async def test_of_many_candidates_one_wins(kube: KubeClient, namespace: str) -> None:
    """A race for a lease that does not exist, and one for a lease that is free, have one winner each."""
    clock = Clock()
    candidates = [lock(kube, namespace, f"c{n}", clock) for n in range(8)]

    assert sum(await asyncio.gather(*(each.try_acquire() for each in candidates))) == 1
    await asyncio.gather(*(each.try_acquire() for each in candidates))
    clock.seconds = 100.0
    assert sum(await asyncio.gather(*(each.try_acquire() for each in candidates))) == 1


async def test_leaders_take_turns(kube: KubeClient, namespace: str) -> None:
    """Work is done under the lease, one at a time, and the next begins when the first is done."""
    working: list[str] = []

    def work(who: str) -> Callable[[], Awaitable[str]]:
        async def alone() -> str:
            working.append(who)
            assert working == [who]
            await asyncio.sleep(0.2)
            working.remove(who)
            return who

        return alone

    locks = {
        who: LeaseLock(kube, namespace=namespace, name="turns", identity=who, timing=SHORT) for who in ("a", "b", "c")
    }
    done = await asyncio.gather(*(each.lead(work(who)) for who, each in locks.items()))

    assert done == ["a", "b", "c"]


async def test_a_leader_that_loses_the_lease_stops(kube: KubeClient, namespace: str) -> None:
    """When somebody else holds the lease, or nobody can be asked, the work is cancelled and the caller told."""
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    leader = LeaseLock(kube, namespace=namespace, name="stolen", identity="me", timing=SHORT)
    leading = asyncio.create_task(leader.lead(work))
    async with asyncio.timeout(20):
        while leader.holder != "me":  # noqa: ASYNC110  - the lock has nobody to tell
            await asyncio.sleep(0.02)
    spec = {"holderIdentity": "thief", "leaseDurationSeconds": 3600}
    await kube.patch(LEASES, "stolen", {"spec": spec}, namespace=namespace)

    with pytest.raises(DeadlineError, match="thief"):
        await leading
    assert stopped.is_set()


async def test_what_the_work_raises_comes_out(kube: KubeClient, namespace: str) -> None:
    """An error of the work is the caller's, and the lease is given up."""

    async def work() -> None:
        raise ZeroDivisionError

    leader = LeaseLock(kube, namespace=namespace, name="failing", identity="me", timing=SHORT)
    with pytest.raises(ZeroDivisionError):
        await leader.lead(work)

    assert (await kube.get(LEASES, "failing", namespace=namespace))["spec"].get("holderIdentity", "") == ""

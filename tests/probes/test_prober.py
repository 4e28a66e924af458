"""The probes of a container over time, on a clock that takes no time."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from autox.kube.objects import Object
from autox.model.errors import NotFoundError
from autox.nodes.probes.outcome import ProbeKind, ProbeReport
from autox.nodes.probes.prober import Prober

STARTUP, LIVENESS, READINESS = ProbeKind


class Clock:
    """Time that passes only when everybody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        """Seconds."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Wait for ``pass_until``."""
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), future))
        await future

    async def pass_until(self, end: float) -> None:
        """Let everything happen up to ``end`` seconds after the start."""
        for _ in range(10_000):
            for _ in range(20):
                await asyncio.sleep(0)
            if not self._sleepers or self._sleepers[0][0] > 100.0 + end:
                break
            self.time, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
        self.time = 100.0 + end


class Watched:
    """A container with exec probes that a test answers, and what its prober said."""

    def __init__(self, clock: Clock, container: Object, answer: Callable[[str, float], Any], **options: Any) -> None:
        self.reports: list[tuple[float, ProbeReport]] = []
        self.asked: list[tuple[float, str]] = []
        self._clock = clock
        self._answer = answer
        self.prober = Prober(
            container,
            address="127.213.1.7",
            exec_=self._exec,
            on_result=lambda report: self.reports.append((clock.time - 100.0, report)),
            sleep=clock.sleep,
            now=clock.now,
            **options,
        )

    async def _exec(self, command: Sequence[str], _within: float) -> tuple[int, bytes]:
        at = self._clock.time - 100.0
        self.asked.append((at, command[0]))
        answer = self._answer(command[0], at)
        if isinstance(answer, float):
            await self._clock.sleep(answer)
            answer = True
        if answer is None:
            raise NotFoundError("no such command")
        return 0 if answer else 1, b""

    def times(self, kind: ProbeKind) -> list[float]:
        """When the probe was asked."""
        return [at for at, command in self.asked if command == kind.value]

    def changes(self) -> list[tuple[float, ProbeKind, bool | None]]:
        """When which state changed."""
        return [(at, report.kind, report.healthy) for at, report in self.reports if report.changed]


def probe(kind: ProbeKind, **fields: int) -> Object:
    """A container's field with an exec probe that runs a command of the probe's name."""
    return {kind.field: {"exec": {"command": [kind.value]}, "periodSeconds": 10} | fields}


async def watch(container: Object, answer: Callable[[str, float], Any], *, until: float, **options: Any) -> Watched:
    """Run a prober for so many seconds of its clock, and cancel it."""
    clock = Clock()
    watched = Watched(clock, container, answer, **options)
    running = asyncio.create_task(watched.prober.run())
    await clock.pass_until(until)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return watched


async def test_a_container_without_probes_is_ready_at_once() -> None:
    """And nothing is asked."""
    watched = await watch({}, lambda *_: True, until=100)

    assert (watched.prober.started, watched.prober.ready, watched.asked) == (True, True, [])


async def test_readiness_is_asked_at_once_and_then_each_period() -> None:
    """After the initial delay; one success makes it ready, three failures make it not."""
    container = probe(READINESS, initialDelaySeconds=5)
    watched = await watch(container, lambda _, at: at < 20, until=60)

    assert watched.times(READINESS) == [5, 15, 25, 35, 45, 55]
    assert watched.changes() == [(5, READINESS, True), (45, READINESS, False)]
    assert watched.prober.ready is False


async def test_the_startup_probe_comes_first() -> None:
    """Liveness and readiness wait for it, then are asked at once, and it is asked no more."""
    container = probe(STARTUP, periodSeconds=3) | probe(LIVENESS) | probe(READINESS)
    watched = await watch(container, lambda kind, at: kind != "Startup" or at >= 6, until=30)

    assert watched.times(STARTUP) == [0, 3, 6]
    assert watched.times(LIVENESS) == watched.times(READINESS) == [6, 16, 26]
    assert watched.changes() == [(6, STARTUP, True), (6, READINESS, True)]
    assert (watched.prober.started, watched.prober.ready) == (True, True)


async def test_a_startup_probe_that_fails_for_good_ends_the_asking() -> None:
    """The container is going to be stopped; nothing else was ever asked."""
    container = probe(STARTUP, failureThreshold=2) | probe(LIVENESS)
    watched = await watch(container, lambda *_: False, until=100)

    assert watched.asked == [(0, "Startup"), (10, "Startup")]
    assert watched.changes() == [(10, STARTUP, False)]
    assert (watched.prober.started, watched.prober.ready) == (False, False)


async def test_a_liveness_probe_that_fails_for_good_asks_no_more() -> None:
    """Readiness is asked on until the container has ended."""
    container = probe(LIVENESS, failureThreshold=2) | probe(READINESS)
    watched = await watch(container, lambda kind, _: kind == "Readiness", until=50)

    assert watched.times(LIVENESS) == [0, 10]
    assert watched.times(READINESS) == [0, 10, 20, 30, 40, 50]
    assert (10, LIVENESS, False) in watched.changes()


async def test_every_failure_is_told() -> None:
    """For Events; what changed is told apart."""
    watched = await watch(probe(LIVENESS), lambda *_: False, until=100)

    assert [(report.outcome.ok, report.changed) for _, report in watched.reports] == [
        (False, False),
        (False, False),
        (False, True),
    ]


async def test_what_could_not_be_asked_counts_for_nothing() -> None:
    """A missing command never restarts a container nor makes it ready."""
    container = probe(LIVENESS) | probe(READINESS)
    watched = await watch(container, lambda *_: None, until=100)

    assert watched.changes() == []
    assert all(report.outcome.errored for _, report in watched.reports)
    assert watched.prober.ready is False


async def test_a_probe_that_outlasts_its_period_is_not_asked_twice_at_once() -> None:
    """It is asked again as soon as it has answered, and missed turns are not made up for."""
    watched = await watch(probe(READINESS), lambda _, at: 25.0 if at == 0 else True, until=50)

    assert watched.times(READINESS) == [0, 25, 35, 45]


async def test_a_container_that_outlived_its_node_goes_on_as_it_was() -> None:
    """Started and ready stay so; initial delays that have passed are not waited for again."""
    container = probe(STARTUP) | probe(READINESS, initialDelaySeconds=30)
    watched = await watch(container, lambda _, at: at < 5, until=25, running_for=1000.0, started=True, ready=True)

    assert watched.times(STARTUP) == []
    assert watched.times(READINESS) == [0, 10, 20]
    assert watched.prober.ready is True


async def test_an_initial_delay_counts_from_the_start_of_the_container() -> None:
    """Of liveness too when the startup probe takes longer than it."""
    container = probe(STARTUP) | probe(LIVENESS, initialDelaySeconds=15) | probe(READINESS, initialDelaySeconds=3)
    watched = await watch(container, lambda kind, at: kind != "Startup" or at >= 10, until=30, running_for=1.0)

    assert (watched.times(READINESS)[0], watched.times(LIVENESS)[0]) == (10, 14)


async def test_cancelling_ends_everything() -> None:
    """Even while a probe is under way; nothing is told afterwards."""
    clock = Clock()
    watched = Watched(clock, probe(LIVENESS) | probe(READINESS), lambda *_: 1000.0)
    running = asyncio.create_task(watched.prober.run())
    await clock.pass_until(5)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running

    await clock.pass_until(5000)

    assert watched.reports == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_named_ports_are_those_of_the_container() -> None:
    """A probe may say the name instead of the number."""
    reports: list[ProbeReport] = []
    container = {
        "ports": [{"name": "web", "containerPort": 1}, {"containerPort": 2}],
        "readinessProbe": {"tcpSocket": {"port": "web"}},
    }
    clock = Clock()

    async def exec_(_command: Sequence[str], _within: float) -> tuple[int, bytes]:
        raise AssertionError

    prober = Prober(
        container, address="127.213.1.7", exec_=exec_, on_result=reports.append, sleep=clock.sleep, now=clock.now
    )
    running = asyncio.create_task(prober.run())
    while not reports:  # noqa: ASYNC110  - a real connection is refused
        await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert reports[0].outcome.message.startswith("dial tcp 127.213.1.7:1: ")

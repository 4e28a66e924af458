"""The probes of one container, asked again and again for as long as it runs.

Until the startup probe has succeeded the other two wait. A startup or liveness probe that has failed for good asks no
more: the container is going to be stopped, and its next attempt gets a prober of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from autox.kube.objects import Object
from autox.nodes.probes.handlers import Exec, probe_once
from autox.nodes.probes.outcome import ProbeKind, ProbeReport, initial_threshold


class Prober:
    """Probes one attempt of one container.

    Attributes:
        started: its startup probe has succeeded, or it has none.
        ready: it is started and its readiness probe succeeds, or it has none.
    """

    def __init__(
        self,
        container: Object,
        *,
        address: str,
        exec_: Exec,
        on_result: Callable[[ProbeReport], None],
        running_for: float = 0.0,
        started: bool = False,
        ready: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is asked before ``run``.

        Args:
            container: its specification in the pod.
            address: where the pod listens.
            exec_: runs a command inside the container.
            on_result: told every outcome, at once, with what follows from it.
            running_for: seconds since the container was started, which count towards initial delays.
            started: it had started before this node was restarted.
            ready: it was ready then; it stays so until its probe says otherwise.
            sleep: how to wait so many seconds.
            now: a monotonic clock in seconds.
        """
        self._probes = {kind: container[kind.field] for kind in ProbeKind if container.get(kind.field)}
        self._ports = {port["name"]: port["containerPort"] for port in container.get("ports") or () if port.get("name")}
        self._address = address
        self._exec = exec_
        self._on_result = on_result
        self._sleep = sleep
        self._now = now
        self._begun = now() - running_for
        self._started = asyncio.Event()
        if started or ProbeKind.STARTUP not in self._probes:
            self._started.set()
        self._ready = ready or ProbeKind.READINESS not in self._probes

    @property
    def started(self) -> bool:
        """Whether liveness and readiness count by now."""
        return self._started.is_set()

    @property
    def ready(self) -> bool:
        """Whether the container may be sent requests."""
        return self.started and self._ready

    async def run(self) -> None:
        """Ask until cancelled, or until there is nothing more to ask."""
        async with asyncio.TaskGroup() as group:
            for kind in self._probes:
                if kind is not ProbeKind.STARTUP or not self.started:
                    group.create_task(self._ask(kind))

    async def _ask(self, kind: ProbeKind) -> None:
        probe = self._probes[kind]
        period = float(probe.get("periodSeconds") or 10)
        threshold = initial_threshold(kind, probe, ready=self._ready)
        if kind is not ProbeKind.STARTUP:
            await self._started.wait()
        delay = self._begun + float(probe.get("initialDelaySeconds") or 0) - self._now()
        if delay > 0:
            await self._sleep(delay)
        due = self._now()
        while True:
            outcome = await probe_once(probe, address=self._address, ports=self._ports, exec_=self._exec)
            before = threshold.healthy
            if not outcome.errored:
                threshold = threshold.after(ok=outcome.ok)
            if kind is ProbeKind.READINESS:
                self._ready = threshold.healthy is True
            if kind is ProbeKind.STARTUP and threshold.healthy:
                self._started.set()
            changed = threshold.healthy is not before
            self._on_result(ProbeReport(kind=kind, outcome=outcome, healthy=threshold.healthy, changed=changed))
            if _concluded(kind, healthy=threshold.healthy):
                return
            # NB: like a ticker: a probe that outlasts its period is followed at once by one more, not by all it missed.
            due = max(due + period, self._now())
            await self._sleep(due - self._now())


def _concluded(kind: ProbeKind, *, healthy: bool | None) -> bool:
    if kind is ProbeKind.STARTUP:
        return healthy is not None
    return kind is ProbeKind.LIVENESS and healthy is False

"""The controller: one process of which one at a time leads, and its probes.

``leading`` is what the leader does. Everything that acts runs inside the Lease, and when the controller is asked to
stop the leader comes to its own end first.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from autox.controller.health import Health
from autox.controller.leading import Leader
from autox.kube.client import KubeClient
from autox.kube.lease import LeaseLock
from autox.ports import Releases, Timers, TriggerSource

_log = logging.getLogger(__name__)

LEASE = "autox-controller"
STOP_SECONDS = 20.0  # for what is under way; a pod is given 30 to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a controller is run.

    Attributes:
        namespace: its own: of its Lease, and of the groups that may name triggers anywhere.
        identity: unique for each process.
        is_ended: whether the process of another identity is known to have ended.
        host: where its probes are answered.
        port: of the probes; 0 for any that is free.
        stop_seconds: how long what is under way may take when it stops.
    """

    namespace: str
    identity: str
    is_ended: Callable[[str], bool] = lambda _: False
    host: str = "127.0.0.1"
    port: int = 8081
    stop_seconds: float = STOP_SECONDS


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    settings: Settings,
    kube: KubeClient,
    releases: Releases,
    source: TriggerSource,
    timers: Timers,
    *,
    stop: asyncio.Event,
    now: Callable[[], datetime] = _utc_now,
) -> None:
    """Be a controller until ``stop`` is set.

    Args:
        settings: how it is run.
        kube: of the cluster; the Lease is there as well.
        releases: installs and uninstalls.
        source: watches the triggers.
        timers: run the housekeeping.
        stop: set it, and the leader comes to its own end within ``stop_seconds``.
        now: the wall clock, with its time zone.

    Raises:
        DeadlineError: another controller took the Lease.
        AutoxError: a right is missing without which nothing can be done.
    """
    leader = Leader(
        kube,
        releases,
        source,
        timers,
        own_namespace=settings.namespace,
        stop=stop,
        stop_seconds=settings.stop_seconds,
        now=now,
    )
    health = Health(settings.host, settings.port, is_ready=leader.is_ready, stuck=leader.stuck)
    lock = LeaseLock(
        kube, namespace=settings.namespace, name=LEASE, identity=settings.identity, is_ended=settings.is_ended
    )
    _log.info("waiting for the lease %s/%s as %s", settings.namespace, LEASE, settings.identity)
    leading = asyncio.create_task(lock.lead(leader.lead))
    serving = asyncio.create_task(health.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((leading, serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stopping.done() and leader.leads:
            await asyncio.wait((leading,))
    finally:
        for task in (leading, serving, stopping):
            task.cancel()
        await asyncio.gather(leading, serving, stopping, return_exceptions=True)
    for task in (serving, leading):
        if not task.cancelled():
            task.result()
    _log.info("stopped")

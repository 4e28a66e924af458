"""A lock in the cluster, for leader election: one holder of a ``Lease`` at a time, with a time limit.

The rules are client-go's. Times inside the Lease are informative only: whether a holder is late is judged by how long
*we* have seen its record unchanged, by our own monotonic clock, so that clocks that disagree do no harm. A write that
races with another's fails by its resource version. Two holders at once are excluded as long as a holder stops working
within ``duration`` of its last successful renewal; ``lead`` sees to that.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from autox.kube.client import KubeClient
from autox.kube.objects import Object, micro_timestamp
from autox.model.errors import (
    AlreadyExistsError,
    AutoxError,
    ConflictError,
    DeadlineError,
    NotFoundError,
    TransientError,
)
from autox.model.refs import LEASES

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTiming:
    """Seconds; the defaults are client-go's.

    Attributes:
        duration: a record unchanged for so long no longer holds.
        renew_deadline: a holder that could not renew for so long stops; must be shorter than ``duration``.
        retry: between two tries.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


class LeaseLock:
    """One candidate for one Lease."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: LeaseTiming = LeaseTiming(),
        is_ended: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Become a candidate; nothing is asked for yet.

        Args:
            kube: the client.
            namespace: of the Lease.
            name: of the Lease.
            identity: who we are; must be unique for each process, since a holder's name is its claim.
            timing: how long things take.
            is_ended: whether the process of that identity is known to have ended, so that nobody needs to wait for it.
            clock: monotonic seconds, for judging holders.
            now: the wall clock, for what is written into the Lease.
        """
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing
        self._is_ended = is_ended
        self._clock = clock
        self._now = now
        self._seen: Object = {}
        self._seen_at = 0.0

    @property
    def holder(self) -> str:
        """Who held the Lease when it was last read; empty if nobody."""
        return str(_spec(self._seen).get("holderIdentity") or "")

    async def try_acquire(self) -> bool:
        """Take or renew the Lease if it is free, ours, or has not been renewed for its duration.

        Raises:
            AutoxError: the API server could not be asked, or refused for another reason than a race.
        """
        try:
            found = await self._kube.get(LEASES, self._name, namespace=self._namespace)
        except NotFoundError:
            return await self._write(self._kube.create, {"metadata": self._names()}, transitions=0)
        self._observe(found)
        spec = _spec(found)
        ours = self.holder == self._identity
        is_held = bool(self.holder) and not ours and not self._is_ended(self.holder)
        if is_held and self._clock() < self._seen_at + self._lasts(spec):
            return False
        return await self._write(
            self._kube.replace,
            found,
            transitions=_number(spec.get("leaseTransitions")) + (0 if ours else 1),
            acquired=spec.get("acquireTime") if ours else None,
        )

    async def release(self) -> None:
        """Give the Lease up, if it is ours, so that nobody needs to wait for it to run out."""
        if self.holder != self._identity:
            return
        spec = _spec(self._seen) | {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            self._observe(await self._kube.replace(LEASES, self._seen | {"spec": spec}))
        except (ConflictError, NotFoundError):
            self._seen = {}

    async def lead(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait until the Lease is ours, do the work while it is, give it up afterwards.

        Transient errors while waiting or renewing are tried again.

        Raises:
            DeadlineError: the Lease was lost, and the work was cancelled.
            AutoxError: the API server refuses permanently.
        """
        asked_at = self._clock()
        while not await self._tolerant():
            await asyncio.sleep(self._timing.retry)
            asked_at = self._clock()
        working = asyncio.ensure_future(work())
        renewing = asyncio.create_task(self._renew(asked_at))
        try:
            await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise renewing.exception() or AssertionError("renewing only ends with an error")
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)
            await self._release_quietly()

    async def _renew(self, renewed_at: float) -> None:
        while True:
            await asyncio.sleep(self._timing.retry)
            asked_at = self._clock()
            try:
                # NB: an answer that does not come must not keep us from noticing that the Lease runs out.
                async with asyncio.timeout(max(0.0, renewed_at + self._timing.renew_deadline - asked_at)):
                    held = await self._tolerant()
            except TimeoutError:
                held = False
            if held:
                renewed_at = asked_at
            elif self.holder != self._identity or self._clock() - renewed_at >= self._timing.renew_deadline:
                raise DeadlineError(f"the lease {self._namespace}/{self._name} was lost to {self.holder or 'nobody'}")

    async def _tolerant(self) -> bool:
        try:
            return await self.try_acquire()
        except TransientError:
            return False

    async def _release_quietly(self) -> None:
        try:
            async with asyncio.timeout(self._timing.retry):
                await self.release()
        except (AutoxError, TimeoutError):
            return  # It runs out by itself.

    async def _write(
        self, verb: Callable[..., Awaitable[Object]], base: Object, *, transitions: int, acquired: object = None
    ) -> bool:
        moment = micro_timestamp(self._now())
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._timing.duration)),
            "acquireTime": acquired or moment,
            "renewTime": moment,
            "leaseTransitions": transitions,
        }
        body = base | {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "spec": spec}
        try:
            self._observe(await verb(LEASES, body))
        except (ConflictError, AlreadyExistsError):
            return False
        return True

    def _names(self) -> Object:
        return {"name": self._name, "namespace": self._namespace}

    def _observe(self, lease: Object) -> None:
        if _spec(lease) != _spec(self._seen):
            self._seen_at = self._clock()
        self._seen = lease

    def _lasts(self, spec: Object) -> float:
        return float(_number(spec.get("leaseDurationSeconds")) or self._timing.duration)


def _spec(lease: Object) -> Object:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0

"""Stops one container: preStop hook, SIGTERM to its main process, SIGKILL to everything in it when time is up.

The hook and the process share one grace period, except that the process always has a moment after the hook, however
long that took (both as in the kubelet's killContainer). The end can be brought forward while it is on its way, since
a pod may be deleted a second time with a shorter grace period.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from autox.model.errors import AutoxError
from autox.nodes.process.clock import Clock
from autox.nodes.process.runtime.attempts import ContainerKey
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.status.lifecycle import MINIMUM_GRACE_SECONDS

Hook = Callable[[], Awaitable[None]]
"""A lifecycle hook; it raises AutoxError when it fails."""


class Stopping:
    """One container on its way out; ``run`` is the way."""

    def __init__(
        self,
        runtime: ContainerRuntime,
        key: ContainerKey,
        *,
        deadline: float,
        pre_stop: Hook | None,
        on_hook_failed: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Prepare; nothing is stopped before ``run``.

        Args:
            runtime: runs the container.
            key: which one.
            deadline: epoch seconds of its SIGKILL.
            pre_stop: its preStop hook.
            on_hook_failed: told when the hook fails; the container is stopped all the same.
            clock: the time.
        """
        self.deadline = deadline
        self._runtime, self._key, self._clock = runtime, key, clock
        self._pre_stop, self._on_hook_failed = pre_stop, on_hook_failed
        self._shortened = asyncio.Event()

    def shorten(self, deadline: float) -> None:
        """Bring the end forward; it is never put off."""
        if deadline < self.deadline:
            self.deadline = deadline
            self._shortened.set()

    async def run(self) -> None:
        """Return once nothing of the container is left."""
        if self._pre_stop is not None:
            await self._until_deadline(self._run_hook(self._pre_stop))
            self.deadline = max(self.deadline, self._clock.now() + MINIMUM_GRACE_SECONDS)
        await self._runtime.signal(self._key, signal.SIGTERM)
        await self._until_deadline(self._runtime.wait(self._key))
        await self._runtime.kill(self._key)

    async def _run_hook(self, hook: Hook) -> None:
        try:
            await hook()
        except AutoxError:
            self._on_hook_failed()

    async def _until_deadline(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait for the work, but no longer than the container lives and its time lasts; then the work is cancelled."""
        task, ended = asyncio.create_task(work), asyncio.create_task(self._runtime.wait(self._key))
        try:
            while not (task.done() or ended.done()) and self._clock.now() < self.deadline:
                self._shortened.clear()
                alarm = asyncio.create_task(self._clock.sleep_until(self.deadline))
                shorter = asyncio.create_task(self._shortened.wait())
                await asyncio.wait({task, ended, alarm, shorter}, return_when=asyncio.FIRST_COMPLETED)
                alarm.cancel()
                shorter.cancel()
        finally:
            task.cancel()
            ended.cancel()
            await asyncio.wait({task, ended})
        if not task.cancelled():
            task.result()

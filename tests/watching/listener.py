"""Runs a source and remembers what it told."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from autox.adapters.kopf_source import KopfSource
from autox.adapters.watch_manager import WatchTiming
from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.model.groups import OptIn
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerWatch

WAIT_SECONDS = 20.0
SOON = Backoff(initial=0.2, factor=1.0)
QUICK = WatchTiming(gather=0.02, not_served=SOON, failing=SOON, settled=0.5)


def watch_of(resource: str, namespace: str, *, group: str = "", value: str = "true") -> TriggerWatch:
    """Objects with the usual opt-in label."""
    return TriggerWatch(group=group, version="v1", resource=resource, namespace=namespace, opt_in=OptIn(value=value))


class Listener:
    """A source that runs, and everything that it named, in order."""

    def __init__(self, kube: KubeClient) -> None:
        self.source = KopfSource(kube, timing=QUICK)
        self.named: list[ObjectRef] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self.source.run(self._on_trigger, self._news.set))

    def follow(self, *watches: TriggerWatch) -> None:
        """Follow these."""
        self.source.follow(frozenset(watches))

    def count(self, name: str) -> int:
        """How often objects of this name were named."""
        return sum(each.name == name for each in self.named)

    async def until(self, what: str, look: Callable[[], bool]) -> None:
        """Wait for something to be so."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not look():
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            raise AssertionError(f"waited in vain until {what}; named: {self.named}, {self.reasons()}") from None

    async def named_again(self, name: str, before: int) -> None:
        """Wait until an object was named once more than before."""
        await self.until(f"{name} is named more than {before} times", lambda: self.count(name) > before)

    def reasons(self) -> set[tuple[str, str]]:
        """Resource and reason of each trouble."""
        return {(watch.resource, trouble.reason) for watch, trouble in self.source.troubles().items()}

    async def stop(self) -> None:
        """Stop it; a defect of the source fails the test."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for thread in threading.enumerate():
            if thread.name.startswith("kopf "):
                await asyncio.to_thread(thread.join, WAIT_SECONDS)
                assert not thread.is_alive(), f"{thread.name} is left"

    def _on_trigger(self, trigger: ObjectRef) -> None:
        self.named.append(trigger)
        self._news.set()

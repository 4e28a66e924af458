"""Triggers watched with kopf: the port ``TriggerSource``.

An event says that something happened to an object, and no more than the object's name leaves this adapter: whoever
decides reads the object back. So nothing is lost when events are missed, repeated or reordered, and none has to be
kept. Objects that lost the opt-in label come as well (the server says DELETED for what leaves a selection), and so
does everything that exists, each time that an operator starts.

``watch_manager`` keeps one resource watched, ``preflight`` asks whether it can be, ``kopf_operator`` is where kopf
runs. Rejected: one operator for everything (one missing right ends it), and our own watch in place of kopf's: kopf
is what users of such a product expect, and its memory of objects costs little once the server selects them.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from autox.adapters.watch_manager import WatchManager, WatchTiming
from autox.kube.client import KubeClient
from autox.model.refs import ObjectRef, Resource
from autox.model.trigger import TriggerWatch, WatchTrouble


class KopfSource:
    """Watches triggers, each resource with an operator of its own."""

    def __init__(self, kube: KubeClient, *, timing: WatchTiming = WatchTiming()) -> None:  # noqa: B008  - frozen
        """Prepare; nothing is watched before ``run``.

        Args:
            kube: asks what can be watched, and its connection is the operators' too.
            timing: when to look again.
        """
        self._kube = kube
        self._timing = timing
        self._wanted: Mapping[Resource, frozenset[TriggerWatch]] = {}
        self._changed = asyncio.Event()
        self._followed: dict[Resource, WatchManager] = {}

    def follow(self, watches: frozenset[TriggerWatch]) -> None:
        """Watch these from now on and no others; returns at once."""
        wanted: dict[Resource, set[TriggerWatch]] = defaultdict(set)
        for each in watches:
            resource = Resource(group=each.group, version=each.version, plural=each.resource, kind="")
            wanted[resource].add(each)
        self._wanted = {resource: frozenset(of) for resource, of in wanted.items()}
        self._changed.set()

    def troubles(self) -> Mapping[TriggerWatch, WatchTrouble]:
        """Which watches do not work at the moment, and why."""
        found: dict[TriggerWatch, WatchTrouble] = {}
        for manager in self._followed.values():
            found |= manager.troubles()
        return found

    async def run(self, on_trigger: Callable[[ObjectRef], None], on_trouble: Callable[[], None]) -> None:
        """Watch until cancelled; both are called in the event loop that called this."""
        # NB: what kopf logs at its failures are tracebacks of its own; the reasons are told as troubles.
        logging.getLogger("kopf").setLevel(logging.CRITICAL)
        running: dict[Resource, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                wanted = self._wanted
                for resource in running.keys() - wanted.keys():
                    del self._followed[resource]
                    await _end(running.pop(resource))
                for resource, watches in wanted.items():
                    if resource not in running:
                        manager = WatchManager(
                            self._kube, resource, on_trigger=on_trigger, on_trouble=on_trouble, timing=self._timing
                        )
                        self._followed[resource] = manager
                        running[resource] = asyncio.create_task(manager.run())
                    self._followed[resource].follow(watches)
                await _change_or_defect(self._changed, running.values())
        finally:
            await _end(*running.values())


async def _change_or_defect(changed: asyncio.Event, running: Collection[asyncio.Task[None]]) -> None:
    change = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait({change, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        change.cancel()
    for task in running:
        if task.done():
            task.result()  # raises: none of them ends unless it is cancelled


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

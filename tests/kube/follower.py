"""A consumer of a watch that writes down what it was told, for tests to wait on."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from autox.core.backoff import Backoff
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.kube.watch import WatchTiming, watch
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.errors import AutoxError
from autox.model.refs import CONFIG_MAPS, Resource

FAST = WatchTiming(backoff=Backoff(initial=0.05, limit=0.3))
PATIENCE_SECONDS = 30.0


class Follower:
    """Watches in a task of its own; use it as an asynchronous context manager."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        resource: Resource = CONFIG_MAPS,
        namespace: str | None = None,
        label_selector: str = "",
        metadata_only: bool = False,
        chunk: int = 500,
        timing: WatchTiming = FAST,
    ) -> None:
        self.events: list[WatchEvent[Object]] = []
        self.troubles: list[AutoxError] = []
        self._news = asyncio.Event()
        self._watch = watch(
            kube,
            resource,
            namespace=namespace,
            label_selector=label_selector,
            metadata_only=metadata_only,
            chunk=chunk,
            on_trouble=self._trouble,
            timing=timing,
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._watch.aclose()

    @property
    def told(self) -> list[str]:
        """The events as ``TYPE name``, without what every namespace has."""
        words = [
            f"{event.type} {event.object['metadata']['name']}" if event.object else str(event.type)
            for event in self.events
        ]
        return [word for word in words if not word.endswith("kube-root-ca.crt")]

    def count(self, kind: WatchEventType) -> int:
        """How many events of a type came."""
        return sum(event.type is kind for event in self.events)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true, looking again with each piece of news."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                if self._task is not None and self._task.done():
                    self._task.result()
                    raise AssertionError("the watch ended by itself")
                self._news.clear()
                await self._news.wait()

    async def until_told(self, *words: str) -> None:
        """Wait until each of these was told."""
        await self.until(lambda: set(words) <= set(self.told))

    async def until_synced(self, times: int = 1) -> None:
        """Wait for so many complete listings."""
        await self.until(lambda: self.count(WatchEventType.SYNCED) >= times)

    def _trouble(self, error: AutoxError) -> None:
        self.troubles.append(error)
        self._news.set()

    async def _follow(self) -> None:
        try:
            async for event in self._watch:
                self.events.append(event)
                self._news.set()
        finally:
            self._news.set()

"""Every template that a trigger had while a load ran, also one that was taken back before the load had ended.

Two looks, before and after, see no change in a template that went from one to another and back, as ``kubectl rollout
undo`` does, though the pods of both answered. A watch sees each state. It needs the rights to list and watch this one
object; where they are missing the two looks are all there is, and ``blind`` says so.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from autox.core.experiments.templates import images_of, template_of
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEventType
from autox.model.errors import AutoxError, PermanentError
from autox.model.refs import ObjectRef

BEGIN_SECONDS = 5.0
CATCH_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen of a trigger, at one time.

    Attributes:
        uid: of the object.
        template: digest of what decides which pods it runs.
        images: of its pods.
        version: of the object, as the API server counts.
    """

    uid: str
    template: str
    images: tuple[str, ...]
    version: str = ""


def sight_of(found: Object, trigger: ObjectRef) -> Sight:
    """What is seen of a trigger as it was read."""
    own = metadata(found)
    return Sight(
        uid=str(own.get("uid", "")),
        template=template_of(found, group=trigger.group),
        images=images_of(found),
        version=str(own.get("resourceVersion", "")),
    )


class TemplateWatch:
    """Watches one object, from ``begin`` to ``close``.

    Attributes:
        sights: each state that differs from the one before it.
        blind: why nothing is seen; empty if it is.
    """

    def __init__(self, kube: KubeClient, trigger: ObjectRef) -> None:
        """Watch nothing yet."""
        self._kube = kube
        self._trigger = trigger
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._is_synced = False
        self._version = ""
        self.sights: list[Sight] = []
        self.blind = ""

    async def begin(self) -> None:
        """Return when it watches, or cannot."""
        self._task = asyncio.create_task(self._watch())
        if not await self._until(lambda: self._is_synced or self.blind, BEGIN_SECONDS):
            self.blind = "the watch did not begin in time"

    async def up_to(self, version: str) -> None:
        """Return when everything up to this version of the object was seen, or soon after."""
        await self._until(lambda: self.blind or _is_reached(self._version, version), CATCH_UP_SECONDS)

    async def close(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        trigger = self._trigger
        events = watch(
            self._kube,
            trigger.api_resource,
            namespace=trigger.namespace,
            field_selector=f"metadata.name={trigger.name}",
            on_trouble=self._troubled,
        )
        async with aclosing(events):
            async for event in events:
                async with self._news:
                    if event.type is WatchEventType.SYNCED:
                        self._is_synced = True
                    else:
                        self._see(event.object)
                    self._news.notify_all()

    def _see(self, found: Object) -> None:
        sight = sight_of(found, self._trigger)
        self._version = sight.version
        last = self.sights[-1] if self.sights else None
        if last is None or (last.uid, last.template) != (sight.uid, sight.template):
            self.sights.append(sight)

    def _troubled(self, error: AutoxError) -> None:
        if isinstance(error, PermanentError) and not self._is_synced:
            self.blind = error.message
            raise _Blind

    async def _until(self, is_so: Callable[[], Any], seconds: float) -> bool:
        waiting = asyncio.create_task(self._told(is_so))
        # NB: the watch ends of its own accord only where it is blind, and then there is no news to wait for.
        ends = (waiting,) if self._task is None else (waiting, self._task)
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        return bool(is_so())

    async def _told(self, is_so: Callable[[], Any]) -> None:
        async with self._news:
            await self._news.wait_for(is_so)


class _Blind(Exception):  # noqa: N818  - ends the watch, and is seen by nobody
    """The right to watch is missing, and will be."""


def _is_reached(seen: str, wanted: str) -> bool:
    if seen.isdecimal() and wanted.isdecimal():
        return int(seen) >= int(wanted)
    return seen == wanted

"""What the watcher does: it follows the pods, notes when it saw what, and tells that five times a second.

The moment is taken as soon as an event has come. It is decoded later, and told at once then, many at a time: to decode
each when it comes takes twice the CPU, most of it to have the code at hand again, and the process that makes the load
would be woken by every pod. Where that is too busy to listen, what was seen waits here. How late this process may have
seen something is said by how late each telling was, and by the kernel: it counts what a process waited for a processor,
each time for less than would make a telling late.
"""

import asyncio
import os
import socket
import time
from contextlib import aclosing

import uvloop

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.decoders import StructDecoder
from autox.kube.listing import Query
from autox.kube.transport import Limits
from autox.kube.watch import watch_as
from autox.kube.watch_store import WatchEventType
from autox.load.cputime import Denied
from autox.model.errors import AutoxError
from autox.tasks.density.ticking import tick_after
from autox.tasks.density.watcher.sights import Sight, Told, WatchedPod, line, sight

# NB: to look one up in its class is a call in Python 3.11.
_SYNCED, _DELETED = WatchEventType.SYNCED, WatchEventType.DELETED

BEAT = 0.2
"""Seconds between two times at which is told what was seen."""


def look(connection: Connection, limits: Limits, query: Query, channel: socket.socket) -> None:
    """Watch pods until nobody listens any more; ends the process then.

    Args:
        connection: of the cluster under test.
        limits: of the client.
        query: which pods.
        channel: where it is told; does not block.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Looking(channel).follow(connection, limits, query))


class _Looking:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._unsent = b""
        self._sights: list[Sight] = []
        self._troubles: list[str] = []
        self._is_synced = False
        self._due = 0.0
        self._denied, self._denied_before = Denied(), 0.0
        self._beaten: asyncio.Future[None] | None = None

    async def follow(self, connection: Connection, limits: Limits, query: Query) -> None:
        """For ever."""
        asyncio.get_running_loop().add_reader(self._channel, self._heard)
        self._due = time.monotonic()
        self._beat()
        async with KubeClient(connection, limits=limits) as kube:
            events = watch_as(
                StructDecoder(WatchedPod), kube, query, on_trouble=self._interrupted, pace=self._next_beat
            )
            async with aclosing(events):
                async for event in events:
                    if event.type is _SYNCED:
                        self._is_synced = True
                    elif event.type is _DELETED:
                        self._sights.append(Sight(event.object.metadata.uid, event.at, is_gone=True))
                    else:
                        self._sights.append(sight(event.object, at=event.at))

    async def _next_beat(self) -> None:
        self._beaten = asyncio.get_running_loop().create_future()
        await self._beaten

    def _beat(self) -> None:
        if self._beaten is not None and not self._beaten.done():
            self._beaten.set_result(None)
        # NB: after that future's task, which has read by then all that has come until now.
        asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        now, denied = time.monotonic(), self._denied.seconds()
        since, self._denied_before = denied - self._denied_before, denied
        told = Told(
            at=now,
            # NB: a quota is of all processors together, and may keep them for longer than time has passed.
            lag=max(0.0, now - self._due, min(since, now - self._due + BEAT)),
            cpu=time.process_time(),
            sights=self._sights,
            is_synced=self._is_synced,
            troubles=self._troubles,
        )
        self._unsent += line(told)
        self._sights, self._troubles = [], []
        try:
            self._unsent = self._unsent[self._channel.send(self._unsent) :]
        except BlockingIOError:
            pass  # nobody reads it now
        except OSError:
            os._exit(0)
        self._due = tick_after(now, BEAT)
        asyncio.get_running_loop().call_at(self._due, self._beat)

    def _heard(self) -> None:
        """The other side never says anything: it has closed the channel, or was killed."""
        os._exit(0)

    def _interrupted(self, error: AutoxError) -> None:
        self._troubles.append(error.message)

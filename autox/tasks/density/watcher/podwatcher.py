"""Keeps a process that watches the pods of a run, and takes what it tells.

One that dies is followed by another, which lists what there is; what has gone meanwhile is worked out here, and the
interruption counts as that of a watch does. One that dies before it has seen anything ends the run: the next one would
do the same. Of one that stands still the last word is known, and how long ago that was.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.kube.watch import RECONNECTING
from autox.model.errors import UnreachableError
from autox.tasks.density.watcher.looking import BEAT, look
from autox.tasks.density.watcher.process import Process, fork
from autox.tasks.density.watcher.sights import Lines, Sight, Told

_READ = 1 << 20
_PATIENCE = 1.0  # seconds within which a watcher that does well tells what it has seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the watcher took, and how it did.

    Attributes:
        cpu: seconds of CPU time, of all processes that there were.
        memory: bytes that the one that is there has for itself.
        lag: seconds that it was late at the most since this was asked for the last time.
    """

    cpu: float = 0.0
    memory: int = 0
    lag: float = 0.0


class PodWatcher:
    """The watcher of a run's pods.

    Attributes:
        is_watching: set when all pods that there were have been told.
        interruptions: how often the watch was interrupted.
        trouble: the last reason for that; empty if there was none.
    """

    def __init__(
        self, kube: KubeClient, query: Query, *, seen: Callable[[Sight], None], known: Callable[[], set[str]]
    ) -> None:
        """Nothing is watched before ``keep``.

        Args:
            kube: of the cluster under test.
            query: which pods.
            seen: is told each sight, in order.
            known: the uids of all pods that were seen and are there.
        """
        self._kube = kube
        self._query = query
        self._seen = seen
        self._known = known
        self.is_watching = asyncio.Event()
        self.interruptions = 0
        self.trouble = ""
        self._process: Process | None = None
        self._lines = Lines()
        self._listed: set[str] | None = set()
        self._told_until = time.monotonic()
        self._news, self._has_ended = asyncio.Event(), asyncio.Event()
        self._lag = 0.0
        self._cpu = self._cpu_before = 0.0

    async def keep(self) -> None:
        """Watch until cancelled.

        Raises:
            AutoxError: there are no usable credentials, or no process can watch.
        """
        failures = 0
        while True:
            # NB: a fork has the credentials as they are, and a plugin that is being asked is not asked there.
            await self._kube.connection.headers()
            how = await self._once()
            if not self.is_watching.is_set():
                raise UnreachableError(f"the process that watches pods {how} before it had seen any")
            failures = 1 if self._listed is None else failures + 1
            self._interrupted(f"the process that watches pods {how}")
            await asyncio.sleep(RECONNECTING.delay(failures, random=random.random()))  # noqa: S311  - no secret

    async def up_to_now(self) -> None:
        """Return when all that was seen until now has been told, or when the watcher is too late with that."""
        moment = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._told_until < moment:
                    self._news.clear()
                    await self._news.wait()

    def usage(self) -> Usage:
        """What it took so far, and how late it was since the last time."""
        self._read()
        # NB: one that stands still says nothing of it.
        lag = max(self._lag, time.monotonic() - self._told_until - BEAT)
        self._lag = 0.0
        return Usage(cpu=self._cpu_before + self._cpu, memory=self._process.memory if self._process else 0, lag=lag)

    async def _once(self) -> str:
        """Have one process watch for as long as it lives; in words how it ended."""
        connection, limits, query = self._kube.connection, self._kube.limits, self._query
        self._lines, self._listed = Lines(), set()
        self._has_ended.clear()
        self._process = process = fork(lambda channel: look(connection, limits, query, channel))
        loop = asyncio.get_running_loop()
        loop.add_reader(process.channel, self._read)
        try:
            await self._has_ended.wait()
        finally:
            loop.remove_reader(process.channel)
            self._process = None
            how, used = process.end()
            self._cpu_before, self._cpu = self._cpu_before + used, 0.0
        return how

    def _read(self) -> None:
        """Take what has been told; there may be more."""
        if self._process is None or self._has_ended.is_set():
            return
        try:
            while piece := self._process.channel.recv(_READ):
                for told in self._lines.feed(piece):
                    self._take(told)
            self._has_ended.set()
        except BlockingIOError:
            pass
        except OSError:
            self._has_ended.set()

    def _take(self, told: Told) -> None:
        for sight in told.sights:
            if self._listed is not None:
                self._listed.add(sight.uid)
            self._seen(sight)
        if told.is_synced and self._listed is not None:
            for uid in self._known() - self._listed:
                self._seen(Sight(uid, told.at, is_gone=True))
            self._listed = None
            self.is_watching.set()
        for trouble in told.troubles:
            self._interrupted(trouble)
        self._told_until, self._cpu = told.at, told.cpu
        self._lag = max(self._lag, told.lag)
        self._news.set()

    def _interrupted(self, trouble: str) -> None:
        self.interruptions += 1
        self.trouble = trouble

"""Reads what each component says of itself, every few seconds while a load is on.

An API server's ``/metrics`` costs it 0.1 s of CPU (2 MB, of an idle one), so that it is read every 5 s, as
ClusterLoader2's Prometheus does: 2 % of a core. Each component is read apart, and patiently: one at its limit answers
late, which is when one wants to know. autox is read as well: CPU and memory of this process and of the watcher of pods,
and how late each of them gets to what is due.

What was read is made sense of in a thread apart. On the event loop it took a tenth of a second, the first time of each
API server: what was due meanwhile was that much late.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psutil

from autox.core.formats.prometheusreader import Exposition
from autox.core.formats.prometheustext import Labels
from autox.tasks.density.cancellation import uninterrupted
from autox.tasks.density.course.components import (
    AGENTS,
    CPU,
    LAG,
    MEMORY,
    OURSELVES,
    PROCESS,
    WATCHER,
    WATCHER_LAG,
    reader,
)
from autox.tasks.density.course.course import Course
from autox.tasks.density.course.sources import Source, Sources, UnreadableError
from autox.tasks.density.ticking import next_tick
from autox.tasks.density.watcher.podwatcher import Usage

PERIOD = 5.0  # seconds between two readings
_PATIENCE = 20.0  # seconds that a reading may take
_NO_AGENTS = "the run had no agents of its own"
_BEAT = 0.1  # seconds between two looks at the event loop


@asynccontextmanager
async def sampling(
    sources: Sources, *, began: float, watcher: Callable[[], Usage] = Usage, agents: Source | None = None
) -> AsyncIterator[Course]:
    """Read all components until the end of the context, the first time and the last at its ends.

    Args:
        sources: where they are.
        began: when the load began, on the monotonic clock.
        watcher: says what the watcher of pods took, and how late it was since it was asked for the last time.
        agents: what the agents of the run say of themselves; None if it has none.
    """
    watcher()
    # NB: one thread, for a reader remembers what it read before.
    with ThreadPoolExecutor(max_workers=1) as apart:
        sampler = _Sampler(sources, apart, watcher, began=began, agents=agents)
        parts = [asyncio.create_task(each) for each in (*map(sampler.look_again, sampler.names), sampler.feel())]
        try:
            yield sampler.course
        finally:
            for each in parts:
                each.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        await asyncio.gather(*(sampler.look(name, patience=PERIOD) for name in sampler.names))


class _Sampler:
    def __init__(
        self,
        sources: Sources,
        apart: ThreadPoolExecutor,
        watcher: Callable[[], Usage],
        *,
        began: float,
        agents: Source | None,
    ) -> None:
        self._sources = {**sources.found, **({AGENTS: agents} if agents else {})}
        self._apart = apart
        self._watcher = watcher
        self._began = began
        self._readers = {name: reader(name) for name in self._sources}
        self._process = psutil.Process()
        self._lag = 0.0
        self.course = Course({**sources.absent, **({} if agents else {AGENTS: _NO_AGENTS})})

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._sources, OURSELVES)

    async def look_again(self, name: str) -> None:
        due = time.monotonic()
        while True:
            await self.look(name, patience=_PATIENCE)
            # NB: of a process that stood still, the readings that it missed are not made up for in a burst.
            due = max(due + PERIOD, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def look(self, name: str, *, patience: float) -> None:
        """Read a component once."""
        if name == OURSELVES:
            self._look_at_ourselves()
            return
        sent = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                text = await self._sources[name]()
        except UnreadableError as error:
            self.course.missed(name, time.monotonic() - self._began, str(error))
        except TimeoutError:
            self.course.missed(name, time.monotonic() - self._began, f"it did not answer within {patience:g} s")
        else:
            # NB: what it says was true at some time between question and answer.
            at = (sent + time.monotonic()) / 2
            # A load that is over before this is made sense of has it all the same.
            await uninterrupted(self._make_sense(name, text, at=at - self._began))

    async def _make_sense(self, name: str, text: str, *, at: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            self.course.read(name, at, await loop.run_in_executor(self._apart, self._readers[name].read, text))
        except ValueError as error:
            self.course.missed(name, at, f"its metrics make no sense: {error}")

    async def feel(self) -> None:
        """Measure for ever how late the event loop is."""
        while True:
            self._lag = max(self._lag, await next_tick(_BEAT))

    def _look_at_ourselves(self) -> None:
        watcher = self._watcher()
        memory = self._process.memory_info().rss + watcher.memory
        samples: dict[str, dict[Labels, float]] = {
            CPU: {(): time.process_time(), ((PROCESS, WATCHER),): watcher.cpu},
            MEMORY: {(): float(memory)},
            LAG: {(): self._lag},
            WATCHER_LAG: {(): watcher.lag},
        }
        self._lag = 0.0
        self.course.read(OURSELVES, time.monotonic() - self._began, Exposition(samples=samples))

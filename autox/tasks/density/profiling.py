"""Takes profiles of the components of a control plane at marked moments of a run, and makes tables of them at its end.

A profile of CPU interrupts a component a hundred times for each second of CPU that it uses, which is in the figures of
that time; a profile of memory is what its last garbage collection has found. What cannot be had (a component that is
not served, refuses or stalls, or tells something else) is a note, and spoils nothing. Read they are when all has been
measured, and beside this thread: a second of work for a large one, in which pods would be seen late.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autox.core.formats.pprof import ProfileError, top
from autox.model.profiling import MOST_ROWS, Profile, ProfileKind, ProfileMoment, ProfileRow, Profiling
from autox.model.result import Note
from autox.tasks.density.course.sources import Sources, UnreadableError

_PATIENCE = 20.0  # seconds for an answer, beside those of the profile
_PATHS = {ProfileKind.CPU: "/debug/pprof/profile", ProfileKind.HEAP: "/debug/pprof/heap"}
_UNITS = {"nanoseconds": (1e9, "s"), "bytes": (float(1 << 20), "MiB")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    component: str
    kind: ProfileKind
    moment: ProfileMoment
    at: float
    data: bytes


class Profiler:
    """The profiles of one run."""

    def __init__(self, asked: Profiling | None, sources: Sources) -> None:
        """Nothing is taken yet.

        Args:
            asked: which ones; None for none.
            sources: the components.
        """
        self._asked = asked
        self._sources = sources
        self._turn = asyncio.Lock()
        self._taken: list[_Taken] = []
        self._missing: dict[tuple[str, str], list[str]] = {}

    @asynccontextmanager
    async def beside(self, *, began: float, whole: float) -> AsyncIterator[None]:
        """Take those that are asked for in the middle of a load; at the end of the context they are there.

        Args:
            began: when the load did, on the monotonic clock.
            whole: seconds in which it is due.
        """
        taking = asyncio.create_task(self._in_the_middle(began=began, whole=whole))
        try:
            yield
            await taking
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def at_the_end(self, *, began: float) -> None:
        """Take those that are asked for at the end of the load.

        Args:
            began: when the load did, on the monotonic clock.
        """
        await self._take(ProfileMoment.END, began=began)

    async def profiles(self) -> tuple[Profile, ...]:
        """What those say that were taken, by moment and kind, the components in the order of ``Sources``."""
        found = []
        for each in self._in_order():
            try:
                found.append(await asyncio.to_thread(_table, each))
            except ProfileError as error:
                self._miss(each.component, each.kind, each.moment, str(error))
        return tuple(found)

    @property
    def notes(self) -> Iterator[Note]:
        """What was taken, which is in the figures, and what could not be."""
        if self._asked is None:
            return
        for moment in dict.fromkeys(each.moment for each in self._taken):
            taken = [each for each in self._in_order() if each.moment is moment and each.kind is ProfileKind.CPU]
            if taken:
                yield Note(
                    text=f"CPU of {', '.join(each.component for each in taken)} was profiled from"
                    f" {taken[0].at:.1f} s on, for {self._asked.cpu} s, with 100 samples for each second of it,"
                    " which is in the figures"
                )
        for (component, why), which in self._missing.items():
            yield Note(text=f"no profile of {component} ({', '.join(which)}): {why}")
        for component, why in self._sources.absent.items():
            yield Note(text=f"no profile of {component}: {why}")

    def _in_order(self) -> list[_Taken]:
        moments, kinds, components = list(ProfileMoment), list(ProfileKind), list(self._sources.profiles)

        def place(each: _Taken) -> tuple[int, ...]:
            return moments.index(each.moment), kinds.index(each.kind), components.index(each.component)

        return sorted(self._taken, key=place)

    async def _in_the_middle(self, *, began: float, whole: float) -> None:
        if self._asked is None:
            return
        await asyncio.sleep(began + (whole - self._asked.cpu) / 2 - time.monotonic())
        await self._take(ProfileMoment.LOAD, began=began)

    async def _take(self, moment: ProfileMoment, *, began: float) -> None:
        if self._asked is None or moment not in self._asked.at:
            return
        cpu, every = self._asked.cpu, self._sources.profiles
        # NB: a component refuses to be profiled twice at once, and a load may end while its middle is looked at.
        async with self._turn:
            await asyncio.gather(*(self._of(component, moment, cpu, began=began) for component in every))

    async def _of(self, component: str, moment: ProfileMoment, cpu: int, *, began: float) -> None:
        for kind, path in _PATHS.items():
            at, length = time.monotonic() - began, cpu if kind is ProfileKind.CPU else 0
            query = {"seconds": str(length)} if length else {}
            patience = length + _PATIENCE
            try:
                async with asyncio.timeout(patience):
                    data = await self._sources.profiles[component](path, query, patience)
            except UnreadableError as error:
                self._miss(component, kind, moment, str(error))
            except TimeoutError:
                self._miss(component, kind, moment, f"it did not answer within {patience:g} s")
            else:
                self._taken.append(_Taken(component=component, kind=kind, moment=moment, at=at, data=data))

    def _miss(self, component: str, kind: ProfileKind, moment: ProfileMoment, why: str) -> None:
        self._missing.setdefault((component, why), []).append(f"{kind} at {moment}")


def _table(taken: _Taken) -> Profile:
    found = top(taken.data, count=MOST_ROWS)
    size, unit = _UNITS.get(found.unit, (1.0, found.unit))
    rows = (
        ProfileRow(function=row.function, flat=row.flat / size, cumulative=row.cumulative / size) for row in found.rows
    )
    return Profile(
        component=taken.component,
        kind=taken.kind,
        moment=taken.moment,
        at=round(taken.at, 1),
        unit=unit,
        total=found.total / size,
        rows=tuple(rows),
    )

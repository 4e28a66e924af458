"""Keeps the nodes silent that an outage befalls, and lets them speak again when it is over.

A silent node renews no lease, writes no status and serves no pods; what the API server says about its pods meanwhile
is kept, and acted upon afterwards. Which node is out when, ``outage_schedule`` says; this follows it with real time.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from autox.model.stages import StageTable
from autox.nodes.mock.outage_schedule import outage_schedule
from autox.nodes.provider import Registered

_LOOK_SECONDS = 1.0


class Outages:
    """The nodes of one agent that are out."""

    def __init__(
        self,
        table: StageTable,
        names: Iterable[str],
        *,
        on_end: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nobody is silent before ``run``.

        Args:
            table: has the outages.
            names: the nodes.
            on_end: the outage of a node is over.
            clock: seconds since 1970.
        """
        self._table = table
        self._names = tuple(names)
        self._on_end = on_end
        self._clock = clock
        self._silent: set[str] = set()

    def __contains__(self, name: object) -> bool:
        """Whether a node is silent."""
        return name in self._silent

    async def run(self, nodes: Registered) -> None:
        """Follow the outages until cancelled."""
        changes = dict.fromkeys(self._names, 0.0)
        while True:
            now = self._clock()
            for name in [name for name, at in changes.items() if at <= now]:
                origin = nodes.created(name)
                if origin is not None:
                    changes[name] = self._look(name, nodes, origin=origin, now=now)
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self, name: str, nodes: Registered, *, origin: float, now: float) -> float:
        """Change what is to be changed of a node; when to look again."""
        found = outage_schedule(name, self._table.outages, seed=self._table.seed, origin=origin, now=now)
        if found.is_out:
            self._silent.add(name)
        elif name in self._silent:
            self._silent.remove(name)
            nodes.hurry(name)
            self._on_end(name)
        return found.until

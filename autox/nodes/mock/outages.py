"""Keeps the nodes silent that an outage befalls, and lets them speak again when it is over.

A silent node renews no lease, writes no status and serves no pods; what the API server says about its pods meanwhile
is kept, and acted upon afterwards.

Which node is out when, and when that changes, is derived from its name and the time alone. An outage has one place in
each interval of a node, drawn once for that node, so that the nodes of an agent do not all fall silent together, and
that a node is back for the same time between two outages. Intervals count from an origin: the creation of the node
object makes a repeated run repeat its outages, too.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from autox.model.stages import Outage, StageTable
from autox.nodes.mock.chance import drawn
from autox.nodes.provider import Registered

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageSchedule:
    """How it stands with a node.

    Attributes:
        is_out: it renews no lease and serves no pods now.
        until: when that changes, in seconds since 1970; infinite if never.
    """

    is_out: bool
    until: float


_NEVER_OUT = OutageSchedule(is_out=False, until=math.inf)


def outage_schedule(node: str, outages: Sequence[Outage], *, seed: int, origin: float, now: float) -> OutageSchedule:
    """How it stands with a node at a moment.

    Args:
        node: its name.
        outages: of the table; the first that befalls the node counts.
        seed: of the table.
        origin: when the node's first interval begins, in seconds since 1970.
        now: the moment, in seconds since 1970.
    """
    for outage in outages:
        if node.startswith(outage.node_prefix) and drawn(seed, node, outage.name) < outage.share:
            return _outlook(outage, first=_first(node, outage, seed=seed, origin=origin), now=now)
    return _NEVER_OUT


def _first(node: str, outage: Outage, *, seed: int, origin: float) -> float:
    """When the first outage begins: anywhere in the interval where it has room."""
    return origin + drawn(seed, node, f"{outage.name}/place") * (outage.interval - outage.duration)


def _outlook(outage: Outage, *, first: float, now: float) -> OutageSchedule:
    if now < first:
        return OutageSchedule(is_out=False, until=first)
    number = math.floor((now - first) / outage.interval)
    # NB: the quotient may be off by one at the very moment of a change; the sums decide.
    while first + (number + 1) * outage.interval <= now:
        number += 1
    while first + number * outage.interval > now:
        number -= 1
    begins = first + number * outage.interval
    if now < begins + outage.duration:
        return OutageSchedule(is_out=True, until=begins + outage.duration)
    return OutageSchedule(is_out=False, until=first + (number + 1) * outage.interval)


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

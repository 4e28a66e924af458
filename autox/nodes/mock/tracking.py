"""What ``serving`` remembers of each pod while it exists. There may be tens of thousands, so it is little."""

import asyncio
from enum import IntEnum

from autox.nodes.mock.pods import Pod


class Standing(IntEnum):
    """How far a pod is, to be counted."""

    WAITING = 0
    RUNNING = 1
    ENDED = 2


_STANDINGS = {"Running": Standing.RUNNING, "Succeeded": Standing.ENDED, "Failed": Standing.ENDED}


class Tracked:
    """What is remembered of a pod while it exists; all of it can be read from the API server again.

    Attributes:
        seen: the resource version that was decided upon last.
        written: the resource version that our last write gave it; what is older than that is the past.
        newer: a state that came while a request was under way.
        is_busy: a request is under way.
        timer: of a step that is due later.
        failures: in a row.
        standing: how far it was when it was decided upon last, in order to be counted.
    """

    __slots__ = ("failures", "is_busy", "newer", "seen", "standing", "timer", "written")

    def __init__(self) -> None:
        self.seen = 0
        self.written = 0
        self.newer: Pod | None = None
        self.is_busy = False
        self.timer: asyncio.TimerHandle | None = None
        self.failures = 0
        self.standing = Standing.WAITING


def standing_of(pod: Pod) -> Standing:
    """How far a pod is by its phase."""
    return _STANDINGS.get(pod.status.phase, Standing.WAITING)

"""The logs of simulated containers: lines that follow from who wrote them and when, so none is ever stored.

A container writes its first line when it is started and one more each few seconds, as the pod's annotation
``autox.dev/log-interval-seconds`` says. How many there are at a time is a division, so the end of the log of a pod that
runs for a year costs as little as that of a new one. As a kubelet rotates logs, only the last hundred thousand lines
can be read. ``SyntheticLog`` is pure; ``read_log`` adds what following needs: a clock, and a look at whether it ended.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from autox.kube.objects import micro_timestamp
from autox.nodes.kubelet.logs import LogOptions
from autox.nodes.mock.podview import PodView

LOG_INTERVAL = "autox.dev/log-interval-seconds"

KEPT = 100_000
"""How many lines of a log can be read, at most."""

_INTERVAL, _SHORTEST, _LONGEST = 5.0, 0.001, 1e7  # seconds between two lines: default and bounds
_PIECE = 1000  # lines sent at a time
_LOOK = 0.5  # seconds between two looks while following
_REST = 0.001  # seconds to wait at least, should the clock be a little behind


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticLog:
    """What one run of a container writes, for as long as it runs.

    Attributes:
        writer: who writes; another writer writes other lines.
        started: when the first line was written, in seconds since 1970.
        interval: seconds between two lines.
    """

    writer: str
    started: float
    interval: float

    def count(self, until: float) -> int:
        """How many lines there are at a time."""
        return max(0, math.floor((until - self.started) / self.interval) + 1)

    def written_at(self, number: int) -> float:
        """When a line was written, in seconds since 1970; lines are counted from 0."""
        return self.started + number * self.interval

    def first(self, options: LogOptions, *, count: int) -> int:
        """The number of the first wanted line when there are ``count``."""
        first = max(0, count - KEPT)
        if options.since is not None:
            first = max(first, math.ceil((options.since - self.started) / self.interval))
        if options.tail_lines is not None:
            first = max(first, count - options.tail_lines)
        return first

    def text(self, begin: int, end: int, *, timestamps: bool) -> bytes:
        """Lines from ``begin`` to before ``end``, each with its newline.

        Args:
            begin: number of the first line, counted from 0.
            end: number of the line after the last.
            timestamps: each line starts with the time it was written, such as ``2026-01-02T03:04:05.000006000Z``.
        """
        return "".join(self._line(number, timestamps=timestamps) for number in range(begin, end)).encode()

    def _line(self, number: int, *, timestamps: bool) -> str:
        digest = blake2b(f"{self.writer}/{number}".encode(), digest_size=6).digest()
        status = 500 if digest[4] == 0 else 200
        took = 1 + digest[5] // 4
        line = f'level=info msg="request served" line={number} request={digest[:4].hex()} status={status} ms={took}\n'
        if not timestamps:
            return line
        moment = datetime.fromtimestamp(self.written_at(number), UTC)
        return f"{micro_timestamp(moment)[:-1]}000Z {line}"


def synthetic_log(pod: PodView, container: str, *, started: float) -> SyntheticLog:
    """The log of one run of a container.

    Args:
        pod: its annotation says how often a line is written; a wrong one counts as none.
        container: name of the container.
        started: when this run was started, in seconds since 1970.
    """
    return SyntheticLog(writer=f"{pod.uid}/{container}/{started}", started=started, interval=_interval(pod.annotations))


async def read_log(
    log: SyntheticLog, options: LogOptions, *, ended: Callable[[], float | None], clock: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """The wanted part of a log, in pieces of whole lines (``limit_bytes`` may cut the last).

    Args:
        log: what is written.
        options: what of it is wanted.
        ended: when its container ended or was found gone, in seconds since 1970; None while it runs.
        clock: the time, in seconds since 1970.
    """
    left = math.inf if options.limit_bytes is None else options.limit_bytes
    number: int | None = None
    while True:
        now, end = clock(), ended()
        count = log.count(now if end is None else min(now, end))
        if number is None:
            number = log.first(options, count=count)
        while number < count and left > 0:
            upto = min(count, number + _PIECE)
            piece = log.text(number, upto, timestamps=options.timestamps)
            piece = piece if len(piece) <= left else piece[: int(left)]
            yield piece
            left -= len(piece)
            number = upto
            await asyncio.sleep(0)
        if end is not None or not options.follow or left <= 0:
            return
        await asyncio.sleep(min(_LOOK, max(log.written_at(number) - now, _REST)))


def _interval(annotations: Mapping[str, str]) -> float:
    try:
        seconds = float(annotations[LOG_INTERVAL])
    except (KeyError, ValueError):
        return _INTERVAL
    return seconds if _SHORTEST <= seconds <= _LONGEST else _INTERVAL

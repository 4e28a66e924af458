"""Processes: started and surely ended, their CPU time and their memory, children included."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil

END_SECONDS = 20.0
MIB = 1 << 20


def unwind_when_ended() -> None:
    """Have SIGTERM and Ctrl-C unwind the stack of this program, so that nothing that it started is left."""
    # NB: a shell has what it starts in the background ignore SIGINT, and SIGTERM is passed on as one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))


@asynccontextmanager
async def started(command: Sequence[str], **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process, which is gone afterwards."""
    process = await launched(command, **options)
    try:
        yield process
    finally:
        await ended(process)


async def launched(command: Sequence[str], **options: Any) -> asyncio.subprocess.Process:
    """A process; whoever asks for it has to end it."""
    return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, **options)


async def ended(process: asyncio.subprocess.Process) -> None:
    """Return when it and its children are gone: asked by SIGTERM, then made."""
    family = _family(process.pid)
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    finally:
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        await process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of the children that it has and of those that it has waited for."""
    total = 0.0
    for each in _family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_mib(pid: int) -> float:
    """Resident memory of a process, and what its children have beside it: a fork has most of its parent's."""
    total = 0
    for number, each in enumerate(_family(pid)):
        with contextlib.suppress(psutil.Error):
            total += each.memory_full_info().uss if number else each.memory_info().rss
    return total / MIB


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []

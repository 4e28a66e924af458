"""Housekeeping comes again and again, each at its time, and ends quietly."""

import asyncio
import logging

import pytest

from autox.adapters.timers import ApschedulerTimers
from autox.model.errors import UnreachableError


async def test_work_comes_again_and_again_and_never_twice_at_once() -> None:
    """Work that takes longer than its interval is not begun beside itself."""
    timers = ApschedulerTimers()
    runs, at_once, most = 0, 0, 0
    enough = asyncio.Event()

    async def slow() -> None:
        nonlocal runs, at_once, most
        runs, at_once = runs + 1, at_once + 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1
        if runs == 3:
            enough.set()

    timers.every(0.02, "slow", slow)
    running = asyncio.create_task(timers.run())
    async with asyncio.timeout(10):
        await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert most == 1


async def test_a_failure_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What a server did is one line, a defect has its traceback, and both are tried again beside the others."""
    timers = ApschedulerTimers()
    counts = {"unlucky": 0, "broken": 0, "good": 0}
    enough = asyncio.Event()

    async def unlucky() -> None:
        counts["unlucky"] += 1
        raise UnreachableError("cannot reach the server")

    async def broken() -> None:
        counts["broken"] += 1
        raise ZeroDivisionError

    async def good() -> None:
        counts["good"] += 1
        if min(counts.values()) >= 2:
            enough.set()

    for work in (unlucky, broken, good):
        timers.every(0.02, work.__name__, work)
    running = asyncio.create_task(timers.run())
    async with asyncio.timeout(10):
        await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    told = {record.getMessage(): bool(record.exc_info) for record in caplog.records}
    assert told["unlucky failed and will be tried again: cannot reach the server"] is False
    assert told["broken failed by a defect of autox, and will be tried again"] is True


async def test_it_ends_with_the_work_under_way_and_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """Stopping cancels what runs, waits for it, and leaves no traceback in the log and no task behind."""
    caplog.set_level(logging.DEBUG)
    timers = ApschedulerTimers()
    at_work = asyncio.Event()
    tidied = False

    async def long() -> None:
        nonlocal tidied
        at_work.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            tidied = True

    timers.every(0.02, "long", long)
    running = asyncio.create_task(timers.run())
    async with asyncio.timeout(10):
        await at_work.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert tidied
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

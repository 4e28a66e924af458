"""Two ways of doing things at once: work beside what it rests on, and an end that is never cut short."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def beside(parts: asyncio.Task[None], work: Coroutine[Any, Any, T]) -> T:
    """The result of the work; what ends the parts that it needs ends it too."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({parts, working}, return_when=asyncio.FIRST_COMPLETED)
        if parts.done():
            parts.result()
        return await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that goes on when its caller is cancelled; the caller is cancelled afterwards."""
    # NB: in a task of its own, since asyncio.timeout misbehaves in a cancelled one on early Python 3.11.
    working, interruption = asyncio.create_task(work), None
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError as error:
            interruption = error
    if interruption is not None:
        raise interruption
    return working.result()

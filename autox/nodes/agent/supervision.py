"""Runs the parts of an agent side by side; the first that ends without being asked to ends them all.

A part that is restarted in place hides its defect and half of its state; an agent that ends with a clear error is
restarted by whoever started it and begins from what the API server says.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any


async def supervise(parts: Mapping[str, Coroutine[Any, Any, None]], *, stop: asyncio.Event) -> None:
    """Run parts until ``stop`` is set, then cancel them and wait for them.

    Args:
        parts: by name; each runs until cancelled.
        stop: set by whoever wants a graceful end.

    Raises:
        Exception: what the first part that failed raised, with a note that names the part; the rest was cancelled.
        RuntimeError: a part returned, which none may.
    """
    stopped = asyncio.create_task(stop.wait())
    tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
    try:
        ended, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)
    for task in sorted(tasks, key=lambda task: task not in ended):
        error = None if task.cancelled() else _first(task.exception())
        if error is not None:
            error.add_note(f"in the {task.get_name()} of the agent")
            raise error
        if task in ended:
            raise RuntimeError(f"the {task.get_name()} of the agent ended by itself")


def _first(error: BaseException | None) -> BaseException | None:
    """The error that a task group wrapped: the others are only the cancellations that followed it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

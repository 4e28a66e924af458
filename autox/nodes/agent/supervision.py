"""Runs the parts of an agent side by side; the first that ends without being asked to ends them all.

A part that is restarted in place hides its defect and half of its state; an agent that ends with a clear error is
restarted by whoever started it and begins from what the API server says.

``keep`` is the one order in which the parts work, whoever puts them together: a process of its own, or a run's task.
Leases are renewed from the registration of the first node on: the first of thousands would be given up before the last
is registered. Pods are served when all nodes are there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from autox.nodes.node.leases import Leases
from autox.nodes.node.registration import Registration
from autox.nodes.provider import Provider


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


async def keep(
    registration: Registration,
    leases: Leases,
    provider: Provider,
    *,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Register the nodes, then keep them, their leases and their pods until cancelled.

    Args:
        registration: the nodes.
        leases: theirs.
        provider: serves their pods.
        then: is called when all nodes are registered.

    Raises:
        AutoxError: a part failed for good; the others have ended.
    """

    async def register_and_serve() -> None:
        await registration.register(leases.begin)
        then()
        parts = {"registration": registration.run(), "provider": provider.run(registration)}
        await supervise(parts, stop=asyncio.Event())

    await supervise({"nodes": register_and_serve(), "leases": leases.run()}, stop=asyncio.Event())

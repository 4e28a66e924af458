"""How the parts of an agent live and end together."""

import asyncio

import pytest

from autox.model.errors import ForbiddenError
from autox.nodes.agent.supervision import supervise


class Part:
    """Runs until cancelled and remembers how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def run(self) -> None:
        """Run for ever."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.ended = "cancelled"
            raise


async def fail() -> None:
    """Fail as a part in a task group does."""
    await asyncio.sleep(0)
    raise ForbiddenError("not for you")


async def test_the_first_failure_ends_the_rest_and_names_its_part() -> None:
    """The error is the one that a user understands, and nothing goes on half."""
    other = Part()

    with pytest.raises(ForbiddenError, match="not for you") as raised:
        await supervise({"leases": fail(), "provider": other.run()}, stop=asyncio.Event())

    assert other.ended == "cancelled"
    assert raised.value.__notes__ == ["in the leases of the agent"]


async def test_a_failure_inside_a_task_group_is_unwrapped() -> None:
    """No group of exceptions ever reaches a user."""

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(Part().run())

    with pytest.raises(ForbiddenError):
        await supervise({"registration": grouped()}, stop=asyncio.Event())


async def test_a_part_that_just_returns_is_a_defect() -> None:
    """A provider that stopped serving is never mistaken for one that serves."""

    async def nothing() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="the provider of the agent ended by itself"):
        await supervise({"provider": nothing()}, stop=asyncio.Event())


async def test_stop_ends_every_part_and_waits_for_it() -> None:
    """A graceful end leaves nothing running and is no error."""
    part, stop = Part(), asyncio.Event()
    stop.set()

    await supervise({"provider": part.run()}, stop=stop)

    assert part.ended in {"", "cancelled"}


async def test_a_part_that_fails_while_it_ends_is_not_hushed_up() -> None:
    """What goes wrong in tidying up is told, even though the end was wanted."""
    stop = asyncio.Event()

    async def untidy() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            raise ForbiddenError("cannot tidy up")

    with pytest.raises(ForbiddenError, match="cannot tidy up"):
        await supervise({"provider": untidy()}, stop=stop)


async def test_cancellation_from_outside_ends_every_part() -> None:
    """Whoever cancels an agent gets all of it ended."""
    part = Part()
    task = asyncio.create_task(supervise({"provider": part.run()}, stop=asyncio.Event()))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert part.ended == "cancelled"

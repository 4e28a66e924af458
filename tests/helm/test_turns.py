"""A helm that hangs for one group does not keep the others waiting."""

import asyncio

import pytest

from autox.adapters.helm_limiter import AT_ONCE, OF_ONE_GROUP, HelmLimiter
from autox.model.errors import DeadlineError, TransientError

WEB, SHOP = ("team", "web"), ("team", "shop")


class Hanging:
    """Helms that run until a test ends them."""

    def __init__(self, turns: HelmLimiter) -> None:
        self.running: list[tuple[str, str]] = []
        self._turns = turns
        self._end = asyncio.Event()
        self._error: Exception | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, group: tuple[str, str], count: int = 1) -> None:
        """Install so many releases of a group, side by side."""
        self._tasks += [asyncio.create_task(self._install(group)) for _ in range(count)]
        for _ in range(10 * len(self._tasks)):
            await asyncio.sleep(0)

    async def end(self, error: Exception | None = None) -> list[BaseException | None]:
        """All that run end, those that wait follow; how each of them ended."""
        self._error = error
        self._end.set()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._end.clear()
        return ended

    async def _install(self, group: tuple[str, str]) -> None:
        async with self._turns.to_install(group):
            self.running.append(group)
            try:
                await self._end.wait()
                if self._error is not None:
                    raise self._error
            finally:
                self.running.remove(group)


@pytest.fixture
async def hanging() -> Hanging:
    """No helm yet."""
    return Hanging(HelmLimiter())


async def test_one_group_leaves_room_for_others(hanging: Hanging) -> None:
    """However many specs it has."""
    await hanging.start(WEB, 32)
    await hanging.start(SHOP)

    assert hanging.running == [WEB] * OF_ONE_GROUP + [SHOP]
    assert set(await hanging.end()) == {None}


async def test_there_are_few_at_once(hanging: Hanging) -> None:
    """Whoever asks: each takes memory."""
    for number in range(10):
        await hanging.start(("team", str(number)))

    assert len(hanging.running) == AT_ONCE
    await hanging.end()


async def test_groups_whose_helm_hangs_share_one_place(hanging: Hanging) -> None:
    """Their specs are tried one by one, and none of them keeps a worker waiting for another."""
    slow = [("slow", str(number)) for number in range(AT_ONCE)]
    for group in slow:
        await hanging.start(group)
    assert len(hanging.running) == AT_ONCE
    await hanging.end(DeadlineError("helm did not end"))
    for group in slow:
        await hanging.start(group)
    await hanging.start(WEB)

    assert hanging.running == [slow[0], WEB]
    ended = await hanging.end()
    assert [type(each) for each in ended] == [type(None), *[TransientError] * (AT_ONCE - 1), type(None)]


async def test_a_group_that_is_in_time_again_is_like_any_other(hanging: Hanging) -> None:
    """Nothing is held against it for ever; an error of another kind says nothing about time."""
    for group in (WEB, SHOP):
        await hanging.start(group)
        await hanging.end(DeadlineError("helm did not end"))
    for group in (WEB, SHOP):
        await hanging.start(group)
        await hanging.end()
    await hanging.start(WEB)
    await hanging.end(TransientError("connection refused"))
    await hanging.start(WEB)
    await hanging.start(SHOP)

    assert hanging.running == [WEB, SHOP]
    await hanging.end()

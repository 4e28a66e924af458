"""Components are read while a load is on, whatever one of them does."""

import asyncio
import time

import pytest

from autox.tasks.density.course import sampler
from autox.tasks.density.course.components import API_SERVER, ETCD, OURSELVES, SCHEDULER
from autox.tasks.density.course.sampler import sampling
from autox.tasks.density.course.sources import Source, Sources, UnreadableError


async def hang() -> str:
    """A component that takes a request and never answers."""
    await asyncio.Event().wait()
    return ""


async def refuse() -> str:
    """One that does not listen."""
    raise UnreadableError("nobody listens")


async def cut() -> str:
    """One whose answer ends within a number."""
    return "# TYPE go_goroutines gauge\ngo_goroutines 12"


class Well:
    """A component that is well."""

    def __init__(self, *, often: int) -> None:
        self._left = often
        self.was_read = asyncio.Event()

    async def answer(self) -> str:
        """Its metrics; tells when it has been asked so often."""
        self._left -= 1
        if self._left <= 0:
            self.was_read.set()
        return "# TYPE go_goroutines gauge\ngo_goroutines 123\n"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (hang, "it did not answer within 0.01 s"),
        (refuse, "nobody listens"),
        (cut, "its metrics make no sense: the text is cut short"),
    ],
)
async def test_one_that_cannot_be_read_delays_no_other(
    other: Source, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API server at its limit took the figures of etcd with it, just when one wants to know which was first."""
    monkeypatch.setattr(sampler, "PERIOD", 0.01)
    well = Well(often=3)
    found = Sources(found={API_SERVER: other, SCHEDULER: well.answer}, absent={ETCD: "elsewhere"})
    async with sampling(found, began=time.monotonic()) as course:
        await well.was_read.wait()

    bad, good = course.tracks[API_SERVER], course.tracks[SCHEDULER]
    assert (bad.readings, bad.misses > 0, bad.trouble) == (0, True, why)
    assert (good.misses, good.curves["goroutines/scheduler"].greatest) == (0, 123.0)
    assert ETCD not in course.tracks


async def test_the_end_of_a_load_is_read() -> None:
    """A load of less than a period has two readings, and so figures: one when it begins and one when it ends."""
    well = Well(often=1)
    async with sampling(Sources(found={SCHEDULER: well.answer}, absent={}), began=time.monotonic()) as course:
        await well.was_read.wait()

    assert course.tracks[SCHEDULER].readings == 2
    assert course.tracks[OURSELVES].readings == 2

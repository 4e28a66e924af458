"""What is measured is what users felt: latencies count from when requests were due, on either event loop."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from autox.core.statistics.histogram import Histogram
from autox.load.tally import HttpLoadResult
from tests.load.targets import HELLO, Answer, Seen, Writer, drive, serving

Run = Callable[[Coroutine[Any, Any, HttpLoadResult]], HttpLoadResult]
LOOPS: dict[str, Run] = {"asyncio": asyncio.run, "uvloop": uvloop.run}


def above(histogram: Histogram, seconds: float) -> int:
    """How many took longer."""
    return sum(bucket.count for bucket in histogram.buckets() if bucket.lower >= seconds)


def stalling_at(number: int, seconds: float) -> Answer:
    """Answer at once, but for one stop of the whole server when the request of this number comes."""
    stall: list[float] = []

    async def answer(seen: Seen, writer: Writer) -> None:
        if seen.number == number:
            stall.append(time.monotonic() + seconds)
        if stall:
            await asyncio.sleep(max(stall[0] - time.monotonic(), 0))
        writer.write(HELLO)

    return answer


async def _measure(answer: Answer, **fields: object) -> HttpLoadResult:
    async with serving(answer) as target:
        return await drive(target.port, **fields)


@pytest.mark.parametrize("run", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("connections", [1, 4, 256])
def test_stall(run: Run, connections: int) -> None:
    """A target that stops for 0.5 s delays every request that was due meanwhile, however few connections there are."""
    result = run(_measure(stalling_at(100, 0.5), connections=connections, qps=400, count=600))

    # At 400 a second 200 requests fell into the stop; those of its first half waited more than half of it.
    assert result.errors == 0
    assert result.latency.count == 600
    assert 180 <= above(result.latency, 0.02) <= 420
    assert 90 <= above(result.latency, 0.25) <= 250
    maximum = result.latency.maximum
    assert maximum is not None
    assert maximum >= 0.48


@pytest.mark.parametrize("run", LOOPS.values(), ids=LOOPS)
def test_too_few_connections(run: Run) -> None:
    """Requests beyond what the connections can carry wait, and their wait counts; the result says so."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        await asyncio.sleep(0.02)
        writer.write(HELLO)

    result = run(_measure(answer, connections=1, qps=100, count=50))

    # One connection carries less than 50 a second: the last request waited for about half of the time.
    assert (result.errors, result.latency.count) == (0, 50)
    assert result.waiting > 0.5
    assert above(result.latency, 0.25) >= 15


@pytest.mark.parametrize("run", LOOPS.values(), ids=LOOPS)
def test_rate_is_kept(run: Run) -> None:
    """Requests leave at the rate asked for, evenly, whatever the answers do."""
    arrivals: list[float] = []

    async def answer(seen: Seen, writer: Writer) -> None:
        arrivals.append(time.monotonic())
        await asyncio.sleep(0.1 if seen.number % 10 == 0 else 0)
        writer.write(HELLO)

    run(_measure(answer, connections=50, qps=200, count=200))

    due = [arrivals[0] + number / 200 for number in range(200)]
    early = [number for number, at in enumerate(sorted(arrivals)) if at < due[number] - 0.05]
    assert early == []
    assert len(arrivals) == 200


def test_warm_up_is_not_counted() -> None:
    """A target that is slow at first is measured after its warm-up, none of which is in any figure."""

    async def answer(seen: Seen, writer: Writer) -> None:
        if seen.number < 20:
            await asyncio.sleep(0.5)
        writer.write(HELLO)

    result = asyncio.run(_measure(answer, connections=20, qps=400, count=100, warmup_count=20))

    assert result.requests == result.latency.count == 100
    assert above(result.latency, 0.45) == 0


def test_what_waits_too_long_has_failed() -> None:
    """Requests that no connection was free for in time are failures as well, not forgotten."""
    result = asyncio.run(_measure(stalling_at(0, 30), connections=2, qps=100, count=100, timeout=0.3))

    assert (result.requests, result.errors) == (100, 100)
    assert result.latency.count == 0

"""A runner that is kept from running, as a process of its own: its figures are not believed, however good they look."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from autox.model.verdict import Verdict
from tests.load.targets import Seen, Writer, hello, serving
from tests.running.commands import ALONE, document, finished, printed, started


@pytest.mark.parametrize(("stopped", "running"), [(0.071, 0.029), (0.05, 0.03)], ids=["29 %", "38 %"])
async def test_a_runner_that_stands_still(stopped: float, running: float, tmp_path: Path) -> None:
    """A runner that is stopped most of the time is Invalid by the sum; a slow target hid each single standstill."""
    asked = asyncio.Event()

    async def slowly(seen: Seen, writer: Writer) -> None:
        # NB: 0.8 s, so that a tenth of the latency hides a standstill of 70 ms.
        asked.set()
        await asyncio.sleep(0.8)
        await hello(seen, writer)

    async with serving(slowly) as target:
        url = f"http://127.0.0.1:{target.port}/"
        path = document(
            tmp_path,
            url,
            slos={"upper": {"http/latency-p99": 60_000}},
            numRequests=60,
            qps=20,
            connections=60,
            timeout="30s",
        )
        async with started([sys.executable, "-m", "autox", "run", "-f", str(path), "-o", "json"], ALONE) as process:
            stopping = asyncio.create_task(_stop(process, asked, stopped=stopped, running=running))
            done = await finished(process)
            stopping.cancel()

    assert (printed(done).verdict, printed(done).reason) == (Verdict.INVALID, "LoadInvalid")
    assert "the load generator" in printed(done).message


async def _stop(process: asyncio.subprocess.Process, asked: asyncio.Event, *, stopped: float, running: float) -> None:
    """Stop a process again and again, from its first request on."""
    await asked.wait()
    while process.returncode is None:
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(stopped)
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(running)

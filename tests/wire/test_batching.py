"""What arrives gathers while the process sleeps."""

import asyncio
import socket
import time

import pytest

from autox.wire.batching import Batching


async def test_one_sleep_for_all_that_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are told in one turn of the loop, one sleep follows all of them."""
    told: list[object] = []
    monkeypatch.setattr(time, "sleep", told.append)
    batching = Batching(0.5)

    for _ in range(2):
        for number in range(3):
            batching.arrived()
            told.append(f"handled {number}")
        await asyncio.sleep(0)

    assert told == ["handled 0", "handled 1", "handled 2", 0.5] * 2


async def test_answers_are_read_together() -> None:
    """Messages that come one by one during the sleep are read in one piece after it."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    batching = Batching(0.1)
    theirs.sendall(b"1")
    assert await reader.read(100) == b"1"
    batching.arrived()
    loop = asyncio.get_running_loop()
    sending = [loop.run_in_executor(None, _send_after, theirs, 0.02 * number) for number in range(1, 4)]
    await asyncio.sleep(0)

    assert await reader.read(100) == b"xxx"
    await asyncio.gather(*sending)
    writer.close()
    await writer.wait_closed()
    theirs.close()


def _send_after(sock: socket.socket, seconds: float) -> None:
    time.sleep(seconds)
    sock.sendall(b"x")

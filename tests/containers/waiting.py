"""Waiting for what another process does, without a guess at how long it takes."""

import asyncio
from collections.abc import Callable
from pathlib import Path


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; a test that hangs here has failed."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  - another process changes it, not this one
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process of that number runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False

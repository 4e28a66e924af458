"""Waiting for a server to be there."""

import asyncio


async def answers(address: str, port: int, running: asyncio.Task[None]) -> None:
    """Wait until it accepts connections; fails as the server does if it ends before."""
    while not running.done():
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(0.005)
        else:
            writer.close()
            return
    await running

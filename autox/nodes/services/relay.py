"""Two connections coupled: what one receives the other sends, with back-pressure, half-closes and resets passed on.

Protocols with paused reading rather than streams: a stream costs a task for each direction of each connection and
copies every byte once more. A reset is passed on as a reset, never as a clean end: a client must be able to tell a
truncated answer from a complete one.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, cast

_NO_LINGER = struct.pack("ii", 1, 0)


def _ignore(_side: "Side") -> None:
    pass


class Side(asyncio.Protocol):
    """One of the two connections of a relay; it reads nothing before it is coupled."""

    # NB: a transport stays usable after its end: asyncio ignores what is asked of it then, so nothing here checks.
    transport: asyncio.Transport

    def __init__(
        self, *, on_made: Callable[["Side"], None] = _ignore, on_lost: Callable[["Side"], None] = _ignore
    ) -> None:
        """Tell ``on_made`` when there is a connection and ``on_lost`` when it is gone."""
        self.peer: Side | None = None
        self.ended = False
        self.early = b""
        self._on_made = on_made
        self._on_lost = on_lost

    @property
    def client(self) -> str:
        """The IP address at the other end; empty when it was gone before it could be asked."""
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    async def couple(self, host: str, port: int, *, within: float) -> bool:
        """Connect to ``host:port`` and relay from now on; False if nobody answers there in time.

        Args:
            host: address of the target.
            port: number.
            within: seconds for the connection to be made.

        Returns:
            True too when this side was closed meanwhile; nothing is relayed then.
        """
        try:
            async with asyncio.timeout(within):
                _, peer = await asyncio.get_running_loop().create_connection(Side, host, port)
        except OSError:  # which a TimeoutError is too
            return False
        if self.transport.is_closing():
            peer.reset()
            return True
        self.peer, peer.peer = peer, self
        for side, other in ((self, peer), (peer, self)):
            other.transport.write(side.early)
            side.early = b""
        for side, other in ((self, peer), (peer, self)):
            if not side.ended:
                side.transport.resume_reading()
            elif not side.pass_end(other):
                side.transport.close()
        return True

    def reset(self) -> None:
        """End the connection so that the other end sees a failure, not a clean end."""
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait, without reading, for the other side."""
        self.transport = cast("asyncio.Transport", transport)
        # NB: one turn later, since the loop starts to read after this call, and did so up to Python 3.11.2 whatever was
        # paused in it. What arrives in that turn is kept.
        asyncio.get_running_loop().call_soon(self.transport.pause_reading)
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        if self.peer is None:
            self.early += data
        else:
            self.peer.transport.write(data)

    def eof_received(self) -> bool:
        """Hand on the end of one direction; the connections close when both directions have ended."""
        self.ended = True
        if self.peer is None:
            return True
        return self.pass_end(self.peer)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other side as this one ended: cleanly after a clean end, with a reset after anything else."""
        if self.peer is not None:
            if exc is None and self.ended:
                self.peer.transport.close()
            else:
                self.peer.reset()
            self.peer = None
        self._on_lost(self)

    def pass_end(self, peer: "Side") -> bool:
        """Tell the peer that this direction has ended; whether the other one goes on."""
        if peer.ended:
            peer.transport.close()
            return False
        try:
            peer.transport.write_eof()
        except OSError:
            peer.reset()
            return False
        return True

    def pause_writing(self) -> None:
        """Stop reading what this side's reader is too slow to take."""
        if self.peer is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on: this side's reader has caught up."""
        if self.peer is not None:
            self.peer.transport.resume_reading()


class Relays:
    """The connections accepted so far that are still open, so that they can be ended together."""

    def __init__(self) -> None:
        self._open: set[Side] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost = asyncio.Event()

    def accept(self, choose: Callable[[Side], Coroutine[Any, Any, None]]) -> Side:
        """A side for a connection about to be accepted; ``choose`` then couples or resets it."""
        return Side(on_made=lambda side: self._add(side, choose), on_lost=self._discard)

    async def close(self, grace: float) -> None:
        """Give the open connections ``grace`` seconds to end, then reset them."""
        # NB: not asyncio.timeout: up to Python 3.11.2 it does not end in time in a task that is being cancelled.
        ended = asyncio.create_task(self._all_lost())
        await asyncio.wait([ended], timeout=grace)
        ended.cancel()
        for task in self._tasks:
            task.cancel()
        for side in self._open:
            side.reset()
        # NB: transports close their sockets one turn of the loop later, and the other sides of theirs one more.
        await self._all_lost()
        await asyncio.sleep(0)

    async def _all_lost(self) -> None:
        while self._open:
            self._lost.clear()
            await self._lost.wait()

    def _add(self, side: Side, choose: Callable[[Side], Coroutine[Any, Any, None]]) -> None:
        self._open.add(side)
        task = asyncio.get_running_loop().create_task(choose(side))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _discard(self, side: Side) -> None:
        self._open.discard(side)
        self._lost.set()

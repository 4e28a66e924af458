"""Connections whose client has said all it will say before there is a pod at the other end."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from autox.nodes.services.relay import Side
from tests.services.scene import POD_BLOCK, Handler, twin, until

HOST = twin(f"{POD_BLOCK}.1")


@asynccontextmanager
async def pod(handler: Handler) -> AsyncIterator[int]:
    """A pod's server; its port."""
    async with await asyncio.start_server(handler, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def ended_early(said: bytes) -> tuple[socket.socket, Side, asyncio.Event]:
    """A client that has said something and ended its half, the relay's side of it, and whether that is gone."""
    ours, client = socket.socketpair()
    client.sendall(said)
    client.shutdown(socket.SHUT_WR)
    client.setblocking(False)
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    _, side = await loop.create_connection(lambda: Side(on_lost=lambda _: gone.set()), sock=ours)
    side.transport.resume_reading()
    await until(lambda: side.ended)
    return client, side, gone


async def test_a_client_that_ended_early_gets_its_answer() -> None:
    """Its words and its end reach the pod, and the pod's answer and end reach it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.read())
        writer.close()

    client, side, gone = await ended_early(b"hello")
    with client:
        async with pod(answer) as port:
            assert await side.couple(HOST, port, within=5)
            reader, writer = await asyncio.open_connection(sock=client)

            assert await reader.read() == b"you said hello"

        await gone.wait()
        writer.close()


async def test_nothing_is_left_open_when_the_pod_resets_a_client_that_ended_early() -> None:
    """The relay lets go of both connections."""

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    client, side, gone = await ended_early(b"")
    with client:
        async with pod(reset) as port:
            assert await side.couple(HOST, port, within=5)
            await gone.wait()


class Ended(asyncio.Transport):
    """A transport whose connection is gone already, which a real one shows only in a race."""

    closed = aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it; there is nobody."""

    def write_eof(self) -> None:
        """As the kernel says it."""
        raise OSError(107, "Transport endpoint is not connected")

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def abort(self) -> None:
        """Note it."""
        self.aborted = True

    def get_extra_info(self, name: str, default: object = None) -> object:
        """A socket that is closed."""
        with socket.socket() as closed:
            return closed if name == "socket" else default


async def test_an_end_that_cannot_be_passed_on_becomes_a_reset() -> None:
    """The relay does not fail with an exception nobody sees."""
    side, peer = Side(), Side()
    side.transport, peer.transport = Ended(), Ended()

    assert not side.pass_end(peer)
    assert peer.transport.aborted


async def test_when_both_ends_ended_early_both_are_closed() -> None:
    """The second end closes instead of waiting for a third."""
    side, peer = Side(), Side()
    side.transport, peer.transport = Ended(), Ended()
    peer.ended = True

    assert not side.pass_end(peer)
    assert peer.transport.closed

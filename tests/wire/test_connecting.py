"""Which of several addresses a connection leads to."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from autox.wire.connecting import Address, connect
from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind

PATIENCE = 30.0
"""Seconds; the kernel asks an address that says nothing again for two minutes."""


def made() -> Connection:
    """A connection on which nothing is ever asked."""
    return Connection(on_answer=lambda *_: None, on_failure=lambda *_: None, on_idle_end=lambda *_: None)


@pytest.fixture
def silent() -> Iterator[Address]:
    """An address that takes no connection and refuses none."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = Address(*full.getsockname())
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(place)
        yield place


async def test_an_address_that_says_nothing_keeps_nobody(silent: Address) -> None:
    """Of a name whose first address leads nowhere the second is reached; a client waited ten seconds and gave up."""
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        is_over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    there = Address(*server.sockets[0].getsockname())
    async with server, asyncio.timeout(PATIENCE):
        connection = await connect(made, [silent, there])
        assert connection.reusable
        connection.abort()
        await is_over.wait()


async def test_where_all_refuse_that_is_said() -> None:
    """Neither of two addresses has a listener: the error is that of one, and names an address."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = Address(*closed.getsockname())

    with pytest.raises(ExchangeError, match=rf"connection refused \({place}\)") as raised:
        await connect(made, [place, Address("127.0.0.2", place.port)])

    assert raised.value.kind is FailureKind.REFUSED

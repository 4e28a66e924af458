"""Several requests sent at once over one connection: each is told of once, whatever the other side does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest

from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import Head

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


class Told:
    """What was told, in its order: status and body of answers, kind of a failure."""

    def __init__(self, expected: int) -> None:
        self.all: list[tuple[int, bytes] | FailureKind] = []
        self._expected = expected
        self._complete = asyncio.Event()

    def answer(self, head: Head, connection: Connection) -> None:
        """An answer."""
        self._add((head.status, connection.parser.body))

    def failure(self, error: ExchangeError, _: Connection) -> None:
        """A failure."""
        self._add(error.kind)

    def _add(self, one: tuple[int, bytes] | FailureKind) -> None:
        self.all.append(one)
        if len(self.all) == self._expected:
            self._complete.set()

    async def complete(self) -> list[tuple[int, bytes] | FailureKind]:
        """All of it, and whatever comes a moment later."""
        async with asyncio.timeout(30):
            await self._complete.wait()
        await asyncio.sleep(0.05)
        return self.all


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[int]:
    """A server for one connection, which it closes when it has talked; its port. Nothing of it is left afterwards."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        yield running.sockets[0].getsockname()[1]
        await ended.wait()


def server(pieces: Sequence[bytes], *, count: int) -> AbstractAsyncContextManager[int]:
    """A server that waits for so many requests, then says this."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(REQUEST) * count)
        with suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    return serving(talk)


async def exchange(pieces: Sequence[bytes], *, count: int, expected: int) -> list[tuple[int, bytes] | FailureKind]:
    """Send so many requests at once; what is told of them."""
    told = Told(expected)
    async with server(pieces, count=count) as port:
        await send(port, count, on_answer=told.answer, on_failure=told.failure)
        return await told.complete()


async def send(
    port: int,
    count: int,
    *,
    on_answer: Callable[[Head, Connection], None],
    on_failure: Callable[[ExchangeError, Connection], None],
) -> Connection:
    """A connection with so many requests under way."""
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: Connection(on_answer=on_answer, on_failure=on_failure, on_idle_end=lambda _: None, body_limit=1 << 20),
        "127.0.0.1",
        port,
    )
    connection.send(REQUEST * count, count=count)
    return connection


ANSWERS = (LENGTH, CHUNKED, EMPTY, CHUNKS, LENGTH)
BODIES = [(200, b"hello"), (201, b"hello"), (204, b""), (200, b"hello"), (200, b"hello")]


@pytest.mark.parametrize("size", [1, 2, 7, 40, 10_000])
async def test_answers_are_told_in_their_order(size: int) -> None:
    """However they are cut: many in a piece, or many pieces for each."""
    whole = b"".join(ANSWERS)
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]

    assert await exchange(pieces, count=5, expected=5) == BODIES


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", [FailureKind.CLOSED]),
        (LENGTH, [(200, b"hello"), FailureKind.CLOSED]),
        (LENGTH + LENGTH[:30], [(200, b"hello"), FailureKind.CLOSED]),
        (LENGTH + b"nonsense\r\n\r\n", [(200, b"hello"), FailureKind.PROTOCOL]),
        (LENGTH + LAST, [(200, b"hello"), (200, b"hello"), FailureKind.CLOSED]),
        (LENGTH + LAST + LENGTH, [(200, b"hello"), (200, b"hello"), FailureKind.CLOSED]),
        (LENGTH + UNTIL_END, [(200, b"hello"), (200, b"hello"), FailureKind.CLOSED]),
        (LENGTH + LENGTH + LENGTH + LENGTH, [(200, b"hello"), (200, b"hello"), FailureKind.PROTOCOL]),
    ],
    ids=["nothing", "one", "half", "nonsense", "last", "more after the last", "until the end", "too many"],
)
async def test_what_is_not_answered_fails_once(said: bytes, told: list[tuple[int, bytes] | FailureKind]) -> None:
    """One failure stands for all requests that have no answer, and no answer is told twice."""
    assert await exchange([said], count=3, expected=len(told)) == told


async def test_whoever_ends_the_connection_hears_no_more() -> None:
    """Also if answers to the other requests have come with the one that was told."""
    told = Told(1)

    def answer(head: Head, connection: Connection) -> None:
        connection.abort()
        told.answer(head, connection)

    async with server([b"".join(ANSWERS)], count=5) as port:
        connection = await send(port, 5, on_answer=answer, on_failure=told.failure)
        assert await told.complete() == BODIES[:1]

    assert (connection.under_way, connection.reusable) == (0, False)


async def test_the_next_requests_follow_the_last_answer() -> None:
    """A connection is of use again as soon as nothing is under way."""
    told = Told(4)

    def answer(head: Head, connection: Connection) -> None:
        told.answer(head, connection)
        if len(told.all) == 2:
            connection.send(REQUEST * 2, count=2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readexactly(len(REQUEST) * 2)
            writer.write(LENGTH + CHUNKED)
        with suppress(OSError):
            await reader.read()

    async with serving(talk) as port:
        connection = await send(port, 2, on_answer=answer, on_failure=told.failure)
        assert await told.complete() == BODIES[:2] * 2
        connection.abort()

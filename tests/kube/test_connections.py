"""The connections of a client: which are kept, which are not, and what goes over them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest

from autox.kube import channels
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.listing import Query
from autox.kube.transport import Limits
from autox.model.errors import UnreachableError
from autox.model.refs import CONFIG_MAPS, PODS

PATIENCE_SECONDS = 10.0
NONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Speak = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is done with a connection, by its number."""


class Server:
    """A server that remembers what it was asked for, over which connection.

    Attributes:
        asked: number of the connection and method of each request.
        gone: how many connections have ended.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.gone = 0

    async def hear(self, number: int, reader: asyncio.StreamReader) -> str:
        """The method of the next request; empty if there is none."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return ""
        length = next(line for line in head.split("\r\n") if line.lower().startswith("content-length"))
        await reader.readexactly(int(length.partition(":")[2]))
        self.asked.append((number, head.partition(" ")[0]))
        return self.asked[-1][1]


@asynccontextmanager
async def served(
    server: Server,
    speak: Speak,
    limits: Limits = Limits(),  # noqa: B008  - frozen
) -> AsyncIterator[KubeClient]:
    """A client of a server that speaks so."""
    numbers, talks = count(), set[asyncio.Task[None]]()

    async def spoken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        talks.add(talk)
        try:
            await speak(next(numbers), reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            server.gone += 1

    listening = await asyncio.start_server(spoken, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with asyncio.timeout(PATIENCE_SECONDS), listening:
        async with KubeClient(Connection(server=f"http://127.0.0.1:{port}", origin="a test"), limits=limits) as kube:
            yield kube
        await asyncio.gather(*talks)


async def test_requests_one_after_another_share_a_connection_that_ends_with_the_client() -> None:
    """Opening one costs more than a request."""
    server = Server()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await server.hear(number, reader):
            writer.write(NONE)

    async with served(server, speak) as kube:
        for _ in range(3):
            await kube.get(PODS, "a", namespace="b")
        assert server.gone == 0

    assert server.asked == [(0, "GET")] * 3
    assert server.gone == 1


async def test_a_connection_that_was_idle_for_a_minute_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server may be about to close it, and a write that meets that is not repeated."""
    monkeypatch.setattr(channels, "_KEPT_SECONDS", 0.0)
    server = Server()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await server.hear(number, reader):
            writer.write(NONE)

    async with served(server, speak) as kube:
        for _ in range(2):
            await kube.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, namespace="b")

    assert server.asked == [(0, "POST"), (1, "POST")]


async def test_a_read_whose_kept_connection_had_ended_is_sent_again_and_a_write_is_not() -> None:
    """Nobody can tell a server that has done what it was asked for from one that has not heard of it."""
    server = Server()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.hear(number, reader)
        writer.write(NONE)
        await server.hear(number, reader)

    async with served(server, speak) as kube:
        await kube.get(PODS, "a", namespace="b")
        await kube.get(PODS, "a", namespace="b")
        with pytest.raises(UnreachableError, match="broke: it ended before the answer did"):
            await kube.create(CONFIG_MAPS, {"metadata": {"name": "a"}}, namespace="b")

    assert server.asked == [(0, "GET"), (0, "GET"), (1, "GET"), (1, "POST")]


async def test_a_read_over_connections_that_all_end_is_given_up() -> None:
    """A server that ends each connection is not asked for ever."""
    server = Server()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await server.hear(number, reader)

    async with served(server, speak) as kube:
        with pytest.raises(UnreachableError, match="broke"):
            await kube.get(PODS, "a", namespace="b")

    assert server.asked == [(0, "GET")]


async def test_the_answer_to_a_request_that_was_given_up_is_nobodys() -> None:
    """Its connection ends with it, or the next request would be told what the one before asked for."""
    server, is_asked = Server(), asyncio.Event()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await server.hear(number, reader):
            is_asked.set()
            if number:
                writer.write(NONE)

    async with served(server, speak) as kube:
        given_up = asyncio.create_task(kube.get(PODS, "a", namespace="b"))
        await is_asked.wait()
        given_up.cancel()
        await asyncio.wait({given_up})
        assert await kube.get(PODS, "b", namespace="b") == {}

    assert server.asked == [(0, "GET"), (1, "GET")]


async def test_so_many_requests_at_once_as_the_limits_say() -> None:
    """The others wait for their turn."""
    server, both = Server(), asyncio.Barrier(2)

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await server.hear(number, reader):
            await both.wait()
            writer.write(NONE)

    async with served(server, speak, Limits(connections=2)) as kube:
        await asyncio.gather(*(kube.get(PODS, f"{number}", namespace="b") for number in range(6)))

    assert sorted(server.asked) == [(0, "GET")] * 3 + [(1, "GET")] * 3


async def test_a_client_that_is_closed_tells_whoever_waits() -> None:
    """A request under way ends with an error, not never."""
    server, is_asked = Server(), asyncio.Event()

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await server.hear(number, reader)
        is_asked.set()
        await reader.read()

    async with served(server, speak) as kube:
        asking = asyncio.create_task(kube.get(PODS, "a", namespace="b"))
        await is_asked.wait()

    with pytest.raises(UnreachableError):
        await asking


async def test_who_reads_a_watch_slowly_is_sent_no_more_than_some_megabytes() -> None:
    """The rest waits at the server: a consumer that stands still must not fill the memory."""
    server, sent = Server(), 0
    most = 64 << 20

    async def speak(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await server.hear(number, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65535 + b"\n\r\n"
        while sent < most:
            writer.write(piece)
            sent += len(piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with (
        served(server, speak) as kube,
        kube.stream(Query(resource=PODS), params={}, idle_seconds=PATIENCE_SECONDS) as stream,
    ):
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < most / 2
        received = 0
        while pieces := await stream.more():
            received += sum(len(piece) for _, piece in pieces)

    assert received == -(-most // 65546) * 65536

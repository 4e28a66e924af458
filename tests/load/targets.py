"""Small real servers on loopback that answer as they should, or as nobody should."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

from autox.load.http import HttpGenerator, HttpLoad
from autox.load.tally import HttpLoadResult
from autox.wire.connecting import Address
from autox.wire.requests import encode_request
from autox.wire.urls import parse_url

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BYE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"

Writer = asyncio.StreamWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a server saw.

    Attributes:
        number: of the request, over all connections, from 0.
        nth: of the request on its connection, from 0.
        head: of the request.
    """

    number: int
    nth: int
    head: bytes


Answer = Callable[[Seen, Writer], Awaitable[None]]


@dataclass(slots=True)
class Target:
    """A server that is up."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def serving(
    answer: Answer, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Target]:
    """A server that gives each request to ``answer`` and keeps the connection until that closes it."""
    target = Target(port=0)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        target.connections += 1
        nth = 0
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                target.requests.append(head)
                await answer(Seen(number=len(target.requests) - 1, nth=nth, head=head), writer)
                nth += 1
        writer.transport.abort()

    server = await asyncio.start_server(serve, host, port, ssl=tls, backlog=1024)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target
    finally:
        server.close()
        # NB: a connection that was accepted in this moment has its task some turns of the loop later.
        for _ in range(8):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)


async def hello(_seen: Seen, writer: Writer) -> None:
    """Answer as one should."""
    writer.write(HELLO)


def saying(*pieces: bytes, close: bool = False) -> Answer:
    """Answer with these bytes, each on its way before the next."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001 if len(pieces) > 1 else 0)
        if close:
            writer.close()

    return answer


def reset(writer: Writer) -> None:
    """End the connection so that the other end sees a reset."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


def load_on(
    port: int, *, method: str = "GET", scheme: str = "http", count: int = 20, qps: float = 1000.0, **fields: object
) -> HttpLoad:
    """A load on a server of this machine."""
    url = parse_url(f"{scheme}://localhost:{port}/")
    defaults: dict[str, object] = {
        "destinations": ((Address("127.0.0.1", port),),),
        "server_name": "localhost",
        "connections": 4,
        "timeout": 10.0,
    }
    return HttpLoad(
        request=encode_request(url, method=method),
        qps=qps,
        count=count,
        **(defaults | fields),  # type: ignore[arg-type]  # a test says what it means
    )


async def drive(port: int, **fields: object) -> HttpLoadResult:
    """The result of a load on a server of this machine."""
    return await HttpGenerator(load_on(port, **fields)).run()  # type: ignore[arg-type]  # as above

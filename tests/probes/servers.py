"""Small servers that answer probes as told, on a pod's address."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

ADDRESS = "127.213.1.7"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(*answers: bytes | Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator["Served"]:
    """Answer the first request with the first answer and so on; the last one is repeated."""
    served = Served()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            answer = answers[min(len(served.requests), len(answers) - 1)]
            served.requests.append(request.decode())
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(request, writer)
        writer.close()

    server = await asyncio.start_server(serve, ADDRESS, 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for writer in served.writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # transports close their sockets a turn of the loop later


class Served:
    """What a server has seen."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[str] = []
        self.writers: list[asyncio.StreamWriter] = []


def response(status: int = 200, body: bytes = b"ok", *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body

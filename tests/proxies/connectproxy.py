"""A small HTTP proxy that tunnels, as companies have one, with faults."""

import asyncio
import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

AGREED = b"HTTP/1.1 200 Connection established\r\n\r\n"
STALL = b""
RESET = None


class ConnectProxy:
    """A proxy on loopback; use it as an asynchronous context manager, again and again if need be.

    Attributes:
        port: where it listens; the same each time.
        asked: the head of each request.
        wanted: the ``Proxy-Authorization`` that it lets in; None for everybody's.
        names: where names lead that nobody else knows.
        answer: to all others; it hangs up afterwards, unless it is ``AGREED``. ``RESET`` and ``STALL`` are none.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.wanted: str | None = None
        self.names: dict[str, str] = {}
        self.answer: bytes | None = AGREED
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    @property
    def url(self) -> str:
        """For a kubeconfig; with a password that must be seen nowhere."""
        return f"http://me:c%40nary@127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # accepted before the end, and told after it
            writer.transport.abort()
            return
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head)
                said = self._said(head)
                if said is RESET:
                    # NB: this makes the end of the connection a reset.
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                elif said == STALL:
                    await asyncio.Event().wait()
                elif said == AGREED:
                    await self._tunnel(head, reader, writer)
                else:
                    writer.write(said)
                    await writer.drain()
        finally:
            await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def _said(self, head: str) -> bytes | None:
        if self.wanted is not None and f"\r\nProxy-Authorization: {self.wanted}\r\n" not in head:
            return b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
        return self.answer

    async def _tunnel(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = head.split(" ")[1].rpartition(":")
        onward_reader, onward = await asyncio.open_connection(self.names.get(host, host), int(port))
        self._writers.add(onward)
        writer.write(AGREED)
        copies = [asyncio.create_task(_copy(reader, onward)), asyncio.create_task(_copy(onward_reader, writer))]
        try:
            await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
            await self._close(onward)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()

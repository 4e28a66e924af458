"""A TCP proxy on loopback with faults: it can cut connections, stall them, truncate answers, and refuse new ones."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards bytes to a server until told to misbehave; use it as an asynchronous context manager."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._answer_limit: int | None = None
        self._refusing = False
        self._changed = asyncio.Condition()
        self.port = 0
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._flowing.set()
        self.cut()
        while self._serving:
            await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"https://127.0.0.1:{self.port}"

    async def until_accepted(self, connections: int) -> None:
        """Wait until so many connections were accepted since the beginning."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.accepted >= connections)

    def cut(self) -> None:
        """Reset all connections that exist now."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def refuse(self, *, refusing: bool = True) -> None:
        """Accept new connections only to close them at once."""
        self._refusing = refusing

    def stall(self) -> None:
        """Forward nothing any more, in either direction: connections stay open, as half-open ones do."""
        self._flowing.clear()

    def flow(self) -> None:
        """Forward again, what was held back included."""
        self._flowing.set()

    def truncate(self, answer_bytes: int | None) -> None:
        """Let this many bytes of each new connection's answers through, then reset it; None for all."""
        self._answer_limit = answer_bytes

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._changed:
            self.accepted += 1
            self._changed.notify_all()
        if self._refusing:
            writer.transport.abort()
            return
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, onward}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, onward, None))
                group.create_task(self._copy(onward_reader, writer, self._answer_limit))
        except* OSError:
            pass
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()
                with suppress(OSError):
                    await each.wait_closed()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        while data := await reader.read(65536):
            await self._flowing.wait()
            if limit is not None and passed + len(data) > limit:
                writer.write(data[: limit - passed])
                await writer.drain()
                break
            passed += len(data)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

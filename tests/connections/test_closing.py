"""A client that is closed leaves no connection open, whatever the server does about it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from autox.adapters.kopf_session import session_of
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from tests.kube.apiserver import Authority


class Mute:
    """A TLS server that takes requests, answers with the beginning of a stream, and never says goodbye."""

    def __init__(self, authority: Authority) -> None:
        certificate, key = authority.issue("server", hosts=["127.0.0.1"])
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._trust = ssl.create_default_context(cafile=str(authority.file))
        self._held: list[object] = []
        self.asked = asyncio.Event()
        self.port = 0

    @property
    def connection(self) -> Connection:
        """How to reach it."""
        return Connection(server=f"https://127.0.0.1:{self.port}", origin="a test", tls=self._trust)

    @property
    def open(self) -> int:
        """How many sockets of this process lead to it."""
        found = psutil.Process().net_connections("tcp")
        return sum(bool(each.raddr) and each.raddr.port == self.port for each in found)

    async def start(self) -> asyncio.Server:
        """Listen."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=16)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """TLS over memory, for a transport would answer a goodbye by itself."""
        self._held.append(writer)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        wrapped = self._tls.wrap_bio(incoming, outgoing, server_side=True)
        is_answered = False
        with suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(1 << 16):
                incoming.write(data)
                with suppress(ssl.SSLWantReadError):
                    if wrapped.version() is None:
                        wrapped.do_handshake()
                    if not is_answered and wrapped.read(1 << 16):
                        is_answered = True
                        wrapped.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
                        self.asked.set()
                writer.write(outgoing.read())
        writer.close()


@pytest.fixture
async def mute(tmp_path: Path) -> AsyncIterator[Mute]:
    """The server."""
    made = Mute(Authority(tmp_path))
    async with await made.start():
        yield made


async def test_a_request_that_was_given_up(mute: Mute) -> None:
    """A client that is closed after a request was cancelled does not leave its socket to chance."""
    async with KubeClient(mute.connection) as kube:
        asking = asyncio.create_task(kube.read("/version"))
        await mute.asked.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    assert mute.open == 0


async def test_a_stream_that_kopf_breaks_off(mute: Mute) -> None:
    """A watch ends with its operator: kopf closes the answer, then the session, and no socket is left."""
    session = session_of(mute.connection, asyncio.get_running_loop())
    async with session:
        answer = await session.get(f"{mute.connection.server}/watch")
        assert mute.open == 1
        answer.close()

    assert mute.open == 0

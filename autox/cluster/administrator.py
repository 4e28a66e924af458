"""One request to a component of a cluster, made as the cluster's administrator, and its answer.

They are few, small, and to this machine, so each has a connection of its own: one that was kept to a component that was
killed would be the first thing reused. ``autox.kube.client`` was rejected for them: `autox cluster status` would spend
most of its time on importing it.
"""

import asyncio
import contextlib
import ssl
from typing import NamedTuple

from autox import __version__
from autox.cluster.home import ClusterHome, KeyFiles
from autox.wire.connecting import Address, connect
from autox.wire.connection import Connection
from autox.wire.failures import ExchangeError
from autox.wire.heads import Head
from autox.wire.urls import Url, parse_url

SECONDS = 5.0
BODY_LIMIT = 8 << 20


class Answer(NamedTuple):
    """An HTTP status and a body."""

    status: int
    body: bytes


class Administrator:
    """The administrator of one cluster, as the certificates say that are there now."""

    def __init__(self, home: ClusterHome, *, authority: str = "ca", identity: str = "admin") -> None:
        """Nobody is asked yet.

        Args:
            home: of the cluster.
            authority: whose certificates are trusted: etcd has one of its own.
            identity: whose certificate is shown.
        """
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        files = KeyFiles(home.pki)
        # NB: an `up` that was killed while it made certificates leaves some of them; nobody is ready then anyway.
        with contextlib.suppress(OSError):
            self._tls.load_verify_locations(files.certificate(authority))
            self._tls.load_cert_chain(files.certificate(identity), files.key(identity))

    async def get(self, url: str, *, seconds: float = SECONDS) -> Answer:
        """Ask for what is there.

        Args:
            url: its host is an address.
            seconds: how long it may take.

        Raises:
            ExchangeError: there was no answer: nobody listens, nobody is trusted, or it broke off.
            TimeoutError: nor any end of it.
        """
        target = parse_url(url)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(head: Head, connection: Connection) -> None:
            if not answer.done():
                answer.set_result(Answer(head.status, connection.parser.body))

        def failed(error: ExchangeError, connection: Connection) -> None:
            del connection
            if not answer.done():
                answer.set_exception(error)

        def made() -> Connection:
            return Connection(on_answer=answered, on_failure=failed, on_idle_end=lambda _: None, body_limit=BODY_LIMIT)

        async with asyncio.timeout(seconds):
            tls = self._tls if target.scheme == "https" else None
            connection = await connect(made, [Address(target.host, target.port)], tls=tls, server_name=target.name)
            try:
                connection.send(_request(target))
                return await answer
            finally:
                connection.abort()
                await asyncio.sleep(0)  # a transport closes its socket one turn of the loop later


def _request(target: Url) -> bytes:
    return (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: autox/{__version__}\r\n"
        "Accept: application/json, */*\r\nConnection: close\r\n\r\n"
    ).encode()

"""The way through an HTTP proxy: asked to CONNECT to a server, it passes bytes on from then on (RFC 9110 §9.3.6).

What is spoken with the server, TLS too, begins inside the tunnel, so that a request costs the same as without a proxy,
and the proxy's password is shown when a connection is opened and never again. A server without TLS is tunnelled to as
well: requests with absolute URLs, the other way for those, would show the password each time, and what the proxy says
of itself could pass for the server's answer.

Asked on the bare socket, before it has a transport. ``loop.start_tls`` on a transport was rejected: a connection that
ends, or speaks, between the handshake and ``connection_made`` would have to be looked after here.
"""

import asyncio
import socket
from dataclasses import dataclass, field

import autox
from autox.model.errors import ConfigurationError, UnsupportedError
from autox.wire.failures import ExchangeError, FailureKind
from autox.wire.heads import ProtocolError, Violation
from autox.wire.responses import ResponseParser
from autox.wire.urls import Url, parse_url

_PIECE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """What a proxy is asked for.

    Attributes:
        target: ``host:port`` of the server; a name is looked up by the proxy.
        authorization: the value of ``Proxy-Authorization``; empty for none.
    """

    target: str
    authorization: str = field(default="", repr=False)

    def request(self) -> bytes:
        """The request for it; may hold a password."""
        lines = [
            f"CONNECT {self.target} HTTP/1.1",
            f"Host: {self.target}",
            f"User-Agent: autox/{autox.__version__}",
            *([f"Proxy-Authorization: {self.authorization}"] if self.authorization else []),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


def parse_proxy(text: str) -> Url:
    """The URL of a proxy, taken apart; its path means nothing.

    Raises:
        UnsupportedError: it is another kind of proxy.
        ConfigurationError: it is no URL. Neither message has any of the text in it, which may hold a password.
    """
    if not text.strip().lower().startswith("http://"):
        raise UnsupportedError("of proxies, autox only speaks to http:// ones")
    try:
        return parse_url(text)
    except ConfigurationError:
        # NB: the reason shows parts of the URL, and of a password that is not escaped.
        raise ConfigurationError(
            "the URL of the proxy cannot be read", hint="write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
        ) from None


async def open_tunnel(sock: socket.socket, tunnel: Tunnel, *, proxy: str) -> None:
    """Ask the proxy at the other end; afterwards it is the target that is there. It takes as long as the proxy does.

    Args:
        sock: connected and non-blocking; the caller's to close.
        tunnel: what to ask for.
        proxy: ``address:port``, to end messages with.

    Raises:
        ExchangeError: the proxy refuses, hangs up or does not speak HTTP.
        OSError: the connection broke.
    """
    try:
        status = await _ask(sock, tunnel.request())
    except ExchangeError as error:
        raise ExchangeError(error.kind, f"{error.message} ({proxy})") from error
    if not _agrees(status):
        raise ExchangeError(FailureKind.REFUSED, f"the proxy refused with status {status} ({proxy})")


async def _ask(sock: socket.socket, request: bytes) -> int:
    """The status of the answer; all that is read of a refusal."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, request)
    answer = ResponseParser()
    answer.begin(bodiless=True)  # NB: a length means nothing before a tunnel
    complete = False
    while not complete:
        data = await loop.sock_recv(sock, _PIECE)
        if not data:
            raise ExchangeError(FailureKind.CLOSED, FailureKind.CLOSED.value)
        complete = answer.feed(data)
    status = answer.head.status
    # NB: no server speaks before it is asked; what came would be lost to the connection.
    if answer.excess and _agrees(status):
        raise ProtocolError(Violation.EXCESS)
    return status


def _agrees(status: int) -> bool:
    return 200 <= status < 300

"""Servers that lie, die or stall: what a planted fault of ``http`` does to each request, on real sockets."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.load.targets import HELLO, Answer, Seen, Writer, hello, reset, serving

OK = b"HTTP/1.1 200 OK\r\n"
Server = Callable[[], AbstractAsyncContextManager[int]]
"""Brings a server up; gives its port."""


def status(line: bytes) -> bytes:
    """A whole answer with this status line."""
    return b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n\r\n"


def up(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Server:
    """A server that gives each request to ``answer``."""

    @asynccontextmanager
    async def server() -> AsyncIterator[int]:
        async with serving(answer, tls=tls) as target:
            yield target.port

    return server


def says(*pieces: bytes, pause: float = 0.0, then: str = "keep") -> Answer:
    """Say these bytes, with a pause between them, and then keep, close or reset the connection, or hang."""

    async def answer(_seen: Seen, writer: Writer) -> None:
        for number, piece in enumerate(pieces):
            if number:
                await writer.drain()
                await asyncio.sleep(pause)
            if writer.is_closing():
                return
            writer.write(piece)
        await writer.drain()
        match then:
            case "close":
                writer.close()
            case "reset":
                reset(writer)
            case "hang":
                await asyncio.Event().wait()

    return answer


def some(rule: Callable[[Seen], bool], bad: Answer, *, good: Answer = hello) -> Answer:
    """Answer badly where the rule says so."""

    async def answer(seen: Seen, writer: Writer) -> None:
        await (bad if rule(seen) else good)(seen, writer)

    return answer


def every(nth: int) -> Callable[[Seen], bool]:
    """Each nth request."""
    return lambda seen: seen.number % nth == nth - 1


def from_number(first: int) -> Callable[[Seen], bool]:
    """All requests from this one on."""
    return lambda seen: seen.number >= first


def after(seconds: float, answer: Answer = hello) -> Answer:
    """Answer so much later."""

    async def late(seen: Seen, writer: Writer) -> None:
        await asyncio.sleep(seconds)
        await answer(seen, writer)

    return late


def dripping(data: bytes, *, pause: float = 0.02) -> Answer:
    """Say it byte by byte."""
    return says(*(bytes([each]) for each in data), pause=pause)


def one_at_a_time(seconds: float) -> Answer:
    """Answer one request after the other, each after so many seconds of work."""
    turn = asyncio.Lock()

    async def answer(seen: Seen, writer: Writer) -> None:
        async with turn:
            await asyncio.sleep(seconds)
        await hello(seen, writer)

    return answer


def stopping(first: int, seconds: float) -> Answer:
    """Answer well, but for one standstill that meets every request from one on."""
    began: list[float] = []

    async def answer(seen: Seen, writer: Writer) -> None:
        now = asyncio.get_running_loop().time()
        if seen.number == first:
            began[:] = [now]
        if seen.number >= first:
            await asyncio.sleep(max(began[0] + seconds - now, 0.0))
        await hello(seen, writer)

    return answer


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@asynccontextmanager
async def full() -> AsyncIterator[int]:
    """A port that neither takes a connection nor refuses one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


Talk = Callable[[int, asyncio.StreamReader, Writer], Awaitable[None]]
"""What a server does with a connection; given its number, from 0."""


def by_connection(talk: Talk, *, tls: ssl.SSLContext | None = None) -> Server:
    """A server that decides by the connection, before any request came."""

    @asynccontextmanager
    async def server() -> AsyncIterator[int]:
        tasks: set[asyncio.Task[None]] = set()
        count = 0

        async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
            nonlocal count
            tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
            count += 1
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(count - 1, reader, writer)
            writer.transport.abort()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, backlog=1024)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return server


async def answering(_number: int, reader: asyncio.StreamReader, writer: Writer) -> None:
    """A connection as it should be."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(HELLO)


def on_connection(rule: Callable[[int], bool], bad: Talk) -> Talk:
    """Treat some connections badly, and the others as they should be."""

    async def talk(number: int, reader: asyncio.StreamReader, writer: Writer) -> None:
        await (bad if rule(number) else answering)(number, reader, writer)

    return talk


async def answers_first(_number: int, reader: asyncio.StreamReader, writer: Writer) -> None:
    """Answer as soon as the connection is there, and then each request."""
    writer.write(HELLO)
    await answering(_number, reader, writer)


def in_turns(one: Server, other: Server) -> Server:
    """Give each connection to one of two servers, as a balancer in front of them does."""

    @asynccontextmanager
    async def server() -> AsyncIterator[int]:
        async with one() as first, other() as second:

            async def relay(number: int, reader: asyncio.StreamReader, writer: Writer) -> None:
                back, forth = await asyncio.open_connection("127.0.0.1", (first, second)[number % 2])
                try:
                    await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))
                finally:
                    forth.transport.abort()

            async with by_connection(relay)() as port:
                yield port

    return server


async def _pass_on(reader: asyncio.StreamReader, writer: Writer) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def resets(_number: int, _reader: asyncio.StreamReader, writer: Writer) -> None:
    """Reset the connection at once."""
    reset(writer)


async def closes(_number: int, _reader: asyncio.StreamReader, writer: Writer) -> None:
    """Close it at once."""
    writer.close()


async def ignores(_number: int, _reader: asyncio.StreamReader, _writer: Writer) -> None:
    """Never say anything on it."""
    await asyncio.Event().wait()


async def speaks_first(_number: int, _reader: asyncio.StreamReader, writer: Writer) -> None:
    """Greet, as servers of mail do."""
    writer.write(b"220 mail.example ready\r\n")
    await asyncio.Event().wait()


def reset_once(first_good: int) -> Talk:
    """Answer so many requests of each connection, then reset it under the next."""

    async def talk(_number: int, reader: asyncio.StreamReader, writer: Writer) -> None:
        for _ in range(first_good):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HELLO)
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    return talk


def up_for(seconds: float, *, late: float = 0.0) -> Server:
    """A good server that comes up late, and goes away again with all its connections."""

    @asynccontextmanager
    async def server() -> AsyncIterator[int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])

        async def live() -> None:
            await asyncio.sleep(late)
            async with serving(hello, port=port):
                await asyncio.sleep(seconds)

        living = asyncio.create_task(live())
        try:
            if not late:
                await asyncio.sleep(0.05)
            yield port
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)

    return server


class Certificates:
    """An authority that the load generator trusts, and certificates that are wrong in one way each."""

    def __init__(self, directory: Path) -> None:
        """Make the authority; ``authority`` is its file."""
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "faults")])
        self._trusted = self._signed("faults", self._key, self._key, days=(-1, 30), is_authority=True)
        self.authority = directory / "authority.pem"
        self.authority.write_bytes(self._trusted.public_bytes(serialization.Encoding.PEM))

    def server(
        self, name: str = "localhost", *, days: Sequence[int] = (-1, 30), is_trusted: bool = True
    ) -> ssl.SSLContext:
        """A server with a certificate for ``name``, valid between these days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._key if is_trusted else key
        certificate = self._signed(name, key, issuer, days=days, is_authority=False)
        file = self._directory / f"{name}{days[0]}{days[1]}{is_trusted}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: ec.EllipticCurvePrivateKey,
        *,
        days: Sequence[int],
        is_authority: bool,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=self._name if issuer is self._key else subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now + dt.timedelta(days=days[0]),
            not_valid_after=now + dt.timedelta(days=days[1]),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return builder.add_extension(names, critical=False).sign(issuer, hashes.SHA256())


def secured(
    make: Callable[[Certificates], ssl.SSLContext], certificates: Certificates, answer: Answer = hello
) -> Server:
    """A server that speaks TLS with such a certificate."""
    return up(answer, tls=make(certificates))


expired = partial(Certificates.server, days=(-30, -1))
not_yet = partial(Certificates.server, days=(1, 30))
strange = partial(Certificates.server, is_trusted=False)
misnamed = partial(Certificates.server, name="elsewhere.example")

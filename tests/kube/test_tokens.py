"""Credentials that are a service account's token: asked for anew in time, kept while they are good, told to nobody."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.tokens import AccountCredentials, request_token
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError, ServerError
from tests.load.targets import Seen, Writer, serving

SPEC, EXPIRES = {"expirationSeconds": 600}, "2026-01-02T03:04:05Z"


class Server:
    """Gives tokens: ``t-0``, ``t-1`` and so on, each good for ten minutes; or what it is told to.

    Attributes:
        answer: status line and body in place of a token.
        asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.answer: tuple[str, str] | None = None
        self.asked = 0

    async def __call__(self, seen: Seen, writer: Writer) -> None:
        """Answer one request."""
        del seen
        status = {"token": f"t-{self.asked}", "expirationTimestamp": EXPIRES}
        line, body = self.answer or ("201 Created", json.dumps({"spec": SPEC, "status": status}))
        self.asked += 1
        head = f"HTTP/1.1 {line}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())


@pytest.fixture
def server() -> Server:
    """One that gives tokens."""
    return Server()


@asynccontextmanager
async def client(server: Server) -> AsyncIterator[KubeClient]:
    """A client of it."""
    async with serving(server) as target:
        connection = Connection(server=f"http://127.0.0.1:{target.port}", origin="a test")
        async with KubeClient(connection) as kube:
            yield kube


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """One that shows 0."""
    return Clock()


async def test_a_token_is_replaced_before_it_ends(server: Server, clock: Clock) -> None:
    """A run that is longer than a token goes on with the next one, and asks for it once."""
    found = []
    async with client(server) as kube:
        credentials = AccountCredentials(kube, "a", "b", seconds=3600.0, clock=clock)
        for moment in (0.0, 479.0, 480.0, 500.0, 960.0):
            clock.now = moment
            found.append(await credentials.headers())

    assert found == [(("Authorization", f"Bearer t-{number}"),) for number in (0, 0, 1, 1, 2)]


async def test_a_token_is_used_while_it_is_good(server: Server, clock: Clock) -> None:
    """An API server that gives no new one for a while stops nobody; once the old one has ended, its words are told."""
    async with client(server) as kube:
        credentials = AccountCredentials(kube, "a", "b", seconds=3600.0, clock=clock)
        first = await credentials.headers()
        server.answer = "403 Forbidden", '{"kind":"Status","reason":"Forbidden","message":"no more"}'
        for moment in (480.0, 481.0, 599.0):
            clock.now = moment
            assert await credentials.headers() == first
        assert server.asked == 3
        clock.now = 600.0
        with pytest.raises(ForbiddenError):
            await credentials.headers()


async def test_a_refused_token_is_asked_for_anew_but_in_no_storm(server: Server, clock: Clock) -> None:
    """A thousand clients that are refused together are one request for a token, and none within ten seconds of it."""
    async with client(server) as kube:
        credentials = AccountCredentials(kube, "a", "b", seconds=3600.0, clock=clock)
        old = await credentials.headers()
        assert not credentials.rejected(old)
        clock.now = 10.0
        assert credentials.rejected(old)
        new = await credentials.headers()
        assert new != old
        assert credentials.rejected(old)  # somebody has asked already
        assert await credentials.headers() == new

    assert server.asked == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(("404 Not Found", '{"kind":"Status","reason":"NotFound","code":404}'), NotFoundError, id="old"),
        pytest.param(("201 Created", "{}"), ServerError, id="no token"),
        pytest.param(("201 Created", '{"status":"t-1"}'), ServerError, id="no status"),
        pytest.param(("201 Created", '{"status":{"token":7}}'), ServerError, id="a number"),
        pytest.param(("200 OK", "<html>sign in</html>"), ServerError, id="a sign-in page"),
        pytest.param(("201 Created", '{"status":{"token":"t-1\\r\\nX-Evil: 1"}}'), AutoxError, id="a line break"),
    ],
)
async def test_what_is_no_token_is_never_used(server: Server, answer: tuple[str, str], error: type[AutoxError]) -> None:
    """Each is an error, which never repeats what came."""
    server.answer = answer
    async with client(server) as kube:
        with pytest.raises(error) as refused:
            await AccountCredentials(kube, "a", "b", seconds=600.0).headers()

    assert "t-1" not in refused.value.advice


async def test_a_token_shows_in_no_repr(server: Server) -> None:
    """Whoever logs what holds it logs no token."""
    async with client(server) as kube:
        token = await request_token(kube, "a", "b", seconds=3600.0)

    assert (token.text, token.seconds, token.expires) == ("t-0", 600.0, EXPIRES)
    assert "t-0" not in repr(token)

"""The client for many small requests, on a real API server and on servers that turn it away, stall, end or lie."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from autox.kube.auth import from_kubeconfig
from autox.kube.bulk import BulkClient
from autox.kube.calls import Call, version_of
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.credentials import TokenFile
from autox.model.errors import (
    AlreadyExistsError,
    AutoxError,
    DeadlineError,
    InvalidError,
    NotFoundError,
    UnreachableError,
)
from autox.model.refs import CONFIG_MAPS
from tests.kube.apiserver import ApiServer, free_port
from tests.kube.hostile import status

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def serving(handler: Handler, *, port: int = 0) -> AsyncIterator[Connection]:
    """A server that answers with this handler."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield Connection(server=f"http://127.0.0.1:{runner.addresses[0][1]}", origin="a test")
    finally:
        await runner.cleanup()


class Answers:
    """What became of requests."""

    def __init__(self, count: int) -> None:
        self.all: list[bytes | AutoxError] = []
        self._count = count
        self._complete = asyncio.Event()

    def __call__(self, answer: bytes | AutoxError) -> None:
        """Take one down."""
        self.all.append(answer)
        if len(self.all) == self._count:
            self._complete.set()

    async def wait(self) -> list[bytes | AutoxError]:
        """All of them, once they are there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._complete.wait()
        return self.all


async def send(bulk: BulkClient, count: int, path: str = "/x") -> list[bytes | AutoxError]:
    """Send the same request so many times at once, and wait."""
    answers = Answers(count)
    for _ in range(count):
        bulk.submit(Call("PUT", path, answers, plural="things", body=b"{}"))
    return await answers.wait()


@pytest.mark.integration
async def test_thousands_of_writes(api_server: ApiServer, kube: KubeClient, namespace: str) -> None:
    """Each request is answered once, over no more connections than allowed, and says the version that it made."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    answers = Answers(600)
    async with BulkClient(from_kubeconfig(api_server.kubeconfig()), connections=8) as bulk:
        for number in range(600):
            body = msgspec.json.encode({"metadata": {"name": f"c{number}"}, "data": {"n": str(number)}})
            bulk.submit(Call("POST", path, answers, plural="configmaps", body=body))
        told = await answers.wait()
    made = (await kube.list(CONFIG_MAPS, namespace=namespace, label_selector="")).items
    versions = {each["metadata"]["resourceVersion"] for each in made if each["metadata"]["name"].startswith("c")}

    assert {version_of(each) for each in told if isinstance(each, bytes)} == versions
    assert len(versions) == 600
    assert bulk.answered == 600


@pytest.mark.integration
async def test_refusals(api_server: ApiServer, namespace: str) -> None:
    """What the API server refuses is told with the same errors as everywhere, and in its words."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with BulkClient(from_kubeconfig(api_server.kubeconfig())) as bulk:
        body = b'{"metadata":{"name":"one"}}'
        assert json.loads(await bulk.request("POST", path, plural="configmaps", body=body))["kind"] == "ConfigMap"
        with pytest.raises(AlreadyExistsError, match="one"):
            await bulk.request("POST", path, plural="configmaps", body=body)
        with pytest.raises(NotFoundError, match="two"):
            await bulk.request("GET", f"{path}/two", plural="configmaps")
        with pytest.raises(InvalidError):
            await bulk.request("POST", path, plural="configmaps", body=b"no JSON")


@pytest.mark.integration
async def test_an_api_server_that_is_killed(tmp_path: Path) -> None:
    """While it is away requests fail, saying that it cannot be reached; when it is back the same client works."""
    server = ApiServer(tmp_path)
    await asyncio.to_thread(server.start)
    try:
        async with BulkClient(from_kubeconfig(server.kubeconfig())) as bulk:
            await bulk.request("GET", "/api/v1/namespaces/default", plural="namespaces")
            server.kill()
            for _ in range(3):
                with pytest.raises(UnreachableError):
                    await bulk.request("GET", "/api/v1/namespaces/default", plural="namespaces")
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        await bulk.request("GET", "/api/v1/namespaces/default", plural="namespaces")
                    except UnreachableError:
                        continue
                    break
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_server_that_asks_for_patience() -> None:
    """After a 429 nothing is sent until the time asked for is over; then everything is, and it is counted."""
    turned_away = 3
    calls = 0

    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        if calls <= turned_away:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return web.json_response({"metadata": {"resourceVersion": "5"}})

    async with serving(handler) as connection, BulkClient(connection, connections=4) as bulk:
        told = await send(bulk, 50)

    assert [each for each in told if isinstance(each, AutoxError)] == []
    assert (calls, bulk.throttled) == (50 + turned_away, turned_away)


async def test_connections_that_end_while_kept() -> None:
    """A request whose kept connection had ended under it is sent again, once, and nobody notices."""
    seen = 0

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal seen
        seen += 1
        if seen % 3 == 0 and request.transport is not None:
            request.transport.abort()
        return web.json_response({"metadata": {}})

    async with serving(handler) as connection, BulkClient(connection, connections=1) as bulk:
        told = [answer for _ in range(20) for answer in await send(bulk, 1)]

    assert [str(each) for each in told if isinstance(each, AutoxError)] == []
    assert seen == 29  # every third is lost with its connection


async def test_many_that_wait_are_sent_together() -> None:
    """Over one connection, at most eight before the first is answered; each is told of once, in its order."""
    together: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(1 << 16):
            numbers = re.findall(rb"PUT /(\d+) ", said)
            together.append(len(numbers))
            writer.write(b"".join(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(n), n) for n in numbers))
        writer.close()
        await writer.wait_closed()
        ended.set()

    answers, ended = Answers(500), asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        server = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        async with BulkClient(Connection(server=server, origin="a test"), connections=1) as bulk:
            for number in range(500):
                bulk.submit(Call("PUT", f"/{number}", answers, plural="things", body=b"{}"))
            told = await answers.wait()
        await ended.wait()

    assert told == [b"%d" % number for number in range(500)]
    assert max(together) == 8


async def test_a_server_that_ends_in_the_middle_of_many() -> None:
    """Each request is told of once: as answered, also if it was sent again, or as failed."""
    served = 0

    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal served
        served += 1
        answer = web.json_response({})
        if served % 5 == 0:
            answer.force_close()
        return answer

    async with serving(handler) as connection, BulkClient(connection, connections=2) as bulk:
        told = await send(bulk, 300)
        await asyncio.sleep(0.1)

    failed = [each for each in told if isinstance(each, AutoxError)]
    assert len(told) == 300
    assert 0 < len(told) - len(failed) <= served
    assert {type(each) for each in failed} <= {UnreachableError}


async def test_a_server_that_stalls() -> None:
    """A request that is not answered in time fails, and its connection is not used again."""
    stalled: set[object] = set()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if not stalled:
            stalled.add(request.transport)
            await asyncio.sleep(3600)
        return web.json_response({"reused": request.transport in stalled})

    async with serving(handler) as connection, BulkClient(connection, connections=1, request_seconds=0.5) as bulk:
        [first] = await send(bulk, 1)
        [second] = await send(bulk, 1)

    assert isinstance(first, DeadlineError)
    assert second == b'{"reused": false}'


async def test_nobody_there() -> None:
    """What waits for a server that is not there fails at once and together, and only then is the next one tried."""
    async with BulkClient(Connection(server=f"http://127.0.0.1:{free_port()}", origin="a test")) as bulk:
        told = await send(bulk, 100)

    assert {str(each) for each in told} == {str(told[0])}
    assert "connection refused" in str(told[0])


async def test_a_token_that_is_rotated(tmp_path: Path) -> None:
    """A request refused for its old token is sent again with the new one; with no new one the refusal is told."""
    token = tmp_path / "token"
    token.write_text("old")
    good = "Bearer old"

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") != good:
            return status(401, "Unauthorized")
        return web.json_response({})

    async with serving(handler) as plain:
        connection = Connection(server=plain.server, origin="a test", credentials=TokenFile(token))
        async with BulkClient(connection) as bulk:
            before = await send(bulk, 3)
            good = "Bearer new"
            token.write_text("new")
            after = await send(bulk, 3)
            good = "Bearer newer"
            refused = await send(bulk, 1)

    assert before + after == [b"{}"] * 6
    assert type(refused[0]).__name__ == "UnauthorizedError"
    assert "new" not in str(refused[0])


async def test_a_client_that_is_closed_meanwhile() -> None:
    """Whoever waits for an answer, asked for or still in the queue, gets an error, and waited for ever."""
    asked = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with BulkClient(Connection(server=url, origin="a test"), connections=1) as bulk:
            waiting = [asyncio.create_task(bulk.request("GET", f"/{n}", plural="things")) for n in range(20)]
            await asked.wait()
        told = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(each) for each in told} == {UnreachableError}
    assert "closed before the answer came" in str(told[0])


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\n\r\nA"]
)
async def test_a_server_that_lies(answer: bytes) -> None:
    """What is no HTTP answer, or breaks off, is a failure of that request and of no other."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, BulkClient(Connection(server=f"http://127.0.0.1:{port}", origin="a test")) as bulk:
        told = await send(bulk, 5)

    # NB: an answer without a length ends with its connection: "A" is all of it.
    assert all(each == b"A" if answer.endswith(b"A") else isinstance(each, UnreachableError) for each in told)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"metadata":null}', b'{"metadata":{"resourceVersion":7}}', b"\xff"]
)
def test_answers_without_a_version(answer: bytes) -> None:
    """An answer that says no version has none."""
    assert version_of(answer) == ""

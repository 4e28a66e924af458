"""The httpGet probe against servers that behave, misbehave and lie."""

import asyncio
import datetime as dt
import socket
import ssl
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki
from autox.nodes.probes.handlers import probe_once
from autox.nodes.probes.outcome import ProbeOutcome
from tests.probes.servers import ADDRESS, response, serving


async def no_exec(_command: Sequence[str], _within: float) -> tuple[int, bytes]:
    """An HTTP probe runs no command."""
    raise AssertionError


async def get(port: object, *, timeout: int = 5, ports: dict[str, int] | None = None, **action: Any) -> ProbeOutcome:  # noqa: ASYNC109  - the field of the probe
    """One probe of a container of the pod."""
    probe = {"httpGet": {"port": port} | action, "timeoutSeconds": timeout}
    return await probe_once(probe, address=ADDRESS, ports=ports or {}, exec_=no_exec)


@pytest.mark.parametrize("status", [200, 204, 299, 300, 304, 302, 399])
async def test_statuses_from_200_to_399_are_good(status: int) -> None:
    """As for the kubelet."""
    async with serving(response(status, b"")) as server:
        assert (await get(server.port)).ok


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_other_statuses_are_not_and_the_body_stays_out_of_the_message(status: int) -> None:
    """An error page may hold secrets, and the message lands in an Event."""
    async with serving(response(status, b"password=hunter2")) as server:
        outcome = await get(server.port)

    assert outcome == ProbeOutcome(ok=False, message=f"HTTP probe failed with statuscode: {status}")


async def test_the_request_is_the_kubelets() -> None:
    """Method, path with query, host, user agent and accept header."""
    async with serving(response()) as server:
        await get(server.port, path="/healthz?full=1&x=a%20b")
        head, *headers = server.requests[0].split("\r\n")

    assert head == "GET /healthz?full=1&x=a%20b HTTP/1.1"
    assert {line for line in headers if line} == {
        f"Host: {ADDRESS}:{server.port}",
        "User-Agent: kube-probe/1.36",
        "Accept: */*",
    } | {line for line in headers if line.startswith("Connection")}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/"),
        ("healthz", "/healthz"),
        ("//elsewhere/x", "/x"),
        ("http://elsewhere/x?y", "/x?y"),
        ("/é ü", "/%C3%A9%20%C3%BC"),
        ("/a\r\nX: y", "/aX:%20y"),
        ("http://[", "/http://["),
    ],
)
async def test_odd_paths_stay_paths(path: str, asked: str) -> None:
    """Nothing in a path leads to another host or breaks the request."""
    async with serving(response()) as server:
        await get(server.port, path=path)

        assert server.requests[0].split(" ")[1] in {asked, asked.replace("[", "%5B")}


async def test_headers_are_sent_as_given() -> None:
    """Repeated ones too; Host and User-Agent replace the usual, an empty Accept removes it."""
    wanted = [("X-A", "1"), ("X-A", "2"), ("Host", "shop.example"), ("User-Agent", "me"), ("Accept", "")]
    async with serving(response()) as server:
        await get(server.port, httpHeaders=[{"name": name, "value": value} for name, value in wanted])
        lines = server.requests[0].split("\r\n")

    assert {"X-A: 1", "X-A: 2", "Host: shop.example", "User-Agent: me"} <= set(lines)
    assert not any(line.startswith("Accept") for line in lines)


async def test_a_header_that_would_break_the_request_fails_the_probe() -> None:
    """And is never sent."""
    async with serving(response()) as server:
        outcome = await get(server.port, httpHeaders=[{"name": "X", "value": "a\r\nY: b"}])

        assert (outcome.ok, server.requests) == (False, [])


async def test_redirects_on_the_same_host_are_followed() -> None:
    """A login page that answers 200 is a good answer, one that answers 500 is not."""
    for status, ok in ((200, True), (500, False)):
        async with serving(response(302, b"", "Location: /login"), response(status)) as server:
            outcome = await get(server.port, path="/")

            assert outcome.ok is ok
            assert server.requests[1].startswith("GET /login ")


@pytest.mark.parametrize("location", ["http://127.213.1.8:1/", "https://example.com/", "//example.com/x"])
async def test_redirects_to_another_host_are_not(location: str) -> None:
    """They count as an answer, and the probe goes nowhere else."""
    async with serving(response(301, b"moved", f"Location: {location}")) as server:
        outcome = await get(server.port)

    assert outcome == ProbeOutcome(ok=True, message="Probe terminated redirects, Response body: moved")


@pytest.mark.parametrize("location", ["/", "ftp://127.213.1.7/", "http://127.213.1.7:99999/", "http://["])
async def test_redirects_that_lead_nowhere_fail(location: str) -> None:
    """In circles, to other protocols, to nonsense."""
    async with serving(response(302, b"", f"Location: {location}")) as server:
        assert not (await get(server.port)).ok
        assert len(server.requests) <= 10


async def test_a_large_body_is_cut() -> None:
    """Ten KiB are read and no more, however much the server would send."""

    async def pour(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serving(pour) as server:
        outcome = await get(server.port)

    assert (outcome.ok, len(outcome.message)) == (True, 10 * 1024)


async def stall(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.sleep(60)
    writer.close()


async def dribble(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Promise more than comes, slowly."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("answer", [stall, dribble])
async def test_an_answer_that_takes_too_long_fails(answer: Any) -> None:
    """The whole answer counts, the body too."""
    async with serving(answer) as server:
        outcome = await get(server.port, timeout=1)

        assert outcome == ProbeOutcome(
            ok=False, message=f'Get "http://{ADDRESS}:{server.port}/": no complete answer within 1 s'
        )


async def reset(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Crash."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", id="short body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: NaN\r\n\r\n", id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="huge header"),
        pytest.param(b"\xff\xfe\x00" * 100, id="binary"),
        pytest.param(reset, id="reset"),
    ],
)
async def test_a_server_that_lies_fails_the_probe(answer: Any) -> None:
    """With a message, never with an exception."""
    async with serving(answer) as server:
        outcome = await get(server.port)

        assert (outcome.ok, outcome.errored) == (False, False)
        assert outcome.message.startswith(f'Get "http://{ADDRESS}:{server.port}/": ')


async def test_nobody_listening_is_said_plainly() -> None:
    """The commonest message of all."""
    async with serving(response()) as server:
        port = server.port

    assert (await get(port)).message == f'Get "http://{ADDRESS}:{port}/": connection refused'


async def test_https_takes_any_certificate(tmp_path: Path) -> None:
    """The kubelet has no way to know the pod's authority."""
    pki = Pki(tmp_path)
    pki.ensure([Identity(file="pod", common_name="pod", names=("elsewhere.example",))], now=dt.datetime.now(dt.UTC))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki.certificate("pod"), pki.key("pod"))
    async with serving(response(), tls=tls) as server:
        assert (await get(server.port, scheme="HTTPS")).ok

        plain = await get(server.port)

        assert not plain.ok


async def test_https_to_a_plain_server_fails() -> None:
    """With a message that says TLS or what the connection came to."""
    async with serving(response()) as server:
        outcome = await get(server.port, scheme="HTTPS", timeout=1)

        assert (outcome.ok, outcome.errored, bool(outcome.message)) == (False, False, True)


@pytest.mark.parametrize("named", ["web", "number"])
async def test_ports_may_be_named(named: str) -> None:
    """By the container's port names, or as a number written as a string."""
    async with serving(response()) as server:
        port = "web" if named == "web" else str(server.port)

        assert (await get(port, ports={"web": server.port})).ok


@pytest.mark.parametrize("port", ["admin", "", 0, 65536, -1, None, "99999", "²", 1.5])
async def test_a_port_that_does_not_exist_counts_for_nothing(port: object) -> None:
    """It says nothing of the container, so it neither passes nor fails it."""
    outcome = await get(port, ports={"web": 80})

    assert (outcome.ok, outcome.errored) == (False, True)
    assert "named port" in outcome.message


async def test_a_probe_may_name_its_host() -> None:
    """Instead of the pod's address."""
    async with serving(response()) as server:
        outcome = await get(server.port, host="127.213.1.8")

        assert outcome.message.startswith(f'Get "http://127.213.1.8:{server.port}/"')


async def test_a_host_that_is_none_counts_for_nothing() -> None:
    """No URL, no answer."""
    assert (await get(80, host="exa mple:x")).ok is False

"""Load over TLS: the certificate is checked, and what is wrong with it is told."""

import ssl

from autox.wire.failures import FailureKind
from tests.load.conftest import Tls
from tests.load.targets import BYE, drive, hello, saying, serving


async def test_trusted(tls: Tls) -> None:
    """A target with a certificate of a trusted authority is measured like any other."""
    async with serving(hello, tls=tls.server) as target:
        result = await drive(target.port, scheme="https", tls=tls.client)

    assert (result.errors, result.statuses, target.connections) == (0, {200: 20}, 4)


async def test_close_after_each_answer(tls: Tls) -> None:
    """Over TLS too a target may end each connection after its answer."""
    async with serving(saying(BYE, close=True), tls=tls.server) as target:
        result = await drive(target.port, scheme="https", tls=tls.client)

    assert (result.errors, result.statuses) == (0, {200: 20})


async def test_untrusted(tls: Tls) -> None:
    """A certificate that nobody vouches for is a failure of every request that names the reason."""
    async with serving(hello, tls=tls.server) as target:
        result = await drive(target.port, scheme="https", tls=ssl.create_default_context())

    assert [(each.kind, each.count) for each in result.failures] == [(FailureKind.TLS, 20)]
    assert "certificate" in result.failures[0].example
    assert target.requests == []


async def test_another_name(tls: Tls) -> None:
    """A certificate for another host is not accepted."""
    async with serving(hello, tls=tls.server) as target:
        result = await drive(target.port, scheme="https", tls=tls.client, server_name="web.default")

    assert [each.kind for each in result.failures] == [FailureKind.TLS]
    assert "web.default" in result.failures[0].example


async def test_plain_target(tls: Tls) -> None:
    """A target that speaks no TLS is told as such."""
    async with serving(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True)) as target:
        result = await drive(target.port, scheme="https", tls=tls.client, count=5, timeout=1.0)

    assert result.errors == 5
    assert result.failures[0].kind in (FailureKind.TLS, FailureKind.CLOSED, FailureKind.TIMEOUT)


async def test_secure_target_asked_plainly(tls: Tls) -> None:
    """A target that wants TLS and is asked without it fails every request."""
    async with serving(hello, tls=tls.server) as target:
        result = await drive(target.port)

    assert (result.errors, result.statuses) == (20, {})

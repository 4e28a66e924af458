"""The real API server that the integration tests of the client share, and clients for it."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.kube.apiserver import Authority
from tests.kube.door import Door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A server with a certificate of its own authority, in whose directory kubeconfigs can name ca.crt."""
    made = Door(Authority(tmp_path))
    certificate, key = made.authority.issue("server", hosts=["127.0.0.1", "elsewhere.example"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(made.authority.file)
    tls.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(made.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()

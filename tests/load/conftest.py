"""What tests of load share: both event loops that a load may run on, and certificates."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """A server's certificate for ``localhost``, and a client that trusts its authority."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: Path


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Both sides of TLS."""
    return certificates(tmp_path_factory.mktemp("pki"))


def certificates(folder: Path) -> Tls:
    """Both sides of TLS, of an authority of their own in this folder."""
    pki = Pki(folder)
    pki.ensure([Identity(file="web", common_name="web", names=("localhost",))], now=dt.datetime.now(dt.UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki.certificate("web"), pki.key("web"))
    client = ssl.create_default_context(cafile=str(pki.certificate("ca")))
    return Tls(server=server, client=client, authority=pki.certificate("ca"))


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on both event loops: they differ in what they raise, and when."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

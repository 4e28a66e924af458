"""Asking components how they are, while a cluster is only half made too."""

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import psutil
import pytest

from autox.cluster import administrator
from autox.cluster.administrator import Administrator
from autox.cluster.component import Component
from autox.cluster.health import Health
from autox.cluster.home import ClusterHome
from autox.cluster.identities import identities
from autox.cluster.network import Network
from autox.cluster.pki import Pki
from autox.cluster.processes import Running


@pytest.mark.parametrize("missing", ["ca.crt", "admin.crt", "admin.key"])
async def test_a_certificate_that_is_not_made_yet_is_no_crash(tmp_path: Path, missing: str) -> None:
    """After an ``up`` that was killed while it made certificates, ``status`` says what is not running."""
    home = ClusterHome(root=tmp_path, name="half")
    known = identities(Network(block=70), [])
    Pki(home.pki).ensure(known, now=dt.datetime.now(dt.UTC))
    (home.pki / missing).unlink()
    etcd = Component(name="etcd", argv=("etcd",), environment={}, listeners=("etcd",), health=("https://127.0.0.1:1/",))

    health = Health(home, Administrator(home))

    assert await health.troubles({"etcd": etcd}, {}) == {"etcd": "not running"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""),
        (b"HTTP/1.1 200 OK\r\n\r\nok, until the connection ends", ""),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nno!", "answers HTTP 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "does not listen yet"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not listen yet"),
        (b"", "does not listen yet"),
    ],
    ids=["ready", "ready, without a length", "not ready", "breaks off", "somebody else", "says nothing"],
)
async def test_what_a_component_answers(tmp_path: Path, answer: bytes, told: str) -> None:
    """Ready is who answers 200; anything else is told in a few words, whatever listens on the port."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    health = Health(ClusterHome(root=tmp_path, name="a"), Administrator(ClusterHome(root=tmp_path, name="a")))
    async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
        assert await health.trouble(listening_at(server), Running("scheduler", "", psutil.Process())) == told


async def test_a_component_of_another_cluster_is_not_trusted(tmp_path: Path) -> None:
    """Who listens on a component's port with a certificate of another authority is not that component."""
    ours, theirs = (ClusterHome(root=tmp_path, name=name) for name in ("ours", "theirs"))
    for home in (ours, theirs):
        Pki(home.pki).ensure(identities(Network(block=70), []), now=dt.datetime.now(dt.UTC))
    files = Pki(theirs.pki)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.certificate("etcd-server"), files.key("etcd-server"))

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls) as server:
        etcd = Running("etcd", "", psutil.Process())
        health = Health(ours, Administrator(ours))
        assert await health.trouble(listening_at(server, scheme="https"), etcd) == "does not listen yet"


async def test_a_component_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes connections and never answers is told apart from one that does not listen."""
    monkeypatch.setattr(administrator, "SECONDS", 0.05)
    home = ClusterHome(root=tmp_path, name="a")
    ended = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
        hanging = Running("scheduler", "", psutil.Process())
        assert await Health(home, Administrator(home)).trouble(listening_at(server), hanging) == "does not answer"
        await ended.wait()


def listening_at(server: asyncio.Server, *, scheme: str = "http") -> Component:
    """A component whose health is asked there."""
    host, port = server.sockets[0].getsockname()[:2]
    return Component(
        name="scheduler", argv=("x",), environment={}, listeners=(), health=(f"{scheme}://{host}:{port}/healthz",)
    )

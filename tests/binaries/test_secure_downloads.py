"""Downloads over TLS: whom to trust is the machine's decision, and trust is never dropped on the way."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.downloading import Downloads, Outcome
from autox.cluster.binaries.tools import Tool
from tests.binaries.releaseserver import ReleaseServer, redirect
from tests.binaries.telling import Telling

PROGRAM = b"program" * 1000


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts yet, its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mirror")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mirror.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure(server: ReleaseServer, certificate: Path) -> str:
    """The release server behind TLS; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.url.replace("http:", "https:")


def _obtain(cache: Cache, mirror: str, told: Telling) -> Outcome:
    with cache.filling(told) as work:
        return Downloads(cache, mirror=mirror, progress=told).obtain([*list(Tool)[:2], Tool.KUBECTL], work=work)


def test_a_certificate_that_is_not_trusted_ends_downloads_at_once(
    server: ReleaseServer, secure: str, cache: Cache
) -> None:
    """A machine in the middle is not talked to, and that is said once."""
    told = Telling()
    outcome = _obtain(cache, secure, told)

    assert outcome.made == {}
    assert len(told.lines) == 1
    assert "certificate not trusted" in told.lines[0]
    assert server.seen == []


def test_the_machine_s_own_authorities_are_trusted(
    server: ReleaseServer, secure: str, cache: Cache, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's CA in SSL_CERT_FILE is enough for its mirror."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server.publish(Tool.KUBECTL, PROGRAM, cache.platform)

    assert _obtain(cache, secure, Telling()).made[Tool.KUBECTL].read_bytes() == PROGRAM


def test_a_redirect_never_leads_out_of_tls(
    server: ReleaseServer, secure: str, cache: Cache, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a file whose checksum will be looked at is not fetched in the clear when it was asked for over TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    path = server.publish(Tool.KUBECTL, PROGRAM, cache.platform)
    server.always(path, redirect(f"{server.url}/elsewhere"))

    assert _obtain(cache, secure, Telling()).reasons[Tool.KUBECTL].startswith("HTTP 302")
    assert "/elsewhere" not in [where for where, _ in server.seen]

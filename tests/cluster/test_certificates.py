"""Certificates: made once, kept while they serve, made again when they do not."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki
from autox.model.errors import PermanentError

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
SERVER = Identity(file="server", common_name="kube-apiserver", names=("127.64.0.1", "localhost"))
CLIENT = Identity(file="client", common_name="system:node:a", groups=("system:nodes",))
ETCD = Identity(file="etcd", common_name="etcd", names=("127.64.0.1",), authority="etcd-ca")


def content(pki: Pki) -> dict[str, bytes]:
    """Every file of the directory."""
    return {path.name: path.read_bytes() for path in pki.directory.iterdir()}


def made(directory: Path) -> Pki:
    """A directory with everything in it."""
    pki = Pki(directory)
    pki.ensure([SERVER, CLIENT, ETCD], now=NOW)
    return pki


def test_kept_while_they_serve(tmp_path: Path) -> None:
    """A second ``up`` changes no certificate, so nothing needs a restart."""
    pki = made(tmp_path)
    before = content(pki)

    pki.ensure([SERVER, CLIENT, ETCD], now=NOW)

    assert content(pki) == before


def test_private(tmp_path: Path) -> None:
    """Nobody but the owner can read a key."""
    pki = made(tmp_path / "pki")

    assert pki.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in pki.directory.iterdir()} == {0o600}


def test_two_authorities(tmp_path: Path) -> None:
    """A certificate of the cluster's authority does not open etcd."""
    pki = made(tmp_path)
    client = x509.load_pem_x509_certificate(pki.certificate("client").read_bytes())
    etcd_authority = x509.load_pem_x509_certificate(pki.certificate("etcd-ca").read_bytes())

    with pytest.raises(ValueError, match="Issuer"):
        client.verify_directly_issued_by(etcd_authority)


@pytest.mark.parametrize("damage", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("file", ["server.crt", "server.key", "ca.crt", "ca.key", "service-accounts.key"])
def test_damaged_file(tmp_path: Path, file: str, damage: bytes) -> None:
    """A half-written or emptied file is made again, with everything that depended on it."""
    pki = made(tmp_path)
    (tmp_path / file).write_bytes(damage)

    pki.ensure([SERVER, CLIENT, ETCD], now=NOW)

    authority = x509.load_pem_x509_certificate(pki.certificate("ca").read_bytes())
    for name in ("server", "client"):
        x509.load_pem_x509_certificate(pki.certificate(name).read_bytes()).verify_directly_issued_by(authority)
    assert content(pki)[file] != damage


def test_swapped_keys(tmp_path: Path) -> None:
    """A key that is not its certificate's is noticed."""
    pki = made(tmp_path)
    pki.key("server").write_bytes(pki.key("client").read_bytes())

    pki.ensure([SERVER, CLIENT, ETCD], now=NOW)

    assert pki.key("server").read_bytes() != pki.key("client").read_bytes()


def test_another_address(tmp_path: Path) -> None:
    """A cluster that had to take another address gets certificates for it."""
    pki = made(tmp_path)
    before = pki.certificate("server").read_bytes()

    pki.ensure([Identity(file="server", common_name="kube-apiserver", names=("127.65.0.1",))], now=NOW)

    assert pki.certificate("server").read_bytes() != before


def test_renewed_before_they_end(tmp_path: Path) -> None:
    """A cluster that is brought up after eleven months has fresh certificates, from the same authority."""
    pki = made(tmp_path)
    before = content(pki)

    pki.ensure([SERVER, CLIENT, ETCD], now=NOW + dt.timedelta(days=340))

    after = content(pki)
    assert after["server.crt"] != before["server.crt"]
    assert after["ca.crt"] == before["ca.crt"]


def test_unwritable(tmp_path: Path) -> None:
    """A place that cannot be written is told with the path and the reason."""
    (tmp_path / "file").write_text("")

    with pytest.raises(PermanentError, match=r"cannot write .*file"):
        made(tmp_path / "file" / "pki")

"""Keys and certificates of a cluster, made once, checked at every ``up``, made again when they no longer serve.

Two authorities, as kubeadm has: one for the cluster, one for etcd, because whoever holds any certificate of the
cluster's authority must not read Secrets out of etcd. Everything is EC P-256 (an RSA key costs 0.1 s each), the
key that signs service-account tokens too: the API server takes ES256 as well as RS256. Nothing is kept beside the
files: a certificate that does not parse, does not belong to its key or its authority, lacks a name, or ends within
a month is made again, so a half-written directory heals by itself.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from autox.cluster.files import write_private
from autox.cluster.home import KeyFiles
from autox.cluster.identities import Identity

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 365
RENEW_DAYS = 30

Key = ec.EllipticCurvePrivateKey


class Pki(KeyFiles):
    """The directory, and what makes the files in it."""

    __slots__ = ()

    def ensure(self, identities: Sequence[Identity], *, now: dt.datetime) -> None:
        """Make whatever is missing or no longer serves: authorities, certificates, the service-account key.

        Raises:
            PermanentError: the directory cannot be written.
        """
        authorities = {
            name: self._ensure_authority(name, now)
            for name in sorted({identity.authority for identity in identities} | {"ca"})
        }
        for identity in identities:
            authority, authority_key = authorities[identity.authority]
            if not self._serves(identity, authority, now):
                self._issue(identity, authority, authority_key, now)
        self._ensure_service_account_key()

    def _ensure_authority(self, name: str, now: dt.datetime) -> tuple[x509.Certificate, Key]:
        certificate, key = self._read(name)
        if certificate and key and certificate.not_valid_after_utc > now + dt.timedelta(days=RENEW_DAYS):
            return certificate, key
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"autox-{name}")
        certificate = (
            _builder(subject, subject, key, now, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._write(name, certificate, key)
        return certificate, key

    def _issue(self, identity: Identity, authority: x509.Certificate, authority_key: Key, now: dt.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if identity.names else [])]
        builder = (
            _builder(_name(identity.common_name, identity.groups), authority.subject, key, now, CERTIFICATE_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )
        if identity.names:
            builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(identity.names)), critical=False)
        self._write(identity.file, builder.sign(authority_key, hashes.SHA256()), key)

    def _serves(self, identity: Identity, authority: x509.Certificate, now: dt.datetime) -> bool:
        certificate, key = self._read(identity.file)
        if certificate is None or key is None:
            return False
        try:
            certificate.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return (
            certificate.subject == _name(identity.common_name, identity.groups)
            and set(_names_of(certificate)) == set(_alternatives(identity.names))
            and certificate.not_valid_after_utc > now + dt.timedelta(days=RENEW_DAYS)
        )

    def _ensure_service_account_key(self) -> None:
        key = _read_key(self.key("service-accounts"))
        if key is None:
            key = ec.generate_private_key(ec.SECP256R1())
            write_private(self.key("service-accounts"), _key_pem(key))
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        path = self.directory / "service-accounts.pub"
        if not path.is_file() or path.read_bytes() != public:
            write_private(path, public)

    def _read(self, file: str) -> tuple[x509.Certificate | None, Key | None]:
        """The pair of that name, or nothing where either half is missing, broken or not the other's."""
        key = _read_key(self.key(file))
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate(file).read_bytes())
        except (OSError, ValueError):
            return None, None
        if key is None or certificate.public_key() != key.public_key():
            return None, None
        return certificate, key

    def _write(self, file: str, certificate: x509.Certificate, key: Key) -> None:
        write_private(self.key(file), _key_pem(key))
        write_private(self.certificate(file), certificate.public_bytes(serialization.Encoding.PEM))


def _read_key(path: Path) -> Key | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, Key) else None


def _key_pem(key: Key) -> bytes:
    # NB: kube-controller-manager reads service-account keys in the SEC 1 form ("EC PRIVATE KEY"), PKCS 8 it refuses.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _name(common_name: str, groups: Sequence[str] = ()) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, now: dt.datetime, days: int) -> x509.CertificateBuilder:
    # NB: valid from an hour ago: a clock that is set back a little must not make a cluster unusable.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []

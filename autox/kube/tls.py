"""Trust and client certificates: what a kubeconfig or a service account says, as a TLS context."""

import os
import ssl
from pathlib import Path

from autox.kube.kubeconfig import Cluster, User
from autox.model.errors import ConfigurationError
from autox.wire.trust import system_trust


def trusting(authority: bytes, origin: str) -> ssl.SSLContext:
    """A context that trusts this certificate authority (PEM) and no other."""
    # NB: not ssl.create_default_context: from Python 3.13 on it refuses certificate authorities that lack optional
    # extensions (VERIFY_X509_STRICT), which those of many clusters do.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        tls.load_verify_locations(cadata=authority.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(f"{origin}: the certificate authority is not a PEM certificate") from error
    return tls


def cluster_tls(cluster: Cluster, directory: Path, origin: str) -> ssl.SSLContext:
    """A context that trusts what the cluster's entry says; the system's authorities if it says nothing.

    Args:
        cluster: the entry, of a kubeconfig.
        directory: what a relative path in it is relative to.
        origin: where that stands, ``context "a" of FILE``, to begin error messages with.
    """
    authority = cluster.certificate_authority_data or b""
    if not authority and cluster.certificate_authority:
        authority = read_file(directory / cluster.certificate_authority, origin)
    if cluster.insecure_skip_tls_verify:
        if authority:
            raise ConfigurationError(
                f"{origin}: insecure-skip-tls-verify and a certificate authority exclude each other"
            )
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        return tls
    if authority:
        return trusting(authority, origin)
    return system_trust(os.environ)


def load_client_certificate(tls: ssl.SSLContext, user: User, directory: Path, origin: str) -> None:
    """Put the user's client certificate, if there is one, into the context.

    Args:
        tls: the context; later connections show the certificate.
        user: the entry, of a kubeconfig.
        directory: what a relative path in it is relative to.
        origin: where that stands, ``context "a" of FILE``, to begin error messages with.
    """
    pair = [
        data or (read_file(directory / name, origin) if name else b"")
        for data, name in (
            (user.client_certificate_data, user.client_certificate),
            (user.client_key_data, user.client_key),
        )
    ]
    if any(pair):
        if not all(pair):
            raise ConfigurationError(f"{origin}: a client certificate and its key come together, one is missing")
        install(tls, pair[0], pair[1], origin)


def install(tls: ssl.SSLContext, certificate: bytes, key: bytes, origin: str) -> None:
    """Make the context show this client certificate in connections that begin from now on.

    Args:
        tls: the context.
        certificate: PEM, with the certificates between it and the authority, if there are any.
        key: PEM, not encrypted.
        origin: where they come from, to begin error messages with.
    """
    # NB: the ssl module loads certificates from files only. This one is in memory and has no name: a process that is
    # killed meanwhile leaves no key behind, and a disk that is full or read-only is no hindrance.
    with os.fdopen(os.memfd_create("client.pem"), "wb", buffering=0) as pem:
        pem.write(certificate + b"\n" + key)
        try:
            # NB: without a password callback OpenSSL would ask for the passphrase on the terminal.
            tls.load_cert_chain(f"/proc/self/fd/{pem.fileno()}", password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(
                f"{origin}: the client certificate and its key are not a pair of PEM files that fit together",
                hint="Encrypted keys are not supported.",
            ) from error


def read_file(path: Path, origin: str) -> bytes:
    """The bytes of a file that the configuration names."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{origin}: cannot read {path}: {error.strerror}") from error

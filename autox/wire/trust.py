"""Whom TLS trusts where nothing else is said: the system's authorities, and those of the file in ``AUTOX_CA_BUNDLE``.

Charts set that variable where they mount a company's own certificates. OpenSSL's ``SSL_CERT_FILE`` takes the place of
the system's authorities and is left to those who want that; this one adds, as ``NODE_EXTRA_CA_CERTS`` does for Node.js.
A kubeconfig that names its authority is trusted for that alone (``autox.kube.tls``).
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from autox.model.errors import ConfigurationError

CA_BUNDLE = "AUTOX_CA_BUNDLE"
# Where Go looks besides its one file if SSL_CERT_DIR does not say otherwise.
_GO_DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")


def system_trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """A context for clients that checks certificates and host names.

    Args:
        environ: where ``AUTOX_CA_BUNDLE`` is looked up.

    Raises:
        ConfigurationError: that file cannot be read, or holds no certificate.
    """
    tls = ssl.create_default_context()
    if path := environ.get(CA_BUNDLE):
        try:
            tls.load_verify_locations(cafile=path)
        except ssl.SSLError as error:
            raise ConfigurationError(f"{path}, which {CA_BUNDLE} names, holds no PEM certificate") from error
        except OSError as error:
            raise ConfigurationError(f"cannot read {path}, which {CA_BUNDLE} names: {error.strerror}") from error
        # NB: from Python 3.13 on authorities that lack optional extensions are refused, as many private ones do.
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls


def for_go(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables by which a program written in Go trusts the same; none where there is nothing to add.

    Go trusts every certificate of these folders, whatever the files are called, beside those of the system's one file.
    """
    path = environ.get(CA_BUNDLE)
    if not path:
        return {}
    before = environ.get("SSL_CERT_DIR") or os.pathsep.join(_GO_DIRECTORIES)
    return {"SSL_CERT_DIR": f"{before}{os.pathsep}{Path(path).parent}"}

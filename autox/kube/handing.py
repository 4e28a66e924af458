"""A kubeconfig for somebody else: the same API server, trusted as we trust it, and a token in place of our own key.

It names no file and runs no program, so that it can stand in a Secret. ``kubectl config view --minify --flatten`` makes
one as self-contained, but with our own credentials.
"""

import base64
from dataclasses import replace

from autox.kube.connection import Connection, Credentials
from autox.kube.kubeconfig import Selection, select
from autox.kube.objects import Object, kubeconfig
from autox.kube.tls import cluster_tls, read_file
from autox.model.errors import ConfigurationError

_KEPT = ("server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name", "proxy-url")


def kubeconfig_with(connection: Connection, *, user: str, token: str) -> Object:
    """The kubeconfig, as JSON.

    Args:
        connection: which API server; it was made from a kubeconfig.
        user: what its user and its context are called.
        token: lets that user in.

    Raises:
        ConfigurationError: the API server takes no credentials, or its certificate authority cannot be read.
    """
    chosen = _chosen(connection)
    cluster = {key: chosen.raw_cluster[key] for key in _KEPT if key in chosen.raw_cluster}
    if not chosen.cluster.certificate_authority_data and (name := chosen.cluster.certificate_authority):
        authority = read_file(chosen.cluster_directory / name, chosen.origin)
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    return kubeconfig(cluster=("cluster", cluster), user=(user, {"token": token}))


def connection_with(connection: Connection, credentials: Credentials) -> Connection:
    """A connection to the same API server with these credentials and nothing else.

    Raises:
        ConfigurationError: see ``kubeconfig_with``.
    """
    chosen = _chosen(connection)
    # NB: a client certificate would go before a token.
    tls = cluster_tls(chosen.cluster, chosen.cluster_directory, chosen.origin)
    return replace(connection, tls=tls, credentials=credentials, source=None)


def _chosen(connection: Connection) -> Selection:
    source = connection.source
    chosen = select(list(source.kubeconfigs) if source else [], context=source.context if source else None)
    if not connection.server.startswith("https://"):
        raise ConfigurationError(f"{chosen.origin}: {connection.server} takes no credentials, for it has no TLS")
    return chosen

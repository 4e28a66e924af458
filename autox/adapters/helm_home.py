"""Where helm runs: a private directory with its caches, and an environment of nothing but what it needs.

A user's own helm settings (plugins, repositories, ``HELM_*``) do not reach it, so that an experiment installs in the
same way everywhere. The directory is kept from one run to the next because helm caches the API server's discovery
there, and downloaded charts.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autox.kube.connection import Connection, Source
from autox.model.errors import ConfigurationError
from autox.wire.trust import for_go

# Besides these helm gets only what is made here: how to find programs (credential plugins), how to get out.
_PASSED_ON = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


class HelmHome:
    """A temporary directory, 0700, that is gone after ``close``."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="autox-helm-")
        self.directory = Path(self._temporary.name)
        # NB: helm takes a chart's name for a path if there is a file of that name where it runs.
        self.empty = self.directory / "empty"
        self.empty.mkdir()

    def close(self) -> None:
        """Remove it."""
        self._temporary.cleanup()

    def environ(self, connection: Connection, environ: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of helm.

        Args:
            connection: which API server, and from which files; one that was put together by hand will not do.
            environ: our own environment.

        Raises:
            ConfigurationError: nothing says how helm could reach that API server.
        """
        if connection.source is None:
            raise ConfigurationError(f"helm cannot reach {connection.server}: there is no kubeconfig for it")
        passed = {name: environ[key] for name in _PASSED_ON for key in (name.lower(), name) if key in environ}
        return (
            passed
            | for_go(environ)
            | {
                "KUBECONFIG": self._kubeconfig(connection.server, connection.source),
                "HELM_KUBECONTEXT": connection.source.context or "",
                "KUBECACHEDIR": str(self.directory / "kube"),
                "HELM_CACHE_HOME": str(self.directory / "cache"),
                "HELM_CONFIG_HOME": str(self.directory / "config"),
                "HELM_DATA_HOME": str(self.directory / "data"),
                "HELM_DRIVER": "secret",
            }
        )

    def _kubeconfig(self, server: str, source: Source) -> str:
        if source.service_account is None:
            return os.pathsep.join(map(str, source.kubeconfigs))
        # NB: helm finds a pod's credentials by itself only at the root of a mount namespace, which a process node has
        # not. The token is named, not copied: it is rotated.
        path = self.directory / "kubeconfig"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(_in_pod(server, source.service_account), file)
        return str(path)


def _in_pod(server: str, account: Path) -> dict[str, object]:
    name = "pod"
    cluster = {"server": server, "certificate-authority": str(account / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"tokenFile": str(account / "token")}}],
    }

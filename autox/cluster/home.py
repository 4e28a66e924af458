"""Where a cluster keeps its files: one directory each, mode 0700, beneath the user's state directory.

The directory is also the cluster's lock (``locking``) and its label on every process of it (``processes``). Here are
paths alone: keys and certificates are made by ``pki``, which others need not load.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autox.cluster.spec import check_name
from autox.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterHome:
    """The paths of one cluster."""

    root: Path
    name: str

    @property
    def directory(self) -> Path:
        """The state directory; all others are inside it."""
        return self.root / self.name

    @property
    def removed(self) -> Path:
        """Where the state directory goes in one step when the cluster is taken down, to be removed from there."""
        return self.root / f".{self.name}.removed"

    @property
    def state(self) -> Path:
        """The record of what was asked for and which addresses were chosen."""
        return self.directory / "cluster.json"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.directory / "pki"

    @property
    def logs(self) -> Path:
        """One log a component."""
        return self.directory / "logs"

    @property
    def etcd(self) -> Path:
        """The data of etcd."""
        return self.directory / "etcd"

    @property
    def nodes(self) -> Path:
        """The state of the nodes: the files of their pods."""
        return self.directory / "nodes"

    @property
    def nodes_config(self) -> Path:
        """The configuration that the nodes are started with."""
        return self.directory / "nodes.json"

    @property
    def programs(self) -> Path:
        """Links to the programs that this cluster was brought up with, kubectl and helm among them."""
        return self.directory / "bin"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig: the one for users."""
        return self.directory / "kubeconfig"

    @property
    def variables(self) -> Mapping[str, str]:
        """What kubectl and helm find this cluster by, besides ``programs`` in the PATH.

        They remember for six hours which resources an address serves. Elsewhere that would outlive the cluster, and
        a command on the next one at its address would leave resources out.
        """
        return {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.directory / "discovery")}

    def identity(self, user: str) -> Path:
        """The kubeconfig of a component or a node."""
        return self.directory / "identities" / f"{user}.kubeconfig"

    def log(self, component: str) -> Path:
        """The log of a component."""
        return self.logs / f"{component}.log"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The directory of keys and certificates."""

    directory: Path

    def certificate(self, file: str) -> Path:
        """Path of a certificate, PEM."""
        return self.directory / f"{file}.crt"

    def key(self, file: str) -> Path:
        """Path of a private key, PEM."""
        return self.directory / f"{file}.key"


def clusters_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of all clusters: ``$XDG_STATE_HOME/autox/clusters``, else under ``~/.local/state``."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    return Path(base).absolute() / "autox" / "clusters"


def home(name: str, *, root: Path | None = None) -> ClusterHome:
    """The home of the cluster of that name.

    Raises:
        ConfigurationError: the name cannot be a cluster's.
    """
    return ClusterHome(root=root or clusters_root(), name=check_name(name))


def homes(root: Path | None = None) -> list[ClusterHome]:
    """The homes of all clusters that have one, by name."""
    root = root or clusters_root()
    if not root.is_dir():
        return []
    names = [entry.name for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.name.startswith(".")]
    return [ClusterHome(root=root, name=name) for name in names]


def local_kubeconfig(name: str, environ: Mapping[str, str]) -> Path:
    """The administrator's kubeconfig of a cluster of this machine.

    Raises:
        ConfigurationError: there is none of that name.
    """
    path = home(name, root=clusters_root(environ)).kubeconfig
    if not path.is_file():
        raise ConfigurationError(f"there is no local cluster {name}", hint=f"run `autox cluster up --name {name}`")
    return path

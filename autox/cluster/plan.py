"""From a spec and a network to the processes of a cluster (pure): command lines, environments, health addresses.

Flags are those of the recipe in the reference, each with its reason where it is not plain. ``component`` next door is
one of the processes; the files of a containerd node are in ``containerd.configuration``.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autox.cluster.component import Component
from autox.cluster.containerd import configuration
from autox.cluster.containerd.layout import Layout
from autox.cluster.home import ClusterHome, KeyFiles
from autox.cluster.identities import KUBELET_SERVER, containerd_node_name, node_names
from autox.cluster.network import Network
from autox.cluster.spec import CONTAINERD_NODE, ClusterSpec, Runtime

CLIENT_QPS = "300"
CLIENT_BURST = "600"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that the components of one cluster are derived from.

    Attributes:
        binaries: path of each program by its own name, ``kube-apiserver`` and so on.
        environ: the caller's environment, of which components inherit the few names in ``INHERITED``.
    """

    spec: ClusterSpec
    home: ClusterHome
    network: Network
    binaries: Mapping[str, Path]
    environ: Mapping[str, str]

    def components(self) -> list[Component]:
        """The components in the order in which they are started."""
        components = [self._etcd(), self._api_server(), self._controller_manager(), self._scheduler()]
        if self.spec.nodes:
            components.append(self._nodes())
        # NB: the API server listens on the link to this node, so it comes first.
        return [self._containerd_node(), *components] if self.spec.runtime is Runtime.CONTAINERD else components

    def nodes_config(self) -> dict[str, Any]:
        """The configuration of the node agent (``autox.api.nodes`` is its schema)."""
        pki = KeyFiles(self.home.pki)
        config: dict[str, Any] = {
            "provider": "process",
            "stateDir": str(self.home.nodes),
            "nodes": [
                {"name": name, "kubeconfig": str(self.home.identity(name))}
                for name in node_names(self.spec.name, self.spec.nodes)
            ],
            "kubelet": {
                "address": self.network.address,
                "port": self.network.ports["nodes"],
                "certFile": str(pki.certificate("kubelet-server")),
                "keyFile": str(pki.key("kubelet-server")),
                "clientCAFile": str(pki.certificate("ca")),
            },
            "podCIDR": self.network.pod_cidr,
            "images": self._default_images(),
        }
        if self.network.routed:
            # NB: the link to our own containerd node is not loopback, but leads to nobody else.
            config["allowRemote"] = True
        return _merged(config, self.spec.config("nodes"))

    def containerd_files(self) -> dict[Path, str]:
        """The files of the containerd node, by path."""
        pki = KeyFiles(self.home.pki)
        name = containerd_node_name(self.spec.name)
        settings = configuration.Settings(
            name=name,
            block=self.network.block,
            server=f"{self.network.host('apiServer')}:{self.network.ports['apiServer']}",
            binaries=self.binaries,
            node_kubeconfig=self.home.identity(name),
            proxy_kubeconfig=self.home.identity("kube-proxy"),
            dns_kubeconfig=self.home.identity("dns"),
            client_ca=pki.certificate("ca"),
            certificate=(pki.certificate(KUBELET_SERVER), pki.key(KUBELET_SERVER)),
            kubelet_config=self.spec.config("kubelet"),
            flags={program: self.spec.flags(program) for program in ("kubelet", "kubeProxy")},
        )
        return configuration.files(Layout(self.home.directory), settings)

    def _etcd(self) -> Component:
        pki = KeyFiles(self.home.pki)
        client, peer = self.network.url("etcd"), self.network.url("etcd-peer", scheme="http")
        metrics = self.network.url("etcd-metrics", scheme="http")
        return self._component(
            "etcd",
            "etcd",
            {
                "name": "autox",
                "data-dir": str(self.home.etcd),
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"autox={peer}",
                "listen-metrics-urls": metrics,
                "cert-file": str(pki.certificate("etcd-server")),
                "key-file": str(pki.key("etcd-server")),
                "trusted-ca-file": str(pki.certificate("etcd-ca")),
                "client-cert-auth": "true",
                # NB: the default of 2 GiB fills under load, and a full etcd refuses every write for good.
                "quota-backend-bytes": str(8 << 30),
                "log-level": "warn",
            },
            listeners=("etcd", "etcd-peer", "etcd-metrics"),
            health=(f"{metrics}/health",),
        )

    def _api_server(self) -> Component:
        pki = KeyFiles(self.home.pki)
        return self._component(
            "apiServer",
            "kube-apiserver",
            {
                "bind-address": self.network.host("apiServer"),
                "advertise-address": self.network.host("apiServer"),
                "secure-port": str(self.network.ports["apiServer"]),
                # NB: an endpoint on loopback is refused; the node gives its pods the server's address itself.
                "endpoint-reconciler-type": "lease" if self.network.routed else "none",
                "etcd-servers": self.network.url("etcd"),
                "etcd-cafile": str(pki.certificate("etcd-ca")),
                "etcd-certfile": str(pki.certificate("etcd-client")),
                "etcd-keyfile": str(pki.key("etcd-client")),
                "tls-cert-file": str(pki.certificate("api-server")),
                "tls-private-key-file": str(pki.key("api-server")),
                "client-ca-file": str(pki.certificate("ca")),
                "authorization-mode": "Node,RBAC",
                "enable-admission-plugins": "NodeRestriction",
                "kubelet-client-certificate": str(pki.certificate("kubelet-client")),
                "kubelet-client-key": str(pki.key("kubelet-client")),
                "kubelet-certificate-authority": str(pki.certificate("ca")),
                "kubelet-preferred-address-types": "InternalIP",
                "service-account-issuer": "https://kubernetes.default.svc",
                "service-account-key-file": str(self.home.pki / "service-accounts.pub"),
                "service-account-signing-key-file": str(pki.key("service-accounts")),
                "service-cluster-ip-range": self.network.service_cidr,
                "allow-privileged": "true",
            },
            listeners=("apiServer",),
            health=(f"{self.network.url('apiServer')}/readyz",),
        )

    def _controller_manager(self) -> Component:
        pki = KeyFiles(self.home.pki)
        return self._component(
            "controllerManager",
            "kube-controller-manager",
            {
                **self._client_flags("controller-manager", listener="controllerManager"),
                "root-ca-file": str(pki.certificate("ca")),
                "cluster-signing-cert-file": str(pki.certificate("ca")),
                "cluster-signing-key-file": str(pki.key("ca")),
                "service-account-private-key-file": str(pki.key("service-accounts")),
                "use-service-account-credentials": "true",
            },
            listeners=("controllerManager",),
            health=(f"{self.network.url('controllerManager')}/healthz",),
            content=self.network.url("apiServer"),
        )

    def _scheduler(self) -> Component:
        return self._component(
            "scheduler",
            "kube-scheduler",
            self._client_flags("scheduler", listener="scheduler"),
            listeners=("scheduler",),
            health=(f"{self.network.url('scheduler')}/healthz",),
            content=self.network.url("apiServer"),
        )

    def _nodes(self) -> Component:
        content = json.dumps([self.nodes_config(), self.network.url("apiServer")], sort_keys=True)
        return Component(
            name="nodes",
            argv=(sys.executable, "-m", "autox", "nodes", "run", "--config", str(self.home.nodes_config)),
            environment=self.spec.environment("nodes"),
            inherited=self._inherited(),
            listeners=("nodes",),
            health=(f"{self.network.url('nodes')}/healthz",),
            content=content,
        )

    def _containerd_node(self) -> Component:
        layout = Layout(self.home.directory)
        return Component(
            name=CONTAINERD_NODE,
            argv=(sys.executable, "-m", "autox.cluster.containerd.init", str(layout.config)),
            environment={},
            inherited=self._inherited(),
            listeners=(),
            health=configuration.health_urls(self.network.block),
            content=json.dumps({str(path): text for path, text in self.containerd_files().items()}, sort_keys=True),
            forks=True,
        )

    def _client_flags(self, user: str, *, listener: str) -> dict[str, str]:
        pki = KeyFiles(self.home.pki)
        kubeconfig = str(self.home.identity(user))
        return {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": self.network.address,
            "secure-port": str(self.network.ports[listener]),
            "tls-cert-file": str(pki.certificate(f"{user}-server")),
            "tls-private-key-file": str(pki.key(f"{user}-server")),
            "leader-elect": "false",
            # NB: the defaults (20 and 50 requests a second) are what a load test would measure.
            "kube-api-qps": CLIENT_QPS,
            "kube-api-burst": CLIENT_BURST,
        }

    def _component(
        self,
        name: str,
        program: str,
        flags: Mapping[str, str],
        *,
        listeners: Sequence[str],
        health: Sequence[str],
        content: str = "",
    ) -> Component:
        flags = {**flags, **self.spec.flags(name)}
        return Component(
            name=name,
            argv=(str(self.binaries[program]), *(f"--{flag}={value}" for flag, value in flags.items())),
            environment=self.spec.environment(name),
            inherited=self._inherited(),
            listeners=listeners,
            health=health,
            content=content,
        )

    def _default_images(self) -> list[dict[str, Any]]:
        """Images that mean a program every machine with autox has; ``nodes.config.images`` replaces the list."""
        python = str(Path(sys.executable).parent)
        system = ["/usr/local/bin", "/usr/bin", "/bin"]
        return [
            # NB: the real images of Python and busybox have no entrypoint, so that args are a command of their own.
            {
                "image": "*autox*",
                "entrypoint": [sys.executable, "-m", "autox"],
                "path": [python, str(self.home.programs), *system],
            },
            {"image": "*python*", "cmd": ["python3"], "path": [python, *system]},
            {"image": "*busybox*", "cmd": ["sh"], "path": system},
        ]

    def _inherited(self) -> dict[str, str]:
        return {key: self.environ[key] for key in INHERITED if key in self.environ}


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        inside = merged.get(key)
        merged[key] = _merged(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return merged

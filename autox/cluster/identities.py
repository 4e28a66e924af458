"""Who is who in a cluster: the certificates it needs and the kubeconfig of each identity.

Each component and each node has an identity of its own, with the rights Kubernetes gives that role by default.
Only the administrator is in ``system:masters``, which bypasses API priority and fairness: load made in its name
would measure another server than everybody else's (reference: "Facts that bite").
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autox.cluster.containerd.addresses import host_address, node_address
from autox.cluster.files import write_private
from autox.cluster.home import ClusterHome, KeyFiles
from autox.cluster.network import Network
from autox.kube.objects import kubeconfig

VIRTUAL_NODES_GROUP = "autox:virtual-nodes"
NODES_GROUP = "autox:nodes"
DNS_GROUP = "autox:dns"
KUBELET_CLIENTS_GROUP = "autox:kubelet-clients"
KUBECONFIG_USERS = ("controller-manager", "scheduler", "virtual-nodes")
CONTAINERD_USERS = ("kube-proxy", "dns")
KUBELET_SERVER = "containerd-kubelet-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A certificate to have.

    Attributes:
        file: name of its two files, ``FILE.crt`` and ``FILE.key``.
        common_name: the user name it authenticates as, or the server's name.
        groups: the groups it authenticates as (organisations of the subject).
        names: host names and addresses it may serve as; empty for a client.
        authority: the authority that signs it.
    """

    file: str
    common_name: str
    groups: Sequence[str] = ()
    names: Sequence[str] = ()
    authority: str = "ca"


def node_names(cluster: str, count: int) -> list[str]:
    """The names of the process nodes of a cluster: ``NAME-node-0`` …."""
    return [f"{cluster}-node-{index}" for index in range(count)]


def containerd_node_name(cluster: str) -> str:
    """The name of the containerd node of a cluster."""
    return f"{cluster}-containerd"


def identities(network: Network, nodes: Sequence[str], *, containerd_node: str = "") -> list[Identity]:
    """Every certificate of a cluster, its authorities aside.

    Args:
        network: its addresses.
        nodes: its process nodes.
        containerd_node: its containerd node; empty for none.
    """
    here = (network.address, "localhost", "127.0.0.1")
    server_names = (
        *here,
        host_address(network.block),
        network.first_service_ip,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    return [
        Identity(file="etcd-server", common_name="etcd", names=here, authority="etcd-ca"),
        Identity(file="etcd-client", common_name="kube-apiserver", authority="etcd-ca"),
        Identity(file="api-server", common_name="kube-apiserver", names=server_names),
        Identity(file="kubelet-client", common_name="kube-apiserver-kubelet-client", groups=(KUBELET_CLIENTS_GROUP,)),
        Identity(file="controller-manager-server", common_name="kube-controller-manager", names=here),
        Identity(file="scheduler-server", common_name="kube-scheduler", names=here),
        Identity(file="kubelet-server", common_name="autox-nodes", names=here),
        Identity(file="admin", common_name="autox-admin", groups=("system:masters",)),
        Identity(file="controller-manager", common_name="system:kube-controller-manager"),
        Identity(file="scheduler", common_name="system:kube-scheduler"),
        Identity(file="virtual-nodes", common_name="autox-virtual-nodes", groups=(VIRTUAL_NODES_GROUP,)),
        *(
            Identity(file=node, common_name=f"system:node:{node}", groups=(NODES_GROUP, "system:nodes"))
            for node in nodes
        ),
        *(_of_containerd_node(network, containerd_node) if containerd_node else ()),
    ]


def _of_containerd_node(network: Network, name: str) -> list[Identity]:
    return [
        Identity(file="kube-proxy", common_name="system:kube-proxy"),
        Identity(file="dns", common_name="autox-dns", groups=(DNS_GROUP,)),
        Identity(file=KUBELET_SERVER, common_name=name, names=(node_address(network.block), name)),
        Identity(file=name, common_name=f"system:node:{name}", groups=("system:nodes",)),
    ]


def write_kubeconfigs(home: ClusterHome, network: Network, nodes: Sequence[str], *, containerd_node: str = "") -> None:
    """Write the administrator's kubeconfig, with its keys inside, and one for each component and node.

    Args:
        home: where they go, and where the certificates are already.
        network: the cluster's addresses.
        nodes: its process nodes.
        containerd_node: its containerd node; empty for none.

    Raises:
        PermanentError: the file system refused.
    """
    files = KeyFiles(home.pki)
    others = (*CONTAINERD_USERS, containerd_node) if containerd_node else ()
    for user in (*KUBECONFIG_USERS, *nodes, *others):
        _write(
            home.identity(user),
            _kubeconfig(
                home.name,
                network,
                user,
                cluster={"certificate-authority": str(files.certificate("ca"))},
                credentials={
                    "client-certificate": str(files.certificate(user)),
                    "client-key": str(files.key(user)),
                },
            ),
        )
    # NB: self-contained, since users copy it, merge it and mount it elsewhere.
    _write(
        home.kubeconfig,
        _kubeconfig(
            home.name,
            network,
            "admin",
            cluster={"certificate-authority-data": _data(files.certificate("ca"))},
            credentials={
                "client-certificate-data": _data(files.certificate("admin")),
                "client-key-data": _data(files.key("admin")),
            },
        ),
    )


def _kubeconfig(
    name: str, network: Network, user: str, *, cluster: dict[str, str], credentials: dict[str, str]
) -> bytes:
    context = f"autox-{name}" if user == "admin" else user
    where = {"server": network.url("apiServer"), **cluster}
    config = kubeconfig(cluster=(f"autox-{name}", where), user=(context, credentials))
    # JSON is YAML, and every reader of kubeconfigs takes it.
    return (json.dumps(config, indent=2) + "\n").encode()


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _write(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        write_private(path, content)

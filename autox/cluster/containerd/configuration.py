"""What runs on a containerd node, and the files it runs with (pure).

The flags are those of the recipe in the reference, each with its reason where it is not plain. Everything is decided
here, before the node starts: ``init`` only carries it out. The content of all files is part of the node's digest
(``cluster.plan``), so ``up`` restarts a node whose configuration has changed and leaves another alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autox.cluster.containerd.addresses import node_address, node_range, pod_range
from autox.cluster.containerd.layout import Layout

SOCKET = "/run/containerd/containerd.sock"
PAUSE = "autox.dev/pause:1"
CNI_PLUGINS = "/usr/lib/cni"
CLUSTER_DOMAIN = "cluster.local"
KUBELET_HEALTH, KUBE_PROXY_HEALTH, DNS_HEALTH, DNS_READY = 10248, 10256, 8080, 8181


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of the node.

    Attributes:
        name: also of its log.
        argv: its command line.
        after: a socket, as ``unix:PATH`` or ``HOST:PORT``, that must take connections before it starts; may be empty.
        once: whether it runs once and must succeed before those behind it start, or for as long as the node.
    """

    name: str
    argv: tuple[str, ...]
    after: str = ""
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a node is configured from.

    Attributes:
        name: of its Node object.
        block: of its cluster, which decides its addresses.
        server: host and port of the API server.
        binaries: path of each program by its own name.
        node_kubeconfig: of the kubelet.
        proxy_kubeconfig: of kube-proxy.
        dns_kubeconfig: of CoreDNS, and its one context.
        client_ca: the certificates of who may ask the kubelet.
        certificate: what the kubelet shows, and its key.
        kubelet_config: changed settings of the kubelet's configuration file.
        flags: changed flags of each program.
    """

    name: str
    block: int
    server: str
    binaries: Mapping[str, Path]
    node_kubeconfig: Path
    proxy_kubeconfig: Path
    dns_kubeconfig: Path
    client_ca: Path
    certificate: tuple[Path, Path]
    kubelet_config: Mapping[str, Any]
    flags: Mapping[str, Mapping[str, str]]


def health_urls(block: int) -> tuple[str, ...]:
    """What answers 200 when kubelet, kube-proxy and CoreDNS are ready."""
    address = node_address(block)
    return (
        f"http://{address}:{KUBELET_HEALTH}/healthz",
        f"http://{address}:{KUBE_PROXY_HEALTH}/healthz",
        f"http://{address}:{DNS_READY}/ready",
    )


def files(layout: Layout, settings: Settings) -> dict[Path, str]:
    """The content of every file that the node is started with."""
    config = {
        "name": settings.name,
        "block": settings.block,
        "cluster": str(layout.cluster),
        "programs": [asdict(program) for program in _programs(layout, settings)],
    }
    return {
        layout.config: _json(config),
        layout.directory / "containerd.toml": _containerd_toml(layout),
        layout.directory / "cni" / "10-autox.conflist": _json(_pod_network(settings.block)),
        layout.directory / "kubelet.json": _json(_kubelet_config(layout, settings)),
        layout.directory / "Corefile": _corefile(settings),
        layout.directory / "resolv.conf": f"nameserver {node_address(settings.block)}\n",
    }


def programs(config: Mapping[str, Any]) -> list[Program]:
    """The programs of a configuration that was read back."""
    return [Program(**{**each, "argv": tuple(each["argv"])}) for each in config["programs"]]


def _programs(layout: Layout, settings: Settings) -> Sequence[Program]:
    api_server = settings.server
    kubelet = {
        "config": str(layout.directory / "kubelet.json"),
        "kubeconfig": str(settings.node_kubeconfig),
        "hostname-override": settings.name,
        "node-ip": node_address(settings.block),
        "node-labels": "autox.dev/provider=containerd",
        **settings.flags.get("kubelet", {}),
    }
    address = node_address(settings.block)
    proxy = {
        "kubeconfig": str(settings.proxy_kubeconfig),
        "hostname-override": settings.name,
        "proxy-mode": "nftables",
        "cluster-cidr": node_range(settings.block),
        "healthz-bind-address": f"{address}:{KUBE_PROXY_HEALTH}",
        "metrics-bind-address": f"{address}:10249",
        # NB: these belong to the whole kernel, not to a network namespace, and are not the node's to change.
        "conntrack-max-per-core": "0",
        "conntrack-tcp-timeout-established": "0s",
        "conntrack-tcp-timeout-close-wait": "0s",
        **settings.flags.get("kubeProxy", {}),
    }
    dns = ("-conf", str(layout.directory / "Corefile"))
    load = ("ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "import", str(layout.pause))
    return [
        Program(name="containerd", argv=("containerd", "--config", str(layout.directory / "containerd.toml"))),
        Program(name="images", argv=load, after=f"unix:{SOCKET}", once=True),
        Program(name="kubelet", argv=_command(settings.binaries["kubelet"], kubelet), after=api_server),
        Program(name="kubeProxy", argv=_command(settings.binaries["kube-proxy"], proxy), after=api_server),
        Program(name="coreDNS", argv=(str(settings.binaries["coredns"]), *dns), after=api_server),
    ]


def _command(program: Path, flags: Mapping[str, str]) -> tuple[str, ...]:
    return (str(program), *(f"--{flag}={value}" for flag, value in flags.items()))


def _containerd_toml(layout: Layout) -> str:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    lines = [
        "version = 2",
        f"root = {_quoted(layout.images)}",
        'state = "/run/containerd"',
        # NB: it would make a directory under /opt.
        'disabled_plugins = ["io.containerd.internal.v1.opt"]',
        "[grpc]",
        f"  address = {_quoted(SOCKET)}",
        f"[{cri}]",
        f"  sandbox_image = {_quoted(PAUSE)}",
        # NB: so that it also runs where it may not make processes harder to kill than it is itself.
        "  restrict_oom_score_adj = true",
        f"  [{cri}.containerd]",
        '    snapshotter = "overlayfs"',
        f"  [{cri}.containerd.runtimes.runc]",
        '    runtime_type = "io.containerd.runc.v2"',
        f"  [{cri}.cni]",
        f"    bin_dir = {_quoted(CNI_PLUGINS)}",
        f"    conf_dir = {_quoted(layout.directory / 'cni')}",
    ]
    return "\n".join(lines) + "\n"


def _pod_network(block: int) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        # NB: without it a pod cannot reach itself by the address of its own Service.
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": pod_range(block)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return {"cniVersion": "0.4.0", "name": "autox", "plugins": [bridge, {"type": "portmap", "capabilities": _PORTS}]}


_PORTS = {"portMappings": True}


def _kubelet_config(layout: Layout, settings: Settings) -> dict[str, Any]:
    address = node_address(settings.block)
    certificate, key = settings.certificate
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "healthzBindAddress": address,
        "healthzPort": KUBELET_HEALTH,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(settings.client_ca)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        # NB: the machine's disk is its owner's business; the defaults would evict every pod from one that is 85 % full.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "clusterDNS": [address],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(layout.directory / "resolv.conf"),
        # NB: the default is under /usr.
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        **settings.kubelet_config,
    }


def _corefile(settings: Settings) -> str:
    address = node_address(settings.block)
    return "\n".join(
        [
            ".:53 {",
            f"    bind {address}",
            "    errors",
            f"    health {address}:{DNS_HEALTH}",
            f"    ready {address}:{DNS_READY}",
            f"    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{",
            f"        kubeconfig {settings.dns_kubeconfig}",
            "    }",
            "    cache 5",
            "}",
            "",
        ]
    )


def _quoted(value: object) -> str:
    # A JSON string is a TOML string too.
    return json.dumps(str(value))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"

"""What a cluster could leave behind on a machine, looked at before and after.

Everything is compared with what was there before, so that a container engine of the machine's own does not count.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

PLACES = ("/run", "/var/run", "/var/lib", "/var/log", "/etc/cni", "/etc/containerd", "/opt", "/usr/libexec/kubernetes")
"""Where kubelets, containerd and CNI plugins keep files on an ordinary node; looked at two levels deep."""
PROGRAMS = ("containerd", "containerd-shim", "kubelet", "kube-proxy", "coredns", "busybox", "etcd", "kube-apiserver")


@dataclass(frozen=True, slots=True)
class Traces:
    """What was found, each as words that say where."""

    processes: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    tables: frozenset[str]
    namespaces: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]

    def since(self, before: "Traces") -> dict[str, list[str]]:
        """What is here now and was not before, by kind; empty when nothing was left."""
        found = {each.name: sorted(getattr(self, each.name) - getattr(before, each.name)) for each in fields(self)}
        return {kind: left for kind, left in found.items() if left}


def traces() -> Traces:
    """Look at this machine."""
    return Traces(
        processes=frozenset(_processes()),
        mounts=frozenset(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        links=frozenset(each.name for each in Path("/sys/class/net").iterdir()),
        tables=frozenset(_tables()),
        namespaces=frozenset(_namespaces()),
        cgroups=frozenset(str(path) for path in Path("/sys/fs/cgroup").rglob("autox-*")),
        files=frozenset(_files()),
    )


def _processes() -> Iterator[str]:
    for process in psutil.process_iter(["name", "pid", "status"]):
        if process.info["name"] in PROGRAMS and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield f"{process.info['name']} {process.info['pid']}"


def _tables() -> Iterator[str]:
    listing = subprocess.run(["nft", "-j", "list", "tables"], capture_output=True, text=True, check=True)
    for each in json.loads(listing.stdout)["nftables"]:
        if "table" in each:
            yield f"{each['table']['family']} {each['table']['name']}"


def _namespaces() -> Iterator[str]:
    for process in psutil.process_iter():
        for kind in ("net", "mnt", "pid", "uts", "ipc"):
            try:
                # NB: one that has ended but is not yet buried by its parent still says where it was.
                if process.status() != psutil.STATUS_ZOMBIE:
                    yield str(Path(f"/proc/{process.pid}/ns/{kind}").readlink())
            except (OSError, psutil.Error):
                continue


def _files() -> Iterator[str]:
    for place in map(Path, PLACES):
        yield from (str(path) for pattern in ("*", "*/*") for path in place.glob(pattern))

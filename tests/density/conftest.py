"""A density run on the shared cluster, and a look at what it left."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.result import Subject
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density.rights import NAME
from tests.clusters import LocalCluster, run

EVERYWHERE, OF_LEASES = ("clusterroles,clusterrolebindings",), ("roles,rolebindings", "-n", "kube-node-lease")
"""Where the roles of an identity are, as arguments of kubectl."""


@pytest.fixture
def said() -> list[str]:
    """The lines of progress that the task has said."""
    return []


@pytest.fixture
async def own(cluster: LocalCluster) -> AsyncIterator[KubeClient]:
    """A client of the shared cluster."""
    async with KubeClient(from_kubeconfig(cluster.home.kubeconfig)) as kube:
        yield kube


@pytest.fixture
def place(cluster: LocalCluster) -> Iterator[str]:
    """A namespace for a service account; what was made for it goes afterwards."""
    name = f"keys-{uuid4().hex[:8]}"
    cluster.objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    for kinds, *where in (EVERYWHERE, OF_LEASES):
        cluster.kubectl("delete", kinds, f"{NAME}:{name}", "--ignore-not-found", *where)
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def context_on(kube: KubeClient | None, said: list[str], *, environ: dict[str, str] | None = None) -> TaskContext:
    """What the runner hands to the task; ``kube`` is of the cluster that the experiment runs in."""
    return TaskContext(
        kube=kube,
        namespace="default",
        environ=environ or {},
        subject=Subject(),
        done=(),
        say=said.append,
        now=lambda: datetime.now(UTC),
    )


async def begun(running: asyncio.Task[Findings], said: list[str]) -> str:
    """The namespace of a run that begins to create pods."""
    while not any("creating" in line for line in said):
        assert not running.done(), running.result()
        await asyncio.sleep(0.05)
    return next(line.rpartition(" ")[2] for line in said if "in namespace" in line)


def left_behind(cluster: LocalCluster) -> list[str]:
    """Everything of density runs that is there: namespaces, nodes and leases."""
    marked = cluster.kubectl("get", "namespaces,nodes", "-l", "autox.dev/density-run", "-o", "name").split()
    leases = cluster.kubectl("get", "leases", "-n", "kube-node-lease", "-o", "name").split()
    return [*marked, *(name for name in leases if "autox-density" in name)]


def granted(cluster: LocalCluster) -> list[str]:
    """The roles and bindings of load tests that are there, which go by themselves soon after their namespaces."""
    kinds = "clusterroles,clusterrolebindings,roles,rolebindings"
    return cluster.kubectl("get", kinds, "-A", "-l", "autox.dev/density-run", "-o", "name").split()


def sweep(cluster: LocalCluster, *argv: str) -> str:
    """``autox density sweep ARGV…`` on a cluster; what it printed."""
    done = run(*sweep_command(cluster, *argv), environ=cluster.environ)
    assert done.code == 0, done.err
    return done.out


def sweep_command(cluster: LocalCluster, *argv: str) -> list[str]:
    """The command line of a sweep."""
    return [sys.executable, "-m", "autox", "density", "sweep", "--cluster", cluster.name, *argv]

"""Clusters with a containerd node, for tests that only a real node can tell something."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from autox.cluster.containerd.configuration import PAUSE
from autox.cluster.spec import CONTAINERD_NODE
from tests.auditing import Audited
from tests.clusters import LIGHTLY, run
from tests.realnode.images import inside


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RealCluster(Audited):
    """A cluster with a containerd node, and what a test does to that node."""

    @property
    def node(self) -> str:
        """The name of its Node object."""
        return f"{self.name}-containerd"

    def init(self) -> psutil.Process:
        """Process 1 of the node."""
        return psutil.Process(self.pids()[CONTAINERD_NODE])

    def program(self, name: str) -> psutil.Process | None:
        """A program of the node, by the name of its executable."""
        return next((each for each in self.init().children() if each.name() == name), None)

    def inside(self, *argv: str) -> str:
        """Run a command in the node's mounts and network, and return what it printed."""
        return inside(self, *argv)

    def end(self) -> None:
        """Take it down and make sure that nothing of it runs, however the test ended."""
        run(*self.command("down"), environ=self.environ)
        for process in self.processes():
            process.kill()


def shell(script: str, **more: Any) -> dict[str, Any]:
    """The spec of a pod that runs a shell script of busybox and conforms to the restricted standard."""
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": PAUSE,
                "command": ["/bin/busybox", "sh", "-c", script],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  - the pod's own
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        **more,
    }


def start_pods(cluster: RealCluster, count: int = 3) -> None:
    """Let pods run that would stay for ever."""
    spec = shell("trap '' TERM; sleep 100000 & wait")
    template = {"metadata": {"labels": {"app": "stay"}}, "spec": {**spec, "restartPolicy": "Always"}}
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "stay", "namespace": "default"},
            "spec": {"replicas": count, "selector": {"matchLabels": {"app": "stay"}}, "template": template},
        }
    )
    cluster.kubectl("rollout", "status", "deployment/stay", "--timeout=60s")


@contextmanager
def real_cluster(name: str, state: Path, *flags: str) -> Iterator[RealCluster]:
    """A cluster with a containerd node that audits, up with these flags, gone afterwards however the tests end."""
    cluster = RealCluster(name=name, state=state)
    try:
        cluster.up("--runtime", "containerd", *LIGHTLY, *cluster.audit_settings(), *flags)
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def own_real(tmp_path: Path) -> Iterator[RealCluster]:
    """A cluster of the test's own, not yet up, gone afterwards however the test ends."""
    own = RealCluster(name="own", state=tmp_path / "state")
    try:
        yield own
    finally:
        own.end()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A cluster with a containerd node, shared by the tests of a module."""
    with real_cluster("real", tmp_path_factory.mktemp("real")) as shared:
        yield shared

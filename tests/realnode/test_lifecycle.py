"""A containerd node comes, changes, is broken and heals; that it leaves nothing behind is next door, in test_leaks."""

import subprocess
from pathlib import Path

import psutil
import pytest

from autox.cluster.containerd.layout import Layout
from autox.cluster.spec import CONTAINERD_NODE
from tests.clusters import wait_for
from tests.realnode.conftest import RealCluster, start_pods

pytestmark = pytest.mark.realnode


def test_up_goes_on_after_sigkill(own_real: RealCluster) -> None:
    """A second ``up`` finishes what a killed one began, with the one node it had started."""
    up = subprocess.Popen(own_real.command("up", "--runtime", "containerd"), env=own_real.environ)
    link = Path("/sys/class/net") / Layout(own_real.home.directory).link
    wait_for("the node to be started", link.exists)
    up.kill()
    up.wait()
    node = own_real.pids()[CONTAINERD_NODE]
    own_real.up()

    assert own_real.pids()[CONTAINERD_NODE] == node
    assert own_real.status()["phase"] == "up"


@pytest.mark.parametrize("program", ["kubelet", "containerd", "kube-proxy", "coredns"])
def test_a_killed_program_is_started_again(real: RealCluster, program: str) -> None:
    """The node goes on when one of its programs is killed, and its pods are not started again."""
    start_pods(real)
    pods = {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in _pods(real)}
    victim = real.program(program)
    assert victim
    victim.kill()
    psutil.wait_procs([victim], timeout=10)

    wait_for(f"{program} to run again", lambda: real.program(program))
    wait_for("the cluster to be up", lambda: real.status()["phase"] == "up")
    after = {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in _pods(real)}
    assert after == pods


def test_a_killed_node_is_brought_up_again(real: RealCluster) -> None:
    """When the node is killed all its pods end with it at once; ``up`` starts it and Kubernetes its pods."""
    start_pods(real)
    node = real.init()
    children = node.children(recursive=True)
    assert len(children) > 4
    node.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert real.status()["phase"] == "degraded"

    real.up()
    wait_for(
        "the pods to run again",
        lambda: all(pod["status"]["containerStatuses"][0]["ready"] for pod in _pods(real)) and len(_pods(real)) == 3,
    )


def test_process_and_containerd_nodes_in_one_cluster(real: RealCluster) -> None:
    """A process node joins by ``--nodes 1`` and its pods reach those of the containerd node by their addresses."""
    start_pods(real)
    real.up("--nodes", "1")
    assert sorted(real.status()["nodes"]) == [real.node, f"{real.name}-node-0"]
    address = _pods(real)[0]["status"]["podIP"]
    assert address.startswith("100.")
    spec = {
        "nodeName": f"{real.name}-node-0",
        "restartPolicy": "Never",
        "containers": [{"name": "main", "image": "x", "command": ["/bin/sh", "-c", f"ip route get {address}"]}],
    }
    real.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "local"}, "spec": spec})
    wait_for("the pod to end", lambda: real.get("pod", "local")["status"]["phase"] == "Succeeded")
    assert "dev ax" in real.kubectl("logs", "local")

    real.up("--nodes", "0")
    assert list(real.status()["nodes"]) == [real.node]


def _pods(cluster: RealCluster) -> list[dict]:  # type: ignore[type-arg]  # as kubectl prints them
    return [
        pod for pod in cluster.get("pods", "-l", "app=stay")["items"] if not pod["metadata"].get("deletionTimestamp")
    ]

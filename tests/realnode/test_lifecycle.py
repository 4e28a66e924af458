"""A containerd node comes, changes, is broken, heals and goes, and leaves nothing behind."""

import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from autox.cluster.containerd.layout import Layout
from autox.cluster.spec import CONTAINERD_NODE
from tests.clusters import wait_for
from tests.realnode.conftest import RealCluster, shell
from tests.realnode.leaks import traces

pytestmark = pytest.mark.realnode

KILLS = 10
SEED = 6


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


def test_down_leaves_nothing(own_real: RealCluster) -> None:
    """After ``down`` there is no process, mount, link, table, namespace, control group or file that was not before."""
    before = traces()
    own_real.up("--runtime", "containerd")
    start_pods(own_real)
    own_real.down()

    assert traces().since(before) == {}
    assert not own_real.home.directory.exists()


def test_down_leaves_nothing_after_sigkill_at_any_moment(own_real: RealCluster) -> None:
    """``up`` is killed ten times at random moments; ``down`` finds and removes all that it had made by then."""
    chance = random.Random(SEED)  # noqa: S311  - moments, not secrets
    before = traces()
    for _ in range(KILLS):
        moment = chance.uniform(0.1, 8.0)
        up = subprocess.Popen(
            own_real.command("up", "--runtime", "containerd"),
            env=own_real.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moment)
        up.send_signal(signal.SIGKILL)
        up.wait()
        if chance.random() < 0.3 and CONTAINERD_NODE in own_real.pids():
            own_real.init().kill()
        own_real.down()

        assert traces().since(before) == {}, f"killed after {moment:.2f} s"


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


def test_a_cluster_gives_its_containerd_node_up(own_real: RealCluster) -> None:
    """``--runtime process`` ends the node, link and control groups included, and the cluster goes on without it."""
    before = traces()
    own_real.up("--runtime", "containerd")
    own_real.up("--runtime", "process", "--nodes", "1")

    left = traces().since(before)
    assert not {"mounts", "links", "tables", "cgroups", "files"} & set(left), left
    assert own_real.status()["phase"] == "up"
    assert own_real.status()["server"].startswith("https://127.")


def _pods(cluster: RealCluster) -> list[dict]:  # type: ignore[type-arg]  # as kubectl prints them
    return [
        pod for pod in cluster.get("pods", "-l", "app=stay")["items"] if not pod["metadata"].get("deletionTimestamp")
    ]

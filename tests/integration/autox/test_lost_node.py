"""A node is lost while experiments run on it: its agent is killed, its Lease stops, and nobody ends its pods any more.

Everything is real, and what Kubernetes waits for is shortened by its own flags. The pods run on in the meantime, as
those of a node do that only the network has left.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autox.kube.objects import Object, metadata
from autox.model.experiments import ExperimentRecord
from autox.model.refs import JOBS, PODS
from autox.model.verdict import Phase, Verdict
from tests.clusters import LIGHTLY, LocalCluster, run, wait_for
from tests.conftest import QUICK
from tests.integration.autox.scene import Scene, eventually

pytestmark = pytest.mark.integration

HASTY = (
    "controllerManager.flags.node-monitor-period=1s",
    "controllerManager.flags.node-monitor-grace-period=15s",  # a Lease is renewed each 10 s
    "apiServer.flags.default-not-ready-toleration-seconds=5",
    "apiServer.flags.default-unreachable-toleration-seconds=5",
)
LONG = 120.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """One that gives up a node after 15 s, and its pods 5 s later."""
    hasty = LocalCluster(name="hasty", state=tmp_path_factory.mktemp("state"))
    try:
        hasty.up(*LIGHTLY, *(word for setting in (*QUICK, *HASTY) for word in ("--set", setting)))
        with another_node(hasty, tmp_path_factory.mktemp("another")):
            yield hasty
    finally:
        hasty.down()


@contextmanager
def another_node(cluster: LocalCluster, folder: Path) -> Iterator[None]:
    """One that stays, and runs nothing: where every node is silent, Kubernetes suspects itself and gives up none."""
    taint = {"key": "another", "effect": "NoSchedule"}
    mock = {"kubeconfig": str(cluster.home.kubeconfig), "namePrefix": "another-", "count": 1, "taints": [taint]}
    config = {"provider": "mock", "stateDir": str(folder / "state"), "mock": mock, "podCIDR": "10.78.0.0/16"}
    (folder / "nodes.json").write_text(json.dumps(config))
    argv = [sys.executable, "-m", "autox", "nodes", "run", "--config", str(folder / "nodes.json")]
    with (folder / "log").open("wb") as log:
        agent = subprocess.Popen(argv, env=cluster.environ, stdout=log, stderr=log)
    try:
        wait_for("the other node", lambda: cluster.get("nodes", "-l", "kubernetes.io/hostname=another-0")["items"])
        cluster.kubectl("wait", "node/another-0", "--for=condition=Ready", "--timeout=60s")
        yield
    finally:
        agent.terminate()
        agent.wait(60)


def patient(**more: object) -> Object:
    """A spec that waits for a Service that never comes, and tests nothing."""
    ready = {"service": "never", "timeout": "1800s"}
    return {"name": "experiment", "values": {"tasks": ["ready"], "ready": ready, **more}}


async def test_all_goes_on_without_it(scene: Scene, cluster: LocalCluster) -> None:
    """Run, loop and next version: `why` said "has no pod yet" for ever, no verdict came, and no loop ever again."""
    specs = {"once": patient(), "loop": patient(runner="cronjob", cronjobSchedule="* * * * *")}
    await scene.group(specs=specs)
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1", specs=2)
    lost = await running(scene, many=2)

    os.kill(cluster.pids()["nodes"], signal.SIGKILL)
    wait_for("the end of the agent", lambda: "nodes" not in cluster.pids())

    async def reasons(wanted: str) -> dict[str, ExperimentRecord] | None:
        found = {each.identity.spec: each for each in await scene.records()}
        return found if {each.reason for each in found.values()} == {wanted} else None

    gone = await eventually("the verdicts", lambda: reasons("NodeLost"), seconds=LONG)
    assert {(each.verdict, each.identity.spec, each.phase) for each in gone.values()} == {
        (Verdict.ERROR, "once", Phase.COMPLETED),
        (Verdict.ERROR, "loop", Phase.RUNNING),
    }
    assert all("node hasty-node-0 of the pod of" in each.message for each in gone.values())
    told = why(scene, cluster)
    assert "Error" in told
    assert "does not answer" in told
    assert "TaintManager" in told

    async def looped() -> bool:
        jobs = (await scene.kube.list(JOBS, namespace=scene.namespace)).items
        loops = [each for each in jobs if metadata(each).get("ownerReferences")]
        return any(metadata(each)["uid"] not in lost for each in loops)

    await eventually("the next loop", looped, seconds=LONG)

    await scene.label(version="2")
    second = {each.identity.spec: each for each in await scene.tested("2", specs=2)}
    assert {second["once"].name} & set(await scene.jobs())
    before = {each.identity.spec: each for each in await scene.records() if each.identity.version == "1"}
    assert {each.verdict for each in before.values()} == {Verdict.ERROR}

    cluster.up()

    async def begun() -> bool:
        found = {each.name: each for each in await scene.records()}
        return found[second["once"].name].reason == "Running"

    await eventually("the run of version 2 on the node that is back", begun, seconds=LONG)

    async def ended() -> bool:
        pods = (await scene.kube.list(PODS, namespace=scene.namespace)).items
        return not {metadata(each)["uid"] for each in pods} & lost

    await eventually("the end of the pods of version 1", ended, seconds=LONG)


async def running(scene: Scene, *, many: int) -> set[str]:
    """Wait until so many pods are ready; the uids of them and of their Jobs."""

    async def look() -> list[Object] | None:
        pods = (await scene.kube.list(PODS, namespace=scene.namespace)).items
        ready = [
            each
            for each in pods
            for one in (each.get("status") or {}).get("conditions") or ()
            if (one["type"], one["status"]) == ("Ready", "True")
        ]
        return ready if len(ready) >= many else None

    pods = await eventually(f"{many} pods that are ready", look, seconds=LONG)
    return {metadata(each)["uid"] for each in pods} | {metadata(each)["ownerReferences"][0]["uid"] for each in pods}


def why(scene: Scene, cluster: LocalCluster) -> str:
    """What `autox why` says of the trigger, in one line."""
    argv = ("-m", "autox", "why", "deploy/web", "-n", scene.namespace)
    return " ".join(run(sys.executable, *argv, environ=cluster.environ).out.split())

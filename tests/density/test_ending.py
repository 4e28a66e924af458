"""Nothing stays behind: of a run that is told to end, and of one that is killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES, NODES
from autox.model.result import Subject
from autox.tasks.density.cleanup import heartbeat, sweeping
from autox.tasks.density.labels import RUN_LABEL, RunLabels, run_label
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.target import identify
from autox.tasks.density.workload import namespace as namespace_of
from tests.clusters import LocalCluster, run, wait_for
from tests.density.conftest import left_behind, sweep, sweep_command
from tests.forking import AUTOX, Forked, fork
from tests.kube.door import write

pytestmark = pytest.mark.integration

DOCUMENT = """
tasks:
  - task: density
    with: {cluster: %s, allowSelf: true, nodes: 3, agents: 2, pods: 300, rate: 1, timeout: 600s}
"""


@contextmanager
def running(cluster: LocalCluster, directory: Path, job: str) -> Iterator[Forked]:
    """A density test as the chart of an experiment starts it, in one Job of several that one release had."""
    document = directory / "experiment.yaml"
    document.write_text(DOCUMENT % cluster.name)
    argv = [*AUTOX, "run", "-f", str(document), "--experiment", "default/trial"]
    process = fork(argv, env={**cluster.environ, "WORKLOAD": f"Job/{job}"}, stdout=1, stderr=2)
    try:
        wait_for(f"pods of {job}", lambda: pods_of(cluster, job))
        yield process
    finally:
        process.kill()
        process.wait()


def pods_of(cluster: LocalCluster, job: str) -> list[str]:
    """The running pods of a Job's run."""
    return marked(cluster, "pods", job, "-A", "--field-selector=status.phase=Running")


def marked(cluster: LocalCluster, kind: str, job: str, *argv: str) -> list[str]:
    """The names of objects of a Job's run."""
    selector = f"{RUN_LABEL}={run_label('default', job)}"
    return cluster.kubectl("get", kind, "-l", selector, "-o", "name", *argv).split()


def test_told_to_end_or_killed(cluster: LocalCluster, tmp_path: Path) -> None:
    """SIGTERM makes a run clean up; a killed one is swept by its Job, and neither disturbs the other.

    The agents of one that is killed end with it, or they would make nodes again that were swept.
    After an upgrade in mid-run both are of one release, and the old Job's sidecar removed what the new one had made.
    """
    with running(cluster, tmp_path, "told") as told, running(cluster, tmp_path, "killed") as killed:
        sidecar = subprocess.Popen(
            sweep_command(cluster, "--run", "default/killed", "--when-told"),
            env=cluster.environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for("the sidecar to listen", lambda: catches(sidecar.pid, signal.SIGTERM))
        agents = [each for each in psutil.Process(killed.pid).children() if "agentprocess" in " ".join(each.cmdline())]
        killed.kill()
        killed.wait()
        gone, _ = psutil.wait_procs(agents, timeout=30.0)
        assert len(gone) == 2
        dead = marked(cluster, "namespaces,nodes", "killed")

        # What gave a sign of life a moment ago is not dead.
        assert sweep(cluster) == "nothing to sweep\n"
        assert sidecar.poll() is None
        assert marked(cluster, "namespaces,nodes", "killed") == dead
        assert len(dead) == 4

        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.communicate(timeout=60)[0] == "removed 1 namespaces and 3 nodes\n"
        assert sidecar.returncode == 0
        assert marked(cluster, "namespaces,nodes", "killed") == []
        assert len(marked(cluster, "namespaces,nodes", "told")) == 4
        assert pods_of(cluster, "told")

        told.send_signal(signal.SIGTERM)
        assert told.wait(timeout=60) == 3

    assert left_behind(cluster) == []


async def test_a_run_without_a_sign_of_life_is_dead(kube: KubeClient) -> None:
    """Thirty seconds of the API server's time after its last sign, and not before; its nodes with it.

    So are the namespaces beside its first, which have no sign of their own, and none that only looks like one of them.
    """
    run_labels = RunLabels.of(Subject(namespace="default", experiment="x"), token=uuid4().hex[:8])
    other = f"other-{run_labels.namespace}"
    for name in (*run_labels.namespaces(2), other):
        await kube.create(NAMESPACES, namespace_of(run_labels, name))
    await kube.create(NODES, {"metadata": {"name": f"{run_labels.node_prefix}0", "labels": run_labels.labels}})
    clock = ServerClock()
    await heartbeat.give(kube, run_labels, clock)
    now = (await identify(kube)).now

    assert clock.over(now.timestamp()) > time.monotonic() - 2.0
    alive = await sweeping.of_dead_runs(kube, now=now + timedelta(seconds=heartbeat.DURATION - 5))
    dead = await sweeping.of_dead_runs(kube, now=now + timedelta(seconds=heartbeat.DURATION + 5))

    assert not {*run_labels.namespaces(2), other} & {*alive.namespaces}
    assert f"{run_labels.node_prefix}0" not in alive.nodes
    assert {*run_labels.namespaces(2), other} & {*dead.namespaces} == {*run_labels.namespaces(2)}
    assert f"{run_labels.node_prefix}0" in dead.nodes
    await kube.delete(NAMESPACES, other)
    assert {*run_labels.namespaces(2)} <= {*(await sweeping.of_run(kube, run_labels.run)).namespaces}
    assert (await sweeping.of_run(kube, run_labels.run)).nodes == (f"{run_labels.node_prefix}0",)


async def test_nodes_without_their_namespace_are_dead(kube: KubeClient) -> None:
    """A run that was killed while it cleaned up had removed the namespace first."""
    run_labels = RunLabels.of(Subject(), token=uuid4().hex[:8])
    await kube.create(NODES, {"metadata": {"name": f"{run_labels.node_prefix}0", "labels": run_labels.labels}})

    remains = await sweeping.of_dead_runs(kube, now=(await identify(kube)).now)
    await sweeping.remove(kube, sweeping.Remains(nodes=remains.nodes), seconds=30.0)

    assert f"{run_labels.node_prefix}0" in remains.nodes
    assert not await sweeping.of_run(kube, run_labels.run)


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        pytest.param(["--run", "nonsense"], 2, "not NAMESPACE/NAME", id="no run"),
        pytest.param(["--run", "a/b/c"], 2, "not NAMESPACE/NAME", id="too many slashes"),
        pytest.param(["--when-told"], 2, "--when-told needs --run", id="told, but what"),
        pytest.param(["--cluster", "nowhere"], 2, "there is no local cluster nowhere", id="unknown cluster"),
        pytest.param(["--cluster", "a", "--kubeconfig", "k"], 2, "not both", id="two clusters"),
        pytest.param(["--kubeconfig", "/nowhere/k"], 2, "/nowhere/k", id="no such file"),
    ],
)
def test_mistakes_on_the_command_line(argv: list[str], code: int, said: str, tmp_path: Path) -> None:
    """Each says what is wrong, and exits with the code for wrong usage."""
    environ = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    done = run(sys.executable, "-m", "autox", "density", "sweep", *argv, environ=environ)

    assert done.code == code
    assert said in done.err


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_sweeper_runs_no_program_of_a_kubeconfig(tmp_path: Path) -> None:
    """The sidecar reads the same Secret as the runner, and ran what stood there."""
    path = write(tmp_path / "b", user={"exec": {"apiVersion": "v1", "command": "/usr/bin/touch", "args": ["ran"]}})
    argv = (sys.executable, "-m", "autox", "density", "sweep", "--kubeconfig", str(path), "--run", "a/b", "--when-told")

    sidecar = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    wait_for("the sidecar to listen", lambda: sidecar.poll() is not None or catches(sidecar.pid, signal.SIGTERM))
    sidecar.terminate()
    _, said = sidecar.communicate(timeout=60)

    assert sidecar.returncode == 2
    assert "would run a program" in said
    assert not (tmp_path / "ran").exists()


def test_the_label_of_a_run_is_a_label() -> None:
    """Whatever an experiment is called: at most 63 characters, readable, and not another's."""
    labels = {
        run_label("default", "web"),
        run_label("other", "web"),
        run_label("default", "w" * 253),
        run_label("default", "Wéb_…"),
        run_label("", ""),
    }

    assert len(labels) == 5
    assert all(len(label) <= 63 and label.isascii() and label[0].isalnum() and label[-1].isalnum() for label in labels)
    assert run_label("default", "web").startswith("web-")

"""The node process is killed while pods run: nothing is orphaned, nothing runs twice, nothing is lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.clusters import LIGHTLY, LocalCluster, wait_for
from tests.conftest import QUICK
from tests.integration.objects import Object, job, pod, shell

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster whose node process is killed and healed by the tests of this module."""
    cluster = LocalCluster(name="bereft", state=tmp_path_factory.mktemp("state"))
    try:
        cluster.up(*LIGHTLY, *(word for setting in QUICK for word in ("--set", setting)))
        yield cluster
    finally:
        cluster.down()


def kill_node(cluster: LocalCluster) -> None:
    """SIGKILL the node process, and see it gone."""
    os.kill(cluster.pids()["nodes"], signal.SIGKILL)
    wait_for("the end of the node process", lambda: "nodes" not in cluster.pids())


def test_pods_go_on(victim: LocalCluster) -> None:
    """A running pod is found again: the same process, the same pod, no restart, and its log goes on."""
    victim.apply(
        pod("steady", shell("echo pid $$$$; while true; do date +%s; sleep 0.5; done"), restartPolicy="Always")
    )
    victim.kubectl("wait", "pod/steady", "--for=condition=Ready", "--timeout=60s")
    pid = int(victim.kubectl("logs", "steady").splitlines()[0].split()[1])

    kill_node(victim)
    assert psutil.pid_exists(pid)
    victim.up()
    victim.kubectl("wait", "pod/steady", "--for=condition=Ready", "--timeout=60s")

    assert psutil.pid_exists(pid)
    lines = victim.kubectl("logs", "steady").splitlines()
    assert [line for line in lines if line.startswith("pid")] == [f"pid {pid}"]
    wait_for("the log to go on", lambda: len(victim.kubectl("logs", "steady").splitlines()) > len(lines))
    assert victim.get("pod", "steady")["status"]["containerStatuses"][0]["restartCount"] == 0
    victim.kubectl("delete", "pod", "steady", "--now")
    wait_for("the end of the process", lambda: not psutil.pid_exists(pid))


def test_ends_while_away(victim: LocalCluster) -> None:
    """A Job whose container ends while nobody watches completes with its true exit code, having run once."""
    victim.apply(job("unwatched", shell("echo ran; sleep 2; exit 0")), job("unwatched-bad", shell("sleep 2; exit 9")))
    victim.kubectl(
        "wait", "pod", "-l", "job-name in (unwatched, unwatched-bad)", "--for=condition=Ready", "--timeout=60s"
    )
    containers = [each for each in victim.processes() if each.pid not in victim.pids().values()]
    assert containers
    kill_node(victim)
    psutil.wait_procs(containers, timeout=30)

    victim.up()

    victim.kubectl("wait", "job/unwatched", "--for=condition=Complete", "--timeout=60s")
    victim.kubectl("wait", "job/unwatched-bad", "--for=condition=Failed", "--timeout=60s")
    assert victim.kubectl("logs", "job/unwatched").strip() == "ran"
    (only,) = victim.get("pods", "-l", "job-name=unwatched-bad")["items"]
    assert only["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 9


def test_deleted_while_away(victim: LocalCluster) -> None:
    """A pod that is deleted, gracefully or by force, while its node is away is ended when the node is back."""
    victim.apply(pod("asked", shell("exec sleep 600")), pod("forced", shell("exec sleep 600")))
    victim.kubectl("wait", "pod/asked", "pod/forced", "--for=condition=Ready", "--timeout=60s")
    containers = [each for each in victim.processes() if each.pid not in victim.pids().values()]
    kill_node(victim)
    victim.kubectl("delete", "pod", "asked", "--wait=false", "--grace-period=1")
    victim.kubectl("delete", "pod", "forced", "--force", "--grace-period=0")

    victim.up()

    wait_for("the end of both", lambda: not any(each.is_running() for each in containers))
    wait_for("the end of the objects", lambda: victim.kubectl("get", "pods", "-o", "name").find("asked") < 0)


def test_killed_while_starting(victim: LocalCluster, tmp_path: Path) -> None:
    """A node that is killed again and again while it starts Jobs runs none of their containers twice."""
    names = [f"once-{index}" for index in range(12)]
    for start in range(0, len(names), 4):
        victim.apply(
            *(job(name, shell(f"echo $$$$ >> {tmp_path}/{name}; sleep 0.3")) for name in names[start : start + 4])
        )
        kill_node(victim)
        victim.up()

    def finished() -> dict[str, str]:
        jobs = {each["metadata"]["name"]: each for each in victim.get("jobs")["items"]}
        ends = {name: _end(jobs[name]) for name in names}
        return ends if all(ends.values()) else {}

    ends = wait_for("the end of all Jobs", finished, seconds=90)
    runs = {name: len((tmp_path / name).read_text().split()) if (tmp_path / name).exists() else 0 for name in names}
    # NB: a container whose start was cut off is not started again under its pod (it might have run): its Job fails.
    assert {name: runs[name] for name in names if ends[name] == "Complete"} == {
        name: 1 for name in names if ends[name] == "Complete"
    }
    assert max(runs.values()) == 1
    assert len(victim.get("pods", "-l", f"job-name in ({','.join(names)})")["items"]) == len(names)


def _end(job_object: Object) -> str:
    """``Complete`` or ``Failed`` once a Job has ended, else nothing."""
    conditions = job_object.get("status", {}).get("conditions", [])
    return next((each["type"] for each in conditions if each["type"] in ("Complete", "Failed")), "")

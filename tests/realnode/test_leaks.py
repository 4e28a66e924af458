"""A containerd node goes, or is given up, and leaves nothing behind, whatever was killed.

These look at the whole machine, so ``make e2e`` runs them when all others have ended: nobody else's cluster may come or
go meanwhile.
"""

import random
import signal
import subprocess
import time

import pytest

from autox.cluster.spec import CONTAINERD_NODE
from tests.realnode.conftest import RealCluster, start_pods
from tests.realnode.leaks import traces

pytestmark = pytest.mark.realnode

KILLS = 10
SEED = 6


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


def test_a_cluster_gives_its_containerd_node_up(own_real: RealCluster) -> None:
    """``--runtime process`` ends the node, link and control groups included, and the cluster goes on without it."""
    before = traces()
    own_real.up("--runtime", "containerd")
    own_real.up("--runtime", "process", "--nodes", "1")

    left = traces().since(before)
    assert not {"mounts", "links", "tables", "cgroups", "files"} & set(left), left
    assert own_real.status()["phase"] == "up"
    assert own_real.status()["server"].startswith("https://127.")

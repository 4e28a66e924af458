"""One node of cluster A is a hundred nodes of cluster B: the example as a newcomer runs it, and what is left of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autox.cluster.home import homes
from autox.cluster.processes import find
from tests.e2e.conftest import ROOT
from tests.e2e.lighter import lighter
from tests.e2e.test_demo import remains

pytestmark = pytest.mark.integration

PLAY = ROOT / "examples" / "compression" / "play.sh"
FEW = {"play.sh": {"NODES=100": "NODES=4"}, "crowd.yaml": {"replicas: 100": "replicas: 4"}}
"""How many nodes and pods there are where only what follows is looked at."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A state directory of the test's own; whatever a failing example leaves is ended."""
    yield tmp_path
    for home in homes(tmp_path / "autox" / "clusters"):
        for each in find(home.directory):
            each.process.kill()


def playing(place: Path, play: Path = PLAY) -> subprocess.Popen[str]:
    """The example, started."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [str(play)],
        env={**os.environ, "PATH": path, "XDG_STATE_HOME": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_one_node_is_a_hundred(place: Path) -> None:
    """A hundred nodes are Ready, pods are updated on them, the next agent continues with them, nothing is left."""
    with playing(place) as example:
        out, _ = example.communicate()

    assert example.returncode == 0, out
    assert re.findall(r"nodes of B that are Ready: (\d+)", out) == ["100", "0", "100"]
    assert out.count('deployment "crowd" successfully rolled out') == 3
    assert "the same 100 nodes, by name and uid" in out
    assert "deleted 100 nodes" in out
    assert "token:" not in out
    assert remains(place) == []


def test_clusters_of_another_run_are_left_alone(place: Path) -> None:
    """What is there under these names is neither used nor taken down; the command that does so is told."""
    kept = place / "autox" / "clusters" / "compression-b"
    kept.mkdir(parents=True)

    with playing(place) as example:
        out, _ = example.communicate()

    assert example.returncode == 2, out
    assert "cluster down --name compression-b" in out
    assert kept.is_dir()


@pytest.mark.parametrize("moment", ["Two control planes", "One node of A", "The agent is lost"])
def test_ctrl_c_leaves_nothing_behind(place: Path, moment: str) -> None:
    """Interrupted at any point, the example takes both clusters down."""
    play = lighter("compression", place / "lighter", FEW) / "play.sh" if moment == "The agent is lost" else PLAY
    with playing(place, play) as example:
        assert example.stdout is not None
        shown = []
        for line in example.stdout:
            shown.append(line)
            if moment in line:
                os.killpg(example.pid, signal.SIGINT)
                break
        shown += example.stdout.readlines()

    assert example.returncode == 130, "".join(shown)
    assert remains(place) == []

"""The demo as a newcomer runs it, and what is left when they lose patience."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autox.cluster.home import homes
from autox.cluster.processes import find
from tests.e2e.conftest import ROOT
from tests.e2e.lighter import lighter

pytestmark = pytest.mark.integration

PLAY = ROOT / "examples" / "demo" / "play.py"
LITTLE = {
    "values.yaml": {
        "duration: 5s": "duration: 3s",
        "nodes: 20": "nodes: 2",
        "pods: 50": "pods: 4",
        "running: 50": "running: 4",
    }
}
"""What version 1 is tested with where only what follows is looked at."""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory of the test's own; whatever a failing demo leaves is ended."""
    yield tmp_path
    for home in homes(tmp_path / "autox" / "clusters"):
        for each in find(home.directory):
            each.process.kill()


def playing(state: Path, play: Path = PLAY) -> subprocess.Popen[str]:
    """The demo, started."""
    return subprocess.Popen(
        [sys.executable, str(play)],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def remains(state: Path) -> list[str]:
    """Clusters that are still there, and processes that carry the state directory in their environment."""
    found = [home.name for home in homes(state / "autox" / "clusters")]
    for process in psutil.process_iter():
        try:
            if process.environ().get("XDG_STATE_HOME") == str(state):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_the_demo_tells_its_story(state: Path) -> None:
    """Version 1 passes, version 2 fails its latency SLO, the history and the report are shown, nothing is left."""
    with playing(state) as demo:
        out, _ = demo.communicate()

    assert demo.returncode == 0, out
    assert "http/latency-p90" in out
    assert "report.html" in out
    assert "eval" not in out, "how to use a cluster by hand is not for those who watch"
    assert remains(state) == []


def test_clusters_of_another_demo_are_left_alone(state: Path) -> None:
    """What ``--keep`` left up is neither used nor taken down; the command that does so is told."""
    kept = state / "autox" / "clusters" / "demo-b"
    kept.mkdir(parents=True)

    with playing(state) as demo:
        out, _ = demo.communicate()

    assert demo.returncode == 2
    assert "cluster down --name demo-b" in out
    assert "demo-a" not in out
    assert kept.is_dir()


@pytest.mark.parametrize(
    "moment", ["Two real control planes", "autox: which object", "Opt in", "running, 1 of", "Version 2 is slow"]
)
def test_ctrl_c_leaves_nothing_behind(state: Path, moment: str) -> None:
    """Interrupted at any point, the demo takes both clusters down."""
    play = lighter("demo", state / "lighter", LITTLE) / "play.py" if moment == "Version 2 is slow" else PLAY
    with playing(state, play) as demo:
        assert demo.stdout is not None
        shown = []
        for line in demo.stdout:
            shown.append(line)
            if moment in line:
                os.killpg(demo.pid, signal.SIGINT)
                break
        shown += demo.stdout.readlines()

    assert demo.returncode == 130, "".join(shown)
    assert remains(state) == []

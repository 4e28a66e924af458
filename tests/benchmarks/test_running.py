"""The benchmark of virtual nodes itself, at its smallest, so that it cannot rot."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from autox.kube.objects import Object
from benchmarks.bench_node_faults import markdown
from benchmarks.nodes.agents import Autox, FaithfulAutox, Setting
from benchmarks.nodes.cases import APART, Case, Churn
from benchmarks.nodes.faulting import Size, play_faults
from benchmarks.nodes.running import BrokenRunError, run

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
BURST = Case(name="spread", nodes=20, pods=40, idle_seconds=1, later_idle_seconds=1, audited=True)


class Broken:
    """An agent that says something and ends."""

    name = "broken"
    rules: Sequence[dict[str, Any]] = ()

    def command(self, setting: Setting) -> Sequence[str]:
        """A shell."""
        return ("/bin/sh", "-c", f"echo no more than {setting.nodes} of me; exit 3")

    def node(self, name: str) -> Object | None:  # noqa: ARG002  - the protocol's
        """None: it says that it makes its own."""
        return None


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the benchmark keeps what it needs while it runs; it does not wait until a machine is at rest."""
    monkeypatch.setattr("benchmarks.nodes.running.SETTLE_SECONDS", 0.5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left(directory: Path) -> list[str]:
    """What is left of runs in a directory: files, and processes that were started with paths of it."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(directory) in command] + [str(path) for path in directory.iterdir()]


def test_a_burst_is_played_from_the_first_node_to_the_last_deletion(temporary: Path) -> None:
    """Every figure is there, the audit log finds the agent correct, and nothing is left."""
    said: list[str] = []
    found = run(BURST, Autox(), pair=0, say=said.append)

    assert found.audit is not None
    assert found.audit.is_correct, found.audit
    assert {"nodes_rate", "idle_cores", "pods_rate", "start_p99", "deletes_rate", "rss", "oldest_lease"} < set(
        found.figures
    )
    assert found.figures["status_writes"] == 1.0
    assert len(said) == 5
    assert left(temporary) == []


def test_faithful_nodes_have_the_watches_of_kubelets(temporary: Path) -> None:
    """Three for each node, and no request that the Node authorizer refuses."""
    case = replace(APART[0], nodes=3, pods=6, idle_seconds=1)
    found = run(case, FaithfulAutox(), pair=0, say=lambda _: None)

    assert found.audit is not None
    assert found.audit.is_correct, found.audit
    assert found.audit.watches == {"nodes": 3, "pods": 3, "services": 3}
    assert left(temporary) == []


def test_churn_is_played_to_its_end(temporary: Path) -> None:
    """Pods come and go, and each of them was seen to run."""
    churn = Churn(rate=20, alive_seconds=1, seconds=1, later_seconds=1)
    case = Case(name="churn", nodes=20, idle_seconds=1, later_idle_seconds=1, churn=churn)
    found = run(case, Autox(), pair=0, say=lambda _: None)

    assert found.audit is None
    assert (found.figures["never_ran"], found.figures["status_writes"]) == (0, 1.0)
    assert left(temporary) == []


def test_an_agent_that_ends_breaks_the_run_and_is_quoted(temporary: Path) -> None:
    """At once, not when the wait for its nodes is over; and nothing is left."""
    with pytest.raises(BrokenRunError, match=r"(?s)ended by itself with 3.*no more than 20 of me"):
        run(BURST, Broken(), pair=0, say=lambda _: None)

    assert left(temporary) == []


IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""As a shell starts what is to run in the background: SIGINT is ignored."""


@pytest.mark.parametrize(
    ("send", "number", "shell"),
    [(os.kill, signal.SIGTERM, ()), (os.kill, signal.SIGTERM, IN_BACKGROUND), (os.killpg, signal.SIGINT, ())],
    ids=["SIGTERM", "SIGTERM in the background", "Ctrl-C"],
)
def test_an_interruption_ends_everything(
    tmp_path: Path, send: Callable[[int, int], None], number: signal.Signals, shell: tuple[str, ...]
) -> None:
    """Whoever stops the benchmark has to look for nothing; on a terminal, Ctrl-C reaches all its processes at once."""
    # NB: the case with the fewest nodes.
    command = (sys.executable, "-m", "benchmarks.bench_nodes", "--quick", "--case", "faithful", "--agents", "autox")
    process = subprocess.Popen(
        (*shell, *command),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    send(process.pid, number)
    process.communicate(timeout=60)

    assert "nodes registered a second" in line
    assert process.returncode == 130
    assert left(tmp_path) == []


def test_faults_are_played_and_all_becomes_well(temporary: Path) -> None:
    """Killed, cut off and stopped in the middle of bursts, the agent writes nothing twice and forgets nothing."""
    said: list[str] = []
    size = Size(nodes=5, pods=200, early=20, lease_seconds=8)
    recoveries, findings = play_faults(size, say=said.append)
    listings = {each.fault.split()[-1]: each.listings for each in recoveries}

    assert findings.harmed_nothing, findings
    assert len(said) == len(recoveries) == 3
    assert listings["expired"] >= 1, listings
    assert all(each.ran >= 20 for each in recoveries)
    assert markdown(size, recoveries, findings).count("\n| agent ") == 2
    assert left(temporary) == []

"""``python -m tests.realnode.killing``: SIGKILL a whole ``make e2e`` ten times, and see that ``down`` removes the rest.

Each run is killed with all of its session, both processes of tests among it, at a moment of its own, one in each tenth
of a run. What is left then are clusters, which are made to outlive the command that made them; ``autox cluster down``
takes each down, and after that nothing may be left on the machine. It takes an hour, so it is no test of ``make e2e``
itself; ``test_leaks`` kills ``up`` in the same way in a minute. Run it on a machine where nobody else starts clusters.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.clusters import LocalCluster
from tests.realnode.leaks import traces

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Kill, take down, look; 1 if anything was left."""
    parser = argparse.ArgumentParser(prog="python -m tests.realnode.killing", description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=10, help="how many runs to kill (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long a run takes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=6, help="of the moments (default: %(default)s)")
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311  - moments, not secrets
    leaks = 0
    for count in range(options.times):
        moment = (count + chance.random()) * options.seconds / options.times
        with tempfile.TemporaryDirectory(prefix="k") as work:
            leaks += bool(left_after_kill(Path(work), moment))
        # The worktree of the commit before, which a test of upgrades makes, went with its directory.
        subprocess.run(["git", "-C", str(ROOT), "worktree", "prune"], check=True)
    print(f"{options.times} runs killed, {leaks} of them left something")
    return 1 if leaks else 0


def left_after_kill(work: Path, moment: float) -> dict[str, list[str]]:
    """Start ``make e2e``, kill it after so many seconds, take its clusters down; what is left, by kind."""
    before = traces()
    log = work / "log"
    with log.open("wb") as output:
        e2e = subprocess.Popen(
            ["make", "e2e"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(work), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            e2e.wait(moment)
            how = f"ended by itself with {e2e.returncode}"
        except subprocess.TimeoutExpired:
            how = f"{kill_session(e2e.pid)} processes killed"
            e2e.wait()
    last = (log.read_text(errors="replace").splitlines() or [""])[-1]
    clusters = list(clusters_in(work))
    for cluster in clusters:
        cluster.down()
    left = traces().since(before)
    if ours := sorted(processes_of(work)):
        left.setdefault("processes", []).extend(ours)
    print(f"after {moment:5.1f} s, {how}, {len(clusters)} clusters taken down; left: {left or 'nothing'}", flush=True)
    print(f"  it was at: {last.strip()[:100]}", flush=True)
    return left


def kill_session(leader: int) -> int:
    """SIGKILL every process of a session, the leader first, until there is none; how many they were."""
    killed = 0
    while alive := [each for each in psutil.pids() if _session(each) == leader]:
        for pid in sorted(alive):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
        psutil.wait_procs([psutil.Process(pid) for pid in alive if psutil.pid_exists(pid)], timeout=1)
    return killed


def clusters_in(work: Path) -> Iterator[LocalCluster]:
    """Every cluster whose state is under a directory, whole or half made."""
    for home in work.glob("**/autox/clusters/*"):
        yield LocalCluster(name=home.name, state=home.parents[2])


def processes_of(work: Path) -> Iterator[str]:
    """Processes that speak of a directory in their command line or environment, or work in it."""
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(work) in word for word in words):
                yield f"{process.name()} {process.pid}"
        except psutil.Error:
            continue


def _session(pid: int) -> int:
    """The session of a process; 0 of one that has ended, whether it is buried or not."""
    try:
        return 0 if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else os.getsid(pid)
    except (psutil.Error, ProcessLookupError):
        return 0


if __name__ == "__main__":
    sys.exit(main())

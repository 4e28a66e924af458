"""How long a change waits for a controller that was killed, and what it waits for.

    python -m benchmarks.bench_restart [--groups 200] [--rounds 5]

On a cluster of its own the controller runs as in a pod, with as many groups as asked for, all at rest. Each round kills
it with SIGKILL, changes the version of one trigger at the same moment, and starts the next controller at once, as a
kubelet does the first time. Latency is from the kill to the moment a watch of this program's sees the new experiment's
Job, real Helm and the uninstallation of the stale release included. The phases are read from the controller's log; CPU
is the new process's at that moment, without Helm's. Takes about two minutes.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.refs import CONFIG_MAPS, EXPERIMENT_GROUPS, JOBS
from benchmarks.bench_controller import (
    LIMIT_SECONDS,
    NAMESPACE,
    OPT_IN,
    VERSION,
    all_looked_at,
    group,
    prepare,
    trigger,
)
from benchmarks.local_cluster import local_cluster

_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \w+ \S+: (.*)$")
PHASES = {"waiting for the lease": "process and imports", "leading": "Lease"}
"""How the line begins that ends a phase, and what the phase is called; what is left is the launch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One kill.

    Attributes:
        seconds: from the kill to the Job.
        phases: the seconds of each phase.
        cpu: seconds that the new controller had used when the Job came.
    """

    seconds: float
    phases: dict[str, float]
    cpu: float


class Pod:
    """One pod whose container is the controller."""

    def __init__(self, environ: dict[str, str], directory: Path) -> None:
        self._environ = environ | {"POD_NAME": "autox-0", "POD_UID": "5f0c2e86", "HOME": str(directory)}
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the container, with an empty log."""
        command = [sys.executable, "-m", "autox", "controller", "--listen", "127.0.0.1:0", "--namespace", NAMESPACE]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def cpu(self) -> float:
        """Seconds that the process has used."""
        if self._process is None:
            raise AssertionError("it runs")
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def phases(self, since: float, until: float) -> dict[str, float]:
        """How long each phase took, of the time between two moments of the wall clock."""
        found: dict[str, float] = {}
        for line in self._log.read_text().splitlines():
            match = _LINE.match(line)
            phase = match and next((name for start, name in PHASES.items() if match[2].startswith(start)), None)
            if match and phase and phase not in found:
                at = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()
                found[phase], since = at - since, at
        return found | {"reading back and launching": until - since}


@contextmanager
def running(environ: dict[str, str]) -> Iterator[Pod]:
    """A pod whose container runs, and is killed in the end."""
    with tempfile.TemporaryDirectory(prefix="autox-bench-") as directory:
        pod = Pod(environ, Path(directory))
        pod.start()
        try:
            yield pod
        finally:
            pod.kill()


async def populate(kube: KubeClient, groups: int) -> None:
    """Groups that have something to watch, and one of them something to launch."""
    for number in range(groups - 1):
        name = f"trigger-{number}"
        await kube.apply(CONFIG_MAPS, trigger(name, NAMESPACE, **{OPT_IN: "true"}), field_manager="bench")
        await kube.apply(EXPERIMENT_GROUPS, group(name, NAMESPACE), field_manager="bench")
    await kube.apply(CONFIG_MAPS, trigger("web", NAMESPACE, **{OPT_IN: "true", VERSION: "0"}), field_manager="bench")
    await kube.apply(EXPERIMENT_GROUPS, group("web", NAMESPACE), field_manager="bench")


async def one_round(kube: KubeClient, pod: Pod, version: str, jobs: Any) -> Round:
    """Kill, change, start, and wait for the Job."""
    pod.kill()
    began, at = time.monotonic(), time.time()
    await kube.patch(CONFIG_MAPS, "web", {"metadata": {"labels": {VERSION: version}}}, namespace=NAMESPACE)
    pod.start()
    event: WatchEvent[Object] = await anext(jobs)
    del event
    seconds = time.monotonic() - began
    return Round(seconds=seconds, phases=pod.phases(at, time.time()), cpu=pod.cpu())


async def measure(kubeconfig: Path, groups: int, rounds: int) -> None:
    """Measure and print."""
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    environ["PATH"] = f"{kubeconfig.parent / 'bin'}{os.pathsep}{environ['PATH']}"
    found = []
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        await prepare(kube)
        await populate(kube, groups)
        with running(environ) as pod:
            async with asyncio.timeout(LIMIT_SECONDS), aclosing(watch(kube, JOBS, namespace=NAMESPACE)) as events:
                jobs = (event async for event in events if event.type is WatchEventType.ADDED)
                await anext(jobs)
                for number in range(1, rounds + 1):
                    while not await all_looked_at(kube):  # noqa: ASYNC110  - nothing tells
                        await asyncio.sleep(0.5)
                    await asyncio.sleep(5.0)  # until all is at rest
                    found.append(await one_round(kube, pod, str(number), jobs))
    print(f"from SIGKILL to the Job of a change made at the same moment; {groups} groups; {os.cpu_count()} cores")
    print("| | min, s | median, s | max, s |")
    print("|---|---|---|---|")
    rows = {"in all": [each.seconds for each in found]}
    rows |= {phase: [each.phases[phase] for each in found] for phase in found[0].phases}
    rows["CPU of the new controller"] = [each.cpu for each in found]
    for name, figures in rows.items():
        print(f"| {name} | {min(figures):.2f} | {statistics.median(figures):.2f} | {max(figures):.2f} |")


def main() -> None:
    """Bring a cluster up and measure on it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with local_cluster() as status:
        asyncio.run(measure(Path(status["kubeconfig"]), options.groups, options.rounds))


if __name__ == "__main__":
    main()

"""Pod start latency on the process node, and what it costs: 100 Jobs, 10 at a time.

Latency is from the creation of the Job, as this program's clock has it, to the moment its pod is seen to have begun
and to the moment the Job is seen Complete, both by a watch of our own. CPU is of the node agent and of the API
server, from the kernel. usage: python -m benchmarks.bench_pod_start [--jobs 100] [--at-once 10]
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.watch import watch
from autox.model.refs import JOBS, PODS
from benchmarks.local_cluster import local_cluster

LIMIT_SECONDS = 180.0


class Seen:
    """When each Job was created, its pod seen started, and it seen complete."""

    def __init__(self) -> None:
        self.created: dict[str, float] = {}
        self.started: dict[str, float] = {}
        self.completed: dict[str, asyncio.Event] = {}
        self.ended: dict[str, float] = {}

    async def pods(self, kube: KubeClient) -> None:
        """Follow the pods."""
        async for event in watch(kube, PODS, namespace="default"):
            name = event.object.get("metadata", {}).get("labels", {}).get("batch.kubernetes.io/job-name")
            if name in self.created and name not in self.started and _begun(event.object):
                self.started[name] = time.monotonic()

    async def jobs(self, kube: KubeClient) -> None:
        """Follow the Jobs."""
        async for event in watch(kube, JOBS, namespace="default"):
            name = event.object.get("metadata", {}).get("name")
            if name in self.completed and event.object.get("status", {}).get("succeeded"):
                self.ended.setdefault(name, time.monotonic())
                self.completed[name].set()


def _begun(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in ("Running", "Succeeded", "Failed")


def job(name: str) -> dict[str, Any]:
    """A Job that ends at once."""
    container = {"name": "main", "image": "busybox", "command": ["/bin/true"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


async def drive(kubeconfig: Path, *, jobs: int, at_once: int) -> Seen:
    """Create the Jobs, never more than ``at_once`` unfinished."""
    seen = Seen()
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube, asyncio.timeout(LIMIT_SECONDS):
        followers = [asyncio.create_task(seen.pods(kube)), asyncio.create_task(seen.jobs(kube))]
        await asyncio.sleep(0.5)
        slots = asyncio.Semaphore(at_once)

        async def one(name: str) -> None:
            async with slots:
                seen.completed[name] = asyncio.Event()
                seen.created[name] = time.monotonic()
                await kube.create(JOBS, job(name), namespace="default")
                await seen.completed[name].wait()

        await asyncio.gather(*(one(f"bench-{index}") for index in range(jobs)))
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
    return seen


def cpu(pid: int) -> float:
    """CPU seconds of a process and of the children that it has waited for."""
    return sum(psutil.Process(pid).cpu_times()[:4])


def row(name: str, values: list[float]) -> str:
    """A line of the table, in milliseconds."""
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"| {name} | {1000 * statistics.median(ordered):.0f} | {1000 * last:.0f} | {1000 * ordered[-1]:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=10)
    options = parser.parse_args()
    with local_cluster() as status:
        pids = {each["name"]: each["pid"] for each in status["components"]}
        before = {name: cpu(pid) for name, pid in pids.items()}
        began = time.monotonic()
        seen = asyncio.run(drive(Path(status["kubeconfig"]), jobs=options.jobs, at_once=options.at_once))
        seconds = time.monotonic() - began
        spent = {name: cpu(pid) - before[name] for name, pid in pids.items()}
    print(f"{options.jobs} Jobs, {options.at_once} at a time, {os.cpu_count()} cores: {seconds:.1f} s")
    print("| from the creation of the Job to | P50, ms | P99, ms | max, ms |")
    print("|---|---|---|---|")
    print(row("its pod seen begun", [seen.started[name] - seen.created[name] for name in seen.created]))
    print(row("the Job seen complete", [seen.ended[name] - seen.created[name] for name in seen.created]))
    print()
    print(f"| CPU ms for each Job: {' | '.join(spent)} |")
    print(f"|{'---|' * len(spent)}")
    print(f"| {' | '.join(f'{1000 * value / options.jobs:.1f}' for value in spent.values())} |")


if __name__ == "__main__":
    main()

"""How fast the controller acts, and what it takes: version change to new Job, and memory with many groups.

    python -m benchmarks.bench_controller [--changes 20] [--groups 500]

On a cluster of its own the controller runs as the command that the chart runs, with real Helm. Latency is from the
moment a new version label is sent to the moment a watch of this program's sees the new experiment's Job, the stale
release uninstalled before; the process node is idle. Memory is resident, of the controller's process alone, at rest
after every group has been looked at: with one group, with many in one namespace, and with each in a namespace of its
own. Takes about four minutes.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from autox.api.crds import crds
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.discovery import discover
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEventType
from autox.model.refs import CONFIG_MAPS, EXPERIMENT_GROUPS, EXPERIMENTS, JOBS, NAMESPACES, Resource
from benchmarks.local_cluster import local_cluster

NAMESPACE = "bench"
LIMIT_SECONDS = 120.0
OPT_IN, VERSION = "iter8.tools/autox", "app.kubernetes.io/version"
DEFINITIONS = Resource(
    group="apiextensions.k8s.io", version="v1", plural="customresourcedefinitions",
    kind="CustomResourceDefinition", namespaced=False,
)  # fmt: skip


@contextmanager
def running(environ: dict[str, str]) -> Iterator[psutil.Process]:
    """The controller, stopped as a pod is stopped."""
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "autox", "controller", "--listen", "127.0.0.1:0", "--namespace", NAMESPACE]
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def trigger(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    """A trigger object of the smallest kind."""
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


def group(name: str, namespace: str) -> dict[str, Any]:
    """A group of one experiment that waits for what never comes: its Job is there until it is stale."""
    values = {"tasks": ["ready"], "ready": {"deploy": "nothing", "timeout": "600s"}, "runner": "job"}
    ref = {"group": "", "version": "v1", "resource": "configmaps", "namespace": namespace, "name": name}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"trigger": ref, "specs": {"quick": {"name": "experiment", "values": values}}},
    }


async def prepare(kube: KubeClient) -> None:
    """Autox's kinds, and a namespace."""
    await kube.apply(NAMESPACES, {"metadata": {"name": NAMESPACE}}, field_manager="bench")
    for definition in crds():
        await kube.apply(DEFINITIONS, definition, field_manager="bench")
    for resource in (EXPERIMENT_GROUPS, EXPERIMENTS):
        while await discover(kube, resource) is None:  # noqa: ASYNC110  - nothing tells
            await asyncio.sleep(0.05)


async def latencies(kube: KubeClient, changes: int) -> list[float]:
    """Seconds from each version change to the Job of its experiment."""
    await kube.apply(CONFIG_MAPS, trigger("web", NAMESPACE, **{OPT_IN: "true", VERSION: "0"}), field_manager="bench")
    await kube.apply(EXPERIMENT_GROUPS, group("web", NAMESPACE), field_manager="bench")
    seconds = []
    async with asyncio.timeout(LIMIT_SECONDS), aclosing(watch(kube, JOBS, namespace=NAMESPACE)) as events:
        jobs = (event async for event in events if event.type is WatchEventType.ADDED)
        await anext(jobs)
        for change in range(1, changes + 1):
            await asyncio.sleep(2.0)  # until the node has ended the pod of the stale one
            labels = {"metadata": {"labels": {VERSION: str(change)}}}
            began = time.monotonic()
            await kube.patch(CONFIG_MAPS, "web", labels, namespace=NAMESPACE)
            await anext(jobs)
            seconds.append(time.monotonic() - began)
    return seconds


async def memory(kube: KubeClient, environ: dict[str, str], names: list[tuple[str, str]]) -> tuple[float, float]:
    """MiB and CPU seconds of a controller that was started with these groups there, when it has looked at them all."""
    for namespace in {namespace for _, namespace in names}:
        await kube.apply(NAMESPACES, {"metadata": {"name": namespace}}, field_manager="bench")
    for name, namespace in names:
        # Opted in, so that it is watched, and without a version, so that nothing is launched.
        await kube.apply(CONFIG_MAPS, trigger(name, namespace, **{OPT_IN: "true"}), field_manager="bench")
        await kube.apply(EXPERIMENT_GROUPS, group(name, namespace), field_manager="bench")
    with running(environ) as process:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not await all_looked_at(kube):  # noqa: ASYNC110  - nothing tells
                await asyncio.sleep(0.5)
        await asyncio.sleep(10.0)
        cpu = process.cpu_times()
        return process.memory_info().rss / 2**20, cpu.user + cpu.system


async def all_looked_at(kube: KubeClient) -> bool:
    """Whether every group has a status."""
    return all(each.get("status") for each in (await kube.list(EXPERIMENT_GROUPS, namespace=NAMESPACE)).items)


async def remove(kube: KubeClient) -> None:
    """Remove every group."""
    for each in (await kube.list(EXPERIMENT_GROUPS, namespace=NAMESPACE)).items:
        await kube.delete(EXPERIMENT_GROUPS, each["metadata"]["name"], namespace=NAMESPACE)


async def measure(kubeconfig: Path, changes: int, groups: int) -> None:
    """Measure and print."""
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    environ["PATH"] = f"{kubeconfig.parent / 'bin'}{os.pathsep}{environ['PATH']}"
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        await prepare(kube)
        with running(environ):
            seconds = await latencies(kube, changes)
        await remove(kube)
        print(f"version change to new Job, stale release uninstalled first, Helm included; {os.cpu_count()} cores")
        print("| changes | min, s | median, s | max, s |")
        print("|---|---|---|---|")
        print(f"| {changes} | {min(seconds):.2f} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |")
        print()
        print("| groups | namespaces | RSS, MiB | CPU until all are looked at, s |")
        print("|---|---|---|---|")
        cases = (
            [("one", NAMESPACE)],
            [(f"trigger-{number}", NAMESPACE) for number in range(groups)],
            [(f"trigger-{number}", f"bench-{number}") for number in range(groups)],
        )
        for names in cases:
            resident, cpu = await memory(kube, environ, names)
            await remove(kube)
            print(f"| {len(names)} | {len({where for _, where in names})} | {resident:.0f} | {cpu:.1f} |", flush=True)


def main() -> None:
    """Bring a cluster up and measure on it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--groups", type=int, default=500)
    options = parser.parse_args()
    with local_cluster() as status:
        asyncio.run(measure(Path(status["kubeconfig"]), options.changes, options.groups))


if __name__ == "__main__":
    main()

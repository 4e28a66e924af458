"""What autox takes on a real node, from the image as users run it, beside the same charts on a process node.

    python -m benchmarks.bench_real_node [--changes 10]

For each runtime a cluster of its own, the chart as it is, one experiment of HTTP load for each new version. Times are
from the moment the new version label is sent to what a list every 20 ms shows: the Job, and the moment the runner's pod
runs. Memory (the working set) and CPU are the kubelet's own figures (cAdvisor) of the containers, helm included. Needs
root, and `make image` before. Takes about six minutes.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import DEPLOYMENTS, EXPERIMENTS, JOBS, PODS
from benchmarks.local_cluster import autox, state_directory

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "build" / "image" / "autox.tar"
LIMIT_SECONDS = 120.0
RESTARTS = 3
LOAD: dict[str, Any] = {"url": "http://httpbin.default/get", "qps": 50, "duration": "5s"}
GROUP: dict[str, Any] = {
    "trigger": {"group": "apps", "version": "v1", "resource": "deployments", "namespace": "default", "name": "httpbin"},
    "specs": {
        "load": {
            "name": "experiment",
            "values": {
                "tasks": ["http", "assess"],
                "http": LOAD,
                "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
            },
        }
    },
}
METRIC = re.compile(r'^(container_\w+)\{[^}]*container="(\w+)"[^}]*pod="([^"]*)"[^}]*\} (\S+)', re.MULTILINE)


@dataclass(slots=True)
class Figures:
    """What was measured on one runtime, in seconds and MiB."""

    ready: list[float] = field(default_factory=list)
    job: list[float] = field(default_factory=list)
    pod: list[float] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    controller_idle: float = 0.0
    controller_peak: float = 0.0
    controller_cpu: float = 0.0
    runner_peak: float = 0.0
    runner_cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and the commands on it."""

    environ: dict[str, str]

    def run(self, *argv: str) -> str:
        """Run kubectl or helm on it."""
        done = subprocess.run(argv, env=self.environ, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        return done.stdout


@contextmanager
def cluster(runtime: str) -> Iterator[Cluster]:
    """A cluster of that runtime with the app and autox on it."""
    with state_directory() as environ:
        # NB: a kubelet looks at its containers every ten seconds, and a runner is gone by then.
        autox(environ, "up", "--runtime", runtime, "--set", "kubelet.flags.housekeeping-interval=1s")
        status = json.loads(autox(environ, "status", "-o", "json"))
        programs = Path(status["kubeconfig"]).parent / "bin"
        path = f"{programs}{os.pathsep}{environ['PATH']}"
        made = Cluster({**environ, "KUBECONFIG": status["kubeconfig"], "PATH": path})
        app = (ROOT / "examples/httpbin/httpbin.yaml").read_text()
        if runtime == "containerd":
            name = autox(environ, "load", str(ARCHIVE)).strip()
            app = app.replace("image: python:3", f"image: {name}")
        apply = ("kubectl", "apply", "-f", "-")
        subprocess.run(apply, env=made.environ, input=app, text=True, check=True, stdout=subprocess.DEVNULL)
        made.run("kubectl", "rollout", "status", "deployment/httpbin", "--timeout=60s")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as values:
            json.dump({"groups": {"httpbin": GROUP}}, values)
            values.flush()
            made.run("helm", "install", "autox", "charts/autox", "-f", values.name)
        made.run("kubectl", "rollout", "status", "deployment/autox", "--timeout=60s")
        yield made


async def until(look: Callable[[], Awaitable[bool]], *, seconds: float = LIMIT_SECONDS) -> float:
    """Look every 20 ms; how long it took."""
    began = time.monotonic()
    while not await look():
        if time.monotonic() - began > seconds:
            raise TimeoutError("what must come did not come")
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def measure(on: Cluster, runtime: str, changes: int) -> Figures:
    """Change the version again and again, and see what comes of it."""
    figures = Figures()
    async with KubeClient(from_kubeconfig(Path(on.environ["KUBECONFIG"]))) as kube:
        for _ in range(RESTARTS):
            figures.ready.append(await _restart(kube))
        await asyncio.sleep(15)
        begun = _usage(on, runtime)
        figures.controller_idle = begun.get("controller", (0.0, 0.0))[0]
        for change in range(changes):
            await _change(kube, f"v{change}", figures)
            for name, (memory, cpu) in _usage(on, runtime).items():
                if name == "controller":
                    figures.controller_peak = max(figures.controller_peak, memory)
                    figures.controller_cpu = cpu - begun["controller"][1]
            await _verdict(kube, f"v{change}", figures, on, runtime)
        figures.controller_cpu /= changes
    return figures


async def _restart(kube: KubeClient) -> float:
    """Delete the controller's pod; from the creation of the next one to its being ready, as the node says."""
    selector = "app.kubernetes.io/component=controller"
    (old,) = (await kube.list(PODS, namespace="default", label_selector=selector)).items
    await kube.delete(PODS, old["metadata"]["name"], namespace="default")
    began = 0.0
    ended = 0.0

    async def look() -> bool:
        nonlocal began, ended
        pods = (await kube.list(PODS, namespace="default", label_selector=selector)).items
        for pod in pods:
            if pod["metadata"]["uid"] == old["metadata"]["uid"]:
                continue
            began = began or time.monotonic()
            conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
            if conditions.get("Ready") == "True":
                ended = ended or time.monotonic()
        # NB: the next one may be ready before the old one has ended.
        return bool(ended) and len(pods) == 1

    await until(look)
    return ended - began


async def _change(kube: KubeClient, version: str, figures: Figures) -> None:
    labels = {"app.kubernetes.io/version": version, "iter8.tools/autox": "true"}
    known = {each["metadata"]["name"] for each in (await kube.list_metadata(JOBS, namespace="default")).items}
    began = time.monotonic()
    await kube.patch(DEPLOYMENTS, "httpbin", {"metadata": {"labels": labels}}, namespace="default")

    async def has_job() -> bool:
        jobs = (await kube.list_metadata(JOBS, namespace="default")).items
        return any(each["metadata"]["name"] not in known for each in jobs)

    async def has_pod() -> bool:
        pods = (await kube.list(PODS, namespace="default", label_selector="batch.kubernetes.io/job-name")).items
        return any(
            pod["status"]["phase"] == "Running" and pod["metadata"]["labels"]["job-name"] not in known for pod in pods
        )

    await until(has_job)
    figures.job.append(time.monotonic() - began)
    await until(has_pod)
    figures.pod.append(time.monotonic() - began)


async def _verdict(kube: KubeClient, version: str, figures: Figures, on: Cluster, runtime: str) -> None:
    async def has_verdict() -> bool:
        for name, (memory, cpu) in _usage(on, runtime).items():
            if name == "experiment":
                figures.runner_peak = max(figures.runner_peak, memory)
                figures.runner_cpu = max(figures.runner_cpu, cpu)
        for each in (await kube.list(EXPERIMENTS, namespace="default")).items:
            status = each.get("status", {})
            if each["spec"]["version"] == version and status.get("verdict") and status.get("phase") == "Completed":
                figures.verdicts[status["verdict"]] = figures.verdicts.get(status["verdict"], 0) + 1
                return True
        await asyncio.sleep(0.5)
        return False

    await until(has_verdict)


def _usage(on: Cluster, runtime: str) -> dict[str, tuple[float, float]]:
    """Memory in MiB (the working set) and CPU seconds of each container, by its name; of one name the busiest."""
    if runtime != "containerd":
        return {}
    node = on.run("kubectl", "get", "nodes", "-o", "name").strip().removeprefix("node/")
    text = on.run("kubectl", "get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics/cadvisor")
    found: dict[str, tuple[float, float]] = {}
    pods: dict[tuple[str, str], dict[str, float]] = {}
    for metric, container, pod, value in METRIC.findall(text):
        pods.setdefault((container, pod), {})[metric] = float(value)
    for (container, _), values in pods.items():
        memory = values.get("container_memory_working_set_bytes", 0.0) / 2**20
        cpu = values.get("container_cpu_usage_seconds_total", 0.0)
        found[container] = max(found.get(container, (0.0, 0.0)), (memory, cpu), key=lambda pair: pair[1])
    return found


def row(name: str, values: Sequence[str]) -> str:
    """A row of the table."""
    return f"| {name} | {' | '.join(values)} |"


def spread(values: Sequence[float]) -> str:
    """Median, and least to most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--changes", type=int, default=10, help="new versions on each [%(default)s]")
    arguments = parser.parse_args()
    if not ARCHIVE.exists():
        sys.exit(f"error: there is no {ARCHIVE}: run `make image` first")
    found = {}
    for runtime in ("containerd", "process"):
        with cluster(runtime) as on:
            found[runtime] = asyncio.run(measure(on, runtime, arguments.changes))
    real, process = found["containerd"], found["process"]
    print(f"image: {ARCHIVE.stat().st_size / 1e6:.1f} MB compressed; {arguments.changes} version changes on each\n")
    print(row("", ["containerd node", "process node"]))
    print("|---|---|---|")
    print(row("controller's pod made to ready, s", [spread(real.ready), spread(process.ready)]))
    print(row("version change to Job created, s", [spread(real.job), spread(process.job)]))
    print(row("version change to runner running, s", [spread(real.pod), spread(process.pod)]))
    print(row("verdicts", [json.dumps(real.verdicts), json.dumps(process.verdicts)]))
    print(row("controller at rest, MiB", [f"{real.controller_idle:.0f}", ""]))
    print(row("controller at most, helm included, MiB", [f"{real.controller_peak:.0f}", ""]))
    print(row("controller's CPU for each version, s", [f"{real.controller_cpu:.2f}", ""]))
    print(row("runner at most, MiB", [f"{real.runner_peak:.0f}", ""]))
    print(row("runner's CPU, s", [f"{real.runner_cpu:.2f}", ""]))


if __name__ == "__main__":
    main()

"""What our Kubernetes client costs beside the official one: CPU time for each GET, LIST, PATCH and watch event.

    python -m benchmarks.bench_kube_client                      # brings a cluster up for itself
    python -m benchmarks.bench_kube_client --kubeconfig FILE    # uses a cluster that is there

Every client runs in a process of its own against the same API server with the same 1,000 pods, the clients taking
turns in each round; the best round counts. CPU time is user and system time of the client's process alone, one request
at a time. The pods are deleted afterwards. Takes about a minute.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import Any

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.kube.watch import watch
from autox.kube.watch_store import WatchEventType
from autox.model.refs import NAMESPACES, PODS
from benchmarks.local_cluster import local_cluster

NAMESPACE = "bench-kube-client"
PODS_LISTED = 1000
GETS, LISTS, PATCHES, EVENTS = 200, 3, 100, 200
ROUNDS = 2
CLIENTS = ("autox", "kubernetes", "kubernetes.aio")
COLUMNS = {"get": "GET µs", "list": "LIST 1,000 ms", "patch": "PATCH µs", "event": "event µs", "rss": "RSS MiB"}


def pod(number: int) -> Object:
    """A pod of the size that real ones have."""
    env = [{"name": f"SETTING_{n}", "value": f"a value of the usual length {n}"} for n in range(12)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5}
    container = {
        "name": "main",
        "image": "registry.example/team/service:1.2.3",
        "env": env,
        "ports": [{"containerPort": 8080}],
        "readinessProbe": probe,
        "livenessProbe": probe,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    labels = {"app.kubernetes.io/name": "service", "app.kubernetes.io/version": "1.2.3", "number": str(number)}
    return {
        "metadata": {"name": f"pod-{number}", "namespace": NAMESPACE, "labels": labels},
        "spec": {"containers": [container]},
    }


async def cpu_of(times: int, call: Callable[[int], Awaitable[Any]]) -> float:
    """CPU seconds for each call."""
    await call(0)
    began = time.process_time()
    for number in range(times):
        await call(number)
    return (time.process_time() - began) / times


def report(**seconds: float) -> None:
    """Tell the parent process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(seconds | {"rss": peak}), flush=True)


def ready_to_watch() -> float:
    """Tell the parent that changes may begin; returns the CPU time so far."""
    print("ready", flush=True)
    return time.process_time()


def change(number: int) -> Object:
    """What a patch changes."""
    return {"metadata": {"annotations": {"changed": str(number)}}}


async def measure_autox(kubeconfig: Path) -> None:
    """Our client."""
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        get = await cpu_of(GETS, lambda n: kube.get(PODS, f"pod-{n}", namespace=NAMESPACE))
        listing = await cpu_of(LISTS, lambda _: kube.list(PODS, namespace=NAMESPACE))
        patch = await cpu_of(
            PATCHES, lambda n: kube.patch(PODS, f"pod-{n}", change(time.time_ns()), namespace=NAMESPACE)
        )
        seen, began = 0, 0.0
        async with aclosing(watch(kube, PODS, namespace=NAMESPACE)) as events:
            async for event in events:
                if event.type is WatchEventType.SYNCED:
                    began = ready_to_watch()
                elif began:
                    seen += 1
                    if seen == EVENTS:
                        break
        report(get=get, list=listing, patch=patch, event=(time.process_time() - began) / EVENTS)


async def measure_official(kubeconfig: Path) -> None:
    """The official client, synchronous."""
    from kubernetes import client, config  # noqa: PLC0415  - only the process that measures it pays for it
    from kubernetes import watch as official_watch  # noqa: PLC0415

    config.load_kube_config(str(kubeconfig))
    api = client.CoreV1Api()

    async def at_once(call: Callable[[], Any]) -> None:
        call()

    get = await cpu_of(GETS, lambda n: at_once(lambda: api.read_namespaced_pod(f"pod-{n}", NAMESPACE)))
    listing = await cpu_of(LISTS, lambda _: at_once(lambda: api.list_namespaced_pod(NAMESPACE)))
    patch = await cpu_of(
        PATCHES,
        lambda n: at_once(lambda: api.patch_namespaced_pod(f"pod-{n}", NAMESPACE, change(time.time_ns()))),
    )
    version = api.list_namespaced_pod(NAMESPACE).metadata.resource_version
    began = ready_to_watch()
    events = official_watch.Watch().stream(api.list_namespaced_pod, NAMESPACE, resource_version=version)
    for _ in islice(events, EVENTS):
        pass
    report(get=get, list=listing, patch=patch, event=(time.process_time() - began) / EVENTS)


async def measure_official_aio(kubeconfig: Path) -> None:
    """The official client, asynchronous."""
    from kubernetes.aio import client, config  # noqa: PLC0415  - only the process that measures it pays for it
    from kubernetes.aio import watch as official_watch  # noqa: PLC0415

    await config.load_kube_config(str(kubeconfig))
    async with client.ApiClient() as connection:
        api = client.CoreV1Api(connection)
        get = await cpu_of(GETS, lambda n: api.read_namespaced_pod(f"pod-{n}", NAMESPACE))
        listing = await cpu_of(LISTS, lambda _: api.list_namespaced_pod(NAMESPACE))
        patch = await cpu_of(PATCHES, lambda n: api.patch_namespaced_pod(f"pod-{n}", NAMESPACE, change(time.time_ns())))
        version = (await api.list_namespaced_pod(NAMESPACE)).metadata.resource_version
        began, seen = ready_to_watch(), 0
        async with official_watch.Watch() as watching:
            async for _ in watching.stream(api.list_namespaced_pod, NAMESPACE, resource_version=version):
                seen += 1
                if seen == EVENTS:
                    break
        report(get=get, list=listing, patch=patch, event=(time.process_time() - began) / EVENTS)


MEASURES = {"autox": measure_autox, "kubernetes": measure_official, "kubernetes.aio": measure_official_aio}


async def one_round(kube: KubeClient, name: str, kubeconfig: Path) -> dict[str, float]:
    """One client's figures, measured in a process of its own while this one makes the events."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, "--measure", name, "--kubeconfig", str(kubeconfig),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            answers = child.stdout or asyncio.StreamReader()
            while (line := await answers.readline()).strip() != b"ready":
                if not line:
                    raise SystemExit(f"{name} did not run")
            for number in range(EVENTS):
                await kube.patch(PODS, f"pod-{number}", change(time.time_ns()), namespace=NAMESPACE)
            figures: dict[str, float] = json.loads(await answers.readline())
            await child.wait()
            return figures
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def compare(kubeconfig: Path) -> None:
    """Prepare, measure in turns, print, clean up."""
    best: dict[str, dict[str, float]] = {}
    async with KubeClient(from_kubeconfig(kubeconfig)) as kube:
        await kube.apply(NAMESPACES, {"metadata": {"name": NAMESPACE}}, field_manager="bench")
        try:
            sizes = await asyncio.gather(*(kube.apply(PODS, pod(n), field_manager="bench") for n in range(PODS_LISTED)))
            print(f"{PODS_LISTED} pods of {len(json.dumps(sizes[0])):,} bytes on {kube.server}")
            for _ in range(ROUNDS):
                for name in CLIENTS:
                    figures = await one_round(kube, name, kubeconfig)
                    old = best.setdefault(name, figures)
                    best[name] = {key: min(value, old[key]) for key, value in figures.items()}
        finally:
            await asyncio.gather(
                *(kube.delete(PODS, f"pod-{n}", namespace=NAMESPACE, grace_seconds=0) for n in range(PODS_LISTED)),
                return_exceptions=True,
            )
            await kube.delete(NAMESPACES, NAMESPACE)
    print("| CPU for each | " + " | ".join(COLUMNS.values()) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    scales = {"get": 1e6, "list": 1e3, "patch": 1e6, "event": 1e6, "rss": 1.0}
    for name, figures in best.items():
        print(f"| {name} | " + " | ".join(f"{figures[key] * scales[key]:.0f}" for key in COLUMNS) + " |")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", type=Path, help="the cluster to use; otherwise one is started")
    parser.add_argument("--measure", choices=CLIENTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        asyncio.run(MEASURES[arguments.measure](arguments.kubeconfig))
    elif arguments.kubeconfig:
        asyncio.run(compare(arguments.kubeconfig))
    else:
        with local_cluster("--nodes", "0") as status:
            asyncio.run(compare(Path(status["kubeconfig"])))


if __name__ == "__main__":
    main()

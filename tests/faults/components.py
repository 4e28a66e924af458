"""What befalls a whole control plane while it is loaded, or this whole process: slow, full, dead or stopped parts."""

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psutil

from autox.cluster.plan import CLIENT_BURST, CLIENT_QPS
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.errors import AutoxError
from autox.model.refs import CONFIG_MAPS
from autox.model.result import SLO, Bound
from autox.model.verdict import Verdict
from autox.model.workload import ObjectGroup, ObjectKind, Steady, Step, WorkloadPlan
from tests.clusters import LocalCluster, run
from tests.faults import slowdisk
from tests.faults.admissions import slow_webhook
from tests.faults.planting import Fault, Planting, as_user, bound

Act = Callable[[Planting], Awaitable[None]]


def stop(component: str, *, at: str = "creating", seconds: float | None = None) -> Act:
    """A component that stands still, from a line of progress on: for so long, or until the run is over."""

    async def plant(planting: Planting) -> None:
        await planting.line(at)
        await asyncio.sleep(0.5)
        pid = planting.cluster.pids()[component]
        os.kill(pid, signal.SIGSTOP)
        if seconds is None:
            await planting.line("cleaning up")
        else:
            await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    return plant


def told(component: str, **flags: str) -> Act:
    """A component that is started with other flags."""

    async def plant(planting: Planting) -> None:
        names = {name.replace("_", "-"): value for name, value in flags.items()}
        await asyncio.to_thread(planting.cluster.up, *settings(component, names))
        # NB: a cluster remembers what it was once told, so that `up` alone would leave it so.
        before = settings(component, {name: BEFORE.get(name, "") for name in names})
        planting.stack.push_async_callback(asyncio.to_thread, planting.cluster.up, *before)

    return plant


def settings(component: str, flags: Mapping[str, str]) -> list[str]:
    """How ``cluster up`` is told."""
    return [f"--set={component}.flags.{name}={value}" for name, value in flags.items()]


def slowed(component: str, *, qps: int) -> Act:
    """A component that may make so many requests a second."""
    return told(component, kube_api_qps=str(qps), kube_api_burst=str(qps))


def throttled(component: str, *, share: float) -> Act:
    """A component that has so much of a processor, while pods are created."""

    async def plant(planting: Planting) -> None:
        await planting.creating()
        with on_a_share(planting.cluster.pids()[component], share=share):
            await planting.line("cleaning up")

    return plant


@contextmanager
def on_a_share(pid: int, *, share: float) -> Iterator[None]:
    """Let a process run a share of the time only; by a thread, which this process may keep busy for a while."""
    is_over = Event()

    def turns() -> None:
        while not is_over.wait(PERIOD * share):
            os.kill(pid, signal.SIGSTOP)
            is_over.wait(PERIOD * (1 - share))
            os.kill(pid, signal.SIGCONT)

    thread = Thread(target=turns)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def killed(component: str) -> Act:
    """A component that is killed in mid-run, and there again some seconds later."""

    async def plant(planting: Planting) -> None:
        await planting.creating()
        await asyncio.sleep(1.0)
        os.kill(planting.cluster.pids()[component], signal.SIGKILL)
        assert not any("pods running" in line for line in planting.said), f"the {component} was killed too late"
        await asyncio.sleep(3.0)
        await asyncio.to_thread(planting.cluster.up)

    return plant


def slow_disk(*, seconds: float) -> Act:
    """An etcd whose disk takes so long for each thing that it makes safe."""

    async def plant(planting: Planting) -> None:
        etcd = Path(psutil.Process(planting.cluster.pids()["etcd"]).exe())
        program = planting.directory / "etcd"
        slowly = shlex.join([sys.executable, slowdisk.__file__, str(seconds), str(etcd)])
        program.write_text(f'#!/bin/sh\ncase $1 in --version) exec {etcd} "$@" ;; esac\nexec {slowly} "$@"\n')
        program.chmod(0o755)
        await from_directory(planting, planting.directory)
        planting.stack.push_async_callback(from_directory, planting, etcd.parent)

    return plant


async def from_directory(planting: Planting, programs: Path) -> None:
    """Bring the cluster up with programs of this directory."""
    environ = {**planting.cluster.environ, "AUTOX_BINARIES": str(programs)}
    done = await asyncio.to_thread(run, *planting.cluster.command("up"), environ=environ)
    assert done.code == 0, done.err


def small(planting: Planting) -> LocalCluster:
    """A cluster of the fault's own, since an etcd that was full is not easily made to forget it."""
    return LocalCluster(name="small", state=planting.directory)


async def small_etcd(planting: Planting) -> None:
    """That cluster, with an etcd that may hold 32 MiB."""
    cluster = small(planting)
    planting.stack.push_async_callback(asyncio.to_thread, cluster.down)
    await asyncio.to_thread(cluster.up, "--nodes=0", *settings("etcd", {"quota-backend-bytes": str(32 << 20)}))


async def fill(planting: Planting) -> None:
    """Others take all that it may hold, in mid-run."""
    await planting.creating()
    data = {"blob": "x" * 1_000_000}
    async with KubeClient(from_kubeconfig(small(planting).home.kubeconfig)) as kube:

        async def one(index: int) -> None:
            meta = {"name": f"hoard-{index}", "namespace": "default"}
            with suppress(AutoxError):
                await kube.create(CONFIG_MAPS, {"metadata": meta, "data": data})

        await asyncio.gather(*map(one, range(64)))


async def few_seats(planting: Planting) -> None:
    """An API server that takes five requests and five changes at a time, and a user whom it makes wait like others.

    On a machine that is quick ten are enough for any load of ours, so that somebody has to keep seats for long.
    """
    await told("apiServer", max_requests_inflight="5", max_mutating_requests_inflight="5")(planting)
    await planting.apply(
        bound(ORDINARY, role="cluster-admin"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOARD}}
    )
    hook = await planting.stack.enter_async_context(
        slow_webhook(planting.directory, planting.run, "configmaps", seconds=SEATED)
    )
    hook["webhooks"][0]["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": HOARD}}
    await planting.apply(hook)


async def take_seats(planting: Planting) -> None:
    """Other programs of the same user ask for as much as they can, while pods are created, and each takes a second."""
    await planting.creating()
    async with KubeClient(from_kubeconfig(planting.directory / "kubeconfig")) as kube:

        async def ask_again() -> None:
            while True:
                with suppress(AutoxError):
                    await kube.create(CONFIG_MAPS, {"metadata": {"generateName": "hoard-", "namespace": HOARD}})

        asking = [asyncio.create_task(ask_again()) for _ in range(SEATS)]
        try:
            await planting.line("pods running")
            await asyncio.sleep(ENOUGH)
        finally:
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


async def blinded(planting: Planting) -> None:
    """A user who may do everything with objects, and read nothing else."""
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": BLIND}, "rules": [rule]}
    await planting.apply(role, bound(BLIND, role=BLIND))


def without_metrics(planting: Planting) -> Path:
    """A kubeconfig of a user who may do everything but read the metrics."""
    return as_user(planting, BLIND)


async def stand_still(planting: Planting) -> None:
    """This process, and with it the nodes and the watcher, does nothing for three seconds."""
    await planting.creating()
    time.sleep(3.0)  # noqa: ASYNC251  - that is the fault


HOARD, SEATS, SEATED, ENOUGH = "hoard", 40, 1.0, 15.0
"""A namespace of others, how many requests of theirs there are at a time, how long each takes, and all of them."""

BLIND = "blind-user"
ORDINARY = "ordinary-user"

BEFORE = {"kube-api-qps": CLIENT_QPS, "kube-api-burst": CLIENT_BURST}
"""What the flags of a cluster are without a fault; others have no value of ours."""

PERIOD = 0.1  # seconds

WITHOUT_PODS = WorkloadPlan(
    steps=(Step(name="data", objects=(ObjectGroup(kind=ObjectKind.CONFIG_MAP, count=15),), rate=Steady(qps=1.0)),)
)
WATCHES = ClientGroup(name="watches", verb=Verb.WATCH, resource="configmaps", clients=50, own_account=True)
PATCHES = ClientGroup(
    name="patches", verb=Verb.PATCH, resource="configmaps", clients=5, rate=10.0, objects=20, size=20_000
)

ALONE = (
    Fault(
        name="scheduler dead in mid-run",
        truth="some pods are never scheduled; those before had a good rate",
        words="never bound to a node: the scheduler has said nothing about them",
        meanwhile=stop("scheduler"),
    ),
    Fault(
        name="this process stands still",
        truth="our own nodes and watcher did nothing for three seconds",
        verdicts=(Verdict.INVALID,),
        words="must not be believed",
        meanwhile=stand_still,
    ),
    Fault(
        name="controller manager dead",
        is_quick=False,
        truth="nobody makes pods of the Deployments",
        words="Deployments, does the controller manager run?",
        meanwhile=stop("controllerManager"),
    ),
    Fault(
        name="controller manager at 2 qps",
        is_quick=False,
        truth="pods come at less than 2 a second where 30 are asked for, and all of them run at last",
        words="controller manager gave way first: the API server was quick, and pods still came slowly; its requests",
        before=slowed("controllerManager", qps=2),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="scheduler at 5 qps",
        is_quick=False,
        truth="every pod comes and runs, and 5 a second are scheduled where 10 are wanted",
        words="the scheduler gave way first",
        before=slowed("scheduler", qps=5),
        slos=(SLO(metric="density/scheduling-throughput", bound=Bound.LOWER, limit=10),),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="API server stands still",
        is_quick=False,
        truth="nothing happens for 15 seconds in mid-run",
        words="came late",
        meanwhile=stop("apiServer", seconds=15.0),
        inputs={"timeout": 120.0},
    ),
    Fault(
        name="etcd stands still",
        is_quick=False,
        truth="nothing happens for 15 seconds in mid-run",
        words="came late",
        meanwhile=stop("etcd", seconds=15.0),
        inputs={"timeout": 120.0},
    ),
    Fault(
        name="API server on a fifth of a processor",
        is_quick=False,
        truth="everything waits for the API server, which has no more than a fifth of a processor",
        words="the API server gave way first",
        meanwhile=throttled("apiServer", share=0.2),
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=250),),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="clients alone on a fifth of a processor",
        is_quick=False,
        truth="no pod is asked for, and fifty watches are told of patches by an API server without a processor",
        words="for those before them were not answered … the API server gave way first",
        meanwhile=throttled("apiServer", share=0.2),
        inputs={"plan": WITHOUT_PODS, "clients": (WATCHES, PATCHES), "timeout": 90.0},
    ),
    Fault(
        name="slow disk",
        is_quick=False,
        truth="each write of etcd takes 300 ms to be safe",
        words="etcd gave way first",
        before=slow_disk(seconds=0.3),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="etcd full",
        is_quick=False,
        truth="others fill etcd's 32 MiB in mid-run, and nothing can be written any more",
        verdicts=(Verdict.FAIL, Verdict.ERROR),
        words="database space exceeded",
        before=small_etcd,
        meanwhile=fill,
        kubeconfig=lambda planting: small(planting).home.kubeconfig,
        inputs={"pods": 60, "rate": 2.0, "timeout": 60.0},
    ),
    Fault(
        name="five requests at once",
        is_quick=False,
        truth="the API server takes ten requests at a time, others of the user keep some, and ours wait in its queues",
        words="API priority and fairness gave way first",
        before=few_seats,
        meanwhile=take_seats,
        kubeconfig=lambda planting: as_user(planting, ORDINARY),
        slos=(SLO(metric="density/pod-startup-latency-p99", bound=Bound.UPPER, limit=1000),),
        inputs={"nodes": 2, "pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    *(
        Fault(
            name=f"{component} killed",
            is_quick=False,
            truth=f"the {component} is killed in mid-run, and there again three seconds later",
            words=f"{part} gave way first",
            meanwhile=killed(component),
            slos=(SLO(metric="density/pod-startup-latency-p99", bound=Bound.UPPER, limit=2000),),
            inputs={"pods": 60, "rate": 10.0, "timeout": 60.0},
        )
        for component, part in (("apiServer", "the API server"), ("scheduler", "the scheduler"), ("etcd", "etcd"))
    ),
    Fault(
        name="metrics refused",
        is_quick=False,
        truth="the API server does not tell this user how long calls took",
        verdicts=(Verdict.NO_DATA,),
        words="/metrics",
        before=blinded,
        kubeconfig=without_metrics,
    ),
    Fault(
        name="too many pods for the nodes",
        is_quick=False,
        truth="one node has room for 110 pods, and 120 are asked for",
        verdicts=(Verdict.ERROR,),
        words="have room for",
        inputs={"pods": 120, "rate": 60.0},
    ),
)
"""They befall the whole cluster, or this whole process: one after another."""

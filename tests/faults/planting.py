"""A run of ``density`` with something planted in its way, by the runner that experiments have, on a real control plane.

The SLO that a user gives is one that the fault does not touch (API latency of up to a minute), so that whatever else
is said is said of autox's own accord.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.density import DensityInputs
from autox.model.result import SLO, Bound, ExperimentResult, Subject
from autox.model.tasks import AssessInputs, TaskSpec
from autox.model.verdict import Verdict
from autox.tasks.density.labels import run_label
from autox.tasks.loop import Plan
from autox.tasks.runner import run
from tests.clusters import LocalCluster
from tests.faults.table import Row

UNTOUCHED = (SLO(metric="density/api-call-latency-p99", bound=Bound.UPPER, limit=60_000),)
SMALL: Mapping[str, Any] = {"nodes": 1, "pods": 12, "pods_per_deployment": 3, "rate": 4.0, "timeout": 8.0}

_AT_ONCE = 3
_ATTEMPTS = 2


@dataclass(slots=True, kw_only=True)
class Planting:
    """What a fault is planted with.

    Attributes:
        cluster: under test.
        kube: its administrator.
        run: the label value of everything that the run makes.
        stack: what is to be taken away again is pushed here.
        directory: for files.
        said: the run's lines of progress.
    """

    cluster: LocalCluster
    kube: KubeClient
    run: str
    stack: AsyncExitStack
    directory: Path
    said: list[str] = field(default_factory=list)

    async def namespace(self) -> str:
        """The run's namespace, as soon as it is there."""
        line = await self.line("in namespace")
        return line.rpartition(" ")[2]

    async def creating(self) -> str:
        """The run's namespace, when its pods begin to be created."""
        await self.line("creating")
        return await self.namespace()

    async def line(self, text: str) -> str:
        """The first line of progress with a text in it."""
        while True:
            if found := next((line for line in self.said if text in line), ""):
                return found
            await asyncio.sleep(0.02)

    async def apply(self, *objects: Object) -> None:
        """Apply objects, and delete those without a namespace when the run is over."""
        await asyncio.to_thread(self.cluster.apply, *objects)
        for each in objects:
            if "namespace" not in each["metadata"]:
                self.stack.push_async_callback(self.kubectl, "delete", each["kind"], each["metadata"]["name"])

    async def kubectl(self, *argv: str) -> str:
        """Run kubectl."""
        return await asyncio.to_thread(self.cluster.kubectl, *argv)


async def nothing(planting: Planting) -> None:
    """Plant nothing."""
    del planting


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that keeps a load from being what it claims to be.

    Attributes:
        name: what is planted; also the experiment's.
        truth: what is really the case.
        verdicts: what may be said.
        words: what must stand in the verdict's sentence; what is between its parts, at an ellipsis, may be anything.
        before: done before the run begins.
        meanwhile: done while it runs.
        is_quick: it is part of the suite.
        inputs: what differs from ``SMALL``.
        slos: the user's.
        kubeconfig: makes another identity than the administrator; None for a local cluster by its name, all parts of
            which can be asked.
    """

    name: str
    truth: str
    verdicts: tuple[Verdict, ...] = (Verdict.FAIL,)
    words: str
    before: Callable[[Planting], Awaitable[None]] = nothing
    meanwhile: Callable[[Planting], Awaitable[None]] = nothing
    is_quick: bool = True
    inputs: Mapping[str, Any] = field(default_factory=dict)
    slos: tuple[SLO, ...] = UNTOUCHED
    kubeconfig: Callable[[Planting], Path] | None = None


def bound(user: str, *, role: str) -> Object:
    """What gives a user a ClusterRole."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def as_user(planting: Planting, user: str) -> Path:
    """A kubeconfig of the administrator as another user."""
    config = yaml.safe_load(planting.cluster.home.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": user}
    path = planting.directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


class _NoRecord:
    """Keeps nothing: the result is handed over when the loop has ended."""

    async def progress(self, result: ExperimentResult) -> None:
        """Forget it."""

    async def finish(self, result: ExperimentResult) -> None:
        """Forget it."""


async def side_by_side(faults: Iterable[Fault], cluster: LocalCluster, directory: Path) -> list[Row]:
    """Those that befall one namespace each, so many at a time that a small machine keeps their rates."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(fault: Fault) -> Row:
        async with places:
            return await planted(fault, cluster, directory)

    return list(await asyncio.gather(*map(one, faults)))


async def planted(fault: Fault, cluster: LocalCluster, directory: Path) -> Row:
    """Run it, and hold what was said against the truth; again if this machine was too busy for any verdict.

    Where it stays too busy, ``Invalid`` is right, and the notes have to say what the sentence would.
    """
    for attempt in range(_ATTEMPTS):
        result = await _result(fault, cluster, directory / str(attempt))
        verdict = result.verdict or Verdict.ERROR
        if verdict is not Verdict.INVALID or verdict in fault.verdicts:
            break
    notes = "; ".join(note.text for task in result.tasks for note in task.notes)
    is_too_busy = verdict is Verdict.INVALID
    said = f"{result.message}; {notes}" if is_too_busy else result.message
    trouble = ""
    if verdict not in fault.verdicts and not is_too_busy:
        trouble = f"this is no {' and no '.join(fault.verdicts)}"
    elif not _says(said, fault.words) and not (is_too_busy and fault.verdicts == (Verdict.PASS,)):
        trouble = f"the sentence does not say {fault.words!r}; the notes are: {notes}"
    return Row(fault=fault.name, truth=fault.truth, verdict=verdict, sentence=result.message, trouble=trouble)


def _says(said: str, words: str) -> bool:
    return re.search(".*".join(map(re.escape, words.split(" … "))), said) is not None


async def _result(fault: Fault, cluster: LocalCluster, directory: Path) -> ExperimentResult:
    name = fault.name.replace(" ", "-")
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(KubeClient(from_kubeconfig(cluster.home.kubeconfig)))
        planting = Planting(
            cluster=cluster, kube=kube, run=run_label("faults", name), stack=stack, directory=directory / name
        )
        planting.directory.mkdir(parents=True)
        await fault.before(planting)
        where = {"kubeconfig": fault.kubeconfig(planting)} if fault.kubeconfig else {"cluster": cluster.name}
        inputs = DensityInputs(**{**where, **SMALL, **fault.inputs})
        plan = Plan(
            specs=(
                TaskSpec(name="density", inputs=inputs, shown={}),
                TaskSpec(name="assess", inputs=AssessInputs(slos=fault.slos), shown={}),
            ),
            subject=Subject(namespace="faults", experiment=name),
            environ=cluster.environ,
            say=planting.said.append,
        )
        meanwhile = asyncio.create_task(_meanwhile(fault, planting))
        try:
            ended = await run(plan, _NoRecord(), stop=asyncio.Event())
        finally:
            meanwhile.cancel()
            [failure] = await asyncio.gather(meanwhile, return_exceptions=True)
        if isinstance(failure, Exception):
            raise failure  # what could not be planted proves nothing
        return ended.result


async def _meanwhile(fault: Fault, planting: Planting) -> None:
    await fault.meanwhile(planting)

"""One trial of a search for failure points: a load test of its own, watched for signs that something breaks, judged.

Each has its own namespace and nodes, and all of it is gone before the next begins. Keeping the nodes was rejected: what
one trial did to them (leases that came late, pods that did not go) would be in the figures of the next.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from autox.core.experiments.assessing import assess, judge
from autox.core.loads.failurepoint import Trial
from autox.core.loads.workloads import expand, plan_of, pods
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError, ConfigurationError, NotFoundError
from autox.model.failurepoint import FailurePoint
from autox.model.refs import NODES
from autox.model.result import TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext
from autox.tasks.density.cancellation import uninterrupted
from autox.tasks.density.cleanup import heartbeat
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.loadtest import LoadTest
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.search import hardsigns
from autox.tasks.density.search.hardsigns import HardSigns

_LOOK = 1.0  # seconds between two looks
_ENOUGH = 2.0  # seconds within which a write is answered
_NODES = 15  # looks between two at the nodes

LoadTestMaker = Callable[[DensityInputs, TaskContext, RunLabels], LoadTest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A trial that was made.

    Attributes:
        trial: what came of it.
        findings: its figures; None where it was ended, or failed.
        left: what of it is still there, in words; empty if nothing is.
        error: that it failed with; None if it did not.
    """

    trial: Trial
    findings: Findings | None = None
    left: str = ""
    error: AutoxError | None = None


async def perform(
    kube: KubeClient,
    make: LoadTestMaker,
    inputs: DensityInputs,
    context: TaskContext,
    run_labels: RunLabels,
    *,
    point: FailurePoint,
    load: float,
) -> Made:
    """Make one trial, and clean up after it.

    Args:
        kube: of the cluster under test.
        make: makes the load test.
        inputs: of this trial.
        context: of this trial: what it says and tells.
        run_labels: of this trial.
        point: the search that it is for.
        load: that it is about.

    Raises:
        ConfigurationError: no trial makes sense.
    """
    began = time.monotonic()
    test = make(inputs, context, run_labels)
    findings, error, hard = None, None, ""
    try:
        findings, hard = await _watched(kube, test, inputs, run_labels)
    except ConfigurationError:
        raise
    except AutoxError as failed:
        error, hard = failed, HardSigns(nodes=1, pods=1, gap=0.0).wrote(failed.message) or f"errors: {failed.message}"
    trial = Trial(load=load, hard=hard, told=hard, objects=objects(inputs), seconds=time.monotonic() - began)
    if findings is not None:
        trial = judged(trial, findings, point)
    return Made(trial=trial, findings=findings, left=test.left, error=error)


def objects(inputs: DensityInputs) -> int:
    """How many pods and nodes a load test makes."""
    return inputs.nodes_made + pods(plan_of(inputs), nodes=inputs.nodes) + inputs.latency_pods


def judged(trial: Trial, findings: Findings, point: FailurePoint) -> Trial:
    """The trial with what its figures say, by the same judgement as any run's.

    Args:
        trial: that was made.
        findings: its figures.
        point: the search, with the SLOs that a load must hold.
    """
    metrics = {metric.name: metric for metric in findings.metrics}
    result = TaskResult(
        task="density",
        state=TaskState.DONE,
        message=findings.message,
        metrics=findings.metrics,
        invalid=findings.invalid,
        notes=findings.notes,
        demands=findings.demands,
        unless=findings.unless,
        fruitless=findings.fruitless,
    )
    judgement = judge((result,), assess(point.slos, metrics))
    verdict, told = judgement.verdict, judgement.message
    if verdict is Verdict.INVALID:
        return replace(trial, spoilt=findings.invalid, told=findings.invalid)
    if hard := hardsigns.afterwards(metrics):
        return replace(trial, hard=hard, told=hard)
    if verdict is Verdict.NO_DATA:
        return replace(trial, spoilt=told, told=told)
    return replace(trial, held=verdict is Verdict.PASS, told=findings.message if verdict is Verdict.PASS else told)


async def _watched(
    kube: KubeClient, test: LoadTest, inputs: DensityInputs, run_labels: RunLabels
) -> tuple[Findings | None, str]:
    """The figures, or in words why the trial was ended at once."""
    running = asyncio.create_task(test.to_its_end())
    watching = asyncio.create_task(_broken(kube, test, inputs, run_labels))
    try:
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result(), ""
        return None, watching.result()
    finally:
        await uninterrupted(_end(running, watching))


async def _end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these and wait: a load test that is cancelled cleans up before it ends."""
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _broken(kube: KubeClient, test: LoadTest, inputs: DensityInputs, run_labels: RunLabels) -> str:
    """In words what is broken, as soon as something is."""
    plan = plan_of(inputs)
    due = sorted(each.at for each in expand(plan, nodes=inputs.nodes))
    gap = max((later - one for one, later in pairwise(due)), default=0.0)
    wanted = pods(plan, nodes=inputs.nodes) + inputs.latency_pods
    signs = HardSigns(nodes=inputs.nodes, pods=wanted, gap=gap)
    looks = 0
    while True:
        await asyncio.sleep(_LOOK)
        looks += 1
        found = signs.wrote(await _write(kube, run_labels))
        if not found and test.is_loading:
            found = signs.start(test.started, at=time.monotonic())
        if not found and not looks % _NODES:
            found = signs.lost(await _lost(kube, run_labels))
        if found:
            return found


async def _write(kube: KubeClient, run_labels: RunLabels) -> str:
    """Write something that is stored; in words why that failed, empty if it did not."""
    try:
        async with asyncio.timeout(_ENOUGH):
            await heartbeat.renew(kube, run_labels, ServerClock())
    except NotFoundError:
        return ""  # it is not there yet, or somebody else took the namespace away, which the figures tell
    except TimeoutError:
        return f"{kube.server} did not answer a write within {_ENOUGH:g} s"
    except AutoxError as error:
        return error.message
    return ""


async def _lost(kube: KubeClient, run_labels: RunLabels) -> int:
    """Of how many nodes the node controller hears nothing any more; 0 if nobody can say."""
    try:
        async with asyncio.timeout(_NODES):
            nodes = (await kube.list(NODES, label_selector=run_labels.node_query)).items
    except (AutoxError, TimeoutError):
        return 0
    conditions = [each for node in nodes for each in (node.get("status") or {}).get("conditions") or ()]
    return sum(each.get("type") == "Ready" and each.get("status") == "Unknown" for each in conditions)

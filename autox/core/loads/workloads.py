"""Which objects a workload plan has, in order, and when each is due.

Open loop, as all loads of autox: an object is due when its rate says, and not when the one before is done. The one
exception is declared: a step with ``parallel`` has no times, and what follows it is as much later as it takes.
Every time is worked out from the beginning of its step, so that nothing adds up to a drift. A Poisson process is drawn
by Python's own generator, of which ``random()`` is the same for a seed in all versions.

The short form (pods, their number in each Deployment, pods a second) is a plan of one step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log1p
from random import Random

from autox.model.density import DensityInputs
from autox.model.workload import (
    ByPods,
    ObjectGroup,
    ObjectKind,
    Parallel,
    Poisson,
    Rate,
    Stair,
    Stairs,
    Steady,
    Step,
    WorkloadPlan,
)

LATENCY_RATE = 5.0
"""Latency pods a second, as ClusterLoader2's load test has them."""

LATENCY = "latency-"
"""What the names of their Deployments begin with."""

INDEX = "{index}"
WITH_REPLICAS = frozenset({ObjectKind.DEPLOYMENT, ObjectKind.STATEFUL_SET, ObjectKind.JOB})
WITH_DATA = frozenset({ObjectKind.CONFIG_MAP, ObjectKind.SECRET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An object to create.

    Attributes:
        at: seconds after the first; of a step with ``parallel``, at the earliest.
        step: the number of its step, from 0.
        requests: how many of its step may be under way at once; 0 for any number.
        group: what it is one of.
        index: its number in there, from 0.
        name: its name.
        namespace: the number of its namespace, from 0.
        pods: how many pods come of it.
        selects: of a Service, the name of what it selects the pods of.
    """

    at: float
    step: int = 0
    requests: int = 0
    group: ObjectGroup
    index: int = 0
    name: str
    namespace: int = 0
    pods: int
    selects: str = ""


def plan_of(inputs: DensityInputs) -> WorkloadPlan:
    """The plan that a run was given, or that its short form stands for."""
    if inputs.plan is not None:
        return inputs.plan
    whole, rest = divmod(inputs.pods, inputs.pods_per_deployment)
    kind = ObjectKind.DEPLOYMENT
    groups = (
        ObjectGroup(kind=kind, name=f"load-{INDEX}", count=whole, replicas=inputs.pods_per_deployment),
        ObjectGroup(kind=kind, name=f"load-{whole}", count=min(rest, 1), replicas=rest),
    )
    return WorkloadPlan(steps=(Step(name="load", objects=groups, rate=ByPods(pods=inputs.rate)),))


def latency_plan(pods: int) -> WorkloadPlan:
    """So many latency pods, each with a Deployment of its own."""
    group = ObjectGroup(kind=ObjectKind.DEPLOYMENT, name=f"{LATENCY}{INDEX}", count=pods)
    return WorkloadPlan(steps=(Step(name="latency", objects=(group,), rate=Steady(qps=LATENCY_RATE)),))


def expand(plan: WorkloadPlan, *, nodes: int) -> Iterator[Planned]:
    """All objects in order.

    Args:
        plan: of the run.
        nodes: how many nodes the run has: so many pods come of a DaemonSet.
    """
    selected = ""
    for number, (step, (begin, moments)) in enumerate(zip(plan.steps, _steps(plan, nodes=nodes), strict=True)):
        requests = step.rate.requests if isinstance(step.rate, Parallel) else 0
        members = ((group, index) for group in step.objects for index in range(group.count))
        for (group, index), moment in zip(members, moments, strict=False):
            if group.kind is ObjectKind.DEPLOYMENT:
                selected = _pattern(group, step=step.name)
            yield Planned(
                at=begin + moment,
                step=number,
                requests=requests,
                group=group,
                index=index,
                name=filled(_pattern(group, step=step.name), index),
                namespace=index % plan.namespaces,
                pods=pods_of(group, nodes=nodes),
                selects=filled(group.selects or selected, index) if group.kind is ObjectKind.SERVICE else "",
            )


def seconds(plan: WorkloadPlan, *, nodes: int) -> float:
    """How long the load takes: to the end of the last step, with the time that its last object has."""
    return max(begin + moments[-1] for begin, moments in _steps(plan, nodes=nodes))


def last_due(plan: WorkloadPlan, *, nodes: int) -> float:
    """When the last object is due."""
    return max(begin + moments[-2] for begin, moments in _steps(plan, nodes=nodes) if len(moments) > 1)


def pods_of(group: ObjectGroup, *, nodes: int) -> int:
    """How many pods come of each object of a group."""
    if group.kind is ObjectKind.DAEMON_SET:
        return nodes
    return group.replicas if group.kind in WITH_REPLICAS else 0


def groups(plan: WorkloadPlan) -> Iterator[ObjectGroup]:
    """The groups of all steps, in order."""
    for step in plan.steps:
        yield from step.objects


def pods(plan: WorkloadPlan, *, nodes: int) -> int:
    """How many pods come of a plan."""
    return sum(group.count * pods_of(group, nodes=nodes) for group in groups(plan))


def filled(text: str, index: int) -> str:
    """A text of a plan, as it is for the object of a number."""
    return text.replace(INDEX, str(index))


def _pattern(group: ObjectGroup, *, step: str) -> str:
    """What the objects of a group are called."""
    return group.name or f"{step}-{group.kind.lower()}-{INDEX}"


def _steps(plan: WorkloadPlan, *, nodes: int) -> Iterator[tuple[float, list[float]]]:
    """When each step begins; when each of its objects is due after that, and at last when one more would be."""
    begin = 0.0
    for step in plan.steps:
        weights = [max(1, pods_of(group, nodes=nodes)) for group in step.objects for _ in range(group.count)]
        moments = list(_due(step.rate, weights))
        yield begin, moments
        begin += moments[-1] + step.pause


def _due(rate: Rate, weights: Sequence[int]) -> Iterator[float]:
    numbers = range(len(weights) + 1)
    match rate:
        case Steady(qps=qps):
            return (number / qps for number in numbers)
        case ByPods(pods=each):
            return (before / each for before in accumulate(weights, initial=0))
        case Poisson(qps=qps, seed=seed):
            draw = Random(seed).random  # noqa: S311  - a load, no secret
            return accumulate((-log1p(-draw()) / qps for _ in weights), initial=0.0)
        case Stairs(steps=stairs):
            return (_climbed(stairs, number) for number in numbers)
        case Parallel():
            return (0.0 for _ in numbers)


def _climbed(stairs: Sequence[Stair], number: float) -> float:
    """When the object of a number is due."""
    begin, left = 0.0, number
    for stair in stairs[:-1]:
        if left < stair.qps * stair.duration:
            return begin + left / stair.qps
        begin, left = begin + stair.duration, left - stair.qps * stair.duration
    return begin + left / stairs[-1].qps

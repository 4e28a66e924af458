"""How much task ``density`` puts on a control plane at the most, said once: for schemas, documents, the task itself.

What was measured or agreed on: one process served 10,000 virtual nodes (docs/benchmarks.md), and several agents that
many each; SIG Scalability's envelope
is 110 pods a node and 150,000 pods in a cluster. And what etcd holds with its default quota of 2 GiB: beyond it nobody
can write any more, and nothing be removed, so that such a load would leave a cluster behind which is no use.
What an object takes there is an estimate, of what 48,000 pods on 1,500 nodes took (602 MB, compacted every five
minutes): their Events, and the revisions that are kept until then, included.
"""

from collections.abc import Iterator
from math import isfinite

from autox.api.tasks.density.churnlimits import churn_flaws, least_seconds
from autox.api.tasks.density.clientlimits import client_flaws, kept
from autox.api.tasks.density.wording import (
    AND_LATENCY_PODS,
    NO_ROOM,
    OF_A_PLAN,
    OF_PODS,
    TOO_LARGE,
    TOO_LATE,
    TOO_MANY,
    TOO_MANY_AGENTS,
    TOO_MANY_NODES,
)
from autox.core.loads.workloads import LATENCY, LATENCY_RATE, WITH_DATA, expand, groups, last_due, plan_of, pods
from autox.model.density import DensityInputs
from autox.model.workload import ObjectKind

MOST_NODES_OF_AN_AGENT = 10_000
MOST_AGENTS = 5
MOST_NODES = MOST_AGENTS * MOST_NODES_OF_AN_AGENT
MOST_PODS = 150_000
MOST_LATENCY_PODS = 5_000
PODS_A_NODE = 110
MOST_OBJECTS = 200_000
MOST_NAMESPACES = 1_000
MOST_STEPS = 100
MOST_CYCLES = 1_000
MOST_PARALLEL = 1_000
MOST_BYTES_OF_DATA = 1024**2
"""In one ConfigMap or Secret: what Kubernetes takes."""

MOST_BYTES = 2 * 1024**3
"""In etcd: its default quota."""

PROBE = "watch-probe"
"""The ConfigMap by which a run measures how long news takes."""

_LONGEST_NAME = 52
"""Pods of StatefulSets and Jobs have labels of this and some more, of 63 characters at most."""

POD_BYTES = 12_500
NODE_BYTES = 10_000
OBJECT_BYTES = 2_000
"""What one of each takes in etcd, beside its data."""


def flaw(inputs: DensityInputs) -> str:
    """What of the inputs makes no sense, or is more than may be asked for, in words; empty if nothing does."""
    return next(_flaws(inputs), "")


def stored(inputs: DensityInputs) -> int:
    """How many bytes the load takes in etcd, as far as can be said: data as it is, and for the rest an estimate."""
    plan = plan_of(inputs)
    every = pods(plan, nodes=inputs.nodes) + inputs.latency_pods
    objects = sum(group.count for group in groups(plan)) + inputs.latency_pods
    data = sum(group.count * group.size for group in groups(plan) if group.kind in WITH_DATA)
    patches = kept(inputs.clients, seconds=inputs.timeout)
    return data + every * POD_BYTES + objects * OBJECT_BYTES + inputs.nodes * NODE_BYTES + patches


def _flaws(inputs: DensityInputs) -> Iterator[str]:
    yield from _numbers(inputs)
    yield from _node_flaws(inputs)
    yield from client_flaws(inputs.clients)
    plan = plan_of(inputs)
    every, objects = pods(plan, nodes=inputs.nodes), sum(group.count for group in groups(plan))
    if every > MOST_PODS:
        yield TOO_MANY.format(what="pods", found=f"{every:,}", most=f"{MOST_PODS:,}")
    if objects > MOST_OBJECTS:
        yield TOO_MANY.format(what="objects", found=f"{objects:,}", most=f"{MOST_OBJECTS:,}")
    room = inputs.nodes * PODS_A_NODE
    if every + inputs.latency_pods > room:
        asked = f"{every + inputs.latency_pods:,}"
        yield NO_ROOM.format(nodes=f"{inputs.nodes:,}", room=f"{room:,}", pods=asked)
    if (takes := stored(inputs)) > MOST_BYTES:
        yield TOO_LARGE.format(takes=f"{takes / 1024**3:.1f}", most=f"{MOST_BYTES / 1024**3:g}")
    yield from _names(inputs)
    yield from churn_flaws(inputs, pods=every + inputs.latency_pods, room_of_a_node=PODS_A_NODE)
    churning = least_seconds(inputs.churn) if inputs.churn else 0.0
    last = churning + last_due(plan, nodes=inputs.nodes) + inputs.latency_pods / LATENCY_RATE
    if last >= inputs.timeout:
        more = AND_LATENCY_PODS.format(pods=f"{inputs.latency_pods:,}") if inputs.latency_pods else ""
        yield TOO_LATE.format(load=_load(inputs), more=more, last=f"{last:.4g}", timeout=f"{inputs.timeout:g}")


def _node_flaws(inputs: DensityInputs) -> Iterator[str]:
    """What of the nodes makes no sense, and of what is done with those that others keep."""
    nodes, agents, churn = inputs.nodes, inputs.agents, inputs.churn
    if inputs.node_selector is None:
        if nodes > (room := MOST_NODES_OF_AN_AGENT * max(agents, 1)):
            more = -(-nodes // MOST_NODES_OF_AN_AGENT)
            yield TOO_MANY_NODES.format(nodes=f"{nodes:,}", room=f"{room:,}", more=more)
        if agents > nodes:
            yield TOO_MANY_AGENTS.format(agents=agents, nodes=f"{nodes:,}")
        return
    if agents:
        yield "agents stands without nodeSelector: nodes that are there already have agents of their own"
    if churn is not None and churn.of.is_of_nodes:
        yield (
            f"churn: of {churn.of} stands without nodeSelector: a run deletes and drains no nodes that it did not make"
        )


def _load(inputs: DensityInputs) -> str:
    """The load in words."""
    if inputs.plan is not None:
        return OF_A_PLAN
    return OF_PODS.format(pods=f"{inputs.pods:,}", rate=f"{inputs.rate:g}")


def _names(inputs: DensityInputs) -> Iterator[str]:
    """Whether the objects of a plan can be told apart, and found."""
    if inputs.plan is None:
        return
    places: dict[str, int] = {}
    seen: set[tuple[ObjectKind, str]] = set()
    for each in expand(inputs.plan, nodes=1):
        kind, name = each.group.kind, each.name
        if len(name) > _LONGEST_NAME or name.endswith("-"):
            yield f"plan: {kind} {name}: a name has at most {_LONGEST_NAME} characters and ends with none of '-'"
        if name.startswith(LATENCY) or name == PROBE:
            yield f"plan: {kind} {name}: must have another name, autox has objects of this one itself"
        if kind is ObjectKind.SERVICE and places.get(each.selects) != each.namespace:
            what = each.selects or "pods"
            yield f"plan: Service {name}: there is no {what} before it, in its namespace, to select the pods of"
        if (kind, name) in seen:
            yield f"plan: {kind} {name}: there are two of it; a name of several needs {{index}}, and no two groups one"
        seen.add((kind, name))
        if each.pods:
            places[name] = each.namespace


def _numbers(inputs: DensityInputs) -> Iterator[str]:
    whole = {
        "nodes": (inputs.nodes, 1, MOST_NODES),
        "pods": (inputs.pods, 1, MOST_PODS),
        "pods per Deployment": (inputs.pods_per_deployment, 1, MOST_PODS),
        "latency pods": (inputs.latency_pods, 0, MOST_LATENCY_PODS),
        "agents": (inputs.agents, 0, MOST_AGENTS),
    }
    for name, (value, least, most) in whole.items():
        if not least <= value <= most:
            yield f"{name} is {value}, and must be {least} to {most:,}"
    for name, amount in (("rate", inputs.rate), ("timeout", inputs.timeout)):
        if not (isfinite(amount) and amount > 0):
            yield f"{name} is {amount}, and must be a number above 0"

"""What a load test would do, without doing it: its objects, their bytes and digest, the writes to expect. Pure.

The digest is sha256 over the objects in order, each as canonical JSON on a line of its own, with the labels and names
that every run has for itself left out: two runs with one digest had the same objects.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from autox.api.tasks.density.limits import stored
from autox.core.loads.churning import created_again, namespaces_taken, taken
from autox.core.loads.workloads import Planned, expand, last_due, latency_plan, plan_of
from autox.model.density import DensityInputs
from autox.model.workload import Churned, ObjectKind
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import body

_NOBODY = RunLabels(run="run", namespace="namespace")
_ENDPOINTS_IN_A_SLICE = 100
_OF_A_NAMESPACE = 3  # itself, its service account, the cluster's certificates
_BESIDE = {
    ObjectKind.DEPLOYMENT: 1,  # its ReplicaSet
    ObjectKind.STATEFUL_SET: 1,  # its ControllerRevision
    ObjectKind.DAEMON_SET: 1,
    ObjectKind.SERVICE: 2,  # its address, its Endpoints
}
_OF_A_NODE = 2  # itself, its lease
_OF_A_DRAIN = 2  # cordoned, uncordoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """Writes that a control plane has to make at the least.

    Creations are those of namespaces (with the service account and the certificates that controllers put into each),
    nodes and their leases, objects, and what controllers make of them: pods, a ReplicaSet for each Deployment, a
    ControllerRevision for each StatefulSet and DaemonSet, and for each Service its IPAddress, its Endpoints and an
    EndpointSlice for each hundred pods. Every pod is bound once. It is updated once, when its node says that it runs,
    and twice more where it is of a Job: it has succeeded, and its controller lets go of it. In the end all that was
    created is deleted, a pod in two writes: it is told to end, and then it has. The status that controllers keep of
    their objects, Events, and renewals of leases come on top. What churn makes counts as what it is made of; a node
    has as many pods as an even spread puts on it, and is updated twice where it is drained.
    """

    creations: int
    bindings: int
    updates: int
    deletions: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.creations + self.bindings + self.updates + self.deletions


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a load test would do.

    Attributes:
        nodes: how many virtual nodes.
        namespaces: how many namespaces.
        objects: how many of each kind, the latency pods' Deployments among them.
        pods: how many come of them.
        size: bytes of all objects, as they are sent.
        stored: bytes in etcd, by an estimate.
        writes: to expect.
        seconds: until the last object is due, if the latency pods come at once.
        answered: objects of steps with limited parallelism, whose time comes on top of that.
        digest: of the objects.
    """

    nodes: int
    namespaces: int
    objects: Mapping[str, int]
    pods: int
    size: int
    stored: int
    writes: Writes
    seconds: float
    answered: int
    digest: str


def forecast(inputs: DensityInputs) -> Forecast:
    """What the load of these inputs, which are within the limits, would be."""
    plan, digest, size = plan_of(inputs), sha256(), 0
    objects, pods = Counter[ObjectKind](), Counter[ObjectKind]()
    answered = 0
    for planned in _objects(inputs):
        kind = planned.group.kind
        line = json.dumps(
            body(planned, _NOBODY, place=f"namespace-{planned.namespace}"), sort_keys=True, separators=(",", ":")
        ).encode()
        digest.update(line + b"\n")
        size += len(line)
        objects[kind] += 1
        pods[kind] += planned.pods
        answered += planned.requests > 0
    latency = last_due(latency_plan(inputs.latency_pods), nodes=0) if inputs.latency_pods else 0.0
    return Forecast(
        nodes=inputs.nodes,
        namespaces=plan.namespaces,
        objects={kind: objects[kind] for kind in ObjectKind if objects[kind]},
        pods=pods.total(),
        size=size,
        stored=stored(inputs),
        writes=_writes(inputs),
        seconds=last_due(plan, nodes=inputs.nodes) + latency,
        answered=answered,
        digest=digest.hexdigest(),
    )


def _writes(inputs: DensityInputs) -> Writes:
    """What the load, and its churn, makes a control plane write."""
    plan, churn = list(expand(plan_of(inputs), nodes=inputs.nodes)), inputs.churn
    namespaces, nodes, drained = plan_of(inputs).namespaces, inputs.nodes_made, 0
    made, displaced = list(_objects(inputs)), 0
    if churn is not None:
        made += chain.from_iterable(created_again(plan, churn, namespaces=namespaces))
    if churn is not None and churn.of is Churned.NAMESPACES:
        namespaces += sum(map(len, namespaces_taken(churn, namespaces=namespaces)))
    if churn is not None and churn.of.is_of_nodes:
        gone = sum(map(len, taken(range(inputs.nodes), churn)))
        is_drain = churn.of is Churned.DRAINED_NODES
        stay = {ObjectKind.JOB, *([ObjectKind.DAEMON_SET] if is_drain else [])}
        coming = sum(each.pods for each in _objects(inputs) if each.group.kind not in stay)
        displaced, nodes, drained = coming * gone // inputs.nodes, nodes + gone * (not is_drain), gone * is_drain
    pods_of = {each.name: each.pods for each in made}
    pods = sum(each.pods for each in made) + displaced
    of_jobs = sum(each.pods for each in made if each.group.kind is ObjectKind.JOB)
    slices = sum(-(-pods_of.get(each.selects, 0) // _ENDPOINTS_IN_A_SLICE) for each in made)
    objects = sum(1 + _BESIDE.get(each.group.kind, 0) for each in made) + slices
    creations = _OF_A_NAMESPACE * namespaces + _OF_A_NODE * nodes + objects + pods
    return Writes(
        creations=creations,
        bindings=pods,
        updates=pods + 2 * of_jobs + _OF_A_DRAIN * drained,
        deletions=creations + pods,
    )


def _objects(inputs: DensityInputs) -> Iterator[Planned]:
    yield from expand(plan_of(inputs), nodes=inputs.nodes)
    yield from expand(latency_plan(inputs.latency_pods), nodes=0)

"""What a load test would do, without doing it: its objects, their bytes and digest, the writes to expect. Pure.

The digest is sha256 over the objects in order, each as canonical JSON on a line of its own, with the labels and names
that every run has for itself left out: two runs with one digest had the same objects.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from autox.api.tasks.density.limits import stored
from autox.core.workloads import Planned, churn_cycles, expand, last_due, latency_plan, plan_of
from autox.model.density import DensityInputs
from autox.model.workload import ObjectKind
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import body

_NOBODY = RunLabels(run="run", namespace="namespace")
_ENDPOINTS_IN_A_SLICE = 100
_OF_A_NAMESPACE = 3  # itself, its service account, the cluster's certificates
_OF_A_SERVICE = 2  # its address, its Endpoints
_OF_A_NODE = 2  # itself, its lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """Writes that a control plane has to make at the least.

    Creations are those of namespaces (with the service account and the certificates that controllers put into each),
    nodes and their leases, objects, and what controllers make of them: pods, a ReplicaSet for each Deployment, a
    ControllerRevision for each StatefulSet and DaemonSet, and for each Service its IPAddress, its Endpoints and an
    EndpointSlice for each hundred pods. Every pod is bound once. It is updated once, when its node says that it runs,
    and twice more where it is of a Job: it has succeeded, and its controller lets go of it. In the end all that was
    created is deleted, a pod in two writes: it is told to end, and then it has. The status that controllers keep of
    their objects, Events, and renewals of leases come on top. What churn makes counts as what it is made of.
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
    slices = answered = 0
    pods_of: dict[str, int] = {}
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
        pods_of[planned.name] = planned.pods
        slices += -(-pods_of.get(planned.selects, 0) // _ENDPOINTS_IN_A_SLICE)
    again = [each for cycle in _churned(inputs) for each in cycle]
    every = pods.total() + sum(each.pods for each in again)
    revisions = objects[ObjectKind.STATEFUL_SET] + objects[ObjectKind.DAEMON_SET]
    made = (
        objects.total()
        + objects[ObjectKind.DEPLOYMENT]
        + revisions
        + _OF_A_SERVICE * objects[ObjectKind.SERVICE]
        + slices
    )
    made += 2 * len(again)
    creations = _OF_A_NAMESPACE * plan.namespaces + _OF_A_NODE * inputs.nodes + made + every
    latency = last_due(latency_plan(inputs.latency_pods), nodes=0) if inputs.latency_pods else 0.0
    return Forecast(
        nodes=inputs.nodes,
        namespaces=plan.namespaces,
        objects={kind: objects[kind] for kind in ObjectKind if objects[kind]},
        pods=pods.total(),
        size=size,
        stored=stored(inputs),
        writes=Writes(
            creations=creations,
            bindings=every,
            updates=every + 2 * pods[ObjectKind.JOB],
            deletions=creations + every,
        ),
        seconds=last_due(plan, nodes=inputs.nodes) + latency,
        answered=answered,
        digest=digest.hexdigest(),
    )


def _churned(inputs: DensityInputs) -> Iterator[list[Planned]]:
    if inputs.churn is not None:
        yield from churn_cycles(list(expand(plan_of(inputs), nodes=inputs.nodes)), inputs.churn)


def _objects(inputs: DensityInputs) -> Iterator[Planned]:
    yield from expand(plan_of(inputs), nodes=inputs.nodes)
    yield from expand(latency_plan(inputs.latency_pods), nodes=0)

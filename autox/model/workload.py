"""What a load test of a control plane creates, and how fast: declared, before any object is made of it. Frozen.

``autox.core.loads.workloads`` says which objects that is and when each is due.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ObjectKind(StrEnum):
    """The kinds of objects that a plan may have."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    JOB = "Job"
    DAEMON_SET = "DaemonSet"
    SERVICE = "Service"
    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105  - a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectGroup:
    """Objects of one kind.

    Attributes:
        kind: of each.
        count: how many.
        name: of each, with ``{index}``, counted from 0; empty is ``STEP-KIND-{index}``.
        replicas: the pods of each Deployment, StatefulSet or Job.
        size: bytes of data in each ConfigMap or Secret.
        selects: the names of what each Service selects the pods of, with ``{index}``; empty is the Deployments of the
            group of them that stands before it.
        labels: more labels of the objects and of their pods; values may have ``{index}``.
        annotations: likewise.
        template: a part of an object that is merged over ours; texts in it may have ``{index}`` and ``{namespace}``.
    """

    kind: ObjectKind
    count: int = 1
    name: str = ""
    replicas: int = 1
    size: int = 1024
    selects: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """So many objects a second."""

    qps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPods:
    """So many pods a second: each object is due when the pods before it are; one without pods counts as one pod."""

    pods: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """So many objects a second on average, at random: the same moments for the same seed."""

    qps: float
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stair:
    """So many objects a second, for so many seconds."""

    qps: float
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stairs:
    """One rate after another; the last goes on until all objects are due."""

    steps: tuple[Stair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """As fast as the API server answers, with so many requests at once."""

    requests: int


Rate = Steady | ByPods | Poisson | Stairs | Parallel


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Objects that are created one after another.

    Attributes:
        name: of the step.
        objects: in this order.
        rate: how fast.
        pause: seconds until the next step.
    """

    name: str
    objects: tuple[ObjectGroup, ...]
    rate: Rate
    pause: float = 0.0


class Churned(StrEnum):
    """What churn takes away and brings back."""

    DEPLOYMENTS = "deployments"
    NAMESPACES = "namespaces"
    NODES = "nodes"
    DRAINED_NODES = "drained-nodes"

    @property
    def noun(self) -> str:
        """What it is, in a word."""
        return "nodes" if self is Churned.DRAINED_NODES else self.value

    @property
    def is_of_nodes(self) -> bool:
        """Whether pods come again that nobody but their controllers makes."""
        return self in {Churned.NODES, Churned.DRAINED_NODES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """What is taken away and brought back once all pods run.

    Attributes:
        of: what.
        share: of these, in each cycle, above 0 and at most 1; at least one.
        cycles: how often; each takes those that come next.
        pause: seconds between two cycles.
        qps: how many of them a second; of namespaces, how many of the objects that are made in them again.
    """

    of: Churned = Churned.DEPLOYMENTS
    share: float
    cycles: int = 1
    pause: float = 0.0
    qps: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPlan:
    """Everything that is created.

    Attributes:
        steps: one after another.
        namespaces: to which the objects of each group are dealt in turn.
    """

    steps: tuple[Step, ...]
    namespaces: int = 1

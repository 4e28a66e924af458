"""A pod as much of it as a mock node reads, decoded straight from the API server's bytes.

A pod is some 3 kB of JSON, of which a simulated kubelet needs a fraction; decoding just that costs less than half of
decoding it into dictionaries. Every field has a default, because bookmarks and error events have the shape of a pod
without its content, and because an API server leaves out whatever is empty.
"""

from typing import Any

import msgspec

from autox.kube.decoders import ObjectMetadata, Part


class OwnerReference(Part, frozen=True):
    """What a pod belongs to."""

    kind: str = ""
    controller: bool | None = None


class Metadata(ObjectMetadata, frozen=True):
    """The pod's metadata."""

    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: tuple[str, ...] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class Requests(Part, frozen=True):
    """What a container requests, as quantities."""

    cpu: str | None = None
    memory: str | None = None


class Resources(Part, frozen=True):
    """What a container may and wants to use."""

    requests: Requests | None = None


class ExitCodes(Part, frozen=True):
    """On which exit codes a restart rule is to be followed."""

    operator: str = ""
    values: tuple[int, ...] = ()


class Rule(Part, frozen=True):
    """What happens when a container ends with some exit codes."""

    action: str = ""
    exit_codes: ExitCodes | None = None


class Container(Part, frozen=True):
    """A container or init container of the specification."""

    name: str = ""
    image: str = ""
    restart_policy: str | None = None
    restart_policy_rules: tuple[Rule, ...] | None = None
    resources: Resources | None = None


class ReadinessGate(Part, frozen=True):
    """A condition that others set and that the pod must have to be ready."""

    condition_type: str = ""


class Spec(Part, frozen=True):
    """What the pod shall be."""

    node_name: str = ""
    restart_policy: str = "Always"
    host_network: bool = False
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    readiness_gates: tuple[ReadinessGate, ...] | None = None
    active_deadline_seconds: int | None = None
    termination_grace_period_seconds: int | None = None


class Condition(Part, frozen=True):
    """One of the status' conditions."""

    type: str = ""
    status: str = ""
    last_transition_time: str | None = None


class Running(Part, frozen=True):
    """A container runs."""

    started_at: str | None = None


class Waiting(Part, frozen=True):
    """A container waits to be started."""

    reason: str = ""
    message: str | None = None


class Terminated(Part, frozen=True):
    """A container has ended."""

    exit_code: int = 0
    reason: str = ""
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Part, frozen=True):
    """The state of a container; one of the three."""

    running: Running | None = None
    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(Part, frozen=True):
    """What was told of a container."""

    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Status(Part, frozen=True):
    """What was told of the pod."""

    phase: str = "Pending"
    reason: str | None = None
    message: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    start_time: str | None = None
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Part, frozen=True):
    """A pod."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()


def pod_from(obj: dict[str, Any]) -> Pod:
    """The pod in a decoded object.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(obj, Pod)

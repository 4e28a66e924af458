"""What of a Pod decides its life, read once from its JSON into frozen values.

The API server has validated and defaulted every pod that a node sees, so reading is lenient only where the API is:
absent fields. Commands, environment, volumes and probes are not here: they are of no concern to the lifecycle, and
whoever starts a container reads them from the JSON itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from autox.core.pods.restarting import ALWAYS, RestartRule, restarts
from autox.kube.objects import Object
from autox.nodes.timestamps import epoch

TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})
DEFAULT_GRACE_SECONDS = 30.0


class Role(StrEnum):
    """What a container is for within its pod."""

    INIT = "init"  # runs to success before the next one
    SIDECAR = "sidecar"  # an init container that keeps running (restartPolicy Always)
    MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container as the lifecycle sees it.

    Attributes:
        policy: its own restart policy if it has one, else that of its pod.
        rules: its own restart rules, which come before the policy.
        liveness_grace: seconds to stop after a failed liveness probe; None for those of the pod.
        startup_grace: seconds to stop after a failed startup probe; None for those of the pod.
    """

    name: str
    role: Role
    policy: str = ALWAYS
    rules: tuple[RestartRule, ...] = ()
    liveness_grace: float | None = None
    startup_grace: float | None = None

    def restarts(self, exit_code: int) -> bool:
        """Whether it is started again when it ended so; an init container that succeeded never is."""
        if self.role is Role.INIT and exit_code == 0:
            return False
        return restarts(self.policy, self.rules, exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpec:
    """One pod as the lifecycle sees it.

    Attributes:
        grace: ``terminationGracePeriodSeconds``.
        deletion_grace: ``metadata.deletionGracePeriodSeconds``; None while nobody has deleted the pod.
        active_deadline: seconds the pod may be active; None for no limit.
        terminal: the API server says that the pod has Succeeded or Failed; there is no way back.
        finalizers: somebody wants to see how the pod ended before its object goes.
    """

    uid: str
    namespace: str
    name: str
    init: tuple[ContainerSpec, ...] = ()
    main: tuple[ContainerSpec, ...]
    grace: float = DEFAULT_GRACE_SECONDS
    deletion_grace: float | None = None
    active_deadline: float | None = None
    started_at: float | None = None
    terminal: bool = False
    finalizers: bool = False

    @property
    def containers(self) -> tuple[ContainerSpec, ...]:
        """Init containers and sidecars in order, then the main ones."""
        return self.init + self.main

    @property
    def full_name(self) -> str:
        """``web-1_default(0a1b…)``: how the kubelet names a pod in its messages."""
        return f"{self.name}_{self.namespace}({self.uid})"


def read_pod(pod: Object) -> PodSpec:
    """The lifecycle's view of a Pod object."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    policy = spec.get("restartPolicy") or ALWAYS
    deletion_grace = metadata.get("deletionGracePeriodSeconds")
    if deletion_grace is None and metadata.get("deletionTimestamp"):
        deletion_grace = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return PodSpec(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        init=tuple(_init_container(container, policy) for container in _each(spec, "initContainers")),
        main=tuple(_container(container, Role.MAIN, policy) for container in _each(spec, "containers")),
        grace=float(spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)),
        deletion_grace=None if deletion_grace is None else float(deletion_grace),
        active_deadline=_seconds(spec, "activeDeadlineSeconds"),
        started_at=epoch(status["startTime"]) if status.get("startTime") else None,
        terminal=status.get("phase") in TERMINAL_PHASES,
        finalizers=bool(metadata.get("finalizers")),
    )


def _init_container(container: Object, policy: str) -> ContainerSpec:
    role = Role.SIDECAR if container.get("restartPolicy") == ALWAYS else Role.INIT
    return _container(container, role, policy)


def _container(container: Object, role: Role, policy: str) -> ContainerSpec:
    liveness, startup = container.get("livenessProbe") or {}, container.get("startupProbe") or {}
    return ContainerSpec(
        name=container["name"],
        role=role,
        policy=container.get("restartPolicy") or policy,
        rules=tuple(map(_rule, _each(container, "restartPolicyRules"))),
        liveness_grace=_seconds(liveness, "terminationGracePeriodSeconds"),
        startup_grace=_seconds(startup, "terminationGracePeriodSeconds"),
    )


def _rule(rule: Object) -> RestartRule:
    codes = rule.get("exitCodes") or {}
    return RestartRule(rule["action"], codes.get("operator") or "", frozenset(codes.get("values") or ()))


def _each(spec: Object, field: str) -> Iterable[Object]:
    return spec.get(field) or ()


def _seconds(holder: Object, field: str) -> float | None:
    value = holder.get(field)
    return None if value is None else float(value)

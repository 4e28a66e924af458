"""What simulated pods go through, as values: states, and the stages that lead from one to another.

A table of stages is data: ``autox.api.stages`` makes one from a file, ``autox.core.pods.stagetable`` has the standard
one, ``autox.core.pods.stagefaults`` says what is wrong with another, and the mock nodes follow it. A state is what a
Pod object says, so that nothing has to be remembered between two looks at a pod.

Modelled on KWOK's Stage resource (selector, delay with jitter, next), without its templates and expressions: a stage
names a state, and what a kubelet would write for that state is the business of the mock nodes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

RUN_SECONDS = "autox.dev/run-seconds"
FOREVER = math.inf
"""The delay of a stage that is never taken."""

ANY = "*"
"""In a selector: any value will do."""


class State(StrEnum):
    """Where a pod is, in the words of ``kubectl get pods`` where there are any; in the order in which it gets on."""

    PENDING = "Pending"
    """Bound to the node, which has told nothing of it so far."""
    CREATING = "ContainerCreating"
    ERR_IMAGE_PULL = "ErrImagePull"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    STARTING = "Starting"
    """Its containers run and have never been ready since they were started."""
    READY = "Ready"
    UNREADY = "Unready"
    """Its containers run and were ready before."""
    CRASHED = "Crashed"
    """Its containers have ended and will be started again."""
    CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


WAITING = frozenset({State.CREATING, State.ERR_IMAGE_PULL, State.IMAGE_PULL_BACK_OFF})
RUNNING = frozenset({State.STARTING, State.READY, State.UNREADY})
ENDED = frozenset({State.SUCCEEDED, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which pods a stage is for: those that fit everything that is given here.

    Attributes:
        namespaces: the pod's namespace is one of these.
        labels: the pod has these; the value ``*`` fits any.
        annotations: likewise.
        owner_kinds: the pod's controller is of one of these kinds, such as ``Job`` or ``ReplicaSet``.
        node_prefix: the name of the pod's node begins with this.
        restart_policies: the pod's ``restartPolicy`` is one of these.
    """

    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner_kinds: tuple[str, ...] = ()
    node_prefix: str = ""
    restart_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One way from a state to another.

    For each state that can follow, the first stage of the table counts that selects the pod and whose chance is
    drawn; of those, the one is taken that is due first.

    Attributes:
        name: what it is called, in its table and in what random numbers are derived from.
        leaves: the states from which it leads away.
        to: the state it leads to.
        selector: which pods it is for.
        probability: the chance that it counts, 0 to 1; drawn once for each start or readiness flap of a pod.
        probability_annotation: the annotation by which a pod says another chance; empty for none.
        delay: seconds; None for the time that pods run by default.
        delay_annotation: the annotation by which a pod says another delay, a number or ``forever``; empty for none.
        jitter: up to so many seconds more, drawn.
        backs_off: add the crash-loop back-off of the pod's restart count to the delay.
        exit_code: what the containers end with, if they do.
        reason: why: on the way to ``FAILED`` the pod's, to ``CRASHED`` the containers'; empty for
            the usual reason.
        message: what is told with it, or why containers wait.
    """

    name: str
    leaves: tuple[State, ...]
    to: State
    selector: Selector = field(default_factory=Selector)
    probability: float = 1.0
    probability_annotation: str = ""
    delay: float | None = 0.0
    delay_annotation: str = ""
    jitter: float = 0.0
    backs_off: bool = False
    exit_code: int = 0
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoopBackOff:
    """Seconds to wait before a container that ended is started again: the first wait, and the longest.

    For process nodes and for simulated pods alike.
    """

    initial_seconds: float = 10.0
    limit_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A node falls silent again and again: it renews no lease and serves no pods.

    Attributes:
        name: what it is called; random numbers are derived from it.
        node_prefix: it befalls nodes whose name begins with this.
        share: and of those this share, 0 to 1.
        interval: seconds from the start of an outage of a node to the start of its next.
        duration: seconds that each lasts, less than the interval.
    """

    name: str
    node_prefix: str = ""
    share: float = 1.0
    interval: float
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTable:
    """All that simulated nodes and their pods go through.

    Attributes:
        stages: in the order in which they are looked at.
        seed: what all random numbers are derived from; the same seed gives pods of the same names the same fate.
        back_off: how long a container that crashes waits for its next start.
        outages: the first that befalls a node counts.
    """

    stages: tuple[Stage, ...]
    seed: int = 0
    back_off: CrashLoopBackOff = field(default_factory=CrashLoopBackOff)
    outages: tuple[Outage, ...] = ()

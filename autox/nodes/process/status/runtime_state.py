"""What a node has seen of a pod: the attempts of each container, what its probes say, what could not be done.

These values are the whole input of ``lifecycle.decide`` beside the pod itself. A worker builds them anew for each
decision from the records of the runtime; nothing here is ever changed in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

EXIT_LOST = 137
"""What the kubelet reports for a container that it cannot find any more."""

EXIT_START_ERROR = 128
"""What container runtimes report for a command that could not be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAttempt:
    """One start of one container, from its record.

    Attributes:
        number: 0 for the first; what Kubernetes counts as restarts.
        started_at: epoch seconds; None if it never came so far.
        finished_at: epoch seconds; None while it runs, or if nobody saw it end.
        exit_code: None while it runs.
        reason: why it ended, as a status words it: Completed, Error, StartError, ContainerStatusUnknown.
        message: its termination message.
    """

    number: int
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.exit_code is None


class Ailment(StrEnum):
    """Why a running container must be stopped although its pod goes on."""

    LIVENESS = "liveness probe"
    STARTUP = "startup probe"
    POST_START = "postStart hook"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFailure:
    """A container could not be started, and no attempt was used up by it."""

    reason: str
    message: str
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedContainer:
    """One container of a pod as far as the node knows.

    Attributes:
        attempts: oldest first; the last one is what runs or ran.
        hooking: its postStart hook has not ended yet; until then nothing after it starts.
        started: it runs, its postStart hook and its startup probe have succeeded.
        ready: it is started and its readiness probe, if any, succeeds.
        ailment: why it has to be stopped and, where its policy allows, started again.
        stopping: epoch seconds at which a stop that is under way turns to SIGKILL.
        failure: why the next attempt could not be made.
    """

    attempts: tuple[ObservedAttempt, ...] = ()
    hooking: bool = False
    started: bool = False
    ready: bool = False
    ailment: Ailment | None = None
    stopping: float | None = None
    failure: StartFailure | None = None

    @property
    def last(self) -> ObservedAttempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def running(self) -> bool:
        """Whether the newest attempt has not ended."""
        return bool(self.attempts) and self.attempts[-1].running

    @property
    def next_attempt(self) -> int:
        """The number of the next attempt; never one that exists."""
        return self.attempts[-1].number + 1 if self.attempts else 0


class EndReason(StrEnum):
    """Why a pod ends."""

    GONE = "Gone"  # the API server has no such pod any more
    DELETED = "Deleted"
    FINISHED = "Finished"  # nothing is left to run, or its phase is terminal already
    DEADLINE = "DeadlineExceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A pod on its way out; once there is one, there is no way back.

    Attributes:
        deadline: epoch seconds at which whatever still runs is killed; later orders can only bring it forward.
    """

    reason: EndReason
    deadline: float


NEVER_SEEN = ObservedContainer()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeState:
    """One pod as far as the node knows.

    Attributes:
        containers: by name; absent means never started.
        started_at: when the node took the pod on, epoch seconds.
        ending: what an earlier decision concluded, if it did.
        gone: the API server has no such pod any more.
        blocked_until: its volumes could not be set up; nothing starts before.
    """

    containers: Mapping[str, ObservedContainer] = field(default_factory=dict)
    started_at: float
    ending: Ending | None = None
    gone: bool = False
    blocked_until: float | None = None

    def container(self, name: str) -> ObservedContainer:
        """What is known of one container."""
        return self.containers.get(name, NEVER_SEEN)

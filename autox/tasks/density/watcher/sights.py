"""What the watcher reads of a pod, what it makes of that, and the lines in which it tells it. Pure.

Of some three kilobytes of a pod a tenth is decoded, and of that a line of a hundred bytes goes to the process that
makes the load. Every field that is read has a default, for bookmarks are pods without content.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from autox.core.loads.workloads import LATENCY
from autox.kube.decoders import ObjectMetadata, Part
from autox.model.workload import ObjectKind


class OwnerReference(Part, frozen=True):
    """What a pod belongs to."""

    kind: str = ""
    controller: bool | None = None


class Metadata(ObjectMetadata, frozen=True):
    """Of a pod."""

    creation_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class Spec(Part, frozen=True):
    """Where it was bound to."""

    node_name: str = ""


class Condition(Part, frozen=True):
    """One of its status' conditions."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class Status(Part, frozen=True):
    """How it is."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] | None = None


class WatchedPod(Part, frozen=True):
    """A pod, as much of it as is read."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()


class Sight(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A pod as it was at a moment.

    Attributes:
        uid: of the pod.
        at: when it was seen, on the monotonic clock, which all processes of a machine share.
        is_gone: it was deleted; then nothing else is said.
        second: its ``creationTimestamp``, in seconds since 1970.
        node: where it was bound to; empty before.
        is_ready: it runs and is ready; or is of a Job, and has succeeded.
        has_failed: its phase is Failed.
        is_latency: it is one of the latency pods.
        trouble: what it says about itself; empty if nothing.
        kind: of what made it, and of a ReplicaSet Deployment; empty if nobody says so.
    """

    uid: str
    at: float
    is_gone: bool = False
    second: float = 0.0
    node: str = ""
    is_ready: bool = False
    has_failed: bool = False
    is_latency: bool = False
    trouble: str = ""
    kind: str = ""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What the watcher tells at one time.

    Attributes:
        at: the monotonic clock; what it saw until then has been told.
        lag: seconds that it was late with this.
        cpu: seconds of CPU time that it has used.
        sights: what it has seen since the last time, in order.
        is_synced: it has seen all that there was when it began.
        troubles: why the watch was interrupted since the last time, each time.
    """

    at: float
    lag: float
    cpu: float
    sights: list[Sight]
    is_synced: bool
    troubles: list[str]


_DECODER = msgspec.json.Decoder(Told)


def sight(pod: WatchedPod, *, at: float) -> Sight:
    """A pod that is there.

    Args:
        pod: as the API server shows it.
        at: when that came, on the monotonic clock.
    """
    meta, status = pod.metadata, pod.status
    conditions = {each.type: each for each in status.conditions or ()}
    kind, ready = _maker(meta), conditions.get("Ready")
    is_running = status.phase == "Running" and ready is not None and ready.status == "True"
    return Sight(
        uid=meta.uid,
        at=at,
        # NB: one that does not say when it was created is older than any other, and startup infinitely slow.
        second=meta.creation_timestamp.timestamp() if meta.creation_timestamp else 0.0,
        node=pod.spec.node_name,
        is_ready=is_running or (status.phase == "Succeeded" and kind == ObjectKind.JOB),
        has_failed=status.phase == "Failed",
        is_latency=(meta.labels or {}).get("app", "").startswith(LATENCY),
        trouble=_trouble(status, conditions.get("PodScheduled")),
        kind=kind,
    )


def line(told: Told) -> bytes:
    """The line that says it."""
    return msgspec.json.encode(told) + b"\n"


class Lines:
    """Takes the pieces in which lines arrive, and gives what they say."""

    def __init__(self) -> None:
        """Expect the first line."""
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[Told]:
        """What the lines say that this piece completes."""
        *ended, rest = piece.split(b"\n")
        if ended:
            ended[0] = b"".join((*self._pieces, ended[0]))
            self._pieces = []
        if rest:
            self._pieces.append(rest)
        yield from map(_DECODER.decode, ended)


def _maker(meta: Metadata) -> str:
    kind = next((each.kind for each in meta.owner_references or () if each.controller), "")
    return ObjectKind.DEPLOYMENT if kind == "ReplicaSet" else kind


def _trouble(status: Status, scheduled: Condition | None) -> str:
    if scheduled is not None and scheduled.status == "False":
        return scheduled.message or scheduled.reason or ""
    return status.message or status.reason

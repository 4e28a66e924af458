"""What one probe found out, which of a container's three probes it was, and the state that follows. Pure.

From single outcomes to a state it takes so many successes or failures in a row, as the kubelet counts them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from autox.kube.objects import Object


class ProbeKind(StrEnum):
    """The three probes of a container; the value is how Events word it."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"

    @property
    def field(self) -> str:
        """The field of a container that specifies it."""
        return f"{self.value.lower()}Probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOutcome:
    """The result of asking once.

    Attributes:
        ok: the container answered well.
        message: what it said or what went wrong, in words for an Event.
        errored: the probe itself could not be carried out (no such port name, no such command), which says nothing
            about the container and counts towards no threshold.
    """

    ok: bool
    message: str = ""
    errored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """One outcome and what is concluded from it and those before it.

    Attributes:
        kind: which probe it was.
        outcome: what it found.
        healthy: the state after it; None as long as a startup probe has not come to a conclusion.
        changed: whether the state is another one than before.
    """

    kind: ProbeKind
    outcome: ProbeOutcome
    healthy: bool | None
    changed: bool


_INITIAL = {ProbeKind.STARTUP: None, ProbeKind.LIVENESS: True, ProbeKind.READINESS: False}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeThreshold:
    """The state of one probe and the row of equal outcomes that may change it.

    Attributes:
        success: so many successes in a row make it healthy.
        failure: so many failures in a row make it unhealthy.
        healthy: the state; None before a startup probe's first conclusion.
        latest: the latest outcome; None before the first.
        row: how many outcomes in a row were like the latest.
    """

    success: int = 1
    failure: int = 3
    healthy: bool | None
    latest: bool | None = None
    row: int = 0

    def after(self, *, ok: bool) -> "ProbeThreshold":
        """The state after one more outcome."""
        row = self.row + 1 if ok is self.latest else 1
        healthy = ok if row >= (self.success if ok else self.failure) else self.healthy
        return replace(self, healthy=healthy, latest=ok, row=row)


def initial_threshold(kind: ProbeKind, probe: Object, *, ready: bool = False) -> ProbeThreshold:
    """Before the first outcome: alive until shown otherwise, not ready until shown otherwise.

    Args:
        kind: which probe.
        probe: its specification.
        ready: a container that runs on through a restart of its node stays as ready as it was.
    """
    return ProbeThreshold(
        success=probe.get("successThreshold") or 1,
        failure=probe.get("failureThreshold") or 3,
        healthy=ready if kind is ProbeKind.READINESS else _INITIAL[kind],
    )

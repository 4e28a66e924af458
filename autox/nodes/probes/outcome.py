"""What one probe found out, and which of a container's three probes it was."""

from dataclasses import dataclass
from enum import StrEnum


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

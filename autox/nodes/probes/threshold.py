"""From single outcomes to a state: so many successes or failures in a row, as the kubelet counts them. Pure."""

from dataclasses import dataclass, replace

from autox.kube.objects import Object
from autox.nodes.probes.outcome import ProbeKind

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

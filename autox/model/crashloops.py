"""How patient a node is with containers that keep ending; for process nodes and for simulated pods alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoopBackOff:
    """Seconds to wait before a container that ended is started again: the first wait, and the longest."""

    initial_seconds: float = 10.0
    limit_seconds: float = 300.0

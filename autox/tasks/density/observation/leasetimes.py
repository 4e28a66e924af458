"""How late the renewals of the nodes' leases reach the API server, as a watcher sees it. Pure.

A node renews its lease every 10 s. What comes later than 10 s after the renewal before it is late by the rest; a node
is given up after 40 s without. The lateness of a lease that is waiting for its renewal at the end counts as well, so
that one which never came does not go unseen. Before a first renewal was due nothing is known. A node that is taken away
has no lease meanwhile, and begins anew when it is back.
"""

from collections.abc import Container
from math import inf

from autox.kube.decoders import ObjectMetadata, Part

PERIOD = 10.0  # seconds


class LeaseSpec(Part, frozen=True):
    """When its node was last heard of."""

    renew_time: str | None = None


class WatchedLease(Part, frozen=True):
    """A lease, as much of it as is read."""

    metadata: ObjectMetadata = ObjectMetadata()
    spec: LeaseSpec = LeaseSpec()


class LeaseTimes:
    """What a watch of leases has told of a run's nodes."""

    def __init__(self, nodes: Container[str]) -> None:
        """Nothing is known.

        Args:
            nodes: their names, which are those of their leases.
        """
        self._nodes = nodes
        self._renewals: dict[str, tuple[str, float]] = {}
        self._late: list[float] = []
        self._away: set[str] = set()

    def present(self, name: str, renewed: str, *, at: float) -> None:
        """A lease was seen.

        Args:
            name: of the lease.
            renewed: its ``renewTime``, which tells a renewal from another change.
            at: the monotonic clock, in seconds.
        """
        if name not in self._nodes or name in self._away:
            return
        before, since = self._renewals.get(name, (renewed, inf))
        if before != renewed:
            self._late.append(max(0.0, at - since - PERIOD))
        elif name in self._renewals:
            return
        self._renewals[name] = (renewed, at)

    def leave(self, name: str) -> None:
        """A node is taken away: nothing of its lease counts until it is back."""
        self._away.add(name)
        self._renewals.pop(name, None)

    def come_back(self, name: str) -> None:
        """A node is there again."""
        self._away.discard(name)

    def lateness(self, *, at: float) -> list[float]:
        """Seconds of lateness of each renewal up to now, ascending; empty if none was due yet."""
        waiting = [at - since - PERIOD for _, since in self._renewals.values()]
        return sorted([*self._late, *(late for late in waiting if late > 0)])

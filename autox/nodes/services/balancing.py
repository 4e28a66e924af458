"""In which order to try the targets of a service port for a new connection: round robin, or by client.

Pure, with the clock as an argument. Kept apart from ``endpoints`` because it remembers: whose turn it is, and, with
``sessionAffinity: ClientIP``, which client was sent where.
"""

from collections.abc import Sequence

from autox.nodes.services.endpoints import Target

# Enough for every address a test machine's clients may use; the oldest is forgotten first.
_CLIENTS_LIMIT = 10_000


class Rotation:
    """Round robin over targets that may change at each call."""

    def __init__(self, *, affinity_seconds: float | None = None) -> None:
        """Send each new connection to the next target, or a known client to its own.

        Args:
            affinity_seconds: how long after its last connection a client keeps its target; None for no affinity.
        """
        self.affinity_seconds = affinity_seconds
        self._turn = 0
        self._clients: dict[str, tuple[Target, float]] = {}

    def order(self, targets: Sequence[Target], *, client: str, now: float) -> list[Target]:
        """Every target once, the one whose turn it is first.

        Args:
            targets: those that may be used now.
            client: the IP address of who connects.
            now: seconds of a monotonic clock.
        """
        if not targets:
            return []
        start = self._turn % len(targets)
        if self.affinity_seconds is not None:
            target, expires = self._clients.get(client, (None, 0.0))
            if target in targets and now < expires:
                start = targets.index(target)
                return [*targets[start:], *targets[:start]]
        self._turn = start + 1
        return [*targets[start:], *targets[:start]]

    def remember(self, client: str, target: Target, *, now: float) -> None:
        """Note that ``client`` was really connected to ``target``; without affinity nothing is noted.

        Args:
            client: the IP address of who connected.
            target: one that ``order`` gave.
            now: seconds of a monotonic clock.
        """
        if self.affinity_seconds is None:
            return
        self._clients.pop(client, None)
        self._clients[client] = target, now + self.affinity_seconds
        if len(self._clients) > _CLIENTS_LIMIT:
            del self._clients[next(iter(self._clients))]

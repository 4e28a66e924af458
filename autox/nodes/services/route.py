"""One port of one service: a listener, and for each connection the choice of a pod behind it.

A refused or silent pod is passed over for the next one, so a pod that died before the cluster noticed costs nobody a
request. With no pod at all the connection is reset at once, the nearest thing to the refusal that kube-proxy gives.
"""

import asyncio
import logging
from collections.abc import Callable, Container
from contextlib import suppress

from autox.model.errors import UnreachableError
from autox.nodes.services.balancing import Rotation
from autox.nodes.services.endpoints import Target
from autox.nodes.services.relay import Relays, Side

_LOG = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.0  # a pod on this machine accepts at once or is stuck
_PATIENCE_SECONDS = 3.0  # how long the news of a successor may take once the last pod is being stopped
_BACKLOG = 4096  # the kernel caps it at net.core.somaxconn


class Route:
    """Listens for one service port and relays its connections to ``targets``."""

    def __init__(self, name: str, *, relays: Relays, withdrawn: Container[str], now: Callable[[], float]) -> None:
        """Prepare a route that does not listen yet.

        Args:
            name: for log lines.
            relays: holds the connections, which outlive the route.
            withdrawn: UIDs of pods that get no new connections, looked at for each connection.
            now: a monotonic clock in seconds.
        """
        self.address: tuple[str, int] | None = None
        self._name = name
        self._relays = relays
        self._withdrawn = withdrawn
        self._now = now
        self._targets: tuple[Target, ...] = ()
        self._rotation = Rotation()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> None:
        """Listen on ``host:port``, or on another port of ``host`` if that one is taken or not permitted.

        Raises:
            UnreachableError: no port of ``host`` can be had.
        """
        loop = asyncio.get_running_loop()
        for candidate in (port, second_choice(port), 0):
            with suppress(OSError):
                self._server = await loop.create_server(self._accept, host, candidate, backlog=_BACKLOG)
                self.address = self._server.sockets[0].getsockname()[:2]
                return
        raise UnreachableError(f"no port of {host} can be listened on for {self._name}")

    def update(self, targets: tuple[Target, ...], *, affinity_seconds: float | None) -> None:
        """Use these targets from now on; open connections stay where they are."""
        if affinity_seconds != self._rotation.affinity_seconds:
            self._rotation = Rotation(affinity_seconds=affinity_seconds)
        self._targets = targets
        self._changed.set()

    def stop(self) -> None:
        """Accept no more connections; the open ones go on."""
        if self._server is not None:
            self._server.close()
        self.address = None

    def _accept(self) -> Side:
        return self._relays.accept(self._choose)

    async def _choose(self, side: Side) -> None:
        client = side.client
        for target in self._rotation.order(await self._usable(), client=client, now=self._now()):
            if await side.couple(target.address, target.port, within=_CONNECT_SECONDS):
                self._rotation.remember(client, target, now=self._now())
                return
            _LOG.debug("%s: nobody answers at %s:%d", self._name, target.address, target.port)
        side.reset()

    async def _usable(self) -> tuple[Target, ...]:
        """The targets whose pods are not being stopped.

        When all are, the cluster's news of their successors is on its way: wait for it a moment, and only then fall
        back on pods that may still be serving in their grace period, as kube-proxy does.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while self._targets:
                    usable = tuple(target for target in self._targets if target.pod_uid not in self._withdrawn)
                    if usable:
                        return usable
                    self._changed.clear()
                    await self._changed.wait()
        return self._targets


def second_choice(port: int) -> int:
    """The port to try when ``port`` cannot be had: 80 gives 30080.

    The same at each start, since running containers know the port from their environment when a node is restarted;
    below the range from which outgoing connections take theirs.
    """
    return 30_000 + port % 2_768

"""All the clients of a run: prepared before the load, begun with it, and ended with it.

Before the load everything is made and opened that is no part of it: objects to get and patch, connections with their
handshakes. At the end no more falls due; what is due by then is still answered, within ``PATIENCE``, so that a request
is not lost for having been due last. Whether this process was up to it is ``autox.load.self_check``'s to say.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from autox.core.loads.pacing import Schedule
from autox.kube.calls import CallEncoder
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.load.self_check import BEAT_SECONDS, SelfCheck
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.errors import DeadlineError
from autox.tasks.density.clients import accounts, ownobjects
from autox.tasks.density.clients.asking import Asking
from autox.tasks.density.clients.pacer import Pacer
from autox.tasks.density.clients.renewal import Renewal
from autox.tasks.density.clients.requesting import RequestClient
from autox.tasks.density.clients.tally import Outcome, Tally
from autox.tasks.density.clients.watching import WatchClient
from autox.tasks.density.labels import RunLabels
from autox.wire.deadlines import Deadlines
from autox.wire.urls import parse_url

PATIENCE = 30.0
"""Seconds for what is still due at the end: the longest that SIG Scalability has for a list."""

_HANDSHAKES = 32  # at once
_LOOK = 0.02  # seconds between two looks at what is left at the end

Client = RequestClient | WatchClient


class Traffic:
    """The clients of one run; of a run without any it does nothing.

    Attributes:
        outcomes: what became of each group, once the load has ended.
        why_invalid: why the figures do not show the target but this process; empty if they do show it.
    """

    def __init__(
        self,
        connection: Connection,
        groups: Sequence[ClientGroup],
        run_labels: RunLabels,
        *,
        nodes: Sequence[str],
        patience: float = PATIENCE,
    ) -> None:
        """Nothing is opened before ``prepare``.

        Args:
            connection: of the cluster under test.
            groups: who does what.
            run_labels: of the run.
            nodes: the names of its virtual nodes.
            patience: seconds for what is still due at the end.
        """
        self.outcomes: tuple[Outcome, ...] = ()
        self.why_invalid = ""
        self._connection = connection
        self._groups = groups
        self._run_labels = run_labels
        self._nodes = nodes
        self._patience = patience
        self._renewals: list[Renewal] = []
        self._pacer: Pacer | None = None
        self._parts: list[tuple[ClientGroup, Tally, list[Client]]] = []

    async def prepare(self, kube: KubeClient, *, seconds: float) -> None:
        """Make what is got and patched, and open every connection that can be.

        Args:
            kube: of the cluster under test.
            seconds: this may take.

        Raises:
            DeadlineError: it took longer.
            AutoxError: the API server refuses an object or an account, or there are no usable credentials.
        """
        if not self._groups:
            return
        try:
            async with asyncio.timeout(seconds):
                await ownobjects.make(kube, self._groups, self._run_labels)
                own = await accounts.make(kube, self._groups, self._run_labels)
                shared = await self._renewal(self._connection)
                self._pacer = Pacer()
                for group in self._groups:
                    connection = own.get(group.name)
                    renewal = shared if connection is None else await self._renewal(connection)
                    self._parts.append(self._part(group, connection or self._connection, self._pacer, renewal))
                turn = asyncio.Semaphore(_HANDSHAKES)
                await asyncio.gather(*(_open(client, turn) for client in self._clients))
        except TimeoutError as error:
            raise DeadlineError(f"{kube.server} did not let clients get ready within {seconds:g} s") from error

    @asynccontextmanager
    async def applied(self, began: float) -> AsyncIterator[None]:
        """Have the clients do what they are asked for until the end of the context; ``outcomes`` follow.

        Args:
            began: when the first requests are due, on the clock of ``time.monotonic``.
        """
        if not self._groups:
            yield
            return
        deadlines = Deadlines(self._clients)
        deadlines.start()
        rate = sum(group.total_rate for group in self._groups)
        schedule = Schedule(start=began, qps=rate, count=sys.maxsize)
        self_check = SelfCheck(schedule, now=time.monotonic()) if rate else None
        beating = asyncio.create_task(self._beat(self_check))
        try:
            self._begin(began)
            yield
            # NB: what fell due while this process did something else is sent now, and not held against the target.
            for _ in range(2):
                await asyncio.sleep(0)
            ended = time.monotonic()
            beating.cancel()
            for client in self._clients:
                client.end(ended)
            await self._wait_for_the_last(ended)
            self._conclude(self_check, began=began, ended=ended)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            deadlines.stop()

    async def close(self) -> None:
        """End every connection."""
        await asyncio.gather(*(each.close() for each in self._renewals))
        if self._pacer is not None:
            self._pacer.close()
        await asyncio.gather(*(client.line.close() for client in self._clients))
        await asyncio.sleep(0)  # transports close their sockets one turn of the loop later

    @property
    def _clients(self) -> list[Client]:
        return [client for _, _, clients in self._parts for client in clients]

    async def _renewal(self, connection: Connection) -> Renewal:
        renewal = Renewal(CallEncoder(connection, parse_url(connection.server)))
        self._renewals.append(renewal)
        await renewal.begin()
        return renewal

    def _part(
        self, group: ClientGroup, connection: Connection, pacer: Pacer, renewal: Renewal
    ) -> tuple[ClientGroup, Tally, list[Client]]:
        asking, tally = Asking(group, self._run_labels, nodes=self._nodes), Tally()
        clients: list[Client] = []
        for index in range(group.clients):
            if group.verb is Verb.WATCH:
                clients.append(WatchClient(connection, asking, pacer=pacer, renewal=renewal, tally=tally))
            else:
                clients.append(RequestClient(connection, asking, index, pacer=pacer, renewal=renewal, tally=tally))
        return group, tally, clients

    def _begin(self, began: float) -> None:
        for group, _, clients in self._parts:
            for index, client in enumerate(clients):
                if isinstance(client, WatchClient):
                    client.begin()
                else:
                    # NB: clients of one group take turns, as if one schedule were dealt out among them.
                    start = began + index / group.total_rate
                    client.begin(Schedule(start=start, qps=group.rate, count=sys.maxsize))

    async def _beat(self, self_check: SelfCheck | None) -> None:
        while self_check is not None:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            self_check.beat(now, waiting=any(client.is_behind(now) for client in self._clients))

    async def _wait_for_the_last(self, ended: float) -> None:
        while True:
            if all(client.is_idle for client in self._clients) or time.monotonic() >= ended + self._patience:
                return
            await asyncio.sleep(_LOOK)

    def _conclude(self, self_check: SelfCheck | None, *, began: float, ended: float) -> None:
        seconds = ended - began
        self.outcomes = tuple(
            tally.outcome(group, [client.done(open_seconds=seconds) for client in clients], seconds=seconds)
            for group, tally, clients in self._parts
        )
        asking = [each for each in self.outcomes if each.group.verb is not Verb.WATCH]
        if self_check is None or any(each.is_theirs for each in asking):
            return
        medians = [median for _, tally, _ in self._parts if (median := tally.median) is not None]
        self.why_invalid = self_check.verdict(min(medians, default=None), due=sum(each.due for each in asking))


async def _open(client: Client, turn: asyncio.Semaphore) -> None:
    async with turn:
        await client.line.open()

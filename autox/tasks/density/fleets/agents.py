"""Virtual nodes shared out to agents: processes beside the run, each with a core of its own to use.

They begin with the run and end with it. One that ends before is trouble: its nodes are lost, so that the run is at its
end and its figures are the rig's; the others go on, for the pods on their nodes still have to go.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from autox.core.formats.exposition import Family, labelled, page
from autox.kube.client import KubeClient
from autox.model.errors import PermanentError
from autox.nodes.agent.figures import AgentFigures
from autox.nodes.agent.supervision import supervise
from autox.tasks.density.course.components import CPU, MEMORY
from autox.tasks.density.course.sources import UnreadableError
from autox.tasks.density.fleets import agentprocess
from autox.tasks.density.fleets.nodes import wait_until_open
from autox.tasks.density.fleets.orders import LOOK, RESTORE, WITHDRAW, Answer, Orders
from autox.tasks.density.labels import RunLabels

_GRACE = 5.0  # seconds that an agent may take to end once its input has
_LINE = 1 << 20  # bytes that it may say at once


class LostError(Exception):
    """An agent ended that was not told to; the text says how."""


class Agents:
    """The virtual nodes of one run, kept by agents.

    Attributes:
        trouble: which agent ended before the run did, and how; empty while none has.
    """

    def __init__(self, kube: KubeClient, run_labels: RunLabels, orders: Sequence[Orders]) -> None:
        """No agent runs before ``serve``.

        Args:
            kube: of the cluster under test.
            run_labels: of the run.
            orders: of each agent.
        """
        self.trouble = ""
        self._kube = kube
        self._run_labels = run_labels
        self._agents = [_Agent(each) for each in orders]
        self._of = {name: agent for agent in self._agents for name in agent.orders.names}

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return list(self._of)

    @property
    def pids(self) -> list[int]:
        """The processes of those agents that run."""
        return [agent.pid for agent in self._agents if agent.pid]

    async def serve(self) -> None:
        """Start the agents, and have them keep their nodes until cancelled.

        Raises:
            PermanentError: the nodes of one cannot be kept, and it has said why.
        """
        parts = {f"agent {agent.orders.number}": self._keep(agent) for agent in self._agents}
        await supervise(parts, stop=asyncio.Event())

    async def withdraw(self, name: str) -> None:
        """Keep a node and its lease no more, so that it may be deleted; what is on it goes on until it is deleted."""
        await self._tell(name, WITHDRAW)

    async def restore(self, name: str) -> None:
        """Make a node again that was withdrawn, soon."""
        await self._tell(name, RESTORE)

    async def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when pods can be scheduled to every node, or when there is trouble; however long that takes."""
        selector = self._run_labels.node_query
        await wait_until_open(self._kube, selector, say, count=len(self._of), until=lambda: bool(self.trouble))

    async def usage(self) -> str:
        """What the agents use, for Prometheus: CPU and memory, each with the number of its agent.

        Raises:
            UnreadableError: one does not run.
        """
        cpu = Family(name=CPU, kind="counter", explanation="CPU that each agent used")
        memory = Family(name=MEMORY, kind="gauge", explanation="Memory of each agent")
        try:
            found = await asyncio.gather(*(agent.ask(LOOK) for agent in self._agents))
        except LostError as lost:
            raise UnreadableError(str(lost)) from lost
        for agent, figures in zip(self._agents, found, strict=True):
            labels = labelled(agent=str(agent.orders.number))
            cpu.add(figures.cpu_seconds, labels=labels)
            memory.add(float(figures.resident_bytes), labels=labels)
        return page([cpu, memory])

    async def _keep(self, agent: "_Agent") -> None:
        try:
            await agent.serve()
        except LostError as lost:
            self.trouble = self.trouble or str(lost)
            await asyncio.Event().wait()

    async def _tell(self, name: str, word: str) -> None:
        # NB: of an agent that is lost the run ends anyway.
        with suppress(LostError):
            await self._of[name].ask(f"{word} {name}")


class _Agent:
    """One agent, as the run sees it."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self._process: Process | None = None
        self._asked: deque[asyncio.Future[AgentFigures]] = deque()
        self._lost: LostError | None = None

    @property
    def pid(self) -> int:
        """Its process; 0 if it does not run."""
        return self._process.pid if self._process is not None and self._lost is None else 0

    async def serve(self) -> None:
        """Start it and keep it until cancelled.

        Raises:
            LostError: it ended.
            PermanentError: it has said why it must.
        """
        # NB: a session of its own, or Ctrl-C in a terminal would end it while its nodes are still needed.
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", agentprocess.__name__, stdin=PIPE, stdout=PIPE, start_new_session=True, limit=_LINE
        )
        try:
            self._write(msgspec.json.encode(self.orders))
            await self._hear(process)
            self._lost = LostError(f"{self.orders} {_ended(await process.wait())}")
            raise self._lost
        finally:
            await self._end(process)

    async def ask(self, line: str) -> AgentFigures:
        """Its figures when it has done what it was told.

        Raises:
            LostError: it does not run.
        """
        if self._lost is not None or self._process is None:
            raise self._lost or LostError(f"{self.orders} does not run yet")
        answered: asyncio.Future[AgentFigures] = asyncio.get_running_loop().create_future()
        self._asked.append(answered)
        self._write(line.encode())
        return await answered

    def _write(self, line: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line + b"\n")

    async def _hear(self, process: Process) -> None:
        """Take its answers until it says no more."""
        while process.stdout is not None and (line := await process.stdout.readline()):
            answer = msgspec.json.decode(line, type=Answer)
            if answer.figures is None:
                raise PermanentError(answer.error, hint=answer.hint)
            asked = self._asked.popleft()
            if not asked.done():
                asked.set_result(answer.figures)

    async def _end(self, process: Process) -> None:
        self._lost = self._lost or LostError(f"{self.orders} was told to end")
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(self._lost)
        if process.stdin is not None:
            process.stdin.close()
        ending = asyncio.ensure_future(process.wait())
        # NB: not asyncio.timeout, which misbehaves on Python 3.11.2 in a task that was cancelled before it began.
        await asyncio.wait((ending,), timeout=_GRACE)
        if not ending.done():
            with suppress(ProcessLookupError):
                process.kill()
        await ending


def _ended(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name} in mid-run"
    return f"ended with code {code} in mid-run, and its log says why"

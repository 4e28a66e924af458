"""Faults in the middle of a burst of pods, and how long an agent takes to make all well again.

Three of them, one after the other on one control plane with one agent: the agent is killed and started again; the API
server is killed and started again; and the agent is stopped in its tracks while pods go and etcd forgets, so that no
watch of its can be taken up where it was. After each, every pod must run and every lease must have been renewed; what
was written, and how often, is read from the audit log at the end. ``running`` next door measures without faults.
"""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

import uvloop

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.refs import CONFIG_MAPS, LEASES, PODS
from benchmarks.nodes.agents import PREFIX, USER, Autox, Setting
from benchmarks.nodes.audit import Findings, check
from benchmarks.nodes.load import NAMESPACE, ROOT, Plan, play
from benchmarks.nodes.plane import Plane
from benchmarks.nodes.processes import ended, launched
from benchmarks.nodes.running import LIMIT_SECONDS, Say, pod
from benchmarks.nodes.watching import POD_PREFIX

LEASE_NAMESPACE = "kube-node-lease"
LOOK_SECONDS = 0.25
LABEL = "burst"
FORGOTTEN = 100  # pods that go while the agent cannot see it
UNSEEN = 10  # pods that come then, and that no watch from before can show

Burst = asyncio.Task[dict[str, float]]
Fault = Callable[[Burst], Awaitable[None]]
"""Returns when it is over; is given the burst that goes on meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is going on.

    Attributes:
        nodes: how many.
        pods: how many are made in the burst of each fault.
        early: the fault comes when so many of them run.
        lease_seconds: how long the lease of a node lasts; it is renewed in a quarter of that.
    """

    nodes: int = 500
    pods: int = 5000
    early: int = 1000
    lease_seconds: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of one fault.

    Attributes:
        fault: what happened.
        ran: how many pods of the burst ran by then.
        away_seconds: how long it lasted.
        pods_seconds: from its end until every pod ran, those included that were made only then.
        leases_seconds: from its end until every lease had been renewed.
        listings: how often the agent listed pods from the beginning because of it.
    """

    fault: str
    ran: int
    away_seconds: float
    pods_seconds: float
    leases_seconds: float
    listings: int


def play_faults(size: Size, *, say: Say) -> tuple[list[Recovery], Findings]:
    """Play all faults; what became of each, and what the audit log says of them all.

    Raises:
        TimeoutError: something did not become well again.
    """
    with tempfile.TemporaryDirectory(prefix="autox-bench-") as directory:
        with Plane(Path(directory), audited=True) as plane:
            recoveries = uvloop.run(_play(plane, size, say))
        return recoveries, _findings(plane, size, bursts=len(recoveries))


def _findings(plane: Plane, size: Size, *, bursts: int) -> Findings:
    if plane.audit_log is None:
        raise AssertionError("a plane with an audit log was asked for")
    nodes = {f"{PREFIX}{number}" for number in range(size.nodes)}
    pods = {f"{POD_PREFIX}{number}" for number in range(size.pods * bursts + UNSEEN)}
    with plane.audit_log.open("rb") as lines:
        # NB: the server is writing the last line, maybe.
        return check(takewhile(lambda line: line.endswith(b"\n"), lines), user=USER, nodes=nodes, pods=pods)


async def _play(plane: Plane, size: Size, say: Say) -> list[Recovery]:
    async with KubeClient(from_kubeconfig(plane.watcher())) as kube, _scene(plane, kube, size) as scene:
        recoveries = []
        for number, (title, fault) in enumerate(scene.faults().items()):
            recoveries.append(await scene.recover(number, title, fault))
            say(f"{title}: all well after {max(recoveries[-1].pods_seconds, recoveries[-1].leases_seconds):.1f} s")
        return recoveries


@asynccontextmanager
async def _scene(plane: Plane, kube: KubeClient, size: Size) -> AsyncIterator["_Scene"]:
    """An agent whose nodes are all registered."""
    await plane.admit(kube, Autox())
    scene = _Scene(plane, kube, size)
    try:
        await scene.start_agent()
        async with asyncio.timeout(LIMIT_SECONDS):
            await scene.until_renewed(since=0.0)
        yield scene
    finally:
        await scene.end_agent()


class _Scene:
    """The control plane, the agent, and what happens to them."""

    def __init__(self, plane: Plane, kube: KubeClient, size: Size) -> None:
        self._plane = plane
        self._kube = kube
        self._size = size
        self._directory = plane.directory / "agent"
        self._directory.mkdir()
        self._agent: asyncio.subprocess.Process | None = None

    def faults(self) -> dict[str, Fault]:
        """What can happen, by title."""
        return {
            "agent killed (SIGKILL) and started again": self._kill_agent,
            "API server killed and started again": self._restart_server,
            "agent stopped until its watches had expired": self._let_watches_expire,
        }

    async def recover(self, number: int, title: str, fault: Fault) -> Recovery:
        """One burst with one fault in it."""
        pods = self._pods(number, self._size.pods)
        plan = Plan(kubeconfig=str(self._plane.loader()), pods=pods, patient=True)
        burst = asyncio.create_task(play(plan, self._plane.directory, seconds=LIMIT_SECONDS))
        try:
            ran = await self._until_some_run(number)
            before, began = self._listings(), time.monotonic()
            await fault(burst)
            over, wall = time.monotonic(), time.time()
            renewed = asyncio.create_task(self.until_renewed(since=wall))
            await burst
            async with asyncio.timeout(LIMIT_SECONDS):
                pods_at = await self._until_all_run()
                leases_at = await renewed
        finally:
            burst.cancel()
        return Recovery(
            fault=title,
            ran=ran,
            away_seconds=over - began,
            pods_seconds=pods_at - over,
            leases_seconds=leases_at - over,
            listings=self._listings() - before,
        )

    async def start_agent(self) -> None:
        """Start it; does not wait for anything."""
        setting = Setting(
            kubeconfig=self._plane.agent(),
            directory=self._directory,
            nodes=self._size.nodes,
            lease_seconds=self._size.lease_seconds,
        )
        with (self._directory / "agent.log").open("ab") as said:
            self._agent = await launched(Autox().command(setting), cwd=ROOT, stdout=said, stderr=said)

    async def end_agent(self) -> None:
        """End it."""
        if self._agent is not None:
            await ended(self._agent)

    async def until_renewed(self, *, since: float) -> float:
        """Return when each node has a lease that was renewed after ``since``, seconds since 1970; the moment of it."""
        while True:
            leases = (await self._kube.list(LEASES, namespace=LEASE_NAMESPACE, chunk=0)).items
            times = [datetime.fromisoformat(lease["spec"]["renewTime"]).timestamp() for lease in leases]
            if len(times) == self._size.nodes and min(times) > since:
                return time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    async def _kill_agent(self, _burst: Burst) -> None:
        agent = self._running_agent()
        agent.kill()
        await agent.wait()
        await self.start_agent()

    async def _restart_server(self, _burst: Burst) -> None:
        await asyncio.to_thread(self._plane.restart)

    async def _let_watches_expire(self, burst: Burst) -> None:
        agent = self._running_agent()
        agent.send_signal(signal.SIGSTOP)
        try:
            await burst
            for name in [f"{POD_PREFIX}{number}" for number in range(FORGOTTEN)]:
                await self._kube.delete(PODS, name, namespace=NAMESPACE, grace_seconds=0)
            # NB: the agent may still read of all this when it goes on; an API server that was started knows nothing of
            # before its start, and by this write that is later than the last pod.
            await self._kube.create(CONFIG_MAPS, {"metadata": {"name": "later"}}, namespace=NAMESPACE)
            await asyncio.to_thread(self._plane.restart)
            for unseen in self._pods(len(self.faults()), UNSEEN):
                await self._kube.create(PODS, unseen, namespace=NAMESPACE)
            newest = (await self._kube.list(PODS, namespace=NAMESPACE, label_selector=f"{LABEL}=none")).resource_version
            await asyncio.to_thread(self._plane.forget, int(newest))
        finally:
            agent.send_signal(signal.SIGCONT)

    def _running_agent(self) -> asyncio.subprocess.Process:
        if self._agent is None or self._agent.returncode is not None:
            raise RuntimeError(f"the agent has ended: {(self._directory / 'agent.log').read_text()[-2000:]}")
        return self._agent

    def _pods(self, burst: int, count: int) -> tuple[Object, ...]:
        first, nodes = burst * self._size.pods, self._size.nodes
        pods = tuple(pod(f"{POD_PREFIX}{first + each}", f"{PREFIX}{each % nodes}") for each in range(count))
        for each in pods:
            each["metadata"]["labels"][LABEL] = str(burst)
        return pods

    async def _until_some_run(self, number: int) -> int:
        """Return when the burst is under way; how many of it run."""
        while True:
            running = await self._kube.list_metadata(
                PODS, namespace=NAMESPACE, label_selector=f"{LABEL}={number}", field_selector="status.phase=Running"
            )
            if len(running.items) >= self._size.early:
                return len(running.items)
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_all_run(self) -> float:
        """Return when no pod is left that does not run; the moment of it."""
        while True:
            rest = await self._kube.list_metadata(PODS, namespace=NAMESPACE, field_selector="status.phase!=Running")
            if not rest.items:
                return time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    def _listings(self) -> int:
        return _findings(self._plane, self._size, bursts=0).listings.get("pods", 0)

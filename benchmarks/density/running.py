"""One run: a driver puts the load on a control plane, nodes serve it, and a watch apart sees what became of the pods.

CPU of the driver is user and system time of its whole process and of what that has waited for, from its start to its
exit, the cleaning up included, as the kernel says when it is gone. CPU of the nodes and of the API server is that of
the same time. The memory of the driver is looked at ten times a second.
"""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import NotFoundError
from autox.model.refs import NAMESPACES, NODES, PODS
from autox.tasks.density.fleets.nodes import closed
from benchmarks.density.drivers import Load, Told
from benchmarks.density.rigs import RUN, Rig
from benchmarks.nodes.agents import Agent, Setting
from benchmarks.nodes.figures import percentile
from benchmarks.nodes.load import ROOT
from benchmarks.nodes.processes import cpu_seconds, resident_mib, started
from benchmarks.nodes.watching import Event, Watched, events, until

READY_SECONDS, GONE_SECONDS = 60.0, 120.0
READY_PERIOD = 0.2
SAMPLE_SECONDS = 0.1
LEASE_SECONDS = 40
SPARE_SECONDS = 60.0  # for a driver's start, and its cleaning up
LOG_CHARACTERS = 2000

Say = Callable[[str], None]


class BrokenRunError(Exception):
    """Why a run gave no figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where runs are made: a control plane that is nobody else's.

    Attributes:
        kubeconfig: of an administrator.
        server: process id of the API server.
        directory: for what a run writes.
    """

    kubeconfig: Path
    server: int
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run gave.

    Attributes:
        rig: its name.
        figures: by the keys of ``table.ROWS``; what was not measured is not there.
        verdict: the driver's, in its own words.
    """

    rig: str
    figures: Mapping[str, float]
    verdict: str


class PodWatch:
    """When each pod of a new namespace was first seen, and first seen Running and Ready, by the monotonic clock.

    Attributes:
        seen: by the pod's uid.
        running: likewise.
        left: the uids of those that are there.
    """

    def __init__(self, old: Collection[str]) -> None:
        """Nothing was seen.

        Args:
            old: the namespaces that were there before, whose pods are somebody else's.
        """
        self._old = old
        self.seen: dict[str, float] = {}
        self.running: dict[str, float] = {}
        self.left: set[str] = set()

    async def follow(self, kube: KubeClient) -> None:
        """Until cancelled."""
        async for event in events(kube, PODS, msgspec.json.Decoder(Event[Watched])):
            self.present(event, at=time.monotonic())

    def present(self, event: Event[Watched], *, at: float) -> None:
        """Something has happened to a pod."""
        uid, status = event.object.metadata.uid, event.object.status
        if event.object.metadata.namespace in self._old:
            return
        if event.type == "DELETED":
            self.left.discard(uid)
            return
        self.left.add(uid)
        self.seen.setdefault(uid, at)
        if status.phase == "Running" and status.is_ready:
            self.running.setdefault(uid, at)

    def startups(self) -> list[float]:
        """Seconds from the first sight of each pod that ran until it did."""
        return [at - self.seen[uid] for uid, at in self.running.items()]


async def play(rig: Rig, load: Load, place: Place, *, say: Say) -> Run:
    """Make one run. However it ends, its processes are gone.

    Raises:
        BrokenRunError: the nodes, the driver, or the end of the pods did not come in time; or no pod ran.
    """
    try:
        async with (
            KubeClient(from_kubeconfig(place.kubeconfig)) as kube,
            _nodes(kube, rig.agent, load, place) as agent,
        ):
            pods = PodWatch({metadata(each)["name"] for each in (await kube.list(NAMESPACES)).items})
            async with _beside(pods.follow(kube)):
                told, figures = await _drive(rig, load, place, agent=agent)
                await until(
                    lambda: not pods.left,
                    seconds=GONE_SECONDS,
                    what=lambda: f"all but {len(pods.left):,} pods were gone",
                )
    except TimeoutError as error:
        raise BrokenRunError(f"{error}; {rig.name} said:\n{_tail(place.directory)}") from error
    startups = pods.startups()
    if not startups:
        raise BrokenRunError(f"not one pod ran; {rig.name} said:\n{_tail(place.directory)}")
    figures |= {"ran": len(startups), "documented": told.documented, "p99_seen": percentile(startups, 99)}
    figures |= {} if told.p99 is None else {"p99_told": told.p99}
    say(
        f"{figures['driver_cpu']:.2f} CPU-s, {told.documented:,} of {len(startups):,} pods documented in"
        f" {figures['wall']:.0f} s, {told.verdict}"
    )
    return Run(rig=rig.name, figures=figures, verdict=told.verdict)


async def _drive(rig: Rig, load: Load, place: Place, *, agent: int | None) -> tuple[Told, dict[str, float]]:
    directory, sampled = place.directory, 0.0
    command = rig.driver.command(load, kubeconfig=place.kubeconfig, directory=directory)
    served, server = _agent_cpu(agent), cpu_seconds(place.server)
    began, before = time.monotonic(), _children_cpu()
    with _log(directory).open("wb") as said:
        async with (
            asyncio.timeout(load.timeout + SPARE_SECONDS),
            started(command, cwd=directory, stdout=said, stderr=said) as process,
        ):
            waiting = asyncio.create_task(process.wait())
            while not (await asyncio.wait({waiting}, timeout=SAMPLE_SECONDS))[0]:
                sampled = max(sampled, resident_mib(process.pid))
            code = waiting.result()
    figures = {
        "wall": time.monotonic() - began,
        "driver_cpu": _children_cpu() - before,
        "rss": sampled,
        "server_cpu": cpu_seconds(place.server) - server,
    }
    if agent is not None:
        figures["nodes_cpu"] = _agent_cpu(agent) - served
    figures["rig_cpu"] = figures["driver_cpu"] + figures.get("nodes_cpu", 0.0)
    return rig.driver.told(directory, code=code), figures


@asynccontextmanager
async def _nodes(kube: KubeClient, agent: Agent | None, load: Load, place: Place) -> AsyncIterator[int | None]:
    """The process id of an agent whose nodes pods can be scheduled to; they are gone afterwards."""
    if agent is None:
        yield None
        return
    directory = place.directory / "agent"
    directory.mkdir()
    setting = Setting(kubeconfig=place.kubeconfig, directory=directory, nodes=load.nodes, lease_seconds=LEASE_SECONDS)
    names = [f"{RUN.node_prefix}{number}" for number in range(load.nodes)]
    command = agent.command(setting)
    try:
        with (directory / "agent.log").open("wb") as said:
            async with started(command, cwd=ROOT, stdout=said, stderr=said) as process:
                for node in filter(None, map(agent.node, names)):
                    await kube.create(NODES, node)
                async with asyncio.timeout(READY_SECONDS):
                    await _all_open(kube, load.nodes)
                yield process.pid
    finally:
        for name in names:
            with suppress(NotFoundError):
                await kube.delete(NODES, name)


async def _all_open(kube: KubeClient, count: int) -> None:
    while True:
        if sum(_is_ours(node) and not closed(node) for node in (await kube.list(NODES)).items) == count:
            return
        await asyncio.sleep(READY_PERIOD)


def _is_ours(node: Object) -> bool:
    return bool(metadata(node)["name"].startswith(RUN.node_prefix))


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Something that goes on meanwhile."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


def _agent_cpu(agent: int | None) -> float:
    return cpu_seconds(agent) if agent is not None else 0.0


def _children_cpu() -> float:
    """User and system time of all processes that this one has waited for, and of those that they have."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _log(directory: Path) -> Path:
    return directory / "driver.log"


def _tail(directory: Path) -> str:
    log = _log(directory)
    return log.read_text(errors="replace")[-LOG_CHARACTERS:] if log.exists() else "nothing"

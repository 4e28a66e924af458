"""One run: a fresh control plane, one agent, one case, from the first node to the last deletion."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.refs import NODES, PODS
from benchmarks.nodes import figures
from benchmarks.nodes.agents import PREFIX, USER, Agent, Setting
from benchmarks.nodes.audit import Findings, check
from benchmarks.nodes.cases import Case
from benchmarks.nodes.load import NAMESPACE, ROOT, Plan, play
from benchmarks.nodes.metering import Meter, spent
from benchmarks.nodes.plane import Plane
from benchmarks.nodes.processes import resident_mib, started
from benchmarks.nodes.watching import POD_PREFIX, Watcher, until

LIMIT_SECONDS = 300.0
SETTLE_SECONDS = 5.0  # after the nodes are there
REST_SECONDS = 1.0  # after a burst, before its costs are read
SAMPLE_SECONDS = 0.5
STRANGERS = 20
STRANGE_NODE = "stranger"

LOG_CHARACTERS = 2000

Say = Callable[[str], None]


class BrokenRunError(Exception):
    """Why a run gave no figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run gave.

    Attributes:
        case: the name of the case.
        agent: the name of the agent.
        pair: counted from 0.
        figures: by the keys of ``table.ROWS``.
        audit: what the audit log says, where one was kept.
    """

    case: str
    agent: str
    pair: int
    figures: figures.Figures
    audit: Findings | None = None


def run(case: Case, agent: Agent, *, pair: int, say: Say) -> Run:
    """Play a case. However it ends, all that was started has been ended.

    Raises:
        BrokenRunError: the agent ended by itself, or something that was waited for did not come.
    """
    with tempfile.TemporaryDirectory(prefix="autox-bench-") as directory:
        with Plane(Path(directory), audited=case.audited, flags=case.server_flags) as plane:
            found = uvloop.run(_Playing(case, agent, plane, pair, say).play())
        if plane.audit_log is None:
            return Run(case=case.name, agent=agent.name, pair=pair, figures=found)
        nodes, pods = ({f"{p}{n}" for n in range(count)} for p, count in _owned(case))
        with plane.audit_log.open("rb") as lines:
            findings = check(lines, user=USER, nodes=nodes, pods=pods)
        say(f"audit: {findings}")
        return Run(case=case.name, agent=agent.name, pair=pair, figures=found, audit=findings)


def _owned(case: Case) -> tuple[tuple[str, int], tuple[str, int]]:
    return (PREFIX, case.nodes), (POD_PREFIX, case.pods)


def pod(name: str, node: str) -> Object:
    """A pod of one container, bound already."""
    container = {"name": "main", "image": "example.com/team/service:1.2.3", "ports": [{"containerPort": 8080}]}
    labels = {"app.kubernetes.io/name": "service", "app.kubernetes.io/version": "1.2.3"}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"nodeName": node, "containers": [container]},
    }


@dataclass
class _Playing:
    """The steps of a run, and what they share."""

    case: Case
    agent: Agent
    plane: Plane
    pair: int
    say: Say
    found: dict[str, float] = field(default_factory=dict)

    async def play(self) -> figures.Figures:
        """All steps."""
        async with KubeClient(from_kubeconfig(self.plane.watcher())) as kube:
            await self.plane.admit(kube, self.agent)
            if self.case.audited:
                await self._put_strangers(kube)
            watcher = Watcher(kube)
            async with self._agent() as process, asyncio.TaskGroup() as group:
                meter = Meter(kube=kube, agent=process.pid, server=self.plane.server)
                watches = watcher.follow_nodes(), watcher.follow_leases(), watcher.follow_pods()
                nodes, *others = (group.create_task(each) for each in watches)
                others += [group.create_task(self._sample(process.pid, watcher)), group.create_task(_guard(process))]
                await self._register(watcher)
                nodes.cancel()
                await asyncio.sleep(SETTLE_SECONDS)
                price = await self._idle(meter)
                if self.case.churn is not None:
                    await self._churn(meter, watcher, price)
                else:
                    await self._start(meter, watcher, price)
                    await self._delete(meter, watcher, price)
                watcher.sample_leases()
                for task in others:
                    task.cancel()
        return self.found | {"oldest_lease": watcher.oldest_lease}

    async def _register(self, watcher: Watcher) -> None:
        names = [f"{PREFIX}{number}" for number in range(self.case.nodes)]
        made = [node for name in names if (node := self.agent.node(name)) is not None]
        if made:
            # NB: one to warm up; an agent that does not make its nodes must be watching when they come.
            await self._play(Plan(kubeconfig=str(self.plane.loader()), nodes=(made[0],)))
            await self._until(lambda: bool(watcher.ready), lambda: "not even one node is Ready")
            await self._play(Plan(kubeconfig=str(self.plane.loader()), nodes=tuple(made[1:])))
        await self._until(
            lambda: len(watcher.ready) >= len(names), lambda: f"{len(watcher.ready):,} of {len(names):,} nodes Ready"
        )
        self.found |= figures.registered(watcher.nodes, watcher.ready, first=names[0])
        self._say("{nodes_rate:,.0f} nodes registered a second")

    async def _idle(self, meter: Meter) -> figures.LeasePrice:
        before = await meter.begin()
        await asyncio.sleep(self.case.idle(self.pair))
        cost = spent(before, await meter.end())
        self.found |= figures.idling(cost)
        self._say(f"idle: {{idle_cores:.3f}} cores, {cost.leases:,.0f} leases, {{lease_cpu:.2f}} CPU-s for 1,000")
        return figures.lease_price(cost)

    async def _start(self, meter: Meter, watcher: Watcher, price: figures.LeasePrice) -> None:
        before = await meter.begin()
        sent = await self._play(Plan(kubeconfig=str(self.plane.loader()), pods=self._pods(self.case.pods)))
        await self._until(
            lambda: len(watcher.running) >= len(sent), lambda: f"{len(watcher.running):,} of {len(sent):,} pods Running"
        )
        await asyncio.sleep(REST_SECONDS)
        self.found |= figures.starting(sent, watcher.running, spent(before, await meter.end()), price)
        self._say("{pods_rate:,.0f} pods a second, P99 {start_p99:.1f} s, {pods_cpu:.2f} CPU-s for 1,000")

    async def _delete(self, meter: Meter, watcher: Watcher, price: figures.LeasePrice) -> None:
        names = tuple(f"{POD_PREFIX}{number}" for number in range(self.case.pods))
        before = await meter.begin()
        sent = await self._play(Plan(kubeconfig=str(self.plane.loader()), deleted=names))
        await self._until(
            lambda: len(watcher.gone) >= len(names), lambda: f"{len(watcher.gone):,} of {len(names):,} pods gone"
        )
        await asyncio.sleep(REST_SECONDS)
        self.found |= figures.deleting(sent, watcher.gone, spent(before, await meter.end()), price)
        self._say("{deletes_rate:,.0f} deletions a second, {deletes_cpu:.2f} CPU-s for 1,000")

    async def _churn(self, meter: Meter, watcher: Watcher, price: figures.LeasePrice) -> None:
        churn, count = self.case.churn, self.case.churning(self.pair)
        if churn is None:
            return
        plan = Plan(
            kubeconfig=str(self.plane.loader()),
            pods=self._pods(count),
            rate=churn.rate,
            alive_seconds=churn.alive_seconds,
        )
        before = await meter.begin()
        sent = await self._play(plan, seconds=count / churn.rate + LIMIT_SECONDS)
        await self._until(lambda: len(watcher.gone) >= count, lambda: f"{len(watcher.gone):,} of {count:,} pods gone")
        await asyncio.sleep(REST_SECONDS)
        self.found |= figures.churning(sent, watcher.running, spent(before, await meter.end()), price)
        self._say("P99 {start_p99:.3f} s, {churn_cpu:.2f} CPU-s for 1,000 pods made and deleted")

    def _pods(self, count: int) -> tuple[Object, ...]:
        return tuple(pod(f"{POD_PREFIX}{number}", f"{PREFIX}{self.case.node_of(number)}") for number in range(count))

    async def _put_strangers(self, kube: KubeClient) -> None:
        """A node that nobody serves, with pods that must stay as they are."""
        await kube.create(NODES, {"metadata": {"name": STRANGE_NODE}})
        for number in range(STRANGERS):
            await kube.create(PODS, pod(f"{STRANGE_NODE}-{number}", STRANGE_NODE))

    async def _play(self, plan: Plan, *, seconds: float = LIMIT_SECONDS) -> dict[str, float]:
        return await play(plan, self.plane.directory, seconds=seconds)

    async def _until(self, done: Callable[[], bool], what: Callable[[], str]) -> None:
        await until(done, seconds=LIMIT_SECONDS, what=what)

    async def _sample(self, pid: int, watcher: Watcher) -> None:
        while True:
            watcher.sample_leases()
            self.found["rss"] = max(self.found.get("rss", 0.0), resident_mib(pid))
            await asyncio.sleep(SAMPLE_SECONDS)

    @asynccontextmanager
    async def _agent(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The agent; in an error of the run stands what it said."""
        directory = self.plane.directory / "agent"
        directory.mkdir()
        setting = Setting(
            kubeconfig=self.plane.agent(),
            directory=directory,
            nodes=self.case.nodes,
            lease_seconds=self.case.lease_seconds,
        )
        log = directory / "agent.log"
        command = self.agent.command(setting)
        with log.open("wb") as said:
            async with started(command, cwd=ROOT, stdout=said, stderr=said) as process:
                try:
                    yield process
                except Exception as error:
                    # NB: Ctrl-C on a terminal reaches the API server, too; its end is then no fault of the run's.
                    if (task := asyncio.current_task()) is not None and task.cancelling():
                        raise asyncio.CancelledError from error
                    causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
                    tail = log.read_text(errors="replace")[-LOG_CHARACTERS:]
                    raise BrokenRunError(f"{'; '.join(map(str, causes))}; {self.agent.name} said:\n{tail}") from error

    def _say(self, text: str) -> None:
        self.say(text.format(**self.found))


async def _guard(process: asyncio.subprocess.Process) -> None:
    code = await process.wait()
    raise RuntimeError(f"the agent has ended by itself with {code}")

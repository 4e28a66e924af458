"""Virtual nodes that agents beside the run keep: shared out, found out about when they are lost, ended with the run."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError, NotFoundError, PermanentError
from autox.model.refs import NODES
from autox.model.result import Subject
from autox.tasks.density.course.components import AGENTS, CPU, MEMORY
from autox.tasks.density.course.sources import UnreadableError
from autox.tasks.density.fleets.agents import Agents
from autox.tasks.density.fleets.fleet import POD_CIDR
from autox.tasks.density.fleets.orders import Orders, shared_out
from autox.tasks.density.labels import RunLabels, made_node
from autox.tasks.density.task import run as load
from tests.clusters import LocalCluster
from tests.density.conftest import begun, context_on, left_behind
from tests.density.test_course import course, metrics
from tests.density.test_presets import inputs
from tests.integration.autox.scene import eventually
from tests.kube.apiserver import ApiServer

LOAD = DensityInputs(nodes=4, agents=2, pods=12, pods_per_deployment=3, rate=12.0, timeout=60.0, allow_self=True)


def run_labels() -> RunLabels:
    """Those of a run that nobody else has."""
    return RunLabels.of(Subject(), token=uuid4().hex[:8])


def orders(labels: RunLabels, *, nodes: int, agents: int, kubeconfig: Path = Path("b")) -> list[Orders]:
    """What the agents of a run are told."""
    asked = shared_out(labels, kubeconfig=kubeconfig, allow_exec=False, allow_files=True, nodes=nodes, agents=agents)
    return [*asked]


@pytest.mark.parametrize(("nodes", "agents", "counts"), [(10, 3, [3, 3, 4]), (5, 5, [1] * 5), (7, 1, [7])])
def test_nodes_are_shared_out(nodes: int, agents: int, counts: list[int]) -> None:
    """Each is one agent's, all of them are nodes that a sweep knows, and no two agents give pods one address."""
    labels = run_labels()
    every = orders(labels, nodes=nodes, agents=agents)
    names = list(chain.from_iterable(each.names for each in every))

    assert [each.count for each in every] == counts
    assert names == [f"{labels.node_prefix}{index}" for index in range(nodes)]
    assert all(made_node(name, labels.labels) for name in names)
    assert not any(one.pod_cidr.overlaps(other.pod_cidr) for one, other in combinations(every, 2))
    assert all(each.pod_cidr.subnet_of(POD_CIDR) for each in every)
    assert min(each.pod_cidr.num_addresses for each in every) > 150_000


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"nodes": 10_001}, "nodes is 10,001, and those who keep them can keep 10,000: share them out with agents: 2"),
        (
            {"nodes": 30_001, "agents": 3},
            "nodes is 30,001, and those who keep them can keep 30,000: share them out with agents: 4",
        ),
        ({"nodes": 2, "agents": 3}, "agents is 3, and nodes is 2: each agent needs a node"),
        ({"nodes": 50_001, "agents": 5}, "nodes: input should be less than or equal to 50000"),
        ({"agents": 6}, "agents: input should be less than or equal to 5"),
        ({"agents": 0}, "agents: input should be greater than or equal to 1"),
        ({"agents": 1.5}, "agents"),
        ({"agents": "two"}, "agents"),
        ({"agents": 2, "nodeSelector": {}}, "agents stands without nodeSelector"),
        ({"nodeSelector": {"pool": "ä"}}, "nodeSelector.pool"),
        ({"nodeSelector": "pool=b"}, "nodeSelector"),
        ({"nodeSelector": {}, "churn": {"of": "nodes", "share": "10%"}}, "churn: of nodes stands without nodeSelector"),
        ({"nodeSelector": {}, "preset": {"name": "node-drain"}}, "churn: of drained-nodes stands without nodeSelector"),
        (
            {"nodeSelector": {}, "failurePoint": {"of": "nodes", "from": 1, "to": 9}},
            "failurePoint: of nodes stands without nodeSelector",
        ),
        ({"agents": 2, "failurePoint": {"of": "nodes", "from": 1, "to": 9}}, "agents is 2, and nodes is 1"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any], said: str) -> None:
    """Where it is written, and with what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        inputs(section)

    assert said.lower() in caught.value.message.lower()


def test_as_many_as_fit_are_taken() -> None:
    """What is refused above is not refused where agents, or somebody else, hold the nodes."""
    assert inputs({"nodes": 20_000, "agents": 2}).agents == 2
    assert inputs({"nodes": 20_000, "nodeSelector": {"pool": "b"}}).node_selector == {"pool": "b"}
    assert (inputs({}).agents, inputs({}).node_selector) == (0, None)


def used(first: float, second: float) -> str:
    """What two agents say of themselves."""
    lines = (
        f'{CPU}{{agent="{number}"}} {cpu}\n{MEMORY}{{agent="{number}"}} 1048576'
        for number, cpu in ((1, first), (2, second))
    )
    return "\n".join(lines)


def test_what_agents_use_is_told() -> None:
    """Together, and of the one that used the most: each has one core, so that a sum says nothing of its limit."""
    told = metrics(course(AGENTS, used(10.0, 10.0), used(10.5, 12.5), used(11.0, 14.0)))

    assert told["cpu-mean/agents"].value == pytest.approx(0.5)
    assert told["cpu-max/agents"].value == pytest.approx(0.6)
    assert told["memory-max/agents"].value == 2.0
    assert told["agent-cpu-max"].value == pytest.approx(0.5)
    assert "agent that used the most, the max of readings 5 s apart: 2" in told["agent-cpu-max"].help


@pytest.fixture
def labels() -> RunLabels:
    """Those of the test's own nodes."""
    return run_labels()


@asynccontextmanager
async def serving(agents: Agents) -> AsyncIterator[asyncio.Task[None]]:
    """Agents at work; they end with the context."""
    task = asyncio.create_task(agents.serve())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def uid(kube: KubeClient, name: str) -> str:
    """Of a node; empty if there is none."""
    try:
        return str((await kube.get_metadata(NODES, name))["metadata"]["uid"])
    except NotFoundError:
        return ""


@pytest.mark.integration
async def test_a_node_goes_and_comes_again(kube: KubeClient, api_server: ApiServer, labels: RunLabels) -> None:
    """One that was withdrawn stays away until it is restored; one that anybody else deletes is there again at once."""
    agents = Agents(kube, labels, orders(labels, nodes=4, agents=2, kubeconfig=api_server.kubeconfig()))
    away, other = agents.names[2], agents.names[3]
    try:
        async with serving(agents):
            await eventually("all nodes", lambda: every(kube, agents))
            pids = agents.pids
            first = await uid(kube, away), await uid(kube, other)
            await agents.withdraw(away)
            await kube.delete(NODES, away)
            await kube.delete(NODES, other)
            again = await eventually("a node that was deleted", lambda: uid(kube, other))
            assert await uid(kube, away) == ""
            await agents.restore(away)
            back = await eventually("a node that was restored", lambda: uid(kube, away))
            assert 'process_cpu_seconds_total{agent="2"}' in await agents.usage()

        assert again != first[1]
        assert back != first[0]
        assert len(pids) == 2
        assert not any(map(psutil.pid_exists, pids))
        assert agents.trouble == ""
    finally:
        for name in agents.names:
            await kube.delete(NODES, name)


async def every(kube: KubeClient, agents: Agents) -> bool:
    """Whether all nodes are there."""
    found = {each["metadata"]["name"] for each in (await kube.list_metadata(NODES)).items}
    return found >= {*agents.names}


@pytest.mark.integration
async def test_whoever_waits_for_a_lost_agent_waits_no_more(
    kube: KubeClient, api_server: ApiServer, labels: RunLabels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes that will never be ready are not waited for; the other agent goes on, and ends though it stands still."""
    monkeypatch.setattr("autox.tasks.density.fleets.agents._GRACE", 0.1)
    agents = Agents(kube, labels, orders(labels, nodes=2, agents=2, kubeconfig=api_server.kubeconfig()))
    try:
        async with serving(agents):
            await eventually("all nodes", lambda: every(kube, agents))
            lost, other = agents.pids
            os.kill(lost, signal.SIGKILL)
            async with asyncio.timeout(30.0):
                await agents.wait_until_ready(lambda _: None)
            with pytest.raises(UnreadableError, match="was ended by SIGKILL"):
                await agents.usage()
            assert agents.pids == [other]
            await agents.withdraw(agents.names[0])
            os.kill(other, signal.SIGSTOP)

        assert agents.trouble == "agent 1 of 2, which kept 1 virtual node, was ended by SIGKILL in mid-run"
        assert not psutil.pid_exists(other)
    finally:
        for name in agents.names:
            await kube.delete(NODES, name)


@pytest.mark.integration
async def test_an_agent_says_why_it_cannot_go_on(kube: KubeClient, api_server: ApiServer, labels: RunLabels) -> None:
    """In its own words, and all of them end: as nodes in the run's own process do."""
    agents = Agents(kube, labels, orders(labels, nodes=2, agents=2, kubeconfig=api_server.kubeconfig()))
    await kube.create(NODES, {"metadata": {"name": agents.names[1]}})
    try:
        async with serving(agents) as task:
            with pytest.raises(PermanentError, match="which no autox agent with provider mock registered"):
                await task
        assert agents.pids == []
    finally:
        for name in agents.names:
            if await uid(kube, name):
                await kube.delete(NODES, name)


@pytest.mark.integration
async def test_agents_keep_the_nodes_of_a_run(cluster: LocalCluster, own: KubeClient, said: list[str]) -> None:
    """Every pod runs, what the agents used is in the figures, and no process is left."""
    inputs = replace(LOAD, kubeconfig=cluster.home.kubeconfig)

    findings = await load(inputs, context_on(own, said))

    found = {each.name: each.value for each in findings.metrics}
    assert (found["density/pods-as-asked"], findings.invalid) == (12, "")
    assert (found["density/memory-max/agents"] or 0) > 2 * 25  # MiB: no Python with our client has less
    assert any("kept by 2 agents" in note.text for note in findings.notes)
    assert left_behind(cluster) == []
    assert children() == []


@pytest.mark.integration
async def test_a_lost_agent_is_named(cluster: LocalCluster, own: KubeClient, said: list[str]) -> None:
    """Killed in mid-run it ends the run at once, not when its time is up: invalid, and cleaned up all the same."""
    inputs = replace(LOAD, kubeconfig=cluster.home.kubeconfig, pods=300, rate=2.0, timeout=600.0)
    running = asyncio.create_task(load(inputs, context_on(own, said)))
    await begun(running, said)
    [lost, _] = children()

    os.kill(lost.pid, signal.SIGKILL)
    async with asyncio.timeout(120.0):
        findings = await running

    assert findings.invalid in {
        f"agent {number} of 2, which kept 2 virtual nodes, was ended by SIGKILL in mid-run" for number in (1, 2)
    }
    assert any(note.text == findings.invalid and note.hint for note in findings.notes)
    assert left_behind(cluster) == []
    assert children() == []


def children() -> list[psutil.Process]:
    """The agents that this process has started."""
    found = psutil.Process().children()
    return [each for each in found if any("agentprocess" in word for word in each.cmdline())]

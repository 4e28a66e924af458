"""Pods on mock nodes, seen by another client of a real API server."""

import asyncio
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.refs import PODS
from tests.mock.agents import AgentProcess, eventually

pytestmark = pytest.mark.integration


async def bind(
    kube: KubeClient, namespace: str, name: str, node: str, *, meta: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """Create a pod that is bound to a node from its creation."""
    body = {
        "metadata": {"name": name, "namespace": namespace, **(meta or {})},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "example.com/app:1"}], **spec},
    }
    return await kube.create(PODS, body)


async def bind_many(kube: KubeClient, namespace: str, names: list[str], nodes: list[str], **spec: Any) -> None:
    """Create pods spread over nodes; not all at once, or the last of thousands would be too late in the queue."""
    slots = asyncio.Semaphore(32)

    async def one(index: int, name: str) -> None:
        async with slots:
            await bind(kube, namespace, name, nodes[index % len(nodes)], **spec)

    async with asyncio.TaskGroup() as group:
        for index, name in enumerate(names):
            group.create_task(one(index, name))


async def pods_of(kube: KubeClient, namespace: str) -> dict[str, dict[str, Any]]:
    """All pods of a namespace, by name."""
    return {pod["metadata"]["name"]: pod for pod in (await kube.list(PODS, namespace=namespace)).items}


async def all_in(kube: KubeClient, namespace: str, phase: str, *, count: int) -> dict[str, dict[str, Any]]:
    """Wait until so many pods are in a phase; all pods then."""

    async def reached() -> dict[str, dict[str, Any]]:
        pods = await pods_of(kube, namespace)
        there = [pod for pod in pods.values() if pod["status"]["phase"] == phase]
        return pods if len(there) == count else {}

    return await eventually(reached)


async def gone(kube: KubeClient, namespace: str) -> None:
    """Wait until a namespace holds no pod."""

    async def empty() -> bool:
        return not await pods_of(kube, namespace)

    await eventually(empty)


def names(count: int, prefix: str = "p") -> list[str]:
    """Numbered names: ``p0``, ``p1`` and so on."""
    return [f"{prefix}{index}" for index in range(count)]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether its condition Ready says so."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"]["conditions"])


async def test_pods_run_and_a_restart_changes_nothing(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """A hundred pods run, each with an address of its own, across a kill of the agent; none is written twice."""
    nodes = await agent.start()
    await bind_many(kube, namespace, names(50, "a"), nodes)
    before = await all_in(kube, namespace, "Running", count=50)
    await agent.end(SIGKILL)
    await bind_many(kube, namespace, names(50, "b"), nodes)
    await agent.start()
    after = await all_in(kube, namespace, "Running", count=100)

    assert all(is_ready(pod) for pod in after.values())
    assert len({pod["status"]["podIP"] for pod in after.values()}) == 100
    assert {name: after[name]["metadata"]["resourceVersion"] for name in before} == {
        name: pod["metadata"]["resourceVersion"] for name, pod in before.items()
    }


async def test_pods_that_end_succeed(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """Pods of Jobs succeed after about a second, or when their annotation says; services go on."""
    nodes = await agent.start()
    await bind_many(kube, namespace, names(20, "job"), nodes, restartPolicy="Never")
    await bind(kube, namespace, "service", nodes[0])
    slow = {"annotations": {"autox.dev/run-seconds": "3600"}}
    await bind(kube, namespace, "slow", nodes[0], restartPolicy="OnFailure", meta=slow)
    wrong = {"annotations": {"autox.dev/run-seconds": "an hour"}}
    await bind(kube, namespace, "wrong", nodes[0], restartPolicy="OnFailure", meta=wrong)

    pods = await all_in(kube, namespace, "Succeeded", count=20)

    assert (pods["service"]["status"]["phase"], pods["slow"]["status"]["phase"]) == ("Running", "Running")
    assert (pods["wrong"]["status"]["phase"], pods["wrong"]["status"]["reason"]) == ("Failed", "InvalidAnnotation")
    container = pods["job0"]["status"]["containerStatuses"][0]
    assert (container["state"]["terminated"]["exitCode"], container["ready"]) == (0, False)


async def test_a_job_goes_on_where_a_killed_agent_left_it(
    agent: AgentProcess, kube: KubeClient, namespace: str
) -> None:
    """The time that a pod has run counts across the restart of its agent."""
    nodes = await agent.start()
    meta = {"annotations": {"autox.dev/run-seconds": "4"}}
    await bind(kube, namespace, "job", nodes[0], restartPolicy="Never", meta=meta)
    started = (await all_in(kube, namespace, "Running", count=1))["job"]["status"]["startTime"]
    await agent.end(SIGKILL)
    await agent.start()
    status = (await all_in(kube, namespace, "Succeeded", count=1))["job"]["status"]

    assert status["startTime"] == status["containerStatuses"][0]["state"]["terminated"]["startedAt"] == started


async def test_deletions_are_honoured(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """Pods go at once, long grace periods or not, and those deleted while no agent ran go when one does."""
    nodes = await agent.start()
    await bind_many(kube, namespace, names(20), nodes, terminationGracePeriodSeconds=3600)
    await all_in(kube, namespace, "Running", count=20)
    for name in names(10):
        await kube.delete(PODS, name, namespace=namespace)
    await all_in(kube, namespace, "Running", count=10)
    await agent.end(SIGTERM)
    for name in names(20)[10:]:
        await kube.delete(PODS, name, namespace=namespace)
    assert len(await pods_of(kube, namespace)) == 10

    await agent.start()
    await gone(kube, namespace)


async def test_a_deleted_pod_with_a_finalizer_ends_and_waits(
    agent: AgentProcess, kube: KubeClient, namespace: str
) -> None:
    """Whoever holds a pod back sees it in its last phase, and it goes when it is let go."""
    nodes = await agent.start()
    await bind(kube, namespace, "held", nodes[0], meta={"finalizers": ["example.com/held"]})
    await all_in(kube, namespace, "Running", count=1)
    await kube.delete(PODS, "held", namespace=namespace)
    pod = (await all_in(kube, namespace, "Failed", count=1))["held"]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143

    await kube.patch(PODS, "held", {"metadata": {"finalizers": None}}, namespace=namespace)
    await gone(kube, namespace)


async def test_a_pod_made_anew_under_the_same_name_runs(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """As a StatefulSet does it, again and again, without waiting."""
    nodes = await agent.start()
    for _ in range(10):
        made = await bind(kube, namespace, "web-0", nodes[0])
        pod = (await all_in(kube, namespace, "Running", count=1))["web-0"]
        assert pod["metadata"]["uid"] == made["metadata"]["uid"]
        await kube.delete(PODS, "web-0", namespace=namespace, grace_seconds=0)


async def test_pods_of_other_nodes_are_left_alone(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """Neither run nor deleted: they are some other kubelet's."""
    nodes = await agent.start()
    await bind(kube, namespace, "foreign", "somebody-elses-node")
    await bind(kube, namespace, "ours", nodes[0])
    pods = await all_in(kube, namespace, "Running", count=1)
    await kube.delete(PODS, "foreign", namespace=namespace)
    await kube.delete(PODS, "ours", namespace=namespace)

    async def only_foreign() -> bool:
        return list(await pods_of(kube, namespace)) == ["foreign"]

    await eventually(only_foreign)
    assert pods["foreign"]["status"]["phase"] == "Pending"
    await kube.delete(PODS, "foreign", namespace=namespace, grace_seconds=0)


async def test_a_pod_marked_not_ready_turns_ready(agent: AgentProcess, kube: KubeClient, namespace: str) -> None:
    """So it is after the node lifecycle controller has given a node up that then comes back."""
    nodes = await agent.start()
    await bind(kube, namespace, "p", nodes[0])
    await all_in(kube, namespace, "Running", count=1)
    await kube.patch(
        PODS,
        "p",
        {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]}},
        namespace=namespace,
        subresource="status",
    )

    async def ready() -> bool:
        return is_ready((await pods_of(kube, namespace))["p"])

    await eventually(ready)


async def test_a_pod_in_the_host_network_has_the_address_of_its_node(
    agent: AgentProcess, kube: KubeClient, namespace: str
) -> None:
    """And takes none of the pods' addresses."""
    nodes = await agent.start()
    await bind(kube, namespace, "host", nodes[0], hostNetwork=True)

    status = (await all_in(kube, namespace, "Running", count=1))["host"]["status"]

    assert status["podIP"] == status["hostIP"] == "10.77.0.1"


async def test_a_burst_of_creations_and_deletions_leaves_nothing(
    agent: AgentProcess, kube: KubeClient, namespace: str
) -> None:
    """Pods that go in the middle of being served are nobody's failure."""
    nodes = await agent.start()
    await bind_many(kube, namespace, names(30), nodes, restartPolicy="Never")
    async with asyncio.TaskGroup() as group:
        for name in names(30):
            group.create_task(_delete(kube, namespace, name))
    await gone(kube, namespace)

    assert "Traceback" not in agent.log
    assert agent.is_running


async def _delete(kube: KubeClient, namespace: str, name: str) -> None:
    try:
        await kube.delete(PODS, name, namespace=namespace)
    except NotFoundError:
        return

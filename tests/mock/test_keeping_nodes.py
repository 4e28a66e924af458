"""Node objects and leases of an agent, seen by another client of a real API server, through what can befall them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from ipaddress import IPv4Network
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import NotFoundError
from autox.model.nodes import NodeIdentity, NodesConfig
from autox.model.refs import LEASES, NODES, PODS
from autox.nodes.agent import agent as agents
from autox.nodes.node.clients import open_clients
from autox.nodes.node.nodeobject import this_machine
from autox.nodes.node.registration import Registration
from autox.nodes.provider import NodeSpec, Registered
from tests.kube.apiserver import ApiServer
from tests.mock.agents import AgentProcess, eventually

pytestmark = pytest.mark.integration

LEASE_NAMESPACE = "kube-node-lease"


async def nodes_of(kube: KubeClient, prefix: str) -> dict[str, dict[str, Any]]:
    """All nodes whose names begin so, by name."""
    nodes = (await kube.list(NODES)).items
    return {node["metadata"]["name"]: node for node in nodes if node["metadata"]["name"].startswith(prefix)}


async def leases_of(kube: KubeClient, prefix: str) -> dict[str, dict[str, Any]]:
    """All leases of nodes whose names begin so, by name."""
    leases = (await kube.list(LEASES, namespace=LEASE_NAMESPACE)).items
    return {lease["metadata"]["name"]: lease for lease in leases if lease["metadata"]["name"].startswith(prefix)}


def is_ready(node: Mapping[str, Any]) -> bool:
    """Whether its condition Ready says so."""
    conditions = node["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def renewed(kube: KubeClient, prefix: str, *, since: Mapping[str, Any], count: int) -> dict[str, dict[str, Any]]:
    """Wait until every lease has been renewed after what it was; the leases then."""

    async def all_renewed() -> dict[str, dict[str, Any]]:
        now = await leases_of(kube, prefix)
        fresh = [name for name, lease in now.items() if lease["spec"] != since.get(name, {}).get("spec")]
        return now if len(fresh) == count else {}

    return await eventually(all_renewed)


async def test_fifty_nodes_register_live_and_outlast_a_restart(
    tmp_path: Path, identity: Path, prefix: str, kube: KubeClient
) -> None:
    """Fifty nodes are Ready, their leases are made, owned and renewed, and the next agent goes on with both."""
    agent = AgentProcess(tmp_path, identity, prefix=prefix, count=50, nodeLeaseDurationSeconds=8)
    try:
        names = await agent.start()
        nodes = await nodes_of(kube, prefix)
        first = await renewed(kube, prefix, since={}, count=50)
        second = await renewed(kube, prefix, since=first, count=50)
        await agent.end(SIGKILL)
        await agent.start()
        await renewed(kube, prefix, since=second, count=50)
    finally:
        await agent.end(SIGTERM)

    assert sorted(nodes) == sorted(names)
    assert all(is_ready(node) for node in nodes.values())
    assert {name: lease["metadata"]["ownerReferences"][0]["uid"] for name, lease in first.items()} == {
        name: node["metadata"]["uid"] for name, node in nodes.items()
    }
    assert {name: node["metadata"]["uid"] for name, node in (await nodes_of(kube, prefix)).items()} == {
        name: node["metadata"]["uid"] for name, node in nodes.items()
    }


async def test_an_agent_that_is_asked_to_stop_leaves_its_nodes(
    agent: AgentProcess, kube: KubeClient, prefix: str
) -> None:
    """SIGTERM ends it with 0 and takes back that it is ready; Kubernetes sees a kubelet that went away."""
    await agent.start()

    assert await agent.end(SIGTERM) == 0
    assert not (agent.state_dir / "ready").exists()
    assert len(await nodes_of(kube, prefix)) == 5


async def test_a_node_that_is_not_ours_is_refused(agent: AgentProcess, kube: KubeClient, prefix: str) -> None:
    """Plain words, exit code 3, and not a field of that node changed."""
    foreign = await kube.create(
        NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"{prefix}3", "labels": {"type": "kwok"}}}
    )
    await agent.launch()

    assert await agent.wait() == 3
    assert f"error: there is a node {prefix}3 which no autox agent with provider mock registered" in agent.log
    assert "hint: " in agent.log
    assert "Traceback" not in agent.log
    assert await kube.get(NODES, f"{prefix}3") == foreign
    assert not (agent.state_dir / "ready").exists()


async def test_a_node_that_is_deleted_is_made_again(agent: AgentProcess, kube: KubeClient, prefix: str) -> None:
    """With a lease of its own, and its pods go on being served."""
    await agent.start()
    await renewed(kube, prefix, since={}, count=5)
    before = (await nodes_of(kube, prefix))[f"{prefix}2"]
    await kube.delete(NODES, f"{prefix}2")
    await kube.delete(LEASES, f"{prefix}2", namespace=LEASE_NAMESPACE)

    async def back() -> dict[str, Any]:
        return (await nodes_of(kube, prefix)).get(f"{prefix}2", {})

    after = await eventually(back)

    async def owned() -> bool:
        lease = (await leases_of(kube, prefix)).get(f"{prefix}2")
        return lease is not None and lease["metadata"]["ownerReferences"][0]["uid"] == after["metadata"]["uid"]

    await eventually(owned)
    assert is_ready(after)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert agent.is_running


async def test_a_node_that_went_before_it_was_watched_is_made_again(
    identity: Path, kube: KubeClient, prefix: str
) -> None:
    """Nobody tells what happened between a registration and the beginning of the watch; the listing shows it."""
    spec = NodeSpec(name=f"{prefix}0", capacity={"cpu": "1"}, addresses={"InternalIP": "127.0.0.1"})
    leases: list[str] = []
    async with AsyncExitStack() as stack:
        clients = {spec.name: await open_clients(from_kubeconfig(identity), stack)}
        registration = Registration(clients, [spec], provider="mock", machine=this_machine())
        await registration.register(leases.append)
        first = await kube.delete(NODES, spec.name)
        keeping = asyncio.create_task(registration.run())
        try:
            second = await eventually(lambda: _made(kube, spec.name))
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    assert leases == [spec.name]
    assert second["metadata"]["uid"] != first["details"]["uid"]


async def _made(kube: KubeClient, name: str) -> dict[str, Any]:
    with suppress(NotFoundError):
        return await kube.get(NODES, name)
    return {}


async def test_a_node_that_was_given_up_turns_ready(agent: AgentProcess, kube: KubeClient, prefix: str) -> None:
    """While its agent runs, what the node lifecycle controller or a person wrote is put right at once."""
    await agent.start()
    given_up = {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}}
    await kube.patch(NODES, f"{prefix}1", given_up, subresource="status")

    async def ready() -> bool:
        return is_ready((await nodes_of(kube, prefix))[f"{prefix}1"])

    await eventually(ready)


async def test_a_node_that_loses_our_label_ends_the_agent(agent: AgentProcess, kube: KubeClient, prefix: str) -> None:
    """It is somebody else's from then on: rather no agent than one that writes to it."""
    await agent.start()
    taken = await kube.patch(NODES, f"{prefix}1", {"metadata": {"labels": {"autox.dev/provider": "other"}}})

    assert await agent.wait() == 3
    assert f"error: there is a node {prefix}1 which no autox agent with provider mock registered" in agent.log
    assert (await kube.get(NODES, f"{prefix}1"))["metadata"]["resourceVersion"] == taken["metadata"]["resourceVersion"]


async def test_taints_and_labels_of_others_stay(agent: AgentProcess, kube: KubeClient, prefix: str) -> None:
    """Across a restart too; a label of ours that was taken away comes back with the restart."""
    await agent.start()
    change = {
        "metadata": {"labels": {"example.com/rack": "r1", "kubernetes.io/hostname": None}},
        "spec": {"taints": [{"key": "autox.dev/virtual", "value": "true", "effect": "NoSchedule"}]},
    }
    await kube.patch(NODES, f"{prefix}0", change)
    await agent.end(SIGTERM)
    await agent.start()
    node = (await nodes_of(kube, prefix))[f"{prefix}0"]

    assert node["spec"]["taints"][0]["key"] == "autox.dev/virtual"
    assert node["metadata"]["labels"]["example.com/rack"] == "r1"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == f"{prefix}0"


async def test_two_agents_in_one_state_directory_are_one_too_many(
    agent: AgentProcess, tmp_path: Path, identity: Path, prefix: str
) -> None:
    """The second ends with 2 and says why; the first goes on."""
    await agent.start()
    second = AgentProcess(tmp_path, identity, prefix=prefix, count=5)
    await second.launch()

    assert await second.wait() == 2
    assert "another agent uses the state directory" in second.log
    assert agent.is_running
    assert (agent.state_dir / "ready").exists()


async def test_an_api_server_that_restarts_is_waited_for(
    agent: AgentProcess, api_server: ApiServer, kube: KubeClient, prefix: str, namespace: str
) -> None:
    """Nodes stay alive, pods created afterwards run, and the agent is still the same process."""
    await agent.start()
    before = await renewed(kube, prefix, since={}, count=5)
    api_server.kill()
    await asyncio.sleep(3)
    api_server.start("--enable-admission-plugins=NodeRestriction")
    await kube.create(
        PODS,
        {
            "metadata": {"name": "p", "namespace": namespace},
            "spec": {"nodeName": f"{prefix}0", "containers": [{"name": "main", "image": "example.com/app:1"}]},
        },
    )

    async def runs() -> bool:
        pod = await kube.get(PODS, "p", namespace=namespace)
        return bool(pod["status"]["phase"] == "Running")

    await eventually(runs)
    await renewed(kube, prefix, since=before, count=5)
    assert agent.is_running
    assert "Traceback" not in agent.log
    assert len(agent.log.splitlines()) < 40  # a line a tick at most, not one for each node and request


async def test_an_agent_waits_for_an_api_server_that_is_not_there_yet(
    agent: AgentProcess, api_server: ApiServer, kube: KubeClient, prefix: str
) -> None:
    """It is not ready meanwhile, says what it waits for, and may be stopped while it waits."""
    api_server.kill()
    try:
        await agent.launch()
        await eventually(lambda: asyncio.sleep(0, "is not registered yet" in agent.log))
        assert not (agent.state_dir / "ready").exists()
        assert await agent.end(SIGTERM) == 0
        await agent.launch()
    finally:
        api_server.start("--enable-admission-plugins=NodeRestriction")

    await eventually(lambda: asyncio.sleep(0, (agent.state_dir / "ready").exists()))
    assert len(await nodes_of(kube, prefix)) == 5


async def test_an_identity_without_permission_is_told_so(tmp_path: Path, api_server: ApiServer, prefix: str) -> None:
    """Exit code 3 and the server's own words, no traceback."""
    agent = AgentProcess(tmp_path, api_server.kubeconfig("nobody", groups=["nobodies"]), prefix=prefix, count=1)
    await agent.launch()

    assert await agent.wait() == 3
    assert "nodes is forbidden" in agent.log
    assert "Traceback" not in agent.log


async def test_a_missing_kubeconfig_is_told_so(tmp_path: Path, prefix: str) -> None:
    """Exit code 2: a mistake in what the user gave."""
    agent = AgentProcess(tmp_path, tmp_path / "none.kubeconfig", prefix=prefix, count=1)
    await agent.launch()

    assert await agent.wait() == 2
    assert "none.kubeconfig" in agent.log
    assert "Traceback" not in agent.log


class IdleProvider:
    """Nodes that serve no pods."""

    name = "process"

    def __init__(self, config: NodesConfig) -> None:
        self._config = config

    def nodes(self) -> list[NodeSpec]:
        """Those of the configuration."""
        return [
            NodeSpec(
                name=node.name,
                capacity={"cpu": "2", "memory": "4Gi", "pods": "110"},
                addresses={"InternalIP": "127.5.0.1", "Hostname": node.name},
                kubelet_port=10250,
            )
            for node in self._config.nodes
        ]

    def is_silent(self, name: str) -> bool:
        """No outages."""
        return not name

    async def run(self, _nodes: Registered) -> None:
        """Until cancelled."""
        await asyncio.Event().wait()


async def test_nodes_with_an_identity_each_need_no_more_than_a_kubelet(
    api_server: ApiServer, kube: KubeClient, prefix: str, tmp_path: Path
) -> None:
    """As ``system:node:NAME`` under the node authorizer and NodeRestriction; a deleted node is noticed too."""
    names = [f"{prefix}a", f"{prefix}b"]
    identities = tuple(
        NodeIdentity(name=name, kubeconfig=api_server.kubeconfig(f"system:node:{name}", groups=["system:nodes"]))
        for name in names
    )
    config = NodesConfig(
        provider="process", state_dir=tmp_path / "state", nodes=identities, pod_cidr=IPv4Network("10.5.0.0/16")
    )
    stop = asyncio.Event()
    task = asyncio.create_task(
        agents.run(config, lambda config, _: agents.Serving(provider=IdleProvider(config)), stop=stop)
    )
    try:
        await eventually(lambda: asyncio.sleep(0, (tmp_path / "state" / "ready").exists()))
        assert json.loads((tmp_path / "state" / "ready").read_text())["nodes"] == names
        leases = await renewed(kube, prefix, since={}, count=2)
        before = await nodes_of(kube, prefix)
        await kube.delete(NODES, names[0])

        async def back() -> dict[str, Any]:
            try:
                return await kube.get(NODES, names[0])
            except NotFoundError:
                return {}

        after = await eventually(back)
        assert after["metadata"]["uid"] != before[names[0]]["metadata"]["uid"]
        assert after["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
        assert sorted(leases) == names
    finally:
        stop.set()
        await task
    assert not (tmp_path / "state" / "ready").exists()

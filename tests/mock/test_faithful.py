"""Faithful mock nodes: what the API server sees of them is what it sees of kubelets."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, PODS
from benchmarks.nodes.agents import FaithfulAutox
from tests.kube.apiserver import ApiServer
from tests.mock.agents import AgentProcess, eventually
from tests.mock.test_serving_pods import all_in, bind_many, gone, names

pytestmark = pytest.mark.integration

GROUP = "test:faithful-nodes"
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
COUNT = 4


class Audited(ApiServer):
    """An API server that writes down who asked for what, with the admission that holds nodes to their own."""

    def begin(self) -> None:
        """Start it."""
        policy = self.directory / "policy.json"
        policy.write_text(json.dumps(POLICY))
        self.start(
            "--enable-admission-plugins=NodeRestriction",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.directory / 'audit.log'}",
        )

    def requests(self) -> list[dict[str, Any]]:
        """What virtual nodes asked for, each request once."""
        lines = (self.directory / "audit.log").read_text().splitlines()
        told = {event["auditID"]: event for event in map(json.loads, lines)}
        return [event for event in told.values() if event["user"]["username"] == "faithful"]


@pytest.fixture
async def audited(tmp_path: Path) -> AsyncIterator[Audited]:
    """The API server, with a role for the agent that lets it act as nodes and do nothing itself."""
    server = Audited(tmp_path)
    await asyncio.to_thread(server.begin)
    async with KubeClient(from_kubeconfig(server.kubeconfig())) as kube:
        group = "rbac.authorization.k8s.io"
        await kube.create(CLUSTER_ROLES, {"metadata": {"name": "faithful"}, "rules": list(FaithfulAutox.rules)})
        binding = {
            "metadata": {"name": "faithful"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "faithful"},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": GROUP}],
        }
        await kube.create(CLUSTER_ROLE_BINDINGS, binding)
    yield server
    await asyncio.to_thread(server.stop)


async def test_each_node_is_itself(audited: Audited, tmp_path: Path) -> None:
    """Each node acts as its own kubelet, has three watches as a kubelet, and is refused nothing."""
    (tmp_path / "agent").mkdir()
    kubeconfig = audited.kubeconfig("faithful", groups=[GROUP])
    agent = AgentProcess(
        tmp_path / "agent", kubeconfig, prefix="true-", count=COUNT, mode="faithful", nodeLeaseDurationSeconds=8
    )
    async with KubeClient(from_kubeconfig(audited.kubeconfig())) as kube:
        nodes = await agent.start()
        try:
            await bind_many(kube, "default", names(12), nodes)
            pods = await all_in(kube, "default", "Running", count=12)
            for name in pods:
                await kube.delete(PODS, name, namespace="default")
            await gone(kube, "default")
            await eventually(lambda: _renewed(audited))
        finally:
            await agent.end(SIGTERM)
    asked = audited.requests()

    assert {event["responseStatus"]["code"] // 100 for event in asked if "responseStatus" in event} == {2}
    assert {event["impersonatedUser"]["username"] for event in asked} == {f"system:node:{node}" for node in nodes}
    assert {tuple(event["impersonatedUser"]["groups"]) for event in asked} == {("system:nodes", "system:authenticated")}
    for node in nodes:
        own = [event for event in asked if event["impersonatedUser"]["username"] == f"system:node:{node}"]
        watches = Counter(event["objectRef"]["resource"] for event in own if event["verb"] == "watch")
        assert set(watches) == {"pods", "nodes", "services"}
        leases = {event["objectRef"].get("name", node) for event in own if event["objectRef"]["resource"] == "leases"}
        assert leases == {node}
        written = [event["objectRef"]["name"] for event in own if event["objectRef"].get("subresource") == "status"]
        mine = {name for name, pod in pods.items() if pod["spec"]["nodeName"] == node}
        assert Counter(name for name in written if name != node) == Counter(mine)


async def _renewed(audited: Audited) -> bool:
    """Whether a lease was renewed."""
    return any(event["verb"] == "update" and event["objectRef"]["resource"] == "leases" for event in audited.requests())

"""A real agent of mock nodes with kubelet endpoints, as ``autox nodes run`` starts it."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from autox.cluster.bootstrap import grant as grant_to_nodes
from autox.cluster.identities import VIRTUAL_NODES_GROUP
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS
from tests.kube.apiserver import ApiServer
from tests.kubelet.controlplane import grant, kubectl, kubelet_endpoint, started, trust
from tests.mock.agents import AgentProcess, eventually
from tests.usage.promtext import Sample, families

pytestmark = pytest.mark.integration

REQUESTS = {"cpu": "2", "memory": "100Mi"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that speaks to kubelets."""
    made = started(tmp_path_factory.mktemp("control-plane"))
    yield made
    made.stop()


@dataclass(kw_only=True)
class World:
    """Two mock nodes, of which the first runs the pod ``web``."""

    server: ApiServer
    kube: KubeClient
    agent: AgentProcess
    names: list[str]
    namespace: str
    url: str

    async def scrape(self, token: str) -> dict[tuple[str, ...], Sample]:
        """The CPU counters of the first node's containers."""
        told = families(await self.get("/metrics/resource", token))
        counters = told["container_cpu_usage_seconds_total"].samples
        return {tuple(value for _, value in labels): sample for labels, sample in counters.items()}

    async def get(self, path: str, token: str) -> str:
        """What the first node answers."""
        headers = {"Authorization": f"Bearer {token}"}
        connector = TCPConnector(ssl=trust(self.server))
        async with (
            ClientSession(self.url, connector=connector) as session,
            session.get(path, headers=headers) as response,
        ):
            return await response.text()

    async def kubectl(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        code, out, err = await kubectl(self.server, "-n", self.namespace, *words)
        assert code == 0, err
        return out


@pytest.fixture(params=["cheap", "faithful"])
async def world(request: pytest.FixtureRequest, server: ApiServer, tmp_path: Path) -> AsyncIterator[World]:
    """With the rights that a cluster gives its virtual nodes, or as kubelets by impersonation."""
    endpoint = kubelet_endpoint(server)
    cheap = server.kubeconfig("virtual-nodes", groups=[VIRTUAL_NODES_GROUP])
    identity = cheap if request.param == "cheap" else server.kubeconfig()
    agent = AgentProcess(tmp_path, identity, prefix=f"{request.param}-", count=2)
    config = json.loads(agent._config.read_text())
    config["mock"]["mode"] = request.param
    config["kubelet"] = {
        "address": endpoint.address,
        "port": endpoint.port,
        "certFile": str(endpoint.cert_file),
        "keyFile": str(endpoint.key_file),
        "clientCAFile": str(endpoint.client_ca_file),
    }
    agent._config.write_text(json.dumps(config))
    async with KubeClient(from_kubeconfig(server.kubeconfig())) as kube:
        await grant_to_nodes(kube, dns=False)
        try:
            names = await agent.start()
            spec = {
                "nodeName": names[0],
                "containers": [{"name": "app", "image": "a", "resources": {"requests": REQUESTS}}],
            }
            namespace = request.param
            await kube.create(NAMESPACES, {"metadata": {"name": namespace}})
            await kube.create(PODS, {"metadata": {"name": "web"}, "spec": spec}, namespace=namespace)
            made = World(
                server=server,
                kube=kube,
                agent=agent,
                names=names,
                namespace=namespace,
                url=f"https://{endpoint.address}:{endpoint.port}",
            )

            async def running() -> Any:
                pod = await kube.get(PODS, "web", namespace=namespace)
                return pod["status"].get("phase") == "Running"

            await eventually(running)
            yield made
        finally:
            if agent.is_running:
                await agent.end(SIGKILL)


async def test_the_endpoints_of_an_agent(world: World) -> None:
    """Users and scrapers get to the pods that it simulates; after a restart the counters go on."""
    node, other = [await world.kube.get(NODES, name) for name in world.names]
    addresses = [each["status"]["addresses"][0]["address"] for each in (node, other)]

    assert len(set(addresses)) == 2
    assert node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == int(world.url.rsplit(":", 1)[1])
    assert node["status"]["declaredFeatures"] == ["ExtendWebSocketsToKubelet"]

    assert " line=0 " in await world.kubectl("logs", "web")
    assert await world.kubectl("exec", "web", "--", "hello") == "hello\n"

    account = {"kind": "ServiceAccount", "name": "scraper", "namespace": world.namespace}
    await world.kube.create(SERVICE_ACCOUNTS, {"metadata": {"name": "scraper"}}, namespace=world.namespace)
    await grant(world.kube, f"scraper-{world.namespace}", account, "metrics", "pods")
    token = (await world.kubectl("create", "token", "scraper")).strip()
    container = ("app", world.namespace, "web")
    before = (await world.scrape(token))[container]
    assert [pod["metadata"]["name"] for pod in json.loads(await world.get("/pods", token))["items"]] == ["web"]

    assert await world.agent.end(SIGTERM) == 0
    await world.agent.start()

    async def scraped_again() -> Any:
        try:
            return (await world.scrape(token)).get(container)
        except (OSError, KeyError):
            return None

    after = await eventually(scraped_again)
    assert before.time is not None
    assert after.time is not None
    rate = (after.value - before.value) / (after.time - before.time) * 1000
    assert rate == pytest.approx(1.0, rel=0.15)  # half of what it requests

"""What an agent says of itself: metrics, status and health, from a real agent with a real API server."""

import asyncio
import json
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import IPv4Network
from itertools import product
from pathlib import Path
from signal import SIGTERM
from typing import Any

import aiohttp
import psutil
import pytest

from autox.core.formats.exposition import CONTENT_TYPE
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.addresses import Address
from autox.model.nodes import MockNodes
from autox.model.refs import NODES, PODS
from autox.nodes.agent.collector import Collector
from autox.nodes.agent.status_server import StatusServer
from autox.nodes.mock.provider import MockProvider
from autox.nodes.node.clients import open_clients
from autox.nodes.node.leases import Leases
from tests.forking import AUTOX, fork
from tests.kube.apiserver import ApiServer, free_port
from tests.mock.agents import AgentProcess, eventually
from tests.usage.promtext import Family, families

pytestmark = pytest.mark.integration

COUNT = 5


class ListeningAgent:
    """An agent process that was started with flags alone, and what it answers."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.address = address
        self._session = session

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, content type and text of an answer; 0 if there is none."""
        try:
            async with self._session.get(f"http://{self.address}{path}") as answer:
                return answer.status, answer.headers["Content-Type"], await answer.text()
        except aiohttp.ClientError:
            return 0, "", ""

    async def metrics(self) -> dict[str, Family]:
        """A scrape, read strictly."""
        _, _, text = await self.get("/metrics")
        return families(text)

    async def values(self) -> dict[str, float]:
        """A scrape as one number for each name and the values of its labels."""
        return {
            " ".join((name, *(value for _, value in labels))): sample.value
            for name, family in (await self.metrics()).items()
            for labels, sample in family.samples.items()
        }


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession() as made:
        yield made


@asynccontextmanager
async def listening_agent(
    session: aiohttp.ClientSession, kubeconfig: Path, prefix: str, log: Path, *more: str
) -> AsyncIterator[ListeningAgent]:
    """An agent of five nodes that are registered."""
    address = f"127.0.0.1:{free_port()}"
    flags = ("--count", str(COUNT), "--name-prefix", prefix, "--kubeconfig", str(kubeconfig), *more)
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    with log.open("ab") as output:
        process = fork(
            (*AUTOX, "nodes", "run", *flags, "--listen", address), env=environment, stdout=output, stderr=output
        )
    try:
        made = ListeningAgent(session, address)

        async def is_registered() -> bool:
            assert process.poll() is None, f"see {log}"
            said = (await made.get("/status"))[2]
            # NB: nodes that are silent from their first moment have no leases.
            return f'"registered":{COUNT},' in said and re.search(r'"(renewals|silent)":[1-9]', said) is not None

        await eventually(is_registered)
        yield made
    finally:
        process.terminate()
        code = await asyncio.to_thread(process.wait)
    assert code == 0


@pytest.fixture
async def listening(
    session: aiohttp.ClientSession, identity: Path, prefix: str, tmp_path: Path
) -> AsyncIterator[ListeningAgent]:
    """An agent in the mode that is usual."""
    async with listening_agent(session, identity, prefix, tmp_path / "agent.log") as agent:
        yield agent


def pod(name: str, node: str, **spec: Any) -> dict[str, Any]:
    """A pod of a node."""
    containers = [{"name": "main", "image": "example.com/app:1"}]
    return {"metadata": {"name": name}, "spec": {"nodeName": node, "containers": containers, **spec}}


async def test_what_is_told_of_an_idle_agent(listening: ListeningAgent, api_server: ApiServer) -> None:
    """A page that Prometheus reads, with a type for each metric that fits its name, and nothing that is not known."""
    status, kind, _ = await listening.get("/metrics")
    told, values = await listening.metrics(), await listening.values()
    about = dict(next(iter(told["autox_nodes_info"].samples)))

    assert (status, kind) == (200, CONTENT_TYPE)
    assert all(name.startswith(("autox_nodes_", "process_")) for name in told)
    assert {name for name in told if told[name].kind == "counter"} == {name for name in told if name.endswith("_total")}
    assert (about["mode"], about["provider"], about["server"]) == ("cheap", "mock", api_server.url)
    assert values["autox_nodes_wanted"] == values["autox_nodes_registered"] == COUNT
    assert values["autox_nodes_silent"] == values["autox_nodes_leases_expired"] == 0
    assert 0 <= values["autox_nodes_lease_oldest_seconds"] <= values["autox_nodes_lease_oldest_max_seconds"]
    assert values["process_cpu_seconds_total"] > 0
    assert values["process_resident_memory_bytes"] > 2**20
    assert values["process_start_time_seconds"] < time.time()
    assert await listening.get("/healthz") == (200, "text/plain; charset=utf-8", "ok")


async def test_counters_follow_what_pods_go_through(
    listening: ListeningAgent, kube: KubeClient, namespace: str, prefix: str
) -> None:
    """One write for a pod that runs, two for one that ends, one deletion for each that is deleted; and no more pods."""
    node = f"{prefix}0"
    for name in ("runs", "goes"):
        await kube.create(PODS, pod(name, node), namespace=namespace)
    await kube.create(PODS, pod("ends", node, restartPolicy="Never"), namespace=namespace)
    slow = {**pod("waits", node)}
    slow["metadata"]["annotations"] = {"autox.dev/start-seconds": "forever"}
    await kube.create(PODS, slow, namespace=namespace)
    counted = await _once_they_are(listening, running=2, ended=1, waiting=1)
    await kube.delete(PODS, "goes", namespace=namespace)
    afterwards = await _once_they_are(listening, running=1, ended=1, waiting=1)

    assert counted["autox_nodes_pod_status_writes_total"] == 5
    assert counted["autox_nodes_pod_deletions_total"] == counted["autox_nodes_pods_retried"] == 0
    assert afterwards["autox_nodes_pod_deletions_total"] == 1
    of_nodes = COUNT + afterwards["autox_nodes_heartbeats_total"]
    assert afterwards["autox_nodes_requests_answered_total pods"] == of_nodes + 6
    assert afterwards["autox_nodes_requests_throttled_total pods"] == 0
    assert {name for name in counted if counted[name] > afterwards[name]} <= {
        name for name in counted if not name.split()[0].endswith("_total")
    }


async def test_nodes_with_clients_of_their_own_are_summed(
    *,
    session: aiohttp.ClientSession,
    api_server: ApiServer,
    kube: KubeClient,
    namespace: str,
    prefix: str,
    tmp_path: Path,
) -> None:
    """In faithful mode each node has its own watch and connections; the agent tells of all of them together."""
    log = tmp_path / "agent.log"
    async with listening_agent(session, api_server.kubeconfig(), prefix, log, "--mode", "faithful") as agent:
        for index in range(COUNT):
            await kube.create(PODS, pod(f"p{index}", f"{prefix}{index}"), namespace=namespace)
        counted = await _once_they_are(agent, running=COUNT, ended=0, waiting=0)
        about = dict(next(iter((await agent.metrics())["autox_nodes_info"].samples)))

    assert about["mode"] == "faithful"
    assert counted["autox_nodes_pod_status_writes_total"] == COUNT
    of_nodes = COUNT + counted["autox_nodes_heartbeats_total"]
    assert counted["autox_nodes_requests_answered_total pods"] == of_nodes + COUNT
    assert counted["autox_nodes_lease_renewals_total"] == counted["autox_nodes_requests_answered_total leases"] > 0


async def test_nodes_that_an_outage_befell_are_told_apart(
    *,
    session: aiohttp.ClientSession,
    kube: KubeClient,
    namespace: str,
    identity: Path,
    prefix: str,
    tmp_path: Path,
) -> None:
    """Silence that the user's own stages ask for is no illness of the agent, and nothing is written meanwhile."""
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps({"outages": [{"name": "rack", "intervalSeconds": 601, "durationSeconds": 600}]}))
    log = tmp_path / "agent.log"
    async with listening_agent(session, identity, prefix, log, "--stages", str(stages)) as agent:
        await _until(agent, lambda now: now["autox_nodes_silent"] == COUNT)
        await kube.create(PODS, pod("p", f"{prefix}0"), namespace=namespace)
        told = await _once_they_are(agent, waiting=1)
        health = await agent.get("/healthz")

    assert told["autox_nodes_registered"] == COUNT
    assert told["autox_nodes_pod_status_writes_total"] == 0
    assert health[0] == 200


async def _once_they_are(listening: ListeningAgent, **counts: int) -> dict[str, float]:
    async def look() -> dict[str, float]:
        values = await listening.values()
        seen = {state: values[f"autox_nodes_pods {state}"] for state in counts}
        return values if seen == counts else {}

    return await eventually(look)


async def test_an_interrupted_watch_is_counted(listening: ListeningAgent, api_server: ApiServer) -> None:
    """Of pods and of nodes, and the agent says so while its API server is away: it can be asked all the same."""
    before = await listening.values()
    api_server.kill()
    try:
        away = await _until(listening, lambda now: now["autox_nodes_watch_interruptions_total pods"] > 0)
    finally:
        api_server.start("--enable-admission-plugins=NodeRestriction")
    await _until(listening, lambda now: now["autox_nodes_watch_interruptions_total nodes"] > 0)

    assert before["autox_nodes_watch_interruptions_total pods"] == 0
    assert away["autox_nodes_registered"] == COUNT


async def _until(listening: ListeningAgent, is_so: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    async def look() -> dict[str, float]:
        values = await listening.values()
        return values if is_so(values) else {}

    return await eventually(look)


async def test_it_can_only_be_read(listening: ListeningAgent, session: aiohttp.ClientSession) -> None:
    """Whoever reaches it can change nothing."""
    answers = {}
    for method, path in product(("POST", "PUT", "DELETE"), ("/metrics", "/status", "/healthz")):
        async with session.request(method, f"http://{listening.address}{path}", data=b"x" * 1000) as answer:
            answers[method, path] = answer.status

    assert set(answers.values()) == {405}, answers


async def test_no_secret_is_told(listening: ListeningAgent, identity: Path) -> None:
    """Neither the identity's key nor where it is kept."""
    pages = "".join([(await listening.get(path))[2] for path in ("/metrics", "/status", "/healthz")])

    assert "PRIVATE" not in pages
    assert identity.name not in pages
    assert str(identity.parent) not in pages


async def test_health_turns_when_leases_run_out(
    session: aiohttp.ClientSession, api_server: ApiServer, kube: KubeClient, identity: Path, prefix: str
) -> None:
    """An API server that does not answer for 41 seconds makes it 503 with the reason; once it answers, all is well."""
    ahead = 0.0
    nodes = MockNodes(kubeconfig=identity, name_prefix=prefix, count=2)
    for name in nodes.names():
        await kube.create(NODES, {"metadata": {"name": name}})
    uids = {name: (await kube.get(NODES, name))["metadata"]["uid"] for name in nodes.names()}
    address = Address(host="127.0.0.1", port=free_port())
    agent = ListeningAgent(session, str(address))
    async with AsyncExitStack() as stack:
        clients = dict.fromkeys(uids, await open_clients(from_kubeconfig(identity), stack))
        leases = Leases(clients, node_uid=uids.get, now=lambda: time.monotonic() + ahead)
        provider = MockProvider(clients, nodes, pod_cidr=IPv4Network("10.78.0.0/16"))
        collector = Collector(provider, clients, mode="cheap", pods=provider.figures)
        collector.leases = leases
        for name in uids:
            leases.begin(name)
        tasks = [asyncio.create_task(part) for part in (leases.run(), StatusServer(address, collector.figures).run())]
        stack.push_async_callback(_end, tasks)
        await eventually(lambda: _answers(agent))
        await _until(agent, lambda now: now["autox_nodes_lease_renewals_total"] == 2)
        well = await agent.get("/healthz")
        api_server.pause()
        try:
            ahead = 41.0
            ill = await agent.get("/healthz")
            late = await agent.values()
        finally:
            api_server.resume()
        again = await _until(agent, lambda now: now["autox_nodes_leases_expired"] == 0)
        better = await agent.get("/healthz")

    assert (well[0], ill[0], better[0]) == (200, 503, 200)
    assert re.fullmatch(r"the oldest lease was renewed 4\d s ago and lasts 40 s; 2 of 2 leases have run out", ill[2]), (
        ill[2]
    )
    assert late["autox_nodes_lease_oldest_seconds"] >= 41.0
    assert again["autox_nodes_lease_oldest_seconds"] < 40.0
    assert again["autox_nodes_lease_oldest_max_seconds"] >= late["autox_nodes_lease_oldest_seconds"]


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _answers(agent: ListeningAgent) -> bool:
    return (await agent.get("/healthz"))[0] == 200


async def test_an_address_in_use_ends_the_agent(agent: AgentProcess) -> None:
    """In plain words and with exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _listen(agent, address)
        await agent.launch()
        code = await agent.wait()

    assert code == 2
    assert f"error: the agent cannot listen on {address}: " in agent.log
    assert "hint: " in agent.log
    assert "Traceback" not in agent.log


async def test_nothing_listens_unless_asked(agent: AgentProcess) -> None:
    """An agent opens no port of its own; with the field ``listen`` of its file it opens that one."""
    await agent.start()
    silent = _ports(agent)
    await agent.end(SIGTERM)
    port = free_port()
    _listen(agent, f"127.0.0.1:{port}")
    await agent.start()

    assert silent == []
    assert _ports(agent) == [port]


def _ports(agent: AgentProcess) -> list[int]:
    assert agent._process is not None
    sockets = psutil.Process(agent._process.pid).net_connections(kind="inet")
    return [each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN]


def _listen(agent: AgentProcess, address: str) -> None:
    config = json.loads(agent._config.read_text())
    agent._config.write_text(json.dumps({**config, "listen": address}))

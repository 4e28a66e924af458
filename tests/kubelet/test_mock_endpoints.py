"""What mock nodes answer; who may ask is tested next door, and with an API server in front in its own file."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from aiohttp import ClientSession, WSMsgType

from autox.cluster.pki import Pki
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.nodes import KubeletEndpoint
from autox.nodes.kubelet import server
from autox.nodes.mock.podview import Attempt, ContainerView
from tests.kube.apiserver import free_port
from tests.kubelet.conftest import client
from tests.kubelet.mocknodes import Clock, serving, specs
from tests.usage.promtext import families
from tests.usage.samples import NODE, START, Residents, container, pod, restarted

LOG = "/containerLogs/shop/web/app"
EXEC = "/exec/shop/web/app"
V5 = "v5.channel.k8s.io"
NOWHERE = Connection(server="https://127.0.0.1:1", origin="a test that needs no API server")


@dataclass(kw_only=True)
class World:
    """Two nodes, the first of which has pods, with the API server as their client."""

    residents: Residents
    clock: Clock
    urls: dict[str, str]
    client: ClientSession

    async def get(self, path: str, *, node: str = NODE) -> tuple[int, str]:
        """Status and text of an answer."""
        async with self.client.get(self.urls[node] + path) as response:
            return response.status, await response.text()

    async def page(self, path: str, *, node: str = NODE) -> str:
        """The text of an answer that must be good."""
        status, text = await self.get(path, node=node)
        assert status == 200, text
        return text


@pytest.fixture(params=["an address each", "a port each"])
async def world(request: pytest.FixtureRequest, endpoint: KubeletEndpoint, pki: Pki) -> AsyncIterator[World]:
    """Two nodes, an hour after their pod was started, in both ways in which nodes are told apart."""
    share = request.param == "a port each"
    endpoint = replace(endpoint, port=free_port())
    residents, clock = Residents([pod()]), Clock(START + 3600)
    nodes = specs([NODE, "node-1"], endpoint, share_address=share)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(
            serving(endpoint, nodes, residents, kube=KubeClient(NOWHERE), clock=clock)
        )
        session = await stack.enter_async_context(client(pki, "api-server", None))
        yield World(residents=residents, clock=clock, urls=urls, client=session)


async def test_each_node_tells_of_its_own_pods(world: World) -> None:
    """Though one server answers for all: where the connection ends says which node is meant."""
    told = [families(await world.page("/metrics/resource", node=node)) for node in (NODE, "node-1")]

    assert ["pod_cpu_usage_seconds_total" in one for one in told] == [True, False]
    assert [json.loads(await world.page("/stats/summary", node=node))["node"]["nodeName"] for node in world.urls] == [
        NODE,
        "node-1",
    ]
    assert (await world.get(LOG))[0] == 200
    assert await world.get(LOG, node="node-1") == (404, 'pod "web" in namespace "shop" is not on this node')
    assert await world.page("/healthz", node="node-1") == "ok"


async def test_a_place_of_no_node_is_not_there(endpoint: KubeletEndpoint, pki: Pki) -> None:
    """An address of loopback that no node of the agent has, though its socket hears it."""
    endpoint = replace(endpoint, port=free_port())
    nodes = specs([NODE, "node-1"], endpoint)
    elsewhere = f"https://127.214.0.9:{endpoint.port}"
    async with (
        serving(endpoint, nodes, Residents(), kube=KubeClient(NOWHERE)),
        client(pki, "admin", elsewhere) as asks,
        asks.get("/healthz") as response,
    ):
        said = f"no node of this agent is at 127.214.0.9:{endpoint.port}"
        assert (response.status, await response.text()) == (404, said)


async def test_a_scraper_of_many_nodes_does_not_fill_the_memory(
    endpoint: KubeletEndpoint, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few connections are kept for its next visit; beyond them, each is closed after its answer."""
    monkeypatch.setattr(server, "_KEPT", 3)
    nodes = specs([NODE], endpoint)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(serving(endpoint, nodes, Residents(), kube=KubeClient(NOWHERE)))
        said = []
        for _ in range(5):
            session = await stack.enter_async_context(client(pki, "api-server", urls[NODE]))
            async with session.get("/healthz") as response:
                said.append(response.headers.get("Connection", "keep-alive"))

    assert said == ["keep-alive"] * 3 + ["close"] * 2


async def test_counters_grow_with_time_and_never_fall(world: World) -> None:
    """From scrape to scrape, as a page that a strict reader reads."""
    counts = []
    for _ in range(20):
        told = families(await world.page("/metrics/resource"))
        counts.append([told[f"{of}_cpu_usage_seconds_total"] for of in ("node", "pod", "container")])
        world.clock.now += 15
    for family in zip(*counts, strict=True):
        values = [sample.value for one in family for sample in one.samples.values()]
        assert all(before < after for before, after in itertools.pairwise(values))


async def test_the_page_says_which_format_it_is(world: World) -> None:
    """So that scrapers read it as text."""
    async with world.client.get(f"{world.urls[NODE]}/metrics/resource") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_the_summary_agrees_with_the_metrics(world: World) -> None:
    """The same values in the other format, and what is left of 8 GiB."""
    told = families(await world.page("/metrics/resource"))
    summed = json.loads(await world.page("/stats/summary?only_cpu_and_memory=true"))

    memory = summed["node"]["memory"]
    assert memory["workingSetBytes"] == told["node_memory_working_set_bytes"][()].value
    assert memory["availableBytes"] == 8 * 2**30 - memory["workingSetBytes"]
    cpu = summed["pods"][0]["cpu"]["usageCoreNanoSeconds"]
    assert cpu == round(told["pod_cpu_usage_seconds_total"]["shop", "web"].value * 1e9)


@pytest.mark.parametrize("path", ["/runningpods", "/runningpods/"])
async def test_what_runs(world: World, path: str) -> None:
    """The pods of which something runs, and the containers that do."""
    waits = ContainerView(name="waits")
    world.residents.views = [pod(container("app"), waits), pod(waits, name="none", uid="uid-2")]
    listed = json.loads(await world.page(path))

    assert listed["kind"] == "PodList"
    (only,) = listed["items"]
    assert only["metadata"] == {"name": "web", "namespace": "shop", "uid": "uid-1"}
    assert [(one["name"], one["image"]) for one in only["spec"]["containers"]] == [("app", "shop/app:1")]


@pytest.mark.parametrize(
    ("query", "lines"),
    [("", 721), ("tailLines=3", 3), ("sinceSeconds=11", 3), ("sinceTime=2027-01-15T08:59:50Z", 3), ("tailLines=0", 0)],
)
async def test_the_wanted_part_of_a_log(world: World, query: str, lines: int) -> None:
    """The options of ``kubectl logs``."""
    assert (await world.page(f"{LOG}?{query}")).count("\n") == lines


async def test_more_options_of_logs(world: World) -> None:
    """Times, a limit, and what is wrong."""
    assert len(await world.page(f"{LOG}?limitBytes=100")) == 100
    assert (await world.page(f"{LOG}?timestamps=true&tailLines=1")).startswith("2027-01-15T09:00:00.000000000Z level=")
    assert await world.get(f"{LOG}?tailLines=-1") == (400, "tailLines must be at least 0, not -1")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/containerLogs/shop/other/app", 404, 'pod "other" in namespace "shop" is not on this node'),
        ("/containerLogs/other/web/app", 404, 'pod "web" in namespace "other" is not on this node'),
        ("/containerLogs/shop/web/other", 404, "container other is not valid for pod web"),
        ("/containerLogs/shop/web/%F0%9F%8D%8E", 404, "container \U0001f34e is not valid for pod web"),
        (f"{LOG}?previous=true", 400, 'previous terminated container "app" in pod "web" not found'),
        (
            "/containerLogs/shop/web/waits",
            400,
            'container "waits" in pod "web" is waiting to start: ImagePullBackOff',
        ),
        ("/exec/shop/other/app", 404, 'pod "other" in namespace "shop" is not on this node'),
        ("/exec/shop/web/other", 404, "container other is not valid for pod web"),
        ("/exec/shop/web/waits", 400, 'container "waits" in pod "web" does not run'),
        ("/exec/shop/web/app", 501, f"exec needs a WebSocket with the protocol {V5} or v4.channel.k8s.io"),
        ("/attach/shop/web/app", 501, "attach is not supported by these nodes"),
        ("/portForward/shop/web", 501, "port-forward is not supported by these nodes"),
    ],
)
async def test_what_there_is_nothing_of(world: World, path: str, status: int, text: str) -> None:
    """In the kubelet's words, where kubectl shows them."""
    world.residents.views = [pod(container(), ContainerView(name="waits", waiting="ImagePullBackOff"))]

    assert await world.get(path) == (status, text)


async def test_the_log_of_the_run_before(world: World) -> None:
    """It ended with that run, and the present one has its own."""
    before = await world.page(LOG)
    world.residents.views = [restarted(world.residents.views[0], at=START + 3590)]

    assert await world.page(f"{LOG}?previous=1") == "".join(before.splitlines(keepends=True)[:719])
    assert (await world.page(LOG)).count("\n") == 3
    assert not set(before.splitlines()) & set((await world.page(LOG)).splitlines())


async def test_the_log_of_a_container_that_ended_can_still_be_read(world: World) -> None:
    """Until then and no further, also by followers."""
    over = Attempt(started=START, ended=START + 10)
    world.residents.views = [pod(replace(container(), attempt=over))]

    assert (await world.page(LOG)).count("\n") == 3
    assert (await world.page(f"{LOG}?follow=true")).count("\n") == 3


@pytest.mark.parametrize("end", ["deleted", "replaced", "restarted", "ended"])
async def test_a_followed_log_ends_with_its_container(world: World, end: str) -> None:
    """With its pod too, and when another pod has taken the name."""
    world.residents.views = [view] = [pod(log_interval_seconds="0.5")]
    async with world.client.get(f"{world.urls[NODE]}{LOG}?follow=true&tailLines=1") as response:
        assert b" line=7200 " in await response.content.readline()

        world.clock.now += 0.5

        assert b" line=7201 " in await response.content.readline()

        ended = replace(container(), attempt=Attempt(started=START, ended=world.clock.now))
        world.residents.views = {
            "deleted": [],
            "replaced": [replace(view, uid="uid-2")],
            "restarted": [restarted(view, at=world.clock.now)],
            "ended": [replace(view, containers=(ended,))],
        }[end]

        assert await response.content.read() == b""


async def test_a_reader_who_leaves_a_long_log_is_no_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """As one who reads just the head of it does; the server goes on well."""
    world.residents.views = [pod(log_interval_seconds="0.01")]
    for query in ("", "?follow=true"):
        response = await world.client.get(f"{world.urls[NODE]}{LOG}{query}")
        assert response.status == 200
        await response.content.readline()
        response.close()
    assert await world.page("/healthz") == "ok"
    assert caplog.records == []


async def test_a_command_is_echoed(world: World) -> None:
    """Its words as one line on standard output, and success."""
    query = "command=echo&command=a+b&command=%F0%9F%8D%8E&output=1&error=1"
    async with world.client.ws_connect(f"{world.urls[NODE]}{EXEC}?{query}", protocols=(V5,)) as socket:
        received = [message.data async for message in socket]

    assert socket.protocol == V5
    assert received == ["\x01echo a b \U0001f34e\n".encode(), b'\x03{"metadata":{},"status":"Success"}']


@pytest.mark.parametrize(
    ("sent", "printed"),
    [
        ([b"\x00one\n", b"\x00two", b"\xff\x00", b"\x00late"], b"one\ntwo"),
        ([b"\xff\x00"], b""),
        ([b"", b"\x00", b"\x04{}", b"\x07?", b"\xff\x01", b"\x00x", b"\xff\x00"], b"x"),
        ([b"\x00" + bytes(range(256)), b"\xff\x00"], bytes(range(256))),
    ],
)
async def test_standard_input_is_echoed_until_it_ends(world: World, sent: list[bytes], printed: bytes) -> None:
    """Byte for byte; messages about anything else are passed over."""
    url = f"{world.urls[NODE]}{EXEC}?command=cat&input=1&output=1"
    async with world.client.ws_connect(url, protocols=(V5,)) as socket:
        for content in sent:
            await socket.send_bytes(content)
        received = [message.data async for message in socket]

    assert b"".join(content[1:] for content in received if content[0] == 1) == b"cat\n" + printed
    assert received[-1] == b'\x03{"metadata":{},"status":"Success"}'


async def test_a_terminal_ends_with_control_d(world: World) -> None:
    """There is no other end of input in one."""
    url = f"{world.urls[NODE]}{EXEC}?command=sh&input=1&output=1&tty=1"
    async with world.client.ws_connect(url, protocols=(V5,)) as socket:
        await socket.send_bytes(b"\x00ls\x04more")
        received = [message.data async for message in socket]

    assert b"".join(content[1:] for content in received[:-1]) == b"sh\r\nls"


async def test_a_client_without_standard_output_gets_only_success(world: World) -> None:
    """Nothing is sent on a channel that it does not have."""
    async with world.client.ws_connect(f"{world.urls[NODE]}{EXEC}?command=true", protocols=(V5,)) as socket:
        assert [message.data[0] async for message in socket] == [3]


async def test_a_client_that_goes_away_ends_its_echo(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Which is no error, and leaves the server well."""
    url = f"{world.urls[NODE]}{EXEC}?command=cat&input=1&output=1"
    for _ in range(3):
        socket = await world.client.ws_connect(url, protocols=(V5,))
        assert (await socket.receive()).type is WSMsgType.BINARY
        await socket.close()

    assert await world.page("/healthz") == "ok"
    assert caplog.records == []


async def test_an_old_client_speaks_the_protocol_before(world: World) -> None:
    """Which cannot end its input; without any it works the same."""
    url = f"{world.urls[NODE]}{EXEC}?command=date&output=1"
    async with world.client.ws_connect(url, protocols=("v4.channel.k8s.io", "channel.k8s.io")) as socket:
        received = [message.data async for message in socket]

    assert socket.protocol == "v4.channel.k8s.io"
    assert received == [b"\x01date\n", b'\x03{"metadata":{},"status":"Success"}']

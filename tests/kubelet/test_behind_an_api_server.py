"""Mock nodes as the users of a cluster meet them: kubectl in front, service accounts and users beside."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import pytest
from aiohttp import ClientSession, TCPConnector

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.objects import PatchType
from autox.model.refs import CLUSTER_ROLE_BINDINGS, NAMESPACES, NODES, SERVICE_ACCOUNTS
from autox.nodes.kubelet.reviews import HOLDS_SECONDS, Reviews
from tests.kube.apiserver import ApiServer
from tests.kubelet.controlplane import ApiPods, grant, kubectl, kubelet_endpoint, register, started, trust
from tests.kubelet.mocknodes import Clock, serving, specs
from tests.usage.promtext import families

pytestmark = pytest.mark.integration

ANNOTATIONS = {"autox.dev/cpu-usage": "250m", "autox.dev/log-interval-seconds": "10"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that speaks to kubelets."""
    made = started(tmp_path_factory.mktemp("control-plane"))
    yield made
    made.stop()


@dataclass(kw_only=True)
class World:
    """Two nodes of which the first has a pod ``web``, and whoever is around them."""

    server: ApiServer
    kube: KubeClient
    pods: ApiPods
    urls: dict[str, str]
    clock: Clock
    namespace: str
    node: str

    async def kubectl(self, *words: str, stdin: bytes = b"") -> str:
        """What a command prints; it must succeed."""
        code, out, err = await kubectl(self.server, "-n", self.namespace, *words, stdin=stdin)
        assert code == 0, err
        return out

    async def fails(self, *words: str) -> str:
        """What a command says that must fail."""
        code, out, err = await kubectl(self.server, "-n", self.namespace, *words)
        assert (code, out) == (1, "")
        return err

    async def token(self, account: str) -> str:
        """The token of a new service account."""
        await self.kube.create(SERVICE_ACCOUNTS, {"metadata": {"name": account}}, namespace=self.namespace)
        return (await self.kubectl("create", "token", account)).strip()

    async def ask(self, path: str, *, token: str | None = None, user: str | None = None) -> tuple[int, str]:
        """Ask the node directly, without the API server in between."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        connector = TCPConnector(ssl=trust(self.server, user))
        async with (
            ClientSession(self.urls[self.node], connector=connector) as session,
            session.get(path, headers=headers) as response,
        ):
            return response.status, await response.text()


@pytest.fixture
async def world(server: ApiServer) -> AsyncIterator[World]:
    """Nodes, a namespace and a pod of the test's own."""
    unique = uuid4().hex[:6]
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(KubeClient(from_kubeconfig(server.kubeconfig())))
        await kube.create(NAMESPACES, {"metadata": {"name": unique}})
        pods, clock = ApiPods(kube), Clock(0.0)
        reviews = Reviews(kube, clock=clock)
        endpoint = kubelet_endpoint(server)
        nodes = specs([f"mock-{unique}-0", f"mock-{unique}-1"], endpoint)
        await register(kube, nodes)
        await pods.run(unique, "web", node=nodes[0].name, annotations=ANNOTATIONS)
        urls = await stack.enter_async_context(serving(endpoint, nodes, pods, kube=kube, reviews=reviews))
        yield World(server=server, kube=kube, pods=pods, urls=urls, clock=clock, namespace=unique, node=nodes[0].name)


async def test_kubectl_logs(world: World) -> None:
    """Its options, and lines with the times at which they were written."""
    lines = (await world.kubectl("logs", "web")).splitlines()
    assert 7 <= len(lines) <= 9
    assert (await world.kubectl("logs", "web", "--tail=2")).splitlines() == lines[-2:]
    assert (await world.kubectl("logs", "web", "--limit-bytes=30")) == lines[0][:30]
    stamped = (await world.kubectl("logs", "web", "--since=25s", "--timestamps")).splitlines()
    assert 2 <= len(stamped) <= 4
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z level=info ", line) for line in stamped)


async def test_kubectl_says_what_there_is_no_log_of(world: World) -> None:
    """With the node's words; of a pod that is not there, the API server passes on no more than that."""
    assert 'previous terminated container "app" in pod "web" not found' in await world.fails("logs", "web", "-p")

    world.pods.known.clear()

    assert "(NotFound)" in await world.fails("logs", "web")


async def test_kubectl_logs_follow_ends_with_the_pod(world: World) -> None:
    """And has got what was written until then."""
    annotations = {"autox.dev/log-interval-seconds": "0.05"}
    await world.pods.run(world.namespace, "busy", node=world.node, annotations=annotations)
    following = asyncio.create_task(world.kubectl("logs", "-f", "--tail=1", "busy"))
    await asyncio.sleep(1.0)

    assert not following.done()

    world.pods.known.pop()

    assert len((await following).splitlines()) > 3


async def test_kubectl_exec(world: World) -> None:
    """The words come back, and the exit status is 0."""
    assert await world.kubectl("exec", "web", "--", "hello", "to  you", "\U0001f34e") == "hello to  you \U0001f34e\n"


async def test_kubectl_exec_with_input(world: World) -> None:
    """It comes back whole, and its end ends the command."""
    sent = b"".join(b"%d\n" % number for number in range(100_000))

    assert await world.kubectl("exec", "-i", "web", "--", "cat", stdin=sent) == "cat\n" + sent.decode()


async def test_kubectl_exec_through_an_api_server_that_speaks_spdy(world: World) -> None:
    """As one before 1.36 does, or one that does not know what the node can do: refused, with the reason."""
    undeclared = {"status": {"declaredFeatures": None}}
    await world.kube.patch(NODES, world.node, undeclared, patch_type=PatchType.MERGE, subresource="status")
    code, out, err = await kubectl(world.server, "-n", world.namespace, "exec", "web", "--", "hello")

    assert (code, out) == (1, "")
    assert "exec needs a WebSocket with the protocol v5.channel.k8s.io" in err


async def test_kubectl_says_that_it_cannot_attach_or_forward(world: World) -> None:
    """Nothing runs there."""
    assert "not supported" in await world.fails("attach", "web")


async def test_the_pods_of_a_node_are_those_of_the_api_server(world: World) -> None:
    """Whole, and of that node alone."""
    token = await world.token("lister")
    await grant(world.kube, f"pods-{world.node}", _account(world, "lister"), "pods")
    status, text = await world.ask("/pods", token=token)
    (pod,) = json.loads(text)["items"]

    assert status == 200
    assert (pod["metadata"]["name"], pod["spec"]["nodeName"]) == ("web", world.node)
    assert pod["metadata"]["annotations"] == ANNOTATIONS


async def test_a_service_account_with_the_right_role_may_scrape(world: World) -> None:
    """As metrics-server does: with its token, by the role that the real kubelet asks for, and nothing else."""
    token = await world.token("scraper")
    await grant(world.kube, f"metrics-{world.node}", _account(world, "scraper"), "metrics")
    status, text = await world.ask("/metrics/resource", token=token)

    assert status == 200
    assert "pod_cpu_usage_seconds_total" in families(text)
    assert await world.ask("/stats/summary", token=token) == (
        403,
        f"system:serviceaccount:{world.namespace}:scraper may not get nodes/stats of {world.node}",
    )
    assert (await world.ask("/pods", token=token))[0] == 403
    assert (await world.ask("/containerLogs/x/web/app", token=token))[0] == 403


async def test_a_user_with_the_right_role_may_ask(world: World) -> None:
    """By the client certificate; another user of the same authority may not."""
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"ann-{world.node}"}
    await grant(world.kube, f"stats-{world.node}", subject, "stats", "healthz")

    assert (await world.ask("/stats/summary", user=f"ann-{world.node}"))[0] == 200
    assert (await world.ask("/healthz", user=f"ann-{world.node}"))[0] == 200
    assert (await world.ask("/metrics/resource", user=f"ann-{world.node}"))[0] == 403
    assert (await world.ask("/stats/summary", user="bob"))[0] == 403


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c", "x" * 8000, "ü"])
async def test_whoever_the_api_server_does_not_know_gets_nothing(world: World, token: str | None) -> None:
    """Not even that the node is well."""
    assert await world.ask("/healthz", token=token) == (401, "Unauthorized")


async def test_an_answer_holds_for_a_minute(world: World) -> None:
    """The API server is not asked for each scrape; a right that was taken away ends soon after all."""
    token = await world.token("former")
    role = f"former-{world.node}"
    await grant(world.kube, role, _account(world, "former"), "metrics")
    assert (await world.ask("/metrics/resource", token=token))[0] == 200

    await world.kube.delete(CLUSTER_ROLE_BINDINGS, role)
    await asyncio.sleep(0.5)  # until the API server's own authorizer has seen it

    assert (await world.ask("/metrics/resource", token=token))[0] == 200

    world.clock.now += HOLDS_SECONDS

    assert (await world.ask("/metrics/resource", token=token))[0] == 403


async def test_a_right_on_one_node_is_one_on_that_node_alone(world: World) -> None:
    """A role may name nodes."""
    token = await world.token("single")
    await grant(world.kube, f"single-{world.node}", _account(world, "single"), "metrics", of=world.node)
    other = next(name for name in world.urls if name != world.node)

    assert (await world.ask("/metrics/resource", token=token))[0] == 200

    world.node = other

    assert (await world.ask("/metrics/resource", token=token))[0] == 403


async def test_nobody_is_let_in_while_the_api_server_cannot_be_asked(server: ApiServer) -> None:
    """The scraper is told why; administrators need not be asked about."""
    connection = Connection(server="https://127.0.0.1:1", origin="nowhere", tls=trust(server))
    endpoint = kubelet_endpoint(server)
    nodes = specs(["mock-0"], endpoint)
    async with KubeClient(connection) as kube, AsyncExitStack() as stack:
        urls = await stack.enter_async_context(
            serving(endpoint, nodes, ApiPods(kube), kube=kube, reviews=Reviews(kube))
        )
        session = await stack.enter_async_context(ClientSession(connector=TCPConnector(ssl=trust(server))))
        headers = {"Authorization": "Bearer token"}
        async with session.get(f"{urls['mock-0']}/metrics/resource", headers=headers) as response:
            assert response.status == 500
            assert "127.0.0.1:1" in await response.text()


def _account(world: World, name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": world.namespace}

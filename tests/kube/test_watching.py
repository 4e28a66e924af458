"""Watching a real API server while everything between us and it breaks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.watch import WatchTiming
from autox.kube.watch_store import WatchEventType
from autox.model.errors import ExpiredError, ForbiddenError, NotFoundError, UnauthorizedError, UnreachableError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CONFIG_MAPS, PODS, SECRETS, Resource
from tests.kube.apiserver import ApiServer
from tests.kube.follower import FAST, Follower
from tests.kube.proxy import Proxy

pytestmark = pytest.mark.integration


@pytest.fixture
async def proxy(api_server: ApiServer) -> AsyncIterator[Proxy]:
    """A faulty network before the API server."""
    async with Proxy(api_server.port) as made:
        yield made


@pytest.fixture
async def far(api_server: ApiServer, proxy: Proxy) -> AsyncIterator[KubeClient]:
    """A client that reaches the API server over the faulty network."""
    async with KubeClient(from_kubeconfig(api_server.kubeconfig(url=proxy.url))) as client:
        yield client


async def put(kube: KubeClient, namespace: str, *names: str, **data: str) -> None:
    """Create or change ConfigMaps."""
    for name in names:
        body = {"metadata": {"name": name, "namespace": namespace, "labels": data}, "data": data}
        await kube.apply(CONFIG_MAPS, body, field_manager="test")


async def grant(kube: KubeClient, user: str) -> None:
    """Let a user do everything."""
    group = "rbac.authorization.k8s.io"
    body = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    await kube.create(CLUSTER_ROLE_BINDINGS, body)


async def remove(kube: KubeClient, namespace: str, *names: str) -> None:
    """Delete ConfigMaps."""
    for name in names:
        await kube.delete(CONFIG_MAPS, name, namespace=namespace)


async def test_what_exists_then_what_changes(kube: KubeClient, namespace: str) -> None:
    """The listing comes first, SYNCED ends it, then each change follows in order."""
    await put(kube, namespace, "a", "b", "c")
    async with Follower(kube, namespace=namespace, chunk=2) as follower:
        await follower.until_synced()
        await put(kube, namespace, "a", x="1")
        await remove(kube, namespace, "a")
        await put(kube, namespace, "d")
        await follower.until_told("ADDED d")

    assert set(follower.told[:3]) == {"ADDED a", "ADDED b", "ADDED c"}
    assert follower.told[3:] == ["SYNCED", "MODIFIED a", "DELETED a", "ADDED d"]
    assert follower.troubles == []


async def test_an_object_that_stops_matching_is_deleted(kube: KubeClient, namespace: str) -> None:
    """With a selector, leaving the selection is DELETED and coming back is ADDED; metadata is enough for both."""
    async with Follower(kube, namespace=namespace, label_selector="x=1", metadata_only=True) as follower:
        await follower.until_synced()
        await put(kube, namespace, "a", x="1")
        await put(kube, namespace, "a", x="2")
        await put(kube, namespace, "a", x="1")
        await follower.until(lambda: len(follower.told) >= 4)

    assert follower.told == ["SYNCED", "ADDED a", "DELETED a", "ADDED a"]
    assert {event.object["kind"] for event in follower.events[1:]} == {"PartialObjectMetadata"}


async def test_a_cut_connection_is_resumed_without_a_gap(
    kube: KubeClient, far: KubeClient, proxy: Proxy, namespace: str
) -> None:
    """What happens while the network is away is told afterwards as it happened, with no second listing."""
    async with Follower(far, namespace=namespace) as follower:
        await follower.until_synced()
        proxy.refuse()
        proxy.cut()
        await follower.until(lambda: bool(follower.troubles))
        await put(kube, namespace, "a")
        await remove(kube, namespace, "a")
        await put(kube, namespace, "b")
        proxy.refuse(refusing=False)
        await follower.until_told("ADDED b")

    assert follower.told == ["SYNCED", "ADDED a", "DELETED a", "ADDED b"]
    assert {type(error) for error in follower.troubles} == {UnreachableError}


async def test_a_half_open_connection_is_given_up(
    kube: KubeClient, far: KubeClient, proxy: Proxy, namespace: str
) -> None:
    """A connection on which nothing comes any more is replaced, and nothing is missed."""
    timing = WatchTiming(idle_seconds=1.0, backoff=FAST.backoff)
    async with Follower(far, namespace=namespace, timing=timing) as follower:
        await follower.until_synced()
        before = proxy.accepted
        proxy.stall()
        await put(kube, namespace, "a")
        await proxy.until_accepted(before + 1)
        assert "ADDED a" not in follower.told
        proxy.flow()
        await follower.until_told("ADDED a")

    assert follower.told == ["SYNCED", "ADDED a"]


async def test_a_truncated_event_comes_again_whole(
    kube: KubeClient, far: KubeClient, proxy: Proxy, namespace: str
) -> None:
    """A connection that breaks in the middle of a large event loses nothing."""
    async with Follower(far, namespace=namespace) as follower:
        await follower.until_synced()
        proxy.truncate(100_000)
        proxy.cut()
        await put(kube, namespace, "large")
        await kube.patch(CONFIG_MAPS, "large", {"data": {"x": "x" * 900_000}}, namespace=namespace)
        await follower.until(lambda: len(follower.troubles) >= 3)
        proxy.truncate(None)
        await follower.until(lambda: any(len(event.object.get("data", {}).get("x", "")) for event in follower.events))

    assert len(follower.events[-1].object["data"]["x"]) == 900_000
    assert follower.count(WatchEventType.ADDED) + follower.count(WatchEventType.MODIFIED) <= 3


async def test_many_large_events(kube: KubeClient, namespace: str) -> None:
    """Events near the object size limit arrive whole."""
    async with Follower(kube, namespace=namespace) as follower:
        await follower.until_synced()
        for n in range(5):
            body = {"metadata": {"name": f"big{n}", "namespace": namespace}, "data": {"x": "é" * 500_000}}
            await kube.create(CONFIG_MAPS, body)
        await follower.until_told(*(f"ADDED big{n}" for n in range(5)))

    assert {len(event.object["data"]["x"]) for event in follower.events[-5:]} == {500_000}


async def test_the_api_server_is_killed_and_comes_back(api_server: ApiServer, kube: KubeClient, namespace: str) -> None:
    """SIGKILL of the API server in mid-watch: the watch goes on when it is back, and so do the verbs."""
    await put(kube, namespace, "a")
    async with Follower(kube, namespace=namespace) as follower:
        await follower.until_synced()
        api_server.kill()
        await follower.until(lambda: bool(follower.troubles))
        with pytest.raises(UnreachableError):
            await kube.get(CONFIG_MAPS, "a", namespace=namespace)
        await asyncio.to_thread(api_server.start)
        await put(kube, namespace, "b")
        await remove(kube, namespace, "a")
        await follower.until_told("ADDED b", "DELETED a")

    assert [word for word in follower.told if word != "SYNCED"] == ["ADDED a", "ADDED b", "DELETED a"]


async def test_the_resource_version_expires(
    api_server: ApiServer, kube: KubeClient, far: KubeClient, proxy: Proxy, namespace: str
) -> None:
    """What was compacted away cannot be replayed: the difference is worked out, deletions included."""
    await put(kube, namespace, "stays", "changes", "goes", "returns")
    before = {
        item["metadata"]["name"]: item["metadata"]["uid"]
        for item in (await kube.list(CONFIG_MAPS, namespace=namespace)).items
    }
    async with Follower(far, namespace=namespace, chunk=2) as follower:
        await follower.until_synced()
        proxy.refuse()
        proxy.cut()
        await put(kube, namespace, "changes", x="1")
        await remove(kube, namespace, "goes", "returns")
        await put(kube, namespace, "returns", "comes")
        revision = int((await kube.list(CONFIG_MAPS, namespace=namespace)).resource_version)
        # A restarted API server has no memory of its own of what etcd has forgotten.
        api_server.kill()
        await asyncio.to_thread(api_server.compact, revision)
        await asyncio.to_thread(api_server.start)
        already = len(follower.told)
        proxy.refuse(refusing=False)
        await follower.until_synced(2)

    news = follower.told[already:]
    assert sorted(news) == sorted(
        ["MODIFIED changes", "DELETED goes", "DELETED returns", "ADDED returns", "ADDED comes", "SYNCED"]
    )
    assert news.index("DELETED returns") < news.index("ADDED returns")
    assert news[-1] == "SYNCED"
    gone = {
        event.object["metadata"]["name"]: event.object["metadata"]["uid"]
        for event in follower.events
        if event.type is WatchEventType.DELETED
    }
    assert gone == {name: before[name] for name in ("goes", "returns")}
    assert not any(isinstance(error, ExpiredError) for error in follower.troubles)


async def test_etcd_itself_says_that_the_version_is_compacted(api_server: ApiServer, kube: KubeClient) -> None:
    """Without a watch cache the 410 comes as an event within the stream, and is understood just the same."""
    port, second = await asyncio.to_thread(api_server.start_second, "--watch-cache=false")
    try:
        async with Proxy(port) as proxy:
            connection = from_kubeconfig(api_server.kubeconfig(url=proxy.url))
            async with KubeClient(connection) as uncached, Follower(uncached, namespace="default") as follower:
                await follower.until_synced()
                proxy.refuse()
                proxy.cut()
                await put(kube, "default", "late")
                await put(kube, "default", "late", x="1")
                revision = int((await kube.list(CONFIG_MAPS, namespace="default")).resource_version)
                await asyncio.to_thread(api_server.compact, revision)
                proxy.refuse(refusing=False)
                await follower.until_synced(2)
            assert "ADDED late" in follower.told
    finally:
        second.kill()
        await asyncio.to_thread(second.wait)


async def test_a_permission_that_comes_later(api_server: ApiServer, kube: KubeClient) -> None:
    """Forbidden is reported, tried again, and forgotten once the permission is there."""
    connection = from_kubeconfig(api_server.kubeconfig("latecomer", groups=()))
    async with KubeClient(connection) as latecomer, Follower(latecomer, resource=SECRETS) as follower:
        await follower.until(lambda: bool(follower.troubles))
        assert isinstance(follower.troubles[0], ForbiddenError)
        await grant(kube, "latecomer")
        await follower.until_synced()


async def test_a_resource_that_is_not_there(kube: KubeClient) -> None:
    """A kind that nobody defined is reported as not found, again and again, and ends nothing."""
    nonsense = Resource(group="nonsense.example", version="v1", plural="nothings", kind="Nothing")
    async with Follower(kube, resource=nonsense) as follower:
        await follower.until(lambda: len(follower.troubles) >= 3)

    assert {type(error) for error in follower.troubles} == {NotFoundError}


async def test_credentials_that_nobody_accepts(api_server: ApiServer) -> None:
    """A token that means nothing is Unauthorized, reported without the token."""
    path = api_server.directory / "token.kubeconfig"
    config = api_server.kubeconfig().read_text()
    path.write_text(config[: config.index("users:")] + "users: [{name: admin, user: {token: canary-4711}}]\n")
    async with KubeClient(from_kubeconfig(path)) as stranger, Follower(stranger, resource=PODS) as follower:
        await follower.until(lambda: len(follower.troubles) >= 2)

    assert {type(error) for error in follower.troubles} == {UnauthorizedError}
    assert not any("canary" in f"{error} {error.hint} {error!r}" for error in follower.troubles)
    assert "canary" not in repr(stranger.connection)


async def test_the_server_ends_watches_now_and_then(kube: KubeClient, namespace: str) -> None:
    """A watch request that reached its time is followed by the next one, silently and without a listing."""
    timing = WatchTiming(server_seconds=1, backoff=FAST.backoff)
    async with Follower(kube, namespace=namespace, timing=timing) as follower:
        await follower.until_synced()
        await asyncio.sleep(2.5)
        await put(kube, namespace, "a")
        await follower.until_told("ADDED a")

    assert follower.told == ["SYNCED", "ADDED a"]
    assert follower.troubles == []

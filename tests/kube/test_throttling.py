"""An API server that turns requests away, stands still, or is reached over a bad line."""

import asyncio

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.transport import Limits
from autox.model.errors import DeadlineError, TooManyRequestsError, UnreachableError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CONFIG_MAPS, NAMESPACES
from tests.kube.apiserver import ApiServer
from tests.kube.follower import Follower
from tests.kube.proxy import Proxy

pytestmark = pytest.mark.integration


async def test_a_server_that_takes_one_request_at_a_time(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    """Turned away with 429, requests are sent again as the server asks, and most succeed; the rest are told apart."""
    group = "rbac.authorization.k8s.io"
    await kube.create(
        CLUSTER_ROLE_BINDINGS,
        {
            "metadata": {"name": "crowd"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "crowd"}],
        },
    )
    for n in range(10):
        body = {"metadata": {"name": f"c{n}", "namespace": namespace}, "data": {"x": "x" * 200_000}}
        await kube.create(CONFIG_MAPS, body)
    flags = ("--enable-priority-and-fairness=false", "--max-requests-inflight=1", "--max-mutating-requests-inflight=1")
    port, second = await asyncio.to_thread(api_server.start_second, *flags)
    try:
        # NB: not as system:masters, who are never turned away.
        connection = from_kubeconfig(api_server.kubeconfig("crowd", groups=(), url=f"https://127.0.0.1:{port}"))
        async with KubeClient(connection) as crowd:
            answers = await asyncio.gather(
                *(crowd.list(CONFIG_MAPS, namespace=namespace) for _ in range(16)), return_exceptions=True
            )
        async with KubeClient(from_kubeconfig(api_server.kubeconfig(url=f"https://127.0.0.1:{port}"))) as admin:
            metrics = (await admin.read("/metrics")).decode()
    finally:
        second.kill()
        await asyncio.to_thread(second.wait)

    turned_away = [
        line for line in metrics.splitlines() if line.startswith("apiserver_request_total") and 'code="429"' in line
    ]
    assert turned_away
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(failure, TooManyRequestsError) and failure.retry_after == 1.0 for failure in failures)
    assert len(failures) < len(answers) / 2


async def test_a_server_that_stands_still(api_server: ApiServer) -> None:
    """A request to a stopped process ends at its limit, and the same client works when the process goes on."""
    limits = Limits(request_seconds=3.0, connect_seconds=3.0)
    async with KubeClient(from_kubeconfig(api_server.kubeconfig()), limits=limits) as kube:
        await kube.get(NAMESPACES, "default")
        api_server.pause()
        try:
            with pytest.raises((DeadlineError, UnreachableError)):
                await kube.get(NAMESPACES, "default")
        finally:
            api_server.resume()
        assert await kube.get(NAMESPACES, "default")


async def test_a_request_on_a_bad_line(api_server: ApiServer) -> None:
    """Refused, cut, stalled and truncated connections each end in one of our errors, and leave no damage behind."""
    limits = Limits(request_seconds=3.0, connect_seconds=3.0)
    async with Proxy(api_server.port) as proxy:
        connection = from_kubeconfig(api_server.kubeconfig(url=proxy.url))
        async with KubeClient(connection, limits=limits) as kube:
            await kube.get(NAMESPACES, "default")
            proxy.cut()
            assert await kube.get(NAMESPACES, "default")  # a kept-alive connection that ended is no error

            proxy.refuse()
            proxy.cut()
            with pytest.raises(UnreachableError):
                await kube.get(NAMESPACES, "default")
            proxy.refuse(refusing=False)

            proxy.truncate(3000)
            with pytest.raises(UnreachableError):
                await kube.read("/openapi/v2")
            proxy.truncate(None)
            proxy.cut()
            assert await kube.get(NAMESPACES, "default")

            proxy.stall()
            with pytest.raises((DeadlineError, UnreachableError)):
                await kube.get(NAMESPACES, "default")
            proxy.flow()
            assert await kube.get(NAMESPACES, "default")


async def test_waiting_watches_do_not_keep_requests_waiting(api_server: ApiServer) -> None:
    """Streams have connections of their own: more of them than the pool has connections block nothing."""
    limits = Limits(connections=2)
    async with KubeClient(from_kubeconfig(api_server.kubeconfig()), limits=limits) as narrow:
        followers = [Follower(narrow, namespace="default") for _ in range(6)]
        for follower in followers:
            await follower.__aenter__()
        try:
            for follower in followers:
                await follower.until_synced()
            async with asyncio.timeout(20):
                assert await narrow.get(NAMESPACES, "default")
        finally:
            for follower in followers:
                await follower.__aexit__(None, None, None)

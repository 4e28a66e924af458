"""The forwarder follows the cluster: services come, change and go while it runs."""

import asyncio
import socket
from typing import Any

import pytest

from autox.kube.watch_store import WatchEventType
from autox.model.errors import ConfigurationError
from autox.model.refs import ENDPOINT_SLICES, SERVICES
from autox.nodes.services.forwarder import ServiceForwarder
from tests.services.scene import SERVICE_BLOCK, Cluster, Scene, piece, running_scene, service, twin


async def test_a_node_can_wait_until_services_are_listened_for(scene: Scene) -> None:
    """No pod starts with links that nobody answers yet."""
    waiting = asyncio.create_task(scene.forwarder.settled())
    scene.cluster.say(SERVICES, service())
    scene.cluster.say(SERVICES, {}, WatchEventType.SYNCED)
    await scene.cluster.heard()

    assert not waiting.done()

    scene.cluster.say(ENDPOINT_SLICES, {}, WatchEventType.SYNCED)
    await waiting

    assert [obj["metadata"]["name"] for obj in scene.forwarder.services()] == ["web"]


async def test_slices_may_come_before_their_service(scene: Scene) -> None:
    """Two watches have no common order."""
    pod, web = await scene.pod(1), service()
    await scene.cluster.tell(piece(pod))
    await scene.cluster.tell(web)

    assert await scene.ask(web) == pod.ip


async def test_a_changed_port_is_listened_for_and_the_old_one_is_not(scene: Scene) -> None:
    """As with kubectl edit; connections that are open stay so."""
    pod, web = await scene.pod(1), service()
    await scene.cluster.tell(web, piece(pod))
    reader, writer = await scene.connect(web)
    moved = service(port=18081)
    await scene.cluster.tell(moved)

    assert await scene.ask(moved) == pod.ip
    with pytest.raises(ConnectionRefusedError):
        await scene.ask(web | {"metadata": {"name": "other", "namespace": "shop"}})

    writer.write(b"still here\n")

    assert await reader.readline() == f"{pod.ip} still here\n".encode()


async def test_a_deleted_service_is_refused_and_may_come_back(scene: Scene) -> None:
    """The address is free again at once, for a service of another name too."""
    pod, web, again = await scene.pod(1), service(), service("again")
    await scene.cluster.tell(web, piece(pod))
    await scene.cluster.tell({"metadata": web["metadata"]}, deleted=True)

    assert scene.forwarder.services() == []
    with pytest.raises(ConnectionRefusedError):
        await scene.ask(web)

    await scene.cluster.tell(again, piece(pod, service="again"))

    assert await scene.ask(again) == pod.ip


async def test_pods_are_followed_live(scene: Scene) -> None:
    """New pods get connections, removed ones get none, and a deleted slice leaves nobody."""
    first = await scene.pod(1)
    second = await scene.pod(2, port=first.port)
    web = service()
    await scene.cluster.tell(web, piece(first))
    await scene.cluster.tell(piece(second))

    assert {await scene.ask(web) for _ in range(3)} == {second.ip}

    await scene.cluster.tell({"addressType": "IPv4", "metadata": {"name": "web-1", "namespace": "shop"}}, deleted=True)

    with pytest.raises(ConnectionResetError):
        await scene.ask(web)


async def test_a_slice_may_change_hands(scene: Scene) -> None:
    """Relabelled by hand, it leaves the one service and joins the other."""
    pod, web, other = await scene.pod(1), service(), service("other", ip=f"{SERVICE_BLOCK}.6")
    await scene.cluster.tell(web, other, piece(pod))
    await scene.cluster.tell(piece(pod, service="other"))

    assert await scene.ask(other) == pod.ip
    with pytest.raises(ConnectionResetError):
        await scene.ask(web)


async def test_a_taken_port_is_answered_on_another_that_stays_the_same(scene: Scene) -> None:
    """Pods are told where; after a restart of the node it is there again, as running containers still believe."""
    pod, web = await scene.pod(1), service(port=18080)
    with socket.create_server((twin(f"{SERVICE_BLOCK}.5"), 18080)):
        await scene.cluster.tell(web, piece(pod))

        assert scene.forwarder.reachable(web, web["spec"]["ports"][0]) == (twin(f"{SERVICE_BLOCK}.5"), 31_472)
        assert await scene.ask(web) == pod.ip


async def test_a_port_below_1024_is_answered_with_or_without_root(scene: Scene) -> None:
    """Where it is not permitted, 80 is answered on 30080."""
    try:
        socket.create_server((twin(f"{SERVICE_BLOCK}.5"), 80)).close()
        expected = 80
    except PermissionError:
        expected = 30_080
    pod, web = await scene.pod(1), service(port=80)
    await scene.cluster.tell(web, piece(pod))

    assert scene.forwarder.reachable(web, web["spec"]["ports"][0]) == (twin(f"{SERVICE_BLOCK}.5"), expected)
    assert await scene.ask(web) == pod.ip


async def test_a_port_taken_twice_is_answered_anywhere(scene: Scene) -> None:
    """The service is never lost for want of one port."""
    pod, web = await scene.pod(1), service(port=18080)
    with (
        socket.create_server((twin(f"{SERVICE_BLOCK}.5"), 18080)),
        socket.create_server((twin(f"{SERVICE_BLOCK}.5"), 31_472)),
    ):
        await scene.cluster.tell(web, piece(pod))

        assert await scene.ask(web) == pod.ip


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"clusterIP": "None"}, id="headless"),
        pytest.param({"clusterIP": ""}, id="not allocated"),
        pytest.param({"clusterIP": "fd00::5"}, id="IPv6"),
        pytest.param({"clusterIP": "192.168.7.7"}, id="another range"),
        pytest.param({"ports": [{"port": 18080, "protocol": "UDP"}]}, id="UDP"),
        pytest.param({"ports": None}, id="no ports"),
    ],
)
async def test_what_cannot_be_forwarded_is_left_alone(scene: Scene, spec: dict[str, Any]) -> None:
    """And does not keep others from being forwarded."""
    odd, pod, web = service("odd", ip=f"{SERVICE_BLOCK}.6", **spec), await scene.pod(1), service()
    await scene.cluster.tell(odd, web, piece(pod))

    assert scene.forwarder._routes.keys() == {("shop", "web")}
    assert await scene.ask(web) == pod.ip
    assert isinstance(scene.forwarder.reachable(odd, {"port": 18080}), tuple)


async def test_kubernetes_is_the_api_server_itself(scene: Scene) -> None:
    """Its certificate names the address the node uses, so in-cluster clients are sent there."""
    kubernetes = service("kubernetes", ip=f"{SERVICE_BLOCK}.1", port=443)
    kubernetes["metadata"]["namespace"] = "default"
    await scene.cluster.tell(kubernetes)

    assert scene.forwarder.reachable(kubernetes, {"name": "https", "port": 443}) == ("127.0.0.1", 6443)
    assert not scene.forwarder._routes


async def test_a_node_that_stops_lets_requests_end_and_then_lets_go() -> None:
    """Nothing new is accepted; what is open gets its answer within the grace, and is reset after it."""
    async with running_scene(grace=0.5) as scene:
        pod, web = await scene.pod(1), service()
        await scene.cluster.tell(web, piece(pod))
        (reader, writer), (idle, _) = await scene.connect(web), await scene.connect(web)
        writer.write(b"first\n")
        await reader.readline()
        scene.running.cancel()
        await asyncio.sleep(0.01)

        with pytest.raises(ConnectionRefusedError):
            await scene.ask(web)

        writer.write(b"second\n")

        assert await reader.readline() == f"{pod.ip} second\n".encode()
        with pytest.raises(ConnectionResetError):
            await idle.read()


async def test_a_bad_pod_range_is_refused_at_the_start() -> None:
    """Not at the first slice."""
    with pytest.raises(ConfigurationError, match="podCIDR"):
        ServiceForwarder(Cluster().watch, api_server="https://127.0.0.1:1", pod_cidr="10.0.0.0/33")

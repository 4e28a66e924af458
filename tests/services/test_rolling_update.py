"""A service through the replacement of its pods: nobody notices."""

import asyncio

import pytest

from autox.nodes.services import route
from tests.services.scene import POD_BLOCK, Pod, Scene, piece, service, until


async def test_a_withdrawn_pod_gets_no_new_connection(scene: Scene) -> None:
    """At once, while the cluster still lists it as ready; its open connections go on."""
    first = await scene.pod(1)
    second = await scene.pod(2, port=first.port)
    web = service()
    await scene.cluster.tell(web, piece(first, second))
    reader, writer = await scene.connect(web)
    writer.write(b"before\n")

    assert await reader.readline() == f"{first.ip} before\n".encode()

    scene.forwarder.withdraw(first.uid)

    assert {await scene.ask(web) for _ in range(4)} == {second.ip}

    writer.write(b"after\n")

    assert await reader.readline() == f"{first.ip} after\n".encode()


async def test_when_the_last_pod_is_withdrawn_connections_wait_for_its_successor(scene: Scene) -> None:
    """The news of the new pod is on its way, so nobody is turned away meanwhile."""
    old = await scene.pod(1)
    new = await scene.pod(2, port=old.port)
    web = service()
    await scene.cluster.tell(web, piece(old))
    scene.forwarder.withdraw(old.uid)
    asking = [asyncio.create_task(scene.ask(web)) for _ in range(5)]
    await asyncio.sleep(0.05)
    await scene.cluster.tell(piece(stopping=(old,)))
    await asyncio.sleep(0.05)

    assert not any(task.done() for task in asking)

    await scene.cluster.tell(piece(new, stopping=(old,)))

    assert await asyncio.gather(*asking) == [new.ip] * 5


async def test_a_withdrawn_pod_without_a_successor_serves_while_it_can(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kube-proxy uses terminating pods when there are no others."""
    monkeypatch.setattr(route, "_PATIENCE_SECONDS", 0.05)
    old, web = await scene.pod(1), service()
    await scene.cluster.tell(web, piece(stopping=(old,)))
    scene.forwarder.withdraw(old.uid)

    assert await scene.ask(web) == old.ip


async def test_withdrawn_pods_are_not_remembered_for_ever(scene: Scene) -> None:
    """A node that lives for months does not grow."""
    for number in range(10_100):
        scene.forwarder.withdraw(str(number))

    assert len(scene.forwarder._withdrawn) == 10_000


class Load:
    """Clients that ask as fast as they are answered, on a new connection each time."""

    def __init__(self, where: tuple[str, int]) -> None:
        self.answered: list[str] = []
        self._where = where
        self._stop = False

    async def client(self) -> None:
        """One after the other until stopped; a lost request fails it."""
        while not self._stop:
            reader, writer = await asyncio.open_connection(*self._where)
            writer.write(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
            answer = await reader.read()
            writer.close()
            self.answered.append(answer.decode().rpartition("\n")[2])

    async def more(self, number: int) -> None:
        """Wait for that many further answers."""
        wanted = len(self.answered) + number
        await until(lambda: len(self.answered) >= wanted)

    def stop(self) -> None:
        """Ask no more."""
        self._stop = True


class WebPod:
    """A small HTTP server that ends as a well-behaved program ends on SIGTERM."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.working = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request with the pod's name, after a moment's work."""
        self.working += 1
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.005)
        size = len(self.name)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{self.name}".encode())
        await writer.drain()
        self.working -= 1

    async def terminate(self, pod: Pod) -> None:
        """Accept nothing more, finish what was begun, and be gone."""
        pod.stop()
        await until(lambda: self.working == 0)
        pod.kill()


async def test_a_rolling_update_loses_no_request(scene: Scene) -> None:
    """Three pods replaced one by one under load, each stopped before the cluster says that it is going."""
    webs = {f"{POD_BLOCK}.{number}": WebPod(f"{POD_BLOCK}.{number}") for number in range(1, 7)}
    pods = [await scene.pod(1, webs[f"{POD_BLOCK}.1"].handle)]
    pods += [await scene.pod(number, webs[f"{POD_BLOCK}.{number}"].handle, port=pods[0].port) for number in (2, 3)]
    web = service()
    await scene.cluster.tell(web, piece(*pods))
    load = Load(scene.forwarder.reachable(web, web["spec"]["ports"][0]))
    clients = [asyncio.create_task(load.client()) for _ in range(8)]
    for number in (4, 5, 6):
        await load.more(100)
        pods.append(await scene.pod(number, webs[f"{POD_BLOCK}.{number}"].handle, port=pods[0].port))
        await scene.cluster.tell(piece(*pods))
        stopped = pods.pop(0)
        scene.forwarder.withdraw(stopped.uid)
        await asyncio.sleep(0.02)  # what waits in the pod's queue is accepted
        await webs[stopped.ip].terminate(stopped)
        await asyncio.sleep(0.02)  # the cluster's own news comes late
        await scene.cluster.tell(piece(*pods, stopping=(stopped,)))
        await scene.cluster.tell(piece(*pods))
    await load.more(200)
    load.stop()
    await asyncio.gather(*clients)

    assert set(load.answered) == webs.keys()

"""A connection to a service reaches a pod, whatever either end does with it."""

import asyncio
import socket
import struct
from contextlib import suppress

import pytest

from autox.nodes.services import route
from tests.services.scene import POD_BLOCK, SERVICE_BLOCK, Scene, piece, service, twin, until

RESET = struct.pack("ii", 1, 0)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crashing program does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def test_connections_take_turns_over_the_ready_pods(scene: Scene) -> None:
    """Each new connection goes to the next pod."""
    first = await scene.pod(1)
    second = await scene.pod(2, port=first.port)
    web = service()
    await scene.cluster.tell(web, piece(first, second))

    assert [await scene.ask(web) for _ in range(4)] == [first.ip, second.ip] * 2


async def test_a_service_listens_on_its_own_address_and_port(scene: Scene) -> None:
    """10.S.x.y:PORT is 127.S.x.y:PORT, so that two services may have the same port."""
    first, second = await scene.pod(1), await scene.pod(2)
    web, admin = service(), service("admin", ip=f"{SERVICE_BLOCK}.6")
    await scene.cluster.tell(web, admin, piece(first), piece(second, service="admin", name="admin-1"))

    assert scene.forwarder.reachable(web, web["spec"]["ports"][0]) == (twin(f"{SERVICE_BLOCK}.5"), 18080)
    assert [await scene.ask(web), await scene.ask(admin)] == [first.ip, second.ip]


async def test_a_pod_that_refuses_is_passed_over(scene: Scene) -> None:
    """A pod that died before the cluster noticed costs nobody a request."""
    gone, alive = await scene.pod(1), await scene.pod(2)
    web = service()
    gone.stop()
    await scene.cluster.tell(web, piece(gone), piece(alive, name="web-2"))

    assert {await scene.ask(web) for _ in range(6)} == {alive.ip}


async def test_a_pod_that_does_not_answer_the_connection_is_passed_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stuck pod whose queue of connections is full delays, but loses nothing."""
    monkeypatch.setattr(route, "_CONNECT_SECONDS", 0.5)
    alive = await scene.pod(2)
    web = service()
    with socket.create_server((twin(f"{POD_BLOCK}.1"), 0), backlog=0) as stuck:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(stuck.getsockname())
        deaf = piece(name="web-2") | {
            "ports": [{"name": "http", "port": stuck.getsockname()[1], "protocol": "TCP"}],
            "endpoints": [{"addresses": [f"{POD_BLOCK}.1"]}],
        }
        await scene.cluster.tell(web, piece(alive), deaf)

        assert {await scene.ask(web) for _ in range(2)} == {alive.ip}

        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("listed", [True, False])
async def test_a_service_without_a_pod_that_answers_fails_at_once(scene: Scene, *, listed: bool) -> None:
    """The client sees an error, not silence and not a clean end."""
    gone = await scene.pod(1)
    gone.stop()
    web = service()
    await scene.cluster.tell(web, *([piece(gone)] if listed else []))
    reader, _ = await scene.connect(web)

    with pytest.raises(ConnectionResetError):
        await reader.read()


async def test_a_client_may_end_its_half_and_still_get_the_answer(scene: Scene) -> None:
    """Half-closes are passed on: the pod sees the end of the request and answers then."""

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(len(await reader.read())).encode())

    pod, web = await scene.pod(1, count), service()
    await scene.cluster.tell(web, piece(pod))
    reader, writer = await scene.connect(web)
    writer.write(b"x" * 300_000)
    writer.write_eof()

    assert await reader.read() == b"300000"


async def test_a_pod_may_end_its_half_and_still_be_sent_to(scene: Scene) -> None:
    """The other direction stays open until the client ends it too."""
    received = asyncio.get_running_loop().create_future()

    async def end_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"done")
        writer.write_eof()
        received.set_result(await reader.read())

    pod, web = await scene.pod(1, end_first), service()
    await scene.cluster.tell(web, piece(pod))
    reader, writer = await scene.connect(web)

    assert await reader.read() == b"done"

    writer.write(b"last words")
    writer.write_eof()

    assert await received == b"last words"


async def test_a_reset_by_the_pod_is_not_taken_for_the_end_of_an_answer(scene: Scene) -> None:
    """A truncated answer must not look complete."""

    async def crash(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half an ans")
        await reader.readline()
        reset(writer)

    pod, web = await scene.pod(1, crash), service()
    await scene.cluster.tell(web, piece(pod))
    reader, writer = await scene.connect(web)

    assert await reader.read(100) == b"half an ans"

    writer.write(b"\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()


async def test_a_reset_by_the_client_reaches_the_pod(scene: Scene) -> None:
    """The pod can stop working for a client that is gone."""
    seen = asyncio.get_running_loop().create_future()

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(100)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            seen.set_result(type(error))

    pod, web = await scene.pod(1, wait), service()
    await scene.cluster.tell(web, piece(pod))
    _, writer = await scene.connect(web)
    writer.write(b"x")
    await writer.drain()
    await until(lambda: bool(pod.connections))
    await asyncio.sleep(0.01)
    reset(writer)

    assert await seen is ConnectionResetError


async def test_a_slow_reader_slows_the_sender_and_nothing_is_buffered_without_bound(scene: Scene) -> None:
    """The pod can send only what the kernel's buffers and one high-water mark hold; then every byte arrives."""
    total, block, sent = 64 * 2**20, b"0123456789abcdef" * 4096, 0

    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < total:
            writer.write(block)
            await writer.drain()
            sent += len(block)

    pod, web = await scene.pod(1, pour), service()
    await scene.cluster.tell(web, piece(pod))
    reader, _ = await scene.connect(web)
    await until(lambda: sent > 0)
    before = 0
    while sent != before:
        before = sent
        await asyncio.sleep(0.2)

    assert 0 < sent < total / 2

    received, intact = 0, True
    while chunk := await reader.read(2**20):
        expected = block[received % 16 : received % 16 + 16] * (len(chunk) // 16 + 1)
        intact = intact and expected.startswith(chunk)
        received += len(chunk)

    assert (received, intact) == (total, True)


async def test_a_thousand_connections_at_once(scene: Scene) -> None:
    """All are served, spread evenly, and end."""
    first = await scene.pod(1)
    second = await scene.pod(2, port=first.port)
    web = service()
    await scene.cluster.tell(web, piece(first, second))
    where = scene.forwarder.reachable(web, web["spec"]["ports"][0])
    clients = await asyncio.gather(*(asyncio.open_connection(*where) for _ in range(1000)))
    for _, writer in clients:
        writer.write(b"hello\n")
    answers = await asyncio.gather(*(reader.readline() for reader, _ in clients))
    for _, writer in clients:
        writer.close()

    assert {pod.ip: answers.count(f"{pod.ip} hello\n".encode()) for pod in (first, second)} == {
        first.ip: 500,
        second.ip: 500,
    }

    await until(lambda: not scene.forwarder._relays._open)


async def test_a_client_with_affinity_stays_with_its_pod(scene: Scene) -> None:
    """SessionAffinity ClientIP, by the address a client comes from."""
    first = await scene.pod(1)
    second = await scene.pod(2, port=first.port)
    web = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}})
    await scene.cluster.tell(web, piece(first, second))

    assert len({await scene.ask(web) for _ in range(4)}) == 1

    _, writer = await asyncio.open_connection(
        *scene.forwarder.reachable(web, web["spec"]["ports"][0]), local_addr=("127.212.9.9", 0)
    )
    writer.write(b"hello\n")
    await until(lambda: bool(first.connections and second.connections))
    writer.close()

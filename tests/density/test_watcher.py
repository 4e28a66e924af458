"""The process that watches the pods of a run: what it sees, whatever happens to it or to whom it tells."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil
import pytest
from aiohttp import web

from autox.kube.client import KubeClient
from autox.kube.listing import Query
from autox.model.density import DensityInputs
from autox.model.errors import UnreachableError
from autox.model.refs import PODS
from autox.tasks.density.task import run
from autox.tasks.density.watcher import podwatcher
from autox.tasks.density.watcher.looking import BEAT
from autox.tasks.density.watcher.podwatcher import PodWatcher
from autox.tasks.density.watcher.process import fork
from autox.tasks.density.watcher.sights import Lines, Sight, Told, line
from tests.clusters import LocalCluster
from tests.density.conftest import begun, context_on
from tests.kube.hostile import listing, serving, status, streaming

LONG = 20.0  # seconds that anything may take
HEARTY = "Es läuft, 走っている"


class Watched:
    """A watcher beside the test, and what it has told."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        """Begin with ``watched``."""
        self.sights: list[Sight] = []
        self.watcher = PodWatcher(
            kube, Query(resource=PODS, namespace=namespace), seen=self.sights.append, known=lambda: set(self.there)
        )

    @property
    def pid(self) -> int:
        """The process that watches now."""
        [child] = [process for process in (self.watcher._process,) if process is not None]
        return child.pid

    @property
    def there(self) -> dict[str, Sight]:
        """The newest sight of each pod that is there."""
        newest = {sight.uid: sight for sight in self.sights}
        return {uid: sight for uid, sight in newest.items() if not sight.is_gone}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has been told."""
        async with asyncio.timeout(LONG):
            while not condition():
                await self.watcher.up_to_now()


@asynccontextmanager
async def watched(kube: KubeClient, namespace: str = "default") -> AsyncIterator[Watched]:
    """Pods of a namespace, watched."""
    found = Watched(kube, namespace)
    keeping = asyncio.create_task(found.watcher.keep())
    try:
        async with asyncio.timeout(LONG):
            waiting = asyncio.create_task(found.watcher.is_watching.wait())
            await asyncio.wait({keeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            keeping.result()
        yield found
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError, UnreachableError):
            await keeping


async def create(kube: KubeClient, namespace: str, name: str, **annotations: str) -> str:
    """A pod; its uid."""
    meta = {"name": name, "namespace": namespace, "annotations": annotations}
    spec = {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False}
    return str((await kube.create(PODS, {"metadata": meta, "spec": spec}))["metadata"]["uid"])


async def say(kube: KubeClient, namespace: str, name: str, **said: Any) -> None:
    """What the kubelet of a pod says of it."""
    await kube.patch(PODS, name, {"status": said}, namespace=namespace, subresource="status")


RUNNING = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


@pytest.mark.integration
async def test_it_sees_when_a_pod_came_ran_and_went(kube: KubeClient, namespace: str) -> None:
    """To the moment, on the clock of whoever asked; a pod of 200 kB and one with words of other scripts are pods."""
    async with watched(kube, namespace) as pods:
        began = time.monotonic()
        uid = await create(kube, namespace, "a", much="x" * 200_000)
        created = time.monotonic()
        await say(kube, namespace, "a", message=HEARTY, **RUNNING)
        ran = time.monotonic()
        await kube.delete(PODS, "a", namespace=namespace, grace_seconds=0)
        await pods.until(lambda: any(sight.is_gone for sight in pods.sights))
        usage = pods.watcher.usage()

    came, ready, *_ = pods.sights
    assert {sight.uid for sight in pods.sights} == {uid}
    assert began < came.at < created + BEAT
    assert came.at < ready.at < ran + BEAT
    assert (came.is_ready, ready.is_ready, ready.trouble, pods.sights[-1].is_gone) == (False, True, HEARTY, True)
    assert usage.cpu > 0
    assert 1 << 20 < usage.memory < 200 << 20


@pytest.mark.integration
async def test_whoever_does_not_listen_is_told_later_of_the_same_moments(kube: KubeClient, namespace: str) -> None:
    """Half a second in which the load's process did nothing else made pods half a second late.

    What is seen meanwhile, here more than the channel holds, waits in the watcher.
    """
    made: dict[str, float] = {}

    async def make() -> None:
        async with KubeClient(kube.connection) as other:
            for number in range(6):
                uid = await create(other, namespace, f"p{number}")
                made[uid] = time.monotonic()
                await say(other, namespace, f"p{number}", phase="Failed", message="x" * 100_000)

    async with watched(kube, namespace) as pods:
        making = threading.Thread(target=lambda: asyncio.run(make()))
        making.start()
        making.join()  # NB: and with it this event loop stands still
        deaf_until = time.monotonic()
        await pods.until(lambda: len(pods.there) == 6 and all(sight.has_failed for sight in pods.there.values()))

    first = {sight.uid: sight.at for sight in reversed(pods.sights)}
    assert first.keys() == made.keys()
    assert all(abs(first[uid] - at) < BEAT for uid, at in made.items())
    assert max(sight.at for sight in pods.sights) < deaf_until + BEAT


@pytest.mark.integration
async def test_one_that_is_killed_is_followed_by_another(kube: KubeClient, namespace: str) -> None:
    """No pod is lost: those that came meanwhile are seen, and those that went are gone; that it died is told."""
    async with watched(kube, namespace) as pods:
        stays = await create(kube, namespace, "stays")
        await create(kube, namespace, "goes")
        await pods.until(lambda: len(pods.there) == 2)
        os.kill(first := pods.pid, signal.SIGSTOP)
        await kube.delete(PODS, "goes", namespace=namespace, grace_seconds=0)
        comes = await create(kube, namespace, "comes")
        os.kill(first, signal.SIGKILL)
        await pods.until(lambda: pods.there.keys() == {stays, comes})

        assert pods.pid != first
        assert pods.watcher.interruptions == 1
        assert pods.watcher.trouble == "the process that watches pods was ended by SIGKILL"
        assert pods.watcher.usage().cpu > 0


@pytest.mark.integration
async def test_one_that_stands_still_is_known_to(kube: KubeClient, namespace: str) -> None:
    """While it does, and afterwards, when it says so itself; who waits for it does not wait for ever."""
    async with watched(kube, namespace) as pods:
        pods.watcher.usage()
        os.kill(pods.pid, signal.SIGSTOP)
        try:
            await pods.watcher.up_to_now()
            meanwhile = pods.watcher.usage().lag
        finally:
            os.kill(pods.pid, signal.SIGCONT)
        await pods.watcher.up_to_now()
        afterwards = pods.watcher.usage().lag
        await pods.watcher.up_to_now()

        assert 0.5 < meanwhile < LONG
        assert 0.5 < afterwards < LONG
        assert pods.watcher.usage().lag < 0.5


class Expiring:
    """An API server that forgets: its first watch has expired, and by then another pod is there."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.lists = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One pod in each list."""
        if "watch" not in request.query:
            self.lists += 1
            return listing(pod(f"u{self.lists}"), version=str(self.lists))
        if self.lists == 1:
            return status(410, "Expired", "too old resource version")
        response = await streaming(request)
        await asyncio.sleep(LONG)
        return response


def pod(uid: str) -> dict[str, Any]:
    """A pod by its uid."""
    created = "2026-11-30T05:00:00Z"
    meta = {"name": uid, "namespace": "default", "uid": uid, "resourceVersion": "1", "creationTimestamp": created}
    return {"metadata": meta}


async def test_a_watch_that_has_expired_begins_anew() -> None:
    """What went meanwhile is gone, what came is there, and nothing troubles anybody."""
    server = Expiring()
    async with serving(server.answer) as kube, watched(kube) as pods:
        await pods.until(lambda: pods.there.keys() == {"u2"})

        assert pods.watcher.interruptions == 0
    assert server.lists == 2


async def test_one_that_dies_before_it_has_seen_any_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next would do the same; the reason is how it ended."""
    monkeypatch.setattr(podwatcher, "look", lambda *_: os._exit(3))

    with pytest.raises(UnreachableError, match="the process that watches pods ended with exit code 3 before"):
        async with serving(Expiring().answer) as kube, watched(kube):
            pass


async def test_it_needs_room_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is full says so."""

    def full() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)

    with pytest.raises(UnreachableError, match="no process can be started to watch pods: Resource temporarily"):
        async with serving(Expiring().answer) as kube, watched(kube):
            pass


def test_it_ends_with_who_forked_it() -> None:
    """Even if others were forked later, which inherit all files; and a signal of the terminal is not for it."""

    def listen(channel: socket.socket) -> None:
        channel.setblocking(True)
        channel.send(b"!")
        channel.recv(1)

    first, second = fork(listen), fork(listen)
    for each in (first, second):
        each.channel.setblocking(True)
        assert each.channel.recv(1) == b"!"
    os.kill(first.pid, signal.SIGINT)
    first.channel.close()

    assert os.waitstatus_to_exitcode(os.waitpid(first.pid, 0)[1]) == 0
    assert second.end()[0] == "was ended by SIGKILL"


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_lines_arrive_in_pieces(size: int) -> None:
    """Wherever a line is cut: within a word of another script, too."""
    told = [
        Told(1.0, 0.0, 0.1, [Sight("u", 0.5, trouble=f"{HEARTY}\n")], False, []),
        Told(1.1, 0.0, 0.1, [], True, ["x"]),
    ]
    text, lines = b"".join(map(line, told)), Lines()

    assert [each for at in range(0, len(text), size) for each in lines.feed(text[at : at + size])] == told


@pytest.mark.integration
async def test_a_run_says_what_became_of_its_watcher(cluster: LocalCluster, own: KubeClient, said: list[str]) -> None:
    """Killed it is replaced, and every pod has a startup; one that stands still is named, and the run is Invalid."""
    inputs = DensityInputs(
        cluster=cluster.name, nodes=2, pods=20, pods_per_deployment=2, rate=5.0, timeout=60.0, allow_self=True
    )
    others = {each.pid for each in psutil.Process().children()}

    def watchers() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if each.pid not in others]

    async def after(dead: psutil.Process) -> psutil.Process:
        while True:
            if found := [each for each in watchers() if each != dead]:
                return found[0]
            await asyncio.sleep(BEAT)

    running = asyncio.create_task(run(inputs, context_on(own, said, environ=cluster.environ)))
    await begun(running, said)
    [first] = watchers()
    first.kill()
    second = await after(first)
    second.suspend()
    await asyncio.sleep(1.5)
    second.resume()
    findings = await running

    figures = {each.name: each.value for each in findings.metrics}
    assert figures["density/pods-running"] == figures["density/pod-startup-latency"] == 20
    assert (figures["density/watcher-lag-max"] or 0.0) > 1000
    assert findings.invalid.startswith("the process that watches pods stood still for ")
    assert any(
        "1 times; the last: the process that watches pods was ended by SIGKILL" in n.text for n in findings.notes
    )
    assert watchers() == []

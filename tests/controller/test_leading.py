"""The controller as a whole: it notices, it leads alone, it stops in good order."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from autox.adapters.timers import ApschedulerTimers
from autox.controller.controller import LEASE, Settings, run
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, DeadlineError
from autox.model.refs import DEPLOYMENTS, EXPERIMENT_GROUPS, LEASES, ObjectRef
from autox.model.trigger import TriggerWatch, WatchTrouble
from autox.model.verdict import Phase
from autox.testing.releases import RecordingReleases
from tests.controller.scene import Scene
from tests.controller.test_faults import allow
from tests.kube.apiserver import ApiServer

pytestmark = pytest.mark.integration


class Announcer:
    """A trigger source by hand: a test says what happened."""

    def __init__(self) -> None:
        self.followed: frozenset[TriggerWatch] = frozenset()
        self.trouble: dict[TriggerWatch, WatchTrouble] = {}
        self.announce: Callable[[ObjectRef], None] = lambda _: None
        self.on_trouble: Callable[[], None] = lambda: None

    def follow(self, watches: frozenset[TriggerWatch]) -> None:
        """Remember."""
        self.followed = watches

    def troubles(self) -> Mapping[TriggerWatch, WatchTrouble]:
        """As the test says."""
        return self.trouble

    async def run(self, on_trigger: Callable[[ObjectRef], None], on_trouble: Callable[[], None]) -> None:
        """Let the test announce."""
        self.announce, self.on_trouble = on_trigger, on_trouble
        await asyncio.Event().wait()


class SlowReleases(RecordingReleases):
    """A Helm that takes its time; a test can see that it is at work, and let it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work = asyncio.Event()
        self.go_on = asyncio.Event()
        self.was_cut = False

    async def install(self, name: str, **rest: Any) -> str:
        """Install when the test lets it."""
        self.at_work.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.was_cut = True
            raise
        return await super().install(name, **rest)


class Running:
    """A controller that runs."""

    def __init__(self, scene: Scene, releases: RecordingReleases, kube: KubeClient, **settings: Any) -> None:
        self.source = Announcer()
        self.stop = asyncio.Event()
        self.trigger = ObjectRef(
            group="apps", version="v1", resource="deployments", namespace=scene.namespace, name="web"
        )
        wanted = Settings(namespace=scene.namespace, port=0, **{"identity": "me", **settings})
        self.task = asyncio.create_task(run(wanted, kube, releases, self.source, ApschedulerTimers(), stop=self.stop))

    @property
    def followed(self) -> list[TriggerWatch]:
        """What is watched in the scene's namespace; the API server is shared, and others leave groups there."""
        return [each for each in self.source.followed if each.namespace == self.trigger.namespace]

    async def until(self, look: Callable[[], bool]) -> None:
        """Wait until something is so; an end of the controller fails the test with its error."""
        async with asyncio.timeout(20):
            while not look():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.02)


@asynccontextmanager
async def controller(
    scene: Scene, *, releases: RecordingReleases | None = None, kube: KubeClient | None = None, **settings: Any
) -> AsyncIterator[Running]:
    """A controller with its own Lease in the scene's namespace."""
    running = Running(scene, releases or scene.releases, kube or scene.kube, **settings)
    try:
        yield running
    finally:
        running.stop.set()
        with suppress(AutoxError):
            await running.task


async def test_triggers_and_groups_are_followed_live(scene: Scene) -> None:
    """A group that is made, a trigger that changes, a group that goes: each is acted upon without a restart."""
    async with controller(scene) as running:
        await scene.trigger(opt_in="true", version="1")
        await scene.group()
        await running.until(lambda: len(scene.running()) == 1)
        assert [watch.resource for watch in running.followed] == ["deployments"]

        await scene.trigger(version="2")
        running.source.announce(running.trigger)
        await running.until(lambda: len(scene.releases.runs) == 2)

        await scene.kube.delete(EXPERIMENT_GROUPS, "web", namespace=scene.namespace)
        await running.until(lambda: not scene.running() and not running.followed)


async def test_what_happened_while_no_controller_ran_is_made_up_for(scene: Scene) -> None:
    """A version that changed, a trigger and a group that went: the next controller finds out by itself."""
    names = {"opt_in": "true", "version": "1"}
    await scene.trigger(**names)
    for name in ("web", "other"):
        await scene.group(name)
        await scene.look(name)
    await scene.kube.delete(EXPERIMENT_GROUPS, "other", namespace=scene.namespace)
    await scene.trigger(version="2")
    async with controller(scene) as running:
        await running.until(lambda: len(scene.releases.runs) == 3)
        await running.until(lambda: len(scene.running()) == 1)
    assert scene.running() == [(await scene.by_version())["2"].name]

    await scene.kube.delete(DEPLOYMENTS, "web", namespace=scene.namespace)
    async with controller(scene) as running:
        await running.until(lambda: not scene.running())


async def test_it_waits_for_helm_when_it_stops(scene: Scene) -> None:
    """What is under way comes to its end, nothing new begins, and the Lease is free at once."""
    releases = SlowReleases()
    await scene.trigger(opt_in="true", version="1")
    await scene.group()
    async with controller(scene, releases=releases) as running:
        async with asyncio.timeout(20):
            await releases.at_work.wait()
        running.stop.set()
        await asyncio.sleep(0.1)
        assert not running.task.done()
        releases.go_on.set()
        await running.task

    assert len(releases.runs) == 1
    assert (await scene.by_version())["1"].launched_at is not None
    lease = await scene.kube.get(LEASES, LEASE, namespace=scene.namespace)
    assert not lease["spec"].get("holderIdentity")


async def test_a_helm_that_hangs_is_cut_short_when_it_stops(scene: Scene) -> None:
    """After its time is up the controller ends all the same, and the next one launches what was left."""
    releases = SlowReleases()
    await scene.trigger(opt_in="true", version="1")
    await scene.group()
    async with controller(scene, releases=releases, stop_seconds=0.2) as running:
        async with asyncio.timeout(20):
            await releases.at_work.wait()
        running.stop.set()
        async with asyncio.timeout(10):
            await running.task
    assert releases.was_cut

    async with controller(scene) as running:
        await running.until(lambda: len(scene.running()) == 1)


async def test_a_second_controller_stands_by(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """It is ready, does nothing, and ends at once when asked to; it takes over when the first one is gone."""
    caplog.set_level(logging.INFO)
    async with controller(scene, identity="first") as first:
        await first.until(lambda: "leading;" in caplog.text)
        async with controller(scene, identity="second") as second:
            await second.until(lambda: caplog.text.count("probes at") == 2)
            url = caplog.text.rsplit("probes at ", 1)[1].split("/healthz")[0]
            async with aiohttp.ClientSession() as session:
                for path in ("/readyz", "/healthz"):
                    async with session.get(url + path) as answer:
                        assert answer.status == 200
            assert caplog.text.count("leading;") == 1
            first.stop.set()
            await first.task
            await second.until(lambda: caplog.text.count("leading;") == 2)


async def test_a_controller_that_loses_the_lease_ends(scene: Scene) -> None:
    """Somebody else leads: it stops at once and says so."""
    async with controller(scene) as running:
        await scene.trigger(opt_in="true", version="1")
        await scene.group()
        await running.until(lambda: len(scene.running()) == 1)
        spec = {"holderIdentity": "thief", "leaseDurationSeconds": 3600}
        await scene.kube.patch(LEASES, LEASE, {"spec": spec}, namespace=scene.namespace)
        with pytest.raises(DeadlineError, match="thief"):
            await running.task


async def test_a_controller_of_one_namespace_works_in_it(scene: Scene, api_server: ApiServer) -> None:
    """Without rights on the whole cluster it looks after the groups and experiments of its own namespace."""
    user = f"small-{scene.namespace}"
    await allow(scene.kube, user, "*", "*", namespace=scene.namespace)
    await scene.trigger(opt_in="true", version="1")
    await scene.group()
    connection = from_kubeconfig(api_server.kubeconfig(user, groups=()))
    async with KubeClient(connection) as kube, controller(scene, kube=kube) as running:
        await running.until(lambda: len(scene.running()) == 1)
        await scene.kube.delete(EXPERIMENT_GROUPS, "web", namespace=scene.namespace)
        await running.until(lambda: not scene.running())


async def test_a_watch_that_fails_is_told_in_the_group(scene: Scene) -> None:
    """The trouble of a watch reaches the status of the groups that need it, and goes when it goes."""
    async with controller(scene) as running:
        await scene.trigger(opt_in="true", version="1")
        await scene.group()
        await running.until(lambda: len(scene.running()) == 1)
        (watch,) = running.followed
        running.source.trouble[watch] = WatchTrouble(reason="Forbidden", message="may not watch")
        running.source.on_trouble()
        await stalled(scene, "True")
        running.source.trouble.clear()
        running.source.on_trouble()
        await stalled(scene, "False")


async def test_a_version_that_comes_while_helm_is_busy_is_recorded(scene: Scene) -> None:
    """Versions that stayed for longer than 15 s and could not be launched in time were never heard of again."""
    releases = SlowReleases()
    releases.go_on.set()
    await scene.trigger(opt_in="true", version="1")
    await scene.group()
    async with controller(scene, releases=releases) as running:
        await running.until(lambda: len(releases.runs) == 1)
        releases.go_on.clear()
        for version in ("2", "3", "4"):
            await scene.trigger(version=version)
            running.source.announce(running.trigger)
            async with asyncio.timeout(20):
                while version not in await scene.by_version():  # noqa: ASYNC110  - nothing tells
                    await asyncio.sleep(0.05)
        releases.go_on.set()
        await running.until(lambda: len(releases.installed) == 1 and len(releases.runs) >= 3)
        async with asyncio.timeout(20):
            while (records := await scene.by_version())["4"].phase is not Phase.RUNNING:  # noqa: ASYNC110  - nothing tells
                await asyncio.sleep(0.05)

    assert {version: each.phase for version, each in records.items() if version != "4"} == dict.fromkeys(
        ("1", "2", "3"), Phase.DELETED
    )
    assert records["3"].reason == "Superseded"
    assert "version 3 was replaced before its experiment could be launched" in records["3"].message


async def stalled(scene: Scene, wanted: str) -> None:
    """Wait until the group's condition Stalled has this status."""
    async with asyncio.timeout(20):
        while (await scene.conditions()).get("Stalled", ("",))[0] != wanted:  # noqa: ASYNC110  - nothing tells
            await asyncio.sleep(0.05)

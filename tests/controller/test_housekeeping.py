"""What no watch tells is found by looking again; what is old is forgotten; what Helm left half done is finished."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from autox.controller.groups import Key
from autox.controller.housekeeping import Housekeeping
from autox.controller.reach import Reach
from autox.model.errors import NotFoundError
from autox.model.refs import EXPERIMENT_GROUPS, SECRETS
from tests.controller.scene import Scene

pytestmark = pytest.mark.integration


class Calendar:
    """Timers that a test rings."""

    def __init__(self) -> None:
        self.work: dict[str, Callable[[], Awaitable[None]]] = {}

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Remember."""
        assert seconds >= 1
        self.work[name] = work

    async def run(self) -> None:
        """Never ring by itself."""
        await asyncio.Event().wait()


class House:
    """Housekeeping of a scene, and the keys that it wants to be looked at."""

    def __init__(self, scene: Scene) -> None:
        self.keys: list[Key] = []
        self.calendar = Calendar()
        reach = Reach(own_namespace=scene.namespace, everywhere=False)
        reach.include([scene.namespace])
        Housekeeping(
            scene.kube, scene.groups, scene.records, scene.releases, reach=reach, add=self.keys.append
        ).schedule(self.calendar)

    async def ring(self, name: str) -> None:
        """It is time for this."""
        await self.calendar.work[name]()


async def test_every_group_is_looked_at_and_every_one_that_left_experiments(scene: Scene) -> None:
    """A group that was deleted while nobody looked is among them, since its experiments are still there."""
    await scene.trigger(opt_in="true", version="1")
    for name in ("gone", "idle"):
        await scene.group(name)
        await scene.look(name)
    await scene.kube.delete(EXPERIMENT_GROUPS, "gone", namespace=scene.namespace)
    house = House(scene)
    await house.ring("resync")

    assert house.keys == [(scene.namespace, "gone"), (scene.namespace, "idle")]


async def test_history_is_kept_up_to_its_limit(scene: Scene) -> None:
    """The oldest deleted experiments go with the results beside them; what lives stays."""
    await scene.group(history={"limit": 1})
    for version in ("1", "2", "3", "4"):
        await scene.trigger(opt_in="true", version=version)
        await scene.look()
        name = (await scene.by_version())[version].name
        names = {"name": f"{name}-result", "namespace": scene.namespace}
        await scene.kube.create(SECRETS, {"metadata": names})
        await asyncio.sleep(1.0 if version < "4" else 0.0)  # creation times are whole seconds
    before = await scene.by_version()
    await House(scene).ring("retention")

    assert set(await scene.by_version()) == {"3", "4"}
    for version, is_kept in (("1", False), ("2", False), ("3", True), ("4", True)):
        secret = scene.kube.get(SECRETS, f"{before[version].name}-result", namespace=scene.namespace)
        if is_kept:
            await secret
        else:
            with pytest.raises(NotFoundError):
                await secret
    assert len(scene.running()) == 1


async def test_releases_left_half_done_are_finished(scene: Scene) -> None:
    """One that an experiment needs is looked after by its group; one that nobody needs is removed."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(version="2")
    await scene.look()
    records = await scene.by_version()
    scene.releases.strand(scene.namespace, records["1"].name)
    scene.releases.strand(scene.namespace, records["2"].name)
    scene.releases.strand(scene.namespace, "of-nobody")
    house = House(scene)
    await house.ring("recovery")

    assert house.keys == [(scene.namespace, "web")]
    assert await scene.releases.stuck(namespaces=[scene.namespace]) == [(scene.namespace, records["2"].name)]


async def test_a_run_that_goes_on_for_long_is_looked_at_less_often(scene: Scene) -> None:
    """News come by a watch; looking for Jobs that cannot say a word becomes rarer with time."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    assert await scene.look() == 2.0
    scene.now += timedelta(seconds=20)
    early = await scene.look()
    assert early is not None
    assert early <= 5.0

"""What no watch tells is found by looking again; what is old is forgotten; what Helm left half done is finished."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from autox.controller.groups import Key
from autox.controller.housekeeping import Housekeeping
from autox.controller.namespace_scope import NamespaceScope
from autox.controller.orphans import Orphans
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model import labels as model_labels
from autox.model.errors import ForbiddenError, NotFoundError, TransientError
from autox.model.groups import ChartRef
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, SECRETS
from tests.controller.scene import Scene
from tests.kube.apiserver import ApiServer

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

    def __init__(self, scene: Scene, kube: KubeClient | None = None) -> None:
        self.keys: list[Key] = []
        self.expected: set[str] = set()
        self.calendar = Calendar()
        self.scope = NamespaceScope(own_namespace=scene.namespace, everywhere=False)
        self.scope.include([scene.namespace])
        self.orphans = Orphans(scene.kube, scene.groups, scene.records, scene.releases)
        Housekeeping(
            kube or scene.kube,
            scene.groups,
            scene.records,
            scene.releases,
            self.orphans,
            scope=self.scope,
            add=self.keys.append,
            expect=self.expected.update,
        ).schedule(self.calendar)

    async def ring(self, name: str) -> None:
        """It is time for this."""
        await self.calendar.work[name]()

    async def clear(self) -> None:
        """Have the leftovers of the groups seen to that are to be looked at."""
        while self.keys:
            await self.orphans.clear(self.keys.pop())


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
        large = {"metadata": {**names, "name": name}, "status": {"resultSecret": names["name"]}}
        await scene.kube.apply(EXPERIMENTS, large, field_manager="autox-runner", subresource="status")
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
    """One that an experiment needs is left to its group; one of an experiment that has ended in an error is removed."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    scene.releases.fail_next("install", TransientError("helm was killed"))
    with pytest.raises(TransientError):
        await scene.look()
    pending = (await scene.by_version())["1"]
    await leave(scene, pending.name)
    scene.releases.strand(scene.namespace, pending.name)
    house = House(scene)
    await house.ring("recovery")

    assert house.keys == [(scene.namespace, "web")]
    await house.clear()
    assert scene.running() == [pending.name]


async def test_a_release_whose_record_was_deleted_is_removed(scene: Scene) -> None:
    """Deleted while no controller ran, and the version has changed since: nothing else would ever find it."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    old = (await scene.by_version())["1"].name
    await scene.kube.delete(EXPERIMENTS, old, namespace=scene.namespace)
    await scene.trigger(version="2")
    scene.restart()
    await scene.look()
    current = (await scene.by_version())["2"].name
    assert scene.running() == [old, current]
    house = House(scene)
    await house.ring("recovery")
    await house.clear()

    assert scene.running() == [current]


async def test_a_release_that_came_after_its_deletion_is_removed(scene: Scene) -> None:
    """A Helm that outlived its controller installs what the next controller has deleted meanwhile."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(version="2")
    await scene.look()
    records = await scene.by_version()
    await leave(scene, records["1"].name)
    house = House(scene)
    await house.ring("retention")
    await house.clear()

    assert scene.running() == [records["2"].name]


async def test_a_release_whose_experiment_is_launched_anew_stays(scene: Scene) -> None:
    """Between the suspicion and the look at its group its record came back: it is needed."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    name = (await scene.by_version())["1"].name
    await scene.kube.delete(EXPERIMENTS, name, namespace=scene.namespace)
    house = House(scene)
    await house.ring("recovery")
    await scene.look()
    await house.clear()

    assert scene.running() == [name]


async def test_a_release_that_does_not_say_whose_it_is_stays(scene: Scene) -> None:
    """Whatever has our label and no group is not known to be ours."""
    await leave(scene, "of-nobody", GROUP="")
    house = House(scene)
    await house.ring("recovery")
    await house.clear()

    assert house.keys == []
    assert scene.running() == ["of-nobody"]


async def test_nothing_is_removed_for_a_suspended_group(scene: Scene) -> None:
    """Suspended means that nothing is deleted, whatever was left behind."""
    await scene.group(suspend=True)
    await scene.look()
    await leave(scene, "web-left")
    house = House(scene)
    await house.ring("recovery")
    await house.clear()

    assert scene.running() == ["web-left"]


async def test_a_release_that_cannot_be_removed_delays_no_other(scene: Scene) -> None:
    """Its trouble is logged and it is suspected again; the next one goes."""
    await scene.group()
    for name in ("web-1", "web-2"):
        await leave(scene, name)
    scene.releases.fail_next("uninstall", TransientError("helm did not end within 60 s"))
    house = House(scene)
    await house.ring("recovery")
    await house.clear()
    assert scene.running() == ["web-1"]
    await house.ring("recovery")
    await house.clear()

    assert scene.running() == []


async def test_groups_are_looked_at_though_experiments_cannot_be_listed(scene: Scene, api_server: ApiServer) -> None:
    """What is known is looked at before what has to be asked for."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    async with KubeClient(from_kubeconfig(api_server.kubeconfig("nobody", groups=()))) as refused:
        house = House(scene, refused)
        with pytest.raises(ForbiddenError):
            await house.ring("resync")

    assert house.keys == [(scene.namespace, "web")]


async def leave(scene: Scene, name: str, **changed: str) -> None:
    """A release of the group that nobody launched."""
    labels = {"GROUP_NAMESPACE": scene.namespace, "GROUP": "web", "EXPERIMENT": name} | changed
    values = {getattr(model_labels, key): value for key, value in labels.items()}
    await scene.releases.install(
        name,
        namespace=scene.namespace,
        chart=ChartRef(name="experiment"),
        values={},
        labels=values,
        since=scene.now,
    )


async def test_a_run_that_goes_on_for_long_is_looked_at_less_often(scene: Scene) -> None:
    """News come by a watch; looking for Jobs that cannot say a word becomes rarer with time."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    assert await scene.look() == 2.0
    scene.now += timedelta(seconds=20)
    early = await scene.look()
    assert early is not None
    assert early <= 5.0

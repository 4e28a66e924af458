"""What happens while no controller runs, and controllers that are killed in the middle of a launch."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from autox.kube.watch import watch
from autox.model.errors import NotFoundError
from autox.model.refs import DEPLOYMENTS, JOBS, LEASES, SECRETS
from autox.model.verdict import Phase
from tests.clusters import WAIT_SECONDS
from tests.integration.autox.controllers import NAMESPACE
from tests.integration.autox.scene import UNSCHEDULABLE, Scene

pytestmark = pytest.mark.integration

Moment = Callable[[Scene], Awaitable[bool]]


@asynccontextmanager
async def downtime(scene: Scene, *, killed: bool = False) -> AsyncIterator[None]:
    """No controller runs in here; afterwards another one does, as after the time that the lease of a dead one lasts."""
    if not killed:
        scene.controller.stop()
    try:
        yield
        with suppress(NotFoundError):
            await scene.kube.delete(LEASES, "autox-controller", namespace=NAMESPACE)
    finally:
        scene.controller.start()


async def test_trigger_deleted_while_it_is_down(scene: Scene) -> None:
    """A Deployment that is deleted while nobody looks leaves no experiment behind."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    async with downtime(scene):
        await scene.kube.delete(DEPLOYMENTS, "web", namespace=scene.namespace)

    await scene.deleted("TriggerGone")


async def test_version_changed_while_it_is_down(scene: Scene) -> None:
    """A version that came while nobody looked is tested as soon as somebody does; what came and went is not."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    async with downtime(scene):
        await scene.label(version="2")
        await scene.label(version="3")

    await scene.tested("3")
    assert [each.identity.version for each in await scene.records()] == ["1", "3"]


async def test_nothing_changed_while_it_is_down(scene: Scene) -> None:
    """A restart of the controller launches nothing and deletes nothing."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    (before,) = await scene.tested("1")

    async with downtime(scene):
        pass

    await scene.has_come_round()
    (after,) = await scene.records()
    assert (after.uid, after.launched_at, after.phase) == (before.uid, before.launched_at, Phase.RUNNING)


async def test_group_removed_while_it_is_down(scene: Scene) -> None:
    """A group that was deleted while nobody looked does not leave its experiments running."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    async with downtime(scene):
        await scene.ungroup()

    await scene.deleted("GroupRemoved")


async def at_once(_scene: Scene) -> bool:
    """The label has only just changed."""
    return True


async def recorded(scene: Scene) -> bool:
    """The record is there, and Helm has perhaps been started."""
    return bool(await scene.records())


def helm_says(status: str) -> Moment:
    """Helm has written this status into the release."""

    async def look(scene: Scene) -> bool:
        # NB: watched, since between two looks on a busy machine Helm begins and ends.
        selector = f"owner=helm,status={status}"
        release = watch(
            scene.kube,
            SECRETS,
            namespace=scene.namespace,
            label_selector=selector,
            metadata_only=True,
            on_trouble=print,
        )
        async with aclosing(release) as events:
            async for event in events:
                if event.object.get("metadata"):
                    return True
        return False

    return look


async def job_made(scene: Scene) -> bool:
    """Helm has made the Job."""
    return bool(await scene.jobs())


async def is_going(scene: Scene) -> bool:
    """The oldest experiment is being deleted."""
    return (await scene.records())[0].phase is not Phase.RUNNING


async def come(moment: Moment, scene: Scene) -> None:
    """Wait for a moment without any rest, to be there as soon as it comes."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await moment(scene):
            pass


async def follow_jobs(scene: Scene, uids: set[str]) -> None:
    """Remember every Job that there ever was."""
    async with aclosing(watch(scene.kube, JOBS, namespace=scene.namespace, on_trouble=print)) as events:
        async for event in events:
            uids |= {each["uid"] for each in [event.object.get("metadata")] if each}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(at_once, id="label changed"),
        pytest.param(recorded, id="record made"),
        pytest.param(helm_says("pending-install"), id="helm at work"),
        pytest.param(job_made, id="job made"),
        pytest.param(helm_says("deployed"), id="release deployed"),
    ],
)
async def test_killed_during_a_launch(scene: Scene, moment: Moment) -> None:
    """SIGKILLed at any moment of a launch, the controller leaves exactly one record, one release and one Job."""
    await scene.group(specs={"load": UNSCHEDULABLE})
    await scene.deploy(opt_in="true")
    await scene.waits("VersionMissing")
    uids: set[str] = set()
    following = asyncio.create_task(follow_jobs(scene, uids))
    try:
        await scene.label(version="1")
        await come(moment, scene)
        scene.controller.kill()
        async with downtime(scene, killed=True):
            pass

        (record,) = await scene.tested("1")
        await scene.has_come_round()
        assert [each.uid for each in await scene.records()] == [record.uid]
        assert await scene.jobs() == [record.name]
        assert len(uids) == 1
        assert [name for name in await scene.releases() if not name.startswith("marker")] == [record.name]
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_killed_during_a_deletion(scene: Scene) -> None:
    """SIGKILLed while a stale experiment goes, the controller leaves nothing of it, also if its version comes back."""
    await scene.group(specs={"load": UNSCHEDULABLE})
    await scene.deploy(version="1", opt_in="true")
    (old,) = await scene.tested("1")

    await scene.label(version="2")
    await come(is_going, scene)
    scene.controller.kill()
    async with downtime(scene, killed=True):
        await scene.label(version="1")

    (new,) = await scene.tested("1")
    assert (new.identity.revision, new.name != old.name) == (2, True)
    assert await scene.jobs() == [new.name]
    assert await scene.releases() == [new.name]

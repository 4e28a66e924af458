"""Releases that helm failed at or was interrupted in are found by their labels, and never block their experiment."""

from datetime import timedelta

import pytest

from autox.adapters.helm import HELM_SECONDS
from autox.model.errors import TransientError
from tests.helm.conftest import Clock
from tests.helm.scene import Scene, labels_of

pytestmark = pytest.mark.integration

LONG = timedelta(seconds=3 * HELM_SECONDS)


async def test_a_failed_release_is_replaced(scene: Scene) -> None:
    """What a failed attempt left, when nobody could clean up after it, makes room for the next."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status="failed")

    await scene.install("web-1")

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"


@pytest.mark.parametrize("status", ["pending-install", "uninstalling"])
async def test_a_release_that_helm_is_at_work_on_is_waited_for(scene: Scene, clock: Clock, status: str) -> None:
    """Another helm, that of a controller that was killed, may finish; after a time it will not."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status=status)

    with pytest.raises(TransientError, match=f"web-1 is {status}"):
        await scene.install("web-1")
    clock.ahead = LONG
    await scene.install("web-1")

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"


@pytest.mark.parametrize(("status", "is_waited_for"), [("pending-install", True), ("uninstalling", False)])
async def test_a_release_is_not_removed_under_a_helm_that_installs_it(
    scene: Scene, clock: Clock, status: str, *, is_waited_for: bool
) -> None:
    """What that helm made afterwards would belong to no release; to remove it twice at once does no harm."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status=status)

    if is_waited_for:
        with pytest.raises(TransientError, match="helm is at work on it"):
            await scene.uninstall("web-1")
        clock.ahead = LONG
    await scene.uninstall("web-1")

    assert await scene.releases.found(namespace=scene.namespace) == []


async def test_our_releases_are_found(scene: Scene, clock: Clock) -> None:
    """With whose they are; those that no helm can be at work on any more are stuck, and can be uninstalled."""
    for name in ("good", "failed", "pending", "half-gone"):
        await scene.install(name)
    await scene.install("foreign", labels={"team": "payments"})
    await scene.install("borrowed", labels=labels_of("good"))
    await scene.set_storage_labels("failed", status="failed")
    await scene.set_storage_labels("pending", status="pending-install")
    await scene.set_storage_labels("half-gone", status="uninstalling")
    await scene.set_storage_labels("foreign", status="failed")

    found = await scene.releases.found(namespace=scene.namespace)
    assert sorted(each.name for each in found) == ["failed", "good", "half-gone", "pending"]
    assert {each.group for each in found} == {("team", "web")}
    assert [each.name for each in found if each.is_stuck] == ["failed"]
    clock.ahead = LONG
    stuck = [each for each in await scene.releases.found(namespace=scene.namespace) if each.is_stuck]

    assert sorted(each.name for each in stuck) == ["failed", "half-gone", "pending"]
    for each in stuck:
        await scene.uninstall(each.name)
    assert [each.name for each in await scene.releases.found(namespace=scene.namespace)] == ["good"]
    assert await scene.releases.found(namespace="default") == []


@pytest.mark.parametrize("stamp", ["", "soon", "9" * 60])
async def test_a_stamp_that_makes_no_sense_is_an_old_one(scene: Scene, stamp: str) -> None:
    """Labels are anybody's to write: nonsense in them breaks nothing."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status="pending-install", modifiedAt=stamp, createdAt=stamp)

    assert [each.is_stuck for each in await scene.releases.found(namespace=scene.namespace)] == [True]

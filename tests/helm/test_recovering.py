"""Releases that helm failed at or was interrupted in are found by their labels, and never block their experiment."""

from datetime import timedelta

import pytest

from autox.adapters.helm import HELM_SECONDS
from autox.model.errors import TransientError
from tests.helm.conftest import Clock
from tests.helm.scene import Scene

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


async def test_stuck_releases_are_named(scene: Scene, clock: Clock) -> None:
    """Those that are ours and that no helm can be at work on: each can then be uninstalled."""
    for name in ("good", "failed", "pending", "half-gone"):
        await scene.install(name)
    await scene.install("foreign", labels={"team": "payments"})
    await scene.set_storage_labels("failed", status="failed")
    await scene.set_storage_labels("pending", status="pending-install")
    await scene.set_storage_labels("half-gone", status="uninstalling")
    await scene.set_storage_labels("foreign", status="failed")

    assert await scene.releases.stuck(namespaces=[scene.namespace]) == [(scene.namespace, "failed")]
    clock.ahead = LONG
    stuck = await scene.releases.stuck(namespaces=[scene.namespace, "default"])

    assert sorted(name for _, name in stuck) == ["failed", "half-gone", "pending"]
    for namespace, name in stuck:
        await scene.releases.uninstall(name, namespace=namespace)
    assert await scene.releases.stuck(namespaces=[scene.namespace]) == []


@pytest.mark.parametrize("stamp", ["", "soon", "9" * 60])
async def test_a_stamp_that_makes_no_sense_is_an_old_one(scene: Scene, stamp: str) -> None:
    """Labels are anybody's to write: nonsense in them breaks nothing."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status="pending-install", modifiedAt=stamp, createdAt=stamp)

    assert await scene.releases.stuck(namespaces=[scene.namespace]) == [(scene.namespace, "web-1")]

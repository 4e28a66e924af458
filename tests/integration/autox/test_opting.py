"""A trigger's labels decide whether it is tested."""

import pytest

from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase
from tests.integration.autox.scene import Scene

pytestmark = pytest.mark.integration


async def test_opt_in_after_the_version(scene: Scene) -> None:
    """A Deployment that has had a version for long is tested as soon as it opts in."""
    await scene.group()
    await scene.deploy(version="1")
    message = await scene.waits("NotOptedIn")
    assert f"kubectl label --overwrite -n {scene.namespace} deployments.apps/web iter8.tools/autox=true" in message

    await scene.label(opt_in="true")

    (record,) = await scene.tested("1")
    assert (record.phase, record.reason, record.identity.revision) == (Phase.RUNNING, "NewVersion", 1)
    assert record.name.startswith("web-http-")


async def test_opt_in_before_the_version(scene: Scene) -> None:
    """A Deployment that has opted in but names no version is not tested, visibly why; once it names one it is."""
    await scene.group()
    await scene.deploy(opt_in="true")
    message = await scene.waits("VersionMissing")
    assert "app.kubernetes.io/version" in message
    assert await scene.records() == []

    await scene.label(version="1")

    await scene.tested("1")


async def test_a_group_may_ask_for_no_label(scene: Scene) -> None:
    """With ``optIn: none`` the version alone is enough, also when it changes while somebody watches."""
    await scene.group(optIn="none")
    await scene.deploy(version="1")
    await scene.tested("1")

    await scene.label(version="2")

    await scene.tested("2")


async def test_a_version_that_goes_takes_the_experiment_along(scene: Scene) -> None:
    """Without a version label nothing is tested any more."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    await scene.label(version=None)

    await scene.deleted("VersionMissing")


async def opted_out(scene: Scene, value: str | None, reason: str) -> ExperimentRecord:
    """Opt in, and take it back."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    (record,) = await scene.tested("1")
    await scene.label(opt_in=value)
    (kept,) = await scene.deleted(reason)
    assert kept.name == record.name
    return kept


async def test_opt_in_removed(scene: Scene) -> None:
    """Removing the label deletes the experiment; the record is kept, and opting in again tests again."""
    kept = await opted_out(scene, None, "NotOptedIn")

    await scene.label(opt_in="true")

    (again,) = await scene.tested("1")
    assert again.name != kept.name
    assert again.identity.revision == 2


async def test_value_false(scene: Scene) -> None:
    """The value false opts out like a label that is removed, and it is said which value would opt in."""
    await opted_out(scene, "false", "OptedOut")

    assert "iter8.tools/autox=false" in await scene.waits("OptedOut")

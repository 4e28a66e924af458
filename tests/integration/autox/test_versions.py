"""What is a new version, and what is not."""

import pytest

from autox.kube.objects import Object
from autox.model.experiments import ExperimentRecord
from autox.model.refs import DEPLOYMENTS, EVENTS, EXPERIMENTS, JOBS
from autox.model.verdict import Phase
from tests.integration.autox.scene import UNSCHEDULABLE, Scene, eventually

pytestmark = pytest.mark.integration


async def under_test(scene: Scene, version: str = "1") -> ExperimentRecord:
    """A Deployment of a version that is under test."""
    await scene.group()
    await scene.deploy(version=version, opt_in="true")
    (record,) = await scene.tested(version)
    return record


async def test_version_change(scene: Scene) -> None:
    """A new version: the stale experiment's release goes, its record says why, and the new version is under test."""
    old = await under_test(scene)

    await scene.label(version="2")

    (new,) = await scene.tested("2")
    before, after = await scene.records()
    assert (before.name, before.phase, before.reason) == (old.name, Phase.DELETED, "NewVersion")
    assert after.name == new.name
    assert await scene.releases() == [new.name]


async def test_rollback(scene: Scene) -> None:
    """A version that comes back is tested again, all three runs are in the history, and an Event says what it is.

    Its record does, too, until there is news of the run.
    """
    await under_test(scene)
    await scene.label(version="2")
    await scene.tested("2")

    await scene.label(version="1")

    (back,) = await scene.tested("1")
    assert back.identity.revision == 2
    about = f"involvedObject.uid={back.uid},reason=Launched"

    async def told() -> list[str]:
        events = (await scene.kube.list(EVENTS, namespace=scene.namespace, field_selector=about)).items
        return [each["message"] for each in events]

    (message,) = await eventually("the Event", told)
    assert message.endswith(f"version 1 of deployments.apps/{scene.namespace}/web is tested again, as revision 2")
    tested = [each.identity for each in await scene.records()]
    assert sorted((each.version, each.revision) for each in tested) == [("1", 1), ("1", 2), ("2", 1)]


async def test_record_deleted(scene: Scene) -> None:
    """Whoever deletes the record of an experiment has it tested once more, by a new Job."""
    await scene.group(specs={"http": UNSCHEDULABLE})
    await scene.deploy(version="1", opt_in="true")
    (old,) = await scene.tested("1")
    (old_job,) = (await scene.kube.list_metadata(JOBS, namespace=scene.namespace)).items

    await scene.kube.delete(EXPERIMENTS, old.name, namespace=scene.namespace)

    async def is_new() -> bool:
        return (await scene.tested("1"))[0].uid != old.uid

    await eventually("another record", is_new)
    (job,) = (await scene.kube.list_metadata(JOBS, namespace=scene.namespace)).items
    assert job["metadata"]["uid"] != old_job["metadata"]["uid"]


async def unchanged(scene: Scene, record: ExperimentRecord) -> None:
    """Nothing was launched and nothing deleted."""
    await scene.has_come_round()
    (still,) = await scene.records()
    assert (still.uid, still.launched_at, still.phase) == (record.uid, record.launched_at, Phase.RUNNING)


async def test_status_only_change(scene: Scene) -> None:
    """Changes of the trigger's status, of which there are many in each rollout, launch and delete nothing."""
    record = await under_test(scene)
    for replicas in range(3):
        status: Object = {"status": {"replicas": replicas + 5}}
        await scene.kube.patch(DEPLOYMENTS, "web", status, namespace=scene.namespace, subresource="status")

    await unchanged(scene, record)


async def test_unrelated_change(scene: Scene) -> None:
    """Another label, or a change of the spec without a new version, launches and deletes nothing."""
    record = await under_test(scene)
    await scene.label(team="green")
    await scene.kube.patch(DEPLOYMENTS, "web", {"spec": {"minReadySeconds": 1}}, namespace=scene.namespace)

    await unchanged(scene, record)


async def test_numeric_looking_versions(scene: Scene) -> None:
    """Version 1.10 is a word, not the number 1.1: it stays what it is, and is another version."""
    await under_test(scene, "1.1")

    await scene.label(version="1.10")

    (new,) = await scene.tested("1.10")
    found = await scene.kube.get(EXPERIMENTS, new.name, namespace=scene.namespace)
    assert found["spec"]["version"] == "1.10"
    assert len(await scene.records()) == 2

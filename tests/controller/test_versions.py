"""What happens to a trigger becomes experiments: launched, deleted, kept, and said."""

import pytest

from autox.model.refs import DEPLOYMENTS, EXPERIMENT_GROUPS
from autox.model.verdict import Phase
from tests.controller.scene import READY_WEB, UNDER_TEST, Scene

pytestmark = pytest.mark.integration


async def test_opting_in_with_a_version_launches(scene: Scene) -> None:
    """One release is installed, its record says what it tests, and the group says what was done and why."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1.10")
    await scene.look()

    (record,) = (await scene.by_version()).values()
    assert (record.phase, record.identity.version, record.images) == (Phase.RUNNING, "1.10", ("busybox",))
    (release,) = scene.releases.installed.values()
    assert scene.running() == [record.name]
    assert release.values == {**READY_WEB["values"], "underTest": UNDER_TEST}  # type: ignore[dict-item]
    assert release.labels["autox.dev/experiment"] == record.name
    status = await scene.status()
    assert (status["ready"], status["trigger"]["version"]) == ("True", "1.10")
    assert status["experiments"] == [{"spec": "quick", "name": record.name, "phase": "Running"}]
    assert (status["lastDecision"]["action"], status["lastDecision"]["reason"]) == ("Launch", "NewVersion")
    assert {name: status for name, (status, _) in (await scene.conditions()).items()} == {
        "Ready": "True", "TriggerFound": "True", "Stalled": "False",
    }  # fmt: skip
    why = f"the version of deployments.apps/{scene.namespace}/web is 1.10"
    told = ("Normal", "Launched", f"launched experiment {record.name} in namespace {scene.namespace}: {why}")
    assert await scene.events("Experiment") == [told]
    assert await scene.events("ExperimentGroup") == [told]


async def test_looking_again_changes_nothing(scene: Scene) -> None:
    """A second look, also by another controller, launches nothing and writes nothing but what is new."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.look()
    before = await scene.kube.get(EXPERIMENT_GROUPS, "web", namespace=scene.namespace), await scene.experiments()
    scene.restart()
    await scene.look()

    assert before == (
        await scene.kube.get(EXPERIMENT_GROUPS, "web", namespace=scene.namespace), await scene.experiments()
    )  # fmt: skip
    assert len(scene.releases.runs) == 1


async def test_a_new_version_replaces_the_experiment(scene: Scene) -> None:
    """The stale release goes before the new one comes; the old record stays and says why."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(version="2")
    await scene.look()

    records = await scene.by_version()
    assert {version: each.phase for version, each in records.items()} == {"1": Phase.DELETED, "2": Phase.RUNNING}
    assert records["1"].reason == "NewVersion"
    assert scene.running() == [records["2"].name]
    told = [reason for _, reason, _ in await scene.events("ExperimentGroup")]
    assert sorted(told) == ["Deleted", "Launched", "Launched"]


async def test_other_changes_do_nothing(scene: Scene) -> None:
    """Another label, another annotation, a status: the experiment goes on."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(team="blue")
    status = {"status": {"observedGeneration": 1, "replicas": 3}}
    await scene.kube.patch(DEPLOYMENTS, "web", status, namespace=scene.namespace, subresource="status")
    await scene.look()

    assert len(scene.releases.runs) == len(scene.running()) == 1


@pytest.mark.parametrize(("value", "reason"), [(None, "NotOptedIn"), ("false", "OptedOut")])
async def test_opting_out_deletes(scene: Scene, value: str | None, reason: str) -> None:
    """The label removed, or with another value: the release goes, the record stays, and the group says why."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.trigger(opt_in=value)
    await scene.look()

    (record,) = (await scene.by_version()).values()
    assert (record.phase, record.reason, scene.running()) == (Phase.DELETED, reason, [])
    await scene.look()
    assert (await scene.conditions())["Ready"] == ("True", reason)
    assert (await scene.status())["ready"] == f"Waiting ({reason})"
    assert (await scene.status())["lastDecision"]["reason"] == reason


async def test_a_trigger_that_is_gone_takes_its_experiments_along(scene: Scene) -> None:
    """Confirmed by the server, the deletion ends the experiments."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.kube.delete(DEPLOYMENTS, "web", namespace=scene.namespace)
    await scene.look()

    assert scene.running() == []
    assert (await scene.conditions())["TriggerFound"] == ("False", "TriggerGone")


async def test_a_missing_version_is_told(scene: Scene) -> None:
    """Opted in without a version: nothing runs, and the group and an Event say how to name one."""
    await scene.group()
    await scene.trigger(opt_in="true")
    await scene.look()

    assert scene.running() == []
    assert (await scene.conditions())["Ready"] == ("False", "VersionMissing")
    assert (await scene.status())["ready"] == "False"
    ((kind, reason, message),) = await scene.events("ExperimentGroup")
    assert (kind, reason) == ("Warning", "VersionMissing")
    assert "kubectl label" in message


async def test_a_version_that_comes_back_is_tested_again(scene: Scene) -> None:
    """After a rollback the same version has a second experiment, with a revision of its own."""
    await scene.group()
    for version in ("1", "2", "1"):
        await scene.trigger(opt_in="true", version=version)
        await scene.look()

    assert len(scene.releases.runs) == 3
    assert (await scene.by_version())["1"].identity.revision == 2
    assert len(scene.running()) == 1


async def test_an_edited_group_is_followed(scene: Scene) -> None:
    """Other values make the experiment stale, a spec that is added runs beside it, one that is dropped goes."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    slower = {"name": "experiment", "values": {"tasks": ["ready"], "ready": {"deploy": "web", "timeout": "90s"}}}
    await scene.group(specs={"quick": slower, "second": READY_WEB})
    await scene.look()
    assert len(scene.running()) == 2
    deleted = [each["status"] for each in await scene.experiments() if each["status"]["phase"] == "Deleted"]
    assert [each["reason"] for each in deleted] == ["ChartOrValuesChanged"]

    await scene.group(specs={"second": READY_WEB})
    await scene.look()
    (name,) = scene.running()
    assert "second" in name


async def test_a_removed_group_takes_its_experiments_along(scene: Scene) -> None:
    """Also when it went while no controller ran."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.kube.delete(EXPERIMENT_GROUPS, "web", namespace=scene.namespace)
    scene.restart()
    await scene.look()

    (record,) = (await scene.by_version()).values()
    assert (record.phase, record.reason, scene.running()) == (Phase.DELETED, "GroupRemoved", [])


async def test_a_group_that_a_watch_has_not_seen_yet_keeps_its_experiments(scene: Scene) -> None:
    """That a group is not known is not enough: the server has to confirm that it is gone."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    scene.restart()
    await scene.reconciler.reconcile((scene.namespace, "web"))

    assert len(scene.running()) == 1


async def test_two_groups_test_one_trigger(scene: Scene) -> None:
    """Each has its own experiment, and neither touches the other's."""
    for name in ("web", "web-2"):
        await scene.group(name)
    await scene.trigger(opt_in="true", version="1")
    for name in ("web", "web-2"):
        await scene.look(name)
    assert len(scene.running()) == 2

    await scene.kube.delete(EXPERIMENT_GROUPS, "web-2", namespace=scene.namespace)
    await scene.look("web-2")
    await scene.look("web")
    assert scene.running() == [(await scene.by_version())["1"].name]


async def test_a_suspended_group_does_nothing(scene: Scene) -> None:
    """Nothing is launched and nothing deleted until it goes on."""
    await scene.group()
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    await scene.group(suspend=True)
    await scene.trigger(version="2")
    await scene.look()
    assert (await scene.conditions())["Ready"] == ("True", "Suspended")
    assert list(await scene.by_version()) == ["1"]

    await scene.group(suspend=False)
    await scene.look()
    assert scene.running() == [(await scene.by_version())["2"].name]

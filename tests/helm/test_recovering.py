"""Releases that helm failed at or was interrupted in are found by their labels, and never block their experiment."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from autox.adapters.helm import HELM_SECONDS, HelmReleases
from autox.adapters.helm_stock import workload_of
from autox.adapters.seat import Seat
from autox.kube.objects import metadata
from autox.model.errors import TransientError
from autox.model.labels import CLAIM, UID
from autox.model.refs import CRON_JOBS, JOBS, SECRETS, Resource
from tests.clusters import run
from tests.helm.conftest import Clock
from tests.helm.scene import Scene, labels_of, storage

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
    await lose_job(scene, "web-1")
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
    await lose_job(scene, "web-1")
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
        await lose_job(scene, name)
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
    await lose_job(scene, "web-1")
    await scene.set_storage_labels("web-1", status="pending-install", modifiedAt=stamp, createdAt=stamp)

    assert [each.is_stuck for each in await scene.releases.found(namespace=scene.namespace)] == [True]


@pytest.mark.parametrize(
    ("status", "ahead"),
    [("pending-install", timedelta()), ("pending-install", LONG), ("failed", timedelta()), ("pending-upgrade", LONG)],
)
async def test_a_job_that_was_made_is_the_run(scene: Scene, clock: Clock, status: str, ahead: timedelta) -> None:
    """Helm was killed after it made the Job: the Job stays; it was removed after two minutes, and run a second time."""
    await scene.install("web-1")
    uid = await job_uid(scene, "web-1")
    await scene.set_storage_labels("web-1", status=status)
    clock.ahead = ahead

    assert f"Helm left it {status}" in await scene.install("web-1")
    assert await job_uid(scene, "web-1") == uid
    assert (await scene.storage_labels("web-1"))["status"] == "deployed"
    assert await scene.install("web-1") == ""


@pytest.mark.parametrize(("kind", "plural"), [("Job", JOBS), ("CronJob", CRON_JOBS)])
@pytest.mark.parametrize("labelled", [True, False], ids=["labelled", "unlabelled"])
async def test_a_run_of_any_chart_is_found(
    scene: Scene, charts: Path, kind: str, plural: Resource, *, labelled: bool
) -> None:
    """A chart names its Job as it likes and need not label it; only the instance label was looked at."""
    own = {"app.kubernetes.io/instance": "web-1"} if labelled else {}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}}
    body = {
        "apiVersion": "batch/v1",
        "kind": kind,
        "metadata": {"name": "load-1-job", "labels": own},
        "spec": spec if kind == "Job" else {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}},
    }
    (charts / "experiment" / "templates" / "all.yaml").write_text(json.dumps(body))
    await scene.install("web-1")
    uid = metadata(await scene.kube.get(plural, "load-1-job", namespace=scene.namespace))["uid"]
    await scene.set_storage_labels("web-1", status="pending-install")

    (found,) = await scene.releases.found(namespace=scene.namespace)
    assert not found.is_stuck
    job = await workload_of(scene.kube, "web-1", namespace=scene.namespace, is_own_chart=False)
    assert job is not None
    assert metadata(job)["uid"] == uid


async def test_helm_reads_what_was_put_right(scene: Scene, with_helm: dict[str, str], tmp_path: Path) -> None:
    """What was adopted is an ordinary release: helm shows it as deployed and says by whom, and uninstalls it."""
    await scene.install("web-1")
    await scene.set_storage_labels("web-1", status="pending-install")
    await scene.install("web-1")
    source = scene.kube.connection.source
    assert source is not None
    environ = with_helm | {"KUBECONFIG": str(source.kubeconfigs[0]), "HOME": str(tmp_path)}
    said = run("helm", "status", "web-1", "-n", scene.namespace, "-o", "json", environ=environ)
    info = json.loads(said.out)["info"]
    assert (info["status"], "autox" in info["description"]) == ("deployed", True)
    assert run("helm", "uninstall", "web-1", "-n", scene.namespace, environ=environ).code == 0


async def test_a_release_of_an_earlier_record_is_no_run_of_this_one(scene: Scene) -> None:
    """Somebody deleted the record and the same version is launched anew: it is run, whatever the old one has left."""
    await scene.install("web-1", labels=labels_of("web-1") | {UID: "first"})
    old = await job_uid(scene, "web-1")
    assert await scene.install("web-1", labels=labels_of("web-1") | {UID: "first"}) == ""
    assert await job_uid(scene, "web-1") == old

    await scene.install("web-1", labels=labels_of("web-1") | {UID: "second"})
    assert (await scene.storage_labels("web-1"))[UID] == "second"
    assert await job_uid(scene, "web-1") != old


async def job_uid(scene: Scene, name: str) -> str:
    """Of the Job of a release."""
    return str(metadata(await scene.kube.get_metadata(JOBS, name, namespace=scene.namespace))["uid"])


async def lose_job(scene: Scene, name: str) -> None:
    """As if helm had been ended before it made the Job, that of another controller."""
    await scene.kube.patch(
        SECRETS, storage(name), {"metadata": {"labels": {CLAIM: "another"}}}, namespace=scene.namespace
    )
    await scene.kube.delete(JOBS, name, namespace=scene.namespace, propagation="Background")


@pytest.mark.parametrize("of", ["this process", "a process before it in this pod", "a stranger"])
async def test_a_helm_that_is_known_to_be_dead_is_not_waited_for(
    scene: Scene, charts: Path, with_helm: dict[str, str], tmp_path: Path, of: str
) -> None:
    """A release that was pending when the controller was killed held its experiment up for two minutes."""
    pod = {"POD_UID": "5f0c", "HOME": str(tmp_path)}
    seat = Seat.take(pod)
    claim = {"this process": seat.claim, "a process before it in this pod": "5f0c_00aa"}.get(of, "77aa_00aa")
    await scene.install("web-1")
    await lose_job(scene, "web-1")
    await scene.set_storage_labels("web-1", status="pending-install", **{CLAIM: claim})
    releases = await HelmReleases.open(scene.kube, charts=charts, environ=with_helm, seat=seat)
    seated = replace(scene, releases=releases)
    try:
        if of == "a stranger":
            with pytest.raises(TransientError, match="helm is at work on it"):
                await seated.install("web-1")
        else:
            await seated.install("web-1")
            assert (await scene.storage_labels("web-1"))[CLAIM] == seat.claim
    finally:
        await releases.close()

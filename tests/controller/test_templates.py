"""Other pods under the same version label get a test of their own, whatever kind of workload they belong to."""

from typing import Any

import pytest

from autox.kube.objects import Object, timestamp
from autox.model.refs import DEPLOYMENTS, EXPERIMENTS, Resource
from autox.model.verdict import Phase
from tests.controller.scene import OPT_IN, VERSION, Scene
from tests.controller.test_supervising import runner_says
from tests.integration.objects import shell

pytestmark = pytest.mark.integration

LABELS = {OPT_IN: "true", VERSION: "4"}
SELECTED = {"matchLabels": {"app": "web"}}


def apps(plural: str, kind: str) -> Resource:
    """A kind of workload of Kubernetes' own."""
    return Resource(group="apps", version="v1", plural=plural, kind=kind)


WORKLOADS: dict[str, tuple[Resource, Object]] = {
    "deployment": (DEPLOYMENTS, {"replicas": 0}),
    "statefulset": (apps("statefulsets", "StatefulSet"), {"replicas": 0, "serviceName": "web"}),
    "daemonset": (apps("daemonsets", "DaemonSet"), {}),
    "replicaset": (apps("replicasets", "ReplicaSet"), {"replicas": 0}),
}


class Workload:
    """What is under test: version 4 runs image busybox."""

    def __init__(self, scene: Scene, resource: Resource) -> None:
        self._scene = scene
        self._resource = resource

    async def make(self, spec: Object) -> None:
        """It, and a group that names it."""
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [shell("sleep 1000")]}}
        names = {"name": "web", "namespace": self._scene.namespace, "labels": LABELS}
        body = {"metadata": names, "spec": {"selector": SELECTED, "template": template} | spec}
        await self._scene.kube.create(self._resource, body)
        ref = {"group": "apps", "version": "v1", "resource": self._resource.plural, "name": "web"}
        await self._scene.group(trigger=ref | {"namespace": self._scene.namespace})
        await self._scene.look()

    async def become(self, **changed: Any) -> None:
        """Its spec is patched, and the controller looks."""
        await self._patch({"spec": changed})

    async def label(self, version: str) -> None:
        """Somebody says that it is another version."""
        await self._patch({"metadata": {"labels": {VERSION: version}}})

    async def use(self, image: str) -> None:
        """Its pods get another image."""
        await self.become(template={"spec": {"containers": [shell("sleep 1000") | {"image": image}]}})

    async def _patch(self, body: Object) -> None:
        await self._scene.kube.patch(self._resource, "web", body, namespace=self._scene.namespace)
        await self._scene.look()


@pytest.fixture(params=WORKLOADS)
async def workload(request: pytest.FixtureRequest, scene: Scene) -> Workload:
    """Each kind in turn."""
    resource, spec = WORKLOADS[request.param]
    made = Workload(scene, resource)
    await made.make(spec)
    return made


async def test_the_label_first_and_the_image_later(workload: Workload, scene: Scene) -> None:
    """The verdict is about the new pods in the end; the one about the old pods stood for version 5 for ever."""
    await workload.label("5")
    first = (await scene.by_version())["5"]
    await runner_says(scene, first.name, verdict="Pass", completedAt=timestamp(scene.now), loops=1)
    await scene.look()
    await workload.use("busybox:5")

    second = (await scene.by_version())["5"]
    assert (second.identity.revision, second.reason, second.images) == (2, "TemplateChanged", ("busybox:5",))
    assert scene.running() == [second.name]
    status: Object = (await scene.kube.get(EXPERIMENTS, first.name, namespace=scene.namespace))["status"]
    assert (status["phase"], status["reason"], status["verdict"]) == ("Deleted", "TemplateChanged", "Pass")
    assert (await scene.status())["lastDecision"]["reason"] == "TemplateChanged"
    scene.restart()
    await scene.look()
    assert scene.running() == [second.name]


async def test_restarts_and_scaling_are_no_change(workload: Workload, scene: Scene) -> None:
    """What ``kubectl rollout restart`` and an autoscaler do tests nothing again."""
    before = scene.running()
    await workload.become(template={"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}}})
    await workload.become(minReadySeconds=1)

    assert scene.running() == before
    assert len(scene.releases.runs) == 1


@pytest.fixture
async def web(scene: Scene) -> Workload:
    """A Deployment."""
    made = Workload(scene, DEPLOYMENTS)
    await made.make({"replicas": 0})
    return made


async def test_a_scaled_deployment_is_not_tested_again(web: Workload, scene: Scene) -> None:
    """However often an autoscaler changes its mind."""
    for replicas in (3, 1, 0):
        await web.become(replicas=replicas)

    assert len(scene.releases.runs) == 1


async def test_pods_replaced_in_mid_test_make_the_run_invalid(web: Workload, scene: Scene) -> None:
    """A run that is ended for other pods had no verdict, or would have passed on both versions' answers."""
    (before,) = scene.running()
    await web.use("busybox:5")

    record = (await scene.kube.get(EXPERIMENTS, before, namespace=scene.namespace))["status"]
    assert (record["phase"], record["verdict"], record["reason"]) == ("Deleted", "Invalid", "TemplateChanged")
    assert record["message"].startswith("the pods were replaced in mid-test: ")
    conditions = {each["type"]: each["status"] for each in record["conditions"]}
    assert conditions == {"Launched": "True", "Completed": "True", "Passed": "False"}
    assert len(scene.running()) == 1


async def test_a_group_may_leave_it_at_the_label(web: Workload, scene: Scene) -> None:
    """With ``retest: never`` what stands under a label stands."""
    ref = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": scene.namespace, "name": "web"}
    await scene.group(trigger=ref, retest="never")
    await web.use("busybox:5")

    (record,) = (await scene.by_version()).values()
    assert (record.phase, record.verdict, record.identity.revision) == (Phase.RUNNING, None, 1)


async def test_an_upgrade_of_autox_tests_nothing_again(web: Workload, scene: Scene) -> None:
    """A record without a template, as all were, stays until its images say otherwise."""
    (found,) = await scene.experiments()
    await scene.kube.delete(EXPERIMENTS, found["metadata"]["name"], namespace=scene.namespace)
    names = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    spec = {key: value for key, value in found["spec"].items() if key != "template"}
    await scene.kube.create(
        EXPERIMENTS, {key: found[key] for key in ("apiVersion", "kind")} | {"metadata": names, "spec": spec}
    )
    scene.restart()
    await scene.look()
    (record,) = (await scene.by_version()).values()
    assert (record.template, record.phase) == ("", Phase.RUNNING)

    await web.use("busybox:5")
    latest = (await scene.by_version())["4"]
    assert (latest.identity.revision, latest.verdict) == (2, None)
    verdicts = [each["status"].get("verdict") for each in await scene.experiments()]
    assert sorted(verdicts, key=str) == ["Invalid", None]

"""Runs that began, whatever became of their pods: none of them is one that never ran."""

import pytest

from autox.core.experiments.progressing import Progress
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.refs import NODES, PODS, Resource
from autox.model.verdict import Phase, Verdict
from tests.integration.autox.jobs import made, standing
from tests.integration.autox.scene import eventually
from tests.integration.objects import Object, shell

pytestmark = pytest.mark.integration

CLASSES = Resource(
    group="scheduling.k8s.io", version="v1", plural="priorityclasses", kind="PriorityClass", namespaced=False
)


async def test_what_prepares_or_is_tried_again_has_begun(kube: KubeClient, space: str) -> None:
    """After five minutes of preparing a run was ended, since "nothing of it ran"; one that failed had "no pod yet"."""
    prepares = await made(kube, space, "prepares", {"initContainers": [{**shell("sleep 600"), "name": "init"}]})
    fails = await made(kube, space, "fails", {"containers": [shell("exit 3")]})

    async def begun() -> bool:
        return (await standing(kube, prepares)).reason == "Running"

    await eventually("the container that prepares", begun)
    assert (await standing(kube, prepares, later=301)).verdict is None

    async def failed() -> Progress | None:
        found = await standing(kube, fails, later=301)
        return found if "PodFailed" in found.message else None

    told = await eventually("word of the first try", failed)
    assert "the container ended with exit code 3" in told.message
    assert "of 7 tries failed" in told.message
    assert (told.reason, told.verdict) == ("PodWaiting", None)


async def test_a_run_that_makes_room_for_another_says_so(kube: KubeClient, space: str) -> None:
    """The scheduler took the pod away for one of more weight; the verdict is in its words, and not "failed"."""
    (node,) = (await kube.list(NODES)).items
    half = f"{int(node['status']['allocatable']['memory'].removesuffix('Ki')) * 6 // 10}Ki"
    large = shell("sleep 600", resources={"requests": {"memory": half}})
    await kube.create(CLASSES, {"metadata": {"name": space}, "value": -10})
    try:
        victim = await made(kube, space, "victim", {"priorityClassName": space, "containers": [large]}, tries=0)

        async def runs() -> bool:
            return (await standing(kube, victim)).reason == "Running"

        await eventually("the run", runs)
        await made(kube, space, "heavy", {"containers": [large]})

        async def ended() -> Progress | None:
            found = await standing(kube, victim, later=10)
            return found if found.verdict is not None else None

        told = await eventually("the verdict", ended)
        assert (told.phase, told.verdict) == (Phase.COMPLETED, Verdict.ERROR)
        assert "Preempted by pod" in told.message
    finally:
        await kube.delete(CLASSES, space)


async def test_a_run_whose_pod_somebody_deleted_says_so(kube: KubeClient, space: str) -> None:
    """A drained node or kubectl: "the backoff limit" was reached, and nobody had heard of a pod."""
    record = await made(kube, space, "drained", {"containers": [shell("exec sleep 600")]}, tries=0)

    async def ready() -> Object | None:
        pods = (await kube.list(PODS, namespace=space, label_selector="job-name=drained")).items
        return pods[0] if pods and (pods[0].get("status") or {}).get("phase") == "Running" else None

    pod = metadata(await eventually("the pod", ready))
    await kube.delete(PODS, pod["name"], namespace=space)

    async def ended() -> Progress | None:
        found = await standing(kube, record, later=10)
        return found if found.verdict is not None else None

    told = await eventually("the verdict", ended)
    assert f"its pod {pod['name']} was deleted before it had ended" in told.message

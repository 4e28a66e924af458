"""What a run measures is about one set of pods, or is not believed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from autox.core.rollouts import unfinished
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.refs import DEPLOYMENTS, ObjectRef, Resource
from autox.model.result import Subject
from autox.model.tasks import HttpInputs
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext
from autox.tasks.undertest import ROLLOUT_SECONDS, UnderTest
from tests.integration.objects import shell
from tests.running.loops import ASSESS, HTTP, Loop, measuring
from tests.running.test_recording import Clock

STATEFUL_SETS = Resource(group="apps", version="v1", plural="statefulsets", kind="StatefulSet")
DAEMON_SETS = Resource(group="apps", version="v1", plural="daemonsets", kind="DaemonSet")
POD: Object = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [shell("sleep 1000")]}}


@dataclass
class Workload:
    """A workload without pods, whose rollout is over."""

    kube: KubeClient
    resource: Resource
    namespace: str
    clock: Clock

    async def make(self) -> None:
        """Create it, with the status that its controller would write."""
        scale = {} if self.resource is DAEMON_SETS else {"replicas": 0}
        spec: Object = {"selector": {"matchLabels": {"app": "web"}}, "template": POD, **scale}
        if self.resource is STATEFUL_SETS:
            spec["serviceName"] = "web"
        await self.kube.create(self.resource, {"metadata": {"name": "web", "namespace": self.namespace}, "spec": spec})
        seen = {"observedGeneration": 1}
        if self.resource is DAEMON_SETS:
            seen |= dict.fromkeys(
                ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0
            )
        elif self.resource is STATEFUL_SETS:
            seen["replicas"] = 0
        await self.kube.patch(self.resource, "web", {"status": seen}, namespace=self.namespace, subresource="status")

    async def become(self, spec: Object) -> None:
        """Somebody patches it."""
        await self.kube.patch(self.resource, "web", {"spec": spec}, namespace=self.namespace)

    async def use(self, image: str) -> None:
        """Its pods get another image."""
        await self.become({"template": {"spec": {"containers": [shell("sleep 1000") | {"image": image}]}}})

    async def delete(self) -> None:
        """Somebody deletes it."""
        await self.kube.delete(self.resource, "web", namespace=self.namespace)

    def witness(self) -> UnderTest:
        """What a runner looks with."""
        ref = ObjectRef(group="apps", version="v1", resource=self.resource.plural, namespace=self.namespace, name="web")
        patience = self.clock.patience()
        return UnderTest(
            self.kube, ref, patience=patience, say=lambda _: None, clock=self.clock, sleep=self.clock.sleep
        )

    def loop(self, meanwhile: Callable[[], Awaitable[Any]]) -> Loop:
        """A load that would pass, during which something happens."""

        async def http(inputs: HttpInputs, context: TaskContext) -> Findings:
            await meanwhile()
            return await measuring(12.0)(inputs, context)

        return Loop(http=http, specs=(HTTP, ASSESS), witness=self.witness())


@pytest.fixture(params=[DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS], ids=lambda each: each.plural)
async def workload(request: pytest.FixtureRequest, kube: KubeClient, namespace: str) -> Workload:
    """Each kind in turn; nobody but the test writes it."""
    made = Workload(kube=kube, resource=request.param, namespace=namespace, clock=Clock())
    await made.make()
    return made


@pytest.mark.integration
async def test_pods_replaced_in_mid_test_are_invalid(workload: Workload) -> None:
    """The load passed on the answers of two versions, and said "2 pods of version 5"."""
    result = await workload.loop(lambda: workload.use("busybox:5")).result()

    assert result.verdict is Verdict.INVALID
    assert "the pods were replaced in mid-test" in result.message
    assert "from busybox to busybox:5" in result.message


@pytest.mark.integration
async def test_restarts_and_scaling_in_mid_test_are_not(workload: Workload) -> None:
    """The same pods again, or fewer of them, are what was asked about."""
    restart = {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}}}}
    assert (await workload.loop(lambda: workload.become(restart)).result()).verdict is Verdict.PASS
    workload = Workload(workload.kube, workload.resource, workload.namespace, workload.clock)
    await workload.kube.patch(
        workload.resource, "web", {"status": {"observedGeneration": 2}},
        namespace=workload.namespace, subresource="status",
    )  # fmt: skip
    assert (await workload.loop(lambda: workload.become({"minReadySeconds": 1})).result()).verdict is Verdict.PASS


@pytest.fixture
async def web(kube: KubeClient, namespace: str) -> Workload:
    """A Deployment."""
    made = Workload(kube=kube, resource=DEPLOYMENTS, namespace=namespace, clock=Clock())
    await made.make()
    return made


@pytest.mark.integration
async def test_a_trigger_that_goes_in_mid_test_is_invalid(web: Workload) -> None:
    """Also when another one of its name is there by the end."""

    async def again() -> None:
        await web.delete()
        await web.make()

    assert "was deleted and created again" in (await web.loop(again).result()).message
    result = await web.loop(web.delete).result()
    assert (result.verdict, "was deleted in mid-test" in result.message) == (Verdict.INVALID, True)


@pytest.mark.integration
async def test_a_run_that_is_ended_for_other_pods_says_so(web: Workload) -> None:
    """The controller ends it for them, and "Interrupted" would tell nobody why."""
    begun = asyncio.Event()

    async def work() -> None:
        await web.use("busybox:5")
        begun.set()
        await asyncio.Event().wait()

    loop = web.loop(work)
    running = asyncio.create_task(loop.run())
    await begun.wait()
    loop.stop.set()
    result = (await running).result
    assert (result.verdict, result.reason) == (Verdict.INVALID, "TemplateChanged")
    assert "the pods were replaced in mid-test" in result.message


@pytest.mark.integration
async def test_a_load_waits_for_a_rollout_under_way(web: Workload) -> None:
    """Without a task ``ready`` half of the answers were the old pods'; now it waits, and not for ever."""
    await web.use("busybox:5")
    done = {"status": {"observedGeneration": 2}}

    async def finish() -> None:
        await web.kube.patch(DEPLOYMENTS, "web", done, namespace=web.namespace, subresource="status")

    stuck = await web.loop(lambda: asyncio.sleep(0)).result()
    assert (stuck.verdict, web.clock.seconds >= ROLLOUT_SECONDS) == (Verdict.ERROR, True)
    assert "has not ended within 60 s: its latest change was not taken up" in stuck.message
    web.clock.meanwhile = [finish]
    assert (await web.loop(lambda: asyncio.sleep(0)).result()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (Subject(trigger="services/shop/web"), True),
        (Subject(trigger="configmaps/shop/release"), True),
        (Subject(trigger="deployments.apps/shop/web", template="1-a"), False),
        (Subject(), False),
    ],
)
async def test_a_trigger_without_pods_says_so(subject: Subject, *, said: bool) -> None:
    """Of a Service nobody knows which pods answered, and the result does not look as if somebody did."""
    result = await Loop(specs=(HTTP, ASSESS), subject=subject).result()

    http, assess = result.tasks
    assert result.verdict is Verdict.PASS
    assert [f"of {subject.trigger}: whether pods were replaced" in note.text for note in http.notes] == [True] * said
    assert assess.notes == ()


COMPLETE = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def deployment(**status: Any) -> Object:
    """A Deployment of two pods, with this status."""
    return {
        "apiVersion": "apps/v1",
        "metadata": {"generation": 3},
        "spec": {"replicas": 2, "strategy": {}, "template": POD},
        "status": status,
    }


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (deployment(**COMPLETE), ""),
        (deployment(), "not taken up"),
        (deployment(**COMPLETE | {"observedGeneration": 2}), "not taken up"),
        (deployment(**COMPLETE | {"updatedReplicas": 1}), "1 of 2 updated"),
        (deployment(**COMPLETE | {"availableReplicas": 0}), "0 of 2 updated"),
        (deployment(**COMPLETE | {"replicas": 3}), "older template"),
        ({**deployment(**COMPLETE), "spec": {"replicas": 0}}, "older template"),
        ({**deployment(observedGeneration=3), "spec": {"replicas": 0, "strategy": {}}}, ""),
        (
            {
                **deployment(**COMPLETE | {"updatedReplicas": 1}),
                "spec": {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            },
            "",
        ),
        ({**deployment(**COMPLETE | {"updatedReplicas": 0}), "spec": {"replicas": 2}}, ""),
        (deployment(observedGeneration=3, desiredNumberScheduled=2, updatedNumberScheduled=1), "0 of 2"),
        (
            deployment(observedGeneration=3, desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2),
            "",
        ),
        ({"apiVersion": "argoproj.io/v1", "metadata": {"generation": 3}, "status": {"observedGeneration": "3"}}, ""),
        ({"apiVersion": "x.org/v1", "metadata": {"generation": 3}, "status": {"observedGeneration": 2}}, "not taken"),
        ({"apiVersion": "x.org/v1", "metadata": {"generation": 3}}, ""),
        ({"apiVersion": "v1", "metadata": {}, "data": {}}, ""),
    ],
)
def test_when_a_rollout_is_over(obj: Object, words: str) -> None:
    """Every kind of workload counts its pods in its own words."""
    assert words in unfinished(obj)
    assert bool(unfinished(obj)) == bool(words)

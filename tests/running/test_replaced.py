"""What a run measures is about one set of pods, or is not believed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from autox.core.experiments.workloadpods import unfinished
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ForbiddenError
from autox.model.refs import DEPLOYMENTS, PODS, ObjectRef, Resource
from autox.model.result import Subject
from autox.model.tasks import HttpInputs
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext
from autox.tasks.undertest import ROLLOUT_SECONDS, UnderTest
from tests.integration.objects import shell
from tests.kube.apiserver import ApiServer
from tests.running.conftest import VALUES
from tests.running.loops import ASSESS, HTTP, Loop, measuring
from tests.running.release import ROLES, install
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
    witnesses: list[UnderTest] = field(default_factory=list)

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

    async def run_pod(self, name: str, template: str) -> None:
        """One of its pods comes, with the label that its controller gives it."""
        key = "pod-template-hash" if self.resource is DEPLOYMENTS else "controller-revision-hash"
        labels = {**POD["metadata"]["labels"], key: template}
        pod = {"metadata": {"name": name, "namespace": self.namespace, "labels": labels}, "spec": POD["spec"]}
        await self.kube.create(PODS, pod)

    async def take_up(self, generation: int) -> None:
        """Its controller has seen its latest change."""
        status = {"status": {"observedGeneration": generation}}
        await self.kube.patch(self.resource, "web", status, namespace=self.namespace, subresource="status")

    async def close(self) -> None:
        """Nobody looks at it any more."""
        for each in self.witnesses:
            await each.close()

    async def delete(self) -> None:
        """Somebody deletes it."""
        await self.kube.delete(self.resource, "web", namespace=self.namespace)

    def witness(self, kube: KubeClient | None = None) -> UnderTest:
        """What a runner looks with, as the administrator or with rights of its own."""
        ref = ObjectRef(group="apps", version="v1", resource=self.resource.plural, namespace=self.namespace, name="web")
        retry = self.clock.retry()
        made = UnderTest(
            kube or self.kube, ref, retry=retry, say=lambda _: None, clock=self.clock, sleep=self.clock.sleep
        )
        self.witnesses.append(made)
        return made

    def loop(self, meanwhile: Callable[[], Awaitable[Any]], *, kube: KubeClient | None = None) -> Loop:
        """A load that would pass, during which something happens."""

        async def http(inputs: HttpInputs, context: TaskContext) -> Findings:
            await meanwhile()
            return await measuring(12.0)(inputs, context)

        return Loop(http=http, specs=(HTTP, ASSESS), witness=self.witness(kube))


@pytest.fixture(params=[DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS], ids=lambda each: each.plural)
async def workload(request: pytest.FixtureRequest, kube: KubeClient, namespace: str) -> AsyncIterator[Workload]:
    """Each kind in turn; nobody but the test writes it."""
    made = Workload(kube=kube, resource=request.param, namespace=namespace, clock=Clock())
    await made.make()
    yield made
    await made.close()


@pytest.mark.integration
async def test_pods_replaced_in_mid_test_are_invalid(workload: Workload) -> None:
    """The load passed on the answers of two versions, and said "2 pods of version 5"."""
    result = await workload.loop(lambda: workload.use("busybox:5")).result()

    assert result.verdict is Verdict.INVALID
    assert "the pods were replaced in mid-test" in result.message
    assert "from busybox to busybox:5" in result.message


@pytest.mark.integration
@pytest.mark.parametrize("images", [("busybox:5",), ("busybox:5", "busybox:6"), ("busybox:5", "busybox", "busybox:6")])
async def test_pods_replaced_and_back_again_are_invalid(workload: Workload, images: tuple[str, ...]) -> None:
    """A rollout that was undone before the load had ended was not seen, and the answers of both versions passed."""

    async def there_and_back() -> None:
        for image in (*images, "busybox"):
            await workload.use(image)

    result = await workload.loop(there_and_back).result()

    assert result.verdict is Verdict.INVALID
    assert "the pods were replaced in mid-test" in result.message
    assert "from busybox to busybox:5, and was changed back" in result.message


@pytest.mark.integration
async def test_which_pods_were_tested(workload: Workload) -> None:
    """The result names the pods and the template of each, before and after: nobody could tell which had answered."""
    await workload.run_pod("web-1", "5d8f")
    await workload.run_pod("web-2", "5d8f")

    [_, same] = await noted(workload, lambda: asyncio.sleep(0))
    [_, more] = await noted(workload, lambda: workload.run_pod("web-3", "77aa"))

    assert same == "under test: 2 pods of template 5d8f (web-1, web-2), and the same at the end"
    assert more == (
        "under test: 2 pods of template 5d8f (web-1, web-2) at the beginning,"
        " 2 pods of template 5d8f (web-1, web-2) and 1 pod of template 77aa (web-3) at the end"
    )


async def noted(workload: Workload, meanwhile: Callable[[], Awaitable[Any]]) -> list[str]:
    """The verdict, and what stands beside the figures of a load."""
    result = await workload.loop(meanwhile).result()
    return [str(result.verdict), *(note.text for note in result.tasks[0].notes)]


@pytest.mark.integration
async def test_restarts_and_scaling_in_mid_test_are_not(workload: Workload) -> None:
    """The same pods again, or fewer of them, are what was asked about."""
    restart = {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}}}}
    assert (await workload.loop(lambda: workload.become(restart)).result()).verdict is Verdict.PASS
    workload = Workload(workload.kube, workload.resource, workload.namespace, workload.clock)
    await workload.take_up(2)
    assert (await workload.loop(lambda: workload.become({"minReadySeconds": 1})).result()).verdict is Verdict.PASS


@pytest.fixture
async def web(kube: KubeClient, namespace: str) -> AsyncIterator[Workload]:
    """A Deployment."""
    made = Workload(kube=kube, resource=DEPLOYMENTS, namespace=namespace, clock=Clock())
    await made.make()
    yield made
    await made.close()


@pytest.mark.integration
async def test_what_an_experiment_may_see(web: Workload, api_server: ApiServer) -> None:
    """The chart gives the rights to watch its trigger and list pods; without them that nobody watched is said."""
    under_test = {"underTest": {"group": "apps", "resource": "deployments", "name": "web"}}
    release = await install(web.kube, api_server, web.namespace, {**VALUES, **under_test})

    async def there_and_back() -> None:
        await web.use("busybox:5")
        await web.use("busybox")

    async def become(verbs: list[str]) -> None:
        rule = {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": verbs}
        await web.kube.patch(ROLES, release.name, {"rules": [rule]}, namespace=web.namespace)

    async with KubeClient(from_kubeconfig(release.kubeconfig)) as own:
        await until(lambda: own.list(PODS, namespace=web.namespace), is_allowed=True)
        seen = await web.loop(there_and_back, kube=own).result()
        await web.take_up(3)
        await become(["get"])
        await until(lambda: own.list(PODS, namespace=web.namespace), is_allowed=False)
        unseen = await web.loop(there_and_back, kube=own).result()

    assert (seen.verdict, "and was changed back" in seen.message) == (Verdict.INVALID, True)
    assert [note.text for note in seen.tasks[0].notes] == ["under test: no pods, and the same at the end"]
    assert unseen.verdict is Verdict.PASS
    [note] = unseen.tasks[0].notes
    assert note.text.startswith("pods that were replaced in mid-test and back again are not seen: ")


async def until(ask: Callable[[], Awaitable[Any]], *, is_allowed: bool) -> None:
    """Wait until a new right, or one less, has come round."""
    while True:
        try:
            await ask()
        except ForbiddenError:
            if not is_allowed:
                return
        else:
            if is_allowed:
                return
        await asyncio.sleep(0.05)


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
            "1 of 2 updated pods are available, and its partition of 1 keeps the others",
        ),
        ({**deployment(**COMPLETE | {"updatedReplicas": 0}), "spec": {"replicas": 2}}, ""),
        (
            {
                **deployment(**COMPLETE | {"updatedReplicas": 0}),
                "spec": {"replicas": 2, "strategy": {}, "paused": True},
            },
            "and it is paused",
        ),
        (
            {
                **deployment(**COMPLETE | {"updatedReplicas": 0}),
                "spec": {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
            },
            "until somebody deletes them",
        ),
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
    """Every kind of workload counts its pods in its own words; a partition kept old pods, which passed as the new."""
    assert words in unfinished(obj)
    assert bool(unfinished(obj)) == bool(words)

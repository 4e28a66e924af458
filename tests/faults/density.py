"""What was thought of to fool a load test of a control plane and befalls one namespace; ``components`` has the rest."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from autox.model.refs import DEPLOYMENTS, NAMESPACES, NODES, PODS
from autox.model.result import SLO, Bound
from autox.model.verdict import Verdict
from autox.tasks.density.labels import NAMESPACE_LABEL
from tests.faults.admissions import changing, refusing, slow_webhook
from tests.faults.apiproxy import Change, Delay, never, slow_way, unchanged
from tests.faults.planting import Fault, Planting, as_user, bound

Object = dict[str, Any]
Act = Callable[[Planting], Awaitable[None]]
THROTTLED = "throttled-user"


def quota(**hard: str) -> Act:
    """A quota in the run's namespace, from its beginning."""

    async def plant(planting: Planting) -> None:
        namespace = await planting.namespace()
        limits = ",".join(f"{resource}={amount}" for resource, amount in hard.items())
        await planting.kubectl("-n", namespace, "create", "quota", "few", f"--hard={limits}")

    return plant


def refuse(resource: str, message: str) -> Act:
    """A policy that refuses all of a kind."""

    async def plant(planting: Planting) -> None:
        await planting.apply(*refusing(f"refuse-{planting.run}", planting.run, resource, message))

    return plant


def change(resource: str, cel: str) -> Act:
    """A policy that changes all of a kind."""

    async def plant(planting: Planting) -> None:
        await planting.apply(*changing(f"change-{planting.run}", planting.run, resource, cel))

    return plant


async def delete_pods(planting: Planting) -> None:
    """Somebody deletes the pods of the first Deployment, as soon as there are some."""
    namespace = await planting.creating()
    for pod in await first_pods(planting, namespace):
        await planting.kube.delete(PODS, pod["metadata"]["name"], namespace=namespace, grace_seconds=0)


async def scale_down(planting: Planting) -> None:
    """Somebody scales the first Deployment to 0, when its pods are there."""
    namespace = await planting.creating()
    await first_pods(planting, namespace)
    await planting.kube.patch(DEPLOYMENTS, "load-0", {"spec": {"replicas": 0}}, namespace=namespace)


async def first_pods(planting: Planting, namespace: str) -> list[Object]:
    """The first pods of a run, as soon as there are some."""
    while True:
        if found := (await planting.kube.list(PODS, namespace=namespace)).items:
            return found
        await asyncio.sleep(0.05)


async def delete_namespace(planting: Planting) -> None:
    """Somebody deletes the namespace."""
    namespace = await planting.creating()
    await asyncio.sleep(0.7)
    await planting.kube.delete(NAMESPACES, namespace)


async def cordon(planting: Planting) -> None:
    """Somebody cordons the nodes of the run."""
    for name in await nodes(planting):
        await planting.kube.patch(NODES, name, {"spec": {"unschedulable": True}})


async def delete_nodes(planting: Planting) -> None:
    """Somebody deletes the nodes of the run."""
    for name in await nodes(planting):
        await planting.kube.delete(NODES, name)


async def taint(planting: Planting) -> None:
    """Somebody taints the nodes of the run."""
    for name in await nodes(planting):
        await planting.kubectl("taint", "node", name, "example.com/gone=true:NoSchedule")


async def enlarge(planting: Planting) -> None:
    """A LimitRange that gives each container more than any node has."""
    much = {"cpu": "100000"}
    limits = [{"type": "Container", "default": much, "defaultRequest": much}]
    names = {"name": "large", "namespace": await planting.namespace()}
    await planting.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": names, "spec": {"limits": limits}})


async def delete_deployment(planting: Planting) -> None:
    """Somebody deletes the first Deployment, when its pods are there."""
    namespace = await planting.creating()
    await first_pods(planting, namespace)
    await planting.kube.delete(DEPLOYMENTS, "load-0", namespace=namespace)


async def nodes(planting: Planting) -> list[str]:
    """The names of the run's nodes, in the middle of the run."""
    namespace = await planting.creating()
    await asyncio.sleep(0.7)
    found = await planting.kube.list(NODES, label_selector=f"{NAMESPACE_LABEL}={namespace}")
    return [each["metadata"]["name"] for each in found.items]


def webhook(resource: str, *, seconds: float) -> Act:
    """A validating webhook that takes so long for each of a kind."""

    async def plant(planting: Planting) -> None:
        hook = slow_webhook(planting.directory, planting.run, resource, seconds=seconds)
        await planting.apply(await planting.stack.enter_async_context(hook))

    return plant


async def throttle(planting: Planting) -> None:
    """The API server has one seat for who creates Deployments as this user, and each creation takes four seconds."""
    await webhook("deployments", seconds=4.0)(planting)
    group = "flowcontrol.apiserver.k8s.io/v1"
    limited = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    rule = {"verbs": ["create"], "apiGroups": ["apps"], "resources": ["deployments"], "namespaces": ["*"]}
    subject = {"kind": "User", "user": {"name": THROTTLED}}
    schema = {
        "priorityLevelConfiguration": {"name": "one-seat"},
        "matchingPrecedence": 2,
        "rules": [{"subjects": [subject], "resourceRules": [rule]}],
    }
    await planting.apply(
        bound(THROTTLED, role="cluster-admin"),
        {
            "apiVersion": group,
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "one-seat"},
            "spec": {"type": "Limited", "limited": limited},
        },
        {"apiVersion": group, "kind": "FlowSchema", "metadata": {"name": "one-seat"}, "spec": schema},
    )


def as_throttled(planting: Planting) -> Path:
    """A kubeconfig of the user who has no seat: an administrator is never throttled."""
    return as_user(planting, THROTTLED)


def way(*, request: Delay = never, line: Delay = never, change: Change = unchanged) -> Act:
    """A way to the API server that keeps some requests or some lines of answers, or changes them."""

    async def plant(planting: Planting) -> None:
        into = planting.directory / "way"
        passing = slow_way(planting.cluster.home.kubeconfig, into, request=request, line=line, change=change)
        await planting.stack.enter_async_context(passing)

    return plant


def by_the_way(planting: Planting) -> Path:
    """A kubeconfig of that way."""
    return planting.directory / "way"


def keeping(method: str, path: str, *, seconds: float) -> Delay:
    """Keep requests of a method whose path and query match."""
    return lambda asked: seconds if asked.method == method and re.search(path, asked.raw_path) else 0.0


def ahead(line: bytes) -> bytes:
    """What an API server would say whose clock is half a minute ahead."""

    def later(found: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(found[2].decode()) + timedelta(seconds=30)
        return found[1] + moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()

    return re.sub(rb'("creationTimestamp":")([^"]*)', later, line)


NO_SCHEDULER = "Object{spec: Object.spec{schedulerName: 'nobody'}}"

IN_ITS_NAMESPACE = (
    Fault(
        name="no fault",
        truth="the load is applied as asked",
        verdicts=(Verdict.PASS,),
        words="density/pods-as-asked is 12",
    ),
    Fault(
        name="quota of 0 pods",
        is_quick=False,
        truth="no pod is ever created",
        words="12 of 12 pods were never created: pods",
        meanwhile=quota(pods="0"),
    ),
    Fault(
        name="quota of half the pods",
        truth="6 of 12 pods are created and run",
        words="exceeded quota",
        meanwhile=quota(pods="6"),
    ),
    Fault(
        name="quota of deployments",
        is_quick=False,
        truth="the third Deployment is refused for good",
        verdicts=(Verdict.ERROR,),
        words="exceeded quota",
        meanwhile=quota(**{"count/deployments.apps": "2"}),
    ),
    Fault(
        name="pods refused",
        is_quick=False,
        truth="a policy refuses every pod",
        words="no pods on Sundays",
        before=refuse("pods", "no pods on Sundays"),
    ),
    Fault(
        name="deployments refused",
        is_quick=False,
        truth="a policy refuses every Deployment",
        verdicts=(Verdict.ERROR,),
        words="no rollouts on Fridays",
        before=refuse("deployments", "no rollouts on Fridays"),
    ),
    Fault(
        name="replicas dropped",
        truth="a policy makes one replica of three",
        words="an admission made 3 replicas of a Deployment 1",
        before=change("deployments", "Object{spec: Object.spec{replicas: 1}}"),
    ),
    Fault(
        name="replicas added",
        truth="a policy makes five replicas of three: more load than was asked for",
        words="an admission made 3 replicas of a Deployment 5",
        before=change("deployments", "Object{spec: Object.spec{replicas: 5}}"),
    ),
    Fault(
        name="pods of other labels",
        is_quick=False,
        truth="a policy gives pods other labels, so that their ReplicaSet makes more and more of them",
        words="created beside the 12 that were asked for",
        before=change("pods", 'Object{metadata: Object.metadata{labels: {"app": "else"}}}'),
    ),
    Fault(
        name="pods gated",
        is_quick=False,
        truth="a policy holds every pod back from the scheduler",
        words="never bound to a node: Scheduling is blocked",
        before=change(
            "pods",
            'Object{spec: Object.spec{schedulingGates: [Object.spec.schedulingGates{name: "example.com/hold"}]}}',
        ),
    ),
    Fault(
        name="nodes tainted",
        is_quick=False,
        truth="somebody taints the nodes of the run in mid-run",
        words="untolerated taint",
        meanwhile=taint,
    ),
    Fault(
        name="pods too large",
        is_quick=False,
        truth="a LimitRange makes each pod larger than any node",
        words="Insufficient cpu",
        meanwhile=enlarge,
    ),
    Fault(
        name="deployment deleted",
        is_quick=False,
        truth="somebody deletes the first Deployment in mid-run",
        words="were deleted in mid-run, by somebody else",
        meanwhile=delete_deployment,
    ),
    Fault(
        name="deployments paused",
        is_quick=False,
        truth="a policy pauses every Deployment, and no controller goes on with it",
        words="paused",
        before=change("deployments", "Object{spec: Object.spec{paused: true}}"),
    ),
    Fault(
        name="pods of another scheduler",
        is_quick=False,
        truth="a policy gives every pod to a scheduler that is not there",
        words="never bound to a node: the scheduler has said nothing about them",
        before=change("pods", NO_SCHEDULER),
    ),
    Fault(
        name="pods deleted",
        truth="somebody deletes the pods of a Deployment in mid-run, and they are replaced",
        words="were deleted in mid-run, by somebody else",
        meanwhile=delete_pods,
    ),
    Fault(
        name="deployments scaled down",
        is_quick=False,
        truth="somebody scales the first Deployment to 0 in mid-run",
        words="were deleted in mid-run, by somebody else",
        meanwhile=scale_down,
    ),
    Fault(
        name="namespace deleted",
        is_quick=False,
        truth="somebody deletes the namespace in mid-run",
        verdicts=(Verdict.FAIL, Verdict.ERROR),
        words="autox-density-",
        meanwhile=delete_namespace,
    ),
    Fault(
        name="nodes cordoned",
        is_quick=False,
        truth="the node takes no more pods from the middle of the run on",
        words="never bound to a node: 0/",
        meanwhile=cordon,
    ),
    Fault(
        name="nodes deleted",
        is_quick=False,
        truth="somebody deletes the node in mid-run, our agent makes it again at once, and no pod is lost",
        verdicts=(Verdict.PASS,),
        words="density/pods-as-asked is 12",
        meanwhile=delete_nodes,
    ),
    Fault(
        name="requests throttled",
        is_quick=False,
        truth="the API server has one seat for Deployments, each takes four seconds, and others get 429",
        words="Deployments could not be created in time",
        before=throttle,
        kubeconfig=as_throttled,
    ),
    Fault(
        name="agent throttled",
        is_quick=False,
        truth="each word of our virtual nodes about a pod takes two seconds to the API server",
        verdicts=(Verdict.INVALID,),
        words="the virtual nodes gave way first",
        before=way(request=keeping("PATCH", "/pods/[^/]+/status", seconds=2.0)),
        kubeconfig=by_the_way,
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=1000),),
        inputs={"timeout": 30.0},
    ),
    Fault(
        name="generator throttled",
        is_quick=False,
        truth="each Deployment of ours takes twelve seconds to the API server, which knows nothing of it",
        verdicts=(Verdict.INVALID,),
        words="the load generator gave way first",
        before=way(request=keeping("POST", "/deployments$", seconds=12.0)),
        kubeconfig=by_the_way,
        inputs={"timeout": 60.0},
    ),
    Fault(
        name="watcher paused",
        is_quick=False,
        truth="the news of pods takes two seconds to our watcher, and other news does not",
        verdicts=(Verdict.INVALID,),
        words="the watcher of pods gave way first",
        before=way(line=keeping("GET", "/namespaces/[^/]+/pods[?].*watch=", seconds=2.0)),
        kubeconfig=by_the_way,
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=1000),),
        inputs={"timeout": 90.0},
    ),
    Fault(
        name="clock ahead",
        is_quick=False,
        truth="the API server's clock is half a minute ahead of ours, and everything is in time",
        verdicts=(Verdict.PASS,),
        words="density/pod-startup-latency-p50",
        before=way(change=ahead),
        kubeconfig=by_the_way,
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=2000),),
        inputs={"timeout": 30.0},
    ),
    Fault(
        name="webhook of two seconds",
        truth="every pod is created after two seconds, and the API latency that leaves webhooks out does not show it",
        words="slow.example.com",
        before=webhook("pods", seconds=2.0),
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=1000),),
        inputs={"timeout": 60.0},
    ),
)
"""They do not disturb each other, and run side by side, a few at a time."""

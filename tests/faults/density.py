"""Everything that was thought of to fool a load test of a control plane: most of it in one namespace, some in all."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml

from autox.cluster.plan import CLIENT_BURST, CLIENT_QPS
from autox.model.refs import DEPLOYMENTS, NAMESPACES, NODES, PODS
from autox.model.result import SLO, Bound
from autox.model.verdict import Verdict
from autox.tasks.density.labels import NAMESPACE_LABEL
from tests.faults.admissions import changing, refusing, slow_webhook
from tests.faults.planting import Fault, Planting

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


def stop(component: str, *, at: str = "creating", seconds: float | None = None) -> Act:
    """A component that stands still, from a line of progress on: for so long, or until the run is over."""

    async def plant(planting: Planting) -> None:
        await planting.line(at)
        await asyncio.sleep(0.5)
        pid = planting.cluster.pids()[component]
        os.kill(pid, signal.SIGSTOP)
        if seconds is None:
            await planting.line("cleaning up")
        else:
            await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    return plant


def slowed(component: str) -> Act:
    """A component that may make two requests a second."""

    async def limit(planting: Planting, qps: str, burst: str) -> None:
        flags = {"kube-api-qps": qps, "kube-api-burst": burst}
        words = [f"--set={component}.flags.{name}={value}" for name, value in flags.items()]
        await asyncio.to_thread(planting.cluster.up, *words)

    async def plant(planting: Planting) -> None:
        await limit(planting, "2", "2")
        # NB: a cluster remembers what it was once told, so that `up` alone would leave it slow.
        planting.stack.push_async_callback(limit, planting, CLIENT_QPS, CLIENT_BURST)

    return plant


def webhook(resource: str, *, seconds: float) -> Act:
    """A validating webhook that takes so long for each of a kind."""

    async def plant(planting: Planting) -> None:
        hook = slow_webhook(planting.directory, planting.run, resource, seconds=seconds)
        await planting.apply(await planting.stack.enter_async_context(hook))

    return plant


async def stand_still(planting: Planting) -> None:
    """This process, and with it the nodes and the watcher, does nothing for three seconds."""
    await planting.creating()
    time.sleep(3.0)  # noqa: ASYNC251  - that is the fault


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
        administrator(THROTTLED),
        {
            "apiVersion": group,
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "one-seat"},
            "spec": {"type": "Limited", "limited": limited},
        },
        {"apiVersion": group, "kind": "FlowSchema", "metadata": {"name": "one-seat"}, "spec": schema},
    )


def administrator(user: str) -> Object:
    """A user who may do everything."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def as_throttled(planting: Planting) -> Path:
    """A kubeconfig of the user who has no seat: an administrator is never throttled."""
    config = yaml.safe_load(planting.cluster.home.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": THROTTLED}
    path = planting.directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


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
        name="webhook of two seconds",
        truth="every pod is created after two seconds, and the API latency that leaves webhooks out does not show it",
        words="slow.example.com",
        before=webhook("pods", seconds=2.0),
        slos=(SLO(metric="density/pod-startup-latency-p50", bound=Bound.UPPER, limit=1000),),
        inputs={"timeout": 60.0},
    ),
)
"""They do not disturb each other, and run side by side, a few at a time."""

ALONE = (
    Fault(
        name="scheduler dead in mid-run",
        truth="some pods are never scheduled; those before had a good rate",
        words="never bound to a node: the scheduler has said nothing about them",
        meanwhile=stop("scheduler"),
    ),
    Fault(
        name="this process stands still",
        truth="our own nodes and watcher did nothing for three seconds",
        verdicts=(Verdict.INVALID,),
        words="must not be believed",
        meanwhile=stand_still,
    ),
    Fault(
        name="controller manager dead",
        is_quick=False,
        truth="nobody makes pods of the Deployments",
        words="Deployments, does the controller manager run?",
        meanwhile=stop("controllerManager"),
    ),
    Fault(
        name="controller manager at 2 qps",
        is_quick=False,
        truth="pods come at less than 2 a second where 30 are asked for, and all of them run at last",
        words="where 30 were asked for",
        before=slowed("controllerManager"),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="scheduler at 2 qps",
        is_quick=False,
        truth="every pod comes and runs, and 2 a second are scheduled where 10 are wanted",
        words="density/scheduling-throughput is",
        before=slowed("scheduler"),
        slos=(SLO(metric="density/scheduling-throughput", bound=Bound.LOWER, limit=10),),
        inputs={"pods": 60, "pods_per_deployment": 10, "rate": 30.0, "timeout": 120.0},
    ),
    Fault(
        name="API server stands still",
        is_quick=False,
        truth="nothing happens for 15 seconds in mid-run",
        words="came late",
        meanwhile=stop("apiServer", seconds=15.0),
        inputs={"timeout": 120.0},
    ),
    Fault(
        name="etcd stands still",
        is_quick=False,
        truth="nothing happens for 15 seconds in mid-run",
        words="came late",
        meanwhile=stop("etcd", seconds=15.0),
        inputs={"timeout": 120.0},
    ),
)
"""They befall the whole cluster, or this whole process: one after another."""

"""The roles that the charts make are as narrow as they can be: without any one rule of them something is refused.

A story makes use of everything that a chart grants; what its identities asked for is in the audit log. Then each rule
of each of their roles is taken away in turn, and the API server is asked (SubjectAccessReview) whether all of that
would be allowed still. What the controller only holds in order to grant it shows when the Role of an experiment is made
without it: the API server lets nobody grant what he may not do himself.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from autox.api.experimentdocument import load_experiment
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.clientgroups import ClientGroup
from autox.model.density import DensityInputs
from autox.model.refs import NAMESPACES
from autox.model.result import Subject
from autox.model.workload import ObjectGroup, ObjectKind, Steady, Step, WorkloadPlan
from autox.nodes.node.clients import open_clients
from autox.tasks.context import Findings
from autox.tasks.density.cleanup import heartbeat
from autox.tasks.density.fleets.fleet import Fleet
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.observation.serverclock import ServerClock
from autox.tasks.density.rights import NAME
from autox.tasks.density.task import run as load_task
from autox.tasks.density.workload import namespace as namespace_of
from tests.auditing import ACCOUNT
from tests.charts.identity import CHART, agent_kubeconfig
from tests.clusters import run, wait_for
from tests.density.conftest import begun, context_on
from tests.e2e.conftest import CONFINED, RESTRICTED, ROOT, AuditedCluster
from tests.e2e.rules import asked_by, roles_of, superfluous, unused_verbs
from tests.forking import AUTOX
from tests.integration.autox.scene import eventually
from tests.integration.objects import Object, shell

pytestmark = pytest.mark.integration

HOME, ELSEWHERE = "autox-home", "elsewhere"
# NB: so many that the result has no room in the status and goes into its Secret.
PERCENTILES = {f"http/latency-p{tenth / 10:g}": 60_000 for tenth in range(1, 1_000)}
HTTP: Object = {
    "tasks": ["ready", "http", "assess"],
    "http": {"url": "http://httpbin.default/get", "numRequests": 4},
    "assess": {"SLOs": {"upper": PERCENTILES, "lower": dict.fromkeys(PERCENTILES, 0)}},
}
READY: Object = {"deploy": "httpbin", "service": "httpbin"}
BUDGET: Object = {"group": "policy", "version": "v1", "resource": "poddisruptionbudgets", "name": "httpbin"}
SOURCES = [{"kind": "Secret", "name": "more", "key": "values"}, {"kind": "ConfigMap", "name": "most", "key": "values"}]
CLIENTS: Object = {
    "kubeconfig": "b",
    "clients": [
        {"name": "all", "verb": "list", "resource": "secrets", "rate": 1, "scope": "cluster"},
        {"name": "own", "verb": "get", "resource": "secrets", "rate": 1, "objects": 1},
        {"name": "changed", "verb": "patch", "resource": "configmaps", "rate": 1, "objects": 1},
        {"name": "followed", "verb": "watch", "resource": "services"},
        # NB: what the run does itself, so that nothing is allowed to it for them alone but to let them do it.
        {"name": "apart", "verb": "list", "resource": "pods", "rate": 1, "scope": "cluster", "as": "serviceAccount"},
        {"name": "within", "verb": "watch", "resource": "pods", "as": "serviceAccount"},
    ],
}
RELEASED = {"group": "apps", "resource": "statefulsets", "name": "released"}
GROUPS: Object = {
    "released": {
        # NB: of a kind that no task asks for, so that every rule has one use.
        "trigger": {**RELEASED, "version": "v1", "namespace": "default"},
        "specs": {
            "here": {"name": "experiment", "values": {**HTTP, "ready": {**READY, "objects": [BUDGET]}}},
            "there": {
                "name": "experiment",
                "values": {**HTTP, "ready": {**READY, "namespace": ELSEWHERE}},
                "valuesFrom": SOURCES,
            },
        },
    }
}


@pytest.fixture
async def kube(audited: AuditedCluster) -> AsyncIterator[KubeClient]:
    """A client that may do everything."""
    async with KubeClient(from_kubeconfig(audited.home.kubeconfig)) as client:
        yield client


async def test_controller_and_runners_need_each_rule(audited: AuditedCluster, kube: KubeClient) -> None:
    """No rule of the controller's roles, nor of its experiments', could be left out."""
    try:
        tell_the_story(audited)
        controller = f"{ACCOUNT}{HOME}:autox"
        runners = [f"{ACCOUNT}default:{name}" for name in names_of_experiments(audited)]
        assert len(runners) == 2
        # Nobody is to act on the roles while they are cut.
        audited.kubectl("scale", "deployment/autox", "-n", HOME, "--replicas=0")
        audited.kubectl("wait", "pod", "-n", HOME, "--all", "--for=delete", "--timeout=60s")
        granted = [role for _, role in await roles_of(kube, runners)]
        assert len(granted) == 3

        wide = await superfluous(audited, kube, [controller, *runners], granting=(controller, granted))
        assert wide == []
    finally:
        # NB: the hook would wait for the controller, which is at rest; its experiments are ended below.
        audited.helm("uninstall", "autox", "-n", HOME, "--no-hooks")
        audited.kubectl("delete", "statefulset", "released", "--ignore-not-found")
        audited.kubectl("delete", "namespace", HOME, ELSEWHERE, "--ignore-not-found", "--wait=false")
        for name in names_of_experiments(audited):
            audited.helm("uninstall", name)
            audited.kubectl("delete", "experiment", name)
        audited.kubectl("delete", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"), "--ignore-not-found")


def names_of_experiments(audited: AuditedCluster) -> list[str]:
    """The experiments of the story."""
    return [one["metadata"]["name"] for one in audited.experiments() if one["spec"]["group"]["name"] in GROUPS]


def tell_the_story(audited: AuditedCluster) -> None:
    """A version of a workload is tested, and watched meanwhile.

    Pods are looked at in two namespaces, and values come from elsewhere.
    """
    for namespace in (HOME, ELSEWHERE):
        audited.kubectl("create", "namespace", namespace)
    for namespace in ("default", ELSEWHERE):
        audited.kubectl("apply", "-n", namespace, "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))
        audited.kubectl("rollout", "status", "deployment/httpbin", "-n", namespace, "--timeout=60s")
    audited.kubectl("create", "poddisruptionbudget", "httpbin", "--selector=app=httpbin", "--min-available=0")
    audited.kubectl("create", "secret", "generic", "more", "-n", HOME, "--from-literal=values=http: {qps: 8}")
    audited.kubectl("create", "configmap", "most", "-n", HOME, "--from-literal=values=http: {connections: 1}")
    values = audited.state / "roles.json"
    values.write_text(json.dumps({"groups": GROUPS}))
    installed = audited.helm("install", "autox", str(ROOT / "charts" / "autox"), "-n", HOME, "-f", str(values))
    assert installed.code == 0, installed.err
    audited.kubectl("rollout", "status", "deployment/autox", "-n", HOME, "--timeout=60s")
    labels = {"app.kubernetes.io/version": "1", "iter8.tools/autox": "true"}
    pods = {"metadata": {"labels": {"app": "released"}}, "spec": {"containers": [shell("sleep 1000")]}}
    names = {"name": "released", "namespace": "default", "labels": labels}
    spec = {
        "replicas": 0,
        "serviceName": "released",
        "selector": {"matchLabels": {"app": "released"}},
        "template": pods,
    }
    audited.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": names, "spec": spec})
    for spec in GROUPS["released"]["specs"]:
        status = audited.verdict("1", spec=spec)["status"]
        assert status["verdict"] == "Pass", status.get("message")


@pytest.mark.parametrize("mode", ["cheap", "faithful"])
async def test_agents_of_virtual_nodes_need_each_rule(audited: AuditedCluster, kube: KubeClient, mode: str) -> None:
    """No rule of the role that the chart ``nodes`` gives an agent could be left out."""
    count = ("--set", "nodesPerReplica=2", "--set", f"mode={mode}")
    try:
        key = agent_kubeconfig(audited, "agents", *count)
        audited.kubectl("create", "secret", "generic", "key", "--from-file=kubeconfig=/dev/stdin", stdin=key)
        made = audited.helm("install", "crowd", str(CHART), "--set", "kubeconfigSecret=key", *count)
        assert made.code == 0, made.err
        keep_pods(audited)

        assert await superfluous(audited, kube, [f"{ACCOUNT}default:agents"]) == []
    finally:
        for release in ("crowd", "agents"):
            audited.helm("uninstall", release, "--wait")
        audited.kubectl("delete", "secret", "key", "--ignore-not-found")
        audited.kubectl("delete", "nodes", "-l", "autox.dev/provider=mock")


async def test_load_tests_need_each_rule(audited: AuditedCluster, kube: KubeClient, tmp_path: Path) -> None:
    """A load test with the kubeconfig of `autox density credentials` passes, and no verb of its role could be left out.

    Its requests wait in the queues of the API server as everybody's do; those of an administrator never did.
    """
    key, document = tmp_path / "b", tmp_path / "experiment.json"
    document.write_text(json.dumps({"tasks": [{"task": "density", "with": CLIENTS}]}))
    density = (*AUTOX, "density")
    asked_for = ("--cluster", audited.name, "-f", str(document), "--file", str(key))
    made = run(*density, "credentials", *asked_for, environ=audited.environ)
    assert made.code == 0, made.err
    user = f"{ACCOUNT}default:{NAME}"
    other = RunLabels.of(Subject(namespace="default", experiment="other"), token=uuid4().hex[:8])

    await serve_a_node_twice(audited, kube, other, key)
    [spec] = load_experiment(document)
    assert isinstance(spec.inputs, DensityInputs)
    findings = await load(audited, key, spec.inputs.clients)
    swept = await asyncio.to_thread(
        run, *density, "sweep", "--kubeconfig", str(key), "--run", "default/other", environ=audited.environ
    )

    found = {each.name: each.value for each in findings.metrics}
    assert (found["density/pods-running"] or 0) >= 2
    assert (found["density/objects-as-asked"], found["density/api-availability"]) == (8, 1)
    assert (found["density/api-call-latency-p99/read-namespace"] or 0) > 0
    assert not any("system:masters" in note.text for note in findings.notes)
    assert swept.out == "removed 1 namespaces and 1 nodes\n", swept.err
    waited = re.findall(r'dispatched_requests_total\{flow_schema="service-accounts".* (\d+)', await metrics(kube))
    asked = asked_by(audited, [user])
    assert sum(map(int, waited)) > len(asked)
    assert [each for each in audited.audit.refused() if each.startswith(user)] == []
    assert unused_verbs(asked, [role for _, role in await roles_of(kube, [user])]) == []
    assert await superfluous(audited, kube, [user]) == []


async def metrics(kube: KubeClient) -> str:
    """What the API server tells of itself."""
    return (await kube.read("/metrics")).decode()


async def serve_a_node_twice(audited: AuditedCluster, kube: KubeClient, run_labels: RunLabels, key: Path) -> None:
    """What a run does whose answers were lost: its node and its lease are there already, and it goes on with them."""
    await kube.create(NAMESPACES, namespace_of(run_labels))
    await heartbeat.give(kube, run_labels, ServerClock())
    for verb in ("create", "get"):
        async with AsyncExitStack() as stack:
            clients = await open_clients(from_kubeconfig(key), stack)
            serving = asyncio.create_task(Fleet(clients, run_labels, kubeconfig=key, count=1).serve())
            await eventually("its lease", partial(has_asked, audited, verb, "leases", run_labels.node_prefix))
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def has_asked(audited: AuditedCluster, verb: str, resource: str, prefix: str) -> bool:
    """Whether load tests have asked for this about an object whose name begins so."""
    asked = asked_by(audited, [f"{ACCOUNT}default:{NAME}"])
    return any((each.verb, each.resource) == (verb, resource) and each.name.startswith(prefix) for each in asked)


async def load(audited: AuditedCluster, key: Path, clients: tuple[ClientGroup, ...]) -> Findings:
    """A load test of every kind that a quota keeps from most of its pods, so that it asks the cluster why."""
    said: list[str] = []
    groups = (
        ObjectGroup(kind=ObjectKind.DEPLOYMENT, count=2, replicas=2),
        *(ObjectGroup(kind=kind) for kind in ObjectKind if kind is not ObjectKind.DEPLOYMENT),
    )
    plan = WorkloadPlan(steps=(Step(name="all", objects=groups, rate=Steady(qps=2.0)),))
    inputs = DensityInputs(kubeconfig=key, nodes=1, plan=plan, clients=clients, timeout=9.0)
    running = asyncio.create_task(load_task(inputs, context_on(None, said)))
    place = await begun(running, said)
    audited.kubectl("-n", place, "create", "quota", "few", "--hard=pods=2")
    return await running


def keep_pods(audited: AuditedCluster) -> None:
    """Virtual nodes are registered and leased; a pod comes to one, runs there, and goes again."""
    selector = ("-l", "autox.dev/provider=mock")
    wait_for("the nodes", lambda: len(audited.get("nodes", *selector)["items"]) == 2)
    audited.kubectl("wait", "nodes", *selector, "--for=condition=Ready", "--timeout=60s")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one"},
        "spec": {
            "nodeSelector": {"autox.dev/provider": "mock"},
            "securityContext": RESTRICTED,
            "containers": [{"name": "main", "image": "anything", "securityContext": CONFINED}],
        },
    }
    audited.apply(pod)
    audited.kubectl("wait", "pod/one", "--for=condition=Ready", "--timeout=60s")
    audited.kubectl("delete", "pod/one", "--timeout=60s")
    leases = ("leases", "-n", "kube-node-lease", "-o", "name")
    wait_for("the leases", lambda: audited.kubectl("get", *leases).count("virtual-0-") == 2)

"""The roles that the charts make are as narrow as they can be: without any one rule of them something is refused.

A story makes use of everything that a chart grants; what its identities asked for is in the audit log. Then each rule
of each of their roles is taken away in turn, and the API server is asked (SubjectAccessReview) whether all of that
would be allowed still. What the controller only holds in order to grant it shows when the Role of an experiment is made
without it: the API server lets nobody grant what he may not do himself.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, SUBJECT_ACCESS_REVIEWS, Resource
from tests.auditing import ACCOUNT, Event
from tests.charts.identity import CHART, agent_kubeconfig
from tests.clusters import run, wait_for
from tests.e2e.conftest import CONFINED, RESTRICTED, ROOT, AuditedCluster
from tests.integration.autox.scene import eventually
from tests.integration.objects import Object, shell

pytestmark = pytest.mark.integration

HOME, ELSEWHERE = "autox-home", "elsewhere"
RBAC = "rbac.authorization.k8s.io"
ROLES = Resource(group=RBAC, version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group=RBAC, version="v1", plural="rolebindings", kind="RoleBinding")
PROPAGATION_SECONDS = 10.0
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


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A request that somebody made, as far as a role can tell it from another."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str


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


async def superfluous(
    audited: AuditedCluster,
    kube: KubeClient,
    users: list[str],
    *,
    granting: tuple[str, list[Object]] = ("", []),
) -> list[str]:
    """The rules of these accounts' roles without which everything would go on as it did, in words.

    Args:
        audited: the cluster, where they have asked for what they need.
        kube: a client that may do everything.
        users: the accounts.
        granting: which of them grants what roles.
    """
    asked = sorted({each for user in users for event in audited.audit.requests(user) for each in asked_in(event)})
    assert {each.user for each in asked} == set(users)
    found = []
    for resource, role in await roles_of(kube, users):
        for rule in role["rules"]:
            # NB: roles only ever allow: what a rule does not allow is not refused without it.
            allowed = [each for each in asked if allows(rule, each)]
            async with without(kube, resource, role, rule):
                if not await is_missed(audited, kube, allowed, granting):
                    found.append(f"{resource.kind} {role['metadata']['name']}: {json.dumps(rule)}")
    return found


def asked_in(event: Event) -> Iterator[Asked]:
    """What a request took: the right to it, or the right to make it as somebody else."""
    ref, user = event.get("objectRef"), event["user"]["username"]
    if actor := event.get("impersonatedUser"):
        # NB: the groups that every account has come by themselves.
        groups = [each for each in actor["groups"] if each != "system:authenticated"]
        for resource, names in (("users", [actor["username"]]), ("groups", groups)):
            yield from (Asked(user, "impersonate", "", resource, "", "", name) for name in names)
    elif ref and event["responseStatus"]["code"] != 403:
        keys = ("apiGroup", "resource", "subresource", "namespace", "name")
        yield Asked(user, event["verb"], *(ref.get(key, "") for key in keys))


async def roles_of(kube: KubeClient, users: list[str]) -> list[tuple[Resource, Object]]:
    """Every Role and ClusterRole that is bound to one of these accounts."""
    found: list[tuple[Resource, Object]] = []
    for bindings, roles in ((CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES), (ROLE_BINDINGS, ROLES)):
        for binding in (await kube.list(bindings)).items:
            if any(f"{ACCOUNT}{who.get('namespace')}:{who['name']}" in users for who in binding.get("subjects", [])):
                namespace = binding["metadata"].get("namespace")
                found.append((roles, await kube.get(roles, binding["roleRef"]["name"], namespace=namespace)))
    assert found
    return found


def allows(rule: Object, asked: Asked) -> bool:
    """Whether a rule, wherever it holds, allows a request."""
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    wanted = {"verbs": asked.verb, "apiGroups": asked.group, "resources": resource}
    names = rule.get("resourceNames") or [asked.name]
    return asked.name in names and all({word, "*"} & {*rule.get(key, [])} for key, word in wanted.items())


@asynccontextmanager
async def without(kube: KubeClient, resource: Resource, role: Object, rule: Object) -> AsyncIterator[None]:
    """A role without one of its rules; it is as it was afterwards."""
    name, namespace = role["metadata"]["name"], role["metadata"].get("namespace")
    rules = [each for each in role["rules"] if each is not rule]
    await kube.patch(resource, name, {"rules": rules}, namespace=namespace)
    try:
        yield
    finally:
        await kube.patch(resource, name, {"rules": role["rules"]}, namespace=namespace)


async def is_missed(
    audited: AuditedCluster, kube: KubeClient, asked: list[Asked], granting: tuple[str, list[Object]]
) -> bool:
    """Whether anything of what was asked for, or granted, is refused now; what a role says takes a moment to hold."""

    async def refused() -> bool:
        return any([not await may(kube, each) for each in asked]) or not may_grant(audited, *granting)

    try:
        return await eventually("a refusal", refused, seconds=PROPAGATION_SECONDS)
    except AssertionError:
        return False


async def may(kube: KubeClient, asked: Asked) -> bool:
    """Whether the API server would allow a request."""
    namespace = asked.user.removeprefix(ACCOUNT).partition(":")[0]
    attributes = {
        "verb": asked.verb,
        "group": asked.group,
        "resource": asked.resource,
        "subresource": asked.subresource,
        "namespace": asked.namespace,
        "name": asked.name,
    }
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    spec = {"user": asked.user, "groups": groups, "resourceAttributes": attributes}
    review = await kube.create(SUBJECT_ACCESS_REVIEWS, {"spec": spec})
    return bool(review["status"]["allowed"])


def may_grant(audited: AuditedCluster, user: str, roles: list[Object]) -> bool:
    """Whether an account may make roles with these rules; none is made."""
    copies = [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": {"name": f"copy-{index}", "namespace": role["metadata"]["namespace"]},
            "rules": role["rules"],
        }
        for index, role in enumerate(roles)
    ]
    if not copies:
        return True
    listing = json.dumps({"apiVersion": "v1", "kind": "List", "items": copies})
    command = ("kubectl", "create", "--dry-run=server", f"--as={user}", "-f", "-")
    done = run(*command, environ=audited.with_programs(), stdin=listing)
    assert done.code == 0 or "forbidden" in done.err.lower(), done.err
    return done.code == 0

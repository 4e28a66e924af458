"""What the roles of autox allow, beside what was asked for: is there a rule that could be left out?

Roles are cut on a cluster that audits, and the API server says what would be refused then.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autox.kube.client import KubeClient
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, SUBJECT_ACCESS_REVIEWS, Resource
from tests.auditing import ACCOUNT, Event
from tests.clusters import run
from tests.e2e.conftest import AuditedCluster
from tests.integration.autox.scene import eventually
from tests.integration.objects import Object

RBAC = "rbac.authorization.k8s.io"
ROLES = Resource(group=RBAC, version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group=RBAC, version="v1", plural="rolebindings", kind="RoleBinding")
PROPAGATION_SECONDS = 10.0


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A request that somebody made, as far as a role can tell it from another; one of no resource has a path."""

    user: str
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


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
    asked = asked_by(audited, users)
    found = []
    for resource, role in await roles_of(kube, users):
        for rule in role["rules"]:
            # NB: roles only ever allow: what a rule does not allow is not refused without it.
            allowed = [each for each in asked if allows(rule, each)]
            async with without(kube, resource, role, rule):
                if not await is_missed(audited, kube, allowed, granting):
                    found.append(f"{resource.kind} {role['metadata']['name']}: {json.dumps(rule)}")
    return found


def unused_verbs(asked: list[Asked], roles: list[Object]) -> list[str]:
    """What roles allow and nobody has asked for, in words."""
    single = [{**rule, "verbs": [verb]} for role in roles for rule in role["rules"] for verb in rule["verbs"]]
    return [json.dumps(rule) for rule in single if not any(allows(rule, each) for each in asked)]


def asked_by(audited: AuditedCluster, users: list[str]) -> list[Asked]:
    """All that these accounts have asked for, each of which has asked for something."""
    asked = sorted({each for user in users for event in audited.audit.requests(user) for each in asked_in(event)})
    assert {each.user for each in asked} == set(users)
    return asked


def asked_in(event: Event) -> Iterator[Asked]:
    """What a request took: the right to it, or the right to make it as somebody else."""
    ref, user = event.get("objectRef"), event["user"]["username"]
    if actor := event.get("impersonatedUser"):
        # NB: the groups that every account has come by themselves.
        groups = [each for each in actor["groups"] if each != "system:authenticated"]
        for resource, names in (("users", [actor["username"]]), ("groups", groups)):
            yield from (Asked(user, "impersonate", resource=resource, name=name) for name in names)
    elif event["responseStatus"]["code"] == 403:
        return
    elif ref:
        keys = ("apiGroup", "resource", "subresource", "namespace", "name")
        yield Asked(user, event["verb"], *(ref.get(key, "") for key in keys))
    else:
        yield Asked(user, event["verb"], path=event["requestURI"].partition("?")[0])


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
    if asked.path:
        return asked.path in rule.get("nonResourceURLs", ()) and asked.verb in rule["verbs"]
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
    what = {"verb": asked.verb, "path": asked.path} if asked.path else attributes
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    spec = {"user": asked.user, "groups": groups, f"{'nonR' if asked.path else 'r'}esourceAttributes": what}
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

"""The roles that the charts make are as narrow as the story allows: no rule could be left out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import CLUSTER_ROLES, SUBJECT_ACCESS_REVIEWS, Resource
from tests.clusters import wait_for
from tests.e2e.conftest import ROOT, AuditedCluster
from tests.e2e.test_documented_command import CONTROLLER, SETTINGS
from tests.integration.autox.scene import eventually
from tests.integration.objects import Object

pytestmark = pytest.mark.integration

ROLES = Resource(
    group="rbac.authorization.k8s.io",
    version="v1",
    plural="roles",
    kind="Role",
    namespaced=True,
)
PROPAGATION_SECONDS = 10.0


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


async def test_no_rule_could_be_left_out(audited: AuditedCluster, kube: KubeClient) -> None:
    """Each rule of each role is removed in turn, and each time something that the story asked for is refused."""
    runner = tell_the_story(audited)
    try:
        asked = sorted({each for user in (CONTROLLER, runner) for each in _asked(audited, user)})
        assert {each.user for each in asked} == {CONTROLLER, runner}
        # Nobody may act on the roles while they are cut; what the API server says of them is asked below.
        audited.kubectl("scale", "deployment/autox", "--replicas=0")
        audited.kubectl("wait", "pod", "-l", "app.kubernetes.io/component=controller", "--for=delete", "--timeout=60s")
        wide = [
            f"{role['metadata']['name']}: {rule}"
            for resource, role in await _roles(kube, runner)
            for rule in role["rules"]
            if not await _is_needed(kube, resource, role, rule, asked)
        ]
        assert wide == []
    finally:
        audited.helm("uninstall", "autox")
        audited.kubectl("delete", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))


def tell_the_story(audited: AuditedCluster) -> str:
    """Two versions, one after the other, as the documented command tests them; the account of the last runner."""
    audited.kubectl("apply", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))
    audited.kubectl("rollout", "status", "deployment/httpbin", "--timeout=60s")
    settings = [word for each in SETTINGS for word in ("--set", each)]
    installed = audited.helm("install", "autox", str(ROOT / "charts" / "autox"), *settings)
    assert installed.code == 0, installed.err
    audited.kubectl("rollout", "status", "deployment/autox", "--timeout=60s")
    name = ""
    for version in ("2.0", "2.1"):
        labels = (f"app.kubernetes.io/version={version}", "iter8.tools/autox=true")
        audited.kubectl("label", "--overwrite", "deployment/httpbin", *labels)
        name = audited.verdict(version, spec="iter8")["metadata"]["name"]
    wait_for("the Job of the last version", lambda: audited.kubectl("get", "jobs", name, "--ignore-not-found"))
    return f"system:serviceaccount:default:{name}"


def _asked(audited: AuditedCluster, user: str) -> list[Asked]:
    return [
        Asked(
            user=user,
            verb=event["verb"],
            group=ref.get("apiGroup", ""),
            resource=ref["resource"],
            subresource=ref.get("subresource", ""),
            namespace=ref.get("namespace", ""),
            name=ref.get("name", ""),
        )
        for event in audited.requests(user)
        if (ref := event.get("objectRef")) and event.get("responseStatus", {}).get("code") != 403
    ]


async def _roles(kube: KubeClient, runner: str) -> list[tuple[Resource, Object]]:
    """The roles of the controller and of the runner."""
    experiment = runner.rpartition(":")[2]
    cluster_wide = [(CLUSTER_ROLES, each) for each in (await kube.list(CLUSTER_ROLES)).items]
    here = [(ROLES, each) for each in (await kube.list(ROLES, namespace="default")).items]
    found = [
        (resource, role)
        for resource, role in [*cluster_wide, *here]
        if role["metadata"]["name"] in ("autox", experiment) or role["metadata"]["name"].startswith("autox:httpbin")
    ]
    assert len(found) >= 4, [role["metadata"]["name"] for _, role in found]
    return found


async def _is_needed(kube: KubeClient, resource: Resource, role: Object, rule: Object, asked: list[Asked]) -> bool:
    """Whether anything is refused without that rule; the role is as it was afterwards."""
    name, namespace = role["metadata"]["name"], role["metadata"].get("namespace")
    rules = [each for each in role["rules"] if each is not rule]
    await kube.patch(resource, name, {"rules": rules}, namespace=namespace)
    try:

        async def is_refused() -> bool:
            return any([not await _may(kube, each) for each in asked])

        await eventually("a refusal", is_refused, seconds=PROPAGATION_SECONDS)
    except AssertionError:
        return False
    finally:
        await kube.patch(resource, name, {"rules": role["rules"]}, namespace=namespace)

        async def is_restored() -> bool:
            return all([await _may(kube, each) for each in asked])

        await eventually("all to be allowed again", is_restored)
    return True


async def _may(kube: KubeClient, asked: Asked) -> bool:
    attributes: dict[str, Any] = {
        "verb": asked.verb,
        "group": asked.group,
        "resource": asked.resource,
        "subresource": asked.subresource,
        "namespace": asked.namespace,
        "name": asked.name,
    }
    groups = ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]
    spec = {"user": asked.user, "groups": groups, "resourceAttributes": attributes}
    review = await kube.create(SUBJECT_ACCESS_REVIEWS, {"spec": spec})
    return bool(review["status"]["allowed"])

"""What a new cluster needs beside its processes: the rights of its nodes, and the moment when pods can run.

The rights are Kubernetes' own roles wherever there is one: nodes also forward Services, so they get what kube-proxy
has. Virtual nodes of the mock provider share one identity, whose role is written out here, as is that of CoreDNS.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from autox.cluster.health import is_ready
from autox.cluster.identities import DNS_GROUP, KUBELET_CLIENTS_GROUP, NODES_GROUP, VIRTUAL_NODES_GROUP
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import ConflictError, DeadlineError, NotFoundError, TransientError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NODES, PODS, SERVICE_ACCOUNTS, Resource

_OURS = "autox.dev/provider in (process,containerd)"
FIELD_MANAGER = "autox-cluster"
POLL_SECONDS = 0.05


def grants(*, dns: bool) -> list[tuple[Resource, dict[str, Any]]]:
    """The roles and bindings of a cluster's nodes, and of their DNS where they have one."""
    rules = [
        _rule("", ["nodes"], ["get", "list", "watch", "create", "update", "patch", "delete"]),
        _rule("", ["nodes/status", "pods/status"], ["patch", "update"]),
        _rule("", ["pods"], ["get", "list", "watch", "delete"]),
        _rule("", ["events"], ["create", "patch"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "list", "create", "update", "patch", "delete"]),
        _rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ]
    role = {"metadata": {"name": VIRTUAL_NODES_GROUP}, "rules": rules}
    return [
        (CLUSTER_ROLES, _typed(CLUSTER_ROLES, role)),
        (CLUSTER_ROLE_BINDINGS, _binding(VIRTUAL_NODES_GROUP, role=VIRTUAL_NODES_GROUP, group=VIRTUAL_NODES_GROUP)),
        # NB: a kubelet asks who may have logs and exec, and the one who fetches them for users is the API server.
        (
            CLUSTER_ROLE_BINDINGS,
            _binding(KUBELET_CLIENTS_GROUP, role="system:kubelet-api-admin", group=KUBELET_CLIENTS_GROUP),
        ),
        (CLUSTER_ROLE_BINDINGS, _binding(NODES_GROUP, role="system:node-proxier", group=NODES_GROUP)),
        *(_dns_grants() if dns else ()),
    ]


def _dns_grants() -> list[tuple[Resource, dict[str, Any]]]:
    rules = [
        _rule("", ["services", "namespaces"], ["list", "watch"]),
        _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
    ]
    return [
        (CLUSTER_ROLES, _typed(CLUSTER_ROLES, {"metadata": {"name": DNS_GROUP}, "rules": rules})),
        (CLUSTER_ROLE_BINDINGS, _binding(DNS_GROUP, role=DNS_GROUP, group=DNS_GROUP)),
    ]


async def grant(kube: KubeClient, *, dns: bool) -> None:
    """Apply the grants; the same call again changes nothing."""
    for resource, body in grants(dns=dns):
        await kube.apply(resource, body, field_manager=FIELD_MANAGER)


async def remove_nodes(kube: KubeClient, cluster: str, *, keep: Sequence[str]) -> list[str]:
    """Delete the Nodes that a cluster had and has no more, with the pods that ended with them; the nodes' names.

    Nobody else would: Kubernetes misses a node after a minute, and its pods, which it took for running until then, are
    not even deleted for five minutes more.

    Args:
        kube: the administrator's client.
        cluster: its name, which those of its nodes begin with.
        keep: names of the nodes that it has.
    """
    ours = re.compile(rf"{re.escape(cluster)}-(node-\d+|containerd)")
    names = [str(metadata(each)["name"]) for each in (await kube.list_metadata(NODES, label_selector=_OURS)).items]
    gone = [name for name in names if ours.fullmatch(name) and name not in keep]
    for name in gone:
        with suppress(NotFoundError):
            await kube.delete(NODES, name)
        for each in (await kube.list_metadata(PODS, field_selector=f"spec.nodeName={name}")).items:
            pod = metadata(each)
            with suppress(NotFoundError, ConflictError):
                await kube.delete(PODS, pod["name"], namespace=pod["namespace"], grace_seconds=0, uid=pod["uid"])
    return gone


async def wait_until_pods_can_run(kube: KubeClient, nodes: Sequence[str], *, seconds: float) -> None:
    """Wait for what a first pod needs: its service account, and its nodes ready and free of start-up taints.

    Args:
        kube: the administrator's client.
        nodes: names of all that must be ready; none is fine.
        seconds: how long to wait at most.

    Raises:
        DeadlineError: something was still missing then; the message says what.
    """
    missing = "the service account default/default"
    try:
        async with asyncio.timeout(seconds):
            while missing:
                missing = await _missing(kube, nodes)
                if missing:
                    await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise DeadlineError(
            f"after {seconds:.0f} s {missing} is still missing",
            hint="see `autox cluster logs controllerManager` and `autox cluster logs nodes`",
        ) from error


async def _missing(kube: KubeClient, nodes: Sequence[str]) -> str:
    try:
        await kube.get(SERVICE_ACCOUNTS, "default", namespace="default")
        for name in nodes:
            if not is_ready(await kube.get(NODES, name)):
                return f"node {name}"
    except (NotFoundError, TransientError) as error:
        return error.message
    return ""


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _binding(name: str, *, role: str, group: str) -> dict[str, Any]:
    rbac = "rbac.authorization.k8s.io"
    return _typed(
        CLUSTER_ROLE_BINDINGS,
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": group}],
        },
    )


def _typed(resource: Resource, body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}

"""Namespaces that are not there (yet), and the controller's rights in those that come after the chart was installed.

A Role can only be where its namespace is. For a namespace that is missing, the chart makes a ClusterRole that nobody
has, and lets the controller bind it: that one, by one name, there and nowhere else, which an admission policy sees to
(docs/decisions/0027). So a group comes alive with its namespace, and nobody upgrades anything.
"""

from dataclasses import replace

from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import AutoxError, ForbiddenError, NotFoundError
from autox.model.groups import ExperimentGroup
from autox.model.refs import CLUSTER_ROLES, NAMESPACES, ROLE_BINDINGS
from autox.model.trigger import NAMESPACE_MISSING, TriggerSnapshot, TriggerState
from autox.store.controllerstatus import MANAGER


async def look_for_namespace(kube: KubeClient, trigger: TriggerSnapshot) -> TriggerSnapshot:
    """The same snapshot, which says so if there is no namespace of that name.

    Args:
        kube: the client.
        trigger: as it was read; who may not read in a namespace does not learn from that whether there is one.
    """
    if trigger.state is TriggerState.PRESENT:
        return trigger
    namespace = trigger.ref.namespace
    try:
        found = await kube.get_metadata(NAMESPACES, namespace)
    except NotFoundError:
        message = f"there is no namespace {namespace}: the group begins when there is one"
        return replace(trigger, state=TriggerState.ABSENT, reason=NAMESPACE_MISSING, message=message)
    except AutoxError:
        # Of a group that came with no chart, or of a server that does not answer: nothing is known about it.
        return trigger
    if trigger.state is TriggerState.UNREADABLE and metadata(found).get("deletionTimestamp"):
        return replace(trigger, reason="NamespaceTerminating", message=f"namespace {namespace} is being deleted")
    return trigger


async def take_rights(kube: KubeClient, group: ExperimentGroup) -> bool:
    """Bind the ClusterRole that waits for the namespace of the group's trigger.

    Returns:
        Whether there is one; it takes the API server a moment to know.

    Raises:
        AutoxError: it could not be bound.
    """
    namespace = group.trigger.namespace
    try:
        role = metadata(await kube.get(CLUSTER_ROLES, f"autox:{group.name}:{namespace}"))
    except (NotFoundError, ForbiddenError):
        return False
    owner = {"apiVersion": CLUSTER_ROLES.api_version, "kind": CLUSTER_ROLES.kind, "name": role["name"]}
    account = {"kind": "ServiceAccount", "name": role["annotations"]["autox.dev/account"]}
    binding = {
        "metadata": {
            "name": f"autox:{group.name}",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "autox", "app.kubernetes.io/part-of": "autox"},
            # It goes with the ClusterRole: with the group, and with autox.
            "ownerReferences": [{**owner, "uid": role["uid"]}],
        },
        "roleRef": {"apiGroup": CLUSTER_ROLES.group, "kind": CLUSTER_ROLES.kind, "name": role["name"]},
        "subjects": [{**account, "namespace": group.namespace}],
    }
    await kube.apply(ROLE_BINDINGS, binding, field_manager=MANAGER)
    return True

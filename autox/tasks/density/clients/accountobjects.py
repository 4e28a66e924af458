"""The service account of a group of clients: its name, where it may do what it does, and the objects of that. Pure.

One account for a group and not for each of its clients: to API priority and fairness a user is a flow, and a group is a
controller whose clients are its workers (docs/decisions/0054). What is in the run's namespace goes with that; a role
that must be elsewhere has the namespace for its owner, so that Kubernetes collects it then, and the run needs no leave
to delete roles.
"""

from autox.kube.objects import Object
from autox.model.clientgroups import ClientGroup, Scope, Verb
from autox.model.refs import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    LEASES,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    SERVICE_ACCOUNTS,
    Resource,
)
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.clients.asking import RESOURCES
from autox.tasks.density.labels import RunLabels


def account_name(group: ClientGroup) -> str:
    """The name of the service account, which is so long that it is nobody else's in any namespace."""
    return f"autox-density-client-{group.name}"


def place_of(group: ClientGroup, namespace: str) -> str:
    """The namespace in which a group does what it does; empty for everywhere.

    Args:
        group: of clients.
        namespace: of the run.
    """
    resource = RESOURCES[group.resource]
    if resource is LEASES and group.verb is Verb.GET:
        return NODE_LEASES
    return "" if group.scope is Scope.CLUSTER or not resource.namespaced else namespace


def roles_of(place: str) -> tuple[Resource, Resource]:
    """The kinds of role and binding that grant something in a namespace, or everywhere."""
    return (ROLES, ROLE_BINDINGS) if place else (CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS)


def account_objects(group: ClientGroup, run_labels: RunLabels, *, uid: str) -> list[tuple[Resource, Object]]:
    """A service account, its role and the binding of both, in the order to make them.

    Args:
        group: whose they are.
        run_labels: of the run.
        uid: of the run's namespace.
    """
    namespace, resource = run_labels.namespace, RESOURCES[group.resource]
    account: Object = {"name": account_name(group), "namespace": namespace}
    place = place_of(group, namespace)
    roles, bindings = roles_of(place)
    meta: Object = {"name": f"{namespace}:{group.name}", "labels": run_labels.labels}
    if place:
        meta["namespace"] = place
    if place != namespace:
        owner = {"apiVersion": NAMESPACES.api_version, "kind": NAMESPACES.kind, "name": namespace, "uid": uid}
        meta["ownerReferences"] = [owner]
    rule = {"apiGroups": [resource.group], "resources": [resource.plural], "verbs": [group.verb.value]}
    reference = {"apiGroup": roles.group, "kind": roles.kind, "name": meta["name"]}
    subject = {"kind": SERVICE_ACCOUNTS.kind, **account}
    return [
        (
            SERVICE_ACCOUNTS,
            {"metadata": {**account, "labels": run_labels.labels}, "automountServiceAccountToken": False},
        ),
        (roles, {"metadata": meta, "rules": [rule]}),
        (bindings, {"metadata": meta, "roleRef": reference, "subjects": [subject]}),
    ]

"""What a load test and the sweep after it may do on the cluster under test: one table, and the roles made of it. Pure.

``credentials`` next door gives them to an identity, ``autox density credentials -o yaml`` prints them, and a test takes
away one after another: none is there that a run does not need. What Kubernetes' own roles let every service account do
(ask who it is, read ``/readyz`` and the keys that tokens are signed with) is not in it.

A run makes a namespace with a name that nobody knows before, so that no role can be held to it: what is done in there
is allowed in every namespace. What has a name of its own, or a namespace that is always the same, is allowed only so.
Rejected: a role that the run binds to itself in its own namespace; whoever may bind it there may bind it everywhere.
Only whose clients have service accounts may bind, and RBAC holds that to what he may do himself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from autox.kube.objects import Object
from autox.model.clientgroups import ClientGroup, Verb
from autox.model.density import DensityInputs
from autox.model.refs import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)
from autox.model.workload import Churned
from autox.nodes.node.leases import NAMESPACE as NODE_LEASES
from autox.tasks.density.cleanup import heartbeat
from autox.tasks.density.clients.accountobjects import account_name, place_of, roles_of
from autox.tasks.density.clients.asking import RESOURCES as CLIENTS
from autox.tasks.density.observation import prober
from autox.tasks.density.workload import RESOURCES

NAME = "autox-density"
"""The name of the service account, and of its roles."""

PATHS = ("/metrics",)
"""What every load test reads of an API server that is no object."""

PROFILES = "/debug/pprof/*"

_OF_A_RUN = "autox-density-"  # stands for the namespace of a run, whose name nobody knows before


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One rule of a role.

    Attributes:
        resource: what it is about.
        verbs: what may be done with it.
        subresource: with this part of it alone; empty for the object.
        name: with the object of this name alone; empty for any.
        namespace: in this namespace alone; empty for all.
    """

    resource: Resource
    verbs: tuple[str, ...]
    subresource: str = ""
    name: str = ""
    namespace: str = ""

    @property
    def rule(self) -> Object:
        """The same as a role has it."""
        plural = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        rule: Object = {"apiGroups": [self.resource.group], "resources": [plural], "verbs": [*self.verbs]}
        return {**rule, "resourceNames": [self.name]} if self.name else rule


RIGHTS = (
    # The run's own namespace, and those that other runs left.
    Right(resource=NAMESPACES, verbs=("create", "get", "list", "delete")),
    Right(resource=SERVICE_ACCOUNTS, verbs=("get",), name="default"),
    Right(resource=LEASES, verbs=("create",)),
    Right(resource=LEASES, verbs=("get", "patch"), name=heartbeat.NAME),
    # Its load.
    *(
        Right(resource=each, verbs=("create", "list"))
        for each in RESOURCES.values()
        if each not in (CONFIG_MAPS, SECRETS)
    ),
    Right(resource=SECRETS, verbs=("create",)),
    Right(resource=EVENTS, verbs=("list",)),
    Right(resource=PODS, verbs=("list", "watch", "delete")),
    # Its nodes, which run the pods.
    Right(resource=NODES, verbs=("create", "get", "list", "watch", "delete")),
    Right(resource=NODES, verbs=("patch",), subresource="status"),
    Right(resource=PODS, verbs=("patch",), subresource="status"),
    Right(resource=LEASES, verbs=("create", "get", "list", "watch", "update", "delete"), namespace=NODE_LEASES),
    # What its prober writes and reads.
    Right(resource=CONFIG_MAPS, verbs=("create", "list")),
    Right(resource=CONFIG_MAPS, verbs=("get", "watch", "patch"), name=prober.NAME),
)
"""Of every load test, beside ``PATHS``."""


OF_CHURN: Mapping[Churned, tuple[Right, ...]] = {
    Churned.DEPLOYMENTS: (Right(resource=DEPLOYMENTS, verbs=("delete",)),),
    Churned.NAMESPACES: (),
    Churned.NODES: (),
    Churned.DRAINED_NODES: (
        Right(resource=NODES, verbs=("patch",)),
        Right(resource=PODS, verbs=("create",), subresource="eviction"),
    ),
}
"""Of what churn takes away, beside what every load test may do."""


def of_accounts(groups: Iterable[ClientGroup]) -> tuple[Right, ...]:
    """What it takes to give clients the service accounts that they are to have, beside what they do themselves.

    Whoever may bind roles hands on what he may do himself, and RBAC lets nobody hand on more. A token may be asked for
    by the account's name alone: without one it would be the way to be anybody.
    """
    own = [each for each in groups if each.own_account]
    places = {place_of(each, _OF_A_RUN) for each in own}
    if _OF_A_RUN in places:
        places.discard(NODE_LEASES)  # it is allowed in every namespace then
    made = [Right(resource=SERVICE_ACCOUNTS, verbs=("create",))] if own else []
    for place in sorted(places):
        made += (
            Right(resource=each, verbs=("create",), namespace=place if place == NODE_LEASES else "")
            for each in roles_of(place)
        )
    names = sorted({account_name(each) for each in own})
    tokens = (Right(resource=SERVICE_ACCOUNTS, verbs=("create",), subresource="token", name=name) for name in names)
    return (*made, *tokens)


def rights(inputs: Iterable[DensityInputs]) -> tuple[Right, ...]:
    """What load tests with these inputs need; none are all that have nothing beside their pods.

    Args:
        inputs: of each, whose ``clients`` and ``churn`` do what no other load test does, or have what none has.
    """
    inputs = list(inputs)
    wanted: dict[str, set[str]] = defaultdict(set)
    of_churn = [right for of in sorted({each.churn.of for each in inputs if each.churn}) for right in OF_CHURN[of]]
    for right in of_churn:
        if not right.subresource:
            wanted[right.resource.plural] |= {*right.verbs}
    for group in (group for each in inputs for group in each.clients):
        # NB: the leases that clients get are those of the run's nodes, which it reads itself.
        if (group.resource, group.verb) != (LEASES.plural, Verb.GET):
            wanted[group.resource] |= {group.verb.value, *(("create",) if group.objects else ())}
    for right in RIGHTS:
        if not (right.name or right.namespace or right.subresource):
            wanted[right.resource.plural] -= {*right.verbs}
    more = ((CLIENTS[plural], tuple(sorted(verbs))) for plural, verbs in sorted(wanted.items()) if verbs)
    parts = (right for right in of_churn if right.subresource)
    accounts = of_accounts(group for each in inputs for group in each.clients)
    return (*RIGHTS, *(Right(resource=resource, verbs=verbs) for resource, verbs in more), *parts, *accounts)


def paths(inputs: Iterable[DensityInputs]) -> tuple[str, ...]:
    """What load tests with these inputs read of an API server that is no object."""
    return (*PATHS, PROFILES) if any(each.profiles for each in inputs) else PATHS


def manifests(namespace: str, rights: Collection[Right] = RIGHTS, paths: Collection[str] = PATHS) -> list[Object]:
    """The identity of load tests: a service account, and its roles with their bindings, in the order to make them.

    Args:
        namespace: of the service account.
        rights: that it has.
        paths: that it may read.
    """
    account = {"name": NAME, "namespace": namespace}
    return [
        {
            "apiVersion": SERVICE_ACCOUNTS.api_version,
            "kind": SERVICE_ACCOUNTS.kind,
            "metadata": account,
            "automountServiceAccountToken": False,
        },
        *(
            each
            for place in sorted({right.namespace for right in rights})
            for each in _granted(account, rights, place, paths=() if place else paths)
        ),
    ]


def _granted(account: Object, rights: Iterable[Right], place: str, *, paths: Collection[str]) -> Iterator[Object]:
    """A role with what is allowed in one namespace (empty: everywhere), and its binding to the service account."""
    roles, bindings = (ROLES, ROLE_BINDINGS) if place else (CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS)
    # NB: of several such accounts, in several namespaces, none takes away what another has.
    names = {"name": f"{NAME}:{account['namespace']}", **({"namespace": place} if place else {})}
    rules = [right.rule for right in rights if right.namespace == place]
    if paths:
        rules.append({"nonResourceURLs": [*paths], "verbs": ["get"]})
    yield _object(roles, metadata=names, rules=rules)
    yield _object(
        bindings,
        metadata=names,
        roleRef={"apiGroup": roles.group, "kind": roles.kind, "name": names["name"]},
        subjects=[{"kind": SERVICE_ACCOUNTS.kind, **account}],
    )


def _object(resource: Resource, **body: object) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}

"""What load tests may do beside what all of them do: what clients ask for and what churn deletes, and nothing more."""

import pytest

from autox.model.clientgroups import ClientGroup, Scope, Verb
from autox.model.density import DensityInputs
from autox.model.workload import Churn, Churned
from autox.tasks.density.rights import RIGHTS, manifests, rights


def client(
    verb: Verb,
    resource: str,
    *,
    objects: int = 0,
    scope: Scope = Scope.NAMESPACE,
    name: str = "some",
    own: bool = False,
) -> ClientGroup:
    """Clients of an experiment."""
    return ClientGroup(name=name, verb=verb, resource=resource, objects=objects, scope=scope, own_account=own)


@pytest.mark.parametrize(
    ("groups", "more"),
    [
        pytest.param([], {}, id="no clients"),
        pytest.param([client(Verb.LIST, "secrets")], {"secrets": ("list",)}, id="lists"),
        pytest.param([client(Verb.WATCH, "services", scope=Scope.CLUSTER)], {"services": ("watch",)}, id="watches"),
        pytest.param([client(Verb.GET, "secrets", objects=1)], {"secrets": ("get",)}, id="gets what is made"),
        pytest.param([client(Verb.PATCH, "configmaps", objects=1)], {"configmaps": ("patch",)}, id="patches"),
        pytest.param([client(Verb.WATCH, "pods"), client(Verb.GET, "nodes")], {}, id="what every run does"),
        pytest.param([client(Verb.GET, "leases")], {}, id="leases of its nodes"),
        pytest.param([client(Verb.LIST, "leases")], {"leases": ("list",)}, id="all leases"),
        pytest.param([client(Verb.LIST, "events"), client(Verb.WATCH, "events")], {"events": ("watch",)}, id="two"),
    ],
)
def test_clients_get_what_they_ask_for(groups: list[ClientGroup], more: dict[str, tuple[str, ...]]) -> None:
    """With the rights of a load test without clients each of their requests was refused."""
    found = rights([DensityInputs(), DensityInputs(clients=tuple(groups))])

    assert found[: len(RIGHTS)] == RIGHTS
    assert {each.resource.plural: each.verbs for each in found[len(RIGHTS) :]} == more


HERE = client(Verb.WATCH, "pods", own=True)
THERE = client(Verb.LIST, "pods", scope=Scope.CLUSTER, name="all", own=True)
LEASES = client(Verb.GET, "leases", name="leases", own=True)


@pytest.mark.parametrize(
    ("groups", "roles", "places", "names"),
    [
        pytest.param([HERE], {"roles", "rolebindings"}, {""}, ["some"], id="in the namespace of a run"),
        pytest.param([THERE], {"clusterroles", "clusterrolebindings"}, {""}, ["all"], id="everywhere"),
        pytest.param([LEASES], {"roles", "rolebindings"}, {"kube-node-lease"}, ["leases"], id="leases of nodes"),
        pytest.param([LEASES, HERE], {"roles", "rolebindings"}, {""}, ["leases", "some"], id="both, told once"),
    ],
)
def test_whoever_gives_accounts_may_bind_and_ask_for_their_tokens_alone(
    groups: list[ClientGroup], roles: set[str], places: set[str], names: list[str]
) -> None:
    """To ask for any token would be to be anybody; to bind is held by RBAC to what the run may do itself."""
    account, *bound = [each for each in rights([DensityInputs(clients=tuple(groups))]) if each not in RIGHTS]
    tokens = [each for each in bound if each.subresource]

    assert (account.resource.plural, account.verbs) == ("serviceaccounts", ("create",))
    assert [(each.subresource, each.name) for each in tokens] == [
        ("token", f"autox-density-client-{name}") for name in names
    ]
    assert {each.resource.plural for each in bound if not each.subresource} == roles
    assert {each.namespace for each in bound} - {""} == places - {""}
    assert {verb for each in bound for verb in each.verbs} == {"create"}


def test_several_experiments_share_an_identity() -> None:
    """It may do what any of them asks for, told once."""
    lists = DensityInputs(clients=(client(Verb.LIST, "secrets"),))
    gets = DensityInputs(clients=(client(Verb.GET, "secrets", objects=2),))

    [_, role, *_] = manifests("here", rights([lists, gets, lists]))

    found = [each["verbs"] for each in role["rules"] if each.get("resources") == ["secrets"]]
    assert found == [["create"], ["get", "list"]]


@pytest.mark.parametrize(
    ("groups", "verbs"),
    [
        pytest.param([], ("delete",), id="no clients"),
        pytest.param([client(Verb.LIST, "deployments")], ("delete",), id="clients that list what every run lists"),
        pytest.param([client(Verb.WATCH, "deployments")], ("delete", "watch"), id="clients that watch them"),
    ],
)
def test_churn_may_delete_what_it_creates_again(groups: list[ClientGroup], verbs: tuple[str, ...]) -> None:
    """The rest of a run deletes no Deployment, and its rights alone ended a run with churn in the middle."""
    found = rights([DensityInputs(churn=Churn(share=0.5), clients=tuple(groups))])

    assert [(each.resource.plural, each.verbs) for each in found[len(RIGHTS) :]] == [("deployments", verbs)]


def test_only_a_drain_may_drain() -> None:
    """Namespaces and nodes every run deletes; to cordon nodes and evict pods is for who drains, beside whoever else."""
    of = {each: DensityInputs(churn=Churn(of=each, share=0.5)) for each in Churned}
    gets = DensityInputs(clients=(client(Verb.WATCH, "pods"),))

    assert rights([of[Churned.NAMESPACES], of[Churned.NODES], gets]) == RIGHTS
    found = rights([of[Churned.DRAINED_NODES], gets, of[Churned.DEPLOYMENTS], of[Churned.DRAINED_NODES]])
    assert [(each.rule["resources"], each.verbs) for each in found[len(RIGHTS) :]] == [
        (["deployments"], ("delete",)),
        (["nodes"], ("patch",)),
        (["pods/eviction"], ("create",)),
    ]

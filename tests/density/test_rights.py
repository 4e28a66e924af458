"""What load tests may do beside what all of them do: what clients ask for and what churn deletes, and nothing more."""

import pytest

from autox.model.clientgroups import ClientGroup, Scope, Verb
from autox.model.density import DensityInputs
from autox.model.workload import Churn, Churned
from autox.tasks.density.rights import RIGHTS, manifests, rights


def client(verb: Verb, resource: str, *, objects: int = 0, scope: Scope = Scope.NAMESPACE) -> ClientGroup:
    """Clients of an experiment."""
    return ClientGroup(name="some", verb=verb, resource=resource, objects=objects, scope=scope)


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

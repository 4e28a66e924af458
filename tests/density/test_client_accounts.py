"""Service accounts of clients: what is made for them, what is told of them, and who may not make them."""

import json
from typing import Any

import pytest

from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.clientgroups import ClientGroup, Scope, Verb
from autox.model.errors import AutoxError, ForbiddenError, UnsupportedError
from autox.tasks.density.clients import accounts
from autox.tasks.density.clients.accountobjects import account_objects
from autox.tasks.density.clients.tally import Tally
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.verdict.clientnotes import account_note
from autox.wire.heads import Head
from tests.load.targets import Seen, Writer, serving

MARKS = RunLabels(run="r", namespace="autox-density-00000000")
LISTS = ClientGroup(name="lists", verb=Verb.LIST, resource="pods", rate=1.0, own_account=True)
EVERYWHERE = ClientGroup(name="all", verb=Verb.LIST, resource="pods", scope=Scope.CLUSTER, rate=1.0, own_account=True)
NODES = ClientGroup(name="nodes", verb=Verb.GET, resource="nodes", rate=1.0, own_account=True)
LEASES = ClientGroup(name="leases", verb=Verb.GET, resource="leases", rate=1.0, own_account=True)


@pytest.mark.parametrize(
    ("group", "kinds", "place"),
    [
        pytest.param(LISTS, ("Role", "RoleBinding"), MARKS.namespace, id="the run's namespace"),
        pytest.param(EVERYWHERE, ("ClusterRole", "ClusterRoleBinding"), None, id="everywhere"),
        pytest.param(NODES, ("ClusterRole", "ClusterRoleBinding"), None, id="what is in no namespace"),
        pytest.param(LEASES, ("Role", "RoleBinding"), "kube-node-lease", id="leases of nodes"),
    ],
)
def test_an_account_may_do_what_its_clients_do(group: ClientGroup, kinds: tuple[str, str], place: str | None) -> None:
    """That alone, there alone; what is not in the run's namespace is collected with it, whoever was killed."""
    (_, account), (roles, role), (bindings, binding) = account_objects(group, MARKS, uid="u-1")

    assert (roles.kind, bindings.kind) == kinds
    resource = {"apiGroups": ["coordination.k8s.io"] if group is LEASES else [""], "resources": [group.resource]}
    assert role["rules"] == [{**resource, "verbs": [group.verb]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [(each["namespace"], each["name"]) for each in binding["subjects"]] == [
        (MARKS.namespace, account["metadata"]["name"])
    ]
    for each in (role, binding):
        assert each["metadata"].get("namespace") == place
        assert each["metadata"]["labels"] == MARKS.labels
        owners = [owner["uid"] for owner in each["metadata"].get("ownerReferences", ())]
        assert owners == ([] if place == MARKS.namespace else ["u-1"])


def heard(*fields: bytes) -> Tally:
    """The tally of clients that had an answer with these fields."""
    tally = Tally()
    for each in fields:
        tally.head(Head(status=200, length=0, keep_alive=True, fields=each))
    return tally


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        pytest.param(heard(b"", b"X-Kubernetes-Pf-Flowschema-Uid: a"), "a flow of its own", id="one has it"),
        pytest.param(heard(b"Date: now"), "nobody is queued by flow", id="it is off"),
    ],
)
def test_whether_they_could_be_queued_is_what_the_answers_tell(tally: Tally, said: str) -> None:
    """An API server without priority and fairness tells no flows, and nobody may conclude from its quick answers."""
    note = account_note([tally.outcome(LISTS, [], seconds=1.0)], MARKS.namespace)

    assert note.startswith(f"clients ran as service accounts of {MARKS.namespace}: lists as autox-density-client-lists")
    assert said in note


def test_clients_without_accounts_are_not_told_as_such() -> None:
    """They are who the run is."""
    shared = ClientGroup(name="a", verb=Verb.LIST, resource="pods", rate=1.0)

    assert account_note([Tally().outcome(shared, [], seconds=1.0)], MARKS.namespace) == ""


def status(code: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    """What an API server answers that refuses."""
    return code, {"kind": "Status", "code": code, "reason": reason, "message": message}


ESCALATION = status(403, "Forbidden", 'user "u" is attempting to grant RBAC permissions not currently held')
QUOTA = status(403, "Forbidden", "exceeded quota: few, requested: count/serviceaccounts=1")


@pytest.mark.parametrize(
    ("part", "refusal", "error", "said"),
    [
        pytest.param("/serviceaccounts ", QUOTA, ForbiddenError, "exceeded quota: few", id="a quota"),
        pytest.param(
            "/roles ", ESCALATION, ForbiddenError, "permissions not currently held", id="more than the run may"
        ),
        pytest.param("/rolebindings ", ESCALATION, ForbiddenError, "Nobody may grant", id="likewise of the binding"),
        pytest.param(
            "/token ", status(403, "Forbidden", "no"), ForbiddenError, "cannot be made", id="no tokens for us"
        ),
        pytest.param("/token ", status(404, "NotFound", "could not find"), UnsupportedError, "TokenRequest", id="none"),
    ],
)
async def test_who_may_not_give_accounts_is_told_what_is_missing(
    part: str, refusal: tuple[int, dict[str, Any]], error: type[AutoxError], said: str
) -> None:
    """Which clients, what the API server said, and what to do: before the load, and not in figures of refusals."""

    async def answer(seen: Seen, writer: Writer) -> None:
        code, body = refusal if part in seen.head.decode() else (200, {"metadata": {"uid": "u-1"}})
        text = json.dumps(body)
        head = f"HTTP/1.1 {code} Any\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        writer.write((head + text).encode())

    async with (
        serving(answer) as target,
        KubeClient(Connection(server=f"http://127.0.0.1:{target.port}", origin="a test")) as kube,
    ):
        with pytest.raises(error) as refused:
            await accounts.make(kube, [LISTS], MARKS)

    assert refused.value.message.startswith("clients lists: their service account")
    assert said in refused.value.advice

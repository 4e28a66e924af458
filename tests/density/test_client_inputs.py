"""What may be said of clients, and what is refused where it is said; what of it is asked, and of whom."""

import json
from pathlib import Path
from typing import Any

import pytest

from autox.api.experimentdocument import load_experiment
from autox.model.clientgroups import ClientGroup, Consistency, Scope, Verb
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.tasks.density.clients.asking import Asking
from autox.tasks.density.labels import RunLabels

MARKS = RunLabels(run="r", namespace="autox-density-00000000")
LIST = {"name": "lists", "verb": "list", "resource": "pods", "rate": 2}
WATCH = {"name": "watches", "verb": "watch", "resource": "pods"}
GET = {"name": "gets", "verb": "get", "resource": "configmaps", "rate": 5}
PATCH = {"name": "patches", "verb": "patch", "resource": "configmaps", "rate": 5}


def groups(folder: Path, *clients: dict[str, Any]) -> tuple[ClientGroup, ...]:
    """What a document with these clients comes to."""
    path = folder / "experiment.yaml"
    path.write_text(json.dumps({"tasks": [{"task": "density", "with": {"cluster": "b", "clients": clients}}]}))
    [task] = load_experiment(path)
    assert isinstance(task.inputs, DensityInputs)
    return task.inputs.clients


def test_clients_are_given_in_a_document(tmp_path: Path) -> None:
    """Load was pods alone; now lists, watches, gets and patches go beside it, with what was not said filled in."""
    stale = {**LIST, "consistency": "cache", "clients": 5, "as": "run"}
    paged = {**LIST, "name": "paged", "scope": "cluster", "limit": 500, "labelSelector": "app=load-1", "rate": 0.5}

    watch = {**WATCH, "clients": 50, "as": "serviceAccount"}
    assert groups(tmp_path, stale, paged, watch, GET, {**PATCH, "size": 4096}) == (
        ClientGroup(name="lists", verb=Verb.LIST, resource="pods", consistency=Consistency.CACHE, clients=5, rate=2.0),
        ClientGroup(
            name="paged",
            verb=Verb.LIST,
            resource="pods",
            scope=Scope.CLUSTER,
            limit=500,
            label_selector="app=load-1",
            rate=0.5,
        ),
        ClientGroup(name="watches", verb=Verb.WATCH, resource="pods", clients=50, own_account=True),
        ClientGroup(name="gets", verb=Verb.GET, resource="configmaps", rate=5.0, objects=10, size=1024),
        ClientGroup(name="patches", verb=Verb.PATCH, resource="configmaps", rate=5.0, objects=10, size=4096),
    )


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        pytest.param([GET, GET], "the name gets is given twice", id="one name for two"),
        pytest.param([{**LIST, "name": "Lists"}], "clients[0].name: must be a DNS label", id="a name in upper case"),
        pytest.param([{**LIST, "name": "a/b"}], "clients[0].name", id="a name that is a path"),
        pytest.param([{**LIST, "verb": "delete"}], "clients[0].verb", id="a verb that destroys"),
        pytest.param([{**LIST, "resource": "clusterroles"}], "clients[0].resource", id="another resource"),
        pytest.param([{**WATCH, "rate": 1}], "a watch has no rate", id="watch with rate"),
        pytest.param([{**WATCH, "limit": 1}], "only lists have pages", id="watch with limit"),
        pytest.param([{**WATCH, "consistency": "cache"}], "only lists and gets have", id="watch with consistency"),
        pytest.param([{**GET, "limit": 1}], "only lists have pages", id="get with limit"),
        pytest.param([{**GET, "scope": "cluster"}], "only lists and watches have a scope", id="get with scope"),
        pytest.param([{**GET, "labelSelector": "a=b"}], "only lists and watches have sel", id="get with selector"),
        pytest.param([{**GET, "resource": "pods"}], "are listed or watched", id="get of what comes and goes"),
        pytest.param([{**PATCH, "resource": "nodes"}], "patches nothing but what it made", id="patch of others'"),
        pytest.param([{**PATCH, "consistency": "quorum"}], "only lists and gets have", id="patch with consistency"),
        pytest.param([{**LIST, "size": 100}], "objects are made only for", id="list with a size"),
        pytest.param([{**GET, "resource": "nodes", "size": 100}], "nodes are there", id="size of nodes"),
        pytest.param([{**LIST, "resourceVersion": "0"}], "resourceVersion: unknown key", id="resourceVersion"),
        pytest.param([{**LIST, "consistency": "cache", "limit": 5}], "ignores limit", id="pages from the cache"),
        pytest.param([{**LIST, "resource": "nodes", "scope": "namespace"}], "in no namespace", id="nodes in one"),
        pytest.param([{**LIST, "rate": None}], "rate: is required", id="no rate"),
        pytest.param([{**LIST, "rate": 0}], "rate", id="a rate of zero"),
        pytest.param([{**LIST, "rate": 1e-300}], "0.001 to 1,000 a second", id="a rate of never"),
        pytest.param([{**LIST, "rate": 1001}], "take more clients for more", id="more than a client can"),
        pytest.param([{**LIST, "as": "root"}], "clients[0].as: ", id="somebody else"),
        pytest.param([{**LIST, "as_": "serviceAccount"}], "as_: unknown key", id="a field of ours"),
        pytest.param([{**LIST, "clients": 0}], "clients[0].clients", id="nobody"),
        pytest.param([{**LIST, "labelSelector": "a=\nb"}], "labelSelector: must be a sel", id="a line in a selector"),
        pytest.param([{**LIST, "labelSelector": "é"}], "labelSelector: must be a sel", id="letters of no label"),
        pytest.param([{**PATCH, "size": 1 << 20}], "clients[0].size", id="more than a ConfigMap holds"),
        pytest.param([{**LIST, "clients": 600}, {**WATCH, "clients": 401}], "1,001 clients", id="too many"),
        pytest.param([{**LIST, "clients": 11, "rate": 1000}], "11,000 requests a second", id="too fast"),
        pytest.param([{**GET, "objects": 600}, {**PATCH, "objects": 600}], "1,200 objects", id="too many objects"),
        pytest.param([{**GET, "objects": 1000, "size": 100_000}], "100,000,000 bytes", id="too many bytes"),
        pytest.param([{**PATCH, "rate": 60, "size": 200_000}], "would take some 3.4 GiB", id="more than etcd holds"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, clients: list[dict[str, Any]], said: str) -> None:
    """It is told which entry is wrong and why, before anything is loaded."""
    with pytest.raises(ConfigurationError) as refused:
        groups(tmp_path, *clients)

    assert said in refused.value.message


NODES = ["autox-density-00000000-0", "autox-density-00000000-1"]
SPACE = "/api/v1/namespaces/autox-density-00000000"


@pytest.mark.parametrize(
    ("clients", "path"),
    [
        (LIST, f"{SPACE}/pods"),
        ({**LIST, "consistency": "cache"}, f"{SPACE}/pods?resourceVersion=0"),
        ({**LIST, "scope": "cluster", "limit": 5}, "/api/v1/pods?limit=5"),
        (
            {**LIST, "labelSelector": "a in (b, c)&limit=1#x", "fieldSelector": "spec.nodeName=n"},
            f"{SPACE}/pods?labelSelector=a%20in%20%28b%2C%20c%29%26limit%3D1%23x&fieldSelector=spec.nodeName%3Dn",
        ),
        ({**LIST, "resource": "nodes"}, "/api/v1/nodes"),
        (
            {**WATCH, "resource": "endpointslices"},
            "/apis/discovery.k8s.io/v1/namespaces/autox-density-00000000/endpointslices?watch=1&resourceVersion=0",
        ),
        ({**GET, "resource": "secrets"}, f"{SPACE}/secrets/client-gets-5"),
        ({**GET, "resource": "nodes", "consistency": "cache"}, f"/api/v1/nodes/{NODES[1]}?resourceVersion=0"),
        (
            {**GET, "resource": "leases"},
            f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODES[1]}",
        ),
        (PATCH, f"{SPACE}/configmaps/client-patches-5"),
    ],
)
def test_what_is_asked(tmp_path: Path, clients: dict[str, Any], path: str) -> None:
    """The third client's second request of three, by its path: nothing that a selector says leaves its place."""
    [group] = groups(tmp_path, {**clients, "clients": 3})

    assert Asking(group, MARKS, nodes=NODES).call(1, 2).path == path


def test_each_patch_writes_something_new(tmp_path: Path) -> None:
    """A patch that changes nothing is not written, and would be no load."""
    [group] = groups(tmp_path, {**PATCH, "clients": 3, "objects": 2, "size": 16})
    asking = Asking(group, MARKS, nodes=NODES)

    calls = [asking.call(number, index) for number in range(10) for index in range(3)]

    assert {call.path for call in calls} == {f"{SPACE}/configmaps/client-patches-{number}" for number in range(2)}
    assert len({call.body for call in calls}) == 30
    assert {len(json.loads(call.body)["data"]["payload"]) for call in calls if isinstance(call.body, bytes)} == {16}


PAGE = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"eyJ2-_=","remaining'


@pytest.mark.parametrize(
    ("limit", "beginning", "is_answer", "following"),
    [
        (5, PAGE + b'ItemCount":3},"items":[{"metadata":', True, "eyJ2-_="),
        (5, PAGE[:64] + b'},"items":[{"metadata":{"annotations":{"a":"\\"continue\\":\\"x\\""}}}', True, ""),
        (5, PAGE[:64] + b'},"items":[]}\n', True, ""),
        (5, PAGE, False, ""),
        (0, PAGE, True, ""),
        (0, b'{"kind":"Status","apiVersion":"v1"}', False, ""),
        (0, b"<html>please sign in</html>", False, ""),
        (0, b"", False, ""),
        (5, b"k8s\x00\n\x0c\n\x02v1\x12", False, ""),
    ],
)
def test_what_an_answer_must_be(*, limit: int, beginning: bytes, is_answer: bool, following: str) -> None:
    """Of a list its beginning is read and no more: what a pod says is no next page, a sign-in page no list."""
    group = ClientGroup(name="lists", verb=Verb.LIST, resource="pods", rate=1.0, limit=limit)
    asking = Asking(group, MARKS, nodes=())

    assert (asking.is_answer(beginning), asking.following(beginning)) == (is_answer, following)

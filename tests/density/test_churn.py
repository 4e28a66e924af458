"""Churn: what goes and comes again, what of it makes no sense, and what is said of what did not come again."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from autox.core.loads.churning import created_again, namespaces_taken, taken
from autox.core.loads.workloads import Planned, expand
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.kube.objects import Listing, Object, metadata
from autox.model.errors import ConfigurationError, ConflictError, ForbiddenError, NotFoundError
from autox.model.refs import PODS, Resource
from autox.model.result import NoteKind
from autox.model.workload import Churn, Churned, ObjectGroup, ObjectKind, Steady, Step, WorkloadPlan
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.load.draining import evict_all
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.load.turnover import Turnover
from autox.tasks.density.observation.leasetimes import LeaseTimes
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.figures import demands, metrics
from tests.density.samples import GOOD, INPUTS, all_running, measured, seen
from tests.density.test_presets import inputs

DEPLOYMENTS = {"kind": "Deployment", "count": 3, "replicas": 4}


def plan(*groups: dict[str, Any], **more: object) -> dict[str, Any]:
    """A plan of one step, as it is written."""
    return {"steps": [{"name": "s", "objects": list(groups), "rate": {"qps": 1}}], **more}


def made(*groups: ObjectGroup, namespaces: int = 1) -> list[Planned]:
    """The objects of a plan of one step."""
    step = Step(name="s", objects=groups, rate=Steady(qps=100.0))
    return list(expand(WorkloadPlan(steps=(step,), namespaces=namespaces), nodes=1))


@pytest.mark.parametrize(
    ("share", "cycles", "names"),
    [
        (0.5, 2, [["d-0", "d-1"], ["d-2", "d-0"]]),
        (0.01, 4, [["d-0"], ["d-1"], ["d-2"], ["d-0"]]),
        (1.0, 2, [["d-0", "d-1", "d-2"]] * 2),
        (0.34, 1, [["d-0", "d-1"]]),
    ],
)
def test_it_takes_the_deployments_in_turn(share: float, cycles: int, names: list[list[str]]) -> None:
    """At least one of three in each cycle, and nothing else of the plan; they are due at the rate of churn."""
    jobs = ObjectGroup(kind=ObjectKind.JOB, count=5)
    objects = made(jobs, ObjectGroup(kind=ObjectKind.DEPLOYMENT, name="d-{index}", count=3, replicas=4))
    found = list(created_again(objects, Churn(share=share, cycles=cycles, qps=4.0), namespaces=1))

    assert [[each.name for each in cycle] for cycle in found] == names
    assert [[each.at for each in cycle] for cycle in found] == [
        [index / 4 for index in range(len(each))] for each in names
    ]


def test_it_takes_a_share_and_no_more() -> None:
    """Seven of a hundred are 7 %, though 0.07 times 100 is a little more than 7 to a computer."""
    assert [len(next(taken(range(100), Churn(share=share / 100)))) for share in range(1, 101)] == [*range(1, 101)]


def test_namespaces_go_with_all_that_is_in_them() -> None:
    """In turn, every kind of object, in the order of the plan; the first one, with the run's sign of life, never."""
    objects = made(
        ObjectGroup(kind=ObjectKind.DEPLOYMENT, name="d-{index}", count=4),
        ObjectGroup(kind=ObjectKind.SERVICE, name="s-{index}", count=4),
        namespaces=3,
    )
    churn = Churn(of=Churned.NAMESPACES, share=0.5, cycles=3, qps=2.0)

    assert list(namespaces_taken(churn, namespaces=3)) == [[1], [2], [1]]
    found = list(created_again(objects, churn, namespaces=3))
    assert [[each.name for each in cycle] for cycle in found] == [["d-1", "s-1"], ["d-2", "s-2"], ["d-1", "s-1"]]
    assert [each.at for each in found[0]] == [0.0, 0.5]


def test_no_object_is_made_again_for_nodes() -> None:
    """Their pods are made by the controllers that they belong to."""
    objects = made(ObjectGroup(kind=ObjectKind.DEPLOYMENT, count=4))
    for of in (Churned.NODES, Churned.DRAINED_NODES):
        assert list(created_again(objects, Churn(of=of, share=1.0, cycles=2), namespaces=1)) == []


@pytest.mark.parametrize(
    ("churn", "said"),
    [
        pytest.param({}, "share", id="no share"),
        pytest.param({"share": "0%"}, "share", id="nothing"),
        pytest.param({"share": "101%"}, "share", id="more than all"),
        pytest.param({"share": "-5%"}, "share", id="less than nothing"),
        pytest.param({"share": "ten"}, "share", id="a word"),
        pytest.param({"share": 0.1}, "share", id="a number"),
        pytest.param({"share": "NaN%"}, "share", id="NaN"),
        pytest.param({"share": "10%", "cycles": 0}, "cycles", id="no cycle"),
        pytest.param({"share": "10%", "cycles": 1_001}, "cycles", id="too many cycles"),
        pytest.param({"share": "10%", "qps": 0}, "qps", id="no rate"),
        pytest.param({"share": "10%", "cycles": 4, "pause": "100s"}, "are due after 30", id="pauses beyond the time"),
        pytest.param({"share": "10%", "of": "pods"}, "churn.of", id="of what nobody can"),
        pytest.param({"share": "10%", "of": "namespaces"}, "first namespace never goes", id="of one namespace"),
        pytest.param({"share": "10%", "of": "nodes", "cycles": 8}, "are due after 32", id="pods collected too late"),
        pytest.param({"share": "91%", "of": "nodes"}, "10 of 10 virtual nodes are away", id="of all nodes"),
        pytest.param({"share": "100%", "of": "drained-nodes"}, "room for 0 pods, and there are 12", id="all drained"),
    ],
)
def test_what_makes_no_sense_is_refused(churn: dict[str, Any], said: str) -> None:
    """Where it is written."""
    with pytest.raises(ConfigurationError, match=said):
        inputs({"plan": plan(DEPLOYMENTS), "churn": churn})


def test_what_has_nothing_to_churn_is_refused() -> None:
    """Without Deployments there are none to delete."""
    with pytest.raises(ConfigurationError, match="no Deployments to delete"):
        inputs({"plan": plan({"kind": "ConfigMap"}), "churn": {"share": "10%"}})


def test_pods_of_daemon_sets_need_no_other_place() -> None:
    """A node that is away takes its own with it: nobody has to have room for them."""
    full = plan({"kind": "Deployment", "replicas": 100}, {"kind": "DaemonSet", "count": 10})
    section = {"plan": full, "nodes": 2, "churn": {"of": "drained-nodes", "share": "1%"}}

    assert inputs(section).churn == Churn(of=Churned.DRAINED_NODES, share=0.01)
    with pytest.raises(ConfigurationError, match="room for 110 pods, and there are 111"):
        inputs(section | {"latencyPods": 1})


@pytest.mark.parametrize("resource", ["nodes", "leases"])
def test_clients_that_get_nodes_need_them(resource: str) -> None:
    """What they get would not be there for a minute: refused beside churn of nodes, and welcome beside drains."""
    section = {"clients": [{"name": "gets", "verb": "get", "resource": resource, "rate": 1}]}
    churn = {"share": "10%"}

    assert inputs(section | {"churn": churn | {"of": "drained-nodes"}}).clients
    with pytest.raises(ConfigurationError, match=f"stands without clients that get {resource}: gets would find"):
        inputs(section | {"churn": churn | {"of": "nodes"}})


def test_a_node_that_is_away_is_not_late() -> None:
    """Its lease is not awaited, and begins anew when it is back; those of all others are."""
    leases = LeaseTimes({"run-0", "run-1"})
    for name in ("run-0", "run-1"):
        leases.present(name, "t0", at=0.0)
    leases.leave("run-0")
    leases.present("run-0", "t1", at=0.1)  # it was under way
    assert leases.lateness(at=50.0) == [40.0]
    leases.come_back("run-0")
    leases.present("run-0", "t2", at=60.0)
    leases.present("run-0", "t3", at=71.0)

    assert leases.lateness(at=71.0) == [1.0, 61.0]


@pytest.mark.parametrize(
    ("turnover", "came", "demanded", "told"),
    [
        (
            Turnover(of=Churned.NODES, asked=2, back=2, pods=2),
            2,
            {"density/churned-pods": (2, 2), "density/churned-nodes": (2, 2)},
            [],
        ),
        (
            Turnover(of=Churned.DRAINED_NODES, asked=2, back=1, pods=2, refused=3, trouble="a budget"),
            1,
            {"density/churned-pods": (1, 2), "density/churned-nodes": (1, 2)},
            [
                "1 of 2 pods of churn did not come and run again within the time",
                "1 of 2 nodes of churn did not go and come again within the time",
                "evictions were refused 3 times; the last: a budget",
            ],
        ),
        (
            Turnover(of=Churned.NAMESPACES, asked=1),
            0,
            {"density/churned-namespaces": (0, 1)},
            ["1 of 1 namespaces of churn did not go and come again within the time"],
        ),
    ],
    ids=["all", "half of them", "no pods"],
)
def test_what_did_not_come_again_never_passes(
    turnover: Turnover, came: int, demanded: dict[str, tuple[int, int]], told: list[str]
) -> None:
    """Neither pods nor what they were on; an eviction that was refused is the cause where there is one."""
    churned = seen(*all_running(*(float(number) for number in range(came))))
    found = replace(measured(seen(*all_running(*GOOD))), turnover=turnover, churned=churned)
    named = {each.name: each.value for each in metrics(found, INPUTS)}
    said = [each for each in notes(found, Sent(created=4), Hindrance(), None) if each.kind is NoteKind.TARGET]

    limits = {each.metric: each.limit for each in demands(found, INPUTS) if "churned" in each.metric}
    assert {name: (named[name], limit) for name, limit in limits.items()} == demanded
    assert [each.text for each in said] == told
    assert named["density/pods-as-asked"] == 4


LABELS = RunLabels(run="run", namespace="autox-density-00000000")


class Evicting(KubeClient):
    """A client whose server answers each eviction with what is said of the pod."""

    def __init__(self, *pods: Object) -> None:
        super().__init__(Connection(server="https://nowhere.invalid", origin="nowhere"))
        self.pods = pods
        self.asked: list[Object] = []

    async def list_metadata(self, resource: Resource, **selection: Any) -> Listing:
        """The pods."""
        assert resource is PODS
        assert selection["field_selector"] == "spec.nodeName=n"
        assert selection["label_selector"].endswith(LABELS.namespace)
        return Listing(items=list(self.pods), resource_version="1")

    async def create(self, resource: Resource, body: Object, **of: Any) -> Object:
        """Evict."""
        assert (resource, of["subresource"]) == (PODS, "eviction")
        self.asked.append(body)
        for error in (NotFoundError, ConflictError, ForbiddenError):
            if error.__name__ == of["name"]:
                raise error("no")
        return {}


def pod_of(maker: str, name: str) -> Object:
    """A pod that something has made."""
    owner = {"kind": maker, "name": "x", "controller": True}
    return {"metadata": {"name": name, "namespace": "here", "uid": f"uid-{name}", "ownerReferences": [owner]}}


async def test_pods_are_evicted_as_by_kubectl() -> None:
    """Each by its uid, those of DaemonSets never; one that is gone, or is another by now, is evicted already."""
    kube = Evicting(*(pod_of("ReplicaSet", name) for name in ("a", "NotFoundError", "ConflictError")))
    kube.pods += (pod_of("DaemonSet", "stays"),)

    await evict_all(kube, LABELS, "n", asyncio.Semaphore(1), lambda _: None)

    assert [metadata(each)["name"] for each in kube.asked] == ["a", "NotFoundError", "ConflictError"]
    assert kube.asked[0]["deleteOptions"] == {"preconditions": {"uid": "uid-a"}}
    assert (kube.asked[0]["apiVersion"], kube.asked[0]["kind"]) == ("policy/v1", "Eviction")


async def test_who_may_not_evict_is_told() -> None:
    """It ends the run, in the API server's words."""
    kube = Evicting(pod_of("ReplicaSet", "ForbiddenError"))

    with pytest.raises(ExceptionGroup) as caught:
        await evict_all(kube, LABELS, "n", asyncio.Semaphore(1), lambda _: None)

    assert caught.group_contains(ForbiddenError)


def test_the_presets_of_nodes_find_room() -> None:
    """On as few nodes as can be: on one there is no other."""
    for name in ("node-drain", "node-churn"):
        assert inputs({"preset": {"name": name, "pods": 110}, "nodes": 2}).nodes == 2
        with pytest.raises(ConfigurationError, match="1 of 1 virtual nodes are away"):
            inputs({"preset": {"name": name, "pods": 10}, "nodes": 1})

"""Loads by name: each is what is printed of it, makes sense as it is, and runs."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

import pytest

from autox.api.documents import checked
from autox.api.tasks.density.kind import DensitySection
from autox.api.tasks.density.presets import PRESETS, PresetSection
from autox.core.formats.yamltext import read_yaml
from autox.core.loads.workloads import expand, plan_of, pods
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.refs import Resource
from autox.model.workload import ObjectKind
from autox.tasks.context import Findings
from autox.tasks.density.dryrun import forecast
from autox.tasks.density.task import run as run_task
from tests.clusters import LocalCluster, run
from tests.density.conftest import begun, context_on, left_behind

EACH = pytest.mark.parametrize("name", PRESETS)
SMALL: Mapping[str, Mapping[str, float]] = {
    "pod-density": {"pods": 12, "latencyPods": 2},
    "cluster-density": {"namespaces": 2},
    "scheduler-throughput": {"pods": 12},
    "few-large": {"pods": 12},
    "many-small": {"pods": 6},
    "service-churn": {"services": 2},
    "config-churn": {"objects": 4, "rate": 1, "clients": 1},  # eight seconds: a tenth of the patches may be missing
    "jobs": {"jobs": 3},
    "list-storm": {"pods": 6, "clients": 1},
    "watch-fan-out": {"pods": 20, "rate": 1, "clients": 3},  # ten seconds: who watches a tenth of it less fails
    "node-drain": {"pods": 8, "cycles": 1},
    "node-churn": {"pods": 4, "cycles": 1},
    "megaxl": {},
}
BESIDE: Mapping[str, Mapping[str, Any]] = {
    "cluster-density": {"churn": {"of": "namespaces", "share": "100%", "qps": 50}},
    "node-drain": {"nodes": 2},
    "node-churn": {"nodes": 2, "timeout": "180s"},
}
"""More of their sections: whole namespaces of one go and come again, and where nodes do there have to be two."""
BUDGETS = Resource(group="policy", version="v1", plural="poddisruptionbudgets", kind="PodDisruptionBudget")


def inputs(section: Mapping[str, Any], **more: object) -> DensityInputs:
    """What the task is told by a section."""
    found = checked({"cluster": "b", **section, **more}, DensitySection, what="it")
    return found.value(Path(), ())


def presets(*argv: str) -> str:
    """What ``autox density presets`` prints."""
    done = run(sys.executable, "-m", "autox", "density", "presets", *argv, environ={"PATH": "/usr/bin:/bin"})
    assert done.code == 0, done.err
    return done.out


@EACH
def test_it_is_what_is_printed_of_it(name: str) -> None:
    """Who takes the printed plan in its place has the same load, object for object, and the parameters it names."""
    said = presets(name)
    section = read_yaml(said.encode())["density"]

    assert inputs(section) == inputs({"preset": {"name": name, **PRESETS[name].parameters}})
    assert inputs(section) == inputs({"preset": {"name": name}})
    assert all(f"{key}: {value:g}" in said.splitlines()[1] for key, value in PRESETS[name].parameters.items())


def test_all_are_listed() -> None:
    """Each with what it shows; and there is none that a document may not name."""
    listed = dict(line.split(maxsplit=1) for line in presets().splitlines()[1:])

    assert listed == {name: each.shows for name, each in PRESETS.items()}
    assert set(PRESETS) == set(get_args(PresetSection.model_fields["name"].annotation)) == set(SMALL)


def test_few_large_and_many_small_are_equal_but_for_the_deployments() -> None:
    """What differs between the two is what a Deployment costs, and nothing else."""
    few, many = (forecast(inputs({"preset": {"name": name, "pods": 250}})) for name in ("few-large", "many-small"))

    assert few.pods == many.pods == 250
    assert (few.objects, many.objects) == ({ObjectKind.DEPLOYMENT: 3}, {ObjectKind.DEPLOYMENT: 250})
    assert few.digest != many.digest


@pytest.mark.parametrize(
    ("nodes", "wanted"), [(10, 300), (100, 3_000), (101, 3_030), (5_000, 150_000), (9_000, 150_000)]
)
def test_megaxl_fills_the_nodes(nodes: int, wanted: int) -> None:
    """Thirty pods on each, never more than a cluster is said to hold, in namespaces of three thousand at most."""
    load = inputs({"preset": {"name": "megaxl"}, "nodes": nodes}, timeout="2h") if nodes < 9_000 else None
    plan = PRESETS["megaxl"].fragment({}, nodes=nodes)["plan"]

    assert sum(each["replicas"] * each.get("count", 1) for each in plan["steps"][0]["objects"]) == wanted
    assert plan["namespaces"] == -(-wanted // 3_000)
    if load is not None:
        assert (
            pods(plan_of(load), nodes=nodes) == sum(each.pods for each in expand(plan_of(load), nodes=nodes)) == wanted
        )


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"preset": {"name": "few-larg"}}, "preset.name"),
        ({"preset": {}}, "preset.name"),
        ({"preset": {"name": "jobs", "pods": 5}}, "jobs has no pods, but jobs, rate"),
        ({"preset": {"name": "megaxl", "pods": 5, "jobs": 1}}, "megaxl has no jobs and no pods, but rate"),
        ({"preset": {"name": "jobs", "rate": 0}}, "preset.rate"),
        ({"preset": {"name": "jobs", "jobs": -1}}, "preset.jobs"),
        ({"preset": {"name": "few-large", "pods": 1_101}}, "room for 1,100 pods, and 1,101"),
        ({"preset": {"name": "jobs"}, "pods": 10}, "give either preset or pods"),
        ({"preset": {"name": "jobs"}, "plan": {"steps": []}}, "plan.steps"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(section: dict[str, Any], said: str) -> None:
    """By name, where it is written."""
    with pytest.raises(ConfigurationError) as caught:
        inputs(section)

    assert said in caught.value.message


def test_what_is_given_beside_it_takes_the_place_of_its_own() -> None:
    """Latency pods, churn and clients of the user's, and none of the preset's with them."""
    churn = {"share": "50%"}
    found = inputs({"preset": {"name": "service-churn"}, "churn": churn, "latencyPods": 3})
    none = inputs({"preset": {"name": "pod-density"}, "latencyPods": 0})

    assert found.churn is not None
    assert (found.churn.share, found.churn.cycles, found.latency_pods, none.latency_pods) == (0.5, 1, 3, 0)


@pytest.mark.integration
async def test_each_runs(cluster: LocalCluster, own: KubeClient) -> None:
    """Small, a few at a time: every object comes, every pod runs, what goes comes again, and nothing of any is left.

    No pod may be evicted, says a PodDisruptionBudget, until it is gone: so all are asked for again.
    """
    places = asyncio.Semaphore(4)
    refused: list[str] = []

    async def one(name: str) -> tuple[str, dict[str, float | None]]:
        said: list[str] = []
        section = {"preset": {"name": name, **SMALL[name]}, "nodes": 1, "timeout": "120s", "allowSelf": True}
        more = {"cluster": None, "kubeconfig": str(cluster.home.kubeconfig), **BESIDE.get(name, {})}
        load = inputs({**section, **more})
        # NB: who waits a minute until Kubernetes has collected pods of a node that is gone keeps nobody from his place.
        async with places if name != "node-churn" else nullcontext():
            running = asyncio.create_task(run_task(load, context_on(own, said)))
            if name == "node-drain":
                await refuse_at_first(own, running, said)
            findings = await running
        refused.extend(note.text for note in findings.notes if "evictions were refused" in note.text)
        found = {each.name: each.value for each in findings.metrics}
        told = forecast(load)
        wanted = {each.metric: each.limit for each in findings.demands} | {
            "density/objects-as-asked": sum(told.objects.values()) - load.latency_pods,
            "density/pods-running": told.pods - load.latency_pods,
        }
        return name, {each: found[each] for each, limit in wanted.items() if found[each] != limit}

    assert dict(await asyncio.gather(*map(one, PRESETS))) == {name: {} for name in PRESETS}
    assert len(refused) == 1, refused
    assert "disruption budget" in refused[0]
    assert left_behind(cluster) == []


async def refuse_at_first(own: KubeClient, running: asyncio.Task[Findings], said: list[str]) -> None:
    """Have a PodDisruptionBudget in the namespace of a run until it has refused an eviction."""
    namespace = await begun(running, said)
    names = {"name": "none", "namespace": namespace}
    spec = {"maxUnavailable": 0, "selector": {}}
    await own.create(
        BUDGETS, {"apiVersion": BUDGETS.api_version, "kind": BUDGETS.kind, "metadata": names, "spec": spec}
    )
    while not any("evictions are refused" in line for line in said):
        assert not running.done(), running.result()
        await asyncio.sleep(0.05)
    await own.delete(BUDGETS, "none", namespace=namespace)

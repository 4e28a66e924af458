"""Workload plans: which objects they mean, when each is due, and what is refused where it is written."""

import json
from collections.abc import Mapping
from itertools import pairwise
from math import inf, isclose
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autox.api.experimentdocument import load_experiment
from autox.api.tasks.kind import HIDDEN
from autox.api.values import check_values
from autox.core.loads.workloads import Planned, expand, last_due, plan_of, pods, seconds
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef
from autox.model.tasks import TaskSpec
from autox.model.workload import (
    ByPods,
    ObjectGroup,
    ObjectKind,
    Parallel,
    Poisson,
    Rate,
    Stair,
    Stairs,
    Steady,
    Step,
    WorkloadPlan,
)

SECRET = "hunter2"
CHART = ChartRef(name="experiment")
CONFIG_MAP = {"kind": "ConfigMap"}


def objects(rate: Rate, *groups: ObjectGroup, nodes: int = 1) -> list[Planned]:
    """The objects of a plan of one step."""
    return list(expand(WorkloadPlan(steps=(Step(name="all", objects=groups, rate=rate),)), nodes=nodes))


def of(kind: ObjectKind, count: int = 1, replicas: int = 1) -> ObjectGroup:
    """A group."""
    return ObjectGroup(kind=kind, count=count, replicas=replicas)


def load(folder: Path, plan: object, **more: object) -> TaskSpec:
    """Load a document of a plan."""
    path = folder / "experiment.yaml"
    path.write_text(json.dumps({"tasks": [{"task": "density", "with": {"cluster": "b", "plan": plan, **more}}]}))
    return load_experiment(path)[0]


def as_values(section: object) -> None:
    """Check a section in the values of a group's experiment."""
    check_values(CHART, {"tasks": ["density"], "density": section}, what="values")


def plan(*groups: Mapping[str, Any], rate: object = None, **more: object) -> dict[str, Any]:
    """A plan of one step, as it is written."""
    return {"steps": [{"name": "all", "objects": list(groups), "rate": rate or {"qps": 100}}], **more}


@pytest.mark.parametrize(
    ("rate", "due"),
    [
        pytest.param(Steady(qps=2.0), [0, 0.5, 1, 1.5, 2, 2.5], id="qps"),
        pytest.param(ByPods(pods=10.0), [0, 0.4, 0.8, 0.9, 1.0, 1.1], id="pods"),
        pytest.param(Stairs(steps=(Stair(qps=1, duration=2), Stair(qps=4, duration=1))), [0, 1, 2, 2.25, 2.5, 2.75]),
        pytest.param(
            Stairs(steps=(Stair(qps=0.5, duration=1), Stair(qps=2, duration=1))), [0, 1.25, 1.75, 2.25, 2.75, 3.25]
        ),
        pytest.param(Parallel(requests=3), [0] * 6, id="parallel"),
    ],
)
def test_objects_are_due_as_the_rate_says(rate: Rate, due: list[float]) -> None:
    """Two Deployments of four pods and four ConfigMaps, in each shape of rate."""
    made = objects(rate, of(ObjectKind.DEPLOYMENT, 2, 4), of(ObjectKind.CONFIG_MAP, 4))

    assert [each.at for each in made] == pytest.approx(due)
    assert [each.name for each in made[1:3]] == ["all-deployment-1", "all-configmap-0"]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**53), qps=st.floats(0.1, 1_000))
def test_a_poisson_process_is_the_same_for_a_seed(seed: int, qps: float) -> None:
    """And has the rate that was asked for, give or take what chance allows in a thousand moments."""
    rate, group = Poisson(qps=qps, seed=seed), of(ObjectKind.SECRET, 1_000)
    moments = [each.at for each in objects(rate, group)]

    assert moments == [each.at for each in objects(rate, group)]
    assert moments != [each.at for each in objects(Poisson(qps=qps, seed=seed + 1), group)]
    assert all(before <= after for before, after in pairwise(moments))
    assert 0.75 < moments[-1] * qps / 1_000 < 1.25


def test_steps_follow_each_other() -> None:
    """With the pause between them and none after the last; objects are dealt to the namespaces in turn."""
    steps = (
        Step(name="a", objects=(of(ObjectKind.JOB, 3, 2), of(ObjectKind.DAEMON_SET, 1)), rate=Steady(qps=1), pause=5.0),
        Step(name="b", objects=(of(ObjectKind.STATEFUL_SET, 2, 7),), rate=Steady(qps=2), pause=9.0),
    )
    whole = WorkloadPlan(steps=steps, namespaces=2)
    made = list(expand(whole, nodes=10))

    assert [(each.name, each.at, each.namespace, each.pods) for each in made] == [
        ("a-job-0", 0, 0, 2),
        ("a-job-1", 1, 1, 2),
        ("a-job-2", 2, 0, 2),
        ("a-daemonset-0", 3, 0, 10),
        ("b-statefulset-0", 9, 0, 7),
        ("b-statefulset-1", 9.5, 1, 7),
    ]
    assert (last_due(whole, nodes=10), seconds(whole, nodes=10), pods(whole, nodes=10)) == (9.5, 10.0, 30)


@settings(max_examples=30)
@given(
    wanted=st.integers(1, 500),
    each=st.integers(1, 60),
    rate=st.floats(0.1, 1_000, allow_nan=False),
)
def test_the_short_form_is_a_plan_of_one_step(wanted: int, each: int, rate: float) -> None:
    """The pods that were asked for, the last Deployment with the rest, each due when the pods before it are."""
    short = plan_of(DensityInputs(pods=wanted, pods_per_deployment=each, rate=rate))
    made = list(expand(short, nodes=3))

    assert sum(one.pods for one in made) == wanted
    assert [one.name for one in made] == [f"load-{index}" for index in range(-(-wanted // each))]
    assert all(one.pods == each for one in made[:-1])
    assert [one.at for one in made] == [index * each / rate for index in range(len(made))]
    assert isclose(seconds(short, nodes=3), wanted / rate)


def test_a_plan_as_it_is_written(tmp_path: Path) -> None:
    """Every field, in a document and in the values of the chart; what may be a secret is shown in no report."""
    written = {
        "namespaces": 2,
        "steps": [
            {
                "name": "pods",
                "objects": [
                    {"kind": "Deployment", "count": 20, "replicas": 2, "labels": {"team": "t-{index}"}},
                    {
                        "kind": "Secret",
                        "count": 4,
                        "size": "4KiB",
                        "name": "s-{index}",
                        "annotations": {"a": SECRET},
                    },
                    {"kind": "Service", "count": 20, "template": {"spec": {"clusterIP": SECRET}}},
                ],
                "rate": {"steps": [{"qps": 5, "duration": "1s"}, {"qps": "12.5", "duration": "500ms"}]},
                "pause": "10s",
            }
        ],
    }
    task = load(tmp_path, written, nodes=3)
    as_values({"cluster": "b", "nodes": 3, "plan": written})

    assert isinstance(task.inputs, DensityInputs)
    assert task.inputs.plan is not None
    (step,) = task.inputs.plan.steps
    assert (task.inputs.plan.namespaces, step.pause) == (2, 10.0)
    assert step.rate == Stairs(steps=(Stair(qps=5, duration=1), Stair(qps=12.5, duration=0.5)))
    assert [(each.kind, each.count, each.replicas, each.size) for each in step.objects] == [
        (ObjectKind.DEPLOYMENT, 20, 2, 1024),
        (ObjectKind.SECRET, 4, 1, 4096),
        (ObjectKind.SERVICE, 20, 1, 1024),
    ]
    assert [each.selects for each in expand(task.inputs.plan, nodes=1)][-1] == "pods-deployment-19"
    assert SECRET not in json.dumps(task.shown)
    assert task.shown["plan"]["steps"][0]["objects"][2]["template"] == HIDDEN
    assert task.shown["plan"]["namespaces"] == 2


DEPLOYMENTS = {"kind": "Deployment", "count": 3}
LARGE = {"kind": "Secret", "count": 2_100, "size": "1MiB"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param({}, "steps", id="no steps"),
        pytest.param({"steps": []}, "steps", id="not one step"),
        pytest.param(plan(), "objects", id="no objects"),
        pytest.param(plan({"kind": "Pod"}), "kind", id="another kind"),
        pytest.param(plan(CONFIG_MAP, namespaces=0), "namespaces", id="no namespace"),
        pytest.param(plan(CONFIG_MAP, namespaces=1_001), "namespaces", id="too many namespaces"),
        pytest.param(plan({**CONFIG_MAP, "count": 0}), "count", id="none"),
        pytest.param(plan({**CONFIG_MAP, "count": -1}), "count", id="less than none"),
        pytest.param(plan({**CONFIG_MAP, "count": 1.5}), "count", id="half an object"),
        pytest.param(plan({**CONFIG_MAP, "count": True}), "count", id="a truth"),
        pytest.param(plan({**CONFIG_MAP, "count": 10**30}), "count", id="a number without end"),
        pytest.param(plan({**CONFIG_MAP, "size": "0B"}), "size", id="no data"),
        pytest.param(plan({**CONFIG_MAP, "size": "1025KiB"}), "size", id="data above 1 MiB"),
        pytest.param(plan({**CONFIG_MAP, "size": "1GiB"}), "size", id="far above"),
        pytest.param(plan({**CONFIG_MAP, "size": "4Kb"}), "size", id="another unit"),
        pytest.param(plan({**CONFIG_MAP, "size": "-4KiB"}), "size", id="less than no data"),
        pytest.param(plan({**CONFIG_MAP, "size": "٤KiB"}), "size", id="digits of another script"),
        pytest.param(plan({**DEPLOYMENTS, "replicas": 0}), "replicas", id="no replicas"),
        pytest.param(plan({**DEPLOYMENTS, "count": 150_000, "replicas": 150_000}), "may be 150,000", id="overflow"),
        pytest.param(plan({**DEPLOYMENTS, "replicas": 400}), "room for 1,100 pods, and 1,200", id="no room"),
        pytest.param(plan({"kind": "DaemonSet", "count": 111}), "room for 1,100 pods, and 1,110", id="DaemonSets"),
        pytest.param(plan(LARGE, rate={"parallel": 9}), "some 2.1 GiB, and etcd's quota is 2 GiB", id="too many bytes"),
        pytest.param(plan({**CONFIG_MAP, "count": 200_000}, CONFIG_MAP), "may be 200,000", id="too many objects"),
        pytest.param(plan({**CONFIG_MAP, "replicas": 2}), "replicas means nothing to a ConfigMap", id="replicas"),
        pytest.param(plan({**DEPLOYMENTS, "size": "1KiB"}), "size means nothing to a Deployment", id="size"),
        pytest.param(plan({**DEPLOYMENTS, "selects": "a"}), "selects means nothing to a Deployment", id="selects"),
        pytest.param(plan({"kind": "Service"}), "there is no pods before it", id="nothing to select"),
        pytest.param(plan(DEPLOYMENTS, {"kind": "Service", "count": 4}), "no all-deployment-3 before it", id="too few"),
        pytest.param(plan({"kind": "Service"}, DEPLOYMENTS), "to select", id="what is selected comes later"),
        pytest.param(
            plan(DEPLOYMENTS, {"kind": "Service", "name": "s", "selects": "all-deployment-1"}, namespaces=2),
            "in its namespace",
            id="selected in another namespace",
        ),
        pytest.param(plan({**CONFIG_MAP, "name": "größe"}), "name", id="a name of letters that are none"),
        pytest.param(plan({**CONFIG_MAP, "name": "Upper"}), "name", id="upper case"),
        pytest.param(plan({**CONFIG_MAP, "name": "a-"}), "ends with none of '-'", id="a name that ends with a hyphen"),
        pytest.param(plan({**CONFIG_MAP, "name": "a" * 53}), "at most 52", id="a long name"),
        pytest.param(plan({**CONFIG_MAP, "name": "{name}"}), "name", id="another word in braces"),
        pytest.param(plan({**CONFIG_MAP, "name": "a", "count": 2}), "there are two of it", id="one name for two"),
        pytest.param(plan(CONFIG_MAP, CONFIG_MAP), "there are two of it", id="two groups without names"),
        pytest.param(
            plan({**CONFIG_MAP, "name": "a-{index}", "count": 2}, {**CONFIG_MAP, "name": "a-1"}), "two", id="by chance"
        ),
        pytest.param(plan({**CONFIG_MAP, "name": "watch-probe"}), "another name", id="a name of ours"),
        pytest.param(plan({**DEPLOYMENTS, "name": "latency-{index}"}), "another name", id="names of latency pods"),
        pytest.param(plan({**CONFIG_MAP, "labels": {"app": "x"}}), "another key", id="a label of ours"),
        pytest.param(
            plan({**CONFIG_MAP, "labels": {"autox.dev/density-run": "x"}}), "another key", id="the run's label"
        ),
        pytest.param(plan({**CONFIG_MAP, "labels": {"a b": "x"}}), "a b", id="a key that is none"),
        pytest.param(plan({**CONFIG_MAP, "labels": {"a": "ü"}}), "labels", id="a value that is none"),
        pytest.param(
            plan({**CONFIG_MAP, "labels": {"a": "-{index}"}}), "labels", id="a value that begins with a hyphen"
        ),
        pytest.param(plan(CONFIG_MAP, rate={"qps": 0}), "qps", id="no rate"),
        pytest.param(plan(CONFIG_MAP, rate={"qps": -5}), "qps", id="a rate below 0"),
        pytest.param(plan(CONFIG_MAP, rate={"qps": float("nan")}), "qps", id="NaN"),
        pytest.param(plan(CONFIG_MAP, rate={"qps": inf}), "qps", id="infinite"),
        pytest.param(plan(CONFIG_MAP, rate={"poisson": "nan"}), "poisson", id="NaN as text"),
        pytest.param(plan(CONFIG_MAP, rate={"poisson": 5, "seed": -1}), "seed", id="a seed below 0"),
        pytest.param(plan(CONFIG_MAP, rate={"qps": 5, "seed": 1}), "seed is of poisson alone", id="a seed for nothing"),
        pytest.param(plan(CONFIG_MAP, rate={"qps": 5, "pods": 5}), "exactly one of", id="two rates"),
        pytest.param(plan(CONFIG_MAP, rate={"seed": 5}), "exactly one of", id="no shape"),
        pytest.param(plan(CONFIG_MAP, rate={"steps": []}), "steps", id="no stairs"),
        pytest.param(plan(CONFIG_MAP, rate={"steps": [{"qps": 5}]}), "duration", id="a stair without end"),
        pytest.param(plan(CONFIG_MAP, rate={"parallel": 0}), "parallel", id="nothing at once"),
        pytest.param(
            plan({**CONFIG_MAP, "count": 302}, rate={"qps": 1}), "are due after 301 s", id="due after the time is up"
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_written(written: dict[str, Any], said: str, tmp_path: Path) -> None:
    """In the document and in the values of a group alike, by name; it was told when the Job ran, if at all."""
    with pytest.raises(ConfigurationError) as in_document:
        load(tmp_path, written)
    with pytest.raises(ConfigurationError) as in_values:
        as_values({"cluster": "b", "plan": written})

    assert said in in_document.value.message
    assert said in in_values.value.message


@pytest.mark.parametrize(
    ("of", "beside", "said"),
    [
        ("pods", {"plan": plan(DEPLOYMENTS)}, "cannot change the pods of a plan"),
        ("rate", {"plan": plan(DEPLOYMENTS)}, "cannot change the rate of a plan"),
        ("pods", {"preset": {"name": "few-large"}}, "cannot change the pods of a plan"),
        ("nodes", {"churn": {"share": "10%"}}, "failurePoint stands without churn"),
        ("nodes", {"preset": {"name": "service-churn"}}, "failurePoint stands without churn"),
    ],
)
def test_a_search_changes_what_it_is_about(of: str, beside: dict[str, Any], said: str) -> None:
    """Of a plan every trial would be the same load; and churn would look like a fall. Nodes it can change."""
    point = {"of": of, "from": 20, "to": 100}
    with pytest.raises(ConfigurationError, match=said):
        as_values({"cluster": "b", "failurePoint": point, **beside})


@pytest.mark.parametrize("short", [{"pods": 100}, {"podsPerDeployment": 1}, {"rate": 20.0}, {"pods": 5, "rate": 1}])
def test_a_plan_stands_alone(short: dict[str, Any], tmp_path: Path) -> None:
    """Beside the short form nobody knows which of the two is meant, the defaults of it included."""
    with pytest.raises(ConfigurationError, match=f"give either plan or {', '.join(short)}"):
        load(tmp_path, plan(CONFIG_MAP), **short)

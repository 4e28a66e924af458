"""Numbers that are each allowed, and too much together: Helm refuses what a document is refused for, in its words."""

from pathlib import Path
from typing import Any

import pytest

from autox.api.documents import checked
from autox.api.tasks.density.kind import DensityValues
from autox.model.errors import ConfigurationError
from tests.charts.rendering import EXPERIMENT, helm
from tests.clusters import LocalCluster

pytestmark = pytest.mark.integration

PODS = {"kind": "Deployment"}
LISTS = {"name": "lists", "verb": "list", "resource": "pods", "rate": 2}
GETS = {"name": "gets", "verb": "get", "resource": "configmaps", "rate": 1}
STAIRS = {"steps": [{"qps": 1, "duration": "10s"}, {"qps": 0.5, "duration": "20s"}, {"qps": 7, "duration": "1s"}]}


def plan(*objects: dict[str, Any], rate: dict[str, Any], pause: str = "0.5s", **more: Any) -> dict[str, Any]:
    """A plan of these objects, and a small step after it."""
    first = {"name": "a", "objects": list(objects), "rate": rate, "pause": pause}
    last = {"name": "b", "objects": [{"kind": "ConfigMap", "count": 3}], "rate": {"qps": 10}}
    return {"plan": {"steps": [first, last]}, **more}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"pods": 1100, "latencyPods": 1}, "have room for 1,100 pods, and 1,101", id="room"),
        pytest.param({"preset": {"name": "list-storm", "pods": 5000}}, "and 5,000 were asked for", id="a preset"),
        pytest.param({"preset": {"name": "cluster-density", "namespaces": 276}}, "and 1,104 were", id="of namespaces"),
        pytest.param({"nodes": 4, "preset": {"name": "pod-density"}}, "and 550 were asked for", id="its own numbers"),
        pytest.param(
            plan({**PODS, "count": 1500, "replicas": 101}, rate={"parallel": 9}), "pods are 151,500 in all", id="pods"
        ),
        pytest.param(
            plan({"kind": "Secret", "count": 200_000}, rate={"parallel": 9}), "objects are 200,003 in all", id="objects"
        ),
        pytest.param(
            plan({"kind": "Secret", "count": 3000, "size": "1MiB"}, rate={"parallel": 9}), "some 2.9 GiB", id="bytes"
        ),
        pytest.param(
            {"clients": [{**GETS, "verb": "patch", "rate": 60, "size": 200_000}]}, "some 3.4 GiB", id="revisions"
        ),
        pytest.param({"pods": 110, "rate": 1, "timeout": "1m40s"}, "are due after 100 s, and the time", id="no time"),
        pytest.param(
            {"pods": 100, "rate": "20", "latencyPods": 600, "timeout": "2m"},
            "100 pods at 20 a second and 600 latency pods are due after 124.5 s",
            id="latency pods",
        ),
        pytest.param(
            plan({**PODS, "count": 9, "replicas": 10}, {"kind": "DaemonSet"}, rate={"pods": 0.5}, timeout="3m"),
            "the last objects of the plan are due after 200.7 s",
            id="pods of a plan",
        ),
        pytest.param(plan({**PODS, "count": 100}, rate=STAIRS, timeout="40s"), "due after 42.13 s", id="stairs"),
        pytest.param({"churn": {"of": "nodes", "share": "10%", "cycles": 8}}, "due after 324.5 s", id="churn"),
        pytest.param({"failurePoint": {"of": "pods", "from": 100, "to": 3000}}, "3,000 were asked for", id="a search"),
        pytest.param({"nodes": 10_001}, "can keep 10,000: share them out with agents: 2", id="nodes"),
        pytest.param({"nodes": 30_001, "agents": 3}, "share them out with agents: 4", id="nodes of agents"),
        pytest.param({"nodes": 2, "agents": 3}, "each agent needs a node", id="agents"),
        pytest.param({"clients": [LISTS, LISTS]}, "the name lists is given twice", id="one name for two"),
        pytest.param(
            {"clients": [{**LISTS, "clients": 10, "rate": 1000}, {**LISTS, "name": "b", "rate": 0.5}]},
            "10,000.5 requests a second",
            id="too fast",
        ),
        pytest.param(
            {"clients": [{**GETS, "objects": 1000, "size": 100_000}]}, "100,000,000 bytes (objects", id="client bytes"
        ),
    ],
)
def test_a_sum_is_refused_as_a_document_is(
    cluster: LocalCluster, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    """`helm install` took it, and the Job ended with an error a minute later."""
    section = {"cluster": "b", **given}
    with pytest.raises(ConfigurationError) as refused:
        checked(section, DensityValues, what="values")
    slos = {"SLOs": {"upper": {"density/pods-failed": 1}}}
    values = {"tasks": ["density", "assess"], "density": section, "assess": slos}

    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    sentence = refused.value.message.removeprefix("values: ")
    assert said in sentence
    assert done.code != 0
    assert f"density: {sentence}" in done.err


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"pods": 110, "rate": 1, "timeout": "101s", "latencyPods": None}, id="just in time"),
        pytest.param(plan({**PODS, "count": 100}, rate=STAIRS, timeout="43s"), id="stairs"),
        pytest.param({"nodes": 10_000, "pods": 150_000, "rate": 1000, "timeout": "1h"}, id="all that there may be"),
        pytest.param(plan({**PODS, "count": 9}, rate={"poisson": 20}), id="by chance"),
        pytest.param({"preset": {"name": "megaxl"}}, id="a preset of nodes"),
        pytest.param({"preset": {"name": "service-churn", "services": 220}}, id="a preset that just fits"),
        pytest.param({"nodes": 20_000, "agents": 2, "nodeSelector": None}, id="agents"),
        pytest.param({"nodes": 20_000, "agents": None, "nodeSelector": {}}, id="nodes of others"),
    ],
)
def test_what_a_document_may_have_a_chart_may(cluster: LocalCluster, tmp_path: Path, given: dict[str, Any]) -> None:
    """A chart that refused more than the Job would be in the way of loads that are fine."""
    section = {"cluster": "b", **given}
    checked({name: value for name, value in section.items() if value is not None}, DensityValues, what="values")

    done = helm(
        cluster, "template", "trial", EXPERIMENT, values={"tasks": ["density"], "density": section}, folder=tmp_path
    )

    assert done.code == 0, done.err

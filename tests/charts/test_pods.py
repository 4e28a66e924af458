"""Pods where, as what and with what their users want them: the same values for every chart and every kind of pod."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from autox.api.chart import ControllerValues
from autox.api.nodeschart import NodesChartValues
from autox.api.pods import PodOptions
from autox.api.values import ExperimentValues
from tests.api.samples import SPEC, VALUES, changed
from tests.charts.rendering import AUTOX, EXPERIMENT, ROOT, Object, helm, rendered
from tests.clusters import LocalCluster

pytestmark = pytest.mark.integration

NODES = str(ROOT / "charts" / "nodes")
DENSITY = {"tasks": ["density"], "density": {"kubeconfigSecret": "b"}}
LOOPS = {**VALUES, "runner": "cronjob", "cronjobSchedule": "0 6 * * *", "timeZone": "Europe/Berlin"}
OPTIONS: Object = {
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "ssd", "rack": "12"},
    "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "load", "effect": "NoSchedule"}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "shop"}}}
            ]
        }
    },
    "priorityClassName": "high",
    "podLabels": {"team": "shop", "sidecar.istio.io/inject": "false"},
    "podAnnotations": {"prometheus.io/port": "8080", "note": "a: {b}"},
    "env": [
        {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "load", "optional": True}}},
    ],
}
CHARTS: dict[str, tuple[str, type[PodOptions], Object]] = {
    "a job": (EXPERIMENT, ExperimentValues, VALUES),
    "a cronjob": (EXPERIMENT, ExperimentValues, LOOPS),
    "a sidecar": (EXPERIMENT, ExperimentValues, DENSITY),
    "the controller": (AUTOX, ControllerValues, {"groups": {"web": SPEC}}),
    "agents": (NODES, NodesChartValues, {"kubeconfigSecret": "b", "stages": {"seed": 1}}),
}


def pods(objects: list[Object]) -> list[Object]:
    """The pods of what was rendered, as templates."""
    found = []
    for each in objects:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if each["kind"] == "Pod":
            found.append(each)
        elif "template" in spec:
            found.append(spec["template"])
    return found


def containers(pod: Object) -> list[Object]:
    """Those of a pod, sidecars included."""
    found: list[Object] = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    return found


@pytest.mark.parametrize("chart", CHARTS)
def test_every_pod(cluster: LocalCluster, tmp_path: Path, chart: str) -> None:
    """Each pod of each chart takes all of it, beside its own; there was no way to say any of this."""
    path, _, values = CHARTS[chart]
    before = pods(rendered(cluster, path, values=values, folder=tmp_path))
    after = pods(rendered(cluster, path, values={**values, **OPTIONS}, folder=tmp_path))

    assert len(before) == len(after) == (3 if chart == "the controller" else 1)
    for old, new in zip(before, after, strict=True):
        spec = new["spec"]
        for key in ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName"):
            assert (key in old["spec"], spec[key]) == (False, OPTIONS[key])
        assert spec["affinity"] == old["spec"].get("affinity", {}) | OPTIONS["affinity"]
        assert new["metadata"]["labels"] == old["metadata"]["labels"] | OPTIONS["podLabels"]
        assert new["metadata"]["annotations"] == old["metadata"].get("annotations", {}) | OPTIONS["podAnnotations"]
        assert spec["securityContext"] == old["spec"]["securityContext"]
        for bare, container in zip(containers(old), containers(new), strict=True):
            # NB: the name of a Job stands in one of the chart's own variables, and is another one.
            own = [each["name"] for each in bare.get("env", [])]
            assert [each["name"] for each in container["env"]] == [*own, "HTTPS_PROXY", "TOKEN"]
            assert container["env"][-2:] == OPTIONS["env"]
            assert container["securityContext"] == bare["securityContext"]


@pytest.mark.parametrize("chart", CHARTS)
def test_nothing_of_the_charts_own(cluster: LocalCluster, tmp_path: Path, chart: str) -> None:
    """What a chart sets itself is refused by name, in Helm and in a group alike, and nothing wins without a word."""
    path, model, values = CHARTS[chart]
    values = values if path == AUTOX else {**values, "caBundle": {"secret": "corp"}} if path == EXPERIMENT else values
    [pod, *_] = pods(rendered(cluster, path, values=values, folder=tmp_path))
    taken = {
        "env": [{"name": each["name"], "value": "x"} for one in containers(pod) for each in one["env"]],
        "podLabels": dict.fromkeys(pod["metadata"]["labels"], "x"),
        "podAnnotations": {"helm.sh/hook": "test", "autox.dev/stages": "x"},
    }
    wrong = [(key, one) for key, given in taken.items() for one in _each(given)]
    assert len(wrong) > 8
    done = helm(cluster, "template", "a", path, values={**values, **taken}, folder=tmp_path)

    assert done.code != 0
    for key, one in wrong:
        name = one[0]["name"] if isinstance(one, list) else next(iter(one))
        with pytest.raises(ValidationError, match=f"(?s){key}.*{name}.*sets this one itself"):
            model.model_validate_json(json.dumps({**values, key: one}))
    told = done.err.count("sets this one itself")
    assert told == len(wrong)


def _each(given: object) -> list[Object | list[Object]]:
    return [{key: value} for key, value in given.items()] if isinstance(given, dict) else [[one] for one in given]  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", [[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]])
def test_a_variable_twice(given: list[Object]) -> None:
    """Of two values of one variable nobody knows which counts."""
    with pytest.raises(ValidationError, match="A: is given more than once"):
        ExperimentValues.model_validate_json(json.dumps({**VALUES, "env": given}))


ON_REAL = {"key": "autox.dev/provider", "operator": "NotIn", "values": ["mock"]}
SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}
FIELD = {"key": "metadata.name", "operator": "In", "values": ["a"]}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([], [{"matchExpressions": [ON_REAL]}]),
        ([{"matchExpressions": [SSD]}], [{"matchExpressions": [SSD, ON_REAL]}]),
        ([{"matchFields": [FIELD]}], [{"matchFields": [FIELD], "matchExpressions": [ON_REAL]}]),
        ([{"matchExpressions": [SSD]}, {}], [{"matchExpressions": [SSD, ON_REAL]}, {}]),
    ],
    ids=["none", "a label", "a name", "one that matches nothing"],
)
def test_agents_never_on_mock_nodes(
    cluster: LocalCluster, tmp_path: Path, terms: list[Object], expected: list[Object]
) -> None:
    """Whatever nodes agents are wanted on, a mock node that would only say that they run is none of them."""
    preferred = [{"weight": 1, "preference": {"matchExpressions": [SSD]}}]
    node = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms},
        "preferredDuringSchedulingIgnoredDuringExecution": preferred,
    }
    values = changed({"kubeconfigSecret": "b"}, "affinity", {"nodeAffinity": node})
    [pod] = pods(rendered(cluster, NODES, values=values, folder=tmp_path))
    found = pod["spec"]["affinity"]["nodeAffinity"]

    assert found["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == expected
    assert found["preferredDuringSchedulingIgnoredDuringExecution"] == preferred


@pytest.mark.parametrize("chart", CHARTS)
def test_accepted(cluster: LocalCluster, tmp_path: Path, chart: str) -> None:
    """The API server takes pods with all of it, and knows every field."""
    path, _, values = CHARTS[chart]
    bundle = {} if path == NODES else {"caBundle": {"configMap": "corp", "key": "all.pem"}}
    objects = rendered(cluster, path, values={**values, **OPTIONS, **bundle}, folder=tmp_path)
    listing = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [each for each in objects if each["kind"] in ("Job", "CronJob", "Deployment", "StatefulSet")],
    }
    assert listing["items"]

    cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"), stdin=json.dumps(listing)
    )

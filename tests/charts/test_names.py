"""Names that YAML reads as something else stay names, in every place of every chart."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from autox.api.chart import ControllerValues
from autox.api.documents import Document
from autox.api.nodeschart import NodesChartValues
from autox.api.values import TASKS, ExperimentValues
from tests.charts.places import EACH, Name, Variant, filled, places, schema_of
from tests.charts.rendering import AUTOX, EXPERIMENT, ROOT, Object, helm
from tests.clusters import LocalCluster, wait_for

pytestmark = pytest.mark.integration

PLAIN = "zebra"
ODD = ("1234", "1e3", "0x1f", "0b11", "0o17", "0123", "true", "on", "null", "3240286e-210077", "2024-01-01", "12e03")
"""Numbers, booleans, nothing, dates: for one YAML or another."""
ODDER = ("~", ".inf", "1_000", "190:20:30", "Yes", "{a: b} # c")
"""The same where more than names of Kubernetes are taken."""
DIGEST = re.compile(r"-[0-9a-f]{8}$")
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

SPEC = ("groups", EACH, "specs", EACH)
DENSITY = ("density", "cluster"), ("density", "kubeconfigSecret")
VALUE, VALUE_FROM = ("env", EACH, "value"), ("env", EACH, "valueFrom")
CONFIG_MAP, SECRET = ("caBundle", "configMap"), ("caBundle", "secret")
CLIENTS, RATE = ("density", "clients", EACH), ("density", "plan", "steps", EACH, "rate")
SHORT = {("density", each) for each in ("pods", "podsPerDeployment", "rate")}
PLAN, PRESET = ("density", "plan"), ("density", "preset")
AGENTS, ELSEWHERE = ("density", "agents"), ("density", "nodeSelector")
OF_GETS = {(*CLIENTS, each) for each in ("objects", "size")}
OF_LISTS = {(*CLIENTS, each) for each in ("scope", "consistency", "limit", "labelSelector", "fieldSelector")}
JOB = Variant(
    without=frozenset({DENSITY[0], ("serviceAccountName",), VALUE, SECRET, PLAN, PRESET, ELSEWHERE, *OF_GETS}),
    fixed={("tasks",): list(TASKS), ("runner",): "job"},
)
CRONJOB = Variant(
    without=frozenset(
        {DENSITY[1], VALUE_FROM, CONFIG_MAP, PRESET, AGENTS, *SHORT, *OF_LISTS}
        | {(*RATE, each) for each in ("qps", "pods", "poisson", "parallel")}
    ),
    fixed={
        ("tasks",): list(TASKS),
        ("runner",): "cronjob",
        ("timeZone",): "Etc/UTC",
        (*CLIENTS, "verb"): "patch",
        (*CLIENTS, "resource"): "configmaps",
        ELSEWHERE: {"example.com/nodes": "many"},
    },
)
PRESETS = replace(JOB, without=JOB.without - {PRESET} | SHORT)


def _experiment(name: Name) -> Object:
    values: Object = filled(schema_of(ExperimentValues), name, JOB)
    return values


VARIANTS: dict[str, tuple[str, type[Document], Variant]] = {
    "a job": (EXPERIMENT, ExperimentValues, JOB),
    "a cronjob": (EXPERIMENT, ExperimentValues, CRONJOB),
    "a preset": (EXPERIMENT, ExperimentValues, PRESETS),
    "own experiments": (
        AUTOX,
        ControllerValues,
        Variant(
            without=frozenset({(*SPEC, "repo"), VALUE_FROM, CONFIG_MAP}),
            fixed={(*SPEC, "name"): "iter8", (*SPEC, "values"): _experiment},
        ),
    ),
    "charts from elsewhere": (AUTOX, ControllerValues, Variant(without=frozenset({VALUE, SECRET}))),
    "agents": (
        str(ROOT / "charts" / "nodes"),
        NodesChartValues,
        Variant(without=frozenset({VALUE}), fixed={("install",): "agents"}),
    ),
    "their identity": (
        str(ROOT / "charts" / "nodes"),
        NodesChartValues,
        Variant(without=frozenset({VALUE_FROM}), fixed={("install",): "identity"}),
    ),
}


def test_every_place_is_tried() -> None:
    """Whatever can be given to a chart is given to it by one of the variants: a place that is new is tried too."""
    for model in (ExperimentValues, ControllerValues, NodesChartValues):
        variants = [each for _, kind, each in VARIANTS.values() if kind is model]
        left_out = frozenset.intersection(*(each.without for each in variants))

        assert not left_out & {*places(schema_of(model))}


@pytest.mark.parametrize("index", range(len(VARIANTS)), ids=VARIANTS)
def test_rendered(cluster: LocalCluster, tmp_path: Path, index: int) -> None:
    """A chart renders a name that looks like a number as it renders any, and never bare; 46 places had it bare."""
    variant, step = [*VARIANTS][index], len(VARIANTS)
    # NB: bare is bare for whatever reads it, so each variant does with some of the names.
    for odd in (*ODD[index::step], *ODDER[index::step]):
        wanted = _documents(cluster, tmp_path, variant, Name(text=PLAIN, like=odd))
        found = _documents(cluster, tmp_path, variant, Name(text=odd, like=odd))
        assert found.keys() == {key.replace(PLAIN, odd) for key in wanted}
        for key, plain in wanted.items():
            for expected, given in zip(_scalars(plain), _scalars(found[key.replace(PLAIN, odd)]), strict=True):
                if PLAIN in expected.value:
                    assert _undigested(given.value) == _undigested(expected.value).replace(PLAIN, odd)
                    assert given.style, f"{given.value!r} stands bare in {key}"


def _documents(cluster: LocalCluster, folder: Path, variant: str, name: Name) -> dict[str, yaml.MappingNode]:
    """What is rendered, by kind, namespace and name."""
    chart, model, way = VARIANTS[variant]
    release = name.text if DNS_NAME.fullmatch(name.like) else "any"
    values = filled(schema_of(model), name, way)
    done = helm(cluster, "template", release, chart, "--namespace", release, values=values, folder=folder)
    assert done.code == 0, done.err
    found = yaml.compose_all(done.out, Loader=yaml.SafeLoader)
    return {_key(each): each for each in found if isinstance(each, yaml.MappingNode)}


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    else:
        for each in node.value:
            for part in each if isinstance(each, tuple) else (each,):
                yield from _scalars(part)


def _key(node: yaml.MappingNode) -> str:
    parts = {key.value: value for key, value in node.value}
    names = {key.value: value.value for key, value in parts["metadata"].value}
    return _undigested(f"{parts['kind'].value} {names.get('namespace', '')}/{names['name']}")


def _undigested(text: str) -> str:
    """Without the digest of what a Job runs, which is another one for each name."""
    return DIGEST.sub("-DIGEST", text)


def test_a_story_of_odd_names(cluster: LocalCluster, tmp_path: Path) -> None:
    """In namespace 1234 a release, a group, a spec and an experiment called by numbers run; each failed to install."""
    where = ("--namespace", "1234")
    cluster.kubectl("create", "namespace", "1234")
    cluster.kubectl("apply", *where, "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))
    load = {
        "tasks": ["ready", "http", "assess"],
        "ready": {"deploy": "httpbin", "service": "httpbin", "namespace": "1234"},
        "http": {"url": "http://httpbin.1234/get", "numRequests": 20, "qps": 20},
        "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
    }
    trigger = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": "1234", "name": "httpbin"}
    specs = {"1e3": {"name": "experiment", "values": load}}
    groups = {"2024": {"trigger": trigger, "version": {"label": "1234"}, "specs": specs}}
    try:
        done = helm(cluster, "install", "0x1f", AUTOX, *where, values={"groups": groups}, folder=tmp_path)
        assert done.code == 0, done.err
        done = helm(cluster, "install", "12e03", EXPERIMENT, *where, values=load, folder=tmp_path)
        assert done.code == 0, done.err
        cluster.kubectl("label", "deployment/httpbin", *where, "iter8.tools/autox=true", "1234=0123")
        cluster.kubectl(
            "wait", "job", "-l", "app.kubernetes.io/instance=12e03", *where, "--for=condition=Complete", "--timeout=60s"
        )
        records = ("xp", *where)
        wait_for("an experiment", lambda: cluster.get(*records)["items"])
        cluster.kubectl("wait", *records, "--all", "--for=condition=Passed", "--timeout=60s")

        [record] = cluster.get(*records)["items"]
        assert (record["spec"]["group"]["name"], record["spec"]["spec"]) == ("2024", "1e3")
        assert (record["spec"]["trigger"]["namespace"], record["spec"]["version"]) == ("1234", "0123")
    finally:
        cluster.helm("uninstall", "0x1f", *where)
        cluster.kubectl("delete", "namespace", "1234", "--wait=false")


@pytest.mark.parametrize("chart", ["autox", "experiment", "nodes"])
def test_a_release_called_default(cluster: LocalCluster, tmp_path: Path, chart: str) -> None:
    """Iter8's default group can be a release: `ServiceAccount "default" … cannot be imported` was the answer."""
    namespace = f"called-{chart}"
    given: dict[str, Object] = {
        "autox": {"image": {"repository": "absent"}},
        "experiment": {"tasks": ["http"], "http": {"url": "http://web/"}, "runner": "none"},
        "nodes": {"install": "identity", "server": "https://10.0.0.1:6443"},
    }
    where = ("--namespace", namespace, "--create-namespace")
    try:
        done = helm(
            cluster, "install", "default", str(ROOT / "charts" / chart), *where, values=given[chart], folder=tmp_path
        )
        assert done.code == 0, done.err
        accounts = cluster.get("serviceaccounts", "--namespace", namespace)["items"]
        assert {each["metadata"]["name"] for each in accounts} == {"default", f"{chart}-default"}
        for each in cluster.get("rolebindings,clusterrolebindings", "--namespace", namespace)["items"]:
            names = [who["name"] for who in each.get("subjects", []) if who.get("namespace") == namespace]
            assert set(names) <= {f"{chart}-default"}
    finally:
        cluster.helm("uninstall", "default", "--namespace", namespace)
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")

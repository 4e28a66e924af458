"""Mistakes in the values are refused by helm, before anything is installed, with the field named."""

from pathlib import Path

import pytest

from tests.api.samples import IN_VALUES, SPEC, VALUES, Mistake, Object, changed
from tests.charts.rendering import AUTOX, EXPERIMENT, helm, rendered
from tests.clusters import LocalCluster

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("mistake", IN_VALUES.values(), ids=IN_VALUES)
def test_experiment(cluster: LocalCluster, tmp_path: Path, mistake: Mistake) -> None:
    """`helm template charts/experiment` names the field that is wrong."""
    done = helm(cluster, "template", "trial", EXPERIMENT, values=mistake.values, folder=tmp_path)

    assert done.code != 0
    assert pointer(mistake.named) in done.err


def pointer(named: str) -> str:
    """A key as it stands in a path of JSON."""
    return named.replace("/", "~1")


@pytest.mark.parametrize("bound", ["upper", "lower"])
@pytest.mark.parametrize("metric", ["http/latency-p100", "latency", "density/pods-failed"])
def test_where_a_metric_is_wrong(cluster: LocalCluster, tmp_path: Path, bound: str, metric: str) -> None:
    """A metric that cannot be is told where it stands; it was told at places such as /resources/extraRules."""
    values = changed(VALUES, f"assess.SLOs.{bound}.{metric}", 5)
    groups = {"groups": {"httpbin": changed(SPEC, "specs.iter8.values", values)}}
    for chart, given, at in ((EXPERIMENT, values, ""), (AUTOX, groups, "/groups/httpbin/specs/iter8/values")):
        done = helm(cluster, "template", "trial", chart, values=given, folder=tmp_path)

        assert f"at '{at}/assess/SLOs/{bound}/{pointer(metric)}': value must be 'a metric" in done.err


def test_where_clients_are_wrong(cluster: LocalCluster, tmp_path: Path) -> None:
    """What one verb has and another has not is refused by helm, each in its sentence, and not when the Job runs."""
    entry = {"name": "a", "resource": "pods", "rate": 1}
    clients = [
        {**entry, "verb": "watch"},
        {**entry, "verb": "list", "consistency": "cache", "limit": 5},
        {**entry, "verb": "get"},
        {**entry, "verb": "patch", "resource": "secrets"},
        {**entry, "verb": "list", "rate": None},
        {**entry, "verb": "list", "rate": 2000},
        {**entry, "verb": "list", "rate": "0.5", "clients": 2, "limit": None, "as": "serviceAccount"},
        {**entry, "verb": "list", "as": "root"},
    ]
    values = {"tasks": ["density"], "density": {"cluster": "b", "clients": clients}}
    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    at = "at '/density/clients/"
    assert f"{at}0/rate': value must be 'left out: a watch has no rate" in done.err
    assert f"{at}1/limit': value must be 'left out: an API server ignores limit" in done.err
    assert f"{at}2/resource': value must be 'configmaps, secrets, nodes or leases" in done.err
    assert f"{at}3/resource': value must be 'configmaps: a run patches nothing" in done.err
    assert f"{at}4/rate'" in done.err
    assert f"{at}5/rate': maximum" in done.err
    assert f"{at}6" not in done.err
    assert f"{at}7/as': value must be" in done.err


def test_where_a_plan_is_wrong(cluster: LocalCluster, tmp_path: Path) -> None:
    """Each mistake in what a load test is to create is refused by helm where it stands, and not when the Job runs."""
    objects = [
        {"kind": "Deployment", "count": 0},
        {"kind": "Pods"},
        {"kind": "Secret", "size": "4K"},
        {"kind": "Secret", "name": "Größe"},
        {"kind": "Secret", "name": "a-{index}", "labels": {"a": "{index}"}, "template": {"type": "x"}, "selects": None},
    ]
    steps = [{"name": "a", "objects": objects, "rate": {"qps": 20, "pods": 5}, "pause": 10}]
    section = {"cluster": "b", "rate": 5, "plan": {"steps": steps}, "churn": {"share": "110%"}}
    values = {"tasks": ["density"], "density": section}
    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    step, at = "at '/density/plan/steps/0/", "at '/density/plan/steps/0/objects/"
    assert f"{at}0/count': minimum" in done.err
    assert f"{at}1/kind': value must be one of 'Deployment'" in done.err
    assert f"{at}2/size': value must be 'a size such as 4KiB" in done.err
    assert f"{at}3/name': value must be 'a name of lower-case letters" in done.err
    assert f"{at}4" not in done.err
    assert f"{step}rate': 'oneOf' failed" in done.err
    assert f"{step}pause': value must be 'text" in done.err
    assert "at '/density/churn/share': value must be 'a share such as 10%" in done.err
    assert "at '/density/rate': value must be 'absent beside plan'" in done.err


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"nodes": 50_001, "nodeSelector": {}}, "at '/density/nodes': maximum"),
        ({"agents": 2, "nodeSelector": {}}, "at '/density/agents': value must be 'absent beside nodeSelector'"),
        (
            {"nodeSelector": {}, "churn": {"of": "drained-nodes", "share": "10%"}},
            "at '/density/churn': value must be 'of deployments or namespaces beside nodeSelector",
        ),
        (
            {"nodeSelector": {}, "failurePoint": {"of": "nodes", "from": 1, "to": 9}},
            "at '/density/failurePoint': value must be 'of pods or rate beside nodeSelector",
        ),
    ],
    ids=str,
)
def test_where_nodes_are_wrong(cluster: LocalCluster, tmp_path: Path, section: Object, said: str) -> None:
    """What nobody does to nodes that are there already is refused by helm, in a sentence."""
    values = {"tasks": ["density"], "density": {"cluster": "b", **section}}
    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    assert done.code != 0
    assert said in done.err


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({"groups": {"myApp": SPEC}}, "/groups/myApp"),
        (
            {"groups": {"a": changed(SPEC, "specs", {"Load": {"name": "iter8", "values": VALUES}})}},
            "/groups/a/specs/Load",
        ),
    ],
)
def test_where_a_name_is_wrong(cluster: LocalCluster, tmp_path: Path, values: Object, at: str) -> None:
    """So is the name of a group or a spec: it was told at /image or wherever else."""
    done = helm(cluster, "template", "trial", AUTOX, values=values, folder=tmp_path)

    assert f"at '{at}': value must be 'the name of a " in done.err


@pytest.mark.parametrize("mistake", IN_VALUES.values(), ids=IN_VALUES)
def test_experiment_in_a_group(cluster: LocalCluster, tmp_path: Path, mistake: Mistake) -> None:
    """`helm install charts/autox` checks the values of each packaged experiment."""
    values = {"groups": {"httpbin": changed(SPEC, "specs.iter8.values", mistake.values)}}
    done = helm(cluster, "install", "refused", AUTOX, values=values, folder=tmp_path)

    assert done.code != 0
    assert "/groups/httpbin/specs/iter8" in done.err
    assert pointer(mistake.named) in done.err


def test_a_misspelt_task_is_one_mistake(cluster: LocalCluster, tmp_path: Path) -> None:
    """Nobody is told besides that its inputs and the SLOs on its metrics belong to no task."""
    values = changed(VALUES, "tasks", ["ready", "htpp", "assess"])
    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    mistakes = [line for line in done.err.splitlines() if line.lstrip().startswith("- at")]
    assert len(mistakes) == 1
    assert "/tasks/1" in mistakes[0]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("specs", {}, "/groups/httpbin/specs"),
        ("specs", None, "specs"),
        ("specs", {"Load": {"name": "iter8", "values": VALUES}}, "Load"),
        ("trigger", None, "trigger"),
        ("trigger.resource", None, "resource"),
        ("trigger.resource", "Deployment", "/groups/httpbin/trigger/resource"),
        ("trigger.name", 5, "--set-string"),
        ("trigger.kind", "Deployment", "kind"),
        ("specs.iter8.name", "iter9", "/groups/httpbin/specs/iter8/name"),
        ("specs.iter8.version", 1, "--set-string"),
        ("specs.iter8.repo", "file:///charts", "/groups/httpbin/specs/iter8/repo"),
        ("specs.iter8.valuesFrom", [{"kind": "Pod", "name": "x"}], "/valuesFrom/0/kind"),
        ("specs.iter8.values", None, "values"),
        ("optIn", {"value": True}, "--set-string"),
        ("optIn", "never", "none, or a label and its value"),
        ("retest", "always", "onTemplateChange"),
        ("history", {"limit": -1}, "/groups/httpbin/history/limit"),
    ],
)
def test_group(cluster: LocalCluster, tmp_path: Path, path: str, value: object, named: str) -> None:
    """`helm install charts/autox` names what is wrong in a group; text given as a number says how to give it."""
    values = {"groups": {"httpbin": changed(SPEC, path, value)}}
    done = helm(cluster, "install", "refused", AUTOX, values=values, folder=tmp_path)

    assert done.code != 0
    assert named in done.err


def test_nothing_is_installed(cluster: LocalCluster, tmp_path: Path) -> None:
    """After a refusal there is no release, and the same command without the mistake may follow."""
    values = {"groups": {"httpbin": changed(SPEC, "specs", {})}}
    assert helm(cluster, "install", "refused", AUTOX, values=values, folder=tmp_path).code != 0

    assert cluster.helm("status", "refused").code != 0


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"groups": {"myApp": SPEC}}, "myApp"),
        ({"groups": {"x" * 64: SPEC}}, "x" * 64),
        ({"group": {}}, "group"),
        ({"image": "autox:1"}, "/image"),
        ({"logLevel": "loud"}, "/logLevel"),
        ({"rbac": {"extraRules": [{"verbs": ["get"]}]}}, "/rbac/extraRules/0"),
    ],
)
def test_controller(cluster: LocalCluster, tmp_path: Path, values: Object, named: str) -> None:
    """What is wrong outside the groups is named too; no key is taken that does nothing."""
    done = helm(cluster, "template", "trial", AUTOX, values=values, folder=tmp_path)

    assert done.code != 0
    assert named in done.err


def test_order_of_tasks(cluster: LocalCluster, tmp_path: Path) -> None:
    """An SLO is judged after its metric was made: the other order is refused."""
    values = changed(VALUES, "tasks", ["assess", "ready", "http"])
    done = helm(cluster, "template", "trial", EXPERIMENT, values=values, folder=tmp_path)

    assert done.code != 0
    assert "needs task http, listed before assess" in done.err


def test_release_name(cluster: LocalCluster, tmp_path: Path) -> None:
    """A release name that a CronJob cannot have is refused."""
    done = helm(cluster, "template", "x" * 53, EXPERIMENT, values=VALUES, folder=tmp_path)

    assert done.code != 0
    assert "52 characters" in done.err


def test_numbers_on_the_command_line(cluster: LocalCluster, tmp_path: Path) -> None:
    """Fractions given with --set, which Helm makes text of, are numbers; so are those in values files."""
    settings = ("--set", "http.qps=0.5", "--set", "assess.SLOs.upper.http/error-rate=0.01")

    assert rendered(cluster, EXPERIMENT, *settings, values=VALUES, folder=tmp_path)
    assert rendered(cluster, EXPERIMENT, values=changed(VALUES, "http.qps", 0.5), folder=tmp_path)


def test_chart_from_elsewhere(cluster: LocalCluster, tmp_path: Path) -> None:
    """The values of a chart with a repo are not ours to check."""
    elsewhere = {"name": "k6", "version": "1.10", "repo": "https://charts.example.com", "values": {"vus": 3}}
    values = {"groups": {"httpbin": changed(SPEC, "specs", {"k6": elsewhere})}}

    assert rendered(cluster, AUTOX, values=values, folder=tmp_path)


def test_incomplete_values(cluster: LocalCluster, tmp_path: Path) -> None:
    """Values that are completed from a Secret cannot be checked here, and are let through."""
    spec = changed(SPEC, "specs.iter8.values.http", None)
    values = {"groups": {"httpbin": changed(spec, "specs.iter8.valuesFrom", [{"kind": "Secret", "name": "rest"}])}}

    assert rendered(cluster, AUTOX, values=values, folder=tmp_path)

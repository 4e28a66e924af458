"""The chart of an experiment: what it installs, and what that may do."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from autox.api.experimentdocument import load_experiment
from autox.model.density import DensityInputs
from autox.model.tasks import AssessInputs, HttpInputs
from tests.api.samples import VALUES, changed
from tests.charts.rendering import EXPERIMENT, helm, named, rendered
from tests.clusters import LocalCluster, run, wait_for

pytestmark = pytest.mark.integration
Object = dict[str, Any]
DENSITY = {"tasks": ["density"], "density": {"kubeconfigSecret": "b", "pods": 7}}


@pytest.fixture(scope="module")
def namespace(cluster: LocalCluster) -> str:
    """A namespace of these tests' own."""
    name = f"chart-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    return name


def document(objects: list[Object]) -> Object:
    """The experiment document that was rendered."""
    secret = next(each for each in objects if each["kind"] == "Secret" and "stringData" in each)
    found: Object = json.loads(secret["stringData"]["experiment.yaml"])
    return found


def test_document(cluster: LocalCluster, tmp_path: Path) -> None:
    """The tasks arrive at the runner in order and with the very values that were given."""
    values = changed(VALUES, "http.url", "http://httpbin.default/get?a=1&b=<2>#")
    found = document(rendered(cluster, EXPERIMENT, values=values, folder=tmp_path))

    assert found == {"tasks": [{"task": task, "with": values[task]} for task in values["tasks"]]}


def test_document_is_what_the_runner_reads(cluster: LocalCluster, tmp_path: Path) -> None:
    """Large and fractional numbers survive the way through Helm, and the kubeconfig is where the pod has it."""
    values = {
        **DENSITY,
        "tasks": ["http", "density", "assess"],
        "http": {"url": "http://web/", "numRequests": 100000000},
        "assess": {"SLOs": "official"},
    }
    objects = rendered(cluster, EXPERIMENT, "--set", "http.qps=0.5", values=values, folder=tmp_path)
    path = tmp_path / "experiment.yaml"
    path.write_text(json.dumps(document(objects)))
    http, density, assess = (task.inputs for task in load_experiment(path))

    assert isinstance(http, HttpInputs)
    assert (http.num_requests, http.qps) == (100_000_000, 0.5)
    assert density == DensityInputs(kubeconfig=tmp_path / "density" / "kubeconfig", pods=7)
    assert isinstance(assess, AssessInputs)
    assert len(assess.slos) == 5


def test_job(cluster: LocalCluster, tmp_path: Path) -> None:
    """The Job runs once, for a limited time, without privileges, and knows which record is its own."""
    job = named(rendered(cluster, EXPERIMENT, values=VALUES, folder=tmp_path), "Job")["spec"]
    pod = job["template"]["spec"]
    [container] = pod["containers"]

    assert (job["backoffLimit"], job["activeDeadlineSeconds"], pod["restartPolicy"]) == (0, 3600, "Never")
    assert container["args"] == ["run", "-f", "/etc/autox/experiment.yaml", "--experiment", "$(NAMESPACE)/trial"]
    assert {each["name"] for each in container["env"]} >= {"NAMESPACE", "POD_NAME", "NODE_NAME"}
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_cronjob(cluster: LocalCluster, tmp_path: Path) -> None:
    """A CronJob runs the same pod on its schedule, one at a time."""
    values = {**VALUES, "runner": "cronjob", "cronjobSchedule": "*/15 * * * *"}
    objects = rendered(cluster, EXPERIMENT, values=values, folder=tmp_path)
    cron = named(objects, "CronJob")["spec"]
    job = named(rendered(cluster, EXPERIMENT, values=VALUES, folder=tmp_path), "Job")["spec"]

    assert "Job" not in {each["kind"] for each in objects}
    assert (cron["schedule"], cron["concurrencyPolicy"]) == ("*/15 * * * *", "Forbid")
    assert (cron["successfulJobsHistoryLimit"], cron["failedJobsHistoryLimit"]) == (1, 1)
    assert json.dumps(cron["jobTemplate"]["spec"]).replace("CronJob/trial", "Job/trial") == json.dumps(job)


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"http.url": "http://other.default/"}, True, id="the URL"),
        pytest.param({"assess.SLOs": {"upper": {"http/error-count": 3}}}, True, id="an SLO"),
        pytest.param({"image.tag": "2"}, True, id="the image"),
        pytest.param({"resources.requests": {"cpu": "1"}}, True, id="the resources"),
        pytest.param({"activeDeadlineSeconds": 60}, True, id="the deadline"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, True, id="where it runs"),
        pytest.param({"env": [{"name": "HTTPS_PROXY", "value": "http://proxy"}]}, True, id="a variable"),
        pytest.param({"caBundle": {"configMap": "corp"}}, True, id="whom it trusts"),
        pytest.param({"timeZone": "Asia/Tokyo"}, False, id="the time zone of a schedule"),
    ],
)
def test_a_change_makes_another_job(
    cluster: LocalCluster, tmp_path: Path, change: dict[str, Any], *, is_another: bool
) -> None:
    """A Job cannot be changed: under its old name an upgrade did nothing, or was refused for good."""
    values = VALUES
    for path, value in change.items():
        values = changed(values, path, value)

    names = [
        named(rendered(cluster, EXPERIMENT, values=each, folder=tmp_path), "Job")["metadata"]["name"]
        for each in (VALUES, values)
    ]

    assert [name.rpartition("-")[0] for name in names] == ["trial", "trial"]
    assert (names[0] != names[1]) is is_another


@pytest.mark.parametrize("name", ["a" * 52, "a" * 42 + "-" + "b" * 9, "a" * 42 + ".b", "default", "2024"])
@pytest.mark.parametrize("more", [{}, {"runner": "cronjob", "cronjobSchedule": "0 * * * *"}])
def test_any_name_of_a_release(cluster: LocalCluster, tmp_path: Path, name: str, more: Object) -> None:
    """A CronJob's name has room for its Jobs' names, and both begin and end as Kubernetes wants it."""
    done = helm(cluster, "template", name, EXPERIMENT, values={**VALUES, **more}, folder=tmp_path)
    [made] = [each for each in yaml.safe_load_all(done.out) if each and each["kind"] in ("Job", "CronJob")]

    assert re.fullmatch(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?-[0-9a-f]{8}", made["metadata"]["name"])
    assert len(made["metadata"]["name"]) <= (52 if more else 63)
    assert done.code == 0


def test_nothing_runs(cluster: LocalCluster, tmp_path: Path) -> None:
    """Runner none makes everything but what runs."""
    objects = rendered(cluster, EXPERIMENT, values={**VALUES, "runner": "none"}, folder=tmp_path)

    assert {each["kind"] for each in objects} == {"Secret", "ServiceAccount", "Role", "RoleBinding"}


def test_own_service_account(cluster: LocalCluster, tmp_path: Path) -> None:
    """With a ServiceAccount given, none is made, and no rights are given to anybody."""
    objects = rendered(cluster, EXPERIMENT, values={**VALUES, "serviceAccountName": "tester"}, folder=tmp_path)

    assert {each["kind"] for each in objects} == {"Secret", "Job"}
    assert named(objects, "Job")["spec"]["template"]["spec"]["serviceAccountName"] == "tester"


def test_density_has_a_sweeper(cluster: LocalCluster, tmp_path: Path) -> None:
    """A density test has a sidecar that deletes what its Job left and no other, and both are given the kubeconfig."""
    job = named(rendered(cluster, EXPERIMENT, values=DENSITY, folder=tmp_path), "Job")
    pod = job["spec"]["template"]["spec"]
    [sidecar] = pod["initContainers"]
    sources = pod["volumes"][0]["projected"]["sources"]

    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["args"] == [
        *("density", "sweep", "--kubeconfig", "/etc/autox/density/kubeconfig"),
        *("--run", f"$(NAMESPACE)/{job['metadata']['name']}", "--when-told"),
    ]
    assert sources[1]["secret"] == {"name": "b", "items": [{"key": "kubeconfig", "path": "density/kubeconfig"}]}


def test_a_program_for_credentials_is_allowed_on_purpose(cluster: LocalCluster, tmp_path: Path) -> None:
    """The runner and its sidecar ran whatever a Secret told them to; where it is allowed, both are told."""
    values = {**DENSITY, "density": {**DENSITY["density"], "allowExec": True}}  # type: ignore[dict-item]
    objects = rendered(cluster, EXPERIMENT, values=values, folder=tmp_path)
    [sidecar] = named(objects, "Job")["spec"]["template"]["spec"]["initContainers"]

    assert sidecar["args"][-1] == "--allow-exec"
    assert document(objects)["tasks"][0]["with"]["allowExec"] is True


@pytest.mark.parametrize("runner", ["job", "cronjob"])
def test_each_change_has_a_secret_of_its_own(cluster: LocalCluster, tmp_path: Path, runner: str) -> None:
    """After an upgrade the new pod could read the old document from its node's memory, and pass the old URL."""
    read = []
    for url in ("http://web.default/", "http://web.default/new"):
        values = {**changed(VALUES, "http.url", url), "runner": runner, "cronjobSchedule": "@daily"}
        objects = rendered(cluster, EXPERIMENT, values=values, folder=tmp_path)
        [secret] = [each for each in objects if each["kind"] == "Secret" and "stringData" in each]
        [workload] = [each for each in objects if each["kind"] in ("Job", "CronJob")]
        assert f'"name": "{secret["metadata"]["name"]}"' in json.dumps(workload["spec"])
        read.append(secret["metadata"]["name"])

    assert read[0] != read[1]


def test_result_outlives_the_release(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """Uninstalling an experiment leaves its result, and nothing else."""
    values = {**VALUES, "runner": "none"}
    done = helm(cluster, "install", "gone", EXPERIMENT, "--namespace", namespace, values=values, folder=tmp_path)
    assert done.code == 0, done.err
    assert cluster.helm("uninstall", "gone", "--namespace", namespace).code == 0
    kinds = "secrets,serviceaccounts,roles,rolebindings,jobs"
    selector = ("--namespace", namespace, "--selector", "app.kubernetes.io/instance=gone")

    assert cluster.kubectl("get", kinds, *selector, "-o", "name").split() == ["secret/gone-result"]


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        {**VALUES, "runner": "cronjob", "cronjobSchedule": "@hourly"},
        DENSITY,
        {"tasks": ["density"], "density": {"cluster": "b"}},
    ],
    ids=["job", "cronjob", "density", "density of a local cluster"],
)
def test_accepted(cluster: LocalCluster, namespace: str, tmp_path: Path, values: Object) -> None:
    """The API server accepts everything that is rendered, and knows every field of it."""
    objects = rendered(cluster, EXPERIMENT, "--namespace", namespace, values=values, folder=tmp_path)
    listing = {"apiVersion": "v1", "kind": "List", "items": objects}

    cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f", "-"),
        stdin=json.dumps(listing),
    )


def test_rights(served: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """An experiment may read its record, what it waits for and its target, write its own result, and nothing else."""
    other = {"version": "v1", "resource": "configmaps", "name": "flags"}
    values = changed(changed(VALUES, "ready.objects", [other]), "http.url", f"http://target.{namespace}.svc:80/")
    values = {**values, "runner": "none"}
    done = helm(served, "install", "rights", EXPERIMENT, "--namespace", namespace, values=values, folder=tmp_path)
    assert done.code == 0, done.err
    account = ("--namespace", namespace, "--as", f"system:serviceaccount:{namespace}:rights")

    def may(verb: str, what: str, *more: str) -> bool:
        asked = run("kubectl", "auth", "can-i", verb, what, *more, *account, environ=served.with_programs())
        return asked.out.strip() == "yes"

    # NB: kubectl asks about the right resource only if it is served; and a new role is heard of a moment later.
    wait_for("the rights to be known", lambda: may("get", "experiments.autox.dev/rights"))
    assert may("patch", "experiments.autox.dev/rights", "--subresource=status")
    assert may("patch", "secrets/rights-result")
    assert may("get", "deployments.apps/httpbin")
    assert may("list", "pods")
    assert may("get", "services/httpbin")
    assert may("get", "services/target")
    assert may("list", "endpointslices.discovery.k8s.io")
    assert may("get", "configmaps/flags")
    assert not may("get", "experiments.autox.dev/other")
    assert not may("patch", "experiments.autox.dev/rights")
    assert not may("patch", "experiments.autox.dev/other", "--subresource=status")
    assert not may("get", "secrets/rights")
    assert not may("list", "secrets")
    assert not may("patch", "deployments.apps/httpbin")
    assert not may("get", "deployments.apps/other")
    assert not may("get", "services/other")
    assert not may("create", "pods")


def test_ready_in_another_namespace(cluster: LocalCluster, namespace: str, tmp_path: Path) -> None:
    """Rights to look into another namespace are given there, under a name that is this release's."""
    values = changed(VALUES, "ready.namespace", "elsewhere")
    objects = rendered(cluster, EXPERIMENT, "--namespace", namespace, values=values, folder=tmp_path)
    role = named(objects, "Role", f"{namespace}:trial", "elsewhere")
    own = named(objects, "Role", "trial", namespace)

    assert "deployments" in {resource for rule in role["rules"] for resource in rule["resources"]}
    assert "deployments" not in {resource for rule in own["rules"] for resource in rule["resources"]}
    assert named(objects, "RoleBinding", f"{namespace}:trial")["subjects"][0]["namespace"] == namespace


def test_secret_is_not_in_the_manifest_of_the_job(cluster: LocalCluster, tmp_path: Path) -> None:
    """A token in a header stands in the Secret and nowhere else."""
    values = changed(VALUES, "http.headers", {"Authorization": "hunter2"})
    objects = rendered(cluster, EXPERIMENT, values=values, folder=tmp_path)

    assert [each["kind"] for each in objects if "hunter2" in json.dumps(each)] == ["Secret"]
    assert base64.b64encode(b"hunter2").decode() not in json.dumps(objects)

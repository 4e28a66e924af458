"""The custom resources on a real API server: what it takes, refuses and shows."""

import json
from typing import Any
from uuid import uuid4

import pytest

from autox.api.crds import crds
from autox.api.experiments import object_from_record
from tests.api.samples import SPEC, VALUES, changed, group
from tests.api.test_records import RECORD
from tests.clusters import Done, LocalCluster, run

pytestmark = pytest.mark.integration
Object = dict[str, Any]


@pytest.fixture
def namespace(served: LocalCluster) -> str:
    """A namespace of the test's own."""
    name = f"crd-{uuid4().hex[:8]}"
    served.kubectl("create", "namespace", name)
    return name


def apply(cluster: LocalCluster, namespace: str, obj: Object) -> Done:
    """``kubectl apply``, whatever comes of it."""
    argv = ("kubectl", "apply", "--namespace", namespace, "-f", "-")
    return run(*argv, environ=cluster.with_programs(), stdin=json.dumps(obj))


def record(namespace: str, **spec: object) -> Object:
    """An Experiment in this namespace."""
    obj = object_from_record(RECORD)
    obj["metadata"]["namespace"] = namespace
    return {**obj, "spec": obj["spec"] | spec}


def test_schemas_are_structural(served: LocalCluster) -> None:
    """The API server finds nothing to object to in the schemas."""
    for crd in crds():
        conditions = served.get("crd", crd["metadata"]["name"])["status"]["conditions"]

        assert {each["type"]: each["status"] for each in conditions}["Established"] == "True"
        assert "NonStructuralSchema" not in {each["type"] for each in conditions}


def test_group(served: LocalCluster, namespace: str) -> None:
    """A group is stored as written, its values whatever they are, and shows its defaults."""
    values = {**VALUES, "anything": {"goes": [1, "two", {"3": None}]}}
    spec = changed(SPEC, "specs.iter8", {"name": "k6", "repo": "https://example.com", "values": values})
    assert apply(served, namespace, group(spec, namespace=namespace)).code == 0
    stored = served.get("xg", "httpbin", "--namespace", namespace)["spec"]

    assert stored["specs"]["iter8"]["values"]["assess"] == VALUES["assess"]
    assert stored["specs"]["iter8"]["values"]["anything"]["goes"][:2] == [1, "two"]
    assert stored["optIn"] == {"label": "iter8.tools/autox", "value": "true"}
    assert stored["history"] == {"limit": 10}
    assert apply(served, namespace, group(changed(spec, "optIn", "none"), namespace=namespace)).code == 0
    assert served.get("xg", "httpbin", "--namespace", namespace)["spec"]["optIn"] == "none"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("specs", {}, "spec.specs"),
        ("specs", None, "spec.specs"),
        ("specs", {"Load": {"name": "iter8"}}, "DNS label of at most 40 characters"),
        ("specs", {"x" * 41: {"name": "iter8"}}, "DNS label of at most 40 characters"),
        ("trigger", None, "spec.trigger"),
        ("trigger.resource", None, "spec.trigger.resource"),
        ("trigger.resource", "Deployment", "spec.trigger.resource"),
        ("trigger.namespace", "no namespace", "spec.trigger.namespace"),
        ("trigger.kind", "Deployment", "unknown field"),
        ("specs.iter8.name", "iter9", "must be one of autox's package: experiment or iter8"),
        ("specs.iter8.version", 0.13, "spec.specs.iter8.version"),
        ("specs.iter8.repo", "file:///charts", "spec.specs.iter8.repo"),
        ("specs.iter8.valuesFrom", [{"kind": "Pod", "name": "x"}], "valuesFrom[0].kind"),
        ("optIn", {"value": True}, "spec.optIn.value"),
        ("optIn", {"label": "no label"}, "spec.optIn.label"),
        ("optIn", "never", "spec.optIn"),
        ("retest", "always", "spec.retest"),
        ("history", {"limit": -1}, "spec.history.limit"),
    ],
)
def test_bad_group(served: LocalCluster, namespace: str, path: str, value: object, message: str) -> None:
    """A group that makes no sense is refused by kubectl apply, with the field or the reason."""
    done = apply(served, namespace, group(changed(SPEC, path, value), namespace=namespace))

    assert done.code != 0
    assert message in done.err


def test_group_name_too_long(served: LocalCluster, namespace: str) -> None:
    """A group whose name does not fit into a label is refused."""
    done = apply(served, namespace, group(name="x" * 64, namespace=namespace))

    assert done.code != 0
    assert "must not be longer than 63 characters" in done.err


def test_experiment_cannot_be_changed(served: LocalCluster, namespace: str) -> None:
    """What was tested stays as it was recorded: the same again is accepted, anything else refused."""
    assert apply(served, namespace, record(namespace)).code == 0
    assert apply(served, namespace, record(namespace)).code == 0
    done = apply(served, namespace, record(namespace, version="1.11"))

    assert done.code != 0
    assert "an experiment cannot be changed" in done.err


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"version": ""}, "spec.version"),
        ({"revision": 0}, "spec.revision"),
        ({"trigger": {"version": "v1"}}, "spec.trigger.uid"),
        ({"spec": "Load"}, "spec.spec"),
    ],
)
def test_bad_experiment(served: LocalCluster, namespace: str, spec: Object, field: str) -> None:
    """A record that identifies nothing is refused."""
    done = apply(served, namespace, record(namespace, **spec))

    assert done.code != 0
    assert field in done.err


def test_status_has_two_writers(served: LocalCluster, namespace: str) -> None:
    """Controller and runner each apply their fields; neither takes the other's, and both are shown."""
    assert apply(served, namespace, record(namespace)).code == 0
    moment = "2026-11-22T05:40:24.000001Z"
    condition = {"status": "True", "lastTransitionTime": moment, "message": ""}
    statuses: dict[str, Object] = {
        "autox-controller": {
            "phase": "Running",
            "reason": "Launched",
            "launchedAt": moment,
            "conditions": [{"type": "Launched", "reason": "Launched", **condition}],
        },
        "autox-runner": {
            "verdict": "Fail",
            "startedAt": moment,
            "loops": 1,
            "totals": {"Fail": 1},
            "tasks": {"done": 1, "total": 2},
            "slos": [{"metric": "http/error-count", "bound": "upper", "limit": 0, "observed": 1.5, "verdict": "Fail"}],
            "result": {"free": {"form": [1.5, None]}},
            "resultSecret": "s",
        },
    }
    for manager, status in statuses.items():
        names = {key: record(namespace)[key] for key in ("apiVersion", "kind")}
        body = {**names, "metadata": {"name": RECORD.name, "namespace": namespace}, "status": status}
        served.kubectl(
            *("apply", "--server-side", "--subresource=status", f"--field-manager={manager}", "-f", "-"),
            stdin=json.dumps(body),
        )
    stored = served.get("xp", RECORD.name, "--namespace", namespace)["status"]

    assert stored == statuses["autox-controller"] | statuses["autox-runner"]
    header, row = served.kubectl("get", "xp", "--namespace", namespace).splitlines()
    assert header.split() == ["NAME", "GROUP", "SPEC", "VERSION", "PHASE", "VERDICT", "AGE"]
    assert row.split()[1:-1] == ["httpbin", "iter8", "1.10", "Running", "Fail"]


def test_columns_of_groups(served: LocalCluster, namespace: str) -> None:
    """`kubectl get xg` shows what is watched and whether it works; both kinds are in category autox."""
    assert apply(served, namespace, group(namespace=namespace)).code == 0
    header, row = served.kubectl("get", "xg", "--namespace", namespace).splitlines()

    assert header.split() == ["NAME", "TRIGGER", "OBJECT", "VERSION", "READY", "REASON", "AGE"]
    assert row.split()[:3] == ["httpbin", "deployments", "httpbin"]
    # NB: this once listed nothing, with exit code 0; what kubectl asked for is told if it does so again.
    asked = run(
        "kubectl", "get", "autox", "-o", "name", "--namespace", namespace, "-v=6", environ=served.with_programs()
    )
    assert asked.out.split() == ["experimentgroup.autox.dev/httpbin"], asked.err


def test_explained(served: LocalCluster) -> None:
    """`kubectl explain` says what each field is for."""
    told = served.kubectl("explain", "experimentgroup.spec.specs.valuesFrom")

    assert "merged in order" in told
    assert "-required-" in told

"""A control plane as what is tested: each new version of a component of cluster B is load-tested from cluster A.

The Deployment in A carries the version of B's scheduler, as a fleet's configuration does; what rolls it out to B is
here the test. Autox sees a new version of a Deployment, and knows of B only its kubeconfig.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clusters import LIGHTLY, LocalCluster, run, wait_for
from tests.e2e.conftest import ROOT
from tests.forking import AUTOX
from tests.integration.objects import deployment

pytestmark = pytest.mark.integration
Object = dict[str, Any]

SLOS = {"upper": {"density/pod-startup-latency-p99": 5_000}, "lower": {"density/scheduling-throughput": 2}}
SLOWLY = {"kube-api-qps": "1", "kube-api-burst": "1"}
"""The regression: the new scheduler may make one request a second."""


@pytest.fixture
def under_test(tmp_path: Path) -> Iterator[LocalCluster]:
    """Cluster B: a bare control plane, which a load test brings its own nodes to."""
    cluster = LocalCluster(name="under-test", state=tmp_path)
    try:
        cluster.up("--nodes", "0", *LIGHTLY)
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """A namespace of A with the controller's release, which goes afterwards."""
    name = f"fleet-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.helm("uninstall", "autox", "--namespace", name, "--ignore-not-found")
    cluster.kubectl("delete", "namespace", name)


def fleet(namespace: str) -> Object:
    """Values of charts/autox: for every version of B's scheduler, a load test of B."""
    values = {
        "tasks": ["density", "assess"],
        "density": {"kubeconfigSecret": "cluster-b", "nodes": 1, "pods": 15, "podsPerDeployment": 5, "rate": 10},
        "assess": {"SLOs": SLOS},
    }
    trigger = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": namespace, "name": "scheduler"}
    return {"groups": {"scheduler": {"trigger": trigger, "specs": {"load": {"name": "experiment", "values": values}}}}}


def of_version(cluster: LocalCluster, namespace: str, version: str) -> Object:
    """The status of a version's experiment, when it has a verdict; where the machine was too busy, of the next one."""

    def look(revision: int) -> Object | None:
        for each in cluster.get("experiments", "-n", namespace)["items"]:
            spec, status = each["spec"], each.get("status", {})
            is_it = (spec["version"], spec.get("revision", 1)) == (version, revision)
            if is_it and status.get("verdict") and status["phase"] == "Completed":
                return dict(status)
        return None

    for revision in (1, 2, 3):
        wanted = f"a verdict on version {version}, revision {revision}"
        status = wait_for(wanted, partial(look, revision), seconds=120)
        if status["verdict"] != "Invalid":
            break
        done = run(*AUTOX, "retest", "--group", "scheduler", "-n", namespace, environ=cluster.environ)
        assert done.code == 0, done.err
    return status


def test_a_regression_of_a_component_is_a_fail_that_names_it(
    cluster: LocalCluster, under_test: LocalCluster, namespace: str, tmp_path: Path
) -> None:
    """Version 1 of the scheduler passes; version 2, which schedules one pod a second, fails and is named."""
    values = tmp_path / "values.json"
    values.write_text(json.dumps(fleet(namespace)))
    kubeconfig = f"--from-file=kubeconfig={under_test.home.kubeconfig}"
    cluster.kubectl("create", "secret", "generic", "cluster-b", "-n", namespace, kubeconfig)
    installed = cluster.helm(
        "install", "autox", str(ROOT / "charts" / "autox"), "--namespace", namespace, "-f", str(values)
    )
    assert installed.code == 0, installed.err
    container = {"name": "scheduler", "image": "python:3", "command": ["sleep", "600"]}
    labels = {"app.kubernetes.io/version": "1", "iter8.tools/autox": "true"}
    component = deployment("scheduler", container, terminationGracePeriodSeconds=1)
    component["metadata"] |= {"namespace": namespace, "labels": labels}
    cluster.apply(component)

    first = of_version(cluster, namespace, "1")
    assert first["verdict"] == "Pass", first["message"]

    under_test.up(*(f"--set=scheduler.flags.{flag}={value}" for flag, value in SLOWLY.items()))
    cluster.kubectl("label", "deployment/scheduler", "-n", namespace, "--overwrite", "app.kubernetes.io/version=2")
    second = of_version(cluster, namespace, "2")

    assert second["verdict"] == "Fail", second["message"]
    assert "the scheduler gave way first" in second["message"]

"""A cluster whose API server writes down what autox asks of it, for the stories of this folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autox.cluster.spec import Runtime
from tests.auditing import Audited
from tests.clusters import LIGHTLY, wait_for
from tests.integration.objects import Object, config_map, deployment, field, service
from tests.realnode.images import bring_image

ROOT = Path(__file__).parents[2]
RESTRICTED = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""What the restricted standard asks of each container, beside what it asks of a pod."""


class AuditedCluster(Audited):
    """A cluster and what its API server wrote down."""

    def experiments(self, namespace: str = "default") -> list[dict[str, Any]]:
        """The records of a namespace."""
        items: list[dict[str, Any]] = self.get("experiments", "-n", namespace)["items"]
        return items

    def verdict(self, version: str, *, spec: str, seconds: float = 120.0) -> dict[str, Any]:
        """The record of a version's experiment once it has a verdict."""

        def look() -> dict[str, Any] | None:
            for one in self.experiments():
                wanted = one["spec"]["version"] == version and one["spec"]["spec"] == spec
                if wanted and one.get("status", {}).get("verdict") and one["status"]["phase"] == "Completed":
                    return one
            return None

        return wait_for(f"a verdict of {spec}, version {version}", look, seconds=seconds)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[AuditedCluster]:
    """A cluster that audits, shared by the stories of a file; its default namespace takes only restricted pods.

    It does not outlive them, for an idle control plane takes CPU from the tests that follow.
    """
    runtime = Runtime(pytestconfig.getoption("--runtime"))
    state = tmp_path_factory.mktemp("audited")
    cluster = AuditedCluster(name="audited", state=state)
    try:
        cluster.up("--runtime", runtime.value, *LIGHTLY, *cluster.audit_settings())
        cluster.kubectl("label", "namespace/default", "pod-security.kubernetes.io/enforce=restricted")
        if runtime is Runtime.CONTAINERD:
            bring_image(cluster)
        yield cluster
    finally:
        cluster.down()


def app(name: str, *, port: int = 80) -> list[Object]:
    """The demo's app under another name: a ConfigMap, a Service and a Deployment without any label of ours."""
    container = {
        "name": name,
        "image": "python:3",
        "command": ["python3", "/app/shop.py"],
        "env": [{"name": "VERSION", "value": "1"}, {"name": "POD_IP", "valueFrom": field("status.podIP")}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "app", "mountPath": "/app"}],
        "securityContext": CONFINED,
    }
    program = (ROOT / "examples" / "demo" / "shop.py").read_text()
    volume = {"name": "app", "configMap": {"name": name}}
    return [
        config_map(name, **{"shop.py": program}),
        service(name, port=port, target="http"),
        # NB: as process 1 it hears no SIGTERM.
        deployment(name, container, volumes=[volume], securityContext=RESTRICTED, terminationGracePeriodSeconds=1),
    ]

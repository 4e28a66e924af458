"""Services on the process node: reached from other pods, through a rolling update."""

from pathlib import Path

import pytest

from tests.clusters import LocalCluster
from tests.integration.objects import config_map, deployment, field, job, python, service

pytestmark = pytest.mark.integration

PROGRAMS = Path(__file__).parent / "programs"


def test_rolling_update_loses_nothing(cluster: LocalCluster) -> None:
    """A client in another pod reaches a Service while its Deployment is rolled twice, and loses no request."""
    app = config_map("hello", **{name: (PROGRAMS / name).read_text() for name in ("hello.py", "visit.py")})
    mounted = {"name": "app", "configMap": {"name": "hello"}}
    container = {
        "name": "main",
        "image": "python:3",
        "command": ["python3", "/app/hello.py"],
        "env": [{"name": "VERSION", "value": "1"}, {"name": "POD_IP", "valueFrom": field("status.podIP")}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        "volumeMounts": [{"name": "app", "mountPath": "/app"}],
    }
    cluster.apply(
        app,
        service("hello", port=80, target="http"),
        deployment("hello", container, replicas=2, volumes=[mounted]),
    )
    cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
    visitor = job("visitor", python("", volumeMounts=[{"name": "app", "mountPath": "/app"}]))
    template = visitor["spec"]["template"]["spec"]
    template["containers"][0]["command"] = ["python3", "/app/visit.py", "20"]
    template["volumes"] = [mounted]
    cluster.apply(visitor)
    cluster.kubectl("wait", "pod", "-l", "job-name=visitor", "--for=condition=Ready", "--timeout=60s")

    for version in ("2", "3"):
        cluster.kubectl("set", "env", "deployment/hello", f"VERSION={version}")
        cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")

    cluster.kubectl("wait", "job/visitor", "--for=condition=Complete", "--timeout=60s")
    counts = cluster.kubectl("logs", "job/visitor")
    assert "lost" not in counts
    assert all(f"version {version}" in counts for version in "123")
    cluster.kubectl("delete", "deployment/hello", "service/hello", "job/visitor", "configmap/hello")

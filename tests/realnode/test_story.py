"""The demo's story on real nodes: two versions of an app, load over Services, and a control plane under test.

Cluster A has autox, the app and the agents of virtual nodes in pods; cluster B is the control plane that they load.
Both are reached over real networks, by addresses of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.charts.identity import CHART, agent_kubeconfig
from tests.clusters import wait_for
from tests.integration.objects import Object
from tests.realnode.conftest import RealCluster, real_cluster
from tests.realnode.images import bring_image
from tests.realnode.story import Story, install

pytestmark = pytest.mark.realnode

DEMO = Path("examples/demo")
NODES = 20


@pytest.fixture(scope="module")
def under_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Cluster B. It has a node of its own because then its API server is reached by the pods of another cluster."""
    setting = "controllerManager.flags.node-monitor-grace-period=20s"
    with real_cluster("b", tmp_path_factory.mktemp("b"), "--set", setting) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def a(real: RealCluster, under_test: RealCluster) -> RealCluster:
    """Cluster A with the demo's app, and the key to cluster B in a Secret."""
    real.kubectl("label", "namespace/default", "pod-security.kubernetes.io/enforce=restricted")
    bring_image(real)
    real.kubectl("create", "configmap", "shop", f"--from-file={DEMO / 'shop.py'}")
    real.kubectl("create", "secret", "generic", "cluster-b", f"--from-file=kubeconfig={under_test.home.kubeconfig}")
    real.kubectl("apply", "-f", str(DEMO / "shop.yaml"))
    real.kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    values: Object = yaml.safe_load((DEMO / "values.yaml").read_text())
    install(real, values["groups"])
    return real


def verdicts(a: RealCluster, version: str) -> dict[str, Object]:
    """The status of each spec's experiment of a version, once all have ended."""

    def look() -> dict[str, Object] | None:
        found = {
            each["spec"]["spec"]: each["status"]
            for each in Story(a, "shop").records()
            if each["spec"]["version"] == version and each.get("status", {}).get("phase") == "Completed"
        }
        return found if len(found) == 2 else None

    return wait_for(f"both verdicts of version {version}", look, seconds=240)


def test_version_1_passes(a: RealCluster) -> None:
    """The app passes its load, and cluster B runs fifty pods on twenty virtual nodes within its SLOs."""
    a.kubectl("label", "deployment/shop", "iter8.tools/autox=true")
    found = verdicts(a, "1")

    assert {spec: status["verdict"] for spec, status in found.items()} == {"http": "Pass", "control-plane": "Pass"}


def test_version_2_fails_its_latency_slo(a: RealCluster, under_test: RealCluster) -> None:
    """The slow version fails with its figure; nothing of the load tests is left on cluster B."""
    a.kubectl("patch", "deployment/shop", "--patch-file", str(DEMO / "version-2.yaml"))
    found = verdicts(a, "2")

    assert {spec: status["verdict"] for spec, status in found.items()} == {"http": "Fail", "control-plane": "Pass"}
    assert "http/latency-p90" in found["http"]["message"]
    assert under_test.kubectl("get", "nodes", "-o", "name").split() == [f"node/{under_test.node}"]


def test_agents_in_pods_are_nodes_of_another_cluster(a: RealCluster, under_test: RealCluster) -> None:
    """The chart ``nodes``: an agent in a pod of A is so many nodes of B, with the rights that the chart makes there."""
    count = ("--set", f"nodesPerReplica={NODES}")
    key = agent_kubeconfig(under_test, "nodes", *count)
    a.kubectl("create", "secret", "generic", "b-nodes", "--from-file=kubeconfig=/dev/stdin", stdin=key)
    made = a.helm("install", "nodes", str(CHART), "--set", "kubeconfigSecret=b-nodes", *count)
    assert made.code == 0, made.err
    a.kubectl("rollout", "status", "statefulset/nodes", "--timeout=60s")

    selector = ("-l", "autox.dev/provider=mock")
    wait_for("the nodes", lambda: len(under_test.get("nodes", *selector)["items"]) == NODES)
    under_test.kubectl("wait", "nodes", *selector, "--for=condition=Ready", "--timeout=60s")
    # NB: on virtual nodes alone; the real node has no such image.
    template_spec = {"nodeSelector": {"autox.dev/provider": "mock"}, "containers": [{"name": "c", "image": "anything"}]}
    crowd = {"replicas": 50, "selector": {"matchLabels": {"app": "crowd"}}}
    crowd["template"] = {"metadata": {"labels": {"app": "crowd"}}, "spec": template_spec}
    under_test.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "crowd"}, "spec": crowd})
    under_test.kubectl("rollout", "status", "deployment/crowd", "--timeout=60s")


def test_roles_were_neither_too_wide_nor_too_narrow(a: RealCluster, under_test: RealCluster) -> None:
    """In all that happened above, nothing that autox asked for was refused, and it wrote nothing but its own."""
    assert "system:serviceaccount:default:autox" in a.audit.users()
    assert a.audit.refused() == a.audit.trespasses() == []
    assert under_test.audit.refused() == []

"""A controller with few rights: what it may not read does not keep it from the rest."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from autox.kube.objects import Object
from tests.clusters import LocalCluster
from tests.integration.autox.controllers import NAMESPACE, ControllerProcess
from tests.integration.autox.scene import Scene

pytestmark = pytest.mark.integration

ACCOUNT = "few-rights"


def rights() -> Object:
    """Everything that it needs, and of the group ``apps`` Deployments only."""
    groups = ["", "autox.dev", "batch", "rbac.authorization.k8s.io", "coordination.k8s.io", "authorization.k8s.io"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ACCOUNT},
        "rules": [
            {"apiGroups": groups, "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]},
        ],
    }


@pytest.fixture(scope="module")
def kubeconfig(prepared: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the token of a service account that has these rights."""
    prepared.kubectl("create", "serviceaccount", ACCOUNT, "-n", NAMESPACE)
    prepared.apply(rights())
    prepared.kubectl(
        "create", "clusterrolebinding", ACCOUNT, f"--clusterrole={ACCOUNT}", f"--serviceaccount={NAMESPACE}:{ACCOUNT}"
    )
    token = prepared.kubectl("create", "token", ACCOUNT, "-n", NAMESPACE).strip()
    config = json.loads(prepared.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["users"][0]["user"] = {"token": token}
    path = tmp_path_factory.mktemp("rights") / "kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def controller(
    prepared: LocalCluster, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControllerProcess]:
    """A controller that runs with these rights."""
    process = ControllerProcess(prepared, tmp_path_factory.mktemp("controller") / "log", kubeconfig=kubeconfig)
    process.start()
    try:
        yield process
    finally:
        process.stop()
        prepared.kubectl("delete", f"clusterrolebinding/{ACCOUNT}", f"clusterrole/{ACCOUNT}")
        prepared.kubectl("delete", "serviceaccount", ACCOUNT, "-n", NAMESPACE)


async def test_forbidden_trigger(scene: Scene, cluster: LocalCluster) -> None:
    """A group whose trigger the controller may not read says so, and the others work; once it may, that one does."""
    await scene.group("forbidden", trigger={"resource": "statefulsets", "name": "db"})
    message = await scene.waits("Forbidden", group="forbidden", kind="TriggerFound")
    assert "statefulsets" in message

    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    rule = {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list", "watch"]}
    cluster.apply({**rights(), "rules": [*rights()["rules"], rule]})
    await scene.waits("TriggerGone", group="forbidden", kind="TriggerFound")

"""Groups for namespaces that are not there, are gone, or come later."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.api.samples import SPEC, changed
from tests.charts.rendering import AUTOX, ROOT, Object, helm
from tests.clusters import Done, LocalCluster, run, wait_for

pytestmark = pytest.mark.integration

LOAD: Object = {"tasks": ["http"], "http": {"url": "http://httpbin/get", "numRequests": 2}}
ABSENT: Object = {"image": {"repository": "absent"}}
"""No controller runs: what is looked at is what Helm does."""


@pytest.fixture
def namespaces(cluster: LocalCluster) -> Iterator[tuple[str, str]]:
    """A namespace where the release autox is for the length of a test, and the name of one that there is not."""
    home = f"arrivals-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", home)
    yield home, f"{home}-late"
    cluster.helm("uninstall", "autox", "--namespace", home, "--ignore-not-found")
    cluster.kubectl("delete", "namespace", f"{home}-late", "--ignore-not-found", "--wait=false")


def group(namespace: str) -> Object:
    """A group whose trigger and experiments are in this namespace."""
    spec = changed(SPEC, "specs.iter8.values", LOAD)
    return changed(spec, "trigger.namespace", namespace)


def upgrade(cluster: LocalCluster, home: str, values: Object, folder: Path, *argv: str) -> None:
    """Install or upgrade autox in its namespace."""
    command = ("upgrade", "--install", "autox", AUTOX, "--namespace", home, *argv)
    done = helm(cluster, *command, values=values, folder=folder)
    assert done.code == 0, done.err


def reason(cluster: LocalCluster, home: str, name: str) -> str:
    """What the column REASON says of a group."""
    column = "-o=jsonpath={.status.conditions[?(@.type=='Ready')].reason}"
    return cluster.kubectl("get", "xg", name, "--namespace", home, column)


def arrive(cluster: LocalCluster, namespace: str) -> None:
    """The namespace comes, with an app in it that has opted in."""
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("apply", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"), "--namespace", namespace)
    labels = ("iter8.tools/autox=true", "app.kubernetes.io/version=1")
    cluster.kubectl("label", "deployment/httpbin", "--namespace", namespace, *labels)


def bind(cluster: LocalCluster, home: str, at: tuple[str, str], role: str, account: str) -> Done:
    """A RoleBinding, at a namespace and by a name, that the controller's account tries to make."""
    namespace, name = at
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": home}],
    }
    command = ("kubectl", "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    user = f"--as=system:serviceaccount:{home}:autox"
    return run(*command, user, environ=cluster.with_programs(), stdin=json.dumps(binding))


def test_a_namespace_comes_goes_and_comes_again(
    cluster: LocalCluster, namespaces: tuple[str, str], tmp_path: Path
) -> None:
    """A group says NamespaceMissing and begins with its namespace; the install failed, and the other group with it."""
    home, late = namespaces
    upgrade(cluster, home, {"groups": {"web": group(home), "late": group(late)}}, tmp_path, "--wait", "--timeout=120s")
    wait_for("the group to say it", lambda: reason(cluster, home, "late") == "NamespaceMissing")
    assert reason(cluster, home, "web") == "TriggerGone"

    for _ in range(2):
        arrive(cluster, late)
        wait_for("an experiment", lambda: cluster.get("xp", "--namespace", late)["items"])
        cluster.kubectl("wait", "xp", "--all", "--namespace", late, "--for=condition=Launched", "--timeout=60s")
        cluster.kubectl("delete", "namespace", late, "--timeout=60s")
        wait_for("the group to say it", lambda: reason(cluster, home, "late") == "NamespaceMissing")
        upgrade(cluster, home, {"logLevel": "debug"}, tmp_path, "--reuse-values")

    # It may bind just that role, there, to itself; and no other way would it have rights that it has not.
    mine = f"autox:late:{late}"
    cluster.kubectl("create", "namespace", late)
    assert bind(cluster, home, (late, "autox:late"), mine, "autox").code == 0
    for at, role, account in (
        (("kube-system", "autox:late"), mine, "autox"),
        ((late, "autox:late"), "cluster-admin", "autox"),
        ((late, "autox:late"), mine, "default"),
        ((late, "autox:else"), mine, "autox"),
    ):
        refused = bind(cluster, home, at, role, account)
        assert refused.code != 0
        assert "autox binds its own rights" in refused.err or "forbidden" in refused.err


@pytest.mark.parametrize("state", ["missing", "gone", "terminating"])
def test_an_upgrade_goes_through(
    cluster: LocalCluster, namespaces: tuple[str, str], tmp_path: Path, state: str
) -> None:
    """`helm upgrade` and other groups do not mind an absent namespace; `namespaces "…" not found` it was."""
    home, late = namespaces
    names: Object = {"name": "pin", "namespace": late, "finalizers": ["autox.dev/test"]}
    held: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": names}
    if state != "missing":
        cluster.kubectl("create", "namespace", late)
    if state == "terminating":
        cluster.apply(held)
    if state != "missing":
        upgrade(cluster, home, {"groups": {"web": group(home), "late": group(late)}, **ABSENT}, tmp_path)
        assert "autox:late" in cluster.kubectl("get", "roles", "--namespace", late, "-o", "name")
        cluster.kubectl("delete", "namespace", late, f"--wait={str(state == 'gone').lower()}")
    try:
        looking = changed(group(home), "specs.iter8.values", {**LOAD, "tasks": ["ready"], "ready": {"service": "a"}})
        values = {"web": looking, "late": group(late), "more": changed(looking, "specs.iter8.values.http", None)}
        values["more"]["specs"]["iter8"]["values"]["ready"]["namespace"] = f"{late}-too"
        del values["web"]["specs"]["iter8"]["values"]["http"]
        upgrade(cluster, home, {"groups": values, **ABSENT}, tmp_path)
        assert {each["metadata"]["name"] for each in cluster.get("xg", "--namespace", home)["items"]} == values.keys()
        upgrade(cluster, home, {"groups": {"web": None, "late": None, "more": None}, **ABSENT}, tmp_path)
    finally:
        if state == "terminating":
            cluster.kubectl("patch", "cm/pin", "--namespace", late, "-p", '{"metadata": {"finalizers": null}}')
    left = cluster.kubectl("get", "clusterroles,validatingadmissionpolicies", "-o", "name")
    assert f"autox:late:{late}" not in left
    assert "autox-arrivals" not in left

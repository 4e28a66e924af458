"""In a pod, helm uses the pod's service account where the token lies, and reads it as it is rotated."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from autox.adapters.helm import HelmReleases
from autox.kube.auth import SERVICE_ACCOUNT_DIRECTORY, from_kubeconfig, in_cluster
from autox.kube.client import KubeClient
from autox.kube.connection import Connection
from autox.model.errors import ConfigurationError
from autox.model.refs import CLUSTER_ROLE_BINDINGS, SERVICE_ACCOUNTS
from tests.helm.scene import Scene
from tests.kube.apiserver import ApiServer

pytestmark = pytest.mark.integration


async def _token(kube: KubeClient, namespace: str) -> str:
    """A token of a service account that may do everything."""
    await kube.create(SERVICE_ACCOUNTS, {"metadata": {"name": "autox", "namespace": namespace}})
    binding = {
        "metadata": {"name": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "autox", "namespace": namespace}],
    }
    await kube.create(CLUSTER_ROLE_BINDINGS, binding)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    made = await kube.create(SERVICE_ACCOUNTS, request, namespace=namespace, name="autox", subresource="token")
    token: str = made["status"]["token"]
    return token


async def test_helm_is_told_where_the_token_lies(
    scene: Scene, api_server: ApiServer, charts: Path, with_helm: dict[str, str], tmp_path: Path
) -> None:
    """The token is in no file of ours; a new one in its place is used by the next run."""
    mounted = tmp_path / "pod" / SERVICE_ACCOUNT_DIRECTORY
    mounted.mkdir(parents=True)
    (mounted / "ca.crt").write_bytes(api_server.authority.file.read_bytes())
    (mounted / "token").write_text("one.that.expired")
    environ = with_helm | {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(api_server.port),
        "CONTAINER_SANDBOX_MOUNT_POINT": str(tmp_path / "pod"),
    }
    connection = in_cluster(environ)
    token = await _token(scene.kube, scene.namespace)
    (mounted / "token").write_text(token)

    async with KubeClient(connection) as pod:
        releases = await HelmReleases.open(pod, charts=charts, environ=environ)
        await replace(scene, releases=releases).install("web-1")
        kubeconfig = releases._home.directory / "kubeconfig"
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        assert token not in kubeconfig.read_text()
        await releases.close()

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"
    assert not kubeconfig.exists()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that we run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_helm_goes_to_the_same_context(
    scene: Scene, api_server: ApiServer, charts: Path, with_helm: dict[str, str], elsewhere: Path
) -> None:
    """Of several files and contexts, named relative to where we run, helm takes the one that we talk to."""
    (elsewhere / "decoy").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: decoy\n"
        "contexts: [{name: decoy, context: {cluster: decoy}}]\n"
        "clusters: [{name: decoy, cluster: {server: 'http://127.0.0.1:9'}}]\n"
    )
    files = ["decoy", str(api_server.kubeconfig())]
    connection = from_kubeconfig(context="test", environ={"KUBECONFIG": os.pathsep.join(files)})

    async with KubeClient(connection) as client:
        releases = await HelmReleases.open(client, charts=charts, environ=with_helm)
        await replace(scene, releases=releases).install("web-1")
        await releases.close()

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"


async def test_a_connection_of_no_file_is_refused(charts: Path, with_helm: dict[str, str]) -> None:
    """Helm reads files; without one it would talk to another cluster than we do."""
    async with KubeClient(Connection(server="http://127.0.0.1:9", origin="a test")) as kube:
        with pytest.raises(ConfigurationError, match="no kubeconfig"):
            await HelmReleases.open(kube, charts=charts, environ=with_helm)

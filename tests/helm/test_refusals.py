"""A chart that cannot be installed says why in helm's words, shows no value, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autox.adapters.helm import HelmReleases
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, ForbiddenError, TransientError
from autox.model.groups import ChartRef
from autox.model.refs import JOBS, Resource
from tests.helm.scene import Scene
from tests.kube.apiserver import ApiServer, free_port

pytestmark = pytest.mark.integration

ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group="rbac.authorization.k8s.io", version="v1", plural="rolebindings", kind="RoleBinding")
TOKEN = "tok-5f2c9e7a1b"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"fail": "no"}, "no url but no", id="the template fails on purpose"),
        pytest.param({"nothing": True}, "nil pointer", id="the template is broken"),
        pytest.param({"qps": -1}, "at '/qps': exclusiveMinimum", id="the chart's schema refuses"),
        pytest.param({"qps": TOKEN}, "at '/qps': got string, want number", id="the schema wants another type"),
        pytest.param({"unknown": "[]"}, "YAML parse error", id="what is rendered is no YAML"),
        pytest.param({"unknown": "tyop"}, "field not declared in schema", id="the API server knows no such field"),
        pytest.param({"restartPolicy": TOKEN}, "restartPolicy: Unsupported value", id="the API server refuses"),
    ],
)
async def test_a_chart_that_is_refused_is_a_mistake_of_its_author(
    scene: Scene, values: dict[str, Any], said: str
) -> None:
    """The message has helm's reason, not the values; nothing of the release is left."""
    with pytest.raises(ConfigurationError) as refused:
        await scene.install("web-1", values={"token": TOKEN} | values)

    assert said in refused.value.message
    assert TOKEN not in refused.value.message
    assert set(await scene.secrets()) <= {"web-1-result"}
    assert (await scene.kube.list(JOBS, namespace=scene.namespace)).items == []


async def test_a_value_that_a_template_repeats_is_struck_out(scene: Scene) -> None:
    """A chart that puts a secret into its own error message does not put it into ours."""
    with pytest.raises(ConfigurationError, match=r"no url but \*\*\*"):
        await scene.install("web-1", values={"fail": TOKEN})


async def test_it_works_once_the_chart_is_mended(scene: Scene) -> None:
    """A refused attempt is not in the way of the next."""
    with pytest.raises(ConfigurationError):
        await scene.install("web-1", values={"restartPolicy": "Maybe"})

    await scene.install("web-1")

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"


async def test_a_chart_of_ours_that_is_not_there_is_told_by_name(scene: Scene) -> None:
    """Nothing is guessed for a chart without a repository."""
    with pytest.raises(ConfigurationError, match="autox has no chart named load-tset"):
        await scene.install("web-1", chart=ChartRef(name="load-tset"))


async def test_a_namespace_that_is_not_there_is_told(scene: Scene) -> None:
    """Namespaces are never created."""
    with pytest.raises(ConfigurationError, match='namespaces "nowhere" not found'):
        await replace(scene, namespace="nowhere").install("web-1")


async def test_values_that_json_cannot_say_are_refused(scene: Scene) -> None:
    """NaN does not arrive in a chart as null or as text."""
    with pytest.raises(ConfigurationError, match="not what JSON can say"):
        await scene.install("web-1", values={"qps": float("nan")})


async def test_a_role_that_does_not_reach_is_told(
    scene: Scene, api_server: ApiServer, charts: Path, with_helm: dict[str, str]
) -> None:
    """Without permission for one kind the message names it, and what was made before it is gone again."""
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
    role = {"metadata": {"name": "some", "namespace": scene.namespace}, "rules": [secrets]}
    await scene.kube.create(ROLES, role)
    binding = {
        "metadata": {"name": "some", "namespace": scene.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "robin"}],
    }
    await scene.kube.create(ROLE_BINDINGS, binding)
    async with KubeClient(from_kubeconfig(api_server.kubeconfig("robin", groups=()))) as robin:
        releases = await HelmReleases.open(robin, charts=charts, environ=with_helm)
        with pytest.raises(ForbiddenError, match='User "robin" cannot get resource "jobs"') as refused:
            await replace(scene, releases=releases).install("web-1")
        with pytest.raises(ForbiddenError):
            await releases.uninstall("web-1", namespace="default")
        await releases.close()

    assert "role of autox's service account" in refused.value.hint
    assert await scene.secrets() == {}


async def test_an_api_server_that_is_away_may_come_back(
    scene: Scene, api_server: ApiServer, charts: Path, with_helm: dict[str, str]
) -> None:
    """To uninstall or to install while nothing listens is worth another try."""
    nowhere = api_server.kubeconfig("admin", url=f"https://127.0.0.1:{free_port()}")
    async with KubeClient(from_kubeconfig(nowhere)) as kube:
        releases = await HelmReleases.open(kube, charts=charts, environ=with_helm)
        with pytest.raises(TransientError):
            await replace(scene, releases=releases).install("web-1")
        with pytest.raises(TransientError):
            await releases.uninstall("web-1", namespace=scene.namespace)
        await releases.close()

"""A scene on an API server that knows autox's kinds."""

import asyncio

import pytest

from autox.kube.client import KubeClient
from autox.model.refs import SUBJECT_ACCESS_REVIEWS, Resource
from tests.kube.apiserver import ApiServer
from tests.reading.scene import Scene
from tests.running.release import define

ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles", kind="Role")
ROLE_BINDINGS = Resource(group="rbac.authorization.k8s.io", version="v1", plural="rolebindings", kind="RoleBinding")


@pytest.fixture
async def scene(kube: KubeClient, namespace: str, api_server: ApiServer) -> Scene:
    """A namespace with nothing in it."""
    async with asyncio.timeout(30):
        await define(kube)
    return Scene(kube=kube, namespace=namespace, kubeconfig=api_server.kubeconfig())


@pytest.fixture
async def reader(scene: Scene) -> str:
    """A user who may read autox's own kinds in the namespace, and nothing else."""
    rules = [{"apiGroups": ["autox.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    own = {"metadata": {"name": "reader", "namespace": scene.namespace}}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"reader-of-{scene.namespace}"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    await scene.kube.create(ROLES, own | {"rules": rules})
    await scene.kube.create(ROLE_BINDINGS, own | {"roleRef": role, "subjects": [user]})
    attributes = {"namespace": scene.namespace, "verb": "get", "group": "autox.dev", "resource": "experimentgroups"}
    review = {"spec": {"user": user["name"], "resourceAttributes": attributes}}
    async with asyncio.timeout(20):
        # NB: the API server learns of a role by a watch.
        while True:
            answer = await scene.kube.create(SUBJECT_ACCESS_REVIEWS, review)
            if answer["status"]["allowed"]:
                return str(user["name"])
            await asyncio.sleep(0.02)

"""One controller for all tests of a module, and a namespace for each test."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from autox.api.crds import crds
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES, Resource
from tests.clusters import LocalCluster
from tests.integration.autox.controllers import NAMESPACE, ControllerProcess
from tests.integration.autox.scene import Scene

LIMITS = Resource(group="", version="v1", plural="limitranges", kind="LimitRange")


@pytest.fixture(scope="module")
def prepared(cluster: LocalCluster) -> LocalCluster:
    """The cluster, knowing groups and experiments, and with a namespace for the controller."""
    cluster.apply(*crds(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    cluster.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
    return cluster


@pytest.fixture(scope="module")
def controller(prepared: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControllerProcess]:
    """A controller that runs, and may do everything."""
    log = tmp_path_factory.mktemp("controller") / "log"
    process = ControllerProcess(prepared, log)
    process.start()
    try:
        yield process
    finally:
        process.stop()
        print(process.log())  # noqa: T201  - shown where a test of the module failed


@pytest.fixture
async def kube(cluster: LocalCluster) -> AsyncIterator[KubeClient]:
    """A client of the cluster that may do everything."""
    async with KubeClient(from_kubeconfig(cluster.home.kubeconfig)) as client:
        yield client


@pytest.fixture
async def scene(kube: KubeClient, controller: ControllerProcess) -> AsyncIterator[Scene]:
    """A namespace of the test's own, in a cluster where the controller runs."""
    name = f"test-{uuid4().hex[:8]}"
    await kube.create(NAMESPACES, {"metadata": {"name": name}})
    yield Scene(kube, name, controller)
    await kube.delete(NAMESPACES, name)


@pytest.fixture
async def space(kube: KubeClient) -> AsyncIterator[str]:
    """A namespace with Pod Security, a limit, and no controller that looks into it."""
    name = f"test-{uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    await kube.create(NAMESPACES, {"metadata": {"name": name, "labels": labels}})
    limits = [{"type": "Container", "max": {"cpu": "8"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "1m"}}]
    await kube.create(LIMITS, {"metadata": {"name": "most", "namespace": name}, "spec": {"limits": limits}})
    yield name
    await kube.delete(NAMESPACES, name)

"""What tests of several folders share: one real cluster, and one bare API server that may be killed.

Tests that only use a cluster share ``cluster``; those that break one make their own.
"""

import gc
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from autox.cluster.spec import Runtime
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.refs import NAMESPACES
from tests.clusters import LIGHTLY, LocalCluster
from tests.kube.apiserver import ApiServer

# What a kubelet does in tens of seconds, in seconds.
QUICK = (
    "nodes.config.crashLoopBackOff.initialSeconds=1",
    "nodes.config.crashLoopBackOff.limitSeconds=4",
)

# A node of a cluster that rests does not renew its lease, and is not lost for it.
PATIENT = "controllerManager.flags.node-monitor-grace-period=1h"

# NB: beside tests with clusters a process stands still for longer than the 200 ms that Hypothesis gives an example.
settings.register_profile("beside clusters", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside clusters")

# NB: longest first: a process that began one of these last would work on while the others have nothing left to do.
LONGEST = (
    "tests/integration/autox/test_lost_node.py",
    "tests/e2e/test_demo.py",
    "tests/integration/test_faults.py",
    "tests/density/test_presets.py",
    "tests/e2e/test_compression.py",
    "tests/benchmarks/test_running.py",
    "tests/density/test_running.py",
    "tests/faults/test_density.py",
    "tests/docs/test_documents.py",
    "tests/comparing/test_matrix_story.py",
    "tests/e2e/test_roles.py",
    "tests/integration/test_workloads.py",
    "tests/integration/test_planted.py",
    "tests/e2e/test_control_plane.py",
    "tests/integration/test_clusters.py",
    "tests/charts/test_controller.py",
    "tests/density/test_killed.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--runtime containerd`` plays the stories of tests/e2e on a real node, as ``make e2e`` does."""
    parser.addoption(
        "--runtime",
        choices=[each.value for each in Runtime],
        default=Runtime.PROCESS.value,
        help="what runs the pods of the stories in tests/e2e",
    )


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start, also where the tests run in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # NB: nothing that is collected goes away again, and to look for garbage in it takes half of the collection.
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and not among the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first: by their place, or as an order by chance has them that was asked for."""
    is_by_chance = config.getoption("random_order_enabled")
    places = {file: 0 if is_by_chance else place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONGEST)))


@pytest.fixture(scope="session")
def cluster_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster with one process node, brought up once."""
    shared = LocalCluster(name="shared", state=tmp_path_factory.mktemp("state"))
    try:
        shared.up(*LIGHTLY, *(word for setting in (*QUICK, PATIENT) for word in ("--set", setting)))
        yield shared
    finally:
        shared.wake()
        shared.down()


@pytest.fixture(scope="module")
def cluster(cluster_of_all: LocalCluster) -> Iterator[LocalCluster]:
    """The one of all, which rests between the modules that use it: an idle one costs a twentieth of a processor."""
    cluster_of_all.wake()
    yield cluster_of_all
    cluster_of_all.rest()


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    """A cluster of the test's own, not yet up, gone afterwards however the test ends."""
    own = LocalCluster(name="own", state=tmp_path / "state")
    try:
        yield own
    finally:
        own.autox("down")
        for process in own.processes():
            process.kill()


@pytest.fixture(scope="session")
def api_server_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Etcd and kube-apiserver alone, started once."""
    server = ApiServer(tmp_path_factory.mktemp("apiserver"))
    try:
        server.start("--enable-admission-plugins=NodeRestriction")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def api_server(api_server_of_all: ApiServer) -> Iterator[ApiServer]:
    """The one of all, which rests between the modules that use it; a test may kill it if it starts it again."""
    api_server_of_all.wake()
    yield api_server_of_all
    api_server_of_all.rest()


@pytest.fixture
async def kube(api_server: ApiServer) -> AsyncIterator[KubeClient]:
    """A client that may do everything."""
    async with KubeClient(from_kubeconfig(api_server.kubeconfig())) as client:
        yield client


@pytest.fixture
async def namespace(kube: KubeClient) -> str:
    """A namespace of the test's own."""
    name = f"test-{uuid4().hex[:8]}"
    await kube.create(NAMESPACES, {"metadata": {"name": name}})
    return name

"""One real cluster for all tests that only use one; tests that break clusters make their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import LocalCluster

# What a kubelet does in tens of seconds, in seconds.
QUICK = (
    "nodes.config.crashLoopBackOff.initialSeconds=1",
    "nodes.config.crashLoopBackOff.limitSeconds=4",
)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster with one process node, shared by the whole run."""
    shared = LocalCluster(name="shared", state=tmp_path_factory.mktemp("state"))
    try:
        shared.up(*(word for setting in QUICK for word in ("--set", setting)))
        yield shared
    finally:
        shared.down()


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

"""Which worker serves which pod, through restarts of the node and defects of a worker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from autox.core.backoff import Backoff
from autox.kube.objects import Object
from autox.kube.watch_store import WatchEvent, WatchEventType
from autox.model.errors import InvalidError, NotFoundError
from autox.nodes.process.pod import dispatch as dispatching
from autox.nodes.process.pod.directory import PodDirectory
from autox.nodes.process.pod.dispatch import PodDispatch
from autox.nodes.process.pod.worker import PodWorker
from autox.nodes.process.runtime.attempts import ContainerRecord
from autox.nodes.services.addresses import AddressPool
from tests.pods.podnode import PodNode
from tests.pods.podsamples import container, pod

SYNCED: WatchEvent[Object] = WatchEvent(type=WatchEventType.SYNCED, object={})


def told(kind: str, obj: dict[str, Any]) -> WatchEvent[Object]:
    """An event of a watch."""
    return WatchEvent(type=WatchEventType(kind), object=obj)


class Workshop:
    """Makes real workers, remembers for whom, and can fail as a defect would."""

    def __init__(self, node: PodNode) -> None:
        self.node, self.failures = node, 0
        self.addresses: list[tuple[str, str]] = []

    def make(self, obj: dict[str, Any], address: str, records: tuple[ContainerRecord, ...]) -> PodWorker:
        """A worker, unless it is to fail."""
        self.addresses.append((obj["metadata"]["name"], address))
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a defect")
        return self.node.worker(obj, address, records)


@pytest.fixture
def workshop(node: PodNode) -> Workshop:
    """Makes workers."""
    return Workshop(node)


@pytest.fixture
async def dispatch(node: PodNode, workshop: Workshop) -> AsyncIterator[PodDispatch]:
    """The dispatch of two nodes."""
    made = PodDispatch(
        ["a", "b"],
        root=node.root,
        runtime=node.runtime,
        addresses=AddressPool("10.77.0.0/16"),
        make_worker=workshop.make,
    )
    yield made
    await made.close()


def sleeper(name: str = "web-1", uid: str = "u1", **fields: Any) -> dict[str, Any]:
    """A pod that runs until it is stopped."""
    main = container(command=["/bin/sleep", "600"])
    return pod(main, metadata={"name": name, "uid": uid, "resourceVersion": "1"}, **fields)


async def test_nothing_starts_before_every_node_has_listed_its_pods(
    node: PodNode, dispatch: PodDispatch, workshop: Workshop
) -> None:
    """A new pod never gets the address of one that was there before."""
    old = sleeper("old", "u-old", status={"phase": "Running", "podIP": "10.77.1.0"})
    await dispatch.take("a", told("ADDED", node.api.add(sleeper("new", "u-new"))))
    await dispatch.take("a", SYNCED)
    assert workshop.addresses == []

    await dispatch.take("b", told("ADDED", node.api.add(old)))
    await dispatch.take("b", SYNCED)
    await node.until(lambda: len(workshop.addresses) == 2)

    assert dict(workshop.addresses)["old"] == "10.77.1.0"
    assert dict(workshop.addresses)["new"] != "10.77.1.0"


async def test_what_is_left_of_pods_that_do_not_exist_is_ended(node: PodNode, dispatch: PodDispatch) -> None:
    """After a restart, containers of pods that were deleted meanwhile are killed and their files removed."""
    node.serve(sleeper())
    await node.until(lambda: node.status().get("phase") == "Running")
    await node.close()
    pid = next(iter(node.runtime._watched.values())).record

    for name in ("a", "b"):
        await dispatch.take(name, SYNCED)

    assert pid is not None
    assert node.runtime._watched == {}
    assert not (node.root / "pods" / "u1").exists()


async def test_a_worker_that_fails_is_replaced(
    node: PodNode, dispatch: PodDispatch, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect in serving one pod is tried again and takes no other pod down."""
    monkeypatch.setattr(dispatching, "RETRY", Backoff(initial=0.01, limit=0.01))
    workshop.failures = 2
    for name in ("a", "b"):
        await dispatch.take(name, SYNCED)

    await dispatch.take("a", told("ADDED", node.api.add(sleeper())))
    await dispatch.take("a", told("ADDED", node.api.add(sleeper("web-2", "u2"))))

    await node.until(lambda: node.status("web-1").get("phase") == "Running")
    await node.until(lambda: node.status("web-2").get("phase") == "Running")


async def test_a_pod_that_comes_back_by_name_is_another_pod(node: PodNode, dispatch: PodDispatch) -> None:
    """A StatefulSet's pod starts although the one before it of that name is still stopping."""
    for name in ("a", "b"):
        await dispatch.take(name, SYNCED)
    first = node.api.add(sleeper())
    await dispatch.take("a", told("ADDED", first))
    await node.until(lambda: node.status().get("phase") == "Running")

    second = node.api.add(sleeper(uid="u2"))
    await dispatch.take("a", told("DELETED", first))
    await dispatch.take("a", told("ADDED", second))
    await node.until(lambda: node.container().get("containerID") == "process://u2/app/0")
    await node.until(lambda: not (node.root / "pods" / "u1").exists())

    await node.until(lambda: len(dispatch.workers()) == 1)


async def test_the_endpoints_find_logs_by_name(node: PodNode, dispatch: PodDispatch) -> None:
    """`kubectl logs` reads the newest attempt, and says plainly what cannot be read."""
    for name in ("a", "b"):
        await dispatch.take(name, SYNCED)
    await dispatch.take("a", told("ADDED", node.api.add(sleeper())))
    await node.until(lambda: node.status().get("phase") == "Running")
    directory = PodDirectory(dispatch.workers, node.runtime.log_path)

    path = directory.log_path("default", "web-1", "app", previous=False)

    assert path == node.root / "pods/u1/containers/app/0/log"
    assert [each["metadata"]["name"] for each in directory.pods()] == ["web-1"]
    with pytest.raises(InvalidError, match="previous terminated container"):
        directory.log_path("default", "web-1", "app", previous=True)
    with pytest.raises(NotFoundError, match="container sidecar is not valid"):
        directory.log_path("default", "web-1", "sidecar", previous=False)
    with pytest.raises(NotFoundError, match='pod "other"'):
        directory.log_path("default", "other", "app", previous=False)


async def test_closing_leaves_containers_running(node: PodNode, dispatch: PodDispatch) -> None:
    """A node that stops gracefully ends no pod."""
    for name in ("a", "b"):
        await dispatch.take(name, SYNCED)
    await dispatch.take("a", told("ADDED", node.api.add(sleeper())))
    await node.until(lambda: node.status().get("phase") == "Running")

    await dispatch.close()
    await asyncio.sleep(0.1)

    record = next(iter(node.runtime._watched.values())).record
    assert record is not None
    assert record.pid is not None

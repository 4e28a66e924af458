"""The record of a cluster, and its lock."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autox.cluster.down import down
from autox.cluster.home import ClusterHome, clusters_root, homes
from autox.cluster.locking import locked
from autox.cluster.network import Network
from autox.cluster.spec import ClusterSpec
from autox.cluster.state import ClusterState, read_state, write_state

STATE = ClusterState(
    spec=ClusterSpec(name="a", nodes=2, settings={"etcd.env.GOGC": "50"}),
    network=Network(block=70),
    versions={"etcd": "v3.6.16"},
)


def place(tmp_path: Path) -> ClusterHome:
    """A cluster's home in a temporary directory."""
    return ClusterHome(root=tmp_path, name="a")


def test_round_trip(tmp_path: Path) -> None:
    """What was asked for is what a later ``up`` finds."""
    write_state(place(tmp_path), STATE)

    assert read_state(place(tmp_path)) == STATE


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"spec": {}}', b'{"spec": 1, "network": 2, "versions": 3}', b"\xff\xfe"],
)
def test_broken_record(tmp_path: Path, content: bytes) -> None:
    """A record that is not whole counts as none, and never as half of one."""
    place(tmp_path).directory.mkdir()
    place(tmp_path).state.write_bytes(content)

    assert read_state(place(tmp_path)) is None


def test_where_clusters_are() -> None:
    """The state directory follows the XDG rules."""
    assert clusters_root({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/autox/clusters")
    assert clusters_root({"HOME": "/h"}) == Path("/h/.local/state/autox/clusters")
    assert clusters_root({"XDG_STATE_HOME": "", "HOME": "/h"}) == Path("/h/.local/state/autox/clusters")


def test_no_clusters(tmp_path: Path) -> None:
    """Where there never was a cluster the list is empty."""
    assert homes(tmp_path / "none") == []


async def test_one_at_a_time(tmp_path: Path) -> None:
    """The second of two waits until the first has finished, and is told that it waits."""
    order: list[str] = []

    async def hold(name: str) -> None:
        async with locked(tmp_path / "a", create=True, waiting=lambda: order.append(f"{name} waits")):
            order.append(f"{name} in")
            await asyncio.sleep(0.05)
            order.append(f"{name} out")

    await asyncio.gather(hold("first"), hold("second"))

    assert order == ["first in", "second waits", "first out", "second in", "second out"]


async def test_lock_of_a_removed_directory(tmp_path: Path) -> None:
    """Whoever waited while the directory was removed gets the lock of the new one, not of the ghost."""
    directory = tmp_path / "a"
    waited = asyncio.Event()

    async def wait_for_it() -> bool:
        async with locked(directory, create=True, waiting=waited.set):
            return directory.exists()

    async with locked(directory, create=True, waiting=lambda: None):
        waiter = asyncio.create_task(wait_for_it())
        await waited.wait()
        directory.rmdir()

    assert await waiter


async def test_killed_holder(tmp_path: Path) -> None:
    """A killed ``up`` leaves no lock behind."""
    program = (
        "import asyncio, pathlib, sys\n"
        "from autox.cluster.locking import locked\n"
        "async def main():\n"
        "    async with locked(pathlib.Path(sys.argv[1]), create=True, waiting=lambda: None):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(  # noqa: ASYNC220  - it is killed, not awaited
        [sys.executable, "-c", program, str(tmp_path / "a")], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()

    async with locked(tmp_path / "a", create=True, waiting=lambda: pytest.fail("still locked")):
        pass


async def test_leftovers_of_a_killed_down(tmp_path: Path) -> None:
    """Files that a killed down had set aside are no cluster, and the next down removes them."""
    cluster = place(tmp_path)
    (cluster.removed / "etcd").mkdir(parents=True)

    assert homes(tmp_path) == []
    assert (await down(cluster, say=lambda _: None)).files
    assert not (await down(cluster, say=lambda _: None)).files

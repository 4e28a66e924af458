"""Take a cluster down: end every process of it, remove every file of it.

Containers get SIGTERM and a moment, since they are the user's programs. The control plane is killed outright: its
state goes with it, and API servers that are asked politely have been seen alive forty minutes later. So is a containerd
node, its pods included: what it was is one process (``containerd.init``) and all that the kernel ends with it.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autox.cluster.containerd import cgroups
from autox.cluster.containerd.layout import Layout
from autox.cluster.home import ClusterHome
from autox.cluster.locking import locked
from autox.cluster.processes import Running, end, find
from autox.model.errors import PermanentError

CONTAINER_SECONDS = 3.0
KERNEL_SECONDS = 10.0
POLL_SECONDS = 0.05
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Removed:
    """What ``down`` found and removed."""

    processes: int
    files: bool


async def down(home: ClusterHome, *, say: Callable[[str], None]) -> Removed:
    """End and remove everything of the cluster; nothing there is fine too.

    Raises:
        PermanentError: a process would not end or a file could not be removed; everything else has been.
    """
    async with locked(home.directory, create=False, waiting=lambda: say("waiting for another up or down of it to end")):
        processes = 0
        # NB: more than one round: a node agent may start a container between our look and its end.
        for _ in range(ROUNDS):
            running = find(home.directory)
            if not running:
                break
            processes += len(running)
            await end([each for each in running if each.component == "nodes"], grace=0)
            await end([each for each in running if not each.component], grace=CONTAINER_SECONDS)
            await end(running, grace=0)
        left = find(home.directory)
        if left:
            raise PermanentError(f"{_pids(left)} of cluster {home.name} would not end")
        await asyncio.to_thread(_wait_for_containerd_node, home)
        return Removed(processes=processes, files=_remove(home))


def _wait_for_containerd_node(home: ClusterHome) -> None:
    """See to it that nothing is left of a containerd node in the kernel, which cleans up behind its last process."""
    layout = Layout(home.directory)
    link = Path("/sys/class/net") / layout.link
    deadline = time.monotonic() + KERNEL_SECONDS
    while link.exists() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    left = [str(each) for each in cgroups.remove(layout.cgroup)]
    if link.exists():
        left.append(f"the network link {layout.link}")
    if left:
        raise PermanentError(f"the containerd node of cluster {home.name} has ended but left {', '.join(left)}")


def _remove(home: ClusterHome) -> bool:
    """Remove all files; whether there were any."""
    files = home.directory.exists() or home.removed.exists()
    try:
        # NB: renamed first: a down that is killed half-way must not leave half of etcd's data for the next up.
        if home.removed.exists():
            shutil.rmtree(home.removed)
        if home.directory.exists():
            home.directory.rename(home.removed)
            shutil.rmtree(home.removed)
    except OSError as error:
        raise PermanentError(
            f"cannot remove {error.filename or home.directory}: {error.strerror}",
            hint="its processes have ended; make the directory writable and run down again",
        ) from error
    return files


def _pids(running: list[Running]) -> str:
    return "processes " + ", ".join(str(each.pid) for each in running)

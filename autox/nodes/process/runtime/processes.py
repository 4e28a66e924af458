"""Which process is which: identity that survives the reuse of numbers, and finding strays by their labels.

A pid alone names nobody: numbers come round again. A pid and the process' start (ticks since boot, from
``/proc/PID/stat``, which no change of the clock moves) do, and a pidfd keeps holding the process it was opened
for. Rejected: psutil's create time (seconds since the epoch, so a corrected clock changes it).
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autox.nodes.process.runtime.spawning import stat_field

STATE_LABEL, POD_LABEL, CONTAINER_LABEL = "AUTOX_NODE_STATE", "AUTOX_POD_UID", "AUTOX_CONTAINER"
_ROUNDS = 200
_PAUSE = 0.02  # seconds between two looks for strays


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process and no other: its number, and its start in ticks since boot."""

    pid: int
    start: int

    def open(self) -> int | None:
        """A pidfd of it (readable once it has ended); None when it has ended already."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        # NB: looked at after the opening: had the number been reused before, the start would be another.
        if stat_field(self.pid, 22) == self.start:
            return pidfd
        os.close(pidfd)
        return None

    def send(self, number: int) -> bool:
        """Send a signal; False when it has ended already."""
        pidfd = self.open()
        if pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(pidfd)
        return True


def labelled_processes(root: Path) -> Iterator[tuple[int, str, str]]:
    """Processes of containers of the state directory ``root``: pid, pod UID, ``NAME/ATTEMPT``.

    Those of other users cannot be read and are left out; shims carry no label of a pod and are left out as well.
    """
    state = f"{STATE_LABEL}={root}"
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            with open(f"/proc/{entry.name}/environ", "rb") as file:  # noqa: PTH123  - hundreds of them
                environ = os.fsdecode(file.read())
        except OSError:
            continue
        if state not in environ:
            continue
        variables = environ.split("\0")
        values = dict(one.partition("=")[::2] for one in variables)
        if values.get(STATE_LABEL) == str(root) and POD_LABEL in values:
            yield int(entry.name), values[POD_LABEL], values.get(CONTAINER_LABEL, "")


async def kill_strays(root: Path, is_stray: Callable[[str, str], bool]) -> None:
    """Kill labelled processes until none is left for which ``is_stray(pod UID, NAME/ATTEMPT)`` holds.

    Looks again after each round, since a process may fork while it is being looked for; gives up on what cannot
    be killed after a few seconds, as a process in uninterruptible sleep cannot.
    """
    for _ in range(_ROUNDS):
        found = [pid for pid, uid, container in labelled_processes(root) if is_stray(uid, container)]
        if not found:
            return
        for pid in found:
            _kill_labelled(pid, root)
        await asyncio.sleep(_PAUSE)


def _kill_labelled(pid: int, root: Path) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # NB: the number may have gone to another process since it was listed.
        if f"{STATE_LABEL}={root}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        return
    finally:
        os.close(pidfd)

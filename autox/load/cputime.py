"""How much CPU this process was given, and how much it was not: from the kernel, which alone knows.

A process cannot see from within why it stood still. The kernel counts what it waited for a CPU while others ran
(``schedstat``), and what a quota kept its whole control group from running (``cpu.stat``): neither contains the other
on every kernel, so the larger of the two counts. Where neither is told, nothing is known, and lateness has to show it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
_NANOSECONDS = 1e9
_THROTTLED = {"throttled_usec": 1e6, "throttled_time": _NANOSECONDS}
"""What the kernel calls it, with control groups of version 2 and 1, and how many make a second."""


def cpu_wanted() -> float:
    """Seconds for which this thread has had a CPU or, where the kernel tells, has waited for one."""
    running, waiting = _schedstat()
    return running + waiting


class Denied:
    """Counts the CPU that this thread, or its control group, wanted and was not given from now on."""

    def __init__(
        self, *, waited: Callable[[], float] | None = None, throttled: Callable[[], float] | None = None
    ) -> None:
        """Begin to count.

        Args:
            waited: seconds in all for which this thread has waited for a CPU.
            throttled: seconds in all for which its control group was not let run.
        """
        self._waited = waited or (lambda: _schedstat()[1])
        self._throttled = throttled or Throttling(_OWN_GROUPS, _GROUPS).seconds
        self._began = self._waited(), self._throttled()

    def seconds(self) -> float:
        """So far."""
        waited, throttled = self._began
        return max(self._waited() - waited, self._throttled() - throttled)


class Throttling:
    """For how long quotas have kept a process from running: its control group's and those above it."""

    def __init__(self, own: Path, groups: Path) -> None:
        """Find the control groups.

        Args:
            own: which groups the process is in, ``/proc/self/cgroup``.
            groups: where their files are.
        """
        self._files = tuple(dict.fromkeys(_statistics(own, groups)))

    def seconds(self) -> float:
        """Of the group that was kept longest; 0 if there is no quota, or none that this process can see."""
        return max((_throttled(file) for file in self._files), default=0.0)


def _schedstat() -> tuple[float, float]:
    """For how long this thread has run, and has waited to run, in seconds."""
    with suppress(OSError, ValueError):
        running, waiting = map(int, _SCHEDSTAT.read_bytes().split()[:2])
        return running / _NANOSECONDS, waiting / _NANOSECONDS
    return time.thread_time(), 0.0


def _statistics(own: Path, groups: Path) -> Iterator[Path]:
    """Every ``cpu.stat`` that bounds a process, from its group upwards."""
    with suppress(OSError, ValueError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                roots = [groups, groups / "unified"]
            elif "cpu" in controllers.split(","):
                roots = [groups / controllers, groups / "cpu"]
            else:
                continue
            # NB: in a container the path may be the host's, while the group's files lie at the root.
            inner = PurePosixPath(path.strip("/"))
            for place in (root / each for root in roots for each in (inner, *inner.parents)):
                if (place / "cpu.stat").is_file():
                    yield place / "cpu.stat"


def _throttled(file: Path) -> float:
    with suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name in _THROTTLED:
                return int(value) / _THROTTLED[name]
    return 0.0

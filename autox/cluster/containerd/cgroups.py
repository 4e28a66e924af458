"""The control groups of a node's pods: made when it starts, removed when it is gone.

Control groups are the one thing in the kernel that no namespace takes along. Both layouts are known: one tree for each
controller (version 1), and one tree for all.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
WEIGHT = 16
"""Of all pods together beside one thread of a program outside, one of the API server for example. With the weight of 1,
that groups have by default, a busy control plane would leave next to nothing of the processors to the pods."""
REMOVING_SECONDS = 10.0
POLL_SECONDS = 0.05


def make(name: str, *, root: Path = ROOT) -> None:
    """Make the group in every hierarchy.

    Raises:
        OSError: the kernel refused.
    """
    if (root / "cgroup.controllers").exists():
        with contextlib.suppress(OSError):  # those that the root hands down already
            controllers = (root / "cgroup.controllers").read_text().split()
            (root / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))
    for hierarchy in _hierarchies(root):
        (hierarchy / name).mkdir(exist_ok=True)
    weights = {root / "cpu" / name / "cpu.shares": WEIGHT * 1024, root / name / "cpu.weight": WEIGHT * 100}
    for place, weight in weights.items():
        if place.exists():
            place.write_text(str(weight))
    cpuset = root / "cpuset"
    # NB: version 1 lets nothing into a cpuset without processors, and a new one has none.
    if (cpuset / "cpuset.cpus").exists():
        for file in ("cpuset.cpus", "cpuset.mems"):
            (cpuset / name / file).write_text((cpuset / file).read_text())


def remove(name: str, *, root: Path = ROOT) -> list[Path]:
    """Remove the group and all below it from every hierarchy, and return what would not go within ten seconds."""
    deadline = time.monotonic() + REMOVING_SECONDS
    while True:
        left = [group for hierarchy in _hierarchies(root) for group in _remove_tree(hierarchy / name)]
        # NB: a process that was killed leaves its group a moment after it has ended.
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_SECONDS)


def _hierarchies(root: Path) -> Iterator[Path]:
    if (root / "cgroup.controllers").exists():
        yield root
        return
    seen = set()
    for each in sorted(root.iterdir()) if root.is_dir() else []:
        # NB: cpu,cpuacct and its two names are one hierarchy with links to it.
        if each.is_dir() and each.resolve() not in seen and (each / "cgroup.procs").exists():
            seen.add(each.resolve())
            yield each


def _remove_tree(group: Path) -> list[Path]:
    if not group.is_dir():
        return []
    left = [path for child in sorted(group.iterdir()) if child.is_dir() for path in _remove_tree(child)]
    try:
        group.rmdir()
    except FileNotFoundError:
        return left
    except OSError:
        return [*left, group]
    return left

"""How much memory a build may take: what the machine has left, or less where a control group says so.

buildah's storage is some hundred thousand small files that live for a minute. In memory a build takes half the
processor time of one on a disk, and none of the disk's.
"""

from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")


def available(own: str | None = None, *, groups: Path = _GROUPS) -> int:
    """Bytes that can be had without taking them from others.

    Args:
        own: the control group, as /proc/self/cgroup has it; None for that of this process.
        groups: where control groups (version 2) are.
    """
    own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip() if own is None else own
    place = groups / own.lstrip("/")
    limits = [psutil.virtual_memory().available]
    for group in (place, *place.parents):
        if not group.is_relative_to(groups):
            break
        try:
            limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
        except (OSError, ValueError):  # the root has no such files, and no limit is ``max``
            continue
    return max(0, min(limits))

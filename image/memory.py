"""How much memory a build may take: what the machine has left, or less where a control group says so.

buildah's storage is tens of thousands of small files that live for a minute. In memory a build takes half the
processor time of one on a disk, and none of the disk's.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""The limit and what of it is taken, of control groups of either version."""


def available(*, groups: Path = _GROUPS, own: Path = _OWN) -> int:
    """Bytes that can be had without taking them from others.

    Args:
        groups: where control groups are.
        own: the file that names those of this process, one a line: ``0::/a/b`` or ``4:memory:/a/b``.
    """
    limits = [psutil.virtual_memory().available]
    for line in own.read_text().splitlines():
        _, kind, name = line.split(":", 2)
        if kind in ("", "memory"):
            limits += _limits(groups / kind, name)
    return max(0, min(limits))


def _limits(groups: Path, name: str) -> Iterator[int]:
    """What is left of the limit of a control group, and of each one above it."""
    place = groups / name.lstrip("/")
    for group in (place, *place.parents):
        if not group.is_relative_to(groups):
            return
        for limit, taken in _FILES:
            try:
                yield int((group / limit).read_text()) - int((group / taken).read_text())
            except (OSError, ValueError):  # not of this version, not visible from inside, or ``max``
                continue

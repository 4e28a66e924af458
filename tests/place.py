"""``python -m tests.place``: where ``make test`` and ``make e2e`` keep clusters, nodes and images.

In memory where there is room: a node is thousands of files that are removed a minute later, and etcd waits for the disk
at each write. Who names a place by TMPDIR gets that.
"""

import os
import shutil
import tempfile
from pathlib import Path

from image import memory

IN_MEMORY = Path("/dev/shm")  # noqa: S108  - a file system in memory, on every Linux
ROOM = 6 << 30  # bytes: two nodes with their images and a build of the image; at its peak they take some 2 GB


def place() -> Path:
    """The directory."""
    given = Path(tempfile.gettempdir())
    if "TMPDIR" in os.environ or not IN_MEMORY.is_mount() or os.statvfs(IN_MEMORY).f_flag & os.ST_NOEXEC:
        return given
    return IN_MEMORY if min(shutil.disk_usage(IN_MEMORY).free, memory.available()) > ROOM else given


if __name__ == "__main__":
    print(place())  # noqa: T201  - a command: it prints

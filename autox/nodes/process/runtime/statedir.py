"""The state directory of a process node: taken by one process at a time, and cleared of what pods leave behind.

The lock goes with a file descriptor, so that a process that died holds none.
"""

import fcntl
import os
import shutil
from pathlib import Path

from autox.model.errors import ConfigurationError


def take_state_directory(root: Path, *, node: str) -> int:
    """Make it, lock it, and return the file descriptor that holds the lock.

    Raises:
        ConfigurationError: it cannot be made or used, or a living process holds it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        root.chmod(0o700)
        lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"state directory {root} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(lock, 512, 0).decode(errors="replace").strip()
        os.close(lock)
        raise ConfigurationError(f"state directory {root} is in use by {owner or 'another process'}") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"node {node}, process {os.getpid()}\n".encode(), 0)
    return lock


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` and all in it, also where a container took away the permission to; gone is removed.

    Raises:
        OSError: something in it cannot be removed by us.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except PermissionError:
        folder.chmod(0o700)
        for parent, names, _ in os.walk(folder):
            for name in names:
                if not (inner := Path(parent, name)).is_symlink():
                    inner.chmod(0o700)
        shutil.rmtree(folder)

"""One ``up`` or ``down`` of a cluster at a time: an advisory lock on the cluster's directory itself.

The kernel drops the lock when its holder ends, however it ends, so a killed ``up`` never leaves one behind; and
since the directory is the lock there is no lock file to be left over. Rejected: a lock file (``down`` must leave no
file, and unlinking a file that others wait on is a race), and a pid in a file (stale).
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from autox.cluster.files import private_directory, unwritable

POLL_SECONDS = 0.1


@contextlib.asynccontextmanager
async def locked(directory: Path, *, create: bool, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the directory's lock.

    Args:
        directory: what to lock; with ``create`` it is made when missing, with mode 0700.
        create: whether to make the directory. Without it a missing directory is simply not locked.
        waiting: called once if somebody else holds the lock.

    Raises:
        PermanentError: the directory cannot be made or opened.
    """
    descriptor = await _acquire(directory, create=create, waiting=waiting)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


async def _acquire(directory: Path, *, create: bool, waiting: Callable[[], None]) -> int | None:
    told = False
    while True:
        if create:
            private_directory(directory)
        try:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            if not create:
                return None
            continue
        except OSError as error:
            raise unwritable(directory, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if not told:
                waiting()
                told = True
            await asyncio.sleep(POLL_SECONDS)
            continue
        # NB: while we waited, a `down` may have removed the directory and an `up` made another of that name.
        if _is_still(directory, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still(directory: Path, descriptor: int) -> bool:
    try:
        there = directory.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

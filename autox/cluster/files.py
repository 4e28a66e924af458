"""Files of a cluster, written so that nobody ever reads half of one, and readable by their owner alone."""

import errno
import os
import sys
from pathlib import Path

from autox.model.errors import PermanentError


def private_directory(path: Path) -> None:
    """Make a directory of mode 0700, its parents as the umask says.

    Raises:
        PermanentError: it cannot be made, or is something else.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 as a whole: the old content or the new one, never a part, also after a power cut.

    Raises:
        PermanentError: the file system refused.
    """
    private_directory(path.parent)
    # NB: the name holds the pid, so that two writers that somehow meet do not share a half-written file.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def link(path: Path, target: Path) -> None:
    """Make a symbolic link, or point it elsewhere, in one step.

    Raises:
        PermanentError: the file system refused.
    """
    private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        draft.symlink_to(target)
        draft.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def room(path: Path) -> int:
    """Bytes that are free where this directory is; what cannot be asked has room."""
    try:
        found = os.statvfs(path)
    except OSError:
        return sys.maxsize
    return found.f_bavail * found.f_frsize


def unwritable(path: Path, error: OSError) -> PermanentError:
    """The error for a path that the file system would not let us write."""
    reason = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return PermanentError(
            f"cannot write {path}: the disk is full ({reason})",
            hint="make room there, or set XDG_STATE_HOME to a directory on another disk",
        )
    return PermanentError(
        f"cannot write {path}: {reason}",
        hint="make the place writable, or set XDG_STATE_HOME to a directory that is",
    )

"""Leaving this machine's namespaces: what the standard library cannot do before Python 3.12, by the C library.

``enter_new`` returns in a process that is the first of its process namespace and has mounts, a network and a host name
of its own. Rejected: the programs ``unshare`` and ``nsenter``, of which one stays as a second process that must be
found and ended too.
"""

import ctypes
import os
import socket
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SHARED = 0x100000

_libc = ctypes.CDLL(None, use_errno=True)


def enter_new() -> None:
    """Go on as process 1 of new namespaces; the process that was started ends as soon as that one runs.

    Raises:
        OSError: the kernel refused.
    """
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare")
    # NB: only children are in the new process namespace; this process itself never is.
    if os.fork() != 0:
        os._exit(0)


def isolate_mounts() -> None:
    """Let no mount from here reach the machine, but let those made here reach the containers, as kubelets expect.

    Raises:
        OSError: the kernel refused.
    """
    _mount("none", Path("/"), "", MS_REC | MS_PRIVATE)
    _mount("none", Path("/"), "", MS_REC | MS_SHARED)
    _mount("proc", Path("/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def mount_memory(place: Path) -> None:
    """Mount an empty file system in memory.

    Raises:
        OSError: the kernel refused.
    """
    _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV)


def bind(source: Path, place: Path) -> None:
    """Let one directory be seen in place of another.

    Raises:
        OSError: the kernel refused.
    """
    _mount(str(source), place, "", MS_BIND)


def name_host(name: str) -> None:
    """Give this namespace its host name."""
    socket.sethostname(name)


def _mount(source: str, place: Path, kind: str, flags: int) -> None:
    done = _libc.mount(source.encode(), str(place).encode(), kind.encode(), ctypes.c_ulong(flags), None)
    _check(done, f"mount {place}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")

"""``python slowdisk.py SECONDS PROGRAM ARG…``: become a program whose disk takes so much longer to make data safe.

Every fsync and fdatasync of the program waits its turn and then so long, as on a disk with a long queue. The kernel
asks a second process before it carries them out (seccomp's user notification, Linux 5.5), which is a fork of this one
and ends with the program. Rejected: a limit on the block device (nothing for a tmpfs, and for root alone), and the
program stopped now and then, which is a slow processor and no slow disk.
"""

import ctypes
import os
import platform
import signal
import struct
import sys
import time
from contextlib import suppress
from fcntl import ioctl
from typing import NoReturn

_SECCOMP, _FSYNC, _FDATASYNC = {"x86_64": (317, 74, 75), "aarch64": (277, 82, 83)}[platform.machine()]
_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38
_MODE_FILTER, _NEW_LISTENER = 1, 8
_ASK, _ALLOW = 0x7FC00000, 0x7FFF0000
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _asked() -> int:
    """Have the kernel ask before each fsync of this process and its children; the descriptor that it asks by."""
    instructions = b"".join(
        struct.pack("HBBI", *each)
        for each in (
            (_LOAD_NUMBER, 0, 0, 0),
            (_JUMP_IF_EQUAL, 1, 0, _FSYNC),
            (_JUMP_IF_EQUAL, 0, 1, _FDATASYNC),
            (_RETURN, 0, 0, _ASK),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    program = _Program(len(instructions) // 8, instructions)
    listener = libc.syscall(_SECCOMP, _MODE_FILTER, _NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(listener)


def _answer(listener: int, *, seconds: float) -> NoReturn:
    """Let each be carried out in its turn, after so long, until the program is over."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    while True:
        question = bytearray(80)
        # NB: who asked may be gone meanwhile.
        with suppress(FileNotFoundError):
            ioctl(listener, _RECEIVE, question)
            time.sleep(seconds)
            ioctl(listener, _SEND, struct.pack("QqiI", struct.unpack_from("Q", question)[0], 0, 0, _CONTINUE))


def main(seconds: str, *command: str) -> None:
    """Become the program."""
    listener = _asked()
    if os.fork() == 0:
        _answer(listener, seconds=float(seconds))
    os.close(listener)
    os.execv(command[0], command)  # noqa: S606  - that is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])

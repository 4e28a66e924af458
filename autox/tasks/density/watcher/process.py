"""A process that is forked from this one to do one thing, with a channel to tell it by, and ends with this one.

A fork has all that was imported and read so far: the client, the credentials, the API server's certificate authority.
That takes a few milliseconds, where another Python with the same imports takes 0.3 s of CPU, and no secret passes
through a pipe. What it must not share is let go of: files and connections, which would outlive their end here; signals,
so that Ctrl-C in a terminal ends the run and not its watcher; and the event loop, which it never returns to.

It ends when the channel does, which is what remains of a process that was killed.
"""

import gc
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Never

import psutil

from autox.model.errors import UnreachableError

_STDERR = 2
_UNHEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Process:
    """The child, as its parent sees it.

    Attributes:
        pid: its number.
        channel: what it tells; never blocks.
    """

    def __init__(self, pid: int, channel: socket.socket) -> None:
        """Take over a child."""
        self.pid = pid
        self.channel = channel

    @property
    def memory(self) -> int:
        """Bytes that it has for itself: most of what it has resident is its parent's."""
        try:
            return int(psutil.Process(self.pid).memory_full_info().uss)
        except (psutil.Error, OSError):
            return 0

    def end(self) -> tuple[str, float]:
        """End it; in words how it had ended before, and the seconds of CPU time that it has used."""
        # NB: it is ours until it is waited for, so that its number is nobody else's.
        os.kill(self.pid, signal.SIGKILL)
        self.channel.close()
        _, status, used = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        how = f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        return how, used.ru_utime + used.ru_stime


def fork(work: Callable[[socket.socket], None]) -> Process:
    """A child that does some work and ends.

    Args:
        work: is given its end of the channel; raises nothing that is not a defect.

    Raises:
        UnreachableError: there is no room for one more process.
    """
    ours, theirs = socket.socketpair()
    parents = frozenset(_files().values())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with theirs, warnings.catch_warnings():
            # NB: Python 3.12 warns where there are threads; none of ours holds a lock that the child takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
            if not pid:
                _become(work, theirs, parents)
    except OSError as error:
        ours.close()
        raise UnreachableError(f"no process can be started to watch pods: {error.strerror}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    ours.setblocking(False)
    return Process(pid, ours)


def _become(work: Callable[[socket.socket], None], channel: socket.socket, parents: Collection[str]) -> Never:
    code = 1
    try:
        # NB: a signal would wake the event loop of the parent by the socket that both have.
        signal.set_wakeup_fd(-1)
        for unheard in _UNHEARD:
            signal.signal(unheard, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # A collection would write to every object, and take a page for each that is the parent's now.
        gc.freeze()
        for number, file in _files().items():
            # NB: what has been opened since is libuv's, which has a pipe of its own in each process.
            if number > _STDERR and number != channel.fileno() and file in parents:
                os.close(number)
        channel.setblocking(False)
        work(channel)
        code = 0
    except BaseException:  # noqa: BLE001  - the child must not go on as if it were the parent
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _files() -> dict[int, str]:
    """What each number of this process is an open file of."""
    found = {}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  - numbers
        # NB: the number by which the directory is read is gone by now.
        with suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115  - no path
    return found

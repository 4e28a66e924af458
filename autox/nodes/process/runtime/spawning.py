"""Starting and ending processes, as the shim does it: held before exec, clean of what Python sets, none left over.

Rejected: ``subprocess`` (its import alone takes as long as ten forks, and it cannot hold a child before its exec)
and ``os.posix_spawn`` (no working directory, no parent-death signal).

Part of the shim: imports little, and no module that needs site-packages.
"""
# pathlib takes longer to import than the whole shim:
# ruff: noqa: PTH123, PTH208

import ctypes
import errno
import os
import signal
import warnings  # noqa: F401  - NB: os.execvpe imports it: here once, and not in each child

START_ERROR = 128  # the exit code that containerd gives a container that could not be executed

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_RESET = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))

_prctl = ctypes.CDLL(None).prctl


def adopt_orphans() -> None:
    """Become the subreaper: whatever a descendant leaves behind becomes our child, daemons included."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


class Child:
    """A process held before its exec, so that it can be recorded first."""

    def __init__(self, argv: list[bytes], env: dict[bytes, bytes], cwd: bytes, out: int, err: int) -> None:
        """Fork; the child executes nothing before ``release``.

        Args:
            argv: the command; a first word without a slash is looked for in the PATH of ``env``.
            env: its whole environment.
            cwd: its working directory.
            out: file descriptor that becomes its stdout; the caller closes its own.
            err: the same for its stderr.

        Raises:
            OSError: there is no room for one more process, or for its pipes.
        """
        ends: list[int] = []
        try:
            ends += os.pipe2(os.O_CLOEXEC)
            ends += os.pipe2(os.O_CLOEXEC)
            self.pid = os.fork()
        except OSError:
            for end in ends:
                os.close(end)
            raise
        gate, self._gate, self._failure, failure = ends
        if self.pid:
            os.close(gate)
            os.close(failure)
            return
        stage = b"setup"
        try:
            os.close(self._gate)
            os.setsid()
            _prctl(_SET_PDEATHSIG, signal.SIGKILL)
            if not os.read(gate, 1):
                os._exit(START_ERROR)
            stage = b"cwd"
            os.chdir(cwd)
            stage = b"setup"
            os.umask(0o022)
            os.dup2(os.open(b"/dev/null", os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(err, 2)
            signal.set_wakeup_fd(-1)
            for number in _RESET:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            stage = b"exec"
            os.execvpe(argv[0], argv, env)  # noqa: S606  - no shell is what we want
        except OSError as error:
            os.write(failure, b"%s %d" % (stage, error.errno or errno.EIO))
        except ValueError:
            os.write(failure, b"%s %d" % (stage, errno.EINVAL))
        finally:
            os._exit(START_ERROR)

    def release(self) -> bytes:
        """Let it execute; empty when it does, else ``STAGE ERRNO``."""
        os.write(self._gate, b"!")
        os.close(self._gate)
        failure = os.read(self._failure, 64)
        os.close(self._failure)
        return failure


def kill_children() -> None:
    """Kill and reap every descendant: orphans come to us, the subreaper, until there are none."""
    me = os.getpid()
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for name in os.listdir(b"/proc"):
            # NB: a child that nobody else may reap keeps its number, so this cannot hit a stranger.
            if name.isdigit() and stat_field(int(name), 4) == me:
                os.kill(int(name), signal.SIGKILL)
        os.waitpid(-1, 0)


def stat_field(pid: int, number: int) -> int:
    """Field of /proc/PID/stat as proc(5) numbers them: 4 is the parent, 22 the start in ticks since boot."""
    try:
        with open(b"/proc/%d/stat" % pid, "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[number - 3])
    except (OSError, IndexError, ValueError):
        return 0


def exit_code(status: int) -> int:
    """The exit code of a wait status; 128 + N for signal N, as every container runtime says it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code

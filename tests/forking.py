"""``autox`` as a process of its own that does not begin by importing it: forked from one that has done so already.

Importing is half of the CPU time of a short command, and tests start a thousand. Such a process has its own memory,
signals, environment and files; what it executes from then on is ``python -m autox``. It differs in that
``/proc/PID/environ``, ``cmdline`` and the parent are those of the one that forked it, and in what only the interpreter
does at its end: a ``KeyboardInterrupt`` that nobody handles and a last flush that fails give 1. How ``autox`` starts
and ends is tested by those that start it (``tests/cli``, ``tests/docs``, the demo).

As a program (``python -m tests.forking FD``) this is the one that forks; it ends when its socket is closed.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from subprocess import TimeoutExpired
from typing import IO, Never

import autox

AUTOX = (sys.executable, "-m", "autox")
NUMBER = struct.Struct("<i")
LIMIT = 1 << 20  # bytes of a request: arguments and environment
ROOT = Path(__file__).parents[1]
APART = ("autox.__main__", "autox.nodes.process.runtime.shim", "autox.cluster.binaries.guard")
"""What is a program and no module of one."""
_ASKING = threading.Lock()


def is_forkable(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a command line is autox's, and its environment has no word for Python itself."""
    return tuple(argv[:3]) == AUTOX and not any(
        name.startswith("PYTHON") and os.environ.get(name) != value for name, value in environ.items()
    )


class Forked:
    """A process as ``subprocess.Popen`` has it: as much of it as tests use."""

    def __init__(self, pid: int, ends: int) -> None:
        """Take over a process.

        Args:
            pid: its number.
            ends: a file descriptor that gives its wait status once it has ended.
        """
        self.pid = pid
        self.returncode: int | None = None
        self._ends = ends
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it goes on after so many seconds.
        """
        code = self._look(timeout)
        if code is None:
            raise TimeoutExpired(AUTOX, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._ends], [], [], seconds)[0]:
            with self._lock:
                if self.returncode is None:
                    status = os.read(self._ends, NUMBER.size)
                    os.close(self._ends)
                    assert status, "the process that forks has ended"
                    self.returncode = os.waitstatus_to_exitcode(NUMBER.unpack(status)[0])
        return self.returncode


def fork(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    start_new_session: bool = False,
) -> Forked:
    """Start ``python -m autox ARGV…`` with these files, in the current directory; arguments as ``Popen`` has them."""
    ends, told = os.pipe()
    process: Forked | None = None
    try:
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123  - as short as it gets
            files = [nothing if each == subprocess.DEVNULL else each for each in (stdin, stdout, stderr)]
            numbers = [each if isinstance(each, int) else each.fileno() for each in files]
            wanted = {"argv": list(argv[3:]), "env": dict(env), "cwd": str(Path.cwd()), "session": start_new_session}
            with _ASKING:
                _, server = _server()
                socket.send_fds(server, [json.dumps(wanted).encode()], [*numbers, told])
                process = Forked(NUMBER.unpack(server.recv(NUMBER.size))[0], ends)
                return process
    finally:
        os.close(told)
        if process is None:
            os.close(ends)


@cache
def _server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process that forks, which is started when it is first needed, and the connection to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LIMIT)
    with theirs:
        number = theirs.fileno()
        argv = [sys.executable, "-m", "tests.forking", str(number)]
        nothing = subprocess.DEVNULL
        return subprocess.Popen(argv, pass_fds=[number], cwd=ROOT, stdin=nothing, stdout=nothing), ours


def serve(connection: socket.socket) -> None:
    """Fork whatever is asked for until nobody can ask any more."""
    for module in pkgutil.walk_packages(autox.__path__, "autox."):
        if module.name not in APART:
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    children: dict[int, int] = {}
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([connection.fileno(), wake], [], [])
        if wake in ready:
            os.read(wake, 512)
            _tell(children)
        if connection.fileno() in ready:
            said, files, _, _ = socket.recv_fds(connection, LIMIT, 4)
            if not said:
                return
            child = os.fork()
            if not child:
                os.close(wake)
                os.close(woken)
                connection.close()
                _become(json.loads(said), files)
            for each in files[:3]:
                os.close(each)
            children[child] = files[3]
            connection.send(NUMBER.pack(child))


def _tell(children: dict[int, int]) -> None:
    """Tell of the children that have ended."""
    while children:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with open(children.pop(child), "wb", closefd=True) as file:  # noqa: PTH123  - of a number
            file.write(NUMBER.pack(status))


def _become(wanted: dict[str, object], files: list[int]) -> None:
    """Be ``python -m autox`` from now on."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if wanted["session"]:
        os.setsid()
    os.chdir(str(wanted["cwd"]))
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, 1 << 20)  # NB: those of other children, too, which a cluster that it starts would keep
    os.environ.clear()
    os.environ.update(wanted["env"])  # type: ignore[call-overload]
    random.seed()
    sys.stdin = TextIOWrapper(open(0, "rb", closefd=False))  # noqa: SIM115
    sys.stdout = TextIOWrapper(open(1, "wb", closefd=False), line_buffering=os.isatty(1))  # noqa: SIM115
    sys.stderr = TextIOWrapper(open(2, "wb", closefd=False), errors="backslashreplace", line_buffering=True)  # noqa: SIM115
    sys.argv = ["autox", *wanted["argv"]]  # type: ignore[misc]
    code: object = 0
    try:
        runpy.run_module("autox", run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        code = ending.code
    except BaseException:  # noqa: BLE001  - as the interpreter does it
        traceback.print_exc()
        code = 1
    _end(code)


def _end(code: object) -> Never:
    """End as the interpreter does, but for taking its modules apart, which would copy all of what was shared."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                code = code or 1
    if not isinstance(code, int | None):
        os.write(2, f"{code}\n".encode())
        code = 1
    os._exit(code or 0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))

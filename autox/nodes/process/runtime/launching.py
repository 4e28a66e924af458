"""The node's side of the shim: keeps the template process alive and hands it launches.

See ``shim.py`` for why there is a template at all and for the form of a launch.
"""

import asyncio
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import autox
from autox.model.errors import StartError
from autox.nodes.process.runtime.attempts import ContainerLaunch
from autox.nodes.process.runtime.processes import STATE_LABEL

_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from autox.nodes.process.runtime import shim; shim.main(int(sys.argv[2]))"
)
_VARIABLE = re.compile(r"[^=\0]+")
_PATIENCE = 5.0  # seconds for the template to end; it does at once unless somebody stopped it
_PARALLEL = 32  # launches on their way to the template; far below what its socket can queue


class Launcher:
    """Starts shims. The template is started with the first launch, and again should it have been killed."""

    def __init__(self, root: Path, *, log_limit: int) -> None:
        self._root = root
        self._log_limit = log_limit
        self._slots = asyncio.Semaphore(_PARALLEL)
        self._template: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def launch(self, folder: Path, launch: ContainerLaunch) -> bytes:
        """Start one container; the shim's answer, empty when the template or the shim died before giving one.

        Raises:
            OSError: out of file descriptors, processes or memory.
        """
        fields: list[str | Path] = [folder, launch.cwd, str(self._log_limit), str(len(launch.argv)), *launch.argv]
        fields += [f"{name}={value}" for name, value in launch.env.items()]
        body = b"\0".join(os.fsencode(field) for field in fields)
        loop = asyncio.get_running_loop()
        async with self._slots:
            ours, theirs = socket.socketpair()
            with ours:
                ours.setblocking(False)
                with theirs:
                    self._hand_over(theirs.fileno())
                try:
                    await loop.sock_sendall(ours, b"%d\n%b" % (len(body), body))
                    ours.shutdown(socket.SHUT_WR)
                except ConnectionError:
                    pass  # the answer, if there is one, says why
                try:
                    return await loop.sock_recv(ours, 256)
                except ConnectionError:
                    return b""

    def close(self) -> None:
        """End the template; shims go on."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._template is not None:
            try:
                self._template.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self._template.kill()
                self._template.wait()
            self._template = None

    def _hand_over(self, fd: int) -> None:
        if self._control is not None:
            try:
                socket.send_fds(self._control, [b"!"], [fd])
            except ConnectionError:
                self.close()
            else:
                return
        self._control = self._start_template()
        socket.send_fds(self._control, [b"!"], [fd])

    def _start_template(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        packages = Path(autox.__file__).parent.parent
        with theirs, (self._root / "shims.log").open("ab") as log:
            self._template = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _CODE, packages, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={STATE_LABEL: str(self._root)},
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return ours


def check_launch(launch: ContainerLaunch) -> None:
    """Refuse what no system call could take, without repeating a value that may be a secret.

    Raises:
        StartError: no command, a NUL character, a variable without a name.
    """
    if not launch.argv or not launch.argv[0]:
        raise StartError(f"container {launch.key.container} has no command to run")
    if any("\0" in part for part in launch.argv):
        raise StartError(f"an argument of container {launch.key.container} has a NUL character in it")
    for name, value in launch.env.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise StartError(
                f"environment variable {name!r} cannot be set: '=' or NUL in its name, or NUL in its value"
            )


def start_error(answer: bytes, launch: ContainerLaunch) -> StartError:
    """What an answer other than ``ok`` means, in words."""
    words = answer.decode().split()
    if len(words) != 3:
        return StartError("the process that starts containers was killed before it started this one")
    stage, number = words[1], int(words[2])
    why = os.strerror(number)
    if stage == "cwd":
        return StartError(f"cannot enter working directory {launch.cwd}: {why}")
    if stage == "exec" and number == errno.E2BIG:
        return StartError("the arguments and environment variables are larger than the system allows")
    if stage == "exec":
        hint = "It may be a script whose interpreter is missing." if number == errno.ENOENT else ""
        return StartError(f"cannot execute {launch.argv[0]}: {why}", hint=hint)
    return StartError(f"cannot start a process: {why}")

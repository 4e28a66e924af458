"""Running a command inside a container, for probes and lifecycle hooks: asked of the shim, which starts it.

The shim is asked, and not a process started here, so that the command is part of the container: it has its
environment (which no file holds), and it dies with it.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from autox.model.errors import DeadlineError, InvalidError, NotFoundError

_OUTPUT_LIMIT = 64 * 1024  # bytes kept; the rest is read and dropped, so that the command does not block
_KILLED = 137


async def run_in_container(folder: Path, argv: Sequence[str], *, timeout: float) -> tuple[int, bytes]:  # noqa: ASYNC109  - part of the interface
    """Run ``argv`` in the container of the attempt in ``folder``; its exit code, and the start of its output.

    A command that cannot be executed gives 126 or 127 and says why; one that dies with its container 137.

    Args:
        folder: of the attempt, in the state directory.
        argv: the command, executed without a shell; a name alone is looked for in the container's PATH.
        timeout: seconds for everything, the way to the shim included.

    Raises:
        NotFoundError: the container is not running.
        DeadlineError: it took longer than ``timeout`` seconds, and was killed with its process group.
        InvalidError: a command too long to be sent, or with a NUL in it.
    """
    if not argv or any("\0" in part for part in argv):
        raise InvalidError("not a command: it is empty or has a NUL character in it")
    loop = asyncio.get_running_loop()
    output = bytearray()
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    # NB: the write end stays blocking: it becomes the command's stdout.
    os.set_blocking(read_end, False)

    def take() -> bool:
        try:
            data = os.read(read_end, _OUTPUT_LIMIT)
        except BlockingIOError:
            return False
        output.extend(data[: _OUTPUT_LIMIT - len(output)])
        if not data:
            loop.remove_reader(read_end)
        return bool(data)

    loop.add_reader(read_end, take)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as visitor:
            visitor.setblocking(False)
            async with asyncio.timeout(timeout):
                try:
                    await _connect(visitor, folder)
                    _ask(visitor, argv, write_end)
                finally:
                    os.close(write_end)
                answer = await _answer(visitor)
        while take():
            pass
    except TimeoutError as error:
        raise DeadlineError(f"command {argv[0]!r} timed out after {timeout:g}s") from error
    finally:
        loop.remove_reader(read_end)
        os.close(read_end)
    word, _, rest = answer.partition(b" ")
    if word == b"exit":
        return int(rest), bytes(output)
    if word == b"error":
        number = int(rest.split()[-1])
        code = 127 if number in (errno.ENOENT, errno.ENOTDIR) else 126
        return code, f"cannot execute {argv[0]}: {os.strerror(number)}".encode()
    return _KILLED, bytes(output)


async def _connect(visitor: socket.socket, folder: Path) -> None:
    try:
        # NB: the path of a socket has 107 bytes at most, and state directories are deep; hence the detour.
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFoundError("the container is not there") from error
    try:
        await asyncio.get_running_loop().sock_connect(visitor, f"/proc/self/fd/{handle}/control")
    except (FileNotFoundError, ConnectionError) as error:
        raise NotFoundError("the container is not running") from error
    finally:
        os.close(handle)


def _ask(visitor: socket.socket, argv: Sequence[str], output: int) -> None:
    try:
        socket.send_fds(visitor, [b"\0".join(os.fsencode(part) for part in argv)], [output])
    except ConnectionError as error:
        raise NotFoundError("the container is not running") from error
    except OSError as error:
        raise InvalidError(f"command {argv[0]!r} cannot be sent: {error.strerror}") from error


async def _answer(visitor: socket.socket) -> bytes:
    try:
        return await asyncio.get_running_loop().sock_recv(visitor, 256)
    except ConnectionError:
        return b""

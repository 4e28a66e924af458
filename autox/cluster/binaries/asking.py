"""Asking a program one quick question, such as its version: bounded in time and output.

NB: a program found on PATH is anybody's: it may hang, print without end, or leave children behind.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

_OUTPUT_LIMIT = 65536  # bytes


class NoAnswerError(Exception):
    """Why a file cannot be used; the text continues the sentence "FILE …"."""


def ask(argv: Sequence[str], *, env: Mapping[str, str], timeout: float) -> str:
    """What a program prints on standard output.

    Args:
        argv: its path and arguments.
        env: all of its environment.
        timeout: seconds until it must have exited.

    Raises:
        NoAnswerError: it cannot be executed, fails, takes too long, or prints 64 KiB or more.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswerError(f"cannot be executed: {error.strerror}") from error
    deadline = time.monotonic() + timeout
    try:
        output = _read(process, deadline=deadline)
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise NoAnswerError(f"did not answer within {timeout:g} s") from error
    finally:
        # NB: the whole session, since a shell wrapper that hangs would leave its children behind
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code != 0:
        raise NoAnswerError(f"failed when asked for its version (exit code {code})")
    return output.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes], *, deadline: float) -> bytes:
    if process.stdout is None:  # pragma: no cover - it was asked for
        return b""
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(output) < _OUTPUT_LIMIT:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), _OUTPUT_LIMIT)
            if not chunk:
                return output
            output += chunk
    raise NoAnswerError("prints without end when asked for its version")

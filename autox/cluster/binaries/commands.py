"""Running a long command whose output is read line by line while it runs, and which never outlives us."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
_TICK = 0.5  # seconds between signs of life
_TAIL = 15  # lines kept for an error message
_LINE_LIMIT = 4096  # characters


class CommandError(Exception):
    """A command failed.

    Attributes:
        code: its exit code; 128 + N when signal N ended it.
        tail: the last lines it printed, without those that are a matter of course.
    """

    def __init__(self, code: int, tail: Sequence[str]) -> None:
        super().__init__(f"exit code {code}")
        self.code = code
        self.tail = tuple(tail)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    line: Callable[[str], bool],
    tick: Callable[[], None],
) -> None:
    """Run a command to its end.

    Args:
        argv: the program and its arguments.
        env: its whole environment.
        cwd: where it runs.
        log: file to which all output is appended.
        line: is given each line of output, standard error included; says whether it was a matter of course, so that
            it need not be repeated if the command fails.
        tick: is called twice a second.

    Raises:
        CommandError: it failed.
        OSError: it cannot be started, or the log cannot be written.
    """
    tail: deque[str] = deque(maxlen=_TAIL)
    with log.open("ab") as record:
        record.write(f"$ {' '.join(argv)}\n".encode())
        # NB: in a session of its own, so that Ctrl-C reaches us alone and we end it in order
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *argv],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            for text in _lines(process, record.write, tick):
                if not line(text):
                    tail.append(text)
        finally:
            _close(process)
    if process.returncode != 0:
        code = process.returncode
        raise CommandError(code if code > 0 else 128 - code, tail)


def _lines(
    process: subprocess.Popen[bytes], record: Callable[[bytes], object], tick: Callable[[], None]
) -> Iterator[str]:
    if process.stdout is None:  # pragma: no cover - it was asked for
        return
    rest = b""
    due = time.monotonic() + _TICK
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(max(0.0, due - time.monotonic())):
                chunk = os.read(process.stdout.fileno(), 65536)
                record(chunk)
                *lines, rest = (rest + chunk).split(b"\n") if chunk else (rest, b"")
                yield from (text.decode("utf-8", "replace").rstrip()[:_LINE_LIMIT] for text in lines if text.strip())
                if not chunk:
                    return
            if time.monotonic() >= due:
                due = time.monotonic() + _TICK
                tick()


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the command if it still runs: the guard does so when its standard input closes."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:  # pragma: no cover - a guard that was stopped
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

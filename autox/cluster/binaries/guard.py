"""Runs a command and ends it, children included, as soon as whoever asked for it is gone.

Started as ``python -I -S guard.py COMMAND…`` with a pipe as standard input. The pipe closes when its other end is
closed or when that process dies of whatever cause, SIGKILL included; then the whole session of the command is killed.
So no compiler is left running for minutes after Ctrl-C, and no signal handler is needed for it, which only the main
thread could install.

Imports nothing of autox: it must start in milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main(argv: list[str]) -> int:
    """Run the command and return its exit code."""
    command = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)

    def watch() -> None:
        while os.read(0, 1):
            pass
        end()

    threading.Thread(target=watch, daemon=True).start()
    code = command.wait()
    end()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]}: {error.strerror}\n")
        status = 127
    # NB: not sys.exit, which would wait for nothing useful at the interpreter's shutdown
    os._exit(status)

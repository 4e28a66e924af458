"""Running the programs that an image is built with, and telling what went wrong in the words of who reads it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildError(Exception):
    """Why there is no image: what went wrong, where, and what to do about it."""


def run(
    argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, called: str = ""
) -> bytes:
    """Run a command to its end and return what it printed.

    Args:
        argv: the program and its arguments.
        cwd: where; None for here.
        env: on top of the environment.
        called: what it is called where it fails; empty for its first words.

    Raises:
        BuildError: it could not be started or failed; has the last lines that it said.
    """
    try:
        done = subprocess.run(
            argv, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise BuildError(f"{argv[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-10:]
        raise BuildError("\n  ".join([f"{called or ' '.join(argv[:3])} failed with {done.returncode}:", *said]))
    return done.stdout

"""Running the programs that an image is built with, and telling what went wrong in the words of who reads it."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class BuildError(Exception):
    """Why there is no image: what went wrong and what to do about it."""


def require(program: str, *, package: str) -> None:
    """Make sure that a program is there.

    Raises:
        BuildError: it is not; names the Debian package that has it.
    """
    if shutil.which(program) is None:
        raise BuildError(f"{program} is not installed: apt-get install --no-install-recommends {package}")


def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        BuildError: it could not be started or failed; the last lines of what it said are in the text.
    """
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BuildError(f"{argv[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-10:])
        raise BuildError(f"{' '.join(argv[:4])} … failed with {done.returncode}:\n  {said}")
    return done.stdout

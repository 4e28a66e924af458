"""The wheels that the lock file names, for the base's Python and not for this machine's, kept for the next time."""

import sys
import tempfile
from pathlib import Path

from image.commands import BuildError, run
from image.lock import BACKEND, select

_LIBC = ("2_34", "2_28", "2_17")  # manylinux versions that Debian 12 can run
_PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}


def wheels(requirements: Path, place: Path, *, python: str, architecture: str, kept: Path) -> None:
    """Put them into a directory, from where they are kept if all are there, else from the package index.

    Args:
        requirements: where the lock files are.
        place: the directory, made here.
        python: ``3.11``.
        architecture: as Debian names it.
        kept: the directory from one time to the next.

    Raises:
        BuildError: one cannot be had, or does not match its digest.
    """
    place.mkdir(parents=True)
    kept.mkdir(parents=True, exist_ok=True)
    lock = place.with_suffix(".txt")
    lock.write_text(select((requirements / "dev.txt").read_text(), BACKEND))
    wanted = [
        *("--no-deps", "--require-hashes", "--only-binary=:all:", f"--python-version={python}"),
        *(f"--platform=manylinux_{each}_{_PROCESSORS[architecture]}" for each in _LIBC),
        f"--requirement={requirements / 'runtime.txt'}",
        f"--requirement={lock}",
    ]
    try:
        _pip(*wanted, "--no-index", f"--find-links={kept}", f"--dest={place}")
    except BuildError:
        with tempfile.TemporaryDirectory(dir=kept) as aside:  # for another build may be reading
            _pip(*wanted, f"--dest={aside}")
            for file in Path(aside).iterdir():
                file.replace(kept / file.name)
        _pip(*wanted, "--no-index", f"--find-links={kept}", f"--dest={place}")
    lock.unlink()


def _pip(*arguments: str) -> None:
    try:
        run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *arguments])
    except BuildError as error:
        raise BuildError(f"the wheels of the lock file cannot be had: {error}") from error

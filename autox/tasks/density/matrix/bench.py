"""Where the trials of a matrix are made: a local control plane that comes for a trial and goes with it.

Each is new, so that no trial has the history of another in its etcd, and only one is there at a time. A process that
was killed leaves one behind, under a name that follows from where its trials are kept: the next trial there takes it
down first.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from autox.cluster.down import down
from autox.cluster.home import ClusterHome, clusters_root, home
from autox.cluster.processes import components_of, find
from autox.cluster.state import Overrides
from autox.cluster.up import Request, up
from autox.model.errors import AutoxError, PermanentError
from autox.model.matrix import Variant
from autox.tasks.density.cancellation import uninterrupted

HIDDEN = "***"
_OF_GO = "GO"  # what begins so is a setting of Go's runtime; any other variable may be a secret

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of a control plane: path, version, and the path if the user chose it, each by its own name."""

    paths: Mapping[str, Path]
    versions: Mapping[str, str]
    chosen: Mapping[str, str]


class StoppedError(Exception):
    """The user does not want to wait for the control plane any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The place of all trials of a matrix.

    Attributes:
        place: the files of its control plane.
        programs: by the directory that a variant names; None for those of every other.
        environ: of the command.
    """

    place: ClusterHome
    programs: Mapping[Path | None, Programs]
    environ: Mapping[str, str]

    @asynccontextmanager
    async def up(self, variant: Variant, *, stop: asyncio.Event) -> AsyncIterator[dict[str, str]]:
        """A control plane of a variant, ready; gone at the end, however that comes.

        Args:
            variant: whose.
            stop: set it to end the wait for it.

        Yields:
            What it runs with, read back from the kernel: versions, and each setting of the variant.

        Raises:
            AutoxError: it does not come up, or not as it was asked for.
            StoppedError: the wait was ended.
        """
        await self.clear()
        programs = self.programs[variant.binaries]
        request = Request(
            home=self.place,
            binaries=programs.paths,
            versions=programs.versions,
            chosen=programs.chosen,
            environ=self.environ,
            overrides=Overrides(nodes=0, assignments=[f"{key}={value}" for key, value in variant.settings.items()]),
        )
        try:
            try:
                await _unless(stop, up(request, say=_quiet))
                effective = self._effective(variant)
            except AutoxError as error:
                where = f"the control plane of {variant.name}"
                raise PermanentError(f"{where}: {error.message}", hint=error.hint) from error
            yield {**programs.versions, **effective}
        finally:
            await uninterrupted(self.clear())

    async def clear(self) -> None:
        """Take down what is there.

        Raises:
            PermanentError: something of it stays.
        """
        await down(self.place, say=_quiet)

    def _effective(self, variant: Variant) -> dict[str, str]:
        running = components_of(find(self.place.directory))
        told = {}
        for key, wanted in variant.settings.items():
            component, kind, name = key.split(".", 2)
            try:
                process = running[component].process
                found = _flag(process.cmdline(), name) if kind == "flags" else process.environ().get(name)
            except (KeyError, psutil.Error) as error:
                raise PermanentError(f"{component} has ended since it was ready") from error
            if found != wanted:
                # NB: without the value, which may be a secret.
                raise PermanentError(f"{component} does not run with the {key} that was asked for")
            told[key] = found if kind == "flags" or name.startswith(_OF_GO) else HIDDEN
        return told


def bench_of(kept: Path, digest: str, programs: Mapping[Path | None, Programs], environ: Mapping[str, str]) -> Bench:
    """The bench of a matrix.

    Args:
        kept: where its trials are kept: two matrices at once do not meet.
        digest: of the matrix.
        programs: see ``Bench``.
        environ: of the command.
    """
    named = sha256(f"{kept.absolute()}\n{digest}".encode()).hexdigest()[:8]
    return Bench(place=home(f"matrix-{named}", root=clusters_root(environ)), programs=programs, environ=environ)


def _flag(argv: list[str], name: str) -> str | None:
    """The value of a flag; of several the last, as the component itself reads them."""
    found = [each.removeprefix(f"--{name}=") for each in argv if each.startswith(f"--{name}=")]
    return found[-1] if found else None


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> None:
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise StoppedError
        working.result()
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def _quiet(_line: str) -> None:
    """What the control plane of a trial does while it comes is nobody's news."""

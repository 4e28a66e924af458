"""Where a search for failure points keeps its trials, so that one that was killed goes on instead of beginning anew.

In a cluster that is the Secret beside the experiment, on somebody's own machine a file below the state directory, named
after the digest of what the trials depend on. What is found is taken over without being asked for (``--resume`` was
rejected: who has to know that a run was killed to ask for it, has lost half an hour when he does not) if all of this
holds: the digest is the same, which takes in the inputs, the SLOs, the subject, and the cluster with its version; it is
younger than an hour; and whoever wrote it is dead. A run that ends in order, by Ctrl-C too, has told what it found and
keeps nothing: who stops a run may well change the cluster before the next, and trials of two clusters must not mix.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from autox.api.tasks.density.searchstate import SearchState
from autox.cluster.home import clusters_root
from autox.core.loads.failurepoint import Trial
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError, ConfigurationError, NotFoundError
from autox.model.refs import NAMESPACES
from autox.store.searches import read_search, write_search
from autox.tasks.context import TaskContext
from autox.tasks.density.cleanup import heartbeat, sweeping
from autox.tasks.density.target import identify

YOUNG = timedelta(hours=1)
"""How old trials may be that are taken over: a control plane of yesterday is another one."""

_LOOK = 1.0  # seconds between two looks whether another run is dead


class Place(Protocol):
    """Keeps one text."""

    async def read(self) -> str:
        """What is kept; empty if nothing is.

        Raises:
            AutoxError: it cannot be read.
        """

    async def write(self, text: str) -> None:
        """Keep this, or nothing any more if it is empty.

        Raises:
            AutoxError: it cannot be written.
        """


class InSecret:
    """In the Secret beside an experiment."""

    def __init__(self, kube: KubeClient, namespace: str, name: str) -> None:
        """See ``write_search``."""
        self._kube, self._namespace, self._name = kube, namespace, name

    async def read(self) -> str:
        """See ``Place``."""
        return await read_search(self._kube, self._namespace, self._name)

    async def write(self, text: str) -> None:
        """See ``Place``."""
        await write_search(self._kube, self._namespace, self._name, text)


class InFile:
    """In a file of this machine."""

    def __init__(self, path: Path) -> None:
        """Nothing is made before something is kept."""
        self._path = path

    async def read(self) -> str:
        """See ``Place``."""
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"{self._path} cannot be read") from error

    async def write(self, text: str) -> None:
        """See ``Place``: a process that is killed leaves the old text or the new one."""
        try:
            if not text:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(self._path)
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}") from error


def place_of(context: TaskContext, digest: str) -> Place:
    """Where the search of a run is kept."""
    subject = context.subject
    if context.kube is not None and subject.experiment:
        return InSecret(context.kube, subject.namespace, subject.experiment)
    return InFile(searches(context.environ) / f"{digest}.json")


def searches(environ: Mapping[str, str]) -> Path:
    """The directory of the searches of this machine."""
    return clusters_root(environ).parent / "searches"


async def digest_of(kube: KubeClient, inputs: DensityInputs, context: TaskContext) -> str:
    """Of all that trials depend on.

    Args:
        kube: of the cluster under test.
        inputs: of the search, SLOs included.
        context: of the run: what is tested.
    """
    cluster = [kube.server]
    with suppress(AutoxError):
        cluster.append((await kube.get_metadata(NAMESPACES, "kube-system"))["metadata"]["uid"])
    with suppress(AutoxError):
        cluster.append((await kube.read("/version")).decode(errors="replace"))
    return sha256(repr((inputs, context.subject, cluster)).encode()).hexdigest()[:16]


class Keeping:
    """Keeps the trials of one search. What cannot be kept is told once, and the search goes on without."""

    def __init__(self, kube: KubeClient, context: TaskContext, digest: str) -> None:
        """Nothing is read or kept yet.

        Args:
            kube: of the cluster under test.
            context: of the run: where it keeps things, and who is told.
            digest: of what the trials depend on.
        """
        self._kube, self._context, self._digest = kube, context, digest
        self._place = place_of(context, digest)
        self._is_able = True

    async def recall(self) -> tuple[Trial, ...]:
        """The trials of a run that was killed, whose remains are removed; none if there is nothing to go on with."""
        try:
            text = await self._place.read()
            if not text:
                return ()
            state = SearchState.read(text)
            is_ours = state.inputs == self._digest and self._context.now() - state.written < YOUNG
            if not is_ours or not await self._is_over(state.namespace):
                return ()
        except AutoxError as error:
            self._context.say(f"trials of a run before this one are not taken over: {error.message}")
            return ()
        return state.made

    async def keep(self, trials: tuple[Trial, ...], *, namespace: str = "") -> None:
        """Keep the trials so far.

        Args:
            trials: that were made.
            namespace: of the one that begins.
        """
        state = SearchState.of(trials, inputs=self._digest, written=self._context.now(), namespace=namespace)
        await self._write(state.text)

    async def forget(self) -> None:
        """Keep nothing any more."""
        await self._write("")

    async def _write(self, text: str) -> None:
        if not self._is_able:
            return
        try:
            await self._place.write(text)
        except AutoxError as error:
            self._is_able = False
            self._context.say(f"trials are not kept, and a run that is killed begins anew: {error.message}")

    async def _is_over(self, namespace: str) -> bool:
        """Whether the run with this namespace is dead; then what it left is removed."""
        if not namespace:
            return True
        for _ in range(heartbeat.DURATION + 10):
            try:
                found = await self._kube.get_metadata(NAMESPACES, namespace)
            except NotFoundError:
                break
            if await heartbeat.is_dead(self._kube, found, now=(await identify(self._kube)).now):
                break
            await asyncio.sleep(_LOOK)
        else:
            self._context.say(f"the same search runs in namespace {namespace}: this one begins anew")
            return False
        remains = await sweeping.of_namespace(self._kube, namespace)
        await sweeping.remove(self._kube, remains, seconds=sweeping.allowance(len(remains.nodes)))
        return True

"""What the controller needs from outside and reaches only through an adapter; tests may stand in their own.

Kubernetes itself is no port: ``autox.kube`` is one thin client for all of autox, and tests use a real API server.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from autox.model.experiments import FoundRelease
from autox.model.groups import ChartRef
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerWatch, WatchTrouble


class Releases(Protocol):
    """Helm releases, each the one run of one experiment; every method may be repeated without harm."""

    def meant(self, chart: ChartRef) -> ChartRef:
        """The chart that is installed where this one is asked for: of our own charts there is one version."""

    async def install(
        self,
        name: str,
        *,
        namespace: str,
        chart: ChartRef,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        since: datetime,
    ) -> str:
        """Install a release; one of that name and with these labels that is there already is success.

        So is one that an interrupted Helm left half done, or whose memory was lost, if its Job was made: what runs or
        ran is never run again. What was made for an earlier record of that name, by its uid among the labels, is
        removed first.

        Args:
            name: of the release.
            namespace: where.
            chart: what to install.
            values: with what.
            labels: by which it is found again.
            since: when the experiment's record was made; what is older is not of it.

        Returns:
            What was wrong with a release that was there; mostly empty.

        Raises:
            NotOursError: a release of that name is somebody else's.
            ConfigurationError: the chart cannot be found, rendered or accepted: trying again does not help.
            ForbiddenError: the API server refused an object of it.
            TransientError: Helm could not do it this time; nothing of it is left.
        """

    async def uninstall(self, name: str, *, namespace: str, made: tuple[datetime, datetime] | None = None) -> str:
        """Remove a release and what it installed; one that is not there is success.

        Args:
            name: of the release.
            namespace: where.
            made: between these moments we made it, if anybody knows: then it is ours, whoever took its labels away.

        Returns:
            What was wrong with it, where Helm alone could not remove all of it; mostly empty.

        Raises:
            NotOursError: the release is somebody else's.
            ForbiddenError: the API server refused.
            TransientError: Helm could not do it this time.
        """

    async def found(self, *, namespace: str) -> list[FoundRelease]:
        """Our releases in a namespace, in whatever state they are.

        Raises:
            AutoxError: they cannot be listed.
        """


class TriggerSource(Protocol):
    """Watches trigger objects and names those that something happened to; it says nothing else about them."""

    def follow(self, watches: frozenset[TriggerWatch]) -> None:
        """Watch these from now on and no others; returns at once."""

    def troubles(self) -> Mapping[TriggerWatch, WatchTrouble]:
        """Which watches do not work at the moment, and why."""

    async def run(self, on_trigger: Callable[[ObjectRef], None], on_trouble: Callable[[], None]) -> None:
        """Watch until cancelled; both are called in the event loop that called this.

        Args:
            on_trigger: this trigger may have changed, appeared or gone.
            on_trouble: what ``troubles`` answers has changed.
        """


class Timers(Protocol):
    """Runs housekeeping again and again; a run that fails is told and does not end the others."""

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work again and again while ``run`` runs, never twice at once.

        Args:
            seconds: from one time to the next, and from the beginning of ``run`` to the first.
            name: by which a failure is told; of this work only.
            work: called each time; what it raises is told. A time that comes while it is still busy is left out.
        """

    async def run(self) -> None:
        """Keep time until cancelled."""

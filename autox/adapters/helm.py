"""Experiments as Helm releases: the port ``Releases`` over pyhelm3.

One run of helm installs a release and one uninstalls it; everything else that must be known about a release is read
from the labels of helm's storage (``helm_storage``), in a fraction of the time. Nothing is ever upgraded, waited for or
taken over, and nothing that does not carry the label of its experiment is touched.

Rejected: ``pyhelm3.Client.ensure_release``, three or four runs of helm for each install, which also takes every pending
release for abandoned, even one that another controller is installing at this moment.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

import pyhelm3

from autox.adapters.charts import locate, meant
from autox.adapters.helm_command import HelmCommand
from autox.adapters.helm_errors import NAME_IN_USE
from autox.adapters.helm_home import HelmHome
from autox.adapters.helm_limiter import HelmLimiter
from autox.adapters.helm_memory import call_deployed, is_legible
from autox.adapters.helm_stock import clear, workload_of
from autox.adapters.helm_storage import StoredRelease, our_releases, stored_release
from autox.adapters.seat import Seat
from autox.core.experiments.recovering import Remedy, is_certain, remedy
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import (
    AutoxError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    NotOursError,
    TransientError,
)
from autox.model.experiments import FoundRelease
from autox.model.groups import ChartRef
from autox.model.labels import CLAIM, GROUP, GROUP_NAMESPACE, UID
from autox.model.refs import SECRETS

_log = logging.getLogger(__name__)

HELM_SECONDS = 60.0
INSTALLING = "pending-install"


class HelmReleases:
    """Releases through one helm program, in one cluster; made by ``open``, and to be closed."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        charts: Path,
        defaults: Mapping[str, Any],
        home: HelmHome,
        command: HelmCommand,
        client: pyhelm3.Client,
        seat: Seat,
        now: Callable[[], datetime],
        seconds: float,
    ) -> None:
        """See ``open``."""
        self._kube = kube
        self._charts = charts
        self._defaults = defaults
        self._home = home
        self._command = command
        self._client = client
        self._seat = seat
        self._now = now
        self._patience = timedelta(seconds=2 * seconds)
        self._turns = HelmLimiter()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def open(
        cls,
        kube: KubeClient,
        *,
        charts: Path,
        defaults: Mapping[str, Any] = MappingProxyType({}),
        seat: Seat | None = None,
        environ: Mapping[str, str] = os.environ,
        seconds: float = HELM_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "HelmReleases":
        """Find helm and make it a private directory.

        Args:
            kube: a client of the cluster; helm is told to use the same kubeconfig or service account.
            charts: our own charts; ``autox.adapters.charts.packaged_charts`` has them.
            defaults: values of our own charts that an experiment may replace, each as a whole. They say how this
                installation runs experiments, not what they test, so another default makes no experiment stale.
            seat: the process's place in its pod; without one, every pending release may be somebody's.
            environ: where helm is looked for (``PATH``), and what helm gets some variables from.
            seconds: the limit of each run of helm; a release that is pending for twice as long was abandoned.
            now: the wall clock.

        Raises:
            ConfigurationError: there is no helm, it is too old, or nothing says how it could reach the API server.
        """
        executable = shutil.which("helm", path=environ.get("PATH"))
        if executable is None:
            raise ConfigurationError("helm is not on PATH", hint="autox installs experiments with helm 4 (or 3.13).")
        seat = seat or Seat.take({})
        home = HelmHome()
        try:
            command = HelmCommand(
                executable,
                environ=home.environ(kube.connection, environ),
                directory=home.empty,
                seconds=seconds,
                inherited=seat.inherited,
            )
            # NB: in a thread, because pyhelm3's constructor runs helm and waits for it.
            client = await asyncio.to_thread(pyhelm3.Client, command, executable=executable)
        except BaseException:
            home.close()
            raise
        return cls(
            kube,
            charts=charts,
            defaults=defaults,
            home=home,
            command=command,
            client=client,
            seat=seat,
            now=now,
            seconds=seconds,
        )

    async def close(self) -> None:
        """Remove what helm was given; no method may be called after this."""
        await asyncio.to_thread(self._home.close)

    def meant(self, chart: ChartRef) -> ChartRef:
        """See ``autox.ports.Releases``."""
        return meant(chart)

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
        """See ``autox.ports.Releases``."""
        located = locate(chart, charts=self._charts)
        values = values if chart.repo else {**self._defaults, **values}
        wanted = _Wanted(name=name, namespace=namespace, labels=labels, since=since, is_own_chart=not chart.repo)
        async with self._alone(namespace, name):
            if (note := await self._is_there(wanted)) is not None:
                return note
            try:
                async with self._turns.to_install((labels.get(GROUP_NAMESPACE, ""), labels.get(GROUP, ""))):
                    marked = {**labels, CLAIM: self._seat.claim}
                    await self._command.install(name, located, values, namespace=namespace, labels=marked)
            except AutoxError as error:
                # NB: helm may have been ended after its work was done, or have met a release made meanwhile.
                is_met = NAME_IN_USE in error.message
                if (note := await self._is_there(wanted, helm_is_done=not is_met)) is not None:
                    return note
                if is_met:
                    raise TransientError(error.message) from error
                raise
            return ""

    async def uninstall(self, name: str, *, namespace: str, made: tuple[datetime, datetime] | None = None) -> str:
        """See ``autox.ports.Releases``."""
        async with self._alone(namespace, name):
            found = await stored_release(self._kube, name, namespace=namespace)
            if found is None:
                left = await clear(self._kube, name, namespace=namespace)
                return f"Helm remembered nothing of it; removed all the same: {', '.join(left)}" if left else ""
            if not found.is_ours and not found.was_made(made):
                raise _not_ours(found)
            # NB: of a release that goes meanwhile, a helm that still installs it would leave whatever it makes next.
            if found.status == INSTALLING and await self._remedy(found) is Remedy.WAIT:
                raise TransientError(f"helm release {namespace}/{name} is {found.status}: helm is at work on it")
            return await self._remove(found)

    async def found(self, *, namespace: str) -> list[FoundRelease]:
        """See ``autox.ports.Releases``; one that helm may still be at work on is not stuck."""
        return [
            FoundRelease(
                namespace=each.namespace,
                name=each.name,
                group=each.group,
                is_stuck=not self._alone(each.namespace, each.name).locked()
                and await self._remedy(each) is Remedy.UNINSTALL,
            )
            for each in await our_releases(self._kube, namespace=namespace)
        ]

    async def _is_there(self, wanted: "_Wanted", *, helm_is_done: bool = False) -> str | None:
        """Whether the release is there, or its Job is: None if not, else what is to be said of it.

        The remains of one that failed or was abandoned, or was made for another record of its name, are removed.
        """
        name, namespace = wanted.name, wanted.namespace
        found = await stored_release(self._kube, name, namespace=namespace)
        if found is None:
            return await self._is_forgotten(wanted)
        if not found.is_ours or not wanted.names.items() <= found.labels.items():
            raise _not_ours(found)
        if not found.is_of(wanted.labels.get(UID, ""), since=wanted.since):
            await self._remove(found)
            return None
        try:
            what_helps = await self._remedy(found, is_own_chart=wanted.is_own_chart)
        except ForbiddenError:
            # Who may not see a Job has just been refused to make one.
            if not helm_is_done:
                raise
            what_helps = Remedy.UNINSTALL
        if what_helps is Remedy.NOTHING:
            return ""
        if what_helps is Remedy.ADOPT:
            why = f"Helm left it {found.status}, and its Job is there"
            _log.info("helm release %s/%s: %s; taken for deployed", namespace, name, why)
            await call_deployed(self._kube, found.secret, namespace=namespace, why=f"{why} (autox)")
            return why
        if what_helps is Remedy.WAIT and not helm_is_done:
            raise TransientError(f"helm release {namespace}/{name} is {found.status}: helm is at work on it")
        await self._remove(found)
        return None

    async def _is_forgotten(self, wanted: "_Wanted") -> str | None:
        """Whether a Job is there of which helm remembers nothing; one of another record of its name is removed."""
        name, namespace = wanted.name, wanted.namespace
        try:
            job = await workload_of(self._kube, name, namespace=namespace, is_own_chart=wanted.is_own_chart)
        except ForbiddenError:
            return None  # Helm will say which right is missing, and of what.
        if job is None:
            return None
        if datetime.fromisoformat(metadata(job)["creationTimestamp"]) < wanted.since.replace(microsecond=0):
            await clear(self._kube, name, namespace=namespace)
            return None
        return "its Job is there, though Helm remembers nothing of it"

    async def _remove(self, release: StoredRelease) -> str:
        """Have helm uninstall a release, and remove whatever it did not; returns what was wrong."""
        name, namespace = release.name, release.namespace
        trouble = "" if release.is_findable else "Helm could not find it (the labels of its Secret were taken away)"
        try:
            if not trouble:
                async with self._turns.to_remove(release.group):
                    await self._client.uninstall_release(name, namespace=namespace)
        except AutoxError as error:
            # NB: that its memory was cut short sounds like a broken connection.
            passes = not isinstance(error, ConfigurationError)
            if passes and await is_legible(self._kube, release.secret, namespace=namespace):
                raise
            trouble = f"Helm could not uninstall it ({error.message})"
            _log.warning("helm release %s/%s: %s; what it has made is removed without Helm", namespace, name, trouble)
        left = await clear(self._kube, name, namespace=namespace)
        if trouble:
            with suppress(NotFoundError):
                await self._kube.delete(SECRETS, release.secret, namespace=namespace)
        told = f"removed without it: {', '.join(left)}" if left else "nothing of it was left"
        return f"{trouble or 'Helm did not remember all of it'}; {told}" if trouble or left else ""

    async def _remedy(self, release: StoredRelease, *, is_own_chart: bool = False) -> Remedy:
        has_run = False
        if release.is_ours and not is_certain(release.status):
            job = await workload_of(self._kube, release.name, namespace=release.namespace, is_own_chart=is_own_chart)
            has_run = job is not None
        age, patience = self._now() - release.changed_at, self._patience
        if self._is_done(release.labels.get(CLAIM, "")):
            age = patience + timedelta(seconds=1)
        return remedy(release.status, age=age, patience=patience, is_ours=release.is_ours, has_run=has_run)

    def _is_done(self, claim: str) -> bool:
        """Whether the helm of that process is known to be at work no more."""
        # NB: one of this very process would have been waited for, in ``_alone``.
        return claim == self._seat.claim or self._seat.is_ended(claim)

    def _alone(self, namespace: str, name: str) -> asyncio.Lock:
        return self._locks.setdefault((namespace, name), asyncio.Lock())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A release that is to be there."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    since: datetime
    is_own_chart: bool

    @property
    def names(self) -> Mapping[str, str]:
        """The labels that any release of this experiment has, whichever record it was made for."""
        return {key: value for key, value in self.labels.items() if key != UID}


def _not_ours(release: StoredRelease) -> NotOursError:
    return NotOursError(
        f"helm release {release.namespace}/{release.name} is not one that autox made",
        hint="It is left alone. To let autox use the name, uninstall it.",
    )

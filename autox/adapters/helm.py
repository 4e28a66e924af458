"""Experiments as Helm releases: the port ``Releases`` over pyhelm3.

One run of helm installs a release and one uninstalls it; everything else that must be known about a release is read
from the labels of helm's storage (``helm_storage``), in a fraction of the time. Nothing is ever upgraded, waited for or
taken over, and nothing that does not carry the label of its experiment is touched.

Rejected: ``pyhelm3.Client.ensure_release``, three or four runs of helm for each install, which also takes every pending
release for abandoned, even one that another controller is installing at this moment.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

import pyhelm3

from autox.adapters.charts import locate
from autox.adapters.helm_command import HelmCommand
from autox.adapters.helm_errors import NAME_IN_USE
from autox.adapters.helm_home import HelmHome
from autox.adapters.helm_storage import StoredRelease, our_releases, stored_release
from autox.adapters.helm_turns import Turns
from autox.core.recovering import Remedy, remedy
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ConfigurationError, NotOursError, TransientError
from autox.model.groups import ChartRef
from autox.model.labels import GROUP, GROUP_NAMESPACE
from autox.model.releases import FoundRelease

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
        now: Callable[[], datetime],
        seconds: float,
    ) -> None:
        self._kube = kube
        self._charts = charts
        self._defaults = defaults
        self._home = home
        self._command = command
        self._client = client
        self._now = now
        self._patience = timedelta(seconds=2 * seconds)
        self._turns = Turns()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def open(
        cls,
        kube: KubeClient,
        *,
        charts: Path,
        defaults: Mapping[str, Any] = MappingProxyType({}),
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
            environ: where helm is looked for (``PATH``), and what helm gets some variables from.
            seconds: the limit of each run of helm; a release that is pending for twice as long was abandoned.
            now: the wall clock.

        Raises:
            ConfigurationError: there is no helm, it is too old, or nothing says how it could reach the API server.
        """
        executable = shutil.which("helm", path=environ.get("PATH"))
        if executable is None:
            raise ConfigurationError("helm is not on PATH", hint="autox installs experiments with helm 4 (or 3.13).")
        home = HelmHome()
        try:
            command = HelmCommand(
                executable, environ=home.environ(kube.connection, environ), directory=home.empty, seconds=seconds
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
            now=now,
            seconds=seconds,
        )

    async def close(self) -> None:
        """Remove what helm was given; no method may be called after this."""
        await asyncio.to_thread(self._home.close)

    async def install(
        self,
        name: str,
        *,
        namespace: str,
        chart: ChartRef,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
    ) -> None:
        """See ``autox.ports.Releases``."""
        located = locate(chart, charts=self._charts)
        values = values if chart.repo else {**self._defaults, **values}
        async with self._alone(namespace, name):
            if await self._is_there(name, namespace, labels):
                return
            try:
                async with self._turns.to_install((labels.get(GROUP_NAMESPACE, ""), labels.get(GROUP, ""))):
                    await self._command.install(name, located, values, namespace=namespace, labels=labels)
            except AutoxError as error:
                # NB: helm may have been ended after its work was done, or have met a release made meanwhile.
                is_met = NAME_IN_USE in error.message
                if await self._is_there(name, namespace, labels, helm_is_done=not is_met):
                    return
                if is_met:
                    raise TransientError(error.message) from error
                raise

    async def uninstall(self, name: str, *, namespace: str) -> None:
        """See ``autox.ports.Releases``."""
        async with self._alone(namespace, name):
            found = await stored_release(self._kube, name, namespace=namespace)
            if found is None:
                return
            if not found.is_ours:
                raise _not_ours(found)
            # NB: of a release that goes meanwhile, a helm that still installs it would leave whatever it makes next.
            if found.status == INSTALLING and self._remedy(found) is Remedy.WAIT:
                raise TransientError(f"helm release {namespace}/{name} is {found.status}: helm is at work on it")
            await self._remove(found)

    async def found(self, *, namespace: str) -> list[FoundRelease]:
        """See ``autox.ports.Releases``; one that helm may still be at work on is not stuck."""
        return [
            FoundRelease(
                namespace=each.namespace,
                name=each.name,
                group=each.group,
                is_stuck=self._remedy(each) is Remedy.UNINSTALL,
            )
            for each in await our_releases(self._kube, namespace=namespace)
        ]

    async def _is_there(
        self, name: str, namespace: str, labels: Mapping[str, str], *, helm_is_done: bool = False
    ) -> bool:
        """Whether the release is installed; the remains of one that failed or was abandoned are removed."""
        found = await stored_release(self._kube, name, namespace=namespace)
        if found is None:
            return False
        if not found.is_ours or not labels.items() <= found.labels.items():
            raise _not_ours(found)
        what_helps = self._remedy(found)
        if what_helps is Remedy.NOTHING:
            return True
        if what_helps is Remedy.WAIT and not helm_is_done:
            raise TransientError(f"helm release {namespace}/{name} is {found.status}: helm is at work on it")
        await self._remove(found)
        return False

    async def _remove(self, release: StoredRelease) -> None:
        try:
            async with self._turns.to_remove(release.group):
                await self._client.uninstall_release(release.name, namespace=release.namespace)
        except ConfigurationError as error:
            # Removing rests on nothing that a user configures: whatever it is, it may pass.
            raise TransientError(error.message, hint=error.hint) from error

    def _remedy(self, release: StoredRelease) -> Remedy:
        age = self._now() - release.changed_at
        return remedy(release.status, age=age, patience=self._patience, is_ours=release.is_ours)

    def _alone(self, namespace: str, name: str) -> asyncio.Lock:
        return self._locks.setdefault((namespace, name), asyncio.Lock())


def _not_ours(release: StoredRelease) -> NotOursError:
    return NotOursError(
        f"helm release {release.namespace}/{release.name} is not one that autox made",
        hint="It is left alone. To let autox use the name, uninstall it.",
    )

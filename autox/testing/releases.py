"""Helm releases in memory: the port ``autox.ports.Releases`` with a record of every run and switches for faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autox.model.errors import NotOursError
from autox.model.experiments import FoundRelease
from autox.model.groups import ChartRef
from autox.model.labels import GROUP, GROUP_NAMESPACE, UID


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRelease:
    """What a release was installed with."""

    chart: ChartRef
    values: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str]


class RecordingReleases:
    """Behaves as Helm does: installing what is there, and removing what is not, is success.

    Attributes:
        installed: what is there now, by namespace and name.
        runs: namespace and name of every release that was really installed, in order.
    """

    def __init__(self) -> None:
        self.installed: dict[tuple[str, str], InstalledRelease] = {}
        self.runs: list[tuple[str, str]] = []
        self._failures: dict[str, list[BaseException]] = {"install": [], "uninstall": [], "found": []}
        self._stuck: set[tuple[str, str]] = set()

    def fail_next(self, method: str, error: BaseException) -> None:
        """Have the next call of a method raise this; after several of these, one call each."""
        self._failures[method].append(error)

    def strand(self, namespace: str, name: str) -> None:
        """Have an interrupted Helm leave this release half done."""
        self._stuck.add((namespace, name))

    def meant(self, chart: ChartRef) -> ChartRef:
        """See ``autox.ports.Releases``; here every chart is the one that was asked for."""
        return chart

    async def install(
        self,
        name: str,
        *,
        namespace: str,
        chart: ChartRef,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        since: datetime,  # noqa: ARG002  - the port's; here every release says which record it was made for
    ) -> str:
        """See ``autox.ports.Releases``."""
        self._maybe_fail("install")
        found = self.installed.get((namespace, name))
        if found is not None and found.labels != labels and {**found.labels, UID: labels.get(UID)} == labels:
            found = None
        if found is None:
            self.installed[namespace, name] = InstalledRelease(chart=chart, values=values, labels=labels)
            self.runs.append((namespace, name))
        elif found.labels != labels:
            raise NotOursError(f"the release {namespace}/{name} is somebody else's")
        return ""

    async def uninstall(self, name: str, *, namespace: str, made: tuple[datetime, datetime] | None = None) -> str:  # noqa: ARG002
        """See ``autox.ports.Releases``."""
        self._maybe_fail("uninstall")
        self.installed.pop((namespace, name), None)
        self._stuck.discard((namespace, name))
        return ""

    async def found(self, *, namespace: str) -> list[FoundRelease]:
        """See ``autox.ports.Releases``."""
        self._maybe_fail("found")
        return [
            FoundRelease(
                namespace=namespace,
                name=name,
                group=(release.labels.get(GROUP_NAMESPACE, ""), release.labels.get(GROUP, "")),
                is_stuck=(namespace, name) in self._stuck,
            )
            for (where, name), release in self.installed.items()
            if where == namespace
        ]

    def _maybe_fail(self, method: str) -> None:
        if self._failures[method]:
            raise self._failures[method].pop(0)

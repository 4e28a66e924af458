"""Helm releases in memory: the port ``autox.ports.Releases`` with a record of every run and switches for faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autox.model.errors import NotOursError
from autox.model.groups import ChartRef


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
        self._failures: dict[str, list[BaseException]] = {"install": [], "uninstall": []}
        self._stuck: list[tuple[str, str]] = []

    def fail_next(self, method: str, error: BaseException) -> None:
        """Have the next call of ``install`` or ``uninstall`` raise this; after several of these, one call each."""
        self._failures[method].append(error)

    def strand(self, namespace: str, name: str) -> None:
        """Have an interrupted Helm leave this release behind."""
        self._stuck.append((namespace, name))

    async def install(
        self, name: str, *, namespace: str, chart: ChartRef, values: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        """See ``autox.ports.Releases``."""
        self._maybe_fail("install")
        found = self.installed.get((namespace, name))
        if found is None:
            self.installed[namespace, name] = InstalledRelease(chart=chart, values=values, labels=labels)
            self.runs.append((namespace, name))
        elif found.labels != labels:
            raise NotOursError(f"the release {namespace}/{name} is somebody else's")

    async def uninstall(self, name: str, *, namespace: str) -> None:
        """See ``autox.ports.Releases``."""
        self._maybe_fail("uninstall")
        self.installed.pop((namespace, name), None)
        self._stuck = [each for each in self._stuck if each != (namespace, name)]

    async def stuck(self, *, namespaces: Iterable[str]) -> list[tuple[str, str]]:
        """See ``autox.ports.Releases``."""
        wanted = set(namespaces)
        return [each for each in self._stuck if each[0] in wanted]

    def _maybe_fail(self, method: str) -> None:
        if self._failures[method]:
            raise self._failures[method].pop(0)

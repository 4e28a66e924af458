"""Releases in a namespace of a real API server, through the real helm, and programs that stand in for helm."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autox.adapters.helm import HelmReleases
from autox.cluster.binaries.tools import Tool
from autox.kube.client import KubeClient
from tests.clusters import BRIEFLY
from tests.helm.scene import Scene, write_chart
from tests.kube.apiserver import program
from tests.load.conftest import tls

__all__ = ["tls"]


class Clock:
    """A wall clock that a test puts forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """The time, as the test wants it."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    """The clock that the releases go by."""
    return Clock()


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A directory of charts with one named experiment."""
    return write_chart(tmp_path / "charts" / "experiment").parent


@pytest.fixture
def with_helm() -> dict[str, str]:
    """An environment in which helm is found."""
    return {**os.environ, **BRIEFLY, "PATH": f"{Path(program(Tool.HELM)).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
async def scene(
    kube: KubeClient, namespace: str, charts: Path, with_helm: dict[str, str], clock: Clock
) -> AsyncIterator[Scene]:
    """Releases through the real helm."""
    releases = await HelmReleases.open(kube, charts=charts, environ=with_helm, now=clock)
    yield Scene(kube=kube, namespace=namespace, releases=releases)
    await releases.close()


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Makes an environment in which helm is a shell script: one that can do what the real one only does on bad days."""

    def write(script: str) -> dict[str, str]:
        directory = tmp_path / "programs"
        directory.mkdir()
        helm = directory / "helm"
        helm.write_text(f'#!/bin/sh\ncd {tmp_path}\nif [ "$1" = version ]; then echo v4.3.1; exit 0; fi\n{script}\n')
        helm.chmod(0o755)
        return {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}

    return write

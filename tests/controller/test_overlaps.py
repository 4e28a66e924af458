"""Experiments that load the same target at the same time know of each other, and say so."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from autox.kube.objects import Object, micro_timestamp
from autox.model.errors import AutoxError
from autox.model.refs import EXPERIMENTS, Resource
from tests.controller.scene import Scene
from tests.controller.test_supervising import job, runner_says
from tests.controller.test_turns import LOAD

pytestmark = pytest.mark.integration


def load(url: str) -> Object:
    """A spec that loads this."""
    return LOAD | {"values": LOAD["values"] | {"http": {"url": url}}}  # type: ignore[operator]


async def begins(scene: Scene, name: str) -> None:
    """The runner of an experiment begins its loop."""
    await job(scene, name)
    await runner_says(scene, name, startedAt=micro_timestamp(scene.now))


async def overlaps(scene: Scene, name: str) -> list[str]:
    """Which others an experiment was told of, by their names."""
    status = (await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace))["status"]
    return [each.partition(" ")[0].partition("/")[2] for each in status.get("overlaps", [])]


async def running(scene: Scene, *groups: str, url: str = "http://web/") -> list[str]:
    """One experiment of each of these groups, all of them launched."""
    await scene.trigger(opt_in="true", version="1")
    for name in groups:
        await scene.group(name, specs={"load": load(url)})
        await scene.look(name)
    return [(await scene.by_version(name))["1"].name for name in groups]


async def test_two_groups_that_load_one_target_say_so(scene: Scene) -> None:
    """Both records name the other; each took the other's load for its target's slowness before."""
    first, second = await running(scene, "web", "web-2")
    await begins(scene, first)
    await scene.look("web")
    assert await overlaps(scene, first) == []
    await begins(scene, second)
    await scene.look("web-2")
    assert (await overlaps(scene, first), await overlaps(scene, second)) == ([second], [first])

    ended = {"startedAt": micro_timestamp(scene.now), "completedAt": micro_timestamp(scene.now)}
    await runner_says(scene, second, verdict="Pass", **ended)
    for name in ("web", "web-2", "web"):
        await scene.look(name)
    assert (await overlaps(scene, first), await overlaps(scene, second)) == ([second], [first])


async def test_two_specs_side_by_side_say_so(scene: Scene) -> None:
    """Whoever wants his specs to load at once is told what that means, by whatever name they know the target."""
    spelled = (load("http://web/"), load(f"http://web.{scene.namespace}.svc.cluster.local/other"))
    await scene.group(specs=dict(zip(("one", "two"), spelled, strict=True)), concurrency="parallel")
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    one, two = sorted(scene.running())
    for name in (one, two):
        await begins(scene, name)
    await scene.look()

    assert (await overlaps(scene, one), await overlaps(scene, two)) == ([two], [one])


async def test_those_that_load_something_else_do_not(scene: Scene) -> None:
    """Nor do those of which one has not begun, or has ended."""
    (other,) = await running(scene, "web", url="http://api/")
    first, second = await running(scene, "web-2", "web-3")
    await begins(scene, other)
    await begins(scene, first)
    for name in ("web", "web-2", "web-3"):
        await scene.look(name)
    ended = {"startedAt": micro_timestamp(scene.now), "completedAt": micro_timestamp(scene.now)}
    await runner_says(scene, first, verdict="Pass", **ended)
    await begins(scene, second)
    for name in ("web-3", "web-2", "web"):
        await scene.look(name)

    assert [await overlaps(scene, name) for name in (other, first, second)] == [[], [], []]


async def test_a_record_that_may_not_be_written_is_its_own_groups_trouble(scene: Scene) -> None:
    """A policy on one team's record made the other team's group fail, again and again, and kept it untold."""
    first, second = await running(scene, "web", "web-2")
    for name in (first, second):
        await begins(scene, name)
    async with denied(scene, first):
        await scene.look("web-2")
        assert await overlaps(scene, second) == [first]
        assert (await scene.conditions("web-2"))["Ready"][0] == "True"
        with pytest.raises(AutoxError, match="hands off"):
            await scene.look("web")
    assert await overlaps(scene, first) == []


@asynccontextmanager
async def denied(scene: Scene, name: str) -> AsyncIterator[None]:
    """A policy of the cluster lets nobody write the status of an experiment."""
    rule = {"apiGroups": ["autox.dev"], "apiVersions": ["*"], "operations": ["UPDATE"],
            "resources": ["experiments/status"], "resourceNames": [name]}  # fmt: skip
    spec = {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "hands off"}]}  # fmt: skip
    policies, bindings = (
        Resource(group="admissionregistration.k8s.io", version="v1", plural=plural, kind=kind, namespaced=False)
        for plural, kind in (
            ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
            ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
        )
    )
    await scene.kube.create(policies, {"metadata": {"name": name}, "spec": spec})
    await scene.kube.create(
        bindings, {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    )
    try:
        async with asyncio.timeout(30):
            # NB: it takes the API server a moment to heed it.
            with suppress(AutoxError):
                while True:
                    body = {"metadata": {"annotations": {"probe": str(time.monotonic())}}, "status": {"probe": "x"}}
                    await scene.kube.patch(EXPERIMENTS, name, body, namespace=scene.namespace, subresource="status")
        yield
    finally:
        await scene.kube.delete(bindings, name)
        await scene.kube.delete(policies, name)

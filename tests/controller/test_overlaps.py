"""Experiments that load the same target at the same time know of each other, and say so."""

import pytest

from autox.kube.objects import Object, micro_timestamp
from autox.model.refs import EXPERIMENTS
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

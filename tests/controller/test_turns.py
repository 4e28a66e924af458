"""Two loads of one group wait for each other on a real API server."""

import pytest

from autox.kube.objects import timestamp
from autox.model.errors import NotOursError
from autox.model.refs import EXPERIMENTS
from tests.controller.scene import Scene
from tests.controller.test_supervising import runner_says

pytestmark = pytest.mark.integration

LOAD = {
    "name": "experiment",
    "values": {
        "tasks": ["http", "assess"],
        "http": {"url": "http://web/"},
        "assess": {"SLOs": {"upper": {"http/latency-p99": 50}}},
    },
}


def specs_of(names: list[str]) -> list[str]:
    """The specs that these experiments are of."""
    return [name.split("-")[1] for name in names]


@pytest.fixture
async def loads(scene: Scene) -> Scene:
    """A group of three specs that load."""
    await scene.group(specs=dict.fromkeys(("one", "three", "two"), LOAD))
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    return scene


async def ends(scene: Scene, verdict: str = "Pass") -> None:
    """The run that loads has a verdict."""
    await runner_says(scene, scene.running()[-1], verdict=verdict, completedAt=timestamp(scene.now), loops=1)


async def test_one_after_another(loads: Scene) -> None:
    """All three were launched at once; now each begins when the one before it has ended, whatever came of it."""
    assert specs_of(loads.running()) == ["one"]
    status = await loads.status()
    assert (status["ready"], (await loads.conditions())["Ready"]) == ("True", ("True", "NewVersion"))
    loads.restart()
    await loads.look()
    assert specs_of(loads.running()) == ["one"]
    assert (await loads.status())["ready"] == "Waiting (Queued)"
    for verdict, names in (("Error", ["one", "three"]), ("Pass", ["one", "three", "two"])):
        await ends(loads, verdict)
        await loads.look()
        assert specs_of(loads.running()) == names
    assert len(loads.releases.runs) == 3


async def test_a_new_version_ends_what_runs_before_the_next_begins(loads: Scene) -> None:
    """Nothing of the old version loads beside the new, and the spec that never ran goes first."""
    await loads.trigger(version="2")
    await loads.look()

    assert specs_of(loads.running()) == ["three"]
    assert len(await loads.experiments()) == 2


async def test_a_spec_that_cannot_be_launched_is_passed_over(scene: Scene) -> None:
    """Its name is taken by something else, which no retry mends: the others are tested all the same."""
    await scene.group(specs=dict.fromkeys(("one", "two"), LOAD))
    await scene.trigger(opt_in="true", version="1")
    await scene.look()
    (name,) = scene.running()
    (taken,) = await scene.experiments()
    await scene.kube.delete(EXPERIMENTS, name, namespace=scene.namespace)
    scene.releases.installed.clear()
    names = {"name": name, "namespace": scene.namespace}
    spec = taken["spec"] | {"group": {"namespace": scene.namespace, "name": "other"}}
    kind = {key: taken[key] for key in ("apiVersion", "kind")}
    await scene.kube.create(EXPERIMENTS, kind | {"metadata": names, "spec": spec})

    with pytest.raises(NotOursError):
        await scene.look()
    assert specs_of(scene.running()) == ["two"]


async def test_side_by_side(scene: Scene) -> None:
    """With ``concurrency: parallel`` nobody waits."""
    await scene.group(specs=dict.fromkeys(("one", "two"), LOAD), concurrency="parallel")
    await scene.trigger(opt_in="true", version="1")
    await scene.look()

    assert sorted(specs_of(scene.running())) == ["one", "two"]

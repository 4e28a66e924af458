"""``autox retest`` asks for the next revision of what is current, and for nothing else."""

import pytest

from autox.model.labels import RETEST
from autox.model.refs import EXPERIMENTS
from tests.reading.scene import Scene, failed, passed

pytestmark = pytest.mark.integration


async def asked(scene: Scene, name: str) -> bool:
    """Whether somebody wants this experiment's version to be tested again."""
    found = await scene.kube.get(EXPERIMENTS, name, namespace=scene.namespace)
    return RETEST in (found["metadata"].get("annotations") or {})


async def test_one_experiment(scene: Scene) -> None:
    """By name; until the controller has begun the next revision, ``assert`` holds the old verdict for none."""
    uid = await scene.opted_in()
    await scene.group()
    name, other = await scene.experiment(uid=uid, **passed()), await scene.experiment(version="1.0", **passed())
    done = await scene.autox("retest", name)

    assert (done.code, done.out) == (0, f"{name}: version 2.0 is to be tested again\n")
    assert await asked(scene, name)
    assert not await asked(scene, other)
    assert (await scene.autox("assert", "-g", "shop", "-c", "slos")).code == 4


async def test_a_group(scene: Scene) -> None:
    """All that is current in it, or one spec; what was deleted is left alone."""
    await scene.group("load", "more")
    load, more = await scene.experiment(**failed()), await scene.experiment(spec="more", **passed())
    gone = await scene.experiment(version="1.0", **passed() | {"phase": "Deleted"})
    assert (await scene.autox("retest", "-g", "shop", "-s", "more")).code == 0
    assert [await asked(scene, name) for name in (load, more, gone)] == [False, True, False]
    assert (await scene.autox("retest", "-g", "shop")).code == 0
    assert [await asked(scene, name) for name in (load, more, gone)] == [True, True, False]


async def test_what_makes_no_sense_is_told(scene: Scene) -> None:
    """Nothing was there, or is not current, or nobody said what."""
    gone = await scene.experiment(**passed() | {"phase": "Deleted"})
    await scene.group()
    for argv, code, words in (
        ([gone], 3, "is not the current one"),
        (["absent"], 3, "there is no experiment absent"),
        (["-g", "shop"], 3, "group shop has no current experiment"),
        (["-g", "absent"], 3, "there is no experiment group absent"),
        ([], 2, "NAME of an experiment or a group"),
        ([gone, "-s", "load"], 2, "say -g too"),
    ):
        done = await scene.autox("retest", *argv)
        assert (done.code, words in done.err + done.out) == (code, True), done.err

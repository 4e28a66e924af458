"""Groups are followed live: edited, removed, suspended, several on one trigger, with any name."""

import pytest

from autox.kube.objects import Object
from autox.model.verdict import Phase
from tests.integration.autox.scene import IDLE, Scene

pytestmark = pytest.mark.integration

OTHER: Object = {"name": "experiment", "values": IDLE["values"] | {"http": {"url": "http://web.invalid/other"}}}


async def test_group_before_and_after_its_trigger(scene: Scene) -> None:
    """It does not matter whether the group or the Deployment comes first; a group that comes first is ready."""
    await scene.deploy(version="1", opt_in="true")
    await scene.group()
    await scene.tested("1")

    await scene.group("later", trigger={"name": "api"})
    await scene.waits("TriggerGone", group="later")
    assert (await scene.condition("Ready", "later"))["status"] == "True"
    await scene.deploy("api", version="1", opt_in="true")
    await scene.tested("1", group="later")


async def test_values_edited(scene: Scene) -> None:
    """After an edit of its values, and of nothing else, a spec is tested with the new ones."""
    await scene.group(specs={"http": IDLE, "same": IDLE})
    await scene.deploy(version="1", opt_in="true")
    before = {each.identity.spec: each for each in await scene.tested("1", specs=2)}

    await scene.group(specs={"http": OTHER, "same": IDLE})
    await scene.has_come_round()

    after = {each.identity.spec: each for each in await scene.tested("1", specs=2)}
    assert after["same"].uid == before["same"].uid
    assert after["http"].uid != before["http"].uid
    stale = next(each for each in await scene.records() if each.uid == before["http"].uid)
    assert (stale.phase, stale.reason) == (Phase.DELETED, "ChartOrValuesChanged")


async def test_specs_added_and_removed(scene: Scene) -> None:
    """A spec that is added is launched, one that is removed is deleted, and the others run on."""
    await scene.group(specs={"a": IDLE, "b": IDLE})
    await scene.deploy(version="1", opt_in="true")
    before = {each.identity.spec: each.uid for each in await scene.tested("1", specs=2)}

    await scene.group(specs={"b": IDLE, "c": IDLE})
    await scene.has_come_round()

    after = {each.identity.spec: each.uid for each in await scene.tested("1", specs=2)}
    assert set(after) == {"b", "c"}
    assert after["b"] == before["b"]
    reasons = {each.identity.spec: each.reason for each in await scene.records() if each.phase is Phase.DELETED}
    assert reasons == {"a": "SpecRemoved"}


async def test_trigger_edited(scene: Scene) -> None:
    """A group that is given another trigger tests that one, and no longer the first."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.deploy("api", version="7", opt_in="true")
    await scene.tested("1")

    await scene.group(trigger={"name": "api"})

    await scene.tested("7")
    assert [each.reason for each in await scene.records() if each.phase is Phase.DELETED] == ["TriggerChanged"]


async def test_group_removed(scene: Scene) -> None:
    """When the group is deleted, its experiments are; another group of the same trigger runs on."""
    await scene.group()
    await scene.group("other")
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")
    (kept,) = await scene.tested("1", group="other")

    await scene.ungroup()

    await scene.deleted("GroupRemoved")
    assert await scene.releases() == [kept.name]


async def test_two_groups_on_one_trigger(scene: Scene) -> None:
    """Each group has experiments of its own for each version, and its own history."""
    await scene.group()
    await scene.group("other")
    await scene.deploy(version="1", opt_in="true")
    first = [*await scene.tested("1"), *await scene.tested("1", group="other")]

    await scene.label(version="2")

    second = [*await scene.tested("2"), *await scene.tested("2", group="other")]
    assert len({each.name for each in (*first, *second)}) == 4
    assert await scene.releases() == sorted(each.name for each in second)


async def test_suspended_group(scene: Scene) -> None:
    """Suspended, a group launches and deletes nothing; afterwards it catches up."""
    await scene.group()
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")
    await scene.group(suspend=True)
    await scene.waits("Suspended")

    await scene.label(version="2")
    await scene.has_come_round()
    await scene.tested("1")

    await scene.group(suspend=False)
    await scene.tested("2")


async def test_names_that_would_collide(scene: Scene) -> None:
    """Group a-b with spec c and group a with spec b-c have experiments of their own."""
    await scene.group("a-b", {"c": IDLE})
    await scene.group("a", {"b-c": IDLE})
    await scene.deploy(version="1", opt_in="true")

    names = [(await scene.tested("1", group=group))[0].name for group in ("a-b", "a")]

    assert len(set(names)) == 2
    assert await scene.releases() == sorted(names)


async def test_names_as_long_as_can_be(scene: Scene) -> None:
    """The longest names that Kubernetes takes make releases, and differ where only their ends do."""
    groups = ["g" * 62 + end for end in "ab"]
    for group in groups:
        await scene.group(group, {"s" * 40: IDLE})
    await scene.deploy(version="v" * 63, opt_in="true")

    names = [(await scene.tested("v" * 63, group=group))[0].name for group in groups]

    assert len(set(names)) == 2
    assert all(len(name) <= 52 for name in names)

"""What is asked to be tested again is, beside its record, and nothing empty is left behind."""

import pytest

from autox.api.experiments import record_from_object
from autox.kube.objects import timestamp
from autox.model.errors import NotFoundError
from autox.model.labels import RETEST
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.model.verdict import Phase, Verdict
from tests.controller.scene import Scene
from tests.controller.test_supervising import launched, runner_says

pytestmark = pytest.mark.integration


async def test_the_next_revision_begins_beside_the_record(scene: Scene) -> None:
    """Once for each wish, also after a restart; deleting the record was the only way, and took the verdict along."""
    first = await launched(scene)
    await runner_says(scene, first, verdict="Fail", completedAt=timestamp(scene.now), loops=1)
    await scene.look()
    wish = {"metadata": {"annotations": {RETEST: "asked"}}}
    await scene.kube.patch(EXPERIMENTS, first, wish, namespace=scene.namespace)
    await scene.look()
    scene.restart()
    await scene.look()

    records = map(record_from_object, await scene.experiments())
    old, new = sorted(records, key=lambda each: each.identity.revision)
    assert (old.name, old.phase, old.reason, old.verdict) == (first, Phase.DELETED, "RetestAsked", Verdict.FAIL)
    assert (new.identity.revision, new.phase) == (2, Phase.RUNNING)
    assert scene.running() == [new.name]
    assert len(scene.releases.runs) == 2


@pytest.mark.parametrize("large", [False, True])
async def test_an_empty_secret_for_the_result_is_not_left(scene: Scene, *, large: bool) -> None:
    """One for each experiment stayed for ever, with nothing in it; one that holds a result stays with its record."""
    name = await launched(scene)
    secret = f"{name}-result"
    kinds = {"apiVersion": "v1", "kind": "Secret"}
    await scene.kube.create(SECRETS, kinds | {"metadata": {"name": secret, "namespace": scene.namespace}})
    kept = {"resultSecret": secret} if large else {}
    await runner_says(scene, name, verdict="Pass", completedAt=timestamp(scene.now), loops=1, **kept)
    await scene.trigger(version="2")
    await scene.look()

    assert (await scene.by_version())["1"].phase is Phase.DELETED
    if large:
        await scene.kube.get(SECRETS, secret, namespace=scene.namespace)
    else:
        with pytest.raises(NotFoundError):
            await scene.kube.get(SECRETS, secret, namespace=scene.namespace)

"""A search for failure points on a real control plane, and what breaks one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from autox.core.loads.failurepoint import Trial
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.failurepoint import FailurePoint, Sought
from autox.model.result import SLO, Bound, Subject
from autox.tasks.context import Findings
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.loadtest import LoadTest
from autox.tasks.density.search.keeping import Keeping, digest_of, searches
from autox.tasks.density.search.trial import perform
from autox.tasks.density.task import run
from tests.clusters import LocalCluster
from tests.density.conftest import context_on, left_behind
from tests.kube.hostile import serving, status

AT_MOST_6 = SLO(metric="density/pods-created", bound=Bound.UPPER, limit=6.0)
POINT = FailurePoint(of=Sought.PODS, start=4, stop=8, resolution=0.2, trials=1, slos=(AT_MOST_6,))


@pytest.mark.integration
async def test_a_search_goes_on_where_a_killed_one_was(
    cluster: LocalCluster, own: KubeClient, said: list[str], tmp_path: Path
) -> None:
    """A real search, of what holds up to 6 pods: two trials were made by a run that is dead, and are not made again.

    Each of the others is a load test of its own, and nothing is left of them, nor of what was kept.
    """
    inputs = DensityInputs(
        kubeconfig=cluster.home.kubeconfig, nodes=1, rate=100.0, timeout=30.0, allow_self=True, failure_point=POINT
    )
    context = context_on(own, said, environ={"XDG_STATE_HOME": str(tmp_path)})
    told: list[Findings] = []
    digest = await digest_of(own, inputs, context)
    before = (Trial(load=4, held=True, told="4 ran"), Trial(load=8, told="8 are too many"))
    await Keeping(own, context, digest).keep(before, namespace="autox-density-00000000")

    findings = await run(inputs, replace(context, measured=told.append))

    found = {each.name: each for each in findings.metrics}
    soft, hard = found["density/failure-point-soft"], found["density/failure-point-hard"]
    assert (soft.value, soft.unit, soft.between) == (6, "pods", (6, 7))
    assert (hard.value, hard.why) == (None, "nothing broke at any load up to 8 pods")
    assert (found["density/pods-running"].value, findings.demands[0].limit) == (6, 6)
    # NB: on a machine that is busy a trial may tell nothing, and is made again.
    assert findings.message.startswith("6 pods held the SLOs and 7 pods did not; nothing broke up to 8 pods (")
    assert said[0] == "going on after 2 trials of a run that was killed"
    loaded = [line.split(", ")[1].partition(":")[0] for line in said if ": loading " in line]
    assert set(loaded) == {"6 pods", "7 pods"}
    assert any(line.startswith("6 pods held: 6 pods ran on 1 virtual node") for line in said)
    assert any("7 pods did not hold: " in line and "not met: density/pods-created is 7" in line for line in said)
    assert "2 of the trials were made by a run before this one, which was killed" in [n.text for n in findings.notes]
    assert len(told) == len(loaded)
    assert not list(searches(context.environ).glob("*"))
    assert left_behind(cluster) == []


class Endless(LoadTest):
    """A load test that never ends by itself."""

    def __init__(self) -> None:
        """It has not been cleaned up."""
        self.left = "not cleaned up"

    async def to_its_end(self) -> Findings:
        """Wait to be ended, and clean up."""
        try:
            await asyncio.Event().wait()
        finally:
            self.left = ""
        return Findings(message="")

    @property
    def is_loading(self) -> bool:
        """All is due."""
        return True

    @property
    def started(self) -> int:
        """None runs."""
        return 0


async def test_a_trial_ends_at_once_when_etcd_is_full(said: list[str]) -> None:
    """Its load test would wait for its time to be up, and push on a control plane that takes no write any more."""
    full = "etcdserver: mvcc: database space exceeded"

    async def handler(request: web.Request) -> web.StreamResponse:
        del request
        return status(500, "InternalError", full)

    async with serving(handler) as kube:
        made = await perform(
            kube,
            lambda _inputs, _context, _run_labels: Endless(),
            DensityInputs(),
            context_on(None, said),
            RunLabels(run="r", namespace="autox-density-00000000"),
            point=POINT,
            load=4,
        )

    assert made.trial.hard.startswith("no space: PATCH ")
    assert made.trial.hard.endswith(full)
    assert (made.left, made.findings, made.trial.held) == ("", None, False)


@pytest.mark.integration
async def test_in_a_cluster_the_trials_lie_beside_the_result(cluster: LocalCluster, own: KubeClient) -> None:
    """In the Secret that the release brought, whose other key stays as it is; what ends in order keeps nothing."""
    cluster.kubectl("create", "secret", "generic", "searched-result", "--from-literal=result.json.gz=x")
    experiment = Subject(namespace="default", experiment="searched")
    keeping = Keeping(own, replace(context_on(own, []), subject=experiment), "d")
    trials = (Trial(load=4, held=True, told="Wéb ✓"), Trial(load=8.5, hard="no space"))
    try:
        assert await keeping.recall() == ()
        await keeping.keep(trials)
        assert await Keeping(own, replace(context_on(own, []), subject=experiment), "d").recall() == trials
        await keeping.forget()
        assert await keeping.recall() == ()
        assert cluster.get("secret", "searched-result")["data"] == {"result.json.gz": "eA=="}
    finally:
        cluster.kubectl("delete", "secret", "searched-result")


@pytest.mark.integration
async def test_without_a_place_a_search_goes_on(kube: KubeClient, said: list[str]) -> None:
    """A release without its Secret is told once that trials are not kept, and is no failure."""
    context = replace(context_on(kube, said), subject=Subject(namespace="default", experiment="no-such"))
    keeping = Keeping(kube, context, "d")

    assert await keeping.recall() == ()
    for _ in range(3):
        await keeping.keep(())
    await keeping.forget()

    assert len(said) == 1
    assert said[0].startswith("trials are not kept, and a run that is killed begins anew: ")

"""The quick form of ``python -m tests.controller.killing``: the places to die at that are worst."""

from pathlib import Path

import pytest

from tests.controller.failpoints import Failpoint, Step
from tests.controller.killing import ground

pytestmark = pytest.mark.integration

JOB, RELEASE = Step("helm", "PATCH jobs", 1), Step("helm", "PUT secrets", 2)
POINTS = [
    Failpoint(JOB, before=False, victims="both"),
    Failpoint(JOB, before=False, victims="helm"),
    Failpoint(JOB, before=True, victims="both"),
    Failpoint(RELEASE, before=True, victims="both"),
    Failpoint(RELEASE, before=False, victims="controller"),
    Failpoint(Step("helm", "DELETE jobs", 1), before=False, victims="both"),
    Failpoint(Step("controller", "POST experiments", 1), before=False, victims="controller"),
]


async def test_no_kill_gives_two_runs_or_none(tmp_path: Path) -> None:
    """One Job a version and nothing left, whoever dies; helm alone gave two, helm and controller a second run."""
    async with ground(tmp_path) as made:
        await made.settle("0")
        assert {each.step for each in POINTS} <= set(await made.steps())
        for point in POINTS:
            await made.round(str(point), point)
        outcome = await made.outcome()

    assert sum(made.tally.kills.values()) == len(POINTS)
    assert (outcome.double, outcome.lost, outcome.left) == ([], [], []), made.log()[-5000:]
    assert outcome.jobs == len(POINTS) + 2

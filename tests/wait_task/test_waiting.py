"""Task ``wait``: time passes, is told, and can be cut short."""

import asyncio
import json
import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autox.api.experimentdocument import load_experiment
from autox.api.tasks.wait import WaitInputs
from autox.api.values import check_values
from autox.model.errors import ConfigurationError
from autox.model.groups import ChartRef
from autox.model.result import Subject
from autox.tasks.context import TaskContext
from autox.tasks.wait import run

CHART = ChartRef(name="experiment")
REFUSED: list[Any] = [0, -1, 86_401, 10**30, 1.5, math.inf, math.nan, "soon", "", None, True, [], {}]


@pytest.fixture
def said() -> list[str]:
    """What the task says."""
    return []


@pytest.fixture
def context(said: list[str]) -> TaskContext:
    """Of a run without a cluster."""
    return TaskContext(
        kube=None,
        namespace="default",
        environ={},
        subject=Subject(),
        done=(),
        say=said.append,
        now=lambda: datetime.now(UTC),
    )


async def test_it_waits(context: TaskContext, said: list[str]) -> None:
    """The next task begins when the time has passed, and not before."""
    began = time.monotonic()

    findings = await run(WaitInputs(seconds=1), context)

    assert time.monotonic() - began >= 1
    assert findings.message == "waited 1 s"
    assert findings.metrics == ()
    assert said[0] == "1 s left"


async def test_a_run_that_is_ended_does_not_wait(context: TaskContext) -> None:
    """Whoever ends an experiment does not have to wait for the rest of an hour."""
    begun = asyncio.Event()
    told = replace(context, say=lambda _line: begun.set())
    waiting = asyncio.create_task(run(WaitInputs(seconds=3600), told))
    await begun.wait()

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_in_the_document_and_in_the_chart(tmp_path: Path) -> None:
    """It is written alike in both, and a report shows it."""
    document = tmp_path / "experiment.json"
    document.write_text(json.dumps({"tasks": [{"task": "wait", "with": {"seconds": 30}}]}))

    (spec,) = load_experiment(document)

    assert (spec.inputs, spec.shown) == (WaitInputs(seconds=30), {"seconds": 30})
    check_values(CHART, {"tasks": ["wait"], "wait": {"seconds": 30}}, what="the values")


@pytest.mark.parametrize("seconds", REFUSED, ids=str)
def test_what_is_no_time_is_refused(seconds: Any) -> None:
    """It is told where it was written, and not by a Job that never ends."""
    with pytest.raises(ConfigurationError, match=r"wait"):
        check_values(CHART, {"tasks": ["wait"], "wait": {"seconds": seconds}}, what="the values")


def test_slos_are_about_what_is_measured() -> None:
    """Nothing is measured by waiting, so no SLO can be about it."""
    values = {"tasks": ["wait", "assess"], "wait": {"seconds": 1}, "assess": {"SLOs": {"upper": {"wait/seconds": 1}}}}
    with pytest.raises(ConfigurationError, match="no task makes the metric wait/seconds"):
        check_values(CHART, values, what="the values")

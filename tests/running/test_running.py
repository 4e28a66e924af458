"""The tasks of an experiment run in order and end in a verdict, whatever they do."""

import asyncio
import json
import logging
import math
from dataclasses import replace

import pytest

from autox.api.results import object_from_result
from autox.model.errors import ForbiddenError, UnreachableError
from autox.model.result import Metric, TaskState
from autox.model.verdict import Verdict
from autox.tasks.context import Findings, TaskContext
from tests.running.loops import ASSESS, HTTP, READY, Loop, Memory, measuring, raising

MEASURED = Metric(name="density/pods-running", unit="", value=9.0)
DONE, FAILED, SKIPPED = TaskState.DONE, TaskState.FAILED, TaskState.SKIPPED


async def test_a_loop_that_passes() -> None:
    """Tasks run in the order given, the assessment sees their metrics, and the verdict has its reason."""
    loop = Loop()
    result = await loop.result()

    assert [(task.task, task.state) for task in result.tasks] == [("ready", DONE), ("http", DONE), ("assess", DONE)]
    assert (result.verdict, result.reason) == (Verdict.PASS, "SLOsMet")
    assert result.slos[0].observed == 12.0
    assert (result.loops, result.totals, result.tasks_total) == (1, {"Pass": 1}, 3)
    assert result.completed_at is not None
    assert result.subject.version == "1"
    assert loop.recorder.ended == [result]


async def test_progress_is_told() -> None:
    """Who watches sees each task begin and end, what it says, and how many are done; the record likewise."""
    loop = Loop()
    await loop.run()

    assert loop.said[:2] == ["task 1/3 ready: begins", "task 1/3 ready: web is there"]
    assert loop.said[2].startswith("task 1/3 ready: done after ")
    assert [len(shown.tasks) for shown in loop.recorder.shown] == [0, 1, 2, 3]
    assert all(shown.verdict is None and shown.completed_at is None for shown in loop.recorder.shown)


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(50.1, Verdict.FAIL), (None, Verdict.NO_DATA), (float("nan"), Verdict.NO_DATA), (float("inf"), Verdict.NO_DATA)],
)
async def test_loops_that_do_not_pass(mean: float | None, verdict: Verdict) -> None:
    """A latency above the limit fails; one that could not be measured, or is no number, never passes."""
    result = await Loop(http=measuring(mean)).result()

    assert result.verdict is verdict
    assert result.metrics["http/latency-mean"].value in (mean if mean == 50.1 else None, None)


async def test_a_load_that_was_none() -> None:
    """Figures that their own task does not trust do not pass, however good they look."""
    result = await Loop(http=measuring(1.0, invalid="the load generator fell behind")).result()

    assert (result.verdict, result.reason) == (Verdict.INVALID, "LoadInvalid")
    assert "fell behind" in result.message


async def test_without_assessment() -> None:
    """A loop without SLOs has no data to pass by."""
    result = await Loop(specs=(READY, HTTP)).result()

    assert (result.verdict, result.reason) == (Verdict.NO_DATA, "NoSLOs")


async def test_a_task_that_fails() -> None:
    """A task that cannot do its work ends the loop: the rest is skipped, and the verdict says what to do."""
    result = await Loop(http=raising(UnreachableError("no such host: web", hint="Is the Service there?"))).result()

    assert [task.state for task in result.tasks] == [DONE, FAILED, SKIPPED]
    assert (result.verdict, result.reason) == (Verdict.ERROR, "TaskFailed")
    assert result.message == "task http failed: no such host: web. Is the Service there?"
    assert result.tasks[2].message == "skipped, since task http did not succeed"


@pytest.mark.parametrize(
    "error", [ValueError("Bearer hush"), MemoryError(), ExceptionGroup("hush", [KeyError("hush")])]
)
async def test_a_defect_in_a_task(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A defect is a failed task with a verdict; its kind and place are told, never what it quotes."""
    loop = Loop(http=raising(error))
    with caplog.at_level(logging.DEBUG):
        result = await loop.result()

    assert result.verdict is Verdict.ERROR
    assert type(error).__name__ in result.message
    assert "loops.py" in caplog.text
    assert "hush" not in caplog.text + json.dumps(object_from_result(result)) + "".join(loop.said)


async def test_a_task_that_cancels_itself() -> None:
    """A cancellation that nobody asked for is a defect like any other, not the end of the run."""
    result = await Loop(http=raising(asyncio.CancelledError())).result()

    assert (result.verdict, result.reason) == (Verdict.ERROR, "TaskFailed")


async def test_a_module_that_is_missing() -> None:
    """A task whose code cannot be found ends in a verdict."""
    loop = Loop(specs=(READY, HTTP, ASSESS))
    loop.specs = (*loop.specs[:1], type(HTTP)(name="litmus", inputs=HTTP.inputs, shown={}))
    result = await loop.result()

    assert (result.verdict, result.tasks[1].state) == (Verdict.ERROR, FAILED)


async def test_secrets_stay_out() -> None:
    """The inputs in a result are those that may be shown."""
    result = await Loop().result()

    assert "hush" not in json.dumps(object_from_result(result))
    assert result.tasks[1].inputs == HTTP.shown


async def test_told_to_stop() -> None:
    """A run that is told to stop cancels its task, records the verdict at once, and lets the task clean up."""
    story: list[str] = []
    begun, recorded = asyncio.Event(), asyncio.Event()

    class Watching(Memory):
        async def finish(self, ended: object) -> None:
            del ended
            story.append("recorded")
            recorded.set()

    async def slow(inputs: object, context: TaskContext) -> Findings:
        del inputs
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await recorded.wait()
            await asyncio.sleep(0)
            context.say("all swept")
            story.append("cleaned up")
        return Findings(message="")

    loop = Loop(http=slow, recorder=Watching())
    running = asyncio.create_task(loop.result())
    await begun.wait()
    loop.stop.set()
    result = await running

    assert story == ["recorded", "cleaned up"]
    assert loop.said[-1] == "task 2/3 http: all swept"
    assert [task.state for task in result.tasks] == [DONE, FAILED, SKIPPED]
    assert (result.verdict, result.reason) == (Verdict.ERROR, "Interrupted")
    assert "into task http" in result.message


@pytest.mark.parametrize(
    ("measured", "value"),
    [
        pytest.param(Findings(message="9 pods ran", metrics=(MEASURED,)), 9.0, id="figures"),
        pytest.param(
            Findings(message="9 pods ran", metrics=(MEASURED,), invalid="too late"), 9.0, id="invalid figures"
        ),
        pytest.param(
            Findings(message="9 pods ran", metrics=(replace(MEASURED, value=math.inf),)), None, id="what is no number"
        ),
        pytest.param(None, None, id="nothing yet"),
    ],
)
async def test_ended_while_it_cleans_up(measured: Findings | None, value: float | None) -> None:
    """A run that is ended while it cleans up keeps what it had measured; all of it was lost."""
    cleaning = asyncio.Event()

    async def slow(inputs: object, context: TaskContext) -> Findings:
        del inputs
        if measured is not None:
            context.measured(measured)
        cleaning.set()
        await asyncio.Event().wait()
        return Findings(message="")

    loop = Loop(http=slow)
    running = asyncio.create_task(loop.result())
    await cleaning.wait()
    loop.stop.set()
    result = await running

    found = result.metrics.get(MEASURED.name)
    assert (result.verdict, result.reason) == (Verdict.ERROR, "Interrupted")
    assert (found is not None, found.value if found else None) == (measured is not None, value)
    assert result.tasks[1].invalid == (measured.invalid if measured else "")
    assert ("9 pods ran" in result.message) is (measured is not None)


async def test_told_to_stop_before_it_begins() -> None:
    """A run that was told to stop while it still waited for its cluster ends without sending anything."""
    loop = Loop()
    loop.stop.set()
    result = await loop.result()

    assert (result.verdict, result.reason) == (Verdict.ERROR, "Interrupted")
    assert [task.state for task in result.tasks] == [FAILED, SKIPPED, SKIPPED]


async def test_a_result_that_cannot_be_kept() -> None:
    """Where nothing can be recorded, the caller still gets the result, with the reason."""
    trouble = ForbiddenError("PATCH experiments: forbidden")
    ended = await Loop(recorder=Memory(failing=trouble)).run()

    assert ended.unrecorded is trouble
    assert ended.result.verdict is Verdict.PASS


async def test_the_loops_before() -> None:
    """A loop counts those before it."""
    first = await Loop().result()
    second = await Loop(http=measuring(99.0), stored=first).result()

    assert (second.loops, second.totals, second.verdict) == (2, {"Pass": 1, "Fail": 1}, Verdict.FAIL)

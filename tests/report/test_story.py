"""What broke, when, why, and what to do next: of runs that did not pass, whatever is known of them."""

from dataclasses import replace

import pytest

from autox.model.result import Bound, ExperimentResult, Note, Series, TaskResult, TaskState
from autox.model.verdict import Verdict
from autox.report.document import document
from autox.report.html import to_html
from autox.report.sections import Fact
from autox.report.story import story
from tests.report.samples import BEGAN, density, failed, outcome, passed, slow_scheduler, subject, without_data


def told(result: ExperimentResult) -> dict[str, str]:
    """The story by its questions."""
    return {fact.name: fact.value for fact in story(result)}


def test_each_question_has_an_answer_of_its_own() -> None:
    """The verdict's sentence is cut where it begins to quote, and nothing of it is said twice."""
    found = story(slow_scheduler())

    assert [fact.name for fact in found] == ["What broke", "When", "Why", "What next"]
    broke, when, why, following = (fact.value for fact in found)
    assert broke.startswith("2 of 3 SLOs not met: density/scheduling-throughput is 2.051/s, below the limit of 10/s")
    assert when == "0.7 s into the load of task density"
    assert why.startswith("the scheduler gave way first: half of the pods waited 13.9 s for it")
    assert "--kube-api-qps" in following
    assert why not in broke


def test_the_moment_stands_in_every_figure_over_time() -> None:
    """Who sees what rose first sees at once whether that was when it went wrong."""
    page = to_html(document(slow_scheduler()))

    assert page.count('class="since"') == page.count('class="curve"') > 0
    assert 'class="since"' not in to_html(document(density()))


@pytest.mark.parametrize(
    "result", [passed(), density(), without_data(), failed()], ids=["passed", "density", "error", "unexplained"]
)
def test_where_the_sentence_says_it_all_there_is_no_story(result: ExperimentResult) -> None:
    """A Pass, a task that failed in its own words, and an SLO that no note explains and no curve shows."""
    assert story(result) == ()


def test_without_a_hint_the_curves_are_where_to_look() -> None:
    """A note that has nothing to advise still leaves a reader with somewhere to go, where figures are drawn."""
    result = slow_scheduler()
    load, assess = result.tasks
    note = replace(load.notes[0], hint="", since=None)

    found = told(replace(result, tasks=(replace(load, notes=(note,)), assess)))
    bare = told(replace(result, tasks=(replace(load, notes=(note,), series=()), assess)))

    assert found["What next"].startswith("look at the figures over time below")
    assert "When" not in found
    assert set(bare) == {"What broke", "Why"}


def test_a_curve_says_when_it_went_above_its_limit() -> None:
    """An SLO on API latency that no part explains: the first point above the limit, of which a gap is none."""
    times, values = (5.0, 10.0, 15.0, 20.0), (900.0, None, 1_400.0, 1_200.0)
    course = Series(name="density/api-call-latency-p99/mutating", unit="ms", times=times, values=values)
    metric = "density/api-call-latency-p99/mutating/windows-1m"
    result = ExperimentResult(
        subject=subject(),
        environment={},
        started_at=BEGAN,
        tasks=(TaskResult(task="density", state=TaskState.DONE, series=(course,)),),
        slos=(outcome(metric, 1000, 1380), outcome("density/pods-running", 9, 8, bound=Bound.LOWER)),
        verdict=Verdict.FAIL,
        message="2 of 2 SLOs not met",
    )

    assert told(result)["When"] == f"15.0 s into the load of task density, when {metric} was first seen above its limit"


def test_a_test_that_was_too_slow_itself() -> None:
    """Of figures that must not be believed the part of the test that spoilt them is named, and what to give it."""
    why = "the virtual nodes gave way first: they took 2 s (median) to say of a pod that it runs"
    note = Note(text=why, weight=0.99, since=1.5, hint="give the test less load")
    result = ExperimentResult(
        subject=subject(),
        environment={},
        started_at=BEGAN,
        tasks=(TaskResult(task="density", state=TaskState.DONE, invalid=why, notes=(note,)),),
        verdict=Verdict.INVALID,
        message=f"the figures of task density must not be believed: {why}",
    )

    assert story(result) == (
        Fact(name="What broke", value="the figures of task density must not be believed"),
        Fact(name="When", value="1.5 s into the load of task density"),
        Fact(name="Why", value=why),
        Fact(name="What next", value="give the test less load"),
    )

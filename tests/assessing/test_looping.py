"""Loops of one experiment add up, and only those."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autox.api.results import compact
from autox.core.experiments.looping import while_running, with_earlier
from autox.model.result import HISTORY_LIMIT, ExperimentResult
from autox.model.verdict import Verdict
from tests.results.samples import BEGAN, FULL, ended

RUNNING = replace(
    FULL, verdict=None, completed_at=None, slos=(), tasks=(), loops=0, totals={}, history=(), reason="", message=""
)


def looped(*verdicts: Verdict) -> ExperimentResult:
    """The stored result after these loops, a minute apart."""
    stored: ExperimentResult | None = None
    for index, verdict in enumerate(verdicts):
        stored = with_earlier(stored, ended(verdict, at=BEGAN + timedelta(minutes=index)))
    assert stored is not None
    return stored


def test_loops_add_up() -> None:
    """Three loops give three in all, a total for each verdict, the history in order, and the latest verdict."""
    stored = looped(Verdict.PASS, Verdict.FAIL, Verdict.PASS)

    assert (stored.loops, stored.totals, stored.verdict) == (3, {"Pass": 2, "Fail": 1}, Verdict.PASS)
    assert [(loop.number, loop.verdict) for loop in stored.history] == [
        (1, Verdict.PASS),
        (2, Verdict.FAIL),
        (3, Verdict.PASS),
    ]
    assert stored.history[2].started_at == BEGAN + timedelta(minutes=2)


def test_history_is_bounded() -> None:
    """However many loops there were, the history keeps the latest and the totals count all."""
    stored = looped(*[Verdict.PASS] * (HISTORY_LIMIT + 5))

    assert len(stored.history) == HISTORY_LIMIT
    assert (stored.history[0].number, stored.history[-1].number) == (6, HISTORY_LIMIT + 5)
    assert stored.totals == {"Pass": HISTORY_LIMIT + 5}


def test_the_compact_form_is_enough() -> None:
    """Where only the compact form is left, loops and totals go on; the history begins again."""
    stored = with_earlier(compact(looped(Verdict.PASS, Verdict.FAIL)), ended(Verdict.PASS))

    assert (stored.loops, stored.totals) == (3, {"Pass": 2, "Fail": 1})
    assert [loop.number for loop in stored.history] == [3]


@pytest.mark.parametrize(
    "subject",
    [
        replace(FULL.subject, experiment="another"),
        replace(FULL.subject, version="1.11"),
        replace(FULL.subject, revision=3),
        replace(FULL.subject, trigger_uid="another"),
    ],
)
def test_loops_of_something_else_do_not_count(subject: object) -> None:
    """Loops of another experiment, version, revision or trigger object are not carried over."""
    stored = replace(looped(Verdict.PASS), subject=subject)  # type: ignore[arg-type]  # it is a Subject

    assert with_earlier(stored, ended(Verdict.FAIL)).loops == 1
    assert while_running(stored, RUNNING) is RUNNING


def test_a_loop_that_crashed() -> None:
    """A first loop that left only half a result does not count; later ones leave the loops before them as they are."""
    assert with_earlier(RUNNING, ended(Verdict.PASS)).totals == {"Pass": 1}
    assert while_running(None, RUNNING) is RUNNING
    assert while_running(RUNNING, RUNNING) is RUNNING

    stored = looped(Verdict.PASS, Verdict.FAIL)
    assert while_running(stored, RUNNING) is stored


def test_a_loop_that_runs_is_not_counted() -> None:
    """Counting a loop before it has ended is a mistake that is noticed."""
    with pytest.raises(ValueError, match="not ended"):
        with_earlier(None, RUNNING)

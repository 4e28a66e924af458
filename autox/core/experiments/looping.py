"""One loop after another: what a CronJob's runs add up to.

Each run of a CronJob is a process of its own that knows one loop. What earlier loops found is in the stored result;
here the two become one. A run that ended without a result (its node died) stored nothing of its own, so the loops
before it stand as they were. A stored result of anything else than the same subject is not carried over: numbers of
another version must never count for this one.
"""

from dataclasses import replace

from autox.model.result import HISTORY_LIMIT, ExperimentResult, Loop, Subject


def earlier(stored: ExperimentResult | None, subject: Subject) -> ExperimentResult | None:
    """The stored result, if there are loops of this subject in it."""
    return stored if stored is not None and stored.loops and stored.subject == subject else None


def with_earlier(stored: ExperimentResult | None, ended: ExperimentResult) -> ExperimentResult:
    """The result of a loop that has ended, with the loops before it counted.

    Args:
        stored: the result that was there before; None if none was, or it could not be read.
        ended: of this loop alone.

    Raises:
        ValueError: the loop has not ended: a mistake of the caller.
    """
    if ended.completed_at is None or ended.verdict is None:
        raise ValueError("a loop that has not ended cannot be counted")
    before = earlier(stored, ended.subject)
    number = (before.loops if before else 0) + 1
    loop = Loop(
        number=number,
        started_at=ended.started_at,
        completed_at=ended.completed_at,
        verdict=ended.verdict,
        reason=ended.reason,
        message=ended.message,
    )
    totals = dict(before.totals) if before else {}
    totals[ended.verdict.value] = totals.get(ended.verdict.value, 0) + 1
    history = (*(before.history if before else ()), loop)
    return replace(ended, loops=number, totals=totals, history=history[-HISTORY_LIMIT:])


def while_running(stored: ExperimentResult | None, running: ExperimentResult) -> ExperimentResult:
    """What to show while a loop runs: the result of the loops before it, or of this one so far if it is the first."""
    return earlier(stored, running.subject) or running

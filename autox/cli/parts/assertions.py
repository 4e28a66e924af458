"""What ``autox assert`` asks of an experiment, and what the answers come to. Pure.

The conditions have Iter8's names, and not its gaps: there, no failure was true before anything had run, and an
experiment without SLOs met them all. A No is an SLO that was not met, or else nothing could be told: these two have
exit codes of their own, whichever condition was asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autox.cli.parts.describing import details
from autox.model.verdict import Phase, Verdict
from autox.store.experiments import ReadExperiment

PASSED, NOT_MET, NO_DATA, TIMED_OUT = 0, 1, 3, 4
"""Exit codes."""

_MISSED = (Verdict.FAIL, Verdict.WARN)
_BROKEN = (Verdict.ERROR, Verdict.INVALID)


class Condition(StrEnum):
    """What can be asked."""

    COMPLETED = "completed"  # every task has run: those of a Job, or of a CronJob's latest loop
    NO_FAILURE = "nofailure"  # none of them failed, and there was something to judge: a request was answered
    SLOS = "slos"  # every SLO was met by data


class Answer(StrEnum):
    """Whether a condition holds."""

    YES = "yes"
    NO = "no"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One condition of one experiment.

    Attributes:
        condition: what was asked.
        answer: whether it holds.
        seen: what that rests on, a sentence or several.
        code: the exit code that a No stands for.
    """

    condition: Condition
    answer: Answer
    seen: str
    code: int = PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All conditions of one experiment; the name is empty while there is no experiment."""

    name: str
    spec: str
    version: str
    findings: tuple[Finding, ...]


def check(experiment: ReadExperiment, conditions: Iterable[Condition]) -> Checked:
    """Ask an experiment."""
    return Checked(
        name=experiment.record.name,
        spec=experiment.record.identity.spec,
        version=experiment.record.identity.version,
        findings=tuple(_finding(condition, experiment) for condition in conditions),
    )


def missing(spec: str, version: str, conditions: Iterable[Condition], *, why: str) -> Checked:
    """What is known of an experiment that does not exist yet.

    Args:
        spec: of its group.
        version: that it would test: the trigger's as it is now; empty if that has none.
        conditions: what was asked; the answer to each is "not yet".
        why: why there is none yet, a sentence or several.
    """
    findings = tuple(Finding(condition=each, answer=Answer.NOT_YET, seen=why) for each in conditions)
    return Checked(name="", spec=spec, version=version, findings=findings)


def exit_code(checked: Sequence[Checked]) -> int | None:
    """What all the answers come to; None while some are open and none says No.

    NB: a run that broke or has no data outweighs an SLO that was not met: it is no verdict on what was tested.
    """
    findings = [finding for each in checked for finding in each.findings]
    codes = {finding.code for finding in findings if finding.answer is Answer.NO}
    if codes:
        return max(codes)
    return PASSED if findings and all(finding.answer is Answer.YES for finding in findings) else None


def _finding(condition: Condition, experiment: ReadExperiment) -> Finding:
    record = experiment.record
    if record.verdict is None and not experiment.has_run:
        standing = f"phase {record.phase.value}"
        if record.phase in (Phase.DELETING, Phase.DELETED):
            return _no(condition, f"{standing}: it was deleted before it had ended")
        return Finding(condition=condition, answer=Answer.NOT_YET, seen=_with(standing, record.message))
    if record.verdict is None:
        return Finding(condition=condition, answer=Answer.NOT_YET, seen="there is no verdict yet")
    told = _with(f"verdict {record.verdict.value}", "; ".join(details(experiment)))
    match condition:
        case Condition.COMPLETED:
            return _completed(experiment, told)
        case Condition.NO_FAILURE:
            return _no_failure(experiment, record.verdict, told)
        case Condition.SLOS:
            code = NOT_MET if record.verdict in _MISSED else NO_DATA
            is_met = record.verdict is Verdict.PASS
            return _yes(condition, told) if is_met else _no(condition, told, code=code)


def _completed(experiment: ReadExperiment, told: str) -> Finding:
    condition, latest = Condition.COMPLETED, experiment.latest
    # NB: where no runner has told what it did, as of a foreign chart, no task is known to have run.
    if latest is None or latest.undone or experiment.record.verdict is Verdict.ERROR:
        return _no(condition, told)
    loops = f"{experiment.loops} loop{'s' if experiment.loops != 1 else ''}" if experiment.loops else ""
    phase = experiment.record.phase
    # NB: a CronJob runs on, and a Job has ended before the controller has seen it.
    return _yes(
        condition, ", ".join(filter(None, (f"phase {phase.value}" if phase is not Phase.RUNNING else "", loops)))
    )


def _no_failure(experiment: ReadExperiment, verdict: Verdict, told: str) -> Finding:
    condition, latest = Condition.NO_FAILURE, experiment.latest
    if latest is None or latest.undone or verdict in _BROKEN:
        return _no(condition, told)
    if latest.fruitless:
        return _no(condition, f"there was nothing to judge: {latest.fruitless}")
    return _yes(condition, f"verdict {verdict.value}")


def _yes(condition: Condition, seen: str) -> Finding:
    return Finding(condition=condition, answer=Answer.YES, seen=seen)


def _no(condition: Condition, seen: str, *, code: int = NO_DATA) -> Finding:
    return Finding(condition=condition, answer=Answer.NO, seen=seen, code=code)


def _with(standing: str, message: str) -> str:
    return f"{standing}: {message}" if message else standing

"""What ``autox assert`` asks of an experiment, and what the answers come to. Pure.

The conditions have Iter8's names, and not its gaps: there, no failure was true before anything had run, and an
experiment without SLOs met them all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autox.cli.describing import details
from autox.cli.reading import ReadExperiment
from autox.model.verdict import Phase, Verdict

PASSED, NOT_MET, NO_DATA, TIMED_OUT = 0, 1, 3, 4
"""Exit codes."""

_MISSED = (Verdict.FAIL, Verdict.WARN)


class Condition(StrEnum):
    """What can be asked."""

    COMPLETED = "completed"  # it has run: the Job to its end, a CronJob at least once
    NO_FAILURE = "nofailure"  # it has run, and every task of the latest loop could do its work
    SLOS = "slos"  # it has run, and every SLO was met by data


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
    """What is known of an experiment that does not exist yet."""
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
    verdict = record.verdict
    if verdict is None and not experiment.has_run:
        standing = f"phase {record.phase.value}"
        if record.phase in (Phase.DELETING, Phase.DELETED):
            seen = f"{standing}: it was deleted before it had ended"
            return Finding(condition=condition, answer=Answer.NO, seen=seen, code=NO_DATA)
        return Finding(condition=condition, answer=Answer.NOT_YET, seen=_with(standing, record.message))
    if condition is Condition.COMPLETED:
        loops = f"{experiment.loops} loop{'s' if experiment.loops != 1 else ''}" if experiment.loops else ""
        # NB: a CronJob runs on, and a Job has ended before the controller has seen it.
        phase = "" if record.phase is Phase.RUNNING else f"phase {record.phase.value}"
        return Finding(condition=condition, answer=Answer.YES, seen=", ".join(filter(None, (phase, loops))))
    if verdict is None:
        return Finding(condition=condition, answer=Answer.NOT_YET, seen="there is no verdict yet")
    seen = f"verdict {verdict.value}"
    is_met = verdict is not Verdict.ERROR if condition is Condition.NO_FAILURE else verdict is Verdict.PASS
    if is_met:
        return Finding(condition=condition, answer=Answer.YES, seen=seen)
    code = NOT_MET if verdict in _MISSED else NO_DATA
    return Finding(condition=condition, answer=Answer.NO, seen=_with(seen, "; ".join(details(experiment))), code=code)


def _with(standing: str, message: str) -> str:
    return f"{standing}: {message}" if message else standing

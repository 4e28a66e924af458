"""What is kept of an experiment that is deleted."""

from typing import Any

from autox.model.verdict import Phase, Verdict
from autox.store.controllerstatus import Standing, status_of
from tests.deciding.samples import NOW


def standing(phase: Phase, reason: str, message: str, verdict: Verdict | None = None) -> Standing:
    """How an experiment stands that was launched."""
    return Standing(phase=phase, reason=reason, message=message, launched_at=NOW, verdict=verdict)


def completed(status: dict[str, Any]) -> tuple[str, str, str]:
    """The condition Completed."""
    [found] = [each for each in status["conditions"] if each["type"] == "Completed"]
    return found["status"], found["reason"], found["message"]


def test_why_it_ended_outlasts_its_deletion() -> None:
    """A verdict without its reason is worth little; the phase says why it was deleted."""
    ended = standing(Phase.COMPLETED, "JobFailed", "exit code 137", Verdict.ERROR)
    obj = {"status": status_of(ended, {}, now=NOW)}

    for phase in (Phase.DELETING, Phase.DELETED):
        obj = {"status": status_of(standing(phase, "NewVersion", "the version is 2"), obj, now=NOW)}

    assert completed(obj["status"]) == ("True", "JobFailed", "exit code 137")
    assert obj["status"]["reason"] == "NewVersion"


def test_one_that_was_deleted_first_never_ended() -> None:
    """Whoever reads that a test is over may rely on it."""
    obj = {"status": status_of(standing(Phase.RUNNING, "Running", "Job x runs"), {}, now=NOW)}

    status = status_of(standing(Phase.DELETED, "NewVersion", "the version is 2"), obj, now=NOW)

    assert completed(status) == ("False", "NewVersion", "the version is 2")

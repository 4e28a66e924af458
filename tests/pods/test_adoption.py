"""Taking over pods after a restart of the node, with and without their records."""

from typing import Any

import pytest

from autox.nodes.process.pod.adoption import merge_attempts, reported_attempts
from autox.nodes.process.status.runtime_state import ObservedAttempt
from tests.pods.podsamples import NOW, pod

NOW_TEXT = "2025-11-24T16:00:00Z"
RUNNING = {"running": {"startedAt": NOW_TEXT}}


def terminated(code: int) -> dict[str, Any]:
    """A state that ended so."""
    return {"terminated": {"exitCode": code, "reason": "Error", "startedAt": NOW_TEXT, "finishedAt": NOW_TEXT}}


CASES = [
    pytest.param({}, [], id="never started"),
    pytest.param({"state": {"waiting": {"reason": "ContainerCreating"}}}, [], id="being created"),
    pytest.param({"state": RUNNING, "restartCount": 0}, [(0, 137)], id="what ran is lost"),
    pytest.param({"state": RUNNING, "restartCount": 3, "lastState": terminated(7)}, [(2, 7), (3, 137)], id="restarted"),
    pytest.param({"state": terminated(0), "restartCount": 0}, [(0, 0)], id="ended"),
    pytest.param(
        {"state": terminated(4), "restartCount": 2, "lastState": terminated(5)}, [(1, 5), (2, 4)], id="ended again"
    ),
    pytest.param(
        {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2, "lastState": terminated(5)},
        [(2, 5)],
        id="in back-off",
    ),
    pytest.param({"state": {"waiting": {}}, "restartCount": 2}, [(2, 137)], id="restarted, but nothing else is known"),
]


@pytest.mark.parametrize(("status", "expected"), CASES)
def test_a_status_tells_of_attempts(status: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    """Numbers that a status has given out are never given out again, even if every record is lost."""
    obj = pod(status={"containerStatuses": [{"name": "app", **status}]})

    attempts = reported_attempts(obj)["app"]

    assert [(attempt.number, attempt.exit_code) for attempt in attempts] == expected


def test_init_containers_are_told_of_too() -> None:
    """An init container that has succeeded is not run again after its records are lost."""
    obj = pod(status={"initContainerStatuses": [{"name": "one", "restartCount": 0, "state": terminated(0)}]})

    assert [attempt.exit_code for attempt in reported_attempts(obj)["one"]] == [0]


def test_a_record_counts_more_than_what_a_status_says_of_a_running_attempt() -> None:
    """What the status believes to run may have ended long ago, or may still run."""
    told = reported_attempts(pod(status={"containerStatuses": [{"name": "app", "state": RUNNING}]}))["app"]
    record = ObservedAttempt(number=0, started_at=NOW, finished_at=NOW + 1, exit_code=0, reason="Completed")

    assert merge_attempts([record], told) == (record,)


def test_a_status_of_an_ended_attempt_keeps_its_message() -> None:
    """The termination message was read once, when the container ended."""
    told = ObservedAttempt(number=0, exit_code=1, reason="Error", message="why")

    assert merge_attempts([ObservedAttempt(number=0, exit_code=1, reason="Error")], [told]) == (told,)


def test_records_that_the_status_does_not_know_yet_are_the_newest() -> None:
    """A node that was killed before it could write goes on from its records."""
    told = [ObservedAttempt(number=0, exit_code=1, reason="Error")]
    records = [ObservedAttempt(number=1, started_at=NOW), ObservedAttempt(number=0, exit_code=1)]

    assert [(each.number, each.running) for each in merge_attempts(records, told)] == [(0, False), (1, True)]

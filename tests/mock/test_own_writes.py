"""Which events of pods are passed over because they tell only what the agent wrote itself."""

import msgspec
import pytest

from autox.model.stages import Stage, StageTable, State
from autox.nodes.mock.deciding import decide
from autox.nodes.mock.echo_filter import PodEvents, is_only_ours, written
from autox.nodes.mock.plan import Plan
from autox.nodes.mock.pods import Metadata, Pod, pod_from
from autox.nodes.mock.steps import Step

BEFORE = {
    "name": "web-0",
    "generateName": "web-",
    "namespace": "shop",
    "uid": "u-1",
    "resourceVersion": "7",
    "generation": 1,
    "labels": {"app": "web"},
}


def line(metadata: dict[str, object], *, kind: str = "MODIFIED") -> bytes:
    """A watch event of a pod, as an API server writes it."""
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": {"phase": "Running"}}
    return msgspec.json.encode({"type": kind, "object": pod})


def test_an_expected_event_moves_the_watch_on_and_says_nothing() -> None:
    """The watch resumes after it, and the pod is not looked at again; the same version a second time is an event."""
    events = PodEvents()
    events.expect("8")

    frame = events.frame(line(BEFORE | {"resourceVersion": "8"}))
    again = events.frame(line(BEFORE | {"resourceVersion": "8"}))

    assert (frame.type, events.identity(frame.object).version) == ("BOOKMARK", "8")
    assert (again.type, again.object.status.phase) == ("MODIFIED", "Running")


@pytest.mark.parametrize(
    "event",
    [
        line(BEFORE | {"resourceVersion": "9"}),
        line(BEFORE | {"resourceVersion": "88"}),
        line(BEFORE | {"resourceVersion": "8"}, kind="DELETED"),
        line({"labels": {"resourceVersion": "8"}} | BEFORE),
        line(BEFORE | {"resourceVersion": "9", "annotations": {"a": '"resourceVersion":"8"'}}),
        line({"name": 'a","resourceVersion":"8"', "namespace": "shop", "uid": "u-2", "resourceVersion": "9"}),
    ],
    ids=["another version", "a longer version", "a deletion", "another order", "in an annotation", "in a name"],
)
def test_any_other_event_is_decoded(event: bytes) -> None:
    """Nothing that is not exactly what was expected is passed over, whatever the server puts into it."""
    events = PodEvents()
    events.expect("8")

    assert events.frame(event).type != "BOOKMARK"


def test_after_a_listing_nothing_is_expected() -> None:
    """What was expected may have been listed; its event may never come, and is not waited for."""
    events = PodEvents()
    events.expect("8")
    events.expect_nothing()

    assert events.frame(line(BEFORE | {"resourceVersion": "8"})).type == "MODIFIED"


def metadata(**changes: object) -> Metadata:
    """What the answer to a write shows of the pod."""
    found = written(msgspec.json.encode({"kind": "PartialObjectMetadata", "metadata": {**BEFORE, **changes}}))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resourceVersion": "8"}, True),
        ({"resourceVersion": "8", "managedFields": [{"manager": "autox"}]}, True),
        ({"resourceVersion": "9", "deletionTimestamp": "2026-11-28T00:00:00Z"}, False),
        ({"resourceVersion": "9", "annotations": {"autox.dev/fail": "1"}}, False),
        ({"resourceVersion": "9", "labels": {}}, False),
        ({"resourceVersion": "9", "generation": 2}, False),
    ],
)
def test_what_others_did_before_the_write_is_noticed(changes: dict[str, object], expected: bool) -> None:  # noqa: FBT001  - a table
    """A pod that was deleted or changed while its status was being written is looked at again."""
    assert is_only_ours(metadata(), metadata(**changes)) is expected


@pytest.mark.parametrize(
    "answer", [b"", b"null", b"[1]", b'{"metadata": 3}', b"<html>", b'{"metadata":{"name":"\xff"}}']
)
def test_an_answer_that_shows_no_pod_expects_nothing(answer: bytes) -> None:
    """The event is decoded then, as any other."""
    assert written(answer) is None


FLAP = Stage(name="flap", leaves=(State.READY,), to=State.UNREADY, delay=60.0)


@pytest.mark.parametrize(
    ("spec", "table", "expected"),
    [
        ({}, None, True),
        ({"restartPolicy": "Never"}, None, False),
        ({"activeDeadlineSeconds": 60}, None, False),
        ({"readinessGates": [{"conditionType": "example.com/gate"}]}, None, False),
        ({}, (FLAP,), False),
    ],
    ids=["a service", "a job", "a deadline", "a gate", "a stage that always follows"],
)
def test_pods_that_go_on_by_themselves_are_looked_at_again(
    spec: dict[str, object],
    table: tuple[Stage, ...] | None,
    expected: bool,  # noqa: FBT001  - a table
) -> None:
    """Only what stays as it is until somebody acts is passed over."""
    plan = Plan() if table is None else Plan(table=StageTable(stages=(*Plan().table.stages, *table)))
    pod = pod_of(spec)

    assert plan.rests_after(pod, first_step(pod, plan)) is expected


def pod_of(spec: dict[str, object]) -> Pod:
    """A pod that was bound just now."""
    return pod_from({"metadata": BEFORE, "spec": {"nodeName": "n", "containers": [{"name": "main"}], **spec}})


def first_step(pod: Pod, plan: Plan) -> Step:
    """The step that makes it ready."""
    step = decide(pod, plan)
    assert step.state is State.READY
    return step

"""Records of experiments go to the API server and come back the same."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autox.api.experiments import label_selector, object_from_record, record_from_object
from autox.model.errors import ConfigurationError
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import ChartRef
from autox.model.refs import ObjectRef
from autox.model.verdict import Phase, Verdict

CREATED = datetime(2026, 11, 22, 5, 40, 24, tzinfo=UTC)
RECORD = ExperimentRecord(
    name="httpbin-iter8-0123456789",
    uid="u-1",
    identity=Identity(
        group_namespace="autox",
        group="httpbin",
        spec="iter8",
        trigger=ObjectRef(group="", version="v1", resource="services", namespace="default", name="httpbin"),
        trigger_uid="u-2",
        version="1.10",
        digest="sha256:00",
        revision=3,
    ),
    chart=ChartRef(name="iter8", version="0.13.0"),
    images=("httpbin:1.10",),
    created_at=CREATED,
)


def stored(metadata: dict[str, object] | None = None, **status: object) -> dict[str, object]:
    """The record as the API server returns it."""
    written = object_from_record(RECORD)
    written["metadata"] |= {"uid": "u-1", "creationTimestamp": "2026-11-22T05:40:24Z"} | (metadata or {})
    return {**written, "status": status} if status else written


def test_round_trip() -> None:
    """What was written is what is read; a record without a status is pending."""
    assert record_from_object(stored()) == RECORD


def test_status() -> None:
    """Of the status, what decisions rest on is read, and the rest may be anything."""
    found = record_from_object(
        stored(
            phase="Completed",
            verdict="Fail",
            reason="SLONotMet",
            message="too slow",
            launchedAt="2026-11-22T05:40:25.000001Z",
            completedAt="2026-11-22T05:41:25Z",
            result={"any": ["thing"]},
            somethingNew=1,
        )
    )

    assert found == replace(
        RECORD,
        phase=Phase.COMPLETED,
        verdict=Verdict.FAIL,
        reason="SLONotMet",
        message="too slow",
        launched_at=CREATED.replace(second=25, microsecond=1),
        completed_at=CREATED.replace(minute=41, second=25),
    )


def test_being_deleted() -> None:
    """A record that is being deleted says so."""
    assert record_from_object(stored({"deletionTimestamp": "2026-11-22T05:42:24Z"})).is_deleting


def test_labels() -> None:
    """A record is found by the labels of its group."""
    written = object_from_record(RECORD)["metadata"]["labels"]
    wanted = dict(term.split("=") for term in label_selector("autox", "httpbin").split(","))

    assert wanted.items() <= written.items()
    assert written["app.kubernetes.io/managed-by"] == "autox"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"spec": None}, "spec"),
        ({"spec": ["text"]}, "spec"),
        ({"spec": {"version": None}}, "spec.version"),
        ({"status": "text"}, "status"),
        ({"status": {"phase": "Later"}}, "status.phase"),
        ({"status": {"launchedAt": "yesterday"}}, "status.launchedAt"),
        ({"metadata": {"name": "x", "namespace": "default"}}, "metadata.creationTimestamp"),
    ],
)
def test_no_record_at_all(change: dict[str, object], named: str) -> None:
    """Whatever stands in place of a record's parts is an error that names it, never a crash."""
    with pytest.raises(ConfigurationError) as caught:
        record_from_object({**stored(), **change})

    assert caught.value.message.startswith("experiment default/")
    assert named in caught.value.message

"""A stored result is read back exactly, and what is no result is refused with the name of its field."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from autox.api.results import (
    LIMIT_BYTES,
    compact,
    encoded,
    object_from_result,
    result_from_gzip,
    result_from_object,
    result_to_gzip,
)
from autox.model.errors import ConfigurationError
from autox.model.profiling import Profile, ProfileKind, ProfileMoment, ProfileRow
from autox.model.result import Bucket, ExperimentResult, Metric, Note, Series, TaskResult, TaskState
from tests.results.samples import FULL, RESULTS


def written(result: ExperimentResult = FULL) -> dict[str, Any]:
    """The JSON of a result, as whoever reads it gets it."""
    document: dict[str, Any] = json.loads(encoded(object_from_result(result)))
    return document


def measuring(value: float | None, *buckets: Bucket) -> ExperimentResult:
    """A result with one metric."""
    task = TaskResult(
        task="http",
        state=TaskState.DONE,
        metrics=(Metric(name="http/latency", unit="ms", value=value, buckets=buckets),),
    )
    return replace(FULL, tasks=(task,))


@settings(max_examples=150)
@given(RESULTS)
def test_nothing_is_lost(result: ExperimentResult) -> None:
    """Whatever a run found out is read back exactly as it was, from the status and from the Secret."""
    assert result_from_object(written(result)) == result
    assert result_from_gzip(result_to_gzip(result)) == result


def test_the_document() -> None:
    """The document says its version and kind, times in UTC with microseconds, and buckets as rows."""
    document = written()

    assert (document["apiVersion"], document["kind"]) == ("autox.dev/v1alpha1", "ExperimentResult")
    assert document["startedAt"] == "2026-03-04T05:06:07.000089Z"
    assert document["subject"]["triggerUid"] == "8e3a"
    assert document["tasks"][0]["metrics"][0]["buckets"] == [[1.0, 2.0, 2], [2.0, 2.5, 1]]
    assert document["slos"] == [
        {
            "metric": "http/latency-mean",
            "bound": "upper",
            "limit": 50.0,
            "observed": 1.8,
            "unit": "ms",
            "verdict": "Pass",
        }
    ]
    assert result_from_object(document) == FULL


def test_the_compact_form() -> None:
    """The compact form has every figure, verdict and note, but neither buckets nor history."""
    short = compact(FULL)

    assert all(not metric.buckets for task in short.tasks for metric in task.metrics)
    assert short.history == ()
    assert (short.slos, short.totals, short.loops) == (FULL.slos, FULL.totals, FULL.loops)
    assert {name: metric.value for name, metric in short.metrics.items()} == {
        name: metric.value for name, metric in FULL.metrics.items()
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_data(value: float) -> None:
    """A figure that is no number is stored as no data: the result is not lost, and nothing passes by it."""
    assert result_from_object(written(measuring(value))).metrics["http/latency"].value is None


def test_open_buckets() -> None:
    """A bucket without an upper bound stays one."""
    open_bucket = Bucket(lower=5.0, upper=float("inf"), count=1)

    assert result_from_object(written(measuring(1.0, open_bucket))).metrics["http/latency"].buckets == (open_bucket,)


def test_broken_text_is_stored() -> None:
    """Text that is no Unicode, from a file name for instance, is stored with a mark in the place of what is broken."""
    assert result_from_object(written(replace(FULL, message="a\udcffb"))).message == "a?b"


def change(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """Put something else into a document."""

    def apply(document: dict[str, Any]) -> None:
        place: Any = document
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to

    return apply


CPU = Series(name="density/cpu/etcd", unit="cores", times=(0.0, 5.0, 10.0), values=(0.25, None, 0.5))


def over_time(series: Series = CPU) -> ExperimentResult:
    """A result with a figure over time."""
    return replace(FULL, tasks=(replace(FULL.tasks[0], series=(series,)), *FULL.tasks[1:]))


def test_figures_over_time() -> None:
    """What is not known is null and never 0; a result of before, without any, is read, and the short form has none."""
    result = over_time()
    series = written(result)["tasks"][0]["series"]

    assert series == [
        {"name": "density/cpu/etcd", "unit": "cores", "times": [0.0, 5.0, 10.0], "values": [0.25, None, 0.5]}
    ]
    assert result_from_object(written(result)) == result
    assert "series" not in written()["tasks"][0]
    assert compact(result) == compact(FULL)


PROFILE = Profile(
    component="etcd",
    kind=ProfileKind.HEAP,
    moment=ProfileMoment.END,
    at=9.5,
    unit="MiB",
    total=3.5,
    rows=(ProfileRow(function="main.main", flat=0.0, cumulative=3.5),),
)


def test_profiles() -> None:
    """They are kept with the whole result, and the short form, for which a status has room, has none."""
    result = replace(FULL, tasks=(replace(FULL.tasks[0], profiles=(PROFILE,)), *FULL.tasks[1:]))
    document = written(result)

    assert document["tasks"][0]["profiles"][0]["rows"] == [{"function": "main.main", "flat": 0.0, "cumulative": 3.5}]
    assert result_from_object(document) == result
    assert compact(result) == compact(FULL)
    document["tasks"][0]["profiles"][0]["rows"] *= 21
    with pytest.raises(ConfigurationError, match=r"profiles\[0\].rows"):
        result_from_object(document)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (change("values", to=[1.0, 2.0]), "series[0]"),
        (change("values", 0, to="1"), "series[0].values[0]"),
        (change("times", 0, to=None), "series[0].times[0]"),
        (change("times", to=[1.0] * 301), "series[0].times"),
    ],
)
def test_figures_over_time_that_make_no_sense(spoil: Callable[[dict[str, Any]], None], field: str) -> None:
    """They are refused by name, so that no report draws a line through what nobody measured."""
    document = written(over_time())
    spoil(document["tasks"][0]["series"][0])

    with pytest.raises(ConfigurationError) as refused:
        result_from_object(document)

    assert f"tasks[0].{field}" in refused.value.message


def test_newer_fields() -> None:
    """A result with fields that a newer autox added within the version is still read."""
    document = written()
    document["weather"] = "fine"
    document["tasks"][0]["weather"] = {"at": "noon"}

    assert result_from_object(document) == FULL


def test_notes_are_texts_to_an_older_autox() -> None:
    """Notes stand as plain texts where they always did, what they explain apart from them; old ones have only texts."""
    task = written()["tasks"][0]

    assert task["notes"] == ["images: web:1.10", "1 request was refused"]
    assert task["explanations"] == [
        {"note": 1, "kind": "target", "weight": 0.01, "explains": ["http/error-*", "http/latency*"]}
    ]
    old = written()
    del old["tasks"][0]["explanations"]
    assert result_from_object(old).tasks[0].notes == tuple(Note(text=text) for text in task["notes"])


@pytest.mark.parametrize("since", [None, 0.0, 2.5])
def test_when_and_what_to_do_are_kept(since: float | None) -> None:
    """What a note says of when it began and of what can be done about it comes back, at the very beginning too."""
    note = Note(text="the disk is slow", weight=0.5, since=since, hint="give it a faster one")
    result = replace(FULL, tasks=(replace(FULL.tasks[0], notes=(note,)),))

    assert result_from_object(written(result)).tasks[0].notes == (note,)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (change("apiVersion", to="autox.dev/v2"), "apiVersion"),
        (change("kind", to="Experiment"), "kind"),
        (change("startedAt", to="yesterday"), "startedAt"),
        (change("startedAt", to="2026-03-04T05:06:07"), "startedAt"),
        (change("startedAt", to="9999-12-31T23:59:59-23:00"), "startedAt"),
        (change("verdict", to="Perfect"), "verdict"),
        (change("loops", to=-1), "loops"),
        (change("loops", to="1"), "loops"),
        (change("loops", to=True), "loops"),
        (change("loops", to=10**30), "loops"),
        (change("totals", to={"Perfect": 1}), "totals.Perfect"),
        (change("tasks", to={}), "tasks"),
        (change("tasks", 0, "state", to="done"), "tasks[0].state"),
        (change("tasks", 0, "seconds", to=-1), "tasks[0].seconds"),
        (change("tasks", 0, "metrics", 1, "value", to="1.8"), "tasks[0].metrics[1].value"),
        (change("tasks", 0, "metrics", 1, "value", to=True), "tasks[0].metrics[1].value"),
        (change("tasks", 0, "metrics", 1, "value", to=10**400), "tasks[0].metrics[1].value"),
        (change("tasks", 0, "metrics", 0, "buckets", 0, to=[1, 2]), "tasks[0].metrics[0].buckets[0][2]"),
        (change("tasks", 0, "metrics", 0, "buckets", 0, to=[1, 2, -3]), "tasks[0].metrics[0].buckets[0][2]"),
        (change("tasks", 0, "notes", 0, to={"text": "1"}), "tasks[0].notes[0]"),
        (change("tasks", 0, "explanations", 0, "weight", to=2), "tasks[0].explanations[0].weight"),
        (change("tasks", 0, "demands", 0, "limit", to=None), "tasks[0].demands[0].limit"),
        (change("slos", 0, "observed", to=None), "slos[0]"),
        (change("slos", 0, "verdict", to="Error"), "slos[0].verdict"),
        (change("slos", 0, "limit", to=None), "slos[0].limit"),
        (change("slos", to=[]), "verdict is Pass"),
        (change("history", to=[written()["history"][0]] * 101), "history"),
        (change("subject", to=[]), "subject"),
        (change("environment", to={"cpus": 2}), "environment.cpus"),
    ],
)
def test_what_makes_no_sense(spoil: Callable[[dict[str, Any]], None], field: str) -> None:
    """A document with a wrong type, number, word or contradiction is refused, and the message names the field."""
    document = written()
    spoil(document)

    with pytest.raises(ConfigurationError) as refused:
        result_from_object(document)

    assert field in refused.value.message


@pytest.mark.parametrize(
    "obj",
    [None, [], "x", 1, {}, {"inputs": {1: object()}}, {"x": float("nan")}, {"tasks": "\ud800"}],
    ids=["null", "list", "text", "number", "empty", "no JSON", "NaN", "lone surrogate"],
)
def test_what_is_no_result(obj: Any) -> None:
    """What is no result at all is refused like any other mistake."""
    with pytest.raises(ConfigurationError, match="result"):
        result_from_object(obj)


def test_what_has_no_end() -> None:
    """A document nested without end, or larger than any result, is refused, not followed."""
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}

    with pytest.raises(ConfigurationError):
        result_from_object(written() | {"environment": deep})
    with pytest.raises(ConfigurationError, match="larger"):
        result_from_object(written() | {"message": "x" * LIMIT_BYTES})


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "cut short"),
        (b"no gzip at all", "not gzip"),
        (result_to_gzip(FULL)[:-20], "cut short"),
        (gzip.compress(b"no JSON"), "not JSON"),
        (gzip.compress(b"[" * 100_000), "not JSON"),
        (gzip.compress(b'{"x": NaN}'), "not JSON"),
        (gzip.compress(bytes(LIMIT_BYTES * 20)), "larger"),
        (zlib.compress(encoded(object_from_result(FULL))), "not gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_stored_result(data: bytes, what: str) -> None:
    """A Secret with something else in it, or with a bomb, is refused without unpacking it all."""
    with pytest.raises(ConfigurationError, match=what):
        result_from_gzip(data)

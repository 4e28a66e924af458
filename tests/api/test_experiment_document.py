"""The experiment document becomes task inputs in base units, or an error that names the field."""

import json
from pathlib import Path

import pytest

from autox.api.experimentdocument import load_experiment
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.refs import ObjectRef
from autox.model.result import SLO, Bound
from autox.model.tasks import (
    AssessInputs,
    ErrorRange,
    HttpInputs,
    ReadyInputs,
    ReadyObject,
    TaskInputs,
    TaskSpec,
)

URL = "http://web.default/get"
HTTP = {"task": "http", "with": {"url": URL}}


def load(folder: Path, *tasks: object) -> tuple[TaskSpec, ...]:
    """Load a document with these tasks."""
    path = folder / "experiment.yaml"
    path.write_text(json.dumps({"tasks": list(tasks)}))
    return load_experiment(path)


def http(folder: Path, **inputs: object) -> HttpInputs:
    """The inputs of a lone http task."""
    [task] = load(folder, {"task": "http", "with": {"url": URL, **inputs}})
    assert isinstance(task.inputs, HttpInputs)
    return task.inputs


def test_defaults(tmp_path: Path) -> None:
    """A URL alone means Iter8's 100 requests at 8 a second over 4 connections."""
    assert http(tmp_path) == HttpInputs(url=URL)


def test_the_official_slos_are_those_of_sig_scalability(tmp_path: Path) -> None:
    """One word in place of five names and limits that everybody would have to look up, and some would get wrong."""
    density = {"task": "density", "with": {"cluster": "b", "latencyPods": 20}}
    *_, assess = load(tmp_path, density, {"task": "assess", "with": {"SLOs": "official"}})

    assert isinstance(assess.inputs, AssessInputs)
    assert {slo.metric.removeprefix("density/"): (slo.bound, slo.limit) for slo in assess.inputs.slos} == {
        "pod-startup-latency-p99/steady": (Bound.UPPER, 5000),
        "api-call-latency-p99/mutating": (Bound.UPPER, 1000),
        "api-call-latency-p99/read-resource": (Bound.UPPER, 1000),
        "api-call-latency-p99/read-namespace": (Bound.UPPER, 30_000),
        "api-call-latency-p99/read-cluster": (Bound.UPPER, 30_000),
    }


@pytest.mark.parametrize("tasks", [[HTTP], []])
def test_official_slos_need_the_load_that_they_are_about(tmp_path: Path, tasks: list[object]) -> None:
    """They would be unknown for ever: told where they are written, with what is missing."""
    with pytest.raises(ConfigurationError, match="official needs task density, listed before assess"):
        load(tmp_path, *tasks, {"task": "assess", "with": {"SLOs": "official"}})


@pytest.mark.parametrize(
    ("rate", "qps", "requests"),
    [("1e-7", "2e1", "4"), ("1e-07", "20.0", "4e0"), ("0.0000001", "0b10100", "0x4"), ("1.0E-7", "2_0", "!!int '4'")],
)
def test_numbers_are_those_of_helm(tmp_path: Path, rate: str, qps: str, requests: str) -> None:
    """Case 02: ``1e-7`` in values came as ``1e-07`` into the Job's Secret, which was "not a valid number" there."""
    path = tmp_path / "experiment.yaml"
    path.write_text(
        f"tasks: [{{task: http, with: {{url: {URL}, numRequests: {requests}, qps: {qps}, payloadStr: 12:30:00}}}},\n"
        f"        {{task: assess, with: {{SLOs: {{upper: {{http/error-rate: {rate}}}}}}}}}]"
    )
    load, assess = (task.inputs for task in load_experiment(path))

    assert isinstance(load, HttpInputs)
    assert isinstance(assess, AssessInputs)
    assert (load.num_requests, load.qps, load.payload) == (4, 20.0, b"12:30:00")
    assert [slo.limit for slo in assess.slos] == [1e-7]


def test_json_is_read_as_json(tmp_path: Path) -> None:
    """A document that a program wrote, with tabs and escapes, is no broken YAML."""
    path = tmp_path / "experiment.yaml"
    with_ = {"url": URL, "qps": 1e-07, "payloadStr": "\U0001f600\u0085"}
    path.write_text(json.dumps({"tasks": [{"task": "http", "with": with_}]}, indent="\t"))
    [task] = load_experiment(path)

    assert isinstance(task.inputs, HttpInputs)
    assert (task.inputs.qps, task.inputs.payload.decode()) == (1e-07, "\U0001f600\u0085")


def test_order_is_kept(tmp_path: Path) -> None:
    """Tasks run in the order in which they are written."""
    ready = {"task": "ready", "with": {"deploy": "web"}}

    assert [task.name for task in load(tmp_path, HTTP, ready)] == ["http", "ready"]
    assert [task.name for task in load(tmp_path, ready, HTTP)] == ["ready", "http"]


@pytest.mark.parametrize(
    ("inputs", "method"),
    [
        ({}, "GET"),
        ({"payloadStr": "{}"}, "POST"),
        ({"contentType": "text/plain"}, "POST"),
        ({"payloadStr": "{}", "method": "PUT"}, "PUT"),
        ({"method": "HEAD"}, "HEAD"),
    ],
)
def test_method(tmp_path: Path, inputs: dict[str, object], method: str) -> None:
    """A payload or a content type turns GET into POST, unless the method is given."""
    assert http(tmp_path, **inputs).method == method


def test_content_type_is_a_header(tmp_path: Path) -> None:
    """The content type is sent as the header of that name, and the payload as UTF-8."""
    found = http(tmp_path, contentType="application/json", payloadStr='"ü"', headers={"X": "1"})

    assert found.headers == {"X": "1", "Content-Type": "application/json"}
    assert found.payload == '"ü"'.encode()


@pytest.mark.parametrize(
    ("inputs", "number", "seconds"),
    [
        ({}, 100, None),
        ({"numRequests": 7}, 7, None),
        ({"duration": "1m30s"}, None, 90.0),
        ({"numRequests": 7, "duration": "10s"}, 7, None),
    ],
)
def test_when_to_stop(tmp_path: Path, inputs: dict[str, object], number: int | None, seconds: float | None) -> None:
    """The number of requests wins over the duration, and 100 it is if neither is given."""
    found = http(tmp_path, **inputs)

    assert (found.num_requests, found.duration) == (number, seconds)


def test_warmup(tmp_path: Path) -> None:
    """Of the warm-up too the number wins; without either there is none."""
    assert http(tmp_path, warmupDuration="500ms").warmup_duration == 0.5
    both = http(tmp_path, warmupDuration="500ms", warmupNumRequests=3)
    assert (both.warmup_num_requests, both.warmup_duration) == (3, None)


def test_numbers_as_text(tmp_path: Path) -> None:
    """A fraction that `helm --set` made text of is taken as the number that it is."""
    assert http(tmp_path, qps="0.5", percentiles=["97.5"]).qps == 0.5


def test_error_ranges(tmp_path: Path) -> None:
    """Ranges given replace the default one."""
    found = http(tmp_path, errorRanges=[{"lower": 300, "upper": 399}, {"lower": 500}])

    assert found.error_ranges == (ErrorRange(lower=300, upper=399), ErrorRange(lower=500))


def test_percentiles_of_slos_are_measured(tmp_path: Path) -> None:
    """An SLO on a percentile is reason enough to measure it; 50.0 and 50 are one."""
    slos = {"upper": {"http/latency-p97.5": 10, "http/latency-p50.0": "5.5"}, "lower": {"http/request-count": 1}}
    load_task, assess = load(tmp_path, HTTP, {"task": "assess", "with": {"SLOs": slos}})

    assert isinstance(load_task.inputs, HttpInputs)
    assert load_task.inputs.percentiles == (50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.9)
    assert assess.inputs == AssessInputs(
        slos=(
            SLO(metric="http/latency-p97.5", bound=Bound.UPPER, limit=10.0),
            SLO(metric="http/latency-p50", bound=Bound.UPPER, limit=5.5),
            SLO(metric="http/request-count", bound=Bound.LOWER, limit=1.0),
        )
    )


def test_ready(tmp_path: Path) -> None:
    """Objects to wait for are in the namespace they name, else in the task's."""
    widget = {"group": "example.com", "version": "v1", "resource": "widgets", "name": "w", "condition": "Ready"}
    inputs = {"namespace": "team", "deploy": "web", "objects": [widget, {**widget, "namespace": "other"}]}
    [task] = load(tmp_path, {"task": "ready", "with": inputs})

    refs = [
        ObjectRef(group="example.com", version="v1", resource="widgets", namespace=namespace, name="w")
        for namespace in ("team", "other")
    ]
    expected: TaskInputs = ReadyInputs(
        namespace="team", deploy="web", objects=tuple(ReadyObject(ref=ref, condition="Ready") for ref in refs)
    )
    assert task.inputs == expected


def test_density(tmp_path: Path) -> None:
    """A relative kubeconfig is taken from the folder of the document."""
    [task] = load(tmp_path, {"task": "density", "with": {"kubeconfig": "density/kubeconfig", "pods": 7}})

    assert task.inputs == DensityInputs(kubeconfig=tmp_path / "density/kubeconfig", pods=7)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """What a report shows of the inputs has no header's value, no body, no password and no query."""
    inputs = {
        "url": "http://user:hunter2@web:8080/path?key=hunter2&hunter2",
        "headers": {"Authorization": "hunter2"},
        "payloadStr": "hunter2",
        "qps": 5,
    }
    [task] = load(tmp_path, {"task": "http", "with": inputs})

    assert task.shown == {
        "url": "http://***@web:8080/path?key=***&***",
        "headers": {"Authorization": "***"},
        "payloadStr": "***",
        "qps": 5,
    }


@pytest.mark.parametrize(
    ("tasks", "field"),
    [
        ([], "tasks"),
        ([{"task": "htpp"}], "tasks[0].task"),
        ([{"with": {}}], "tasks[0].task"),
        ([{"task": "http"}], "tasks[0].with.url"),
        ([HTTP, {"task": "ready", "with": {}}], "tasks[1].with"),
        ([{"task": "http", "with": {"url": URL, "qps": float("nan")}}], "qps"),
        ([{"task": "http", "with": {"url": URL, "qps": "nan"}}], "qps"),
        ([{"task": "http", "with": {"url": "http://web:port/"}}], "url"),
        ([{"task": "http", "with": {"url": URL, "timeout": "9" * 30 + "h"}}], "timeout"),
        ([{"task": "http", "with": {"url": URL, "headers": {"A B": "c"}}}], "headers"),
        ([{"task": "http", "with": {"url": URL, "headers": {"Content-Length": "5"}}}], "headers"),
        ([{"task": "http", "with": {"url": URL, "headers": {"a": "b\r\nHost: evil"}}}], "headers"),
        ([{"task": "http", "with": {"url": URL, "headers": {"a": "1", "A": "2"}}}], "headers"),
        ([{"task": "http", "with": {"url": URL, "headers": {"content-type": "a"}, "contentType": "b"}}], "given twice"),
        ([{"task": "http", "with": {"url": URL, "errorRanges": [{"lower": 5, "upper": 4}]}}], "errorRanges[0]"),
        ([{"task": "density", "with": {}}], "kubeconfig"),
        ([{"task": "density", "with": {"kubeconfig": "x", "cluster": "y"}}], "kubeconfig"),
        ([{"task": "density", "with": {"cluster": "y", "rate": 0}}], "rate"),
        ([{"task": "density", "with": {"cluster": "y", "nodes": 10_001}}], "nodes"),
        ([{"task": "density", "with": {"cluster": "y", "nodes": 1, "pods": 111}}], "room for 110 pods, and 111"),
        ([{"task": "density", "with": {"cluster": "y", "pods": 1_100, "latencyPods": 1}}], "room for 1,100 pods"),
        ([{"task": "density", "with": {"cluster": "y", "pods": 1_000, "rate": 1}}], "due after 990 s"),
        ([{"task": "density", "with": {"cluster": "y", "pods": 20, "timeout": "500ms"}}], "time is up after 0.5 s"),
        ([HTTP, {"task": "assess", "with": {"SLOs": {}}}], "tasks[1].with.SLOs"),
        ([HTTP, {"task": "assess", "with": {"SLOs": {"upper": {"http/foo": 1}}}}], "http/foo"),
        ([{"task": "assess", "with": {"SLOs": {"upper": {"http/error-count": 1}}}}, HTTP], "tasks[0].with.SLOs.upper"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, tasks: list[object], field: str) -> None:
    """A mistake is told with the file, the task and the field."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, *tasks)

    assert caught.value.message.startswith(str(tmp_path))
    assert field in caught.value.message


def test_what_would_make_a_metric(tmp_path: Path) -> None:
    """An SLO on a metric that no task makes says which names there are."""
    with pytest.raises(ConfigurationError, match=r"task http makes no metric http/latency-p0; it makes .*latency-p99"):
        load(tmp_path, HTTP, {"task": "assess", "with": {"SLOs": {"upper": {"http/latency-p0": 1}}}})
    with pytest.raises(ConfigurationError, match="needs task density, listed before assess"):
        load(tmp_path, HTTP, {"task": "assess", "with": {"SLOs": {"upper": {"density/pods-failed": 1}}}})

"""The two formats in which a node tells its usage."""

import json
from datetime import datetime

import pytest

from autox.nodes.mock.metering import Meters, NodeReading
from autox.nodes.mock.usagepages import resource_metrics, summary
from tests.usage.promtext import families
from tests.usage.samples import NODE, START, Residents, container, pod

NOW = START + 90.5
LABELS = {"container": ("container", "namespace", "pod"), "pod": ("namespace", "pod"), "node": ()}


def reading() -> NodeReading:
    """A node with two pods, one of two containers."""
    views = [pod(container("app"), container("side")), pod(container("db"), name="db", uid="uid-2")]
    return Meters(Residents(views), started=START).read(NODE, now=NOW)


def test_the_kubelets_metrics_and_no_others() -> None:
    """By name, type, labels, and whether a sample carries its time."""
    told = families(resource_metrics(reading()))
    expected = {"container_start_time_seconds": "gauge", "resource_scrape_error": "gauge"}
    for what in LABELS:
        expected |= {f"{what}_cpu_usage_seconds_total": "counter", f"{what}_memory_working_set_bytes": "gauge"}

    assert {name: family.kind for name, family in told.items()} == expected
    for name, family in told.items():
        of = LABELS.get(name.split("_")[0], ())
        timed = name not in ("container_start_time_seconds", "resource_scrape_error")
        assert len(family.samples) == {(): 1, LABELS["pod"]: 2, LABELS["container"]: 3}[of]
        for labels, sample in family.samples.items():
            assert tuple(key for key, _ in labels) == of
            assert sample.time == (round(NOW * 1000) if timed else None)


def test_the_values_are_those_that_were_read() -> None:
    """Exactly: CPU in core-seconds, memory in bytes."""
    read = reading()
    told = families(resource_metrics(read))
    web = read.pods[0]

    assert told["node_cpu_usage_seconds_total"][()].value == read.total.core_seconds
    assert told["pod_memory_working_set_bytes"]["shop", "web"].value == web.total.memory
    assert told["container_cpu_usage_seconds_total"]["side", "shop", "web"].value == web.containers[1].core_seconds
    assert told["container_start_time_seconds"]["app", "shop", "web"].value == START
    assert told["resource_scrape_error"][()].value == 0


def test_a_node_without_pods_still_tells_of_itself() -> None:
    """And names no metric of which it has nothing."""
    told = families(resource_metrics(Meters(Residents(), started=START).read(NODE, now=NOW)))

    assert sorted(told) == ["node_cpu_usage_seconds_total", "node_memory_working_set_bytes", "resource_scrape_error"]


@pytest.mark.parametrize("usage", ["0", "1n", "10000"])
def test_extreme_usage_is_told_in_the_format(usage: str) -> None:
    """Very small and very large numbers too, after a hundred years."""
    views = [pod(cpu_usage=usage, memory_usage="1Ei")]
    read = Meters(Residents(views), started=START).read(NODE, now=START + 100 * 365 * 86_400)

    assert families(resource_metrics(read))["pod_cpu_usage_seconds_total"]["shop", "web"].value >= 0
    cpu = summary(read, memory_capacity=1)["pods"][0]["cpu"]
    assert 0 <= cpu["usageCoreNanoSeconds"] < 2**64


def test_the_summary_of_a_node() -> None:
    """What it uses, what is left of its memory, and since when it counts."""
    read = reading()
    told = json.loads(json.dumps(summary(read, memory_capacity=8 * 2**30)))
    node = told["node"]

    assert node["nodeName"] == NODE
    assert datetime.fromisoformat(node["startTime"]).timestamp() == START
    assert node["cpu"]["usageNanoCores"] == round(read.total.cores * 1e9)
    assert node["cpu"]["usageCoreNanoSeconds"] == round(read.total.core_seconds * 1e9)
    assert node["memory"]["workingSetBytes"] == node["memory"]["usageBytes"] == read.total.memory
    assert node["memory"]["availableBytes"] == 8 * 2**30 - read.total.memory


def test_the_summary_of_pods() -> None:
    """Each by its reference, with its containers."""
    web, db = summary(reading(), memory_capacity=0)["pods"]

    assert web["podRef"] == {"name": "web", "namespace": "shop", "uid": "uid-1"}
    assert [one["name"] for one in web["containers"]] == ["app", "side"]
    assert sum(one["memory"]["workingSetBytes"] for one in web["containers"]) == web["memory"]["workingSetBytes"]
    assert web["cpu"]["time"] == web["containers"][0]["cpu"]["time"]
    assert db["containers"][0]["startTime"] == db["startTime"]


def test_more_memory_in_use_than_there_is_leaves_none() -> None:
    """Not a negative number, which clients could not read."""
    assert summary(reading(), memory_capacity=1)["node"]["memory"]["availableBytes"] == 0

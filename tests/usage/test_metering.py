"""What is measured on a node over time."""

import itertools
from dataclasses import replace

import pytest

from autox.nodes.mock.metering import Meters
from autox.nodes.mock.podview import Attempt, ContainerView
from autox.nodes.mock.usage import container_usage, node_usage
from tests.usage.samples import NODE, START, Residents, container, pod, restarted


def test_a_container_counts_from_its_start_even_if_nobody_looked() -> None:
    """An agent that was restarted says the same as one that was there all the time."""
    residents = Residents([pod(container("a"), container("b", started=START + 10), cpu_usage="1")])
    watching = Meters(residents, started=START)
    for second in range(100):
        watching.read(NODE, now=START + second)
    (there,) = watching.read(NODE, now=START + 100).pods
    (fresh,) = Meters(residents, started=START + 99).read(NODE, now=START + 100).pods
    view = residents.views[0]

    assert there == fresh
    assert [one.core_seconds for one in there.containers] == [
        container_usage(view, view.containers[0]).core_seconds(100.0),
        container_usage(view, view.containers[1]).core_seconds(90.0),
    ]


def test_totals_are_sums() -> None:
    """Of the containers for a pod, of the pods and the system for a node."""
    views = [pod(container("a"), container("b"), uid=f"uid-{number}", name=f"web-{number}") for number in range(3)]
    reading = Meters(Residents(views), started=START).read(NODE, now=START + 60)
    system = node_usage(NODE)

    assert len(reading.pods) == 3
    for one in reading.pods:
        assert one.total.cores == sum(part.cores for part in one.containers)
        assert one.total.core_seconds == sum(part.core_seconds for part in one.containers)
        assert one.total.memory == sum(part.memory for part in one.containers)
    assert reading.total.cores == pytest.approx(system.cores(60) + sum(one.total.cores for one in reading.pods))
    assert reading.total.core_seconds == pytest.approx(
        system.core_seconds(60) + sum(one.total.core_seconds for one in reading.pods)
    )
    assert reading.total.memory == system.memory(60) + sum(one.total.memory for one in reading.pods)


def test_no_counter_of_a_pod_or_node_ever_falls() -> None:
    """Whatever happens: a restart, a changed annotation, pods that come and go."""
    stays = pod(cpu_usage="1", uid="stays", name="stays")
    residents = Residents([stays, pod(cpu_usage="2", uid="goes", name="goes")])
    meters = Meters(residents, started=START)
    nodes, pods = [], []
    for second in range(0, 300, 5):
        if second == 50:
            residents.views[0] = restarted(stays, at=START + 48)
        if second == 100:
            residents.views[0] = replace(residents.views[0], annotations={"autox.dev/cpu-usage": "100m"})
        if second == 150:
            del residents.views[1]
        if second == 200:
            residents.views.append(pod(container(started=START + 200), uid="comes", name="comes"))
        reading = meters.read(NODE, now=START + second)
        nodes.append(reading.total.core_seconds)
        pods.append(reading.pods[0].total.core_seconds)

    assert all(before < after for before, after in itertools.pairwise(nodes))
    assert all(before < after for before, after in itertools.pairwise(pods))


def test_a_counter_goes_on_at_the_new_rate_when_annotations_change() -> None:
    """From where it is: neither a jump nor a fall, so that an autoscaler sees just the new rate."""
    residents = Residents([pod(cpu_usage="1")])
    meters = Meters(residents, started=START)
    before = meters.read(NODE, now=START + 1000).pods[0].containers[0].core_seconds
    residents.views[0] = replace(residents.views[0], annotations={"autox.dev/cpu-usage": "3"})
    changed = meters.read(NODE, now=START + 1000).pods[0].containers[0].core_seconds
    after = meters.read(NODE, now=START + 1010).pods[0].containers[0]

    assert changed == pytest.approx(before)
    assert after.core_seconds - changed == pytest.approx(30, rel=0.1)


def test_a_container_that_was_started_again_counts_anew() -> None:
    """As its start time says, while its pod counts on."""
    view = pod(cpu_usage="1")
    residents = Residents([view])
    meters = Meters(residents, started=START)
    before = meters.read(NODE, now=START + 100).pods[0]
    residents.views[0] = restarted(view, at=START + 100)
    after = meters.read(NODE, now=START + 101).pods[0]

    assert after.containers[0].started == START + 100
    assert after.containers[0].core_seconds < 2
    assert after.total.core_seconds == before.total.core_seconds + after.containers[0].core_seconds


def test_only_what_runs_is_measured() -> None:
    """Neither a container that waits nor one that ended; a pod of which nothing runs is not told of."""
    waits = ContainerView(name="waits")
    over = ContainerView(name="over", attempt=Attempt(started=START, ended=START + 1))
    views = [pod(waits, over, container("runs"), name="some"), pod(waits, over, name="none", uid="uid-2")]
    reading = Meters(Residents(views), started=START).read(NODE, now=START + 5)

    assert [one.pod.name for one in reading.pods] == ["some"]
    assert [one.name for one in reading.pods[0].containers] == ["runs"]


def test_a_start_in_the_future_is_none() -> None:
    """Clocks of two machines differ; nothing is negative."""
    reading = Meters(Residents([pod()]), started=START).read(NODE, now=START - 60)

    assert reading.total.core_seconds == 0
    assert reading.pods[0].total.core_seconds == 0


def test_another_node_has_no_part_in_it() -> None:
    """Nodes are measured apart."""
    reading = Meters(Residents([pod()]), started=START).read("node-1", now=START + 5)

    assert reading.pods == ()
    assert reading.total.name == "node-1"

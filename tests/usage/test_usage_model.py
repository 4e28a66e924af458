"""How much simulated containers use."""

import itertools
import math
from dataclasses import replace

import pytest

from autox.nodes.mock.usage import Usage, container_usage, node_usage
from tests.usage.samples import container, pod

MIB = 2**20


def usage_of(**annotations: str) -> Usage:
    """Of the only container of a pod with these annotations that requests two cores and 100 MiB."""
    view = pod(container(requests={"cpu": "2", "memory": "100Mi"}), **annotations)
    return container_usage(view, view.containers[0])


def test_a_pod_uses_what_its_annotations_say() -> None:
    """On average exactly, at any moment within a tenth."""
    usage = usage_of(cpu_usage="250m", memory_usage="128Mi")

    assert (usage.mean_cores, usage.mean_bytes) == (0.25, 128 * MIB)
    for age in range(0, 100_000, 7):
        assert 0.225 <= usage.cores(age) <= 0.275
        assert 0.9 * 128 * MIB <= usage.memory(age) <= 1.1 * 128 * MIB


def test_usage_moves_slowly() -> None:
    """It is alive, and smooth: never more than a hundredth of it in a second."""
    usage = usage_of(cpu_usage="1")
    values = [usage.cores(age) for age in range(3600)]

    assert max(values) - min(values) > 0.1
    assert all(abs(after - before) < 0.01 for before, after in itertools.pairwise(values))


@pytest.mark.parametrize("age", [0.0, 0.001, 1.0, 59.5, 12_345.678])
def test_the_counter_is_the_integral_of_usage(age: float) -> None:
    """As adding up many short steps gives."""
    usage = usage_of(cpu_usage="700m")
    steps = 20_000
    added = math.fsum(usage.cores((step + 0.5) * age / steps) * age / steps for step in range(steps))

    assert usage.core_seconds(age) == pytest.approx(added, rel=1e-6, abs=1e-12)


def test_the_counter_never_falls() -> None:
    """Not after years, not within a millisecond."""
    usage = usage_of(cpu_usage="1m")
    for start in (0.0, 86_400.0, 10 * 365 * 86_400.0):
        counts = [usage.core_seconds(start + step / 1000) for step in range(2000)]
        assert all(before < after for before, after in itertools.pairwise(counts))


def test_the_same_pod_uses_the_same_after_a_restart_and_another_pod_does_not() -> None:
    """Usage follows from the uid and the name of the container, and from nothing that an agent remembers."""
    view = pod(cpu_usage="1")
    other = pod(uid="uid-2", cpu_usage="1")

    assert container_usage(view, view.containers[0]) == container_usage(pod(cpu_usage="1"), container())
    assert container_usage(view, view.containers[0]).waves != container_usage(other, other.containers[0]).waves
    assert container_usage(view, container("side")).waves != container_usage(view, container("app")).waves


def test_containers_share_what_the_pod_uses() -> None:
    """Evenly; an init container is not among them, for it ends before they begin."""
    first = replace(container("init"), is_init=True)
    view = pod(first, container("a"), container("b"), cpu_usage="300m", memory_usage="64Mi")
    used = [container_usage(view, one) for one in view.containers]

    assert [one.mean_cores for one in used] == [0.01, 0.15, 0.15]
    assert [one.mean_bytes / MIB for one in used] == [32, 32, 32]


@pytest.mark.parametrize(
    "nonsense", ["", " ", "a lot", "-1", "NaN", "inf", "1e999", "1e40", "250 m", "٣", "1" * 5000, "\x00", "0x10", "1Zi"]
)
def test_nonsense_counts_as_nothing_said(nonsense: str) -> None:
    """A pod then uses a part of what it requests; if its requests are nonsense too, a little."""
    assert usage_of(cpu_usage=nonsense, memory_usage=nonsense) == usage_of()

    view = pod(container(requests={"cpu": nonsense, "memory": nonsense}))
    usage = container_usage(view, view.containers[0])
    assert (usage.mean_cores, usage.mean_bytes) == (0.01, 32 * MIB)


def test_without_annotations_a_pod_uses_a_part_of_its_requests() -> None:
    """Half of the CPU, three quarters of the memory."""
    assert (usage_of().mean_cores, usage_of().mean_bytes) == (1.0, 75 * MIB)


def test_a_pod_may_use_nothing() -> None:
    """Zero is said, not left out."""
    usage = usage_of(cpu_usage="0", memory_usage="0")

    assert (usage.cores(100.0), usage.core_seconds(100.0), usage.memory(100.0)) == (0.0, 0.0, 0)


def test_a_node_uses_a_little_itself() -> None:
    """Each in its own way."""
    assert 0.04 < node_usage("a").cores(0.0) < 0.06
    assert node_usage("a") == node_usage("a") != node_usage("b")

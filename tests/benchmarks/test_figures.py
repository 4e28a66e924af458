"""From what a run of the benchmark of virtual nodes saw and spent to its figures."""

import math

import pytest

from benchmarks.nodes import figures
from benchmarks.nodes.metering import LEASE_WRITES, STATUS_WRITES, Kind, Reading, Spent, spent, succeeded

METRICS = """\
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",resource="leases",subresource="",verb="PUT"} 40
apiserver_request_total{code="409",resource="leases",subresource="",verb="PUT"} 3
apiserver_request_total{code="200",resource="pods",subresource="status",verb="PATCH",version="v1"} 7
apiserver_request_total{code="200",resource="pods",subresource="status",verb="PATCH",version="v2"} 5
apiserver_request_total{code="201",resource="pods",subresource="",verb="POST"} 12
apiserver_request_duration_seconds_count{resource="pods"} 99
"""

FREE = figures.LeasePrice(agent=0.0, server=0.0)


def reading(*, at: float, agent: float, counted_at: float, requests: dict[Kind, float]) -> Reading:
    """A reading in which only the agent spends CPU time."""
    return Reading(at=at, agent=agent, server=0.0, counted_at=counted_at, requests=requests)


def cost(*, seconds: float, agent: float, server: float = 0.0, requests: dict[Kind, float] | None = None) -> Spent:
    """A stretch whose requests were counted in the same time."""
    return Spent(seconds=seconds, agent=agent, server=server, counted_seconds=seconds, requests=requests or {})


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 101)], 100, 100.0),
        ([float(n) for n in range(1, 11)], 99, 10.0),
        ([7.0], 0, 7.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], percent: float, expected: float) -> None:
    """By nearest rank, so that no latency is made up between two."""
    assert figures.percentile(values, percent) == expected


def test_nothing_measured_is_not_a_number() -> None:
    """No value and no time give NaN, which no bar takes for a good figure."""
    assert math.isnan(figures.percentile([], 99))
    assert math.isnan(figures.rate(5, first=1.0, last=1.0))


def test_only_requests_that_succeeded_are_counted() -> None:
    """A write that met a conflict is no write; series of the same kind are added up."""
    counts = succeeded(METRICS)

    assert counts["leases", "PUT"] == 40
    assert counts["pods/status", "PATCH"] == 12
    assert counts["pods", "POST"] == 12


def test_metrics_that_do_not_parse_are_an_error() -> None:
    """Half of the counts would look like all of them."""
    with pytest.raises(ValueError, match="not a line"):
        succeeded('apiserver_request_total{code="200"} ')


def test_a_stretch_is_the_difference_of_two_readings() -> None:
    """A kind that nobody had asked for before counts from nothing."""
    before = reading(at=10.0, agent=1.0, counted_at=9.0, requests={LEASE_WRITES[0]: 100.0})
    after = reading(at=20.0, agent=1.5, counted_at=21.0, requests={LEASE_WRITES[0]: 700.0, STATUS_WRITES[1]: 3.0})
    between = spent(before, after)

    assert (between.seconds, between.agent) == (10.0, 0.5)
    assert between.count(STATUS_WRITES) == 3.0
    # 600 in the 12 seconds of the counts are 500 in the 10 seconds of the CPU time
    assert between.leases == 500.0


def test_idling_gives_the_price_of_a_lease() -> None:
    """CPU seconds for 1,000 renewals, of the agent and of the API server."""
    idle = cost(seconds=10.0, agent=0.2, server=1.0, requests={LEASE_WRITES[0]: 500.0})
    found = figures.idling(idle)

    assert found["idle_cores"] == pytest.approx(0.02)
    assert found["lease_cpu"] == pytest.approx(0.4)
    assert found["lease_server_cpu"] == pytest.approx(2.0)
    assert math.isnan(figures.idling(cost(seconds=10.0, agent=0.2))["lease_cpu"])


def test_a_burst_is_told_with_and_without_its_leases() -> None:
    """Ten pods at a time of 200 lease renewals, which would have cost 0.08 CPU seconds when idle."""
    sent = {f"pod-{n}": 100.0 + n for n in range(10)}
    running = {name: at + 0.5 for name, at in sent.items()}
    writes = {STATUS_WRITES[0]: 4.0, STATUS_WRITES[1]: 6.0, LEASE_WRITES[0]: 200.0}
    price = figures.lease_price(cost(seconds=10.0, agent=0.2, server=1.0, requests={LEASE_WRITES[0]: 500.0}))
    found = figures.starting(sent, running, cost(seconds=4.0, agent=0.1, server=0.5, requests=writes), price)

    assert found["pods_rate"] == pytest.approx(10 / 9.5)
    assert (found["start_p50"], found["start_p99"], found["status_writes"]) == (0.5, 0.5, 1.0)
    assert found["pods_cpu"] == pytest.approx(10.0)
    assert found["pods_cpu_net"] == pytest.approx(2.0)
    assert found["pods_server_cpu_net"] == pytest.approx(10.0)


def test_deletions_have_figures_of_their_own() -> None:
    """Deletions a second, from the first request to the last pod seen gone."""
    sent = {"pod-0": 1.0, "pod-1": 1.5}
    found = figures.deleting(sent, {"pod-0": 2.0, "pod-1": 5.0}, cost(seconds=4.0, agent=1.0), FREE)

    assert found["deletes_rate"] == pytest.approx(0.5)
    assert found["deletes_cpu"] == pytest.approx(500.0)


def test_pods_that_came_and_went_unseen_are_told() -> None:
    """An agent too slow to run a pod before it is deleted does not get a better latency for it."""
    sent = {"pod-0": 1.0, "pod-1": 1.5}
    found = figures.churning(sent, {"pod-1": 1.75}, cost(seconds=4.0, agent=1.0), FREE)

    assert (found["never_ran"], found["start_p99"]) == (1, 0.25)
    assert found["churn_cpu"] == pytest.approx(500.0)
    assert not {"pods_rate", "pods_cpu"} & found.keys()


def test_the_node_that_warms_up_is_not_counted() -> None:
    """It came before the others, so the time until they came would count, too."""
    seen = {"virtual-0": 1.0, "virtual-1": 50.0, "virtual-2": 51.0}
    ready = {"virtual-0": 2.0, "virtual-1": 51.0, "virtual-2": 54.0}

    assert figures.registered(seen, ready, first="virtual-0") == {"nodes_rate": 0.5}
    assert figures.registered({"virtual-0": 1.0}, {"virtual-0": 2.0}, first="virtual-0") == {}

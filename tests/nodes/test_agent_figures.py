"""What an agent says of itself, worded for Prometheus and judged for health, from chosen figures."""

from dataclasses import replace

import pytest

from autox.nodes.agent.figures import ailment
from autox.nodes.agent.metrics import agent_metrics
from autox.nodes.provider import PodFigures, total
from tests.nodes.figures import agent_figures, lease_figures
from tests.usage.promtext import families


def test_every_figure_stands_under_its_name() -> None:
    """No two figures are mixed up: each has a value of its own here."""
    told = {
        " ".join((name, *(f"{key}={value}" for key, value in labels))): sample.value
        for name, family in families(agent_metrics(agent_figures())).items()
        for labels, sample in family.samples.items()
    }

    assert told == {
        "autox_nodes_info mode=cheap provider=mock server=https://10.0.0.1:6443 version=1.2.3": 1,
        "autox_nodes_wanted": 1000,
        "autox_nodes_registered": 990,
        "autox_nodes_silent": 7,
        "autox_nodes_heartbeats_total": 101,
        "autox_nodes_lease_renewals_total": 5000,
        "autox_nodes_leases_expired": 3,
        "autox_nodes_lease_duration_seconds": 40,
        "autox_nodes_lease_oldest_seconds": 9.5,
        "autox_nodes_lease_oldest_max_seconds": 12.25,
        "autox_nodes_pods state=ended": 30,
        "autox_nodes_pods state=running": 20,
        "autox_nodes_pods state=waiting": 10,
        "autox_nodes_pods_retried": 4,
        "autox_nodes_pod_status_writes_total": 600,
        "autox_nodes_pod_deletions_total": 50,
        "autox_nodes_requests_answered_total client=leases": 5011,
        "autox_nodes_requests_answered_total client=pods": 800,
        "autox_nodes_requests_throttled_total client=leases": 13,
        "autox_nodes_requests_throttled_total client=pods": 12,
        "autox_nodes_requests_waiting client=leases": 15,
        "autox_nodes_requests_waiting client=pods": 14,
        "autox_nodes_watch_interruptions_total watch=nodes": 2,
        "autox_nodes_watch_interruptions_total watch=pods": 1,
        "process_cpu_seconds_total": 33.5,
        "process_resident_memory_bytes": 88 * 2**20,
        "process_start_time_seconds": 1.7e9,
    }


def test_what_is_not_known_is_not_told() -> None:
    """Before the nodes are registered there is no lease, and provider process counts no pods: no zero stands for it."""
    told = families(agent_metrics(replace(agent_figures(), leases=None, pods=None)))

    assert not [name for name in told if "lease_" in name or "pod_" in name or name == "autox_nodes_pods"]
    assert set(told["autox_nodes_watch_interruptions_total"].samples) == {(("watch", "nodes"),)}


@pytest.mark.parametrize(
    ("server", "escaped"),
    [
        ('https://a"b', 'https://a\\"b'),
        ("https://a\\b", "https://a\\\\b"),
        ("https://a\nb", "https://a\\nb"),
        ("https://ä", "https://ä"),
        ("", ""),
    ],
    ids=["quote", "backslash", "newline", "unicode", "empty"],
)
def test_no_label_breaks_the_page(server: str, escaped: str) -> None:
    """Whatever stands in it, the page stays of the format."""
    ((labels, _),) = families(agent_metrics(agent_figures(server=server)))["autox_nodes_info"].samples.items()

    assert dict(labels)["server"] == escaped


@pytest.mark.parametrize(("seconds", "is_well"), [(0.0, True), (39.9, True), (40.0, False), (1e9, False)])
def test_an_agent_is_well_until_a_lease_runs_out(seconds: float, is_well: bool) -> None:  # noqa: FBT001
    """As soon as a lease is as old as it lasts, Kubernetes may give its node up."""
    figures = agent_figures(leases=lease_figures(oldest_seconds=seconds))

    assert (ailment(figures) == "") is is_well


def test_the_reason_has_figures() -> None:
    """Whoever is woken by it knows how bad it is."""
    reason = ailment(agent_figures(leases=lease_figures(oldest_seconds=41.2, expired=3)))

    assert reason == "the oldest lease was renewed 41 s ago and lasts 40 s; 3 of 1000 leases have run out"


def test_an_agent_without_leases_yet_is_well() -> None:
    """While it waits for its API server nothing is gained by starting it again."""
    assert ailment(agent_figures(leases=None)) == ""


def test_pods_of_several_servers_are_summed() -> None:
    """In faithful mode each node has a server of its own."""
    one = PodFigures(waiting=1, running=2, ended=3, retried=4, writes=5, deletions=6, interruptions=7)
    two = PodFigures(waiting=10, running=20, ended=30, retried=40, writes=50, deletions=60, interruptions=70)

    assert total([one, two]) == PodFigures(
        waiting=11, running=22, ended=33, retried=44, writes=55, deletions=66, interruptions=77
    )
    assert total([]) == PodFigures()

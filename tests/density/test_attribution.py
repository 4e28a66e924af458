"""Which part gave way first: each as it looks when it is slow, beside the parts that wait for it."""

from collections import Counter
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from autox.core.formats.prometheustext import CumulativeHistogram
from autox.tasks.density.load.loading import Sent
from autox.tasks.density.observation.apicalls import RESTARTED, ApiCalls
from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.verdict.attribution import culprit
from autox.tasks.density.verdict.explaining import Hindrance, notes
from autox.tasks.density.verdict.figures import STARTUP, Measured
from tests.density.samples import GOOD, all_running, measured, pod, running_pod, seen

BOUNDS = (0.005, 0.1, 0.4, 1.0, inf)


def took(*counts: int) -> CumulativeHistogram:
    """So many answers up to each bound: 5 ms, 100 ms, 400 ms, 1 s, for ever."""
    return CumulativeHistogram(BOUNDS, tuple(map(float, counts)))


QUICK, SLOW = took(100, 100, 100, 100, 100), took(0, 0, 100, 100, 100)
LATE = [(at + 8.0, running_pod(f"late-{at}", at=at + 8.0)) for at in GOOD]
"""Pods that came eight seconds late."""

SEEN_LATE = [(at + 3.0, running_pod(str(at), at=at)) for at in GOOD]
"""Pods that ran in time, of which the watcher knew nothing for three seconds."""


def calls(**parts: Any) -> ApiCalls:
    """What an API server says of itself where nothing is wrong, but for these parts."""
    quiet: dict[str, Any] = {
        "etcd": {"create": QUICK, "get": QUICK, "update": QUICK},
        "queues": {"workload-low": QUICK},
        "webhooks": {},
        "whole": {"POST/deployments": QUICK, "POST/pods": QUICK, "PATCH/pods/status": QUICK},
    }
    return ApiCalls(family="apiserver_request_sli_duration_seconds", calls={}, **(quiet | parts))


def run(*sights: tuple[float, dict[str, Any]], pings: list[float] | None = None, **parts: Any) -> Measured:
    """A run that saw these pods."""
    found = measured(seen(*sights), calls=calls(**parts))
    return replace(found, pings=[0.001] * 9 if pings is None else pings)


def test_nobody_is_to_blame_for_a_good_run() -> None:
    """Pods that came and ran in time name no part, and there is no note about one; not on a busy machine either."""
    found = run(*all_running(*GOOD), pings=[0.05] * 9)

    assert culprit(found) is None
    assert not [note for note in notes(found, Sent(created=4), Hindrance(), culprit(found)) if "gave way" in note.text]


@pytest.mark.parametrize(
    ("found", "part", "evidence"),
    [
        (run(*LATE, etcd={"create": SLOW, "update": SLOW, "get": QUICK}), "etcd", "250 ms (median of 200"),
        (run(*LATE, pings=[0.04] * 9), "the API server", "after 40 ms and more"),
        (run(*LATE, queues={"workload-low": QUICK, "system": SLOW}), "API priority and fairness", "of level system"),
        (run(*LATE, queues={"system": SLOW}, pings=[0.045] * 9), "the API server", "after 45 ms and more"),
        (run(*LATE, queues={"system": SLOW}, pings=[0.03] * 9), "the API server", "after 30 ms and more"),
        (run(*LATE, webhooks={"validating webhook a": SLOW}), "the validating webhook a", "0.397 s (p99)"),
        (run(*LATE), "the controller manager", "how many requests a second may it make"),
        (
            run(*((at + 3.0, running_pod(str(at), at=at)) for at in GOOD)),
            "the watcher of pods",
            "it saw half of them 3",
        ),
        (run(*((at, pod(str(at), at=at)) for at in GOOD)), "the scheduler", "most pods were never bound"),
        (
            run(
                *((at, pod(str(at), at=at, node="n-0")) for at in GOOD),
                *((at + 3.0, running_pod(str(at), at=at)) for at in GOOD),
            ),
            "the virtual nodes",
            "they took 3 s (median) to say of a pod that it runs",
        ),
        (replace(run(*LATE), answers=[3.0] * 4), "the load generator", "took 3 s"),
    ],
    ids=[
        "etcd",
        "server",
        "queues",
        "busy",
        "busy and queues",
        "webhook",
        "controllers",
        "watcher",
        "scheduler",
        "nodes",
        "generator",
    ],
)
def test_the_part_that_is_slow_is_named(found: Measured, part: str | None, evidence: str) -> None:
    """Each part alone is named with its own evidence, though the pods of all of them are late in the same way."""
    named = culprit(found)

    assert (named and named.part) == part
    assert evidence in str(named)


def test_the_deepest_is_named() -> None:
    """With a slow disk the queues fill and the scheduler lags; that they do is not what gave way first."""
    slow_disk = run(*LATE, etcd={"update": SLOW}, queues={"system": SLOW})

    named = culprit(slow_disk)

    assert named is not None
    assert named.part == "etcd"


def test_who_kept_the_pods_longest_is_named() -> None:
    """Pods that came a little slowly and then waited for the scheduler were blamed on the controller manager."""
    waiting = [(at + 1.5, pod(str(at), at=at + 1.5)) for at in GOOD]

    named = culprit(run(*waiting, *((at + 9.0, running_pod(str(at), at=at + 1.5)) for at in GOOD)))

    assert named is not None
    assert named.part == "the scheduler"


def test_a_server_that_hardly_answers_is_not_quick_for_its_quiet_moments() -> None:
    """Of an API server on a fifth of a processor its queues were blamed: it was quick in most pings, all before."""
    named = culprit(run(*LATE, queues={"workload-high": SLOW}, pings=[0.001] * 30 + [2.5] * 5))

    assert named is not None
    assert named.part == "the API server"
    assert "after 2500 ms and more" in named.evidence


def test_a_server_without_a_processor_has_queues_as_long_as_one_likes() -> None:
    """Its queues were blamed, since requests waited more than ten times as long in them as its answers took."""
    waited = CumulativeHistogram((1.0, 10.0, inf), (0.0, 100.0, 100.0))

    named = culprit(run(*LATE, queues={"workload-high": waited}, pings=[0.2] * 9))

    assert named is not None
    assert named.part == "the API server"


def test_a_server_without_a_processor_takes_etcd_for_slow() -> None:
    """It times etcd by its own clock while it stands still itself, so that etcd must not be blamed for it."""
    named = culprit(run(*LATE, etcd={"update": SLOW}, pings=[0.2] * 9))

    assert named is not None
    assert named.part == "the API server"


@pytest.mark.parametrize(
    "found",
    [
        replace(run(*LATE, whole={"POST/deployments": SLOW}), answers=[1.0] * 4),
        replace(run(*SEEN_LATE), news=[3.0]),
    ],
    ids=["requests", "news"],
)
def test_what_is_slow_for_everybody_is_not_ours(found: Measured) -> None:
    """An API server that takes long for requests or for news makes the test slow, which is a figure and not invalid."""
    named = culprit(found)

    assert named is not None
    assert not named.is_ours


@pytest.mark.parametrize(
    ("availability", "known", "part"),
    [
        (Availability(looks=9, ready=5, failed=Counter({"etcd": 4, "etcd-readiness": 4})), True, "etcd"),
        (Availability(looks=9, ready=5, unreachable=4), True, "the API server"),
        (Availability(looks=9, ready=9), False, "the API server"),
        (Availability(looks=16, ready=11, unreachable=4, failed=Counter({"etcd": 1})), False, "the API server"),
        (Availability(looks=16, ready=9, unreachable=2, failed=Counter({"etcd": 5})), False, "etcd"),
        (Availability(looks=9, ready=7, failed=Counter({"poststarthook/some": 2})), True, "the controller manager"),
    ],
    ids=["etcd", "unreachable", "restarted", "starting", "restarted for want of etcd", "another check"],
)
def test_what_died_is_named_before_what_is_slow(availability: Availability, known: bool, part: str) -> None:  # noqa: FBT001
    """A part that was gone for seconds makes all others slow; without its metrics the looks at it still tell."""
    found = replace(run(*LATE), availability=availability)

    named = culprit(found if known else replace(found, calls=RESTARTED))

    assert named is not None
    assert named.part == part


def test_late_pods_are_told_with_the_part_that_made_them_late() -> None:
    """A verdict on late pods said that they were late, and not why: now etcd, with what it took."""
    found = run(*LATE, etcd={"update": SLOW})

    told = list(notes(found, Sent(created=4), Hindrance(), culprit(found)))

    assert [note for note in told if "came late; etcd gave way first: a change took it 250 ms" in note.text]
    [alone] = [note for note in told if note.text.startswith("etcd gave way first")]
    assert f"{STARTUP}*" in alone.explains


def test_pods_that_a_dead_part_lost_are_told_with_it() -> None:
    """59 pods were never bound after the API server was killed, and the scheduler alone was asked for."""
    unbound = run(*((at, pod(str(at), at=at)) for at in GOOD))
    found = replace(unbound, availability=Availability(looks=9, ready=5, unreachable=4))

    told = list(notes(found, Sent(created=4), Hindrance(), culprit(found)))

    assert [note for note in told if "never bound" in note.text and "the API server gave way first" in note.text]


def test_a_control_plane_that_tells_nothing_is_not_blamed_for_it() -> None:
    """Without metrics and without pings there is no evidence, and so no part but what the pods themselves show."""
    found = replace(run(*all_running(*GOOD)), calls="GET /metrics: forbidden", pings=[])

    assert culprit(found) is None

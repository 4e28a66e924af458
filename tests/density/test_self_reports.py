"""What the parts of a control plane say of themselves, and what becomes of it in the name of the part that gave way."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from autox.tasks.density.course.components import API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER
from autox.tasks.density.course.course import Course
from autox.tasks.density.course.selfreport import SelfReport, self_report
from autox.tasks.density.observation.prober import Availability
from autox.tasks.density.verdict import hints
from autox.tasks.density.verdict.attribution import culprit
from tests.density.samples import GOOD, pod, running_pod
from tests.density.test_attribution import LATE, run, took
from tests.density.test_course import buckets, course, metrics

FSYNC, COMMIT = "etcd_disk_wal_fsync_duration_seconds", "etcd_disk_backend_commit_duration_seconds"
WAITED, QUEUE = "rest_client_rate_limiter_duration_seconds", "workqueue_queue_duration_seconds"
UNBOUND = [(at, pod(str(at), at=at, reason="Unschedulable")) for at in GOOD]
WAITING = [
    *((at, pod(str(at), at=at)) for at in GOOD),
    *((at + 4.0, running_pod(str(at), at=at)) for at in GOOD),
]
"""Pods that waited four seconds for the scheduler."""

NOTICEABLE = took(0, 100, 100, 100, 100)
"""Changes of which half took etcd 52 ms: less than what names it by the API server's count alone."""


def test_everything_that_is_said_is_heard() -> None:
    """In seconds, whatever the unit of its metric: the slower of fsync and commit, the slowest of all queues."""
    etcd = course(
        ETCD,
        f"{buckets(FSYNC, 0, 0, 0)}\n{buckets(COMMIT, 0, 0, 0)}",
        f"{buckets(FSYNC, 100, 100, 100)}\n{buckets(COMMIT, 0, 100, 100)}",
    )
    controllers = course(
        CONTROLLER_MANAGER,
        "\n".join(buckets(QUEUE, 0, 0, 0, name=name) for name in ("job", "replicaset"))
        + f"\n{buckets(WAITED, 0, 0, 0)}",
        f"{buckets(QUEUE, 9, 9, 9, name='job')}\n{buckets(QUEUE, 0, 9, 9, name='replicaset')}\n"
        f"{buckets(WAITED, 9, 9, 9)}",
    )
    server = course(
        API_SERVER,
        "process_cpu_seconds_total 10\ngo_sched_gomaxprocs_threads 2",
        "process_cpu_seconds_total 19\ngo_sched_gomaxprocs_threads 2",
    )
    scheduler = course(
        SCHEDULER, 'scheduler_pending_pods{queue="active"} 30', 'scheduler_pending_pods{queue="active"} 4'
    )

    assert self_report(etcd).disk == pytest.approx(0.991)
    assert self_report(controllers).queue == pytest.approx(0.991)
    assert self_report(controllers).controller == "replicaset"
    assert self_report(controllers).limiter == {CONTROLLER_MANAGER: pytest.approx(0.099)}
    assert metrics(controllers)["rate-limiter-wait-p99/controller-manager"].value == pytest.approx(99)
    assert self_report(server).utilization == pytest.approx(0.9)
    assert metrics(server)["cpu-utilization-mean/apiserver"].value == pytest.approx(0.9)
    assert self_report(scheduler).pending == 30


def test_of_a_cluster_elsewhere_nothing_is_known() -> None:
    """Nothing but the API server can be read there, and nothing is made up in the place of what cannot."""
    assert self_report(Course(dict.fromkeys((CONTROLLER_MANAGER, SCHEDULER, ETCD), "elsewhere"))) == SelfReport()


@pytest.mark.parametrize(
    ("sights", "own", "parts", "part", "evidence", "hint"),
    [
        pytest.param(
            LATE,
            SelfReport(disk=0.31),
            {"etcd": {"update": NOTICEABLE}},
            "etcd",
            "and its own disk up to 310 ms (p99)",
            hints.ETCD_SLOW,
            id="etcd's own word is believed earlier",
        ),
        pytest.param(
            LATE,
            SelfReport(disk=0.004),
            {"etcd": {"update": took(0, 0, 100, 100, 100)}},
            "etcd",
            "though its own disk took no more than 4 ms (p99)",
            hints.ETCD_BUSY,
            id="an etcd that is slow, and its disk is not",
        ),
        pytest.param(
            LATE,
            SelfReport(limiter={CONTROLLER_MANAGER: 4.2}, queue=9.0, controller="replicaset"),
            {},
            "the controller manager",
            "its requests waited up to 4.2 s (p99) for its own limit of requests a second",
            hints.CONTROLLER_MANAGER_THROTTLED,
            id="a controller manager that keeps itself back",
        ),
        pytest.param(
            LATE,
            SelfReport(limiter={CONTROLLER_MANAGER: 0.0}, queue=9.0, controller="replicaset"),
            {},
            "the controller manager",
            "keys waited up to 9 s (p99) in the queue of its controller replicaset",
            hints.CONTROLLER_MANAGER_BUSY,
            id="one that has too much to do",
        ),
        pytest.param(
            WAITING,
            SelfReport(limiter={SCHEDULER: 0.6}, pending=3),
            {},
            "the scheduler",
            "its requests waited up to 0.6 s (p99) for its own limit of requests a second",
            hints.SCHEDULER_THROTTLED,
            id="a scheduler that keeps itself back",
        ),
        pytest.param(
            UNBOUND,
            SelfReport(limiter={SCHEDULER: 0.0}, pending=40),
            {},
            "the scheduler",
            "up to 40 pods were in its queues",
            hints.SCHEDULER,
            id="one that has too much to do, too",
        ),
        pytest.param(
            LATE,
            SelfReport(utilization=0.97),
            {},
            "the API server",
            "it used 97% of the processors that it may use",
            hints.API_SERVER_SLOW,
            id="an API server at its limit",
        ),
        pytest.param(
            LATE,
            SelfReport(utilization=0.97, limiter={CONTROLLER_MANAGER: 4.2}),
            {},
            "the controller manager",
            "4.2 s (p99)",
            hints.CONTROLLER_MANAGER_THROTTLED,
            id="one at its limit that nobody waits for",
        ),
    ],
)
def test_what_a_part_says_of_itself_is_evidence(  # noqa: PLR0917  - a table of what is said
    sights: list[tuple[float, dict[str, Any]]],
    own: SelfReport,
    parts: dict[str, Any],
    part: str,
    evidence: str,
    hint: str,
) -> None:
    """Each names itself, and what can be done is about just that."""
    named = culprit(replace(run(*sights, **parts), own=own))

    assert named is not None
    assert named.part == part
    assert evidence in named.evidence
    assert named.hint == hint


@pytest.mark.parametrize(
    ("disk", "evidence", "hint"),
    [
        (0.31, "could not reach it, and its own disk up to 310 ms (p99)", hints.ETCD_SLOW),
        (0.004, "could not reach it", hints.ETCD_GONE),
        (None, "could not reach it", hints.ETCD_GONE),
    ],
)
def test_an_etcd_whose_disk_is_slow_is_not_taken_for_dead(disk: float | None, evidence: str, hint: str) -> None:
    """With 300 ms for each fsync the API server could not reach it three times; who read that looked for a crash."""
    away = Availability(looks=27, ready=24, failed=Counter({"etcd": 3}))

    named = culprit(replace(run(*LATE), availability=away, own=SelfReport(disk=disk)))

    assert named is not None
    assert (named.part, named.has_died, named.hint) == ("etcd", True, hint)
    assert named.evidence.endswith(evidence)


@pytest.mark.parametrize(
    ("pings", "gone", "part"),
    [
        ([0.12] * 9, frozenset[str](), "the API server"),
        ([0.12] * 9, frozenset({ETCD}), "etcd"),
        ([0.002] * 9, frozenset[str](), "etcd"),
    ],
    ids=["busy", "busy, and etcd was gone", "quick"],
)
def test_an_api_server_without_a_processor_gives_up_its_look_at_etcd(
    pings: list[float], gone: frozenset[str], part: str
) -> None:
    """On a fifth of a processor one look in 23 found etcd out of reach, and etcd was blamed, which was well."""
    away = Availability(looks=23, ready=22, failed=Counter({"etcd": 1}))

    named = culprit(replace(run(*LATE, pings=pings), availability=away, own=SelfReport(gone=gone)))

    assert named is not None
    assert named.part == part


def test_who_was_gone_is_heard() -> None:
    """A component that was restarted, and one that did not answer once; not one that was read all the time."""
    assert self_report(course(ETCD, "go_info 1", "go_info 1", started=(1.0, 2.0))).gone == {ETCD}
    assert self_report(course(ETCD, "go_info 1", "", "go_info 1")).gone == {ETCD}
    assert self_report(course(ETCD, "go_info 1", "go_info 1")).gone == frozenset()


def test_without_etcds_own_word_no_less_is_believed_than_before() -> None:
    """On a cluster where etcd cannot be asked, changes of 52 ms name nobody's disk."""
    named = culprit(run(*LATE, etcd={"update": NOTICEABLE}))

    assert named is not None
    assert named.part == "the controller manager"

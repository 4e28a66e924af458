"""A load generator that did not get to run is told by the sum of it, and by what the kernel says it was not given."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autox.core.loads.pacing import Schedule
from autox.load.cputime import Denied, Throttling
from autox.load.self_check import BEAT_SECONDS, SelfCheck
from autox.load.tally import Tally
from autox.wire.failures import ExchangeError, FailureKind

SECONDS = 4.0


def strained(late: Callable[[int], float], denied: float = 0.0) -> SelfCheck:
    """A generator over four seconds whose beats come late by a rule; ``denied`` is the share of CPU not given."""
    clock = [0.0]
    schedule = Schedule(start=0.0, qps=100, count=int(100 * SECONDS))
    self_check = SelfCheck(schedule, now=0.0, cpu=lambda: 0.0, denied=lambda: clock[0] * denied)
    number = 0
    while clock[0] < SECONDS:
        clock[0] += BEAT_SECONDS + late(number)
        self_check.beat(clock[0], waiting=False)
        number += 1
    return self_check


@pytest.mark.parametrize(
    ("late", "denied", "median", "told"),
    [
        pytest.param(lambda _: 0.071, 0.0, 2.0, "stood still for 7", id="ran 29 % of the time, slow target"),
        pytest.param(lambda _: 0.009, 0.0, 0.001, "stood still 100% of the times", id="standstills of 9 ms"),
        pytest.param(lambda n: 0.006 * (n % 3 == 0), 0.0, 0.001, "stood still 3", id="each third beat by 6 ms"),
        pytest.param(lambda _: 0.0, 0.71, 0.001, "was not given one for 71% of the time", id="CPU denied"),
        pytest.param(lambda _: 0.0, 0.45, 1.0, "was not given one for 45% of the time", id="CPU denied, slow target"),
        pytest.param(lambda _: 0.001, 0.0, 0.001, "", id="rounded timers"),
        pytest.param(lambda n: 0.006 * (n % 10 == 0), 0.3, 0.001, "", id="a busy machine"),
        pytest.param(lambda _: 0.009, 0.0, 1.0, "", id="standstills that a slow target hides"),
    ],
)
def test_the_sum(late: Callable[[int], float], denied: float, median: float, told: str) -> None:
    """Short standstills count by their sum; only single long ones did, and 29 % of the time was enough to Pass."""
    verdict = strained(late, denied).verdict(median)

    assert (told in verdict) if told else not verdict


@pytest.mark.parametrize(
    ("kind", "invalid"),
    [
        (FailureKind.TLS, False),
        (FailureKind.REFUSED, False),
        (FailureKind.PROTOCOL, False),
        (FailureKind.RESET, False),
        (FailureKind.TIMEOUT, True),
    ],
)
def test_what_no_cpu_would_mend(kind: FailureKind, *, invalid: bool) -> None:
    """Where every request failed on a certificate or on garbage nobody is told to give more CPU; everybody was."""
    tally = Tally(())
    tally.settled = 400
    tally.fail(ExchangeError(kind, "so"), sent=400)

    result = tally.result(seconds=SECONDS, self_check=strained(lambda _: 0.0, 0.9))

    assert ("give it more CPU" in result.invalid) is invalid


@pytest.mark.parametrize(
    ("own", "files", "seconds"),
    [
        pytest.param(
            "0::/\n", {"cpu.stat": "usage_usec 5\nthrottled_usec 1500000\n"}, 1.5, id="version 2 in a container"
        ),
        pytest.param("0::/pod/one\n", {"pod/cpu.stat": "throttled_usec 2000000\n"}, 2.0, id="the pod above it"),
        pytest.param(
            "4:cpu,cpuacct:/a\n0::/\n", {"cpu,cpuacct/a/cpu.stat": "throttled_time 500000000\n"}, 0.5, id="version 1"
        ),
        pytest.param(
            "1:cpu:/host/path\n", {"cpu/cpu.stat": "throttled_time 250000000\n"}, 0.25, id="version 1 in a container"
        ),
        pytest.param("0::/\n", {"cpu.stat": "usage_usec 5\n"}, 0.0, id="no quota"),
        pytest.param("nonsense", {}, 0.0, id="no control groups"),
    ],
)
def test_throttling(tmp_path: Path, own: str, files: dict[str, str], seconds: float) -> None:
    """A quota's throttling is read wherever the kernel tells it, of both versions; it was never looked at."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)

    assert Throttling(tmp_path / "own", tmp_path / "groups").seconds() == seconds


def test_denied_counts_from_its_beginning() -> None:
    """What was waited for before the load is none of it; of waiting and throttling the larger counts."""
    waited, throttled = [3.0], [10.0]
    denied = Denied(waited=lambda: waited[0], throttled=lambda: throttled[0])
    waited[0], throttled[0] = 4.0, 12.5

    assert denied.seconds() == 2.5

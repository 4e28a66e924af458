"""The logs of containers that run nothing."""

import re
from collections.abc import Callable

import pytest

from autox.nodes.kubelet.logs import LogOptions
from autox.nodes.mock.logs import KEPT, SyntheticLog, read_log, synthetic_log
from tests.usage.samples import START, pod

YEAR = 365 * 86_400.0
ALL = LogOptions()


def log_of(**annotations: str) -> SyntheticLog:
    """The log of the only container of a pod with these annotations."""
    return synthetic_log(pod(**annotations), "app", started=START)


async def read(
    log: SyntheticLog,
    options: LogOptions = ALL,
    *,
    age: float = 60.0,
    ended: Callable[[], float | None] = lambda: None,
) -> list[str]:
    """The lines of a log at an age of its container in seconds."""
    pieces = [piece async for piece in read_log(log, options, ended=ended, clock=lambda: START + age)]
    return b"".join(pieces).decode("ascii").splitlines(keepends=True)


def numbers(lines: list[str]) -> list[int]:
    """Which lines they are, counted from 0."""
    return [int(re.findall(r" line=(\d+) ", line)[0]) for line in lines]


async def test_one_line_each_few_seconds_from_the_start() -> None:
    """The first one as soon as the container is started."""
    assert numbers(await read(log_of(), age=0.0)) == [0]
    assert numbers(await read(log_of(), age=4.9)) == [0]
    assert numbers(await read(log_of(), age=15.0)) == [0, 1, 2, 3]
    assert await read(log_of(), age=-1.0) == []


async def test_a_pod_says_how_often_it_writes() -> None:
    """By an annotation, in seconds."""
    assert len(await read(log_of(log_interval_seconds="0.5"), age=10.0)) == 21
    assert len(await read(log_of(log_interval_seconds="3600"), age=7200.0)) == 3


@pytest.mark.parametrize("nonsense", ["", "often", "0", "-1", "NaN", "inf", "1e-9", "1e300", "5s", "\x00"])
async def test_a_nonsensical_interval_counts_as_none(nonsense: str) -> None:
    """Which leaves the log as it is by default."""
    assert await read(log_of(log_interval_seconds=nonsense)) == await read(log_of())


async def test_what_was_written_never_changes() -> None:
    """However often and late it is read; another pod, container or run writes something else."""
    lines = await read(log_of())
    others = [
        synthetic_log(pod(uid="uid-2"), "app", started=START),
        synthetic_log(pod(), "side", started=START),
    ]

    assert (await read(log_of(), age=1000.0))[: len(lines)] == lines
    assert len(set(lines)) == len(lines)
    for other in others:
        assert not set(await read(other)) & set(lines)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LogOptions(tail_lines=2), [11, 12]),
        (LogOptions(tail_lines=0), []),
        (LogOptions(tail_lines=10**18), list(range(13))),
        (LogOptions(since=START + 50), [10, 11, 12]),
        (LogOptions(since=START + 50.1), [11, 12]),
        (LogOptions(since=START + 50, tail_lines=1), [12]),
        (LogOptions(since=START + 58, tail_lines=5), [12]),
        (LogOptions(since=START + YEAR), []),
        (LogOptions(since=-9e18), list(range(13))),
        (LogOptions(since=9e18), []),
    ],
)
async def test_the_wanted_part(options: LogOptions, expected: list[int]) -> None:
    """The last lines, those since a time, or both."""
    assert numbers(await read(log_of(), options)) == expected


async def test_a_limit_cuts_within_a_line() -> None:
    """To the byte, as the kubelet does."""
    whole = "".join(await read(log_of()))

    for limit in (1, 79, len(whole) - 1, len(whole), len(whole) + 1):
        assert "".join(await read(log_of(), LogOptions(limit_bytes=limit))) == whole[:limit]


async def test_timestamps_are_those_of_the_lines() -> None:
    """In the kubelet's format."""
    first, second = await read(log_of(log_interval_seconds="0.25"), LogOptions(timestamps=True), age=0.3)

    assert first.startswith("2027-01-15T08:00:00.000000000Z level=")
    assert second.startswith("2027-01-15T08:00:00.250000000Z level=")


async def test_the_end_of_a_year_long_log_is_computed_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more lines are made than are asked for."""
    made: list[int] = []
    real = SyntheticLog._line

    def counted(self: SyntheticLog, number: int, *, timestamps: bool) -> str:
        made.append(number)
        return real(self, number, timestamps=timestamps)

    monkeypatch.setattr(SyntheticLog, "_line", counted)
    lines = await read(log_of(log_interval_seconds="0.001"), LogOptions(tail_lines=3), age=YEAR)

    assert len(lines) == len(made) == 3
    assert made[-1] == pytest.approx(YEAR * 1000, abs=1)


async def test_only_the_last_part_of_a_long_log_can_be_read() -> None:
    """As if it had been rotated; in pieces, so that no more of it is in memory than is being sent."""
    log = log_of(log_interval_seconds="1")
    sizes, count = [], 0
    async for piece in read_log(log, ALL, ended=lambda: None, clock=lambda: START + YEAR):
        sizes.append(len(piece))
        count += piece.count(b"\n")

    assert count == KEPT
    assert max(sizes) < 200_000


async def test_a_container_that_ended_writes_no_more() -> None:
    """Its log ends with its last line, also for a follower."""
    for options in (ALL, LogOptions(follow=True)):
        assert numbers(await read(log_of(), options, age=1000.0, ended=lambda: START + 12)) == [0, 1, 2]


async def test_a_follower_gets_each_line_when_it_is_written_until_the_end() -> None:
    """Those that there are at once, the others as time goes on."""
    times = iter(range(2, 100))
    got: list[int] = []

    def ended() -> float | None:
        return START + 6 if len(got) > 3 else None

    following = read_log(
        log_of(log_interval_seconds="1"),
        LogOptions(follow=True, tail_lines=1),
        ended=ended,
        clock=lambda: START + next(times),
    )
    async for piece in following:
        got += numbers(piece.decode().splitlines())

    assert got == [2, 3, 4, 5, 6]


async def test_a_follower_with_a_limit_gets_just_that() -> None:
    """And is not kept waiting afterwards."""
    lines = await read(log_of(), LogOptions(follow=True, limit_bytes=100))

    assert len("".join(lines)) == 100

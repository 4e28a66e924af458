"""What ``kubectl logs`` shows of a log, for each of its options."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.model.errors import NotFoundError
from autox.nodes.kubelet.logs import LogOptions, read_log
from autox.nodes.process.runtime.containers import ContainerRuntime
from tests.containers.conftest import Launching
from tests.containers.waiting import until


def record(second: int, content: bytes, tag: bytes = b"F") -> bytes:
    """A record written at ``second`` seconds past the epoch."""
    return b"1970-01-01T00:00:%02d.000000000Z stdout %b %b\n" % (second, tag, content)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three lines, one second apart; the middle one was stored in two parts."""
    path = tmp_path / "log"
    path.write_bytes(record(1, b"one") + record(2, b"tw", b"P") + record(2, b"o") + record(3, b"three"))
    return path


async def shown(log: Path, **options: object) -> bytes:
    """What is shown with these options."""
    return b"".join([piece async for piece in read_log(log, LogOptions(**options))])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, b"one\ntwo\nthree\n"),
        ({"tail_lines": 0}, b""),
        ({"tail_lines": 1}, b"three\n"),
        ({"tail_lines": 2}, b"two\nthree\n"),
        ({"tail_lines": 3}, b"one\ntwo\nthree\n"),
        ({"tail_lines": 10**12}, b"one\ntwo\nthree\n"),
        ({"since": 2.0}, b"two\nthree\n"),
        ({"since": 2.5}, b"three\n"),
        ({"since": 1e300}, b""),
        ({"since": -1e300}, b"one\ntwo\nthree\n"),
        ({"limit_bytes": 5}, b"one\nt"),
        ({"limit_bytes": 0}, b""),
        ({"limit_bytes": 10**9}, b"one\ntwo\nthree\n"),
        ({"tail_lines": 2, "limit_bytes": 2}, b"tw"),
        (
            {"tail_lines": 2, "timestamps": True},
            b"1970-01-01T00:00:02.000000000Z two\n1970-01-01T00:00:03.000000000Z three\n",
        ),
    ],
)
async def test_options(log: Path, options: dict[str, object], expected: bytes) -> None:
    """Each option shows what it says, and a line stored in parts counts and reads as one line."""
    assert await shown(log, **options) == expected


async def test_rotated_part_comes_first(log: Path) -> None:
    """What was rotated out is shown before the rest, and the tail reaches into it."""
    log.with_name("log.1").write_bytes(record(0, b"minus one") + record(0, b"zero"))

    assert await shown(log) == b"minus one\nzero\none\ntwo\nthree\n"
    assert await shown(log, tail_lines=4) == b"zero\none\ntwo\nthree\n"
    assert await shown(log, tail_lines=3) == b"one\ntwo\nthree\n"


async def test_empty_and_missing_logs(tmp_path: Path) -> None:
    """An empty log shows nothing; a log that is not there is an error in words."""
    (tmp_path / "log").touch()

    assert await shown(tmp_path / "log", tail_lines=5) == b""
    with pytest.raises(NotFoundError):
        await shown(tmp_path / "none")


@pytest.mark.parametrize(
    "damage", [b"no record\n", b"\0\0\0\n", b"\n\n\n", b"1970-01-01T00:00:02.0Z stdout F x\n", b"\xff\xfe stdout F \n"]
)
async def test_damage_is_skipped(log: Path, damage: bytes) -> None:
    """Lines that are no records are left out, and the others shown."""
    log.write_bytes(record(1, b"one") + damage + record(2, b"two") + b"1970-01-01T00:00:02.000")  # noqa: ASYNC240

    assert await shown(log) == b"one\ntwo\n"
    assert await shown(log, tail_lines=1) == b"two\n"
    assert await shown(log, tail_lines=2) == b"one\ntwo\n"


@given(
    lines=st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    tail=st.integers(0, 25),
)
def test_tail_is_the_last_lines(lines: list[bytes], tail: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """However many lines there are and whatever is in them, the tail is the end of the whole."""
    log = tmp_path_factory.mktemp("log") / "log"
    half = len(lines) // 2
    log.with_name("log.1").write_bytes(b"".join(record(1, line) for line in lines[:half]))
    log.write_bytes(b"".join(record(2, line) for line in lines[half:]))

    expected = b"".join(line + b"\n" for line in lines[max(len(lines) - tail, 0) :])
    assert asyncio.run(shown(log, tail_lines=tail)) == expected


async def test_following_ends_with_the_container(state: Path, launching: Launching) -> None:
    """Following shows lines as they come, through rotations, and ends when the container has."""
    async with ContainerRuntime(state, node="n", log_limit=4096) as runtime:
        script = "for i in $(seq 300); do echo line $i; [ $((i % 30)) -gt 0 ] || sleep 0.15; done"
        started = await runtime.start(launching("/bin/sh", "-c", script))

        followed = await shown(runtime.log_path(started.key), follow=True)

    assert followed == b"".join(b"line %d\n" % number for number in range(1, 301))


async def test_following_can_be_given_up(runtime: ContainerRuntime, launching: Launching) -> None:
    """Whoever stops following leaves no open file behind."""
    started = await runtime.start(launching("/bin/sh", "-c", "echo first; sleep 1000"))
    log = runtime.log_path(started.key)
    await until(lambda: log.stat().st_size > 0)

    pieces = read_log(log, LogOptions(follow=True))
    assert await anext(pieces) == b"first\n"
    following = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0.3)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following

    await runtime.kill(started.key)
    assert [piece async for piece in pieces] == []

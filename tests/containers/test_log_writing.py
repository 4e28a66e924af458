"""The log that a container leaves, whatever it writes and whatever the disk says to it."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autox.nodes.kubelet.logs import read_log
from autox.nodes.process.runtime.containers import ContainerRuntime
from autox.nodes.process.runtime.crilog import Log, Stream
from tests.containers.conftest import Launching, lines_of

RECORD = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] [^\n]*\n")


async def content_of(log: Path) -> bytes:
    """All that can be read of it."""
    return b"".join([piece async for piece in read_log(log)])


def assert_whole_records(log: Path) -> None:
    """Nothing but complete records is in it."""
    assert RECORD.sub(b"", log.read_bytes()) == b""


async def test_both_streams_are_kept_apart(runtime: ContainerRuntime, launching: Launching) -> None:
    """Each record names the stream it came from."""
    started = await runtime.start(launching("/bin/sh", "-c", "echo out; echo err >&2"))

    await runtime.wait(started.key)

    records = runtime.log_path(started.key).read_text().splitlines()
    assert sorted(record.split(" ", 1)[1] for record in records) == ["stderr F err", "stdout F out"]


async def test_long_lines_are_stored_in_parts(runtime: ContainerRuntime, launching: Launching) -> None:
    """A line of over 16 KiB becomes partial records and is one line again when read."""
    started = await runtime.start(launching("/bin/sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end"))

    await runtime.wait(started.key)

    log = runtime.log_path(started.key)
    tags = [record.split(" ", 3)[2] for record in log.read_text().splitlines()]
    assert tags == ["P", "P", "F", "F"]
    assert await content_of(log) == b"x" * 40000 + b"\nend\n"


async def test_missing_last_newline_stays_missing(runtime: ContainerRuntime, launching: Launching) -> None:
    """Output that does not end with a newline is kept, without one."""
    started = await runtime.start(launching("/usr/bin/printf", "a\\nb"))

    await runtime.wait(started.key)

    assert await content_of(runtime.log_path(started.key)) == b"a\nb"


async def test_garbage_is_kept_byte_for_byte(runtime: ContainerRuntime, launching: Launching) -> None:
    """A megabyte of random bytes comes back as it was written."""
    script = "head -c 1000000 /dev/urandom >garbage; cat garbage"
    started = await runtime.start(launching("/bin/sh", "-c", script))

    await runtime.wait(started.key)

    assert await content_of(runtime.log_path(started.key)) == (launching().cwd / "garbage").read_bytes()


async def test_fast_output_is_complete(state: Path, launching: Launching) -> None:
    """Tens of megabytes written as fast as the container can are all there, in order."""
    async with ContainerRuntime(state, node="n", log_limit=1 << 30) as runtime:
        started = await runtime.start(launching("/usr/bin/seq", "1", "3000000"))

        await runtime.wait(started.key)

        expected = b"".join(b"%d\n" % number for number in range(1, 3_000_001))
        assert await content_of(runtime.log_path(started.key)) == expected


async def test_log_is_rotated(state: Path, launching: Launching) -> None:
    """A log stays below twice its limit, and what is read is the newest part of it, without a gap."""
    limit = 1 << 20
    async with ContainerRuntime(state, node="n", log_limit=limit) as runtime:
        started = await runtime.start(launching("/usr/bin/seq", "1", "200000"))
        await runtime.wait(started.key)
        log = runtime.log_path(started.key)

        numbers = [int(line) for line in (await content_of(log)).split()]

        assert sorted(path.name for path in log.parent.glob("log*")) == ["log", "log.1"]
        assert all(path.stat().st_size <= limit for path in log.parent.glob("log*"))
        assert numbers == list(range(numbers[0], 200_001))


async def test_output_of_children_killed_at_the_end_is_kept(runtime: ContainerRuntime, launching: Launching) -> None:
    """What a background child wrote before it was killed is in the log."""
    started = await runtime.start(
        launching("/bin/sh", "-c", "(echo child; touch told; sleep 1000) & until [ -e told ]; do :; done")
    )

    await runtime.wait(started.key)

    assert lines_of(runtime.log_path(started.key)) == ["child"]


async def test_closed_outputs_end_nothing(runtime: ContainerRuntime, launching: Launching) -> None:
    """A container that closes its outputs runs on."""
    started = await runtime.start(launching("/bin/sh", "-c", "echo a; exec >&- 2>&-; sleep 0.2; exit 3"))

    assert (await runtime.wait(started.key)).exit_code == 3
    assert lines_of(runtime.log_path(started.key)) == ["a"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; needs root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["/bin/umount", "-l", str(disk)], check=True)


@pytest.mark.root
async def test_full_disk_holds_nothing_up(small_disk: Path, launching: Launching) -> None:
    """On a full disk the container runs to its end, which is recorded, and the log has whole records only."""
    async with ContainerRuntime(small_disk / "state", node="n", log_limit=1 << 20) as runtime:
        started = await runtime.start(launching("/bin/sh", "-c", "yes | head -c 10000000; exit 7"))

        ended = await runtime.wait(started.key)

        assert ended.exit_code == 7
        assert_whole_records(runtime.log_path(started.key))


@pytest.mark.root
async def test_dropped_output_is_counted_in_the_log(small_disk: Path, launching: Launching, tmp_path: Path) -> None:
    """Once there is room again, the log says how much is missing and why, and goes on."""
    async with ContainerRuntime(small_disk / "state", node="n", log_limit=1 << 20) as runtime:
        ballast = small_disk / "ballast"
        script = (
            "wait_for() { until [ -e $1 ]; do sleep 0.01; done; }; "
            "wait_for full; yes | head -c 9000; touch wrote; wait_for room; echo after"
        )
        started = await runtime.start(launching("/bin/sh", "-c", script))
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"x" * 300_000)
        (tmp_path / "full").touch()
        while not (tmp_path / "wrote").exists():  # noqa: ASYNC110  - another process makes it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        ballast.unlink()
        (tmp_path / "room").touch()
        await runtime.wait(started.key)

        told = lines_of(runtime.log_path(started.key))

        assert re.fullmatch(r"autox: \d+ bytes of log were dropped: No space left on device", told[-2])
        assert told[-1] == "after"


async def test_file_size_limit_holds_nothing_up(state: Path) -> None:
    """A limit on file sizes, which needs no root to set, is met like a full disk."""
    script = "yes | head -c 3000000; echo $? >status; exit 7"
    limited = (
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
        "runpy.run_module('tests.containers.noderunner', run_name='__main__')"
    )
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-c", limited, str(state), "1", script, stdout=subprocess.PIPE
    )
    ended = state / "pods/pod-0/containers/main/0/exit"
    while not ended.exists():  # noqa: ASYNC110  - another process makes it
        await asyncio.sleep(0.01)
    node.kill()
    await node.communicate()

    assert '"exitCode": 7' in ended.read_text()
    assert_whole_records(ended.with_name("log"))


@given(chunks=st.lists(st.binary(max_size=60) | st.sampled_from([b"\n", b"x" * 16384, b"y" * 16383, b"z" * 40000])))
def test_any_bytes_in_any_pieces_come_back(chunks: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """However the output arrives, reading the log gives the same bytes."""
    folder = tmp_path_factory.mktemp("log")
    before = os.open(".", os.O_PATH)
    os.chdir(folder)
    try:
        read_end, write_end = os.pipe()
        stream = Stream(b"stdout", read_end, Log(1 << 30))
        for chunk in chunks:
            os.write(write_end, chunk)
            while chunk and stream.pump():
                pass
        os.close(write_end)
        stream.finish()
        os.close(read_end)
    finally:
        os.fchdir(before)
        os.close(before)

    assert_whole_records(folder / "log")
    assert asyncio.run(content_of(folder / "log")) == b"".join(chunks)

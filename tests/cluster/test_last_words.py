"""Why a component ended, out of what real ones wrote."""

import errno
import re
from dataclasses import replace
from pathlib import Path

import pytest

from autox.cli.commands.cluster.status import status_text
from autox.cluster.component import Component
from autox.cluster.files import room, unwritable
from autox.cluster.logs import last_words
from autox.cluster.status import ClusterStatus, Phase
from autox.cluster.up import ComponentExitedError

FRAMES = """\

goroutine 1 [running]:
go.uber.org/zap/zapcore.CheckWriteAction.OnWrite(0x1?, 0x12ce564?, {0x0?, 0x0?, 0x7dbd7a0ca40?})
\tgo.uber.org/zap@v1.27.0/zapcore/entry.go:196 +0x54
main.main()
\tgo.etcd.io/etcd/server/v3@v3.6.16/main.go:31 +0x28
"""
FULL_DISK = (
    '{"level":"warn","ts":"2026-11-29T01:33:03Z","caller":"wal/wal.go:147","msg":"failed to preallocate an initial WAL '
    'file","path":"/s/d/member/wal.tmp/0.wal","segment-bytes":64000000,"error":"no space left on device"}\n'
    '{"level":"panic","ts":"2026-11-29T01:33:03Z","caller":"etcdserver/bootstrap.go:663","msg":"failed to create WAL",'
    '"error":"no space left on device","stacktrace":"go.etcd.io/etcd/server/v3/etcdserver.bootstrapNewWAL\\n\\tgo"}\n'
    "panic: failed to create WAL\n" + FRAMES
)
USAGE = "Usage:\n\n" + "\n".join(f"  --flag-{number}\n    What it does." for number in range(200)) + "\n\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            FULL_DISK,
            "failed to preallocate an initial WAL file: no space left on device: /s/d/member/wal.tmp/0.wal\n"
            "failed to create WAL: no space left on device\npanic: failed to create WAL",
            id="full-disk",
        ),
        pytest.param(
            f"flag provided but not defined: -nonsense\n{USAGE}",
            "flag provided but not defined: -nonsense",
            id="etcd-flag",
        ),
        pytest.param(
            f'invalid value "abc" for flag -quota-backend-bytes: parse error\n{USAGE}',
            'invalid value "abc" for flag -quota-backend-bytes: parse error',
            id="etcd-value",
        ),
        pytest.param(
            '{"level":"warn","msg":"failed to verify flags","error":"unknown auto-compaction-mode \\"foo\\""}\n',
            'failed to verify flags: unknown auto-compaction-mode "foo"',
            id="etcd-verified",
        ),
        pytest.param(f"{USAGE}Error: unknown flag: --nonsense\n", "Error: unknown flag: --nonsense", id="usage-first"),
        pytest.param(
            'I1129 01:33:03 1 serving.go:405] made\nE1129 01:33:03 1 run.go:72] "command failed" err="bad mode"\n',
            'E1129 01:33:03 1 run.go:72] "command failed" err="bad mode"',
            id="command-failed",
        ),
        pytest.param(f"one\ntwo\n{FRAMES}", "one\ntwo", id="no-frames"),
        pytest.param("", "", id="silence"),
        pytest.param("Error: " + "x" * 9000, "Error: " + "x" * 393 + "…", id="long"),
    ],
)
def test_what_says_why_is_shown(text: str, told: str) -> None:
    """The line that names the mistake is shown: it was the end of a usage, or five Go frames."""
    assert last_words(text) == told


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """Disk full says disk full, with the place; what earlier runs wrote to the log is not taken for it."""
    log = tmp_path / "cluster" / "logs" / "etcd.log"
    log.parent.mkdir(parents=True)
    log.write_text(FULL_DISK)
    etcd = Component(name="etcd", argv=(), environment={}, inherited={}, listeners=(), health=())
    full = ComponentExitedError(etcd, log)
    before = log.stat().st_size
    with log.open("a") as file:
        file.write("flag provided but not defined: -x\n")
    other = ComponentExitedError(etcd, log, since=before)

    assert f"the disk of {tmp_path / 'cluster'} is full" in full.message
    assert "make room" in full.hint
    assert "goroutine" not in full.message
    assert "full" not in other.message
    assert other.message.endswith("its last words:\nflag provided but not defined: -x")


def test_the_room_that_is_left() -> None:
    """`cluster status` said that etcd does not run; on a disk that filled up meanwhile it could not even log why."""
    full = ClusterStatus(name="x", phase=Phase.DEGRADED, nodes={}, versions={}, room=room(Path("/proc")))

    assert re.search(r"the disk is full: 0 MB are left in \S+/x, etcd wants 64 at a time", status_text(full))
    assert "disk" not in status_text(replace(full, room=None))


@pytest.mark.parametrize(("number", "full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EROFS, False)])
def test_files_that_find_no_room_say_so(number: int, full: bool) -> None:  # noqa: FBT001  - table
    """A file of the cluster that finds no room says that the disk is full, not to make the place writable."""
    told = unwritable(Path("/place"), OSError(number, "reason"))

    assert ("disk is full" in told.message, "make room" in told.hint) == (full, full)

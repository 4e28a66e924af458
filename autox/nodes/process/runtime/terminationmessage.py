"""The last words of a container: what it wrote to its ``terminationMessagePath``, or else the end of its log.

Limits are the kubelet's. Whatever a container may have put in the place of the file (a FIFO, a directory, gigabytes)
neither stops its node nor fills a status.
"""

import os
import stat
from pathlib import Path

from autox.kube.objects import Object
from autox.model.errors import AutoxError
from autox.nodes.kubelet.logs import LogOptions, read_log

MESSAGE_BYTES = 4096
LOG_BYTES = 2048
LOG_LINES = 80

DEFAULT_PATH = "/dev/termination-log"


def message_path(container: Object) -> str:
    """Where a container writes its last words, as it sees it."""
    return container.get("terminationMessagePath") or DEFAULT_PATH


async def termination_message(container: Object, file: Path, log: Path, *, failed: bool) -> str:
    """What a container had to say at its end; empty if nothing.

    Args:
        container: its specification in the pod.
        file: where its terminationMessagePath really is.
        log: its log.
        failed: its exit code was not 0.
    """
    message = _read(file)
    if not message and failed and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        message = (await _tail(log))[-LOG_BYTES:]
    return message.decode("utf-8", "replace")


def _read(file: Path) -> bytes:
    try:
        # NB: without O_NONBLOCK the opening of a FIFO would wait for a writer for ever.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(handle, MESSAGE_BYTES) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(handle)


async def _tail(log: Path) -> bytes:
    try:
        return b"".join([piece async for piece in read_log(log, LogOptions(tail_lines=LOG_LINES))])
    except (AutoxError, OSError):
        return b""

"""Reading a container's log as ``kubectl logs`` asks for it: the content of CRI records, not the records.

``crilog.py`` next door writes them, whole records only; whatever is not a record all the same (a torn line after
a power cut) is skipped. Following looks again every so often: a log is followed by few and for a while, so a
watch on the file system would be more machinery than it saves.

A line that was too long was stored in parts; here it is one line again, for ``tail_lines`` as well.
"""

import asyncio
import mmap
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from autox.model.errors import NotFoundError

_RECORD = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (?:stdout|stderr) ([FP]) (.*)", re.DOTALL)
_CHUNK = 256 * 1024  # bytes of records read at a time
_PAUSE = 0.1  # seconds between two looks while following


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What of a log is wanted; the fields of the API's PodLogOptions.

    Attributes:
        follow: go on until the container has ended.
        tail_lines: only so many last lines; None for all.
        since: seconds since the epoch; earlier lines are left out.
        timestamps: each line starts with the time it was written.
        limit_bytes: stop after so many bytes.
    """

    follow: bool = False
    tail_lines: int | None = None
    since: float | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


async def read_log(path: Path, options: LogOptions = LogOptions()) -> AsyncIterator[bytes]:
    """The content of the log at ``path`` (``ContainerRuntime.log_path``), in pieces of whole lines.

    Raises:
        NotFoundError: there is no such log.
    """
    left = options.limit_bytes
    async for piece in _content(path, options):
        if piece:
            yield piece[:left]
        if left is not None:
            left -= len(piece)
            if left <= 0:
                return


async def _content(path: Path, options: LogOptions) -> AsyncIterator[bytes]:
    form = _Form(options)
    file = _open(path)
    try:
        offset = 0
        rotated = path.with_suffix(".1")
        wanted = options.tail_lines
        if wanted is not None:
            offset, wanted = _tail(file, wanted)
        if (wanted is None or wanted > 0) and rotated.exists():
            with _open(rotated) as old:
                if not _same(old, file):  # the log has not been rotated in between
                    old.seek(_tail(old, wanted)[0] if wanted is not None else 0)
                    while data := old.read(_CHUNK):
                        yield form.take(data)
                        await asyncio.sleep(0)
        file.seek(offset)
        while True:
            # NB: whether it has ended is looked at before reading: what came until then is in the file.
            ended = not options.follow or (path.parent / "exit").exists() or not path.parent.exists()
            while data := file.read(_CHUNK):
                yield form.take(data)
                await asyncio.sleep(0)
            if (fresh := _rotated(file, path)) is not None:
                file.close()
                file = fresh
            elif ended:
                return
            else:
                await asyncio.sleep(_PAUSE)
                if file.tell() > os.fstat(file.fileno()).st_size:
                    file.seek(0)  # emptied in place, since there was no room to rotate
    finally:
        file.close()


class _Form:
    """Records in, wanted content out; keeps what is unfinished between two calls."""

    def __init__(self, options: LogOptions) -> None:
        self._timestamps = options.timestamps
        self._since = b"" if options.since is None else _timestamp(options.since)
        self._rest = b""
        self._continues = False

    def take(self, data: bytes) -> bytes:
        """The content of the records that are complete with ``data``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        content = []
        for line in lines:
            record = _RECORD.fullmatch(line)
            if record is None or record[1] < self._since:
                continue
            if self._timestamps and not self._continues:
                content.append(record[1] + b" ")
            content.append(record[3])
            self._continues = record[2] == b"P"
            if not self._continues:
                content.append(b"\n")
        return b"".join(content)


def _timestamp(epoch: float) -> bytes:
    """As the shim writes it, so that times compare as bytes; times that no calendar has are taken as its ends."""
    try:
        moment = datetime.fromtimestamp(epoch, UTC)
    except (OverflowError, OSError, ValueError):
        return b"" if epoch <= 0 else b"9999"
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z".encode()


def _tail(file: BinaryIO, lines: int) -> tuple[int, int]:
    """Where the last ``lines`` lines of the file start, and how many lines it is short of that."""
    size = os.fstat(file.fileno()).st_size
    if lines <= 0 or size == 0:
        return size, 0 if size else max(lines, 0)
    missing = lines
    with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as content:
        start = content.rfind(b"\n") + 1
        first = start
        while start > 0:
            begin = content.rfind(b"\n", 0, start - 1) + 1
            record = _RECORD.fullmatch(content[begin : start - 1])
            if record is not None:
                # The end of a line is a full record, or a part that nothing follows.
                if record[2] == b"F" or missing == lines:
                    if missing == 0:
                        return first, 0
                    missing -= 1
                first = begin
            start = begin
    return 0, missing


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.fstat(one.fileno()).st_ino == os.fstat(other.fileno()).st_ino


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise NotFoundError("the log is not there (any more)") from error


def _rotated(file: BinaryIO, path: Path) -> BinaryIO | None:
    """The new log, when the one being read is no longer what ``path`` names and has been read to its end."""
    try:
        fresh = _open(path)
    except NotFoundError:
        return None
    if _same(file, fresh) or os.fstat(file.fileno()).st_size > file.tell():
        fresh.close()
        return None
    return fresh

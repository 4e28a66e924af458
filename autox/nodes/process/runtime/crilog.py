"""Writing a container's log in the format of the CRI, as the shim does it.

``2016-10-06T00:17:09.669794202Z stdout F text``: time, stream, F for a line or P for a part of one, content. One
file for both streams, whole records only, so that a reader never meets half a record; ``kubelet/logs.py`` reads
it. Lines that arrive in one read share a timestamp: that is what makes 10 MB/s cost little.

Part of the shim: imports little, and no module that needs site-packages.
"""
# pathlib takes longer to import than the whole shim:
# ruff: noqa: PTH104

import errno
import os
import time

_LINE_LIMIT = 16 * 1024  # bytes; longer lines become partial ones, as in containerd
_READ_SIZE = 32 * 1024


class Log:
    """One file that both streams are written to; whole records only, rotated once, never in the container's way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fd = self._open(b"log")
        self._size = 0
        self._dropped = 0
        self._why = 0

    def append(self, records: bytes) -> None:
        """Write complete records, or drop them all and count when the disk does not take them."""
        if self._size and self._size + len(records) > self._limit:
            self._rotate()
        if self._dropped:
            note = b"autox: %d bytes of log were dropped: %s\n" % (self._dropped, os.strerror(self._why).encode())
            text = prefix(b"stderr", b"F") + note + records
        else:
            text = records
        try:
            written = 0
            while written < len(text):
                written += os.write(self._fd, text[written:])
        except OSError as error:
            self._dropped += len(records)
            self._why = error.errno or errno.EIO
            self._cut(self._size)
            return
        self._size += len(text)
        self._dropped = 0

    def _rotate(self) -> None:
        try:
            fresh = self._open(b"log.new")
            os.rename(b"log", b"log.1")
            os.rename(b"log.new", b"log")
        except OSError as error:
            self._dropped += self._size
            self._why = error.errno or errno.EIO
            self._cut(0)
        else:
            os.close(self._fd)
            self._fd = fresh
        self._size = 0

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError:
            return  # half a record stays; readers skip it

    @staticmethod
    def _open(name: bytes) -> int:
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)


class Stream:
    """stdout or stderr of the container: bytes in, records of the log out."""

    def __init__(self, name: bytes, fd: int, log: Log) -> None:
        """Read without blocking, whenever ``pump`` is called.

        Args:
            name: ``stdout`` or ``stderr``, as each record names it.
            fd: the end of the container's pipe to read from; made non-blocking.
            log: takes the records of both streams.
        """
        self.name = name
        self.fd = fd
        self._log = log
        self._rest = b""
        os.set_blocking(fd, False)

    def pump(self) -> bool:
        """Take what the pipe holds now, one read of it; False at its end or when it is empty."""
        try:
            data = os.read(self.fd, _READ_SIZE)
        except BlockingIOError:
            return False
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        full, partial = prefix(self.name, b"F"), prefix(self.name, b"P")
        if any(len(line) > _LINE_LIMIT for line in lines):
            records = b"".join(_records(line, full, partial) for line in lines)
        elif lines:
            records = full + (b"\n" + full).join(lines) + b"\n"
        else:
            records = b""
        while len(self._rest) >= _LINE_LIMIT:
            records += partial + self._rest[:_LINE_LIMIT] + b"\n"
            self._rest = self._rest[_LINE_LIMIT:]
        if records:
            self._log.append(records)
        return bool(data)

    def finish(self) -> None:
        """Drain the pipe; what has no newline stays without one (a partial record), as in containerd."""
        while self.pump():
            pass
        if self._rest:
            self._log.append(prefix(self.name, b"P") + self._rest + b"\n")


def _records(line: bytes, full: bytes, partial: bytes) -> bytes:
    records = b""
    while len(line) > _LINE_LIMIT:
        records += partial + line[:_LINE_LIMIT] + b"\n"
        line = line[_LINE_LIMIT:]
    return records + full + line + b"\n"


def prefix(stream: bytes, tag: bytes) -> bytes:
    """What a CRI record starts with: ``2016-10-06T00:17:09.669794202Z stdout F ``."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
    return b"%s.%09dZ %s %s " % (moment, nanoseconds, stream, tag)

"""Fetching one file of known SHA-256 over connections that break, stall and lie.

A partial file is kept and resumed with a Range request, in the same run or in a later one. Nothing that a server
says about ranges and lengths is believed: the checksum alone decides when the file is complete. A resumed file whose
checksum is wrong is fetched once more from its beginning (the server may have mixed two versions); a file fetched in
one piece whose checksum is wrong is refused and removed.
"""

import hashlib
import http.client
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from autox.cluster.binaries.web import InterruptedTransferError, RangeError, RefusedTransferError, Web, read
from autox.core.backoff import Backoff

_CHUNK = 262144  # bytes
_LARGEST = 1 << 30  # bytes; the largest release file is a tenth of it
_LARGEST_TEXT = 65536  # bytes; a list of checksums
_BACKOFF = Backoff(initial=0.5, limit=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a broken transfer is taken up again.

    Attributes:
        fruitless: attempts in a row that bring no new byte before giving up.
        attempts: attempts altogether.
        backoff: how long to wait after fruitless ones.
        sleep: waits so many seconds.
    """

    fruitless: int = 4
    attempts: int = 40
    backoff: Backoff = _BACKOFF
    sleep: Callable[[float], None] = time.sleep


def fetch_text(web: Web, url: str, *, patience: Patience) -> str:
    """A small text file.

    Args:
        web: opens connections, each with its deadlines.
        url: where it is; at most 64 KiB.
        patience: how many attempts may break, and how long to wait between them.

    Raises:
        UnreachableOriginError: no connection could be made; not tried again.
        RefusedTransferError: it cannot be had.
        InterruptedTransferError: all attempts broke.
    """
    failures = 0
    while True:
        try:
            with web.open(url, headers={}) as response:
                content = b""
                while chunk := read(response, _LARGEST_TEXT):
                    content += chunk
                    if len(content) > _LARGEST_TEXT:
                        raise RefusedTransferError("far too long for a list of checksums")
                return content.decode("utf-8", "replace")
        except InterruptedTransferError:
            failures += 1
            if failures >= patience.fruitless:
                raise
            patience.sleep(patience.backoff.delay(failures))


class Transfer:
    """One file on its way into a partial file."""

    def __init__(self, web: Web, url: str, *, sha256: str, seen: Callable[[int, int | None], None]) -> None:
        """Prepare to fetch.

        Args:
            web: what opens the URL.
            url: where the file is.
            sha256: what it must hash to, 64 lower-case hexadecimal digits.
            seen: told how many bytes there are by now and, if the server said so, how many there will be.
        """
        self._web = web
        self._url = url
        self._sha256 = sha256
        self._seen = seen
        self._digest = hashlib.sha256()
        self._size = 0
        self._total: int | None = None
        self._entity_tag = ""
        self._pieced = False

    def into(self, partial: Path, *, patience: Patience) -> None:
        """Fetch until the file is complete and its checksum right.

        Raises:
            UnreachableOriginError: no connection could be made; the partial file stays.
            InterruptedTransferError: too many attempts broke; the partial file stays.
            RefusedTransferError: the server refuses, or the content is wrong; the partial file is removed.
            OSError: the partial file cannot be written; network errors never come as OSError.
        """
        partial.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("a+b") as file:
            try:
                self._take_up(file)
                self._persist(file, patience)
            except (RefusedTransferError, OSError):
                partial.unlink(missing_ok=True)
                raise

    def _take_up(self, file: IO[bytes]) -> None:
        file.seek(0)
        while self._size <= _LARGEST and (chunk := file.read(_CHUNK)):
            self._digest.update(chunk)
            self._size += len(chunk)
        self._pieced = self._size > 0
        if self._size > _LARGEST:
            self._restart(file)

    def _persist(self, file: IO[bytes], patience: Patience) -> None:
        best, fruitless = self._size, 0
        for _ in range(patience.attempts):
            if self._complete():
                return
            try:
                self._attempt(file)
            except RangeError as error:
                if not self._size:
                    raise RefusedTransferError(str(error)) from error
                self._restart(file)
            except InterruptedTransferError as error:
                fruitless = 0 if self._size > best else fruitless + 1
                best = max(best, self._size)
                if fruitless >= patience.fruitless:
                    raise InterruptedTransferError(f"{error}, {fruitless} times in a row") from error
                if fruitless:
                    patience.sleep(patience.backoff.delay(fruitless))
        if not self._complete():
            raise InterruptedTransferError(f"not complete after {patience.attempts} attempts")

    def _complete(self) -> bool:
        return self._size > 0 and self._digest.hexdigest() == self._sha256

    def _attempt(self, file: IO[bytes]) -> None:
        """One request: append what comes.

        Raises:
            InterruptedTransferError: it ended too early.
            RefusedTransferError: all has come, in one piece, and it is wrong.
        """
        with self._web.open(self._url, headers=self._conditions()) as response:
            self._agree(response, file)
            while chunk := read(response, _CHUNK):
                self._size += len(chunk)
                if self._size > _LARGEST:
                    raise RefusedTransferError("far too long for a release file")
                file.write(chunk)
                self._digest.update(chunk)
                self._seen(self._size, self._total)
        file.flush()
        if self._complete():
            return
        if self._total is not None and self._size < self._total:
            raise InterruptedTransferError("the transfer ended too early")
        if not self._pieced:
            raise RefusedTransferError(
                f"wrong checksum: its SHA-256 is {self._digest.hexdigest()}, published is {self._sha256}"
            )
        self._restart(file)

    def _conditions(self) -> dict[str, str]:
        if not self._size:
            return {}
        conditions = {"Range": f"bytes={self._size}-"}
        return conditions | {"If-Range": self._entity_tag} if self._entity_tag else conditions

    def _agree(self, response: http.client.HTTPResponse, file: IO[bytes]) -> None:
        """Find out where in the file the body of this answer belongs."""
        if response.status == HTTPStatus.OK:
            self._restart(file)
            self._total = response.length
            tag = response.headers.get("ETag", "")
            self._entity_tag = tag if tag.startswith('"') else ""  # a weak tag does not vouch for ranges
            return
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            raise RefusedTransferError(f"HTTP {response.status} where a file was expected")
        stated = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)", response.headers.get("Content-Range", ""))
        if stated is None or int(stated[1]) != self._size:
            raise RangeError("the server answered with another range")
        self._pieced = True
        self._total = None if stated[2] == "*" else int(stated[2])

    def _restart(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()
        self._digest = hashlib.sha256()
        self._size, self._total, self._pieced, self._entity_tag = 0, None, False, ""

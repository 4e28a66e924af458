"""The logs of components: the last lines, and following along."""

import time
from collections.abc import Iterator
from pathlib import Path

from autox.model.errors import NotFoundError

POLL_SECONDS = 0.2
BLOCK = 64 * 1024


def tail(log: Path, *, lines: int) -> str:
    """The last lines of a log, undecodable bytes replaced; empty where there is no log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            content = b""
            while size > 0 and content.count(b"\n") <= lines:
                step = min(BLOCK, size)
                size -= step
                file.seek(size)
                content = file.read(step) + content
    except OSError:
        return ""
    last = content.decode(errors="replace").splitlines()[-lines:] if lines else []
    return "\n".join(last)


def written(log: Path, *, since: int, limit: int = 256 * 1024) -> str:
    """What stands in a log from some place on; empty where there is no log.

    Args:
        log: undecodable bytes in it are replaced.
        since: bytes to pass over: how long it was before.
        limit: bytes; of more than that, the last ones.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, 2) - limit))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def follow(log: Path, *, lines: int) -> Iterator[str]:
    """The last lines, then whatever is appended, until the caller stops; a log that starts anew is read anew.

    Raises:
        NotFoundError: there is no such log.
    """
    if not log.is_file():
        raise NotFoundError(f"there is no log {log}")
    # NB: the position is taken first: what is appended while the caller holds the first lines must not be lost.
    position = log.stat().st_size
    yield "".join(f"{line}\n" for line in tail(log, lines=lines).splitlines())
    while True:
        time.sleep(POLL_SECONDS)
        try:
            size = log.stat().st_size
            if size < position:
                position = 0
            if size > position:
                with log.open("rb") as file:
                    file.seek(position)
                    content = file.read(size - position)
                position += len(content)
                yield content.decode(errors="replace")
        except FileNotFoundError:
            return

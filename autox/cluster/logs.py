"""The logs of components: the last lines, following along, and which of them tell why a component ended.

etcd tells a full disk in one line of JSON and then prints thirty Go frames; it tells a wrong flag before its whole
usage, and kube-scheduler behind 250 lines of it. So the lines are chosen that say why, not the usage or the stack
behind them; where no line is known to say why, the last ones are shown that are no frames.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from autox.model.errors import NotFoundError

POLL_SECONDS = 0.2
BLOCK = 64 * 1024
LINES = 5
LONGEST = 400
_TELLING = re.compile(
    r"no space left on device|disk quota exceeded|read-only file system|too many open files"
    r"|^flag provided but not defined|^invalid (?:boolean )?value .* for flag|unknown flag|^Error: "
    r'|"command failed"|^panic: |^fatal error: |^F\d{4} |"level":"(?:panic|fatal|error)"|failed to verify flags'
    r"|^error: |^[\w.]+Error: "
)
_FRAMES = re.compile(r"^goroutine \d+ \[|^\t|^\S+\(.*\)$|^created by ")
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


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


def last_words(text: str) -> str:
    """The lines of a log that tell why its writer ended, at most five.

    Args:
        text: what it wrote in its last run, or the end of that.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    chosen = telling or [line for line in lines if not _FRAMES.search(line)]
    return "\n".join(list(dict.fromkeys(map(_legible, chosen)))[-LINES:])


def is_disk_full(text: str) -> bool:
    """Does somebody say there that the disk is full?"""
    return _FULL.search(text) is not None


def _legible(line: str) -> str:
    """A line of JSON as its message and its error; any other as it is, up to where it gets too long."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("msg"), str):
        line = ": ".join(str(said[key]) for key in ("msg", "error", "path") if said.get(key))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"

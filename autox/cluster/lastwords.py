"""Why a component ended, by what it wrote last (pure): the lines that say so, not the usage or the stack behind them.

etcd tells a full disk in one line of JSON and then prints thirty Go frames; it tells a wrong flag before its whole
usage, and kube-scheduler behind 250 lines of it. Where no line is known to say why, the last ones are shown that are no
frames.
"""

import json
import re

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

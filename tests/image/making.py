"""The image of this checkout, made once in a run of tests that is spread over processes, by who needs it first.

Where the run is one process, those who look at the image make it, and those who only bring it to a node take the one
that is there, as ``make image`` leaves it: a test of a node is tried again without a minute's wait.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "image"
ARCHIVE = PLACE / "autox.tar"
"""As ``make image`` leaves it."""
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
_NOTE = PLACE.with_name("image.made")
"""By which run it was made, and what was said; whoever makes it holds a lock on this file."""


def make(place: Path, *, work: Path | None = None) -> str:
    """Build the image into a directory, in a place to work in; what was printed."""
    environ = {**os.environ, **({"TMPDIR": str(work)} if work else {})}
    argv = [sys.executable, "-m", "image.build", "--output", str(place)]
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(*, work: Path | None = None) -> str:
    """See to it that the image is there and of this run; what its build printed."""
    _NOTE.parent.mkdir(exist_ok=True)
    with _NOTE.open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        run, _, said = note.read().partition("\n")
        if _RUN and run == _RUN:
            return said
        note.truncate(0)
        said = make(PLACE, work=work)
        note.write(f"{_RUN}\n{said}")
        return said


def archive() -> Path:
    """The image to bring to a node."""
    if _RUN:
        made()
    return ARCHIVE
